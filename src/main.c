/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <malloc.h>

#include "fetafix/program.h"

#include "../ui/explore.h"

int main(int argc, char **argv)
{
    /* Activations come and go by the thousand. Left to itself, malloc takes each from the kernel and
     * gives it back, and the kernel zeroes every page: a fifth of the time of an analysis. */
    mallopt(M_MMAP_THRESHOLD, 256 << 20);
    mallopt(M_TRIM_THRESHOLD, 512 << 20);
    mallopt(M_ARENA_MAX, 1);
    return ff_main(argc, argv, ff_explore);
}
