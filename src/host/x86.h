/*
 * x86.h - what an x86-64 processor has, as the compiler's own run-time library finds it: CPUID, and XCR0 for what the
 * system saves.
 */
#ifndef HOST_X86_H
#define HOST_X86_H

#include "host.h"

static inline void x86_features(struct host_facts *out)
{
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    __builtin_cpu_init();
    out->avx2 = __builtin_cpu_supports("avx2") != 0;
    out->avx512 = __builtin_cpu_supports("avx512f") != 0 &&
                  __builtin_cpu_supports("avx512bw") != 0 &&
                  __builtin_cpu_supports("avx512vl") != 0;
#else
    out->avx2 = out->avx512 = false;
#endif
}

#endif
