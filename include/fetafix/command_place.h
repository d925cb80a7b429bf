/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What words mean: a row of the aligned graph, an image, a repair. A name is found whole, then whatever its
 * case, then by whole pieces of it ("block1.depthwise" of "/small/block1.depthwise/Conv2D"), then by any part.
 * Where several fit, FF_ERR_USAGE names some; where none does, the nearest.
 */
#ifndef FETAFIX_COMMAND_PLACE_H
#define FETAFIX_COMMAND_PLACE_H

#include "fetafix/command.h"

/* "layer 12", "L12", "pair 3", "3", or a node. *used: how many words that took. */
int ff_place_pair(const ff_snapshot *s, int n, char **words, int *used, int *pair) FF_MUST_USE;
/* The same for core layers only: a number is that of a layer. */
int ff_place_layer(const ff_snapshot *s, int n, char **words, int *used, int *pair) FF_MUST_USE;
/* The node of one side ("source", "target") that a word means: its whole name, borrowed from the snapshot. */
int ff_place_node(const ff_snapshot *s, const char *side, const char *word, const char **name) FF_MUST_USE;
/* A row of images_table: by number, or by name. */
int ff_place_image(const ff_snapshot *s, const char *word, int *row) FF_MUST_USE;
/* A row of proposals: by its number there, or by id. */
int ff_place_repair(const ff_snapshot *s, const char *word, int *row) FF_MUST_USE;

#endif
