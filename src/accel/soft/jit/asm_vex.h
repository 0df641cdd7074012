/*
 * asm_vex.h - the encoder's vector half: one description of an instruction, three ways to write it.
 *
 * Intel SDM volume 2. An instruction is a constant VOP(prefix, map, W, opcode) with its properties; registers are 0 to 31.
 * The same constant serves the legacy encoding (two operands, xmm0-15), VEX (three) and EVEX (xmm16-31): with few exceptions,
 * which the properties name, they agree in prefix, map and opcode, and in W where EVEX looks at it.
 */
#ifndef SOFT_JIT_ASM_VEX_H
#define SOFT_JIT_ASM_VEX_H

#include "accel/soft/jit/asm.h"

/* Which encodings the host has. */
enum vex_level { VEX_NONE, VEX_AVX2, VEX_AVX512 };

/* prefix: 0 none, 1 66, 2 F3, 3 F2. map: 1 0F, 2 0F38, 3 0F3A. w: EVEX's; the other encodings have it with VOP_W. */
#define VOP(prefix, map, w, opcode) \
    ((uint32_t)(opcode) | (uint32_t)(prefix) << 8 | (uint32_t)(map) << 10 | ((w) ? 1u << 13 : 0))
enum {
    VOP_EVEX = 1 << 14,     /* has no other encoding                                        */
    VOP_LOW = 1 << 15,      /* has no EVEX encoding: xmm0-15 only                           */
    VOP_COMMUTES = 1 << 16, /* its sources may be swapped, for the encoding of two operands */
    VOP_W = 1 << 17
};

/* clang-format off */
#define V_MOVAPS     VOP(0, 1, 0, 0x28)
#define V_MOVAPS_ST  VOP(0, 1, 0, 0x29)
#define V_MOVUPS     VOP(0, 1, 0, 0x10)
#define V_MOVUPS_ST  VOP(0, 1, 0, 0x11)
#define V_MOVSS      VOP(2, 1, 0, 0x10)
#define V_MOVSS_ST   VOP(2, 1, 0, 0x11)
#define V_MOVSD      VOP(3, 1, 1, 0x10)
#define V_MOVSD_ST   VOP(3, 1, 1, 0x11)
#define V_MOVQ       VOP(2, 1, 1, 0x7e) /* xmm, xmm or memory; clears the rest */
#define V_MOVQ_ST    VOP(1, 1, 1, 0xd6)
#define V_MOVD_G     VOP(1, 1, 0, 0x6e) /* from a general register */
#define V_MOVQ_G     (VOP(1, 1, 1, 0x6e) | VOP_W)
#define V_MOVD_TO_G  VOP(1, 1, 0, 0x7e)
#define V_MOVQ_TO_G  (VOP(1, 1, 1, 0x7e) | VOP_W)
#define V_MOVDDUP    VOP(3, 1, 1, 0x12)
#define V_INSERTPS   VOP(1, 3, 0, 0x21)
#define V_PINSRB     VOP(1, 3, 0, 0x20)
#define V_PINSRW     VOP(1, 1, 0, 0xc4)
#define V_PINSRD     VOP(1, 3, 0, 0x22)
#define V_PINSRQ     (VOP(1, 3, 1, 0x22) | VOP_W)
#define V_PEXTRB     VOP(1, 3, 0, 0x14)
#define V_PEXTRW     VOP(1, 3, 0, 0x15)
#define V_PEXTRD     VOP(1, 3, 0, 0x16)
#define V_PEXTRQ     (VOP(1, 3, 1, 0x16) | VOP_W)

#define V_AND        (VOP(1, 1, 1, 0xdb) | VOP_COMMUTES)
#define V_ANDN       VOP(1, 1, 1, 0xdf)
#define V_OR         (VOP(1, 1, 1, 0xeb) | VOP_COMMUTES)
#define V_XOR        (VOP(1, 1, 1, 0xef) | VOP_COMMUTES)
#define V_TERNLOG    (VOP(1, 3, 1, 0x25) | VOP_EVEX)
#define V_PTEST      (VOP(1, 2, 0, 0x17) | VOP_LOW)

