/*
 * host.h - what this x86-64 processor has, as far as templates care. The registers' state must be enabled by the OS too.
 */
#ifndef SOFT_JIT_HOST_H
#define SOFT_JIT_HOST_H

#include "accel/soft/jit/asm_vex.h"

struct host_simd {
    enum vex_level level; /* VEX_AVX512: F, VL, BW, DQ and CD */
    bool sse41;           /* else: no vector templates at all */
    bool bmi2;            /* shifts that leave EFLAGS alone */
    bool fma, aes, pclmul, sha, gfni, sse42;
    bool vaes, vpclmul; /* AES, PCLMUL on xmm16-31 */
    bool vbmi, bitalg;
    bool blind; /* predicts indirect calls by the history of conditional jumps alone: stubs.c */
};

/* limit: use no more than this level (tests). */
struct host_simd host_simd_find(enum vex_level limit);

#endif
