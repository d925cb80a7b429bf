/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preprocessing: specs as text, resizing against the formula, real network inputs bit for bit. */
#include "fetafix/images.h"
#include "real.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static ff_pre parsed(const char *text)
{
    ff_pre p;
    if (ff_pre_parse(text, &p) != FF_OK)
        fail_msg("'%s': %s", text, ff_error());
    return p;
}

static void presets_print_and_parse_back(void **state)
{
    const char *spec;
    (void)state;
    for (int i = 0; ff_pre_preset_at(i, &spec); i++) {
        ff_pre p = parsed(ff_pre_preset_at(i, NULL)), q;
        char *text = ff_pre_print(&p);
        q = parsed(text);
        assert_true(ff_pre_equal(&p, &q));
        assert_memory_equal(&p.mean, &q.mean, sizeof p.mean);
        q = parsed(spec);
        assert_true(ff_pre_equal(&p, &q));
        free(text);
    }
}

static void values_of_presets(void **state)
{
    (void)state;
    ff_pre p = parsed("torch");
    assert_int_equal(p.shorter, 256);
    assert_true(p.antialias && !p.bgr && p.scale == 255 && p.mean[0] == 0.485 && p.std[2] == 0.225);
    p = parsed("tf");
    assert_true(p.scale == 127.5 && p.mean[1] == 1 && p.std[1] == 1 && !p.shorter);
    p = parsed("caffe");
    assert_true(p.bgr && p.scale == 1 && p.mean[0] == 103.939 && p.mean[2] == 123.68);
    p = parsed("torch-inception");
    assert_true(p.shorter == 342 && p.crop_width == 299 && p.crop_height == 299);
    p = parsed("tf size=299x200 order=bgr");
    assert_true(p.width == 299 && p.height == 200 && p.bgr && p.scale == 127.5);
    char *text = ff_pre_print(&p);
    assert_string_equal(text, "size=299x200 resize=bilinear antialias=off crop=none order=bgr "
                              "scale=127.5 mean=1,1,1 std=1,1,1 layout=auto");
    free(text);
}

static void wrong_specs(void **state)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"", "empty"},
        {"  ", "empty"},
        {"trch", "'torch'"},
        {"siez=224x224", "'size'"},
        {"size=0x3", "size=0x3"},
        {"size=99999999999x3", "size="},
        {"size=224x", "size=224x"},
        {"size=short:2x3", "size=short"},
        {"tf scale=0", "scale=0"},
        {"tf scale=1,2", "scale=1,2"},
        {"tf scale=1e-40", "scale"},
        {"tf scale=nan", "scale=nan"},
        {"tf mean=1,2", "mean=1,2"},
        {"tf mean=1,2,3,4", "mean"},
        {"tf mean=1e300", "mean"},
        {"tf std=1,0,1", "std=1,0,1"},
        {"tf std=", "std="},
        {"resize=linear", "bilinear"},
        {"antialias=yes", "on or off"},
        {"order=grb", "rgb or bgr"},
        {"layout=HWC", "NCHW"},
        {"order=bgr tf", "first"},
        {"crop=-1x4", "crop"},
        {"\x1b[31m=2", "\\x1b"},
    };
    (void)state;
    for (size_t i = 0; i < FF_COUNT(wrong); i++) {
        ff_pre p = {.width = 77};
        assert_int_equal(ff_pre_parse(wrong[i].text, &p), FF_ERR_USAGE);
        assert_int_equal(p.width, 77);
        if (!strstr(ff_error(), wrong[i].says))
            fail_msg("'%s' gave: %s", wrong[i].text, ff_error());
        assert_null(strchr(ff_error(), '\n'));
        assert_null(strchr(ff_error(), '\x1b'));
    }
}

static void equality(void **state)
{
    (void)state;
    ff_pre a = parsed("tf"), b = parsed("tf crop=10x10");
    assert_false(ff_pre_equal(&a, &b));
    a = parsed("tf size=20x10 crop=20x10");
    b = parsed("tf size=20x10");
    assert_true(ff_pre_equal(&a, &b));
    a = parsed("tf resize=nearest antialias=on");
    b = parsed("tf resize=nearest");
    assert_true(ff_pre_equal(&a, &b));
    b = parsed("tf resize=nearest mean=1,1,1.5");
    assert_false(ff_pre_equal(&a, &b));
}

/* --------------------------------------------------------------------------------- resizing */

static ff_image noise(int width, int height, uint64_t seed)
{
    ff_image image = {width, height, ff_alloc_array((size_t)width * (size_t)height, 3)};
    ff_rng r = {seed};
    for (int i = 0; i < width * height * 3; i++)
        image.rgb[i] = (uint8_t)ff_rng_below(&r, 256);
    return image;
}

