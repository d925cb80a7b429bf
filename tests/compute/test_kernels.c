/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_kernels: every reference kernel on random inputs and attributes (it must end in OK or in an
 * error, which the sanitizers watch), on requests that a hostile model makes, and on cases the ONNX
 * data lack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fetafix/compute.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUTS = 9, MAX_OUTPUTS = 4, MAX_ATTRS = 24 };

/* A node without a model, with room for what the tests put in. */
typedef struct bench {
    ff_node node;
    ff_graph graph;
    ff_value values[MAX_OUTPUTS];
    const ff_value *outputs[MAX_OUTPUTS];
    ff_attr attrs[MAX_ATTRS];
    const ff_tensor *in[MAX_INPUTS];
    int n_in;
    ff_tensor *out[MAX_OUTPUTS];
    ff_kernel_env env;
} bench;

static void bench_init(bench *b, const char *domain, const char *op, int opset)
{
    memset(b, 0, sizeof *b);
    b->node = (ff_node){.op = op,
                        .domain = domain,
                        .opset = opset,
                        .label = "node",
                        .name = "node",
                        .graph = &b->graph,
                        .n_outputs = 1,
                        .outputs = b->outputs,
                        .attrs = b->attrs};
    for (int i = 0; i < MAX_OUTPUTS; i++)
        b->outputs[i] = &b->values[i];
    b->env.memory_limit = 1 << 20;
}

static void bench_finish(bench *b)
{
    for (int i = 0; i < MAX_INPUTS; i++)
        ff_tensor_unref((ff_tensor *)b->in[i]);
    for (int i = 0; i < MAX_OUTPUTS; i++)
        ff_tensor_unref(b->out[i]);
}

static int bench_run(bench *b)
{
    const ff_kernel *k;
    int rc = ff_kernel_find(&b->node, &k);
    if (rc)
        return rc;
    b->node.n_inputs = b->n_in;
    return ff_kernel_run(k, &b->node, b->in, b->n_in, b->out, b->node.n_outputs, &b->env);
}

static void add_ints(bench *b, const char *name, size_t n, const int64_t *ints)
{
    b->attrs[b->node.n_attrs++] = (ff_attr){.name = name, .type = FF_ATTR_INTS, .n = n, .ints = ints};
}

static void add_int(bench *b, const char *name, int64_t i)
{
    b->attrs[b->node.n_attrs++] = (ff_attr){.name = name, .type = FF_ATTR_INT, .i = i};
}

static ff_tensor *make(ff_dtype t, int rank, const int64_t *dims)
{
    ff_tensor *x;
    assert_int_equal(ff_tensor_create(t, rank, dims, &x), FF_OK);
    return x;
}

static void add_reals(bench *b, ff_dtype t, int rank, const int64_t *dims, const double *v)
{
    ff_tensor *x = make(t, rank, dims);
    for (int64_t i = 0; i < x->count; i++)
        ff_tensor_set_real(x, i, v[i]);
    b->in[b->n_in++] = x;
}

static void add_list(bench *b, int64_t n, const int64_t *v)
{
    ff_tensor *x = make(FF_INT64, 1, &n);
    memcpy(x->data, v, (size_t)n * sizeof *v);
    b->in[b->n_in++] = x;
}

static void expect(const bench *b, int output, int64_t n, const double *want)
{
    assert_int_equal(b->out[output]->count, n);
    for (int64_t i = 0; i < n; i++) {
        double have = ff_tensor_get_real(b->out[output], i);
        if (!(fabs(have - want[i]) <= 1e-5 + 1e-5 * fabs(want[i])))
            fail_msg("element %d is %.9g, not %.9g", (int)i, have, want[i]);
    }
}

/* --------------------------------------------------------------------------- random inputs */

static int64_t small(ff_rng *r, int low, int high)
{
    return low + (int64_t)ff_rng_below(r, (uint64_t)(high - low + 1));
}

static int64_t any_int(ff_rng *r)
{
    static const int64_t extreme[] = {INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX, -1, 1 << 20, INT64_C(1) << 40};
    return ff_rng_below(r, 12) ? small(r, -3, 6) : extreme[ff_rng_below(r, FF_COUNT(extreme))];
}

static double any_real(ff_rng *r)
{
    static const double extreme[] = {INFINITY, -INFINITY, NAN, 1e30, -1e30, 0, 1e-30};
    return ff_rng_below(r, 20) ? 4 * ff_rng_normal(r) : extreme[ff_rng_below(r, FF_COUNT(extreme))];
}

