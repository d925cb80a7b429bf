/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ID: the input takes the Source's dimensions, and its readers see the Source's order. */
#include "localize/axes.h"
#include "repair/strategy.h"

#include <stdlib.h>
#include <string.h>

static bool transposed(const ff_node *n)
{
    return n && !*n->domain && strcmp(n->op, "Transpose") == 0;
}

/* The order in which reader n sees the axes of the input now, against that of the Source's input. */
static bool wanted_perm(const ff_subject *s, const ff_value *input, const ff_node *n, int *perm, int *rank)
{
    const ff_canon *c = s->target.canon;
    const ff_cvalue *in = &c->values[c->inputs[0]];
    const ff_shape *shape = ff_plan_shape(c->plan, input);
    int axis[FF_MAX_RANK], to_source[FF_MAX_RANK], source_axis[FF_MAX_RANK];
    const ff_canon *sc = s->source.canon;
    const ff_cvalue *sin = &sc->values[sc->inputs[0]];
    if (sc->n_inputs != 1 || !ff_cvalue_axes(in, shape, axis) ||
        !ff_cvalue_axes(sin, ff_plan_shape(sc->plan, ff_model_graph(s->source.model)->inputs[0]), source_axis))
        return false;
    *rank = shape->rank;
    /* Axis axis[i] of what is read now is canonical axis i, which is axis source_axis[i] of the Source's. */
    for (int i = 0; i < *rank; i++)
        to_source[axis[i]] = source_axis[i];
    const int64_t *given = NULL;
    size_t count = transposed(n) ? ff_node_ints(n, "perm", &given) : 0;
    for (int i = 0; i < *rank; i++) {
        int from = !transposed(n) ? i : count ? (int)given[i] : *rank - 1 - i;
        perm[i] = to_source[from];
    }
    return true;
}

/* What a residual Transpose in the canonical view asks for on top, when n is where it comes from. Tells whether. */
static bool correct(const ff_subject *s, const ff_node *n, int *perm, int rank)
{
    const ff_canon *c = s->target.canon;
    int at = ff_canon_of(c, n), have[FF_MAX_RANK], inverse[FF_MAX_RANK], fixed[FF_MAX_RANK], k;
    if (at < 0 || !ff_cnode_perm(&c->nodes[at], have, &k) || k != rank || s->alignment->of_target[at] < 0 ||
        s->alignment->pairs[s->alignment->of_target[at]].source >= 0)
        return false;
    ff_perm_invert(have, rank, inverse);
    for (int i = 0; i < rank; i++)
        fixed[i] = perm[inverse[i]];
    memcpy(perm, fixed, (size_t)rank * sizeof *perm);
    return true;
}

int ff_fix_input(ff_proposing *p, const ff_finding *f)
{
    const ff_subject *s = p->subject;
    const ff_value *input = f->hint->input;
    const ff_shape *shape = &f->hint->shape;
    if (!s->target.canon || s->target.canon->n_inputs != 1 || !s->alignment)
        return FF_OK;
    const ff_node *reader = input->n_users == 1 && transposed(input->users[0].node) ? input->users[0].node : NULL;
    int perm[FF_MAX_RANK], rank;
    if (!wanted_perm(s, input, reader, perm, &rank) || rank != shape->rank)
        return FF_OK;
    bool corrected = reader && correct(s, reader, perm, rank);

    ff_patch *patch = ff_patch_create();
    int64_t dims[FF_MAX_RANK], order[FF_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        dims[i] = i == 0 && input->declared.rank > 0 && input->declared.dims[0] < 0 ? -1 : shape->dims[i];
        order[i] = perm[i];
    }
    ff_patch_set_input_shape(patch, input->name, shape->dtype, rank, dims);
    ff_attr a = {.name = "perm", .type = FF_ATTR_INTS, .n = (size_t)rank, .ints = order};
    if (reader && ff_perm_identity(perm, rank) && !reader->outputs[0]->is_output) {
        ff_patch_redirect(patch, reader->outputs[0]->name, input->name);
        ff_patch_remove_node(patch, ff_node_address(reader));
    } else if (reader) {
        ff_patch_set_attr(patch, ff_node_address(reader), &a);
    } else if (!ff_perm_identity(perm, rank)) {
        char *stem = ff_asprintf("%s_restored", input->name);
        char *name = ff_model_fresh_name(s->target.model, stem);
        ff_node_spec spec = {.name = name, .op = "Transpose", .domain = "", .n_inputs = 1, .n_outputs = 1, .n_attrs = 1,
                             .inputs = (const char *const[]){input->name}, .outputs = (const char *const[]){name},
                             .attrs = &a};
        ff_patch_insert_node(patch, &spec, NULL);
        ff_patch_redirect(patch, input->name, name);
        free(stem);
        free(name);
    }
    char *name = ff_visible(input->name);
    ff_proposal *n = ff_proposing_add(p, f, NULL, patch,
                                      ff_asprintf("give input '%s' the dimensions of the Source's", name));
    free(name);
    if (corrected) { /* the order that was lost behind the input is restored with it */
        n->findings = ff_realloc_array(n->findings, 2, sizeof *n->findings);
        n->findings[n->n_findings++] = ff_strdup("TSS:input");
    }
    n->has_pre = true;
    n->pre = s->target.pre;
    n->pre.layout = s->source.pre.layout;
    if (n->pre.width && s->source.pre.width && strcmp(f->cause, "input-size") == 0) {
        n->pre.width = s->source.pre.width;
        n->pre.height = s->source.pre.height;
    }
    return FF_OK;
}
