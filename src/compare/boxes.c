/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Detections: F1 of the Target's boxes against the Source's. */
#include "compare/comparator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { F1, IOU, SCORE, BOXES, SCORES, CLASSES, FORM };
enum { NONE = -1 };

typedef struct box {
    double x0, y0, x1, y1, score;
    int64_t class;
    bool taken;
} box;

typedef struct boxes {
    int n;
    box *at;
    double least; /* |score - threshold| of the box nearest to being counted or not */
} boxes;

/* Best first; of equals the leftmost, the topmost. */
static int by_score(const void *a, const void *b)
{
    const box *p = a, *q = b;
    const double x[] = {q->score, p->x0, p->y0, p->x1, p->y1}, y[] = {p->score, q->x0, q->y0, q->x1, q->y1};
    for (size_t i = 0; i < FF_COUNT(x); i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

static void read_corners(const float *v, bool centre, box *b)
{
    *b = (box){v[0], v[1], v[2], v[3], 1, 0, false};
    if (centre)
        *b = (box){v[0] - v[2] / 2.0, v[1] - v[3] / 2.0, v[0] + v[2] / 2.0, v[1] + v[3] / 2.0, 1, 0, false};
}

/* Scores [n] or [n, classes]; the greatest is the box's. */
static void read_score(const float *v, int64_t per_box, box *b)
{
    b->score = v[0];
    for (int64_t k = 1; k < per_box; k++)
        if (v[k] > b->score) {
            b->score = v[k];
            b->class = k;
        }
}

/* Columns of one output: x y x y [score [class]], or outputs of their own. */
static bool read_boxes(const ff_comparator *c, const ff_label *l, boxes *out)
{
    const ff_form *f = l->form;
    int of_boxes = (int)c->number[BOXES], of_scores = (int)c->number[SCORES], of_classes = (int)c->number[CLASSES];
    *out = (boxes){.least = INFINITY};
    if (of_boxes >= f->n || f->at[of_boxes].rank < 1)
        return false;
    int64_t columns = f->at[of_boxes].dims[f->at[of_boxes].rank - 1];
    if (columns < 4 || columns > 6)
        return false;
    int64_t n = f->at[of_boxes].count / columns;
    if (of_scores >= f->n)
        of_scores = NONE;
    if (of_classes >= f->n)
        of_classes = NONE;
    if (n > INT32_MAX / 2 || (of_scores >= 0 && n && f->at[of_scores].count % n) ||
        (of_classes >= 0 && f->at[of_classes].count != n))
        return false;
    out->at = ff_alloc_array((size_t)n + 1, sizeof *out->at);
    for (int64_t i = 0; i < n; i++) {
        const float *v = sample_values(l, of_boxes) + i * columns;
        box *b = &out->at[out->n];
        read_corners(v, c->text[FORM] && strcmp(c->text[FORM], "centre") == 0, b);
        if (columns > 4) {
            b->score = v[4];
            b->class = columns > 5 ? sample_class(v[5]) : 0;
        } else if (of_scores >= 0) {
            int64_t per_box = f->at[of_scores].count / n;
            read_score(sample_values(l, of_scores) + i * per_box, per_box, b);
            if (of_classes >= 0)
                b->class = sample_class(sample_values(l, of_classes)[i]);
        }
        double lead = fabs(b->score - c->number[SCORE]);
        out->least = lead < out->least ? lead : out->least;
        out->n += b->score >= c->number[SCORE];
    }
    qsort(out->at, (size_t)out->n, sizeof *out->at, by_score);
    return true;
}

static double overlap(const box *a, const box *b)
{
    double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
    double both = w > 0 && h > 0 ? w * h : 0;
    double all = (a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - both;
    return all > 0 ? both / all : memcmp(a, b, 4 * sizeof a->x0) == 0;
}

/* Boxes of the Target by score, each takes the free box of the Source that it overlaps most. */
static int match(const boxes *source, const boxes *target, double least)
{
    int found = 0;
    for (int i = 0; i < target->n; i++) {
        double most = 0;
        int at = NONE;
        for (int k = 0; k < source->n; k++) {
            const box *s = &source->at[k];
            double v = s->taken || s->class != target->at[i].class ? 0 : overlap(s, &target->at[i]);
            if (v >= least && v > most) {
                most = v;
                at = k;
            }
        }
        if (at != NONE) {
            source->at[at].taken = true;
            found++;
        }
    }
    return found;
}

/* F1 = 2 matches / (boxes of both); without any boxes they agree. */
static int compare_boxes(const ff_comparator *c, const sample *s, outcome *out)
{
    boxes a = {0}, b = {0};
    out->distance = sample_distance(s);
    out->wrong = true;
    if (read_boxes(c, s->source, &a) && read_boxes(c, s->target, &b)) {
        int found = match(&a, &b, c->number[IOU]);
        outcome_at_least(out, a.n + b.n ? 2.0 * found / (a.n + b.n) : 1, c->number[F1]);
        if (!out->wrong && isfinite(b.least) && b.least < out->margin + 1)
            out->margin += b.least; /* of equals the one with a box at the threshold goes first */
    }
    free(a.at);
    free(b.at);
    return FF_OK;
}

static int check_form(ff_comparator *c)
{
    const char *form = c->text[FORM];
    if (form && strcmp(form, "corners") != 0 && strcmp(form, "centre") != 0)
        return ff_fail(FF_ERR_USAGE, "comparator boxes: form=%s is neither corners nor centre", form);
    return FF_OK;
}

static const comparator_kind kinds[] = {
    {"boxes", "boxes:F1[,iou=I][,score=S][,boxes=N][,scores=N][,classes=N][,form=corners|centre]",
     "detections with a score of S or more (0.5): F1 at an overlap of I (0.5) is at least F1 (1); N: outputs with the "
     "boxes, scores and classes (0, 1, 2), or rows of one output: 4 places, score, class",
     "detections differ", .every_output = true, .compare = compare_boxes, .prepare = check_form,
     .parameters = {{"f1", PARAMETER_REAL, 1, 0, 1, false},
                    {"iou", PARAMETER_REAL, 0.5, 0, 1, false},
                    {"score", PARAMETER_REAL, 0.5, -1e30, 1e30, false},
                    {"boxes", PARAMETER_WHOLE, 0, 0, FF_MOST_OUTPUTS - 1, false},
                    {"scores", PARAMETER_WHOLE, 1, 0, FF_MOST_OUTPUTS - 1, false},
                    {"classes", PARAMETER_WHOLE, 2, 0, FF_MOST_OUTPUTS - 1, false},
                    {"form", PARAMETER_TEXT, .needed = false}}},
};
const comparator_family box_comparators = {kinds, FF_COUNT(kinds)};
