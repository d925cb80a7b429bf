/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The faults that users of converters report most, one test a pattern: what converters write
 * differently and is the same gives no finding, the fault itself exactly one kind of finding, of
 * the right type and at the right layer.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conversion.h"
#include "text_model.h"

static ff_dataset *set;

static int set_up(void **state)
{
    set = conversion_pictures(6);
    return set ? 0 : -1;
}

static int tear_down(void **state)
{
    ff_dataset_destroy(set);
    conversion_remove_pictures();
    return 0;
}

static int found; /* by the last expectation */

/* Every finding is of one of the types (between spaces; "": there is none), at the layer (NULL:
 * any) and of the cause (NULL: any); there is one unless types is "". */
static void expect_findings(ff_subject *s, const char *types, const char *where, const char *cause)
{
    ff_findings *findings;
    if (!s)
        fail_msg("%s", ff_error());
    if (ff_localize(s, NULL, &findings, NULL) != FF_OK)
        fail_msg("%s", ff_error());
    for (int i = 0; i < findings->count; i++) {
        const ff_finding *f = &findings->at[i];
        if (!strstr(types, ff_fault_type_name(f->type)) || (where && !conversion_at_layer(f, where)) ||
            (cause && strcmp(cause, f->cause->name) != 0))
            fail_msg("not asked for (%s %s): %s %s: %s", types, where ? where : "", ff_fault_type_name(f->type),
                     f->cause->name, f->summary);
    }
    if (!findings->count && *types)
        fail_msg("no finding of %s at %s", types, where ? where : "any layer");
    found = findings->count;
    ff_findings_destroy(findings);
    ff_subject_destroy(s);
}

static void expect(const network *a, const style *sa, const network *b, const style *sb, const char *types,
                   const char *where, const char *cause)
{
    expect_findings(conversion_subject(a, sa, b, sb, set), types, where, cause);
}

/* Two models written as text. */
static void expect_text(const char *source, const char *target, const char *pre_source, const char *pre_target,
                        const char *types, const char *cause)
{
    ff_model *a, *b;
    ff_pre pa, pb;
    ff_subject *s = NULL;
    if (text_model(source, 1, &a) != FF_OK || text_model(target, 1, &b) != FF_OK ||
        ff_pre_parse(pre_source, &pa) != FF_OK || ff_pre_parse(pre_target, &pb) != FF_OK ||
        ff_subject_create(a, &pa, b, &pb, set, NULL, NULL, &s) != FF_OK)
        fail_msg("%s", ff_error());
    ff_model_unref(a);
    ff_model_unref(b);
    expect_findings(s, types, NULL, cause);
}

static style torch(int opset)
{
    style s = *style_find("torch");
    s.opset = opset;
    return s;
}

static style tensorflow(int opset)
{
    style s = *style_find("tf2onnx");
    s.opset = opset;
    s.names = NAMES_LOST;
    return s;
}

/* Any network: begins with a convolution, ends with pooling and a dense layer. */
static network *begin(int *x, activation act)
{
    network *n = network_create("net", 3, 16, 16, 4);
    *x = network_conv(n, 0, "stem", 8, 3, 2, 1, true, act);
    return n;
}

static void end(network *n, int x)
{
    x = network_global_pool(n, x, "gap");
    network_dense(n, x, "classifier", 10);
}

static layer *at(network *n, const char *name)
{
    return &n->layers[network_find(n, name)];
}

