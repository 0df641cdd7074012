/*
 * asm.h - an x86-64 encoder: one inline function an instruction form, and no knowledge of guests.
 *
 * Intel SDM volume 2. w is the operand width in bits, 32 or 64; 32-bit results are zero-extended by the
 * processor. Registers by their encodings. Code is written at a.p; what does not fit is dropped, and
 * a.full says so. Operands in memory are base + disp.
 */
#ifndef SOFT_JIT_ASM_H
#define SOFT_JIT_ASM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/string.h"

enum hreg {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    NOREG = -1
};

/* Condition codes of Jcc, SETcc, CMOVcc. */
enum cc {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G
};

/* Operations of the first group, by their number in it. */
enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum shift { SH_ROL, SH_ROR, SH_RCL, SH_RCR, SH_SHL, SH_SHR, SH_SAR = 7 };

struct as {
    uint8_t *p, *end;
    const uint8_t *label; /* the last place that as_patch has made jumps lead to while it was p */
    bool full;
};

static inline void as_bytes(struct as *a, const void *bytes, size_t n)
{
    if ((size_t)(a->end - a->p) < n) {
        a->full = true;
        return;
    }
    memcpy(a->p, bytes, n);
    a->p += n;
}
static inline void as_1(struct as *a, unsigned v)
{
    uint8_t b = (uint8_t)v;
    as_bytes(a, &b, 1);
}
static inline void as_4(struct as *a, uint32_t v)
{
    as_bytes(a, &v, 4);
}
static inline void as_8(struct as *a, uint64_t v)
{
    as_bytes(a, &v, 8);
}

static inline void as_rex(struct as *a, int w, int reg, int index, int base, bool force)
{
    unsigned rex = 0x40u | (unsigned)(w == 64) << 3 | (unsigned)(reg >> 3 & 1) << 2 |
                   (unsigned)(index >> 3 & 1) << 1 | (unsigned)(base >> 3 & 1);

    if (rex != 0x40 || force) {
        as_1(a, rex);
    }
}
/* opcode: up to three bytes, the first in the highest that is not 0. */
static inline void as_opcode(struct as *a, uint32_t opcode)
{
    if (opcode > 0xffff) {
        as_1(a, opcode >> 16);
    }
    if (opcode > 0xff) {
        as_1(a, opcode >> 8);
    }
    as_1(a, opcode);
}
static inline void as_mem(struct as *a, int reg, int base, int32_t disp)
{
    unsigned mod = disp == 0 && (base & 7) != RBP ? 0 : disp >= -128 && disp < 128 ? 1 : 2;

    as_1(a, mod << 6 | (unsigned)(reg & 7) << 3 | (unsigned)(base & 7));
    if ((base & 7) == RSP) {
        as_1(a, 0x24);
    }
    if (mod == 1) {
        as_1(a, (unsigned)disp);
    } else if (mod == 2) {
        as_4(a, (uint32_t)disp);
    }
}
/* opcode reg, [base + disp]; prefix 0: none; byte registers need force. */
static inline void as_rm(struct as *a, unsigned prefix, int w, uint32_t opcode, int reg, int base,
                         int32_t disp, bool force)
{
    if (prefix != 0) {
        as_1(a, prefix);
    }
    as_rex(a, w, reg, 0, base, force);
    as_opcode(a, opcode);
    as_mem(a, reg, base, disp);
}
/* opcode reg, [base + (index << scale) + disp]; index is not RSP. */
static inline void as_rmx(struct as *a, unsigned prefix, int w, uint32_t opcode, int reg, int base,
                          int index, unsigned scale, int32_t disp, bool force)
{
    unsigned mod = disp == 0 && (base & 7) != RBP ? 0 : disp >= -128 && disp < 128 ? 1 : 2;

    if (prefix != 0) {
        as_1(a, prefix);
    }
    as_rex(a, w, reg, index, base, force);
    as_opcode(a, opcode);
    as_1(a, mod << 6 | (unsigned)(reg & 7) << 3 | 4);
    as_1(a, scale << 6 | (unsigned)(index & 7) << 3 | (unsigned)(base & 7));
    if (mod == 1) {
        as_1(a, (unsigned)disp);
    } else if (mod == 2) {
        as_4(a, (uint32_t)disp);
    }
}
/* opcode reg, [RBP + index * 8 + disp]; index is not RSP. */
static inline void as_rbp8(struct as *a, int w, uint32_t opcode, int reg, int index, int32_t disp)
{
    as_rex(a, w, reg, index, 5, false);
    as_opcode(a, opcode);
    as_1(a, 0x84u | (unsigned)(reg & 7) << 3);
    as_1(a, 0xc5u | (unsigned)(index & 7) << 3);
    as_4(a, (uint32_t)disp);
}
static inline void as_rr(struct as *a, unsigned prefix, int w, uint32_t opcode, int reg, int rm,
                         bool force)
{
    if (prefix != 0) {
        as_1(a, prefix);
    }
    as_rex(a, w, reg, 0, rm, force);
    as_opcode(a, opcode);
    as_1(a, 0xc0u | (unsigned)(reg & 7) << 3 | (unsigned)(rm & 7));
}

