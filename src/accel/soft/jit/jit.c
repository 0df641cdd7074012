/*
 * jit.c - the translator's edges: how slots become heads and entries, regions are made, and forgotten.
 *
 *       decoded    -- mark -->     head      -- heat -->     jit_make_region    -->   entry: op->fn leads into the
 *       (a body)                 (op_warm)                                            code cache (cache.c)
 *                                    ^                                                      |
 *                                    +---- entry_reset, when the region is forgotten -------+
 *
 * All CPUs share that. What regions and links are made of is changed under jit->lock, ops and the heads of a page under the pool's.
 */
#include "accel/soft/jit/region.h"

#if SOFT_JIT

/* No context's: frames of returns that were made before are forgotten. */
#define NO_EPOCH UINT32_MAX

/* ---- Entries --------------------------------------------------------------------------------- */

static bool is_code(const struct jit *jit, op_fn *fn)
{
    return (uintptr_t)fn - (uintptr_t)jit->rx < jit->size;
}

static bool is_translated(const struct jit *jit, const struct op *op)
{
    return is_code(jit, op_fn_of(op));
}

/* What an entry knows of itself, before its code for the interpreter. */
enum entry_data { ENTRY_DEAD = -32, ENTRY_CHECK = -24, ENTRY_FAR = -16, ENTRY_NEAR = -8 };

/* An address in the code of the entry that the op is, writable; NULL: there is none. */
static uint8_t *entry_data(const struct jit *jit, const struct op *op, enum entry_data at)
{
    op_fn *fn = op_fn_of(op);
    uint64_t rx;

    if (!is_code(jit, fn)) {
        return NULL;
    }
    memcpy(&rx, jit->rw + ((uintptr_t)fn - (uintptr_t)jit->rx) + at, 8);
    return rx != 0 ? jit->rw + (rx - (uintptr_t)jit->rx) : NULL;
}

uint8_t *jit_near_host(const struct jit *jit, const struct op *op)
{
    return entry_data(jit, op, ENTRY_NEAR);
}

uint8_t *jit_near_check(const struct jit *jit, const struct op *op)
{
    return entry_data(jit, op, ENTRY_CHECK);
}

bool jit_near_dead(const struct jit *jit, const struct op *op)
{
    return is_translated(jit, op) &&
           jit->rw[(uintptr_t)op->fn - (uintptr_t)jit->rx + (uintptr_t)ENTRY_DEAD] != 0;
}

const void *jit_far_host(const struct cpu *cpu, const struct op *op, bool guarded)
{
    const struct jit *jit = cpu->priv->jit;
    const uint8_t *host;

    if (jit == NULL) {
        return NULL;
    }
    host = entry_data(jit, op, ENTRY_FAR);
    if (host == NULL) {
        host = guarded ? jit->far_interp_guarded : jit->far_interp;
    }
    return jit->rx + (host - jit->rw);
}

/*
 * A region that is forgotten, or made again, may still be jumped to through the jump cache. Its far entries, which never have
 * a return address on the stack, look at the op once more, as for code without translation. The ways from other regions of
 * the page end with the op (entry_reset) or go where it does.
 */
static void entry_close(const struct jit *jit, const struct op *op)
{
    uint8_t *at = entry_data(jit, op, ENTRY_FAR), jump[JUMP_BYTES] = { 0xe9 };
    int32_t d = (int32_t)(jit->far_interp - (at + JUMP_BYTES));

    memcpy(jump + 1, &d, 4);
    jit_rewrite(at, jump, JUMP_BYTES);
}

/* The op is translated, and about to be the entry of another region. */
static void entry_leave(struct jit *jit, const struct code_page *page, const struct op *op)
{
    struct jit_region *region = page->jit->regions;

    while (region != NULL && !jit_region_has(region, op)) {
        region = region->next;
    }
    if (region != NULL) {
        region->entries--;
    }
    entry_close(jit, op);
}

void jit_set_entry(struct cpu *cpu, struct code_page *page, unsigned slot, op_fn *entry)
{
    struct op *op = &page->ops[slot];

    soft_lock(cpu, &cpu->priv->code->lock);
    if (is_translated(cpu->priv->jit, op)) {
        entry_leave(cpu->priv->jit, page, op);
    } else if (op->fn != op_warm) {
        page->jit->orig[slot] = op->fn;
    }
    op_become(op, entry);
    soft_unlock(&cpu->priv->code->lock);
    jit_link_set(cpu->priv->jit, page, slot);
}