#define V_PADD(sz)   ((sz) == 3 ? VOP(1, 1, 1, 0xd4) | VOP_COMMUTES : VOP(1, 1, 0, 0xfc + (sz)) | VOP_COMMUTES)
#define V_PSUB(sz)   ((sz) == 3 ? VOP(1, 1, 1, 0xfb) : VOP(1, 1, 0, 0xf8 + (sz)))
#define V_PCMPEQ(sz) ((sz) == 3 ? VOP(1, 2, 0, 0x29) | VOP_LOW | VOP_COMMUTES : VOP(1, 1, 0, 0x74 + (sz)) | VOP_LOW | VOP_COMMUTES)
#define V_PCMPGT(sz) ((sz) == 3 ? VOP(1, 2, 0, 0x37) | VOP_LOW : VOP(1, 1, 0, 0x64 + (sz)) | VOP_LOW)
#define V_PMAXS(sz)  ((sz) == 1 ? VOP(1, 1, 0, 0xee) | VOP_COMMUTES : VOP(1, 2, 0, (sz) == 0 ? 0x3c : 0x3d) | VOP_COMMUTES)
#define V_PMINS(sz)  ((sz) == 1 ? VOP(1, 1, 0, 0xea) | VOP_COMMUTES : VOP(1, 2, 0, (sz) == 0 ? 0x38 : 0x39) | VOP_COMMUTES)
#define V_PMAXU(sz)  ((sz) == 0 ? VOP(1, 1, 0, 0xde) | VOP_COMMUTES : VOP(1, 2, 0, (sz) == 1 ? 0x3e : 0x3f) | VOP_COMMUTES)
#define V_PMINU(sz)  ((sz) == 0 ? VOP(1, 1, 0, 0xda) | VOP_COMMUTES : VOP(1, 2, 0, (sz) == 1 ? 0x3a : 0x3b) | VOP_COMMUTES)
#define V_PABS(sz)   ((sz) == 3 ? VOP(1, 2, 1, 0x1f) | VOP_EVEX : VOP(1, 2, 0, 0x1c + (sz)))
#define V_PAVG(sz)   (VOP(1, 1, 0, (sz) == 0 ? 0xe0 : 0xe3) | VOP_COMMUTES)
#define V_PADDS(sz)  (VOP(1, 1, 0, 0xec + (sz)) | VOP_COMMUTES)
#define V_PADDUS(sz) (VOP(1, 1, 0, 0xdc + (sz)) | VOP_COMMUTES)
#define V_PSUBS(sz)  VOP(1, 1, 0, 0xe8 + (sz))
#define V_PSUBUS(sz) VOP(1, 1, 0, 0xd8 + (sz))
#define V_PMULLW     (VOP(1, 1, 0, 0xd5) | VOP_COMMUTES)
#define V_PMULHW     (VOP(1, 1, 0, 0xe5) | VOP_COMMUTES)
#define V_PMULHUW    (VOP(1, 1, 0, 0xe4) | VOP_COMMUTES)
#define V_PMULHRSW   (VOP(1, 2, 0, 0x0b) | VOP_COMMUTES)
#define V_PMULLD     (VOP(1, 2, 0, 0x40) | VOP_COMMUTES)
#define V_PMULUDQ    (VOP(1, 1, 1, 0xf4) | VOP_COMMUTES)
#define V_PMULDQ     (VOP(1, 2, 1, 0x28) | VOP_COMMUTES)
#define V_PMADDWD    (VOP(1, 1, 0, 0xf5) | VOP_COMMUTES)
#define V_PMADDUBSW  VOP(1, 2, 0, 0x04)
#define V_PSADBW     (VOP(1, 1, 0, 0xf6) | VOP_COMMUTES)
#define V_PHADD(sz)  (VOP(1, 2, 0, (sz) == 1 ? 0x01 : 0x02) | VOP_LOW)
#define V_POPCNTB    (VOP(1, 2, 0, 0x54) | VOP_EVEX)
#define V_PLZCNT(sz) (VOP(1, 2, (sz) == 3, 0x44) | VOP_EVEX)

