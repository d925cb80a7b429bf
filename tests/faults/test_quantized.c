/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A float network and quantised Targets of it, between QuantizeLinear and DequantizeLinear and as QLinearConv: its
 * rounding is no fault, a wrong scale, zero point or integer is one, and after the repair the Target is as quantised as it
 * was. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "fetafix/repair.h"
#include "text_model.h"

#define ok(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != FF_OK)                                                                                           \
            fail_msg("%s: %s", #call, ff_error());                                                                     \
    } while (0)

enum { IMAGES = 12, SEED = 21 };

#define WEIGHTS                                                                                                        \
    "opset 13; input x 1,3,16,16;"                                                                                     \
    "float w1 8,3,3,3 random; float b1 8 random; float w2 6,8,3,3 random; float b2 6 random;"                          \
    "float w5 10,864 random; float b5 10 random;"
static const char real_text[] =
    WEIGHTS "c1 = Conv(x,w1,b1) pads=[1,1,1,1] strides=[2,2]; r1 = Relu(c1);"
            "c2 = Conv(r1,w2,b2) pads=[3,3,3,3]; f = Flatten(c2); y = Gemm(f,w5,b5) transB=1; output y";
static const char between_text[] =
    WEIGHTS "xq = QuantizeLinear(x,xs,xz); xd = DequantizeLinear(xq,xs,xz);"
            "d1 = DequantizeLinear(q1,s1,z1) axis=0; e1 = DequantizeLinear(k1,t1) axis=0;"
            "c1 = Conv(xd,d1,e1) pads=[1,1,1,1] strides=[2,2]; r1 = Relu(c1);"
            "rq = QuantizeLinear(r1,rs,rz); rd = DequantizeLinear(rq,rs2,rz2);"
            "d2 = DequantizeLinear(q2,s2,z2) axis=0; e2 = DequantizeLinear(k2,t2) axis=0;"
            "c2 = Conv(rd,d2,e2) pads=[3,3,3,3]; f = Flatten(c2); y = Gemm(f,w5,b5) transB=1; output y";
/* Kernels as another framework stores them, turned round for ONNX. */
static const char turned_text[] =
    WEIGHTS "xq = QuantizeLinear(x,xs,xz); xd = DequantizeLinear(xq,xs,xz);"
            "d1 = DequantizeLinear(q1,s1,z1) axis=0; e1 = DequantizeLinear(k1,t1) axis=0;"
            "c1 = Conv(xd,d1,e1) pads=[1,1,1,1] strides=[2,2]; r1 = Relu(c1);"
            "rq = QuantizeLinear(r1,rs,rz); rd = DequantizeLinear(rq,rs2,rz2);"
            "d2 = DequantizeLinear(q2,s2,z2) axis=0; h2 = Transpose(d2) perm=[2,3,1,0]; i2 = Identity(h2);"
            "w3 = Transpose(i2) perm=[3,2,0,1]; e2 = DequantizeLinear(k2,t2) axis=0;"
            "c2 = Conv(rd,w3,e2) pads=[3,3,3,3]; f = Flatten(c2); y = Gemm(f,w5,b5) transB=1; output y";
static const char linear_text[] =
    WEIGHTS "xq = QuantizeLinear(x,xs,xz);"
            "c1 = QLinearConv(xq,xs,xz,q1,s1,z1,rs,rz,k1) pads=[1,1,1,1] strides=[2,2];"
            "c2 = QLinearConv(c1,rs2,rz2,q2,s2,z2,cs,cz,k2) pads=[3,3,3,3];"
            "d = DequantizeLinear(c2,cs,cz); f = Flatten(d); y = Gemm(f,w5,b5) transB=1; output y";
/* The Relu is one, with the integers turned into numbers for it. */
static const char mixed_text[] =
    WEIGHTS "xq = QuantizeLinear(x,xs,xz);"
            "c1 = QLinearConv(xq,xs,xz,q1,s1,z1,ps,pz,k1) pads=[1,1,1,1] strides=[2,2];"
            "p1 = DequantizeLinear(c1,ps,pz); r1 = Relu(p1); rq = QuantizeLinear(r1,rs,rz);"
            "c2 = QLinearConv(rq,rs2,rz2,q2,s2,z2,cs,cz,k2) pads=[3,3,3,3];"
            "d = DequantizeLinear(c2,cs,cz); f = Flatten(d); y = Gemm(f,w5,b5) transB=1; output y";

