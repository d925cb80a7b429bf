/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernel.h: what the reference kernels share. Private to src/compute.
 *
 * A kernel reads its call, makes its outputs with ff_out() (which checks the memory limit before it
 * allocates) and fills them. To keep one loop per operator instead of one per element type, values
 * are read as one of four work types (kview) and written back rounded to the output's type:
 *
 *     float      float32, float16, bfloat16, float8
 *     double     float64
 *     int64_t    bool and the signed and unsigned integers up to 32 bits, int64
 *     uint64_t   uint64
 *
 * Kernels whose cost does not matter read everything as double. Errors do not name the node:
 * ff_kernel_run() puts its name in front.
 */
#ifndef FF_COMPUTE_KERNEL_H
#define FF_COMPUTE_KERNEL_H

#include "fetafix/compute.h"

typedef ff_kernel_call ff_call;

/* The kernels, as the registry lists them. */
#define ROW(domain, op, since, function) int function(ff_call *c);
#include "rows.h"
#undef ROW

/* Compiled for several instruction sets, the best of which is taken at run time: the same bits, as
 * nothing is contracted. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define FF_WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FF_WIDEST
#endif

typedef enum kwork { KWORK_FLOAT, KWORK_DOUBLE, KWORK_INT, KWORK_UINT } kwork;

/* The elements of a tensor as one work type: the tensor's own data where the types agree, else a
 * converted copy. */
typedef struct kview {
    union {
        float *f;
        double *d;
        int64_t *i;
        uint64_t *u;
        void *p;
    };
    void *own;      /* the copy, to be freed */
    ff_tensor *out; /* set for views of outputs: where kview_store() writes */
    kwork work;
    int64_t count;
} kview;

bool ff_is_numeric(ff_dtype t); /* floats, integers and bool; not strings, not complex */
bool ff_is_integer(ff_dtype t); /* bool excluded */
kwork kwork_of(ff_dtype t);
/* Reads (FF_ERR_GRAPH for a type that is not numeric). A view that was zeroed may be finished. */
int kview_read(const ff_tensor *t, kwork w, kview *v) FF_MUST_USE;
/* A view to be written; kview_store() puts it into the tensor and finishes it. */
int kview_write(ff_tensor *t, kwork w, kview *v) FF_MUST_USE;
void kview_store(kview *v);
void kview_finish(kview *v);

/* Input i, NULL when it is left out. */
static inline const ff_tensor *ff_in(const ff_call *c, int i)
{
    return i < c->n_in ? c->in[i] : NULL;
}
static inline bool ff_wants(const ff_call *c, int i)
{
    return i < c->n_out;
}
/* The same, for an input that must be there, of a rank from `low` to `high` (-1: any above). */
int ff_need(const ff_call *c, int i, int low, int high, const ff_tensor **out) FF_MUST_USE;
/* Makes output i, zero-filled, within the memory limit. */
int ff_out(ff_call *c, int i, ff_dtype t, int rank, const int64_t *dims, ff_tensor **out) FF_MUST_USE;
int ff_out_like(ff_call *c, int i, const ff_tensor *t, ff_tensor **out) FF_MUST_USE;
/* Output i is the input itself, or a view of it with other dims. */
int ff_pass(ff_call *c, int i, const ff_tensor *t) FF_MUST_USE;
int ff_pass_reshaped(ff_call *c, int i, const ff_tensor *t, int rank, const int64_t *dims) FF_MUST_USE;
/* FF_ERR_NOMEM when n elements of `size` bytes would be beyond the memory limit. */
int ff_check_size(const ff_call *c, int64_t n, size_t size) FF_MUST_USE;
/* Zeroed scratch memory, to be freed; NULL with a message when beyond the limit. */
void *ff_scratch(const ff_call *c, int64_t n, size_t size);
int ff_cancel_check(const ff_call *c) FF_MUST_USE;
/* Before each round of a loop: cancelled, or too many rounds. */
int ff_next_round(const ff_call *c) FF_MUST_USE;

/* Elements of dims; FF_ERR_GRAPH when one is negative or the product overflows. */
int ff_count(int rank, const int64_t *dims, int64_t *count) FF_MUST_USE;
void ff_strides(int rank, const int64_t *dims, int64_t *strides);
/* Product of dims[from..to). */
int64_t ff_span(const int64_t *dims, int from, int to);
/* Brings -rank..rank-1 to 0..rank-1. */
int ff_axis(int64_t axis, int rank, int *out) FF_MUST_USE;
/* As ff_axis for a list; the same axis twice is an error. */
int ff_axes(const int64_t *axes, int n, int rank, int *out) FF_MUST_USE;
/* A tensor of at most `max` integers. */
int ff_int_list(const ff_tensor *t, int max, int64_t *out, int *n) FF_MUST_USE;
/* The list in attribute `name` or, where that is absent, in input `input` (-1: attribute only).
 * *given false when there is neither. */
int ff_list_argument(const ff_call *c, const char *name, int input, int max, int64_t *out, int *n,
                     bool *given) FF_MUST_USE;
