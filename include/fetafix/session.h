/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/session.h: one case being examined and repaired.
 *
 *     ff_session_open(&options, &s)        starts the engine thread; returns at once
 *     ff_session_post(s, &request)         asks for something; answers with a job number
 *     ff_session_snapshot(s)               what is known now: immutable, shared
 *     ff_session_poll_event(s, &event)     what happened, in order
 *     ff_session_close(s)
 *
 *   interface thread                 engine thread (with its pool of workers)
 *   ----------------                 ----------------------------------------
 *   post ------ queue ------------>  takes one request after the other
 *   poll_event  <---- queue, fd ---  events: job done, step taken, snapshot changed
 *   snapshot  <---- pointer swap --  tables and numbers, made by the engine, read by anybody
 *
 * The interface never waits for the engine; batch front ends call ff_session_wait. A session is one
 * SQLite file; every accepted, rejected or undone step is committed before it is announced. Without a
 * path it is kept in memory. Killed at any point, it resumes with the identical state.
 */
#ifndef FETAFIX_SESSION_H
#define FETAFIX_SESSION_H

#include "fetafix/base.h"

typedef struct ff_model ff_model;

typedef struct ff_session ff_session;
struct ff_pin; /* fetafix/align.h */

typedef struct ff_session_options {
    const char *source, *target;         /* model files; NULL when an existing session file has them */
    const char *images;                  /* folder or LIST */
    const char *validate;                /* independent images, or NULL */
    const char *source_pre, *target_pre; /* spec or preset; NULL: guessed */
    const char *source_output, *target_output;
    const char *labels; /* class names, or NULL */
    const char *path;   /* session file, or NULL: in memory */
    int limit;          /* images; 0: all */
    int threads;        /* 0: one per core */
    uint64_t seed;
    uint64_t memory;     /* bytes; 0: a quarter of the machine's */
    double time_limit;   /* seconds of repair; 0: 7200 */
    int rounds;          /* fruitless rounds; 0: 3 */
    bool reference;      /* plain C kernels */
    bool keep_quantized; /* of the Target: rounding is no fault, repairs leave it quantised */
    bool paper_strategy, paper_analysis, minimal;
    bool causal;    /* compute the causal column too */
    bool speculate; /* evaluate the next proposals while idle (the explorer) */
    const char *core_ops;
    const struct ff_pin *pins; /* pairs that must be or must not be, beside those of the session file */
    int n_pins;
    const char *comparator; /* as ff_comparator_create reads it; NULL: top-1 */
    ff_team *team;          /* processes that share the work; only that of rank 0 keeps a file */
    bool labels_only;       /* compare: FF_JOB_LOAD labels and does not align; no other job
                                            but FF_JOB_SAVE, FF_JOB_LABELS and FF_JOB_VALIDATE */
} ff_session_options;
/* The memory budget in bytes: the one given, else what stands for it. */
uint64_t ff_session_memory(const ff_session_options *o);

/* Checks nothing but the session file itself; loading is the first job (kind FF_JOB_LOAD, posted by
 * this call). FF_ERR_INPUT: not a session, of another version, or in use by another process. */
int ff_session_open(const ff_session_options *o, ff_session **out) FF_MUST_USE;
/* Cancels what runs, commits, ends the thread. */
void ff_session_close(ff_session *s);

/* ---------------------------------------------------------------------------------- requests */

