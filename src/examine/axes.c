/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetafix/examine.h"

#include <string.h>

bool ff_cvalue_axes(const ff_cvalue *v, const ff_shape *original, int *axis)
{
    const ff_layout *l = &v->layout;
    int rank = v->shape.rank;
    if (!v->original || rank < 0 || original->rank != rank)
        return false;
    if (l->rank == rank && memcmp(l->dims, original->dims, (size_t)rank * sizeof l->dims[0]) == 0) {
        memcpy(axis, l->perm, (size_t)rank * sizeof *axis);
        return true;
    }
    /* The layout leaves axes of size 1 out: number those that are not, on both sides. */
    int seen[FF_MAX_RANK], n_seen = 0, place[FF_MAX_RANK], n_place = 0;
    bool taken[FF_MAX_RANK] = {0};
    for (int i = 0; i < rank; i++)
        if (original->dims[i] != 1)
            seen[n_seen++] = i;
    for (int i = 0; i < l->rank; i++)
        if (l->dims[i] != 1) {
            if (n_place >= n_seen || l->dims[i] != original->dims[seen[n_place]])
                return false;
            place[i] = seen[n_place++];
        } else {
            place[i] = -1;
        }
    if (n_place != n_seen)
        return false;
    int at = 0;
    for (int i = 0; i < rank; i++) {
        axis[i] = -1;
        if (v->shape.dims[i] == 1)
            continue;
        while (at < l->rank && place[l->perm[at]] < 0)
            at++;
        if (at == l->rank || l->dims[l->perm[at]] != v->shape.dims[i])
            return false;
        axis[i] = place[l->perm[at++]];
        taken[axis[i]] = true;
    }
    int next = 0;
    for (int i = 0; i < rank; i++) {
        if (axis[i] >= 0)
            continue;
        while (next < rank && taken[next])
            next++;
        if (next == rank)
            return false;
        taken[next] = true;
        axis[i] = next;
    }
    return true;
}

void ff_perm_invert(const int *in, int rank, int *out)
{
    for (int i = 0; i < rank; i++)
        out[in[i]] = i;
}

bool ff_perm_identity(const int *perm, int rank)
{
    for (int i = 0; i < rank; i++)
        if (perm[i] != i)
            return false;
    return true;
}

bool ff_cnode_perm(const ff_cnode *n, int *perm, int *rank)
{
    const ff_cattr *a = strcmp(n->op, "Transpose") == 0 ? ff_cnode_attr(n, "perm") : NULL;
    if (!a || a->type != FF_CATTR_INTS || a->n < 1 || a->n > FF_MAX_RANK)
        return false;
    for (int i = 0; i < a->n; i++)
        perm[i] = (int)a->ints[i];
    *rank = a->n;
    return true;
}
