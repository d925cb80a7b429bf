/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verdicts on samples, whatever the comparator. */
#include "compare/comparator.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *ff_comparator_spec(const ff_comparator *c)
{
    return c ? c->spec : "top-1";
}

bool ff_comparator_by_label(const ff_comparator *c)
{
    return !c || !c->kind->compare;
}

const char *ff_comparator_wrong(const ff_comparator *c)
{
    return c ? c->kind->wrong : "labels differ";
}

const char *ff_comparator_output(const ff_comparator *c, const char *chosen)
{
    return chosen || !c || !c->kind->every_output ? chosen : FF_EVERY_OUTPUT;
}

ff_keep ff_comparator_keep(const ff_comparator *c, ff_keep otherwise)
{
    return ff_comparator_by_label(c) ? otherwise : FF_KEEP_FORM;
}

/* ----------------------------------------------------------------- what comparators are made with */

double comparator_number(const ff_comparator *c, int which, int output)
{
    for (int i = 0; i < c->n_special; i++)
        if (c->special[i].output == output && c->special[i].parameter == which)
            return c->special[i].number;
    return c->number[which];
}

int64_t sample_class(float v)
{
    return v >= 0 && v < 0x1p62f ? (int64_t)v : -1;
}

const float *sample_values(const ff_label *l, int i)
{
    const float *v = l->output;
    for (int k = 0; k < i; k++)
        v += l->form->at[k].count;
    return v;
}

bool sample_same_form(const ff_label *a, const ff_label *b)
{
    bool same = a->form->n == b->form->n;
    for (int i = 0; same && i < a->form->n; i++) {
        same = a->form->at[i].rank == b->form->at[i].rank && a->form->at[i].structure == b->form->at[i].structure &&
               a->form->at[i].text == b->form->at[i].text;
        for (int d = 0; same && d < a->form->at[i].rank; d++)
            same = a->form->at[i].dims[d] == b->form->at[i].dims[d];
    }
    return same;
}

bool sample_hides_difference(const sample *s, int i)
{
    const ff_output_form *a = &s->source->form->at[i], *b = &s->target->form->at[i];
    if (a->exact == b->exact || (!a->text && a->whole != b->whole))
        return false;
    const float *x = sample_values(s->source, i), *y = sample_values(s->target, i);
    for (int64_t k = 0; k < a->count && !a->text; k++)
        if (x[k] != y[k])
            return false;
    return true;
}

double sample_distance(const sample *s)
{
    double norm = 0, sum = 0;
    if (!sample_same_form(s->source, s->target))
        return INFINITY;
    for (int64_t i = 0; i < s->source->form->width; i++) {
        double x = s->source->output[i], d = s->target->output[i] - x;
        if (x == s->target->output[i]) /* infinities that are equal */
            d = 0;
        norm += isfinite(x) ? x * x : 0;
        sum += d * d;
    }
    double d = sum == 0 ? 0 : norm > 0 ? sqrt(sum / norm) : INFINITY;
    return isnan(d) ? INFINITY : d;
}

void outcome_at_least(outcome *o, double score, double threshold)
{
    o->score = score;
    o->wrong = !(score >= threshold);
    o->margin = fabs(score - threshold);
}

/* ------------------------------------------------------------------------------------- verdicts */

/* A number that JSON, CSV and a float can hold. */
static float plain(double v)
{
    return isnan(v) ? 0 : v > FLT_MAX ? FLT_MAX : v < -FLT_MAX ? -FLT_MAX : (float)v;
}

int ff_compare(const ff_comparator *c, const ff_label *source, ff_label *target, int offset, const char *name,
               ff_cancel *cancel, double *distance)
{
    outcome o = {.wrong = true, .distance = INFINITY};
    if (source->output && source->form && target->output && target->form) {
        sample s = {source, target, offset, name, cancel};
        o.distance = NAN;
        int code = c->kind->compare(c, &s, &o);
        if (code)
            return code;
    }
    target->verdict = o.wrong ? FF_DIFFERS : FF_AGREES;
    target->score = plain(o.score);
    target->margin = plain(o.margin);
    if (distance)
        *distance = o.distance;
    return FF_OK;
}

typedef struct verdict {
    int kind;
    float score, margin;
} verdict;

typedef struct comparing {
    const ff_comparator *c;
    const ff_dataset *set;
    const ff_labels *source;
    ff_labels *target;
    int offset;
    const int *ids;
    const ff_task *task;
    verdict *verdicts;
} comparing;

static int compare_one(void *context, int64_t k, int worker)
{
    comparing *p = context;
    int id = p->ids ? p->ids[k] : (int)k;
    ff_label *t = &p->target->at[id];
    (void)worker;
    int code = ff_compare(p->c, &p->source->at[id], t, p->offset, ff_dataset_name(p->set, id),
                          p->task ? p->task->cancel : NULL, NULL);
    p->verdicts[k] = (verdict){(int)t->verdict, t->score, t->margin};
    return code;
}

int ff_labels_compare(const ff_comparator *c, const ff_dataset *set, const ff_labels *source, ff_labels *target,
                      int offset, const int *ids, int n, const ff_task *task)
{
    if (ff_comparator_by_label(c))
        return FF_OK;
    n = ids ? n : target->count;
    comparing p = {c, set, source, target, offset, ids, task, NULL};
    p.verdicts = ff_alloc_array((size_t)n + 1, sizeof *p.verdicts);
    int code = ff_share_for(task, n, ids, compare_one, &p, &(ff_part){p.verdicts, sizeof *p.verdicts}, 1);
    for (int k = 0; k < n && !code; k++) {
        ff_label *t = &target->at[ids ? ids[k] : k];
        t->verdict = (ff_verdict_of)p.verdicts[k].kind;
        t->score = p.verdicts[k].score;
        t->margin = p.verdicts[k].margin;
    }
    free(p.verdicts);
    return code;
}
