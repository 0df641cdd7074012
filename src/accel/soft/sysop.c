/*
 * sysop.c - SYS instructions: cache, address translation and TLB maintenance, one table.
 *
 * DDI 0487, "System instructions" (cache maintenance, address translation, TLB maintenance). Caches
 * are not modelled, so data cache operations only translate and check; IC forgets decoded code.
 * TLBI is applied here at once and, if it is broadcast, posted to the others; the DSB that follows
 * waits for them.
 */
#include "accel/soft/engine.h"

enum sysop_kind {
    OP_IC_ALL,
    OP_IC_VA,
    OP_DC_SETWAY,
    OP_DC_INVALIDATE,
    OP_DC_CLEAN,
    OP_DC_ZERO,
    OP_PREDICT,
    OP_AT,
    OP_TLBI_ALL,
    OP_TLBI_VA,
    OP_TLBI_ASID,
    OP_TLBI_VAA,
    OP_TLBI_RANGE,
    OP_TLBI_RANGE_ALL_ASIDS,
};

enum {
    BROADCAST = 1, /* inner or outer shareable                       */
    LEAF = 2,      /* last level only                                */
    EL0 = 4,       /* allowed there too, if SCTLR_EL1.UCI (DZE) is set */
    AT_WRITE = 8,
    AT_USER = 16,
    AT_PAN = 32,
};

#define IC_DC(op1, crm, op2) SYSREG(1, op1, 7, crm, op2)
#define TLBI(crm, op2)       SYSREG(1, 0, 8, crm, op2)
/* The same operation: outer shareable, inner shareable, local. */
#define TLBI_3(op2, kind, flags)                                    \
    { TLBI(1, op2), A64_FEAT_TLBIOS, kind, (flags) | BROADCAST },   \
        { TLBI(3, op2), A64_FEAT_BASE, kind, (flags) | BROADCAST }, \
    {                                                               \
        TLBI(7, op2), A64_FEAT_BASE, kind, flags                    \
    }
#define TLBI_RANGE_3(op2, kind, flags)                                   \
    { TLBI(5, op2), A64_FEAT_TLBIRANGE, kind, (flags) | BROADCAST },     \
        { TLBI(2, op2), A64_FEAT_TLBIRANGE, kind, (flags) | BROADCAST }, \
    {                                                                    \
        TLBI(6, op2), A64_FEAT_TLBIRANGE, kind, flags                    \
    }

