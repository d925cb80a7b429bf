/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registry.c: from a node to its reference kernel. The rows are in rows.h. */
#include "kernel.h"

#include <string.h>

static const ff_kernel rows[] = {
#define ROW(domain, op, since, function) {domain, #op, since, function},
#include "rows.h"
#undef ROW
};

const ff_kernel *ff_kernel_at(int i)
{
    return i >= 0 && (size_t)i < FF_COUNT(rows) ? &rows[i] : NULL;
}

int ff_kernel_find(const ff_node *node, const ff_kernel **out)
{
    const ff_kernel *best = NULL;
    for (size_t i = 0; i < FF_COUNT(rows); i++) {
        const ff_kernel *k = &rows[i];
        if (k->since <= node->opset && (!best || k->since > best->since) && !strcmp(k->op, node->op) &&
            !strcmp(k->domain, node->domain))
            best = k;
    }
    if (!best)
        return ff_fail(FF_ERR_UNSUPPORTED, "operator '%s%s%s' of node '%s' is not supported in opset %d", node->domain,
                       *node->domain ? "." : "", node->op, node->label, node->opset);
    *out = best;
    return FF_OK;
}

static uint64_t longest_text(const ff_tensor *t)
{
    size_t most = 0;
    for (int64_t i = 0; t->dtype == FF_STRING && i < t->count; i++) {
        size_t n = strlen(ff_get_string(t, i)) + 1;
        most = n > most ? n : most;
    }
    return most;
}

int ff_kernel_run(const ff_kernel *k, const ff_node *node, const ff_tensor *const *in, int n_in, ff_tensor **out,
                  int n_out, ff_kernel_env *env)
{
    ff_kernel_env none = {0};
    memset(out, 0, (size_t)n_out * sizeof *out);
    ff_kernel_call c = {.node = node, .in = in, .n_in = n_in, .out = out, .n_out = n_out, .env = env ? env : &none};
    c.env->over_limit = false;
    for (int i = 0; i < n_in; i++)
        c.text += in[i] ? longest_text(in[i]) : 0;
    int rc = k->run(&c);
    if (rc == FF_ERR_NOMEM && c.env->over_limit)
        rc = FF_ERR_GRAPH; /* the model's fault, not the machine's */
    for (int i = 0; !rc && i < n_out; i++)
        if (!out[i] && node->outputs[i])
            rc = ff_fail(FF_ERR_GRAPH, "output %d is not made by this operator", i);
    if (rc) {
        for (int i = 0; i < n_out; i++) {
            ff_tensor_unref(out[i]);
            out[i] = NULL;
        }
        if (rc != FF_ERR_CANCELLED)
            ff_fail_prefix(rc, "node '%s' (%s)", node->label, node->op);
    }
    return rc;
}
