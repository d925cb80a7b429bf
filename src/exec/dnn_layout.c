/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptors of memory. */
#include "exec/dnn_private.h"

#include <string.h>

static const dnnl_format_tag_t plain_tags[] = {
    dnnl_format_tag_undef, dnnl_a,       dnnl_ab,       dnnl_abc,       dnnl_abcd,       dnnl_abcde,
    dnnl_abcdef,           dnnl_abcdefg, dnnl_abcdefgh, dnnl_abcdefghi, dnnl_abcdefghij, dnnl_abcdefghijk,
    dnnl_abcdefghijkl,
};

void dnn_copy_dims(dnnl_dims_t out, int rank, const int64_t *dims)
{
    memset(out, 0, sizeof(dnnl_dims_t));
    for (int i = 0; i < rank; i++)
        out[i] = dims[i];
}

int dnn_layout_tagged(dnn_layout *out, int rank, const int64_t *dims, dnnl_format_tag_t tag)
{
    dnnl_dims_t d;

    memset(out, 0, sizeof *out);
    dnn_copy_dims(d, rank, dims);
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(out, rank, d, dnnl_f32, tag);
    return s == dnnl_success ? FF_OK : dnn_failed(s, "layout");
}

int dnn_layout_plain(dnn_layout *out, int rank, const int64_t *dims)
{
    return dnn_layout_tagged(out, rank, dims, plain_tags[rank]);
}

int dnn_layout_permute(dnn_layout *out, const dnn_layout *in, const int *perm)
{
    int to[DNNL_MAX_NDIMS] = {0};

    /* oneDNN says where an axis goes, ONNX where it comes from. */
    for (int i = 0; i < in->ndims; i++)
        to[perm[i]] = i;
    memset(out, 0, sizeof *out);
    dnnl_status_t s = dnnl_memory_desc_permute_axes(out, in, to);
    return s == dnnl_success ? FF_OK : dnn_failed(s, "permutation");
}

bool dnn_layout_reshape(dnn_layout *out, const dnn_layout *in, int rank, const int64_t *dims)
{
    dnnl_dims_t d;
    dnn_layout l;

    memset(&l, 0, sizeof l);
    dnn_copy_dims(d, rank, dims);
    if (dnnl_memory_desc_reshape(&l, in, rank, d) != dnnl_success)
        return false;
    *out = l;
    return true;
}

void dnn_layout_like(dnn_layout *out, int rank, const int64_t *dims, const dnn_layout *like)
{
    dnnl_blocking_desc_t *b = &out->format_desc.blocking;
    const dnnl_blocking_desc_t *from = &like->format_desc.blocking;
    int64_t block[DNNL_MAX_NDIMS], stride = 1;
    bool placed[DNNL_MAX_NDIMS] = {false};

    *out = *like;
    for (int i = 0; i < rank; i++)
        block[i] = 1;
    for (int i = 0; i < from->inner_nblks; i++) {
        block[from->inner_idxs[i]] *= from->inner_blks[i];
        stride *= from->inner_blks[i];
    }
    for (int k = 0; k < rank; k++) { /* from the axis that changes fastest */
        int next = -1;
        for (int i = rank - 1; i >= 0; i--)
            if (!placed[i] && (next < 0 || from->strides[i] < from->strides[next]))
                next = i;
        placed[next] = true;
        out->dims[next] = dims[next];
        out->padded_dims[next] = (dims[next] + block[next] - 1) / block[next] * block[next];
        b->strides[next] = stride;
        stride *= out->padded_dims[next] / block[next];
    }
}

bool dnn_layout_equal(const dnn_layout *a, const dnn_layout *b)
{
    return dnnl_memory_desc_equal(a, b) != 0;
}

size_t dnn_layout_bytes(const dnn_layout *l)
{
    return dnnl_memory_desc_get_size(l);
}

void dnn_hash_layout(ff_hasher *h, const dnn_layout *l)
{
    ff_hasher_add_u64(h, (uint64_t)l->ndims);
    for (int i = 0; i < l->ndims; i++) {
        ff_hasher_add_u64(h, (uint64_t)l->dims[i]);
        ff_hasher_add_u64(h, (uint64_t)l->padded_dims[i]);
        ff_hasher_add_u64(h, (uint64_t)l->padded_offsets[i]);
        ff_hasher_add_u64(h, (uint64_t)l->format_desc.blocking.strides[i]);
    }
    ff_hasher_add_u64(h, (uint64_t)l->offset0);
    const dnnl_blocking_desc_t *b = &l->format_desc.blocking;
    ff_hasher_add_u64(h, (uint64_t)l->format_kind);
    ff_hasher_add_u64(h, (uint64_t)b->inner_nblks);
    for (int i = 0; i < b->inner_nblks; i++) {
        ff_hasher_add_u64(h, (uint64_t)b->inner_blks[i]);
        ff_hasher_add_u64(h, (uint64_t)b->inner_idxs[i]);
    }
}
