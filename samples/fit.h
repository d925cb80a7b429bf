/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fit.h: makes a classifier of a network with random weights. */
#ifndef SAMPLES_FIT_H
#define SAMPLES_FIT_H

#include "network.h"

/* The preprocessing that the samples are trained with, as a preset or spec. */
#define SAMPLES_PREPROCESSING "tf-imagenet"

/* Sets the statistics of every batch normalisation to those of `pictures` training pictures, in one run of
 * the network in training mode, then fits the dense layer to their labels by ridge regression on the pooled
 * features (one-hot targets; GSL's Cholesky). */
int network_fit(network *n, int pictures) FF_MUST_USE;
/* For a network that nobody trained: calibrates it the same way, with pictures prepared by `spec`, then gives each class
 * a random direction among those in which they differ, with scores centred and scaled over the pictures, so that labels
 * are diverse and margins small. */
int network_diversify(network *n, const char *spec, int pictures) FF_MUST_USE;
/* Share of `pictures` unseen pictures that the network labels right. */
int network_accuracy(const network *n, int pictures, double *out) FF_MUST_USE;

#endif