typedef struct damage {
    const char *name;
    const char *constant; /* whose numbers are multiplied and shifted */
    double factor, shift;
    const char *cause; /* NULL: no finding */
} damage;

static const damage damages[] = {
    {"as it should be", NULL, 1, 0, NULL},
    {"a scale too large", "s2", 1.5, 0, "quantization-scale"},
    {"a scale too small", "s1", 0.4, 0, "quantization-scale"},
    {"a zero point moved", "z2", 1, 11, "quantization-zero-point"},
    {"other integers", "q2", -1, 3, "different"},
    {"another bias", "k2", -1, 1000, "different"},
    {"activations cut off", "rs", 0.25, 0, "activation-scale"},
    {"activations in few steps", "rs", 12, 0, "activation-scale"},
    {"the input cut off", "xs", 0.3, 0, "activation-scale"},
    {"activations around another zero point", "rz", 1, 130, "activation-zero-point"},
    {"the input around another zero point", "xz", 1, 90, "activation-zero-point"},
    {"read with another scale", "rs2", 2.5, 0, "activation-scale"},
    {"read with another zero point", "rz2", 1, 31, "activation-zero-point"},
};
static const damage of_bias = {"a bias under another scale", "t2", 9, 0, "quantization-scale"};
static const damage of_inner = {"cut off before the Relu", "ps", 0.3, 0, "activation-scale"};

static ff_dataset *set;
static char folder[] = "/tmp/fetafix-quantized-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    ff_rng rng = {5};
    if (!mkdtemp(folder))
        return -1;
    for (int i = 0; i < IMAGES; i++) {
        uint8_t rgb[16 * 16 * 3];
        for (size_t k = 0; k < sizeof rgb; k++)
            rgb[k] = (uint8_t)ff_rng_below(&rng, 256);
        ff_image image = {16, 16, rgb};
        char *path = ff_asprintf("%s/%02d.png", folder, i);
        int code = ff_image_save_png(&image, path, true);
        free(path);
        if (code)
            return -1;
    }
    return ff_dataset_open(folder, 0, &set);
}

static int tear_down(void **state)
{
    (void)state;
    ff_dataset_destroy(set);
    for (int i = 0; i < IMAGES; i++) {
        char *path = ff_asprintf("%s/%02d.png", folder, i);
        unlink(path);
        free(path);
    }
    return rmdir(folder);
}

static void specs(ff_pre *pre)
{
    ok(ff_pre_parse("unit size=16x16", pre));
}

/* The range of a value of the float network over all images. */
static void range_of(const char *text, const char *value, float *low, float *high)
{
    ff_model *m;
    ff_pre pre;
    ff_labels *l;
    char *other = ff_asprintf("%.*s output %s", (int)(strstr(text, "output") - text), text, value);
    ok(text_model(other, SEED, &m));
    specs(&pre);
    ok(ff_label_model(m, NULL, &pre, set, false, 1 << 20, NULL, true, NULL, &l));
    *low = *high = 0;
    for (int i = 0; i < l->count; i++)
        for (int64_t k = 0; k < l->width; k++) {
            *low = fminf(*low, l->at[i].output[k]);
            *high = fmaxf(*high, l->at[i].output[k]);
        }
    ff_labels_destroy(l);
    ff_model_unref(m);
    free(other);
}

static void put(ff_patch *p, const damage *d, const char *name, ff_dtype type, int rank, const int64_t *dims,
                const double *v)
{
    ff_tensor *t;
    ok(ff_tensor_create(type, rank, dims, &t));
    bool hit = d->constant && strcmp(d->constant, name) == 0, whole = type == FF_FLOAT || type == FF_INT32;
    for (int64_t i = 0; i < t->count; i++) {
        double x = hit ? v[i] * d->factor + d->shift : v[i];
        ff_tensor_set_real(t, i, whole ? x : fmin(fmax(x, type == FF_INT8 ? -128 : 0), type == FF_INT8 ? 127 : 255));
    }
    ff_patch_set_initializer(p, name, t);
    ff_tensor_unref(t);
}

static char *numbered(char letter, int number)
{
    return ff_asprintf("%c%d", letter, number);
}

