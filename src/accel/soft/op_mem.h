/*
 * op_mem.h - what the bodies and the lowering of loads and stores share. Private to lower_mem.c,
 * op_mem*.c, op_atomic.c.
 */
#ifndef SOFT_OP_MEM_H
#define SOFT_OP_MEM_H

#include "accel/soft/cpu.h"
#include "base/atomic.h"

/* The addressing forms, in the order in which uop_mem.def lists the uops of a kind
 * (pairs have the first six). */
enum mem_form {
    FORM_IMM,
    FORM_IMMSP,
    FORM_PRE,
    FORM_PRESP,
    FORM_POST,
    FORM_POSTSP,
    FORM_REG,
    FORM_REGS,
    FORM_UXTW,
    FORM_SXTW,
    FORM_EXTSP,
    FORM_USER,
    FORM_USERSP,
};

/* How a body accesses memory: MO_SIZE and MO_USER, the sign extension of a general
 * register's load, base write-back. */
enum { ACC_S32 = 32, ACC_S64 = 64, ACC_WB = 128, ACC_ONE = 256 /* a pair in one host access */ };

static ALWAYS_INLINE unsigned acc_mo(unsigned acc)
{
    return acc & (MO_SIZE | MO_USER);
}
static ALWAYS_INLINE unsigned acc_bytes(unsigned acc)
{
    return 1u << (acc & MO_SIZE);
}
static ALWAYS_INLINE const struct tlb_ctx *acc_tlb(const struct cpu *cpu, unsigned acc)
{
    return acc & MO_USER ? cpu->tlb_user : cpu->tlb;
}

/* A loaded value as the register gets it. */
static ALWAYS_INLINE uint64_t extend(uint64_t value, unsigned acc)
{
    const unsigned width = 8u << (acc & MO_SIZE);

    if (acc & ACC_S64) {
        return (uint64_t)sign_extend(value, width);
    }
    return acc & ACC_S32 ? (uint32_t)sign_extend(value, width) : value;
}

/*
 * The tag of an access to `span` bytes made of elements of `elem` bytes: page crossing never
 * matches, nor (where alignment is checked) an element that is misaligned. With span == elem this
 * is tlb_tag.
 */
static ALWAYS_INLINE uint64_t span_tag(const struct cpu *cpu, uint64_t va, unsigned span,
                                       unsigned elem)
{
    return ((va + span - 1) & ~(uint64_t)(SOFT_PAGE - 1)) | (va & (elem - 1) & cpu->align_mask);
}

static ALWAYS_INLINE bool misaligned(const struct cpu *cpu, uint64_t va, unsigned elem)
{
    return (va & (elem - 1) & cpu->align_mask) != 0;
}

/* Host address of va, which e's page contains. */
static ALWAYS_INLINE void *tlb_host(const struct tlb_entry *e, uint64_t va)
{
    return (void *)(uintptr_t)(va + e->addend);
}

static ALWAYS_INLINE bool sp_misaligned(const struct cpu *cpu)
{
    return (cpu->x[X_SP] & cpu->sp_align_mask) != 0;
}

/* "CheckSPAlignment" of the manual's pseudocode: before the access of a body whose base is SP. */
#define SP_CHECK()                          \
    do {                                    \
        if (UNLIKELY(sp_misaligned(cpu))) { \
            cpu_sp_fault(cpu, op);          \
            LEAVE();                        \
        }                                   \
    } while (0)
#define NO_CHECK() ((void)0)

/* The same where the base is known at run time only (atomics, structures). */
#define BASE_CHECK()          \
    do {                      \
        if (op->rn == X_SP) { \
            SP_CHECK();       \
        }                     \
    } while (0)

/*
 * Makes sure before a multi-part access that all of it will happen or nothing. A misaligned one is
 * let through: its first part takes the alignment fault, which comes before any fault of
 * translation (DDI 0487, "Prioritization of Synchronous aborts from a single stage of address
 * translation").
 */
static inline bool span_probe(struct cpu *cpu, const struct op *op, uint64_t va, unsigned span,
                              unsigned elem, bool write, unsigned mo)
{
    if (!misaligned(cpu, va, elem)) {
        mem_probe(cpu, op, va, span, write, mo);
    }
    return !cpu->left;
}

/* ---- The forms of a kind's bodies ------------------------------------------------------------ */

/* base + register offset whose amount and option are op->imm (FORM_EXTSP). */
static ALWAYS_INLINE uint64_t extended_offset(const struct cpu *cpu, const struct op *op)
{
    uint64_t m = cpu->x[op->rm];

    switch (op->imm >> 8) {
    case 2: m = (uint32_t)m; break;
    case 6: m = (uint64_t)(int64_t)(int32_t)m; break;
    default: break;
    }
    return m << (op->imm & 7);
}

/*
 * A kind's bodies. MEM_FORMS3(BODY, kind, fn, acc) lists immediate offset, pre- and post-index;
 * MEM_FORMS all forms, as
 *
 *   BODY(name, fn, acc, SP_CHECK or NO_CHECK, va, base afterwards)
 *
 * in whose last arguments b is the base before and m the index register. fn is the inlined fast path: false if it refuses.
 * fn_slow serves all forms: false if the instruction did not happen. The slow path of a uop is a
 * function of its own with a body's prototype, so that the fast path needs no stack frame.
 */
