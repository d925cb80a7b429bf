/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repair/minimise.h"

#include "fetafix/base.h"

#include <stdlib.h>
#include <string.h>

struct ff_minimise {
    int n;
    int *kept;     /* ascending */
    bool *first;
    bool try_first;
    int size;      /* of the pieces that are left out */
    int at;        /* start of the piece, counted from the end of kept */
    bool removed;  /* something went in this pass of size one */
    int n_trial;
    int *trial;
};

ff_minimise *ff_minimise_create(int n, const bool *first)
{
    ff_minimise *m = ff_alloc(sizeof *m);
    m->n = n;
    m->kept = ff_alloc_array((size_t)n + 1, sizeof *m->kept);
    m->trial = ff_alloc_array((size_t)n + 1, sizeof *m->trial);
    m->first = ff_alloc_array((size_t)n + 1, sizeof *m->first);
    int marked = 0;
    for (int i = 0; i < n; i++) {
        m->kept[i] = i;
        m->first[i] = first && first[i];
        marked += m->first[i];
    }
    m->try_first = marked > 0 && marked < n;
    m->size = n > 1 ? (n + 1) / 2 : 1;
    return m;
}

void ff_minimise_destroy(ff_minimise *m)
{
    if (!m)
        return;
    free(m->kept);
    free(m->trial);
    free(m->first);
    free(m);
}

bool ff_minimise_next(ff_minimise *m, const int **subset, int *n)
{
    *subset = m->trial;
    m->n_trial = 0;
    if (m->try_first) {
        for (int i = 0; i < m->n; i++)
            if (!m->first[m->kept[i]])
                m->trial[m->n_trial++] = m->kept[i];
        *n = m->n_trial;
        return true;
    }
    /* One step that is left was shown to matter: with none the count is the initial one. */
    while (m->n > 1) {
        if (m->at >= m->n) {
            bool again = m->size == 1 && m->removed;
            if (m->size == 1 && !again)
                break;
            m->size = m->size > m->n ? m->n : m->size;
            m->size = m->size > 1 ? m->size / 2 : 1;
            m->at = 0;
            m->removed = false;
            continue;
        }
        /* Late steps are more often dispensable. */
        int end = m->n - m->at, from = end - m->size < 0 ? 0 : end - m->size;
        if (from == 0 && end == m->n) {
            m->at = m->n;
            continue;
        }
        for (int i = 0; i < m->n; i++)
            if (i < from || i >= end)
                m->trial[m->n_trial++] = m->kept[i];
        *n = m->n_trial;
        return true;
    }
    return false;
}

void ff_minimise_report(ff_minimise *m, bool good)
{
    bool was_first = m->try_first;
    m->try_first = false;
    if (good) {
        memcpy(m->kept, m->trial, (size_t)m->n_trial * sizeof *m->kept);
        m->n = m->n_trial;
        m->removed = true;
        if (was_first)
            m->size = m->n > 1 ? (m->n + 1) / 2 : 1;
        /* The piece before moved to this place: `at` stays. */
    } else if (!was_first) {
        m->at += m->size;
    }
}

const int *ff_minimise_kept(const ff_minimise *m, int *n)
{
    *n = m->n;
    return m->kept;
}
