/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results of judgements by the key of the outputs: what was run once is never run again. */
#ifndef REPAIR_KNOWN_H
#define REPAIR_KNOWN_H

#include "fetafix/labels.h"

/* What is known of one computation over one feed. */
typedef struct known {
    ff_labels *labels; /* without outputs; NULL: it was not run over every image */
    int wrong;         /* then: at least */
    double distance;
} known;
typedef struct known_results known_results;

known_results *known_create(void);
void known_destroy(known_results *r);
/* Borrowed; NULL: nothing is known. */
const known *known_get(const known_results *r, const ff_key *key);
/* The first result stays; labels are copied. */
void known_put(known_results *r, const ff_key *key, const ff_labels *labels, int wrong, double distance);
void known_put_bound(known_results *r, const ff_key *key, int wrong);

#endif
