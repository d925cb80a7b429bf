/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One runner a worker of a plan, and small questions about models that localize and repair share. */
#ifndef LOCALIZE_RUNNERS_H
#define LOCALIZE_RUNNERS_H

#include "fetafix/localize.h"

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

/* The float32 values of one image's output: the first row where the model fixes a batch. */
int ff_output_row(const ff_tensor *output, const ff_shape *input, ff_tensor **out) FF_MUST_USE;

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

#endif
