/*
 * atomic.c - what the host promises about accesses of 16 bytes.
 *
 * x86-64: a processor with AVX makes aligned 16-byte vector loads and stores atomic (Intel SDM vol. 3, "Guaranteed
 * Atomic Operations"; AMD64 APM vol. 2, "Access Atomicity"). That smaller unaligned accesses are atomic inside a
 * cache line is in Intel's text; AMD's promises it inside 8 aligned bytes only, but its processors with AVX keep to
 * it in 16 (tests/unit/soft/test_lse2.c looks).
 *
 * Elsewhere nothing is promised: AArch64 hosts have it with FEAT_LSE2, which a freestanding program cannot ask for.
 */
#include "base/atomic.h"

#if defined(__x86_64__)
#define CPUID_1_ECX_AVX (1u << 28)

bool racy16_atomic(void)
{
    uint32_t eax = 1, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return (ecx & CPUID_1_ECX_AVX) != 0;
}
#else
bool racy16_atomic(void)
{
    return false;
}
#endif