static ff_tensor *applied(const char *spec, const ff_image *image, ff_shape s)
{
    ff_pre p = parsed(spec);
    ff_tensor *t = NULL;
    if (ff_pre_apply(&p, image, &s, &t) != FF_OK)
        fail_msg("'%s': %s", spec, ff_error());
    return t;
}

static ff_shape nhwc(int64_t h, int64_t w)
{
    return (ff_shape){FF_FLOAT, 4, {1, h, w, 3}};
}

/* The formula of the header, pixel by pixel. */
static float lerp_at(const ff_image *image, int w, int h, int x, int y, int c)
{
    double sx = (x + 0.5) * image->width / w - 0.5, sy = (y + 0.5) * image->height / h - 0.5;
    int x0 = (int)floor(sx), y0 = (int)floor(sy);
    float fx = (float)(sx - x0), fy = (float)(sy - y0), row[2];
    for (int k = 0; k < 2; k++) {
        int yy = y0 + k < 0 ? 0 : y0 + k >= image->height ? image->height - 1 : y0 + k;
        int xa = x0 < 0 ? 0 : x0, xb = x0 + 1 >= image->width ? image->width - 1 : x0 + 1;
        float a = image->rgb[(yy * image->width + xa) * 3 + c];
        float b = image->rgb[(yy * image->width + xb) * 3 + c];
        row[k] = a + (b - a) * fx;
    }
    return row[0] + (row[1] - row[0]) * fy;
}

static void bilinear_is_the_formula(void **state)
{
    static const int sizes[][4] = {{7, 5, 3, 4}, {3, 2, 9, 8}, {1, 1, 4, 4}, {50, 1, 7, 3}, {8, 8, 8, 8}};
    (void)state;
    for (size_t i = 0; i < FF_COUNT(sizes); i++) {
        int w = sizes[i][2], h = sizes[i][3];
        ff_image image = noise(sizes[i][0], sizes[i][1], i);
        ff_tensor *t = applied("raw layout=NHWC", &image, nhwc(h, w));
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int c = 0; c < 3; c++)
                    assert_true(((float *)t->data)[(y * w + x) * 3 + c] == lerp_at(&image, w, h, x, y, c));
        ff_tensor_unref(t);
        ff_image_finish(&image);
    }
}

/* Weighted mean over every source pixel, straight from the definition of the widened kernel. */
static double widened(const ff_image *image, int w, int h, int x, int y, int c, bool cubic)
{
    double sum = 0, weights = 0, kx = (double)image->width / w, ky = (double)image->height / h;
    double widen[2] = {kx > 1 ? kx : 1, ky > 1 ? ky : 1};
    for (int j = 0; j < image->height; j++)
        for (int i = 0; i < image->width; i++) {
            double d[2] = {fabs((i + 0.5 - (x + 0.5) * kx) / widen[0]), fabs((j + 0.5 - (y + 0.5) * ky) / widen[1])};
            double v = 1;
            for (int k = 0; k < 2; k++) {
                double u = d[k];
                if (!cubic)
                    v *= u < 1 ? 1 - u : 0;
                else if (u < 1)
                    v *= 1.5 * u * u * u - 2.5 * u * u + 1;
                else
                    v *= u < 2 ? -0.5 * u * u * u + 2.5 * u * u - 4 * u + 2 : 0;
            }
            sum += v * image->rgb[(j * image->width + i) * 3 + c];
            weights += v;
        }
    double r = sum / weights;
    return r < 0 ? 0 : r > 255 ? 255 : r;
}

static void antialias_is_the_widened_kernel(void **state)
{
    (void)state;
    for (int cubic = 0; cubic < 2; cubic++) {
        ff_image image = noise(23, 17, 5);
        ff_tensor *t = applied(cubic ? "raw resize=bicubic antialias=on" : "raw antialias=on", &image, nhwc(5, 6));
        for (int y = 0; y < 5; y++)
            for (int x = 0; x < 6; x++)
                for (int c = 0; c < 3; c++)
                    assert_true(fabs(((float *)t->data)[(y * 6 + x) * 3 + c] - widened(&image, 6, 5, x, y, c, cubic)) <
                                1e-3);
        ff_tensor_unref(t);
        ff_image_finish(&image);
    }
}

