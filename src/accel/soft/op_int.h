/*
 * op_int.h - what the integer micro-operations compute, for their bodies (op_int.c) and for others (fwd_body.c).
 *
 * Spec: DDI 0487, "A64 Base Instruction Descriptions". Families are made by macros from one inline
 * function each: ALU(adds, 64, lsl) is value_adds64_lsl, which is adds64() of rn and rm << imm. Every
 * 32-bit function returns a uint32_t, so results are zero-extended when they are stored.
 *
 * The file that includes this may define VALUE_BODY(name), what is to be made of each value_NAME.
 */
#ifndef SOFT_OP_INT_H
#define SOFT_OP_INT_H

#include "accel/soft/cpu.h"
#include "accel/soft/crc32.h"

typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#if !defined(VALUE_BODY)
#define VALUE_BODY(name)
#endif

#define X(field) (cpu->x[op->field])

/* ---- Operand forms --------------------------------------------------------------------------- */

static ALWAYS_INLINE u32 ror32(u32 v, u64 n)
{
    return v >> (n & 31) | v << (-n & 31);
}

static ALWAYS_INLINE u64 ror64(u64 v, u64 n)
{
    return v >> (n & 63) | v << (-n & 63);
}

#define FORM_rr(w)   ((u##w)vm)
#define FORM_ri(w)   ((u##w)op->imm)
#define FORM_lsl(w)  ((u##w)vm << op->imm)
#define FORM_lsr(w)  ((u##w)vm >> op->imm)
#define FORM_asr(w)  ((u##w)((s##w)vm >> op->imm))
#define FORM_ror(w)  ror##w((u##w)vm, op->imm)
#define FORM_uxtb(w) ((u##w)(uint8_t)vm << op->imm)
#define FORM_uxth(w) ((u##w)(uint16_t)vm << op->imm)
#define FORM_uxtw(w) ((u##w)(uint32_t)vm << op->imm)
#define FORM_sxtb(w) ((u##w)(int8_t)vm << op->imm)
#define FORM_sxth(w) ((u##w)(int16_t)vm << op->imm)
#define FORM_sxtw(w) ((u##w)(int32_t)vm << op->imm)

/* rd = some expression of vn and vm, which are Rn and Rm. */
#define SIMPLE(name, expression)                                                                \
    static ALWAYS_INLINE u64 value_##name(struct cpu *cpu, const struct op *op, u64 vn, u64 vm) \
    {                                                                                           \
        return (expression);                                                                    \
    }                                                                                           \
    VALUE_BODY(name)

/* rd = name(rn, operand in that form). */
#define ALU(name, w, form) SIMPLE(name##w##_##form, name##w(cpu, (u##w)vn, FORM_##form(w)))

/* ---- Flags ----------------------------------------------------------------------------------- */