static void same_padding(void **state)
{
    int x;
    network *n = begin(&x, RELU);
    end(n, network_conv(n, x, "conv", 8, 3, 2, 1, true, RELU));
    network *bad = network_copy(n);
    fault_pads_shifted(at(bad, "conv"));
    for (int pads = PADS_EXPLICIT; pads <= PADS_OMITTED; pads++) {
        style a = torch(13), b = tensorflow(13);
        b.pads = pads;
        expect(n, &a, n, &b, "", NULL, NULL);
        expect(n, &a, bad, &b, pads == PADS_NODE ? "CG LH" : "LH", "conv", NULL);
    }
    /* Half a pixel on both sides is no padding at all. */
    memset(at(bad, "conv")->pads, 0, sizeof at(bad, "conv")->pads);
    if (network_measure(bad)) {
        style a = torch(13), b = torch(13);
        expect(n, &a, bad, &b, "LH", "conv", "pads-differ");
    }
    network_destroy(n);
    network_destroy(bad);
}

static void resize_modes(void **state)
{
    int x;
    network *n = begin(&x, RELU);
    x = network_resize(n, x, "nearest", "nearest", "asymmetric", "floor");
    x = network_conv(n, x, "between", 8, 3, 1, 1, true, RELU);
    end(n, network_resize(n, x, "linear", "linear", "half_pixel", "floor"));
    style a = torch(11), b = tensorflow(15);
    b.centres = true;
    expect(n, &a, n, &b, "", NULL, NULL);
    network *bad = network_copy(n);
    at(bad, "linear")->coordinates = "align_corners";
    expect(n, &a, bad, &b, "LH", "linear", NULL);
    network_destroy(bad);
    bad = network_copy(n);
    at(bad, "nearest")->nearest = "ceil";
    expect(n, &a, bad, &b, "LH", "nearest", NULL);
    network_destroy(bad);
    network_destroy(n);
}

static void resize_antialias(void **state)
{
#define RESIZED(attributes)                                                                                            \
    "opset 18; input x 1,3,16,16; int s 4 1,3,7,7; float w 10,3,7,7 random; "                                          \
    "r = Resize(x,,,s) mode=linear" attributes "; c = Conv(r,w); y = Flatten(c); output y"
    expect_text(RESIZED(" antialias=1"), RESIZED(" antialias=1 exclude_outside=0"), "unit", "unit", "", NULL);
    expect_text(RESIZED(" antialias=1"), RESIZED(""), "unit", "unit", "LH", "attribute-differs");
    expect_text(RESIZED(""), RESIZED(" antialias=1"), "unit", "unit", "LH", "attribute-differs");
    expect_text(RESIZED(""), RESIZED(" exclude_outside=1"), "unit", "unit", "", NULL);
}

static void pooling(void **state)
{
    int x;
    network *n = begin(&x, LINEAR);
    x = network_pool(n, LAYER_MAX_POOL, x, "max", 3, 1, 1, false, false);
    x = network_pool(n, LAYER_AVERAGE_POOL, x, "average", 3, 1, 1, false, true);
    end(n, network_pool(n, LAYER_MAX_POOL, x, "ceil", 3, 2, 0, true, false));
    style a = torch(13), b = tensorflow(13);
    expect(n, &a, n, &b, "", NULL, NULL);
    b.pads = PADS_NODE; /* the average counts what a Pad node puts around */
    expect(n, &a, n, &b, "", NULL, NULL);
    network *bad = network_copy(n);
    at(bad, "ceil")->ceil_mode = false;
    assert_true(network_measure(bad));
    expect(n, &a, bad, &b, "LH", "ceil", "ceil-mode-differs");
    network_destroy(bad);
    bad = network_copy(n);
    at(bad, "average")->count_pad = false;
    expect(n, &a, bad, &b, "LH", "average", "count-include-pad-differs");
    network_destroy(bad);
    b.zero_pooled = network_find(n, "max");
    expect(n, &a, n, &b, "CG LH", "max", NULL);
    network_destroy(n);
    /* Nothing is below zero: zeros are as good as no padding. */
    n = begin(&x, RELU);
    x = network_pool(n, LAYER_MAX_POOL, x, "max", 3, 1, 1, false, false);
    end(n, x);
    expect(n, &a, n, &b, "", NULL, NULL);
    network_destroy(n);
}

