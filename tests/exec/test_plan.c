/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans and runs over random networks: one result whatever the plan, hooks, threads, checkpoints.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "exec/cache.h"
#include "random_net.h"

#define NETS 40

static ff_plan *make_plan(const ff_model *m, bool reference, bool observe)
{
    ff_plan_options o = {.reference = reference, .observe = observe};
    ff_plan *p = NULL;

    if (ff_plan_create(m, &o, &p) != FF_OK)
        fail_msg("plan: %s", ff_error());
    return p;
}

static ff_runner *make_runner(const ff_plan *p)
{
    ff_runner *r = NULL;

    assert_int_equal(ff_runner_create(p, &r), FF_OK);
    return r;
}

static ff_tensor *run(ff_runner *r, const ff_tensor *x, const ff_hooks *h, ff_store *s, int sample)
{
    ff_tensor *y = NULL;

    if (ff_run(r, &x, h, s, sample, &y) != FF_OK)
        fail_msg("run: %s", ff_error());
    return y;
}

static ff_tensor *run_plan(const ff_plan *p, const ff_tensor *x, const ff_hooks *h)
{
    ff_runner *r = make_runner(p);
    ff_tensor *y = run(r, x, h, NULL, 0);

    ff_runner_destroy(r);
    return y;
}

/* Keeps what is given; wants all or one value; injects one. */
typedef struct watch {
    ff_tensor *got[4096];
    const ff_value *order[4096];
    int n, only;
    int inject;
    const ff_tensor *injected;
    int stop_at;
} watch;

static bool watch_ask(void *context, const ff_value *v)
{
    const watch *w = context;

    return w->only < 0 || v->id == w->only;
}

static int watch_give(void *context, const ff_value *v, const ff_tensor *t)
{
    watch *w = context;

    assert_null(w->got[v->id]);
    w->got[v->id] = ff_tensor_ref(t);
    w->order[w->n++] = v;
    return w->n == w->stop_at ? FF_STOP : FF_OK;
}

static const ff_tensor *watch_inject(void *context, const ff_value *v)
{
    const watch *w = context;

    return v->id == w->inject ? w->injected : NULL;
}

static void watch_clear(watch *w)
{
    for (int i = 0; i < 4096; i++)
        ff_tensor_unref(w->got[i]);
    memset(w, 0, sizeof *w);
    w->only = w->inject = -1;
}

static watch seen, reference_seen, again;

