/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * teach: lessons. A lesson is a text file NAME.lesson that a teacher can add to:
 *
 *     title: Weights that went through int8
 *     case: wb                     (folder of the samples, see samples/case.c)
 *     answer: WB                   (any number; one of them has to be among the words answered)
 *     look:                        (text up to the next field: what to look at)
 *     question:  hint:  explain:   (further texts)
 *
 * Lessons and samples lie beside the program in the build tree, else in ../share/fetafix.
 */
#include <ctype.h>
#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "command/batch.h"

#define ENDING     ".lesson"
#define MOST_BYTES (1 << 20)

static const char *const fields[] = {"title",    "case", "answer", "look",
                                     "question", "hint", "explain"};
enum { TITLE, CASE, ANSWER, LOOK, QUESTION, HINT, EXPLAIN, FIELDS };

typedef struct lesson {
    ff_buf text[FIELDS]; /* answers: a line each */
} lesson;

static void lesson_finish(lesson *l)
{
    for (int i = 0; i < FIELDS; i++)
        ff_buf_finish(&l->text[i]);
}

/* ------------------------------------------------------------------------------------- the files
 */

/* The folder that holds samples/ and samples/lessons/; the caller frees. */
static char *share_folder(void)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    char *beside = ff_path_dirname(program), *lessons = ff_path_join(beside, "samples/lessons");
    bool built = access(lessons, R_OK) == 0;
    free(lessons);
    if (built)
        return beside;
    char *share = ff_path_join(beside, "../share/fetafix");
    free(beside);
    return share;
}

static int field_of(const char *line, size_t *used)
{
    for (int i = 0; i < FIELDS; i++) {
        size_t n = strlen(fields[i]);
        if (strncmp(line, fields[i], n) == 0 && line[n] == ':') {
            *used = n + 1 + strspn(line + n + 1, " ");
            return i;
        }
    }
    return -1;
}

static int lesson_load(const char *path, lesson *out)
{
    char *data = NULL, *rest = NULL;
    size_t size;
    int code = ff_read_file(path, MOST_BYTES, &data, &size), field = -1;
    for (char *line = code ? NULL : strtok_r(data, "\n", &rest); line && !code;
         line = strtok_r(NULL, "\n", &rest)) {
        size_t used = 0;
        int begun = line[0] == '#' ? FIELDS : field_of(line, &used);
        if (begun == FIELDS)
            continue;
        field = begun >= 0 ? begun : field;
        if (field < 0)
            code = ff_fail(FF_ERR_INPUT, "'%s': not a lesson: '%s' begins no field", path, line);
        else if (line[used])
            ff_buf_printf(&out->text[field], "%s\n", line + used);
    }
    for (int i = 0; i < FIELDS && !code; i++) {
        if (!out->text[i].len)
            code = ff_fail(FF_ERR_INPUT, "'%s': the lesson has no '%s:'", path, fields[i]);
    }
    free(data);
    if (code)
        lesson_finish(out);
    return code;
}

static int is_lesson(const struct dirent *e)
{
    size_t n = strlen(e->d_name), ending = strlen(ENDING);
    return n > ending && strcmp(e->d_name + n - ending, ENDING) == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void print_text(ff_context *c, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        char *line = ff_visible_n(text, n);
        say(c, "%s\n", line);
        free(line);
        text += n + (text[n] == '\n');
    }
}

static int list_lessons(ff_context *c, const char *share)
{
    struct dirent **found = NULL;
    char *folder = ff_path_join(share, "samples/lessons");
    int n = scandir(folder, &found, is_lesson, by_bytes), code = FF_OK;
    if (n <= 0)
        code = ff_fail(FF_ERR_INPUT, "'%s': no lessons are there", folder);
    for (int i = 0; i < n; i++) {
        lesson l = {0};
        char *path = ff_path_join(folder, found[i]->d_name);
        char *name = ff_visible_n(found[i]->d_name, strlen(found[i]->d_name) - strlen(ENDING));
        if (!code && !(code = lesson_load(path, &l))) {
            say(c, "%-16s ", name);
            print_text(c, l.text[TITLE].data);
        }
        lesson_finish(&l);
        free(name);
        free(path);
        free(found[i]);
    }
    free(found);
    free(folder);
    return code;
}

/* ------------------------------------------------------------------------------------ the lesson
 */

