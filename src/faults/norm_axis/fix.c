/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TSS: the nodes that normalise the input channel by channel get the axis on which its channels are. */
#include "faults/strategy.h"

#include <stdlib.h>
#include <string.h>

int ff_fix_normalisation(ff_proposing *p, const ff_finding *f)
{
    if (!ff_caused_by(f, FF_CAUSE_NORMALISATION_AXIS))
        return FF_OK;
    const ff_plan *plan = p->subject->target.canon->plan;
    ff_patch *patch = ff_patch_create();
    const ff_attr axis = {.name = "axis", .type = FF_ATTR_INT, .i = f->hint->axis};
    int rc = FF_OK;
    for (int i = 0; i < f->n_target_nodes && rc == FF_OK; i++) {
        const ff_node *n = f->target_nodes[i];
        if (strcmp(n->op, "Unsqueeze") == 0)
            rc = ff_write_axes(plan, patch, n, (const int64_t[]){f->hint->axis}, 1);
        else
            ff_patch_set_attr(patch, ff_node_address(n), &axis);
    }
    if (rc != FF_OK) {
        ff_patch_destroy(patch);
        return rc;
    }
    ff_proposing_add(p, f, NULL, patch,
                     ff_asprintf("normalise the channels of the input along axis %d", f->hint->axis));
    return FF_OK;
}