/* ---- Heads ----------------------------------------------------------------------------------- */

static bool is_head(const struct code_page *page, unsigned slot)
{
    return page->jit != NULL && (page->jit->head[slot / 64] >> slot % 64 & 1) != 0;
}

/* From now on the slot's entries are counted. */
static void count_entries(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    struct op *op = &page->ops[slot];

    if (op->fn != op_decode && op->fn != op_warm && !is_translated(cpu->priv->jit, op)) {
        page->jit->orig[slot] = op->fn;
        op_become(op, op_warm);
    }
}

/* ---- Forgetting ------------------------------------------------------------------------------ */

/* The op as it was before the region was made, and soon translated again. */
static void entry_reset(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    const struct jit *jit = cpu->priv->jit;

    op_become(&page->ops[slot], page->jit->orig[slot]);
    page->jit->heat[slot] = (uint8_t)(jit->heat - 1);
    jit_link_set(jit, page, slot);
    if (is_head(page, slot)) {
        count_entries(cpu, page, slot);
    }
}

/* The region's code is not run any more. */
static void region_leave(const struct jit *jit, const struct code_page *page,
                         const struct jit_region *region)
{
    const uint8_t *start = jit->rw + (region->start - (uintptr_t)jit->rx);

    jit_links_forget(page, start, start + (region->end - region->start));
}

static void region_forget(struct cpu *cpu, struct code_page *page, const struct jit_region *region)
{
    const struct jit *jit = cpu->priv->jit;

    for (unsigned n = 0; n < PAGE_SLOTS; n++) {
        if ((region->lines >> n / 16 & 1) != 0 && jit_region_has(region, &page->ops[n])) {
            entry_close(jit, &page->ops[n]);
            entry_reset(cpu, page, n);
        }
    }
    region_leave(jit, page, region);
}

/* Forgets the regions that depend on one of the lines; answers whether there was one. */
bool jit_forget_lines(struct cpu *cpu, struct code_page *page, uint64_t lines)
{
    struct jit_region **at = &page->jit->regions;
    bool any = false;

    page->jit->lines = 0;
    while (*at != NULL) {
        const struct jit_region *region = *at;
        if ((region->lines & lines) != 0) {
            region_forget(cpu, page, region);
            *at = region->next;
            cpu->priv->stats.jit_closed++;
            any = true;
        } else {
            page->jit->lines |= region->lines;
            at = &(*at)->next;
        }
    }
    return any;
}

void jit_leave(struct cpu *cpu)
{
    if (cpu->priv->executing) {
        cpu->jit_epoch = NO_EPOCH;
    }
}

/*
 * Translated code may be running, and have called who changes its code: it runs on in what has been forgotten until it looks
 * at pending. It must not come back there by a return, so its frames are forgotten, too. Other CPUs do the same: they will be told
 * (code_announce) if the guest has changed its code, and if not, what they run is still right.
 */
bool jit_drop_lines(struct cpu *cpu, struct code_page *page, uint64_t lines)
{
    if (!jit_forget_lines(cpu, page, lines)) {
        return false;
    }
    cpu->priv->stats.jit_drops++;
    jit_leave(cpu);
    if (cpu->priv->executing && cpu->page_ops == page->ops) {
        atomic_fetch_or(&cpu->pending, PEND_WORK); /* out of loops that have no other way out */
    }
    return true;
}

void jit_changed(struct cpu *cpu, struct code_page *page, unsigned line)
{
    struct jit_page *jp = page->jit;

    if ((jp->lines & BIT(line)) != 0) {
        cpu->priv->stats.jit_drops_changed += jit_drop_lines(cpu, page, BIT(line));
        jp->churn += jp->churn < UINT8_MAX;
        memset(jp->heat, 0, sizeof(jp->heat));
    } else {
        memset(&jp->heat[line * 16], 0, 16);
    }
}

/* ---- Marking --------------------------------------------------------------------------------- */

