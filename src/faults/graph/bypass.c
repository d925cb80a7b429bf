/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CG: nodes that hand on another form of the one value they read (a scale that the conversion put in) are passed by. */
#include "faults/strategy.h"

/* What the node makes something else of; NULL: not one value of the same dims. */
static const ff_value *handed_on(const ff_plan *p, const ff_node *n)
{
    const ff_value *found = NULL;
    for (int i = 0; i < n->n_inputs; i++) {
        if (!n->inputs[i] || ff_plan_constant(p, n->inputs[i]))
            continue;
        if (found && found != n->inputs[i])
            return NULL;
        found = n->inputs[i];
    }
    if (!found || n->n_outputs < 1 || !n->outputs[0])
        return NULL;
    const ff_shape *a = ff_plan_shape(p, found), *b = ff_plan_shape(p, n->outputs[0]);
    return a->rank >= 0 && ff_same_axes(a, b) ? found : NULL;
}

bool ff_fix_bypass(ff_proposing *p, const ff_finding *f)
{
    const ff_plan *plan = p->subject->target.canon->plan;
    for (int i = 0; i < f->n_target_nodes; i++)
        if (!handed_on(plan, f->target_nodes[i]))
            return false;
    ff_patch *patch = ff_patch_create();
    for (int i = f->n_target_nodes - 1; i >= 0; i--) {
        const ff_node *n = f->target_nodes[i];
        const ff_value *y = n->outputs[0];
        const char *from = handed_on(plan, n)->name;
        if (!y->is_output) {
            ff_patch_redirect(patch, y->name, from);
            ff_patch_remove_node(patch, y->name);
            continue;
        }
        /* Who runs the file asks for it by its name. */
        ff_patch_replace_node(patch, y->name,
                              &(ff_node_spec){.name = n->name,
                                              .op = "Identity",
                                              .domain = "",
                                              .n_inputs = 1,
                                              .n_outputs = 1,
                                              .inputs = &from,
                                              .outputs = &y->name});
    }
    ff_proposing_add(p, f, NULL, patch, ff_asprintf("take out what the Source does not have: %s", f->summary));
    return true;
}
