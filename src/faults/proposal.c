/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proposals as values: copied, joined, applied. */
#include "faults/strategy.h"

#include <stdlib.h>
#include <string.h>

const char *ff_node_address(const ff_node *n)
{
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i] && *n->outputs[i]->name)
            return n->outputs[i]->name;
    return "";
}

ff_proposal *ff_proposing_add(ff_proposing *p, const ff_finding *f, const char *variant, ff_patch *patch, char *summary)
{
    ff_proposals *l = p->list;
    ff_grow(&l->at, &p->capacity, (size_t)l->count + 1, sizeof *l->at);
    ff_proposal *n = &l->at[l->count++];
    *n = (ff_proposal){.type = f->type,
                       .summary = summary,
                       .patch = patch,
                       .pair = f->pair,
                       .pre = p->subject->target.pre,
                       .from = p->subject->target.pre};
    n->id = variant ? ff_asprintf("%s#%s", f->id, variant) : ff_strdup(f->id);
    n->n_findings = 1;
    n->findings = ff_alloc_array(1, sizeof *n->findings);
    n->findings[0] = ff_strdup(f->id);
    return n;
}

void ff_proposal_finish(ff_proposal *p)
{
    if (!p)
        return;
    free(p->id);
    for (int i = 0; i < p->n_findings; i++)
        free(p->findings[i]);
    free(p->findings);
    free(p->members);
    free(p->summary);
    ff_patch_destroy(p->patch);
    *p = (ff_proposal){0};
}

void ff_proposal_copy(const ff_proposal *p, ff_proposal *out)
{
    *out = *p;
    out->id = ff_strdup(p->id);
    out->summary = ff_strdup(p->summary);
    out->findings = ff_alloc_array((size_t)p->n_findings + 1, sizeof *out->findings);
    for (int i = 0; i < p->n_findings; i++)
        out->findings[i] = ff_strdup(p->findings[i]);
    out->patch = p->patch ? ff_patch_copy(p->patch) : NULL;
    out->members = ff_alloc_array((size_t)p->n_members + 1, sizeof *out->members);
    for (int i = 0; i < p->n_members; i++)
        out->members[i] = p->members[i];
}

void ff_proposals_destroy(ff_proposals *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->count; i++)
        ff_proposal_finish(&p->at[i]);
    free(p->at);
    free(p);
}

int ff_proposal_apply(const ff_proposal *p, ff_model *m, ff_model **out)
{
    if (!p->patch || ff_patch_length(p->patch) == 0) {
        *out = ff_model_ref(m);
        return FF_OK;
    }
    return ff_model_apply(m, p->patch, out, NULL);
}

void ff_proposal_pre(const ff_proposal *p, ff_pre *pre)
{
    if (p->has_pre)
        ff_pre_carry(&p->from, &p->pre, pre);
}

/* Does a spec have all that the proposal changes? */
static bool is_in(const ff_proposal *p, const ff_pre *pre)
{
    ff_pre more = *pre;
    ff_proposal_pre(p, &more);
    return ff_pre_equal(&more, pre);
}

int ff_proposal_join(const ff_subject *s, const ff_proposal *const *parts, int n, ff_proposal *out)
{
    const ff_pre *base = &s->target.pre;
    ff_proposal j = {.type = parts[0]->type, .pair = parts[0]->pair, .pre = *base, .from = *base};
    ff_buf id = {0};
    int total = 0, rc = FF_OK;
    for (int i = 0; i < n; i++)
        total += parts[i]->n_findings;
    j.findings = ff_alloc_array((size_t)total + 1, sizeof *j.findings);
    for (int i = 0; i < n; i++) {
        const ff_proposal *p = parts[i];
        for (int k = 0; k < p->n_findings; k++)
            j.findings[j.n_findings++] = ff_strdup(p->findings[k]);
        ff_buf_printf(&id, "%s%s", i ? " + " : "", p->id);
        if (p->patch) {
            if (!j.patch)
                j.patch = ff_patch_create();
            ff_patch_append(j.patch, p->patch);
        }
        j.has_pre |= p->has_pre;
        ff_proposal_pre(p, &j.pre);
    }
    for (int i = 0; i < n && rc == FF_OK; i++)
        if (!is_in(parts[i], &j.pre))
            rc = ff_fail(FF_ERR_GRAPH, "'%s' and another repair set different preprocessing", parts[i]->id);
    j.id = ff_buf_steal(&id);
    j.summary =
        n == 1 ? ff_strdup(parts[0]->summary) : ff_asprintf("%d repairs at once: %s, ...", n, parts[0]->summary);
    if (rc == FF_OK && j.patch) {
        ff_model *joined;
        rc = ff_model_apply(s->target.model, j.patch, &joined, NULL);
        if (rc == FF_OK)
            ff_model_unref(joined);
    }
    if (rc != FF_OK) {
        ff_proposal_finish(&j);
        return rc;
    }
    *out = j;
    return FF_OK;
}

int ff_proposal_resolve(const ff_subject *s, const ff_proposals *list, int index, ff_proposal *out)
{
    const ff_proposal *p = &list->at[index];
    if (!p->n_members) {
        ff_proposal_copy(p, out);
        return FF_OK;
    }
    const ff_proposal **parts = ff_alloc_array((size_t)p->n_members, sizeof *parts);
    for (int i = 0; i < p->n_members; i++)
        parts[i] = &list->at[p->members[i]];
    int rc = ff_proposal_join(s, parts, p->n_members, out);
    free(parts);
    if (rc == FF_OK) {
        free(out->summary);
        out->summary = ff_strdup(p->summary);
    }
    return rc;
}
