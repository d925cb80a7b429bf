/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One small network and conversions of it with one seeded fault each (FACTS.md section 4): the fault is found with its
 * type and cause and nothing else is, and the search repairs it; equivalent rewrites are no finding. */
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

#define ok(call)                                                                                                 \
    do {                                                                                                         \
        if ((call) != FF_OK)                                                                                     \
            fail_msg("%s: %s", #call, ff_error());                                                               \
    } while (0)

static const char network[] =
    "opset 13; input x 1,3,16,16;"
    "float w1 8,3,3,3 random; float b1 8 random; float w2 8,1,3,3 random; float b2 8 random;"
    "float w3 8,8,1,1 random; float b3 8 random; float w4 6,8,3,3 random; float b4 6 random;"
    "float w5 10,896 random; float b5 10 random; float lo - 0; float hi - 6;"
    "c1 = Conv(x,w1,b1) pads=[0,0,1,1] strides=[2,2];"
    "r1 = Clip(c1,lo,hi);"
    "c2 = Conv(r1,w2,b2) pads=[1,1,1,1] group=8;"
    "r2 = Relu(c2);"
    "c3 = Conv(r2,w3,b3);"
    "a = Add(c3,r1);"
    "c4 = Conv(a,w4,b4) pads=[1,1,1,1];"
    "p = MaxPool(a) kernel_shape=[3,3] pads=[1,1,1,1] strides=[1,1];"
    "k = Concat(c4,p) axis=1;"
    "f = Flatten(k);"
    "y = Gemm(f,w5,b5) transB=1;"
    "output y";

typedef struct seeded {
    const char *name, *from, *to;    /* text replaced in the network */
    const char *pre;                 /* the Target's preprocessing where it is another */
    int n;
    const char *expect[3];           /* "TYPE cause" in any order */
} seeded;

static const seeded list[] = {
    {"same", "opset 13", "opset 13", NULL, 0, {0}},
    {"nhwc", "input x 1,3,16,16;", "input xx 1,16,16,3; x = Transpose(xx) perm=[0,3,1,2];", NULL, 0, {0}},
    {"softmax", "output y", "s = Softmax(y) axis=1; output s", NULL, 0, {0}},
    {"pad-node", "c1 = Conv(x,w1,b1) pads=[0,0,1,1]",
     "int pd 8 0,0,0,0,0,0,1,1; xp = Pad(x,pd); c1 = Conv(xp,w1,b1) pads=[0,0,0,0]", NULL, 0, {0}},
    {"commuted", "Add(c3,r1)", "Add(r1,c3)", NULL, 0, {0}},
    {"pp", "opset 13", "opset 13", "tf size=16x16 scale=255", 1, {"PP preprocessing-differs"}},
    {"bgr", "opset 13", "opset 13", "tf size=16x16 order=bgr", 1, {"PP preprocessing-differs"}},
    {"pads", "pads=[0,0,1,1]", "pads=[1,1,0,0]", NULL, 1, {"LH pads-differ"}},
    {"same-upper", "pads=[1,1,1,1] group=8", "pads=[2,2,0,0] group=8", NULL, 1, {"LH pads-differ"}},
    {"pad-node-wrong", "c1 = Conv(x,w1,b1) pads=[0,0,1,1]",
     "int pd 8 0,0,1,1,0,0,0,0; xp = Pad(x,pd); c1 = Conv(xp,w1,b1) pads=[0,0,0,0]", NULL, 1, {"CG pad-amounts"}},
    {"clip", "r1 = Clip(c1,lo,hi)", "float h3 - 3; r1 = Clip(c1,lo,h3)", NULL, 1, {"LH bounds-differ"}},
    {"clip-shared", "r2 = Relu(c2)", "r2 = Clip(c2,lo,hi)", NULL, 1, {"LH bounds-differ"}},
    {"relu", "r1 = Clip(c1,lo,hi)", "r1 = Relu(c1)", NULL, 1, {"LH bounds-differ"}},
    {"count-pad", "p = MaxPool(a)", "p = AveragePool(a)", NULL, 1, {"CG other-nodes"}},
    {"missing", "r2 = Relu(c2)", "r2 = Identity(c2)", NULL, 1, {"CG missing-nodes"}},
    {"missing-clip", "r1 = Clip(c1,lo,hi)", "r1 = Identity(c1)", NULL, 1, {"CG missing-nodes"}},
    {"missing-add", "a = Add(c3,r1)", "a = Identity(c3)", NULL, 1, {"CG missing-nodes"}},
    {"extra", "k = Concat(c4,p)", "e = Tanh(c4); k = Concat(e,p)", NULL, 1, {"CG extra-nodes"}},
    {"concat-order", "Concat(c4,p)", "Concat(p,c4)", NULL, 1, {"CG wired-otherwise"}},
    {"dilation", "c4 = Conv(a,w4,b4) pads=[1,1,1,1]", "c4 = Conv(a,w4,b4) pads=[2,2,2,2] dilations=[2,2]", NULL, 2,
     {"LH pads-differ", "LH dilations-differ"}},
    {"kernel-transposed", "c4 = Conv(a,w4,b4)", "t4 = Transpose(w4) perm=[0,1,3,2]; c4 = Conv(a,t4,b4)", NULL, 1, {"WB permuted"}},
    {"bias-missing", "Conv(r2,w3,b3)", "Conv(r2,w3)", NULL, 1, {"WB missing"}},
    {"scaled", "a = Add(c3,r1)", "float sc 1,8,1,1 1.5,1,1,1,0.5,1,1,1; m = Mul(c3,sc); a = Add(m,r1)", NULL, 2,
     {"WB scaled", "WB different"}},
    {"shifted", "a = Add(c3,r1)", "float sh 1,8,1,1 1.5,1,1,1,0.5,1,1,1; m = Add(c3,sh); a = Add(m,r1)", NULL, 1, {"WB different"}},
    {"swapped-axes", "input x 1,3,16,16;", "input xx 1,16,16,3; x = Transpose(xx) perm=[0,3,2,1];", NULL, 2,
     {"TSS input-axes-permuted", "ID input-layout"}},
    {"outputs", "output y", "output c4; output y", NULL, 1, {"CG outputs-reordered"}},
    {"no-transb", "y = Gemm(f,w5,b5) transB=1", "w6 = Transpose(w5) perm=[1,0]; m = MatMul(f,w6); y = Add(m,b5)", NULL, 0, {0}},
    {"flatten-nhwc", "f = Flatten(k)", "kt = Transpose(k) perm=[0,2,3,1]; f = Flatten(kt)", NULL, 1, {"TSS order-lost"}},
    {"flatten-nhwc-right", "f = Flatten(k);y = Gemm(f,w5,b5) transB=1",
     "kt = Transpose(k) perm=[0,2,3,1]; f = Flatten(kt);"
     "int d1 4 10,14,8,8; int d2 2 10,896; v1 = Reshape(w5,d1); v2 = Transpose(v1) perm=[0,2,3,1]; v3 = Reshape(v2,d2);"
     "y = Gemm(f,v3,b5) transB=1", NULL, 0, {0}},
    {"dense-columns", "y = Gemm(f,w5,b5) transB=1",
     "int d1 4 10,14,8,8; int d2 2 10,896; v1 = Reshape(w5,d1); v2 = Transpose(v1) perm=[0,2,3,1]; v3 = Reshape(v2,d2);"
     "y = Gemm(f,v3,b5) transB=1", NULL, 1, {"WB permuted"}},
    {"bfloat-chain", "c4 = Conv(a,w4,b4)",
     "h4 = Cast(w4) to=10; q4 = Cast(h4) to=1; c4 = Conv(a,q4,b4)", NULL, 1, {"WB float16"}},
    {"batchnorm", "a = Add(c3,r1)", "float one 8 1; float nul 8 0; n3 = BatchNormalization(c3,one,nul,nul,one) epsilon=0; a = Add(n3,r1)",
     NULL, 0, {0}},
    {"batchnorm-epsilon", "a = Add(c3,r1)",
     "float one 8 1; float nul 8 0; n3 = BatchNormalization(c3,one,nul,nul,one) epsilon=0.3; a = Add(n3,r1)",
     NULL, 2, {"WB scaled", "WB different"}},
    {"pool-pads", "p = MaxPool(a) kernel_shape=[3,3] pads=[1,1,1,1]", "p = MaxPool(a) kernel_shape=[3,3] pads=[2,2,0,0]", NULL, 1,
     {"LH pads-differ"}},
    {"pool-zero-pad", "p = MaxPool(a) kernel_shape=[3,3] pads=[1,1,1,1]",
     "float z - 5; int pd 8 0,0,1,1,0,0,1,1; ap = Pad(a,pd,z); p = MaxPool(ap) kernel_shape=[3,3] pads=[0,0,0,0]", NULL, 2,
     {"LH pads-differ", "CG extra-nodes"}},
    {"cannot-run", "p = MaxPool(a) kernel_shape=[3,3] pads=[1,1,1,1]", "p = MaxPool(a) kernel_shape=[3,3] pads=[0,0,0,0]", NULL, 1,
     {"LH pads-differ"}},
    {"dense-scaled", "y = Gemm(f,w5,b5) transB=1", "y = Gemm(f,w5,b5) transB=1 alpha=0.5", NULL, 1, {"WB scaled"}},
};

static ff_model *model_of(const seeded *x)
{
    ff_buf b = {0};
    const char *at = x ? strstr(network, x->from) : NULL;
    if (x) {
        assert_non_null(at);
        ff_buf_add(&b, network, (size_t)(at - network));
        ff_buf_puts(&b, x->to);
        ff_buf_puts(&b, at + strlen(x->from));
    } else {
        ff_buf_puts(&b, network);
    }
    ff_model *m;
    ok(text_model(b.data, 11, &m));
    ff_buf_finish(&b);
    return m;
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
                    rgb[(y * 16 + x) * 3 + c] = (uint8_t)(255 * at[c][2] * exp(-d * d / (10 + 60 * at[c][3])) + 40 * ff_rng_real(&rng));
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
        ff_buf_printf(&b, "%s[%s %s: %s]", i ? " " : "", ff_fault_type_name(f->at[i].type), f->at[i].cause, f->at[i].summary);
    return b.data ? ff_buf_steal(&b) : ff_strdup("none");
}

/* Greedy, joint, completion, minimisation; returns how many findings are left. */
static int repair(ff_subject *first, const ff_task *task, ff_state **end)
{
    ff_judge *judge;
    ff_state *start, *state;
    ff_subject *subject = first;
    ff_findings *f;
    ff_proposals *p;
    ff_proposal steps[64];
    int n_steps = 0;
    ff_trial t;
    ok(ff_judge_create(first, 64 << 20, &judge));
    ok(ff_judge_state(judge, first->target.model, &first->target.pre, task, &start));
    assert_int_equal(start->wrong, first->wrong);
    state = start;
    ff_search *search = ff_search_create(NULL);
    ok(ff_localize(subject, task, &f, NULL));
    ok(ff_propose(subject, f, NULL, &p));
    ff_search_set_proposals(search, p);
    while (ff_search_next(search, state->wrong, &t)) {
        ff_outcome o;
        ok(ff_trial_run(&t, judge, subject, start, state, p, steps, n_steps, task, &o));
        if (o.judgement.verdict == FF_VERDICT_BROKEN)
            print_message("  broken: %s\n", o.judgement.why);
        ff_search_report(search, &t, o.judgement.verdict, o.accepted);
        if (o.accepted && t.kind == FF_TRIAL_ADD) {
            for (int i = 0; i < t.n; i++)
                ff_proposal_copy(&p->at[t.indices[i]], &steps[n_steps++]);
            if (state != start)
                ff_state_destroy(state);
            state = o.judgement.state;
            o.judgement.state = NULL;
            ff_subject *next;
            ok(ff_subject_retarget(first, state->model, &state->pre, state->labels, task, &next));
            if (subject != first)
                ff_subject_destroy(subject);
            subject = next;
            ff_findings_destroy(f);
            ff_proposals_destroy(p);
            ok(ff_localize(subject, task, &f, NULL));
            ok(ff_propose(subject, f, NULL, &p));
            ff_search_set_proposals(search, p);
        }
        ff_outcome_finish(&o);
    }
    int left = f->count;
    for (int i = 0; i < n_steps; i++)
        ff_proposal_finish(&steps[i]);
    if (subject != first)
        ff_subject_destroy(subject);
    ff_findings_destroy(f);
    ff_proposals_destroy(p);
    ff_search_destroy(search);
    *end = ff_state_copy(state);
    if (state != start)
        ff_state_destroy(state);
    ff_state_destroy(start);
    ff_judge_destroy(judge);
    return left;
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
        char *name = ff_asprintf("%s %s", ff_fault_type_name(f->at[i].type), f->at[i].cause);
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
    ff_state *end;
    int left = repair(s, &task, &end);
    if (left > 0 || end->wrong > 0 || !(end->distance < 1e-4)) {
        print_message("-> %-18s not repaired: %d findings left, %d wrong, distance %g\n", x->name, left, end->wrong, end->distance);
        good = false;
    }
    ff_state_destroy(end);
    free(names);
    ff_findings_destroy(f);
    ff_sames_destroy(sames);
    ff_subject_destroy(s);
    ff_model_unref(source);
    ff_model_unref(target);
    return good;
}

static void each_fault(void **state)
{
    enum { IMAGES = 40 };
    char *folder = draw(IMAGES);
    ff_dataset *set;
    ok(ff_dataset_open(folder, 0, &set));
    int bad = 0;
    for (size_t i = 0; i < FF_COUNT(list); i++)
        if (!getenv("FETAFIX_SEEDED") || strcmp(getenv("FETAFIX_SEEDED"), list[i].name) == 0)
            bad += !check(&list[i], set);
    ff_dataset_destroy(set);
    erase(folder, IMAGES);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_fault)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