/* Under the pool's lock. */
static void mark(struct cpu *cpu, struct code_page *page, unsigned slot, bool way)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;

    if (is_translated(cpu->priv->jit, &page->ops[slot])) {
        return;
    }
    if (page->jit == NULL) {
        page->jit = ports->alloc(ports->opaque, sizeof(*page->jit), 64);
        if (page->jit == NULL) {
            return;
        }
    }
    if (!way) {
        page->jit->way_end[slot / 64] &= ~BIT(slot % 64);
    } else if (!is_head(page, slot)) {
        page->jit->way_end[slot / 64] |= BIT(slot % 64);
    }
    page->jit->head[slot / 64] |= BIT(slot % 64);
    count_entries(cpu, page, slot);
}

void jit_mark(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    const struct jit *jit = cpu->priv->jit;
    op_fn *fn = op_fn_of(&page->ops[slot]);

    if (jit != NULL && !is_code(jit, fn) &&
        (fn != op_warm || (page->jit->way_end[slot / 64] >> slot % 64 & 1) != 0)) {
        soft_lock(cpu, &cpu->priv->code->lock);
        mark(cpu, page, slot, false);
        soft_unlock(&cpu->priv->code->lock);
    }
}

void jit_mark_way(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    soft_lock(cpu, &cpu->priv->code->lock);
    mark(cpu, page, slot, true);
    soft_unlock(&cpu->priv->code->lock);
}

void jit_decoded(struct cpu *cpu, struct code_page *page, unsigned slot, enum uop uop)
{
    const struct op *op = &page->ops[slot];

    if (cpu->priv->jit == NULL) {
        return;
    }
    if ((uop_table[uop].flags & UOP_ENDS_BLOCK) != 0 && uop >= UOP_b_near && uop <= UOP_tbnz_near) {
        int64_t distance = (int64_t)op->imm;
        bool near_ = uop == UOP_b_near || uop == UOP_bl_near ||
                     (uop >= UOP_b_near_eq && uop <= UOP_b_near_le) || uop == UOP_cbz32_near ||
                     uop == UOP_cbz64_near || uop == UOP_cbnz32_near || uop == UOP_cbnz64_near ||
                     uop == UOP_tbz_near || uop == UOP_tbnz_near;
        if (near_ && (distance <= 0 || uop == UOP_bl_near)) {
            mark(cpu, page, (unsigned)((int64_t)slot + distance / OP_BYTES), uop != UOP_bl_near);
        }
    }
    if (is_head(page, slot)) {
        count_entries(cpu, page, slot);
    }
}

/* ---- Translating ----------------------------------------------------------------------------- */

/* There is room: jit_make_region has looked. */
static void region_add(struct jit *jit, struct code_page *page, const struct tr *t, unsigned slot)
{
    struct jit_region *region;

    jit->top -= sizeof(*region);
    region = (struct jit_region *)(void *)jit->top;
    region->entries = 0;
    region->samples = 0;
    region->start = (uintptr_t)jit->rx + (uintptr_t)(jit->p - jit->rw);
    region->end = (uintptr_t)jit->rx + (uintptr_t)(t->a.p - jit->rw);
    region->lines = t->ahead;
    for (unsigned n = 0; n < t->count; n++) {
        region->lines |= BIT(t->insn[n].slot / 16);
        region->entries += t->insn[n].entry;
    }
    region->slot = (uint16_t)slot;
    region->tier = (uint8_t)t->tier;
    region->next = page->jit->regions;
    page->jit->regions = region;
    page->jit->lines |= region->lines;
}

/* No way leads to a region without entries. */
static void region_prune(struct cpu *cpu, struct code_page *page)
{
    for (struct jit_region **at = &page->jit->regions; *at != NULL;) {
        if ((*at)->entries == 0) {
            region_leave(cpu->priv->jit, page, *at);
            *at = (*at)->next;
        } else {
            at = &(*at)->next;
        }
    }
}