static inline void as_mov(struct as *a, int w, int dst, int src)
{
    if (dst != src || w == 32) {
        as_rr(a, 0, w, 0x8b, dst, src, false);
    }
}
static inline void as_load(struct as *a, int w, int dst, int base, int32_t disp)
{
    as_rm(a, 0, w, 0x8b, dst, base, disp, false);
}
static inline void as_store(struct as *a, int w, int src, int base, int32_t disp)
{
    as_rm(a, 0, w, 0x89, src, base, disp, false);
}
/* Does not touch the flags. */
static inline void as_imm(struct as *a, int dst, uint64_t v)
{
    if (v <= 0xffffffffu) {
        as_rex(a, 32, 0, 0, dst, false);
        as_1(a, 0xb8u + (unsigned)(dst & 7));
        as_4(a, (uint32_t)v);
    } else if ((int64_t)v == (int32_t)v) {
        as_rr(a, 0, 64, 0xc7, 0, dst, false);
        as_4(a, (uint32_t)v);
    } else {
        as_rex(a, 64, 0, 0, dst, false);
        as_1(a, 0xb8u + (unsigned)(dst & 7));
        as_8(a, v);
    }
}
static inline void as_alu(struct as *a, int w, enum alu n, int dst, int src)
{
    as_rr(a, 0, w, (uint32_t)n * 8 + 3, dst, src, false);
}
static inline void as_alu_m(struct as *a, int w, enum alu n, int dst, int base, int32_t disp)
{
    as_rm(a, 0, w, (uint32_t)n * 8 + 3, dst, base, disp, false);
}
static inline void as_alu_i(struct as *a, int w, enum alu n, int dst, int32_t v)
{
    as_rr(a, 0, w, v >= -128 && v < 128 ? 0x83 : 0x81, (int)n, dst, false);
    if (v >= -128 && v < 128) {
        as_1(a, (unsigned)v);
    } else {
        as_4(a, (uint32_t)v);
    }
}
static inline void as_alu_mi(struct as *a, int w, enum alu n, int base, int32_t disp, int32_t v)
{
    as_rm(a, 0, w, v >= -128 && v < 128 ? 0x83 : 0x81, (int)n, base, disp, false);
    if (v >= -128 && v < 128) {
        as_1(a, (unsigned)v);
    } else {
        as_4(a, (uint32_t)v);
    }
}
static inline void as_test(struct as *a, int w, int r1, int r2)
{
    as_rr(a, 0, w, 0x85, r2, r1, false);
}
static inline void as_shift(struct as *a, int w, enum shift n, int r, unsigned count)
{
    as_rr(a, 0, w, 0xc1, (int)n, r, false);
    as_1(a, count);
}
static inline void as_shift_cl(struct as *a, int w, enum shift n, int r)
{
    as_rr(a, 0, w, 0xd3, (int)n, r, false);
}
static inline void as_neg(struct as *a, int w, int r)
{
    as_rr(a, 0, w, 0xf7, 3, r, false);
}
/* Does not touch the flags. */
static inline void as_not(struct as *a, int w, int r)
{
    as_rr(a, 0, w, 0xf7, 2, r, false);
}
/* Does not touch the flags. A move where that is enough: the processor renames it away. */
static inline void as_lea(struct as *a, int w, int dst, int base, int32_t disp)
{
    if (disp == 0) {
        as_mov(a, w, dst, base);
        return;
    }
    as_rm(a, 0, w, 0x8d, dst, base, disp, false);
}
/* dst = base + index << scale + disp; index is not RSP. */
static inline void as_lea_x(struct as *a, int w, int dst, int base, int index, unsigned scale,
                            int32_t disp)
{
    unsigned mod = disp == 0 && (base & 7) != RBP ? 0 : disp >= -128 && disp < 128 ? 1 : 2;

    as_rex(a, w, dst, index, base, false);
    as_1(a, 0x8d);
    as_1(a, mod << 6 | (unsigned)(dst & 7) << 3 | 4);
    as_1(a, scale << 6 | (unsigned)(index & 7) << 3 | (unsigned)(base & 7));
    if (mod == 1) {
        as_1(a, (unsigned)disp);
    } else if (mod == 2) {
        as_4(a, (uint32_t)disp);
    }
}
/* dst = index << scale; index is not RSP. */
static inline void as_lea_scaled(struct as *a, int w, int dst, int index, unsigned scale)
{
    as_rex(a, w, dst, index, 0, false);
    as_1(a, 0x8d);
    as_1(a, (unsigned)(dst & 7) << 3 | 4);
    as_1(a, scale << 6 | (unsigned)(index & 7) << 3 | 5);
    as_4(a, 0);
}
static inline void as_setcc(struct as *a, enum cc cc, int r)
{
    as_rr(a, 0, 32, 0x0f90u + (uint32_t)cc, 0, r, r > RBX);
}
static inline void as_cmov(struct as *a, int w, enum cc cc, int dst, int src)
{
    as_rr(a, 0, w, 0x0f40u + (uint32_t)cc, dst, src, false);
}
static inline void as_movzx8(struct as *a, int dst, int src)
{
    as_rr(a, 0, 32, 0x0fb6, dst, src, src > RBX);
}

