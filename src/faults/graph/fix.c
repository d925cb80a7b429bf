/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CG: a matched node of the Target is made to read what corresponds to what it reads in the Source: a value that is
 * there already, or the Source's nodes copied in between. Layouts are adapted by Transposes. */
#include "fetafix/examine.h"
#include "faults/strategy.h"

#include <stdlib.h>
#include <string.h>

typedef struct job {
    const ff_subject *s;
    const ff_plan *source, *target;
    ff_patch *patch;
    char *stem;
    int n_names;
    char **names; /* by id of the Source's value: what carries it in the Target, in the Source's layout */
    int depth;
    int exit; /* the Target's cvalue that stands for nothing; -1: there is none */
} job;

static char *fresh(job *j, const char *hint)
{
    char *stem = ff_asprintf("%s_%s_%d", j->stem, hint, j->n_names++);
    char *name = ff_model_fresh_name(j->s->target.model, stem);
    free(stem);
    return name;
}

/* A Transpose behind `name` (not when perm changes nothing); takes and gives back an owned name. */
static char *transposed(job *j, char *name, const int *perm, int rank)
{
    if (ff_perm_identity(perm, rank))
        return name;
    char *out = fresh(j, "transposed");
    ff_insert_transpose(j->patch, name, out, perm, rank);
    free(name);
    return out;
}

/* perm such that transposing data laid out as `from` gives data laid out as `to`; both are axes by canonical axis. */
static void between(const int *from, const int *to, int rank, int *perm)
{
    for (int i = 0; i < rank; i++)
        perm[to[i]] = from[i];
}

static char *constant(job *j, const ff_tensor *t)
{
    char *name = fresh(j, "constant");
    ff_patch_set_initializer(j->patch, name, t);
    return name;
}

static char *reshaped(job *j, char *name, int rank, const int64_t *dims)
{
    ff_tensor *t;
    if (ff_tensor_create(FF_INT64, 1, (const int64_t[]){rank}, &t) != FF_OK)
        return name;
    memcpy(t->data, dims, t->bytes);
    if (rank > 0)
        *(int64_t *)t->data = -1; /* any number of samples */
    char *shape = constant(j, t), *out = fresh(j, "reshaped");
    const char *inputs[] = {name, shape};
    ff_node_spec spec = {.name = out,
                         .op = "Reshape",
                         .domain = "",
                         .n_inputs = 2,
                         .n_outputs = 1,
                         .inputs = inputs,
                         .outputs = (const char *const *)&out};
    ff_patch_insert_node(j->patch, &spec, NULL);
    ff_tensor_unref(t);
    free(shape);
    free(name);
    return out;
}

/* What `name` carries, laid out as `from` is in its model, laid out as `to` is in its own. Takes and gives back an owned
 * name; NULL: it cannot be told. */
static char *adapted(job *j, char *name, const ff_cvalue *from, const ff_shape *own, const ff_cvalue *to,
                     const ff_shape *wanted)
{
    int a[FF_MAX_RANK], b[FF_MAX_RANK], perm[FF_MAX_RANK];
    if (from->shape.rank == to->shape.rank && ff_cvalue_axes(from, own, a) && ff_cvalue_axes(to, wanted, b)) {
        between(a, b, from->shape.rank, perm);
        return transposed(j, name, perm, from->shape.rank);
    }
    if (!ff_same_order(&from->shape, &to->shape) || !ff_layout_identity(&from->layout) ||
        !ff_layout_identity(&to->layout) || ff_model_opset(j->s->target.model, "") < 5) {
        free(name);
        return NULL;
    }
    return reshaped(j, name, wanted->rank, wanted->dims);
}

/* The Target's value for one of the Source's, where there is one, turned into the Source's layout. Caller frees. */
static char *existing(job *j, const ff_value *v)
{
    const ff_canon *sc = j->s->source.canon, *tc = j->s->target.canon;
    for (int i = 0; i < sc->n_values; i++) {
        if (sc->values[i].original != v)
            continue;
        int at = ff_region_counterpart(j->s, i);
        if (at < 0 || at == j->exit || !tc->values[at].original)
            continue;
        const ff_cvalue *b = &tc->values[at];
        char *name = adapted(j, ff_strdup(b->original->name), b, ff_plan_shape(j->target, b->original), &sc->values[i],
                             ff_plan_shape(j->source, v));
        if (name)
            return name;
    }
    return NULL;
}

