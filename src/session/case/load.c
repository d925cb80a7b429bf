/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loading a case, anew or from a session file. What defines a case is stored: asked again for the
 * same case it resumes, asked for another it refuses. Models are kept by content: a session resumes
 * as long as either the file is unchanged or its bytes were taken in.
 */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetafix/compute.h"
#include "session/case/case.h"

/* Files up to this size are copied into the session. */
#define KEEP_BYTES (UINT64_C(256) << 20)

/* ----------------------------------------------------------------------------------- settings */

static char *absolute_path(const char *path)
{
    char *real = realpath(path, NULL);
    if (real)
        return real;
    char *cwd = getcwd(NULL, 0);
    char *joined = ff_path_join(cwd ? cwd : ".", path);
    free(cwd);
    return joined;
}

/* A stored value against what was asked for (NULL: nothing). Afterwards *value is the stored one.
 */
static int settle(ff_case *c, const char *name, const char *what, const char **value)
{
    char *stored;
    int code = db_get(c->db, name, &stored);
    if (code)
        return code;
    if (!c->resumed) {
        if (*value)
            code = db_set(c->db, name, *value);
    } else if (*value && (!stored || strcmp(*value, stored) != 0)) {
        code = ff_fail(FF_ERR_USAGE, "session '%s' was begun with %s %s, not %s", c->options.path, what,
                       stored ? stored : "none", *value);
    } else if (stored) {
        *value = ff_arena_strdup(c->texts, stored);
    }
    free(stored);
    return code;
}

static int settle_number(ff_case *c, const char *name, const char *what, int64_t *value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)*value);
    const char *v = *value || !c->resumed ? text : NULL;
    int code = settle(c, name, what, &v);
    if (!code && (!v || !ff_parse_int(v, value)))
        code = db_damaged(c->db, "a setting is no number");
    return code;
}

static int settle_flag(ff_case *c, const char *name, const char *what, bool *value)
{
    int64_t number = *value;
    int code = settle_number(c, name, what, &number);
    if (!code)
        *value = number != 0;
    return code;
}

/* A path as given for show, and where it is for finding it again. */
static int settle_path(ff_case *c, const char *name, const char *what, const char **value)
{
    if (!*value && !c->resumed)
        return FF_OK;
    char *full = *value ? absolute_path(*value) : NULL;
    const char *v = full;
    int code = settle(c, name, what, &v);
    if (!code && v && !*value)
        *value = v == full ? ff_arena_strdup(c->texts, v) : v;
    free(full);
    return code;
}

static int settle_settings(ff_case *c)
{
    ff_session_options *o = &c->options;
    int64_t limit = o->limit, seed = (int64_t)o->seed, rounds = o->rounds;
    int code;
    if ((code = settle_path(c, "images", "images", &o->images)) ||
        (code = settle(c, "source-pre", "--source-pre", &o->source_pre)) ||
        (code = settle(c, "target-pre", "--target-pre", &o->target_pre)) ||
        (code = settle(c, "source-output", "--source-output", &o->source_output)) ||
        (code = settle(c, "target-output", "--target-output", &o->target_output)) ||
        (code = settle(c, "core-ops", "--core-ops", &o->core_ops)) ||
        (code = settle(c, "comparator", "--comparator", &o->comparator)) ||
        (code = settle_number(c, "limit", "--limit", &limit)) || (code = settle_number(c, "seed", "--seed", &seed)) ||
        (code = settle_number(c, "rounds", "--rounds", &rounds)) ||
        (code = settle_flag(c, "reference", "--reference", &o->reference)) ||
        (code = settle_flag(c, "paper-strategy", "--strategy paper", &o->paper_strategy)) ||
        (code = settle_flag(c, "paper-analysis", "--analysis paper", &o->paper_analysis)) ||
        (code = settle_flag(c, "minimal", "--minimal", &o->minimal)) ||
        (code = settle_flag(c, "keep-quantized", "--keep-quantized", &o->keep_quantized)))
        return code;
    if (o->core_ops && (code = ff_core_ops_check(o->core_ops)))
        return ff_fail_prefix(code, "--core-ops");
    if (limit < 0 || limit > INT_MAX || rounds < 0 || rounds > INT_MAX)
        return db_damaged(c->db, "a setting is out of range");
    o->limit = (int)limit;
    o->seed = (uint64_t)seed;
    o->rounds = (int)rounds;
    if (!o->images)
        return ff_fail(FF_ERR_USAGE, "no images are given (--images DIR|LIST)");
    return ff_comparator_create(o->comparator, &c->comparator);
}