static void order_lost(void **state)
{
    int x, y;
    network *n = begin(&x, RELU);
    y = network_conv(n, x, "left", 8, 1, 1, 1, true, RELU);
    x = network_conv(n, x, "right", 8, 3, 1, 1, true, RELU);
    x = network_concat(n, (int[]){y, x}, 2, "join");
    network_dense(n, x, "classifier", 10);
    for (int dense = DENSE_GEMM; dense <= DENSE_MATMUL; dense++) {
        style a = torch(13), b = tensorflow(13);
        b.dense = dense;
        b.flat = FLAT_RESHAPE;
        b.flat_nhwc = true;
        expect(n, &a, n, &b, "", NULL, NULL);
        b.order_lost = true;
        expect(n, &a, n, &b, "TSS", "classifier", "order-lost");
        b.order_lost = false;
        b.concat_swapped = network_find(n, "join");
        expect(n, &a, n, &b, "CG", "join", "wired-otherwise");
    }
    network_destroy(n);
}

static void batch_normalisation(void **state)
{
    int x;
    network *n = begin(&x, RELU);
    x = network_norm(n, x, "norm", LINEAR); /* after a Relu: goes forward */
    end(n, network_conv(n, x, "conv", 8, 3, 1, 1, true, RELU));
    style a = torch(13), b = tensorflow(11);
    for (int norm = NORM_FOLDED; norm <= NORM_MUL_ADD; norm++) {
        a.norm = norm;
        for (b.norm = NORM_FOLDED; b.norm <= NORM_MUL_ADD; b.norm++)
            expect(n, &a, n, &b, "", NULL, NULL);
    }
    a.norm = b.norm = NORM_NODE;
    network *bad = network_copy(n);
    at(bad, "conv")->epsilon = 1e-5f; /* 1e-3 */
    for (int c = 0; c < 8; c++)
        at(bad, "conv")->variance[c] = at(n, "conv")->variance[c] = 0.01f * (float)(c + 1);
    expect(n, &a, bad, &b, "WB LH", "conv", NULL);
    network_destroy(bad);
    bad = network_copy(n);
    for (int c = 0; c < 8; c++)
        at(bad, "conv")->mean[c] += 0.1f;
    expect(n, &a, bad, &b, "WB", "conv", NULL);
    for (int c = 0; c < 8; c++)
        at(bad, "conv")->variance[c] *= 1.5f;
    expect(n, &a, bad, &b, "WB", "conv", NULL);
    network_destroy(bad);
    network_destroy(n);
}

static void opsets(void **state)
{
    int x;
    network *n = begin(&x, RELU6);
    x = network_norm(n, x, "norm", RELU6);
    x = network_average_pool(n, x, "average", 3, 1, 1);
    end(n, network_conv(n, x, "conv", 8, 3, 1, 1, true, SWISH));
    for (int opset = 7; opset <= 21; opset++) {
        style a = torch(7), b = tensorflow(opset);
        a.softmax = a.softmax_default = true;
        b.softmax_default = opset % 2;
        b.norm = opset % 3;
        expect(n, &a, n, &b, "", NULL, NULL);
        b.clip = CLIP_NATIVE;
        expect(n, &a, n, &b, "", NULL, NULL);
    }
    /* Any two of them, a style each. */
    static const int common[] = {7, 9, 10, 11, 12, 13, 15, 17, 18, 21};
    for (size_t i = 0; i < FF_COUNT(common); i++) {
        for (size_t k = 0; k < FF_COUNT(common); k++) {
            style a = (i + k) % 2 ? torch(common[i]) : tensorflow(common[i]);
            style b = (i + k) % 3 ? tensorflow(common[k]) : torch(common[k]);
            expect(n, &a, n, &b, "", NULL, NULL);
        }
    }
    network_destroy(n);
    /* The default axis moved: over everything from axis 1 on, and over the last one. */
#define HEAD "input x 1,3,16,16; float w 10,3,8,8 random; c = Conv(x,w) strides=[8,8]; y = Softmax(c)"
#define TAIL "; output y"
    expect_text("opset 11; " HEAD " axis=3" TAIL, "opset 13; " HEAD TAIL, "unit", "unit", "", NULL);
    expect_text("opset 11; " HEAD TAIL, "opset 13; " HEAD TAIL, "unit", "unit", "LH", NULL);
    expect_text("opset 11; " HEAD TAIL, "opset 13; " HEAD " axis=1" TAIL, "unit", "unit", "LH", NULL);
    /* Over an axis of size 1, before a Reshape or after it: the axis differs, nothing is missing. */
#define FLAT "opset 13; input x 1,3,16,16; float w 10,3,16,16 random; c = Conv(x,w); f = Flatten(c); y = Softmax(f)"
#define DEEP                                                                                                           \
    "opset 13; input x 1,3,16,16; float w 10,3,16,16 random; c = Conv(x,w); s = Softmax(c) axis=1; y = Flatten(s)"
    expect_text(DEEP TAIL, FLAT " axis=1" TAIL, "unit", "unit", "", NULL);
    expect_text(FLAT " axis=1" TAIL, FLAT " axis=0" TAIL, "unit", "unit", "LH", "axis-differs");
    expect_text(DEEP TAIL, FLAT " axis=0" TAIL, "unit", "unit", "LH", "axis-differs");
}

