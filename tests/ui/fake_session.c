/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A session without models: the functions of session.h over made-up data, so that the explorer can be
 * looked at, timed and tested without an engine, always the same. Jobs run on a thread of their own
 * and take their time: FAKE_TICK_MS (default 2) milliseconds a unit of progress; FAKE_LOAD_FAILS in the
 * environment makes loading fail; FAKE_HOLD_DETAILS names a file: details are read when it is there, and
 * FAKE_HOLD_REPAIR one that repairs wait for.
 */
#include "fetafix/session.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { IMAGES = 150, INITIAL = 21, MAX_PAIRS = 128, MAX_STATES = 256, MAX_STEPS = 512 };

typedef struct pair {
    char source[48], target[48], op[24], source_summary[64], target_summary[64], note[64], inputs[32];
    const char *status;
    int layer, fault; /* fault: 1.. in faults[], 0 none */
    double error, isolated;
} pair;

static const struct {
    const char *type, *cause, *brief, *summary, *explanation, *patch;
    int block, gain; /* block: where in the network; gain: labels put right */
    double magnitude;
} faults[] = {
    {"WB", "int8-per-tensor", "weight int8 per tensor 0.8%",
     "weights were rounded to int8, per tensor (0.8% relative error)",
     "The Target's weights take only 255 values, evenly spaced: a converter stored them as 8-bit "
     "integers with one scale for the whole tensor. Channels with small weights lose most.",
     "replace weights 'block_1_depthwise/kernel' (32x1x3x3) by the Source's", 1, 9, 0.008},
    {"LH", "attribute-differs", "max 6 -> 3", "max is 6 in the Source, 3 in the Target",
     "The activation is cut off at another value, so that large responses are lost.",
     "set input 'max' of 'Relu6__37' to 6", 3, 6, 0.5},
    {"WB", "bfloat16", "weight bfloat16 0.3%", "weights were rounded to bfloat16 (0.3% relative error)",
     "The lower 16 bits of every weight are zero.",
     "replace weights 'block_4_project/kernel' (24x96x1x1) by the Source's", 4, 0, 0.003},
    {"WB", "int8-per-channel", "weight int8 per channel 0.4%",
     "weights were rounded to int8, per channel (0.4% relative error)",
     "Each output channel's weights take only 255 values.",
     "replace weights 'block_5_expand/kernel' (96x24x1x1) by the Source's", 5, 2, 0.004},
    {"CG", "extra-node", "extra node", "a Mul by 0.98 that the Source does not have",
     "The graph has a node more: a scale that was meant for training was left in.", "remove node 'block_6/scale__91'",
     6, 3, 0.02},
    {"WB", "different", "bias different 12%", "bias differs in 3 of 64 channels (12% relative error)",
     "Values of the bias are genuinely different, not rounded.",
     "replace bias 'block_7_expand/bias' (64) by the Source's", 7, 1, 0.12},
    {"PP", "scale", "pixels of another scale", "the Target was given pixels of another scale",
     "Preprocessing differs: the Source divides by 127.5 and subtracts 1, the Target divides by 128.",
     "preprocess the Target with scale=127.5 mean=1,1,1", -1, 0, 0.004},
};
enum { FAULTS = FF_COUNT(faults) };
#define GROUP "group:WB:rounded" /* can be set aside and split, not taken */

typedef struct state {
    int number, parent, wrong, step;
    unsigned repaired; /* bits of faults */
    char summary[96];
} state;

typedef struct step {
    int state, fault, before, after;
    const char *outcome, *phase;
} step;

struct ff_session {
    char *source, *target;
    pthread_t thread;
    pthread_mutex_t lock; /* over snapshot, detail and running */
    ff_queue *requests, *events;
    ff_cancel cancel;
    ff_progress progress;
    int64_t next_job, done_job;
    int64_t running, dropped;
    ff_job_kind running_kind;
    atomic_bool closing, drop_all;
    struct boxed *snapshot;
    ff_detail *detail;
    struct boxed_detail *boxed_detail;
    /* engine thread only */
    pair pairs[MAX_PAIRS];
    int n_pairs, n_layers;
    state states[MAX_STATES];
    int n_states, current, bisected;
    step steps[MAX_STEPS];
    int n_steps;
    unsigned rejected, evaluated;
    bool split;       /* the group was set aside */
    char what_if[96]; /* "": none */
    int what_if_wrong, what_if_pair;
    ff_job_info jobs[1024];
    int n_jobs;
    ff_picture *picture;
    bool loaded, localized, searched;
    int64_t version;
    ff_buf log;
};

typedef struct boxed {
    ff_snapshot s;
    atomic_int refs;
    char *source, *target, *next, *what_if;
} boxed;

typedef struct boxed_detail {
    ff_detail d;
    atomic_int refs;
} boxed_detail;

typedef struct job {
    ff_request r;
    char *id, *path;
    int64_t number;
} job;

/* ------------------------------------------------------------------------------------ the network */

static pair *add_pair(ff_session *s, const char *op, const char *name, const char *summary, bool core)
{
    pair *p = &s->pairs[s->n_pairs++];
    snprintf(p->op, sizeof p->op, "%s", op);
    snprintf(p->source, sizeof p->source, "%s", name);
    snprintf(p->target, sizeof p->target, "StatefulPartitionedCall/%s", name);
    snprintf(p->source_summary, sizeof p->source_summary, "%s", summary);
    snprintf(p->target_summary, sizeof p->target_summary, "%s", summary);
    snprintf(p->inputs, sizeof p->inputs, "%d", s->n_pairs - 2);
    if (s->n_pairs == 1)
        p->inputs[0] = '\0';
    p->status = "equal";
    p->layer = core ? ++s->n_layers : 0;
    return p;
}

