/*
 * op_pauth.c - the bodies of pointer authentication (FEAT_PAuth), and the landing pads of FEAT_BTI.
 *
 * DDI 0487, "A64 Base Instruction Descriptions". What authentication is, is in pauth.h.
 */
#include "accel/soft/bti.h"
#include "accel/soft/op_mem.h"
#include "accel/soft/pauth.h"

#define X(field) (cpu->x[op->field])

/* ---- Addresses in registers ------------------------------------------------------------------ */

/* The body, and a second one that calls the slow algorithm. */
#define WITH_ALGORITHM(name, statement)                                                    \
    static NOINLINE op_ret HV_ENGINE_ABI slow_##name(struct cpu *cpu, const struct op *op) \
    {                                                                                      \
        const bool slow = true;                                                            \
        statement;                                                                         \
        NEXT();                                                                            \
    }                                                                                      \
    UOP_BODY(name)                                                                         \
    {                                                                                      \
        const bool slow = false;                                                           \
        if (UNLIKELY(pac_is_slow(cpu))) {                                                  \
            MUSTTAIL return slow_##name(cpu, op);                                          \
        }                                                                                  \
        statement;                                                                         \
        NEXT();                                                                            \
    }

#define REPLACE(name, function, key) \
    WITH_ALGORITHM(name, X(rd) = function(cpu, X(rd), X(rn), key, slow))

#define KEYS(prefix, function)             \
    REPLACE(prefix##_ia, function, PAC_IA) \
    REPLACE(prefix##_ib, function, PAC_IB) \
    REPLACE(prefix##_da, function, PAC_DA) \
    REPLACE(prefix##_db, function, PAC_DB)

KEYS(pac, pac_sign)
KEYS(aut, pac_auth)
REPLACE(paciasp, pac_sign, PAC_IA)
REPLACE(pacibsp, pac_sign, PAC_IB)

/* A code for any data, always enabled. */
WITH_ALGORITHM(pacga, X(rd) = pac_compute(cpu, X(rn), X(rm), PAC_GA, slow) & ~0xffffffffull)

UOP_BODY(xpaci)
{
    X(rd) = pac_strip(cpu, X(rd), false);
    NEXT();
}

UOP_BODY(xpacd)
{
    X(rd) = pac_strip(cpu, X(rd), true);
    NEXT();
}

/* ---- Branches -------------------------------------------------------------------------------- */

#define AUTHENTIC_TARGET() pac_auth(cpu, X(rn), X(rm), (enum pac_key)op->rd, pac_is_slow(cpu))
/* X30 after a call; only after the target has been made of the registers. */
#define LINK() (cpu->x[30] = cpu->page_va + (uint32_t)op->imm * 4ull)

UOP_BODY(br_auth)
{
    FAR_JUMP(AUTHENTIC_TARGET());
}

UOP_BODY(blr_auth)
{
    const uint64_t target = AUTHENTIC_TARGET();

    LINK();
    FAR_JUMP(target);
}

UOP_BODY(br_auth_bti)
{
    TYPED_JUMP(AUTHENTIC_TARGET(), (unsigned)(op->imm >> 32));
}

UOP_BODY(blr_auth_bti)
{
    const uint64_t target = AUTHENTIC_TARGET();

    LINK();
    TYPED_JUMP(target, BTYPE_CALL);
}

/* ---- Loads ----------------------------------------------------------------------------------- */

UOP_BODY(ldra)
{
    BASE_CHECK();
    const uint64_t va = pac_auth(cpu, X(rn), 0, (enum pac_key)op->ra, pac_is_slow(cpu)) + op->imm;
    const void *host = mem_r(cpu, cpu->tlb, va, 8);
    uint64_t value;

    if (LIKELY(host != NULL)) {
        value = racy_load(host, 3);
    } else {
        value = mem_ld_slow(cpu, op, va, 3);
        CHECK_LEFT();
    }
    X(rd) = value;
    X(rm) = va;
    NEXT();
}

/* ---- Landing pads ---------------------------------------------------------------------------- */

/* They do nothing; who jumps here looks at the function (bti.h). */
#define LANDING_PAD(name) \
    UOP_BODY(name)        \
    {                     \
        NEXT();           \
    }

LANDING_PAD(bti_c)
LANDING_PAD(bti_j)
LANDING_PAD(bti_jc)
