/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/examine.h: Source and Target side by side, and what can be measured of the two: values at any place, parts of
 * the graphs that have no counterpart, constants, and where the error begins, as layer scores. No fault is known here.
 *
 *     ff_subject_create(...)          both models with plans, canonical views, alignment, feeds, labels
 *     ff_analyse(subject, ...)        layer scores: kw, entire, isolated, causal
 *     ff_bisect(subject, ...)         the first place where the two part
 */
#ifndef FETAFIX_EXAMINE_H
#define FETAFIX_EXAMINE_H

#include "fetafix/align.h"
#include "fetafix/compare.h"

/* One side: a model as it is used. */
typedef struct ff_side {
    ff_model *model;
    ff_pre pre;
    ff_plan *observe, *score; /* NULL when the model cannot run; error says why */
    ff_feed *feed;
    ff_canon *canon;          /* NULL when there is no plan */
    ff_labels *labels;        /* all images; outputs are kept where they were run for this */
    double flops, flops_full; /* run for the labels; of whole runs of the model */
    char *error;
} ff_side;

/* What is examined: built by ff_subject_create, given to everything here, read-only afterwards (any
 * thread may read one). */
typedef struct ff_subject {
    const ff_dataset *set;
    ff_side source, target;
    ff_alignment *alignment; /* NULL when one side has no canonical view */
    int offset;              /* class offset, ff_labels_offset */
    int wrong;
    uint64_t seed;
    struct ff_subject_private *priv; /* options, the reference to what is shared with other subjects */
} ff_subject;

typedef struct ff_subject_options {
    bool reference;
    uint64_t memory; /* bytes for kept images and inputs; 0: 512 MiB */
    uint64_t seed;
    const char *source_output, *target_output; /* NULL: the first */
    bool keep_quantized; /* the Target is meant to be quantised: its rounding is no fault, a wrong scale is */
    const ff_comparator *comparator; /* NULL: labels decide; must outlive all that is made with it */
    const ff_pin *pins;
    int n_pins;
    /* What is known already (a session that resumes), or NULL: the models are not run then. Copied. The
     * Source's must have its outputs, else it is run; the Target's its verdicts. */
    const ff_labels *source_labels, *target_labels;
} ff_subject_options;
/* Takes references to the models; the dataset must outlive the subject. The Source must run (else
 * its failure is returned). A Target that cannot run is not a failure: its error is kept, every image is
 * wrong, and findings come from what can be compared. */
int ff_subject_create(ff_model *source, const ff_pre *source_pre, ff_model *target, const ff_pre *target_pre,
                      const ff_dataset *set, const ff_subject_options *o, const ff_task *task,
                      ff_subject **out) FF_MUST_USE;
/* The same case with another Target, as after a repair: shares everything of the Source's with `s` (which
 * may be destroyed before or after). `labels` (may be NULL: they are run) are the Target's, copied. */
int ff_subject_retarget(const ff_subject *s, ff_model *target, const ff_pre *target_pre, const ff_labels *labels,
                        const ff_task *task, ff_subject **out) FF_MUST_USE;
/* Other pins from now on, for this subject and those retargeted from it later. The alignment is made anew:
 * what holds numbers of its pairs is void. Nobody else may read the subject meanwhile. On failure
 * (FF_ERR_USAGE as of ff_align) nothing has changed. */
int ff_subject_pin(ff_subject *s, const ff_pin *pins, int n) FF_MUST_USE;
void ff_subject_destroy(ff_subject *s);

/* Scores of one pair of core layers. NAN: not computed. */
typedef struct ff_layer_score {
    int pair;
    int rank; /* 1: most suspicious */
    double
        kw; /* share of elements that Kruskal-Wallis flags, minus the expected 5%; --analysis paper: the share itself */
    double effect;   /* mean epsilon squared */
    double entire;   /* relative error of the output: |T - S| / |S|, L2 over all images */
    double isolated; /* the same, this layer fed with the Source's activations */
    double causal;   /* share of the wrong images that come right with the Source's activation put in here */
    int64_t elements;
} ff_layer_score;
typedef struct ff_layer_scores {
    int count;
    double flops, flops_full; /* run for them; had each run been of a whole model */
    ff_layer_score *at;       /* in the order of the network */
} ff_layer_scores;