typedef enum ff_job_kind {
    FF_JOB_LOAD,     /* models, images, labels of both, alignment (and what a session file holds) */
    FF_JOB_LOCALIZE, /* findings, equivalences, layer scores */
    FF_JOB_EVALUATE, /* judge the proposal `id` without taking it */
    FF_JOB_ACCEPT,   /* take proposal `id` (judged first when it was not); `force`: even if not better. Several
                        ids, one a line, and a group are one step */
    FF_JOB_REJECT,   /* set proposal `id` aside */
    FF_JOB_SPLIT,    /* set group `id` aside for its members; no id: take the present state's repairs one by one */
    FF_JOB_UNDO,     /* to the parent state */
    FF_JOB_REDO,     /* to the youngest child (or `number`) */
    FF_JOB_GOTO,     /* to state `number` */
    FF_JOB_STEP,     /* one step of the search: try the next proposals until one is kept */
    FF_JOB_REPAIR,   /* to the end: greedy, joint, completion, minimisation */
    FF_JOB_SAVE,     /* write the present Target to `path` (`force`) */
    FF_JOB_DETAIL,   /* node detail of pair `number`: fills ff_session_detail */
    FF_JOB_VALIDATE, /* discrepancy over the validation images */
    FF_JOB_EXPORT,   /* write the way from the root to the present state to `path` (`force`), for `apply` */
    FF_JOB_PRE_INTO_GRAPH, /* the preprocessing that was repaired becomes nodes behind the Target's input: a state
                              that wants what the Target was fed at first. At the end of the search */
    FF_JOB_EXPORT_SCRIPT,  /* the same way as the commands that take it, for `fetafix script` */
    FF_JOB_REPRO,   /* each fault of the present state (or finding `id`) as a bundle in a folder of `path` (`force`) */
    FF_JOB_LABELS,  /* the labels of both models in the present state, as `path` (`force`): --labels-csv */
    FF_JOB_COMPARE, /* states `number` and `other` side by side: fills ff_session_comparison */
    FF_JOB_PIN,     /* the Source's node `id` and the Target's node `target` are a pair */
    FF_JOB_FORBID,  /* they never are */
    FF_JOB_UNPIN,   /* whatever fits; each of the three localises again when it was localised */
    FF_JOB_WHAT_IF, /* judge an edit of one's own, to look at: `id` says what, of pair `number`: "NAME=VALUE" an
                        attribute, "weights" the Source's weights, "inject" the Source's activation; `number` -1:
                        words of a preprocessing spec for the Target. Replaces the one before */
    FF_JOB_KEEP,    /* the what-if becomes a step */
    FF_JOB_DROP,    /* the what-if is forgotten */
    FF_JOB_PICTURE, /* image `other` small, and what both sides make of it at pair `number` (-1: no pair): fills
                        ff_session_picture */
    FF_JOB_MEASURE, /* score the layers of the present state; `number` 1: the causal column too */
    FF_JOB_BISECT,  /* where the models part in the present state: fills `parting` */
    FF_JOB_ERRAND,  /* runs `errand`, work of the front end's own */
    FF_JOB_KINDS
} ff_job_kind;

/* Work of a front end that the engine does as a job: a question about models that need not be the case's. */
typedef struct ff_errand {
    bool brief; /* done between two trials of a search, not behind it */
    /* In the engine's thread, with the job's cancel token and progress; `target`: as it is now, NULL if none is loaded. */
    int (*run)(struct ff_errand *e, const ff_task *task, ff_model *target);
    void (*destroy)(struct ff_errand *e);
} ff_errand;

typedef struct ff_request {
    ff_job_kind kind;
    const char *id;     /* copied */
    const char *path;   /* copied */
    const char *target; /* copied */
    int64_t number, other;
    bool force;
    ff_errand *errand; /* the session's from ff_session_post on */
} ff_request;

/* Never blocks. Returns the job's number (> 0). Any thread. */
int64_t ff_session_post(ff_session *s, const ff_request *r);
/* Cancels the running job (and drops queued ones when `all`). Async-signal-safe. */
void ff_session_cancel(ff_session *s, bool all);
/* The errand of a job that ended well, for the caller to destroy; NULL: it did not, or was taken. Any thread. */
ff_errand *ff_session_take_errand(ff_session *s, int64_t job);
/* Waits until the job has ended; returns its outcome with its message on this thread. */
int ff_session_wait(ff_session *s, int64_t job) FF_MUST_USE;

