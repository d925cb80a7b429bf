/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetafix/base.h: what every other layer stands on. It knows nothing of models or images.
 *
 *     errors      an int code returned, a one-line message kept per thread
 *     memory      small allocations never fail (the program ends, exit code 5); large ones may
 *     text        growing buffers, UTF-8, display width, control characters made visible
 *     files       whole files in, whole files out (written beside, then renamed)
 *     keys        SHA-256: names of models, tensors and computations by content
 *     tables      typed columns, immutable once shared: what front ends show
 *     threads     a pool of workers, queues with an eventfd, cancel tokens, progress, time spent
 *     log         lines for whoever listens; nothing here prints
 *
 * Conventions of all layers:
 *   - A function that can fail returns int: FF_OK (0) or a negative ff_code. On failure its outputs
 *     are untouched and ff_error() holds the message. Nothing below the front ends prints.
 *   - X_create/X_destroy own heap objects; X_init/X_finish structs of the caller. destroy(NULL) is
 *     fine. ref/unref count references and are safe from any thread.
 *   - `const char *` returned is borrowed from the object unless the comment says "caller frees".
 *   - What a file or a user got wrong is an error; what the programmer got wrong is an assert.
 */
#ifndef FETAFIX_BASE_H
#define FETAFIX_BASE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FF_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define FF_NORETURN     __attribute__((noreturn))
#define FF_MUST_USE     __attribute__((warn_unused_result))
#else
#define FF_PRINTF(f, a)
#define FF_NORETURN
#define FF_MUST_USE
#endif

#define FF_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------------------------ errors */

typedef enum ff_code {
    FF_OK = 0,
    FF_ERR_USAGE = -2,       /* option, preprocessing spec, command: exit 2 */
    FF_ERR_INPUT = -3,       /* model, image, set or session cannot be read or written: exit 3 */
    FF_ERR_GRAPH = -33,      /* a model is well-formed but cannot run (shapes do not fit): exit 3,
                                or a finding where it is the Target */
    FF_ERR_UNSUPPORTED = -4, /* operator named with node and opset: exit 4 */
    FF_ERR_INTERNAL = -5,    /* a promise of our own broken: exit 5 */
    FF_ERR_NOMEM = -55,      /* memory or the memory budget is short: exit 5 */
    FF_ERR_CANCELLED = -130, /* the cancel token was set: exit 130 */
} ff_code;

/* Sets this thread's message (one line, no newline at the end, names in 'quotes', control
 * characters made visible by the function itself) and returns `code`, so that one can write
 * `return ff_fail(FF_ERR_INPUT, "'%s': no graph", path);`. */
#define ff_fail(code, ...) FF_RETURN_CODE(code, ff_set_error(__VA_ARGS__))
/* Puts `format...: ` in front of the message already set and returns `code`. */
#define ff_fail_prefix(code, ...) FF_RETURN_CODE(code, ff_set_error_prefix(__VA_ARGS__))
/* What the two are made of. With `code` in sight, compilers and the analyser know what a failure returns; it is
 * evaluated first, as it may be a call that sets a message itself. */
#define FF_RETURN_CODE(code, set_message)                                                                              \
    __extension__({                                                                                                    \
        int ff_code_ = (code);                                                                                         \
        set_message;                                                                                                   \
        ff_code_;                                                                                                      \
    })
void ff_set_error(const char *format, ...) FF_PRINTF(1, 2);
void ff_set_error_prefix(const char *format, ...) FF_PRINTF(1, 2);
/* The message of the last failure on this thread; "" when there was none. */
const char *ff_error(void);
/* The process exit code of a status: 0, 2, 3, 4, 5 or 130. */
int ff_exit_code(int code);

/* ------------------------------------------------------------------------------------ memory */

/* Never return NULL: when memory is short they call the out-of-memory handler and end the process
 * with exit code 5. For sizes a file decides, use ff_try_alloc. All are freed by free(). */
void *ff_alloc(size_t size);                 /* zeroed */
void *ff_alloc_array(size_t n, size_t size); /* zeroed; the product may not overflow */
void *ff_realloc_array(void *p, size_t n, size_t size);
char *ff_strdup(const char *s); /* NULL gives NULL */
char *ff_strndup(const char *s, size_t n);
char *ff_asprintf(const char *format, ...) FF_PRINTF(1, 2);
/* 64-byte aligned and zeroed; NULL (and FF_ERR_NOMEM's message set) when it cannot be had. */
void *ff_try_alloc(size_t size);
void *ff_try_alloc_unset(size_t size) FF_MUST_USE; /* the same, not zeroed: to be overwritten at once */
/* Called once before the process ends for lack of memory (a front end restores the terminal). */
void ff_set_oom_handler(void (*handler)(void));
/* Physical memory of the machine in bytes; resident set peak of this process in bytes. */
uint64_t ff_memory_total(void);
uint64_t ff_memory_peak(void);