/* The instruction set's AddWithCarry, as three: most callers know their carry. */
#define FLAG_ARITHMETIC(w)                                             \
    static ALWAYS_INLINE u##w adds##w(struct cpu *cpu, u##w a, u##w b) \
    {                                                                  \
        u##w r = a + b;                                                \
                                                                       \
        cpu->flag_n = (s##w)r;                                         \
        cpu->flag_z = r;                                               \
        cpu->flag_c = r < a;                                           \
        cpu->flag_v = (s##w)((a ^ r) & (b ^ r));                       \
        return r;                                                      \
    }                                                                  \
                                                                       \
    static ALWAYS_INLINE u##w subs##w(struct cpu *cpu, u##w a, u##w b) \
    {                                                                  \
        u##w r = a - b;                                                \
                                                                       \
        cpu->flag_n = (s##w)r;                                         \
        cpu->flag_z = r;                                               \
        cpu->flag_c = a >= b;                                          \
        cpu->flag_v = (s##w)((a ^ b) & (a ^ r));                       \
        return r;                                                      \
    }                                                                  \
                                                                       \
    static ALWAYS_INLINE u##w adcs##w(struct cpu *cpu, u##w a, u##w b) \
    {                                                                  \
        u##w sum = a + b, r = sum + (u##w)cpu->flag_c;                 \
                                                                       \
        cpu->flag_n = (s##w)r;                                         \
        cpu->flag_z = r;                                               \
        cpu->flag_c = (sum < a) | (r < sum);                           \
        cpu->flag_v = (s##w)((a ^ r) & (b ^ r));                       \
        return r;                                                      \
    }                                                                  \
                                                                       \
    static ALWAYS_INLINE u##w flags_nz##w(struct cpu *cpu, u##w r)     \
    {                                                                  \
        cpu->flag_n = (s##w)r;                                         \
        cpu->flag_z = r;                                               \
        cpu->flag_c = 0;                                               \
        cpu->flag_v = 0;                                               \
        return r;                                                      \
    }

FLAG_ARITHMETIC(32)
FLAG_ARITHMETIC(64)

/* ---- Constants, addresses, moves ------------------------------------------------------------- */

SIMPLE(mov_const, op->imm)
SIMPLE(mov_pc, cpu->page_va + op->imm)
SIMPLE(mov32, (u32)vn)
SIMPLE(mov64, vn)
SIMPLE(movk32_0, (X(rd) & 0xffff0000) | op->imm)
SIMPLE(movk32_16, (X(rd) & 0xffff) | op->imm)
SIMPLE(movk64_0, (X(rd) & ~(u64)0xffff) | op->imm)
SIMPLE(movk64_16, (X(rd) & ~((u64)0xffff << 16)) | op->imm)
SIMPLE(movk64_32, (X(rd) & ~((u64)0xffff << 32)) | op->imm)
SIMPLE(movk64_48, (X(rd) & ~((u64)0xffff << 48)) | op->imm)

/* ---- Add and subtract ------------------------------------------------------------------------ */

#define PURE(name, w, expression)                                            \
    static ALWAYS_INLINE u##w name##w(const struct cpu *cpu, u##w a, u##w b) \
    {                                                                        \
        (void)cpu;                                                           \
        return (expression);                                                 \
    }

#define ARITH(name, w) \
    ALU(name, w, rr)   \
    ALU(name, w, lsl)  \
    ALU(name, w, lsr)  \
    ALU(name, w, asr)  \
    ALU(name, w, uxtb) \
    ALU(name, w, uxth) \
    ALU(name, w, sxtb) \
    ALU(name, w, sxth)

#define ARITH_WIDTHS(name) \
    ARITH(name, 32)        \
    ARITH(name, 64)        \
    ALU(name, 64, uxtw)    \
    ALU(name, 64, sxtw)

PURE(add, 32, a + b)
PURE(add, 64, a + b)
PURE(sub, 32, a - b)
PURE(sub, 64, a - b)

ALU(add, 32, ri)
ALU(add, 64, ri)
ALU(adds, 32, ri)
ALU(adds, 64, ri)
ALU(subs, 32, ri)
ALU(subs, 64, ri)
ARITH_WIDTHS(add)
ARITH_WIDTHS(sub)
ARITH_WIDTHS(adds)
ARITH_WIDTHS(subs)

#define CARRY(w)                                      \
    SIMPLE(adc##w, (u##w)(vn + vm + cpu->flag_c))     \
    SIMPLE(sbc##w, (u##w)(vn + ~vm + cpu->flag_c))    \
    SIMPLE(adcs##w, adcs##w(cpu, (u##w)vn, (u##w)vm)) \
    SIMPLE(sbcs##w, adcs##w(cpu, (u##w)vn, (u##w) ~vm))

CARRY(32)
CARRY(64)

/* ---- Logic ----------------------------------------------------------------------------------- */

#define LOGIC(name, w, expression) \
    PURE(name, w, expression)      \
    LOGIC_FORMS(name, w)

#define LOGIC_FLAGS(name, w, expression)                               \
    static ALWAYS_INLINE u##w name##w(struct cpu *cpu, u##w a, u##w b) \
    {                                                                  \
        return flags_nz##w(cpu, (expression));                         \
    }                                                                  \
    LOGIC_FORMS(name, w)

#define LOGIC_FORMS(name, w) \
    ALU(name, w, rr)         \
    ALU(name, w, lsl)        \
    ALU(name, w, lsr)        \
    ALU(name, w, asr)        \
    ALU(name, w, ror)

#define LOGIC_WIDTHS(kind, name, expression) kind(name, 32, expression) kind(name, 64, expression)

LOGIC_WIDTHS(LOGIC, and, (a & b))
LOGIC_WIDTHS(LOGIC, bic, a & ~b)
LOGIC_WIDTHS(LOGIC, orr, a | b)
LOGIC_WIDTHS(LOGIC, orn, a | ~b)
LOGIC_WIDTHS(LOGIC, eor, a ^ b)
LOGIC_WIDTHS(LOGIC, eon, a ^ ~b)
LOGIC_WIDTHS(LOGIC_FLAGS, ands, (a & b))
LOGIC_WIDTHS(LOGIC_FLAGS, bics, a & ~b)

SIMPLE(and_ri, vn & op->imm)
ALU(orr, 32, ri)
ALU(orr, 64, ri)
ALU(eor, 32, ri)
ALU(eor, 64, ri)
ALU(ands, 32, ri)
ALU(ands, 64, ri)

/* ---- Shifts and bit fields ------------------------------------------------------------------- */

#define SHIFTS(w)                                                            \
    SIMPLE(lsl##w##_ri, (u##w)vn << op->imm)                                 \
    SIMPLE(lsr##w##_ri, (u##w)vn >> op->imm)                                 \
    SIMPLE(asr##w##_ri, (u##w)((s##w)vn >> op->imm))                         \
    SIMPLE(ror##w##_ri, ror##w((u##w)vn, op->imm))                           \
    /* imm is 1 .. w - 1: lowering makes a move of 0. */                     \
    SIMPLE(extr##w, (u##w)((u##w)vm >> op->imm | (u##w)vn << (w - op->imm))) \
    SIMPLE(lslv##w, (u##w)vn << (vm & (w - 1)))                              \
    SIMPLE(lsrv##w, (u##w)vn >> (vm & (w - 1)))                              \
    SIMPLE(asrv##w, (u##w)((s##w)vn >> (vm & (w - 1))))                      \
    SIMPLE(rorv##w, ror##w((u##w)vn, vm))                                    \
    SIMPLE(sbfm##w, (u##w)((s64)(vn << op->ra) >> op->imm))                  \
    SIMPLE(bfi##w, (u##w)((X(rd) & ~op->imm) | (vn << op->ra & op->imm)))    \
    SIMPLE(bfxil##w, (u##w)((X(rd) & ~op->imm) | (vn >> op->ra & op->imm)))  \
    SIMPLE(sxtb##w, (u##w)(int8_t)vn)                                        \
    SIMPLE(sxth##w, (u##w)(int16_t)vn)

SHIFTS(32)
SHIFTS(64)
SIMPLE(sxtw64, (u64)(int32_t)vn)
SIMPLE(ubfx, vn >> op->ra & op->imm)
SIMPLE(ubfiz, (vn & op->imm) << op->ra)

/* ---- Multiply and divide --------------------------------------------------------------------- */

/* Division by zero gives 0, and the one overflow wraps; DDI 0487, "SDIV". */
#define DIVISIONS(w)                                                               \
    static ALWAYS_INLINE u##w udiv##w(u##w a, u##w b)                              \
    {                                                                              \
        return LIKELY(b != 0) ? a / b : 0;                                         \
    }                                                                              \
                                                                                   \
    static ALWAYS_INLINE u##w sdiv##w(u##w a, u##w b)                              \
    {                                                                              \
        if (UNLIKELY(b == 0)) {                                                    \
            return 0;                                                              \
        }                                                                          \
        return UNLIKELY(b == (u##w) - 1) ? (u##w) - a : (u##w)((s##w)a / (s##w)b); \
    }                                                                              \
    SIMPLE(udiv##w, udiv##w((u##w)vn, (u##w)vm))                                   \
    SIMPLE(sdiv##w, sdiv##w((u##w)vn, (u##w)vm))

#define MULTIPLIES(w)                        \
    SIMPLE(mul##w, (u##w)(vn * vm))          \
    SIMPLE(madd##w, (u##w)(X(ra) + vn * vm)) \
    SIMPLE(msub##w, (u##w)(X(ra) - vn * vm))

DIVISIONS(32)
DIVISIONS(64)
MULTIPLIES(32)
MULTIPLIES(64)

#define SIGNED_PRODUCT   ((u64)((s64)(s32)vn * (s32)vm))
#define UNSIGNED_PRODUCT ((u64)(u32)vn * (u32)vm)

SIMPLE(smull, SIGNED_PRODUCT)
SIMPLE(umull, UNSIGNED_PRODUCT)
SIMPLE(smaddl, X(ra) + SIGNED_PRODUCT)
SIMPLE(umaddl, X(ra) + UNSIGNED_PRODUCT)
SIMPLE(smsubl, X(ra) - SIGNED_PRODUCT)
SIMPLE(umsubl, X(ra) - UNSIGNED_PRODUCT)
SIMPLE(smulh, (u64)((__int128)(s64)vn *(s64)vm >> 64))
SIMPLE(umulh, (u64)((unsigned __int128)vn *vm >> 64))

/* ---- Bits and checksums ---------------------------------------------------------------------- */

/* The bytes of each halfword exchanged. */
static ALWAYS_INLINE u64 swap_bytes16(u64 v)
{
    return (v >> 8 & 0x00ff00ff00ff00ff) | (v & 0x00ff00ff00ff00ff) << 8;
}

static ALWAYS_INLINE u64 reverse_bits(u64 v)
{
    v = __builtin_bswap64(v);
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0f) | (v & 0x0f0f0f0f0f0f0f0f) << 4;
    v = (v >> 2 & 0x3333333333333333) | (v & 0x3333333333333333) << 2;
    return (v >> 1 & 0x5555555555555555) | (v & 0x5555555555555555) << 1;
}

static ALWAYS_INLINE u64 clz32(u32 v)
{
    return v != 0 ? (u64)__builtin_clz(v) : 32;
}

static ALWAYS_INLINE u64 clz64(u64 v)
{
    return v != 0 ? (u64)__builtin_clzll(v) : 64;
}

/* Bits below the sign that equal it; the 1 shifted in ends the count. */
#define SIGN_DIFFERENCE(w) ((((u##w)vn ^ (u##w)((s##w)vn >> (w - 1))) << 1) | 1)

SIMPLE(rbit32, reverse_bits(vn) >> 32)
SIMPLE(rbit64, reverse_bits(vn))
SIMPLE(rev16_32, (u32)swap_bytes16(vn))
SIMPLE(rev16_64, swap_bytes16(vn))
SIMPLE(rev32_32, __builtin_bswap32((u32)vn))
SIMPLE(rev32_64, ror64(__builtin_bswap64(vn), 32))
SIMPLE(rev64_64, __builtin_bswap64(vn))
SIMPLE(clz32, clz32((u32)vn))
SIMPLE(clz64, clz64(vn))
SIMPLE(cls32, (u64)__builtin_clz(SIGN_DIFFERENCE(32)))
SIMPLE(cls64, (u64)__builtin_clzll(SIGN_DIFFERENCE(64)))

SIMPLE(crc32b, crc_step(crc32_nibble, (u32)vn, vm & 0xff, 1))
SIMPLE(crc32h, crc_step(crc32_nibble, (u32)vn, vm & 0xffff, 2))
SIMPLE(crc32w, crc_step(crc32_nibble, (u32)vn, vm, 4))
SIMPLE(crc32x, crc_step(crc32_nibble, (u32)vn, vm, 8))
SIMPLE(crc32cb, crc_step(crc32c_nibble, (u32)vn, vm & 0xff, 1))
SIMPLE(crc32ch, crc_step(crc32c_nibble, (u32)vn, vm & 0xffff, 2))
SIMPLE(crc32cw, crc_step(crc32c_nibble, (u32)vn, vm, 4))
SIMPLE(crc32cx, crc_step(crc32c_nibble, (u32)vn, vm, 8))

/* ---- Conditions and flags -------------------------------------------------------------------- */

static ALWAYS_INLINE u64 select_value(bool holds, u64 yes, u64 no)
{
    const u64 mask =
        -(u64)holds; /* no branch: what it depends on is data, hardly ever foreseeable */

    return (yes & mask) | (no & ~mask);
}

#define SELECT(cc, n, name, w, otherwise) \
    SIMPLE(name##w##_##cc, select_value(cpu_cond(cpu, n), (u##w)vn, (u##w)(otherwise)))

#define SELECTS(w)                       \
    CONDITIONS(SELECT, csel, w, vm)      \
    CONDITIONS(SELECT, csinc, w, vm + 1) \
    CONDITIONS(SELECT, csinv, w, ~vm)    \
    CONDITIONS(SELECT, csneg, w, -vm)

SELECTS(32)
SELECTS(64)

#endif