static void flat_stays_flat(void **state)
{
    static const char *const specs[] = {"raw",
                                        "raw antialias=on",
                                        "raw resize=nearest",
                                        "raw resize=bicubic",
                                        "raw resize=bicubic antialias=on",
                                        "raw size=short:20"};
    (void)state;
    ff_image image = noise(31, 47, 1);
    memset(image.rgb, 90, 31 * 47 * 3);
    for (size_t i = 0; i < FF_COUNT(specs); i++) {
        ff_tensor *t = applied(specs[i], &image, nhwc(12, 13));
        for (int64_t k = 0; k < t->count; k++)
            assert_true(fabsf(((float *)t->data)[k] - 90) < 1e-4f);
        ff_tensor_unref(t);
    }
    ff_image_finish(&image);
}

static void nearest_and_crop(void **state)
{
    (void)state;
    ff_image image = noise(6, 4, 3);
    ff_tensor *t = applied("raw resize=nearest", &image, nhwc(2, 3));
    for (int y = 0; y < 2; y++)
        for (int x = 0; x < 3; x++)
            assert_true(((float *)t->data)[(y * 3 + x) * 3] == image.rgb[((2 * y + 1) * 6 + 2 * x + 1) * 3]);
    ff_tensor_unref(t);
    /* 6x4 to a crop of 3x2: (6-3)/2 = 1.5 goes to 2, (4-2)/2 = 1. */
    t = applied("raw size=6x4 crop=3x2", &image, nhwc(2, 3));
    assert_true(((float *)t->data)[0] == image.rgb[(1 * 6 + 2) * 3]);
    ff_tensor_unref(t);
    /* 6x4 in a frame of 9x5: one column more to the right, one row below; zero before mean. */
    t = applied("raw size=6x4 crop=9x5 mean=10", &image, nhwc(5, 9));
    float *v = t->data;
    assert_true(v[0] == -10 && v[(4 * 9 + 3) * 3] == -10 && v[7 * 3] == -10);
    assert_true(v[1 * 3] == image.rgb[0] - 10.0f);
    assert_true(v[(3 * 9 + 6) * 3 + 2] == image.rgb[(3 * 6 + 5) * 3 + 2] - 10.0f);
    ff_tensor_unref(t);
    ff_image_finish(&image);
}

static void order_and_layout(void **state)
{
    (void)state;
    ff_image image = noise(2, 2, 9);
    ff_tensor *a = applied("raw mean=1,2,3 std=2,4,8", &image, nhwc(2, 2));
    ff_tensor *b = applied("raw order=bgr mean=1,2,3 std=2,4,8", &image, (ff_shape){FF_FLOAT, 4, {-1, 3, 2, 2}});
    const float mean[3] = {1, 2, 3}, std[3] = {2, 4, 8};
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < 3; c++) {
            assert_true(((float *)a->data)[3 * i + c] == (image.rgb[3 * i + c] - mean[c]) / std[c]);
            assert_true(((float *)b->data)[4 * c + i] == (image.rgb[3 * i + 2 - c] - mean[c]) / std[c]);
        }
    ff_tensor_unref(a);
    ff_tensor_unref(b);
    ff_image_finish(&image);
}

static void types_and_batches(void **state)
{
    (void)state;
    ff_image image = noise(4, 4, 11);
    ff_tensor *t = applied("raw", &image, (ff_shape){FF_UINT8, 4, {3, 4, 4, 3}});
    assert_int_equal(t->dtype, FF_UINT8);
    for (int n = 0; n < 3; n++)
        assert_memory_equal((uint8_t *)t->data + 48 * n, image.rgb, 48);
    ff_tensor_unref(t);
    t = applied("unit", &image, (ff_shape){FF_FLOAT16, 4, {1, 3, 4, 4}});
    assert_int_equal(t->dtype, FF_FLOAT16);
    assert_true(ff_tensor_get_real(t, 0) == (double)ff_half_to_float(ff_float_to_half(image.rgb[0] / 255.0f)));
    ff_tensor_unref(t);
    t = applied("raw", &image, (ff_shape){FF_FLOAT, 4, {1, 1, 4, 4}});
    assert_int_equal(t->count, 16);
    assert_true(fabsf(((float *)t->data)[5] -
                      (0.299f * image.rgb[15] + 0.587f * image.rgb[16] + 0.114f * image.rgb[17])) < 1e-3f);
    ff_tensor_unref(t);
    ff_image_finish(&image);
}

