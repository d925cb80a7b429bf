/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operators of all families behind one lookup. */
#include <pthread.h>
#include <stdlib.h>

#include "model/ops/infer.h"
#include "model/graph/names.h"

static const ff_op *const families[] = {
    ff_ops_contrib, ff_ops_conv,  ff_ops_control, ff_ops_elementwise, ff_ops_generate, ff_ops_index, ff_ops_matrix,
    ff_ops_norm,    ff_ops_quant, ff_ops_reduce,  ff_ops_rnn,         ff_ops_shape,    ff_ops_slice, ff_ops_text,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const ff_op *rows[512];
static int n_rows;
static name_table by_type, contrib_by_type; /* of each domain: the first of the consecutive rows of a type */

static void index_rows(void)
{
    names_init(&by_type, FF_COUNT(rows));
    names_init(&contrib_by_type, FF_COUNT(rows));
    for (size_t i = 0; i < FF_COUNT(families); i++)
        for (const ff_op *o = families[i]; o->type != NULL; o++) {
            void **place = names_place(*o->domain ? &contrib_by_type : &by_type, o->type);
            if (*place == NULL)
                *place = (void *)&rows[n_rows];
            rows[n_rows++] = o;
        }
}

const ff_op *ff_op_find(const char *domain, const char *type, int opset)
{
    const ff_op *best = NULL;

    pthread_once(&once, index_rows);
    bool contrib = strcmp(domain, FF_CONTRIB) == 0;
    if (domain[0] != '\0' && !contrib && strcmp(domain, "ai.onnx") != 0)
        return NULL;
    const ff_op *const *row = names_get(contrib ? &contrib_by_type : &by_type, type);
    for (; row != NULL && *row != NULL && strcmp((*row)->type, type) == 0; row++)
        if ((*row)->since <= opset)
            best = *row;
    return best;
}

const ff_op *ff_op_at(int i)
{
    pthread_once(&once, index_rows);
    return i >= 0 && i < n_rows ? rows[i] : NULL;
}
