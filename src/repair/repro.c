/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One fault as a bundle to be sent to whoever makes the converter. See repair.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fetafix/repair.h"
#include "repair/cut.h"
#include "faults/strategy.h"

enum { MOST_INPUTS = 16, IMAGES = 8 };

/* The part: canonical values of the Target, and those of the Source that they should be. */
typedef struct part {
    const ff_subject *s;
    int n, inputs[MOST_INPUTS], wanted[MOST_INPUTS]; /* Target, Source */
    int output, expected;
    int replaced; /* a value inside that the repair does away with; -1: none */
    bool *inside; /* by canonical node of the Target */
    /* Of one image: */
    ff_tensor *feeds[MOST_INPUTS], *result;
} part;

static int not_shown(const char *why)
{
    return ff_fail(FF_ERR_USAGE, "no part of the model shows it: %s", why);
}

/* ------------------------------------------------------------------------------------- where it lies */

/* The Source's value for one of the Target's, both to be had; -1. */
static int source_of(const ff_subject *s, int target_cvalue)
{
    if (!s->target.canon->values[target_cvalue].original)
        return -1;
    for (int i = 0; i < s->source.canon->n_values; i++)
        if (s->source.canon->values[i].original && ff_region_counterpart(s, i) == target_cvalue)
            return i;
    return -1;
}

/* Sets the output: the first value at or behind the node that has a counterpart. */
static bool find_output(part *p, int cnode, int depth)
{
    const ff_canon *c = p->s->target.canon;
    const ff_cnode *n = &c->nodes[cnode];
    for (int i = 0; i < n->n_outputs; i++)
        if ((p->expected = source_of(p->s, n->outputs[i])) >= 0) {
            p->output = n->outputs[i];
            return true;
        }
    for (int i = 0; i < n->n_outputs && depth < 16; i++)
        for (int k = 0; k < c->values[n->outputs[i]].n_users; k++)
            if (find_output(p, c->values[n->outputs[i]].users[k], depth + 1))
                return true;
    return false;
}

/* The same; where the repair does away with what the node itself gives, behind it if there is something. */
static bool find_output_of(part *p, const ff_hint *h)
{
    const ff_canon *c = p->s->target.canon;
    const ff_cnode *n = &c->nodes[h->target_cnode];
    for (int i = 0; h->exit >= 0 && n->n_outputs > 0 && n->outputs[0] == h->exit && i < c->values[h->exit].n_users; i++)
        if (find_output(p, c->values[h->exit].users[i], 1)) {
            p->replaced = h->exit;
            return true;
        }
    return find_output(p, h->target_cnode, 0);
}

static int add_input(part *p, int target, int source)
{
    int k = 0;
    while (k < p->n && p->inputs[k] != target)
        k++;
    if (k == MOST_INPUTS)
        return not_shown("it has too many inputs");
    p->inputs[k] = target;
    p->wanted[k] = source;
    p->n += k == p->n;
    return FF_OK;
}

/* Walks back from a value to those that have a counterpart. */
static int find_inputs(part *p, int cvalue)
{
    const ff_canon *c = p->s->target.canon;
    int node = c->values[cvalue].producer;
    if (node < 0)
        return not_shown("it begins before the model's input");
    if (p->inside[node])
        return FF_OK;
    p->inside[node] = true;
    for (int i = 0; i < c->nodes[node].n_inputs; i++) {
        int in = c->nodes[node].inputs[i], source = in == p->replaced ? -1 : source_of(p->s, in);
        int rc = source < 0 ? find_inputs(p, in) : add_input(p, in, source);
        if (rc != FF_OK)
            return rc;
    }
    return FF_OK;
}

/* What the Source reads there and the Target should: the repaired part has a use for it. */
static int find_missing_inputs(part *p, int source_cvalue, int depth)
{
    const ff_canon *c = p->s->source.canon;
    int node = c->values[source_cvalue].producer, rc = FF_OK;
    for (int i = 0; node >= 0 && depth < 16 && i < c->nodes[node].n_inputs && rc == FF_OK; i++) {
        int in = c->nodes[node].inputs[i], target = ff_region_counterpart(p->s, in);
        if (target >= 0 && target != p->replaced && p->s->target.canon->values[target].original &&
            c->values[in].original)
            rc = target == p->output ? FF_OK : add_input(p, target, in);
        else
            rc = find_missing_inputs(p, in, depth + 1);
    }
    return rc;
}

