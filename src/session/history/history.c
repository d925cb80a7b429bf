/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history tree in memory: its states, the way to one, and the model there. */
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"

static const char *const outcome_names[] = {
    "accepted", "rejected", "broken", "undone", "redone", "went", "essential", "written", "kept",
};
_Static_assert(FF_COUNT(outcome_names) == OUTCOME_COUNT, "a name for each outcome");

const char *outcome_name(outcome o)
{
    return outcome_names[o];
}

void case_state_finish(case_state *p)
{
    free(p->ids);
    free(p->type);
    free(p->summary);
    free(p->findings);
    ff_patch_destroy(p->patch);
    for (int i = 0; i < p->n_parts; i++)
        ff_proposal_finish(&p->parts[i]);
    free(p->parts);
    free(p->error);
    ff_labels_destroy(p->labels);
    ff_model_unref(p->model);
    free(p->proposals);
    free(p->proposal_findings);
    free(p->open);
    *p = (case_state){0};
}

void decision_finish(decision *d)
{
    free(d->ids);
    free(d->type);
    free(d->summary);
    free(d->findings);
    free(d->phase);
    *d = (decision){0};
}

case_state *case_state_at(ff_case *c, int64_t state)
{
    return state >= 0 && state < c->history.n_states ? &c->history.states[state] : NULL;
}

int case_path(const ff_case *c, int64_t state, int64_t *out, int max)
{
    int n = c->history.states[state].depth + 1;
    for (int i = n - 1; i >= 0; i--, state = c->history.states[state].parent) {
        if (i < max)
            out[i] = state;
    }
    return n;
}

int case_state_model(ff_case *c, int64_t state, ff_model **out)
{
    case_state *p = &c->history.states[state];
    if (!p->model) {
        ff_model *base, *m;
        int code = case_state_model(c, p->parent, &base);
        if (code)
            return code;
        if (p->patch) {
            code = ff_model_apply(base, p->patch, &m, NULL);
            if (code)
                return ff_fail_prefix(FF_ERR_INPUT, "state %lld of the session", (long long)state);
        } else {
            m = ff_model_ref(base);
        }
        char hex[65];
        ff_key_hex(ff_model_sha256(m), hex);
        if (p->model_hex[0] && strcmp(hex, p->model_hex) != 0) {
            ff_model_unref(m);
            return db_damaged(c->db, "the edits of a state give another model than they did");
        }
        c->history.states[state].model = m;
        p = &c->history.states[state];
    }
    *out = p->model;
    return FF_OK;
}
