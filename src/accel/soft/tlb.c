/*
 * tlb.c - translation contexts: choosing, dropping, maintenance. rings.c takes it to other CPUs.
 *
 * DDI 0487, "TLB maintenance instructions", "Address space identifiers". Dropping more than was
 * asked for is always allowed; nothing here drops less.
 */
#include "accel/soft/jit/jit.h"
#include "base/assert.h"

/* ---- Contexts -------------------------------------------------------------------------------- */

/*
 * The numbers have run out. They begin anew with the jump cache empty; the next ones are none that cpu->epoch was, for
 * translated code sees by that whether it has changed.
 */
static void epochs_restart(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;

    memset(cpu->jc, 0, sizeof(cpu->jc));
    memset(p->recent, 0, sizeof(p->recent));
    p->epochs = cpu->epoch < EPOCH_LAST / 2 ? cpu->epoch : 0;
    p->generation = p->epochs + EPOCH_STEP;
    for (unsigned i = 0; i < CTX_COUNT; i++) {
        if (p->ctx[i] != NULL) {
            p->ctx[i]->code->epoch = p->epochs += EPOCH_STEP;
        }
    }
}

static uint32_t epoch_next(struct cpu *cpu)
{
    if (UNLIKELY(cpu->priv->epochs >= EPOCH_LAST - EPOCH_STEP)) {
        epochs_restart(cpu);
    }
    return cpu->priv->epochs += EPOCH_STEP;
}

static void ctx_new_epoch(struct cpu *cpu, struct tlb_ctx *ctx)
{
    ctx = ctx->code;
    if (ctx->coded || ctx->epoch == 0) {
        memset(ctx->code_filter, 0, sizeof(ctx->code_filter));
        ctx->code_regions = 0;
        ctx->coded = ctx->coded_transient = false;
        ctx->epoch = epoch_next(cpu);
    }
    if (cpu->tlb != NULL) {
        cpu->epoch = cpu->tlb->code->epoch;
    }
}

static void ctx_clear_walks(struct tlb_ctx *ctx)
{
    if (ctx->walked) {
        memset(ctx->walk, 0xff, sizeof(ctx->walk));
        ctx->walked = false;
    }
}

static bool l0_used(const struct tlb_l0 *l0)
{
    return (l0->used[L0_READ] | l0->used[L0_WRITE]) != 0;
}

static void l0_clear(struct tlb_l0 *l0)
{
    for (unsigned w = 0; w < 2; w++) {
        for (uint64_t left = l0->used[w]; left != 0; left &= left - 1) {
            struct l0_entry *e = &l0->e[w][__builtin_ctzll(left)];
            e->narrow = e->wide = 0;
        }
        l0->used[w] = 0;
    }
}

/* Where copies of the context's entries may be; NULL: there are none. */
static struct tlb_l0 *ctx_l0(struct cpu *cpu, const struct tlb_ctx *ctx)
{
    struct tlb_l0 *l0 = &cpu->l0[ctx->el == 0];

    return l0->owner == ctx && l0_used(l0) ? l0 : NULL;
}

/* What translated code used last. It may be of entries that are gone from e. */
static void ctx_clear_l0(struct cpu *cpu, const struct tlb_ctx *ctx)
{
    struct tlb_l0 *l0 = ctx_l0(cpu, ctx);

    if (l0 != NULL) {
        l0_clear(l0);
    }
}

static void entry_clear(struct tlb_ctx *ctx, unsigned n)
{
    memset(&ctx->e[n], 0xff, sizeof(ctx->e[n]));
    memset(&ctx->info[n], 0xff, sizeof(ctx->info[n]));
}

/* Those of the set, which is empty afterwards. */
static void entries_clear(struct tlb_ctx *ctx, uint64_t *set)
{
    for (unsigned w = 0; w < TLB_ENTRIES / 64; w++) {
        for (uint64_t left = set[w]; left != 0; left &= left - 1) {
            entry_clear(ctx, w * 64 + (unsigned)__builtin_ctzll(left));
        }
        set[w] = 0;
    }
}

/* Entries only. */
static void ctx_clear_entries(struct cpu *cpu, struct tlb_ctx *ctx)
{
    ctx_clear_l0(cpu, ctx);
    entries_clear(ctx, ctx->used);
    memset(ctx->transient, 0, sizeof(ctx->transient));
    ctx->globals = false;
    for (unsigned half = 0; half < 2; half++) {
        ctx->block_lo[half] = UINT64_MAX;
        ctx->block_hi[half] = 0;
    }
}