#define V_UNPCKL(sz) ((sz) == 3 ? VOP(1, 1, 1, 0x6c) : VOP(1, 1, 0, 0x60 + (sz)))
#define V_UNPCKH(sz) ((sz) == 3 ? VOP(1, 1, 1, 0x6d) : VOP(1, 1, 0, 0x68 + (sz)))
#define V_PACKSS(sz) VOP(1, 1, 0, (sz) == 1 ? 0x63 : 0x6b) /* sz: of the source */
#define V_PACKUS(sz) ((sz) == 1 ? VOP(1, 1, 0, 0x67) : VOP(1, 2, 0, 0x2b))
#define V_PMOVSX(sz) VOP(1, 2, 0, (sz) == 0 ? 0x20 : (sz) == 1 ? 0x23 : 0x25) /* to twice the size */
#define V_PMOVZX(sz) VOP(1, 2, 0, (sz) == 0 ? 0x30 : (sz) == 1 ? 0x33 : 0x35)
#define V_PSHUFB     VOP(1, 2, 0, 0x00)
#define V_PSHUFD     VOP(1, 1, 0, 0x70)
#define V_PSHUFLW    VOP(3, 1, 0, 0x70)
#define V_PSHUFHW    VOP(2, 1, 0, 0x70)
#define V_SHUFPS     VOP(0, 1, 0, 0xc6)
#define V_PALIGNR    VOP(1, 3, 0, 0x0f)
#define V_PBLENDW    (VOP(1, 3, 0, 0x0e) | VOP_LOW)
#define V_BLENDPS    (VOP(1, 3, 0, 0x0c) | VOP_LOW)
#define V_PERMI2B    (VOP(1, 2, 0, 0x75) | VOP_EVEX)
#define V_PBROAD_G(sz) (VOP(1, 2, (sz) == 3, (sz) == 0 ? 0x7a : (sz) == 1 ? 0x7b : 0x7c) | VOP_EVEX)
#define V_PBROADCAST(sz) VOP(1, 2, 0, (sz) == 0 ? 0x78 : (sz) == 1 ? 0x79 : 0x58) /* from AVX2 on; of doublewords: MOVDDUP */
#define V_GF2AFFINE  (VOP(1, 3, 1, 0xce) | VOP_W)

/* Shifts by an immediate; the group's digit is the register field. */
#define V_SHIFT(sz)  VOP(1, 1, (sz) == 3, (sz) == 1 ? 0x71 : (sz) == 2 ? 0x72 : 0x73)
#define V_SHIFTQ_SAR (VOP(1, 1, 1, 0x72) | VOP_EVEX)
#define V_PROL(sz)   (VOP(1, 1, (sz) == 3, 0x72) | VOP_EVEX) /* digit 1; 0 is a rotation to the right */
enum { VSH_SRL = 2, VSH_SRA = 4, VSH_SLL = 6, VSH_BYTES_R = 3, VSH_BYTES_L = 7 };
/* By each element. */
#define V_PSLLV(sz)  ((sz) == 1 ? VOP(1, 2, 1, 0x12) | VOP_EVEX : VOP(1, 2, (sz) == 3, 0x47) | ((sz) == 3 ? VOP_W : 0))
#define V_PSRLV(sz)  ((sz) == 1 ? VOP(1, 2, 1, 0x10) | VOP_EVEX : VOP(1, 2, (sz) == 3, 0x45) | ((sz) == 3 ? VOP_W : 0))
#define V_PSRAV(sz)  ((sz) == 1 ? VOP(1, 2, 1, 0x11) | VOP_EVEX : (sz) == 2 ? VOP(1, 2, 0, 0x46) : VOP(1, 2, 1, 0x46) | VOP_EVEX)

/* Floating point; p: packed 0 or scalar 1; d: double. */
#define V_FP(op, p, d) VOP((p) ? ((d) ? 3 : 2) : (d) ? 1 : 0, 1, d, op)
#define V_ADDF(p, d)   V_FP(0x58, p, d)
#define V_MULF(p, d)   V_FP(0x59, p, d)
#define V_SUBF(p, d)   V_FP(0x5c, p, d)
#define V_MINF(p, d)   V_FP(0x5d, p, d)
#define V_DIVF(p, d)   V_FP(0x5e, p, d)
#define V_MAXF(p, d)   V_FP(0x5f, p, d)
#define V_SQRTF(p, d)  V_FP(0x51, p, d)
#define V_CMPF(p, d)   (V_FP(0xc2, p, d) | VOP_LOW) /* EVEX would answer in a mask register */
#define V_UCOMIS(d)    VOP((d) ? 1 : 0, 1, d, 0x2e)
#define V_COMIS(d)     VOP((d) ? 1 : 0, 1, d, 0x2f)
#define V_ANDF         VOP(0, 1, 0, 0x54)
#define V_MOVMSK(d)    (VOP((d) ? 1 : 0, 1, 0, 0x50) | VOP_LOW)
#define V_ROUNDF(p, d) VOP(1, 3, d, 0x08 + (d) + 2 * (p))
/* dst = +-(a * b) +- dst; op: 0xb8 add, 0xba sub, 0xbc negated add, 0xbe negated sub (packed; scalar is one more) */
#define V_FMA231(op, p, d) (VOP(1, 2, d, (op) + (p)) | ((d) ? VOP_W : 0))
#define V_CVTT_TO_G(d, x)  (VOP((d) ? 3 : 2, 1, x, 0x2c) | ((x) ? VOP_W : 0)) /* x: 64 bits */
#define V_CVTTU_TO_G(d, x) (VOP((d) ? 3 : 2, 1, x, 0x78) | VOP_EVEX)
#define V_CVT_FROM_G(d, x) (VOP((d) ? 3 : 2, 1, x, 0x2a) | ((x) ? VOP_W : 0))
#define V_CVTU_FROM_G(d, x) (VOP((d) ? 3 : 2, 1, x, 0x7b) | VOP_EVEX)
#define V_CVTSS2SD     VOP(2, 1, 0, 0x5a)
#define V_CVTSD2SS     VOP(3, 1, 1, 0x5a)
#define V_CVTPS2PD     VOP(0, 1, 0, 0x5a)
#define V_CVTPD2PS     VOP(1, 1, 1, 0x5a)
#define V_CVTDQ2PS     VOP(0, 1, 0, 0x5b)
#define V_CVTUDQ2PS    (VOP(3, 1, 0, 0x7a) | VOP_EVEX)
#define V_CVTTPS2DQ    VOP(2, 1, 0, 0x5b)
#define V_CVTQQ2PD     (VOP(2, 1, 1, 0xe6) | VOP_EVEX)
#define V_CVTUQQ2PD    (VOP(2, 1, 1, 0x7a) | VOP_EVEX)
#define V_CVTTPD2QQ    (VOP(1, 1, 1, 0x7a) | VOP_EVEX)
#define V_CVTTPS2UDQ   (VOP(0, 1, 0, 0x78) | VOP_EVEX)
#define V_CVTTPD2UQQ   (VOP(1, 1, 1, 0x78) | VOP_EVEX)

