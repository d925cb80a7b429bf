/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Findings and equivalences as lists, and the small pieces that every detector needs. */
#include "faults/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ff_finding *ff_detection_add(ff_detection *d, ff_cause_id id, const char *what)
{
    const ff_cause *cause = ff_cause_at((int)id);
    ff_findings *l = d->findings;
    ff_grow(&l->at, &d->capacity, (size_t)l->count + 1, sizeof *l->at);
    ff_finding *f = &l->at[l->count++];
    memset(f, 0, sizeof *f);
    f->id = ff_asprintf("%s:%s", ff_fault_type_name(cause->type), what);
    f->type = cause->type;
    f->cause = cause;
    f->pair = -1;
    f->magnitude = 1;
    f->hint = ff_alloc(sizeof *f->hint);
    f->hint->source_cnode = f->hint->target_cnode = f->hint->cvalue = -1;
    f->hint->exit = f->hint->source_exit = -1;
    return f;
}

ff_same *ff_detection_add_same(ff_detection *d, const char *rule, const char *meaning, double deviation)
{
    ff_sames *l = d->sames;
    ff_grow(&l->at, &d->sames_capacity, (size_t)l->count + 1, sizeof *l->at);
    ff_same *same = &l->at[l->count++];
    *same = (ff_same){.rule = rule, .meaning = meaning, .deviation = deviation};
    return same;
}

const ff_node **ff_cnodes_origins(const ff_canon *c, const int *nodes, int n, int *count)
{
    size_t capacity = 0;
    const ff_node **list = NULL;
    *count = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < c->nodes[nodes[i]].n_origins; k++) {
            ff_grow(&list, &capacity, (size_t)*count + 1, sizeof *list);
            list[(*count)++] = c->nodes[nodes[i]].origins[k];
        }
    return list;
}

const ff_node **ff_nodes_copy(const ff_node *const *nodes, int n)
{
    if (n <= 0)
        return NULL;
    const ff_node **copy = ff_alloc_array((size_t)n, sizeof *copy);
    memcpy(copy, nodes, (size_t)n * sizeof *copy);
    return copy;
}

void ff_finding_set_nodes(const ff_subject *s, ff_finding *f, int source_cnode, int target_cnode)
{
    f->hint->source_cnode = source_cnode;
    f->hint->target_cnode = target_cnode;
    if (source_cnode >= 0) {
        const ff_cnode *n = &s->source.canon->nodes[source_cnode];
        f->source_nodes = ff_nodes_copy(n->origins, n->n_origins);
        f->n_source_nodes = n->n_origins;
    }
    if (target_cnode >= 0) {
        const ff_cnode *n = &s->target.canon->nodes[target_cnode];
        f->target_nodes = ff_nodes_copy(n->origins, n->n_origins);
        f->n_target_nodes = n->n_origins;
    }
}

void ff_finding_set_details(ff_finding *f, json_t *details)
{
    free(f->details);
    f->details = json_dumps(details, JSON_COMPACT | JSON_REAL_PRECISION(7));
    json_decref(details);
}

void ff_finding_set_difference(ff_finding *f, const char *attribute, json_t *source, json_t *target)
{
    json_t *j = json_object();
    json_object_set_new(j, "attribute", json_string(attribute));
    json_object_set_new(j, "source", source);
    json_object_set_new(j, "target", target);
    ff_finding_set_details(f, j);
}

char *ff_cnode_label(const ff_canon *c, int cnode)
{
    const ff_cnode *n = &c->nodes[cnode];
    return ff_visible(n->primary ? n->primary->label : n->op);
}

char *ff_pair_label(const ff_subject *s, int pair)
{
    const ff_pair *p = &s->alignment->pairs[pair];
    if (p->source >= 0)
        return ff_cnode_label(s->source.canon, p->source);
    char *label = ff_cnode_label(s->target.canon, p->target);
    char *marked = ff_asprintf("+%s", label);
    free(label);
    return marked;
}

json_t *ff_json_shape(const ff_tensor *t)
{
    json_t *a = json_array();
    for (int i = 0; i < t->rank; i++)
        json_array_append_new(a, json_integer(t->dims[i]));
    return a;
}

json_t *ff_json_real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static void hint_destroy(ff_hint *h)
{
    if (!h)
        return;
    hint_destroy(h->next);
    free(h->outputs);
    ff_patch_destroy(h->mended);
    free(h);
}

static void finding_finish(ff_finding *f)
{
    free(f->id);
    free(f->summary);
    free(f->explanation);
    free(f->source_nodes);
    free(f->target_nodes);
    free(f->details);
    hint_destroy(f->hint);
}

void ff_findings_destroy(ff_findings *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->count; i++)
        finding_finish(&l->at[i]);
    free(l->at);
    free(l);
}

void ff_detection_drop(ff_detection *d, int from)
{
    while (d->findings->count > from)
        finding_finish(&d->findings->at[--d->findings->count]);
}

void ff_detection_remove(ff_detection *d, int i)
{
    ff_findings *l = d->findings;
    finding_finish(&l->at[i]);
    memmove(&l->at[i], &l->at[i + 1], (size_t)(--l->count - i) * sizeof l->at[0]);
}

void ff_sames_destroy(ff_sames *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->count; i++) {
        free(l->at[i].source_nodes);
        free(l->at[i].target_nodes);
    }
    free(l->at);
    free(l);
}