static void activations(void **state)
{
    static const activation kinds[] = {RELU6, LEAKY_RELU, PRELU, SWISH, HARD_SWISH, GELU, GELU_TANH};
    for (size_t i = 0; i < FF_COUNT(kinds); i++) {
        int x;
        network *n = begin(&x, RELU);
        end(n, network_conv(n, x, "conv", 8, 3, 1, 1, true, kinds[i]));
        style a = torch(20), b = tensorflow(13);
        b.composite = WRITTEN_OUT;
        expect(n, &a, n, &b, "", NULL, NULL);
        network *bad = network_copy(n);
        layer *l = at(bad, "conv");
        l->act_max = 3;
        l->alpha = 0.01f;
        if (l->slope)
            l->slope[3] = 0.9f;
        if (kinds[i] == GELU || kinds[i] == GELU_TANH)
            l->act = kinds[i] == GELU ? GELU_TANH : GELU;
        if (kinds[i] == SWISH || kinds[i] == HARD_SWISH)
            l->act = LINEAR;
        expect(n, &a, bad, &b, kinds[i] == PRELU ? "WB" : "LH CG", "conv", NULL);
        network_destroy(bad);
        network_destroy(n);
    }
}

static void groups(void **state)
{
    int x;
    network *n = begin(&x, RELU);
    x = network_conv(n, x, "depthwise", 8, 3, 1, 8, true, RELU);
    end(n, network_deconv(n, x, "deconv", 8, RELU));
    style a = torch(13), b = tensorflow(13);
    b.weights = WEIGHTS_TRANSPOSE;
    expect(n, &a, n, &b, "", NULL, NULL);
    network *bad = network_copy(n);
    fault_kernel_turned(at(bad, "depthwise"));
    expect(n, &a, bad, &b, "WB", "depthwise", "permuted");
    network_destroy(bad);
    bad = network_copy(n);
    at(bad, "deconv")->output_padding = 0;
    assert_true(network_measure(bad));
    expect(n, &a, bad, &b, "LH", "deconv", NULL);
    network_destroy(bad);
    network_destroy(n);
    /* Without its groups the convolution does not fit its weights: the Target does not run, and
     * still it is said why. */
#define GROUPED(groups)                                                                                                \
    "opset 13; input x 1,3,16,16; float a 8,3,3,3 random; float w 8,2,3,3 random; float v "                            \
    "10,8,1,1 random;"                                                                                                 \
    "c = Conv(x,a); d = Conv(c,w)" groups "; p = GlobalAveragePool(d); e = Conv(p,v); y = Flatten(e); output y"
    expect_text(GROUPED(" group=4"), GROUPED(""), "unit", "unit", "LH", "group-differs");
    /* Depthwise, and the same as a dense convolution with zeros between the channels. */
#define DEPTHWISE(weight, groups)                                                                                      \
    "opset 13; input x 1,3,16,16; float w " weight "; float v 10,3,16,16 random; "                                     \
    "d = Conv(x,w)" groups "; e = Conv(d,v); y = Flatten(e); output y"
    expect_text(DEPTHWISE("3,1,1,1 2,-1,0.5", " group=3"), DEPTHWISE("3,3,1,1 2,0,0,0,-1,0,0,0,0.5", ""), "unit",
                "unit", "", NULL);
    expect_text(DEPTHWISE("3,1,1,1 2,-1,0.5", " group=3"), DEPTHWISE("3,3,1,1 2,0,0,0,-1.5,0,0,0,0.5", ""), "unit",
                "unit", "WB", NULL);
}