typedef struct ff_event {
    enum { FF_EVENT_SNAPSHOT, FF_EVENT_STARTED, FF_EVENT_DONE, FF_EVENT_FAILED, FF_EVENT_NOTE } type;
    ff_job_kind kind;
    int64_t job;
    int code;      /* FF_EVENT_FAILED */
    char *message; /* in words: "accepted: wrong 21 -> 19"; may be NULL; freed by ff_event_finish */
} ff_event;
bool ff_session_poll_event(ff_session *s, ff_event *out); /* false when there is none */
void ff_event_finish(ff_event *e);
int ff_session_fd(const ff_session *s); /* readable while events wait */
const ff_progress *ff_session_progress(const ff_session *s);
int64_t ff_session_running(const ff_session *s, ff_job_kind *kind); /* job that runs, 0: idle */

/* --------------------------------------------------------------------------------- snapshots */

/* What a part of the work cost in this run of the program. Operations are floating-point operations
 * (a multiplication with addition is two); `flops_full`: had each run been of the whole model, over
 * every image that a decision is about. */
typedef struct ff_work {
    const char *name; /* "labels", "analysis", then the phases of the search (ff_phase_name) */
    int trials;       /* judgements; 0 where there are none */
    double seconds, flops, flops_full;
    int rejected; /* of the trials, those whose labels came out worse; their part of the work */
    double rejected_flops, rejected_flops_full;
} ff_work;

/* Everything that is known, as values. Text is made visible already (no control characters). */
typedef struct ff_snapshot {
    int64_t version;                  /* grows with each */
    bool loaded, localized, searched; /* which stages were reached; searched: the search came to its end */
    const char *source_path, *target_path, *source_producer, *target_producer;
    const char *source_sha256, *target_sha256;
    int source_opset, target_opset;
    const char *source_pre, *target_pre, *target_pre_repaired; /* full specs; repaired: NULL when unchanged */
    const char *source_pre_why, *target_pre_why;               /* "given" or how it was guessed */
    const char *comparator;                                    /* as given: "top-1" */
    const char *wrong_words;                                   /* what `wrong` counts: "labels differ" */
    bool verdicts;            /* by a comparator that gives a score; else labels decide */
    bool arrays;              /* the samples are no images */
    const char *target_error; /* why the Target cannot run, or NULL */
    const char *images_path;  /* folder or LIST as given: to open, not to show; NULL unknown */
    int images, offset;
    int initial, wrong; /* counts; -1 unknown */
    double distance;    /* mean relative distance of the outputs; NAN unknown */
    int validation_images, validation_initial, validation_wrong, validation_regressed; /* -1 unknown */
    int validation_labelled; /* of these images the class is given: how many, and how many each model gets right */
    int validation_source_right, validation_initial_right, validation_right;
    const char *validation_harm;             /* the repair makes things worse there: in words; else NULL */
    const char *validation_regressed_images; /* right at first, wrong now: names, a line each */
    int64_t state;                           /* present state's number in `states` */
    const char *next;                        /* id of the proposal that is next, or NULL */
    double seconds;                          /* spent on searching, earlier runs of the session included */
    bool timed_out;                          /* the time limit ended the search */
    const char *
        divergence; /* where the models part, in words: "at 'conv2' (L2): 12% off on 'a.png'"; NULL: unknown or nowhere */
    const char *divergence_source, *divergence_target,
        *divergence_image;        /* labels (empty: the input, or missing), name */
    const char *divergence_until; /* the Source's last node that it may be at; empty: only that one */
    double divergence_error;      /* relative, right behind it; NAN unknown */
    int divergence_runs;
    const char *parting;      /* the same of the present state; NULL: unknown until FF_JOB_BISECT */
    int parting_pair;         /* -1: with the input, or nowhere */
    double flops, flops_full; /* work of the judgements so far; what whole evaluations would have been */
    int n_work;
    const ff_work *work; /* where it went, a row a phase; labels and analysis stand before the judgements */
    struct ff_what_if {
        const char *summary; /* of the edit that is looked at; NULL: none */
        const char *verdict; /* why it is as it is, in words */
        int wrong;           /* images that differ under it, exact; -1: the Target cannot run */
        int fixed, broken;   /* against the present state */
        double distance;     /* NAN unknown */
        bool keepable;       /* false: an injection is no edit */
        int pair;            /* -1: preprocessing */
    } what_if;

    const ff_table *pairs; /* the aligned graph, a row a pair, in the order of the network */
    const ff_table *findings;
    const ff_table *proposals;    /* open ones, in the order in which they will be tried */
    const ff_table *layers;       /* core layers with scores, in the order of the network */
    const ff_table *states;       /* the history tree: a row a state */
    const ff_table *steps;        /* decisions: a row each, in order of time */
    const ff_table *images_table; /* a row an image */
    const ff_table *equivalences;
    const ff_table *log;   /* recent notes of the engine */
    const ff_table *nodes; /* the nodes of both files, a row each */
    const ff_table *pins;  /* pairs that a person pinned or forbade */
} ff_snapshot;