/* Growing array: `ff_grow(&p, &capacity, need, sizeof *p)` makes room for `need` elements. */
void ff_grow(void *pointer_to_pointer, size_t *capacity, size_t need, size_t size);

/* An arena: many small pieces freed at once. Not for several threads. With FETAFIX_ARENA_DEBUG set
 * in the environment every piece is a malloc of its own, so that sanitizers see overruns. */
typedef struct ff_arena ff_arena;
ff_arena *ff_arena_create(void);
void ff_arena_destroy(ff_arena *a);
void *ff_arena_alloc(ff_arena *a, size_t size); /* zeroed, 16-byte aligned */
char *ff_arena_strdup(ff_arena *a, const char *s);
char *ff_arena_printf(ff_arena *a, const char *format, ...) FF_PRINTF(2, 3);

/* -------------------------------------------------------------------------------------- text */

/* A growing string; `data` is always NUL-terminated once anything was appended (else NULL). */
typedef struct ff_buf {
    char *data;
    size_t len, capacity;
} ff_buf;
void ff_buf_finish(ff_buf *b);
void ff_buf_clear(ff_buf *b);
void ff_buf_add(ff_buf *b, const void *bytes, size_t n);
void ff_buf_puts(ff_buf *b, const char *s);
void ff_buf_putc(ff_buf *b, char c);
void ff_buf_printf(ff_buf *b, const char *format, ...) FF_PRINTF(2, 3);
void ff_buf_vprintf(ff_buf *b, const char *format, va_list args);
/* Hands the string over (never NULL; caller frees) and leaves the buffer empty. */
char *ff_buf_steal(ff_buf *b);

/* Decodes one code point at s (length n > 0); *used gets the bytes eaten (>= 1). Malformed bytes
 * give U+FFFD and eat one byte. */
uint32_t ff_utf8_decode(const char *s, size_t n, size_t *used);
size_t ff_utf8_encode(uint32_t c, char out[4]);
/* Cells of one code point: 0 combining, 1, 2 wide; -1 control. Independent of the locale. */
int ff_codepoint_width(uint32_t c);
/* Cells of a string in which control characters were made visible already. */
int ff_display_width(const char *s);
/* The longest prefix of s that fits in `cells`: returns its bytes, *used_cells its width. */
size_t ff_display_prefix(const char *s, int cells, int *used_cells);
/* The text in at most `cells`: names between quotes lose parts from the front, a single name is cut at its
 * front, a sentence at its end; `mark` ("\u2026") stands for what is gone. *fits (or NULL): no sentence
 * and no single name had to be cut. The caller frees. */
char *ff_brief(const char *text, int cells, const char *mark, bool *fits);
/* Control characters (C0, DEL, C1, bidi controls, malformed UTF-8) as \n \t \x1b \u202e; backslash
 * stays. The caller frees. Everything that came from a file and is shown goes through here. */
char *ff_visible(const char *s);
char *ff_visible_n(const char *s, size_t n);
void ff_buf_visible(ff_buf *b, const char *s);
/* Is the word in the list, which NULL ends? */
bool ff_any_of(const char *word, const char *const *list);
/* Parses a whole decimal number; false on anything else, overflow included. */
bool ff_parse_int(const char *s, int64_t *out);
bool ff_parse_real(const char *s, double *out); /* C locale; no nan, no inf */
/* "512M", "2G", "1.5GiB", "4096" to bytes. "2h", "90s", "1h30m", "250ms", "7200" to seconds. */
bool ff_parse_size(const char *s, uint64_t *out);
bool ff_parse_duration(const char *s, double *out);
/* The entry of names[] that was meant by s: one that begins with s, or the nearest by edit distance (at
 * most 1 + a third of the length of s; less where the first letters differ), or NULL. */
const char *ff_nearest(const char *s, const char *const *names, size_t n);
/* Is `word` the name, or whole pieces of it, whatever their case? ("block1.depthwise" of "/small/block1.depthwise/Conv2D") */
bool ff_name_holds(const char *name, const char *word);

/* ------------------------------------------------------------------------------------- files */

/* Reads a whole regular file of at most `limit` bytes. The caller frees *data (one NUL is appended,
 * not counted). FF_ERR_INPUT: missing, a folder, unreadable, too large, empty is fine. */
