/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines of a graph beside a list of its nodes in topological order: each value that is still to
 * be read keeps a lane, a node stands on the lane of an input that ends at it, other inputs join from
 * the side, and a value with several readers sends branches out.
 *
 *     ●        a value read once
 *     ├─●      read twice: a branch begins
 *     │ ●
 *     ●─╯      two values joined
 */
#ifndef FF_UI_LANES_H
#define FF_UI_LANES_H

#include <stdint.h>

enum { UI_LANES_MAX = 8 }; /* lanes that are drawn; more share the last one */

typedef struct ui_lane_row {
    int8_t own;        /* the node's lane, -1: none */
    uint8_t low, high; /* lanes between which a horizontal line runs */
    uint16_t through;  /* lanes that pass */
    uint16_t joins;    /* lanes that end here */
    uint16_t branches; /* lanes that go on and are read here */
    uint16_t after;    /* lanes in use below this row */
} ui_lane_row;

typedef struct ui_lanes {
    int count, width; /* rows; lanes in use at most */
    ui_lane_row *rows;
} ui_lanes;

/* inputs[i] lists the rows that row i reads (those not before i are ignored), n_inputs[i] long. */
void ui_lanes_build(ui_lanes *l, int count, const int *const *inputs, const int *n_inputs);
void ui_lanes_finish(ui_lanes *l);
/* The character of a row at a column (two a lane); `node` stands where the node is. */
uint32_t ui_lanes_at(const ui_lane_row *r, int column, uint32_t node);

#endif
