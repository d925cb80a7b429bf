/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every style writes the same network: outputs agree whatever the traits; faults change them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "draw.h"
#include "fetafix/exec.h"
#include "random.h"

/* The probabilities that a network gives for a random input when it is written in this style. */
static ff_tensor *answer(const network *n, const style *s, uint64_t seed)
{
    const layer *image = &n->layers[0];
    int64_t dims[] = {1, image->channels, image->height, image->width};
    ff_tensor *x = NULL, *fed = NULL, *out = NULL;
    ff_model *m = NULL;
    ff_plan *plan = NULL;
    ff_runner *runner = NULL;
    ff_rng r = {seed};

    assert_int_equal(ff_tensor_create(FF_FLOAT, 4, dims, &x), FF_OK);
    for (int64_t i = 0; i < x->count; i++)
        ((float *)x->data)[i] = (float)ff_rng_normal(&r);
    if (s->input == INPUT_NHWC)
        assert_int_equal(ff_tensor_transpose(x, (int[]){0, 2, 3, 1}, &fed), FF_OK);
    else
        fed = ff_tensor_ref(x);
    if (style_write(n, s, &m) != FF_OK)
        fail_msg("%s", ff_error());
    if (ff_plan_create(m, &(ff_plan_options){.reference = true}, &plan) != FF_OK)
        fail_msg("%s", ff_error());
    assert_int_equal(ff_runner_create(plan, &runner), FF_OK);
    const ff_tensor *feeds[] = {fed};
    if (ff_run(runner, feeds, NULL, NULL, 0, &out) != FF_OK)
        fail_msg("%s", ff_error());
    ff_runner_destroy(runner);
    ff_plan_unref(plan);
    ff_model_unref(m);
    ff_tensor_unref(x);
    ff_tensor_unref(fed);
    return out;
}

static double distance(const ff_tensor *a, const ff_tensor *b)
{
    double difference = 0, size = 0;
    assert_int_equal(a->count, b->count);
    for (int64_t i = 0; i < a->count; i++) {
        double x = ff_tensor_get_real(a, i), y = ff_tensor_get_real(b, i);
        difference += (x - y) * (x - y);
        size += x * x;
    }
    return sqrt(difference / size);
}

static void styles_agree(void **state)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        ff_rng r = {seed};
        network *n = network_random(seed), *folded = network_copy(n);
        network_fold(folded);
        style plain = *style_find("torch");
        plain.softmax = true;
        ff_tensor *expected = answer(n, &plain, seed);
        for (int k = 0; k < 3; k++) {
            style s = style_random(&r, n->least_opset, k == 0);
            s.softmax = true;
            ff_tensor *got = answer(k == 1 ? folded : n, &s, seed);
            if (!(distance(expected, got) < 1e-4))
                fail_msg("seed %d, style %d: %g apart", (int)seed, k, distance(expected, got));
            ff_tensor_unref(got);
        }
        ff_tensor_unref(expected);
        network_destroy(n);
        network_destroy(folded);
    }
}

static void named_styles_agree(void **state)
{
    network *n = network_random(7);
    style plain = *style_find("torch");
    plain.softmax = true;
    ff_tensor *expected = answer(n, &plain, 7);
    for (int i = 0; style_at(i); i++) {
        style s = *style_find(style_at(i));
        s.softmax = true;
        ff_tensor *got = answer(n, &s, 7);
        assert_true(distance(expected, got) < 1e-4);
        ff_tensor_unref(got);
    }
    ff_tensor_unref(expected);
    network_destroy(n);
}

static void faults_change_the_answer(void **state)
{
    int changed = 0, tried = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        ff_rng r = {seed};
        network *n = network_random(seed), *damaged = network_copy(n);
        network_fold(damaged);
        style s = *style_find("torch");
        s.softmax = true;
        ff_tensor *expected = answer(n, &s, seed);
        bool *used = ff_alloc_array((size_t)n->n_layers, sizeof *used);
        seeded_fault fault;
        if (fault_random(n, damaged, &s, &r, used, &fault) && !fault.breaks && strcmp(fault.what, "output added")) {
            ff_tensor *got = answer(damaged, &s, seed);
            tried++;
            changed += distance(expected, got) > 1e-6;
            ff_tensor_unref(got);
        }
        free(used);
        ff_tensor_unref(expected);
        network_destroy(n);
        network_destroy(damaged);
    }
    /* A bound that no value of this one input reaches changes nothing. */
    assert_true(tried > 20);
    assert_true(changed * 10 >= tried * 9);
}

static void pictures_repeat(void **state)
{
    for (int i = 0; i < DRAW_CLASSES; i++) {
        ff_image a, b, c;
        int label;
        draw_series("a", i, &a, &label);
        assert_int_equal(label, i);
        draw_series("a", i, &b, &label);
        draw_series("b", i, &c, &label);
        size_t size = 3 * (size_t)a.width * (size_t)a.height;
        assert_int_equal(a.width, b.width);
        assert_memory_equal(a.rgb, b.rgb, size);
        assert_true(a.width != c.width || a.height != c.height || memcmp(a.rgb, c.rgb, size));
        ff_image_finish(&a);
        ff_image_finish(&b);
        ff_image_finish(&c);
    }
}

static void paper_networks_scale(void **state)
{
    network *all[] = {network_mobilenet_v2((zoo_scale){64, 0.25, 0.34}, 20, 1),
                      network_resnet101((zoo_scale){64, 0.125, 0.1}, 1, 20, 1),
                      network_resnet101((zoo_scale){64, 0.125, 0.1}, 2, 20, 1),
                      network_inception_v3((zoo_scale){107, 0.125, 0.34}, 20, 1)};
    for (size_t i = 0; i < FF_COUNT(all); i++) {
        style s = *style_find("keras");
        ff_tensor *out = answer(all[i], &s, 1);
        assert_int_equal(out->count, 20);
        ff_tensor_unref(out);
        network_destroy(all[i]);
    }
    int full[] = {53, 105, 105, 95}; /* layers with weights */
    network *nets[] = {
        network_mobilenet_v2((zoo_scale){0, 1, 1}, 1000, 1), network_resnet101((zoo_scale){0, 1, 1}, 1, 1000, 1),
        network_resnet101((zoo_scale){0, 1, 1}, 2, 1000, 1), network_inception_v3((zoo_scale){0, 1, 1}, 1000, 1)};
    for (size_t i = 0; i < FF_COUNT(nets); i++) {
        int count = 0;
        for (int l = 0; l < nets[i]->n_layers; l++)
            count += nets[i]->layers[l].kind == LAYER_CONV || nets[i]->layers[l].kind == LAYER_DENSE;
        assert_int_equal(count, full[i]);
        network_destroy(nets[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_repeat),      cmocka_unit_test(styles_agree),
        cmocka_unit_test(named_styles_agree),   cmocka_unit_test(faults_change_the_answer),
        cmocka_unit_test(paper_networks_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