int ff_read_file(const char *path, uint64_t limit, char **data, size_t *size) FF_MUST_USE;
/* Writes beside the final name, syncs, renames. Without `force` an existing file is FF_ERR_USAGE
 * ("exists; --force overwrites"). */
int ff_write_file(const char *path, const void *data, size_t size, bool force) FF_MUST_USE;
char *ff_path_join(const char *folder, const char *name); /* absolute names stay; caller frees */
char *ff_path_dirname(const char *path);                  /* "." when there is none; caller frees */
const char *ff_path_basename(const char *path);

/* -------------------------------------------------------------------------------------- keys */

/* SHA-256 of some content. Two things with one key are the same thing: re-use of results rests on
 * that, so it has to be a cryptographic hash (nettle's). */
typedef struct ff_key {
    uint8_t bytes[32];
} ff_key;
typedef struct ff_hasher {
    _Alignas(16) unsigned char state[256];
} ff_hasher;
void ff_hasher_init(ff_hasher *h);
void ff_hasher_add(ff_hasher *h, const void *data, size_t n);
void ff_hasher_add_u64(ff_hasher *h, uint64_t v);    /* little-endian whatever the machine */
void ff_hasher_add_str(ff_hasher *h, const char *s); /* length first, NULL distinct from "" */
ff_key ff_hasher_done(ff_hasher *h);
ff_key ff_key_of(const void *data, size_t n);
bool ff_key_equal(const ff_key *a, const ff_key *b);
void ff_key_hex(const ff_key *k, char out[65]);
bool ff_key_parse(const char *hex, ff_key *out);

/* Map from keys or strings to pointers (values borrowed). Iteration order is insertion order. */
typedef struct ff_map ff_map;
ff_map *ff_map_create(void);
void ff_map_destroy(ff_map *m, void (*free_value)(void *));
void *ff_map_get(const ff_map *m, const char *name);       /* NULL when missing */
void ff_map_put(ff_map *m, const char *name, void *value); /* replaces */
void *ff_map_remove(ff_map *m, const char *name);          /* returns what was there */
void *ff_map_get_key(const ff_map *m, const ff_key *key);
void ff_map_put_key(ff_map *m, const ff_key *key, void *value);
void *ff_map_remove_key(ff_map *m, const ff_key *key);
size_t ff_map_size(const ff_map *m);
/* Walks the entries in the order of insertion: start with *cursor = 0, false at the end. *name is NULL
 * where the entry has a key; name and value may be NULL. The map may not change meanwhile. */
bool ff_map_next(const ff_map *m, size_t *cursor, const char **name, void **value);

/* Random numbers for seeded samples and tests: splitmix64; the same on every machine. */
typedef struct ff_rng {
    uint64_t state;
} ff_rng;
uint64_t ff_rng_next(ff_rng *r);
uint64_t ff_rng_below(ff_rng *r, uint64_t n); /* uniform in [0, n), n > 0 */
double ff_rng_real(ff_rng *r);                /* uniform in [0, 1) */
double ff_rng_normal(ff_rng *r);              /* mean 0, deviation 1 */
void ff_rng_shuffle(ff_rng *r, int *a, size_t n);

/* ------------------------------------------------------------------------------------ tables */

/* Rows of typed cells under named columns. Built by one thread, then only read; reference-counted,
 * so that a snapshot is one pointer. Any cell may be empty. Text is copied in. */
typedef enum ff_column_type { FF_COL_INT, FF_COL_REAL, FF_COL_TEXT, FF_COL_BOOL } ff_column_type;
typedef struct ff_column {
    const char *name; /* lower_case, as in JSON and SQL */
    ff_column_type type;
    const char *help; /* one line: what it says, in which unit */
} ff_column;
typedef struct ff_table ff_table;

ff_table *ff_table_create(const char *name, const ff_column *columns, int n_columns); /* borrowed, static */
ff_table *ff_table_ref(const ff_table *t);
void ff_table_unref(const ff_table *t);
int ff_table_add_row(ff_table *t); /* all cells empty; returns the row's number */
void ff_table_set_int(ff_table *t, int row, const char *column, int64_t v);
void ff_table_set_real(ff_table *t, int row, const char *column, double v);
void ff_table_set_bool(ff_table *t, int row, const char *column, bool v);
void ff_table_set_text(ff_table *t, int row, const char *column, const char *s); /* NULL: empty */
const char *ff_table_name(const ff_table *t);
int ff_table_rows(const ff_table *t);
int ff_table_columns(const ff_table *t);
const ff_column *ff_table_column(const ff_table *t, int column);
int ff_table_find(const ff_table *t, const char *column); /* -1 when there is none */
bool ff_table_empty(const ff_table *t, int row, int column);
int64_t ff_table_int(const ff_table *t, int row, int column);      /* 0 when empty; bools too */
double ff_table_real(const ff_table *t, int row, int column);      /* 0 when empty; ints too */
const char *ff_table_text(const ff_table *t, int row, int column); /* "" when empty; FF_COL_TEXT only */
/* By the column's name; a row or a column that is not there reads as empty. */
int64_t ff_table_int_at(const ff_table *t, int row, const char *column, int64_t empty);
double ff_table_real_at(const ff_table *t, int row, const char *column); /* NAN when empty */
const char *ff_table_text_at(const ff_table *t, int row, const char *column);
/* The first row whose column holds this; -1. */
int ff_table_row_of_int(const ff_table *t, const char *column, int64_t value);
int ff_table_row_of_text(const ff_table *t, const char *column, const char *text);

