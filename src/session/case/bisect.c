/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the models part: of the Target as it came it is always known, of the present state on demand. */
#include <stdlib.h>

#include "session/case/case.h"

const ff_divergence *case_parting(const ff_case *c)
{
    if (c->history.current == 0)
        return c->bisected ? &c->divergence : NULL;
    return c->parted && c->parted_state == c->history.current ? &c->parting : NULL;
}

const char *case_parting_label(const ff_canon *c, int node)
{
    return node < 0 ? "" : c->nodes[node].primary ? c->nodes[node].primary->label : c->nodes[node].op;
}

char *case_parting_words(const ff_case *c, const ff_alignment *a, const ff_divergence *d, int layer)
{
    if (!d->found)
        return ff_strdup("nowhere: the outputs agree");
    const ff_pair none = {-1, -1, 0, NULL, false}, *p = d->pair >= 0 ? &a->pairs[d->pair] : &none;
    const char *source = case_parting_label(a->source, p->source), *target = case_parting_label(a->target, p->target);
    char *first = ff_visible(*source ? source : target), *number = layer ? ff_asprintf(" (L%d)", layer) : ff_strdup("");
    char *last = ff_visible(d->last != d->pair ? case_parting_label(a->source, a->pairs[d->last].source) : "");
    char *where = d->pair < 0 ? ff_strdup("with the input")
                  : *last     ? ff_asprintf("between '%s' and '%s'", first, last)
                              : ff_asprintf("at '%s'%s", first, number);
    char *image = ff_visible(ff_dataset_name(c->set, d->image));
    char *text = ff_asprintf("%s: %.3g%% off on '%s'", where, 100 * d->error, image);
    free(image);
    free(where);
    free(last);
    free(number);
    free(first);
    return text;
}

int case_bisect(ff_case *c)
{
    int code = case_need_search(c);
    if (!code && c->history.states[c->history.current].error)
        code = ff_fail(FF_ERR_USAGE, "the Target as it is now cannot run: %s",
                       c->history.states[c->history.current].error);
    if (!code && !case_parting(c)) {
        code = ff_bisect(c->subject, &c->task, &c->parting);
        c->parted = !code;
        c->parted_state = c->history.current;
    }
    if (code)
        return code;
    const ff_divergence *d = case_parting(c);
    char *words = case_parting_words(c, c->subject->alignment, d, d->pair < 0 ? 0 : case_layer_of(c, d->pair));
    char *text = ff_asprintf("the models part %s", words);
    case_note(c, "%s", text);
    c->announce(c->context, text);
    c->publish(c->context, true);
    free(text);
    free(words);
    return FF_OK;
}
