/*
 * bits.h - bit fields, sign extension, alignment, checked ranges, little-endian loads and stores.
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/string.h"

#define BIT(n) (1ull << (n))

/* The len-bit field of v whose lowest bit is lo; 1 <= len <= 64. */
static inline uint64_t bits(uint64_t v, unsigned lo, unsigned len)
{
    return (v >> lo) & (len == 64 ? ~0ull : BIT(len) - 1);
}

/* v with the len-bit field at lo replaced by the low bits of x. */
static inline uint64_t bits_set(uint64_t v, unsigned lo, unsigned len, uint64_t x)
{
    uint64_t mask = (len == 64 ? ~0ull : BIT(len) - 1) << lo;

    return (v & ~mask) | ((x << lo) & mask);
}

/* The low len bits of v as a signed number; 1 <= len <= 64. */
static inline int64_t sign_extend(uint64_t v, unsigned len)
{
    return (int64_t)(v << (64 - len)) >> (64 - len);
}

/* v rotated right by n within width bits (width 1..64, v < 2^width). */
static inline uint64_t rotate_right(uint64_t v, unsigned n, unsigned width)
{
    n %= width;
    if (n == 0) {
        return v;
    }
    uint64_t mask = width == 64 ? ~0ull : BIT(width) - 1;
    return ((v >> n) | (v << (width - n))) & mask;
}

/* Powers of two only. */
static inline uint64_t align_down(uint64_t v, uint64_t to)
{
    return v & ~(to - 1);
}
static inline uint64_t align_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}
static inline bool is_aligned(uint64_t v, uint64_t to)
{
    return (v & (to - 1)) == 0;
}
static inline bool is_power_of_two(uint64_t v)
{
    return v != 0 && (v & (v - 1)) == 0;
}

/* True if [addr, addr + len) lies inside [base, base + size); no sum is formed that can wrap. */
static inline bool range_inside(uint64_t addr, uint64_t len, uint64_t base, uint64_t size)
{
    return addr >= base && addr - base <= size && len <= size - (addr - base);
}

/* True if the two ranges share a byte. Empty ranges share nothing. */
static inline bool range_overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
    return a_len != 0 && b_len != 0 && (a <= b ? b - a < a_len : a - b < b_len);
}

/* Little-endian loads and stores at any alignment. Every host this project runs on is
 * little-endian. */
static inline uint16_t le16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}
static inline uint32_t le32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static inline uint64_t le64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}
static inline void put_le16(void *p, uint16_t v)
{
    memcpy(p, &v, 2);
}
static inline void put_le32(void *p, uint32_t v)
{
    memcpy(p, &v, 4);
}
static inline void put_le64(void *p, uint64_t v)
{
    memcpy(p, &v, 8);
}

static inline uint32_t be32(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline void put_be32(void *p, uint32_t v)
{
    uint8_t *b = p;
    b[0] = (uint8_t)(v >> 24);
    b[1] = (uint8_t)(v >> 16);
    b[2] = (uint8_t)(v >> 8);
    b[3] = (uint8_t)v;
}

#endif
