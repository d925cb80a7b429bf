/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CG: the Source's answers become the Target's outputs, in its order; others go. */
#include "faults/strategy.h"

#include <stdlib.h>

int ff_fix_outputs(ff_proposing *p, const ff_finding *f)
{
    if (f->hint->n_outputs < 1)
        return FF_OK;
    ff_patch *patch = ff_patch_create();
    ff_patch_set_outputs(patch, f->hint->n_outputs, f->hint->outputs);
    ff_buf names = {0};
    for (int i = 0; i < f->hint->n_outputs; i++) {
        char *name = ff_visible(f->hint->outputs[i]);
        ff_buf_printf(&names, "%s'%s'", i ? ", " : "", name);
        free(name);
    }
    ff_proposing_add(p, f, NULL, patch,
                     ff_asprintf("make %s the output%s", names.data, f->hint->n_outputs > 1 ? "s, in this order" : ""));
    ff_buf_finish(&names);
    return FF_OK;
}
