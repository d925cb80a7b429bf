/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 by nettle. */
#include "fetafix/base.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct sha256_ctx) <= sizeof(ff_hasher), "ff_hasher holds nettle's state");

static struct sha256_ctx *context(ff_hasher *h)
{
    return (struct sha256_ctx *)(void *)h->state;
}

void ff_hasher_init(ff_hasher *h)
{
    sha256_init(context(h));
}

void ff_hasher_add(ff_hasher *h, const void *data, size_t n)
{
    if (n)
        sha256_update(context(h), n, data);
}

void ff_hasher_add_u64(ff_hasher *h, uint64_t v)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> 8 * i);
    ff_hasher_add(h, bytes, sizeof bytes);
}

void ff_hasher_add_str(ff_hasher *h, const char *s)
{
    if (!s) {
        ff_hasher_add_u64(h, UINT64_MAX);
        return;
    }
    size_t n = strlen(s);
    ff_hasher_add_u64(h, n);
    ff_hasher_add(h, s, n);
}

ff_key ff_hasher_done(ff_hasher *h)
{
    ff_key k;
    sha256_digest(context(h), sizeof k.bytes, k.bytes);
    return k;
}

ff_key ff_key_of(const void *data, size_t n)
{
    ff_hasher h;
    ff_hasher_init(&h);
    ff_hasher_add(&h, data, n);
    return ff_hasher_done(&h);
}

bool ff_key_equal(const ff_key *a, const ff_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void ff_key_hex(const ff_key *k, char out[65])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 32; i++) {
        out[2 * i] = digits[k->bytes[i] >> 4];
        out[2 * i + 1] = digits[k->bytes[i] & 15];
    }
    out[64] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool ff_key_parse(const char *hex, ff_key *out)
{
    ff_key k;
    if (strlen(hex) != 64)
        return false;
    for (int i = 0; i < 32; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        k.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = k;
    return true;
}
