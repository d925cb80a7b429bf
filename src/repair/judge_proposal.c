/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A proposal judged: applied to the base, or the search that it stands for. */
#include "fetafix/repair.h"
#include "fetafix/examine.h"
#include "repair/judge.h"
#include "repair/tune_pre.h"

#include <math.h>
#include <stdlib.h>

/* Where the Target is fed what the Source is, nothing but the labels that differ speaks for another spec. Among many,
 * one puts some label right by chance: it is the cause only when the outputs come much nearer as well. */
static bool by_chance(const ff_state *base, const ff_proposal *p, const ff_judgement *v)
{
    return base->pre.layout == p->pre.layout && ff_pre_equal(&base->pre, &p->pre) &&
           !(v->distance < 0.5 * base->distance);
}

/* The most promising specs on all images; the best of them is the judgement. */
static int judge_search(ff_judge *j, const ff_state *base, const ff_proposal *p, const ff_task *task, ff_judgement *out)
{
    enum { CONFIRMED = 3 };
    ff_tuned found[CONFIRMED + 1]; /* the base may be among them */
    int n = 0, limit = base->wrong - 1;
    double flops = 0, flops_full = 0;
    const ff_pre bases[] = {base->pre, p->pre};
    ff_judgement best = {.verdict = FF_VERDICT_WORSE, .wrong = base->wrong, .distance = NAN};
    int rc = ff_tune_pre(judge_shared(j), base->model, bases, 2, judge_offset(j, base->labels), task, found,
                         CONFIRMED + 1, &n, &flops);
    flops_full = flops;
    for (int i = 0, confirmed = 0; i < n && confirmed < CONFIRMED && limit >= 0 && rc == FF_OK; i++) {
        if (found[i].pre.layout == base->pre.layout && ff_pre_equal(&found[i].pre, &base->pre))
            continue;
        confirmed++;
        ff_judgement v;
        rc = ff_judge_model(j, base, base->model, &found[i].pre, limit, false, task, &v);
        if (rc != FF_OK)
            break;
        flops += v.flops;
        flops_full += v.flops_full;
        if (v.verdict == FF_VERDICT_BETTER && v.wrong <= limit && v.state && !by_chance(base, p, &v)) {
            ff_judgement_finish(&best);
            best = v;
            limit = v.wrong - 1;
        } else {
            ff_judgement_finish(&v);
        }
    }
    if (rc != FF_OK) {
        ff_judgement_finish(&best);
        return rc;
    }
    if (!best.why)
        best.why = ff_strdup("no preprocessing was found under which fewer labels differ");
    best.flops = flops;
    best.flops_full = flops_full;
    *out = best;
    return FF_OK;
}

int ff_judge_limit(const ff_state *base)
{
    return base->wrong - (base->labels->error ? 0 : 1);
}

int ff_judge_proposal(ff_judge *j, const ff_state *base, const ff_proposal *p, bool complete, const ff_task *task,
                      ff_judgement *out)
{
    if (p->search_pre)
        return judge_search(j, base, p, task, out);
    ff_model *m;
    int rc = ff_proposal_apply(p, base->model, &m);
    if (judge_is_of_model(rc)) {
        *out = (ff_judgement){0};
        judge_broken(j, out);
        return FF_OK;
    }
    if (rc != FF_OK)
        return rc;
    ff_pre pre = base->pre;
    ff_proposal_pre(p, &pre);
    rc = ff_judge_model(j, base, m, &pre, ff_judge_limit(base), complete, task, out);
    ff_model_unref(m);
    return rc;
}

void ff_proposal_settle(ff_proposal *p, const ff_judgement *j)
{
    if (!p->search_pre || !j->state)
        return;
    p->search_pre = false;
    p->has_pre = true;
    p->pre = j->state->pre;
    char *text = ff_pre_print(&p->pre);
    free(p->summary);
    p->summary = ff_asprintf("prepare the Target's pixels as a search found best: %s", text);
    free(text);
}
