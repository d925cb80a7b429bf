/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PP: the two models are fed differently prepared pixels. */
#include "faults/detect.h"

#include <stdlib.h>
#include <string.h>

/* What remains of a spec when the layout of the input, which belongs to the model, is set aside. */
static ff_pre without_layout(const ff_side *side)
{
    ff_pre p = side->pre;
    p.layout = FF_LAYOUT_NCHW;
    if (side->feed && !p.width && !p.shorter && !p.crop_width) {
        /* "The model's size" is a size like any other once it is known. */
        const ff_shape *shape = ff_plan_input_shape(side->score, 0);
        bool last = side->pre.layout == FF_LAYOUT_NHWC || (side->pre.layout == FF_LAYOUT_AUTO && shape->rank == 4 &&
                                                           shape->dims[3] <= 4 && shape->dims[1] > 4);
        if (shape->rank == 4) {
            p.height = (int)shape->dims[last ? 1 : 2];
            p.width = (int)shape->dims[last ? 2 : 3];
        }
    }
    return p;
}

/* The same pixels, scaled and ordered as by the other spec. */
static ff_pre with_numbers_of(ff_pre p, const ff_pre *other)
{
    p.bgr = other->bgr;
    p.scale = other->scale;
    memcpy(p.mean, other->mean, sizeof p.mean);
    memcpy(p.std, other->std, sizeof p.std);
    return p;
}

int ff_detect_preprocessing(ff_detection *d)
{
    const ff_subject *s = d->subject;
    if (!ff_dataset_is_pictures(s->set))
        return FF_OK;
    ff_pre source = without_layout(&s->source), target = without_layout(&s->target);
    if (!s->target.feed && !target.width) {
        target.width = source.width;
        target.height = source.height;
    }
    if (ff_pre_equal(&source, &target))
        return FF_OK;
    ff_pre numbers = with_numbers_of(target, &source);
    if (ff_pre_equal(&source, &numbers) && ff_detect_prepared(d))
        return FF_OK;

    char *of_source = ff_pre_print(&s->source.pre), *of_target = ff_pre_print(&s->target.pre);
    ff_buf what = {0};
    if (source.scale != target.scale || source.mean[0] != target.mean[0] || source.mean[1] != target.mean[1] ||
        source.mean[2] != target.mean[2] || source.std[0] != target.std[0] || source.std[1] != target.std[1] ||
        source.std[2] != target.std[2])
        ff_buf_puts(&what, "scale, mean or deviation");
    if (source.bgr != target.bgr)
        ff_buf_printf(&what, "%schannel order", what.len ? ", " : "");
    if (source.resize != target.resize || source.antialias != target.antialias)
        ff_buf_printf(&what, "%sresize kernel", what.len ? ", " : "");
    if (source.width != target.width || source.height != target.height || source.shorter != target.shorter ||
        source.crop_width != target.crop_width || source.crop_height != target.crop_height)
        ff_buf_printf(&what, "%ssize or crop", what.len ? ", " : "");

    ff_finding *f = ff_detection_add(d, FF_CAUSE_PREPROCESSING_DIFFERS, "preprocessing");
    f->summary =
        ff_asprintf("the Target's pixels are prepared differently: %s", what.len ? what.data : "specification");
    f->explanation = ff_asprintf(
        "The Source was trained on pixels prepared as '%s'; the Target is fed '%s'. Converters move the "
        "network only: frameworks have different habits of scaling, and what a model needs is written in no "
        "file. The repair feeds the Target what the Source expects, in the layout of the Target's input.",
        of_source, of_target);
    json_t *j = json_object();
    json_object_set_new(j, "source", json_string(of_source));
    json_object_set_new(j, "target", json_string(of_target));
    ff_finding_set_details(f, j);
    free(of_source);
    free(of_target);
    ff_buf_finish(&what);
    return FF_OK;
}