static void put_numbered(ff_patch *p, const damage *d, char letter, int number, ff_dtype type, int rank,
                         const int64_t *dims, const double *v)
{
    char *name = numbered(letter, number);
    put(p, d, name, type, rank, dims, v);
    free(name);
}

/* Symmetric int8, a scale for each output channel; the bias in units of that and of what the layer reads. */
static void quantize_layer(ff_patch *p, const damage *d, const ff_model *real, int number, double read)
{
    char *name = numbered('w', number);
    const ff_tensor *w = ff_model_find_value(real, name)->initializer;
    *name = 'b';
    const ff_tensor *bias = ff_model_find_value(real, name)->initializer;
    free(name);
    int64_t channels = w->dims[0], inner = w->count / channels;
    double *q = ff_alloc_array((size_t)w->count, sizeof *q), *s = ff_alloc_array((size_t)channels, sizeof *s),
           *z = ff_alloc_array((size_t)channels, sizeof *z), *t = ff_alloc_array((size_t)channels, sizeof *t),
           *k = ff_alloc_array((size_t)channels, sizeof *k);
    for (int64_t i = 0; i < w->count; i++)
        s[i / inner] = fmax(s[i / inner], fabs(ff_tensor_get_real(w, i)) / 127);
    for (int64_t i = 0; i < w->count; i++)
        q[i] = rint(ff_tensor_get_real(w, i) / (float)s[i / inner]);
    for (int64_t c = 0; c < channels; c++) {
        t[c] = (float)s[c] * (float)read;
        k[c] = rint(ff_tensor_get_real(bias, c) / t[c]);
    }
    put_numbered(p, d, 'q', number, FF_INT8, w->rank, w->dims, q);
    put_numbered(p, d, 's', number, FF_FLOAT, 1, &channels, s);
    put_numbered(p, d, 'z', number, FF_INT8, 1, &channels, z);
    put_numbered(p, d, 't', number, FF_FLOAT, 1, &channels, t);
    put_numbered(p, d, 'k', number, FF_INT32, 1, &channels, k);
    free(q);
    free(s);
    free(z);
    free(t);
    free(k);
}

/* The scale. What is read with its own copy of it has that from `copy_*`. */
static double quantize_activation(ff_patch *p, const damage *d, const char *value, const char *scale, const char *zero,
                                  const char *copy_scale, const char *copy_zero)
{
    float low, high;
    range_of(real_text, value, &low, &high);
    double s = (high - low) / 255, z = rint(-low / s);
    /* A scale that is wrong where the numbers are made is so where they are read. */
    damage twin = *d;
    if (d->constant && copy_scale && (strcmp(d->constant, scale) == 0 || strcmp(d->constant, zero) == 0))
        twin.constant = strcmp(d->constant, scale) == 0 ? copy_scale : copy_zero;
    put(p, d, scale, FF_FLOAT, 0, NULL, &s);
    put(p, d, zero, FF_UINT8, 0, NULL, &z);
    if (copy_scale) {
        put(p, &twin, copy_scale, FF_FLOAT, 0, NULL, &s);
        put(p, &twin, copy_zero, FF_UINT8, 0, NULL, &z);
    }
    return s;
}

static ff_model *quantized(const ff_model *real, const char *text, const damage *d)
{
    text_builder b = {.rng = {SEED}};
    char *copy = ff_strdup(text), *save = NULL;
    ff_model *m;
    for (char *s = strtok_r(copy, ";", &save); s; s = strtok_r(NULL, ";", &save))
        ok(text_statement(&b, s));
    free(copy);
    double x = quantize_activation(b.patch, d, "x", "xs", "xz", NULL, NULL);
    double r = quantize_activation(b.patch, d, "r1", "rs", "rz", "rs2", "rz2");
    quantize_activation(b.patch, d, "c1", "ps", "pz", NULL, NULL);
    quantize_activation(b.patch, d, "c2", "cs", "cz", NULL, NULL);
    quantize_layer(b.patch, d, real, 1, x);
    quantize_layer(b.patch, d, real, 2, r);
    ok(text_build(&b, &m));
    return m;
}

static int integer_nodes(const ff_model *m)
{
    const ff_graph *g = ff_model_graph(m);
    int n = 0;
    for (int i = 0; i < g->n_nodes; i++)
        n += strstr(g->nodes[i]->op, "Linear") != NULL;
    return n;
}

