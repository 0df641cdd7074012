/*
 * bench.h - what the benchmark guests share.
 *
 * A row is a function `uint64_t row_NAME(uint64_t work)`: it does an amount of work that is a fixed number
 * (bench/rows.py holds it) and returns a checksum of everything that it computed, which must not depend on time, on
 * the CPU model or on where it was run. start.S calls the row that the link chose (bench_row, bench_work).
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#define ROW(name) uint64_t row_##name(uint64_t work)
#define NOINLINE  __attribute__((noinline))

/*
 * RAM behind the image, for rows that want much of it: a loader would clear a .bss of that size. Not cleared by anybody. It is used by
 * its second mapping, far above 4 GiB, where operating systems have their memory.
 */
#define ARENA      ((uint8_t *)0x1902000000)
#define ARENA_SIZE (192u << 20)

// Keeps a value, or all of memory, from being optimised away.
#define KEEP(v)       __asm__ volatile("" : "+r"(v))
#define KEEP_MEMORY() __asm__ volatile("" ::: "memory")

// xorshift64: same numbers everywhere.
static inline uint64_t rng(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

static inline uint64_t fold(uint64_t sum, uint64_t v)
{
    return (sum << 5 | sum >> 59) * 0x9e3779b97f4a7c15ull + v;
}

static inline uint64_t fold_bytes(uint64_t sum, const void *data, size_t n)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < n; i++) {
        sum = fold(sum, p[i]);
    }
    return sum;
}

// What start.S and the row's group offer: the switch between exception vectors, other CPUs, code maintenance.
void use_vectors(const void *vectors);
uint64_t start_cpu(uint64_t cpu, void (*entry)(void));

#endif