#define V_AESENC     VOP(1, 2, 0, 0xdc)
#define V_AESENCLAST VOP(1, 2, 0, 0xdd)
#define V_AESDEC     VOP(1, 2, 0, 0xde)
#define V_AESDECLAST VOP(1, 2, 0, 0xdf)
#define V_AESIMC     (VOP(1, 2, 0, 0xdb) | VOP_LOW)
#define V_PCLMULQDQ  VOP(1, 3, 0, 0x44)
/* clang-format on */

static inline void vex_prefix(struct as *a, uint32_t op, int reg, int vvvv, int index_b, int base_b)
{
    unsigned prefix = op >> 8 & 3, map = op >> 10 & 7, w = op >> 17 & 1;
    unsigned r = (unsigned)(reg >> 3 & 1) ^ 1, x = (unsigned)index_b ^ 1, b = (unsigned)base_b ^ 1;
    unsigned v = ~(unsigned)vvvv & 15;

    if (map == 1 && w == 0 && x == 1 && b == 1) {
        as_1(a, 0xc5);
        as_1(a, r << 7 | v << 3 | prefix);
    } else {
        as_1(a, 0xc4);
        as_1(a, r << 7 | x << 6 | b << 5 | map);
        as_1(a, w << 7 | v << 3 | prefix);
    }
    as_1(a, op & 0xff);
}

static inline void evex_prefix(struct as *a, uint32_t op, int reg, int vvvv, int x_bit, int b_bit)
{
    unsigned prefix = op >> 8 & 3, map = op >> 10 & 7, w = op >> 13 & 1;
    unsigned r = ~(unsigned)reg >> 3 & 1, r2 = ~(unsigned)reg >> 4 & 1;
    unsigned v = ~(unsigned)vvvv & 15, v2 = ~(unsigned)vvvv >> 4 & 1;

    as_1(a, 0x62);
    as_1(a, r << 7 | ((unsigned)x_bit ^ 1) << 6 | ((unsigned)b_bit ^ 1) << 5 | r2 << 4 | map);
    as_1(a, w << 7 | v << 3 | 4 | prefix);
    as_1(a, v2 << 3);
    as_1(a, op & 0xff);
}

static inline void legacy_prefix(struct as *a, uint32_t op, int reg, int index, int rm)
{
    static const uint8_t prefixes[] = { 0, 0x66, 0xf3, 0xf2 };
    unsigned prefix = prefixes[op >> 8 & 3], map = op >> 10 & 7;

    if (prefix != 0) {
        as_1(a, prefix);
    }
    as_rex(a, (op >> 17 & 1) != 0 ? 64 : 32, reg, index, rm, false);
    as_1(a, 0x0f);
    if (map != 1) {
        as_1(a, map == 2 ? 0x38 : 0x3a);
    }
    as_1(a, op & 0xff);
}

