/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of detectors, and ff_localize, which runs them and puts what they say in order. */
#include "faults/detect.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const ff_detector detectors[] = {
    {"preprocessing", ff_detect_preprocessing},
    {"outputs", ff_detect_outputs},
    {"reduced axes", ff_detect_reduction},
    {"dense layers", ff_detect_dense},
    {"tensor structure", ff_detect_structure}, /* these two look at what the ones before found */
    {"input dimensions", ff_detect_input},
    {"input normalisation", ff_detect_normalisation},
    {"weights", ff_detect_weights},
    {"hyperparameters", ff_detect_hyper},
    {"precision", ff_detect_precision}, /* what those before found may be part of it */
    {"graph", ff_detect_graph},
    {"joint", ff_detect_joint}, /* what those before found and makes up for one another */
    {"equivalences", ff_detect_sames},
};

/* A Target that cannot run, where nothing that was found explains it. */
static void report_error(ff_detection *d)
{
    const char *error = d->subject->target.error;
    for (int i = 0; i < d->findings->count; i++)
        if (d->findings->at[i].type != FF_PP)
            return;
    if (!error)
        return;
    ff_finding *f = ff_detection_add(d, FF_CG, "cannot-run", "error");
    f->summary = ff_asprintf("the Target cannot run: %s", error);
    f->explanation =
        ff_strdup("The Target's shapes contradict one another, so that it gives no answer for any image. What "
                  "lies before the contradiction corresponds to the Source.");
    json_t *j = json_object();
    json_object_set_new(j, "error", json_string(error));
    ff_finding_set_details(f, j);
}

/* PP, ID, TSS first; then what belongs to no pair (outputs of the graph), then down the network. */
static int place(const ff_finding *f)
{
    if (f->type <= FF_TSS)
        return (int)f->type - 10;
    return f->pair;
}

static int by_order(const void *a, const void *b)
{
    const ff_finding *x = a, *y = b;
    if (place(x) != place(y))
        return place(x) < place(y) ? -1 : 1;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return strcmp(x->id, y->id);
}

int ff_localize(const ff_subject *s, const ff_task *task, ff_findings **out, ff_sames **same)
{
    ff_detection d = {.subject = s, .task = task};
    d.findings = ff_alloc(sizeof *d.findings);
    d.sames = ff_alloc(sizeof *d.sames);
    if (task && task->progress)
        ff_progress_start(task->progress, "localising", FF_COUNT(detectors));
    int rc = FF_OK;
    for (size_t i = 0; i < FF_COUNT(detectors) && rc == FF_OK; i++) {
        rc = ff_check_cancel(task);
        if (rc == FF_OK)
            rc = detectors[i].run(&d);
        if (task && task->progress)
            ff_progress_add(task->progress, 1);
    }
    if (task && task->progress)
        ff_progress_finish(task->progress);
    free(d.prepared_source);
    free(d.prepared_target);
    if (rc != FF_OK) {
        ff_findings_destroy(d.findings);
        ff_sames_destroy(d.sames);
        return rc;
    }
    report_error(&d);
    if (d.findings->count > 1)
        qsort(d.findings->at, (size_t)d.findings->count, sizeof *d.findings->at, by_order);
    *out = d.findings;
    if (same)
        *same = d.sames;
    else
        ff_sames_destroy(d.sames);
    return FF_OK;
}