/* Opens the sample as its case.json says. */
static int open_sample(ff_context *c, const char *share, lesson *l)
{
    char *name = ff_strndup(l->text[CASE].data, strcspn(l->text[CASE].data, "\n"));
    char *samples = ff_path_join(share, "samples"), *folder = ff_path_join(samples, name);
    char *source = ff_path_join(folder, "source.onnx"),
         *target = ff_path_join(folder, "target.onnx");
    char *images = ff_path_join(samples, "images.txt"),
         *labels = ff_path_join(samples, "labels.txt");
    char *path = ff_path_join(folder, "case.json");
    ff_session_options o = c->options->session;
    json_t *known = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    int code = FF_OK;
    o.source = source;
    o.target = target;
    o.images = images;
    o.labels = labels;
    o.source_pre = json_string_value(json_object_get(known, "source_preprocessing"));
    o.target_pre = json_string_value(json_object_get(known, "target_preprocessing"));
    if (!o.source_pre || !o.target_pre)
        code = ff_fail(FF_ERR_INPUT, "'%s': the sample '%s' is not there", path, name);
    if (!code && !(code = ff_session_open(&o, &c->session))) {
        interrupt_watch(c->session);
        code = batch_wait(c, 1);
    }
    if (!code)
        code = batch_run(c, &(ff_request){.kind = FF_JOB_LOCALIZE});
    json_decref(known);
    free(path);
    free(labels);
    free(images);
    free(target);
    free(source);
    free(folder);
    free(samples);
    free(name);
    return code;
}

/* Is one of the answers among the words, whatever their case? */
static bool is_right(const char *answers, const char *said)
{
    while (*answers) {
        size_t n = strcspn(answers, "\n");
        for (const char *s = said; *s; s++) {
            bool begins = s == said || !isalnum((unsigned char)s[-1]);
            if (begins && strncasecmp(s, answers, n) == 0 && !isalnum((unsigned char)s[n]))
                return true;
        }
        answers += n + (answers[n] == '\n');
    }
    return false;
}

static void take_answer(ff_context *c, const lesson *l, const char *said, bool *answered)
{
    if (!*said) {
        say(c, "answer with a few words, as: answer WB\n");
    } else if (is_right(l->text[ANSWER].data, said)) {
        *answered = true;
        say(c, "Right.\n\n");
        print_text(c, l->text[EXPLAIN].data);
        say(c,
            "\n`repair` repairs it, `status` says where things stand, `quit` ends the lesson.\n");
    } else {
        say(c, "Not that. ");
        print_text(c, l->text[HINT].data);
    }
}

/* Lines until the end of input or `quit`. *answered: the fault was found. */
static void converse(ff_context *c, const lesson *l, bool *answered)
{
    char *line = NULL;
    size_t capacity = 0;
    bool terminal = isatty(STDIN_FILENO);
    while (!c->quit && !atomic_load(&interrupted.set)) {
        if (terminal)
            say(c, "lesson> ");
        fflush(stdout);
        if (getline(&line, &capacity, stdin) < 0)
            break;
        line[strcspn(line, "\n")] = '\0';
        const char *words = line + strspn(line, " \t");
        if (strncmp(words, "answer", 6) == 0 && (!words[6] || words[6] == ' '))
            take_answer(c, l, words + 6 + strspn(words + 6, " \t"), answered);
        else if (strcmp(words, "hint") == 0)
            print_text(c, l->text[HINT].data);
        else if (ff_command_run(c, line) < 0)
            c->note(c->sink, ff_error());
    }
    free(line);
}

int verb_teach(ff_context *c, int argc, char **argv)
{
    char *share = share_folder(), *lessons = ff_path_join(share, "samples/lessons"), *path = NULL;
    lesson l = {0};
    int code;
    bool answered = false;
    if (argc == 0) {
        code = list_lessons(c, share);
        goto out;
    }
    if (strchr(argv[0], '/')) {
        path = ff_strdup(argv[0]);
    } else {
        char *name = ff_asprintf("%s" ENDING, argv[0]);
        path = ff_path_join(lessons, name);
        free(name);
        if (access(path, F_OK)) {
            code = ff_fail(FF_ERR_USAGE, "'%s' is no lesson; `fetafix teach` lists them", argv[0]);
            goto out;
        }
    }
    if ((code = lesson_load(path, &l)) || (code = open_sample(c, share, &l)))
        goto out;
    print_text(c, l.text[TITLE].data);
    say(c, "\n");
    print_text(c, l.text[LOOK].data);
    say(c, "\n");
    print_text(c, l.text[QUESTION].data);
    say(c, "(answer WORDS; hint; help lists the other commands)\n\n");
    converse(c, &l, &answered);
    if (atomic_load(&interrupted.set))
        code = ff_fail(FF_ERR_CANCELLED, "interrupted");
    else if (!answered)
        note(c, "the question is still open");
out:
    lesson_finish(&l);
    free(path);
    free(lessons);
    free(share);
    return code;
}
