/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repair/minimise.h"

#include "fetafix/base.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SHARE = 8 };

struct ff_minimise {
    int n_all, n;
    int *kept; /* ascending */
    bool *first;
    bool try_first;
    int size;   /* of the next piece to be left out: twice as large after one that went, half after one that did not */
    int piece;  /* of the trial, which may be shorter */
    int good;   /* the last that went */
    int at;     /* start of the piece, counted from the end of kept */
    int streak; /* single steps that had to stay since the last piece went */
    int n_trial;
    int *trial;
    int share; /* the images: one in so many */
    bool verifying, done;
};

static void begin(ff_minimise *m)
{
    int marked = 0;
    m->n = m->n_all;
    for (int i = 0; i < m->n; i++) {
        m->kept[i] = i;
        marked += m->first[i];
    }
    m->try_first = marked > 0 && marked < m->n;
    m->size = m->n > 1 ? (m->n + 1) / 2 : 1;
    m->good = 1;
    m->at = m->streak = 0;
}

ff_minimise *ff_minimise_create(int n, const bool *first)
{
    ff_minimise *m = ff_alloc(sizeof *m);
    m->n_all = n;
    m->kept = ff_alloc_array((size_t)n + 1, sizeof *m->kept);
    m->trial = ff_alloc_array((size_t)n + 1, sizeof *m->trial);
    m->first = ff_alloc_array((size_t)n + 1, sizeof *m->first);
    for (int i = 0; i < n; i++)
        m->first[i] = first && first[i];
    m->share = FIRST_SHARE;
    begin(m);
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

bool ff_minimise_next(ff_minimise *m, const int **subset, int *n, int *share)
{
    *subset = m->trial;
    *share = m->share;
    m->n_trial = 0;
    if (m->done)
        return false;
    if (m->try_first) {
        for (int i = 0; i < m->n; i++)
            if (!m->first[m->kept[i]])
                m->trial[m->n_trial++] = m->kept[i];
        *n = m->n_trial;
        return true;
    }
    /* Minimal when each by itself was tried since the last one went. One that is left was shown to matter: with none
     * the count is the initial one. */
    if (m->n > 1 && m->streak < m->n) {
        int most = m->n - m->at < m->n - 1 ? m->n - m->at : m->n - 1;
        m->piece = m->size < most ? m->size : most;
        int end = m->n - m->at; /* late steps are more often dispensable */
        for (int i = 0; i < m->n; i++)
            if (i < end - m->piece || i >= end)
                m->trial[m->n_trial++] = m->kept[i];
        *n = m->n_trial;
        return true;
    }
    /* All of the steps were judged on every image when they were taken. */
    if (m->share == 1 || m->n == m->n_all)
        return false;
    memcpy(m->trial, m->kept, (size_t)m->n * sizeof *m->kept);
    *n = m->n_trial = m->n;
    *share = 1;
    m->verifying = true;
    return true;
}

void ff_minimise_report(ff_minimise *m, bool good)
{
    if (m->verifying) {
        m->verifying = false;
        m->done = good;
        if (!good) {
            m->share /= 2;
            begin(m);
        }
        return;
    }
    bool was_first = m->try_first;
    m->try_first = false;
    if (good) {
        memcpy(m->kept, m->trial, (size_t)m->n_trial * sizeof *m->kept);
        m->n = m->n_trial;
        m->streak = 0;
        m->good = was_first ? (m->n + 1) / 2 : m->piece;
        m->size = was_first ? m->good : 2 * m->piece;
    } else if (!was_first && m->piece > 1) {
        m->size = m->piece / 2;
    } else if (!was_first) {
        m->at++;
        m->streak++;
        m->size = m->good;
    }
    if (m->at >= m->n)
        m->at = 0;
}

const int *ff_minimise_kept(const ff_minimise *m, int *n)
{
    *n = m->n;
    return m->kept;
}
