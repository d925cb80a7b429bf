/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "session/case/case.h"

static const char *keep(ff_arena *texts, const char *s)
{
    return s ? ff_arena_strdup(texts, s) : NULL;
}

ff_case *case_create(const ff_session_options *o)
{
    ff_case *c = ff_alloc(sizeof *c);
    ff_arena *t = c->texts = ff_arena_create();
    c->options = *o;
    case_open_account(c);
    c->options.source = keep(t, o->source);
    c->options.target = keep(t, o->target);
    c->options.images = keep(t, o->images);
    c->options.validate = keep(t, o->validate);
    c->options.source_pre = keep(t, o->source_pre);
    c->options.target_pre = keep(t, o->target_pre);
    c->options.source_output = keep(t, o->source_output);
    c->options.target_output = keep(t, o->target_output);
    c->options.labels = keep(t, o->labels);
    c->options.path = keep(t, o->path);
    c->options.core_ops = keep(t, o->core_ops);
    ff_pin *pins = ff_arena_alloc(t, ((size_t)o->n_pins + 1) * sizeof *pins);
    for (int i = 0; i < o->n_pins; i++)
        pins[i] = (ff_pin){keep(t, o->pins[i].source), keep(t, o->pins[i].target), o->pins[i].forbid};
    c->options.pins = pins;
    c->options.comparator = keep(t, o->comparator);
    c->validation.images = c->validation.initial = -1;
    c->validation.wrong = c->validation.regressed = -1;
    c->validation.state = -1;
    return c;
}

void case_known_finish(known_finding *k)
{
    free(k->id);
    free(k->cause);
    free(k->summary);
    free(k->explanation);
    free(k->source_nodes);
    free(k->target_nodes);
    free(k->details);
}

uint64_t ff_session_memory(const ff_session_options *o)
{
    return o->memory ? o->memory : ff_memory_total() / 4;
}

void case_destroy(ff_case *c)
{
    if (!c)
        return;
    case_forget_judgements(c);
    case_drop_what_if(c);
    ff_search_destroy(c->search);
    ff_state_destroy(c->state);
    ff_state_destroy(c->start);
    ff_judge_destroy(c->judge);
    for (int i = 0; i < c->n_steps; i++)
        ff_proposal_finish(&c->steps[i]);
    free(c->steps);
    free(c->step_states);
    ff_proposals_destroy(c->proposals);
    ff_findings_destroy(c->findings);
    ff_sames_destroy(c->sames);
    ff_layer_scores_destroy(c->scores);
    ff_layer_scores_destroy(c->measured);
    if (c->subject != c->first)
        ff_subject_destroy(c->subject);
    ff_subject_destroy(c->first);
    for (int i = 0; i < c->history.n_states; i++)
        case_state_finish(&c->history.states[i]);
    free(c->history.states);
    for (int i = 0; i < c->history.n_decisions; i++)
        decision_finish(&c->history.decisions[i]);
    free(c->history.decisions);
    for (int i = 0; i < c->history.n_known; i++)
        case_known_finish(&c->history.known[i]);
    free(c->history.known);
    free(c->pins);
    ff_labels_destroy(c->source_labels);
    ff_labels_destroy(c->target_labels);
    ff_labels_destroy(c->validation.source);
    ff_labels_destroy(c->validation.first);
    ff_store_destroy(c->validation.kept);
    ff_comparator_destroy(c->comparator);
    free(c->validation.names);
    free(c->validation.harm);
    ff_model_unref(c->source);
    ff_model_unref(c->target);
    ff_names_destroy(c->names);
    ff_dataset_destroy(c->validation.set);
    ff_dataset_destroy(c->set);
    ff_pool_destroy(c->pool);
    for (size_t i = 0; i < FF_COUNT(c->notes); i++)
        ff_buf_finish(&c->notes[i]);
    db_close(c->db);
    ff_arena_destroy(c->texts);
    free(c);
}

void case_note(ff_case *c, const char *format, ...)
{
    ff_buf line = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&line, format, args);
    va_end(args);
    ff_buf *slot = &c->notes[c->n_notes++ % (int64_t)FF_COUNT(c->notes)];
    ff_buf_clear(slot);
    ff_buf_visible(slot, line.data ? line.data : "");
    ff_log(FF_LOG_INFO, "%s", slot->data ? slot->data : "");
    ff_buf_finish(&line);
}
