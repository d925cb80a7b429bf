/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * borrow: layers of a Target as another conversion of the same Source has them, where the Source's own
 * cannot be used (other weights were meant, or the Source is at hand for its labels only). The sibling
 * takes the Source's part: what differs at the layer is a finding, and its repair is what is borrowed.
 */
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_say.h"
#include "fetafix/repair.h"
#include "program/batch.h"
#include "program/verbs.h"
#include "program/verbs/many.h"

typedef struct loan {
    const ff_context *context;
    const ff_options *options;
    many models; /* Source, Target, sibling: paths, specs, labels */
    ff_model *target, *sibling, *result;
    ff_subject *subject; /* the sibling against the Target */
    ff_findings *findings;
    ff_sames *sames;
    ff_proposals *proposals;
    const ff_proposal **parts;
    int n_parts;
    ff_proposal joined;
} loan;

static const ff_finding *finding_of(const loan *l, const ff_proposal *p)
{
    for (int i = 0; p->n_findings == 1 && i < l->findings->count; i++) {
        if (strcmp(l->findings->at[i].id, p->findings[0]) == 0)
            return &l->findings->at[i];
    }
    return NULL;
}

static bool node_named(const ff_node *n, const char *word)
{
    if (ff_name_holds(n->name, word))
        return true;
    for (int i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] && ff_name_holds(n->outputs[i]->name, word))
            return true;
    }
    return false;
}

/* Weights and settings of the layers that a word names, one of them or a block. */
static int choose(loan *l, const char *word)
{
    const ff_graph *g = ff_model_graph(l->target);
    bool there = false, differs = false;
    for (int i = 0; i < g->n_nodes; i++)
        there |= node_named(g->nodes[i], word);
    if (!there)
        return ff_fail(FF_ERR_USAGE, "the Target has no layer '%s'; `fetafix inspect --verbose` lists its nodes", word);
    for (int i = 0; i < l->proposals->count; i++) {
        const ff_proposal *p = &l->proposals->at[i];
        const ff_finding *f = p->patch && !p->n_members ? finding_of(l, p) : NULL;
        bool named = false, chosen = false;
        for (int k = 0; f && k < f->n_target_nodes; k++)
            named |= node_named(f->target_nodes[k], word);
        if (!named || (p->type != FF_WB && p->type != FF_LH))
            continue;
        differs = true;
        for (int k = 0; k < l->n_parts; k++)
            chosen |= l->parts[k] == p;
        if (!chosen)
            l->parts[l->n_parts++] = p;
    }
    return differs ? FF_OK
                   : ff_fail(FF_ERR_USAGE, "'%s' is the same in '%s': there is nothing to borrow", word,
                             l->models.at[2].path);
}

/* As it was chosen; for arrays, which are fed as they are, any. */
static int pre_of(const loan *l, int i, const ff_model *m, ff_pre *pre)
{
    const char *why;
    if (l->models.at[i].spec)
        return ff_pre_parse(l->models.at[i].spec, pre);
    ff_pre_guess(m, pre, &why);
    return FF_OK;
}

static int compare_siblings(loan *l)
{
    const ff_options *o = l->options;
    ff_pre target_pre, sibling_pre;
    ff_subject_options so = {
        .reference = o->session.reference, .seed = o->session.seed, .target_labels = l->models.at[1].labels};
    int code = batch_load_model(l->context, l->models.at[1].path, &l->target);
    if (!code)
        code = batch_load_model(l->context, l->models.at[2].path, &l->sibling);
    if (!code)
        code = pre_of(l, 1, l->target, &target_pre);
    if (!code)
        code = pre_of(l, 2, l->sibling, &sibling_pre);
    if (!code)
        code = ff_subject_create(l->sibling, &sibling_pre, l->target, &target_pre, l->models.set, &so, &l->models.task,
                                 &l->subject);
    if (!code)
        code = ff_localize(l->subject, &l->models.task, &l->findings, &l->sames);
    if (!code)
        code = ff_propose(l->subject, l->findings, NULL, &l->proposals);
    return code;
}

/* The edits of the layers chosen, on the Target; the labels that come out. */
static int take(loan *l, int n, char **words, ff_labels **labels)
{
    ff_pre pre;
    l->parts = ff_alloc_array((size_t)l->proposals->count + 1, sizeof *l->parts);
    int code = FF_OK;
    for (int i = 0; i < n && !code; i++)
        code = choose(l, words[i]);
    if (!code)
        code = ff_proposal_join(l->subject, l->parts, l->n_parts, &l->joined);
    if (!code)
        code = ff_proposal_apply(&l->joined, l->target, &l->result);
    if (!code)
        code = pre_of(l, 1, l->target, &pre);
    if (!code)
        code = ff_label_model(l->result, ff_comparator_output(l->models.comparator, NULL), &pre, l->models.set,
                              l->options->session.reference, ff_memory_total() / 16, NULL,
                              ff_comparator_keep(l->models.comparator, FF_KEEP_NOTHING), &l->models.task, labels);
    return code;
}

static int save(ff_context *c, const loan *l)
{
    const ff_options *o = l->options;
    ff_repair_file file = {.target = *ff_model_sha256(l->target), .patch = l->joined.patch};
    int code = FF_OK;
    if (o->output && !(code = ff_model_save(l->result, o->output, o->force)))
        ff_say(c, "saved %s\n", o->output);
    if (!code && o->patch)
        code = ff_repair_file_write(&file, o->patch, o->force);
    return code;
}

static void say_loan(ff_context *c, const loan *l, int wrong)
{
    ff_say(c, "from %s (%s):\n", l->models.at[2].path,
           *l->models.at[2].producer ? l->models.at[2].producer : "unknown producer");
    for (int i = 0; i < l->n_parts; i++) {
        char *id = ff_visible(l->parts[i]->findings[0]);
        ff_say(c, "  %s\n", id + strcspn(id, ":") + 1);
        free(id);
    }
    ff_say(c, "wrong %d -> %d of %d %s\n", l->models.wrong[1], wrong, l->models.images, l->models.samples);
}

static void finish(loan *l)
{
    ff_proposal_finish(&l->joined);
    ff_proposals_destroy(l->proposals);
    ff_findings_destroy(l->findings);
    ff_sames_destroy(l->sames);
    ff_subject_destroy(l->subject);
    ff_model_unref(l->result);
    ff_model_unref(l->target);
    ff_model_unref(l->sibling);
    many_finish(&l->models);
    free(l->parts);
}

int verb_borrow(ff_context *c, int argc, char **argv)
{
    const ff_options *o = c->options;
    const char *const pre[] = {o->session.source_pre, o->session.target_pre, o->session.target_pre};
    loan l = {.context = c, .options = o};
    ff_labels *labels = NULL;
    int wrong = 0;
    if (argc < 4)
        return ff_fail(FF_ERR_USAGE, "expected: fetafix borrow SOURCE TARGET SIBLING LAYER... --images DIR|LIST");
    int code = many_label(c, argv, pre, 3, MANY_FIRST, &l.models), offset;
    if (!code)
        code = compare_siblings(&l);
    if (!code)
        code = take(&l, argc - 3, argv + 3, &labels);
    if (!code)
        code = many_wrong(&l.models, l.models.at[0].labels, labels, &offset, &wrong);
    if (!code) {
        say_loan(c, &l, wrong);
        code = save(c, &l);
    }
    ff_labels_destroy(labels);
    finish(&l);
    return code ? code : wrong > 0;
}