static const struct sysop {
    uint32_t encoding;
    uint8_t feat, kind, flags;
} ops[] = {
    { IC_DC(0, 1, 0), A64_FEAT_BASE, OP_IC_ALL, BROADCAST },      /* IC IALLUIS */
    { IC_DC(0, 5, 0), A64_FEAT_BASE, OP_IC_ALL, 0 },              /* IC IALLU   */
    { IC_DC(3, 5, 1), A64_FEAT_BASE, OP_IC_VA, EL0 },             /* IC IVAU    */
    { IC_DC(0, 6, 1), A64_FEAT_BASE, OP_DC_INVALIDATE, 0 },       /* DC IVAC    */
    { IC_DC(0, 6, 2), A64_FEAT_BASE, OP_DC_SETWAY, 0 },           /* DC ISW     */
    { IC_DC(0, 10, 2), A64_FEAT_BASE, OP_DC_SETWAY, 0 },          /* DC CSW     */
    { IC_DC(0, 14, 2), A64_FEAT_BASE, OP_DC_SETWAY, 0 },          /* DC CISW    */
    { IC_DC(3, 4, 1), A64_FEAT_BASE, OP_DC_ZERO, EL0 },           /* DC ZVA     */
    { IC_DC(3, 10, 1), A64_FEAT_BASE, OP_DC_CLEAN, EL0 },         /* DC CVAC    */
    { IC_DC(3, 11, 1), A64_FEAT_BASE, OP_DC_CLEAN, EL0 },         /* DC CVAU    */
    { IC_DC(3, 12, 1), A64_FEAT_DPB, OP_DC_CLEAN, EL0 },          /* DC CVAP    */
    { IC_DC(3, 13, 1), A64_FEAT_DPB2, OP_DC_CLEAN, EL0 },         /* DC CVADP   */
    { IC_DC(3, 14, 1), A64_FEAT_BASE, OP_DC_CLEAN, EL0 },         /* DC CIVAC   */
    { IC_DC(3, 3, 4), A64_FEAT_SPECRES, OP_PREDICT, EL0 },        /* CFP RCTX   */
    { IC_DC(3, 3, 5), A64_FEAT_SPECRES, OP_PREDICT, EL0 },        /* DVP RCTX   */
    { IC_DC(3, 3, 7), A64_FEAT_SPECRES, OP_PREDICT, EL0 },        /* CPP RCTX   */
    { IC_DC(0, 8, 0), A64_FEAT_BASE, OP_AT, 0 },                  /* AT S1E1R   */
    { IC_DC(0, 8, 1), A64_FEAT_BASE, OP_AT, AT_WRITE },           /* AT S1E1W   */
    { IC_DC(0, 8, 2), A64_FEAT_BASE, OP_AT, AT_USER },            /* AT S1E0R   */
    { IC_DC(0, 8, 3), A64_FEAT_BASE, OP_AT, AT_USER | AT_WRITE }, /* AT S1E0W   */
    { IC_DC(0, 9, 0), A64_FEAT_PAN2, OP_AT, AT_PAN },             /* AT S1E1RP  */
    { IC_DC(0, 9, 1), A64_FEAT_PAN2, OP_AT, AT_PAN | AT_WRITE },  /* AT S1E1WP  */
    TLBI_3(0, OP_TLBI_ALL, 0),                                    /* VMALLE1    */
    TLBI_3(1, OP_TLBI_VA, 0),                                     /* VAE1       */
    TLBI_3(2, OP_TLBI_ASID, 0),                                   /* ASIDE1     */
    TLBI_3(3, OP_TLBI_VAA, 0),                                    /* VAAE1      */
    TLBI_3(5, OP_TLBI_VA, LEAF),                                  /* VALE1      */
    TLBI_3(7, OP_TLBI_VAA, LEAF),                                 /* VAALE1     */
    TLBI_RANGE_3(1, OP_TLBI_RANGE, 0),                            /* RVAE1      */
    TLBI_RANGE_3(3, OP_TLBI_RANGE_ALL_ASIDS, 0),                  /* RVAAE1     */
    TLBI_RANGE_3(5, OP_TLBI_RANGE, LEAF),                         /* RVALE1     */
    TLBI_RANGE_3(7, OP_TLBI_RANGE_ALL_ASIDS, LEAF),               /* RVAALE1    */
};

int sysop_find(const struct cpu *cpu, uint32_t encoding)
{
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        if (ops[i].encoding == encoding && cpu_has(cpu, ops[i].feat)) {
            return (int)i;
        }
    }
    return -1;
}

/* Applies an operation here and, if it is broadcast, to the others. */
static void invalidate(struct cpu *cpu, const struct inval *iv, bool broadcast)
{
    inval_apply(cpu, iv);
    if (broadcast) {
        inval_broadcast(cpu, iv);
    }
}

/*
 * The same for IC. A pool of code that all CPUs share has been seen to by the first; if anything has changed they must leave what
 * they run of it.
 */
static void invalidate_code(struct cpu *cpu, const struct inval *iv, bool broadcast)
{
    const struct inval left = { .kind = INVAL_LEFT };
    bool changed =
        iv->kind == INVAL_CODE ? code_forget(cpu, iv->addr, iv->bytes) : code_forget_all(cpu);

    if (broadcast && cpu->priv->code->jit == NULL) {
        inval_broadcast(cpu, iv);
    } else if (broadcast && changed) {
        inval_broadcast(cpu, &left);
    }
}

/* ---- Caches ---------------------------------------------------------------------------------- */

