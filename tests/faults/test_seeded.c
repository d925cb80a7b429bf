/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One small network and conversions of it with one seeded fault each: the fault is found with its
 * type and cause and nothing else is, and the search repairs it; equivalent rewrites are no finding. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "loop.h"
#include "text_model.h"

#define ok(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != FF_OK)                                                                                           \
            fail_msg("%s: %s", #call, ff_error());                                                                     \
    } while (0)

static const char network[] = "opset 13; input x 1,3,16,16;"
                              "float w1 8,3,3,3 random; float b1 8 random; float w2 8,1,3,3 random; float b2 8 random;"
                              "float w3 8,8,1,1 random; float b3 8 random; float w4 6,8,3,3 random; float b4 6 random;"
                              "float w5 10,896 random; float b5 10 random; float lo - 0; float hi - 6;"
                              "c1 = Conv(x,w1,b1) pads=[0,0,1,1] strides=[2,2];"
                              "r1 = Clip(c1,lo,hi);"
                              "c2 = Conv(r1,w2,b2) pads=[1,1,1,1] group=8;"
                              "float g2 8 1.2,0.7,1.1,0.9,1.4,0.8,1,1.3; float s2 8 random; float m2 8 random;"
                              "float q2 8 0.6,1.5,0.8,1,1.2,0.7,0.9,1.1;"
                              "n2 = BatchNormalization(c2,g2,s2,m2,q2);"
                              "r2 = Relu(n2);"
                              "c3 = Conv(r2,w3,b3);"
                              "a = Add(c3,r1);"
                              "c4 = Conv(a,w4,b4) pads=[1,1,1,1];"
                              "p = MaxPool(a) kernel_shape=[3,3] pads=[1,1,1,1] strides=[1,1];"
                              "k = Concat(c4,p) axis=1;"
                              "f = Flatten(k);"
                              "y = Gemm(f,w5,b5) transB=1;"
                              "output y";

typedef struct seeded {
    const char *name, *from, *to; /* text replaced in the network */
    const char *pre;              /* the Target's preprocessing where it is another */
    int n;
    const char *expect[3]; /* "TYPE cause" in any order */
} seeded;

