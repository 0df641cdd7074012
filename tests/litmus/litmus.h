// litmus.h - what the parts of the guest share: CPUs, a barrier, output.
#ifndef LITMUS_H
#define LITMUS_H

#include <stdbool.h>
#include <stdint.h>

#define CPUS 4
#ifndef RUNS
#define RUNS 100000
#endif
// The storms grow with it, up to here: each of their rounds waits for all CPUs, which may not have a processor each.
#define STORM (RUNS < 500000 ? RUNS : 500000)

// Runs job(cpu) on CPUs 0..cpus-1 at once, and returns when all have finished.
void together(unsigned cpus, void (*job)(unsigned cpu));
// Waits for all CPUs of this together().
void barrier(void);
void put(const char *text);
void put_number(uint64_t n);
// A small generator of numbers, one state for each user.
static inline uint32_t any(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 16;
}

void shapes(void);
void atomics(void);
void tlbi_storm(void);
void code_storm(void);

#endif
