/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_onnx_node: the conformance data of ONNX (Debian package libonnx-testdata) through the
 * reference kernels. Every folder holds model.onnx and test_data_set_0/{input,output}_k.pb. Results
 * must agree as in ONNX's own backend runner: |a - b| <= 1e-7 + 1e-3 |b| (integers are equal). What
 * cannot pass stands in `listed` with its reason; a listed test that passes is a failure, so that
 * the list stays true.
 *
 *     test_onnx_node             all sets
 *     test_onnx_node NAME...     these tests, with the outcome of each
 */
#include "fetafix/compute.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RANDOM    "the values are random: no generator is prescribed"
#define GRADIENT  "derivatives of graphs are not taken"
#define TRUNCATED "the data cut bits off where a conversion rounds to nearest even"
#define RESIZE    "made with the unrounded length of the output; the operator's text says its length"

static struct exception {
    const char *set, *name, *reason;
    bool seen;
} listed[] = {
    {"node", "cast_FLOAT_to_BFLOAT16", TRUNCATED, false},
    {"node", "castlike_FLOAT_to_BFLOAT16", TRUNCATED, false},
    {"node", "castlike_FLOAT_to_BFLOAT16_expanded", TRUNCATED, false},
    {"node", "adam_multiple", "made with epsilon 0.01, which its model does not say", false},
    {"simple", "gradient_of_add", GRADIENT, false},
    {"simple", "gradient_of_add_and_mul", GRADIENT, false},
    {"node", "bernoulli", RANDOM, false},
    {"node", "bernoulli_double", RANDOM, false},
    {"node", "bernoulli_double_expanded", RANDOM, false},
    {"node", "bernoulli_expanded", RANDOM, false},
    {"node", "bernoulli_seed", RANDOM, false},
    {"node", "bernoulli_seed_expanded", RANDOM, false},
    {"node", "training_dropout", RANDOM, false},
    {"node", "training_dropout_default", RANDOM, false},
    {"node", "training_dropout_default_mask", RANDOM, false},
    {"node", "training_dropout_mask", RANDOM, false},
    {"node", "resize_downsample_scales_cubic_align_corners", RESIZE, false},
    {"node", "resize_downsample_scales_linear_align_corners", RESIZE, false},
};

static struct exception *find_listed(const char *set, const char *name)
{
    for (size_t i = 0; i < FF_COUNT(listed); i++)
        if (!strcmp(listed[i].set, set) && !strcmp(listed[i].name, name))
            return &listed[i];
    return NULL;
}

enum { MANY = 64 };

static bool close_enough(const ff_tensor *a, const ff_tensor *b, int64_t i)
{
    if (a->dtype == FF_STRING) {
        const char *sa = ((char **)a->data)[i], *sb = ((char **)b->data)[i];
        return !strcmp(sa ? sa : "", sb ? sb : "");
    }
    if (!ff_dtype_is_float(a->dtype))
        return ff_tensor_get_int(a, i) == ff_tensor_get_int(b, i);
    double va = ff_tensor_get_real(a, i), vb = ff_tensor_get_real(b, i);
    if (isnan(va) || isnan(vb))
        return isnan(va) && isnan(vb);
    return va == vb || fabs(va - vb) <= 1e-7 + 1e-3 * fabs(vb);
}

/* NULL when equal; else a message (caller frees). */
static char *compare(const ff_tensor *have, const ff_tensor *want, int output)
{
    bool same = have->dtype == want->dtype && have->rank == want->rank;
    for (int k = 0; same && k < have->rank; k++)
        same = have->dims[k] == want->dims[k];
    if (!same) {
        char *a = ff_tensor_describe(have), *b = ff_tensor_describe(want);
        char *message = ff_asprintf("output %d is %s, not %s", output, a, b);
        free(a);
        free(b);
        return message;
    }
    for (int64_t i = 0; have->dtype == FF_SEQUENCE && i < have->count; i++) {
        char *message = compare(((ff_tensor **)have->data)[i], ((ff_tensor **)want->data)[i], output);
        if (message)
            return message;
    }
    for (int64_t i = 0; have->dtype != FF_SEQUENCE && i < have->count; i++)
        if (!close_enough(have, want, i))
            return have->dtype == FF_STRING
                       ? ff_asprintf("output %d differs at %lld", output, (long long)i)
                       : ff_asprintf("output %d is %.9g at %lld, not %.9g", output, ff_tensor_get_real(have, i),
                                     (long long)i, ff_tensor_get_real(want, i));
    return NULL;
}