static ff_tensor *random_tensor(ff_rng *r, ff_dtype type, int rank, const int64_t *like)
{
    int64_t dims[FF_MAX_RANK];
    for (int k = 0; k < rank; k++)
        dims[k] = like && ff_rng_below(r, 8) ? like[k] : small(r, ff_rng_below(r, 6) ? 1 : 0, 4);
    ff_tensor *t = make(type, rank, dims);
    for (int64_t i = 0; i < t->count; i++) {
        if (type == FF_STRING) {
            char **s = t->data;
            free(s[i]);
            s[i] = ff_asprintf("%lld", (long long)small(r, 0, 3));
        } else if (type == FF_COMPLEX64 || type == FF_COMPLEX128) {
            continue;
        } else if (ff_dtype_is_float(type)) {
            ff_tensor_set_real(t, i, any_real(r));
        } else if (type == FF_BOOL) {
            ff_tensor_set_int(t, i, small(r, 0, 1));
        } else {
            ff_tensor_set_int(t, i, any_int(r));
        }
    }
    return t;
}

static const struct {
    const char *name;
    ff_attr_type type;
    const char *values; /* of strings, comma between */
} attributes[] = {
    {"align_corners", FF_ATTR_INT, NULL},
    {"allowzero", FF_ATTR_INT, NULL},
    {"alpha", FF_ATTR_FLOAT, NULL},
    {"antialias", FF_ATTR_INT, NULL},
    {"auto_pad", FF_ATTR_STRING, "SAME_UPPER,SAME_LOWER,VALID,NOTSET"},
    {"axes", FF_ATTR_INTS, NULL},
    {"axis", FF_ATTR_INT, NULL},
    {"batch_axis", FF_ATTR_INT, NULL},
    {"batch_dims", FF_ATTR_INT, NULL},
    {"block_size", FF_ATTR_INT, NULL},
    {"blocksize", FF_ATTR_INT, NULL},
    {"ceil_mode", FF_ATTR_INT, NULL},
    {"center_point_box", FF_ATTR_INT, NULL},
    {"coordinate_transformation_mode", FF_ATTR_STRING,
     "half_pixel,asymmetric,align_corners,pytorch_half_pixel,tf_half_pixel_for_nn,tf_crop_and_"
     "resize,"
     "half_pixel_symmetric"},
    {"count_include_pad", FF_ATTR_INT, NULL},
    {"dilations", FF_ATTR_INTS, NULL},
    {"direction", FF_ATTR_STRING, "forward,reverse,bidirectional,LEFT,RIGHT"},
    {"dtype", FF_ATTR_INT, NULL},
    {"end", FF_ATTR_INT, NULL},
    {"equation", FF_ATTR_STRING, "ij,jk->ik,i->,ii->i,...i->...,ij->ji,bij,bjk->bik,i,i->i,ab,...b"},
    {"exclude_outside", FF_ATTR_INT, NULL},
    {"exclusive", FF_ATTR_INT, NULL},
    {"fmod", FF_ATTR_INT, NULL},
    {"group", FF_ATTR_INT, NULL},
    {"hidden_size", FF_ATTR_INT, NULL},
    {"ignore_index", FF_ATTR_INT, NULL},
    {"inverse", FF_ATTR_INT, NULL},
    {"k", FF_ATTR_INT, NULL},
    {"keepdims", FF_ATTR_INT, NULL},
    {"kernel_shape", FF_ATTR_INTS, NULL},
    {"layout", FF_ATTR_INT, NULL},
    {"mode", FF_ATTR_STRING, "constant,reflect,edge,wrap,nearest,linear,cubic,DCR,CRD,TF,IDF,avg,max"},
    {"nearest_mode", FF_ATTR_STRING, "floor,ceil,round_prefer_ceil,round_prefer_floor"},
    {"keep_aspect_ratio_policy", FF_ATTR_STRING, "stretch,not_larger,not_smaller"},
    {"noop_with_empty_axes", FF_ATTR_INT, NULL},
    {"num_groups", FF_ATTR_INT, NULL},
    {"onesided", FF_ATTR_INT, NULL},
    {"output_height", FF_ATTR_INT, NULL},
    {"output_padding", FF_ATTR_INTS, NULL},
    {"output_shape", FF_ATTR_INTS, NULL},
    {"output_width", FF_ATTR_INT, NULL},
    {"p", FF_ATTR_INT, NULL},
    {"padding_mode", FF_ATTR_STRING, "zeros,border,reflection"},
    {"pads", FF_ATTR_INTS, NULL},
    {"perm", FF_ATTR_INTS, NULL},
    {"periodic", FF_ATTR_INT, NULL},
    {"reduction", FF_ATTR_STRING, "none,add,mul,max,min,mean,sum"},
    {"reverse", FF_ATTR_INT, NULL},
    {"sampling_ratio", FF_ATTR_INT, NULL},
    {"scales", FF_ATTR_FLOATS, NULL},
    {"shape", FF_ATTR_INTS, NULL},
    {"size", FF_ATTR_INT, NULL},
    {"sorted", FF_ATTR_INT, NULL},
    {"spatial_scale", FF_ATTR_FLOAT, NULL},
    {"split", FF_ATTR_INTS, NULL},
    {"start", FF_ATTR_INT, NULL},
    {"starts", FF_ATTR_INTS, NULL},
    {"ends", FF_ATTR_INTS, NULL},
    {"storage_order", FF_ATTR_INT, NULL},
    {"strides", FF_ATTR_INTS, NULL},
    {"time_axis", FF_ATTR_INT, NULL},
    {"to", FF_ATTR_INT, NULL},
    {"training_mode", FF_ATTR_INT, NULL},
    {"transA", FF_ATTR_INT, NULL},
    {"transB", FF_ATTR_INT, NULL},
    {"upper", FF_ATTR_INT, NULL},
    {"sample_size", FF_ATTR_INT, NULL},
    {"ngram_counts", FF_ATTR_INTS, NULL},
    {"ngram_indexes", FF_ATTR_INTS, NULL},
    {"pool_int64s", FF_ATTR_INTS, NULL},
    {"max_gram_length", FF_ATTR_INT, NULL},
    {"max_skip_count", FF_ATTR_INT, NULL},
    {"linear_before_reset", FF_ATTR_INT, NULL},
};

