/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JSON report, schema "fetafix-report/1". Everything comes from one snapshot, keys in a fixed
 * order, numbers to nine digits: the same case gives the same bytes. Times are left out unless
 * asked for.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/report.h"

static json_t *lines_json(const char *text)
{
    json_t *list = json_array();
    while (*text) {
        size_t n = strcspn(text, "\n");
        json_array_append_new(list, json_stringn(text, n));
        text += n + (text[n] == '\n');
    }
    return list;
}

static json_t *text_json(const char *s)
{
    return s && *s ? json_string(s) : json_null();
}

static json_t *cell_json(const ff_table *t, int row, const char *name)
{
    int k = ff_table_find(t, name);
    if (k < 0 || ff_table_empty(t, row, k))
        return json_null();
    switch (ff_table_column(t, k)->type) {
    case FF_COL_INT:
        return json_integer(ff_table_int(t, row, k));
    case FF_COL_REAL: {
        double v = ff_table_real(t, row, k);
        return isfinite(v) ? json_real(v) : json_null();
    }
    case FF_COL_BOOL:
        return json_boolean(ff_table_int(t, row, k) != 0);
    case FF_COL_TEXT:
        break;
    }
    return json_string(ff_table_text(t, row, k));
}

static void set_cells(json_t *o, const ff_table *t, int row, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        json_object_set_new(o, names[i], cell_json(t, row, names[i]));
}

static json_t *model_json(const char *path, const char *sha256, int opset, const char *producer)
{
    json_t *o = json_object();
    json_object_set_new(o, "path", json_string(path));
    json_object_set_new(o, "sha256", json_string(sha256));
    json_object_set_new(o, "opset", json_integer(opset));
    json_object_set_new(o, "producer", json_string(producer));
    return o;
}

static json_t *count_json(int n)
{
    return n < 0 ? json_null() : json_integer(n);
}

static json_t *fault_json(const ff_table *t, int row)
{
    static const char *const head[] = {"id", "type", "cause", "summary", "explanation"};
    static const char *const tail[] = {"status", "essential", "step"};
    json_t *o = json_object();
    set_cells(o, t, row, head, FF_COUNT(head));
    json_object_set_new(o, "source_nodes", lines_json(ff_table_text_at(t, row, "source_nodes")));
    json_object_set_new(o, "target_nodes", lines_json(ff_table_text_at(t, row, "target_nodes")));
    json_t *details = json_loads(ff_table_text_at(t, row, "details"), JSON_REJECT_DUPLICATES, NULL);
    json_object_set_new(o, "details", json_is_object(details) ? details : json_object());
    if (details && !json_is_object(details))
        json_decref(details);
    json_object_set_new(o, "layer", cell_json(t, row, "layer"));
    set_cells(o, t, row, tail, FF_COUNT(tail));
    json_object_set_new(o, "discrepancy_before", cell_json(t, row, "before"));
    json_object_set_new(o, "discrepancy_after", cell_json(t, row, "after"));
    return o;
}

static json_t *faults_json(const ff_snapshot *s)
{
    json_t *list = json_array();
    for (int i = 0; i < ff_table_rows(s->findings); i++)
        json_array_append_new(list, fault_json(s->findings, i));
    return list;
}