static const char *bring(job *j, const ff_value *v);

/* The node in the Target's opset, with what it reads. */
static bool copy_node(job *j, const ff_node *n, const ff_restated *r)
{
    const char **inputs = ff_alloc_array((size_t)r->n_inputs + 1, sizeof *inputs);
    const char **outputs = ff_alloc_array((size_t)n->n_outputs + 1, sizeof *outputs);
    char *moved[FF_COUNT(r->constants)] = {0};
    bool good = true;
    for (int i = 0; i < r->n_inputs && good; i++) {
        if ((size_t)i < FF_COUNT(moved) && r->constants[i])
            inputs[i] = moved[i] = constant(j, r->constants[i]);
        else if (i < n->n_inputs && n->inputs[i])
            good = (inputs[i] = bring(j, n->inputs[i])) != NULL;
    }
    for (int i = 0; i < n->n_outputs && good; i++)
        if (n->outputs[i])
            outputs[i] = j->names[n->outputs[i]->id] = fresh(j, n->op);
    if (good)
        ff_patch_insert_node(j->patch,
                             &(ff_node_spec){.name = outputs[0],
                                             .op = n->op,
                                             .domain = "",
                                             .n_inputs = r->n_inputs,
                                             .n_outputs = n->n_outputs,
                                             .n_attrs = r->n_attrs,
                                             .inputs = inputs,
                                             .outputs = outputs,
                                             .attrs = r->attrs},
                             NULL);
    for (size_t i = 0; i < FF_COUNT(moved); i++)
        free(moved[i]);
    free(inputs);
    free(outputs);
    return good;
}

/* The node in simpler ones that the Target's opset has. */
static bool write_out(job *j, const ff_node *n, const ff_written *rows, int count)
{
    enum { MOST = 16 };
    const char *made[MOST] = {bring(j, n->inputs[0])};
    char *owned[2 * MOST] = {0};
    for (int i = 0; made[0] && i < count && i + 1 < MOST; i++) {
        ff_tensor *t;
        const char *inputs[2] = {made[rows[i].a], rows[i].b >= 0 ? made[rows[i].b] : NULL};
        if (rows[i].b == FF_NUMBER && ff_tensor_create(FF_FLOAT, 0, NULL, &t) == FF_OK) {
            ff_tensor_set_real(t, 0, rows[i].number);
            inputs[1] = owned[2 * i] = constant(j, t);
            ff_tensor_unref(t);
        }
        made[i + 1] = owned[2 * i + 1] = fresh(j, rows[i].op);
        ff_patch_insert_node(j->patch,
                             &(ff_node_spec){.name = made[i + 1],
                                             .op = rows[i].op,
                                             .domain = "",
                                             .n_inputs = rows[i].b == FF_ALONE ? 1 : 2,
                                             .n_outputs = 1,
                                             .inputs = inputs,
                                             .outputs = &made[i + 1]},
                             NULL);
    }
    if (made[0] && made[count])
        j->names[n->outputs[0]->id] = ff_strdup(made[count]);
    for (size_t i = 0; i < FF_COUNT(owned); i++)
        free(owned[i]);
    return j->names[n->outputs[0]->id] != NULL;
}

/* The name of what carries the Source's value v in the Target; nodes are copied as needed. Borrowed; NULL: impossible. */
static const char *bring(job *j, const ff_value *v)
{
    if (j->names[v->id])
        return j->names[v->id];
    const ff_tensor *t = ff_plan_constant(j->source, v);
    if (t)
        return j->names[v->id] = constant(j, t);
    if ((j->names[v->id] = existing(j, v)))
        return j->names[v->id];
    const ff_node *n = v->producer;
    ff_restated r;
    int opset = ff_model_opset(j->s->target.model, ""), count;
    if (!n || *n->domain || n->n_captures || j->depth > 64)
        return NULL;
    const ff_written *rows = NULL;
    bool restated = ff_restate(j->source, n, opset, &r), made = false;
    if (!restated && !(rows = ff_write_out(j->source, n, opset, &count)))
        return NULL;
    j->depth++;
    made = restated ? copy_node(j, n, &r) : write_out(j, n, rows, count);
    j->depth--;
    if (restated)
        ff_restated_finish(&r);
    return made ? j->names[v->id] : NULL;
}