static const seeded list[] = {
    {"same", "opset 13", "opset 13", NULL, 0, {0}},
    {"nhwc", "input x 1,3,16,16;", "input xx 1,16,16,3; x = Transpose(xx) perm=[0,3,1,2];", NULL, 0, {0}},
    {"softmax", "output y", "s = Softmax(y) axis=1; output s", NULL, 0, {0}},
    {"pad-node",
     "c1 = Conv(x,w1,b1) pads=[0,0,1,1]",
     "int pd 8 0,0,0,0,0,0,1,1; xp = Pad(x,pd); c1 = Conv(xp,w1,b1) pads=[0,0,0,0]",
     NULL,
     0,
     {0}},
    {"commuted", "Add(c3,r1)", "Add(r1,c3)", NULL, 0, {0}},
    {"pp", "opset 13", "opset 13", "tf size=16x16 scale=255", 1, {"PP preprocessing-differs"}},
    {"bgr", "opset 13", "opset 13", "tf size=16x16 order=bgr", 1, {"PP preprocessing-differs"}},
    {"pads", "pads=[0,0,1,1]", "pads=[1,1,0,0]", NULL, 1, {"LH pads-differ"}},
    {"same-upper", "pads=[1,1,1,1] group=8", "pads=[2,2,0,0] group=8", NULL, 1, {"LH pads-differ"}},
    {"pad-node-wrong",
     "c1 = Conv(x,w1,b1) pads=[0,0,1,1]",
     "int pd 8 0,0,1,1,0,0,0,0; xp = Pad(x,pd); c1 = Conv(xp,w1,b1) pads=[0,0,0,0]",
     NULL,
     1,
     {"CG pad-amounts"}},
    {"clip", "r1 = Clip(c1,lo,hi)", "float h3 - 3; r1 = Clip(c1,lo,h3)", NULL, 1, {"LH bounds-differ"}},
    {"clip-shared", "r2 = Relu(n2)", "r2 = Clip(n2,lo,hi)", NULL, 1, {"LH bounds-differ"}},
    {"relu", "r1 = Clip(c1,lo,hi)", "r1 = Relu(c1)", NULL, 1, {"LH bounds-differ"}},
    {"count-pad", "p = MaxPool(a)", "p = AveragePool(a)", NULL, 1, {"CG other-nodes"}},
    {"missing", "r2 = Relu(n2)", "r2 = Identity(n2)", NULL, 1, {"CG missing-nodes"}},
    {"missing-clip", "r1 = Clip(c1,lo,hi)", "r1 = Identity(c1)", NULL, 1, {"CG missing-nodes"}},
    {"missing-add", "a = Add(c3,r1)", "a = Identity(c3)", NULL, 1, {"CG missing-nodes"}},
    {"extra", "k = Concat(c4,p)", "e = Tanh(c4); k = Concat(e,p)", NULL, 1, {"CG extra-nodes"}},
    {"concat-order", "Concat(c4,p)", "Concat(p,c4)", NULL, 1, {"CG wired-otherwise"}},
    {"dilation",
     "c4 = Conv(a,w4,b4) pads=[1,1,1,1]",
     "c4 = Conv(a,w4,b4) pads=[2,2,2,2] dilations=[2,2]",
     NULL,
     1,
     {"LH window-differs"}},
    {"bounds",
     "r1 = Clip(c1,lo,hi)",
     "float lo1 - -1; float hi1 - 1; r1 = Clip(c1,lo1,hi1)",
     NULL,
     1,
     {"LH bounds-differ"}},
    {"relu-for-both",
     "r2 = Relu(n2)",
     "float lo1 - -1; float hi1 - 1; r2 = Clip(n2,lo1,hi1)",
     NULL,
     1,
     {"LH bounds-differ"}},
    {"kernel-transposed",
     "c4 = Conv(a,w4,b4)",
     "t4 = Transpose(w4) perm=[0,1,3,2]; c4 = Conv(a,t4,b4)",
     NULL,
     1,
     {"WB permuted"}},
    {"bias-missing", "Conv(r2,w3,b3)", "Conv(r2,w3)", NULL, 1, {"WB missing"}},
    {"scaled",
     "a = Add(c3,r1)",
     "float sc 1,8,1,1 1.5,1,1,1,0.5,1,1,1; m = Mul(c3,sc); a = Add(m,r1)",
     NULL,
     1,
     {"CG extra-nodes"}},
    {"shifted",
     "a = Add(c3,r1)",
     "float sh 1,8,1,1 1.5,1,1,1,0.5,1,1,1; m = Add(c3,sh); a = Add(m,r1)",
     NULL,
     1,
     {"WB different"}},
    {"swapped-axes",
     "input x 1,3,16,16;",
     "input xx 1,16,16,3; x = Transpose(xx) perm=[0,3,2,1];",
     NULL,
     2,
     {"TSS input-axes-permuted", "ID input-layout"}},
    {"outputs-behind", "output y", "output y; output c4", NULL, 1, {"CG outputs-redundant"}},
    {"outputs-twice", "output y", "z = Identity(y); output y; output z", NULL, 1, {"CG outputs-redundant"}},
    {"outputs", "output y", "output c4; output y", NULL, 1, {"CG outputs-reordered"}},
    {"no-transb",
     "y = Gemm(f,w5,b5) transB=1",
     "w6 = Transpose(w5) perm=[1,0]; m = MatMul(f,w6); y = Add(m,b5)",
     NULL,
     0,
     {0}},
    {"flatten-nhwc",
     "f = Flatten(k)",
     "kt = Transpose(k) perm=[0,2,3,1]; f = Flatten(kt)",
     NULL,
     1,
     {"TSS order-lost"}},
    {"flatten-nhwc-right",
     "f = Flatten(k);y = Gemm(f,w5,b5) transB=1",
     "kt = Transpose(k) perm=[0,2,3,1]; f = Flatten(kt);"
     "int d1 4 10,14,8,8; int d2 2 10,896; v1 = Reshape(w5,d1); v2 = Transpose(v1) perm=[0,2,3,1]; v3 = Reshape(v2,d2);"
     "y = Gemm(f,v3,b5) transB=1",
     NULL,
     0,
     {0}},
    {"dense-columns",
     "y = Gemm(f,w5,b5) transB=1",
     "int d1 4 10,14,8,8; int d2 2 10,896; v1 = Reshape(w5,d1); v2 = Transpose(v1) perm=[0,2,3,1]; v3 = Reshape(v2,d2);"
     "y = Gemm(f,v3,b5) transB=1",
     NULL,
     1,
     {"WB permuted"}},
    {"bfloat-chain",
     "c4 = Conv(a,w4,b4)",
     "h4 = Cast(w4) to=10; q4 = Cast(h4) to=1; c4 = Conv(a,q4,b4)",
     NULL,
     1,
     {"WB float16"}},
    {"batchnorm",
     "a = Add(c3,r1)",
     "float one 8 1; float nul 8 0; n3 = BatchNormalization(c3,one,nul,nul,one) epsilon=0.0; a = Add(n3,r1)",
     NULL,
     0,
     {0}},
    {"batchnorm-epsilon",
     "a = Add(c3,r1)",
     "float one 8 1; float nul 8 0; n3 = BatchNormalization(c3,one,nul,nul,one) epsilon=0.3; a = Add(n3,r1)",
     NULL,
     1,
     {"LH epsilon-differs"}},
    {"batchnorm-mean",
     "n2 = BatchNormalization(c2,g2,s2,m2,q2)",
     "float m4 8 0; n2 = BatchNormalization(c2,g2,s2,m4,q2)",
     NULL,
     1,
     {"WB normalisation"}},
    {"batchnorm-statistics",
     "n2 = BatchNormalization(c2,g2,s2,m2,q2)",
     "float m4 8 0.3; float v4 8 2,1,1,0.5,1,1,2,3; n2 = BatchNormalization(c2,g2,s2,m4,v4)",
     NULL,
     1,
     {"WB normalisation"}},
    {"before-batchnorm",
     "n2 = BatchNormalization(c2,",
     "e2 = Tanh(c2); n2 = BatchNormalization(e2,",
     NULL,
     1,
     {"CG extra-nodes"}},
    {"batchnorm-folded-otherwise",
     "n2 = BatchNormalization(c2,g2,s2,m2,q2)",
     "float k2 1,8,1,1 2,1,1,0.5,1,1,2,3; float d2 1,8,1,1 1,2,3,4,5,6,7,8; e2 = Mul(c2,k2); n2 = Add(e2,d2)",
     NULL,
     1,
     {"WB normalisation"}},
    {"pool-pads",
     "p = MaxPool(a) kernel_shape=[3,3] pads=[1,1,1,1]",
     "p = MaxPool(a) kernel_shape=[3,3] pads=[2,2,0,0]",
     NULL,
     1,
     {"LH pads-differ"}},
    {"pool-zero-pad",
     "p = MaxPool(a) kernel_shape=[3,3] pads=[1,1,1,1]",
     "float z - 5; int pd 8 0,0,1,1,0,0,1,1; ap = Pad(a,pd,z); p = MaxPool(ap) kernel_shape=[3,3] pads=[0,0,0,0]",
     NULL,
     1,
     {"CG pad-value"}},
    {"conv-reflected",
     "c4 = Conv(a,w4,b4) pads=[1,1,1,1]",
     "int pd 8 0,0,1,1,0,0,1,1; ap = Pad(a,pd) mode=reflect; c4 = Conv(ap,w4,b4) pads=[0,0,0,0]",
     NULL,
     1,
     {"CG pad-mode"}},
    {"input-lost", "k = Concat(c4,p)", "u = Tanh(p); k = Concat(c4,u)", NULL, 1, {"CG extra-nodes"}},
    {"cannot-run",
     "p = MaxPool(a) kernel_shape=[3,3] pads=[1,1,1,1]",
     "p = MaxPool(a) kernel_shape=[3,3] pads=[0,0,0,0]",
     NULL,
     1,
     {"LH pads-differ"}},
    {"flatten-missing", "f = Flatten(k);y = Gemm(f,", "y = Gemm(k,", NULL, 1, {"CG missing-nodes"}},
    {"wrong-axis", "f = Flatten(k);", "f = Flatten(k) axis=3;", NULL, 1, {"LH attribute-differs"}},
    {"turned", "y = Gemm(f,", "t = Transpose(f) perm=[1,0]; y = Gemm(t,", NULL, 1, {"TSS axes-permuted"}},
    {"dense-scaled",
     "y = Gemm(f,w5,b5) transB=1",
     "y = Gemm(f,w5,b5) transB=1 alpha=0.5",
     NULL,
     1,
     {"LH attribute-differs"}},
    {"dense-bias-scaled",
     "y = Gemm(f,w5,b5) transB=1",
     "y = Gemm(f,w5,b5) transB=1 beta=0.5",
     NULL,
     1,
     {"LH attribute-differs"}},
    {"dense-turned", "y = Gemm(f,w5,b5) transB=1", "y = Gemm(f,w5,b5)", NULL, 1, {"LH attribute-differs"}},
    {"dense-both-scaled",
     "y = Gemm(f,w5,b5) transB=1",
     "y = Gemm(f,w5,b5) transB=1 alpha=0.5 beta=2.0",
     NULL,
     1,
     {"LH attributes-differ"}},
    {"group-lost", "pads=[1,1,1,1] group=8", "pads=[1,1,1,1]", NULL, 1, {"LH group-differs"}},
};