static void precision(void **state)
{
    int x;
    network *n = begin(&x, RELU);
    x = network_norm(n, x, "norm", RELU);
    end(n, network_conv(n, x, "conv", 8, 3, 1, 1, true, RELU));
    network_fold(n);
    style a = torch(13), b = tensorflow(13);
    network *bad = network_copy(n);
    fault_float16(at(bad, "conv"));
    expect(n, &a, bad, &b, "WB", "conv", "float16");
    network_destroy(bad);
    bad = network_copy(n);
    fault_saturated(at(bad, "conv"));
    expect(n, &a, bad, &b, "WB", "conv", NULL);
    network_destroy(bad);
    /* A variance beyond float16 is infinite; what comes out is finite, and wrong. */
    bad = network_copy(n);
    at(n, "norm")->variance[2] = 1e5f;
    at(bad, "norm")->variance[2] = ff_half_to_float(ff_float_to_half(1e5f));
    assert_true(isinf(at(bad, "norm")->variance[2]));
    b.norm = NORM_NODE;
    expect(n, &a, bad, &b, "WB", "norm", NULL);
    network_destroy(bad);
    network_destroy(n);
}

/* A recurrent layer of which only the last state is read, or all of them and the last taken. */
static void recurrent(void **state)
{
#define LSTM(scale, outputs, rest)                                                                                     \
    "opset 13; input x 1,3,16,16; int s 3 16,1,48; int t 2 1,10; int i - -1; "                                         \
    "float a 1,40,48 random; float r 1,40,10 random; float f - " scale "; w = Mul(a,f); "                              \
    "q = Reshape(x,s); " outputs " = LSTM(q,w,r) hidden_size=10; " rest "; output y"
#define LAST LSTM("1", "o,h", "y = Reshape(h,t)")
    expect_text(LAST, LAST, "unit", "unit", "", NULL);
    expect_text(LAST, LSTM("1", "o", "k = Gather(o,i) axis=0; y = Reshape(k,t)"), "unit", "unit", "", NULL);
    expect_text(LAST, LSTM("1.5", "o,h", "y = Reshape(h,t)"), "unit", "unit", "WB", NULL);
}

