/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lesson files: where they lie, and how they are read. */

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lessons/answer.h"

#define ENDING     ".lesson"
#define MOST_BYTES (1 << 20)

static const char *const fields[] = {"title", "case", "answer", "look", "question", "hint", "explain"};
enum { TITLE, CASE, ANSWER, LOOK, QUESTION, HINT, EXPLAIN, FIELDS };

/* ------------------------------------------------------------------------------- the folders */

/* The samples lie beside the program in the build tree, else in ../share/fetafix. */
static char *samples_folder(void)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    char *beside = ff_path_dirname(program), *samples = ff_path_join(beside, "samples");
    char *lessons = ff_path_join(samples, "lessons");
    if (access(lessons, R_OK) != 0) {
        free(samples);
        samples = ff_path_join(beside, "../share/fetafix/samples");
    }
    free(lessons);
    free(beside);
    return samples;
}

/* Shipped lessons first, then the user's: $XDG_DATA_HOME/fetafix/lessons. NULL: there is none. */
static char *lessons_folder(int which)
{
    if (which == 0) {
        char *samples = samples_folder(), *folder = ff_path_join(samples, "lessons");
        free(samples);
        return folder;
    }
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && *data == '/')
        return ff_asprintf("%s/fetafix/lessons", data);
    return home && *home ? ff_asprintf("%s/.local/share/fetafix/lessons", home) : NULL;
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

int ff_lesson_list(int (*take)(void *context, const char *name, const char *path), void *context)
{
    int code = FF_OK, seen = 0;
    for (int which = 0; which < 2; which++) {
        char *folder = lessons_folder(which);
        struct dirent **found = NULL;
        int n = folder ? scandir(folder, &found, is_lesson, by_bytes) : 0;
        for (int i = 0; i < n; i++) {
            char *path = ff_path_join(folder, found[i]->d_name);
            char *name = ff_strndup(found[i]->d_name, strlen(found[i]->d_name) - strlen(ENDING));
            if (!code)
                code = take(context, name, path);
            seen++;
            free(name);
            free(path);
            free(found[i]);
        }
        free(found);
        if (!code && which == 0 && seen == 0)
            code = ff_fail(FF_ERR_INPUT, "'%s': no lessons are there", folder);
        free(folder);
    }
    return code;
}

typedef struct search {
    const char *name;
    char *path;
    char *names[256];
    size_t n;
} search;

static int take_name(void *context, const char *name, const char *path)
{
    search *s = context;
    if (strcmp(name, s->name) == 0) { /* the user's lesson hides a shipped one of the same name */
        free(s->path);
        s->path = ff_strdup(path);
    }
    if (s->n < FF_COUNT(s->names))
        s->names[s->n++] = ff_strdup(name);
    return FF_OK;
}

int ff_lesson_find(const char *name, char **path)
{
    if (strchr(name, '/')) {
        *path = ff_strdup(name);
        return FF_OK;
    }
    search s = {.name = name};
    int code = ff_lesson_list(take_name, &s);
    if (!code && !s.path) {
        const char *near = ff_nearest(name, (const char *const *)s.names, s.n);
        code = near ? ff_fail(FF_ERR_USAGE, "'%s' is no lesson; did you mean '%s'?", name, near)
                    : ff_fail(FF_ERR_USAGE, "'%s' is no lesson; `fetafix teach` lists them", name);
    }
    for (size_t i = 0; i < s.n; i++)
        free(s.names[i]);
    if (code)
        free(s.path);
    else
        *path = s.path;
    return code;
}

char *ff_lesson_sample_file(const ff_lesson *l, const char *name)
{
    /* A teacher's own sample lies beside the lesson. */
    char *beside = ff_path_dirname(l->path), *folder = ff_path_join(beside, l->sample);
    char *source = ff_path_join(folder, "source.onnx");
    if (access(source, F_OK) != 0) {
        free(folder);
        free(beside);
        beside = samples_folder();
        folder = ff_path_join(beside, l->sample);
    }
    char *file = ff_path_join(folder, name);
    if (access(file, F_OK) != 0 && strstr(name, ".txt")) { /* pictures that several samples share */
        free(file);
        file = ff_path_join(beside, name);
    }
    free(source);
    free(folder);
    free(beside);
    return file;
}

/* ---------------------------------------------------------------------------------- the file */

/* The field that a line begins, or -1; *text: what stands behind its colon. */
static int field_of(const char *line, const char **text)
{
    for (int i = 0; i < FIELDS; i++) {
        size_t n = strlen(fields[i]);
        if (strncmp(line, fields[i], n) == 0 && line[n] == ':') {
            *text = line + n + 1 + strspn(line + n + 1, " ");
            return i;
        }
    }
    return -1;
}

/* Adds a line of text. Lines flow together; an empty one ends a paragraph, and one that begins with a
 * blank stays a line of its own. */
static void add_line(ff_buf *b, const char *line)
{
    bool kept = *line == ' ' || *line == '\t', empty = !line[strspn(line, " \t\r")];
    bool begins = b->len == 0 || b->data[b->len - 1] == '\n';
    if (empty) {
        ff_buf_puts(b, b->len == 0 ? "" : begins ? "\n" : "\n\n");
        return;
    }
    char *shown = ff_visible_n(line, strcspn(line, "\r"));
    if (kept)
        ff_buf_printf(b, "%s%s\n", begins ? "" : "\n", shown);
    else
        ff_buf_printf(b, "%s%s", begins ? "" : " ", shown);
    free(shown);
}