static void make_network(ff_session *s)
{
    char name[48], text[64];
    add_pair(s, "Conv", "stem/Conv2D", "Conv 16 3x3 s2 p0,0,1,1", true)->status = "equivalent";
    snprintf(s->pairs[0].note, sizeof s->pairs[0].note, "Pad folded");
    snprintf(s->pairs[0].target_summary, 64, "Conv 16 3x3 s2");
    add_pair(s, "Clip", "stem/Relu6", "Clip 0..6", false);
    for (int b = 1; b <= 8; b++) {
        int entry = s->n_pairs - 1, width = b < 4 ? 16 : b < 7 ? 24 : 32;
        bool skip = b % 3 != 1;
        snprintf(name, sizeof name, "block_%d_expand", b);
        snprintf(text, sizeof text, "Conv %d 1x1", 4 * width);
        pair *expand = add_pair(s, "Conv", name, text, true);
        snprintf(name, sizeof name, "block_%d_expand/Relu6", b);
        add_pair(s, "Clip", name, "Clip 0..6", false);
        snprintf(name, sizeof name, "block_%d_depthwise", b);
        snprintf(text, sizeof text, "Conv dw %d 3x3 %s", 4 * width, skip ? "s1 p1" : "s2 p0,0,1,1");
        pair *depthwise = add_pair(s, "Conv", name, text, true);
        snprintf(name, sizeof name, "block_%d_depthwise/Relu6", b);
        pair *clip = add_pair(s, "Clip", name, "Clip 0..6", false);
        if (b % 2) {
            clip->status = "equivalent";
            snprintf(clip->note, sizeof clip->note, "Min+Max = Clip");
            snprintf(clip->target_summary, 64, "Min,Max 0..6");
        }
        if (b == 6) {
            pair *mul = add_pair(s, "Mul", "", "", false);
            mul->status = "target-only";
            snprintf(mul->target, sizeof mul->target, "block_6/scale__91");
            snprintf(mul->target_summary, 64, "Mul 0.98");
            snprintf(mul->note, sizeof mul->note, "extra node");
            mul->source[0] = '\0';
            mul->fault = 5;
        }
        snprintf(name, sizeof name, "block_%d_project", b);
        snprintf(text, sizeof text, "Conv %d 1x1", width);
        pair *project = add_pair(s, "Conv", name, text, true);
        if (skip) {
            snprintf(name, sizeof name, "block_%d_add", b);
            pair *add = add_pair(s, "Add", name, "Add", false);
            snprintf(add->inputs, sizeof add->inputs, "%d,%d", entry, s->n_pairs - 2);
        }
        for (int i = 0; i < FAULTS; i++) {
            if (faults[i].block != b || i == 4)
                continue;
            pair *p = i == 0 ? depthwise : i == 1 ? clip : i == 2 ? project : expand;
            p->fault = i + 1;
            p->status = "different";
            if (i == 1) {
                snprintf(p->target_summary, 64, "Clip 0..3");
                snprintf(p->note, sizeof p->note, "max 6 \xe2\x86\x92 3");
            } else {
                snprintf(p->note, sizeof p->note, "weights %.1f%%", 100 * faults[i].magnitude);
            }
        }
    }
    add_pair(s, "Conv", "head/Conv2D", "Conv 128 1x1", true);
    add_pair(s, "Clip", "head/Relu6", "Clip 0..6", false);
    add_pair(s, "GlobalAveragePool", "avg_pool", "GlobalAveragePool", false)->status = "equivalent";
    snprintf(s->pairs[s->n_pairs - 1].target_summary, 64, "ReduceMean 2,3");
    snprintf(s->pairs[s->n_pairs - 1].note, 64, "same over all positions");
    add_pair(s, "Reshape", "flatten", "Reshape -1,128", false);
    add_pair(s, "Gemm", "Logits/MatMul", "Gemm 10", true);
    add_pair(s, "Softmax", "Softmax", "Softmax", false);
}

static void score(ff_session *s)
{
    double carried = 0;
    ff_rng rng = {7};
    unsigned done = s->states[s->current].repaired;

    for (int i = 0; i < s->n_pairs; i++) {
        pair *p = &s->pairs[i];
        bool open = p->fault && !(done & 1u << (p->fault - 1));
        p->isolated = open ? faults[p->fault - 1].magnitude * 3 : 2e-7 * (1 + ff_rng_real(&rng));
        carried = carried * 0.97 + p->isolated;
        p->error = carried * (0.9 + 0.2 * ff_rng_real(&rng));
    }
}

/* ---------------------------------------------------------------------------------------- tables */

static ff_table *table(const char *name, const ff_column *columns, int n)
{
    return ff_table_create(name, columns, n);
}

static int wrong_now(const ff_session *s)
{
    return s->states[s->current].wrong;
}

static ff_table *make_pairs(const ff_session *s)
{
    static const ff_column columns[] = {
        {"pair", FF_COL_INT, ""},
        {"source", FF_COL_TEXT, ""},
        {"target", FF_COL_TEXT, ""},
        {"op", FF_COL_TEXT, ""},
        {"source_summary", FF_COL_TEXT, ""},
        {"target_summary", FF_COL_TEXT, ""},
        {"status", FF_COL_TEXT, ""},
        {"note", FF_COL_TEXT, ""},
        {"layer", FF_COL_INT, ""},
        {"depth", FF_COL_INT, ""},
        {"confidence", FF_COL_REAL, ""},
        {"findings", FF_COL_INT, ""},
        {"source_inputs", FF_COL_TEXT, ""},
        {"error", FF_COL_REAL, ""},
        {"isolated", FF_COL_REAL, ""},
    };
    ff_table *t = table("pairs", columns, FF_COUNT(columns));
    unsigned done = s->states[s->current].repaired;
    for (int i = 0; s->loaded && i < s->n_pairs; i++) {
        const pair *p = &s->pairs[i];
        bool repaired = p->fault && done & 1u << (p->fault - 1);
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "pair", i);
        ff_table_set_text(t, row, "source", p->source);
        ff_table_set_text(t, row, "target", p->target);
        ff_table_set_text(t, row, "op", p->op);
        ff_table_set_text(t, row, "source_summary", p->source_summary);
        ff_table_set_text(t, row, "target_summary", repaired ? p->source_summary : p->target_summary);
        ff_table_set_text(t, row, "status", repaired ? "equal" : p->status);
        ff_table_set_text(t, row, "note", repaired ? "" : p->note);
        if (p->layer)
            ff_table_set_int(t, row, "layer", p->layer);
        ff_table_set_int(t, row, "depth", 0);
        ff_table_set_real(t, row, "confidence", 1);
        ff_table_set_int(t, row, "findings", s->localized && p->fault && !repaired);
        ff_table_set_text(t, row, "source_inputs", p->inputs);
        if (s->localized) {
            ff_table_set_real(t, row, "error", p->error);
            ff_table_set_real(t, row, "isolated", p->isolated);
        }
    }
    return t;
}

static ff_table *make_nodes(const ff_session *s)
{
    static const ff_column columns[] = {
        {"pair", FF_COL_INT, ""},
        {"side", FF_COL_TEXT, ""},
        {"node", FF_COL_TEXT, ""},
    };
    ff_table *t = table("nodes", columns, FF_COUNT(columns));
    for (int i = 0; s->loaded && i < 2 * s->n_pairs; i++) {
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "pair", i / 2);
        ff_table_set_text(t, row, "side", i % 2 ? "target" : "source");
        ff_table_set_text(t, row, "node", i % 2 ? s->pairs[i / 2].target : s->pairs[i / 2].source);
    }
    return t;
}

static int pair_of_fault(const ff_session *s, int fault)
{
    for (int i = 0; i < s->n_pairs; i++) {
        if (s->pairs[i].fault == fault + 1)
            return i;
    }
    return -1;
}

