/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of patches. */
#ifndef FETAFIX_MODEL_PATCH_H
#define FETAFIX_MODEL_PATCH_H

#include "model/graph/graph.h"

typedef enum edit_kind { /* numbers are in files */
                         EDIT_SET_INITIALIZER = 1,
                         EDIT_REMOVE_INITIALIZER = 2,
                         EDIT_SET_ATTR = 3,
                         EDIT_REMOVE_ATTR = 4,
                         EDIT_SET_NODE_INPUT = 5,
                         EDIT_INSERT_NODE = 6,
                         EDIT_REMOVE_NODE = 7,
                         EDIT_REPLACE_NODE = 8,
                         EDIT_REDIRECT = 9,
                         EDIT_SET_INPUT_SHAPE = 10,
                         EDIT_SET_OUTPUTS = 11,
                         EDIT_ADD_OUTPUT = 12,
                         EDIT_REMOVE_DEAD = 13,
                         EDIT_SPLICE = 14,
                         EDIT_KINDS
} edit_kind;

/* The inverse of any patch: fields of the graph that go, and others that come to their old place.
 */
struct splice_out {
    int index; /* where it was when the splice was made */
    part *p;   /* NULL when only the key is known (from a file) */
    ff_key key;
};
struct splice_in {
    int index, id;
    part *p;
};

/* Immutable once it is in a patch, and shared by copies. */
typedef struct edit {
    atomic_int refs;
    edit_kind kind;
    char *target; /* node output, initializer, input or value */
    char *second; /* attribute, value, `after` or `to`; NULL: none */
    int index;
    ff_tensor *tensor;
    doc_attr attr;
    part *node;
    doc_value value; /* shape of an input or output */
    int n_names;
    char **names;
    int n_out, n_in;
    struct splice_out *out;
    struct splice_in *in;
} edit;

struct ff_patch {
    edit **edits;
    size_t n, capacity;
};

edit *patch_add(ff_patch *p, edit_kind kind, const char *target);
void edit_unref(edit *e);
/* Appends the splice that leads from the fields `from` to the fields `to`. */
void patch_add_splice(ff_patch *p, const slot *from, int n_from, const slot *to, int n_to);

#endif
