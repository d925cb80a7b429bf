/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a comparator is made of. */
#ifndef COMPARE_COMPARATOR_H
#define COMPARE_COMPARATOR_H

#include "fetafix/compare.h"

enum { MOST_PARAMETERS = 8 };

/* KEY=VALUE of a comparator. The first of them may be given as VALUE alone. */
typedef struct parameter {
    const char *key;
    enum { PARAMETER_REAL, PARAMETER_WHOLE, PARAMETER_TEXT } type;
    double initial, low, high;
    bool needed; /* a text without which there is nothing to do */
} parameter;

/* One sample of both models. */
typedef struct sample {
    const ff_label *source, *target;
    int offset;
    const char *name;
    ff_cancel *cancel;
} sample;

typedef struct outcome {
    bool wrong;
    double score, margin;
    double distance; /* NAN: that of the values will do */
} outcome;

typedef struct comparator_kind {
    const char *name, *usage, *summary;
    const char *wrong; /* "labels differ" */
    bool every_output; /* unless one was chosen */
    int (*compare)(const ff_comparator *c, const sample *s, outcome *out);
    int (*prepare)(ff_comparator *c); /* reads what the texts name; NULL: nothing */
    parameter parameters[MOST_PARAMETERS];
} comparator_kind;

struct ff_comparator {
    const comparator_kind *kind;
    char *spec;
    double number[MOST_PARAMETERS];
    char *text[MOST_PARAMETERS];
    bool given[MOST_PARAMETERS];
    /* Keys of the kind that begin with the number of an output: "1/abs=0.5". */
    struct {
        int output, parameter;
        double number;
    } * special;
    size_t special_room;
    int n_special;
    int *label_of; /* label of the Target -> of the Source; -1: none */
    int n_labels;
    char **words; /* arg=..., in order */
    size_t word_room;
    int n_words;
};

/* A family of comparators: one file. */
typedef struct comparator_family {
    const comparator_kind *kinds;
    int n;
} comparator_family;
extern const comparator_family label_comparators, numeric_comparators, position_comparators, box_comparators,
    program_comparators;

/* The value of a parameter for one output of the sample. */
double comparator_number(const ff_comparator *c, int which, int output);
/* Output i of a sample. */
const float *sample_values(const ff_label *l, int i);
/* A class that is kept as a number; -1 for what is none. */
int64_t sample_class(float v);
bool sample_same_form(const ff_label *a, const ff_label *b);
/* Do output i of both differ in what their numbers do not show: other texts, whole numbers that are the same float32? */
bool sample_hides_difference(const sample *s, int i);
/* |T - S| / |S| (L2) over all outputs; INFINITY where the shapes differ or a number is none. */
double sample_distance(const sample *s);
/* score >= threshold is right; the margin is what it is above or below. */
void outcome_at_least(outcome *o, double score, double threshold);

#endif