/* ---------------------------------------------------------------------------------- ZIP files */

/* Entries of a ZIP file: `take` gets each one unpacked, with its name (borrowed). Stored and deflated entries; bounded
 * by what is left of `budget` bytes, and by each entry's own declared size, checked as it is unpacked. */
int ff_zip_read(const char *path, const uint8_t *data, size_t size, uint64_t budget,
                int (*take)(void *context, const char *name, const uint8_t *bytes, size_t size),
                void *context) FF_MUST_USE;

/* ---------------------------------------------------------------------------------- isolation */

/* Work in a process of its own: a library that crashes, hangs or eats memory over a hostile file takes nothing with
 * it. The function runs in a copy of this process and appends to `out`; what it appended and its code and message come
 * back, nothing else that it did. It may not print, nor use threads, the terminal or files open for writing. */
typedef int ff_isolated(void *context, ff_buf *out);
typedef struct ff_isolate_limits {
    uint64_t memory; /* bytes that it may take, and hand back */
    double seconds;  /* of processor time */
} ff_isolate_limits;
/* FF_ERR_INPUT: it crashed, or hit a limit of time; FF_ERR_NOMEM: memory was short; else what it returned. */
int ff_isolate(ff_isolated *fn, void *context, const ff_isolate_limits *limits, ff_buf *out) FF_MUST_USE;

/* ----------------------------------------------------------------------------------- threads */

/* A cancel token: set from any thread or a signal handler, asked between two nodes. */
typedef struct ff_cancel {
    atomic_bool set;
} ff_cancel;

/* What a long call is at: written by the worker, sampled by the interface once a frame. */
typedef struct ff_progress {
    _Atomic(const char *) stage; /* static text, as "evaluating"; NULL: nothing runs */
    atomic_llong done, total;    /* total 0: unknown */
    atomic_llong started_ns;     /* CLOCK_MONOTONIC */
} ff_progress;
void ff_progress_start(ff_progress *p, const char *stage, int64_t total);
void ff_progress_add(ff_progress *p, int64_t n);
void ff_progress_finish(ff_progress *p);
int64_t ff_now_ns(void); /* CLOCK_MONOTONIC */

/* What this process has spent its time on, for benches: nanoseconds of every thread, added up by
 * activity ("decode", "run") and what it was about ("Conv"; "" when there is nothing to tell). Any
 * thread, no oftener than once an image. */
typedef struct ff_spent {
    const char *activity; /* static text */
    const char *what;     /* as long as the process */
    int64_t ns, times;
} ff_spent;
void ff_spend(const char *activity, const char *what, int64_t ns, int64_t times);
size_t ff_spent_list(ff_spent **out); /* longest first; the caller frees */

/* Workers that share out indices 0..n-1 in order. */
typedef struct ff_pool ff_pool;
/* A thread with a stack of 8 MiB, whatever the limits of the process. FF_ERR_NOMEM. */
int ff_thread_start(pthread_t *out, void *(*run)(void *), void *context) FF_MUST_USE;
/* threads 0: one per core the process may use; at most four a core, or 64. `enter` (may be NULL) runs once in each worker. */
ff_pool *ff_pool_create(int threads, void (*enter)(void));
void ff_pool_destroy(ff_pool *p);
int ff_pool_threads(const ff_pool *p);
/* Calls fn(context, index, worker) for each index; worker is 0..threads-1. Stops handing out
 * indices after a failure or when cancelled; returns the failure of the lowest index with its
 * message on the calling thread, so that the outcome does not depend on timing. The pool serves one
 * call at a time; fn must not call it again. pool NULL: runs in the caller as worker 0. */
typedef int ff_pool_fn(void *context, int64_t index, int worker);
int ff_pool_for(ff_pool *p, int64_t n, ff_pool_fn *fn, void *context, ff_cancel *cancel) FF_MUST_USE;