typedef struct storage {
    int64_t ints[MAX_ATTRS][6];
    float floats[MAX_ATTRS][6];
    char text[MAX_ATTRS][32];
} storage;

static void random_attribute(ff_rng *r, bench *b, storage *s, size_t which)
{
    int at = b->node.n_attrs;
    ff_attr *a = &b->attrs[b->node.n_attrs++];
    *a = (ff_attr){.name = attributes[which].name, .type = attributes[which].type};
    a->i = ff_rng_below(r, 3) ? small(r, 0, 2) : any_int(r);
    a->f = (float)any_real(r);
    a->n = ff_rng_below(r, 7);
    for (int k = 0; k < 6; k++) {
        s->ints[at][k] = ff_rng_below(r, 12) ? small(r, 0, 3) : any_int(r);
        s->floats[at][k] = (float)fabs(any_real(r));
    }
    a->ints = s->ints[at];
    a->floats = s->floats[at];
    if (a->type == FF_ATTR_STRING) {
        /* One of the choices; equations hold commas themselves, so they may be cut anywhere. */
        const char *v = attributes[which].values;
        size_t skip = ff_rng_below(r, 10);
        for (; skip && strchr(v, ','); skip--)
            v = strchr(v, ',') + 1;
        size_t n = strcspn(v, ",");
        if (!strcmp(a->name, "equation") && ff_rng_below(r, 2) && v[n])
            n += 1 + strcspn(v + n + 1, ",");
        snprintf(s->text[at], sizeof s->text[at], "%.*s", (int)n, v);
        a->s = s->text[at];
        a->s_len = strlen(a->s);
    }
}