static char *replaced(char *text, const char *from, const char *to)
{
    ff_buf b = {0};
    const char *at = strstr(text, from);
    assert_non_null(at);
    ff_buf_add(&b, text, (size_t)(at - text));
    ff_buf_puts(&b, to);
    ff_buf_puts(&b, at + strlen(from));
    free(text);
    return ff_buf_steal(&b);
}

static ff_model *model_of_text(char *text)
{
    ff_model *m;
    ok(text_model(text, 11, &m));
    free(text);
    return m;
}

static ff_model *model_of(const seeded *x)
{
    char *text = ff_strdup(network);
    return model_of_text(x ? replaced(text, x->from, x->to) : text);
}

static const seeded *named(const char *name)
{
    size_t i = 0;
    while (strcmp(list[i].name, name) != 0)
        assert_true(++i < FF_COUNT(list));
    return &list[i];
}

/* Pictures of a few soft blobs, different enough for a random network to tell them apart. */
static char *draw(int n)
{
    char *folder = ff_strdup("/tmp/fetafix-seeded-XXXXXX");
    assert_non_null(mkdtemp(folder));
    ff_rng rng = {5};
    for (int i = 0; i < n; i++) {
        uint8_t rgb[16 * 16 * 3];
        double at[3][5];
        for (int k = 0; k < 3; k++)
            for (int v = 0; v < 5; v++)
                at[k][v] = ff_rng_real(&rng);
        for (int y = 0; y < 16; y++)
            for (int x = 0; x < 16; x++)
                for (int c = 0; c < 3; c++) {
                    double d = hypot(x - 16 * at[c][0], (y - 16 * at[c][1]) * (0.5 + at[c][4]));
                    rgb[(y * 16 + x) * 3 + c] =
                        (uint8_t)(255 * at[c][2] * exp(-d * d / (10 + 60 * at[c][3])) + 40 * ff_rng_real(&rng));
                }
        ff_image image = {16, 16, rgb};
        char *path = ff_asprintf("%s/%02d.png", folder, i);
        ok(ff_image_save_png(&image, path, true));
        free(path);
    }
    return folder;
}

