/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PP: the Target is fed what the Source expects, in the layout of the Target's own input; or what a search finds. */
#include "faults/strategy.h"

#include <stdlib.h>

static ff_pre of_source(const ff_subject *s)
{
    ff_pre pre = s->source.pre;
    pre.layout = s->target.pre.layout;
    /* "Of the model's size" means the Target's where the Source's was not given. */
    if (!pre.width && !pre.shorter) {
        pre.width = s->target.pre.width;
        pre.height = s->target.pre.height;
    }
    return pre;
}

int ff_fix_preprocessing(ff_proposing *p, const ff_finding *f)
{
    ff_pre pre = of_source(p->subject);
    char *text = ff_pre_print(&pre);
    ff_proposal *n =
        ff_proposing_add(p, f, NULL, NULL, ff_asprintf("prepare the Target's pixels as the Source's: %s", text));
    n->has_pre = true;
    n->pre = pre;
    free(text);
    return FF_OK;
}

/* Also where the two specs agree: what was given or guessed for both may suit the Source alone. */
int ff_search_preprocessing(ff_proposing *p)
{
    const ff_finding differs = {.id = (char *)"PP:preprocessing", .type = FF_PP, .pair = -1};
    ff_proposal *n =
        ff_proposing_add(p, &differs, NULL, NULL, ff_strdup("search for a preprocessing that suits the Target"));
    free(n->id);
    n->id = ff_strdup(FF_SEARCH_PRE);
    n->search_pre = true;
    n->pre = of_source(p->subject);
    return FF_OK;
}
