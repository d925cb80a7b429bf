/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the photographs and the reference inputs are; tests that need them skip without. */
#ifndef FETAFIX_TESTS_IMAGES_REAL_H
#define FETAFIX_TESTS_IMAGES_REAL_H

#include <stdlib.h>
#include <unistd.h>

static inline const char *real_data(void)
{
    const char *folder = getenv("FETAFIX_DATA");
    if (!folder || !*folder)
        folder = DATA_BESIDE_SOURCE;
    return access(folder, R_OK) == 0 ? folder : NULL;
}

#endif
