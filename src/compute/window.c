/* SPDX-License-Identifier: GPL-3.0-or-later */
/* window.c: the sliding windows of convolution and pooling, from a node's attributes. */
#include "kernel.h"

#include <string.h>

enum { LARGE = INT32_MAX }; /* no attribute above it, so that sums and products cannot overflow */

static int fill(const ff_call *c, const char *name, int n, int64_t lowest, int64_t otherwise, int64_t *out)
{
    const int64_t *list;
    size_t given = ff_node_ints(c->node, name, &list);
    if (given && given != (size_t)n)
        return ff_fail(FF_ERR_GRAPH, "%s has %zu entries, not %d", name, given, n);
    for (int i = 0; i < n; i++) {
        out[i] = given ? list[i] : otherwise;
        if (out[i] < lowest || out[i] > LARGE)
            return ff_fail(FF_ERR_GRAPH, "%s has an entry of %lld", name, (long long)out[i]);
    }
    return FF_OK;
}

int ff_window_init(const ff_call *c, int spatial, const int64_t *in, const int64_t *kernel, ff_window *w)
{
    int64_t pads[2 * FF_MAX_RANK];
    const int64_t *list;
    int rc;
    memset(w, 0, sizeof *w);
    w->spatial = spatial;
    if (!kernel && !ff_node_ints(c->node, "kernel_shape", &list))
        return ff_fail(FF_ERR_GRAPH, "kernel_shape is missing");
    if ((rc = fill(c, "kernel_shape", spatial, 1, 1, w->kernel)) ||
        (rc = fill(c, "strides", spatial, 1, 1, w->stride)) ||
        (rc = fill(c, "dilations", spatial, 1, 1, w->dilation)) || (rc = fill(c, "pads", 2 * spatial, 0, 0, pads)))
        return rc;
    const char *mode = ff_node_string(c->node, "auto_pad", "NOTSET");
    bool same = !strcmp(mode, "SAME_UPPER") || !strcmp(mode, "SAME_LOWER");
    bool valid = !strcmp(mode, "VALID"), ceil_mode = ff_node_int(c->node, "ceil_mode", 0);
    if (!same && !valid && strcmp(mode, "NOTSET") && *mode)
        return ff_fail(FF_ERR_GRAPH, "auto_pad '%s' is not known", mode);
    for (int i = 0; i < spatial; i++) {
        if (kernel) {
            if (ff_node_attr(c->node, "kernel_shape") && w->kernel[i] != kernel[i])
                return ff_fail(FF_ERR_GRAPH, "kernel_shape is %lld along axis %d, the weights have %lld",
                               (long long)w->kernel[i], i, (long long)kernel[i]);
            w->kernel[i] = kernel[i];
        }
        if (in[i] > LARGE || w->kernel[i] < 1 || w->kernel[i] > LARGE)
            return ff_fail(FF_ERR_GRAPH, "an axis of %lld with a kernel of %lld", (long long)in[i],
                           (long long)w->kernel[i]);
        w->in[i] = in[i];
        w->begin[i] = valid ? 0 : pads[i];
        w->end[i] = valid ? 0 : pads[spatial + i];
        int64_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1;
        if (same) {
            w->out[i] = (in[i] + w->stride[i] - 1) / w->stride[i];
            int64_t need = (w->out[i] - 1) * w->stride[i] + reach - in[i];
            need = need < 0 || !w->out[i] ? 0 : need;
            /* SAME_UPPER puts the odd one at the end. */
            w->begin[i] = !strcmp(mode, "SAME_UPPER") ? need / 2 : need - need / 2;
            w->end[i] = need - w->begin[i];
            continue;
        }
        int64_t room = in[i] + w->begin[i] + w->end[i] - reach;
        if (room < 0)
            return ff_fail(FF_ERR_GRAPH, "a kernel that reaches over %lld on an axis of %lld", (long long)reach,
                           (long long)(in[i] + w->begin[i] + w->end[i]));
        w->out[i] = room / w->stride[i] + 1;
        if (ceil_mode && room % w->stride[i]) {
            w->out[i]++;
            /* A window must start within the input or the padding before it. */
            if ((w->out[i] - 1) * w->stride[i] >= in[i] + w->begin[i])
                w->out[i]--;
        }
    }
    return FF_OK;
}