static int find_part(part *p, const ff_hint *h)
{
    const ff_subject *s = p->s;
    p->replaced = -1;
    if (!s->target.canon || !s->alignment || !h || (h->target_cnode < 0 && h->exit < 0))
        return not_shown("it lies outside of the layers");
    if (h->target_cnode >= 0) {
        if (!find_output_of(p, h))
            return not_shown("nothing behind it corresponds to the Source");
    } else {
        p->output = h->exit;
        p->expected = h->source_exit;
        if (!s->target.canon->values[p->output].original || p->expected < 0 ||
            !s->source.canon->values[p->expected].original)
            return not_shown("nothing behind it corresponds to the Source");
    }
    int rc = find_inputs(p, p->output);
    return rc == FF_OK ? find_missing_inputs(p, p->expected, 0) : rc;
}

/* ------------------------------------------------------------------------------------------ values */

static bool ask(void *context, const ff_value *v)
{
    const part *p = context;
    const ff_cvalue *values = p->s->source.canon->values;
    for (int i = 0; i < p->n; i++)
        if (values[p->wanted[i]].original == v)
            return true;
    return values[p->expected].original == v;
}

/* The Source's numbers in the Target's layout and type. */
static int bring(const part *p, int source, int target, const ff_tensor *t, ff_tensor **out)
{
    const ff_canon *c = p->s->target.canon;
    ff_tensor *real = NULL, *canonical = NULL;
    if (*out)
        return FF_OK;
    int rc = ff_tensor_convert(t, FF_FLOAT, &real);
    if (rc == FF_OK)
        rc = ff_cvalue_from_original(&p->s->source.canon->values[source], real, &canonical);
    if (rc == FF_OK)
        rc = ff_cvalue_to_original(&c->values[target], ff_plan_shape(c->plan, c->values[target].original), canonical,
                                   out);
    ff_tensor_unref(real);
    ff_tensor_unref(canonical);
    return rc;
}

static int give(void *context, const ff_value *v, const ff_tensor *t)
{
    part *p = context;
    const ff_cvalue *values = p->s->source.canon->values;
    int rc = FF_OK;
    for (int i = 0; i < p->n && rc == FF_OK; i++)
        if (values[p->wanted[i]].original == v)
            rc = bring(p, p->wanted[i], p->inputs[i], t, &p->feeds[i]);
    if (rc == FF_OK && values[p->expected].original == v)
        rc = bring(p, p->expected, p->output, t, &p->result);
    return rc;
}

static void forget(part *p)
{
    for (int i = 0; i < p->n; i++) {
        ff_tensor_unref(p->feeds[i]);
        p->feeds[i] = NULL;
    }
    ff_tensor_unref(p->result);
    p->result = NULL;
}

static void release(ff_tensor **out, int n)
{
    for (int i = 0; i < n; i++)
        ff_tensor_unref(out[i]);
    free(out);
}

/* The Source's values for one image. */
static int measure(part *p, ff_runner *source, int image, const ff_task *task)
{
    const ff_side *side = &p->s->source;
    ff_feeds feeds;
    int n = ff_plan_outputs(side->observe), rc = ff_feed_take(side->feed, image, &feeds);
    if (rc != FF_OK)
        return rc;
    ff_hooks hooks = {.context = p, .ask = ask, .give = give, .cancel = task ? task->cancel : NULL};
    ff_tensor **out = ff_alloc_array((size_t)n + 1, sizeof *out);
    rc = ff_run(source, feeds.at, &hooks, NULL, image, out);
    release(out, n);
    ff_feeds_drop(&feeds);
    bool complete = p->result != NULL;
    for (int i = 0; i < p->n; i++)
        complete = complete && p->feeds[i];
    return rc != FF_OK || complete ? rc : not_shown("the Source's values cannot be had");
}