static void contract(void **state)
{
    int x;
    network *n = begin(&x, RELU);
    end(n, network_conv(n, x, "conv", 8, 3, 1, 1, true, RELU));
    style a = torch(13), b = tensorflow(13);
    a.symbolic_batch = true;
    b.symbolic_batch = false;
    for (int k = 0; k < 4; k++) {
        a.softmax = k & 1;
        b.softmax = k & 2;
        expect(n, &a, n, &b, "", NULL, NULL);
    }
    network *more = network_copy(n); /* one class in front: labels are one off, and said to be */
    fault_background(more);
    expect(n, &a, more, &b, "", NULL, NULL);
    fault_pads_shifted(at(more, "conv")); /* and real damage beside it: both are seen for what they are */
    expect(n, &a, more, &b, "LH", "conv", "pads-differ");
    ff_subject *s = conversion_subject(n, &a, more, &b, set);
    assert_non_null(s);
    assert_int_equal(s->offset, -1);
    ff_subject_destroy(s);
    network_destroy(more);
    b.extra_output = network_find(n, "conv");
    expect(n, &a, n, &b, "CG", NULL, "outputs-reordered");
    network_destroy(n);
    /* What is exposed lies between a layer and its bias: no bias is missing for that. */
#define EXPOSED(bias, outputs)                                                                                         \
    "opset 13; input x 1,3,8,8; float a 4,3,3,3 random; float b 1,4,1,1 1,2,3,4; float v 10,4 random; "                \
    "c = Conv(x,a); " bias "; r = Relu(d); g = GlobalAveragePool(r); f = Flatten(g); "                                 \
    "y = Gemm(f,v) transB=1; " outputs
    expect_text(EXPOSED("d = Add(c,b)", "output y"), EXPOSED("d = Add(c,b)", "output y; output c"), "unit", "unit",
                "CG", "outputs-redundant");
    expect_text(EXPOSED("d = Add(c,b)", "output y"), EXPOSED("d = Add(c,b)", "output c; output y"), "unit", "unit",
                "CG", "outputs-reordered");
    expect_text(EXPOSED("d = Add(c,b)", "output y"), EXPOSED("d = Identity(c)", "output y; output c"), "unit", "unit",
                "WB CG", NULL);
}

/* What differs in several places and makes up for itself; and what each does alone. */
static void made_up_for(void **state)
{
#define JOINED(join, weight, tail)                                                                                     \
    "opset 13; input x 1,3,8,8; float a 1,3,1,1 1,2,3; float b 1,3,1,1 -1,0.5,2; float v 10,128 random; "              \
    "p = Conv(x,a); q = Conv(x,b); r = Relu(p); u = Sigmoid(q); k = Concat(" join ") axis=1; "                         \
    "float w 2,2,1,1 " weight "; c = Conv(k,w); f = Flatten(c); y = Gemm(f,v) transB=1" tail "; output y"
    expect_text(JOINED("r,u", "1,2,3,4", ""), JOINED("u,r", "2,1,4,3", ""), "unit", "unit", "", NULL);
    expect_text(JOINED("r,u", "1,2,3,4", ""), JOINED("u,r", "1,2,3,4", ""), "unit", "unit", "CG", NULL);
    expect_text(JOINED("r,u", "1,2,3,4", ""), JOINED("u,r", "2,1,4,3.5", ""), "unit", "unit", "CG WB", NULL);
#define SUMMED(sum)                                                                                                    \
    "opset 13; input x 1,3,8,8; float a 3,3,3,3 random; float b 3,3,1,1 random; float v 10,3 random; "                 \
    "p = Conv(x,a) pads=[1,1,1,1]; q = Conv(x,b); " sum "; g = GlobalAveragePool(k); f = Flatten(g); "                 \
    "y = Gemm(f,v) transB=1; output y"
    expect_text(SUMMED("s = Add(p,q); k = Add(s,x)"), SUMMED("s = Add(q,x); k = Add(s,p)"), "unit", "unit", "", NULL);
    expect_text(SUMMED("s = Add(p,q); k = Add(s,x)"), SUMMED("s = Add(q,x); k = Add(s,q)"), "unit", "unit", "CG", NULL);
}