static void erase(char *folder, int n)
{
    for (int i = 0; i < n; i++) {
        char *path = ff_asprintf("%s/%02d.png", folder, i);
        unlink(path);
        free(path);
    }
    rmdir(folder);
    free(folder);
}

static char *names_of(const ff_findings *f)
{
    ff_buf b = {0};
    for (int i = 0; i < f->count; i++)
        ff_buf_printf(&b, "%s[%s %s: %s]", i ? " " : "", ff_fault_type_name(f->at[i].type), f->at[i].cause->name,
                      f->at[i].summary);
    return b.data ? ff_buf_steal(&b) : ff_strdup("none");
}

enum { MOST_INPUTS = 8 };

/* Runs a model of the bundle on its data; the largest share by which the backend tests' tolerance is used up. */
static double run_bundle(const char *at, const char *name)
{
    char *path = ff_path_join(at, name);
    ff_model *m;
    ff_plan *plan;
    ff_runner *runner;
    ff_tensor *in[MOST_INPUTS], *out[1], *expected;
    ok(ff_model_load(path, &m));
    free(path);
    int n = ff_model_graph(m)->n_inputs;
    assert_true(n <= MOST_INPUTS);
    for (int i = 0; i < n; i++) {
        path = ff_asprintf("%s/test_data_set_0/input_%d.pb", at, i);
        ok(ff_tensor_load_pb(path, &in[i]));
        free(path);
    }
    path = ff_asprintf("%s/test_data_set_0/output_0.pb", at);
    ok(ff_tensor_load_pb(path, &expected));
    free(path);
    ok(ff_plan_create(m, NULL, &plan));
    ok(ff_runner_create(plan, &runner));
    ok(ff_run(runner, (const ff_tensor *const *)in, NULL, NULL, 0, out));
    assert_int_equal(out[0]->count, expected->count);
    double worst = 0;
    for (int64_t i = 0; i < expected->count; i++) {
        double want = ff_tensor_get_real(expected, i), off = fabs(ff_tensor_get_real(out[0], i) - want);
        worst = fmax(worst, off / (1e-7 + 1e-3 * fabs(want)));
    }
    for (int i = 0; i < n; i++)
        ff_tensor_unref(in[i]);
    ff_tensor_unref(out[0]);
    ff_tensor_unref(expected);
    ff_runner_destroy(runner);
    ff_plan_unref(plan);
    ff_model_unref(m);
    return worst;
}

/* Each finding as a bundle, read back: the model is off, the repaired one is not. Those that lie in what is fed or in
 * the list of outputs have none, nor those in a model that cannot run. */