#define MEM_SLOW(name, fn, acc, sp_check, va, after)                                       \
    static NOINLINE op_ret HV_ENGINE_ABI slow_##name(struct cpu *cpu, const struct op *op) \
    {                                                                                      \
        const uint64_t b = cpu->x[op->rn], m = cpu->x[op->rm];                             \
                                                                                           \
        (void)m;                                                                           \
        if (UNLIKELY(!fn##_slow(cpu, op, va, after, acc))) {                               \
            LEAVE();                                                                       \
        }                                                                                  \
        NEXT();                                                                            \
    }

#define MEM_FAST(name, fn, acc, check, sp_check, va, after)    \
    UOP_BODY(name)                                             \
    {                                                          \
        check();                                               \
        sp_check();                                            \
        const uint64_t b = cpu->x[op->rn], m = cpu->x[op->rm]; \
                                                               \
        (void)m;                                               \
        if (UNLIKELY(!fn(cpu, op, va, after, acc))) {          \
            MUSTTAIL return slow_##name(cpu, op);              \
        }                                                      \
        NEXT();                                                \
    }

#define MEM_FAST_X(name, fn, acc, sp_check, va, after) \
    MEM_FAST(name, fn, acc, NO_CHECK, sp_check, va, after)
#define MEM_FAST_V(name, fn, acc, sp_check, va, after) \
    MEM_FAST(name, fn, acc, FP_CHECK, sp_check, va, after)

#define MEM_FORMS3(BODY, kind, fn, acc)                                        \
    BODY(kind##_imm, fn, acc, NO_CHECK, b + op->imm, b)                        \
    BODY(kind##_immsp, fn, acc, SP_CHECK, b + op->imm, b)                      \
    BODY(kind##_pre, fn, (acc) | ACC_WB, NO_CHECK, b + op->imm, b + op->imm)   \
    BODY(kind##_presp, fn, (acc) | ACC_WB, SP_CHECK, b + op->imm, b + op->imm) \
    BODY(kind##_post, fn, (acc) | ACC_WB, NO_CHECK, b, b + op->imm)            \
    BODY(kind##_postsp, fn, (acc) | ACC_WB, SP_CHECK, b, b + op->imm)

#define MEM_FORMS(BODY, kind, fn, acc)                                                      \
    MEM_FORMS3(BODY, kind, fn, acc)                                                         \
    BODY(kind##_reg, fn, acc, NO_CHECK, b + m, b)                                           \
    BODY(kind##_regs, fn, acc, NO_CHECK, b + (m << ((acc)&MO_SIZE)), b)                     \
    BODY(kind##_uxtw, fn, acc, NO_CHECK, b + ((uint64_t)(uint32_t)m << op->imm), b)         \
    BODY(kind##_sxtw, fn, acc, NO_CHECK, b + ((uint64_t)(int64_t)(int32_t)m << op->imm), b) \
    BODY(kind##_extsp, fn, acc, SP_CHECK, b + extended_offset(cpu, op), b)

#define MEM_FORMS_USER(BODY, kind, fn, acc)                          \
    MEM_FORMS(BODY, kind, fn, acc)                                   \
    BODY(kind##_user, fn, (acc) | MO_USER, NO_CHECK, b + op->imm, b) \
    BODY(kind##_usersp, fn, (acc) | MO_USER, SP_CHECK, b + op->imm, b)

/* A literal: there is no base, and op->imm is relative to the page. */
#define MEM_LITERAL(BODY, kind, fn, acc) \
    BODY(kind##_lit, fn, acc, NO_CHECK, cpu->page_va + op->imm, b)

/* ---- SIMD structures ------------------------------------------------------------------------- */

/* op->imm of the structure uops. The base moves by `step` + Xm (op->rm is X_ZERO where
 * there is none). */
struct struct_shape {
    uint8_t span;  /* bytes of memory, 1..64                                              */
    uint8_t step;  /* span if post-indexed by immediate, else 0                           */
    uint8_t esize; /* log2 of an element's bytes                                         */
    uint8_t regs;  /* registers from rd, 1..4; for LD2-LD4 also the elements of a structure */
    uint8_t lane;  /* single structure: index of the element                              */
    bool q;        /* 128-bit registers                                                   */
};

static inline uint64_t shape_pack(struct struct_shape s)
{
    return (uint64_t)s.span | (uint64_t)s.step << 8 | (uint64_t)s.esize << 16 |
           (uint64_t)s.regs << 24 | (uint64_t)s.lane << 32 | (uint64_t)s.q << 40;
}

static ALWAYS_INLINE unsigned shape_span(const struct op *op)
{
    return op->imm & 0xff;
}
static ALWAYS_INLINE unsigned shape_step(const struct op *op)
{
    return op->imm >> 8 & 0xff;
}
static ALWAYS_INLINE unsigned shape_esize(const struct op *op)
{
    return op->imm >> 16 & 3;
}
static ALWAYS_INLINE unsigned shape_regs(const struct op *op)
{
    return op->imm >> 24 & 7;
}
static ALWAYS_INLINE unsigned shape_lane(const struct op *op)
{
    return op->imm >> 32 & 15;
}
static ALWAYS_INLINE bool shape_q(const struct op *op)
{
    return (op->imm >> 40 & 1) != 0;
}

#endif
