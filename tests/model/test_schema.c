/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an operator knows at an opset: nothing else is written, and unknown texts are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetafix/model.h"

static ff_attr text_of(const char *name, const char *text)
{
    return (ff_attr){.name = name, .type = FF_ATTR_STRING, .s = text, .s_len = strlen(text)};
}

static ff_attr number_of(const char *name, int64_t i)
{
    return (ff_attr){.name = name, .type = FF_ATTR_INT, .i = i};
}

static int check(const char *op, int opset, ff_attr a, const ff_node *before)
{
    ff_node n = {.op = op, .domain = "", .opset = opset, .n_attrs = 1, .attrs = &a};

    return ff_node_check(&n, before);
}

static void assert_refused(const char *op, int opset, ff_attr a, const char *words)
{
    assert_int_equal(check(op, opset, a, NULL), FF_ERR_GRAPH);
    assert_string_equal(ff_error(), words);
}

static void attributes_of_other_opsets(void **state)
{
    assert_refused("ScatterElements", 13, text_of("reduction", "add"),
                   "ScatterElements has no reduction in opset 13; it came with 16");
    assert_refused("ArgMax", 11, number_of("select_last_index", 1),
                   "ArgMax has no select_last_index in opset 11; it came with 12");
    assert_refused("Relu", 13, number_of("alpha", 1), "Relu has no alpha in opset 13");
    assert_refused("Conv", 13, number_of("auto_pad", 1), "auto_pad of Conv has another type");
    assert_int_equal(check("ArgMax", 12, number_of("select_last_index", 1), NULL), FF_OK);
    assert_refused("Upsample", 10, text_of("mode", "linear"), "Upsample went with opset 10 (Resize took its place)");
    assert_int_equal(check("Upsample", 9, text_of("mode", "linear"), NULL), FF_OK);
}

static void texts_of_other_opsets(void **state)
{
    assert_refused("Pad", 13, text_of("mode", "wrap"), "Pad has no mode 'wrap' in opset 13; it came with 19");
    assert_refused("ScatterND", 16, text_of("reduction", "max"),
                   "ScatterND has no reduction 'max' in opset 16; it came with 18");
    assert_refused("GridSample", 20, text_of("mode", "bilinear"), "GridSample has no mode 'bilinear' in opset 20");
    assert_int_equal(check("GridSample", 16, text_of("mode", "bilinear"), NULL), FF_OK);
    assert_string_equal(ff_op_text("GridSample", "mode", "bicubic", 16, 20), "cubic");
    assert_string_equal(ff_op_text("GridSample", "mode", "linear", 22, 16), "bilinear");
    assert_string_equal(ff_op_text("GridSample", "mode", "nearest", 22, 16), "nearest");
    assert_string_equal(ff_op_text("Resize", "mode", "linear", 22, 11), "linear");
}

/* What the file had before is the file's own affair. */
static void old_attributes_stay(void **state)
{
    ff_attr a = number_of("private", 3), b = number_of("private", 4);
    ff_node before = {.op = "Relu", .domain = "", .opset = 13, .n_attrs = 1, .attrs = &a};

    assert_int_equal(check("Relu", 13, a, &before), FF_OK);
    assert_int_equal(check("Relu", 13, b, &before), FF_ERR_GRAPH);
}

static void unknown_texts_do_not_run(void **state)
{
    ff_attr a = text_of("mode", "mirror");
    ff_node n = {.op = "Pad", .domain = "", .opset = 13, .n_attrs = 1, .attrs = &a};

    assert_int_equal(ff_node_check_values(&n), FF_ERR_UNSUPPORTED);
    assert_string_equal(ff_error(), "Pad has no mode 'mirror' in opset 13");
    a.s = "edge";
    assert_int_equal(ff_node_check_values(&n), FF_OK);
}

static const char *meant_by(const char *op, int opset, const char *attr)
{
    ff_node n = {.op = op, .domain = "", .opset = opset};
    const struct ff_attr_fact *f;
    const char *meant;

    for (int i = 0; (f = ff_op_later_attr(&n, i, &meant)) != NULL; i++)
        if (strcmp(f->name, attr) == 0)
            return meant;
    return NULL;
}

static void meaning_of_what_is_left_out(void **state)
{
    assert_string_equal(meant_by("LSTM", 7, "layout"), "0");
    assert_null(meant_by("LSTM", 14, "layout")); /* it has it */
    assert_string_equal(meant_by("RoiAlign", 10, "coordinate_transformation_mode"), "output_half_pixel");
    assert_null(meant_by("Resize", 10, "coordinate_transformation_mode"));
    assert_null(meant_by("Conv", 11, "layout"));
}

/* Every default is one of the texts that the tables list for it. */
static void defaults_are_known(void **state)
{
    const ff_op *op;
    int seen = 0;

    for (int i = 0; (op = ff_op_at(i)) != NULL; i++)
        for (const struct ff_attr_fact *f = op->attrs; f && f->name; f++)
            if (*op->domain == '\0' && f->type == FF_ATTR_STRING && f->fallback) {
                if (check(op->type, op->since, text_of(f->name, f->fallback), NULL))
                    fail_msg("%s", ff_error());
                seen++;
            }
    assert_true(seen > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_of_other_opsets),  cmocka_unit_test(texts_of_other_opsets),
        cmocka_unit_test(old_attributes_stay),         cmocka_unit_test(unknown_texts_do_not_run),
        cmocka_unit_test(meaning_of_what_is_left_out), cmocka_unit_test(defaults_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