typedef struct ff_analysis_options {
    bool paper;           /* the paper's sampling, test and ranking */
    const char *core_ops; /* "Conv" or "Conv,Gemm,MatMul"; NULL: Conv, ConvTranspose and Gemm */
    int sample;           /* images a group; 0: 100 */
    int repeats;          /* 0: 3 */
    bool causal;          /* the dearest column */
    uint64_t memory;      /* budget in bytes */
} ff_analysis_options;

/* FF_ERR_USAGE names the first word of the list that is no operator, with the nearest that is one. */
int ff_core_ops_check(const char *list) FF_MUST_USE;
int ff_analyse(const ff_subject *s, const ff_analysis_options *o, const ff_task *task,
               ff_layer_scores **out) FF_MUST_USE;
void ff_layer_scores_destroy(ff_layer_scores *s);

/* Where the two models part: the first place along the network where what both compute differs. */
typedef struct ff_divergence {
    bool found;   /* false: the outputs agree, or nothing can be compared */
    int pair;     /* whose node makes the difference; -1: it comes in with the input */
    int last;     /* where nodes have no counterpart in between, it is one from `pair` to this; else the same */
    int image;    /* that it was seen on: the first whose labels differ, else the first; -1: none was run */
    double error; /* |T - S| / |S| right behind it, L2 */
    int runs;     /* of each model, as far as a cut: about log2 of the number of layers */
} ff_divergence;
/* Two values agree within 1e-4 relative, so that rounding is none. */
int ff_bisect(const ff_subject *s, const ff_task *task, ff_divergence *out) FF_MUST_USE;

/* How one constant became another: the sub-cause of a WB finding, from the numbers alone. */
typedef struct ff_weight_change {
    /* Static: "equal" "rounding" "float16" "bfloat16" "int8-per-tensor" "int8-per-channel" "permuted" "scaled"
     * "missing" "added" "different" "shape-differs". */
    const char *cause;
    double relative; /* |T - S| / |S|, L2 */
    double max_abs;  /* largest difference */
    int64_t n, n_different;
    double step;           /* int8 per tensor: the distance of neighbouring levels, else 0 */
    int levels;            /* int8: number of different values */
    int axis;              /* int8 per channel and scaled: the channel axis; -1 */
    int perm[FF_MAX_RANK]; /* permuted by axes: T's axis i is S's axis perm[i]; perm[0] -1: by elements */
} ff_weight_change;

/* Compares float tensors of any float type. `raw` (may be NULL) is the Target's constant before anything
 * was folded in, in which quantisation is easier to see. `folded`: one side went through a refolding, which
 * rounds in the last bits (a wider idea of rounding). FF_ERR_NOMEM only. */
int ff_weight_compare(const ff_tensor *source, const ff_tensor *target, const ff_tensor *raw, bool folded,
                      ff_weight_change *out) FF_MUST_USE;

/* Detail of one pair for the node view. */
enum { FF_WORST = 100 };
typedef struct ff_weight_stats {
    const char *role;
    int64_t count;
    double source_min, source_max, source_mean, source_sd;
    double target_min, target_max, target_mean, target_sd;
    double relative; /* |T - S| / |S|, L2 */
    double max_abs;  /* largest difference */
    int64_t n_different;
    const char *cause;       /* as in findings: "rounding", "bfloat16", "int8-per-channel", "equal" */
    int64_t worst[FF_WORST]; /* indices (canonical layout), largest difference first */
    double worst_source[FF_WORST], worst_target[FF_WORST];
    int n_worst;
    double low, high; /* of both histograms */
    int64_t source_histogram[64], target_histogram[64];
} ff_weight_stats;
/* Statistics of each constant of the pair (n_stats <= max). */
int ff_weight_stats_of(const ff_subject *s, int pair, ff_weight_stats *stats, int max, int *n_stats) FF_MUST_USE;

/* What both sides make of an image at a pair: the output of its nodes, canonical float32 ([1,C,H,W] of a layer of
 * images). New references; NULL where a side has no such value. FF_ERR_USAGE: no such pair or image. */