/*
 * Address of a cache operation by VA. At EL0 it needs read permission, at EL1 none; DC IVAC needs
 * write permission. Faults are data aborts with CM and WnR set.
 */
static bool cache_pa(struct cpu *cpu, const struct op *op, bool invalidate_data, uint64_t *pa)
{
    uint64_t va = cpu->x[op->rd];
    unsigned el = cpu_el(cpu);
    struct walk w;

    /* The usual case: the page is in the TLB. */
    const struct tlb_info *info = &((struct tlb_ctx *)(uintptr_t)cpu->tlb)->info[tlb_index(va)];
    if (info->va == align_down(va, SOFT_PAGE) &&
        (info->pa & (invalidate_data ? TI_W : TI_R)) != 0) {
        *pa = (info->pa & ~(uint64_t)TI_FLAGS) | (va & (SOFT_PAGE - 1));
        return true;
    }
    mmu_walk(cpu, NULL, va, el, false, invalidate_data ? ACCESS_WRITE : ACCESS_READ, 0, &w);
    if (!w.ok) {
        mem_fault(cpu, op, va, w.fsc, true, true);
        return false;
    }
    *pa = w.pa;
    return true;
}

static void do_ic_va(struct cpu *cpu, const struct op *op)
{
    uint64_t pa;

    if (cache_pa(cpu, op, false, &pa)) {
        invalidate_code(
            cpu, &(struct inval){ .kind = INVAL_CODE, .addr = align_down(pa, 64), .bytes = 64 },
            true);
    }
}

/* ---- Address translation --------------------------------------------------------------------- */

/* PAR_EL1: the address and attributes, or F and the fault status. */
static uint64_t par_value(const struct walk *w)
{
    bool weak = w->attr >> 4 == 0 ||
                w->attr == 0x44; /* Device, and Normal Non-cacheable, are outer shareable */

    if (!w->ok) {
        return 1 | (uint64_t)w->fsc << 1 | BIT(11);
    }
    return (uint64_t)w->attr << 56 | align_down(w->pa, SOFT_PAGE) | BIT(11) |
           (uint64_t)(weak ? 2 : w->sh) << 7;
}

/* FSC_EXTERNAL_WALK at a level, -1..3. */
static bool is_external(unsigned fsc)
{
    return fsc >= fsc_at(FSC_EXTERNAL_WALK, -1) && fsc <= fsc_at(FSC_EXTERNAL_WALK, 3);
}

/* A fault of the translation goes into PAR_EL1; an external abort of the walk is taken as an
 * exception (DDI 0487, "Synchronous faults generated by address translation instructions"). */
static void do_at(struct cpu *cpu, const struct op *op, const struct sysop *s, uint64_t va)
{
    struct walk w;
    bool pan = (s->flags & AT_PAN) != 0 && (cpu->pstate & PS_PAN) != 0;

    mmu_walk(cpu, NULL, va, (s->flags & AT_USER) != 0 ? 0 : 1, pan,
             (s->flags & AT_WRITE) != 0 ? ACCESS_WRITE : ACCESS_READ, 0, &w);
    if (!w.ok && is_external(w.fsc)) {
        mem_fault(cpu, op, va, w.fsc, true, true);
        return;
    }
    *sys_reg(cpu, SYS_PAR_EL1) = par_value(&w);
}

/* ---- TLB maintenance ------------------------------------------------------------------------- */

/* ASID[63:48]; its upper half counts only when ASIDs have 16 bits. */
static uint16_t asid_of(const struct cpu *cpu, uint64_t value)
{
    bool wide = cpu->priv->model->asid_bits == 16 && (cpu->priv->sys[SYS_TCR_EL1] & TCR_AS) != 0;

    return (uint16_t)bits(value, 48, wide ? 16 : 8);
}

/* By address: VA[55:12] in bits 43:0. One page of the half's granule. */
static struct inval inval_page(const struct cpu *cpu, uint64_t value)
{
    uint64_t va = (uint64_t)sign_extend(value << 12, 56);
    uint64_t bytes = BIT(cpu->priv->half[va >> 55 & 1].granule_bits);