static void ctx_clear(struct cpu *cpu, struct tlb_ctx *ctx)
{
    ctx_clear_entries(cpu, ctx);
    ctx_clear_walks(ctx);
    ctx_new_epoch(cpu, ctx);
}

static struct tlb_ctx *ctx_make(struct cpu *cpu, unsigned el, bool pan)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;
    struct tlb_ctx *ctx = ports->alloc(ports->opaque, sizeof(*ctx), 64);

    if (ctx != NULL) {
        ctx->code = ctx;
        ctx->el = (uint8_t)el;
        ctx->pan = pan;
        /* The memory is zero, which saves start-up from touching it all. Tag 0 is what an access has that begins in the
         * first page, or in the last and wraps: no other place is looked at for it. */
        entry_clear(ctx, tlb_index(0));
        entry_clear(ctx, tlb_index(UINT64_MAX));
        ctx->walk[0].tag = TLB_NEVER;
        ctx_clear_entries(cpu, ctx);
        ctx->epoch = epoch_next(cpu);
        ctx->salt = ctx->epoch * 0x9e3779b1 & JC_INDEX_MASK << 2;
    }
    return ctx;
}

static void ctx_free(struct cpu *cpu, struct tlb_ctx *ctx)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;

    if (ctx != NULL) {
        ports->free(ports->opaque, ctx, sizeof(*ctx));
    }
}

/* Makes the pair at ctx[i], if it is not there; false: no memory. */
static bool pair_make(struct cpu *cpu, unsigned i)
{
    struct tlb_ctx **pair = &cpu->priv->ctx[i];

    for (unsigned pan = 0; pan < 2; pan++) {
        if (pair[pan] == NULL && (pair[pan] = ctx_make(cpu, 1, pan != 0)) == NULL) {
            return false;
        }
    }
    pair[1]->code = pair[0];
    return true;
}

bool tlb_create(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;

    p->half_tcr = ~0ull; /* none yet */
    p->ctx[CTX_EL0] = ctx_make(cpu, 0, false);
    p->none = ctx_make(cpu, 0, false);
    if (!pair_make(cpu, CTX_EL1) || p->ctx[CTX_EL0] == NULL || p->none == NULL) {
        return false;
    }
    p->el1[0] = p->ctx[CTX_EL1];
    p->el1[1] = p->ctx[CTX_EL1 + 1];
    return true;
}

void tlb_destroy(struct cpu *cpu)
{
    for (unsigned i = 0; i < CTX_COUNT; i++) {
        ctx_free(cpu, cpu->priv->ctx[i]);
    }
    ctx_free(cpu, cpu->priv->none);
}

void tlb_drop_all(struct cpu *cpu)
{
    for (unsigned i = 0; i < CTX_COUNT; i++) {
        if (cpu->priv->ctx[i] != NULL) {
            ctx_clear(cpu, cpu->priv->ctx[i]);
        }
    }
}

void tlb_new_epochs(struct cpu *cpu)
{
    cpu->priv->generation = cpu->priv->epochs + EPOCH_STEP;
    for (unsigned i = 0; i < CTX_COUNT; i++) {
        if (cpu->priv->ctx[i] != NULL) {
            cpu->priv->ctx[i]->code->coded = true; /* its epoch is of the generation before */
            ctx_new_epoch(cpu, cpu->priv->ctx[i]);
        }
    }
}

/* A context of the pool with this key, or the one to give to it. */
static struct tlb_ctx *pool_find(struct cpu *cpu, uint64_t ttbr0, uint64_t ttbr1, bool *found)
{
    struct soft_private *p = cpu->priv;
    struct tlb_ctx *victim = NULL;

    for (unsigned i = CTX_EL0; i < CTX_COUNT; i++) {
        if (p->ctx[i] == NULL && (p->ctx[i] = ctx_make(cpu, 0, false)) == NULL) {
            break;
        }
        struct tlb_ctx *ctx = p->ctx[i];
        if (!ctx->valid) {
            *found = false;
            return ctx;
        }
        if (ctx->asid == p->asid && ctx->ttbr0 == ttbr0 && ctx->ttbr1 == ttbr1) {
            *found = true;
            return ctx;
        }
        if (victim == NULL || ctx->used_at < victim->used_at) {
            victim = ctx;
        }
    }
    *found = false;
    return victim;
}