void jit_make_region(struct cpu *cpu, struct code_page *page, unsigned slot, unsigned tier)
{
    struct jit *jit = cpu->priv->jit;
    struct tr *t = (struct tr *)(void *)(jit + 1);

    if (!jit_cache_open(cpu)) {
        return;
    }
    if (jit->top - jit->p < 2 * JIT_REGION_BYTES) {
        jit_cache_drop(cpu);
        return;
    }
    t->cpu = cpu;
    t->jit = jit;
    t->page = page;
    t->tier = tier;
    t->a = (struct as){ .p = jit->p, .end = jit->p + JIT_REGION_BYTES };
    t->colds = t->fixes = 0;
    t->bias = 0;
    if (!jit_region(t, slot) || !jit_translate(t)) {
        jit_links_forget(page, jit->p, jit->p + JIT_REGION_BYTES);
        cpu->priv->stats.jit_failures++;
        return;
    }
    region_add(jit, page, t, slot);
    jit_tell_region(cpu, page, page->jit->regions, slot);
    jit->p = t->a.p;
    cpu->priv->stats.jit_regions++;
    cpu->priv->stats.jit_insns += t->count;
    if (tier != 0) {
        cpu->priv->stats.jit_again++;
        region_prune(cpu, page);
    }
}

op_fn *jit_now(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    struct jit *jit = cpu->priv->jit;
    op_fn *before = page->ops[slot].fn;

    cpu->jit_way = 0;
    jit_cache_begin(jit);
    if (page->jit != NULL) {
        memset(page->jit->head, 0, sizeof(page->jit->head));
    }
    jit_mark(cpu, page, slot);
    if (page->jit == NULL) {
        return NULL; /* no memory */
    }
    page->jit->links = NULL;
    page->jit->regions = NULL;
    page->ops[slot].fn = before;
    jit_make_region(cpu, page, slot, 0);
    return is_translated(jit, &page->ops[slot]) ? page->ops[slot].fn : NULL;
}

/* ---- Heat ------------------------------------------------------------------------------------ */

/* Entries before a head is translated: more where the guest has changed translated code before. */
static unsigned heat_wanted(const struct cpu *cpu, const struct code_page *page)
{
    unsigned wanted = cpu->priv->jit->heat << (page->jit->churn < 12 ? page->jit->churn / 4 : 3);

    return wanted < UINT8_MAX ? wanted : UINT8_MAX;
}

op_ret HV_ENGINE_ABI jit_interpret(struct cpu *cpu, const struct op *op)
{
    const struct code_page *page = CONTAINER_OF(cpu->page_ops, const struct code_page, ops);
    op_fn *fn = page->jit->orig[op - cpu->page_ops];

    MUSTTAIL return fn(cpu, op);
}

/* The head is about to be translated, unless it just has been. */
static bool cool(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    struct op *op = &page->ops[slot];
    bool warm;

    soft_lock(cpu, &cpu->priv->code->lock);
    warm = op->fn == op_warm;
    if (warm) {
        page->jit->heat[slot] = 0;
        op_become(op, page->jit->orig[slot]);
    }
    soft_unlock(&cpu->priv->code->lock);
    return warm;
}

/* The head is hot. If another CPU translates, it is interpreted on. */
static NOINLINE op_fn *ignite(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    op_fn *fn;

    if (cpu->priv->code->users > 1 && (atomic_load(&cpu->priv->jit->lock) != 0 ||
                                       atomic_exchange(&cpu->priv->jit->lock, 1) != 0)) {
        return page->jit->orig[slot];
    }
    if (jit_cache_open(cpu) && cool(cpu, page, slot)) {
        jit_make_region(cpu, page, slot, 0);
    }
    jit_unlock(cpu);
    fn = op_fn_of(&page->ops[slot]);
    return fn != op_warm && fn != op_decode ? fn : page->jit->orig[slot];
}

op_fn *jit_heat(struct cpu *cpu, const struct op *op)
{
    struct code_page *page =
        CONTAINER_OF((struct op *)(uintptr_t)cpu->page_ops, struct code_page, ops);
    unsigned slot = (unsigned)(op - cpu->page_ops);

    if (UNLIKELY(cpu->count_bias >= cpu->count_stop)) {
        return soft_attend_at;
    }
    if (LIKELY(page->jit->heat[slot] + 1u < heat_wanted(cpu, page))) {
        page->jit->heat[slot]++; /* who counts at the same time may be lost */
        return page->jit->orig[slot];
    }
    return ignite(cpu, page, slot);
}

#endif
