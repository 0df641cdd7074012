/*
 * mmu.c - the MMU of the EL1&0 regime: table walks, permissions, hardware updates, TLB refill.
 *
 * DDI 0487, "The AArch64 Virtual Memory System Architecture"; the order of faults is that of "MMU
 * fault priorities". What descriptors mean is in arch/pgtable.c.
 *
 * A refill enters everything the context may do with the page, so a page that is read, written and
 * executed costs one walk; except that a clean page under hardware management of dirty state stays
 * unwritable until it is written.
 */
#include "accel/soft/engine.h"

/* Times that a walk starts again because a descriptor changed under a hardware update. */
#define WALK_RETRIES 64

/* Bytes of a window (struct tlb_entry), at most. */
#define WINDOW_MAX (128ull << 20)

uint8_t *mmu_host(const struct cpu *cpu, uint64_t pa, bool *rom)
{
    const struct mem_slot *slot = guest_mem_slot(&cpu->vcpu->vm->mem, pa);

    if (slot == NULL) {
        return NULL;
    }
    *rom = slot->rom;
    return slot->host + (pa - slot->base);
}

static const struct pgt_half *half_of(const struct cpu *cpu, uint64_t va)
{
    return &cpu->priv->half[va >> 55 & 1];
}

static bool mmu_on(const struct cpu *cpu)
{
    return (cpu->priv->sys[SYS_SCTLR_EL1] & SCTLR_M) != 0;
}

/* The address without a tag. */
static uint64_t mmu_canonical(uint64_t va)
{
    return (uint64_t)sign_extend(va, 56);
}

uint64_t mmu_untag(const struct cpu *cpu, uint64_t va)
{
    const struct pgt_half *half = half_of(cpu, va);

    return half->tbi && !half->tbid ? mmu_canonical(va) : va;
}

/* ---- Walks ----------------------------------------------------------------------------------- */

/* Where a walk ended. */
struct leaf {
    uint64_t desc, hier;
    uint64_t *where;
    int level;
    bool writable; /* the table is in RAM */
};

static void walk_fault(struct walk *w, unsigned fsc)
{
    w->ok = false;
    w->fsc = (uint8_t)fsc;
}

static struct walk_cache_entry *cache_slot(struct tlb_ctx *ctx, const struct pgt_half *half,
                                           uint64_t va, uint64_t *tag)
{
    unsigned reach = pgt_level_shift(half, 2);

    *tag = align_down((uint64_t)sign_extend(va, 56), BIT(reach));
    return &ctx->walk[va >> reach & (WALK_CACHE - 1)];
}

/* Start of a walk: the cached last-level table, or the top. */
static uint64_t walk_start(struct tlb_ctx *ctx, const struct pgt_half *half, uint64_t va,
                           struct leaf *leaf)
{
    uint64_t tag;

    leaf->level = half->start_level;
    leaf->hier = 0;
    if (ctx != NULL) {
        const struct walk_cache_entry *c = cache_slot(ctx, half, va, &tag);
        if (c->tag == tag) {
            leaf->level = 3;
            leaf->hier = c->hier;
            return c->table;
        }
    }
    return half->table;
}

static void cache_table(struct tlb_ctx *ctx, const struct pgt_half *half, uint64_t va,
                        uint64_t table, uint64_t hier)
{
    uint64_t tag;
    struct walk_cache_entry *c = cache_slot(ctx, half, va, &tag);

    *c = (struct walk_cache_entry){ .tag = tag, .table = table, .hier = hier };
    ctx->walked = true;
    ctx->walked_lower |= (tag >> 63) == 0;
}

/* No fault. (0 is one: address size, level 0.) */
#define FOUND (-1)