static bool check_bundles(const ff_subject *s, const ff_findings *f)
{
    ff_proposals *p;
    ff_task task = {0};
    bool good = true;
    ok(ff_propose(s, f, NULL, &p));
    for (int i = 0; i < f->count; i++) {
        char at[] = "/tmp/fetafix-bundle-XXXXXX";
        ff_repro r;
        bool none = s->target.error || f->at[i].type <= FF_ID || strncmp(f->at[i].cause->name, "outputs-", 8) == 0;
        assert_non_null(mkdtemp(at));
        int rc = ff_repro_write(s, &f->at[i], f, p, at, false, &task, &r);
        if (rc == FF_OK) {
            double worst = run_bundle(at, "model.onnx"),
                   repaired = isnan(r.repaired) ? NAN : run_bundle(at, "repaired.onnx");
            bool right = worst > 1 && r.error > 0 && r.repaired < 1e-4 && repaired <= 1;
            print_message("   %s bundle of %d nodes: %.3g off, repaired %.2g\n", right ? "" : "->", r.n_nodes, r.error,
                          r.repaired);
            good = good && right && !none;
            assert_int_not_equal(ff_repro_write(s, &f->at[i], f, p, at, false, &task, &r), FF_OK); /* it is there */
            ok(ff_repro_write(s, &f->at[i], f, p, at, true, &task, &r));
        } else {
            assert_int_equal(rc, FF_ERR_USAGE);
            print_message("   %s no bundle: %s\n", none ? "" : "->", ff_error());
            good = good && none;
        }
        char *command = ff_asprintf("rm -rf %s", at);
        assert_int_equal(system(command), 0);
        free(command);
    }
    ff_proposals_destroy(p);
    return good;
}

static bool check(const seeded *x, const ff_dataset *set)
{
    ff_model *source = model_of(NULL), *target = model_of(x);
    ff_pre source_pre, target_pre;
    ok(ff_pre_parse("tf size=16x16", &source_pre));
    ok(ff_pre_parse(x->pre ? x->pre : "tf size=16x16", &target_pre));
    ff_task task = {0};
    ff_subject *s;
    ok(ff_subject_create(source, &source_pre, target, &target_pre, set, NULL, &task, &s));
    ff_findings *f;
    ff_sames *sames;
    ok(ff_localize(s, &task, &f, &sames));
    bool good = f->count == x->n;
    bool used[3] = {0};
    for (int i = 0; i < f->count && good; i++) {
        char *name = ff_asprintf("%s %s", ff_fault_type_name(f->at[i].type), f->at[i].cause->name);
        int k = 0;
        while (k < x->n && (used[k] || strcmp(x->expect[k], name) != 0))
            k++;
        good = k < x->n;
        if (good)
            used[k] = true;
        free(name);
    }
    char *names = names_of(f);
    print_message("%s %-18s wrong %2d: %s\n", good ? "  " : "->", x->name, s->wrong, names);
    good = check_bundles(s, f) && good;
    loop_result r;
    loop_run(s, NULL, &task, &r);
    if (r.left > 0 || r.end->wrong > 0 || !(r.end->distance < 1e-4)) {
        print_message("-> %-18s not repaired: %d findings left, %d wrong, distance %g\n", x->name, r.left, r.end->wrong,
                      r.end->distance);
        good = false;
    }
    loop_finish(&r);
    free(names);
    ff_findings_destroy(f);
    ff_sames_destroy(sames);
    ff_subject_destroy(s);
    ff_model_unref(source);
    ff_model_unref(target);
    return good;
}

static char *folder;
static ff_dataset *set;
enum { IMAGES = 40 };

static int set_up(void **state)
{
    (void)state;
    folder = draw(IMAGES);
    return ff_dataset_open(folder, 0, &set);
}

static int tear_down(void **state)
{
    (void)state;
    ff_dataset_destroy(set);
    erase(folder, IMAGES);
    return 0;
}

static void each_fault(void **state)
{
    (void)state;
    int bad = 0;
    for (size_t i = 0; i < FF_COUNT(list); i++)
        if (!getenv("FETAFIX_SEEDED") || strcmp(getenv("FETAFIX_SEEDED"), list[i].name) == 0)
            bad += !check(&list[i], set);
    assert_int_equal(bad, 0);
}

static ff_subject *subject_between(ff_model *source, ff_model *target, const char *spec)
{
    ff_pre pre;
    ff_subject *s;
    ff_task task = {0};
    ok(ff_pre_parse(spec, &pre));
    ok(ff_subject_create(source, &pre, target, &pre, set, NULL, &task, &s));
    ff_model_unref(source);
    ff_model_unref(target);
    return s;
}

static ff_subject *subject_of(ff_model *target)
{
    return subject_between(model_of(NULL), target, "tf size=16x16");
}

