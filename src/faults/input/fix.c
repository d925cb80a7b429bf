/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ID: the input takes the Source's dimensions, and its readers see the Source's order. Where the canonical view knows
 * both orders that is one edit; where it does not, since the Target cannot run as it is, every way in which it can run
 * on the Source's input is proposed. */
#include "fetafix/examine.h"
#include "faults/strategy.h"

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

/* Behind the input comes what turns the Source's order into that of its readers: the Transpose that is there already,
 * corrected or taken away, or a new one. Returns the name of what comes out; the caller frees. */
static char *adapt_order(ff_patch *patch, const ff_model *m, const ff_value *input, const ff_node *reader,
                         const int *perm, int rank)
{
    int64_t order[FF_MAX_RANK];
    for (int i = 0; i < rank; i++)
        order[i] = perm[i];
    ff_attr a = {.name = "perm", .type = FF_ATTR_INTS, .n = (size_t)rank, .ints = order};
    bool identity = ff_perm_identity(perm, rank);
    if (reader && (!identity || reader->outputs[0]->is_output)) {
        ff_patch_set_attr(patch, ff_node_address(reader), &a);
        return ff_strdup(reader->outputs[0]->name);
    }
    if (reader) {
        ff_patch_redirect(patch, reader->outputs[0]->name, input->name);
        ff_patch_remove_node(patch, ff_node_address(reader));
    }
    if (identity)
        return ff_strdup(input->name);
    char *stem = ff_asprintf("%s_restored", input->name), *name = ff_model_fresh_name(m, stem);
    ff_insert_transpose(patch, input->name, name, perm, rank);
    ff_patch_redirect(patch, input->name, name);
    free(stem);
    return name;
}

/* The input as the Source declares it; the batch stays open where it was. */
static void declare(ff_patch *patch, const ff_value *input, const ff_shape *shape)
{
    int64_t dims[FF_MAX_RANK];
    for (int i = 0; i < shape->rank; i++)
        dims[i] = i == 0 && input->declared.rank > 0 && input->declared.dims[0] < 0 ? -1 : shape->dims[i];
    ff_patch_set_input_shape(patch, input->name, shape->dtype, shape->rank, dims);
}

static ff_proposal *add(ff_proposing *p, const ff_finding *f, const char *variant, ff_patch *patch, char *summary)
{
    const ff_subject *s = p->subject;
    ff_proposal *n = ff_proposing_add(p, f, variant, patch, summary);
    n->has_pre = true;
    n->pre.layout = s->source.pre.layout;
    if (n->pre.width && s->source.pre.width && ff_caused_by(f, FF_CAUSE_INPUT_SIZE)) {
        n->pre.width = s->source.pre.width;
        n->pre.height = s->source.pre.height;
    }
    return n;
}

/* From what the canonical view knows. Tells whether. */
static bool restore(ff_proposing *p, const ff_finding *f)
{
    const ff_subject *s = p->subject;
    const ff_value *input = f->hint->input;
    const ff_shape *shape = &f->hint->shape;
    if (!s->target.canon || s->target.canon->n_inputs != 1 || !s->alignment)
        return false;
    const ff_node *reader = input->n_users == 1 && transposed(input->users[0].node) ? input->users[0].node : NULL;
    int perm[FF_MAX_RANK], rank;
    if (!wanted_perm(s, input, reader, perm, &rank) || rank != shape->rank)
        return false;
    bool corrected = reader && correct(s, reader, perm, rank);
    ff_patch *patch = ff_patch_create();
    declare(patch, input, shape);
    free(adapt_order(patch, s->target.model, input, reader, perm, rank));
    char *name = ff_visible(input->name);
    ff_proposal *n = add(p, f, NULL, patch, ff_asprintf("give input '%s' the dimensions of the Source's", name));
    free(name);
    if (corrected) { /* the order that was lost behind the input is restored with it */
        n->findings = ff_realloc_array(n->findings, 2, sizeof *n->findings);
        n->findings[n->n_findings++] = ff_strdup("TSS:input");
    }
    return true;
}

/* Readers that want another rank (no batch, or all in one row) get the declared dimensions by a Reshape. */
static void adapt_rank(ff_patch *patch, const ff_model *m, const ff_value *input, const char *from)
{
    const ff_shape *d = &input->declared;
    ff_tensor *t;
    if (ff_tensor_create(FF_INT64, 1, (const int64_t[]){d->rank}, &t) != FF_OK)
        return;
    for (int i = 0; i < d->rank; i++)
        ff_tensor_set_int(t, i, d->dims[i]);
    char *stem = ff_asprintf("%s_reshaped", input->name), *name = ff_model_fresh_name(m, stem);
    char *of_dims = ff_asprintf("%s_dims", name), *dims = ff_model_fresh_name(m, of_dims);
    ff_patch_set_initializer(patch, dims, t);
    ff_node_spec spec = {.name = name,
                         .op = "Reshape",
                         .domain = "",
                         .n_inputs = 2,
                         .n_outputs = 1,
                         .inputs = (const char *const[]){from, dims},
                         .outputs = (const char *const[]){name}};
    ff_patch_insert_node(patch, &spec, NULL);
    ff_patch_redirect(patch, from, name);
    free(stem);
    free(name);
    free(of_dims);
    free(dims);
    ff_tensor_unref(t);
}

