/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Activations that only the Target quantises: is the scale wrong for what the Source has there, or is it the rounding
 * that every quantisation brings? */
#include "faults/detect.h"
#include "faults/quantized/quantized.h"
#include "fetafix/examine.h"

#include <stdlib.h>
#include <string.h>

/* Calibration cuts off rare values on purpose; more than this is none. */
#define MOST_CLIPPED 0.01

/* What is wrong with the scale and the zero point of an activation, and what they should be. */
typedef struct verdict {
    bool apart, clipped, coarse, open; /* open: lets through what the Source's Clip cuts off */
    ff_cause_id cause;                 /* FF_NO_CAUSE: it only rounds */
    double scale, zero;
    ff_region_range range;
} verdict;

static json_t *details(const ff_quantized_activation *a, const verdict *v)
{
    json_t *j = json_object();
    json_object_set_new(j, "stored", json_string(ff_dtype_name(a->type)));
    json_object_set_new(j, "scale", json_real(a->scale));
    json_object_set_new(j, "zero_point", json_real(a->zero));
    if (v->apart) {
        json_object_set_new(j, "read_scale", json_real(a->read_scale));
        json_object_set_new(j, "read_zero_point", json_real(a->read_zero));
    }
    json_object_set_new(j, "holds", json_pack("[f,f]", a->low, a->high));
    if (v->range.count) {
        json_object_set_new(j, "source_range", json_pack("[f,f]", v->range.low, v->range.high));
        json_object_set_new(j, "clipped", json_real((double)v->range.outside / (double)v->range.count));
        json_object_set_new(j, "wanted_scale", json_real(v->scale));
        json_object_set_new(j, "wanted_zero_point", json_real(v->zero));
    }
    return j;
}

/* Has the Source nothing here, or only a Clip, which the range of the integers can do as well (QLinearConv has its Relu
 * so)? *clip: that one. */
static bool stands_alone(const ff_subject *s, int x, const ff_cnode **clip)
{
    int nodes[2], n = ff_region_nodes(s, true, x, nodes, 2);
    *clip = n == 1 ? &s->source.canon->nodes[nodes[0]] : NULL;
    return n == 0 || (*clip && strcmp((*clip)->op, "Clip") == 0);
}

static bool lets_through(const ff_cnode *clip, const ff_quantized_activation *a)
{
    const ff_cattr *min = clip ? ff_cnode_attr(clip, "min") : NULL, *max = clip ? ff_cnode_attr(clip, "max") : NULL;
    return clip && !(min && max && min->reals[0] <= a->low + a->scale && max->reals[0] >= a->high - a->scale);
}

static int measure(const ff_subject *s, int x, const ff_quantized_activation *a, const ff_cnode *clip,
                   const ff_task *task, verdict *v)
{
    *v = (verdict){.cause = FF_NO_CAUSE, .scale = a->scale, .zero = a->zero};
    int rc = ff_region_measure(s, x, a->low - a->scale / 2, a->high + a->scale / 2, task, &v->range);
    if (rc != FF_OK || !v->range.count)
        return rc;
    ff_cause_id cause = ff_quantized_fit(a, v->range.low, v->range.high, &v->scale, &v->zero);
    v->clipped = (double)v->range.outside > MOST_CLIPPED * (double)v->range.count;
    v->coarse = v->range.high > v->range.low && a->scale > FF_COARSE * v->scale;
    v->open = lets_through(clip, a);
    if (v->clipped || v->coarse || v->open) {
        v->cause = cause;
    } else {
        v->scale = a->scale;
        v->zero = a->zero;
    }
    return FF_OK;
}

/* Written with one scale and read with another: of the two the one that fits the Source's values, else what would. */
static int judge(const ff_subject *s, int x, const ff_quantized_activation *a, const ff_cnode *clip,
                 const ff_task *task, verdict *v)
{
    int rc = measure(s, x, a, clip, task, v);
    if (rc != FF_OK || (a->read_scale == a->scale && a->read_zero == a->zero))
        return rc;
    v->apart = true;
    if (v->cause != FF_NO_CAUSE) {
        ff_quantized_activation as_read = *a;
        verdict other;
        as_read.scale = a->read_scale;
        as_read.zero = a->read_zero;
        as_read.low = (a->low / a->scale + a->zero - a->read_zero) * a->read_scale;
        as_read.high = (a->high / a->scale + a->zero - a->read_zero) * a->read_scale;
        rc = measure(s, x, &as_read, clip, task, &other);
        if (rc == FF_OK && other.cause == FF_NO_CAUSE) {
            v->scale = other.scale;
            v->zero = other.zero;
        }
    }
    v->cause = a->read_scale == a->scale ? FF_CAUSE_ACTIVATION_ZERO_POINT : FF_CAUSE_ACTIVATION_SCALE;
    return rc;
}