/* Were there parts that nothing reads before? Then "remove what nothing reads" would take those too. */
static bool has_dead(const ff_model *m)
{
    const ff_graph *g = ff_model_graph(m);
    for (int i = 0; i < g->n_initializers; i++)
        if (!g->initializers[i]->n_users && !g->initializers[i]->is_output)
            return true;
    for (int i = 0; i < g->n_nodes; i++) {
        bool used = false;
        for (int k = 0; k < g->nodes[i]->n_outputs; k++)
            used = used || (g->nodes[i]->outputs[k] &&
                            (g->nodes[i]->outputs[k]->n_users || g->nodes[i]->outputs[k]->is_output));
        if (!used)
            return true;
    }
    return false;
}

/* Do all that read y in the canonical view read x in the Source? */
static bool all_readers(const ff_subject *s, int x, int y)
{
    const ff_cvalue *v = &s->target.canon->values[y];
    for (int i = 0; i < v->n_users; i++) {
        int node = v->users[i], pair = s->alignment->of_target[node];
        if (!ff_region_matched(s, false, node)) /* part of what goes */
            continue;
        const ff_cnode *a = &s->source.canon->nodes[s->alignment->pairs[pair].source],
                       *b = &s->target.canon->nodes[node];
        for (int k = 0; k < a->n_inputs && k < b->n_inputs; k++)
            if (b->inputs[k] == y && a->inputs[k] != x)
                return false;
    }
    return true;
}

/* The original node among those of the consumer that reads y. */
static bool rewire(job *j, const ff_cnode *consumer, const ff_value *y, const char *name)
{
    bool any = false;
    for (int i = 0; i < consumer->n_origins; i++)
        for (int k = 0; k < consumer->origins[i]->n_inputs; k++)
            if (consumer->origins[i]->inputs[k] == y) {
                ff_patch_set_node_input(j->patch, ff_node_address(consumer->origins[i]), k, name);
                any = true;
            }
    return any;
}

/* It reads the right values in another order, in whatever layout. */
static bool reorder(job *j, const ff_cnode *a, const ff_cnode *b)
{
    const ff_node *n = b->primary;
    int from[FF_MAX_RANK * 4];
    if (b->n_inputs > (int)FF_COUNT(from))
        return false;
    for (int i = 0; i < b->n_inputs; i++) {
        int at = ff_region_counterpart(j->s, a->inputs[i]);
        from[i] = -1;
        for (int k = 0; k < b->n_inputs && from[i] < 0; k++)
            if (b->inputs[k] == at && n->inputs[k])
                from[i] = k;
        if (at < 0 || from[i] < 0)
            return false;
    }
    for (int i = 0; i < b->n_inputs; i++)
        if (from[i] != i)
            ff_patch_set_node_input(j->patch, ff_node_address(n), i, n->inputs[from[i]]->name);
    return true;
}

/* No node is missing and none too many: each input of the consumer gets the value that corresponds to the Source's. */
static bool rewire_all(job *j, int target_cnode)
{
    const ff_subject *s = j->s;
    const ff_canon *sc = s->source.canon, *tc = s->target.canon;
    const ff_cnode *b = &tc->nodes[target_cnode];
    const ff_cnode *a = &sc->nodes[s->alignment->pairs[s->alignment->of_target[target_cnode]].source];
    bool any = false;
    if (!b->primary || b->n_inputs != a->n_inputs || b->primary->n_inputs != b->n_inputs)
        return false;
    if (reorder(j, a, b))
        return true;
    for (int i = 0; i < b->n_inputs; i++) {
        int at = ff_region_counterpart(s, a->inputs[i]);
        int from[FF_MAX_RANK], to[FF_MAX_RANK];
        const ff_cvalue *y = &tc->values[b->inputs[i]], *w = at >= 0 ? &tc->values[at] : NULL;
        if (!w || !w->original || !y->original || y->original != b->primary->inputs[i])
            return false;
        if (w == y)
            continue;
        if (!ff_cvalue_axes(w, ff_plan_shape(j->target, w->original), from) ||
            !ff_cvalue_axes(y, ff_plan_shape(j->target, y->original), to) ||
            memcmp(from, to, (size_t)y->shape.rank * sizeof *from) != 0)
            return false;
        ff_patch_set_node_input(j->patch, ff_node_address(b->primary), i, w->original->name);
        any = true;
    }
    return any;
}