static bool can_reshape(const ff_shape *declared, const ff_shape *wanted)
{
    int open = 0;
    if (declared->rank < 1 || declared->rank == wanted->rank)
        return false;
    for (int i = 0; i < declared->rank; i++)
        open += declared->dims[i] < 0;
    return open <= 1;
}

static bool runs(const ff_subject *s, const ff_patch *patch, const ff_shape *shape)
{
    ff_model *m;
    ff_plan *plan = NULL;
    if (ff_model_apply(s->target.model, patch, &m, NULL) != FF_OK)
        return false;
    ff_plan_options o = {.feeds = shape};
    bool good = ff_plan_create(m, &o, &plan) == FF_OK;
    ff_plan_unref(plan);
    ff_model_unref(m);
    return good;
}

/* Are the dimensions the same, in this order, but for those of size 1? One long row takes any order. */
static bool same_order(const ff_shape *declared, const ff_shape *wanted, const int *order)
{
    int at = 0, long_ones = 0;
    for (int i = 0; i < declared->rank; i++)
        long_ones += declared->dims[i] != 1;
    for (int i = 0; i < wanted->rank; i++) {
        int64_t d = wanted->dims[order[i]];
        if (d == 1)
            continue;
        while (at < declared->rank && declared->dims[at] == 1)
            at++;
        if (at == declared->rank || (declared->dims[at] >= 0 && declared->dims[at] != d))
            return long_ones == 1;
        at++;
    }
    return true;
}

/* Orders of height, width and channels: those that keep a picture upright first. */
static const int orders[][4] = {{0, 1, 2, 3}, {0, 2, 3, 1}, {0, 3, 1, 2}, {0, 1, 3, 2}, {0, 3, 2, 1}, {0, 2, 1, 3}};

static void try_orders(ff_proposing *p, const ff_finding *f, const ff_shape *shape)
{
    const ff_subject *s = p->subject;
    const ff_value *input = f->hint->input;
    bool reshapes = can_reshape(&input->declared, shape);
    if (shape->rank != 4)
        return;
    const ff_node *reader = input->n_users == 1 && transposed(input->users[0].node) ? input->users[0].node : NULL;
    char *name = ff_visible(input->name);
    for (size_t i = 0; i < FF_COUNT(orders); i++)
        for (int reshape = reshapes; reshape >= 0; reshape--) {
            if (reshape && !same_order(&input->declared, shape, orders[i]))
                continue;
            ff_patch *patch = ff_patch_create();
            declare(patch, input, shape);
            char *out = adapt_order(patch, s->target.model, input, reshape ? NULL : reader, orders[i], 4);
            if (reshape)
                adapt_rank(patch, s->target.model, input, out);
            free(out);
            if (!runs(s, patch, shape)) {
                ff_patch_destroy(patch);
                continue;
            }
            char *variant = ff_asprintf("%d%d%d%d%s", orders[i][0], orders[i][1], orders[i][2], orders[i][3],
                                        reshape ? "-reshaped" : "");
            add(p, f, variant, patch,
                ff_asprintf("give input '%s' the dimensions of the Source's, read in the order %d,%d,%d,%d%s", name,
                            orders[i][0], orders[i][1], orders[i][2], orders[i][3], reshape ? " and reshaped" : ""));
            free(variant);
        }
    free(name);
}

int ff_fix_input(ff_proposing *p, const ff_finding *f)
{
    if (ff_caused_by(f, FF_CAUSE_INPUT_BATCH)) {
        const ff_shape *as = &f->hint->shape;
        ff_patch *patch = ff_patch_create();
        char *name = ff_visible(f->hint->input->name);
        ff_patch_set_input_shape(patch, f->hint->input->name, as->dtype, as->rank, as->dims);
        ff_proposing_add(p, f, NULL, patch,
                         ff_asprintf("let input '%s' take %s", name,
                                     as->dims[0] < 0 ? "any number of pictures" : "as many pictures as the Source's"));
        free(name);
        return FF_OK;
    }
    bool known = restore(p, f);
    if (known && !ff_caused_by(f, FF_CAUSE_INPUT_TAKES_NO_IMAGE))
        return FF_OK;
    int n = p->list->count;
    ff_shape shape = f->hint->shape;
    const ff_shape *declared = &f->hint->input->declared;
    try_orders(p, f, &shape);
    if (p->list->count == n && declared->rank == shape.rank && declared->dims[0] > 0) {
        shape.dims[0] = declared->dims[0]; /* what follows may hold to its batch */
        try_orders(p, f, &shape);
    }
    return FF_OK;
}
