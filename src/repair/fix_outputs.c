/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CG: the Source's answer becomes the Target's output; the others go. */
#include "repair/strategy.h"

#include <stdlib.h>

int ff_fix_outputs(ff_proposing *p, const ff_finding *f)
{
    if (f->hint->n_outputs < 1)
        return FF_OK;
    ff_patch *patch = ff_patch_create();
    ff_patch_set_outputs(patch, f->hint->n_outputs, f->hint->outputs);
    char *name = ff_visible(f->hint->outputs[0]);
    ff_proposing_add(p, f, NULL, patch, ff_asprintf("make '%s' the output", name));
    free(name);
    return FF_OK;
}