/* The data hold bfloat16 as uint16, for want of such a type in NumPy: read it as what it is. */
static void restore_bfloat16(ff_tensor **t, int n, const ff_value *const *values)
{
    for (int i = 0; i < n; i++) {
        ff_tensor *real;
        if (!t[i] || t[i]->dtype != FF_UINT16 || values[i]->declared.dtype != FF_BFLOAT16 ||
            ff_tensor_create(FF_BFLOAT16, t[i]->rank, t[i]->dims, &real))
            continue;
        memcpy(real->data, t[i]->data, t[i]->bytes);
        ff_tensor_unref(t[i]);
        t[i] = real;
    }
}

/* ---------------------------------------------------------- sequences and optional values */

typedef struct bytes {
    const uint8_t *at, *end;
} bytes;

static uint64_t varint(bytes *b)
{
    uint64_t v = 0;
    for (int shift = 0; b->at < b->end && shift < 64; shift += 7) {
        v |= (uint64_t)(*b->at & 0x7f) << shift;
        if (!(*b->at++ & 0x80))
            break;
    }
    return v;
}

/* The next field of a message; numbers only where its wire type is 0, content where it is 2. */
static bool field(bytes *b, int *number, uint64_t *v, bytes *content)
{
    if (b->at >= b->end)
        return false;
    uint64_t tag = varint(b);
    *number = (int)(tag >> 3);
    *v = varint(b);
    *content = (bytes){b->at, b->at};
    if ((tag & 7) == 2) {
        if (*v > (uint64_t)(b->end - b->at))
            return false;
        content->end = b->at += *v;
    }
    return true;
}

