/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ff_localize runs the detectors and puts what they say in order. */
#include "faults/detect.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A Target that cannot run, where nothing that was found explains it. */
int ff_detect_error(ff_detection *d)
{
    const char *error = d->subject->target.error;
    for (int i = 0; i < d->findings->count; i++)
        if (d->findings->at[i].type != FF_PP)
            return FF_OK;
    if (!error)
        return FF_OK;
    ff_finding *f = ff_detection_add(d, FF_CAUSE_CANNOT_RUN, "error");
    f->summary = ff_asprintf("the Target cannot run: %s", error);
    f->explanation =
        ff_strdup("The Target's shapes contradict one another, so that it gives no answer for any image. What "
                  "lies before the contradiction corresponds to the Source.");
    json_t *j = json_object();
    json_object_set_new(j, "error", json_string(error));
    ff_finding_set_details(f, j);
    return FF_OK;
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

/* The detectors of the table, each once, in the order of their first rows; then what looks at all findings. */
static int detectors(int (**run)(ff_detection *d))
{
    int n = 0;
    for (int i = 0; i < FF_CAUSES; i++) {
        const ff_cause *c = ff_cause_at(i);
        bool new = c->find && c->find != ff_detect_tested; /* comes behind all others */
        for (int k = 0; k < n; k++)
            new = new &&run[k] != c->find;
        if (new)
            run[n++] = c->find;
    }
    run[n++] = ff_detect_joint;
    run[n++] = ff_detect_mend; /* what the repairs of all those leave wrong */
    run[n++] = ff_detect_tested; /* what was found and changes nothing */
    run[n++] = ff_detect_sames;
    return n;
}

int ff_localize(const ff_subject *s, const ff_task *task, ff_findings **out, ff_sames **same)
{
    ff_detection d = {.subject = s, .task = task};
    int (*run[FF_CAUSES + 4])(ff_detection * d), n = detectors(run);
    d.findings = ff_alloc(sizeof *d.findings);
    d.sames = ff_alloc(sizeof *d.sames);
    if (task && task->progress)
        ff_progress_start(task->progress, "localising", n);
    int rc = FF_OK;
    for (int i = 0; i < n && rc == FF_OK; i++) {
        rc = ff_check_cancel(task);
        if (rc == FF_OK)
            rc = run[i](&d);
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
    if (d.findings->count > 1)
        qsort(d.findings->at, (size_t)d.findings->count, sizeof *d.findings->at, by_order);
    *out = d.findings;
    if (same)
        *same = d.sames;
    else
        ff_sames_destroy(d.sames);
    return FF_OK;
}