/* One fault written among five rewrites that change nothing: it alone is found, and its repair is all there is. */
static void among_equivalences(void **state)
{
    (void)state;
    static const char *const rewrites[] = {"nhwc", "softmax", "pad-node", "batchnorm", "no-transb", "clip"};
    char *text = ff_strdup(network);
    for (size_t i = 0; i < FF_COUNT(rewrites); i++)
        text = replaced(text, named(rewrites[i])->from, named(rewrites[i])->to);
    ff_subject *s = subject_of(model_of_text(text));
    ff_findings *f;
    ff_sames *sames;
    ff_task task = {0};
    assert_true(s->wrong > 0);
    ok(ff_localize(s, &task, &f, &sames));
    assert_int_equal(f->count, 1);
    assert_string_equal(f->at[0].cause->name, "bounds-differ");
    assert_true(sames->count >= 5);
    ff_findings_destroy(f);
    ff_sames_destroy(sames);
    loop_result r;
    loop_run(s, NULL, &task, &r);
    assert_int_equal(r.end->wrong, 0);
    assert_int_equal(r.left, 0);
    assert_int_equal(r.steps, 1);
    assert_true(r.end->distance < 1e-5);
    loop_finish(&r);
    ff_subject_destroy(s);
}

static ff_tensor *copy_of(const ff_model *m, const char *name)
{
    const ff_tensor *t = ff_model_find_value(m, name)->initializer;
    ff_tensor *copy;
    ok(ff_tensor_create(t->dtype, t->rank, t->dims, &copy));
    memcpy(copy->data, t->data, t->bytes);
    return copy;
}

/* A bias of the last convolution is off, and what that does to the classes is taken back by the bias of the dense layer
 * but for a little: each repair alone makes things worse, both are right. */
static ff_model *masked(void)
{
    enum { CHANNELS = 6, AREA = 64, CLASSES = 10, COLUMNS = 896 };
    ff_model *source = model_of(NULL), *m;
    ff_tensor *b4 = copy_of(source, "b4"), *b5 = copy_of(source, "b5");
    const float *w5 = ff_model_find_value(source, "w5")->initializer->data;
    ff_rng rng = {9};
    for (int c = 0; c < CHANNELS; c++) {
        double off = 40 * ff_rng_normal(&rng);
        ff_tensor_set_real(b4, c, ff_tensor_get_real(b4, c) + off);
        for (int k = 0; k < CLASSES; k++) {
            double sum = 0;
            for (int i = 0; i < AREA; i++)
                sum += w5[k * COLUMNS + c * AREA + i];
            ff_tensor_set_real(b5, k, ff_tensor_get_real(b5, k) - 0.7 * off * sum);
        }
    }
    ff_patch *p = ff_patch_create();
    ff_patch_set_initializer(p, "b4", b4);
    ff_patch_set_initializer(p, "b5", b5);
    ok(ff_model_apply(source, p, &m, NULL));
    ff_patch_destroy(p);
    ff_tensor_unref(b4);
    ff_tensor_unref(b5);
    ff_model_unref(source);
    return m;
}

static void masking(void **state)
{
    (void)state;
    ff_task task = {0};
    ff_subject *s = subject_of(masked());
    loop_result r;
    loop_run(s, NULL, &task, &r);
    print_message("masked: wrong %d, greedy refused %d, then %d\n", s->wrong, r.raised, r.end->wrong);
    assert_true(s->wrong > 0);
    assert_int_equal(r.accepted[FF_PHASE_GREEDY], 0);
    assert_int_equal(r.raised, 2);
    assert_int_equal(r.accepted[FF_PHASE_JOINT], 1);
    assert_int_equal(r.end->wrong, 0);
    assert_int_equal(r.steps, 2);
    assert_int_equal(r.essential, 2);
    assert_int_equal(r.left, 0);
    loop_finish(&r);
    /* The paper's search stops there. */
    ff_search_options paper = {.paper = true};
    loop_run(s, &paper, &task, &r);
    assert_int_equal(r.end->wrong, s->wrong);
    loop_finish(&r);
    ff_subject_destroy(s);
}

/* Both are said to want the same pixels, and one does not: the search for a preprocessing finds it where it is the
 * cause, and does not take one that puts some label right by chance. */