static ff_table *make_findings(const ff_session *s)
{
    static const ff_column columns[] = {
        {"id", FF_COL_TEXT, ""},           {"type", FF_COL_TEXT, ""},         {"cause", FF_COL_TEXT, ""},
        {"summary", FF_COL_TEXT, ""},      {"explanation", FF_COL_TEXT, ""},  {"status", FF_COL_TEXT, ""},
        {"essential", FF_COL_BOOL, ""},    {"pair", FF_COL_INT, ""},          {"layer", FF_COL_INT, ""},
        {"source_nodes", FF_COL_TEXT, ""}, {"target_nodes", FF_COL_TEXT, ""}, {"details", FF_COL_TEXT, ""},
        {"step", FF_COL_INT, ""},          {"before", FF_COL_INT, ""},        {"after", FF_COL_INT, ""},
        {"magnitude", FF_COL_REAL, ""},    {"brief", FF_COL_TEXT, ""},
    };
    ff_table *t = table("findings", columns, FF_COUNT(columns));
    for (int i = 0; s->localized && i < FAULTS; i++) {
        int row = ff_table_add_row(t), p = pair_of_fault(s, i);
        char id[16];
        snprintf(id, sizeof id, "F%d", i + 1);
        bool repaired = s->states[s->current].repaired & 1u << i;
        ff_table_set_text(t, row, "id", id);
        ff_table_set_text(t, row, "type", faults[i].type);
        ff_table_set_text(t, row, "cause", faults[i].cause);
        ff_table_set_text(t, row, "summary", faults[i].summary);
        ff_table_set_text(t, row, "explanation", faults[i].explanation);
        ff_table_set_text(t, row, "status", repaired ? "repaired" : s->rejected & 1u << i ? "ineffective" : "open");
        ff_table_set_bool(t, row, "essential", repaired && faults[i].gain > 0);
        if (p >= 0) {
            ff_table_set_int(t, row, "pair", p);
            if (s->pairs[p].layer)
                ff_table_set_int(t, row, "layer", s->pairs[p].layer);
            ff_table_set_text(t, row, "source_nodes", s->pairs[p].source);
            ff_table_set_text(t, row, "target_nodes", s->pairs[p].target);
        }
        ff_table_set_text(t, row, "details", "{\"relative\": 0.008, \"levels\": 255}");
        ff_table_set_real(t, row, "magnitude", faults[i].magnitude);
        ff_table_set_text(t, row, "brief", faults[i].brief);
        for (int k = 0; k < s->n_steps; k++) {
            if (s->steps[k].fault == i) {
                ff_table_set_int(t, row, "step", k + 1);
                ff_table_set_int(t, row, "before", s->steps[k].before);
                ff_table_set_int(t, row, "after", s->steps[k].after);
            }
        }
    }
    return t;
}

static int next_fault(const ff_session *s)
{
    unsigned done = s->states[s->current].repaired | s->rejected;
    for (int i = 0; i < FAULTS; i++) {
        if (!(done & 1u << i))
            return i;
    }
    return -1;
}

static ff_table *make_proposals(const ff_session *s)
{
    static const ff_column columns[] = {
        {"id", FF_COL_TEXT, ""},       {"type", FF_COL_TEXT, ""},       {"summary", FF_COL_TEXT, ""},
        {"findings", FF_COL_TEXT, ""}, {"patch", FF_COL_TEXT, ""},      {"status", FF_COL_TEXT, ""},
        {"verdict", FF_COL_TEXT, ""},  {"wrong", FF_COL_INT, ""},       {"complete", FF_COL_BOOL, ""},
        {"fixed", FF_COL_INT, ""},     {"broken", FF_COL_INT, ""},      {"pair", FF_COL_INT, ""},
        {"members", FF_COL_INT, ""},   {"puts_right", FF_COL_TEXT, ""}, {"makes_wrong", FF_COL_TEXT, ""},
    };
    int weights = 0;
    ff_table *t = table("proposals", columns, FF_COUNT(columns));
    for (int i = 0; s->localized && i < FAULTS; i++) {
        if (s->states[s->current].repaired & 1u << i)
            continue;
        weights += strcmp(faults[i].type, "WB") == 0;
        int row = ff_table_add_row(t), p = pair_of_fault(s, i);
        char id[16], finding[16];
        snprintf(id, sizeof id, "R%d", i + 1);
        snprintf(finding, sizeof finding, "F%d", i + 1);
        bool evaluated = (s->evaluated | s->rejected) & 1u << i;
        ff_table_set_text(t, row, "id", id);
        ff_table_set_text(t, row, "type", faults[i].type);
        ff_table_set_text(t, row, "summary", faults[i].patch);
        ff_table_set_text(t, row, "findings", finding);
        ff_table_set_text(t, row, "patch", faults[i].patch);
        ff_table_set_text(t, row, "status", s->rejected & 1u << i ? "rejected" : evaluated ? "evaluated" : "untried");
        if (evaluated) {
            ff_table_set_text(t, row, "verdict", faults[i].gain ? "better" : "no fewer wrong labels");
            ff_table_set_int(t, row, "wrong", wrong_now(s) - faults[i].gain);
            ff_table_set_int(t, row, "fixed", faults[i].gain);
            ff_table_set_int(t, row, "broken", 0);
        }
        if (p >= 0)
            ff_table_set_int(t, row, "pair", p);
    }
    if (weights > 1) {
        int row = ff_table_add_row(t);
        ff_table_set_text(t, row, "id", GROUP);
        ff_table_set_text(t, row, "type", "WB");
        ff_table_set_text(t, row, "summary", "all repairs of weights");
        ff_table_set_text(t, row, "status", s->split ? "rejected" : "untried");
        ff_table_set_int(t, row, "members", weights);
    }
    return t;
}

static ff_table *make_layers(const ff_session *s)
{
    static const ff_column columns[] = {
        {"layer", FF_COL_INT, ""},   {"pair", FF_COL_INT, ""},    {"source", FF_COL_TEXT, ""},
        {"target", FF_COL_TEXT, ""}, {"rank", FF_COL_INT, ""},    {"kw", FF_COL_REAL, ""},
        {"effect", FF_COL_REAL, ""}, {"entire", FF_COL_REAL, ""}, {"isolated", FF_COL_REAL, ""},
        {"causal", FF_COL_REAL, ""},
    };
    ff_table *t = table("layers", columns, FF_COUNT(columns));
    for (int i = 0; s->localized && i < s->n_pairs; i++) {
        const pair *p = &s->pairs[i];
        if (!p->layer)
            continue;
        int row = ff_table_add_row(t), rank = 1;
        for (int k = 0; k < s->n_pairs; k++)
            rank += s->pairs[k].layer && s->pairs[k].isolated > p->isolated;
        ff_table_set_int(t, row, "layer", p->layer);
        ff_table_set_int(t, row, "pair", i);
        ff_table_set_text(t, row, "source", p->source);
        ff_table_set_text(t, row, "target", p->target);
        ff_table_set_int(t, row, "rank", rank);
        ff_table_set_real(t, row, "kw", 0.05 + 0.6 * p->error);
        ff_table_set_real(t, row, "effect", p->error / 2);
        ff_table_set_real(t, row, "entire", p->error);
        ff_table_set_real(t, row, "isolated", p->isolated);
        ff_table_set_real(t, row, "causal", p->fault ? faults[p->fault - 1].gain / 21.0 : 0);
    }
    return t;
}

static ff_table *make_states(const ff_session *s)
{
    static const ff_column columns[] = {
        {"state", FF_COL_INT, ""},     {"parent", FF_COL_INT, ""}, {"wrong", FF_COL_INT, ""},
        {"distance", FF_COL_REAL, ""}, {"step", FF_COL_INT, ""},   {"summary", FF_COL_TEXT, ""},
        {"current", FF_COL_BOOL, ""},  {"model", FF_COL_TEXT, ""},
    };
    ff_table *t = table("states", columns, FF_COUNT(columns));
    for (int i = 0; s->loaded && i < s->n_states; i++) {
        int row = ff_table_add_row(t);
        ff_table_set_int(t, row, "state", i);
        if (s->states[i].parent >= 0)
            ff_table_set_int(t, row, "parent", s->states[i].parent);
        ff_table_set_int(t, row, "wrong", s->states[i].wrong);
        ff_table_set_real(t, row, "distance", s->states[i].wrong * 0.01);
        if (i)
            ff_table_set_int(t, row, "step", s->states[i].step);
        ff_table_set_text(t, row, "summary", s->states[i].summary);
        ff_table_set_bool(t, row, "current", i == s->current);
    }
    return t;
}