/* Follows tables down to a page or block. Returns FOUND or the fault. */
static int find_leaf(struct cpu *cpu, struct tlb_ctx *ctx, uint64_t va, struct leaf *leaf)
{
    const struct pgt_half *half = half_of(cpu, va);
    uint64_t table = walk_start(ctx, half, va, leaf);

    cpu->priv->stats.walks++;
    for (;;) {
        bool rom = false;
        uint64_t addr = pgt_desc_addr(half, table, va, leaf->level);

        leaf->where = (uint64_t *)(void *)mmu_host(cpu, addr, &rom);
        if (leaf->where == NULL) {
            return (int)fsc_at(FSC_EXTERNAL_WALK, leaf->level);
        }
        leaf->writable = !rom;
        leaf->desc = __atomic_load_n(leaf->where, __ATOMIC_ACQUIRE);
        enum pgt_kind kind = pgt_desc_kind(half, leaf->desc, leaf->level);
        if (kind == PGT_INVALID) {
            return (int)fsc_at(FSC_TRANSLATION, leaf->level);
        }
        if (pgt_beyond(half, pgt_desc_output(half, leaf->desc, leaf->level))) {
            return (int)fsc_at(FSC_ADDRESS_SIZE, leaf->level);
        }
        if (kind == PGT_LEAF) {
            return FOUND;
        }
        leaf->hier |= half->hpd ? 0 : leaf->desc & PTE_HIERARCHICAL;
        table = pgt_desc_output(half, leaf->desc, leaf->level);
        leaf->level++;
        if (leaf->level == 3 && ctx != NULL) {
            cache_table(ctx, half, va, table, leaf->hier);
        }
    }
}

static bool permitted(const struct cpu *cpu, unsigned perms, unsigned el, bool pan,
                      enum access_kind kind)
{
    if (el == 0) {
        static const uint8_t need[] = {
            [ACCESS_READ] = PGT_R0, [ACCESS_WRITE] = PGT_W0, [ACCESS_EXEC] = PGT_X0
        };
        return (perms & need[kind]) != 0;
    }
    if (kind == ACCESS_EXEC) {
        return (perms & PGT_X1) != 0;
    }
    if (pan && mmu_on(cpu)) {
        bool epan =
            cpu_has(cpu, A64_FEAT_PAN3) && (cpu->priv->sys[SYS_SCTLR_EL1] & SCTLR_EPAN) != 0;
        if ((perms & PGT_USER) != 0 || (epan && (perms & PGT_X0) != 0)) {
            return false;
        }
    }
    return (perms & (kind == ACCESS_WRITE ? PGT_W1 : PGT_R1)) != 0;
}

static void leaf_result(struct cpu *cpu, const struct pgt_half *half, uint64_t va,
                        const struct leaf *leaf, struct walk *w)
{
    const struct soft_private *p = cpu->priv;
    unsigned shift = pgt_level_shift(half, leaf->level);

    w->size = BIT(shift);
    w->pa = pgt_desc_output(half, leaf->desc, leaf->level) | (va & (w->size - 1));
    w->perms =
        (uint8_t)pgt_perms(half, leaf->desc, leaf->hier, (p->sys[SYS_SCTLR_EL1] & SCTLR_WXN) != 0);
    w->attr = (uint8_t)bits(p->sys[SYS_MAIR_EL1], 8 * (unsigned)bits(leaf->desc, 2, 3), 8);
    w->sh = half->ds ? half->sh : (uint8_t)bits(leaf->desc, 8, 2);
    w->ng = (leaf->desc & PTE_NG) != 0;
    w->guarded = (leaf->desc & PTE_GP) != 0 && cpu_has(cpu, A64_FEAT_BTI);
}

/* The descriptor as hardware leaves it after this access ("Hardware management of the
 * Access flag and dirty state"). */
static uint64_t updated(const struct pgt_half *half, uint64_t desc, unsigned flags)
{
    if (half->ha) {
        desc |= PTE_AF;
    }
    if (half->hd && (flags & WALK_WRITE) != 0 && (desc & PTE_DBM) != 0) {
        desc &= ~PTE_RO;
    }
    return desc;
}

/* One try; false: the descriptor changed meanwhile, try again. */
static bool walk_once(struct cpu *cpu, struct tlb_ctx *ctx, uint64_t va, unsigned el, bool pan,
                      enum access_kind kind, unsigned flags, struct walk *w)
{
    const struct pgt_half *half = half_of(cpu, va);
    struct leaf leaf;
    int fsc = find_leaf(cpu, ctx, va, &leaf);

