/* SPDX-License-Identifier: GPL-3.0-or-later */
/* softmax.c: Softmax, LogSoftmax and Hardmax. Before opset 13 the axes from `axis` (default 1) on
 * are one, from 13 on it is one axis (default the last). */
#include "kernel.h"

#include <math.h>
#include <string.h>

int ff_k_softmax(ff_call *c)
{
    const ff_tensor *x;
    ff_tensor *y;
    kview vx = {0}, vy = {0};
    bool flat = c->node->opset < 13;
    int axis, rc = ff_need(c, 0, flat ? 0 : 1, -1, &x);
    if (rc)
        return rc;
    int64_t asked = ff_node_int(c->node, "axis", flat ? 1 : -1), n, inner;
    if (flat && asked == x->rank) /* every element alone */
        axis = x->rank;
    else if ((rc = ff_axis(asked, x->rank, &axis)))
        return rc;
    n = flat ? ff_span(x->dims, axis, x->rank) : x->dims[axis];
    inner = flat ? 1 : ff_span(x->dims, axis + 1, x->rank);
    if ((rc = ff_out_like(c, 0, x, &y)) || (rc = kview_read(x, KWORK_DOUBLE, &vx)) ||
        (rc = kview_write(y, KWORK_DOUBLE, &vy)))
        goto done;
    const char *op = c->node->op;
    for (int64_t r = 0; x->count && r < x->count / n; r++) {
        const double *from = vx.d + r / inner * n * inner + r % inner;
        double *to = vy.d + r / inner * n * inner + r % inner, sum = 0;
        int64_t top = 0;
        for (int64_t i = 1; i < n; i++)
            if (from[i * inner] > from[top * inner])
                top = i;
        double largest = from[top * inner];
        if (*op == 'H') {
            for (int64_t i = 0; i < n; i++)
                to[i * inner] = i == top;
            continue;
        }
        for (int64_t i = 0; i < n; i++)
            sum += exp(from[i * inner] - largest);
        double shift = log(sum);
        for (int64_t i = 0; i < n; i++)
            to[i * inner] = *op == 'L' ? from[i * inner] - largest - shift : exp(from[i * inner] - largest) / sum;
    }
    kview_store(&vy);
done:
    kview_finish(&vx);
    kview_finish(&vy);
    return rc;
}
