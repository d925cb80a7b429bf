/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A graph while edits are made: private to apply.c and what it is made of. */
#ifndef FETAFIX_MODEL_WORK_H
#define FETAFIX_MODEL_WORK_H

#include "model/edit/patch.h"

#define misfit(...) ff_fail(FF_ERR_GRAPH, __VA_ARGS__)

/* The fields of the graph; holds a reference on each part. */
struct work {
    const ff_model *m;
    slot *slots;
    size_t n, capacity;
    int next_id;
    bool edited; /* by something else than a splice */
};

/* work.c. insert and replace take the reference. */
void work_insert(struct work *w, int at, part *p, int id);
void work_remove(struct work *w, int at);
void work_replace(struct work *w, int at, part *p);
/* The slot of a field by its name; -1: none. */
int work_find(const struct work *w, uint32_t field, const char *name);
/* Where a new field of a kind goes: behind the last of its kind, else at the end. */
int work_behind(const struct work *w, uint32_t field);
int work_find_node(const struct work *w, const char *output, int *at) FF_MUST_USE;
/* The slot of the node that makes a value, by any of its outputs; -1: none. */
int work_producer(const struct work *w, const char *name);
bool doc_node_reads(const doc_node *n, const char *name);
int work_check_unread(const struct work *w, const char *name) FF_MUST_USE;
void work_drop_named(struct work *w, uint32_t field, const char *name);
/* A new field; of the one that it replaces (may be NULL) what is not shape and name stays. */
part *value_part(uint32_t field, const doc_value *v, const part *old);

/* apply.c: a model of the fields as they are now. */
int work_build(const struct work *w, ff_model **out) FF_MUST_USE;

/* declared.c: drops the declarations of shapes that the edits made untrue (or that cannot be shown
 * to be true any more). *changed: the slots are others now. */
int work_drop_untrue(struct work *w, const ff_model *r, bool *changed) FF_MUST_USE;

/* edit_node.c */
int edit_set_attr(struct work *w, const edit *e) FF_MUST_USE;
int edit_remove_attr(struct work *w, const edit *e) FF_MUST_USE;
int edit_set_node_input(struct work *w, const edit *e) FF_MUST_USE;
int edit_insert_node(struct work *w, const edit *e) FF_MUST_USE;
int edit_remove_node(struct work *w, const edit *e) FF_MUST_USE;
int edit_replace_node(struct work *w, const edit *e) FF_MUST_USE;
int edit_redirect(struct work *w, const edit *e) FF_MUST_USE;
/* edit_graph.c */
int edit_set_initializer(struct work *w, const edit *e) FF_MUST_USE;
int edit_remove_initializer(struct work *w, const edit *e) FF_MUST_USE;
int edit_set_input_shape(struct work *w, const edit *e) FF_MUST_USE;
int edit_set_outputs(struct work *w, const edit *e) FF_MUST_USE;
int edit_add_output(struct work *w, const edit *e) FF_MUST_USE;
int edit_remove_dead(struct work *w) FF_MUST_USE;

#endif
