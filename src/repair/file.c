/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetafix/repair.h"

#include <stdlib.h>
#include <string.h>

static const char magic[] = "FETAFIX-PATCH 1\n";
#define MAX_BYTES (UINT64_C(8) << 30)

void ff_repair_file_finish(ff_repair_file *p)
{
    free(p->pre);
    ff_patch_destroy(p->patch);
    *p = (ff_repair_file){0};
}

int ff_repair_file_read(const char *path, ff_repair_file *out)
{
    char *data;
    size_t size, head = sizeof magic - 1;
    int code = ff_read_file(path, MAX_BYTES, &data, &size);
    if (code)
        return code;
    ff_repair_file p = {0};
    char *hex = data + head, *pre = hex + 65;
    const char *end = NULL;
    if (size > head + 65 && memcmp(data, magic, head) == 0 && hex[64] == '\n') {
        hex[64] = '\0';
        end = memchr(pre, '\n', size - head - 65);
    }
    if (!end || !ff_key_parse(hex, &p.target)) {
        code = ff_fail(FF_ERR_INPUT, "'%s' is not a repair that FetaFix wrote", path);
    } else {
        if (end > pre)
            p.pre = ff_strndup(pre, (size_t)(end - pre));
        end++;
        code = ff_patch_parse(end, size - (size_t)(end - data), &p.patch);
        if (code)
            code = ff_fail_prefix(FF_ERR_INPUT, "'%s'", path);
    }
    free(data);
    if (code) {
        ff_repair_file_finish(&p);
        return code;
    }
    *out = p;
    return FF_OK;
}

int ff_repair_file_write(const ff_repair_file *p, const char *path, bool force)
{
    char hex[65], *bytes;
    size_t size;
    int code = ff_patch_serialize(p->patch, &bytes, &size);
    if (code)
        return code;
    ff_buf b = {0};
    ff_key_hex(&p->target, hex);
    ff_buf_printf(&b, "%s%s\n%s\n", magic, hex, p->pre ? p->pre : "");
    ff_buf_add(&b, bytes, size);
    code = ff_write_file(path, b.data, b.len, force);
    ff_buf_finish(&b);
    free(bytes);
    return code;
}
