/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A team of processes over MPI. Without MPI every team is NULL, and a launcher's processes are refused: each would
 * do all of the work and write the same files. */
#include "fetafix/base.h"

#include <stdlib.h>
#include <string.h>

/* What Open MPI, MPICH and Slurm tell the processes they start. */
static bool launched(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS"};
    for (size_t i = 0; i < FF_COUNT(names); i++)
        if (getenv(names[i]))
            return true;
    return false;
}

#ifdef FETAFIX_MPI

#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <time.h>

struct ff_team {
    int rank, size, threads;
    ff_team_traffic traffic;
};

/* The cores that the ranks of this machine may use, between them: a launcher may bind each to a core of its own, to a
 * socket that some share, or leave all of them to all. */
static int fair_threads(void)
{
    cpu_set_t mine, ours;
    MPI_Comm here;
    int ranks;
    CPU_ZERO(&mine);
    if (sched_getaffinity(0, sizeof mine, &mine) != 0)
        CPU_SET(0, &mine);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &ranks);
    MPI_Allreduce(&mine, &ours, (int)sizeof mine, MPI_BYTE, MPI_BOR, here);
    MPI_Comm_free(&here);
    int share = CPU_COUNT(&ours) / ranks, usable = CPU_COUNT(&mine);
    return share < 1 ? 1 : share < usable ? share : usable;
}

int ff_team_join(ff_team **out)
{
    *out = NULL;
    if (!launched())
        return FF_OK;
    /* Open MPI copies long messages straight out of the other process's memory. Many containers forbid that, and it then
     * loses the message; ours are short, and go through shared memory. */
    setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
    /* And it waits at full speed, which takes the core from who is waited for where others work on the machine too. */
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    int level;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level) != MPI_SUCCESS)
        return ff_fail(FF_ERR_INTERNAL, "MPI cannot be started");
    if (level < MPI_THREAD_SERIALIZED) {
        MPI_Finalize();
        return ff_fail(FF_ERR_INTERNAL, "this MPI cannot be called from a thread of its own");
    }
    ff_team *t = ff_alloc(sizeof *t);
    MPI_Comm_rank(MPI_COMM_WORLD, &t->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &t->size);
    t->threads = fair_threads();
    *out = t;
    return FF_OK;
}

/* Ranks that failed alike all arrive; one that failed alone would wait for the others for ever, and they for it. */
void ff_team_leave(ff_team *t, int exit_code)
{
    enum { PATIENCE_MS = 2000 };
    if (!t)
        return;
    MPI_Request all;
    int arrived = 0;
    MPI_Ibarrier(MPI_COMM_WORLD, &all);
    for (int ms = 0; !arrived; ms++) {
        MPI_Test(&all, &arrived, MPI_STATUS_IGNORE);
        if (!arrived && exit_code > 1 && ms >= PATIENCE_MS)
            MPI_Abort(MPI_COMM_WORLD, exit_code);
        if (!arrived)
            nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    }
    MPI_Finalize();
    free(t);
}

int ff_team_rank(const ff_team *t)
{
    return t ? t->rank : 0;
}

int ff_team_size(const ff_team *t)
{
    return t ? t->size : 1;
}

int ff_team_threads(const ff_team *t)
{
    return t ? t->threads : 0;
}

/* `all`: nobody can leave before all have come: each waits for something of everybody. */
static void count(ff_team *t, int64_t begun, uint64_t bytes, bool all)
{
    double seconds = (double)(ff_now_ns() - begun) * 1e-9;
    t->traffic.exchanges++;
    if (all && (!t->traffic.shortest || seconds < t->traffic.shortest))
        t->traffic.shortest = seconds;
    t->traffic.bytes += bytes;
    t->traffic.seconds += seconds;
}

ff_team_traffic ff_team_traffic_of(const ff_team *t)
{
    return t ? t->traffic : (ff_team_traffic){0};
}

void ff_team_tell(ff_team *t, int from, void *data, size_t size)
{
    int64_t begun = ff_now_ns();
    if (!t)
        return;
    for (size_t at = 0; at < size; at += INT_MAX) {
        size_t n = size - at < INT_MAX ? size - at : INT_MAX;
        MPI_Bcast((char *)data + at, (int)n, MPI_BYTE, from, MPI_COMM_WORLD);
    }
    count(t, begun, t->rank == from ? size : 0, false);
}

