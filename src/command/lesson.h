/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A lesson: a text file NAME.lesson that a teacher can add to, described in fetafix(5).
 *
 *     lesson_find(name, &path)        where a lesson of that name lies
 *     lesson_load(path, &lesson)      reads and checks the file
 *     lesson_check(lesson, pairs, "WB in L3", &reply)
 *
 * What has to be found is a list of parts ("type WB", "layer block1.depthwise"). Parts stay found, so
 * that an answer can be given bit by bit; a wrong word earns a hint and finds nothing.
 */
#ifndef FETAFIX_COMMAND_LESSON_H
#define FETAFIX_COMMAND_LESSON_H

#include "fetafix/command.h"

enum { LESSON_PARTS = 8, LESSON_HINTS = 8 };

typedef enum part_kind { PART_TYPE, PART_LAYER, PART_WORD } part_kind;

typedef struct lesson_part {
    part_kind kind;
    char *words; /* alternatives, '|' between them */
    int line;
    bool found;
} lesson_part;

struct ff_lesson {
    char *path, *title, *sample;     /* sample: a folder of the samples, or beside the lesson */
    char *look, *question, *explain; /* paragraphs: '\n' between them, lines that began with a blank kept */
    char *hints[LESSON_HINTS];
    int n_hints, hinted;
    lesson_part parts[LESSON_PARTS];
    int n_parts;
    char *reply; /* what was said last; NULL nothing yet */
};

/* FF_ERR_USAGE: none has this name (the nearest is proposed). A name with a slash is a path. */
int lesson_find(const char *name, char **path) FF_MUST_USE;
/* FF_ERR_INPUT names the line. */
int lesson_load(const char *path, ff_lesson **out) FF_MUST_USE;
void lesson_destroy(ff_lesson *l);
/* All lessons: the shipped ones, then the user's. Calls take() with name and path in order. */
int lesson_list(int (*take)(void *context, const char *name, const char *path), void *context) FF_MUST_USE;
/* A file of the lesson's sample: "source.onnx". images.txt and labels.txt may lie in the folder above. */
char *lesson_sample_file(const ff_lesson *l, const char *name);

/* answer.c */
/* The words of a part: FF_ERR_INPUT when they are none (no such type). */
int lesson_part_check(const lesson_part *p) FF_MUST_USE;
/* True when an answer moved the lesson on; the reply is one line or more. FF_ERR_INPUT: a layer of the
 * lesson is not in `pairs` (as in ff_snapshot). */
int lesson_check(ff_lesson *l, const ff_table *pairs, const char *said, ff_buf *reply) FF_MUST_USE;
/* The next hint; after the last one what is still to be found. */
void lesson_hint(ff_lesson *l, ff_buf *reply);

#endif
