/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The faults of the present state as bundles, a folder each. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "session/case/case.h"

/* Made when it is not there; one that holds anything is left alone without `force`. */
static int take_folder(const char *path, bool force)
{
    DIR *d = opendir(path);
    if (!d) {
        if (errno != ENOENT || mkdir(path, 0777))
            return ff_fail(FF_ERR_USAGE, "'%s' cannot be made: %s", path, strerror(errno));
        return FF_OK;
    }
    struct dirent *e;
    bool empty = true;
    while (empty && (e = readdir(d)))
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    closedir(d);
    return empty || force ? FF_OK : ff_fail(FF_ERR_USAGE, "'%s' is not empty; --force writes into it", path);
}

static void tell(ff_case *c, char *line)
{
    case_note(c, "%s", line);
    c->announce(c->context, line);
    free(line);
}

int case_repro(ff_case *c, const char *folder, const char *id, bool force)
{
    if (!folder || !*folder)
        return ff_fail(FF_ERR_USAGE, "repro needs a folder");
    int code = case_need_search(c), seen = 0;
    if (!code)
        code = take_folder(folder, force);
    for (int i = 0; !code && i < c->findings->count; i++) {
        const ff_finding *f = &c->findings->at[i];
        if (id && *id && strcmp(id, f->id) != 0)
            continue;
        char *at = ff_asprintf("%s/%02d-%s-%s", folder, i + 1, ff_fault_type_name(f->type), f->cause->name);
        ff_repro r;
        seen++;
        code = ff_check_cancel(&c->task);
        if (!code)
            code = ff_repro_write(c->subject, f, c->findings, c->proposals, at, force, &c->task, &r);
        if (!code)
            tell(c, ff_asprintf("%s: %d node%s, %.3g off: %s", at, r.n_nodes, r.n_nodes == 1 ? "" : "s", r.error,
                                f->summary));
        else if (code == FF_ERR_USAGE) /* that one has none; the others may */
            tell(c, ff_asprintf("%s: %s", f->id, ff_error())), code = FF_OK;
        free(at);
    }
    return code || seen || !id || !*id ? code : ff_fail(FF_ERR_USAGE, "there is no open fault '%s'", id);
}
