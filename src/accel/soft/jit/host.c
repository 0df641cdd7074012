/*
 * host.c - CPUID and XGETBV (Intel SDM volume 2; AMD APM volume 3 has the same bits).
 */
#include "accel/soft/jit/host.h"

#include "accel/soft/jit/jit.h"

#if SOFT_JIT

struct leaf {
    uint32_t a, b, c, d;
};

static struct leaf cpuid(uint32_t number)
{
    struct leaf l = { .a = number, .c = 0 };

    __asm__("cpuid" : "+a"(l.a), "=b"(l.b), "+c"(l.c), "=d"(l.d));
    return l;
}

/* Components of the state that the OS saves. */
static uint32_t xcr0(void)
{
    uint32_t low, high;

    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has(uint32_t word, unsigned bit)
{
    return (word >> bit & 1) != 0;
}

/* EBX of leaf 0: "Auth" of "AuthenticAMD". */
#define AMD 0x68747541
/* Bits of XCR0: 1 and 2 are xmm and ymm, 5 to 7 AVX-512's. */
enum { YMM_STATE = 6, ZMM_STATE = 0xe6 };

struct host_simd host_simd_find(enum vex_level limit)
{
    const struct leaf one = cpuid(1);
    const struct leaf seven = cpuid(0).a >= 7 ? cpuid(7) : (struct leaf){ .a = 0 };
    const uint32_t state = has(one.c, 27) ? xcr0() : 0;
    const bool avx2 = has(one.c, 28) && has(seven.b, 5) && (state & YMM_STATE) == YMM_STATE;
    const bool avx512 = avx2 && (state & ZMM_STATE) == ZMM_STATE && has(seven.b, 16) &&
                        has(seven.b, 17) && has(seven.b, 28) && has(seven.b, 30) &&
                        has(seven.b, 31);
    struct host_simd h = { .level = avx512 ? VEX_AVX512 : avx2 ? VEX_AVX2 : VEX_NONE };

    h.level = h.level > limit ? limit : h.level;
    h.blind = cpuid(0).b == AMD;
    h.sse41 = has(one.c, 9) && has(one.c, 19);
    h.sse42 = has(one.c, 20);
    h.aes = has(one.c, 25);
    h.pclmul = has(one.c, 1);
    h.sha = has(seven.b, 29);
    if (h.level >= VEX_AVX2) {
        h.fma = has(one.c, 12);
        h.bmi2 = has(seven.b, 8);
        h.gfni = has(seven.c, 8);
    }
    if (h.level == VEX_AVX512) {
        h.vbmi = has(seven.c, 1);
        h.bitalg = has(seven.c, 12);
        h.vaes = has(seven.c, 9);
        h.vpclmul = has(seven.c, 10);
    }
    return h;
}

#endif
