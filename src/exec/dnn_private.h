/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files around oneDNN share. */
#ifndef FF_EXEC_DNN_PRIVATE_H
#define FF_EXEC_DNN_PRIVATE_H

#include "exec/dnn.h"

int dnn_failed(dnnl_status_t status, const char *what); /* to our own codes */
void dnn_copy_dims(dnnl_dims_t out, int rank, const int64_t *dims);
int dnn_layout_tagged(dnn_layout *out, int rank, const int64_t *dims, dnnl_format_tag_t tag) FF_MUST_USE;
void dnn_hash_layout(ff_hasher *h, const dnn_layout *l);
void dnn_begin_key(ff_hasher *h, const char *what);
/* ONNX's weights with the group as an axis of its own; returns the rank. */
int dnn_weight_dims(const dnn_conv *c, int64_t dims[6]);

#endif