struct tlb_ctx *tlb_user_ctx(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;

    if (p->el0 == NULL) {
        bool found;
        struct tlb_ctx *ctx = pool_find(cpu, p->half[0].table, p->half[1].table, &found);
        ASSERT(ctx != NULL); /* the pool's first was made with the CPU */
        if (!found) {
            ctx_clear(cpu, ctx);
            ctx->valid = true;
            ctx->asid = p->asid;
            ctx->ttbr0 = p->half[0].table;
            ctx->ttbr1 = p->half[1].table;
        }
        ctx->used_at = ++p->ctx_clock;
        p->el0 = ctx;
        p->stats.context_switches++;
    }
    return p->el0;
}

/* Has EL1 something in its context that goes with the ASID or TTBR0? Rarely: kernels live in the upper half. */
static void ctx_drop_transient(struct cpu *cpu, struct tlb_ctx *ctx)
{
    if (ctx->any_transient) {
        ctx_clear_l0(cpu, ctx);
        for (unsigned w = 0; w < TLB_ENTRIES / 64; w++) {
            ctx->used[w] &= ~ctx->transient[w];
        }
        entries_clear(ctx, ctx->transient);
        ctx->any_transient = false;
    }
    if (ctx->walked_lower) {
        for (unsigned n = 0; n < WALK_CACHE; n++) {
            if ((ctx->walk[n].tag >> 63) == 0) {
                ctx->walk[n].tag = TLB_NEVER;
            }
        }
        ctx->walked_lower = false;
    }
}

/* What a pair has that goes with its ASID or TTBR0. */
static void pair_drop_transient(struct cpu *cpu, struct tlb_ctx *const pair[2])
{
    ctx_drop_transient(cpu, pair[0]);
    ctx_drop_transient(cpu, pair[1]);
    if (pair[0]->coded_transient) {
        ctx_new_epoch(cpu, pair[0]);
    }
}

/* Is most of what a pair has its ASID's or TTBR0's, so that it is worth a pair of its own? */
static bool pair_is_of_asid(struct tlb_ctx *const pair[2])
{
    int balance = 0; /* transient entries, less the others */

    for (unsigned pan = 0; pan < 2; pan++) {
        const struct tlb_ctx *ctx = pair[pan];
        for (unsigned w = 0; w < TLB_ENTRIES / 64; w++) {
            for (uint64_t left = ctx->used[w]; left != 0; left &= left - 1) {
                balance += (ctx->transient[w] & left & -left) != 0 ? 1 : -1;
            }
        }
    }
    return balance > 0;
}

/* Could be had for another key by dropping what goes with the ASID and TTBR0? */
static bool pair_can_turn(struct tlb_ctx *const pair[2], uint64_t ttbr1)
{
    return pair[0]->valid && pair[0]->ttbr1 == ttbr1 && !pair_is_of_asid(pair);
}

/* The pair of the current ASID and tables. */
static void el1_select(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;
    uint64_t ttbr0 = p->half[0].table, ttbr1 = p->half[1].table;
    struct tlb_ctx **turn = NULL, **oldest = NULL, **take;

    for (unsigned i = CTX_EL1; i < CTX_EL0; i += 2) {
        struct tlb_ctx **pair = &p->ctx[i];
        if (pair[0] != NULL && pair[0]->valid && pair[0]->asid == p->asid &&
            pair[0]->ttbr0 == ttbr0 && pair[0]->ttbr1 == ttbr1) {
            p->el1[0] = pair[0];
            p->el1[1] = pair[1];
            pair[0]->used_at = ++p->ctx_clock;
            return;
        }
    }
    for (unsigned i = CTX_EL1; i < CTX_EL0; i += 2) {
        struct tlb_ctx **pair = &p->ctx[i];
        if (!pair_make(cpu, i)) {
            break;
        }
        if (pair_can_turn(pair, ttbr1) && (turn == NULL || pair[0]->used_at > turn[0]->used_at)) {
            turn = pair;
        }
        if (oldest == NULL || pair[0]->used_at < oldest[0]->used_at) {
            oldest = pair;
        }
        if (!pair[0]->valid) {
            break; /* the others were never used, either */
        }
    }
    take = turn != NULL ? turn : oldest;
    if (turn != NULL) {
        pair_drop_transient(cpu, take);
    } else {
        ctx_clear(cpu, take[0]);
        ctx_clear(cpu, take[1]);
    }
    for (unsigned pan = 0; pan < 2; pan++) {
        struct tlb_ctx *ctx = p->el1[pan] = take[pan];
        ctx->asid = p->asid;
        ctx->ttbr0 = ttbr0;
        ctx->ttbr1 = ttbr1;
        ctx->valid = true;
        ctx->used_at = ++p->ctx_clock;
    }
}

