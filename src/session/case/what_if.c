/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An edit of one's own, tried on the present state and counted over every image. It belongs to the
 * state it was tried on: moving away drops it, keeping it makes it a step like any other.
 */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

/* The edit as the command that tries it: what a script says. */
static char *command_of(int pair, const char *words)
{
    if (pair < 0)
        return ff_asprintf("what-if pre %s", words);
    return strchr(words, '=') ? ff_asprintf("what-if pair %d '%s'", pair, words)
                              : ff_asprintf("what-if %s pair %d", words, pair);
}

void case_drop_what_if(ff_case *c)
{
    ff_proposal_finish(&c->what_if.proposal);
    ff_judgement_finish(&c->what_if.judgement);
    c->what_if = (what_if){0};
}

/* A preset, a whole spec, or words that change the present one. */
static int edit_pre(const ff_case *c, const char *words, ff_proposal *out)
{
    const ff_pre *now = &c->history.states[c->history.current].pre;
    char *spec = ff_pre_print(now), *first = ff_strndup(words, strcspn(words, " "));
    char *text = strchr(first, '=') ? ff_asprintf("%s %s", spec, words) : ff_strdup(words);
    ff_pre pre;
    int code = ff_pre_parse(text, &pre);
    free(text);
    free(first);
    free(spec);
    if (code)
        return code;
    *out = (ff_proposal){
        .type = FF_PP,
        .summary = ff_asprintf("prepare the Target's pixels with %s", words),
        .has_pre = true,
        .pre = pre,
        .from = *now,
        .pair = -1,
    };
    return FF_OK;
}

static int judge_edit(ff_case *c, what_if *w)
{
    ff_model *m;
    int64_t begun = ff_now_ns();
    int code = ff_proposal_apply(&w->proposal, c->state->model, &m);
    if (code == FF_ERR_GRAPH || code == FF_ERR_UNSUPPORTED) {
        w->judgement =
            (ff_judgement){.verdict = FF_VERDICT_BROKEN, .wrong = -1, .distance = NAN, .why = ff_strdup(ff_error())};
        return FF_OK;
    }
    if (code)
        return code;
    ff_pre pre = c->state->pre;
    ff_proposal_pre(&w->proposal, &pre);
    code = ff_judge_model(c->judge, c->state, m, &pre, INT_MAX, true, &c->task, &w->judgement);
    ff_model_unref(m);
    if (code)
        return code;
    case_count_trial(c, FF_PHASE_GREEDY, &w->judgement, begun);
    if (!w->judgement.state)
        w->judgement.wrong = -1;
    return FF_OK;
}

static int judge_injection(ff_case *c, int pair, what_if *w)
{
    ff_labels *l;
    int code = ff_inject(c->subject, pair, &c->task, &l);
    if (code)
        return code;
    const ff_alignment *a = c->subject->alignment;
    const ff_cnode *node = &a->target->nodes[a->pairs[pair].target];
    char *label = ff_visible(node->primary ? node->primary->label : node->op);
    w->proposal = (ff_proposal){
        .summary = ff_asprintf("go on from '%s' with the Source's activation", label),
        .type = FF_WB,
        .pair = pair,
    };
    free(label);
    const ff_labels *before = c->history.states[c->history.current].labels;
    w->judgement =
        (ff_judgement){.wrong = ff_labels_wrong(c->source_labels, l, c->offset), .distance = NAN, .complete = true};
    for (int i = 0; i < l->count; i++) {
        bool was = !ff_label_wrong(&c->source_labels->at[i], &before->at[i], c->offset);
        bool is = !ff_label_wrong(&c->source_labels->at[i], &l->at[i], c->offset);
        w->judgement.fixed += is && !was;
        w->judgement.broken += was && !is;
    }
    ff_labels_destroy(l);
    return FF_OK;
}

static int try_edit(ff_case *c, int pair, const char *words, what_if *w)
{
    const char *equals = strchr(words, '=');
    int code;
    if (pair < 0)
        code = edit_pre(c, words, &w->proposal);
    else if (strcmp(words, "inject") == 0)
        return judge_injection(c, pair, w);
    else if (strcmp(words, "weights") == 0)
        code = ff_own_weights(c->subject, pair, &w->proposal);
    else if (equals && equals != words) {
        char *name = ff_strndup(words, (size_t)(equals - words));
        code = ff_own_attribute(c->subject, pair, name, equals + 1, &w->proposal);
        free(name);
    } else
        code = ff_fail(FF_ERR_USAGE, "what-if: '%s' is neither NAME=VALUE nor 'weights' nor 'inject'", words);
    if (code)
        return code;
    w->edit = true;
    return judge_edit(c, w);
}

int case_what_if(ff_case *c, int64_t pair, const char *words)
{
    int code = case_need_search(c);
    if (code)
        return code;
    what_if w = {0};
    code = try_edit(c, pair < 0 || pair > INT_MAX ? -1 : (int)pair, words ? words : "", &w);
    if (code) {
        ff_proposal_finish(&w.proposal);
        ff_judgement_finish(&w.judgement);
        return code;
    }
    case_drop_what_if(c);
    free(w.proposal.id);
    w.proposal.id = command_of(w.proposal.pair, words);
    c->what_if = w;
    const ff_judgement *j = &w.judgement;
    int wrong = c->history.states[c->history.current].wrong;
    char *text = j->wrong < 0 ? ff_asprintf("what if: %s: %s", w.proposal.summary, j->why ? j->why : "it cannot run")
                              : ff_asprintf("what if: wrong %d -> %d (%d put right, %d made wrong): %s", wrong,
                                            j->wrong, j->fixed, j->broken, w.proposal.summary);
    case_note(c, "%s", text);
    c->announce(c->context, text);
    free(text);
    c->publish(c->context, true);
    return FF_OK;
}

int case_keep(ff_case *c)
{
    what_if *w = &c->what_if;
    if (!w->proposal.id)
        return ff_fail(FF_ERR_USAGE, "there is no what-if to keep");
    if (!w->edit)
        return ff_fail(FF_ERR_USAGE, "an injected activation is no edit of the model: it cannot be kept");
    if (!w->judgement.state)
        return ff_fail(FF_ERR_USAGE, "not kept, the Target could not run: %s",
                       w->judgement.why ? w->judgement.why : "");
    if (w->judgement.verdict == FF_VERDICT_SAME)
        return ff_fail(FF_ERR_USAGE, "not kept, it changes nothing");
    case_state p;
    case_make_state(c, &w->proposal, &w->judgement, &p);
    p.ids = ff_strdup(w->proposal.id);
    return case_commit_step(c, OUTCOME_KEPT, &p);
}

int case_drop(ff_case *c)
{
    if (!c->what_if.proposal.id)
        return ff_fail(FF_ERR_USAGE, "there is no what-if to drop");
    char *text = ff_asprintf("dropped: %s", c->what_if.proposal.summary);
    case_note(c, "%s", text);
    c->announce(c->context, text);
    free(text);
    case_drop_what_if(c);
    c->publish(c->context, true);
    return FF_OK;
}
