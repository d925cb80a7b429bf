/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PP: the Target is fed what the Source expects, in the layout of the Target's own input. */
#include "repair/strategy.h"

#include <stdlib.h>

int ff_fix_preprocessing(ff_proposing *p, const ff_finding *f)
{
    const ff_subject *s = p->subject;
    ff_pre pre = s->source.pre;
    pre.layout = s->target.pre.layout;
    /* "Of the model's size" means the Target's where the Source's was not given. */
    if (!pre.width && !pre.shorter) {
        pre.width = s->target.pre.width;
        pre.height = s->target.pre.height;
    }
    char *text = ff_pre_print(&pre);
    ff_proposal *n = ff_proposing_add(p, f, NULL, NULL, ff_asprintf("prepare the Target's pixels as the Source's: %s", text));
    n->has_pre = true;
    n->pre = pre;
    free(text);
    return FF_OK;
}