static char *summary_of(const char *shown, const ff_quantized_activation *a, const verdict *v)
{
    if (v->apart && a->read_scale == a->scale)
        return ff_asprintf("what '%s' reads was quantised with the zero point %.0f and is read with %.0f", shown,
                           a->zero, a->read_zero);
    if (v->apart)
        return ff_asprintf("what '%s' reads was quantised in steps of %.4g and is read in steps of %.4g", shown,
                           a->scale, a->read_scale);
    if (v->clipped)
        return ff_asprintf("what '%s' reads is cut off at [%.4g, %.4g], the Source has [%.4g, %.4g] there", shown,
                           a->low, a->high, v->range.low, v->range.high);
    if (v->coarse)
        return ff_asprintf("what '%s' reads is quantised %.3g times too coarsely: steps of %.4g for [%.4g, %.4g]",
                           shown, a->scale / v->scale, a->scale, v->range.low, v->range.high);
    if (v->open)
        return ff_asprintf("what '%s' reads is kept within [%.4g, %.4g], the Source cuts it off at [%.4g, %.4g]", shown,
                           a->low, a->high, v->range.low, v->range.high);
    return ff_asprintf("what '%s' reads goes through %s in steps of %.4g", shown, ff_dtype_name(a->type), a->scale);
}

/* Several read what was quantised once: one fault, as long as all read it as it was made. */
static bool known(const ff_detection *d, const ff_quantized_activation *a, const verdict *v)
{
    for (int i = 0; i < d->findings->count && !v->apart; i++) {
        const ff_finding *f = &d->findings->at[i];
        if (ff_caused_by(f, v->cause) && f->n_target_nodes && f->target_nodes[0] == a->quantize->origins[0])
            return true;
    }
    return false;
}

/* The bias of a layer over integers is in units of the scale with which it reads: with that it is put right. */
static void forget_bias(ff_detection *d, int pair, const ff_quantized_activation *a)
{
    const ff_integer_layer *layer = ff_integer_layer_of(a->dequantize->primary);
    for (int i = d->findings->count - 1; i >= 0 && layer; i--) {
        const ff_cparam *b = d->findings->at[i].pair == pair ? d->findings->at[i].hint->target_param : NULL;
        if (b && b->node == a->dequantize->primary && b->input == layer->bias)
            ff_detection_remove(d, i);
    }
}

int ff_detect_quantized_activation(ff_detection *d, int pair, int input, int x, int y, bool *taken)
{
    const ff_subject *s = d->subject;
    int nodes[3], n = ff_region_nodes(s, false, y, nodes, 3);
    ff_quantized_activation a;
    const ff_cnode *clip;
    verdict v;
    *taken = ff_quantized_activation_find(s, nodes, n, &a) && stands_alone(s, x, &clip);
    if (!*taken)
        return FF_OK;
    int rc = judge(s, x, &a, clip, d->task, &v);
    bool faulty = rc == FF_OK && v.cause != FF_NO_CAUSE;
    if (rc != FF_OK || (faulty && known(d, &a, &v)))
        return rc;
    if (!faulty && ff_subject_options_of(s)->keep_quantized) {
        ff_same *same = ff_detection_add_same(d, "activation-quantized",
                                              "an activation is rounded to the steps of its integers", a.scale);
        same->target_nodes = ff_nodes_copy(a.quantize->origins, same->n_target_nodes = a.quantize->n_origins);
        return FF_OK;
    }
    if (faulty && pair >= 0)
        forget_bias(d, pair, &a);
    const ff_pair *p = pair >= 0 ? &s->alignment->pairs[pair] : NULL;
    char *label = p ? ff_cnode_label(s->source.canon, p->source) : ff_strdup("output");
    char *shown = p ? ff_cnode_label(s->target.canon, p->target) : ff_strdup("the output");
    char *what = ff_asprintf("%s/input%d", label, input);
    ff_finding *f = ff_detection_add(d, faulty ? v.cause : FF_CAUSE_ACTIVATION_QUANTIZED, what);
    ff_finding_set_nodes(s, f, p ? p->source : -1, a.quantize->id);
    f->pair = pair;
    f->hint->source_exit = x;
    f->hint->exit = y;
    f->hint->n_region = n;
    f->hint->target_cnode = p ? p->target : -1;
    f->hint->low = v.range.low;
    f->hint->high = v.range.high;
    f->hint->numbers[0] = v.scale;
    f->hint->numbers[1] = v.zero;
    f->summary = summary_of(shown, &a, &v);
    f->explanation = ff_strdup(
        faulty
            ? "The scale and the zero point of a quantised activation say which real values its integers can hold. These do "
              "not fit the values that the Source has here: they come from other images, or from another layer. The repair sets "
              "both to the range that the Source's values have; the Target stays quantised."
            : "The converter rounds this activation to integers (QuantizeLinear, DequantizeLinear). The scale fits, what is lost "
              "is the rounding. The repair takes the two nodes out; --keep-quantized leaves them and calls it no fault.");
    ff_finding_set_details(f, details(&a, &v));
    free(label);
    free(shown);
    free(what);
    return FF_OK;
}
