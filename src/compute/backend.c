/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The name of what computes: results may differ in their last bits between any two of these. */
#include <pthread.h>
#include <stdio.h>

#include <oneapi/dnnl/dnnl.h>

#include "fetafix/compute.h"

static const struct {
    dnnl_cpu_isa_t isa;
    const char *name;
} isas[] = {
    {dnnl_cpu_isa_sse41, "sse41"},
    {dnnl_cpu_isa_avx, "avx"},
    {dnnl_cpu_isa_avx2, "avx2"},
    {dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
    {dnnl_cpu_isa_avx512_core, "avx512_core"},
    {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
    {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"},
};

static char name[64];

static void make_name(void)
{
    const dnnl_version_t *v = dnnl_version();
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    const char *isa_name = NULL;
    for (size_t i = 0; i < FF_COUNT(isas); i++)
        if (isas[i].isa == isa)
            isa_name = isas[i].name;
    int n = snprintf(name, sizeof name, "onednn %d.%d.%d ", v->major, v->minor, v->patch);
    if (isa_name)
        snprintf(name + n, sizeof name - (size_t)n, "%s", isa_name);
    else
        snprintf(name + n, sizeof name - (size_t)n, "isa 0x%x", (unsigned)isa);
}

const char *ff_compute_backend(bool reference)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (reference)
        return "reference";
    pthread_once(&once, make_name);
    return name;
}