    if (fsc != FOUND) {
        walk_fault(w, (unsigned)fsc);
        return true;
    }
    if ((leaf.desc & PTE_AF) == 0 && !half->ha) {
        walk_fault(w, fsc_at(FSC_ACCESS_FLAG, leaf.level));
        return true;
    }
    leaf_result(cpu, half, va, &leaf, w);
    if (!permitted(cpu, w->perms, el, pan, kind)) {
        walk_fault(w, fsc_at(FSC_PERMISSION, leaf.level));
        return true;
    }
    uint64_t desc = updated(half, leaf.desc, flags);
    if (desc != leaf.desc && (flags & WALK_PEEK) == 0) {
        if (!leaf.writable) {
            walk_fault(w, fsc_at(FSC_EXTERNAL_WALK, leaf.level));
            return true;
        }
        if (!__atomic_compare_exchange_n(leaf.where, &leaf.desc, desc, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST)) {
            return false;
        }
    }
    w->clean = half->hd && (desc & PTE_DBM) != 0 && (desc & PTE_RO) != 0;
    w->ok = true;
    return true;
}

/* Stage 1 off: flat, as far as there are physical addresses; data is Device-nGnRnE
 * (cpu->align_mask sees to that). */
static void walk_flat(struct cpu *cpu, uint64_t va, bool ignore_tag, struct walk *w)
{
    unsigned top = ignore_tag ? 56 : 64;
    unsigned pa_bits = cpu->priv->impl.pa_bits;

    if (bits(va, pa_bits, top - pa_bits) != 0) {
        walk_fault(w, FSC_ADDRESS_SIZE);
        return;
    }
    w->ok = true;
    w->pa = bits(va, 0, pa_bits);
    w->size = SOFT_PAGE;
    w->sh = 2;
    w->perms = PGT_R0 | PGT_W0 | PGT_X0 | PGT_R1 | PGT_W1 | PGT_X1;
}

void mmu_walk(struct cpu *cpu, struct tlb_ctx *ctx, uint64_t va, unsigned el, bool pan,
              enum access_kind kind, unsigned flags, struct walk *w)
{
    const struct pgt_half *half = half_of(cpu, va);
    bool never_code = half->tbid && mmu_canonical(va) != va;
    unsigned tries = 0;

    *w = (struct walk){ 0 };
    if (!mmu_on(cpu)) {
        walk_flat(cpu, va, half->tbi && !(never_code && kind == ACCESS_EXEC), w);
    } else if (pgt_out_of_range(half, va) || (el == 0 && half->e0pd) ||
               (never_code && kind == ACCESS_EXEC)) {
        walk_fault(w, FSC_TRANSLATION);
    } else if (half->table_beyond) {
        walk_fault(w, FSC_ADDRESS_SIZE);
    } else {
        while (!walk_once(cpu, ctx, va, el, pan, kind, flags, w)) {
            if (++tries == WALK_RETRIES) { /* another CPU rewrites it all the time: as if it had
                                              been invalid once */
                walk_fault(w, fsc_at(FSC_TRANSLATION, 3));
                return;
            }
        }
    }
    if (never_code) {
        w->perms &= (uint8_t) ~(PGT_X0 | PGT_X1);
    }
}

/* ---- Refill ---------------------------------------------------------------------------------- */

/* What the context may do with the page of a walk. */
static unsigned page_flags(const struct cpu *cpu, const struct tlb_ctx *ctx, const struct walk *w)
{
    unsigned flags = (w->ng ? TI_NG : 0) | (w->guarded ? TI_GUARDED : 0);

    if (permitted(cpu, w->perms, ctx->el, ctx->pan, ACCESS_READ)) {
        flags |= TI_R;
    }
    if (permitted(cpu, w->perms, ctx->el, ctx->pan, ACCESS_WRITE) && !w->clean) {
        flags |= TI_W;
    }
    if (permitted(cpu, w->perms, ctx->el, ctx->pan, ACCESS_EXEC)) {
        flags |= TI_X;
    }
    /* Attributes 0b0000xxxx are Device memory. With the MMU off everything is, and
     * align_mask says so. */
    if (w->attr >> 4 == 0 && mmu_on(cpu)) {
        flags |= TI_DEVICE;
    }
    return flags;
}

