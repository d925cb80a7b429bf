/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A part of a model as a model of its own. */
#ifndef REPAIR_CUT_H
#define REPAIR_CUT_H

#include "fetafix/exec.h"

/* The nodes that make the value named `output` out of those named `inputs`, with the constants they read, in the
 * model's opset. Shapes are the plan's, which is the model's. FF_ERR_GRAPH: a name is not there, something else is
 * needed as well, or a node has a graph inside or a domain of its own. */
int ff_cut(const ff_plan *plan, int n_inputs, const char *const *inputs, const char *output,
           ff_model **out) FF_MUST_USE;

#endif
