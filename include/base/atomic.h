/*
 * atomic.h - accesses to memory that other threads use at the same time and whose size is a number:
 * guest RAM.
 *
 * `size` is log2 of bytes (0..3) and a constant wherever it matters, so each function is one or two
 * instructions.
 *
 *   racy_load, racy_store   any alignment; one host access, so never torn when aligned; no ordering
 *   racy_load16, _store16   the same for 16 bytes; never torn when aligned if racy16_atomic() says so
 *   atomic_*                aligned; sequentially consistent (on x86-64 the only kind there is, and
 *                           on AArch64 LDAR, STLR and the acquire-release forms)
 *
 * Each returns the old value, zero-extended.
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

typedef uint16_t __attribute__((aligned(1), may_alias)) racy_u16;
typedef uint32_t __attribute__((aligned(1), may_alias)) racy_u32;
typedef uint64_t __attribute__((aligned(1), may_alias)) racy_u64;

static ALWAYS_INLINE uint64_t racy_load(const void *p, unsigned size)
{
    switch (size) {
    case 0: return *(const volatile uint8_t *)p;
    case 1: return *(const volatile racy_u16 *)p;
    case 2: return *(const volatile racy_u32 *)p;
    default: return *(const volatile racy_u64 *)p;
    }
}

static ALWAYS_INLINE void racy_store(void *p, unsigned size, uint64_t value)
{
    switch (size) {
    case 0: *(volatile uint8_t *)p = (uint8_t)value; break;
    case 1: *(volatile racy_u16 *)p = (uint16_t)value; break;
    case 2: *(volatile racy_u32 *)p = (uint32_t)value; break;
    default: *(volatile racy_u64 *)p = value; break;
    }
}

/* 16 bytes as two values, the one at the lower address first. */
typedef uint64_t racy_pair __attribute__((vector_size(16), may_alias));
typedef uint64_t racy_u128 __attribute__((vector_size(16), aligned(1), may_alias));

static ALWAYS_INLINE racy_pair racy_load16(const void *p)
{
    return *(const volatile racy_u128 *)p;
}

static ALWAYS_INLINE void racy_store16(void *p, racy_pair value)
{
    *(volatile racy_u128 *)p = value;
}

/*
 * Does this host promise that an access by racy_load16 or racy_store16 is never torn when aligned, and that
 * smaller ones are not when they stay inside 16 aligned bytes?
 */
bool racy16_atomic(void);

static ALWAYS_INLINE uint64_t atomic_read(const void *p, unsigned size)
{
    switch (size) {
    case 0: return __atomic_load_n((const uint8_t *)p, __ATOMIC_SEQ_CST);
    case 1: return __atomic_load_n((const uint16_t *)p, __ATOMIC_SEQ_CST);
    case 2: return __atomic_load_n((const uint32_t *)p, __ATOMIC_SEQ_CST);
    default: return __atomic_load_n((const uint64_t *)p, __ATOMIC_SEQ_CST);
    }
}

static ALWAYS_INLINE void atomic_write(void *p, unsigned size, uint64_t value)
{
    switch (size) {
    case 0: __atomic_store_n((uint8_t *)p, (uint8_t)value, __ATOMIC_SEQ_CST); break;
    case 1: __atomic_store_n((uint16_t *)p, (uint16_t)value, __ATOMIC_SEQ_CST); break;
    case 2: __atomic_store_n((uint32_t *)p, (uint32_t)value, __ATOMIC_SEQ_CST); break;
    default: __atomic_store_n((uint64_t *)p, value, __ATOMIC_SEQ_CST); break;
    }
}

#define ATOMIC_RMW(name, builtin)                                                       \
    static ALWAYS_INLINE uint64_t atomic_##name(void *p, unsigned size, uint64_t value) \
    {                                                                                   \
        switch (size) {                                                                 \
        case 0: return builtin((uint8_t *)p, (uint8_t)value, __ATOMIC_SEQ_CST);         \
        case 1: return builtin((uint16_t *)p, (uint16_t)value, __ATOMIC_SEQ_CST);       \
        case 2: return builtin((uint32_t *)p, (uint32_t)value, __ATOMIC_SEQ_CST);       \
        default: return builtin((uint64_t *)p, value, __ATOMIC_SEQ_CST);                \
        }                                                                               \
    }

ATOMIC_RMW(add, __atomic_fetch_add)
ATOMIC_RMW(and, __atomic_fetch_and)
ATOMIC_RMW(or, __atomic_fetch_or)
ATOMIC_RMW(xor, __atomic_fetch_xor)
ATOMIC_RMW(swap, __atomic_exchange_n)

#undef ATOMIC_RMW

/* Stores value if *p equals the low bytes of expected; the store happened exactly if
 * the result equals them. */
static ALWAYS_INLINE uint64_t atomic_cas(void *p, unsigned size, uint64_t expected, uint64_t value)
{
    switch (size) {
    case 0: return __sync_val_compare_and_swap((uint8_t *)p, (uint8_t)expected, (uint8_t)value);
    case 1: return __sync_val_compare_and_swap((uint16_t *)p, (uint16_t)expected, (uint16_t)value);
    case 2: return __sync_val_compare_and_swap((uint32_t *)p, (uint32_t)expected, (uint32_t)value);
    default: return __sync_val_compare_and_swap((uint64_t *)p, expected, value);
    }
}

/* The same for 16 bytes. */
typedef unsigned __int128 atomic_u128;

static ALWAYS_INLINE atomic_u128 atomic_cas16(void *p, atomic_u128 expected, atomic_u128 value)
{
#if defined(__aarch64__)
    /* Compilers make a library call of the builtin here. */
    uint64_t lo, hi;
    uint32_t failed;

    do {
        __asm__ volatile("ldaxp %0, %1, [%2]" : "=&r"(lo), "=&r"(hi) : "r"(p) : "memory");
        atomic_u128 old = (atomic_u128)hi << 64 | lo;
        /* Storing back what was read makes a failed comparison single-copy atomic, too. */
        atomic_u128 new_value = old == expected ? value : old;
        __asm__ volatile("stlxp %w0, %1, %2, [%3]"
                         : "=&r"(failed)
                         : "r"((uint64_t)new_value), "r"((uint64_t)(new_value >> 64)), "r"(p)
                         : "memory");
    } while (failed);
    return (atomic_u128)hi << 64 | lo;
#else
    return __sync_val_compare_and_swap((atomic_u128 *)p, expected, value);
#endif
}

#endif
