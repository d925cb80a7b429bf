/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder or a list of pictures, and the decoded ones that are kept; or the samples of a file of arrays. */
#include "images/arrays.h"
#include "images/picture.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_LIST      (UINT64_C(64) << 20)
#define MAX_FILE      (UINT64_C(256) << 20)
#define KEPT_PICTURES (UINT64_C(128) << 20)

struct ff_dataset {
    int count;
    char **paths, **names, **truths; /* truths: what is in the picture, or NULL; of arrays: the one path, "#12" */
    size_t path_room, name_room, truth_room;
    arrays *arrays; /* NULL: pictures */
    /* Filled on first use, from any thread. */
    pthread_mutex_t mutex;
    bool has_key;
    ff_key key;
    picture **pictures;
    uint64_t kept;
};

/* Takes the path. */
static void add(ff_dataset *d, char *path, const char *truth)
{
    ff_grow(&d->paths, &d->path_room, (size_t)d->count + 1, sizeof *d->paths);
    ff_grow(&d->names, &d->name_room, (size_t)d->count + 1, sizeof *d->names);
    d->paths[d->count] = path;
    ff_grow(&d->truths, &d->truth_room, (size_t)d->count + 1, sizeof *d->truths);
    d->names[d->count] = ff_visible(ff_path_basename(path));
    d->truths[d->count] = truth ? ff_visible(truth) : NULL;
    d->count++;
}

static bool is_picture_name(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".jpe", ".png"};
    size_t n = strlen(name);
    for (size_t i = 0; i < FF_COUNT(endings); i++) {
        size_t e = strlen(endings[i]);
        if (n > e && strcasecmp(name + n - e, endings[i]) == 0)
            return true;
    }
    return false;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef struct found {
    char **at;
    size_t n, room;
} found;

static void found_finish(found *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->at[i]);
    free(f->at);
}

/* The pictures of a folder, or the folders in it: whole paths, sorted. */
static int look_into(const char *path, bool folders, found *out)
{
    found f = {0};
    DIR *dir = opendir(path);
    if (!dir)
        return ff_fail(FF_ERR_INPUT, "'%s': %s", path, strerror(errno));
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.' || (!folders && !is_picture_name(entry->d_name)))
            continue;
        char *whole = ff_path_join(path, entry->d_name);
        struct stat st;
        if (stat(whole, &st) != 0 || !(folders ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode))) {
            free(whole); /* a folder or dangling link with a picture's name */
            continue;
        }
        ff_grow(&f.at, &f.room, f.n + 1, sizeof *f.at);
        f.at[f.n++] = whole;
    }
    closedir(dir);
    if (f.n > 0)
        qsort(f.at, f.n, sizeof *f.at, compare_paths);
    *out = f;
    return FF_OK;
}

static int add_folder(ff_dataset *d, const char *path, const char *truth, int limit)
{
    found f;
    int code = look_into(path, false, &f);
    for (size_t i = 0; code == FF_OK && i < f.n && d->count < INT32_MAX && (limit == 0 || d->count < limit); i++) {
        add(d, f.at[i], truth);
        f.at[i] = NULL;
    }
    if (code == FF_OK)
        found_finish(&f);
    return code;
}

/* Pictures, or a folder of pictures for each class. */
static int read_folder(ff_dataset *d, const char *path, int limit)
{
    found classes;
    int code = add_folder(d, path, NULL, limit);
    if (code != FF_OK || d->count > 0)
        return code;
    if ((code = look_into(path, true, &classes)) != FF_OK)
        return code;
    for (size_t i = 0; code == FF_OK && i < classes.n; i++)
        code = add_folder(d, classes.at[i], ff_path_basename(classes.at[i]), limit);
    found_finish(&classes);
    if (code == FF_OK && d->count == 0)
        code = ff_fail(FF_ERR_INPUT, "'%s': no JPEG or PNG files in this folder", path);
    return code;
}

