/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program as comparator: what it gets, what it may answer, and everything that can go wrong with it. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/fetafix-program-XXXXXX";

static char *script(const char *name, const char *text)
{
    char *path = ff_path_join(folder, name), *whole = ff_asprintf("#!/bin/sh\n%s\n", text);
    assert_int_equal(ff_write_file(path, whole, strlen(whole), true), FF_OK);
    assert_int_equal(chmod(path, 0700), 0);
    free(whole);
    return path;
}

static int run(const char *text, const char *options, ff_label *t, ff_cancel *cancel)
{
    ff_label s;
    ff_comparator *c;
    make_row(&s, 3, (float[]){1, 2, 3});
    make_row(t, 3, (float[]){1, 2, 4});
    char *path = script("judge it;$HOME", text);
    char *spec = ff_asprintf("program:%s/judge it;$HOME,%s", folder, options);
    assert_int_equal(ff_comparator_create(spec, &c), FF_OK);
    int code = ff_compare(c, &s, t, 0, "#7", cancel, NULL);
    ff_comparator_destroy(c);
    ff_label_drop(&s);
    ff_label_drop(t);
    unlink(path);
    free(path);
    free(spec);
    return code;
}

static void answers(void **state)
{
    ff_label t;
    (void)state;
    /* Both files are there and hold what the samples hold; words stay one word, whatever is in them. */
    assert_int_equal(
        run("test \"$1\" = 'a b;c' -a $# = 3 -a -s \"$2\" -a -s \"$3\" && ! cmp -s \"$2\" \"$3\" && echo 0.75",
            "min=0.5,arg=a b;c", &t, NULL),
        FF_OK);
    assert_true(t.verdict == FF_AGREES && t.score == 0.75f && t.margin == 0.25f);
    assert_int_equal(run("echo 0.75", "max=0.5", &t, NULL), FF_OK);
    assert_true(t.verdict == FF_DIFFERS && t.score == 0.75f && t.margin == 0.25f);
    assert_int_equal(run("read x && echo 1 || echo 2", "min=2", &t, NULL), FF_OK); /* nothing to read */
    assert_true(t.verdict == FF_AGREES);
}

static void failures(void **state)
{
    static const struct {
        const char *text, *options, *expected;
    } cases[] = {
        {"echo broken >&2; exit 3", "min=1", "ended with exit code 3: broken"},
        {"echo", "min=1", "answered '', not with a number"},
        {"echo nan", "min=1", "answered 'nan'"},
        {"printf 'a\\033[2J'", "min=1", "not with a number"},
        {"kill -9 $$", "min=1", "was ended by signal 9"},
        {"sleep 60; echo 1", "min=1,timeout=0.2", "gave no answer within 0.2 s"},
        {"yes", "min=1,timeout=0.5", "gave no answer within"},
        {"(trap '' TERM; sleep 60) & echo x", "min=1", "answered 'x'"}, /* what it leaves behind is not waited for */
    };
    ff_label t;
    (void)state;
    for (size_t i = 0; i < FF_COUNT(cases); i++) {
        assert_int_equal(run(cases[i].text, cases[i].options, &t, NULL), FF_ERR_INPUT);
        if (!strstr(ff_error(), cases[i].expected) || !strstr(ff_error(), "#7") || strchr(ff_error(), '\033'))
            fail_msg("'%s': %s", cases[i].text, ff_error());
    }
    ff_comparator *c;
    ff_label s;
    make_row(&s, 1, (float[]){1});
    make_row(&t, 1, (float[]){1});
    assert_int_equal(ff_comparator_create("program:/nonexistent/judge,min=1", &c), FF_OK);
    assert_int_equal(ff_compare(c, &s, &t, 0, "#7", NULL, NULL), FF_ERR_INPUT);
    assert_non_null(strstr(ff_error(), "cannot be started"));
    ff_comparator_destroy(c);
    ff_label_drop(&s);
    ff_label_drop(&t);
    ff_cancel cancel = {true};
    assert_int_equal(run("sleep 60", "min=1", &t, &cancel), FF_ERR_CANCELLED);
}

static int begin(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return 1;
    return setenv("TMPDIR", folder, 1);
}

/* Nothing of the exchange is left. */
static int end(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(failures)};
    return cmocka_run_group_tests(tests, begin, end);
}
