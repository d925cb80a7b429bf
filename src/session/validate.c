/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images that no decision looks at: does the repair hold beyond those it was made with? */
#include <stdlib.h>

#include "session/case.h"

static bool wrong_at(const ff_labels *source, const ff_labels *target, int offset, int i)
{
    return target->at[i].top[0] < 0 || target->at[i].top[0] + offset != source->at[i].top[0];
}

static int label(ff_case *c, ff_model *m, const char *output, const ff_pre *pre, ff_labels **out)
{
    uint64_t memory = (c->options.memory ? c->options.memory : ff_memory_total() / 4) / 8;
    return ff_label_model(m, output, pre, c->validation, c->options.reference, memory, false, &c->task,
                      out);
}

int case_validate(ff_case *c)
{
    if (!c->validation)
        return ff_fail(FF_ERR_USAGE, "no validation images are given (--validate DIR|LIST)");
    if (!c->loaded)
        return ff_fail(FF_ERR_USAGE, "nothing is loaded");
    if (c->validation_state == c->current)
        return FF_OK;
    const ff_session_options *o = &c->options;
    int code = FF_OK;
    ff_model *m;
    ff_labels *now = NULL;
    if (!c->validation_source)
        code = label(c, c->source, o->source_output, &c->source_pre, &c->validation_source);
    if (!code && !c->validation_first)
        code = label(c, c->target, o->target_output, &c->target_pre, &c->validation_first);
    if (code || (code = case_point_model(c, c->current, &m)))
        return code;
    if (c->current != 0 && (code = label(c, m, o->target_output, &c->points[c->current].pre, &now)))
        return code;
    const ff_labels *present = now ? now : c->validation_first;
    c->validation_initial = c->validation_wrong = c->validation_regressed = 0;
    ff_buf names = {0};
    for (int i = 0; i < present->count; i++) {
        bool before = wrong_at(c->validation_source, c->validation_first, c->offset, i);
        bool after = wrong_at(c->validation_source, present, c->offset, i);
        c->validation_initial += before;
        c->validation_wrong += after;
        c->validation_regressed += after && !before;
        if (after && !before)
            ff_buf_printf(&names, "%s%s", names.len ? "\n" : "", ff_dataset_name(c->validation, i));
    }
    free(c->validation_names);
    c->validation_names = ff_buf_steal(&names);
    c->validation_images = present->count;
    c->validation_state = c->current;
    ff_labels_destroy(now);
    case_note(c, "validation: %d of %d wrong, %d at first, %d got worse", c->validation_wrong,
              c->validation_images, c->validation_initial, c->validation_regressed);
    c->publish(c->context, true);
    return FF_OK;
}
