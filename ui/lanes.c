/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lanes.h"

#include <stdlib.h>

#include "fetafix/base.h"

typedef struct lane {
    int producer; /* row, -1: free */
    int readers;  /* rows still to come that read it */
} lane;

void ui_lanes_finish(ui_lanes *l)
{
    free(l->rows);
    *l = (ui_lanes){0};
}

static int free_lane(const lane *lanes, int from)
{
    for (int k = from; k < UI_LANES_MAX; k++) {
        if (lanes[k].producer < 0)
            return k;
    }
    for (int k = 0; k < from; k++) {
        if (lanes[k].producer < 0)
            return k;
    }
    return -1;
}

static void place(ui_lane_row *row, lane *lanes, int v, const int *inputs, int n, int readers)
{
    uint16_t reads = 0, ends = 0;

    for (int k = 0; k < UI_LANES_MAX; k++) {
        if (lanes[k].producer < 0)
            continue;
        row->through |= (uint16_t)(1u << k);
        for (int i = 0; i < n; i++) {
            bool again = false; /* the same value as two inputs is one line */
            for (int j = 0; j < i; j++)
                again |= inputs[j] == inputs[i];
            if (again || lanes[k].producer != inputs[i])
                continue;
            reads |= (uint16_t)(1u << k);
            if (--lanes[k].readers <= 0)
                ends |= (uint16_t)(1u << k);
        }
    }
    int own = -1;
    for (int k = UI_LANES_MAX - 1; k >= 0; k--) {
        if (ends & 1u << k)
            own = k;
    }
    if (own < 0 && (readers > 0 || reads)) {
        int from = 0;
        for (int k = 0; k < UI_LANES_MAX; k++) {
            if (reads & 1u << k)
                from = k + 1;
        }
        own = free_lane(lanes, from < UI_LANES_MAX ? from : 0);
    }
    row->own = (int8_t)own;
    for (int k = 0; k < UI_LANES_MAX; k++) {
        if (ends & 1u << k)
            lanes[k].producer = -1;
    }
    if (own >= 0) {
        uint16_t others = (uint16_t)(reads & ~(1u << own));
        row->joins = others & ends;
        row->branches = others & (uint16_t)~ends;
        row->low = row->high = (uint8_t)own;
        for (int k = 0; k < UI_LANES_MAX; k++) {
            if (others & 1u << k) {
                row->low = (uint8_t)(k < row->low ? k : row->low);
                row->high = (uint8_t)(k > row->high ? k : row->high);
            }
        }
        if (readers > 0)
            lanes[own] = (lane){v, readers};
    }
    for (int k = 0; k < UI_LANES_MAX; k++)
        row->after |= lanes[k].producer >= 0 ? (uint16_t)(1u << k) : 0;
}

void ui_lanes_build(ui_lanes *l, int count, const int *const *inputs, const int *n_inputs)
{
    lane lanes[UI_LANES_MAX];
    int *readers = ff_alloc_array((size_t)count + 1, sizeof *readers);

    ui_lanes_finish(l);
    l->count = count;
    l->rows = ff_alloc_array((size_t)count + 1, sizeof *l->rows);
    for (int v = 0; v < count; v++) {
        for (int i = 0; i < n_inputs[v]; i++) {
            bool again = false;
            for (int j = 0; j < i; j++)
                again |= inputs[v][j] == inputs[v][i];
            if (!again && inputs[v][i] >= 0 && inputs[v][i] < v)
                readers[inputs[v][i]]++;
        }
    }
    for (int k = 0; k < UI_LANES_MAX; k++)
        lanes[k] = (lane){-1, 0};
    for (int v = 0; v < count; v++) {
        place(&l->rows[v], lanes, v, inputs[v], n_inputs[v], readers[v]);
        for (int k = 0; k < UI_LANES_MAX; k++) {
            if ((l->rows[v].after | l->rows[v].through) & 1u << k && k + 1 > l->width)
                l->width = k + 1;
        }
        if (l->rows[v].own + 1 > l->width)
            l->width = l->rows[v].own + 1;
    }
    free(readers);
}

uint32_t ui_lanes_at(const ui_lane_row *r, int column, uint32_t node)
{
    int k = column / 2;
    bool left = k > r->low && k <= r->high, right = k >= r->low && k < r->high;

    if (column % 2)
        return right ? 0x2500 : ' ';
    if (k == r->own)
        return node;
    if (r->joins & 1u << k)
        return left && right ? 0x2534 : left ? 0x256f : 0x2570;
    if (r->branches & 1u << k)
        return left && right ? 0x253c : left ? 0x2524 : 0x251c;
    if (r->through & 1u << k)
        return left ? 0x253c : 0x2502;
    return left ? 0x2500 : ' ';
}
