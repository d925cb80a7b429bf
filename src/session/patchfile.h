/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A repair as a file: which model it is for, which preprocessing it ends with, and the edits.
 *
 *     FETAFIX-PATCH 1\n   sha256 of the model, in hex\n   preprocessing spec, or an empty line\n
 * ff_patch_serialize
 */
#ifndef FETAFIX_SESSION_PATCHFILE_H
#define FETAFIX_SESSION_PATCHFILE_H

#include "fetafix/model.h"

typedef struct patch_file {
    ff_key target;
    char *pre; /* NULL: unchanged */
    ff_patch *patch;
} patch_file;

int patch_file_read(const char *path, patch_file *out) FF_MUST_USE;
int patch_file_write(const patch_file *p, const char *path, bool force) FF_MUST_USE;
void patch_file_finish(patch_file *p);

#endif