static void preprocessing_without_finding(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        ff_verdict verdict;
    } rows[] = {
        {"input x 1,3,16,16;", "input xx 1,3,16,16; int turned 3 2,1,0; x = Gather(xx,turned) axis=1;",
         FF_VERDICT_BETTER},
        {"r1 = Clip(c1,lo,hi)", "float h3 - 3; r1 = Clip(c1,lo,h3)", FF_VERDICT_WORSE},
    };
    for (size_t i = 0; i < FF_COUNT(rows); i++) {
        ff_task task = {0};
        ff_subject *s = subject_of(model_of_text(replaced(ff_strdup(network), rows[i].from, rows[i].to)));
        ff_findings *f;
        ff_proposals *p;
        ff_judge *judge;
        ff_state *start;
        ff_judgement v;
        ok(ff_localize(s, &task, &f, NULL));
        ok(ff_propose(s, f, NULL, &p));
        int at = p->count - 1;
        while (at >= 0 && strcmp(p->at[at].id, FF_SEARCH_PRE) != 0)
            at--;
        assert_true(at >= 0);
        ok(ff_judge_create(s, 0, &judge));
        ok(ff_judge_state(judge, s->target.model, &s->target.pre, &task, &start));
        assert_true(start->wrong > 0);
        ok(ff_judge_proposal(judge, start, &p->at[at], false, &task, &v));
        assert_int_equal(v.verdict, rows[i].verdict);
        if (v.verdict == FF_VERDICT_BETTER) {
            assert_int_equal(v.wrong, 0);
            assert_true(v.state->pre.bgr);
        }
        ff_judgement_finish(&v);
        ff_state_destroy(start);
        ff_judge_destroy(judge);
        ff_proposals_destroy(p);
        ff_findings_destroy(f);
        ff_subject_destroy(s);
    }
}

/* Inputs that the converter declared by guesswork: most take no picture at all. */
static void inputs(void **state)
{
    (void)state;
    static const struct {
        const char *name, *to;
        bool runs; /* as it came */
    } rows[] = {
        {"axes-shifted", "input x 1,16,3,16;", false},
        {"declared-nhwc", "input x 1,16,16,3;", false},
        {"transposed-inside", "input xx 1,16,3,16; x = Transpose(xx) perm=[0,2,1,3];", false},
        {"no-batch", "input x 3,16,16;", false},
        {"no-batch-inside", "input xx 3,16,16; int d0 1 0; x = Unsqueeze(xx,d0);", false},
        {"no-batch-nhwc", "input xx 16,16,3; int d0 1 0; xu = Unsqueeze(xx,d0); x = Transpose(xu) perm=[0,3,1,2];",
         false},
        {"one-row", "input xx 1,768; int d4 4 1,3,16,16; x = Reshape(xx,d4);", false},
        {"batch-of-8", "input x 8,3,16,16;", true},
        {"batch-of-8-shifted", "input x 8,16,3,16;", false},
        {"batch-of-8-inside", "input xx 8,16,3,16; int d4 4 8,3,16,16; x = Reshape(xx,d4);", false},
        {"open-shifted", "input x -1,16,3,16;", false},
        {"open", "input x -1,-1,-1,-1;", true},
    };
    int bad = 0;
    for (size_t i = 0; i < FF_COUNT(rows); i++) {
        ff_task task = {0};
        ff_subject *s = subject_of(model_of_text(replaced(ff_strdup(network), "input x 1,3,16,16;", rows[i].to)));
        loop_result r;
        loop_run(s, NULL, &task, &r);
        bool good =
            s->wrong == (rows[i].runs ? 0 : IMAGES) && r.end->wrong == 0 && r.left == 0 && r.end->distance < 1e-5;
        if (strcmp(rows[i].name, "batch-of-8") == 0) /* frozen: one at a time is what the Source takes */
            good = good && ff_model_graph(r.end->model)->inputs[0]->declared.dims[0] == 1;
        print_message("%s %-18s wrong %2d -> %2d, %d left, %s\n", good ? "  " : "->", rows[i].name, s->wrong,
                      r.end->wrong, r.left, s->target.error ? s->target.error : "runs");
        bad += !good;
        loop_finish(&r);
        ff_subject_destroy(s);
    }
    assert_int_equal(bad, 0);
}

/* Pictures that are not square, in a network that takes any size: the Target looks at them squashed, or on their side. */
static void swapped_sides(void **state)
{
    (void)state;
    static const char wide[] =
        "opset 13; input x 1,3,12,20; float w1 8,3,3,3 random; float w2 10,8 random; float b2 10 random;"
        "c = Conv(x,w1) strides=[2,2]; r = Relu(c); g = GlobalAveragePool(r); f = Flatten(g);"
        "y = Gemm(f,w2,b2) transB=1; output y";
    static const char *const rows[][2] = {
        {"x 1,3,20,12;", "tf"},
        {"xx 1,3,20,12; x = Transpose(xx) perm=[0,1,3,2];", "tf"},
        {"x 1,3,20,12;", "tf size=20x12"},
        {"x 1,20,3,12;", "tf size=20x12"},
    };
    for (size_t i = 0; i < FF_COUNT(rows); i++) {
        ff_task task = {0};
        ff_subject *s =
            subject_between(model_of_text(ff_strdup(wide)),
                            model_of_text(replaced(ff_strdup(wide), "x 1,3,12,20;", rows[i][0])), rows[i][1]);
        loop_result r;
        loop_run(s, NULL, &task, &r);
        print_message("   %-50s wrong %d -> %d, %d left, %s\n", rows[i][0], s->wrong, r.end->wrong, r.left,
                      s->target.error ? s->target.error : "runs");
        assert_true(s->wrong > 0);
        assert_int_equal(r.end->wrong, 0);
        assert_int_equal(r.left, 0);
        assert_true(r.end->distance < 1e-5);
        loop_finish(&r);
        ff_subject_destroy(s);
    }
}