static json_t *equivalences_json(const ff_snapshot *s)
{
    static const char *const cells[] = {"rule", "meaning", "deviation"};
    json_t *list = json_array();
    for (int i = 0; i < ff_table_rows(s->equivalences); i++) {
        const ff_table *t = s->equivalences;
        json_t *o = json_object();
        set_cells(o, t, i, cells, FF_COUNT(cells));
        json_object_set_new(o, "source_nodes", lines_json(ff_table_text_at(t, i, "source_nodes")));
        json_object_set_new(o, "target_nodes", lines_json(ff_table_text_at(t, i, "target_nodes")));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *layers_json(const ff_snapshot *s)
{
    static const char *const cells[] = {"rank", "kw", "effect", "entire", "isolated", "causal"};
    json_t *list = json_array();
    for (int i = 0; i < ff_table_rows(s->layers); i++) {
        json_t *o = json_object();
        json_object_set_new(o, "layer", cell_json(s->layers, i, "layer"));
        json_object_set_new(o, "source_node", text_json(ff_table_text_at(s->layers, i, "source")));
        json_object_set_new(o, "target_node", text_json(ff_table_text_at(s->layers, i, "target")));
        set_cells(o, s->layers, i, cells, FF_COUNT(cells));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *divergence_json(const ff_snapshot *s)
{
    if (!s->divergence)
        return json_null();
    json_t *o = json_object();
    json_object_set_new(o, "source_node", text_json(s->divergence_source));
    json_object_set_new(o, "target_node", text_json(s->divergence_target));
    json_object_set_new(o, "until_source_node", text_json(s->divergence_until));
    json_object_set_new(o, "image", json_string(s->divergence_image));
    json_object_set_new(o, "error", isfinite(s->divergence_error) ? json_real(s->divergence_error) : json_null());
    json_object_set_new(o, "runs", json_integer(s->divergence_runs));
    return o;
}

/* Against what is really in the images: shares of those of which it is known. */
static json_t *accuracy_json(const ff_snapshot *s)
{
    if (!s->validation_labelled)
        return json_null();
    json_t *o = json_object();
    double n = s->validation_labelled;
    json_object_set_new(o, "images", json_integer(s->validation_labelled));
    json_object_set_new(o, "source", json_real(s->validation_source_right / n));
    json_object_set_new(o, "initial", json_real(s->validation_initial_right / n));
    json_object_set_new(o, "final", json_real(s->validation_right / n));
    return o;
}

static json_t *validation_json(const ff_snapshot *s)
{
    if (s->validation_images < 0)
        return json_null();
    json_t *o = json_object();
    json_object_set_new(o, "images", json_integer(s->validation_images));
    json_object_set_new(o, "initial", count_json(s->validation_initial));
    json_object_set_new(o, "final", count_json(s->validation_wrong));
    json_object_set_new(o, "regressed", count_json(s->validation_regressed));
    json_object_set_new(o, "regressed_images", lines_json(s->validation_regressed_images));
    json_object_set_new(o, "harm", text_json(s->validation_harm));
    json_object_set_new(o, "accuracy", accuracy_json(s));
    return o;
}

/* What was done, in order of time. */
static json_t *steps_json(const ff_snapshot *s)
{
    static const char *const cells[] = {"decision", "step", "type", "summary", "outcome", "before", "after", "phase"};
    json_t *list = json_array();
    for (int i = 0; i < ff_table_rows(s->steps); i++) {
        json_t *o = json_object();
        set_cells(o, s->steps, i, cells, FF_COUNT(cells));
        json_object_set_new(o, "proposals", lines_json(ff_table_text_at(s->steps, i, "proposal")));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *repaired_json(const ff_snapshot *s)
{
    for (int i = 0; i < ff_table_rows(s->states); i++) {
        if (ff_table_int(s->states, i, ff_table_find(s->states, "current")))
            return text_json(ff_table_text_at(s->states, i, "model"));
    }
    return json_null();
}

/* Where the work of a repair went, against whole evaluations. */
json_t *ff_work_json(const ff_snapshot *s)
{
    json_t *list = json_array();
    for (int i = 0; i < s->n_work; i++) {
        const ff_work *w = &s->work[i];
        if (w->flops_full > 0)
            json_array_append_new(list, json_pack("{s:s, s:i, s:f, s:f, s:f, s:i, s:f, s:f}", "phase", w->name,
                                                  "trials", w->trials, "seconds", w->seconds, "operations", w->flops,
                                                  "operations_of_full_runs", w->flops_full, "rejected", w->rejected,
                                                  "rejected_operations", w->rejected_flops,
                                                  "rejected_operations_of_full_runs", w->rejected_flops_full));
    }
    return list;
}

char *ff_report_json(const ff_snapshot *s, const ff_session_options *o, double seconds)
{
    json_t *r = json_object(), *pre = json_object(), *wrong = json_object();
    json_object_set_new(r, "schema", json_string("fetafix-report/1"));
    json_object_set_new(r, "source", model_json(s->source_path, s->source_sha256, s->source_opset, s->source_producer));
    json_t *target = model_json(s->target_path, s->target_sha256, s->target_opset, s->target_producer);
    json_object_set_new(target, "error", text_json(s->target_error));
    json_object_set_new(target, "repaired_sha256", repaired_json(s));
    json_object_set_new(r, "target", target);
    json_object_set_new(r, "images", json_integer(s->images));
    json_object_set_new(r, "comparator", json_string(s->comparator));
    json_object_set_new(r, "class_offset", json_integer(s->offset));
    json_object_set_new(pre, "source", json_string(s->source_pre));
    json_object_set_new(pre, "target", json_string(s->target_pre));
    json_object_set_new(pre, "target_repaired", text_json(s->target_pre_repaired));
    if (!s->arrays) /* samples of arrays are fed as they are */
        json_object_set_new(r, "preprocessing", pre);
    else
        json_decref(pre);
    json_object_set_new(wrong, "initial", count_json(s->initial));
    json_object_set_new(wrong, "final", count_json(s->wrong));
    json_object_set_new(wrong, "distance", isfinite(s->distance) ? json_real(s->distance) : json_null());
    json_object_set_new(r, "discrepancy", wrong);
    json_object_set_new(r, "validation", validation_json(s));
    json_object_set_new(r, "faults", faults_json(s));
    json_object_set_new(r, "equivalences", equivalences_json(s));
    json_object_set_new(r, "first_divergence", divergence_json(s));
    json_object_set_new(r, "layers", layers_json(s));
    json_object_set_new(r, "steps", steps_json(s));
    if (seconds >= 0) {
        json_t *t = json_object();
        json_object_set_new(t, "seconds", json_real(seconds));
        json_object_set_new(t, "search_seconds", json_real(s->seconds));
        json_object_set_new(t, "operations", json_real(s->flops));
        json_object_set_new(t, "operations_of_full_runs", json_real(s->flops_full));
        json_object_set_new(t, "work", ff_work_json(s));
        json_object_set_new(t, "peak_mb", json_real((double)ff_memory_peak() / (1 << 20)));
        if (o->team) {
            ff_team_traffic traffic = ff_team_traffic_of(o->team);
            json_object_set_new(t, "processes", json_integer(ff_team_size(o->team)));
            json_object_set_new(t, "exchanges", json_integer(traffic.exchanges));
            json_object_set_new(t, "bytes_sent", json_integer((json_int_t)traffic.bytes));
            json_object_set_new(t, "exchange_seconds", json_real(traffic.seconds));
            json_object_set_new(t, "shortest_exchange_seconds", json_real(traffic.shortest));
        }
        json_object_set_new(r, "timing", t);
    }
    char *dump = json_dumps(r, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(r);
    char *text = ff_asprintf("%s\n", dump ? dump : "{}");
    free(dump);
    return text;
}
