/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the simulation, the ranking and the patterns share: a few pictures, and which layer a
 * finding is at. */
#ifndef TESTS_CONVERSION_H
#define TESTS_CONVERSION_H

#include "fetafix/faults.h"
#include "random.h"

/* A temporary folder of drawn pictures; one at a time. NULL: said on stderr. */
ff_dataset *conversion_pictures(int count);
void conversion_remove_pictures(void);

/* Does one of the nodes carry the layer's name between slashes? Nodes of the Target may have lost
 * theirs. */
bool conversion_names_layer(const ff_node *const *nodes, int n, const char *where);
bool conversion_at_layer(const ff_finding *f, const char *where);

/* Both written and taken for a case; NULL: ff_error() says why. */
ff_subject *conversion_subject(const network *source, const style *source_style, const network *target,
                               const style *target_style, const ff_dataset *set);

#endif
