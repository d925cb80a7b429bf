/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/lessons.h: a lesson is a text file NAME.lesson that a teacher can add to, described in fetafix(5).
 *
 *     lesson_find(name, &path)        where a lesson of that name lies
 *     lesson_load(path, &lesson)      reads and checks the file
 *     lesson_check(lesson, pairs, "WB in L3", &reply)
 *
 * What has to be found is a list of parts ("type WB", "layer block1.depthwise"). Parts stay found, so
 * that an answer can be given bit by bit; a wrong word earns a hint and finds nothing.
 */
#ifndef FETAFIX_LESSONS_H
#define FETAFIX_LESSONS_H

#include "fetafix/session.h"

enum { FF_LESSON_PARTS = 8, FF_LESSON_HINTS = 8 };

typedef enum ff_part_kind { FF_PART_TYPE, FF_PART_LAYER, FF_PART_WORD } ff_part_kind;

typedef struct ff_lesson_part {
    ff_part_kind kind;
    char *words; /* alternatives, '|' between them */
    int line;
    bool found;
} ff_lesson_part;

typedef struct ff_lesson {
    char *path, *title, *sample;     /* sample: a folder of the samples, or beside the lesson */
    char *look, *question, *explain; /* paragraphs: '\n' between them, lines that began with a blank kept */
    char *hints[FF_LESSON_HINTS];
    int n_hints, hinted;
    ff_lesson_part parts[FF_LESSON_PARTS];
    int n_parts;
    char *reply; /* what was said last; NULL nothing yet */
} ff_lesson;

/* FF_ERR_USAGE: none has this name (the nearest is proposed). A name with a slash is a path. */
int ff_lesson_find(const char *name, char **path) FF_MUST_USE;
/* FF_ERR_INPUT names the line. */
int ff_lesson_load(const char *path, ff_lesson **out) FF_MUST_USE;
void ff_lesson_destroy(ff_lesson *l);
/* All lessons: the shipped ones, then the user's. Calls take() with name and path in order. */
int ff_lesson_list(int (*take)(void *context, const char *name, const char *path), void *context) FF_MUST_USE;
/* A file of the lesson's sample: "source.onnx". images.txt and labels.txt may lie in the folder above. */
char *ff_lesson_sample_file(const ff_lesson *l, const char *name);

/* True when an answer moved the lesson on; the reply is one line or more. FF_ERR_INPUT: a layer of the
 * lesson is not in `pairs` (as in ff_snapshot). */
int ff_lesson_check(ff_lesson *l, const ff_table *pairs, const char *said, ff_buf *reply) FF_MUST_USE;
/* The next hint; after the last one what is still to be found. */
void ff_lesson_hint(ff_lesson *l, ff_buf *reply);

/* The texts of a lesson as they stand now: paragraphs, '\n' between them. What was said last ("" at
 * first) and the explanation ("" until the answer is found) change with the commands `answer` and `hint`. */
typedef enum ff_lesson_field {
    FF_LESSON_TITLE,
    FF_LESSON_LOOK,
    FF_LESSON_QUESTION,
    FF_LESSON_REPLY,
    FF_LESSON_EXPLAIN
} ff_lesson_field;
const char *ff_lesson_text(const ff_lesson *l, ff_lesson_field which);
bool ff_lesson_done(const ff_lesson *l); /* answered; NULL: true */

#endif
