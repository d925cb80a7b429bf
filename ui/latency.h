/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time from a key's arrival to the end of the paint that shows what it did. */
#ifndef FF_UI_LATENCY_H
#define FF_UI_LATENCY_H

#include <stdint.h>

enum { UI_LATENCY_KEPT = 4096 };

typedef struct ui_latency {
    int32_t us[UI_LATENCY_KEPT]; /* the last ones, in a ring */
    int64_t count;               /* of all */
    int64_t paints, first_paint_us;
    int64_t started_ns, key_ns; /* key_ns 0: no key waits for its paint */
} ui_latency;

void ui_latency_key(ui_latency *l);
void ui_latency_painted(ui_latency *l);
/* Milliseconds at a share 0..1 of the kept ones; 0 when there are none. */
double ui_latency_at(const ui_latency *l, double share);

#endif
