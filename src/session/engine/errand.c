/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errands: jobs that a front end brings along, and their answers until it takes them. */
#include <stdlib.h>

#include "session/engine/engine.h"

struct done_errand {
    int64_t job;
    ff_errand *errand;
    struct done_errand *next;
};

int engine_run_errand(ff_session *s, ff_errand *e)
{
    ff_model *target = NULL;
    int code = e ? FF_OK : ff_fail(FF_ERR_USAGE, "there is no such job");
    if (!code && s->c->history.n_states)
        code = case_state_model(s->c, s->c->history.current, &target);
    return code ? code : e->run(e, &s->c->task, target);
}

void engine_keep_errand(ff_session *s, request *q, int code)
{
    if (code || !q->r.errand)
        return; /* goes with the request */
    struct done_errand *d = ff_alloc(sizeof *d);
    *d = (struct done_errand){.job = q->job, .errand = q->r.errand};
    q->r.errand = NULL;
    pthread_mutex_lock(&s->lock);
    d->next = s->errands;
    s->errands = d;
    pthread_mutex_unlock(&s->lock);
}

ff_errand *ff_session_take_errand(ff_session *s, int64_t job)
{
    ff_errand *e = NULL;
    pthread_mutex_lock(&s->lock);
    struct done_errand **at = &s->errands;
    while (*at && (*at)->job != job)
        at = &(*at)->next;
    struct done_errand *d = *at;
    if (d) {
        *at = d->next;
        e = d->errand;
    }
    pthread_mutex_unlock(&s->lock);
    free(d);
    return e;
}

void engine_drop_errands(ff_session *s)
{
    for (struct done_errand *d = s->errands, *next; d; d = next) {
        next = d->next;
        d->errand->destroy(d->errand);
        free(d);
    }
}