static void test_one_result(void **state)
{
    for (uint64_t seed = 1; seed <= NETS; seed++) {
        ff_model *m = random_net(seed, -1);
        ff_plan *score = make_plan(m, false, false), *observe = make_plan(m, false, true),
                *reference = make_plan(m, true, true);
        ff_tensor *x = random_tensor(seed + 100, ff_plan_input_shape(score, 0));
        ff_hooks all = {.context = &seen, .ask = watch_ask, .give = watch_give},
                 refs = {.context = &reference_seen, .ask = watch_ask, .give = watch_give};

        watch_clear(&seen);
        watch_clear(&reference_seen);
        ff_tensor *a = run_plan(score, x, NULL), *b = run_plan(observe, x, NULL), *c = run_plan(observe, x, &all),
                  *d = run_plan(reference, x, &refs);
        if (!ff_tensor_equal(a, b))
            fail_msg("net %d: fused and unfused differ by %g", (int)seed, tensor_error(a, b));
        assert_true(ff_tensor_equal(a, c));
        if (!(tensor_error(a, d) < 2e-5))
            fail_msg("net %d: %g from the reference", (int)seed, tensor_error(a, d));
        assert_true(ff_key_equal(ff_plan_output_key(score), ff_plan_output_key(observe)));
        /* Every value that is not constant was given, once, in an order that follows the graph. */
        const ff_graph *g = ff_model_graph(m);
        for (int i = 0; i < g->n_nodes; i++) {
            const ff_value *v = g->nodes[i]->outputs[0];
            assert_non_null(seen.got[v->id]);
            if (!(tensor_error(seen.got[v->id], reference_seen.got[v->id]) < 2e-5))
                fail_msg("net %d: '%s' %g from the reference", (int)seed, v->name,
                         tensor_error(seen.got[v->id], reference_seen.got[v->id]));
        }
        assert_int_equal(seen.n, reference_seen.n);
        /* One value alone is the same as among all. */
        for (int i = 0; i < g->n_nodes; i += 3) {
            watch_clear(&again);
            again.only = g->nodes[i]->outputs[0]->id;
            ff_hooks one = {.context = &again, .ask = watch_ask, .give = watch_give};
            ff_tensor *e = run_plan(observe, x, &one);
            assert_true(ff_tensor_equal(a, e));
            assert_true(ff_tensor_equal(again.got[again.only], seen.got[again.only]));
            /* So it is as the output of a score plan. */
            const char *output = g->nodes[i]->outputs[0]->name;
            ff_plan_options o = {.output = output};
            ff_plan *p;
            assert_int_equal(ff_plan_create(m, &o, &p), FF_OK);
            ff_tensor *f = run_plan(p, x, NULL);
            assert_true(ff_tensor_equal(f, again.got[again.only]));
            ff_tensor_unref(e);
            ff_tensor_unref(f);
            ff_plan_unref(p);
        }
        watch_clear(&again);
        watch_clear(&seen);
        watch_clear(&reference_seen);
        ff_tensor_unref(a);
        ff_tensor_unref(b);
        ff_tensor_unref(c);
        ff_tensor_unref(d);
        ff_tensor_unref(x);
        ff_plan_unref(score);
        ff_plan_unref(observe);
        ff_plan_unref(reference);
        ff_model_unref(m);
    }
    assert_int_equal(ff_cache_size(), 0); /* nothing outlives its plans */
}

static void test_inject(void **state)
{
    for (uint64_t seed = 1; seed <= NETS / 2; seed++) {
        ff_model *m = random_net(seed, -1);
        ff_plan *observe = make_plan(m, false, true), *reference = make_plan(m, true, true);
        ff_tensor *x = random_tensor(seed, ff_plan_input_shape(observe, 0));
        const ff_graph *g = ff_model_graph(m);

        for (int i = 0; i < g->n_nodes; i++) {
            const ff_value *v = g->nodes[i]->outputs[0];
            ff_tensor *t = random_tensor(seed * 1000 + (uint64_t)i, ff_plan_shape(observe, v));
            watch_clear(&seen);
            seen.only = seen.inject = v->id;
            seen.injected = t;
            ff_hooks h = {.context = &seen, .ask = watch_ask, .give = watch_give, .inject = watch_inject};
            ff_tensor *a = run_plan(observe, x, &h);
            assert_true(ff_tensor_equal(seen.got[v->id], t)); /* give sees it */
            watch_clear(&seen);
            seen.only = -2;
            seen.inject = v->id;
            seen.injected = t;
            ff_tensor *b = run_plan(reference, x, &h);
            if (!(tensor_error(a, b) < 5e-5))
                fail_msg("net %d, '%s' injected: %g from the reference", (int)seed, v->name, tensor_error(a, b));
            ff_tensor_unref(a);
            ff_tensor_unref(b);
            ff_tensor_unref(t);
        }
        /* The wrong shape is refused. */
        ff_shape wrong = {.dtype = FF_FLOAT, .rank = 1, .dims = {7}};
        ff_tensor *t = random_tensor(1, &wrong), *y = NULL;
        const ff_tensor *feed = x;
        watch_clear(&seen);
        seen.inject = g->nodes[0]->outputs[0]->id;
        seen.injected = t;
        ff_hooks h = {.context = &seen, .inject = watch_inject};
        ff_runner *r = make_runner(observe);
        assert_int_equal(ff_run(r, &feed, &h, NULL, 0, &y), FF_ERR_GRAPH);
        feed = t;
        assert_int_equal(ff_run(r, &feed, NULL, NULL, 0, &y), FF_ERR_GRAPH);
        assert_null(y);
        ff_runner_destroy(r);
        ff_tensor_unref(t);
        ff_tensor_unref(x);
        ff_plan_unref(observe);
        ff_plan_unref(reference);
        ff_model_unref(m);
    }
}