/* Nodes that are missing in the Target are copied into another opset, in the form they have there: attributes become
 * inputs, and back. */
static void other_opsets(void **state)
{
    (void)state;
    static const char before[] = "input x 1,3,16,16; float w1 8,3,3,3 random; float w2 10,8 random; float b2 10 random;"
                                 "c = Conv(x,w1) strides=[2,2];";
    static const char after[] = "g = GlobalAveragePool(a); f = Flatten(g); y = Gemm(f,w2,b2) transB=1; output y";
    static const char *const old = "opset 9;", *const new = "opset 13;";
    static const struct {
        const char *old, *new; /* what is missing in the other */
    } rows[] = {
        {"a = Clip(c) min=-2.0 max=3.0;", "float lo - -2; float hi - 3; a = Clip(c,lo,hi);"},
        {"a = Clip(c) min=-2.0;", "float lo - -2; a = Clip(c,lo);"},
        {"t = ReduceSum(c) axes=[1] keepdims=1; a = Mul(c,t);",
         "int ax 1 1; t = ReduceSum(c,ax) keepdims=1; a = Mul(c,t);"},
        {"t = Softmax(c) axis=3; a = Mul(c,t);", "t = Softmax(c); a = Mul(c,t);"},
        {"t = Slice(c) starts=[2] ends=[3] axes=[2]; a = Mul(c,t);",
         "int st 1 2; int en 1 3; int ax 1 2; t = Slice(c,st,en,ax); a = Mul(c,t);"},
    };
    int bad = 0;
    for (size_t i = 0; i < 2 * FF_COUNT(rows); i++) {
        bool forth = i % 2 == 0;
        const char *present = forth ? rows[i / 2].old : rows[i / 2].new;
        ff_task task = {0};
        ff_subject *s = subject_between(
            model_of_text(ff_asprintf("%s%s%s%s", forth ? old : new, before, present, after)),
            model_of_text(ff_asprintf("%s%sa = Identity(c);%s", forth ? new : old, before, after)), "tf size=16x16");
        loop_result r;
        loop_run(s, NULL, &task, &r);
        bool good = r.left == 0 && r.end->wrong == 0 && r.end->distance < 1e-5;
        print_message("%s opset %s %-60s wrong %d -> %d, %d left, distance %.2g\n", good ? "  " : "->",
                      forth ? "9 to 13" : "13 to 9", present, s->wrong, r.end->wrong, r.left, r.end->distance);
        bad += !good;
        loop_finish(&r);
        ff_subject_destroy(s);
    }
    assert_int_equal(bad, 0);
}

/* The Source's operator is newer than the Target's opset: it comes written out. */
static void newer_operators(void **state)
{
    (void)state;
    static const char *const lost[] = {"a = Gelu(c);", "a = Gelu(c) approximate=tanh;", "a = HardSwish(c);",
                                       "a = Mish(c);"};
    for (size_t i = 0; i < FF_COUNT(lost); i++) {
#define AROUND(opset, what)                                                                                            \
    model_of_text(ff_asprintf("opset " opset "; input x 1,3,16,16; float w1 8,3,3,3 random; float w2 10,8 random; "    \
                              "c = Conv(x,w1) strides=[2,2]; %s g = GlobalAveragePool(a); f = Flatten(g); "            \
                              "y = Gemm(f,w2) transB=1; output y",                                                     \
                              what))
        ff_task task = {0};
        ff_subject *s = subject_between(AROUND("20", lost[i]), AROUND("12", "a = Identity(c);"), "tf size=16x16");
        loop_result r;
        loop_run(s, NULL, &task, &r);
        print_message("%-40s %d left, distance %.2g\n", lost[i], r.left, r.end->distance);
        assert_int_equal(r.left, 0);
        assert_true(r.end->wrong == 0 && r.end->distance < 1e-5);
        loop_finish(&r);
        ff_subject_destroy(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault),   cmocka_unit_test(among_equivalences),
        cmocka_unit_test(masking),      cmocka_unit_test(preprocessing_without_finding),
        cmocka_unit_test(inputs),       cmocka_unit_test(swapped_sides),
        cmocka_unit_test(other_opsets), cmocka_unit_test(newer_operators),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
