/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layers scored once more: as the Target is now, or with the causal column, which a search does without. */
#include <stdlib.h>

#include "session/case/case.h"

const ff_layer_score *case_measured(const ff_case *c, int source)
{
    const ff_alignment *a = c->subject ? c->subject->alignment : NULL;
    for (int i = 0; c->measured && c->measured_state == c->history.current && a && i < c->measured->count; i++) {
        const ff_layer_score *s = &c->measured->at[i];
        if (s->pair >= 0 && s->pair < a->n_pairs && a->pairs[s->pair].source == source)
            return s;
    }
    return NULL;
}

/* The root's are the case's own, and go into its file. */
static int keep_scores(ff_case *c, ff_layer_scores *s)
{
    ff_layer_scores *last = c->scores;
    c->scores = s;
    int code = db_begin(c->db);
    if (!code)
        code = case_save_scores(c);
    if (!code)
        code = db_commit(c->db);
    if (code) {
        db_rollback(c->db);
        c->scores = last;
        last = s;
    }
    ff_layer_scores_destroy(last);
    return code;
}

int case_measure(ff_case *c, bool causal)
{
    int code = case_need_search(c);
    if (code)
        return code;
    if (!c->scores)
        return ff_fail(FF_ERR_USAGE, "the Target as it came could not be scored: there is nothing to compare with");
    if (c->history.states[c->history.current].error)
        return ff_fail(FF_ERR_USAGE, "the Target as it is now cannot run: %s",
                       c->history.states[c->history.current].error);
    if (c->history.current == 0 && !causal)
        return ff_fail(FF_ERR_USAGE, "the layers are scored as the Target came, and no step was taken since");
    ff_layer_scores *made;
    code = case_analyse(c, c->history.current == 0 ? c->first : c->subject, causal, &made);
    if (code)
        return code;
    if (c->history.current == 0) {
        code = keep_scores(c, made);
    } else {
        ff_layer_scores_destroy(c->measured);
        c->measured = made;
        c->measured_state = c->history.current;
    }
    c->localizations++; /* tables with scores are made anew */
    c->publish(c->context, true);
    if (!code) {
        char *text = ff_asprintf("the layers are scored%s%s", c->history.current ? " as they are now" : "",
                                 causal ? ", with the causal column" : "");
        case_note(c, "%s", text);
        c->announce(c->context, text);
        free(text);
    }
    return code;
}