static void test_stop_and_cancel(void **state)
{
    ff_model *m = random_net(3, -1);
    ff_plan *p = make_plan(m, false, true);
    ff_runner *r = make_runner(p);
    ff_tensor *x = random_tensor(3, ff_plan_input_shape(p, 0)), *y = x;
    const ff_tensor *feed = x;
    ff_cancel cancel = {true};
    ff_hooks h = {.context = &seen, .ask = watch_ask, .give = watch_give};

    watch_clear(&seen);
    seen.stop_at = 3;
    assert_int_equal(ff_run(r, &feed, &h, NULL, 0, &y), FF_OK);
    assert_null(y);
    assert_int_equal(seen.n, 3);
    h = (ff_hooks){.cancel = &cancel};
    assert_int_equal(ff_run(r, &feed, &h, NULL, 0, &y), FF_ERR_CANCELLED);
    y = run(r, x, NULL, NULL, 0); /* the runner is as good as new */
    ff_tensor *z = run_plan(p, x, NULL);
    assert_true(ff_tensor_equal(y, z));
    watch_clear(&seen);
    ff_tensor_unref(x);
    ff_tensor_unref(y);
    ff_tensor_unref(z);
    ff_runner_destroy(r);
    ff_plan_unref(p);
    ff_model_unref(m);
}

/* Runs with a store give the same bits, whatever was kept, also for an edited model. */
static void test_store(void **state)
{
    static const uint64_t budgets[] = {0, 3000, 40000, 1 << 28};
    double saved = 0;

    for (uint64_t seed = 1; seed <= NETS; seed++) {
        ff_model *base = random_net(seed, -1), *edited = random_net(seed, 3 + (int)seed % 5);
        for (int reference = 0; reference < (seed % 4 == 0 ? 2 : 1); reference++)
            for (size_t b = 0; b < FF_COUNT(budgets); b++) {
                ff_plan *p = make_plan(base, reference, false), *q = make_plan(edited, reference, false),
                        *o = make_plan(base, reference, true);
                ff_store *s = ff_store_create(budgets[b]);
                ff_runner *rp = make_runner(p), *rq = make_runner(q), *ro = make_runner(o), *plain = make_runner(q);
                ff_store_choose(s, p, 3);
                for (int i = 0; i < 6; i++) {
                    ff_tensor *x = random_tensor(seed * 10 + (uint64_t)i % 3, ff_plan_input_shape(p, 0));
                    ff_tensor *want = run_plan(p, x, NULL), *y = run(rp, x, NULL, s, i % 3),
                              *u = run(ro, x, NULL, s, i % 3), *z = run(rq, x, NULL, s, i % 3),
                              *w = run(plain, x, NULL, NULL, 0);
                    assert_true(ff_tensor_equal(y, want));
                    assert_true(ff_tensor_equal(u, want));
                    assert_true(ff_tensor_equal(z, w));
                    ff_tensor_unref(x);
                    ff_tensor_unref(want);
                    ff_tensor_unref(y);
                    ff_tensor_unref(u);
                    ff_tensor_unref(z);
                    ff_tensor_unref(w);
                }
                assert_true(ff_store_bytes(s) <= budgets[b]);
                assert_true(ff_runner_flops(rq) <= ff_runner_flops(plain));
                if (b == 3)
                    saved += 1 - ff_runner_flops(rq) / ff_runner_flops(plain);
                ff_runner_destroy(rp);
                ff_runner_destroy(rq);
                ff_runner_destroy(ro);
                ff_runner_destroy(plain);
                ff_store_destroy(s);
                ff_plan_unref(p);
                ff_plan_unref(q);
                ff_plan_unref(o);
            }
        ff_model_unref(base);
        ff_model_unref(edited);
    }
    assert_true(saved > 1); /* edits in the middle spare what lies before them */
}

