/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control flow, sequences and optionals: what can be known before a run is little. */
#include "model/ops/infer.h"

/* What both branches say; where they differ it is not known. */
static int infer_if(ff_infer *c)
{
    const ff_attr *a = ff_node_attr(c->node, "then_branch");
    const ff_attr *b = ff_node_attr(c->node, "else_branch");

    if (a == NULL || b == NULL || a->g == NULL || b->g == NULL)
        return infer_fail("a branch is missing");
    if (c->in[0].dtype != FF_BOOL)
        return infer_fail("the condition is %s, not bool", ff_dtype_name(c->in[0].dtype));
    if (a->g->n_outputs != c->n_out || b->g->n_outputs != c->n_out)
        return infer_fail("the branches have %d and %d outputs, the node %d", a->g->n_outputs, b->g->n_outputs,
                          c->n_out);
    for (int i = 0; i < c->n_out; i++) {
        ff_shape x = a->g->outputs[i]->declared, y = b->g->outputs[i]->declared;
        if (x.dtype != y.dtype)
            continue;
        if (x.rank != y.rank)
            x.rank = UNKNOWN;
        for (int j = 0; j < x.rank; j++)
            if (x.dims[j] != y.dims[j])
                x.dims[j] = UNKNOWN;
        infer_copy(c, i, &x);
    }
    return FF_OK;
}

static int infer_loop(ff_infer *c)
{
    const ff_attr *body = ff_node_attr(c->node, "body");
    int carried = c->n_in - 2;

    if (body == NULL || body->g == NULL)
        return infer_fail("the body is missing");
    if (carried < 0)
        carried = 0;
    if (body->g->n_inputs != carried + 2)
        return infer_fail("the body has %d inputs, not %d", body->g->n_inputs, carried + 2);
    if (body->g->n_outputs != c->n_out + 1 || c->n_out < carried)
        return infer_fail("the body has %d outputs for a node of %d", body->g->n_outputs, c->n_out);
    for (int i = 0; i < c->n_out; i++) {
        const ff_shape *s = &body->g->outputs[i + 1]->declared;
        ff_dtype t = i < carried && infer_has(c, i + 2) ? c->in[i + 2].dtype : s->dtype;
        infer_type(c, i, t); /* shapes may change from turn to turn */
        if (i < carried || s->rank < 0 || s->rank == FF_MAX_RANK)
            continue;
        int64_t dims[FF_MAX_RANK] = {UNKNOWN};
        for (int j = 0; j < s->rank; j++)
            dims[j + 1] = UNKNOWN;
        infer_set(c, i, t, s->rank + 1, dims);
    }
    return FF_OK;
}

static int infer_scalar_int(ff_infer *c)
{
    infer_set(c, 0, FF_INT64, 0, NULL);
    return FF_OK;
}

static int infer_scalar_bool(ff_infer *c)
{
    infer_set(c, 0, FF_BOOL, 0, NULL);
    return FF_OK;
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact concat_from_sequence_11[] = {
    {"axis", FF_ATTR_INT, NULL}, {"new_axis", FF_ATTR_INT, "0"}, {0}};
static const struct ff_attr_fact if_1[] = {
    {"else_branch", FF_ATTR_GRAPH, NULL}, {"then_branch", FF_ATTR_GRAPH, NULL}, {0}};
static const struct ff_attr_fact loop_1[] = {{"body", FF_ATTR_GRAPH, NULL}, {0}};
static const struct ff_attr_fact optional_15[] = {{"type", FF_ATTR_OTHER, NULL}, {0}};
static const struct ff_attr_fact scan_8[] = {
    {"body", FF_ATTR_GRAPH, NULL}, {"directions", FF_ATTR_INTS, NULL}, {"num_scan_inputs", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact scan_9[] = {{"body", FF_ATTR_GRAPH, NULL},
                                             {"num_scan_inputs", FF_ATTR_INT, NULL},
                                             {"scan_input_axes", FF_ATTR_INTS, NULL},
                                             {"scan_input_directions", FF_ATTR_INTS, NULL},
                                             {"scan_output_axes", FF_ATTR_INTS, NULL},
                                             {"scan_output_directions", FF_ATTR_INTS, NULL},
                                             {0}};
static const struct ff_attr_fact sequence_empty_11[] = {{"dtype", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact split_to_sequence_11[] = {
    {"axis", FF_ATTR_INT, "0"}, {"keepdims", FF_ATTR_INT, "1"}, {0}};

const ff_op ff_ops_control[] = {
    /* since, inputs, outputs */
    {"", "ConcatFromSequence", 11, 1, 1, 1, 1, NULL, concat_from_sequence_11},
    {"", "If", 1, 1, 1, 1, -1, infer_if, if_1},
    {"", "Loop", 1, 3, -1, 1, -1, infer_loop, loop_1},
    {"", "Loop", 11, 2, -1, 1, -1, infer_loop, loop_1},
    {"", "Optional", 15, 0, 1, 1, 1, NULL, optional_15},
    {"", "OptionalGetElement", 15, 1, 1, 1, 1, NULL, no_attrs},
    {"", "OptionalHasElement", 15, 1, 1, 1, 1, infer_scalar_bool, no_attrs},
    {"", "OptionalHasElement", 18, 0, 1, 1, 1, infer_scalar_bool, no_attrs},
    {"", "Scan", 8, 2, -1, 1, -1, NULL, scan_8},
    {"", "Scan", 9, 1, -1, 1, -1, NULL, scan_9},
    {"", "SequenceAt", 11, 2, 2, 1, 1, NULL, no_attrs},
    {"", "SequenceConstruct", 11, 1, -1, 1, 1, NULL, no_attrs},
    {"", "SequenceEmpty", 11, 0, 0, 1, 1, NULL, sequence_empty_11},
    {"", "SequenceErase", 11, 1, 2, 1, 1, NULL, no_attrs},
    {"", "SequenceInsert", 11, 2, 3, 1, 1, NULL, no_attrs},
    {"", "SequenceLength", 11, 1, 1, 1, 1, infer_scalar_int, no_attrs},
    {"", "SequenceMap", 17, 1, -1, 1, -1, NULL, loop_1},
    {"", "SplitToSequence", 11, 1, 2, 1, 1, NULL, split_to_sequence_11},
    {0},
};