/* One node that was lost, put in, or takes another part is one fault. */
static void one_fault_each(void **state)
{
#define NORMED(norm)                                                                                                   \
    "opset 13; input x 1,3,8,8; float a 4,3,3,3 random; float b 4 random; float v 10,4 random; "                       \
    "float s 4 1,2,0.5,1.5; float h 4 0.1,-0.2,0.3,0; float m 4 0.2,0,-0.1,0.4; float n 4 1,0.5,2,0.7; "               \
    "float k 1,4,1,1 0.5,1,2,4; c = Conv(x,a,b); " norm "; r = Relu(d); g = GlobalAveragePool(r); f = Flatten(g); "    \
    "y = Gemm(f,v) transB=1; output y"
    static const char *const norms[] = {NORMED("d = BatchNormalization(c,s,h,m,n)"), NORMED("d = Mul(c,k)"),
                                        NORMED("e = Mul(c,k); d = BatchNormalization(e,s,h,m,n)"),
                                        NORMED("d = Identity(c)")};
    for (size_t i = 0; i < FF_COUNT(norms); i++) {
        for (size_t k = 0; k < FF_COUNT(norms); k++) {
            bool lost = (i == 2 && k != 2) || (i < 2 && k == 3), added = (k == 2 && i != 2) || (k < 2 && i == 3);
            if (i == k)
                expect_text(norms[i], norms[k], "unit", "unit", "", NULL);
            else if (lost || added) {
                expect_text(norms[i], norms[k], "unit", "unit", "CG", lost ? "missing-nodes" : "extra-nodes");
                assert_int_equal(found, 1);
            }
        }
    }
#define PARTS(parts)                                                                                                   \
    "opset 13; input x 1,3,8,8; float a 8,3,3,3 random; float v 10,8 random; float p 4,4,3,3 random; "                 \
    "float q 4,4,1,1 random; int s 2 4,4; int zero 1 0; int three 1 3; int four 1 4; int seven 1 7; int eight 1 8; "   \
    "int axis 1 1; c = Conv(x,a); r = Relu(c); " parts "; t = Conv(d,p) pads=[1,1,1,1]; u = Conv(e,q); "               \
    "k = Concat(t,u) axis=1; g = GlobalAveragePool(k); f = Flatten(g); y = Gemm(f,v) transB=1; output y"
#define SPLIT  PARTS("d,e = Split(r,s) axis=1")
#define SLICES PARTS("d = Slice(r,zero,four,axis); e = Slice(r,four,eight,axis)")
    expect_text(SPLIT, SLICES, "unit", "unit", "", NULL);
    expect_text(SPLIT, PARTS("e,d = Split(r,s) axis=1"), "unit", "unit", "LH", "slice-differs");
    assert_int_equal(found, 1);
    expect_text(SLICES, PARTS("d = Slice(r,zero,four,axis); e = Slice(r,three,seven,axis)"), "unit", "unit", "LH",
                "slice-differs");
    assert_int_equal(found, 1);
}

/* What no picture reaches is a difference all the same. */
static void unreached(void **state)
{
#define BOUNDED(bound)                                                                                                 \
    "opset 13; input x 1,3,8,8; float a 4,3,3,3 random; float v 10,4 random; float lo - -60; float hi - 70; "          \
    "p = Conv(x,a); " bound "; g = GlobalAveragePool(k); f = Flatten(g); y = Gemm(f,v) transB=1; output y"
    /* No picture reaches the bounds: latent, and no fault. */
    expect_text(BOUNDED("k = Clip(p,lo,hi)"), BOUNDED("k = Identity(p)"), "unit", "unit", "", NULL);
    expect_text(BOUNDED("k = Clip(p,lo,hi)"), BOUNDED("t = Min(p,hi); k = Max(t,lo)"), "unit", "unit", "", NULL);
    expect_text(BOUNDED("s = Sqrt(p); k = Clip(p,lo)"), BOUNDED("k = Max(p,lo)"), "unit", "unit", "", NULL);
}