static ff_table *make_steps(const ff_session *s)
{
    static const ff_column columns[] = {
        {"step", FF_COL_INT, ""},   {"state", FF_COL_INT, ""},    {"proposal", FF_COL_TEXT, ""},
        {"type", FF_COL_TEXT, ""},  {"summary", FF_COL_TEXT, ""}, {"outcome", FF_COL_TEXT, ""},
        {"before", FF_COL_INT, ""}, {"after", FF_COL_INT, ""},    {"phase", FF_COL_TEXT, ""},
    };
    ff_table *t = table("steps", columns, FF_COUNT(columns));
    for (int i = 0; i < s->n_steps; i++) {
        int row = ff_table_add_row(t);
        const step *k = &s->steps[i];
        char id[16];
        snprintf(id, sizeof id, "R%d", k->fault + 1);
        ff_table_set_int(t, row, "step", i + 1);
        ff_table_set_int(t, row, "state", k->state);
        ff_table_set_text(t, row, "proposal", id);
        ff_table_set_text(t, row, "type", faults[k->fault].type);
        ff_table_set_text(t, row, "summary", faults[k->fault].patch);
        ff_table_set_text(t, row, "outcome", k->outcome);
        ff_table_set_int(t, row, "before", k->before);
        ff_table_set_int(t, row, "after", k->after);
        ff_table_set_text(t, row, "phase", k->phase);
    }
    return t;
}

static ff_table *make_images(const ff_session *s)
{
    static const ff_column columns[] = {
        {"image", FF_COL_INT, ""},        {"name", FF_COL_TEXT, ""},          {"source", FF_COL_INT, ""},
        {"target", FF_COL_INT, ""},       {"initial", FF_COL_INT, ""},        {"source_name", FF_COL_TEXT, ""},
        {"target_name", FF_COL_TEXT, ""}, {"source_margin", FF_COL_REAL, ""}, {"target_margin", FF_COL_REAL, ""},
        {"wrong", FF_COL_BOOL, ""},       {"fixed_by", FF_COL_INT, ""},       {"top_source", FF_COL_TEXT, ""},
        {"top_target", FF_COL_TEXT, ""},
    };
    static const char *const names[] = {"tabby cat",
                                        "golden retriever",
                                        "espresso",
                                        "mountain bike",
                                        "lighthouse",
                                        "acoustic guitar",
                                        "\xe6\xb1\x9f\xe6\x88\xb8 castle",
                                        "strawberry",
                                        "steam locomotive",
                                        "umbrella"};
    ff_table *t = table("images", columns, FF_COUNT(columns));
    for (int i = 0; s->loaded && i < IMAGES; i++) {
        int row = ff_table_add_row(t), order = (i * 37 + 11) % IMAGES; /* a permutation */
        int source = i * 7 % 10, wrong_label = (source + 3) % 10;
        bool at_first = order < INITIAL, now = order < wrong_now(s);
        char name[32], top[48];
        snprintf(name, sizeof name, "photo_%03d.jpg", i);
        ff_table_set_int(t, row, "image", i);
        ff_table_set_text(t, row, "name", name);
        ff_table_set_int(t, row, "source", source);
        ff_table_set_int(t, row, "target", now ? wrong_label : source);
        ff_table_set_int(t, row, "initial", at_first ? wrong_label : source);
        ff_table_set_text(t, row, "source_name", names[source]);
        ff_table_set_text(t, row, "target_name", names[now ? wrong_label : source]);
        ff_table_set_real(t, row, "source_margin", 0.01 * (order + 1));
        ff_table_set_real(t, row, "target_margin", 0.009 * (order + 1));
        ff_table_set_bool(t, row, "wrong", now);
        for (int k = 0; at_first && !now && k < s->n_steps; k++) {
            const step *d = &s->steps[k];
            if (strcmp(d->outcome, "accepted") == 0 && d->after <= order && order < d->before)
                ff_table_set_int(t, row, "fixed_by", k + 1);
        }
        snprintf(top, sizeof top, "%d,%d,%d,%d,%d", source, wrong_label, (source + 1) % 10, (source + 5) % 10,
                 (source + 8) % 10);
        ff_table_set_text(t, row, "top_source", top);
        if (now)
            snprintf(top, sizeof top, "%d,%d,%d,%d,%d", wrong_label, source, (source + 1) % 10, (source + 5) % 10,
                     (source + 8) % 10);
        ff_table_set_text(t, row, "top_target", top);
    }
    return t;
}

static ff_table *make_pins(void)
{
    static const ff_column columns[] = {
        {"source", FF_COL_TEXT, ""}, {"target", FF_COL_TEXT, ""}, {"word", FF_COL_TEXT, ""}};
    return table("pins", columns, FF_COUNT(columns));
}

static ff_table *make_equivalences(const ff_session *s)
{
    static const ff_column columns[] = {
        {"rule", FF_COL_TEXT, ""},         {"meaning", FF_COL_TEXT, ""},   {"source_nodes", FF_COL_TEXT, ""},
        {"target_nodes", FF_COL_TEXT, ""}, {"deviation", FF_COL_REAL, ""},
    };
    ff_table *t = table("equivalences", columns, FF_COUNT(columns));
    for (int i = 0; s->localized && i < s->n_pairs; i++) {
        const pair *p = &s->pairs[i];
        if (strcmp(p->status, "equivalent") != 0)
            continue;
        int row = ff_table_add_row(t);
        ff_table_set_text(t, row, "rule", strstr(p->note, "Pad") ? "pad-into-conv" : "clip-min-max");
        ff_table_set_text(t, row, "meaning", p->note);
        ff_table_set_text(t, row, "source_nodes", p->source);
        ff_table_set_text(t, row, "target_nodes", p->target);
        ff_table_set_real(t, row, "deviation", 0);
    }
    return t;
}

static ff_table *make_log(const ff_session *s)
{
    static const ff_column columns[] = {{"line", FF_COL_TEXT, ""}};
    ff_table *t = table("log", columns, 1);
    for (const char *p = s->log.data; p && *p;) {
        const char *end = strchr(p, '\n');
        char *line = ff_strndup(p, (size_t)(end - p));
        int row = ff_table_add_row(t);
        ff_table_set_text(t, row, "line", line);
        free(line);
        p = end + 1;
    }
    return t;
}

