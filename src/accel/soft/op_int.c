/*
 * op_int.c - the bodies of the integer and branch micro-operations. op_int.h has most of what they do.
 *
 * Spec: DDI 0487, "A64 Base Instruction Descriptions".
 */
#define VALUE_BODY(name)                             \
    UOP_BODY(name)                                   \
    {                                                \
        X(rd) = value_##name(cpu, op, X(rn), X(rm)); \
        NEXT();                                      \
    }
#include "accel/soft/op_int.h"

#include "accel/soft/bti.h"

UOP_BODY(nop)
{
    NEXT();
}

/* ---- Conditions and flags -------------------------------------------------------------------- */

#define COMPARE(cc, n, name, arith, w, form)            \
    UOP_BODY(name##w##_##form##_##cc)                   \
    {                                                   \
        const u64 vm = X(rm);                           \
                                                        \
        (void)vm;                                       \
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
