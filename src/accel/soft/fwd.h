/*
 * fwd.h - results that go to the next instruction in a host register, where there is no translator.
 *
 * The registers of the guest are memory of the host: an instruction that needs the result of the one before waits until a store
 * has become a load again, and each operand costs two loads, its number's and its own. So a body may be entered in a second
 * way, from the slot before it only: with that slot's result as a third argument. What the argument stands for is known
 * when both slots have been decoded.
 *
 *       slot       add x0, x1, x2        eor x3, x0, x4        str x3, [x5]
 *       fn         Rn, Rm from memory    Rn, Rm from memory    Rn, Rt from memory     entered by branches
 *       fwd.fn     ...                   Rn is the argument    Rt is the argument     entered from the slot before
 *
 * If the next slot does not read the result, but what this one was given, that is what it leaves (keep_*).
 *
 * All results are written to cpu->x as always, each slot can be entered, `op` is the slot that executes: faults, counts,
 * interrupts, single steps see what they would see without. An access that the fast path refuses goes to the
 * uop's own body, with its slow path.
 *
 * Also, a compare whose next slot is a conditional branch inside the page becomes one body with it; the branch's own slot
 * stays as it is.
 *
 * The second function of a slot stands at a fixed distance behind its op. When a slot is decoded again, those that knew of
 * it are settled again (fwd_forget). With a translator there is none of this: what is hot is translated.
 */
#ifndef SOFT_FWD_H
#define SOFT_FWD_H

#include "accel/soft/cpu.h"

/* Bodies of both kinds jump to one another, for which there is no attribute: the compiler must do it by itself. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SOFT_FWD 0
#endif
#endif
#if !defined(SOFT_FWD) && SOFT_TAILCALL && defined(__OPTIMIZE__)
#define SOFT_FWD 1
#elif !defined(SOFT_FWD)
#define SOFT_FWD 0
#endif

#if SOFT_FWD
/* A body with the result of the slot before. */
typedef op_ret HV_ENGINE_ABI fwd_fn(struct cpu *cpu, const struct op *op, uint64_t last);

#define FWD_NOTHING 0xff /* for a register's number */

struct fwd_slot {
    fwd_fn *fn;
    uint16_t uop;      /* of the slot, if it has been decoded                             */
    uint8_t reg, left; /* whose value the slot is given and leaves, or FWD_NOTHING        */
    uint8_t unused[sizeof(struct op) - 12];
};
_Static_assert(sizeof(struct fwd_slot) == sizeof(struct op),
               "one lies as far behind the other everywhere");

/* Bytes of a page with its slots. */
#define FWD_PAGE_BYTES (sizeof(struct code_page) + (PAGE_SLOTS + 1) * sizeof(struct fwd_slot))

static ALWAYS_INLINE struct fwd_slot *fwd_of(const struct op *op)
{
    return (struct fwd_slot *)((uintptr_t)op + sizeof(struct code_page));
}

/* The ways to do a uop. NULL: there is none of the kind. */
struct fwd_body {
    op_fn *plain;                           /* as `fn`; NULL: the uop's own                      */
    fwd_fn *none, *by_rn, *by_rm, *by_both; /* by the register that `last` is                    */
    fwd_fn *keep_none, *keep_by_rn, *keep_by_rm, *keep_by_both; /* the same; `last` is left      */
    uint8_t other;  /* FWD_RM, FWD_RD: whose number by_rm is about       */
    bool moves_rn;  /* the base is written back                          */
    uint8_t leaves; /* FWD_RESULT, FWD_SAME: what the next slot is given */
};
enum { FWD_RM, FWD_RD };
enum { FWD_LEAVES_NOTHING, FWD_RESULT, FWD_SAME };

/* ---- fwd_body.c ------------------------------------------------------------------------------ */

/* NULL: the uop has no such bodies. */
const struct fwd_body *fwd_body(enum uop uop);
/* A compare and a branch after it. */
const struct fwd_body *fwd_compare(enum uop compare, enum uop branch);
/* The uop's own body, `last` ignored. */
extern fwd_fn *const fwd_through[UOP_COUNT];
#else
#define FWD_PAGE_BYTES sizeof(struct code_page)
#endif

/* ---- fwd.c ----------------------------------------------------------------------------------- */

/* A new page. */
void fwd_begin(struct code_page *page);
/* The slot has been decoded. */
void fwd_decoded(struct code_page *page, unsigned slot, enum uop uop);
/* Its fn has become op_decode. */
void fwd_forget(struct code_page *page, unsigned slot);

#endif