/* A new reference to the present snapshot; never NULL. */
const ff_snapshot *ff_session_snapshot(ff_session *s);
void ff_snapshot_unref(const ff_snapshot *s);

/*
 * Columns (all tables may gain some; a NAN is an empty cell):
 *
 * pairs         pair:int  source:text target:text  (labels of the primary nodes; empty: missing)
 *               op:text  source_summary:text target_summary:text  ("Conv 32 3x3 s2 p0,0,1,1")
 *               status:text  ("equal" "equivalent" "different" "source-only" "target-only")
 *               note:text ("weights 0.8%", "max 6 -> 3", "Pad folded")  layer:int (1.., core layers; else empty)
 *               depth:int (column of the branch, 0 main)  confidence:real  findings:int
 *               source_inputs:text (pairs it reads, "3,7")  error:real (entire)  isolated:real
 *               reason:text (why they are a pair: "equal weights", "order", "pinned")
 * findings      id:text type:text cause:text summary:text explanation:text status:text ("open" "repaired"
 *               "ineffective" "undone") essential:bool pair:int layer:int source_nodes:text target_nodes:text
 *               (labels, newline between) details:text (JSON) step:int before:int after:int magnitude:real brief:text ("max 6 -> 3")
 *               `step`, here and in all tables: number of the accepted step on the way from the root to the
 *               present state (the depth of the state it made), 1..
 * proposals     id:text type:text summary:text findings:text patch:text (edits in words, a line each)
 *               status:text ("untried" "evaluated" "rejected" "taken") verdict:text wrong:int complete:bool
 *               fixed:int broken:int pair:int puts_right:text makes_wrong:text ("3,17": images; complete ones)
 *               number:int (as in `accept 1`)
 * layers        layer:int pair:int source:text target:text rank:int kw:real effect:real entire:real
 *               isolated:real causal:real (as the Target came) entire_now:real isolated_now:real causal_now:real
 *               kw_now:real (as it is now; empty until FF_JOB_MEASURE)  note:text (why it could not be compared)
 *               own_dims:bool (it is this layer that makes other dims)
 * states        state:int parent:int (empty: the root) wrong:int distance:real step:int summary:text
 *               current:bool model:text (content key)
 * steps         decision:int (1.., in order of time) step:int (of the state it led to; empty: none)
 *               state:int proposal:text type:text summary:text outcome:text ("accepted" "rejected"
 *               "broken" "undone" "redone" "went" "kept": a what-if became a step) before:int after:int phase:text findings:text
 * images_table  image:int name:text source:int target:int initial:int (labels now and at first)
 *               source_name:text target_name:text source_margin:real target_margin:real wrong:bool
 *               fixed_by:int (step that put it right; empty)  top_source:text top_target:text ("12,94,26,98,95")
 *               initial_name:text score:real (of the comparator; empty where labels decide)
 * equivalences  rule:text meaning:text source_nodes:text target_nodes:text deviation:real
 * log           line:text
 * nodes         pair:int side:text node:text op:text role:text ("primary" "absorbed") layer:int status:text
 *               summary:text note:text
 * pins          source:text target:text word:text ("pin" "forbid")
 */