static int load_part(bytes b, ff_tensor **out)
{
    char *path = ff_asprintf("%s/fetafix-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    int fd = mkstemp(path), rc = FF_ERR_INPUT;
    if (fd >= 0) {
        if (write(fd, b.at, (size_t)(b.end - b.at)) == b.end - b.at)
            rc = ff_tensor_load_pb(path, out);
        close(fd);
        unlink(path);
    }
    free(path);
    return rc;
}

/* SequenceProto: tensor_values is field 3. */
static int parse_sequence(bytes b, ff_tensor **out)
{
    ff_tensor *items[MANY];
    int64_t n = 0;
    int number, rc = FF_OK;
    uint64_t v;
    bytes part;
    while (n < MANY && !rc && field(&b, &number, &v, &part))
        if (number == 3 && !(rc = load_part(part, &items[n])))
            n++;
    if (!rc && !(rc = ff_tensor_create(FF_SEQUENCE, 1, &n, out)))
        memcpy((*out)->data, items, (size_t)n * sizeof *items);
    else
        while (n)
            ff_tensor_unref(items[--n]);
    return rc;
}

/* OptionalProto: tensor_value is field 3, sequence_value field 5. */
static int parse_optional(bytes b, ff_tensor **out)
{
    int number;
    uint64_t v;
    bytes part;
    while (field(&b, &number, &v, &part))
        if (number == 3 || number == 5)
            return number == 3 ? load_part(part, out) : parse_sequence(part, out);
    return ff_tensor_create(FF_ABSENT, 1, &(int64_t){0}, out);
}

/* Values that are no tensors: nothing in the file says so, the model's types do. */
static const struct {
    const char *test, *prefix;
    int n;
    bool optional;
} others[] = {
    {"identity_opt", "input", 0, true},
    {"identity_opt", "output", 0, true},
    {"identity_sequence", "input", 0, false},
    {"identity_sequence", "output", 0, false},
    {"if_opt", "output", 0, true},
    {"if_seq", "output", 0, false},
    {"loop13_seq", "input", 2, false},
    {"loop13_seq", "output", 0, false},
    {"loop16_seq_none", "input", 2, true},
    {"loop16_seq_none", "output", 0, false},
    {"optional_get_element", "input", 0, true},
    {"optional_get_element_sequence", "input", 0, true},
    {"optional_get_element_sequence", "output", 0, false},
    {"optional_has_element", "input", 0, true},
    {"optional_has_element_empty", "input", 0, true},
    {"sequence_insert_at_back", "input", 0, false},
    {"sequence_insert_at_back", "output", 0, false},
    {"sequence_insert_at_front", "input", 0, false},
    {"sequence_insert_at_front", "output", 0, false},
    {"sequence_map_add_1_sequence_1_tensor", "input", 0, false},
    {"sequence_map_add_1_sequence_1_tensor", "output", 0, false},
    {"sequence_map_add_2_sequences", "input", 0, false},
    {"sequence_map_add_2_sequences", "input", 1, false},
    {"sequence_map_add_2_sequences", "output", 0, false},
    {"sequence_map_extract_shapes", "input", 0, false},
    {"sequence_map_extract_shapes", "output", 0, false},
    {"sequence_map_identity_1_sequence", "input", 0, false},
    {"sequence_map_identity_1_sequence", "output", 0, false},
    {"sequence_map_identity_1_sequence_1_tensor", "input", 0, false},
    {"sequence_map_identity_1_sequence_1_tensor", "output", 0, false},
    {"sequence_map_identity_1_sequence_1_tensor", "output", 1, false},
    {"sequence_map_identity_2_sequences", "input", 0, false},
    {"sequence_map_identity_2_sequences", "input", 1, false},
    {"sequence_map_identity_2_sequences", "output", 0, false},
    {"sequence_map_identity_2_sequences", "output", 1, false},
};

static int load_value(const char *folder, const char *path, const char *prefix, int n, ff_tensor **out)
{
    const char *test = ff_path_basename(folder) + strlen("test_");
    size_t length = strlen(test);
    if (length > strlen("_expanded") && !strcmp(test + length - strlen("_expanded"), "_expanded"))
        length -= strlen("_expanded");
    for (size_t i = 0; i < FF_COUNT(others); i++) {
        char *data;
        size_t size;
        if (strlen(others[i].test) != length || strncmp(others[i].test, test, length) ||
            strcmp(others[i].prefix, prefix) || others[i].n != n)
            continue;
        int rc = ff_read_file(path, 1 << 20, &data, &size);
        if (rc)
            return rc;
        bytes b = {(uint8_t *)data, (uint8_t *)data + size};
        rc = others[i].optional ? parse_optional(b, out) : parse_sequence(b, out);
        free(data);
        return rc;
    }
    return ff_tensor_load_pb(path, out);
}

/* Reads folder/prefix_0.pb, _1.pb, ... until one is missing. */
static int load_all(const char *folder, const char *prefix, ff_tensor **out, int *n)
{
    *n = 0;
    while (*n < MANY) {
        char *path = ff_asprintf("%s/test_data_set_0/%s_%d.pb", folder, prefix, *n);
        if (access(path, R_OK)) {
            free(path);
            return FF_OK;
        }
        int rc = load_value(folder, path, prefix, *n, &out[*n]);
        free(path);
        if (rc)
            return rc;
        ++*n;
    }
    return FF_OK;
}

/* NULL when the test passes; else a message (caller frees). */
static char *run_folder(const char *folder)
{
    ff_tensor *in[MANY] = {NULL}, *want[MANY] = {NULL}, *have[MANY] = {NULL};
    int n_in = 0, n_want = 0;
    ff_model *m = NULL;
    char *message = NULL, *path = ff_path_join(folder, "model.onnx");
    const ff_kernel_env env = {.memory_limit = UINT64_C(1) << 28};
    const ff_graph *g = NULL;
    if (ff_model_load(path, &m) || load_all(folder, "input", in, &n_in) || load_all(folder, "output", want, &n_want)) {
        message = ff_strdup(ff_error());
        goto done;
    }
    g = ff_model_graph(m);
    if (g->n_inputs > MANY || g->n_outputs > MANY || n_want != g->n_outputs) {
        message = ff_asprintf("%d outputs given for %d", n_want, g->n_outputs);
        goto done;
    }
    restore_bfloat16(in, g->n_inputs, g->inputs);
    restore_bfloat16(want, g->n_outputs, g->outputs);
    if (ff_interpret(g, (const ff_tensor *const *)in, NULL, &env, have)) {
        message = ff_strdup(ff_error());
        goto done;
    }
    for (int i = 0; i < n_want && !message; i++)
        message = compare(have[i], want[i], i);
done:
    for (int i = 0; i < MANY; i++) {
        ff_tensor_unref(in[i]);
        ff_tensor_unref(want[i]);
        ff_tensor_unref(have[i]);
    }
    ff_model_unref(m);
    free(path);
    return message;
}

static int is_test(const struct dirent *e)
{
    return !strncmp(e->d_name, "test_", 5);
}

/* Returns the number of failures, -1 when the set is not there. */
static int run_set(const char *root, const char *set, char **only, int n_only)
{
    struct dirent **entries;
    char *folder = ff_path_join(root, set);
    int n = scandir(folder, &entries, is_test, alphasort);
    int passed = 0, excepted = 0, failed = 0, total = n;
    if (n < 0) {
        free(folder);
        return -1;
    }
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name + strlen("test_");
        bool wanted = n_only == 0;
        for (int k = 0; k < n_only; k++)
            wanted |= !strcmp(only[k], name);
        if (wanted) {
            char *path = ff_path_join(folder, entries[i]->d_name);
            struct exception *e = find_listed(set, name);
            char *message = run_folder(path);
            if (e)
                e->seen = true;
            if (message && e) {
                excepted++;
                if (n_only)
                    printf("listed %s/%s: %s (%s)\n", set, name, e->reason, message);
            } else if (message) {
                failed++;
                printf("FAILED %s/%s: %s\n", set, name, message);
            } else if (e) {
                failed++;
                printf("FAILED %s/%s: passes but is listed (%s)\n", set, name, e->reason);
            } else {
                passed++;
            }
            free(message);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    free(folder);
    if (!n_only && !strcmp(set, "node"))
        printf("%d of %d passed, %d listed\n", passed, total, excepted);
    else
        printf("%s: %d of %d passed, %d listed\n", set, passed, n_only ? passed + failed + excepted : total, excepted);
    return failed;
}

int main(int argc, char **argv)
{
    static const char *const sets[] = {"simple", "pytorch-operator", "pytorch-converted", "node"};
    const char *root = getenv("FETAFIX_ONNX_TESTDATA");
    int failed = 0;
    if (!root)
        root = "/usr/share/libonnx-testdata/data";
    for (size_t i = 0; i < FF_COUNT(sets); i++) {
        int n = run_set(root, sets[i], argv + 1, argc - 1);
        if (n < 0) {
            printf("%s/%s is not there (package libonnx-testdata)\n", root, sets[i]);
            return 77;
        }
        failed += n;
    }
    for (size_t i = 0; i < FF_COUNT(listed) && argc == 1; i++)
        if (!listed[i].seen) {
            printf("FAILED %s/%s: listed but not in the data\n", listed[i].set, listed[i].name);
            failed++;
        }
    return failed ? 1 : 0;
}
