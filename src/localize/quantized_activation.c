/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Activations that only the Target quantises: is the scale wrong for what the Source has there, or is it the rounding
 * that every quantisation brings? */
#include "localize/detect.h"
#include "localize/quantized.h"
#include "localize/region.h"
#include "localize/runners.h"

#include <stdlib.h>
#include <string.h>

/* Calibration cuts off rare values on purpose; more than this is none. Nor does it waste two bits of eight. */
#define MOST_CLIPPED 0.01
#define MOST_COARSE  4.0

static json_t *details(const ff_quantized_activation *a, const ff_region_range *r, double scale, double zero)
{
    json_t *j = json_object();
    json_object_set_new(j, "stored", json_string(ff_dtype_name(a->type)));
    json_object_set_new(j, "scale", json_real(a->scale));
    json_object_set_new(j, "zero_point", json_real(a->zero));
    json_object_set_new(j, "holds", json_pack("[f,f]", a->low, a->high));
    if (r->count) {
        json_object_set_new(j, "source_range", json_pack("[f,f]", r->low, r->high));
        json_object_set_new(j, "clipped", json_real((double)r->outside / (double)r->count));
        json_object_set_new(j, "wanted_scale", json_real(scale));
        json_object_set_new(j, "wanted_zero_point", json_real(zero));
    }
    return j;
}

/* Has the Source nothing here, or only a Clip that the range of the integers does as well (QLinearConv has its Relu so)? */
static bool stands_alone(const ff_subject *s, int x, const ff_quantized_activation *a)
{
    int nodes[2], n = ff_region_nodes(s, true, x, nodes, 2);
    const ff_cnode *clip = n == 1 ? &s->source.canon->nodes[nodes[0]] : NULL;
    if (!clip || strcmp(clip->op, "Clip") != 0)
        return n == 0;
    const ff_cattr *min = ff_cnode_attr(clip, "min"), *max = ff_cnode_attr(clip, "max");
    return min && max && min->reals[0] <= a->low + a->scale / 2 && max->reals[0] >= a->high - a->scale / 2;
}

int ff_detect_quantized_activation(ff_detection *d, int pair, int input, int x, int y, bool *taken)
{
    const ff_subject *s = d->subject;
    int nodes[3], n = ff_region_nodes(s, false, y, nodes, 3);
    ff_quantized_activation a;
    ff_region_range r;
    *taken = ff_quantized_activation_find(s, nodes, n, &a) && stands_alone(s, x, &a);
    if (!*taken)
        return FF_OK;
    int rc = ff_region_measure(s, x, a.low - a.scale / 2, a.high + a.scale / 2, d->task, &r);
    if (rc != FF_OK)
        return rc;
    double scale = a.scale, zero = a.zero;
    if (r.count)
        ff_quantized_fit(&a, r.low, r.high, &scale, &zero);
    bool clipped = r.count && (double)r.outside > MOST_CLIPPED * (double)r.count;
    bool coarse = r.count && r.high > r.low && a.scale > MOST_COARSE * scale, wrong = clipped || coarse;
    if (!wrong && ff_subject_options_of(s)->keep_quantized) {
        ff_same *same = ff_detection_add_same(d, "activation-quantized",
                                              "an activation is rounded to the steps of its integers", a.scale);
        same->target_nodes = ff_nodes_copy(a.quantize->origins, same->n_target_nodes = a.quantize->n_origins);
        return FF_OK;
    }
    const ff_pair *p = pair >= 0 ? &s->alignment->pairs[pair] : NULL;
    char *label = p ? ff_cnode_label(s->source.canon, p->source) : ff_strdup("output");
    char *shown = p ? ff_cnode_label(s->target.canon, p->target) : ff_strdup("the output");
    char *what = ff_asprintf("%s/input%d", label, input);
    ff_finding *f =
        ff_detection_add(d, wrong ? FF_WB : FF_CG, wrong ? "activation-scale" : "activation-quantized", what);
    ff_finding_set_nodes(s, f, p ? p->source : -1, a.quantize->id);
    f->pair = pair;
    f->hint->source_exit = x;
    f->hint->exit = y;
    f->hint->n_region = n;
    f->hint->target_cnode = p ? p->target : -1;
    f->hint->low = r.low;
    f->hint->high = r.high;
    f->summary =
        clipped ? ff_asprintf("what '%s' reads is cut off at [%.4g, %.4g], the Source has [%.4g, %.4g] there", shown,
                              a.low, a.high, r.low, r.high)
        : wrong
            ? ff_asprintf("what '%s' reads is quantised %.3g times too coarsely: steps of %.4g for [%.4g, %.4g]", shown,
                          a.scale / scale, a.scale, r.low, r.high)
            : ff_asprintf("what '%s' reads goes through %s in steps of %.4g", shown, ff_dtype_name(a.type), a.scale);
    f->explanation = ff_strdup(
        wrong
            ? "The scale and the zero point of a quantised activation say which real values its integers can hold. These do "
              "not fit the values that the Source has here: they come from other images, or from another layer. The repair sets "
              "both to the range that the Source's values have; the Target stays quantised."
            : "The converter rounds this activation to integers (QuantizeLinear, DequantizeLinear). The scale fits, what is lost "
              "is the rounding. The repair takes the two nodes out; --keep-quantized leaves them and calls it no fault.");
    ff_finding_set_details(f, details(&a, &r, scale, zero));
    free(label);
    free(shown);
    free(what);
    return FF_OK;
}