/* The one element of a tensor. */
int ff_scalar_int(const ff_tensor *t, const char *what, int64_t *out) FF_MUST_USE;
int ff_scalar_real(const ff_tensor *t, const char *what, double *out) FF_MUST_USE;
/* The type that attribute `name` (a TensorProto.DataType) asks for. */
int ff_dtype_argument(const ff_call *c, const char *name, ff_dtype otherwise, ff_dtype *out) FF_MUST_USE;

/* Multidirectional broadcasting: the common dims. */
int ff_broadcast(int rank_a, const int64_t *a, int rank_b, const int64_t *b, int *rank, int64_t *out) FF_MUST_USE;
/* Strides of t as seen from broadcast dims of `rank` (0 along repeated axes). */
void ff_broadcast_strides(const ff_tensor *t, int rank, int64_t *strides);

/* Walks an index space in row-major order, the last `inner` dims left out, and keeps one offset for
 * each operand. */
#define FF_WALK_OPERANDS 4
typedef struct ff_walk {
    int rank, n;
    int64_t dims[FF_MAX_RANK], index[FF_MAX_RANK];
    int64_t strides[FF_WALK_OPERANDS][FF_MAX_RANK];
    int64_t at[FF_WALK_OPERANDS];
} ff_walk;
void ff_walk_start(ff_walk *w, int rank, const int64_t *dims);
int ff_walk_operand(ff_walk *w, const int64_t *strides); /* its number */
static inline bool ff_walk_next(ff_walk *w)              /* false after the last index */
{
    for (int k = w->rank - 1; k >= 0; k--) {
        for (int o = 0; o < w->n; o++)
            w->at[o] += w->strides[o][k];
        if (++w->index[k] < w->dims[k])
            return true;
        for (int o = 0; o < w->n; o++)
            w->at[o] -= w->strides[o][k] * w->dims[k];
        w->index[k] = 0;
    }
    return false;
}

/* Copies n elements (strings too) from src[s..] to dst[d..]. */
void ff_move(ff_tensor *dst, int64_t d, const ff_tensor *src, int64_t s, int64_t n);
/* dst (dense, dims of dst) from src read at `offset` with `strides` (may be 0 or negative). */
void ff_move_strided(ff_tensor *dst, const ff_tensor *src, int64_t offset, const int64_t *strides);

/* A copy of s (NULL: "") as element i of a tensor of strings; element i of one, never NULL. */
void ff_set_string(ff_tensor *t, int64_t i, const char *s);
const char *ff_get_string(const ff_tensor *t, int64_t i);

/* Windows of convolution and pooling over `spatial` axes. */
typedef struct ff_window {
    int spatial;
    int64_t in[FF_MAX_RANK], out[FF_MAX_RANK], kernel[FF_MAX_RANK], stride[FF_MAX_RANK], dilation[FF_MAX_RANK],
        begin[FF_MAX_RANK], end[FF_MAX_RANK];
} ff_window;
/* From kernel_shape (or `kernel` when not NULL), strides, dilations, pads, auto_pad and ceil_mode.
 */
int ff_window_init(const ff_call *c, int spatial, const int64_t *in, const int64_t *kernel, ff_window *w) FF_MUST_USE;

/* Convolution in double, shared by Conv and its integer kin: x[batch, channels, in...],
 * w[filters, channels / group, kernel...], y[batch, filters, out...]; bias may be NULL. */
typedef struct ff_conv {
    int64_t batch, channels, filters, group;
    ff_window window;
} ff_conv;
int ff_conv_init(const ff_call *c, const ff_tensor *x, const ff_tensor *w, ff_conv *v) FF_MUST_USE;
int ff_conv_out(ff_call *c, const ff_conv *v, ff_dtype t, ff_tensor **y) FF_MUST_USE;
int ff_conv_compute(const ff_call *c, const ff_conv *v, const double *x, const double *w, const double *bias,
                    double *y) FF_MUST_USE;

/* Matrix products in double with NumPy's rules for ranks, shared likewise. */
typedef struct ff_matmul {
    int64_t rows, inner, columns;
    int rank; /* of the result, and its dims */
    int64_t dims[FF_MAX_RANK];
    int batch_rank; /* batches of the result and how a and b step through them, in matrices */
    int64_t batch[FF_MAX_RANK], step_a[FF_MAX_RANK], step_b[FF_MAX_RANK];
} ff_matmul;
int ff_matmul_init(const ff_tensor *a, const ff_tensor *b, ff_matmul *m) FF_MUST_USE;
int ff_matmul_compute(const ff_call *c, const ff_matmul *m, const double *a, const double *b, double *y) FF_MUST_USE;
/* For operators made of others. A node of the standard's without attributes; and the kernel of a node on these inputs. */
ff_node ff_standard_node(const char *op);
int ff_run_inner(ff_call *c, const ff_node *node, const ff_tensor *const *in, int n_in, ff_tensor **out) FF_MUST_USE;
/* Integer sums to the type of y: times alpha and the scales of the operands, by that of y. One scale b for all, or one for each
 * slice of axis `axis` of y. */
int ff_requantize(ff_tensor *y, const double *sums, double alpha, const ff_tensor *a, const ff_tensor *b,
                  const ff_tensor *to, const ff_tensor *zero, int axis) FF_MUST_USE;
/* y[rows, columns] += a[rows, inner] * b[inner, columns] */
void ff_matrix_product(int64_t rows, int64_t inner, int64_t columns, const double *a, const double *b, double *y);

#endif