/* How far the part's result is from what is expected; `beyond`: farther than the backend tests allow. */
static int compare(const part *p, const ff_model *m, double *error, bool *beyond)
{
    ff_plan *plan = NULL;
    ff_runner *runner = NULL;
    ff_tensor *out[1] = {0};
    double d = 0, norm = 0;
    int rc = ff_plan_create(m, NULL, &plan);
    if (rc == FF_OK)
        rc = ff_runner_create(plan, &runner);
    if (rc == FF_OK)
        rc = ff_run(runner, (const ff_tensor *const *)p->feeds, NULL, NULL, 0, out);
    if (rc == FF_OK && out[0]->count != p->result->count)
        rc = ff_fail(FF_ERR_GRAPH, "its output has another size");
    *beyond = false;
    for (int64_t i = 0; rc == FF_OK && i < p->result->count; i++) {
        double want = ff_tensor_get_real(p->result, i), off = fabs(ff_tensor_get_real(out[0], i) - want);
        *beyond = *beyond || !(off <= 1e-7 + 1e-3 * fabs(want));
        d += off * off;
        norm += want * want;
    }
    *error = norm > 0 ? sqrt(d / norm) : d > 0 ? INFINITY : 0;
    ff_tensor_unref(out[0]);
    ff_runner_destroy(runner);
    ff_plan_unref(plan);
    return rc;
}

/* ----------------------------------------------------------------------------------------- repaired */

static int cut_of(const part *p, const ff_plan *plan, ff_model **out)
{
    const ff_cvalue *values = p->s->target.canon->values;
    const char *names[MOST_INPUTS];
    for (int i = 0; i < p->n; i++)
        names[i] = values[p->inputs[i]].original->name;
    return ff_cut(plan, p->n, names, values[p->output].original->name, out);
}

/* Does the finding lie in the part? */
static bool is_inside(const part *p, const ff_finding *f)
{
    int at = f->hint ? f->hint->target_cnode : -1;
    return at >= 0 ? p->inside[at] : f->hint && f->hint->exit == p->output;
}

/* The Target with all faults of the part repaired, cut in the same way; NULL where that cannot be. */
static ff_model *repaired_part(const part *p, const ff_finding *f, const ff_findings *all, const ff_proposals *list)
{
    ff_model *m = ff_model_ref(p->s->target.model), *next, *out = NULL;
    const char *last = "";
    for (int i = 0; i < list->count; i++) {
        const ff_proposal *x = &list->at[i];
        bool wanted = false;
        for (int k = 0; k < all->count && x->n_findings == 1 && !wanted; k++)
            wanted = strcmp(all->at[k].id, x->findings[0]) == 0 && (&all->at[k] == f || is_inside(p, &all->at[k]));
        if (!wanted || !x->patch || strcmp(last, x->findings[0]) == 0) /* of variants the first */
            continue;
        last = x->findings[0];
        if (ff_proposal_apply(x, m, &next) == FF_OK) {
            ff_model_unref(m);
            m = next;
        }
    }
    const ff_canon *c = p->s->target.canon;
    ff_plan *plan = NULL;
    ff_plan_options o = {.observe = true, .feeds = ff_plan_input_shape(c->plan, 0)};
    if (ff_plan_create(m, &o, &plan) != FF_OK || cut_of(p, plan, &out) != FF_OK)
        out = NULL;
    ff_plan_unref(plan);
    ff_model_unref(m);
    return out;
}

/* ------------------------------------------------------------------------------------------- write */

static int make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return FF_OK;
    return ff_fail(FF_ERR_INPUT, "'%s' cannot be made: %s", path, strerror(errno));
}

static int write_words(const char *folder, const ff_finding *f, const ff_dataset *set, const ff_repro *r, bool force)
{
    ff_buf b = {0};
    char *path = ff_path_join(folder, "fault.txt");
    ff_buf_printf(&b, "%s (%s)\n%s\n\n%s\n\n", ff_fault_type_name(f->type), f->cause->name, f->summary,
                  f->explanation ? f->explanation : "");
    ff_buf_printf(
        &b,
        "model.onnx: %d node%s of the converted model. Fed what the original model has there (image '%s'), it "
        "gives\na result that is %.3g off what the original model gives (relative, L2).\n",
        r->n_nodes, r->n_nodes == 1 ? "" : "s", ff_dataset_name(set, r->image), r->error);
    if (isfinite(r->repaired))
        ff_buf_printf(&b, "repaired.onnx: the same nodes, repaired: %.3g off.\n", r->repaired);
    int rc = ff_write_file(path, b.data, b.len, force);
    ff_buf_finish(&b);
    free(path);
    return rc;
}