int case_open_store(ff_case *c)
{
    return db_open_team(c->options.path, c->options.team, &c->db, &c->resumed);
}

/* ------------------------------------------------------------------------------------- models */

static int remember_model(ff_case *c, const char *role, const char *path, const ff_model *m)
{
    char hex[65], *full = absolute_path(path), *bytes = NULL;
    size_t size = 0;
    ff_key_hex(ff_model_sha256(m), hex);
    int code = FF_OK;
    /* In memory there is nothing to resume. A large or replaced file is only referred to. */
    if (c->options.path && ff_read_file(path, KEEP_BYTES, &bytes, &size) == FF_OK) {
        ff_key key = ff_key_of(bytes, size);
        if (!ff_key_equal(&key, ff_model_sha256(m))) {
            free(bytes);
            bytes = NULL;
        }
    }
    code = db_run(c->db, "INSERT INTO model VALUES(?,?,?,?,?)", "ssssb", role, path, full, hex, bytes, size);
    free(bytes);
    free(full);
    return code;
}

static bool has_key(const ff_model *m, const char *hex)
{
    char mine[65];
    ff_key_hex(ff_model_sha256(m), mine);
    return strcmp(mine, hex) == 0;
}

static int recall_model(ff_case *c, const char *role, const char **path, ff_model **out)
{
    sqlite3_stmt *st;
    bool row;
    int code = db_query(c->db, &st, "SELECT path, absolute, sha256, bytes FROM model WHERE role=?", "s", role);
    if (code || (code = db_next(c->db, &st, &row)))
        return code;
    if (!row)
        return db_damaged(c->db, "a model is missing");
    char *shown = db_text(st, 0), *full = db_text(st, 1), *hex = db_text(st, 2);
    ff_model *m = NULL;
    if (!shown || !full || !hex) {
        code = db_damaged(c->db, "a model has no name");
    } else if (*path) {
        code = ff_model_load(*path, &m);
        if (!code && !has_key(m, hex))
            code = ff_fail(FF_ERR_INPUT, "session '%s' is about another %s than '%s'", c->options.path,
                           strcmp(role, "source") ? "Target" : "Source", *path);
    } else {
        *path = ff_arena_strdup(c->texts, shown);
        if (ff_model_load(full, &m) == FF_OK && !has_key(m, hex)) {
            ff_model_unref(m);
            m = NULL;
        }
        if (!m && sqlite3_column_type(st, 3) == SQLITE_BLOB) {
            char *folder = ff_path_dirname(full);
            code = ff_model_parse(sqlite3_column_blob(st, 3), (size_t)sqlite3_column_bytes(st, 3), folder, &m);
            free(folder);
            if (!code && !has_key(m, hex))
                code = db_damaged(c->db, "the bytes of a model are not its own");
        } else if (!m) {
            code = ff_fail(FF_ERR_INPUT, "'%s' is gone or is not the model of session '%s' any more", full,
                           c->options.path);
        }
    }
    sqlite3_finalize(st);
    free(shown);
    free(full);
    free(hex);
    if (code) {
        ff_model_unref(m);
        return code;
    }
    *out = m;
    return FF_OK;
}

static int load_models(ff_case *c)
{
    ff_session_options *o = &c->options;
    int code;
    ff_progress_start(c->task.progress, "loading models", 2);
    if (c->resumed) {
        code = recall_model(c, "source", &o->source, &c->source);
        ff_progress_add(c->task.progress, 1);
        return code ? code : recall_model(c, "target", &o->target, &c->target);
    }
    if (!o->source || !o->target)
        return ff_fail(FF_ERR_USAGE, "two models are needed: SOURCE TARGET");
    if ((code = ff_model_load(o->source, &c->source)))
        return code;
    ff_progress_add(c->task.progress, 1);
    if ((code = ff_model_load(o->target, &c->target)))
        return code;
    code = remember_model(c, "source", o->source, c->source);
    return code ? code : remember_model(c, "target", o->target, c->target);
}

static int load_pre(const char *text, const ff_model *m, ff_pre *pre, const char **why)
{
    if (text) {
        *why = "given";
        return ff_pre_parse(text, pre);
    }
    ff_pre_guess(m, pre, why);
    return FF_OK;
}

/* A size that a model leaves open is the other's; else one is assumed, and stands in the spec for all to see. */
static void settle_sizes(ff_case *c)
{
    ff_pre *pre[] = {&c->source_pre, &c->target_pre};
    const ff_model *m[] = {c->source, c->target};
    const char *given[] = {c->options.source_pre, c->options.target_pre};
    for (int i = 0; i < 2 && ff_dataset_is_pictures(c->set); i++)
        ff_pre_take_size(pre[i], m[i], pre[1 - i], m[1 - i], !given[i]);
    for (int i = 0; i < 2 && ff_dataset_is_pictures(c->set); i++)
        ff_pre_assume_size(pre[i], m[i], !given[i]);
}

