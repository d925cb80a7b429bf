/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The labels of a state as one blob of the session file. */
#include <stdlib.h>
#include <string.h>

#include "session/history/stored.h"

/* Per image: five classes and the margin, and where labels do not decide the verdict and its score; little-endian as
 * SQLite files are exchanged. */
enum { LABEL_BYTES = 4 * (FF_TOP + 1), VERDICT_BYTES = 8 };

static size_t label_bytes(const ff_case *c)
{
    return ff_comparator_by_label(c->comparator) ? LABEL_BYTES : LABEL_BYTES + VERDICT_BYTES;
}

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_real(unsigned char *p, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    put32(p, bits);
}

static float get_real(const unsigned char *p)
{
    uint32_t bits = get32(p);
    float v;
    memcpy(&v, &bits, 4);
    return v;
}

int stored_labels_save(const ff_case *c, int64_t owner, const ff_labels *l)
{
    bool verdicts = label_bytes(c) > LABEL_BYTES;
    size_t size = (size_t)l->count * label_bytes(c);
    unsigned char *bytes = ff_alloc(size ? size : 1), *p = bytes;
    for (int i = 0; i < l->count; i++) {
        for (int k = 0; k < FF_TOP; k++, p += 4)
            put32(p, (uint32_t)l->at[i].top[k]);
        put_real(p, l->at[i].margin);
        p += 4;
        if (verdicts) {
            put32(p, (uint32_t)l->at[i].verdict);
            put_real(p + 4, l->at[i].score);
            p += VERDICT_BYTES;
        }
    }
    int code = db_run(c->db, "INSERT OR REPLACE INTO label VALUES(?,?,?)", "iib", owner, l->width, bytes, size);
    free(bytes);
    return code;
}

int stored_labels_read(ff_case *c, int64_t owner, ff_labels **out)
{
    sqlite3_stmt *st;
    bool row;
    int code = db_query(c->db, &st, "SELECT width, labels FROM label WHERE owner=?", "i", owner);
    if (code || (code = db_next(c->db, &st, &row)))
        return code;
    int count = ff_dataset_count(c->set);
    if (!row)
        return db_damaged(c->db, "a state has no labels");
    bool verdicts = label_bytes(c) > LABEL_BYTES;
    if ((size_t)sqlite3_column_bytes(st, 1) != (size_t)count * label_bytes(c)) {
        sqlite3_finalize(st);
        return db_damaged(c->db, "a state has labels of other images");
    }
    const unsigned char *p = sqlite3_column_blob(st, 1);
    ff_labels *l = ff_labels_create(count);
    l->width = sqlite3_column_int64(st, 0);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < FF_TOP; k++, p += 4)
            l->at[i].top[k] = (int32_t)get32(p);
        l->at[i].margin = get_real(p);
        p += 4;
        if (verdicts) {
            uint32_t verdict = get32(p);
            l->at[i].verdict = verdict == FF_AGREES || verdict == FF_DIFFERS ? (ff_verdict_of)verdict : FF_BY_LABEL;
            l->at[i].score = get_real(p + 4);
            p += VERDICT_BYTES;
        }
    }
    sqlite3_finalize(st);
    *out = l;
    return FF_OK;
}