static void preprocessing(void **state)
{
#define SMALL                                                                                                          \
    "opset 13; input x 1,3,16,16; float w 10,3,16,16 random; c = Conv(x,w); y = Flatten(c); "                          \
    "output y"
    expect_text(SMALL, SMALL, "unit resize=bilinear", "unit resize=bilinear", "", NULL);
    expect_text(SMALL, SMALL, "unit resize=bilinear", "unit resize=nearest", "PP", NULL);
    expect_text(SMALL, SMALL, "unit order=rgb", "unit order=bgr", "PP", NULL);
    expect_text(SMALL, SMALL, "unit", "tf", "PP", NULL);
}

/* The pixels are scaled and put in order by the spec on one side, by the graph on the other. */
static void prepared_in_graph(void **state)
{
#define PREPARED(head, conv)                                                                                           \
    "opset 13; input x 1,3,16,16; float s - 127.5; float n - 255; float one - 1; float m 3,1,1 0.485,0.456,0.406; "    \
    "float d 3,1,1 0.229,0.224,0.225; int swap 3 2,1,0; float w 10,3,3,3 random; " head conv                           \
    "r = Relu(c); g = GlobalAveragePool(r); y = Flatten(g); output y"
#define PADDED   "c = Conv(p,w) pads=[1,1,1,1]; "
#define VALID    "c = Conv(p,w); "
#define AS_TF    "raw scale=127.5 mean=1,1,1"
#define AS_TORCH "raw scale=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225"
#define PLAIN    "p = Identity(x); "
#define TF       "h = Div(x,s); p = Sub(h,one); "
#define TORCH    "h = Div(x,n); i = Sub(h,m); p = Div(i,d); "
    expect_text(PREPARED(PLAIN, PADDED), PREPARED(TF, PADDED), AS_TF, "raw", "", NULL);
    expect_text(PREPARED(TF, PADDED), PREPARED(PLAIN, PADDED), "raw", AS_TF, "", NULL);
    expect_text(PREPARED(PLAIN, PADDED), PREPARED(TORCH, PADDED), AS_TORCH, "raw", "", NULL);
    expect_text(PREPARED(PLAIN, PADDED), PREPARED("q = Gather(x,swap) axis=1; p = Identity(q); ", PADDED), "raw",
                "raw order=bgr", "", NULL);
    expect_text(PREPARED(PLAIN, PADDED), PREPARED(TORCH, PADDED), AS_TORCH, "unit", "PP CG", NULL);
    expect_text(PREPARED(PLAIN, PADDED), PREPARED(TORCH, PADDED), AS_TORCH, AS_TORCH, "CG", NULL);
    expect_text(PREPARED(PLAIN, VALID), PREPARED(TF, VALID), AS_TF, "raw", "", NULL);
    expect_text(PREPARED(PLAIN, VALID), PREPARED(TORCH, VALID), AS_TORCH, "raw", "", NULL);
    expect_text(PREPARED(TF, VALID), PREPARED(TORCH, VALID), "raw", "raw", "WB CG", NULL);
    /* Fed with what the Source makes of the pixels, and prepares them once more. */
    expect_text(PREPARED(TF, PADDED), PREPARED("a = Abs(x); h = Div(a,s); p = Sub(h,one); ", PADDED), "raw", AS_TF,
                "PP CG", NULL);
    expect_text(PREPARED(PLAIN, VALID), PREPARED("q = Gather(x,swap) axis=1; h = Div(q,s); p = Sub(h,one); ", VALID),
                AS_TF, "raw order=bgr", "", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_padding),  cmocka_unit_test(resize_modes),      cmocka_unit_test(resize_antialias),
        cmocka_unit_test(pooling),       cmocka_unit_test(order_lost),        cmocka_unit_test(batch_normalisation),
        cmocka_unit_test(opsets),        cmocka_unit_test(activations),       cmocka_unit_test(groups),
        cmocka_unit_test(precision),     cmocka_unit_test(recurrent),         cmocka_unit_test(contract),
        cmocka_unit_test(made_up_for),   cmocka_unit_test(one_fault_each),    cmocka_unit_test(unreached),
        cmocka_unit_test(preprocessing), cmocka_unit_test(prepared_in_graph),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