static void publish(ff_session *s)
{
    boxed *b = ff_alloc(sizeof *b);
    int next = next_fault(s);
    score(s);
    atomic_init(&b->refs, 1);
    b->source = ff_strdup(s->source);
    b->target = ff_strdup(s->target);
    b->next = s->localized && next >= 0 ? ff_asprintf("R%d", next + 1) : NULL;
    b->s = (ff_snapshot){
        .version = ++s->version,
        .loaded = s->loaded,
        .localized = s->localized,
        .searched = s->searched,
        .source_path = b->source,
        .target_path = b->target,
        .source_producer = "pytorch 2.1",
        .target_producer = "tf2onnx 1.14",
        .source_sha256 = "4f1c",
        .target_sha256 = "91aa",
        .source_opset = 13,
        .target_opset = 11,
        .source_pre = "size=128x128 scale=127.5 mean=1,1,1 std=1,1,1 layout=NCHW",
        .target_pre = "size=128x128 scale=128 mean=1,1,1 std=1,1,1 layout=NHWC",
        .parting = !s->localized     ? NULL
                   : s->current == 0 ? "at 'block_1_depthwise' (L3): 0.8% off on 'photo_003.jpg'"
                   : s->bisected && s->bisected == s->current ? "at 'block_9_project' (L20): 36% off on 'photo_003.jpg'"
                                                              : NULL,
        .parting_pair = pair_of_fault(s, s->current ? 1 : 0),
        .source_pre_why = "given",
        .target_pre_why = "guessed from the producer",
        .images = s->loaded ? IMAGES : 0,
        .initial = s->loaded ? INITIAL : -1,
        .wrong = s->loaded ? wrong_now(s) : -1,
        .distance = s->loaded ? wrong_now(s) * 0.01 : NAN,
        .validation_images = -1,
        .validation_initial = -1,
        .validation_wrong = -1,
        .validation_regressed = -1,
        .state = s->current,
        .next = b->next,
        .flops = 1e9 * s->n_steps,
        .flops_full = 1.4e10 * s->n_steps,
        .pairs = make_pairs(s),
        .findings = make_findings(s),
        .proposals = make_proposals(s),
        .layers = make_layers(s),
        .states = make_states(s),
        .steps = make_steps(s),
        .images_table = make_images(s),
        .equivalences = make_equivalences(s),
        .log = make_log(s),
        .nodes = make_nodes(s),
        .pins = make_pins(),
    };
    if (s->what_if[0]) {
        b->what_if = ff_strdup(s->what_if);
        bool keepable = !strstr(s->what_if, "activation");
        b->s.what_if = (struct ff_what_if){b->what_if, "",  s->what_if_wrong, wrong_now(s) - s->what_if_wrong,
                                           0,          NAN, keepable,         s->what_if_pair};
    }
    pthread_mutex_lock(&s->lock);
    boxed *old = s->snapshot;
    s->snapshot = b;
    pthread_mutex_unlock(&s->lock);
    if (old)
        ff_snapshot_unref(&old->s);
}

/* ------------------------------------------------------------------------------------------ jobs */

static void send(ff_session *s, int type, const job *j, int code, const char *message)
{
    ff_event *e = ff_alloc(sizeof *e);
    e->type = type;
    e->kind = j->r.kind;
    e->job = j->number;
    e->code = code;
    e->message = ff_strdup(message);
    ff_queue_push(s->events, e);
}

static void note(ff_session *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&s->log, format, args);
    va_end(args);
    ff_buf_putc(&s->log, '\n');
}

/* False when cancelled before it is there; without a path it is. */
static bool wait_for_file(ff_session *s, const char *path)
{
    while (path && access(path, F_OK) != 0) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        if (atomic_load(&s->cancel.set))
            return false;
    }
    return true;
}

/* Some time passes; false when cancelled. */
static bool work(ff_session *s, const char *stage, int units)
{
    const char *ms = getenv("FAKE_TICK_MS");
    long ns = (ms ? strtol(ms, NULL, 10) : 2) * 1000000L;
    ff_progress_start(&s->progress, stage, units);
    for (int i = 0; i < units; i++) {
        struct timespec t = {ns / 1000000000L, ns % 1000000000L};
        nanosleep(&t, NULL);
        ff_progress_add(&s->progress, 1);
        if (atomic_load(&s->cancel.set))
            return false;
    }
    return true;
}

static int fault_of(const char *id)
{
    int n = id && id[0] == 'R' ? atoi(id + 1) - 1 : -1;
    return n >= 0 && n < FAULTS ? n : -1;
}

static bool try_fault(ff_session *s, int i, const char *phase, bool force, char *message, size_t size)
{
    int before = wrong_now(s), after = before - faults[i].gain;
    bool take = force || after < before;
    if (s->n_steps >= MAX_STEPS || s->n_states >= MAX_STATES)
        return false;
    int number = s->current;
    if (take) {
        state *from = &s->states[s->current], *to = &s->states[s->n_states];
        *to = (state){s->n_states, s->current, after, s->n_steps + 1, from->repaired | 1u << i, ""};
        snprintf(to->summary, sizeof to->summary, "%s: %s", faults[i].type, faults[i].summary);
        number = s->current = s->n_states++;
    } else {
        s->rejected |= 1u << i;
    }
    s->evaluated = 0;
    s->steps[s->n_steps++] = (step){number, i, before, after, take ? "accepted" : "rejected", phase};
    snprintf(message, size, "%s: wrong %d -> %d", take ? "accepted" : "rejected", before, after);
    note(s, "step %d: %s %s, wrong %d -> %d", s->n_steps, take ? "accepted" : "rejected", faults[i].summary, before,
         after);
    return take;
}

/* An edit of one's own: one that says 6 or takes the Source's weights helps, others do harm. */
static int try_own(ff_session *s, const ff_request *r, char *message, size_t size)
{
    const char *name = r->number >= 0 && r->number < s->n_pairs ? s->pairs[r->number].target : "preprocessing";
    if (strstr(r->id, "=oops")) {
        snprintf(message, size, "'%s' is no number", strchr(r->id, '=') + 1);
        return FF_ERR_USAGE;
    }
    bool helps = strstr(r->id, "=6") || strcmp(r->id, "weights") == 0 || strcmp(r->id, "inject") == 0;
    snprintf(s->what_if, sizeof s->what_if,
             strcmp(r->id, "inject") ? "set %s of '%s'" : "the Source's activation: %s, '%s'", r->id, name);
    s->what_if_wrong = wrong_now(s) + (helps ? -6 : 14);
    s->what_if_pair = (int)r->number;
    snprintf(message, size, "what if: wrong %d -> %d", wrong_now(s), s->what_if_wrong);
    return FF_OK;
}

static int end_own(ff_session *s, bool keep, char *message, size_t size)
{
    if (!s->what_if[0] || (keep && strstr(s->what_if, "activation"))) {
        snprintf(message, size, "there is no what-if to keep or drop");
        return FF_ERR_USAGE;
    }
    if (keep) {
        state *from = &s->states[s->current], *to = &s->states[s->n_states];
        *to = (state){s->n_states, s->current, s->what_if_wrong, s->n_steps + 1, from->repaired, ""};
        snprintf(to->summary, sizeof to->summary, "LH: %.90s", s->what_if);
        snprintf(message, size, "kept: wrong %d -> %d", from->wrong, s->what_if_wrong);
        s->current = s->n_states++;
    } else {
        snprintf(message, size, "dropped");
    }
    s->what_if[0] = '\0';
    return FF_OK;
}

/* A disc before a slope; what the Target makes of it is a bit off in channel 1. */
static void make_picture(ff_session *s, const ff_request *r)
{
    enum { SIZE = 48, CHANNELS = 4, SIDE = 16, N = CHANNELS * SIDE * SIDE };
    struct {
        ff_picture p;
        atomic_int refs;
        uint8_t rgb[SIZE * SIZE * 3];
        float source[N], target[N], error[CHANNELS];
    } *b = ff_alloc(sizeof *b);
    for (int i = 0; i < SIZE * SIZE; i++) {
        int x = i % SIZE - 24, y = i / SIZE - 24;
        bool in = x * x + y * y < 300;
        b->rgb[3 * i] = (uint8_t)(in ? 220 : 40 + 2 * (i % SIZE));
        b->rgb[3 * i + 1] = (uint8_t)(in ? 60 + r->other : 60);
        b->rgb[3 * i + 2] = (uint8_t)(in ? 40 : 90 + 3 * (i / SIZE));
    }
    for (int i = 0; i < N; i++) {
        int c = i / (SIDE * SIDE), x = i % SIDE, y = i / SIDE % SIDE;
        b->source[i] = (float)(sin(x * (c + 1) * 0.4) + y * 0.1);
        b->target[i] = b->source[i] + (c == 1 && x > 8 ? 0.7f : 0);
    }
    b->error[1] = 0.31f;
    b->p = (ff_picture){(int)r->number, r->other, SIZE, SIZE, b->rgb, 0, 0, 0, NULL, NULL, NULL};
    if (r->number >= 0) {
        b->p.channels = CHANNELS;
        b->p.rows = b->p.columns = SIDE;
        b->p.source = b->source;
        b->p.target = b->target;
        b->p.error = b->error;
    }
    atomic_init(&b->refs, 1);
    pthread_mutex_lock(&s->lock);
    ff_picture *old = s->picture;
    s->picture = &b->p;
    pthread_mutex_unlock(&s->lock);
    ff_picture_unref(old);
}

