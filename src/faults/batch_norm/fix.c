/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WB of a batch normalisation: its constants become the Source's where both sides keep it as a node, else what it multiplies
 * and what it adds do, in one step. */
#include "faults/batch_norm/batch_norm.h"
#include "faults/weights/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* scale = g / sqrt(variance + epsilon), shift = b - mean * scale: g and b are solved for. */
int ff_put_norm(ff_put *p, const ff_node *bn, const ff_cparam *scale, const ff_cparam *shift)
{
    ff_norm norm;
    const ff_cparam *now_scale, *now_shift;
    const ff_tensor *g = NULL;
    if (ff_norm_of(p->s->target.canon, p->node, &norm) && norm.node == bn)
        g = norm.constants[FF_NORM_SCALE];
    if (!g || !ff_norm_params(p->node, &now_scale, &now_shift) || (!scale && !shift))
        return FF_OK;
    const ff_cparam *a = scale ? scale : now_scale, *b = shift ? shift : now_shift;
    if (a->tensor->count != g->count || b->tensor->count != g->count || now_scale->tensor->count != g->count)
        return FF_OK;
    ff_tensor *new_g = NULL, *new_b = NULL;
    int rc = ff_tensor_writable(g, &new_g);
    if (rc == FF_OK)
        rc = ff_tensor_writable(g, &new_b);
    for (int64_t c = 0; rc == FF_OK && c < g->count; c++) {
        double by = ff_tensor_get_real(a->tensor, c),
               variance = ff_tensor_get_real(norm.constants[FF_NORM_VARIANCE], c);
        ff_tensor_set_real(new_g, c, by * sqrt(variance + norm.epsilon));
        ff_tensor_set_real(new_b, c,
                           ff_tensor_get_real(b->tensor, c) + ff_tensor_get_real(norm.constants[FF_NORM_MEAN], c) * by);
    }
    if (rc == FF_OK && scale)
        rc = ff_write_constant(p->plan, p->patch, bn, 1 + FF_NORM_SCALE, new_g, p->stem);
    if (rc == FF_OK) {
        char *stem = ff_asprintf("%s_shift", p->stem);
        rc = ff_write_constant(p->plan, p->patch, bn, 1 + FF_NORM_SHIFT, new_b, stem);
        free(stem);
    }
    p->made = rc == FF_OK;
    ff_tensor_unref(new_g);
    ff_tensor_unref(new_b);
    return rc;
}

static int copy_constants(ff_put *p, const ff_norm *from, const ff_norm *to)
{
    int rc = FF_OK;
    for (int k = 0; k < FF_NORM_CONSTANTS && rc == FF_OK; k++) {
        const ff_tensor *mine = to->constants[k], *wanted = from->constants[k];
        const ff_value *v = to->node->inputs[k + 1];
        if (mine->bytes == wanted->bytes && memcmp(mine->data, wanted->data, mine->bytes) == 0)
            continue;
        char *stem = ff_asprintf("%s_repaired", v->name);
        rc = ff_write_constant(p->plan, p->patch, to->node, k + 1, wanted, stem);
        free(stem);
        p->made = rc == FF_OK;
    }
    return rc;
}

/* The two parameters one after the other: neither has a part in how the other is stored. */
static int put_both(ff_put *p, const ff_cnode *source)
{
    const ff_cparam *scale, *shift, *wanted_scale, *wanted_shift;
    if (!ff_norm_params(p->node, &scale, &shift) || !ff_norm_params(source, &wanted_scale, &wanted_shift))
        return FF_OK;
    if (scale->folded && strcmp(p->node->primary->op, "BatchNormalization") == 0)
        return ff_put_norm(p, p->node->primary, wanted_scale, wanted_shift);
    if (strcmp(p->node->op, "Affine") == 0) {
        p->mine = scale;
        p->stem = ff_put_stem(p);
        int rc = ff_put_affine(p, wanted_scale, wanted_shift);
        free(p->stem);
        p->stem = NULL;
        if (rc != FF_OK || p->made)
            return rc;
    }
    for (int i = 0; i < 2; i++) {
        p->mine = i ? shift : scale;
        p->wanted = i ? wanted_shift : wanted_scale;
        p->stem = ff_put_stem(p);
        p->made = false;
        int rc = ff_put_weights(p);
        free(p->stem);
        p->stem = NULL;
        if (rc != FF_OK || !p->made)
            return rc;
    }
    return FF_OK;
}

int ff_fix_norm(ff_proposing *p, const ff_finding *f)
{
    const ff_subject *s = p->subject;
    if (!f->hint->normalisation)
        return FF_OK;
    const ff_cnode *source = &s->source.canon->nodes[f->hint->source_cnode];
    ff_put put = {.s = s,
                  .plan = s->target.canon->plan,
                  .node = &s->target.canon->nodes[f->hint->target_cnode],
                  .patch = ff_patch_create()};
    ff_norm from, to;
    bool both = ff_norm_both(s, source, put.node, &from, &to);
    int rc = both ? copy_constants(&put, &from, &to) : put_both(&put, source);
    if (rc == FF_OK && put.made) {
        char *label = ff_visible((both ? to.node : put.node->primary)->label);
        ff_proposing_add(p, f, NULL, put.patch,
                         ff_asprintf(both ? "make the batch normalisation of '%s' the Source's"
                                          : "make what '%s' multiplies and adds the Source's",
                                     label));
        put.patch = NULL;
        free(label);
    }
    ff_patch_destroy(put.patch);
    return rc == FF_ERR_GRAPH ? FF_OK : rc;
}