/* Jumps with a 32-bit displacement: answer the place of it, for as_patch. */
static inline uint8_t *as_jcc(struct as *a, enum cc cc)
{
    as_1(a, 0x0f);
    as_1(a, 0x80u + (unsigned)cc);
    as_4(a, 0);
    return a->p - 4;
}
static inline uint8_t *as_jmp(struct as *a)
{
    as_1(a, 0xe9);
    as_4(a, 0);
    return a->p - 4;
}
static inline void as_patch(struct as *a, uint8_t *at, const uint8_t *to)
{
    int32_t d = (int32_t)(to - (at + 4));

    if (to == a->p) {
        a->label = to;
    }
    if (!a->full) {
        memcpy(at, &d, 4);
    }
}
/* dst = to, which is code or near it. */
static inline void as_lea_rip(struct as *a, int dst, const uint8_t *to)
{
    as_rex(a, 64, dst, 0, 0, false);
    as_1(a, 0x8d);
    as_1(a, (unsigned)(dst & 7) << 3 | 5);
    as_4(a, 0);
    as_patch(a, a->p - 4, to);
}
static inline void as_jcc_to(struct as *a, enum cc cc, const uint8_t *to)
{
    as_patch(a, as_jcc(a, cc), to);
}
static inline void as_pop(struct as *a, int reg)
{
    as_rex(a, 32, 0, 0, reg, false);
    as_1(a, 0x58u + (reg & 7));
}
static inline void as_push(struct as *a, int reg)
{
    as_rex(a, 32, 0, 0, reg, false);
    as_1(a, 0x50u + (reg & 7));
}
static inline void as_jmp_to(struct as *a, const uint8_t *to)
{
    as_patch(a, as_jmp(a), to);
}
static inline uint8_t *as_call(struct as *a)
{
    as_1(a, 0xe8);
    as_4(a, 0);
    return a->p - 4;
}
static inline void as_call_to(struct as *a, const uint8_t *to)
{
    as_patch(a, as_call(a), to);
}
/* jmp [base + disp]. */
static inline void as_jmp_m(struct as *a, int base, int32_t disp)
{
    as_rm(a, 0, 32, 0xff, 4, base, disp, false);
}

#endif
