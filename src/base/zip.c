/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ZIP files, as far as NPZ needs them (APPNOTE.TXT 6.3, sections 4.3 to 4.5): the directory at the end, with the ZIP64
 * extension, entries stored or deflated. Every number of the file is checked before it is used. */
#include "fetafix/base.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    DIRECTORY_BYTES = 46,
    LOCAL_BYTES = 30,
    MOST_ENTRIES = 4096,
    STORED = 0,
    DEFLATED = 8,
};

typedef struct entry {
    const uint8_t *name;
    unsigned name_length, method, flags;
    uint64_t packed, unpacked, offset;
    uint32_t crc;
} entry;

static uint64_t number(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static int malformed(const char *path, const char *what)
{
    return ff_fail(FF_ERR_INPUT, "'%s': malformed ZIP file: %s", path, what);
}

/* The record at the end may be followed by a comment. */
static const uint8_t *find_end(const uint8_t *data, size_t size)
{
    for (size_t back = END_BYTES; back <= size && back <= END_BYTES + 65535; back++) {
        const uint8_t *p = data + size - back;
        if (memcmp(p, "PK\5\6", 4) == 0 && number(p + 20, 2) == back - END_BYTES)
            return p;
    }
    return NULL;
}

static int find_directory(const char *path, const uint8_t *data, size_t size, uint64_t *entries, uint64_t *at,
                          uint64_t *length)
{
    const uint8_t *end = find_end(data, size);
    if (!end)
        return malformed(path, "no directory at its end");
    *entries = number(end + 10, 2);
    *length = number(end + 12, 4);
    *at = number(end + 16, 4);
    if (*entries == 0xffff || *length == 0xffffffff || *at == 0xffffffff) {
        size_t place = (size_t)(end - data);
        uint64_t record = place >= LOCATOR_BYTES ? number(end - LOCATOR_BYTES + 8, 8) : 0;
        if (place < LOCATOR_BYTES || memcmp(end - LOCATOR_BYTES, "PK\6\7", 4) != 0 || record > size ||
            size - record < END64_BYTES || memcmp(data + record, "PK\6\6", 4) != 0)
            return malformed(path, "its ZIP64 record is missing");
        *entries = number(data + record + 32, 8);
        *length = number(data + record + 40, 8);
        *at = number(data + record + 48, 8);
    }
    if (*at > size || *length > size - *at)
        return malformed(path, "its directory lies outside");
    if (*entries > MOST_ENTRIES)
        return ff_fail(FF_ERR_INPUT, "'%s': %llu entries, at most %d are taken", path, (unsigned long long)*entries,
                       MOST_ENTRIES);
    return FF_OK;
}

/* Sizes that do not fit into 32 bits stand in field 1, in this order, those only. */
static bool read_zip64(const uint8_t *extra, size_t length, entry *e)
{
    while (length >= 4) {
        uint64_t id = number(extra, 2), n = number(extra + 2, 2);
        if (n > length - 4)
            return false;
        if (id == 1) {
            const uint8_t *p = extra + 4, *stop = p + n;
            uint64_t *const wide[] = {&e->unpacked, &e->packed, &e->offset};
            for (size_t i = 0; i < FF_COUNT(wide); i++) {
                if (*wide[i] != 0xffffffff)
                    continue;
                if (stop - p < 8)
                    return false;
                *wide[i] = number(p, 8);
                p += 8;
            }
        }
        extra += 4 + n;
        length -= 4 + n;
    }
    return true;
}

static bool read_entry(const uint8_t **at, const uint8_t *stop, entry *e)
{
    const uint8_t *p = *at;
    if (stop - p < DIRECTORY_BYTES || memcmp(p, "PK\1\2", 4) != 0)
        return false;
    uint64_t extra = number(p + 30, 2), comment = number(p + 32, 2);
    *e = (entry){.name = p + DIRECTORY_BYTES,
                 .name_length = (unsigned)number(p + 28, 2),
                 .method = (unsigned)number(p + 10, 2),
                 .flags = (unsigned)number(p + 8, 2),
                 .packed = number(p + 20, 4),
                 .unpacked = number(p + 24, 4),
                 .offset = number(p + 42, 4),
                 .crc = (uint32_t)number(p + 16, 4)};
    if ((uint64_t)(stop - e->name) < e->name_length + extra + comment)
        return false;
    *at = e->name + e->name_length + extra + comment;
    return read_zip64(e->name + e->name_length, (size_t)extra, e);
}

/* Exactly `to_size` bytes, not one more is written. */
static bool inflate_all(const uint8_t *from, uint64_t from_size, uint8_t *to, uint64_t to_size)
{
    z_stream z = {0};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return false;
    const uInt most = 1u << 30;
    uint64_t in = from_size, out = to_size;
    int rc = Z_OK;
    z.next_in = (Bytef *)from;
    z.next_out = to;
    while (rc == Z_OK) {
        if (z.avail_in == 0 && in) {
            z.avail_in = in < most ? (uInt)in : most;
            in -= z.avail_in;
        }
        if (z.avail_out == 0 && out) {
            z.avail_out = out < most ? (uInt)out : most;
            out -= z.avail_out;
        }
        rc = inflate(&z, Z_NO_FLUSH);
    }
    bool complete = rc == Z_STREAM_END && z.avail_out == 0 && out == 0;
    inflateEnd(&z);
    return complete;
}

static bool crc_fits(const uint8_t *data, uint64_t size, uint32_t expected)
{
    uLong crc = crc32(0, NULL, 0);
    for (uint64_t at = 0; at < size;) {
        uInt n = size - at < (1u << 30) ? (uInt)(size - at) : 1u << 30;
        crc = crc32(crc, data + at, n);
        at += n;
    }
    return crc == expected;
}

static int unpack(const char *path, const uint8_t *data, size_t size, const entry *e, const char *name, uint8_t **room,
                  const uint8_t **bytes)
{
    if (e->offset > size || size - e->offset < LOCAL_BYTES || memcmp(data + e->offset, "PK\3\4", 4) != 0)
        return malformed(path, "an entry lies outside");
    uint64_t skip = LOCAL_BYTES + number(data + e->offset + 26, 2) + number(data + e->offset + 28, 2);
    if (skip > size - e->offset || e->packed > size - e->offset - skip)
        return malformed(path, "an entry lies outside");
    const uint8_t *packed = data + e->offset + skip;
    if (e->flags & 1)
        return ff_fail(FF_ERR_INPUT, "'%s': '%s' is encrypted", path, name);
    if (e->method == STORED) {
        if (e->packed != e->unpacked)
            return malformed(path, "a stored entry of two sizes");
        *bytes = packed;
    } else if (e->method == DEFLATED) {
        /* Deflate makes at most 1032 bytes of one: what claims more lies, and is not given room. */
        if (e->unpacked / 1032 > e->packed)
            return malformed(path, "an entry claims to be larger than it can be");
        *room = ff_try_alloc(e->unpacked + 1);
        if (!*room)
            return ff_fail(FF_ERR_NOMEM, "'%s': no memory for '%s'", path, name);
        if (!inflate_all(packed, e->packed, *room, e->unpacked))
            return ff_fail(FF_ERR_INPUT, "'%s': '%s' cannot be unpacked", path, name);
        *bytes = *room;
    } else {
        return ff_fail(FF_ERR_INPUT, "'%s': '%s' is packed by method %u, only stored and deflated ones are read", path,
                       name, e->method);
    }
    if (!crc_fits(*bytes, e->unpacked, e->crc))
        return ff_fail(FF_ERR_INPUT, "'%s': '%s' is damaged (its checksum differs)", path, name);
    return FF_OK;
}

int ff_zip_read(const char *path, const uint8_t *data, size_t size, uint64_t budget,
             int (*take)(void *context, const char *name, const uint8_t *bytes, size_t size), void *context)
{
    uint64_t entries = 0, at = 0, length = 0;
    int code = find_directory(path, data, size, &entries, &at, &length);
    if (code)
        return code;
    const uint8_t *p = data + at, *stop = p + length;
    for (uint64_t i = 0; i < entries && !code; i++) {
        entry e;
        if (!read_entry(&p, stop, &e))
            return malformed(path, "its directory is cut off");
        char *name = ff_asprintf("%.*s", (int)e.name_length, (const char *)e.name), *shown = ff_visible(name);
        uint8_t *room = NULL;
        const uint8_t *bytes = NULL;
        if (e.unpacked > budget)
            code = ff_fail(FF_ERR_INPUT, "'%s': '%s' takes %.1f GB unpacked, more than there is room for", path, shown,
                           (double)e.unpacked / 1e9);
        else
            code = unpack(path, data, size, &e, shown, &room, &bytes);
        if (!code) {
            budget -= e.unpacked;
            code = take(context, name, bytes, (size_t)e.unpacked);
        }
        free(room);
        free(name);
        free(shown);
    }
    return code;
}