/* The contexts of the current Exception level and PAN, and the epoch. */
static void select_contexts(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;
    struct tlb_l0 *l0 = &cpu->l0[cpu_el(cpu) == 0];

    if (cpu_el(cpu) == 0) {
        cpu->tlb = cpu->tlb_user = tlb_user_ctx(cpu);
    } else {
        cpu->tlb = p->el1[(cpu->pstate & PS_PAN) != 0];
        /* PSTATE.UAO makes LDTR and STTR plain accesses of EL1. */
        cpu->tlb_user = (cpu->pstate & PS_UAO) != 0 ? cpu->tlb : p->el0 != NULL ? p->el0 : p->none;
    }
    if (l0->owner != cpu->tlb) {
        l0_clear(l0);
        l0->owner = cpu->tlb;
    }
    cpu->epoch = cpu->tlb->code->epoch;
    cpu->jc_salt = cpu->tlb->code->salt;
}

void tlb_tables_changed(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;
    uint64_t tcr = p->sys[SYS_TCR_EL1];
    uint64_t asid_source = p->sys[(tcr & TCR_A1) != 0 ? SYS_TTBR1_EL1 : SYS_TTBR0_EL1];
    uint32_t asid =
        (uint32_t)bits(asid_source, 48, p->model->asid_bits == 16 && (tcr & TCR_AS) != 0 ? 16 : 8);
    uint64_t old0 = p->half[0].table;
    uint64_t old1 = p->half[1].table;
    bool new_asid = asid != p->asid;

    pgt_half_init(&p->half[0], tcr, p->sys[SYS_TTBR0_EL1], false, &p->impl);
    pgt_half_init(&p->half[1], tcr, p->sys[SYS_TTBR1_EL1], true, &p->impl);
    p->asid = asid;
    if (p->half_tcr != tcr) {
        p->half_tcr = tcr;
        pauth_layout(cpu);
    }
    if (!new_asid && p->half[0].table == old0 && p->half[1].table == old1) {
        return;
    }
    el1_select(cpu);
    p->el0 = NULL;
    select_contexts(cpu);
}

void soft_refresh(struct cpu *cpu)
{
    uint64_t sctlr = cpu->priv->sys[SYS_SCTLR_EL1];
    unsigned el = cpu_el(cpu);
    unsigned fpen = (unsigned)bits(cpu->priv->sys[SYS_CPACR_EL1], 20, 2);

    select_contexts(cpu);
    uint64_t align_mask = (sctlr & (SCTLR_A | SCTLR_M)) == SCTLR_M ? 0 : ~0ull;
    if (align_mask != cpu->align_mask && cpu->priv->jit != NULL) {
        cpu->align_mask = align_mask; /* a property of translated pages */
        tlb_new_epochs(cpu);
    }
    cpu->align_mask = align_mask;
    cpu->sp_align_mask = (sctlr & (el == 0 ? SCTLR_SA0 : SCTLR_SA)) != 0 ? 15 : 0;
    debug_refresh(cpu);
    cpu_set_fp_trap(cpu, fpen != 3 && !(fpen == 1 && el != 0));
}

/* ---- Code that the jump cache leads to ------------------------------------------------------- */

static unsigned filter_bit(uint64_t va)
{
    return (unsigned)(va >> PAGE_BITS) & ((1u << CODE_FILTER_BITS) - 1);
}

static uint64_t region_bit(uint64_t va)
{
    uint64_t region = bits(va, 24, 32);

    return BIT((region ^ region >> 6 ^ region >> 12) & 63);
}

void tlb_note_code(struct cpu *cpu, uint64_t va)
{
    struct tlb_ctx *ctx = (struct tlb_ctx *)(uintptr_t)cpu->tlb;
    const struct tlb_info *info = &ctx->info[tlb_index(va)];
    struct tlb_ctx *code = ctx->code;
    unsigned bit = filter_bit(va);

    code->code_filter[bit / 64] |= BIT(bit % 64);
    code->code_regions |= region_bit(va);
    code->coded = true;
    if ((info->pa & TI_NG) != 0 || (va >> 55 & 1) == 0) {
        code->coded_transient = true;
    }
}

/* ---- Maintenance here ------------------------------------------------------------------------ */

static bool same_page(uint64_t a, uint64_t b)
{
    return ((a ^ b) << 8 >> (8 + PAGE_BITS)) == 0;
}

