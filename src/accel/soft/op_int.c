/*
 * op_int.c - the bodies of the integer and branch micro-operations.
 *
 * Spec: DDI 0487, "A64 Base Instruction Descriptions". Families are made by macros from one inline
 * function each: ALU(adds, 64, lsl) is the body op_adds64_lsl, which is adds64() of rn and rm <<
 * imm. Every 32-bit function returns a uint32_t, so results are zero-extended when they are stored.
 */
#include "accel/soft/bti.h"
#include "accel/soft/cpu.h"
#include "accel/soft/crc32.h"

typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

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

#define FORM_rr(w)   ((u##w)X(rm))
#define FORM_ri(w)   ((u##w)op->imm)
#define FORM_lsl(w)  ((u##w)X(rm) << op->imm)
#define FORM_lsr(w)  ((u##w)X(rm) >> op->imm)
#define FORM_asr(w)  ((u##w)((s##w)X(rm) >> op->imm))
#define FORM_ror(w)  ror##w((u##w)X(rm), op->imm)
#define FORM_uxtb(w) ((u##w)(uint8_t)X(rm) << op->imm)
#define FORM_uxth(w) ((u##w)(uint16_t)X(rm) << op->imm)
#define FORM_uxtw(w) ((u##w)(uint32_t)X(rm) << op->imm)
#define FORM_sxtb(w) ((u##w)(int8_t)X(rm) << op->imm)
#define FORM_sxth(w) ((u##w)(int16_t)X(rm) << op->imm)
#define FORM_sxtw(w) ((u##w)(int32_t)X(rm) << op->imm)

