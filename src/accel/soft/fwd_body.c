/*
 * fwd_body.c - bodies that are given the result of the slot before, and compares with their branches. See fwd.h.
 *
 * What they do is op_int.h and op_mem_x.h, as for the uops' own bodies.
 */
#include "accel/soft/fwd.h"

#if SOFT_FWD

#include "accel/soft/op_int.h"
#include "accel/soft/op_mem_x.h"

#include "accel/soft/fwd.def"

#define FWD_FN(name) \
    static op_ret HV_ENGINE_ABI name(struct cpu *cpu, const struct op *op, uint64_t last)
#define PLAIN_FN(name) static op_ret HV_ENGINE_ABI name(struct cpu *cpu, const struct op *op)

/* To the next slot, which is given value. These are tail calls though the prototypes differ: all arguments are in registers. */
#define FWD_NEXT(value)                                \
    do {                                               \
        const struct op *next_ = op + 1;               \
        __asm__("" : "+r"(next_));                     \
        return fwd_of(next_)->fn(cpu, next_, (value)); \
    } while (0)

/* ---- Integer --------------------------------------------------------------------------------- */

/* left: what the next slot is given, v or last */
#define VALUE(kind, way, name, vn, vm, left)         \
    kind(way##_##name)                               \
    {                                                \
        const u64 v = value_##name(cpu, op, vn, vm); \
                                                     \
        X(rd) = v;                                   \
        FWD_NEXT(left);                              \
    }
#define BODIES_NONE(name)                         \
    VALUE(PLAIN_FN, plain, name, X(rn), X(rm), v) \
    VALUE(FWD_FN, none, name, X(rn), X(rm), v)    \
    VALUE(FWD_FN, keep_none, name, X(rn), X(rm), last)
#define BODIES_ONE(name)                       \
    BODIES_NONE(name)                          \
    VALUE(FWD_FN, by_rn, name, last, X(rm), v) \
    VALUE(FWD_FN, keep_by_rn, name, last, X(rm), last)
#define BODIES_TWO(name)                               \
    BODIES_ONE(name)                                   \
    VALUE(FWD_FN, by_rm, name, X(rn), last, v)         \
    VALUE(FWD_FN, keep_by_rm, name, X(rn), last, last) \
    VALUE(FWD_FN, by_both, name, last, last, v)        \
    VALUE(FWD_FN, keep_by_both, name, last, last, last)

FWD_NONE(BODIES_NONE)
FWD_ONE(BODIES_ONE)
FWD_TWO(BODIES_TWO)

FWD_FN(none_nop)
{
    FWD_NEXT(last);
}

/* ---- Loads and stores ------------------------------------------------------------------------ */

#define REFUSED_NO_CHECK false
#define REFUSED_SP_CHECK sp_misaligned(cpu)

/* last_b, last_m: base and index */
#define LOAD(kind, way, name, acc, sp_check, va, after, last_b, last_m, left)               \
    kind(way##_##name)                                                                      \
    {                                                                                       \
        const uint64_t b = last_b, m = last_m;                                              \
        uint64_t value;                                                                     \
                                                                                            \
        (void)m;                                                                            \
        if (UNLIKELY(REFUSED_##sp_check || !load_value(cpu, op, va, after, acc, &value))) { \
            return op_##name(cpu, op);                                                      \
        }                                                                                   \
        FWD_NEXT(left);                                                                     \
    }
#define LOAD_BODIES(name, fn, acc, sp_check, va, after)                         \
    LOAD(PLAIN_FN, plain, name, acc, sp_check, va, after, X(rn), X(rm), value)  \
    LOAD(FWD_FN, none, name, acc, sp_check, va, after, X(rn), X(rm), value)     \
    LOAD(FWD_FN, by_rn, name, acc, sp_check, va, after, last, X(rm), value)     \
    LOAD(FWD_FN, by_rm, name, acc, sp_check, va, after, X(rn), last, value)     \
    LOAD(FWD_FN, keep_none, name, acc, sp_check, va, after, X(rn), X(rm), last) \
    LOAD(FWD_FN, keep_by_rn, name, acc, sp_check, va, after, last, X(rm), last) \
    LOAD(FWD_FN, keep_by_rm, name, acc, sp_check, va, after, X(rn), last, last)

#define GOTO_PLAIN(to)               \
    do {                             \
        const struct op *to_ = (to); \
        return to_->fn(cpu, to_);    \
    } while (0)
#define STORE(way, name, acc, sp_check, va, after, last_b, last_data)                           \
    FWD_FN(way##_##name)                                                                        \
    {                                                                                           \
        const uint64_t b = last_b, m = X(rm);                                                   \
                                                                                                \
        (void)m;                                                                                \
        if (UNLIKELY(REFUSED_##sp_check || !store_value(cpu, op, va, after, acc, last_data))) { \
            return op_##name(cpu, op);                                                          \
        }                                                                                       \
        if ((acc)&ACC_WB) {                                                                     \
            GOTO_PLAIN(op + 1);                                                                 \
        }                                                                                       \
        FWD_NEXT(last);                                                                         \
    }
#define STORE_BODIES(name, fn, acc, sp_check, va, after)      \
    STORE(none, name, acc, sp_check, va, after, X(rn), X(rd)) \
    STORE(by_rn, name, acc, sp_check, va, after, last, X(rd)) \
    STORE(by_rm, name, acc, sp_check, va, after, X(rn), last)

#define F(kind, fn, acc) MEM_FORMS(LOAD_BODIES, kind, fn, acc)
FWD_LOADS(F)
#undef F
#define F(kind, fn, acc) MEM_FORMS(STORE_BODIES, kind, fn, acc)
FWD_STORES(F)
#undef F

/* ---- Branches -------------------------------------------------------------------------------- */

/* Where a branch goes is entered from anywhere. */
#define NEAR_TARGET()                                                                        \
    do {                                                                                     \
        const struct op *target_ = (const struct op *)((const char *)op + (int64_t)op->imm); \
        cpu->count_bias += (int64_t)sizeof(struct op) - (int64_t)op->imm;                    \
        if ((int64_t)op->imm <= 0 &&                                                         \
            UNLIKELY(atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0)) {      \
            return soft_attend_at(cpu, target_);                                             \
        }                                                                                    \
        GOTO_PLAIN(target_);                                                                 \
    } while (0)

#define BRANCH(way, name, condition) \
    FWD_FN(way##_##name)             \
    {                                \
        if (condition) {             \
            NEAR_TARGET();           \
        }                            \
        FWD_NEXT(last);              \
    }
#define BRANCH_BODIES(name, condition)          \
    BRANCH(none, name##_near, condition(X(rn))) \
    BRANCH(by_rn, name##_near, condition(last))
#define BRANCHES(F)     \
    F(cbz32, IS_ZERO32) \
    F(cbz64, IS_ZERO64) \
    F(cbnz32, !IS_ZERO32) F(cbnz64, !IS_ZERO64) F(tbz, !IS_BIT_SET) F(tbnz, IS_BIT_SET)
#define IS_ZERO32(v)  ((u32)(v) == 0)
#define IS_ZERO64(v)  ((v) == 0)
#define IS_BIT_SET(v) (((v) >> op->ra & 1) != 0)
BRANCHES(BRANCH_BODIES)

#define BRANCH_COND(cc, n, unused) BRANCH(none, b_near_##cc, cpu_cond(cpu, n))
CONDITIONS(BRANCH_COND, )

/* ---- A compare and its branch ---------------------------------------------------------------- */

/* What condition n says after the compare of a and b: cpu_cond without its detour. */
#define HOLDS(w)                                                        \
    static ALWAYS_INLINE bool subs_holds##w(unsigned n, u##w a, u##w b) \
    {                                                                   \
        bool r;                                                         \
                                                                        \
        switch (n >> 1) {                                               \
        case 0: r = a == b; break;                                      \
        case 1: r = a >= b; break;                                      \
        case 2: r = (s##w)(a - b) < 0; break;                           \
        case 3: r = (s##w)((a ^ b) & (a ^ (a - b))) < 0; break;         \
        case 4: r = a > b; break;                                       \
        case 5: r = (s##w)a >= (s##w)b; break;                          \
        default: r = (s##w)a > (s##w)b; break;                          \
        }                                                               \
        return r != (n & 1);                                            \
    }                                                                   \
    /* C and V are 0. */                                                \
    static ALWAYS_INLINE bool ands_holds##w(unsigned n, u##w a, u##w b) \
    {                                                                   \
        s##w v = (s##w)(a & b);                                         \
        bool r;                                                         \
                                                                        \
        switch (n >> 1) {                                               \
        case 0: r = v == 0; break;                                      \
        case 2: r = v < 0; break;                                       \
        case 5: r = v >= 0; break;                                      \
        case 6: r = v > 0; break;                                       \
        default: r = false; break;                                      \
        }                                                               \
        return r != (n & 1);                                            \
    }

HOLDS(32)
HOLDS(64)

#define COMPARE(kind, way, n, name, w, form, operand_n, operand_m) \
    kind(way)                                                      \
    {                                                              \
        const u64 vm = operand_m;                                  \
        const u##w a = (u##w)(operand_n), b = FORM_##form(w);      \
                                                                   \
        (void)vm;                                                  \
        X(rd) = name##w(cpu, a, b);                                \
        op++;                                                      \
        if (name##_holds##w(n, a, b)) {                            \
            NEAR_TARGET();                                         \
        }                                                          \
        GOTO_PLAIN(op + 1);                                        \
    }
#define COMPARE_IMM(cc, n, uop, name, w, form)                            \
    COMPARE(PLAIN_FN, plain_##uop##_##cc, n, name, w, form, X(rn), X(rm)) \
    COMPARE(FWD_FN, none_##uop##_##cc, n, name, w, form, X(rn), X(rm))    \
    COMPARE(FWD_FN, by_rn_##uop##_##cc, n, name, w, form, last, X(rm))
#define COMPARE_REG(cc, n, uop, name, w, form) \
    COMPARE_IMM(cc, n, uop, name, w, form)     \
    COMPARE(FWD_FN, by_rm_##uop##_##cc, n, name, w, form, X(rn), last)
#define C(uop, name, w, form) CONDITIONS(COMPARE_IMM, uop, name, w, form)
FWD_COMPARE_IMM(C)
#undef C
#define C(uop, name, w, form) CONDITIONS(COMPARE_REG, uop, name, w, form)
FWD_COMPARE_REG(C)
#undef C

/* ---- Tables ---------------------------------------------------------------------------------- */

/* The order of the table of bodies. */
#define FORM(name, fn, acc, sp_check, va, after) F(name)
#define LOAD_FORMS(kind, fn, acc)                MEM_FORMS(FORM, kind, fn, acc)
#define NEAR(name, condition)                    F(name##_near)
#define NEAR_COND(cc, n, unused)                 F(b_near_##cc)
#define ALL                 \
    FWD_NONE(F)             \
    FWD_ONE(F)              \
    FWD_TWO(F)              \
    FWD_LOADS(LOAD_FORMS)   \
    FWD_STORES(LOAD_FORMS)  \
    BRANCHES(NEAR)          \
    CONDITIONS(NEAR_COND, ) \
    F(nop)

enum {
#define F(name) BODY_##name,
    ALL
#undef F
};

/* By uop: its place, plus 1. */
static const uint16_t body_of[UOP_COUNT] = {
#define F(name) [UOP_##name] = BODY_##name + 1,
    ALL
#undef F
};

#define RESULT(name) \
    .plain = plain_##name, .none = none_##name, .keep_none = keep_none_##name, .leaves = FWD_RESULT
#define BY_RN(name)   .by_rn = by_rn_##name, .keep_by_rn = keep_by_rn_##name
#define BY_RM(name)   .by_rm = by_rm_##name, .keep_by_rm = keep_by_rm_##name
#define BY_BOTH(name) .by_both = by_both_##name, .keep_by_both = keep_by_both_##name
static const struct fwd_body bodies[] = {
#define F(name) [BODY_##name] = { RESULT(name) },
    FWD_NONE(F)
#undef F
#define F(name) [BODY_##name] = { RESULT(name), BY_RN(name) },
        FWD_ONE(F)
#undef F
#define F(name) [BODY_##name] = { RESULT(name), BY_RN(name), BY_RM(name), BY_BOTH(name) },
            FWD_TWO(F)
#undef F
#undef FORM
#define FORM(name, fn, acc, sp_check, va, after) \
    [BODY_##name] = { RESULT(name), BY_RN(name), BY_RM(name), .moves_rn = ((acc)&ACC_WB) != 0 },
                FWD_LOADS(LOAD_FORMS)
#undef FORM
#define FORM(name, fn, acc, sp_check, va, after) \
    [BODY_##name] = { .none = none_##name,       \
                      .by_rn = by_rn_##name,     \
                      .by_rm = by_rm_##name,     \
                      .other = FWD_RD,           \
                      .leaves = ((acc)&ACC_WB) != 0 ? FWD_LEAVES_NOTHING : FWD_SAME },
                    FWD_STORES(LOAD_FORMS)
#define F(name) [BODY_##name] = { .none = none_##name, .by_rn = by_rn_##name, .leaves = FWD_SAME },
                        BRANCHES(NEAR)
#undef F
#define F(name) [BODY_##name] = { .none = none_##name, .leaves = FWD_SAME },
                            CONDITIONS(NEAR_COND, ) F(nop)
#undef F
};

const struct fwd_body *fwd_body(enum uop uop)
{
    return body_of[uop] != 0 ? &bodies[body_of[uop] - 1] : NULL;
}

enum {
#define C(uop, name, w, form) COMPARE_##uop,
    FWD_COMPARE_IMM(C) FWD_COMPARE_REG(C)
#undef C
};

#define COMPARE_ENTRY(cc, n, uop) \
    [n] = { .plain = plain_##uop##_##cc, .none = none_##uop##_##cc, .by_rn = by_rn_##uop##_##cc },
#define COMPARE_REG_ENTRY(cc, n, uop)    \
    [n] = { .plain = plain_##uop##_##cc, \
            .none = none_##uop##_##cc,   \
            .by_rn = by_rn_##uop##_##cc, \
            .by_rm = by_rm_##uop##_##cc },
static const struct fwd_body compares[][14] = {
#define C(uop, name, w, form) [COMPARE_##uop] = { CONDITIONS(COMPARE_ENTRY, uop) },
    FWD_COMPARE_IMM(C)
#undef C
#define C(uop, name, w, form) [COMPARE_##uop] = { CONDITIONS(COMPARE_REG_ENTRY, uop) },
        FWD_COMPARE_REG(C)
#undef C
};

const struct fwd_body *fwd_compare(enum uop compare, enum uop branch)
{
    if (branch < UOP_b_near_eq || branch > UOP_b_near_le) {
        return NULL;
    }
    switch (compare) {
#define C(uop, name, w, form) \
    case UOP_##uop: return &compares[COMPARE_##uop][branch - UOP_b_near_eq];
        FWD_COMPARE_IMM(C)
        FWD_COMPARE_REG(C)
#undef C
    default: return NULL;
    }
}

#define UOP(name, flags)                                                             \
    static op_ret HV_ENGINE_ABI through_##name(struct cpu *cpu, const struct op *op, \
                                               uint64_t last)                        \
    {                                                                                \
        return op_##name(cpu, op);                                                   \
    }
#include "accel/soft/uop.def"
#undef UOP

fwd_fn *const fwd_through[UOP_COUNT] = {
#define UOP(name, flags) [UOP_##name] = through_##name,
#include "accel/soft/uop.def"
#undef UOP
};

#endif
