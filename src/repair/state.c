/* SPDX-License-Identifier: GPL-3.0-or-later */
/* States of the Target and judgements of them, as values. */
#include "fetafix/repair.h"

#include <stdlib.h>

const char *ff_verdict_name(ff_verdict v)
{
    static const char *const names[] = {"better", "same", "worse", "broken"};
    return names[v];
}

const char *ff_phase_name(ff_phase p)
{
    static const char *const names[] = {"greedy", "joint", "preprocessing", "completion", "minimise", "done"};
    return names[p];
}

ff_state *ff_state_create(ff_model *m, const ff_pre *pre, const ff_labels *labels, int wrong, double distance,
                          const ff_key *outputs)
{
    ff_state *s = ff_alloc(sizeof *s);
    s->model = ff_model_ref(m);
    s->pre = *pre;
    s->labels = ff_labels_create(labels->count);
    s->labels->width = labels->width;
    s->labels->error = ff_strdup(labels->error);
    for (int i = 0; i < labels->count; i++) {
        s->labels->at[i] = labels->at[i];
        s->labels->at[i].output = NULL;
        s->labels->at[i].form = NULL;
    }
    s->wrong = wrong;
    s->distance = distance;
    if (outputs)
        s->outputs = *outputs;
    return s;
}

ff_state *ff_state_copy(const ff_state *s)
{
    return ff_state_create(s->model, &s->pre, s->labels, s->wrong, s->distance, &s->outputs);
}

void ff_state_destroy(ff_state *s)
{
    if (!s)
        return;
    ff_model_unref(s->model);
    ff_labels_destroy(s->labels);
    free(s);
}

void ff_judgement_finish(ff_judgement *j)
{
    if (!j)
        return;
    free(j->why);
    ff_state_destroy(j->state);
    *j = (ff_judgement){0};
}

void ff_outcome_finish(ff_outcome *o)
{
    if (!o)
        return;
    ff_judgement_finish(&o->judgement);
    ff_proposal_finish(&o->proposal);
    *o = (ff_outcome){0};
}