int ff_probe(const ff_subject *s, int pair, int image, const ff_task *task, ff_tensor **source,
             ff_tensor **target) FF_MUST_USE;
/* The labels of the Target when it goes on from the pair with the Source's activation, over all images. FF_ERR_USAGE
 * where the pair has not one activation of the same dims on both sides. */
int ff_inject(const ff_subject *s, int pair, const ff_task *task, ff_labels **out) FF_MUST_USE;

/* ----------------------------------------------------------------------- running the two models */

/* One runner a worker of a plan. */
typedef struct ff_runners {
    int n;
    ff_runner **at;
} ff_runners;

int ff_runners_init(ff_runners *r, const ff_plan *p, const ff_task *task) FF_MUST_USE;
void ff_runners_finish(ff_runners *r);
double ff_runners_flops(const ff_runners *r);

/* The value that a user of the model reads: `name`, else the first output. FF_ERR_USAGE for a name that the
 * model does not have. */
int ff_model_read_output(const ff_model *m, const char *name, const ff_value **out) FF_MUST_USE;
/* Is this value a Softmax over classes, seen through reshapes? Then it holds probabilities. */
bool ff_is_probabilities(const ff_value *v);
/* |T - S| / |S| of two outputs of n and m elements, class k of the Target against class k + offset of the
 * Source; `s_soft`, `t_soft`: as probabilities already. INFINITY when they cannot be compared. */
double ff_output_distance(const float *s, int64_t n, bool s_soft, const float *t, int64_t m, bool t_soft, int offset);

/* Outputs that are the same in both: as many pairs as this, [2 * i] of the Source's canonical view, [2 * i + 1] of the
 * Target's; by name, else by place. One where one output was chosen. */
enum { FF_MOST_OUTPUT_PAIRS = 64 };
int ff_output_pairs(const ff_subject *s, int pairs[2 * FF_MOST_OUTPUT_PAIRS]);

/* What subjects of one case share. */
typedef struct ff_shared ff_shared;
ff_shared *ff_subject_shared(const ff_subject *s); /* a new reference */
void ff_shared_unref(ff_shared *h);
const ff_side *ff_shared_source(const ff_shared *h);
const ff_subject_options *ff_shared_options(const ff_shared *h);
const ff_dataset *ff_shared_set(const ff_shared *h);
bool ff_shared_source_soft(const ff_shared *h);
/* What the Source's run left on the way, for a run of p on this feed; NULL: the Source is fed otherwise. */
ff_store *ff_shared_kept(const ff_shared *h, const ff_feed *feed, const ff_plan *p);
const ff_subject_options *ff_subject_options_of(const ff_subject *s);

/* ----------------------------------------------------------------------- axes */

/* axis[i] is the original's axis that canonical axis i of v comes from. False where axes were merged or split,
 * the ranks differ, or v has no original. Axes of size 1 are matched in order. */
bool ff_cvalue_axes(const ff_cvalue *v, const ff_shape *original, int *axis);
/* out[in[i]] = i */
void ff_perm_invert(const int *in, int rank, int *out);
bool ff_perm_identity(const int *perm, int rank);
/* The permutation a canonical Transpose makes: false when n is none. */
bool ff_cnode_perm(const ff_cnode *n, int *perm, int *rank);

/* ----------------------------------------------------------------------- regions */

/* A region is a part of a canonical graph that has no counterpart, seen from where matched nodes read what it makes. */

enum { FF_REGION_MOST = 256 }; /* nodes of a region, and values at which it begins */

/* Relative distance at which two regions compute the same, but for the order of their operations. */
#define FF_SAME_VALUES 1e-5

/* Nodes that are to be taken for unmatched as well, by cnode of either side; NULL: none. */
typedef struct ff_apart {
    const ff_subject *subject;
    const bool *source, *target;
} ff_apart;

/* The Target cvalue that corresponds to a Source cvalue, made by a pair of the same operator (or an input); -1. */
int ff_region_counterpart(const ff_subject *s, int source_cvalue);
int ff_region_counterpart_in(const ff_apart *apart, int source_cvalue);
/* The pair of a node has the same operator on both sides, and as many inputs; a Transpose moves the same axes
 * of the same dims, a Reshape makes the same dims. */