static int run(ff_session *s, job *j, char *message, size_t size)
{
    int i = j->r.id ? fault_of(j->r.id) : next_fault(s);

    switch (j->r.kind) {
    case FF_JOB_LOAD:
        if (!work(s, "loading models", 20) || !work(s, "running the Source", 60) || !work(s, "running the Target", 60))
            return FF_ERR_CANCELLED;
        if (getenv("FAKE_LOAD_FAILS")) {
            snprintf(message, size, "'%s': not an ONNX model", s->source);
            return FF_ERR_INPUT;
        }
        s->loaded = true;
        snprintf(message, size, "%d of %d images get another label", INITIAL, IMAGES);
        note(s, "loaded both models, %d pairs aligned", s->n_pairs);
        return FF_OK;
    case FF_JOB_LOCALIZE:
        if (!work(s, "comparing layers", 100))
            return FF_ERR_CANCELLED;
        s->localized = true;
        snprintf(message, size, "%d findings", (int)FAULTS);
        note(s, "localised: %d findings", (int)FAULTS);
        return FF_OK;
    case FF_JOB_EVALUATE:
    case FF_JOB_ACCEPT:
        if (i < 0) {
            snprintf(message, size, "there is no repair '%s'", j->r.id ? j->r.id : "");
            return FF_ERR_USAGE;
        }
        if (!work(s, "evaluating", IMAGES))
            return FF_ERR_CANCELLED;
        if (j->r.kind == FF_JOB_EVALUATE) {
            s->evaluated |= 1u << i;
            snprintf(message, size, "would be: wrong %d -> %d", wrong_now(s), wrong_now(s) - faults[i].gain);
        } else {
            try_fault(s, i, "by hand", j->r.force, message, size);
        }
        return FF_OK;
    case FF_JOB_SPLIT:
        if (!j->r.id) {
            snprintf(message, size, "the step that led here is a single repair");
            return FF_ERR_USAGE;
        }
        s->split = strcmp(j->r.id, GROUP) == 0;
        snprintf(message, size, "set aside");
        return s->split ? FF_OK : FF_ERR_USAGE;
    case FF_JOB_REJECT:
        if (i < 0)
            return FF_ERR_USAGE;
        s->rejected |= 1u << i;
        snprintf(message, size, "set aside");
        return FF_OK;
    case FF_JOB_UNDO:
        if (s->states[s->current].parent < 0) {
            snprintf(message, size, "nothing to undo");
            return FF_ERR_USAGE;
        }
        s->current = s->states[s->current].parent;
        snprintf(message, size, "undone: wrong %d", wrong_now(s));
        return FF_OK;
    case FF_JOB_REDO:
        for (int k = s->n_states - 1; k > 0; k--) {
            if (s->states[k].parent == s->current) {
                s->current = k;
                snprintf(message, size, "redone: wrong %d", wrong_now(s));
                return FF_OK;
            }
        }
        snprintf(message, size, "nothing to redo");
        return FF_ERR_USAGE;
    case FF_JOB_GOTO:
        if (j->r.number < 0 || j->r.number >= s->n_states) {
            snprintf(message, size, "there is no state %lld", (long long)j->r.number);
            return FF_ERR_USAGE;
        }
        s->current = (int)j->r.number;
        snprintf(message, size, "state %d: wrong %d", s->current, wrong_now(s));
        return FF_OK;
    case FF_JOB_STEP:
    case FF_JOB_REPAIR:
        while ((i = next_fault(s)) >= 0) {
            if (!work(s, "evaluating", 60) || !wait_for_file(s, getenv("FAKE_HOLD_REPAIR")))
                return FF_ERR_CANCELLED;
            bool taken = try_fault(s, i, "greedy", false, message, size);
            publish(s);
            send(s, FF_EVENT_SNAPSHOT, j, 0, NULL);
            if (taken && j->r.kind == FF_JOB_STEP)
                return FF_OK;
        }
        s->searched = true;
        snprintf(message, size, "done: wrong %d -> %d", INITIAL, wrong_now(s));
        return FF_OK;
    case FF_JOB_SAVE:
        snprintf(message, size, "saved '%s'", j->r.path ? j->r.path : "");
        return FF_OK;
    case FF_JOB_LABELS:
        return ff_write_file(j->r.path, "image\n", 6, j->r.force);
    case FF_JOB_BISECT:
        s->bisected = s->current;
        return FF_OK;
    case FF_JOB_WHAT_IF:
        if (!work(s, "evaluating", IMAGES))
            return FF_ERR_CANCELLED;
        return try_own(s, &j->r, message, size);
    case FF_JOB_KEEP:
    case FF_JOB_DROP:
        return end_own(s, j->r.kind == FF_JOB_KEEP, message, size);
    case FF_JOB_VALIDATE:
        snprintf(message, size, "there are no validation images (--validate)");
        return FF_ERR_USAGE;
    default:
        return FF_OK;
    }
}