/* Columns of a snapshot's table by its name ("images" for images_table), without a session; NULL: none. */
const ff_column *ff_session_columns(const char *table, int *n);

/* Node detail as tables, made by FF_JOB_DETAIL; NULL until it is there for this pair and state. */
typedef struct ff_detail {
    int pair;
    const ff_table *attributes; /* name:text source:text target:text same:bool */
    const ff_table *origins;    /* side:text label:text op:text role:text inputs:text outputs:text shape:text */
    const ff_table *weights;    /* role:text count:int source_min.. source_max source_mean source_sd target_*: real
                                   relative:real max_abs:real different:int cause:text shape:text */
    const ff_table *histogram;  /* role:text bin:int low:real high:real source:int target:int */
    const ff_table *worst;      /* role:text index:int source:real target:real difference:real */
    const ff_table *channels;   /* role:text channel:int error:real (|T - S| / |S| over the output channel, from 0) */
} ff_detail;
const ff_detail *ff_session_detail(ff_session *s, int pair); /* new reference or NULL */
void ff_detail_unref(const ff_detail *d);

/* Two states side by side, made by FF_JOB_COMPARE; NULL until then. */
typedef struct ff_comparison {
    int64_t a, b;
    bool same_model;        /* bit for bit, and the same preprocessing */
    const ff_table *states; /* state:int wrong:int distance:real step:int summary:text preprocessing:text; a, then b */
    const ff_table
        *images; /* image:int name:text source:int a:int b:int right:text ("a" "b" "neither"): labels that differ */
    const ff_table *edits; /* state:int edit:text: on the way to that one and not to the other */
} ff_comparison;
const ff_comparison *ff_session_comparison(ff_session *s); /* new reference or NULL */
void ff_comparison_unref(const ff_comparison *c);
/* An image and its activations at one pair in the present state, made by FF_JOB_PICTURE. */
typedef struct ff_picture {
    int pair, image;
    int width, height;            /* of the thumbnail, at most FF_THUMB each way */
    const uint8_t *rgb;           /* 3 * width bytes a row, top down */
    int channels, rows, columns;  /* of the activations: [channels][rows][columns]; 0: there are none */
    const float *source, *target; /* NULL where a side has none */
    const float *error;           /* by channel |T - S| / |S|; NULL unless both are there */
} ff_picture;
enum { FF_THUMB = 320 };
/* New reference, or NULL until it is there for this image, pair and state. */
const ff_picture *ff_session_picture(ff_session *s, int pair, int image);
void ff_picture_unref(const ff_picture *p);

/* What is known of a kind of job (src/session/engine/job_list.h). */
typedef struct ff_job_facts {
    const char *command; /* of the prompt, that asks for just this job; NULL: none, or it takes arguments */
    const char *doing;   /* "repairing": what the engine does */
    bool lengthy;        /* a person does not expect it to end at once */
    bool looks;          /* it changes nothing and is served between two trials of a search */
    bool localizes;      /* the present state is localised by the way */
    bool silent;         /* nobody is told that it is done */
} ff_job_facts;
const ff_job_facts *ff_job(ff_job_kind kind);
const char *ff_job_name(ff_job_kind kind);          /* ff_job(kind)->doing */
ff_job_kind ff_job_of_command(const char *command); /* FF_JOB_KINDS: none */
/* Jobs that run or wait, in the order in which they will be done. Any thread. */
typedef struct ff_job_info {
    int64_t job;
    ff_job_kind kind;
    bool running;
} ff_job_info;
int ff_session_jobs(ff_session *s, ff_job_info *out, int max); /* how many were written */
/* Cancels one job, running or waiting. */
void ff_session_cancel_job(ff_session *s, int64_t job);

#endif
