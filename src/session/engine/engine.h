/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A session from inside: the queue of requests, and what both sides touch. The lock guards the latter and is
 * held for a few assignments only; nothing is computed under it.
 */
#ifndef FETAFIX_SESSION_ENGINE_ENGINE_H
#define FETAFIX_SESSION_ENGINE_ENGINE_H

#include <pthread.h>

#include "session/case/case.h"
#include "session/show/snapshot.h"

typedef struct request {
    int64_t job;
    ff_request r;
} request;

typedef struct job_end {
    bool ended; /* else the rest says nothing */
    int code;
    char *message;
} job_end;

/* A job that runs or waits. */
typedef struct waiting {
    ff_job_info info;
    bool dropped;
} waiting;

struct ff_session {
    ff_case *c;
    pthread_t thread;
    ff_queue *requests, *events;
    ff_cancel cancel, speculation;
    ff_progress progress;
    atomic_llong posted;  /* number of the last job */
    atomic_llong running; /* number of the job that runs, 0: none */
    atomic_int running_kind;
    atomic_llong cancel_upto; /* jobs up to this number are dropped */
    atomic_bool closing;

    pthread_mutex_t lock;
    pthread_cond_t ended;
    const ff_snapshot *snapshot;
    const ff_detail *detail;
    const ff_comparison *comparison;
    uint64_t detail_state;
    const ff_picture *picture;
    uint64_t picture_state;
    waiting *jobs; /* in the order of their numbers */
    int n_jobs;
    size_t jobs_capacity;
    int64_t n_ends;
    job_end *ends; /* by job number */
    size_t ends_capacity;
    int64_t published_ns;
    struct done_errand *errands; /* whose answers were not taken, the last one first */
    atomic_bool told;            /* a snapshot event waits: one is enough */
};

/* run.c: does what is asked */
int engine_run(ff_session *s, const ff_request *r) FF_MUST_USE;

/* shown.c: what the engine says and shows. All but the last on the engine's thread. */
void engine_emit(ff_session *s, int type, ff_job_kind kind, int64_t job, int code, const char *message);
void engine_publish(void *session, bool force);
void engine_announce(void *session, const char *message);
void engine_set_detail(ff_session *s, const ff_detail *d);         /* takes it over */
void engine_set_picture(ff_session *s, const ff_picture *p);       /* likewise */
void engine_set_comparison(ff_session *s, const ff_comparison *c); /* likewise */
void engine_free_event(void *event);

/* errand.c */
int engine_run_errand(ff_session *s, ff_errand *e) FF_MUST_USE;
/* Takes the errand out of the request of a job that ended like this, for whoever asked. */
void engine_keep_errand(ff_session *s, request *q, int code);
void engine_drop_errands(ff_session *s);

#endif