/* rd = name(rn, operand in that form). */
#define ALU(name, w, form)                                 \
    UOP_BODY(name##w##_##form)                             \
    {                                                      \
        X(rd) = name##w(cpu, (u##w)X(rn), FORM_##form(w)); \
        NEXT();                                            \
    }

/* rd = some expression. */
#define SIMPLE(name, expression) \
    UOP_BODY(name)               \
    {                            \
        X(rd) = (expression);    \
        NEXT();                  \
    }

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

UOP_BODY(nop)
{
    NEXT();
}

SIMPLE(mov_const, op->imm)
SIMPLE(mov_pc, cpu->page_va + op->imm)
SIMPLE(mov32, (u32)X(rn))
SIMPLE(mov64, X(rn))
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

#define CARRY(w)                                            \
    SIMPLE(adc##w, (u##w)(X(rn) + X(rm) + cpu->flag_c))     \
    SIMPLE(sbc##w, (u##w)(X(rn) + ~X(rm) + cpu->flag_c))    \
    SIMPLE(adcs##w, adcs##w(cpu, (u##w)X(rn), (u##w)X(rm))) \
    SIMPLE(sbcs##w, adcs##w(cpu, (u##w)X(rn), (u##w) ~X(rm)))

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

SIMPLE(and_ri, X(rn) & op->imm)
ALU(orr, 32, ri)
ALU(orr, 64, ri)
ALU(eor, 32, ri)
ALU(eor, 64, ri)
ALU(ands, 32, ri)
ALU(ands, 64, ri)

/* ---- Shifts and bit fields ------------------------------------------------------------------- */

#define SHIFTS(w)                                                                  \
    SIMPLE(lsl##w##_ri, (u##w)X(rn) << op->imm)                                    \
    SIMPLE(lsr##w##_ri, (u##w)X(rn) >> op->imm)                                    \
    SIMPLE(asr##w##_ri, (u##w)((s##w)X(rn) >> op->imm))                            \
    SIMPLE(ror##w##_ri, ror##w((u##w)X(rn), op->imm))                              \
    /* imm is 1 .. w - 1: lowering makes a move of 0. */                           \
    SIMPLE(extr##w, (u##w)((u##w)X(rm) >> op->imm | (u##w)X(rn) << (w - op->imm))) \
    SIMPLE(lslv##w, (u##w)X(rn) << (X(rm) & (w - 1)))                              \
    SIMPLE(lsrv##w, (u##w)X(rn) >> (X(rm) & (w - 1)))                              \
    SIMPLE(asrv##w, (u##w)((s##w)X(rn) >> (X(rm) & (w - 1))))                      \
    SIMPLE(rorv##w, ror##w((u##w)X(rn), X(rm)))                                    \
    SIMPLE(sbfm##w, (u##w)((s64)(X(rn) << op->ra) >> op->rm))                      \
    SIMPLE(bfi##w, (u##w)((X(rd) & ~op->imm) | (X(rn) << op->ra & op->imm)))       \
    SIMPLE(bfxil##w, (u##w)((X(rd) & ~op->imm) | (X(rn) >> op->ra & op->imm)))     \
    SIMPLE(sxtb##w, (u##w)(int8_t)X(rn))                                           \
    SIMPLE(sxth##w, (u##w)(int16_t)X(rn))

SHIFTS(32)
SHIFTS(64)
SIMPLE(sxtw64, (u64)(int32_t)X(rn))
SIMPLE(ubfx, X(rn) >> op->ra & op->imm)
SIMPLE(ubfiz, (X(rn) & op->imm) << op->ra)

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
    SIMPLE(udiv##w, udiv##w((u##w)X(rn), (u##w)X(rm)))                             \
    SIMPLE(sdiv##w, sdiv##w((u##w)X(rn), (u##w)X(rm)))

#define MULTIPLIES(w)                              \
    SIMPLE(mul##w, (u##w)(X(rn) * X(rm)))          \
    SIMPLE(madd##w, (u##w)(X(ra) + X(rn) * X(rm))) \
    SIMPLE(msub##w, (u##w)(X(ra) - X(rn) * X(rm)))

DIVISIONS(32)
DIVISIONS(64)
MULTIPLIES(32)
MULTIPLIES(64)

#define SIGNED_PRODUCT   ((u64)((s64)(s32)X(rn) * (s32)X(rm)))
#define UNSIGNED_PRODUCT ((u64)(u32)X(rn) * (u32)X(rm))

SIMPLE(smull, SIGNED_PRODUCT)
SIMPLE(umull, UNSIGNED_PRODUCT)
SIMPLE(smaddl, X(ra) + SIGNED_PRODUCT)
SIMPLE(umaddl, X(ra) + UNSIGNED_PRODUCT)
SIMPLE(smsubl, X(ra) - SIGNED_PRODUCT)
SIMPLE(umsubl, X(ra) - UNSIGNED_PRODUCT)
SIMPLE(smulh, (u64)((__int128)(s64)X(rn) * (s64)X(rm) >> 64))
SIMPLE(umulh, (u64)((unsigned __int128)X(rn) * X(rm) >> 64))

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
#define SIGN_DIFFERENCE(w) ((((u##w)X(rn) ^ (u##w)((s##w)X(rn) >> (w - 1))) << 1) | 1)

SIMPLE(rbit32, reverse_bits(X(rn)) >> 32)
SIMPLE(rbit64, reverse_bits(X(rn)))
SIMPLE(rev16_32, (u32)swap_bytes16(X(rn)))
SIMPLE(rev16_64, swap_bytes16(X(rn)))
SIMPLE(rev32_32, __builtin_bswap32((u32)X(rn)))
SIMPLE(rev32_64, ror64(__builtin_bswap64(X(rn)), 32))
SIMPLE(rev64_64, __builtin_bswap64(X(rn)))
SIMPLE(clz32, clz32((u32)X(rn)))
SIMPLE(clz64, clz64(X(rn)))
SIMPLE(cls32, (u64)__builtin_clz(SIGN_DIFFERENCE(32)))
SIMPLE(cls64, (u64)__builtin_clzll(SIGN_DIFFERENCE(64)))

SIMPLE(crc32b, crc_step(crc32_nibble, (u32)X(rn), X(rm) & 0xff, 1))
SIMPLE(crc32h, crc_step(crc32_nibble, (u32)X(rn), X(rm) & 0xffff, 2))
SIMPLE(crc32w, crc_step(crc32_nibble, (u32)X(rn), X(rm), 4))
SIMPLE(crc32x, crc_step(crc32_nibble, (u32)X(rn), X(rm), 8))
SIMPLE(crc32cb, crc_step(crc32c_nibble, (u32)X(rn), X(rm) & 0xff, 1))
SIMPLE(crc32ch, crc_step(crc32c_nibble, (u32)X(rn), X(rm) & 0xffff, 2))
SIMPLE(crc32cw, crc_step(crc32c_nibble, (u32)X(rn), X(rm), 4))
SIMPLE(crc32cx, crc_step(crc32c_nibble, (u32)X(rn), X(rm), 8))

/* ---- Conditions and flags -------------------------------------------------------------------- */

/* F(name, number, args...) for each condition that can fail. */
#define CONDITIONS(F, ...) \
    F(eq, 0, __VA_ARGS__)  \
    F(ne, 1, __VA_ARGS__)  \
    F(hs, 2, __VA_ARGS__)  \
    F(lo, 3, __VA_ARGS__)  \
    F(mi, 4, __VA_ARGS__)  \
    F(pl, 5, __VA_ARGS__)  \
    F(vs, 6, __VA_ARGS__)  \
    F(vc, 7, __VA_ARGS__)  \
    F(hi, 8, __VA_ARGS__)  \
    F(ls, 9, __VA_ARGS__)  \
    F(ge, 10, __VA_ARGS__) \
    F(lt, 11, __VA_ARGS__) \
    F(gt, 12, __VA_ARGS__) \
    F(le, 13, __VA_ARGS__)

#define SELECT(cc, n, name, w, otherwise)               \
    UOP_BODY(name##w##_##cc)                            \
    {                                                   \
        u##w yes = (u##w)X(rn), no = (u##w)(otherwise); \
                                                        \
        X(rd) = cpu_cond(cpu, n) ? yes : no;            \
        NEXT();                                         \
    }

#define SELECTS(w)                          \
    CONDITIONS(SELECT, csel, w, X(rm))      \
    CONDITIONS(SELECT, csinc, w, X(rm) + 1) \
    CONDITIONS(SELECT, csinv, w, ~X(rm))    \
    CONDITIONS(SELECT, csneg, w, -X(rm))

SELECTS(32)
SELECTS(64)

#define COMPARE(cc, n, name, arith, w, form)            \
    UOP_BODY(name##w##_##form##_##cc)                   \
    {                                                   \
        if (cpu_cond(cpu, n)) {                         \
            arith##w(cpu, (u##w)X(rn), FORM_##form(w)); \
        } else {                                        \
            cpu_set_nzcv(cpu, (u32)op->ra << 28);       \
        }                                               \
        NEXT();                                         \
    }

#define COMPARES(w, form)                    \
    CONDITIONS(COMPARE, ccmp, subs, w, form) \
    CONDITIONS(COMPARE, ccmn, adds, w, form)

COMPARES(32, rr)
COMPARES(64, rr)
COMPARES(32, ri)
COMPARES(64, ri)

/* Bits of the rotated register replace the flags that the mask (ra, as NZCV) selects. */
UOP_BODY(rmif)
{
    u32 mask = (u32)op->ra << 28;

    cpu_set_nzcv(cpu, (cpu_nzcv(cpu) & ~mask) | ((u32)ror64(X(rn), op->imm) << 28 & mask));
    NEXT();
}

/* N and Z as for a result of so many bits; V where the next bit differs from the sign; C stays. */
#define SETF(name, type, sign)                              \
    UOP_BODY(name)                                          \
    {                                                       \
        u64 v = X(rn);                                      \
                                                            \
        cpu->flag_n = (s64)(type)v;                         \
        cpu->flag_z = (u64)(type)v;                         \
        cpu->flag_v = (s64)((v ^ v << 1) << (62 - (sign))); \
        NEXT();                                             \
    }

SETF(setf8, int8_t, 7)
SETF(setf16, int16_t, 15)

UOP_BODY(cfinv)
{
    cpu->flag_c ^= 1;
    NEXT();
}

#define FLAG_N (1u << 31)
#define FLAG_Z (1u << 30)
#define FLAG_C (1u << 29)
#define FLAG_V (1u << 28)

/* Arm's floating-point comparison flags to the other common format: unordered becomes
 * Z = 1, C = 0. */
UOP_BODY(axflag)
{
    u32 old = cpu_nzcv(cpu);

    cpu_set_nzcv(cpu, (old & (FLAG_Z | FLAG_V) ? FLAG_Z : 0) | (old & FLAG_V ? 0 : old & FLAG_C));
    NEXT();
}

/* ... and back. */
UOP_BODY(xaflag)
{
    u32 old = cpu_nzcv(cpu);
    bool z = (old & FLAG_Z) != 0, c = (old & FLAG_C) != 0;

    cpu_set_nzcv(cpu, (!c && !z ? FLAG_N : 0) | (z && c ? FLAG_Z : 0) | (c || z ? FLAG_C : 0) |
                          (!c && z ? FLAG_V : 0));
    NEXT();
}

/* ---- Branches -------------------------------------------------------------------------------- */

/* Far targets are page_va + imm; what BL and BLR leave in X30 is page_va + 4 * the
 * slot number in rm and ra. */
static ALWAYS_INLINE u64 return_va(const struct cpu *cpu, const struct op *op)
{
    return cpu->page_va + (u64)(op->rm | op->ra << 8) * 4;
}

#define BRANCH_NEAR(name, condition) \
    UOP_BODY(name)                   \
    {                                \
        if (condition) {             \
            NEAR_BRANCH();           \
        }                            \
        NEXT();                      \
    }

#define BRANCH_FAR(name, condition)           \
    UOP_BODY(name)                            \
    {                                         \
        if (condition) {                      \
            FAR_JUMP(cpu->page_va + op->imm); \
        }                                     \
        NEXT();                               \
    }

#define BRANCH(name, condition)         \
    BRANCH_NEAR(name##_near, condition) \
    BRANCH_FAR(name##_far, condition)

#define BRANCH_COND(cc, n, unused)             \
    BRANCH_NEAR(b_near_##cc, cpu_cond(cpu, n)) \
    BRANCH_FAR(b_far_##cc, cpu_cond(cpu, n))

CONDITIONS(BRANCH_COND, )
BRANCH(cbz32, (u32)X(rn) == 0)
BRANCH(cbz64, X(rn) == 0)
BRANCH(cbnz32, (u32)X(rn) != 0)
BRANCH(cbnz64, X(rn) != 0)
BRANCH(tbz, (X(rn) >> op->ra & 1) == 0)
BRANCH(tbnz, (X(rn) >> op->ra & 1) != 0)

UOP_BODY(b_near)
{
    NEAR_BRANCH();
}

UOP_BODY(b_far)
{
    FAR_JUMP(cpu->page_va + op->imm);
}

UOP_BODY(bl_near)
{
    cpu->x[30] = return_va(cpu, op);
    NEAR_BRANCH();
}

UOP_BODY(bl_far)
{
    cpu->x[30] = return_va(cpu, op);
    FAR_JUMP(cpu->page_va + op->imm);
}

UOP_BODY(br)
{
    FAR_JUMP(X(rn));
}

UOP_BODY(blr)
{
    u64 target = X(rn);

    cpu->x[30] = return_va(cpu, op);
    FAR_JUMP(target);
}

UOP_BODY(br_bti)
{
    TYPED_JUMP(X(rn), op->rd);
}

UOP_BODY(blr_bti)
{
    u64 target = X(rn);

    cpu->x[30] = return_va(cpu, op);
    TYPED_JUMP(target, BTYPE_CALL);
}