    return (
        struct inval){ .addr = align_down(va, bytes), .bytes = bytes, .asid = asid_of(cpu, value) };
}

/*
 * By range: BaseADDR[36:0] in granules (64 KB with TCR_EL1.DS), TTL[38:37], NUM[43:39], SCALE[45:44], TG[47:46], ASID. A
 * reserved TG invalidates everything, which is always allowed.
 */
static struct inval inval_range(const struct cpu *cpu, uint64_t value)
{
    static const uint8_t granule[4] = { 0, 12, 14, 16 };
    unsigned g = granule[bits(value, 46, 2)];
    uint64_t va, granules;

    if (g == 0) {
        return (struct inval){ .kind = INVAL_ALL };
    }
    va = (uint64_t)sign_extend(value, 37)
         << (cpu->priv->half[0].ds || cpu->priv->half[1].ds ? 16 : g);
    granules = (bits(value, 39, 5) + 1) << (5 * bits(value, 44, 2) + 1);
    return (struct inval){ .addr = va, .bytes = granules << g, .asid = asid_of(cpu, value) };
}

static void do_tlbi(struct cpu *cpu, const struct sysop *s, uint64_t value)
{
    static const uint8_t kind[] = {
        [OP_TLBI_ALL] = INVAL_ALL,   [OP_TLBI_VA] = INVAL_VA,
        [OP_TLBI_ASID] = INVAL_ASID, [OP_TLBI_VAA] = INVAL_VAA,
        [OP_TLBI_RANGE] = INVAL_VA,  [OP_TLBI_RANGE_ALL_ASIDS] = INVAL_VAA,
    };
    bool range = s->kind == OP_TLBI_RANGE || s->kind == OP_TLBI_RANGE_ALL_ASIDS;
    struct inval iv = range ? inval_range(cpu, value) : inval_page(cpu, value);

    if (iv.bytes != 0) {
        iv.kind = kind[s->kind];
    }
    iv.leaf_only = (s->flags & LEAF) != 0;
    cpu->priv->stats.tlbi++;
    invalidate(cpu, &iv, (s->flags & BROADCAST) != 0);
}

/* ---- Dispatch -------------------------------------------------------------------------------- */

/* EL0 may do what EL0 rows say, as far as SCTLR_EL1.UCI (prediction restriction: EnRCTX)
 * lets it. DC ZVA's body has looked at DZE itself. */
static bool allowed(struct cpu *cpu, const struct op *op, const struct sysop *s)
{
    if (cpu_el(cpu) != 0) {
        return true;
    }
    if ((s->flags & EL0) == 0) {
        cpu_undefined(cpu, op);
        return false;
    }
    if ((*sys_reg(cpu, SYS_SCTLR_EL1) & (s->kind == OP_PREDICT ? SCTLR_ENRCTX : SCTLR_UCI)) == 0) {
        sysreg_trap(cpu, op);
        return false;
    }
    return true;
}

void soft_sys(struct cpu *cpu, const struct op *op)
{
    const struct sysop *s = &ops[op->imm];
    uint64_t value = cpu->x[op->rd];
    uint64_t pa;

    if (!allowed(cpu, op, s)) {
        return;
    }
    switch ((enum sysop_kind)s->kind) {
    case OP_IC_ALL:
        invalidate_code(cpu, &(struct inval){ .kind = INVAL_CODE_ALL },
                        (s->flags & BROADCAST) != 0);
        break;
    case OP_IC_VA: do_ic_va(cpu, op); break;
    case OP_DC_INVALIDATE:
    case OP_DC_CLEAN: cache_pa(cpu, op, s->kind == OP_DC_INVALIDATE, &pa); break;
    case OP_DC_SETWAY:
    case OP_DC_ZERO:
    case OP_PREDICT: break; /* nothing is predicted, so nothing needs restricting */
    case OP_AT: do_at(cpu, op, s, value); break;
    default: do_tlbi(cpu, s, value); break;
    }
}