/* ------------------------------------------------------------------------------------- images */

static int load_images(ff_case *c)
{
    int code = ff_dataset_open(c->options.images, c->options.limit, &c->set);
    if (code)
        return code;
    if (!c->options.path)
        return FF_OK;
    char hex[65];
    ff_key_hex(ff_dataset_key(c->set), hex);
    const char *v = hex;
    if (!c->resumed)
        return db_set(c->db, "images-key", hex);
    char *stored;
    if ((code = db_get(c->db, "images-key", &stored)))
        return code;
    if (!stored || strcmp(stored, v) != 0)
        code = ff_fail(FF_ERR_INPUT, "the images are not those of session '%s' any more", c->options.path);
    free(stored);
    return code;
}

/* ------------------------------------------------------------------------------------- labels */

/* Names the model where the failure is about one (not about an image). */
static int blame(int code, const char *path)
{
    return code == FF_ERR_UNSUPPORTED || code == FF_ERR_GRAPH ? ff_fail_prefix(code, "'%s'", path) : code;
}

static int label_side(ff_case *c, const ff_model *m, const char *output, const ff_pre *pre, const char *path,
                      ff_store *kept, ff_labels **out)
{
    const ff_session_options *o = &c->options;
    int code = ff_label_model(m, ff_comparator_output(c->comparator, output), pre, c->set, o->reference,
                              ff_session_memory(o) / 4, kept, ff_comparator_keep(c->comparator, FF_KEEP_OUTPUT),
                              &c->task, out);
    return code ? blame(code, path) : FF_OK;
}

/* By labels, unless what is read holds no classes. */
static int choose_comparator(ff_case *c)
{
    const ff_session_options *o = &c->options;
    if (o->comparator || ff_label_is_classes(c->source, o->source_output, &c->source_pre, c->set))
        return FF_OK;
    ff_comparator_destroy(c->comparator);
    c->comparator = NULL;
    return ff_comparator_create("values", &c->comparator);
}

/* No analysis is wanted: labels are all there is to know. */
static int label_only(ff_case *c)
{
    const ff_session_options *o = &c->options;
    ff_store *kept = ff_store_create(ff_session_memory(o) / 16);
    int code = label_side(c, c->source, o->source_output, &c->source_pre, o->source, kept, &c->source_labels);
    if (!code && c->source_labels->error)
        code = ff_fail(FF_ERR_GRAPH, "'%s': %s", o->source, c->source_labels->error);
    if (!code)
        code = label_side(c, c->target, o->target_output, &c->target_pre, o->target, kept, &c->target_labels);
    ff_store_destroy(kept);
    if (code)
        return code;
    c->offset = ff_labels_offset(c->source_labels, c->target_labels);
    return ff_labels_compare(c->comparator, c->set, c->source_labels, c->target_labels, c->offset, NULL, 0, &c->task);
}

/* The subject of the root with the labels of both sides; the labels stored are not run again. */
static int label_subject(ff_case *c)
{
    ff_subject_options o = {
        .reference = c->options.reference,
        .memory = c->options.memory ? c->options.memory / 4 : 0,
        .seed = c->options.seed,
        .source_output = c->options.source_output,
        .target_output = c->options.target_output,
        .keep_quantized = c->options.keep_quantized,
        .comparator = c->comparator,
        .pins = c->pins,
        .n_pins = c->n_pins,
        .target_labels = c->history.n_states ? c->history.states[0].labels : NULL,
    };
    int64_t begun = ff_now_ns();
    int code = ff_subject_create(c->source, &c->source_pre, c->target, &c->target_pre, c->set, &o, &c->task, &c->first);
    if (code == FF_ERR_UNSUPPORTED || code == FF_ERR_GRAPH) {
        ff_plan *plan = NULL;
        bool fine =
            ff_label_plan(c->source, o.source_output, &c->source_pre, c->set, o.reference, &c->task, &plan) == FF_OK;
        ff_plan_unref(plan);
        if (fine)
            code = ff_label_plan(c->target, o.target_output, &c->target_pre, c->set, o.reference, &c->task, &plan);
        return code ? blame(code, fine ? c->options.target : c->options.source)
                    : ff_fail(FF_ERR_INTERNAL, "the models run, the case does not");
    }
    if (code)
        return code;
    if (c->first->target.error) {
        /* A fault of the Target is a finding; an operator that is missing here is not its fault. */
        ff_plan *plan;
        code = ff_label_plan(c->target, o.target_output, &c->target_pre, c->set, o.reference, &c->task, &plan);
        if (!code)
            ff_plan_unref(plan);
        else if (code != FF_ERR_GRAPH)
            return blame(code, c->options.target);
    }
    const ff_side *source = &c->first->source, *target = &c->first->target;
    case_count_work(c, WORK_LABELS, source->flops + target->flops, source->flops_full + target->flops_full, begun);
    c->offset = c->first->offset;
    c->source_labels = case_plain_labels(c->first->source.labels);
    c->target_labels = case_plain_labels(c->first->target.labels);
    if (!c->target_labels->error)
        c->target_labels->error = ff_strdup(c->first->target.error);
    return FF_OK;
}