static int write_model(const ff_model *m, const char *folder, const char *name, bool force)
{
    char *path = ff_path_join(folder, name);
    int rc = ff_model_save(m, path, force);
    free(path);
    return rc;
}

static int write_tensors(const part *p, const char *folder, bool force)
{
    const ff_cvalue *values = p->s->target.canon->values;
    char *data = ff_path_join(folder, "test_data_set_0");
    int rc = make_folder(data);
    for (int i = 0; i <= p->n && rc == FF_OK; i++) {
        bool input = i < p->n;
        char *path = input ? ff_asprintf("%s/input_%d.pb", data, i) : ff_asprintf("%s/output_0.pb", data);
        rc = ff_tensor_save_pb(input ? p->feeds[i] : p->result, values[input ? p->inputs[i] : p->output].original->name,
                               path, force);
        free(path);
    }
    free(data);
    return rc;
}

/* ------------------------------------------------------------------------------------------- images */

/* Wrong ones before others. */
static int choose_images(const ff_subject *s, int *images)
{
    int n = 0;
    for (int wrong = 1; wrong >= 0; wrong--)
        for (int i = 0; i < s->source.labels->count && n < IMAGES; i++) {
            int label = s->target.labels->at[i].top[0];
            bool differs = label < 0 || label + s->offset != s->source.labels->at[i].top[0];
            if (differs == (wrong == 1))
                images[n++] = i;
        }
    return n;
}

/* Leaves the values of the image that shows it best. */
static int choose_image(part *p, const ff_model *m, const ff_task *task, ff_repro *r)
{
    int images[IMAGES], n = choose_images(p->s, images);
    ff_runner *source;
    int rc = ff_runner_create(p->s->source.observe, &source);
    if (rc != FF_OK)
        return rc;
    r->image = -1;
    for (int i = 0; i < n && rc == FF_OK; i++) {
        double error;
        bool beyond;
        forget(p);
        rc = measure(p, source, images[i], task);
        if (rc == FF_OK)
            rc = compare(p, m, &error, &beyond);
        if (rc == FF_OK && beyond && (r->image < 0 || error > r->error)) {
            r->image = images[i];
            r->error = error;
        }
    }
    forget(p);
    if (rc == FF_OK)
        rc = r->image < 0 ? not_shown("it makes no difference that the backend tests see")
                          : measure(p, source, r->image, task);
    ff_runner_destroy(source);
    return rc;
}

int ff_repro_write(const ff_subject *s, const ff_finding *f, const ff_findings *all, const ff_proposals *proposals,
                   const char *folder, bool force, const ff_task *task, ff_repro *out)
{
    part p = {.s = s};
    ff_repro r = {.repaired = NAN};
    ff_model *m = NULL, *repaired = NULL;
    p.inside = ff_alloc_array((size_t)(s->target.canon ? s->target.canon->n_nodes : 0) + 1, sizeof *p.inside);
    int rc =
        f->type == FF_PP || f->type == FF_ID ? not_shown("it lies in what the model is fed") : find_part(&p, f->hint);
    if (rc == FF_OK)
        rc = cut_of(&p, s->target.canon->plan, &m);
    if (rc == FF_OK)
        rc = choose_image(&p, m, task, &r);
    if (rc == FF_ERR_GRAPH) /* shapes that contradict one another */
        rc = ff_fail_prefix(FF_ERR_USAGE, "no part of the model shows it");
    bool beyond;
    if (rc == FF_OK && (repaired = repaired_part(&p, f, all, proposals)) &&
        (compare(&p, repaired, &r.repaired, &beyond) != FF_OK || !(r.repaired < 1e-4))) {
        ff_model_unref(repaired);
        repaired = NULL;
        r.repaired = NAN;
    }
    if (rc == FF_OK) {
        r.n_nodes = ff_model_graph(m)->n_nodes;
        rc = make_folder(folder);
    }
    if (rc == FF_OK)
        rc = write_model(m, folder, "model.onnx", force);
    if (rc == FF_OK && repaired)
        rc = write_model(repaired, folder, "repaired.onnx", force);
    if (rc == FF_OK)
        rc = write_tensors(&p, folder, force);
    if (rc == FF_OK)
        rc = write_words(folder, f, s->set, &r, force);
    forget(&p);
    ff_model_unref(m);
    ff_model_unref(repaired);
    free(p.inside);
    if (rc == FF_OK)
        *out = r;
    return rc;
}
