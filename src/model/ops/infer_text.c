/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings. */
#include "model/ops/infer.h"

static int infer_string_concat(ff_infer *c)
{
    ff_shape s;
    int code = infer_broadcast(&c->in[0], &c->in[1], &s);

    if (code == FF_OK)
        infer_copy(c, 0, &s);
    return code;
}

static int infer_regex(ff_infer *c)
{
    infer_set(c, 0, FF_BOOL, c->in[0].rank, c->in[0].dims);
    return FF_OK;
}

static const struct ff_attr_fact no_attrs[] = {{0}};
static const struct ff_attr_fact image_decoder_20[] = {{"pixel_format", FF_ATTR_STRING, "RGB"}, {0}};
static const struct ff_attr_fact regex_full_match_20[] = {{"pattern", FF_ATTR_STRING, NULL}, {0}};
static const struct ff_attr_fact string_normalizer_10[] = {{"case_change_action", FF_ATTR_STRING, "NONE"},
                                                           {"is_case_sensitive", FF_ATTR_INT, "0"},
                                                           {"locale", FF_ATTR_STRING, NULL},
                                                           {"stopwords", FF_ATTR_STRINGS, NULL},
                                                           {0}};
static const struct ff_attr_fact string_split_20[] = {
    {"delimiter", FF_ATTR_STRING, NULL}, {"maxsplit", FF_ATTR_INT, NULL}, {0}};
static const struct ff_attr_fact tf_idf_vectorizer_9[] = {
    {"max_gram_length", FF_ATTR_INT, NULL}, {"max_skip_count", FF_ATTR_INT, NULL},
    {"min_gram_length", FF_ATTR_INT, NULL}, {"mode", FF_ATTR_STRING, NULL},
    {"ngram_counts", FF_ATTR_INTS, NULL},   {"ngram_indexes", FF_ATTR_INTS, NULL},
    {"pool_int64s", FF_ATTR_INTS, NULL},    {"pool_strings", FF_ATTR_STRINGS, NULL},
    {"weights", FF_ATTR_FLOATS, NULL},      {0}};

const ff_op ff_ops_text[] = {
    /* since, inputs, outputs */
    {"", "ImageDecoder", 20, 1, 1, 1, 1, NULL, image_decoder_20},
    {"", "RegexFullMatch", 20, 1, 1, 1, 1, infer_regex, regex_full_match_20},
    {"", "StringConcat", 20, 2, 2, 1, 1, infer_string_concat, no_attrs},
    {"", "StringNormalizer", 10, 1, 1, 1, 1, NULL, string_normalizer_10},
    {"", "StringSplit", 20, 1, 1, 2, 2, NULL, string_split_20},
    {"", "TfIdfVectorizer", 9, 1, 1, 1, 1, NULL, tf_idf_vectorizer_9},
    {0},
};
