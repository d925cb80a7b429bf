/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of this layer share. */
#ifndef FETAFIX_TESTS_MODEL_SUPPORT_H
#define FETAFIX_TESTS_MODEL_SUPPORT_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetafix/model.h"

/* Folder of real data (FETAFIX_DATA, else where the source tree has it); NULL: not there. */
static inline char *test_data(const char *name)
{
    const char *root = getenv("FETAFIX_DATA");
    char *path = ff_path_join(root ? root : TEST_DATA, name);

    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

/* Folder of the Debian package libonnx-testdata; NULL: not installed. */
static inline char *test_onnx_data(const char *name)
{
    char *path = ff_path_join("/usr/share/libonnx-testdata/data", name);

    if (access(path, R_OK) == 0)
        return path;
    free(path);
    return NULL;
}

#endif