static void random_case(ff_rng *r, const ff_kernel *k)
{
    static const ff_dtype types[] = {FF_FLOAT, FF_FLOAT,  FF_FLOAT,     FF_DOUBLE, FF_FLOAT16,      FF_BFLOAT16,
                                     FF_INT64, FF_INT64,  FF_INT32,     FF_INT8,   FF_UINT8,        FF_UINT64,
                                     FF_BOOL,  FF_STRING, FF_COMPLEX64, FF_UINT16, FF_FLOAT8E4M3FN, FF_INT4};
    bench b;
    storage s;
    int64_t dims[FF_MAX_RANK];
    bench_init(&b, k->domain, k->op, k->since + (int)ff_rng_below(r, (uint64_t)(k->since > 21 ? 1 : 22 - k->since)));
    b.node.n_outputs = (int)small(r, 1, MAX_OUTPUTS);
    ff_dtype type = types[ff_rng_below(r, FF_COUNT(types))];
    int rank = (int)small(r, 0, 5);
    for (int i = 0; i < FF_MAX_RANK; i++)
        dims[i] = small(r, 1, 4);
    b.n_in = (int)small(r, ff_rng_below(r, 20) ? 1 : 0, MAX_INPUTS);
    for (int i = 0; i < b.n_in; i++) {
        if (ff_rng_below(r, 12) == 0)
            continue;
        bool alike = ff_rng_below(r, 3) != 0, list = i && ff_rng_below(r, 3) == 0;
        b.in[i] = random_tensor(r,
                                list    ? FF_INT64
                                : alike ? type
                                        : types[ff_rng_below(r, FF_COUNT(types))],
                                list    ? (int)small(r, 0, 1)
                                : alike ? rank
                                        : (int)small(r, 0, 5),
                                alike && !list ? dims : NULL);
    }
    for (size_t i = 0; i < FF_COUNT(attributes) && b.node.n_attrs < MAX_ATTRS; i++)
        if (ff_rng_below(r, 6) == 0)
            random_attribute(r, &b, &s, i);
    int rc = bench_run(&b);
    if (rc == FF_OK) {
        for (int i = 0; i < b.node.n_outputs; i++)
            assert_non_null(b.out[i]);
    } else {
        for (int i = 0; i < b.node.n_outputs; i++)
            assert_null(b.out[i]);
        assert_true(strlen(ff_error()) > 0);
        assert_true(rc == FF_ERR_GRAPH || rc == FF_ERR_NOMEM || rc == FF_ERR_UNSUPPORTED);
    }
    bench_finish(&b);
}

static void random_inputs_end_well(void **state)
{
    const char *asked = getenv("FETAFIX_FUZZ_CASES"); /* for each kernel */
    int cases = asked ? atoi(asked) : 250;
    const ff_kernel *k;
    for (int i = 0; (k = ff_kernel_at(i)); i++) {
        ff_rng r = {.state = (uint64_t)i};
        for (int n = 0; n < cases; n++)
            random_case(&r, k);
    }
}

/* ------------------------------------------------------------------------------- hostility */

static void outputs_beyond_the_limit_are_refused(void **state)
{
    bench b;
    bench_init(&b, "", "Expand", 13);
    add_reals(&b, FF_FLOAT, 0, NULL, (double[]){1});
    add_list(&b, 3, (int64_t[]){1 << 20, 1 << 20, 1});
    assert_int_equal(bench_run(&b), FF_ERR_GRAPH);
    bench_finish(&b);

    bench_init(&b, "", "ConstantOfShape", 9);
    add_list(&b, 2, (int64_t[]){INT64_C(1) << 40, INT64_C(1) << 40});
    assert_int_equal(bench_run(&b), FF_ERR_GRAPH); /* the product overflows */
    bench_finish(&b);

    bench_init(&b, "", "Tile", 13);
    add_reals(&b, FF_FLOAT, 1, (int64_t[]){2}, (double[]){1, 2});
    add_list(&b, 1, (int64_t[]){INT64_C(1) << 33});
    assert_int_equal(bench_run(&b), FF_ERR_GRAPH);
    bench_finish(&b);

    bench_init(&b, "", "Range", 11);
    int64_t from[] = {0}, to[] = {INT64_MAX}, by[] = {1};
    add_list(&b, 1, from);
    add_list(&b, 1, to);
    add_list(&b, 1, by);
    assert_int_equal(bench_run(&b), FF_ERR_GRAPH);
    assert_non_null(strstr(ff_error(), "node"));
    bench_finish(&b);

    bench_init(&b, "", "Pad", 13);
    add_reals(&b, FF_FLOAT, 2, (int64_t[]){1, 1}, (double[]){1});
    add_list(&b, 4, (int64_t[]){0, 1 << 30, 1 << 30, 0});
    assert_int_equal(bench_run(&b), FF_ERR_GRAPH);
    bench_finish(&b);
}

