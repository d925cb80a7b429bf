/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equivalences: what the canonical views of the two sides had to rewrite differently. */
#include "faults/detect.h"

#include <string.h>

/* How often a rule was applied on the way to a canonical node. */
static int applied(const ff_canon *c, const char *rule, int cnode)
{
    int n = 0;
    for (int i = 0; i < c->n_equivalences; i++)
        n += c->equivalences[i].cnode == cnode && strcmp(c->equivalences[i].rule, rule) == 0;
    return n;
}

/* The rule was applied to the counterpart just as often: both sides are written in the same way there. */
static bool on_both_sides(const ff_subject *s, const ff_canon *c, const ff_equivalence *e, bool source)
{
    if (e->cnode < 0 || !s->alignment)
        return false;
    const ff_canon *other = source ? s->target.canon : s->source.canon;
    int pair = (source ? s->alignment->of_source : s->alignment->of_target)[e->cnode];
    if (pair < 0)
        return false;
    const ff_pair *p = &s->alignment->pairs[pair];
    int partner = source ? p->target : p->source;
    return partner >= 0 && applied(c, e->rule, e->cnode) == applied(other, e->rule, partner);
}

static void add_side(ff_detection *d, bool source)
{
    const ff_subject *s = d->subject;
    const ff_canon *c = source ? s->source.canon : s->target.canon;
    for (int i = 0; i < c->n_equivalences; i++) {
        const ff_equivalence *e = &c->equivalences[i];
        if (on_both_sides(s, c, e, source))
            continue;
        const ff_node *const *partner = NULL;
        int n_partner = 0;
        if (e->cnode >= 0 && s->alignment) {
            int pair = (source ? s->alignment->of_source : s->alignment->of_target)[e->cnode];
            if (pair >= 0) {
                const ff_pair *p = &s->alignment->pairs[pair];
                int at = source ? p->target : p->source;
                if (at >= 0) {
                    const ff_cnode *n = &(source ? s->target.canon : s->source.canon)->nodes[at];
                    partner = n->origins;
                    n_partner = n->n_origins;
                }
            }
        }
        ff_same *same = ff_detection_add_same(d, e->rule, e->meaning, e->deviation);
        const ff_node **mine = ff_nodes_copy(e->nodes, e->n_nodes);
        const ff_node **theirs = ff_nodes_copy(partner, n_partner);
        same->source_nodes = source ? mine : theirs;
        same->n_source_nodes = source ? e->n_nodes : n_partner;
        same->target_nodes = source ? theirs : mine;
        same->n_target_nodes = source ? n_partner : e->n_nodes;
    }
}

int ff_detect_sames(ff_detection *d)
{
    if (d->subject->source.canon)
        add_side(d, true);
    if (d->subject->target.canon)
        add_side(d, false);
    return FF_OK;
}