ff_labels *case_plain_labels(const ff_labels *l)
{
    ff_labels *copy = ff_labels_create(l->count);
    copy->width = l->width;
    copy->error = ff_strdup(l->error);
    for (int i = 0; i < l->count; i++) {
        copy->at[i] = l->at[i];
        copy->at[i].output = NULL;
        copy->at[i].form = NULL;
    }
    return copy;
}

static int make_root(ff_case *c)
{
    case_state p = {
        .parent = -1,
        .pre = c->target_pre,
        .wrong = ff_labels_wrong(c->source_labels, c->target_labels, c->offset),
        .distance = NAN,
        .labels = case_plain_labels(c->target_labels),
        .error = ff_strdup(c->target_labels->error),
    };
    ff_key_hex(ff_model_sha256(c->target), p.model_hex);
    ff_grow(&c->history.states, &c->history.states_capacity, 1, sizeof p);
    c->history.states[c->history.n_states++] = p;
    return case_save_root(c);
}

/* --------------------------------------------------------------------------------------- load */

int case_load(ff_case *c)
{
    int code = FF_OK;
    bool more_pins = false;
    /* The settings of a case and its models are one transaction: a session that was killed while it
     * was begun is empty, not half a case. */
    char *begun = NULL;
    if (c->resumed) {
        if ((code = db_get(c->db, "begun", &begun)))
            return code;
        c->resumed = begun != NULL;
        free(begun);
    }
    if ((code = db_begin(c->db)))
        return code;
    if ((code = settle_settings(c)) || (code = case_collect_pins(c, &more_pins)) || (code = load_models(c)) ||
        (code = load_images(c)) ||
        (code = load_pre(c->options.source_pre, c->source, &c->source_pre, &c->source_why)) ||
        (code = load_pre(c->options.target_pre, c->target, &c->target_pre, &c->target_why)))
        goto out;
    settle_sizes(c);
    if (!c->resumed)
        code = db_set(c->db, "begun", ff_compute_backend(c->options.reference));
    if (!code)
        code = db_commit(c->db);
out:
    ff_progress_finish(c->task.progress);
    if (code) {
        db_rollback(c->db);
        return code;
    }
    if (c->options.labels && (code = ff_names_load(c->options.labels, &c->names)))
        return code;
    if (c->options.validate && (code = ff_dataset_open(c->options.validate, 0, &c->validation.set)))
        return ff_fail_prefix(code, "--validate");
    if (c->resumed && (code = case_read_history(c)))
        return code;
    c->publish(c->context, true);
    code = choose_comparator(c);
    if (!code)
        code = c->options.labels_only ? label_only(c) : label_subject(c);
    if (code)
        return code;
    if (!c->history.n_states && (code = make_root(c)))
        return code;
    /* Kept only now that the alignment has taken them. */
    if (more_pins && (code = case_keep_pins(c)))
        return code;
    c->history.states[0].model = ff_model_ref(c->target);
    c->stage = CASE_LOADED;
    c->changes++;
    for (int i = 0; i < 2 && ff_dataset_is_pictures(c->set); i++) {
        const char *why = i ? c->target_why : c->source_why;
        if (strcmp(why, "given") != 0) {
            char *spec = ff_pre_print(i ? &c->target_pre : &c->source_pre);
            case_note(c, "%s: preprocessing guessed (%s): %s", i ? "Target" : "Source", why, spec);
            free(spec);
        }
    }
    if (c->history.states[0].error)
        case_note(c, "the Target cannot run: %s", c->history.states[0].error);
    if (c->offset)
        case_note(c, "classes of the Target are counted %+d against the Source's", c->offset);
    c->publish(c->context, true);
    /* Taken up in the middle of a repair: everything as it was. */
    return case_any_listed(c) && !c->options.labels_only ? case_refresh(c) : FF_OK;
}