/* What one model left behind is where another one starts that computes the same up to there: from the store itself, and
 * from one that stands before it. Others' samples have nothing to do with it. */
static void test_store_of_another(void **state)
{
    const ff_key ours = ff_key_of("ours", 4), theirs = ff_key_of("theirs", 6);
    double saved = 0;

    for (uint64_t seed = 1; seed <= NETS; seed++) {
        ff_model *base = random_net(seed, -1), *edited = random_net(seed, 3 + (int)seed % 5);
        ff_plan *p = make_plan(base, false, false), *q = make_plan(edited, false, false);
        ff_store *behind = ff_store_create(1 << 28), *front = ff_store_create(1 << 28);
        ff_runner *rp = make_runner(p), *rq = make_runner(q), *plain = make_runner(q);

        assert_ptr_equal(ff_store_for(behind, &ours, p, 3), behind);
        assert_ptr_equal(ff_store_for(behind, &ours, q, 3), behind);
        assert_null(ff_store_for(behind, &theirs, q, 3));
        assert_null(ff_store_for(NULL, &ours, p, 3));
        ff_store_set_behind(front, behind);
        ff_store_choose(front, q, 3);
        for (int i = 0; i < 3; i++) {
            ff_tensor *x = random_tensor(seed * 10 + (uint64_t)i, ff_plan_input_shape(p, 0));
            ff_tensor *y = run(rp, x, NULL, behind, i), *want = run(plain, x, NULL, NULL, 0),
                      *z = run(rq, x, NULL, i % 2 ? behind : front, i);
            assert_true(ff_tensor_equal(z, want));
            ff_tensor_unref(x);
            ff_tensor_unref(y);
            ff_tensor_unref(z);
            ff_tensor_unref(want);
        }
        saved += 1 - ff_runner_flops(rq) / ff_runner_flops(plain);
        ff_runner_destroy(rp);
        ff_runner_destroy(rq);
        ff_runner_destroy(plain);
        ff_store_destroy(front);
        ff_store_destroy(behind);
        ff_plan_unref(p);
        ff_plan_unref(q);
        ff_model_unref(base);
        ff_model_unref(edited);
    }
    assert_true(saved > 1);
}

struct shared {
    ff_runner *runners[4];
    ff_tensor *x[16], *y[16];
};

static int one_image(void *context, int64_t index, int worker)
{
    struct shared *s = context;
    const ff_tensor *feed = s->x[index];

    return ff_run(s->runners[worker], &feed, NULL, NULL, (int)index, &s->y[index]);
}

static void test_threads(void **state)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        ff_model *m = random_net(seed, -1);
        ff_plan *p = make_plan(m, false, false);
        for (int threads = 1; threads <= 3; threads++) {
            struct shared s = {0};
            ff_pool *pool = ff_pool_create(threads, ff_exec_enter_thread);
            for (int i = 0; i < threads; i++)
                s.runners[i] = make_runner(p);
            for (int i = 0; i < 16; i++)
                s.x[i] = random_tensor((uint64_t)i, ff_plan_input_shape(p, 0));
            assert_int_equal(ff_pool_for(pool, 16, one_image, &s, NULL), FF_OK);
            for (int i = 0; i < 16; i++) {
                ff_tensor *y = run_plan(p, s.x[i], NULL);
                assert_true(ff_tensor_equal(y, s.y[i]));
                ff_tensor_unref(y);
                ff_tensor_unref(s.x[i]);
                ff_tensor_unref(s.y[i]);
            }
            for (int i = 0; i < threads; i++)
                ff_runner_destroy(s.runners[i]);
            ff_pool_destroy(pool);
        }
        ff_plan_unref(p);
        ff_model_unref(m);
    }
}