/* The output of the graph keeps its name where it can: who runs the file asks for it. */
static bool fix_output(job *j, const ff_value *y, const char *name)
{
    if (y->producer && y->producer->n_outputs == 1) {
        ff_node_spec spec = {.name = y->producer->name,
                             .op = "Identity",
                             .domain = "",
                             .n_inputs = 1,
                             .n_outputs = 1,
                             .inputs = &name,
                             .outputs = (const char *const *)&y->name};
        ff_patch_replace_node(j->patch, ff_node_address(y->producer), &spec);
        return true;
    }
    const ff_graph *g = ff_model_graph(j->s->target.model);
    const char **names = ff_alloc_array((size_t)g->n_outputs + 1, sizeof *names);
    bool found = false;
    for (int i = 0; i < g->n_outputs; i++) {
        found = found || g->outputs[i] == y;
        names[i] = g->outputs[i] == y ? name : g->outputs[i]->name;
    }
    if (found) {
        ff_shape shape = y->declared;
        ff_patch_add_output(j->patch, name, &shape);
        ff_patch_set_outputs(j->patch, g->n_outputs, names);
    }
    free(names);
    return found;
}

/* The value in the file that is the Target's answer: what cannot be computed has none in the view. */
static const ff_value *answer_of(const job *j, int cvalue)
{
    const ff_canon *c = j->s->target.canon;
    const ff_value *answer = NULL;
    if (c->n_outputs && c->outputs[0] == cvalue &&
        ff_model_read_output(j->s->target.model, ff_subject_options_of(j->s)->target_output, &answer) != FF_OK)
        answer = NULL;
    return answer;
}

static bool fix(job *j, const ff_hint *h)
{
    const ff_cvalue *x = &j->s->source.canon->values[h->source_exit], *y = &j->s->target.canon->values[h->exit];
    const ff_value *end = y->original ? y->original : answer_of(j, h->exit);
    if (!x->original || !end)
        return false;
    const char *brought = bring(j, x->original);
    /* What the Target does not come to compute, or cannot compute with, is given as the Source has it. */
    const ff_cnode *reader = h->target_cnode >= 0 ? &j->s->target.canon->nodes[h->target_cnode] : NULL;
    bool unknown = !ff_region_computed(j->s, h->exit) || (reader && !ff_region_computed(j->s, reader->outputs[0]));
    char *name = brought && unknown ? ff_strdup(brought)
                 : brought          ? adapted(j, ff_strdup(brought), x, ff_plan_shape(j->source, x->original), y,
                                              ff_plan_shape(j->target, end))
                                    : NULL;
    if (!name)
        return false;
    bool made = true;
    if (h->target_cnode < 0 && end->is_output)
        made = fix_output(j, end, name);
    else if (h->target_cnode < 0) /* before what turns scores into probabilities */
        ff_patch_redirect(j->patch, end->name, name);
    else if (all_readers(j->s, h->source_exit, h->exit) && !end->is_output)
        ff_patch_redirect(j->patch, end->name, name);
    else
        made = rewire(j, &j->s->target.canon->nodes[h->target_cnode], end, name);
    free(name);
    if (made && !has_dead(j->s->target.model))
        ff_patch_remove_dead(j->patch);
    return made;
}