static void indices_out_of_range_are_refused(void **state)
{
    bench b;
    bench_init(&b, "", "Gather", 13);
    add_reals(&b, FF_FLOAT, 1, (int64_t[]){3}, (double[]){1, 2, 3});
    add_list(&b, 1, (int64_t[]){3});
    assert_int_equal(bench_run(&b), FF_ERR_GRAPH);
    assert_string_equal(ff_error(), "node 'node' (Gather): index 3 is out of range for an axis of 3");
    bench_finish(&b);
}

static void unknown_operators_are_named(void **state)
{
    bench b;
    bench_init(&b, "", "Frobnicate", 13);
    assert_int_equal(bench_run(&b), FF_ERR_UNSUPPORTED);
    assert_non_null(strstr(ff_error(), "'Frobnicate'"));
    assert_non_null(strstr(ff_error(), "'node'"));
    assert_non_null(strstr(ff_error(), "opset 13"));
    bench_finish(&b);
    bench_init(&b, "", "Gelu", 19); /* one version too early */
    assert_int_equal(bench_run(&b), FF_ERR_UNSUPPORTED);
    bench_finish(&b);
}

/* float32 has a polynomial of its own; everything else asks the C library. */
static void error_function_is_near_the_library(void **state)
{
    enum { N = 2003 };
    double in[N];
    bench b;
    for (int i = 0; i < N; i++)
        in[i] = i < 1000 ? (i - 500) / 100.0 : (i % 2 ? -1 : 1) * pow(10, (i - 1900) / 40.0);
    in[N - 3] = INFINITY;
    in[N - 2] = -INFINITY;
    in[N - 1] = NAN;
    bench_init(&b, "", "Erf", 13);
    add_reals(&b, FF_FLOAT, 1, (int64_t[]){N}, in);
    assert_int_equal(bench_run(&b), FF_OK);
    for (int i = 0; i < N - 1; i++) {
        double want = erf((float)in[i]), got = ff_tensor_get_real(b.out[0], i);
        if (!(fabs(got - want) <= 1.2e-7 * fabs(want)))
            fail_msg("erf(%g) is %.9g, not %.9g", in[i], got, want);
    }
    assert_true(isnan(ff_tensor_get_real(b.out[0], N - 1)));
    bench_finish(&b);
}

/* The operators that the model layer knows and those that have a kernel are the same, but for
 * these. */
static void every_operator_has_a_kernel(void **state)
{
    static const char *const without[] = {
        "ImageDecoder",   /* images are the business of the data layer */
        "RegexFullMatch", /* the syntax of one library's regular expressions */
    };
    const ff_op *op;
    const ff_kernel *k;
    for (int i = 0; (op = ff_op_at(i)); i++) {
        const ff_node node = {.op = op->type, .domain = op->domain, .opset = op->since, .label = "node"};
        bool excepted = false;
        for (size_t e = 0; e < FF_COUNT(without); e++)
            excepted |= !strcmp(op->type, without[e]);
        int rc = ff_kernel_find(&node, &k);
        if (excepted != (rc == FF_ERR_UNSUPPORTED))
            fail_msg("%s since %d: %s", op->type, op->since, rc ? ff_error() : "has a kernel now");
    }
    for (int i = 0; (k = ff_kernel_at(i)); i++)
        if (!*k->domain && !ff_op_find(k->domain, k->op, k->since > 21 ? k->since : 21))
            fail_msg("%s is not known to the model layer", k->op);
}

/* A body that always asks for another round. */
static int go_on(ff_kernel_env *env, const ff_graph *g, const ff_tensor *const *in, int n_in, ff_tensor **out,
                 int n_out)
{
    ff_cancel *cancel = env->context;
    if (cancel && *(const int64_t *)in[0]->data == 100)
        atomic_store(&cancel->set, true);
    int rc = ff_tensor_create(FF_BOOL, 0, NULL, &out[0]);
    if (!rc)
        *(uint8_t *)out[0]->data = 1;
    return rc;
}