/* The processes of `mpirun -n N fetafix ...`. All of them take the same input through the same steps and so come to the
 * same decisions; only loops over images are shared out (ff_share_for). NULL: a process alone, for which all of
 * this does nothing. What speaks to the others is called by all of them, in the same order, by one thread at a time. */
typedef struct ff_team ff_team;
/* *out is NULL when no launcher started this process. FF_ERR_USAGE: one did, and the program was built without MPI. */
int ff_team_join(ff_team **out) FF_MUST_USE;
/* Waits for the others. With an exit code above 1 not for ever: they are ended with it, as nobody would answer them. */
void ff_team_leave(ff_team *t, int exit_code);
int ff_team_rank(const ff_team *t); /* from 0; 0 for NULL */
int ff_team_size(const ff_team *t); /* 1 for NULL */
/* Threads for each process when nobody chose: its share of the cores of its machine. 0 (one per core) for NULL. */
int ff_team_threads(const ff_team *t);
/* The bytes that `from` has reach all. */
void ff_team_tell(ff_team *t, int from, void *data, size_t size);
/* The failure at the lowest place becomes everybody's, with its message; FF_OK when nobody failed. */
int ff_team_agree(ff_team *t, int code, int64_t place) FF_MUST_USE;
/* counts[rank] records of `size` bytes from each rank, one rank after the other, to all. */
void ff_team_gather(ff_team *t, const void *mine, const int *counts, size_t size, void *all);
/* Rows of the same columns lie one after the other; owners[i]: the rank that has row i. Each rank gets its counts[rank]
 * columns, which follow those of the rank before, of all rows, in their place. */
void ff_team_deal(ff_team *t, float *rows, int n, const int *owners, const int *counts);
/* What this process sent, and the time it spent in exchanges, waiting included. */
typedef struct ff_team_traffic {
    int64_t exchanges;
    uint64_t bytes;
    double seconds, shortest; /* all of it; the shortest agreement, for which nobody waited */
} ff_team_traffic;
ff_team_traffic ff_team_traffic_of(const ff_team *t);

/* What every long call is given: any member may be NULL. */
typedef struct ff_task {
    ff_pool *pool;
    ff_cancel *cancel;
    ff_progress *progress;
    ff_team *team;
} ff_task;
/* ff_pool_for with the pool and the cancel token of the task, over the processes of its team: index i (or image
 * ids[i], where ids are given) always belongs to the same process. fn writes elements of the parts, which all processes
 * have afterwards: element i, or ids[i] with by_id. Plain values only, no pointers. */
typedef struct ff_part {
    void *at;
    size_t size; /* bytes of an element */
    bool by_id;
} ff_part;
int ff_share_for(const ff_task *task, int64_t n, const int *ids, ff_pool_fn *fn, void *context, const ff_part *parts,
                 int n_parts) FF_MUST_USE;
int ff_share_owner(const ff_task *task, const int *ids, int64_t i); /* the rank that runs it */
bool ff_share_mine(const ff_task *task, const int *ids, int64_t i);
/* The exchange alone, after a loop that left something to be exchanged later. */
void ff_share_parts(const ff_task *task, int64_t n, const int *ids, const ff_part *parts, int n_parts);
bool ff_cancelled(const ff_task *t);   /* t may be NULL */
int ff_check_cancel(const ff_task *t); /* FF_OK or FF_ERR_CANCELLED with its message */

/* Queue of pointers, any number of producers and consumers. The eventfd is readable while the queue
 * is not empty. */
typedef struct ff_queue ff_queue;
ff_queue *ff_queue_create(void);
void ff_queue_destroy(ff_queue *q, void (*free_item)(void *));
void ff_queue_push(ff_queue *q, void *item);
void *ff_queue_try_pop(ff_queue *q);                                /* NULL when empty */
void *ff_queue_pop(ff_queue *q, int64_t timeout_ms);                /* -1: wait; NULL when the time ran out */
void *ff_queue_take(ff_queue *q, bool (*wanted)(const void *item)); /* the first that is; NULL when none is */
int ff_queue_fd(const ff_queue *q);

/* --------------------------------------------------------------------------------------- log */

typedef enum ff_level { FF_LOG_DEBUG, FF_LOG_INFO, FF_LOG_WARN } ff_level;
/* The sink is called under a lock, from any thread, with a line without newline. */
void ff_log_set_sink(void (*sink)(void *context, ff_level level, const char *line), void *context);
void ff_log(ff_level level, const char *format, ...) FF_PRINTF(2, 3);

#endif