static ff_subject *subject_of(ff_model *real, ff_model *target, bool keep)
{
    ff_subject *s;
    ff_pre pre;
    ff_subject_options o = {.keep_quantized = keep};
    specs(&pre);
    ok(ff_subject_create(real, &pre, target, &pre, set, &o, NULL, &s));
    return s;
}

static void expect(const ff_findings *f, const damage *d, const char *style)
{
    if (f->count != (d->cause != NULL) ||
        (f->count && (f->at[0].type != FF_WB || strcmp(f->at[0].cause->name, d->cause) != 0)))
        fail_msg("%s, %s: %d findings, the first %s", style, d->name, f->count, f->count ? f->at[0].summary : "");
}

/* One finding; its first repair leaves none, and a Target whose integers are where they were. */
static void check(const char *text, const damage *d, const char *style)
{
    ff_model *real, *repaired;
    ok(text_model(real_text, SEED, &real));
    ff_model *target = quantized(real, text, d);
    ff_subject *s = subject_of(real, target, true);
    ff_findings *f, *left;
    ff_proposals *p;
    ok(ff_localize(s, NULL, &f, NULL));
    expect(f, d, style);
    ok(ff_propose(s, f, NULL, &p));
    if (d->cause) {
        assert_true(p->count > 0);
        ok(ff_proposal_apply(&p->at[0], target, &repaired));
        assert_int_equal(integer_nodes(repaired), integer_nodes(target));
        ff_subject *after = subject_of(real, repaired, true);
        ok(ff_localize(after, NULL, &left, NULL));
        if (left->count)
            fail_msg("%s, %s: after '%s' there is still: %s", style, d->name, p->at[0].summary, left->at[0].summary);
        assert_true(after->wrong <= s->wrong);
        ff_findings_destroy(left);
        ff_subject_destroy(after);
        ff_model_unref(repaired);
    } else {
        assert_int_equal(p->count, 0);
    }
    ff_proposals_destroy(p);
    ff_findings_destroy(f);
    ff_subject_destroy(s);
    ff_model_unref(target);
    ff_model_unref(real);
}

static void between_nodes(void **state)
{
    (void)state;
    for (size_t i = 0; i < FF_COUNT(damages); i++)
        check(between_text, &damages[i], "QuantizeLinear");
    check(between_text, &of_bias, "QuantizeLinear");
    for (size_t i = 0; i < FF_COUNT(damages); i++)
        check(turned_text, &damages[i], "QuantizeLinear and Transpose");
}

/* Relu lies in the clipping at zero there. */
static void linear_operators(void **state)
{
    (void)state;
    for (size_t i = 0; i < FF_COUNT(damages); i++)
        check(linear_text, &damages[i], "QLinearConv");
}

static void between_linear_operators(void **state)
{
    (void)state;
    for (size_t i = 0; i < FF_COUNT(damages); i++)
        check(mixed_text, &damages[i], "QLinearConv and Relu");
    check(mixed_text, &of_inner, "QLinearConv and Relu");
}

/* Without being told that the Target is meant to be so, everything that quantisation changes is a fault. */
static void not_meant(void **state)
{
    (void)state;
    ff_model *real;
    ok(text_model(real_text, SEED, &real));
    ff_model *target = quantized(real, between_text, &damages[0]);
    ff_subject *s = subject_of(real, target, false);
    ff_findings *f;
    int weights = 0, biases = 0, activations = 0;
    ok(ff_localize(s, NULL, &f, NULL));
    for (int i = 0; i < f->count; i++) {
        weights += f->at[i].type == FF_WB && strcmp(f->at[i].cause->name, "int8-per-channel") == 0;
        biases += f->at[i].type == FF_WB && strcmp(f->at[i].cause->name, "quantized") == 0;
        activations += f->at[i].type == FF_CG && strcmp(f->at[i].cause->name, "activation-quantized") == 0;
    }
    assert_int_equal(f->count, 6);
    assert_int_equal(weights, 2);
    assert_int_equal(biases, 2);
    assert_int_equal(activations, 2);
    ff_findings_destroy(f);
    ff_subject_destroy(s);
    ff_model_unref(target);
    ff_model_unref(real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(between_nodes),
        cmocka_unit_test(linear_operators),
        cmocka_unit_test(between_linear_operators),
        cmocka_unit_test(not_meant),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