static void shapes_that_do_not_fit(void **state)
{
    static const struct {
        const char *spec;
        ff_shape shape;
    } wrong[] = {
        {"tf size=224x224", {FF_FLOAT, 4, {1, 224, 3, 224}}},
        {"tf size=224x224", {FF_FLOAT, 4, {1, 3, 299, 299}}},
        {"tf layout=NHWC", {FF_FLOAT, 4, {1, 3, 299, 299}}},
        {"tf layout=NCHW", {FF_FLOAT, 4, {1, 299, 299, 3}}},
        {"tf", {FF_FLOAT, 2, {1, 10}}},
        {"tf", {FF_FLOAT, 4, {1, 3, 1000000, 1000000}}},
        {"tf", {FF_FLOAT, 4, {0, 3, 8, 8}}},
        {"torch-inception", {FF_FLOAT, 4, {1, 3, 224, 224}}},
    };
    (void)state;
    for (size_t i = 0; i < FF_COUNT(wrong); i++) {
        ff_pre p = parsed(wrong[i].spec);
        ff_shape out;
        assert_int_equal(ff_pre_input_shape(&p, &wrong[i].shape, &out), FF_ERR_GRAPH);
    }
    ff_pre p = parsed("tf");
    ff_shape unknown = {FF_UNDEFINED, -1, {0}}, out;
    assert_int_equal(ff_pre_input_shape(&p, &unknown, &out), FF_OK);
    assert_true(out.rank == 4 && out.dtype == FF_FLOAT && out.dims[1] == 3 && out.dims[3] == 224);
    /* A ribbon that "shorter side 256" would blow up. */
    ff_image image = noise(5000, 1, 2);
    ff_shape small = nhwc(8, 8);
    ff_tensor *t = NULL;
    p = parsed("torch");
    assert_int_equal(ff_pre_apply(&p, &image, &small, &t), FF_ERR_INPUT);
    assert_null(t);
    ff_image_finish(&image);
}

/* -------------------------------------------------------------------------------- real data */

static ff_pre spec_of(const json_t *j)
{
    ff_buf b = {0};
    json_t *mean = json_object_get(j, "mean"), *std = json_object_get(j, "std");
    ff_buf_printf(&b, "size=%lldx%lld order=%s layout=%s scale=%.17g", json_integer_value(json_object_get(j, "width")),
                  json_integer_value(json_object_get(j, "height")),
                  json_string_value(json_object_get(j, "channel_order")),
                  json_string_value(json_object_get(j, "layout")), json_number_value(json_object_get(j, "scale")));
    for (int s = 0; s < 2; s++)
        for (int c = 0; c < 3; c++)
            ff_buf_printf(&b, "%s%.17g",
                          c   ? ","
                          : s ? " std="
                              : " mean=",
                          json_number_value(json_array_get(s ? std : mean, (size_t)c)));
    ff_pre p = parsed(b.data);
    ff_buf_finish(&b);
    return p;
}

static void check_case(const char *folder, const json_t *spec, const ff_dataset *set, const char *file)
{
    ff_pre p = spec_of(spec);
    char *path = ff_path_join(folder, file), *data;
    size_t size, at = 0;
    ff_shape any = {FF_FLOAT, -1, {0}};
    assert_int_equal(ff_read_file(path, 1 << 24, &data, &size), FF_OK);
    for (int i = 0; i < 2; i++) {
        ff_feed *feed;
        ff_tensor *t;
        assert_int_equal(ff_feed_create(set, &p, &any, 0, &feed), FF_OK);
        assert_int_equal(ff_feed_get(feed, i, &t), FF_OK);
        assert_true(at + t->bytes <= size);
        if (memcmp(data + at, t->data, t->bytes) != 0) {
            float worst = 0;
            int64_t n = 0;
            for (int64_t k = 0; k < t->count; k++) {
                float d = fabsf(((float *)(data + at))[k] - ((float *)t->data)[k]);
                worst = d > worst ? d : worst;
                n += d != 0;
            }
            fail_msg("%s: %lld of %lld elements differ, by up to %g", path, (long long)n, (long long)t->count,
                     (double)worst);
        }
        at += t->bytes;
        ff_tensor_unref(t);
        ff_feed_destroy(feed);
    }
    assert_int_equal(at, size);
    free(data);
    free(path);
}