static inline bool vex_needs_evex(uint32_t op, int reg, int vvvv, int rm)
{
    return (op & VOP_EVEX) != 0 || reg > 15 || vvvv > 15 || rm > 15;
}

/* op reg, vvvv, rm; an instruction of two operands has vvvv 0. In the legacy encoding vvvv is reg already, or unused. */
/* BMI2, on general registers, EFLAGS untouched: dst = src shifted by the register count; dst = src rotated right by n. */
static inline void as_bmi2(struct as *a, int w, unsigned map, unsigned pp, unsigned opcode, int dst,
                           int src, int count)
{
    as_1(a, 0xc4);
    as_1(a, (unsigned)(~dst >> 3 & 1) << 7 | 1 << 6 | (unsigned)(~src >> 3 & 1) << 5 | map);
    as_1(a, (unsigned)(w == 64) << 7 | (unsigned)(~count & 15) << 3 | pp);
    as_1(a, opcode);
    as_1(a, 0xc0u | (unsigned)(dst & 7) << 3 | (unsigned)(src & 7));
}
static inline void as_shiftx(struct as *a, int w, enum shift n, int dst, int src, int count)
{
    as_bmi2(a, w, 2, n == SH_SHL ? 1 : n == SH_SAR ? 2 : 3, 0xf7, dst, src, count);
}
static inline void as_rorx(struct as *a, int w, int dst, int src, unsigned n)
{
    as_bmi2(a, w, 3, 3, 0xf0, dst, src, 0);
    as_1(a, n);
}

static inline void as_v_rr(struct as *a, enum vex_level level, uint32_t op, int reg, int vvvv,
                           int rm)
{
    if (vex_needs_evex(op, reg, vvvv, rm)) {
        evex_prefix(a, op, reg, vvvv, rm >> 4 & 1, rm >> 3 & 1);
    } else if (level != VEX_NONE) {
        vex_prefix(a, op, reg, vvvv, 0, rm >> 3 & 1);
    } else {
        legacy_prefix(a, op, reg, 0, rm);
    }
    as_1(a, 0xc0u | (unsigned)(reg & 7) << 3 | (unsigned)(rm & 7));
}

/* The same with [base + disp]. EVEX scales byte displacements by the operand's size: only long ones there. */
static inline void as_v_rm(struct as *a, enum vex_level level, uint32_t op, int reg, int vvvv,
                           int base, int32_t disp)
{
    if (vex_needs_evex(op, reg, vvvv, 0)) {
        evex_prefix(a, op, reg, vvvv, 0, base >> 3 & 1);
        as_1(a, 0x80u | (unsigned)(reg & 7) << 3 | (unsigned)(base & 7));
        if ((base & 7) == RSP) {
            as_1(a, 0x24);
        }
        as_4(a, (uint32_t)disp);
        return;
    }
    if (level != VEX_NONE) {
        vex_prefix(a, op, reg, vvvv, 0, base >> 3 & 1);
    } else {
        legacy_prefix(a, op, reg, 0, base);
    }
    as_mem(a, reg, base, disp);
}

/* The same with [base + (index << scale) + disp], in the long form of addresses. */
static inline void as_v_rmx(struct as *a, enum vex_level level, uint32_t op, int reg, int base,
                            int index, unsigned scale, int32_t disp)
{
    if (vex_needs_evex(op, reg, 0, 0)) {
        evex_prefix(a, op, reg, 0, index >> 3 & 1, base >> 3 & 1);
    } else if (level != VEX_NONE) {
        vex_prefix(a, op, reg, 0, index >> 3 & 1, base >> 3 & 1);
    } else {
        legacy_prefix(a, op, reg, index, base);
    }
    as_1(a, 0x80u | (unsigned)(reg & 7) << 3 | 4);
    as_1(a, scale << 6 | (unsigned)(index & 7) << 3 | (unsigned)(base & 7));
    as_4(a, (uint32_t)disp);
}

/* The same with [RIP + disp]: answers the place of the displacement, for as_patch (less what follows it). */
static inline uint8_t *as_v_rip(struct as *a, enum vex_level level, uint32_t op, int reg, int vvvv)
{
    if (vex_needs_evex(op, reg, vvvv, 0)) {
        evex_prefix(a, op, reg, vvvv, 0, 0);
    } else if (level != VEX_NONE) {
        vex_prefix(a, op, reg, vvvv, 0, 0);
    } else {
        legacy_prefix(a, op, reg, 0, 0);
    }
    as_1(a, (unsigned)(reg & 7) << 3 | 5);
    as_4(a, 0);
    return a->p - 4;
}

#endif