static int check_file(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return ff_fail(FF_ERR_INPUT, "'%s': %s", path, errno == ENOENT ? "no such file" : strerror(errno));
    if (!S_ISREG(st.st_mode))
        return ff_fail(FF_ERR_INPUT, "'%s': is not a regular file", path);
    return FF_OK;
}

/* "PATH", "PATH<tab>CLASS" or "PATH CLASS" where no file has the whole line's name. */
static int add_line(ff_dataset *d, const char *folder, char *line)
{
    char *whole = ff_path_join(folder, line), *truth = strchr(line, '\t');
    int code = check_file(whole);
    if (!truth)
        truth = strrchr(line, ' ');
    if (code != FF_OK && truth) {
        char *first = ff_strndup(line, (size_t)(truth - line)), *shorter;
        size_t n = strlen(first);
        while (n > 0 && strchr(" \t", first[n - 1]))
            first[--n] = '\0';
        shorter = ff_path_join(folder, first);
        free(first);
        if (check_file(shorter) == FF_OK) {
            free(whole);
            add(d, shorter, truth + strspn(truth, " \t"));
            return FF_OK;
        }
        free(shorter);
        code = check_file(whole); /* for its message */
    }
    if (code == FF_OK)
        add(d, whole, NULL);
    else
        free(whole);
    return code;
}

static int read_list(ff_dataset *d, const char *path, int limit)
{
    char *text, *rest = NULL;
    size_t size;
    int code = ff_read_file(path, MAX_LIST, &text, &size);
    if (code != FF_OK)
        return code;
    if (memchr(text, '\0', size)) {
        code = ff_fail(FF_ERR_INPUT, "'%s': is neither a picture nor a list of pictures", path);
        free(text);
        return code;
    }
    char *folder = ff_path_dirname(path);
    for (char *line = strtok_r(text, "\n", &rest); line && code == FF_OK; line = strtok_r(NULL, "\n", &rest)) {
        size_t n = strlen(line);
        while (n > 0 && strchr(" \t\r", line[n - 1]))
            line[--n] = '\0';
        line += strspn(line, " \t");
        if (!*line || *line == '#')
            continue;
        if (limit > 0 && d->count == limit)
            break;
        code = add_line(d, folder, line);
        if (code != FF_OK)
            ff_fail_prefix(code, "'%s'", path);
    }
    free(folder);
    free(text);
    if (code == FF_OK && d->count == 0)
        code = ff_fail(FF_ERR_INPUT, "'%s': the list names no pictures", path);
    return code;
}

static int read_arrays(ff_dataset *d, const char *path, int limit)
{
    int code = arrays_load(path, &d->arrays);
    if (code || !d->arrays)
        return code;
    int n = limit && limit < d->arrays->count ? limit : (int)d->arrays->count;
    for (int i = 0; i < n; i++) {
        add(d, ff_strdup(path), NULL);
        free(d->names[i]);
        d->names[i] = ff_asprintf("#%d", i);
    }
    return FF_OK;
}

int ff_dataset_open(const char *path, int limit, ff_dataset **out)
{
    struct stat st;
    int code;
    if (limit < 0)
        return ff_fail(FF_ERR_USAGE, "a limit of %d images", limit);
    if (stat(path, &st) != 0)
        return ff_fail(FF_ERR_INPUT, "'%s': %s", path, errno == ENOENT ? "no such file or folder" : strerror(errno));
    ff_dataset *d = ff_alloc(sizeof *d);
    pthread_mutex_init(&d->mutex, NULL);
    if (S_ISDIR(st.st_mode)) {
        code = read_folder(d, path, limit);
    } else if (S_ISREG(st.st_mode) && is_picture_name(path)) {
        add(d, ff_strdup(path), NULL);
        code = FF_OK;
    } else {
        code = S_ISREG(st.st_mode) ? read_arrays(d, path, limit) : FF_OK;
        if (!code && !d->arrays)
            code = read_list(d, path, limit);
    }
    if (code != FF_OK) {
        ff_dataset_destroy(d);
        return code;
    }
    d->pictures = ff_alloc_array((size_t)d->count, sizeof *d->pictures);
    *out = d;
    return FF_OK;
}

