/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TSS: the nodes that normalise the input channel by channel get the axis on which its channels are. */
#include "repair/strategy.h"

#include <stdlib.h>
#include <string.h>

/* Unsqueeze has its axes as an attribute, from opset 13 on as an input. */
static int set_unsqueeze(const ff_plan *plan, ff_patch *patch, const ff_node *n, int64_t axis)
{
    const ff_attr a = {.name = "axes", .type = FF_ATTR_INTS, .n = 1, .ints = &axis};
    if (n->n_inputs == 1) {
        ff_patch_set_attr(patch, ff_node_address(n), &a);
        return FF_OK;
    }
    ff_tensor *t;
    int rc = ff_tensor_create(FF_INT64, 1, (const int64_t[]){1}, &t);
    if (rc != FF_OK)
        return rc;
    ff_tensor_set_int(t, 0, axis);
    char *stem = ff_asprintf("%s_axes_repaired", ff_node_address(n));
    rc = ff_write_constant(plan, patch, n, 1, t, stem);
    free(stem);
    ff_tensor_unref(t);
    return rc;
}

int ff_fix_normalisation(ff_proposing *p, const ff_finding *f)
{
    if (strcmp(f->cause, "normalisation-axis") != 0)
        return FF_OK;
    const ff_plan *plan = p->subject->target.canon->plan;
    ff_patch *patch = ff_patch_create();
    const ff_attr axis = {.name = "axis", .type = FF_ATTR_INT, .i = f->hint->axis};
    int rc = FF_OK;
    for (int i = 0; i < f->n_target_nodes && rc == FF_OK; i++) {
        const ff_node *n = f->target_nodes[i];
        if (strcmp(n->op, "Unsqueeze") == 0)
            rc = set_unsqueeze(plan, patch, n, f->hint->axis);
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