static void make_detail(ff_session *s, int number)
{
    static const ff_column attributes[] = {
        {"name", FF_COL_TEXT, ""}, {"source", FF_COL_TEXT, ""}, {"target", FF_COL_TEXT, ""}, {"same", FF_COL_BOOL, ""}};
    static const ff_column origins[] = {
        {"side", FF_COL_TEXT, ""},   {"label", FF_COL_TEXT, ""},   {"op", FF_COL_TEXT, ""},   {"role", FF_COL_TEXT, ""},
        {"inputs", FF_COL_TEXT, ""}, {"outputs", FF_COL_TEXT, ""}, {"shape", FF_COL_TEXT, ""}};
    static const ff_column weights[] = {
        {"role", FF_COL_TEXT, ""},       {"count", FF_COL_INT, ""},        {"source_min", FF_COL_REAL, ""},
        {"source_max", FF_COL_REAL, ""}, {"source_mean", FF_COL_REAL, ""}, {"source_sd", FF_COL_REAL, ""},
        {"target_min", FF_COL_REAL, ""}, {"target_max", FF_COL_REAL, ""},  {"target_mean", FF_COL_REAL, ""},
        {"target_sd", FF_COL_REAL, ""},  {"relative", FF_COL_REAL, ""},    {"max_abs", FF_COL_REAL, ""},
        {"different", FF_COL_INT, ""},   {"cause", FF_COL_TEXT, ""},       {"shape", FF_COL_TEXT, ""}};
    static const ff_column histogram[] = {{"role", FF_COL_TEXT, ""},  {"bin", FF_COL_INT, ""},
                                          {"low", FF_COL_REAL, ""},   {"high", FF_COL_REAL, ""},
                                          {"source", FF_COL_INT, ""}, {"target", FF_COL_INT, ""}};
    static const ff_column worst[] = {{"role", FF_COL_TEXT, ""},
                                      {"index", FF_COL_INT, ""},
                                      {"source", FF_COL_REAL, ""},
                                      {"target", FF_COL_REAL, ""},
                                      {"difference", FF_COL_REAL, ""}};
    if (number < 0 || number >= s->n_pairs)
        return;
    const pair *p = &s->pairs[number];
    bool conv = strcmp(p->op, "Conv") == 0;
    boxed_detail *b = ff_alloc(sizeof *b);
    ff_table *a = ff_table_create("attributes", attributes, FF_COUNT(attributes));
    ff_table *o = ff_table_create("origins", origins, FF_COUNT(origins));
    ff_table *w = ff_table_create("weights", weights, FF_COUNT(weights));
    ff_table *h = ff_table_create("histogram", histogram, FF_COUNT(histogram));
    ff_table *x = ff_table_create("worst", worst, FF_COUNT(worst));
    static const char *const values[][3] = {{"dilations", "1,1", "1,1"},
                                            {"group", "1", "1"},
                                            {"kernel_shape", "3,3", "3,3"},
                                            {"pads", "0,0,1,1", "0,0,1,1"},
                                            {"strides", "2,2", "2,2"}};
    for (size_t i = 0; conv && i < FF_COUNT(values); i++) {
        int row = ff_table_add_row(a);
        ff_table_set_text(a, row, "name", values[i][0]);
        ff_table_set_text(a, row, "source", values[i][1]);
        ff_table_set_text(a, row, "target", values[i][2]);
        ff_table_set_bool(a, row, "same", true);
    }
    if (strcmp(p->op, "Clip") == 0) {
        bool differs = strstr(p->target_summary, "0..3") != NULL;
        for (int i = 0; i < 2; i++) {
            int row = ff_table_add_row(a);
            ff_table_set_text(a, row, "name", i ? "max" : "min");
            ff_table_set_text(a, row, "source", i ? "6" : "0");
            ff_table_set_text(a, row, "target", i ? (differs ? "3" : "6") : "0");
            ff_table_set_bool(a, row, "same", !i || !differs);
        }
    }
    for (int side = 0; side < 2; side++) {
        if (!side && !p->source[0])
            continue;
        int row = ff_table_add_row(o);
        ff_table_set_text(o, row, "side", side ? "target" : "source");
        ff_table_set_text(o, row, "label", side ? p->target : p->source);
        ff_table_set_text(o, row, "op", p->op);
        ff_table_set_text(o, row, "role", "primary");
        ff_table_set_text(o, row, "inputs", "x, weight, bias");
        ff_table_set_text(o, row, "outputs", "y");
        ff_table_set_text(o, row, "shape", side ? "1x64x64x16" : "1x16x64x64");
    }
    for (int i = 0; conv && i < 2; i++) {
        int row = ff_table_add_row(w);
        const char *role = i ? "bias" : "weight";
        double e = p->fault ? faults[p->fault - 1].magnitude : 0;
        ff_rng rng = {(uint64_t)number + 1};
        ff_table_set_text(w, row, "role", role);
        ff_table_set_int(w, row, "count", i ? 64 : 2304);
        ff_table_set_text(w, row, "shape", i ? "64" : "64x4x3x3");
        ff_table_set_real(w, row, "source_min", -1.25);
        ff_table_set_real(w, row, "source_max", 1.125);
        ff_table_set_real(w, row, "source_mean", 0.0113);
        ff_table_set_real(w, row, "source_sd", 0.318);
        ff_table_set_real(w, row, "target_min", -1.25 + e);
        ff_table_set_real(w, row, "target_max", 1.125 - e);
        ff_table_set_real(w, row, "target_mean", 0.0113 + e / 9);
        ff_table_set_real(w, row, "target_sd", 0.318 - e / 7);
        ff_table_set_real(w, row, "relative", i ? 0 : e);
        ff_table_set_real(w, row, "max_abs", i ? 0 : e * 1.4);
        ff_table_set_int(w, row, "different", i || e == 0 ? 0 : 2301);
        ff_table_set_text(w, row, "cause", i || e == 0 ? "" : faults[p->fault - 1].cause);
        for (int bin = 0; bin < 32; bin++) {
            int line = ff_table_add_row(h);
            double z = (bin - 16.2) / 5;
            int n = (int)((i ? 8 : 200) * exp(-z * z / 2));
            ff_table_set_text(h, line, "role", role);
            ff_table_set_int(h, line, "bin", bin);
            ff_table_set_real(h, line, "low", -1.25 + bin * 0.074);
            ff_table_set_real(h, line, "high", -1.25 + (bin + 1) * 0.074);
            ff_table_set_int(h, line, "source", n);
            ff_table_set_int(h, line, "target", e == 0 ? n : bin % 3 ? n * 6 / 5 : n / 2);
        }
        for (int k = 0; !i && e > 0 && k < 8; k++) {
            int line = ff_table_add_row(x);
            double v = ff_rng_normal(&rng) * 0.3, d = e * (1.4 - 0.1 * k);
            ff_table_set_text(x, line, "role", role);
            ff_table_set_int(x, line, "index", 7 + k * 131);
            ff_table_set_real(x, line, "source", v);
            ff_table_set_real(x, line, "target", v + d);
            ff_table_set_real(x, line, "difference", d);
        }
    }
    static const ff_column channels[] = {
        {"role", FF_COL_TEXT, ""}, {"channel", FF_COL_INT, ""}, {"error", FF_COL_REAL, ""}};
    ff_table *y = ff_table_create("channels", channels, FF_COUNT(channels));
    for (int k = 0; conv && k < 64; k++) {
        int line = ff_table_add_row(y);
        ff_table_set_text(y, line, "role", "weight");
        ff_table_set_int(y, line, "channel", k);
        ff_table_set_real(y, line, "error", p->fault ? faults[p->fault - 1].magnitude * (k % 7) / 3 : 0);
    }
    b->d = (ff_detail){number, a, o, w, h, x, y};
    atomic_init(&b->refs, 1);
    pthread_mutex_lock(&s->lock);
    boxed_detail *old = s->boxed_detail;
    s->boxed_detail = b;
    pthread_mutex_unlock(&s->lock);
    if (old)
        ff_detail_unref(&old->d);
}

static void free_job(void *p)
{
    job *j = p;
    free(j->id);
    free(j->path);
    free(j);
}

static void forget(ff_session *s, int64_t number)
{
    if (s->n_jobs && s->jobs[0].job == number)
        memmove(s->jobs, s->jobs + 1, (size_t)--s->n_jobs * sizeof *s->jobs);
}

static void *engine(void *p)
{
    ff_session *s = p;
    while (!atomic_load(&s->closing)) {
        job *j = ff_queue_pop(s->requests, 50);
        if (!j)
            continue;
        char message[256] = "";
        if (atomic_exchange(&s->drop_all, false) && j->r.kind != FF_JOB_LOAD) {
            pthread_mutex_lock(&s->lock);
            forget(s, j->number);
            pthread_mutex_unlock(&s->lock);
            free_job(j);
            continue;
        }
        pthread_mutex_lock(&s->lock);
        atomic_store(&s->cancel.set, s->dropped == j->number);
        s->running = j->number;
        s->running_kind = j->r.kind;
        s->jobs[0].running = true; /* they are done in order */
        pthread_mutex_unlock(&s->lock);
        send(s, FF_EVENT_STARTED, j, 0, NULL);
        int code = run(s, j, message, sizeof message);
        if (j->r.kind == FF_JOB_DETAIL) {
            wait_for_file(s, getenv("FAKE_HOLD_DETAILS"));
            make_detail(s, (int)j->r.number);
        } else if (j->r.kind == FF_JOB_PICTURE) {
            make_picture(s, &j->r);
        } else {
            publish(s);
        }
        ff_progress_finish(&s->progress);
        pthread_mutex_lock(&s->lock);
        s->running = 0;
        s->done_job = j->number;
        forget(s, j->number);
        pthread_mutex_unlock(&s->lock);
        send(s, FF_EVENT_SNAPSHOT, j, 0, NULL);
        send(s, code == FF_OK ? FF_EVENT_DONE : FF_EVENT_FAILED, j, code,
             code == FF_ERR_CANCELLED ? "cancelled" : message);
        free_job(j);
    }
    return NULL;
}