int ff_team_agree(ff_team *t, int code, int64_t place)
{
    if (!t)
        return code;
    /* The failure at the lowest place, of the lowest rank there. */
    int64_t begun = ff_now_ns(), mine[2] = {code == FF_OK ? INT64_MAX : place, t->rank}, lowest = INT64_MAX;
    MPI_Allreduce(&mine[0], &lowest, 1, MPI_INT64_T, MPI_MIN, MPI_COMM_WORLD);
    count(t, begun, sizeof lowest, true);
    if (lowest == INT64_MAX)
        return FF_OK;
    int candidate = mine[0] == lowest ? t->rank : INT_MAX, from;
    MPI_Allreduce(&candidate, &from, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    struct {
        int code;
        char message[2000];
    } failure = {.code = code};
    if (t->rank == from)
        strncpy(failure.message, ff_error(), sizeof failure.message - 1);
    ff_team_tell(t, from, &failure, sizeof failure);
    return ff_fail(failure.code, "%s", failure.message);
}

void ff_team_gather(ff_team *t, const void *mine, const int *counts, size_t size, void *all)
{
    int64_t begun = ff_now_ns();
    if (!t || !size)
        return;
    int *starts = ff_alloc_array((size_t)t->size, sizeof *starts);
    bool everyone = counts[0] > 0;
    for (int i = 1; i < t->size; i++) {
        starts[i] = starts[i - 1] + counts[i - 1];
        everyone &= counts[i] > 0;
    }
    MPI_Datatype record;
    MPI_Type_contiguous((int)size, MPI_BYTE, &record);
    MPI_Type_commit(&record);
    MPI_Allgatherv(mine, counts[t->rank], record, all, counts, starts, record, MPI_COMM_WORLD);
    MPI_Type_free(&record);
    free(starts);
    count(t, begun, (uint64_t)counts[t->rank] * size, everyone);
}

/* Some rows at once, so that what is packed stays small beside the rows. */
static void deal_block(ff_team *t, float *rows, int n, const int *owners, const int *columns, const int *starts,
                       int64_t width)
{
    int size = t->size, me = t->rank, *owned = ff_alloc_array((size_t)size, sizeof *owned);
    int *sent = ff_alloc_array((size_t)size * 4, sizeof *sent), *got = sent + size, *to = got + size, *from = to + size;
    for (int i = 0; i < n; i++)
        owned[owners[i]]++;
    for (int r = 0; r < size; r++) {
        sent[r] = r == me ? 0 : owned[me] * columns[r];
        got[r] = r == me ? 0 : owned[r] * columns[me];
        to[r] = r ? to[r - 1] + sent[r - 1] : 0;
        from[r] = r ? from[r - 1] + got[r - 1] : 0;
    }
    int out_size = to[size - 1] + sent[size - 1], in_size = from[size - 1] + got[size - 1];
    float *out = ff_alloc_array((size_t)out_size + 1, sizeof *out),
          *in = ff_alloc_array((size_t)in_size + 1, sizeof *in);
    float *at = out;
    for (int r = 0; r < size; r++)
        for (int i = 0; i < n && r != me; i++)
            if (owners[i] == me) {
                memcpy(at, rows + i * width + starts[r], (size_t)columns[r] * sizeof *at);
                at += columns[r];
            }
    int64_t begun = ff_now_ns();
    MPI_Alltoallv(out, sent, to, MPI_FLOAT, in, got, from, MPI_FLOAT, MPI_COMM_WORLD);
    count(t, begun, (uint64_t)out_size * sizeof *out, false);
    at = in;
    for (int r = 0; r < size; r++)
        for (int i = 0; i < n && r != me; i++)
            if (owners[i] == r) {
                memcpy(rows + i * width + starts[me], at, (size_t)columns[me] * sizeof *at);
                at += columns[me];
            }
    free(owned);
    free(sent);
    free(out);
    free(in);
}

void ff_team_deal(ff_team *t, float *rows, int n, const int *owners, const int *counts)
{
    enum { BLOCK = 16 << 20 }; /* elements */
    if (!t)
        return;
    int *starts = ff_alloc_array((size_t)t->size, sizeof *starts);
    for (int i = 1; i < t->size; i++)
        starts[i] = starts[i - 1] + counts[i - 1];
    int64_t width = (int64_t)starts[t->size - 1] + counts[t->size - 1];
    int most = width > 0 && BLOCK / width > 1 ? (int)(BLOCK / width) : 1;
    for (int at = 0; at < n && width > 0; at += most)
        deal_block(t, rows + at * width, n - at < most ? n - at : most, owners + at, counts, starts, width);
    free(starts);
}

#else

int ff_team_join(ff_team **out)
{
    *out = NULL;
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    size = size ? size : getenv("PMI_SIZE");
    if (launched() && (!size || strcmp(size, "1") != 0))
        return ff_fail(FF_ERR_USAGE, "this fetafix was built without MPI: run it without a launcher");
    return FF_OK;
}

void ff_team_leave(ff_team *t, int exit_code)
{
    (void)t;
    (void)exit_code;
}

int ff_team_rank(const ff_team *t)
{
    (void)t;
    return 0;
}

int ff_team_size(const ff_team *t)
{
    (void)t;
    return 1;
}

int ff_team_threads(const ff_team *t)
{
    (void)t;
    return 0;
}

ff_team_traffic ff_team_traffic_of(const ff_team *t)
{
    (void)t;
    return (ff_team_traffic){0};
}

void ff_team_tell(ff_team *t, int from, void *data, size_t size)
{
    (void)t, (void)from, (void)data, (void)size;
}

int ff_team_agree(ff_team *t, int code, int64_t place)
{
    (void)t, (void)place;
    return code;
}

void ff_team_gather(ff_team *t, const void *mine, const int *counts, size_t size, void *all)
{
    (void)t, (void)mine, (void)counts, (void)size, (void)all;
}

void ff_team_deal(ff_team *t, float *rows, int n, const int *owners, const int *counts)
{
    (void)t, (void)rows, (void)n, (void)owners, (void)counts;
}

#endif