static char *take_text(ff_buf *b)
{
    while (b->len && b->data[b->len - 1] == '\n')
        b->data[--b->len] = '\0';
    return ff_buf_steal(b);
}

static int add_part(ff_lesson *l, const char *text, int line)
{
    static const char *const kinds[] = {[FF_PART_TYPE] = "type", [FF_PART_LAYER] = "layer", [FF_PART_WORD] = "word"};
    if (l->n_parts == FF_LESSON_PARTS)
        return ff_fail(FF_ERR_INPUT, "more than %d answers", FF_LESSON_PARTS);
    ff_lesson_part *p = &l->parts[l->n_parts];
    for (size_t k = 0; k < FF_COUNT(kinds); k++) {
        size_t n = strlen(kinds[k]);
        if (strncmp(text, kinds[k], n) == 0 && text[n] == ' ' && text[n + strspn(text + n, " \r")]) {
            *p = (ff_lesson_part){.kind = (ff_part_kind)k, .words = ff_visible(text + n + 1), .line = line};
            l->n_parts++;
            return lesson_part_check(p);
        }
    }
    return ff_fail(FF_ERR_INPUT, "expected: answer: type TYPE, answer: layer NAME or answer: word WORD");
}

/* What was read of one field goes to its place. */
static int end_field(ff_lesson *l, int field, ff_buf *text, int line)
{
    char **places[FIELDS] = {[TITLE] = &l->title,
                             [CASE] = &l->sample,
                             [LOOK] = &l->look,
                             [QUESTION] = &l->question,
                             [EXPLAIN] = &l->explain};
    char *s = take_text(text);
    int code = FF_OK;
    if (!s || !*s) {
        code = ff_fail(FF_ERR_INPUT, "'%s:' is empty", fields[field]);
    } else if (field == ANSWER) {
        code = add_part(l, s, line);
    } else if (field == HINT && l->n_hints == FF_LESSON_HINTS) {
        code = ff_fail(FF_ERR_INPUT, "more than %d hints", FF_LESSON_HINTS);
    } else if (field != HINT && *places[field]) {
        code = ff_fail(FF_ERR_INPUT, "a second '%s:'", fields[field]);
    } else {
        *(field == HINT ? &l->hints[l->n_hints++] : places[field]) = s;
        s = NULL;
    }
    free(s);
    return code;
}

static int check_complete(const ff_lesson *l)
{
    const bool there[FIELDS] = {l->title, l->sample, l->n_parts > 0, l->look, l->question, l->n_hints > 0, l->explain};
    for (int i = 0; i < FIELDS; i++) {
        if (!there[i])
            return ff_fail(FF_ERR_INPUT, "the lesson has no '%s:'", fields[i]);
    }
    return FF_OK;
}

static int parse(ff_lesson *l, char *data, int *number)
{
    ff_buf text = {0};
    int field = -1, begun = 0, code = FF_OK;
    for (char *line = data, *next; !code && line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        ++*number;
        if (line[0] == '#')
            continue;
        const char *rest = line;
        int now = field_of(line, &rest);
        if (now < 0 && field < 0 && line[strspn(line, " \t\r")]) {
            code = ff_fail(FF_ERR_INPUT, "not a lesson: '%s' begins no field", line);
        } else if (now >= 0) {
            int here = *number;
            if (field >= 0) {
                *number = begun;
                code = end_field(l, field, &text, begun);
            }
            if (!code)
                *number = here;
            field = now;
            begun = here;
        }
        if (!code && field >= 0)
            add_line(&text, rest);
    }
    if (!code && field >= 0) {
        *number = begun;
        code = end_field(l, field, &text, begun);
    }
    ff_buf_finish(&text);
    return code;
}

int ff_lesson_load(const char *path, ff_lesson **out)
{
    char *data = NULL;
    size_t size;
    int code = ff_read_file(path, MOST_BYTES, &data, &size), line = 0;
    if (code)
        return code;
    ff_lesson *l = ff_alloc(sizeof *l);
    l->path = ff_strdup(path);
    code = memchr(data, '\0', size) ? ff_fail(FF_ERR_INPUT, "not a lesson: no text") : parse(l, data, &line);
    if (code)
        code = ff_fail_prefix(code, "%s:%d", path, line ? line : 1);
    else if ((code = check_complete(l)))
        code = ff_fail_prefix(code, "%s:%d", path, line);
    free(data);
    if (code)
        ff_lesson_destroy(l);
    else
        *out = l;
    return code;
}

void ff_lesson_destroy(ff_lesson *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->n_hints; i++)
        free(l->hints[i]);
    for (int i = 0; i < l->n_parts; i++)
        free(l->parts[i].words);
    free(l->path);
    free(l->title);
    free(l->sample);
    free(l->look);
    free(l->question);
    free(l->explain);
    free(l->reply);
    free(l);
}

/* ---------------------------------------------------------------------------- for front ends */

bool ff_lesson_done(const ff_lesson *l)
{
    for (int i = 0; l && i < l->n_parts; i++) {
        if (!l->parts[i].found)
            return false;
    }
    return true;
}

const char *ff_lesson_text(const ff_lesson *l, ff_lesson_field which)
{
    switch (which) {
    case FF_LESSON_TITLE:
        return l->title;
    case FF_LESSON_LOOK:
        return l->look;
    case FF_LESSON_QUESTION:
        return l->question;
    case FF_LESSON_REPLY:
        return l->reply ? l->reply : "";
    case FF_LESSON_EXPLAIN:
        return ff_lesson_done(l) ? l->explain : "";
    }
    return "";
}