static void real_inputs_bit_for_bit(void **state)
{
    static const char *const cases[] = {"dev1_pp_torch_to_tf",           "dev2_wb_tf_to_tflite",
                                        "dev3_pp_id_tss_torch_to_keras", "dev4_equivalences_only",
                                        "dev5_cg_lh_tflite_to_keras",    "dev6_opset_separate_weights"};
    const char *real = real_data();
    (void)state;
    if (!real)
        skip();
    for (size_t i = 0; i < FF_COUNT(cases); i++) {
        char *folder = ff_asprintf("%s/cases/%s", real, cases[i]);
        char *json = ff_path_join(folder, "case.json"), *list = ff_path_join(folder, "images.txt");
        json_error_t e;
        json_t *j = json_load_file(json, 0, &e);
        ff_dataset *set;
        assert_non_null(j);
        assert_int_equal(ff_dataset_open(list, 0, &set), FF_OK);
        assert_int_equal(ff_dataset_count(set), 150);
        check_case(folder, json_object_get(j, "source_preprocessing"), set, "ref_source_in_first2.f32");
        check_case(folder, json_object_get(j, "target_preprocessing"), set, "ref_target_in_first2.f32");
        ff_dataset_destroy(set);
        json_decref(j);
        free(folder);
        free(json);
        free(list);
    }
}

/* The command lines of the data's README. */
static void documented_specs(void **state)
{
    const char *real = real_data();
    (void)state;
    if (!real)
        skip();
    char *path = ff_path_join(real, "README.md"), *text;
    size_t size;
    int n = 0;
    assert_int_equal(ff_read_file(path, 1 << 20, &text, &size), FF_OK);
    for (char *at = text; (at = strstr(at, "-pre '")); n++) {
        at += strlen("-pre '");
        char *spec = ff_strndup(at, strcspn(at, "'"));
        ff_pre p = parsed(spec);
        char *back = ff_pre_print(&p);
        assert_string_equal(back, spec);
        free(back);
        free(spec);
    }
    assert_int_equal(n, 12);
    free(text);
    free(path);
}

static void candidates_are_distinct(void **state)
{
    static const char *const bases[] = {"tf size=224x224", "torch-mobilenet", "caffe", "raw order=bgr"};
    (void)state;
    for (size_t b = 0; b < FF_COUNT(bases); b++) {
        ff_pre base = parsed(bases[b]);
        ff_pre_candidate *all;
        int n = ff_pre_candidates(&base, &all);
        bool tf = false;
        assert_true(n > 50);
        for (int i = 0; i < n; i++) {
            assert_true(i == 0 || all[i].changes >= all[i - 1].changes);
            assert_true(all[i].words[0] && strlen(all[i].words) < sizeof all[i].words - 1);
            assert_false(ff_pre_equal(&base, &all[i].pre));
            for (int k = 0; k < i; k++)
                assert_false(ff_pre_equal(&all[k].pre, &all[i].pre));
            char *text = ff_pre_print(&all[i].pre);
            ff_pre back = parsed(text);
            assert_true(ff_pre_equal(&back, &all[i].pre));
            free(text);
            tf = tf || (all[i].pre.scale == 127.5 && all[i].pre.mean[0] == 1 && all[i].pre.bgr == base.bgr);
        }
        /* The right answer is among them, whatever the base. */
        assert_true(tf || base.scale == 127.5);
        free(all);
    }
}

/* A layout chosen under one normalisation says nothing about the normalisation. */
static void changes_are_carried_one_by_one(void **state)
{
    ff_pre tf, torch, laid, onto;
    assert_int_equal(ff_pre_parse("tf layout=NHWC", &tf), FF_OK);
    assert_int_equal(ff_pre_parse("tf-imagenet layout=NHWC", &torch), FF_OK);
    laid = torch;
    laid.layout = FF_LAYOUT_NCHW;
    onto = tf;
    ff_pre_carry(&torch, &laid, &onto);
    assert_int_equal(onto.layout, FF_LAYOUT_NCHW);
    assert_true(onto.scale == tf.scale && onto.mean[0] == tf.mean[0]);
    ff_pre_carry(&tf, &torch, &onto);
    assert_true(ff_pre_equal(&onto, &laid));
    ff_pre_carry(&tf, &tf, &onto);
    assert_true(ff_pre_equal(&onto, &laid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_carried_one_by_one),
        cmocka_unit_test(presets_print_and_parse_back),
        cmocka_unit_test(values_of_presets),
        cmocka_unit_test(wrong_specs),
        cmocka_unit_test(equality),
        cmocka_unit_test(bilinear_is_the_formula),
        cmocka_unit_test(antialias_is_the_widened_kernel),
        cmocka_unit_test(flat_stays_flat),
        cmocka_unit_test(nearest_and_crop),
        cmocka_unit_test(order_and_layout),
        cmocka_unit_test(types_and_batches),
        cmocka_unit_test(shapes_that_do_not_fit),
        cmocka_unit_test(real_inputs_bit_for_bit),
        cmocka_unit_test(documented_specs),
        cmocka_unit_test(candidates_are_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