/* An edit changes the keys behind it, and no others. */
static void test_keys(void **state)
{
    ff_model *a = random_net(5, -1), *b = random_net(5, -1), *c = random_net(5, 6);
    ff_plan *p = make_plan(a, false, true), *q = make_plan(b, false, true), *r = make_plan(c, false, true),
            *reference = make_plan(a, true, true);
    const ff_graph *g = ff_model_graph(a);
    int same = 0, other = 0;

    assert_true(ff_key_equal(ff_plan_output_key(p), ff_plan_output_key(q)));
    assert_false(ff_key_equal(ff_plan_output_key(p), ff_plan_output_key(r)));
    assert_false(ff_key_equal(ff_plan_output_key(p), ff_plan_output_key(reference)));
    for (int i = 0; i < g->n_nodes; i++) {
        const char *s = g->nodes[i]->outputs[0]->name;
        const ff_key *k = ff_plan_key(p, ff_model_find_value(a, s)), *l = ff_plan_key(r, ff_model_find_value(c, s));
        bool equal = ff_key_equal(k, l);
        same += equal;
        other += !equal;
    }
    assert_true(same > 0 && other > 0);
    ff_plan_unref(p);
    ff_plan_unref(q);
    ff_plan_unref(r);
    ff_plan_unref(reference);
    ff_model_unref(a);
    ff_model_unref(b);
    ff_model_unref(c);
}

static ff_key key_of(ff_model *m)
{
    ff_plan *p = make_plan(m, false, false);
    ff_key k = *ff_plan_output_key(p);

    ff_plan_unref(p);
    ff_model_unref(m);
    return k;
}

/* One computation, written in four ways. */
static ff_model *written(int style)
{
    net n = {.opset = style == 2 ? 13 : 11, .edit = -1, .rng = {7}};
    const int64_t in[4] = {1, 4, 8, 8}, wd[4] = {8, 4, 3, 3}, bd[4] = {1, 8, 1, 1}, c = 8;
    int64_t pads[8] = {0, 0, 0, 0, 0, 0, 1, 1};
    name x = net_input(&n, 4, in), w = net_weights(&n, 1, 0, 4, wd);

    if (style == 1)
        x = net_node(&n, "Pad", names(x, net_ints(&n, 8, pads)), NULL);
    const char *how = style == 2 ? "auto_pad='SAME_UPPER" : style == 1 ? "pads=0,0,0,0" : "pads=0,0,1,1";
    if (style == 1) {
        x = net_node(&n, "Conv", names(x, w), "strides=2,2", how, NULL);
        x = net_node(&n, "Add", names(x, net_weights(&n, 1, 0, 4, bd)), NULL);
        x = net_node(&n, "Max", names(x, net_scalar(&n, 0)), NULL);
        x = net_node(&n, "Min", names(x, net_scalar(&n, 6)), NULL);
    } else {
        x = net_node(&n, "Conv", names3(x, w, net_weights(&n, 1, 0, 1, &c)), "strides=2,2", how, NULL);
        x = net_node(&n, "Clip", names3(x, net_scalar(&n, 0), net_scalar(&n, style == 3 ? 5 : 6)), NULL);
    }
    net_output(&n, x);
    return net_model(&n);
}

static void test_keys_name_computations(void **state)
{
    ff_key a = key_of(written(0)), b = key_of(written(1)), c = key_of(written(2)), d = key_of(written(3));

    assert_true(ff_key_equal(&a, &b));
    assert_true(ff_key_equal(&a, &c));
    assert_false(ff_key_equal(&a, &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_result),
        cmocka_unit_test(test_inject),
        cmocka_unit_test(test_stop_and_cancel),
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_store_of_another),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_keys_name_computations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