/* Remembers that a block (something larger than the granule) was split here. */
static void note_block(struct cpu *cpu, struct tlb_ctx *ctx, uint64_t va, uint64_t size)
{
    unsigned half = va >> 55 & 1;

    if (mmu_on(cpu) && size > BIT(cpu->priv->half[half].granule_bits)) {
        uint64_t first = align_down(bits(va, 0, 56), size);
        uint64_t last = first + (size - 1);
        ctx->block_lo[half] = first < ctx->block_lo[half] ? first : ctx->block_lo[half];
        ctx->block_hi[half] = last > ctx->block_hi[half] ? last : ctx->block_hi[half];
    }
}

/* Bytes of the window around va and pa, in a block of RAM that may be used directly; 0: not even the page. Most blocks are usable as a
 * whole. */
static uint64_t window_of(const struct cpu *cpu, const struct mem_slot *slot, uint64_t va,
                          uint64_t pa, uint64_t block)
{
    for (uint64_t size = block < WINDOW_MAX ? block : WINDOW_MAX; size >= SOFT_PAGE; size /= 2) {
        if (range_inside(align_down(pa, size), size, slot->base, slot->size) &&
            !debug_range_watched(cpu, align_down(va, size), size)) {
            return size;
        }
    }
    return 0;
}

static const struct tlb_info *fill(struct cpu *cpu, struct tlb_ctx *ctx, uint64_t va,
                                   const struct walk *w)
{
    unsigned n = tlb_index(va);
    uint64_t page = align_down(va, SOFT_PAGE);
    uint64_t pa = align_down(w->pa, SOFT_PAGE);
    unsigned flags = page_flags(cpu, ctx, w);
    const struct mem_slot *slot = guest_mem_slot(&cpu->vcpu->vm->mem, pa);
    struct tlb_entry *e = &ctx->e[n];
    uint64_t window = 0;

    if (slot != NULL) {
        flags |= slot->rom ? TI_RAM | TI_ROM : TI_RAM;
    }
    if (slot != NULL && (flags & TI_DEVICE) == 0) {
        window = window_of(cpu, slot, page, pa, mmu_on(cpu) ? w->size : UINT64_MAX);
    }
    bool fast = window != 0;
    e->rtag = fast && (flags & TI_R) != 0 ? page : TLB_NEVER;
    e->wtag = fast && (flags & (TI_W | TI_ROM)) == TI_W ? page : TLB_NEVER;
    e->window = window;
    e->addend = slot != NULL ? (uint64_t)(uintptr_t)slot->host + (pa - slot->base) - page : 0;
    ctx->info[n] = (struct tlb_info){ .va = page, .pa = pa | flags };
    ctx->used[n / 64] |= BIT(n % 64);
    ctx->globals |= !w->ng;
    note_block(cpu, ctx, va, w->size);
    bool transient = ctx->el != 0 && (w->ng || (va >> 55 & 1) == 0);
    ctx->transient[n / 64] = bits_set(ctx->transient[n / 64], n % 64, 1, transient);
    ctx->any_transient |= transient;
    cpu->priv->stats.tlb_fills++;
    return &ctx->info[n];
}

const struct tlb_info *mmu_lookup(struct cpu *cpu, struct tlb_ctx *ctx, uint64_t va,
                                  enum access_kind kind, unsigned *fsc)
{
    static const uint8_t need[] = {
        [ACCESS_READ] = TI_R, [ACCESS_WRITE] = TI_W, [ACCESS_EXEC] = TI_X
    };
    const struct tlb_info *info = &ctx->info[tlb_index(va)];
    struct walk w;

    if (info->va == align_down(va, SOFT_PAGE) && (info->pa & need[kind]) != 0) {
        return info;
    }
    mmu_walk(cpu, ctx, va, ctx->el, ctx->pan, kind, kind == ACCESS_WRITE ? WALK_WRITE : 0, &w);
    if (!w.ok) {
        *fsc = w.fsc;
        return NULL;
    }
    return fill(cpu, ctx, va, &w);
}
