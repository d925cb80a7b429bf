/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The account of the work: what each phase ran, and what whole evaluations would have been. */
#include "session/case/case.h"

void case_open_account(ff_case *c)
{
    c->work[WORK_LABELS].name = "labels";
    c->work[WORK_ANALYSIS].name = "analysis";
    for (int i = 0; i < FF_PHASE_DONE; i++)
        c->work[WORK_SEARCH + i].name = ff_phase_name((ff_phase)i);
}

void case_count_work(ff_case *c, int row, double flops, double flops_full, int64_t begun)
{
    ff_work *w = &c->work[row];
    w->flops += flops;
    w->flops_full += flops_full;
    w->seconds += (double)(ff_now_ns() - begun) * 1e-9;
}

void case_count_trial(ff_case *c, ff_phase phase, const ff_judgement *j, int64_t begun)
{
    ff_work *w = &c->work[WORK_SEARCH + phase];
    case_count_work(c, WORK_SEARCH + (int)phase, j->flops, j->flops_full, begun);
    w->trials++;
    if (j->verdict != FF_VERDICT_WORSE)
        return;
    w->rejected++;
    w->rejected_flops += j->flops;
    w->rejected_flops_full += j->flops_full;
}

void case_note_work(ff_case *c)
{
    for (int i = 0; i < WORK_PHASES; i++) {
        const ff_work *w = &c->work[i];
        if (w->flops_full > 0)
            case_note(c, "work of %s: %.3f of %.3f Gop (%.1f times less) in %.1f s, %d trials", w->name,
                      w->flops * 1e-9, w->flops_full * 1e-9, w->flops > 0 ? w->flops_full / w->flops : 1, w->seconds,
                      w->trials);
    }
}
