/*
 * generated.c - code that the guest makes while it runs, as compilers of JavaScript and Java do: one instruction of a function
 * patched, code that is run once, and code of a size that no cache holds.
 */
#include "bench.h"

typedef uint64_t code_fn(uint64_t);

enum {
    RET = 0xd65f03c0u,
    ADD_IMM = 0x91000000u, // add x0, x0, #imm12 << 10
    EOR_ROR = 0xcac00000u, // eor x0, x0, x0, ror #n << 10
    MOVK = 0xf2800000u,    // movk x0, #imm16 << 5
    ADD_LSL = 0x8b000000u, // add x0, x0, x0, lsl #n << 10
    B = 0x14000000u,       // b, offset in words
};

// Makes what was written visible to instruction fetch, in the order that the architecture wants.
static void publish(const void *code, size_t size)
{
    uint64_t start = (uint64_t)code & ~63ull, end = (uint64_t)code + size;

    for (uint64_t p = start; p < end; p += 64) {
        __asm__ volatile("dc cvau, %0" ::"r"(p) : "memory");
    }
    __asm__ volatile("dsb ish" ::: "memory");
    for (uint64_t p = start; p < end; p += 64) {
        __asm__ volatile("ic ivau, %0" ::"r"(p) : "memory");
    }
    __asm__ volatile("dsb ish\n isb" ::: "memory");
}

static uint32_t some_insn(uint64_t n)
{
    switch (n & 3) {
    case 0: return ADD_IMM | (uint32_t)(n >> 8 & 0xfff) << 10;
    case 1: return EOR_ROR | (uint32_t)(n >> 8 & 63) << 10;
    case 2: return MOVK | (uint32_t)(n >> 8 & 0xffff) << 5;
    default: return ADD_LSL | (uint32_t)(n >> 8 & 63) << 10;
    }
}

// patch: 128 functions of 8 instructions in one page; a constant in one of them changes, and it and seven others are called.
ROW(patch)
{
    uint32_t *code = (uint32_t *)ARENA;
    uint64_t seed = 3, sum = 1;

    for (int i = 0; i < 1024; i++) {
        code[i] = (i & 7) == 7 ? RET : some_insn(rng(&seed));
    }
    publish(code, 4096);
    for (uint64_t n = 0; n < work; n++) {
        uint32_t *f = code + 8 * (n * 37 & 127);
        f[2] = MOVK | (uint32_t)(n & 0xffff) << 5;
        publish(&f[2], 4);
        for (uint64_t i = 0; i < 8; i++) {
            sum = ((code_fn *)(code + 8 * ((n * 37 + i * 3) & 127)))(sum);
        }
    }
    return sum;
}

// cold: 32 KiB of fresh code, in blocks of eight instructions that jump to the next, is run once and written anew.
ROW(cold)
{
    enum { INSNS = 8192 };
    uint32_t *code = (uint32_t *)ARENA;
    uint64_t seed = 5, sum = 1;

    for (uint64_t n = 0; n < work; n++) {
        for (int i = 0; i < INSNS - 1; i++) {
            code[i] = (i & 7) == 7 ? B | 1 : some_insn(rng(&seed));
        }
        code[INSNS - 1] = RET;
        publish(code, INSNS * 4ul);
        sum = ((code_fn *)code)(sum);
    }
    return sum;
}

// foot2m: 2 MiB of code, run from end to end again and again.
ROW(foot2m)
{
    enum { INSNS = 512 << 10 };
    uint32_t *code = (uint32_t *)ARENA;
    uint64_t seed = 9, sum = 1;

    for (int i = 0; i < INSNS - 1; i++) {
        code[i] = (i & 7) == 7 ? B | 1 : some_insn(rng(&seed));
    }
    code[INSNS - 1] = RET;
    publish(code, INSNS * 4ul);
    for (uint64_t n = 0; n <= work;
         n++) { // the first time is a part of the preparation: `cold` measures that
        sum = ((code_fn *)code)(sum);
    }
    return sum;
}
