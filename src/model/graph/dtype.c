/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Element types: names, sizes, and the small floating-point formats. */
#include <math.h>
#include <string.h>

#include "model/graph/tensor.h"

static const struct {
    const char *name;
    uint8_t size, unit; /* bytes of an element; of what has a byte order */
} types[FF_DTYPE_COUNT] = {
    [FF_UNDEFINED] = {"undefined", 0, 0},
    [FF_FLOAT] = {"float32", 4, 4},
    [FF_UINT8] = {"uint8", 1, 1},
    [FF_INT8] = {"int8", 1, 1},
    [FF_UINT16] = {"uint16", 2, 2},
    [FF_INT16] = {"int16", 2, 2},
    [FF_INT32] = {"int32", 4, 4},
    [FF_INT64] = {"int64", 8, 8},
    [FF_STRING] = {"string", sizeof(char *), sizeof(char *)},
    [FF_BOOL] = {"bool", 1, 1},
    [FF_FLOAT16] = {"float16", 2, 2},
    [FF_DOUBLE] = {"float64", 8, 8},
    [FF_UINT32] = {"uint32", 4, 4},
    [FF_UINT64] = {"uint64", 8, 8},
    [FF_COMPLEX64] = {"complex64", 8, 4},
    [FF_COMPLEX128] = {"complex128", 16, 8},
    [FF_BFLOAT16] = {"bfloat16", 2, 2},
    [FF_FLOAT8E4M3FN] = {"float8e4m3fn", 1, 1},
    [FF_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 1, 1},
    [FF_FLOAT8E5M2] = {"float8e5m2", 1, 1},
    [FF_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 1, 1},
    [FF_UINT4] = {"uint4", 1, 1},
    [FF_INT4] = {"int4", 1, 1},
};

const char *ff_dtype_name(ff_dtype t)
{
    if (t == FF_SEQUENCE)
        return "sequence";
    if (t == FF_ABSENT)
        return "absent";
    return (unsigned)t < FF_DTYPE_COUNT ? types[t].name : "unknown";
}

size_t ff_dtype_size(ff_dtype t)
{
    if (t == FF_SEQUENCE || t == FF_ABSENT)
        return sizeof(ff_tensor *);
    return (unsigned)t < FF_DTYPE_COUNT ? types[t].size : 0;
}

size_t ff_dtype_unit(ff_dtype t)
{
    return types[t].unit;
}

bool ff_dtype_is_half(ff_dtype t)
{
    return t == FF_FLOAT16 || t == FF_BFLOAT16;
}

bool ff_dtype_is_float(ff_dtype t)
{
    return t == FF_FLOAT || t == FF_DOUBLE || ff_dtype_is_half(t) || (t >= FF_FLOAT8E4M3FN && t <= FF_FLOAT8E5M2FNUZ);
}

void ff_copy_little_endian(void *to, const void *from, size_t n, size_t size)
{
    if (n == 0)
        return;
    memcpy(to, from, n * size);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    unsigned char *p = to;
    for (size_t i = 0; i < n; i++, p += size)
        for (size_t j = 0; j < size / 2; j++) {
            unsigned char c = p[j];
            p[j] = p[size - 1 - j];
            p[size - 1 - j] = c;
        }
#endif
}

static uint32_t float_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float bits_float(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

float ff_half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = h >> 10 & 31, fraction = h & 0x3ff;

    if (exponent == 31)
        return bits_float(sign | 0x7f800000 | fraction << 13);
    if (exponent != 0)
        return bits_float(sign | (exponent + 112) << 23 | fraction << 13);
    float f = (float)fraction * 0x1p-24f; /* subnormal, exact */
    return sign ? -f : f;
}

uint16_t ff_float_to_half(float f)
{
    uint32_t u = float_bits(f), sign = u >> 16 & 0x8000;

    u &= 0x7fffffff;
    if (u > 0x7f800000) /* NaN keeps its upper payload and stays a NaN */
        return (uint16_t)(sign | 0x7e00 | (u >> 13 & 0x3ff));
    if (u >= 0x477ff000) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (u < 0x38800000) {
        /* Subnormal: adding 0.5 puts the result's last bit at the last bit of the float. */
        float shifted = bits_float(u) + 0.5f;
        return (uint16_t)(sign | (float_bits(shifted) - 0x3f000000));
    }
    u += 0xfff + (u >> 13 & 1);
    return (uint16_t)(sign | ((u - 0x38000000) >> 13));
}

float ff_bfloat16_to_float(uint16_t h)
{
    return bits_float((uint32_t)h << 16);
}

uint16_t ff_float_to_bfloat16(float f)
{
    uint32_t u = float_bits(f);

    if ((u & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* The float next to v whose last bit is odd when v lies between two floats: a second rounding to
 * fewer bits then gives what one rounding of v would have given. */
static float round_to_odd(double v)
{
    float f = (float)v;

    if ((double)f == v || isnan(v))
        return f;
    uint32_t u = float_bits(f);
    if (isinf(f))
        u--;
    else if (fabs((double)f) > fabs(v))
        u--;
    return bits_float(u | 1);
}

uint16_t ff_double_to_half(double v)
{
    return ff_float_to_half(isinf(v) ? (float)v : round_to_odd(v));
}

uint16_t ff_double_to_bfloat16(double v)
{
    return ff_float_to_bfloat16(isinf(v) ? (float)v : round_to_odd(v));
}

/* The 8-bit formats of the ONNX operator specification ("Float stored in 8 bits"). */
static const struct small_float {
    int fraction, bias;
    bool ieee;   /* the largest exponent holds infinity and NaN; else only codes below are NaN */
    bool fnuz;   /* no negative zero: its code is the only NaN */
    int largest; /* code of the largest finite value */
} small_floats[] = {
    {3, 7, false, false, 0x7e},
    {3, 8, false, true, 0x7f},
    {2, 15, true, false, 0x7b},
    {2, 16, false, true, 0x7f},
};

static double small_magnitude(const struct small_float *s, int code)
{
    int exponent = code >> s->fraction, fraction = code & ((1 << s->fraction) - 1);

    if (exponent == 0)
        return ldexp(fraction, 1 - s->bias - s->fraction);
    return ldexp(fraction + (1 << s->fraction), exponent - s->bias - s->fraction);
}

double ff_float8_to_double(ff_dtype t, uint8_t code)
{
    const struct small_float *s = &small_floats[t - FF_FLOAT8E4M3FN];
    int magnitude = code & 0x7f;
    double sign = code & 0x80 ? -1 : 1;

    if (s->fnuz && code == 0x80)
        return NAN;
    if (magnitude > s->largest)
        return s->ieee && magnitude == 0x7c ? sign * INFINITY : NAN;
    return sign * small_magnitude(s, magnitude);
}

uint8_t ff_double_to_float8(ff_dtype t, double v)
{
    const struct small_float *s = &small_floats[t - FF_FLOAT8E4M3FN];
    int sign = signbit(v) ? 0x80 : 0, low = 0, high = s->largest;
    double a = fabs(v);

    if (isnan(v))
        return (uint8_t)(s->fnuz ? 0x80 : sign | 0x7f);
    while (low < high) { /* the greatest code not above a */
        int middle = (low + high + 1) / 2;
        if (small_magnitude(s, middle) <= a)
            low = middle;
        else
            high = middle - 1;
    }
    if (low < s->largest) {
        double below = a - small_magnitude(s, low), above = small_magnitude(s, low + 1) - a;
        if (above < below || (above == below && (low & 1)))
            low++;
    }
    if (low == 0 && s->fnuz)
        return 0;
    return (uint8_t)(sign | low);
}