static void endless_loops_end(void **state)
{
    const ff_value *ports[2] = {NULL, NULL};
    const ff_graph body = {.n_inputs = 2, .n_outputs = 1, .inputs = ports, .outputs = ports};
    ff_cancel cancel = {0};
    const ff_task task = {.cancel = &cancel};
    bench b;
    bench_init(&b, "", "Loop", 13);
    b.node.n_outputs = 0;
    b.attrs[b.node.n_attrs++] = (ff_attr){.name = "body", .type = FF_ATTR_GRAPH, .g = &body};
    b.env.run_graph = go_on;
    b.env.iteration_limit = 1000;
    assert_int_equal(bench_run(&b), FF_ERR_GRAPH);
    assert_non_null(strstr(ff_error(), "1000 rounds"));
    b.env.task = &task;
    b.env.context = &cancel;
    assert_int_equal(bench_run(&b), FF_ERR_CANCELLED);
    bench_finish(&b);
}

/* ------------------------------------------------------------------ what the ONNX data lack */

static void counting(double *v, int n)
{
    for (int i = 0; i < n; i++)
        v[i] = i + 1;
}

static void ceil_mode_divides_by_what_is_padded(void **state)
{
    /* 3 wide, kernel 2, stride 2, ceil: the last window hangs over the end. */
    bench b;
    bench_init(&b, "", "AveragePool", 19);
    add_reals(&b, FF_FLOAT, 3, (int64_t[]){1, 1, 3}, (double[]){1, 2, 3});
    add_ints(&b, "kernel_shape", 1, (int64_t[]){2});
    add_ints(&b, "strides", 1, (int64_t[]){2});
    add_int(&b, "ceil_mode", 1);
    add_int(&b, "count_include_pad", 1);
    assert_int_equal(bench_run(&b), FF_OK);
    expect(&b, 0, 2, (double[]){1.5, 3});
    bench_finish(&b);
}

static void grouped_convolution_agrees_with_sums(void **state)
{
    /* two channels, two groups, asymmetric pads, dilation 2 */
    bench b;
    bench_init(&b, "", "Conv", 11);
    double x[10], w[4] = {1, 10, 2, 20};
    counting(x, 10);
    add_reals(&b, FF_FLOAT, 3, (int64_t[]){1, 2, 5}, x);
    add_reals(&b, FF_FLOAT, 3, (int64_t[]){2, 1, 2}, w);
    add_reals(&b, FF_FLOAT, 1, (int64_t[]){2}, (double[]){0.5, -0.5});
    add_int(&b, "group", 2);
    add_ints(&b, "pads", 2, (int64_t[]){1, 0});
    add_ints(&b, "dilations", 1, (int64_t[]){2});
    assert_int_equal(bench_run(&b), FF_OK);
    expect(&b, 0, 8, (double[]){20.5, 31.5, 42.5, 53.5, 139.5, 171.5, 193.5, 215.5});
    bench_finish(&b);
}

static void blocks_have_their_own_scale(void **state)
{
    bench b;
    bench_init(&b, "", "DequantizeLinear", 21);
    add_reals(&b, FF_INT4, 2, (int64_t[]){2, 3}, (double[]){1, 2, 3, -4, -5, -6});
    add_reals(&b, FF_FLOAT, 2, (int64_t[]){2, 2}, (double[]){1, 10, 2, 20});
    add_int(&b, "axis", 1);
    add_int(&b, "block_size", 2);
    assert_int_equal(bench_run(&b), FF_OK);
    expect(&b, 0, 6, (double[]){1, 2, 30, -8, -10, -120});
    bench_finish(&b);
}

static void softmax_changed_with_opset_13(void **state)
{
    const double x[] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int opset = 11; opset <= 13; opset += 2) {
        bench b;
        bench_init(&b, "", "Softmax", opset);
        add_reals(&b, FF_FLOAT, 3, (int64_t[]){2, 2, 2}, x);
        assert_int_equal(bench_run(&b), FF_OK);
        double v = opset < 13 ? 0.25 : 0.5;
        expect(&b, 0, 8, (double[]){v, v, v, v, v, v, v, v});
        bench_finish(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_inputs_end_well),
        cmocka_unit_test(outputs_beyond_the_limit_are_refused),
        cmocka_unit_test(indices_out_of_range_are_refused),
        cmocka_unit_test(unknown_operators_are_named),
        cmocka_unit_test(error_function_is_near_the_library),
        cmocka_unit_test(every_operator_has_a_kernel),
        cmocka_unit_test(endless_loops_end),
        cmocka_unit_test(ceil_mode_divides_by_what_is_padded),
        cmocka_unit_test(grouped_convolution_agrees_with_sums),
        cmocka_unit_test(blocks_have_their_own_scale),
        cmocka_unit_test(softmax_changed_with_opset_13),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