/* Could [va, va + bytes) be part of a block that was split into entries? */
static bool hits_block(const struct tlb_ctx *ctx, uint64_t va, uint64_t bytes)
{
    unsigned half = va >> 55 & 1;
    uint64_t first = bits(va, 0, 56);
    uint64_t last = first + (bytes - 1);

    return first <= ctx->block_hi[half] && last >= ctx->block_lo[half];
}

static void ctx_drop_page(struct tlb_ctx *ctx, uint64_t va, bool globals_only)
{
    unsigned n = tlb_index(va);

    if (same_page(ctx->info[n].va, va) && !(globals_only && (ctx->info[n].pa & TI_NG) != 0)) {
        entry_clear(ctx, n);
        ctx->used[n / 64] &= ~BIT(n % 64);
    }
}

/* The same for L0: windows that the range touches. */
static void l0_drop_range(struct tlb_l0 *l0, uint64_t va, uint64_t bytes)
{
    for (unsigned w = 0; w < 2; w++) {
        for (uint64_t left = l0->used[w]; left != 0; left &= left - 1) {
            struct l0_entry *e = &l0->e[w][__builtin_ctzll(left)];
            uint64_t size = e->narrow + (L0_NARROW - 1);
            if (bits(e->lo - va, 0, 56) < bytes || bits(va - e->lo, 0, 56) < size) {
                e->narrow = e->wide = 0;
                l0->used[w] &= ~(left & -left);
            }
        }
    }
}

static bool code_hit(const struct tlb_ctx *code, uint64_t va, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t page = va + (i << PAGE_BITS);
        unsigned bit = filter_bit(page);
        if ((code->code_regions & region_bit(page)) != 0 &&
            (code->code_filter[bit / 64] >> (bit % 64) & 1) != 0) {
            return true;
        }
    }
    return false;
}

/* globals_only: the operation names another ASID than the context's. */
static void ctx_drop_range(struct cpu *cpu, struct tlb_ctx *ctx, const struct inval *iv,
                           bool globals_only)
{
    uint64_t pages = iv->bytes >> PAGE_BITS;
    struct tlb_ctx *code = ctx->code;

    if (globals_only && !ctx->globals) {
        return;
    }
    if (pages > TLB_ENTRIES || hits_block(ctx, iv->addr, iv->bytes)) {
        ctx_clear(cpu, ctx);
        return;
    }
    if (ctx_l0(cpu, ctx) != NULL) {
        l0_drop_range(ctx_l0(cpu, ctx), iv->addr, iv->bytes);
    }
    for (uint64_t i = 0; i < pages; i++) {
        ctx_drop_page(ctx, iv->addr + (i << PAGE_BITS), globals_only);
    }
    if (!iv->leaf_only) {
        ctx_clear_walks(ctx);
    }
    if (code->coded && code_hit(code, iv->addr, pages)) {
        ctx_new_epoch(cpu, code);
    }
}

static void apply_va(struct cpu *cpu, const struct inval *iv)
{
    struct soft_private *p = cpu->priv;

    for (unsigned i = 0; i < CTX_COUNT; i++) {
        struct tlb_ctx *ctx = p->ctx[i];
        if (ctx != NULL) {
            bool other_asid = i >= CTX_EL0 && iv->kind == INVAL_VA && ctx->asid != iv->asid;
            ctx_drop_range(cpu, ctx, iv, other_asid);
        }
    }
}

static void apply_asid(struct cpu *cpu, const struct inval *iv)
{
    struct soft_private *p = cpu->priv;

    for (unsigned i = CTX_EL0; i < CTX_COUNT; i++) {
        if (p->ctx[i] != NULL && p->ctx[i]->asid == iv->asid) {
            ctx_clear(cpu, p->ctx[i]);
        }
    }
    for (unsigned i = CTX_EL1; i < CTX_EL0 && p->ctx[i] != NULL; i += 2) {
        if (p->ctx[i]->asid == iv->asid) {
            pair_drop_transient(cpu, &p->ctx[i]);
            ctx_clear_walks(p->ctx[i]);
            ctx_clear_walks(p->ctx[i + 1]);
        }
    }
}

void inval_apply(struct cpu *cpu, const struct inval *iv)
{
    switch ((enum inval_kind)iv->kind) {
    case INVAL_ALL: tlb_drop_all(cpu); break;
    case INVAL_ASID: apply_asid(cpu, iv); break;
    case INVAL_VA:
    case INVAL_VAA: apply_va(cpu, iv); break;
    case INVAL_CODE: code_forget(cpu, iv->addr, iv->bytes); break;
    case INVAL_CODE_ALL: code_forget_all(cpu); break;
    case INVAL_LEFT: jit_leave(cpu); break;
    }
}