/* ---------------------------------------------------------------------------- as in session.h */

int ff_session_open(const ff_session_options *o, ff_session **out)
{
    ff_session *s = ff_alloc(sizeof *s);
    s->source = ff_strdup(o->source ? o->source : "mobilenet_v2.onnx");
    s->target = ff_strdup(o->target ? o->target : "mobilenet_v2_keras.onnx");
    s->requests = ff_queue_create();
    s->events = ff_queue_create();
    pthread_mutex_init(&s->lock, NULL);
    make_network(s);
    s->states[0] = (state){0, -1, INITIAL, 0, 0, "as converted"};
    s->n_states = 1;
    publish(s);
    pthread_create(&s->thread, NULL, engine, s);
    ff_session_post(s, &(ff_request){.kind = FF_JOB_LOAD});
    *out = s;
    return FF_OK;
}

static void free_event(void *p)
{
    ff_event_finish(p);
    free(p);
}

void ff_session_close(ff_session *s)
{
    if (!s)
        return;
    atomic_store(&s->closing, true);
    atomic_store(&s->cancel.set, true);
    pthread_join(s->thread, NULL);
    ff_queue_destroy(s->requests, free_job);
    ff_queue_destroy(s->events, free_event);
    ff_snapshot_unref(&s->snapshot->s);
    if (s->boxed_detail)
        ff_detail_unref(&s->boxed_detail->d);
    ff_picture_unref(s->picture);
    pthread_mutex_destroy(&s->lock);
    ff_buf_finish(&s->log);
    free(s->source);
    free(s->target);
    free(s);
}

int64_t ff_session_post(ff_session *s, const ff_request *r)
{
    job *j = ff_alloc(sizeof *j);
    j->r = *r;
    j->r.id = j->id = ff_strdup(r->id);
    j->r.path = j->path = ff_strdup(r->path);
    pthread_mutex_lock(&s->lock);
    int64_t number = j->number = ++s->next_job;
    if (s->n_jobs < (int)FF_COUNT(s->jobs))
        s->jobs[s->n_jobs++] = (ff_job_info){number, r->kind, false};
    pthread_mutex_unlock(&s->lock);
    ff_queue_push(s->requests, j);
    return number;
}

void ff_session_cancel(ff_session *s, bool all)
{
    atomic_store(&s->cancel.set, true);
    atomic_store(&s->drop_all, all);
}

int ff_session_wait(ff_session *s, int64_t number)
{
    for (;;) {
        pthread_mutex_lock(&s->lock);
        bool done = s->done_job >= number;
        pthread_mutex_unlock(&s->lock);
        if (done)
            return FF_OK;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

bool ff_session_poll_event(ff_session *s, ff_event *out)
{
    ff_event *e = ff_queue_try_pop(s->events);
    if (!e)
        return false;
    *out = *e;
    free(e);
    return true;
}

void ff_event_finish(ff_event *e)
{
    free(e->message);
    e->message = NULL;
}

int ff_session_fd(const ff_session *s)
{
    return ff_queue_fd(s->events);
}

const ff_progress *ff_session_progress(const ff_session *s)
{
    return &s->progress;
}

int64_t ff_session_running(const ff_session *s, ff_job_kind *kind)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&s->lock;
    pthread_mutex_lock(lock);
    int64_t job_number = s->running;
    if (kind)
        *kind = s->running_kind;
    pthread_mutex_unlock(lock);
    return job_number;
}

const ff_snapshot *ff_session_snapshot(ff_session *s)
{
    pthread_mutex_lock(&s->lock);
    boxed *b = s->snapshot;
    atomic_fetch_add(&b->refs, 1);
    pthread_mutex_unlock(&s->lock);
    return &b->s;
}

void ff_snapshot_unref(const ff_snapshot *snapshot)
{
    boxed *b = (boxed *)snapshot;
    if (!b || atomic_fetch_sub(&b->refs, 1) > 1)
        return;
    const ff_table *tables[] = {b->s.pairs,  b->s.findings, b->s.proposals,    b->s.layers,
                                b->s.states, b->s.steps,    b->s.images_table, b->s.equivalences,
                                b->s.log,    b->s.nodes,    b->s.pins};
    for (size_t i = 0; i < FF_COUNT(tables); i++)
        ff_table_unref(tables[i]);
    free(b->source);
    free(b->target);
    free(b->next);
    free(b->what_if);
    free(b);
}

/* States are compared by the session itself. */
const ff_comparison *ff_session_comparison(ff_session *s)
{
    (void)s;
    return NULL;
}

void ff_comparison_unref(const ff_comparison *c)
{
    (void)c;
}

const ff_detail *ff_session_detail(ff_session *s, int number)
{
    const ff_detail *found = NULL;
    pthread_mutex_lock(&s->lock);
    if (s->boxed_detail && s->boxed_detail->d.pair == number) {
        atomic_fetch_add(&s->boxed_detail->refs, 1);
        found = &s->boxed_detail->d;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

void ff_detail_unref(const ff_detail *d)
{
    boxed_detail *b = (boxed_detail *)d;
    if (!b || atomic_fetch_sub(&b->refs, 1) > 1)
        return;
    ff_table_unref(b->d.attributes);
    ff_table_unref(b->d.origins);
    ff_table_unref(b->d.weights);
    ff_table_unref(b->d.histogram);
    ff_table_unref(b->d.worst);
    ff_table_unref(b->d.channels);
    free(b);
}

int ff_session_jobs(ff_session *s, ff_job_info *out, int max)
{
    pthread_mutex_lock(&s->lock);
    int n = s->n_jobs < max ? s->n_jobs : max;
    memcpy(out, s->jobs, (size_t)n * sizeof *out);
    pthread_mutex_unlock(&s->lock);
    return n;
}

void ff_session_cancel_job(ff_session *s, int64_t number)
{
    pthread_mutex_lock(&s->lock);
    if (number == s->running)
        atomic_store(&s->cancel.set, true);
    else
        s->dropped = number;
    pthread_mutex_unlock(&s->lock);
}

const ff_picture *ff_session_picture(ff_session *s, int of_pair, int image)
{
    pthread_mutex_lock(&s->lock);
    const ff_picture *p = s->picture && s->picture->pair == of_pair && s->picture->image == image ? s->picture : NULL;
    if (p)
        atomic_fetch_add((atomic_int *)(s->picture + 1), 1);
    pthread_mutex_unlock(&s->lock);
    return p;
}

void ff_picture_unref(const ff_picture *p)
{
    if (p && atomic_fetch_sub((atomic_int *)((ff_picture *)p + 1), 1) == 1)
        free((void *)p);
}
