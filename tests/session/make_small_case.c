/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes the small case into a folder: for tests that are scripts. */
#include <stdio.h>

#include "small_case.h"

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    int code = small_case_make(argv[1]);
    if (code)
        fprintf(stderr, "%s\n", ff_error());
    return ff_exit_code(code);
}