bool ff_region_matched(const ff_subject *s, bool source, int cnode);
bool ff_region_matched_in(const ff_apart *apart, bool source, int cnode);
/* Behind the place where a Target breaks nothing is known: forms could not be made equal there. */
bool ff_region_computed(const ff_subject *s, int target_cvalue);
/* The unmatched nodes from which a cvalue is made, down to values that have a counterpart: at most `max` node ids are
 * written, ascending; returns how many there are. */
int ff_region_nodes(const ff_subject *s, bool source, int cvalue, int *nodes, int max);
/* The same, and where it begins: `nodes` and `ends` hold FF_REGION_MOST. */
void ff_region_collect(const ff_apart *apart, bool source, int cvalue, int *nodes, int *n_nodes, int *ends,
                       int *n_ends);
/* Past unmatched nodes that hand on what they read in the same order: Reshape, Identity. */
int ff_region_before_reshapes(const ff_subject *s, bool source, int cvalue);

/* Does the Target make `target_cvalue` out of the Source's values as the Source makes `source_cvalue`? The values at
 * which both regions begin are put in: the Source's, over the first few images, and then numbers drawn by lot, so that
 * what no image reaches (a bound) is seen too. *distance: relative, INFINITY where it cannot be told. */
int ff_region_distance(const ff_subject *s, int source_cvalue, int target_cvalue, const ff_task *task,
                       double *distance) FF_MUST_USE;
int ff_region_distance_in(const ff_apart *apart, int source_cvalue, int target_cvalue, const ff_task *task,
                          double *distance) FF_MUST_USE;

/* What values the Source's `source_cvalue` has over the first few images. count 0: it cannot be told. */
typedef struct ff_region_range {
    double low, high;
    int64_t count, outside; /* elements; those below `floor` or above `ceiling` */
} ff_region_range;
int ff_region_measure(const ff_subject *s, int source_cvalue, double floor, double ceiling, const ff_task *task,
                      ff_region_range *out) FF_MUST_USE;

/*
 * The Target in lockstep with the Source: at each place that corresponds the Target's value is compared with the
 * Source's, and the nodes behind it go on with the Source's. So what differs at a place was made between it and the
 * places before it. The unit is what rounding explains: how far the Source's own values come out when what each part
 * reads and makes is moved by the last bit of the type in which the Target computes, by magnitude, times a safety
 * factor.
 */
typedef struct ff_evidence {
    int source;      /* the Source's cvalue */
    int samples;     /* of the data, that were compared; 0: nothing was */
    int64_t values;  /* numbers compared */
    double ratio;    /* largest difference in that unit, on samples: above 1 is more than rounding */
    double relative; /* |T - S| / |S| (L2), on samples */
    double probed;   /* the largest off the data, where neither side overflows */
    const char *probe; /* where that was; static, NULL: nowhere */
    bool unbounded;  /* infinities or NaN on one side only */
    double difference, norm; /* squares summed */
} ff_evidence;
typedef struct ff_lockstep {
    int n;
    ff_evidence *at;             /* by Target cvalue */
    int differ;                  /* places that do by more than rounding, on samples */
    bool *in_source, *in_target; /* by index of the main graph's node: in the part before such a place */
    bool agree; /* all outputs are right as they are, on samples: nothing is wrong, whatever a place says */
    int n_answers;
    ff_evidence *answers; /* by output of the Target that has a counterpart: with these places put right */
    bool complete;        /* all outputs have one and are right then: nothing else is wrong on samples */
} ff_lockstep;
bool ff_lockstep_possible(const ff_subject *s); /* both models run, on something */
/* How much is run: the parts over a few samples, which says where they differ; off the data too, and the whole with those
 * put right; the same over many samples. */
typedef enum ff_lockstep_extent { FF_LOCKSTEP_PARTS, FF_LOCKSTEP_ALL, FF_LOCKSTEP_MANY } ff_lockstep_extent;
int ff_lockstep_run(const ff_subject *s, ff_lockstep_extent extent, const ff_task *task, ff_lockstep **out) FF_MUST_USE;
void ff_lockstep_destroy(ff_lockstep *l);

#endif