/* `replaced`: what is at the exits now is to go, so that it stands for nothing. */
static int propose(ff_proposing *p, const ff_finding *f, const ff_hint *h, int n_exits, bool replaced)
{
    const ff_subject *s = p->subject;
    job j = {.s = s, .source = s->source.canon->plan, .target = s->target.canon->plan};
    const ff_cvalue *y = &s->target.canon->values[h->exit];
    int n_values = ff_model_values(s->source.model);
    j.names = ff_alloc_array((size_t)n_values + 1, sizeof *j.names);
    j.stem = ff_asprintf("%s_repaired", y->original ? y->original->name : "region");
    j.patch = ff_patch_create();
    bool wiring = h->target_cnode >= 0 && !h->n_wanted && !h->n_region;
    bool made = wiring && rewire_all(&j, h->target_cnode);
    for (int i = 0; !wiring && i < n_exits; i++) {
        j.exit = replaced ? h[i].exit : -1;
        made = fix(&j, &h[i]) && (made || i == 0);
    }
    if (made) {
        ff_proposing_add(p, f, NULL, j.patch,
                         h->n_wanted   ? ff_asprintf("put the Source's %s in: %s",
                                                   f->n_source_nodes > 1 ? "nodes" : "node", f->summary)
                         : h->n_region ? ff_asprintf("take out what the Source does not have: %s", f->summary)
                                       : ff_asprintf("wire it as in the Source: %s", f->summary));
        j.patch = NULL;
    }
    ff_patch_destroy(j.patch);
    for (int i = 0; i < n_values; i++)
        free(j.names[i]);
    free(j.names);
    free(j.stem);
    return FF_OK;
}

/* Has the value its axes one by one in the model? A Reshape on the way to a node may have none of its own there. */
static bool has_axes(const ff_canon *c, int cvalue)
{
    const ff_cvalue *v = &c->values[cvalue];
    int axis[FF_MAX_RANK];
    return v->original && ff_cvalue_axes(v, ff_plan_shape(c->plan, v->original), axis);
}

int ff_fix_region(ff_proposing *p, const ff_finding *f)
{
    const ff_canon *sc = p->subject->source.canon, *tc = p->subject->target.canon;
    if (f->hint->source_exit < 0 || f->hint->exit < 0 || (f->hint->bypass && ff_fix_bypass(p, f)))
        return FF_OK;
    /* Where the view only moves what it compares, the place is behind the move. */
    ff_hint h = *f->hint;
    bool replaced = ff_region_counterpart(p->subject, h.source_exit) == h.exit;
    while (h.target_cnode >= 0 && h.source_cnode >= 0 && (!has_axes(sc, h.source_exit) || !has_axes(tc, h.exit))) {
        const ff_cnode *a = &sc->nodes[h.source_cnode], *b = &tc->nodes[h.target_cnode];
        if (strcmp(b->op, "Reshape") != 0 && strcmp(b->op, "Transpose") != 0)
            break;
        h.source_exit = a->outputs[0];
        h.exit = b->outputs[0];
        const ff_cvalue *y = &tc->values[h.exit];
        h.target_cnode = y->n_users > 0 ? y->users[0] : -1;
        int pair = h.target_cnode >= 0 ? p->subject->alignment->of_target[h.target_cnode] : -1;
        h.source_cnode = pair >= 0 ? p->subject->alignment->pairs[pair].source : -1;
        replaced = true;
    }
    return propose(p, f, &h, 1, replaced);
}

int ff_fix_by_copy(ff_proposing *p, const ff_finding *f)
{
    enum { MOST = 64 };
    const ff_subject *s = p->subject;
    const ff_canon *sc = s->source.canon, *tc = s->target.canon;
    const ff_hint *h = f->hint;
    ff_hint copies[MOST];
    int n = 0;
    if (h->source_cnode < 0 || h->target_cnode < 0 || s->target.error)
        return FF_OK;
    /* A node that is several in the view (Split) is copied for all of them. */
    for (int i = 0; i < s->alignment->n_pairs && n < MOST; i++) {
        const ff_pair *pair = &s->alignment->pairs[i];
        if (pair->source < 0 || pair->target < 0)
            continue;
        const ff_cnode *a = &sc->nodes[pair->source], *b = &tc->nodes[pair->target];
        bool sibling = b->primary == tc->nodes[h->target_cnode].primary && strcmp(b->op, "Slice") == 0;
        if ((pair->target != h->target_cnode && !sibling) || a->n_outputs < 1 || b->n_outputs < 1)
            continue;
        const ff_cvalue *y = &tc->values[b->outputs[0]];
        copies[n++] = (ff_hint){.source_exit = a->outputs[0],
                                .exit = b->outputs[0],
                                .n_wanted = 1,
                                .n_region = 1,
                                .target_cnode = y->n_users > 0 ? y->users[0] : -1};
    }
    return n ? propose(p, f, copies, n, true) : FF_OK;
}