void ff_dataset_destroy(ff_dataset *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->count; i++) {
        if (d->pictures)
            picture_unref(d->pictures[i]);
        free(d->paths[i]);
        free(d->names[i]);
        free(d->truths[i]);
    }
    arrays_destroy(d->arrays);
    free(d->pictures);
    free(d->paths);
    free(d->names);
    free(d->truths);
    pthread_mutex_destroy(&d->mutex);
    free(d);
}

int ff_dataset_count(const ff_dataset *d)
{
    return d->count;
}

const char *ff_dataset_path(const ff_dataset *d, int i)
{
    return d->paths[i];
}

const char *ff_dataset_name(const ff_dataset *d, int i)
{
    return d->names[i];
}

const char *ff_dataset_truth(const ff_dataset *d, int i)
{
    return d->truths[i];
}

const struct arrays *dataset_arrays(const ff_dataset *d)
{
    return d->arrays;
}

bool ff_dataset_is_pictures(const ff_dataset *d)
{
    return !d->arrays;
}

static void hash_arrays(const arrays *a, ff_hasher *h)
{
    for (int i = 0; i < a->n; i++) {
        ff_hasher_add_str(h, a->names[i]);
        ff_hasher_add_u64(h, (uint64_t)a->at[i]->dtype);
        for (int k = 0; k < a->at[i]->rank; k++)
            ff_hasher_add_u64(h, (uint64_t)a->at[i]->dims[k]);
        ff_hasher_add(h, a->at[i]->data, a->at[i]->bytes);
    }
}

const ff_key *ff_dataset_key(const ff_dataset *d)
{
    ff_dataset *mine = (ff_dataset *)d;
    pthread_mutex_lock(&mine->mutex);
    if (!mine->has_key) {
        ff_hasher h;
        ff_hasher_init(&h);
        ff_hasher_add_u64(&h, (uint64_t)d->count);
        if (d->arrays)
            hash_arrays(d->arrays, &h);
        for (int i = 0; i < d->count && !d->arrays; i++) {
            char *data;
            size_t size;
            ff_hasher_add_str(&h, ff_path_basename(d->paths[i]));
            if (ff_read_file(d->paths[i], MAX_FILE, &data, &size) == FF_OK) {
                ff_hasher_add_u64(&h, size);
                ff_hasher_add(&h, data, size);
                free(data);
            } else {
                ff_hasher_add_str(&h, NULL); /* decoding it will fail and say why */
            }
        }
        mine->key = ff_hasher_done(&h);
        mine->has_key = true;
    }
    pthread_mutex_unlock(&mine->mutex);
    return &mine->key;
}

void picture_unref(picture *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) > 1)
        return;
    ff_image_finish(&p->image);
    free(p);
}

int dataset_picture(const ff_dataset *d, int i, picture **out)
{
    ff_dataset *mine = (ff_dataset *)d;
    pthread_mutex_lock(&mine->mutex);
    picture *p = d->pictures[i];
    if (p)
        atomic_fetch_add(&p->refs, 1);
    pthread_mutex_unlock(&mine->mutex);
    if (p) {
        *out = p;
        return FF_OK;
    }
    ff_image image;
    int64_t start = ff_now_ns();
    int code = ff_image_load(d->paths[i], &image);
    if (code != FF_OK)
        return code;
    ff_spend("decode", "", ff_now_ns() - start, 1);
    p = ff_alloc(sizeof *p);
    atomic_init(&p->refs, 1);
    p->image = image;
    uint64_t bytes = 3 * (uint64_t)image.width * (uint64_t)image.height;
    pthread_mutex_lock(&mine->mutex);
    /* The first ones stay for good: a set is read from end to end again and again, so throwing out
     * the oldest would throw out each one just before it is wanted. */
    if (!mine->pictures[i] && bytes <= KEPT_PICTURES - mine->kept) {
        atomic_fetch_add(&p->refs, 1);
        mine->pictures[i] = p;
        mine->kept += bytes;
    }
    pthread_mutex_unlock(&mine->mutex);
    *out = p;
    return FF_OK;
}
