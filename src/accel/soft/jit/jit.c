/*
 * jit.c - the translator's memory and its edges: code cache, entries and links, heads and their heat.
 *
 * The cache is mapped twice, writable and executable, and nothing is executed through the first or written through
 * the second. Regions grow up from the start, links grow down from the end. When it is full everything is dropped:
 * that happens between regions, when no translated code is on the stack.
 */
#include "accel/soft/bti.h"
#include "accel/soft/jit/diverge.h"
#include "accel/soft/jit/region.h"
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

/* Instructions for each miss of an L0 entry that are no trouble. */
#define L0_SELDOM 16
/* Room that a region may need at most. */
#define REGION_BYTES (128u << 10)

/* ---- The cache ------------------------------------------------------------------------------- */

bool jit_create(struct cpu *cpu)
{
    const struct vm *vm = cpu->vcpu->vm;
    const struct vm_ports *ports = &vm->ports;
    struct jit *jit;
    void *rw = NULL;

    if (ports->code_alloc == NULL || vm->config.jit.off) {
        return false;
    }
    jit = ports->alloc(ports->opaque, sizeof(*jit) + sizeof(struct tr), 64);
    if (jit == NULL) {
        return false;
    }
    jit->size = vm->config.jit.cache != 0 ? (size_t)vm->config.jit.cache : JIT_CACHE_BYTES;
    jit->strict = vm->config.jit.strict;
    jit->plant = vm->config.jit.plant;
    jit->heat = vm->config.jit.heat != 0 ? vm->config.jit.heat : JIT_HEAT;
    jit->rx = ports->code_alloc(ports->opaque, jit->size, &rw);
    jit->rw = rw;
    if (jit->rx == NULL) {
        ports->free(ports->opaque, jit, sizeof(*jit) + sizeof(struct tr));
        return false;
    }
    cpu->priv->jit = jit;
    if (vm->config.jit.diverge && !diverge_create(cpu)) {
        jit_destroy(cpu);
        return false;
    }
    jit->host = host_simd_find(VEX_AVX512);
    vregs_init(jit, cpu);
    jit_make_stubs(jit, cpu);
    jit->p = jit->start;
    jit->top = jit->rw + jit->size;
    jit->rethought_at = cpu->count_bias;
    cpu->l0_budget = L0_SAMPLE;
    return true;
}

void jit_destroy(struct cpu *cpu)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;
    struct jit *jit = cpu->priv->jit;

    if (jit != NULL) {
        diverge_destroy(cpu);
        ports->code_free(ports->opaque, jit->rx, jit->rw, jit->size);
        ports->free(ports->opaque, jit, sizeof(*jit) + sizeof(struct tr));
        cpu->priv->jit = NULL;
    }
}

/* The bodies that translated code has called most often. */
static void top_calls(const struct jit *jit, struct accel_call calls[ACCEL_CALLS])
{
    memset(calls, 0, ACCEL_CALLS * sizeof(calls[0]));
    for (unsigned uop = 0; uop < UOP_COUNT; uop++) {
        struct accel_call one = { uop_table[uop].name, jit->calls[uop] };
        for (unsigned n = 0; n < ACCEL_CALLS && one.count != 0; n++) {
            if (one.count > calls[n].count) {
                struct accel_call less = calls[n];
                calls[n] = one;
                one = less;
            }
        }
    }
}

void jit_stats(const struct cpu *cpu, struct accel_stats *stats)
{
    const struct jit *jit = cpu->priv->jit;
    const struct jit_counts *n = &cpu->jit_counts;

    if (jit == NULL) {
        return;
    }
    top_calls(jit, stats->calls);
    for (unsigned uop = 0; uop < UOP_COUNT; uop++) {
        stats->jit_calls += jit->calls[uop];
    }
    stats->jit_bytes = (uint64_t)(jit->p - jit->rw) + (uint64_t)(jit->rw + jit->size - jit->top);
    stats->jit_links = jit->links;
    stats->jit_l0_refills = n->l0_refills;
    stats->jit_l0_misaligned = n->l0_misaligned;
    stats->jit_l0_misses = n->l0_misses;
    stats->jit_far_misses = n->far_misses;
    stats->jit_far_renewed = n->far_renewed;
    stats->jit_far_interp = n->far_interp;
    stats->jit_near_interp = n->near_interp;
    stats->jit_ret_misses = n->ret_misses;
    stats->jit_leaves = n->leaves;
    stats->jit_drops_page = stats->jit_drops - stats->jit_drops_changed - stats->jit_drops_access -
                            stats->jit_drops_full;
}

static bool is_translated(const struct jit *jit, const struct op *op)
{
    return (uintptr_t)op->fn - (uintptr_t)jit->rx < jit->size;
}

uint8_t *jit_near_host(const struct jit *jit, const struct op *op)
{
    if (!is_translated(jit, op)) {
        return NULL;
    }
    const uint8_t *data = jit->rw + ((uintptr_t)op->fn - (uintptr_t)jit->rx);
    uint64_t host;
    memcpy(&host, data - 8, 8);
    return jit->rw + (host - (uintptr_t)jit->rx);
}

const void *jit_far_host(const struct cpu *cpu, const struct op *op, bool guarded)
{
    const struct jit *jit = cpu->priv->jit;
    uint64_t host;

    if (jit == NULL) {
        return NULL;
    }
    if (!is_translated(jit, op)) {
        return jit->rx + ((guarded ? jit->far_interp_guarded : jit->far_interp) - jit->rw);
    }
    memcpy(&host, jit->rw + ((uintptr_t)op->fn - (uintptr_t)jit->rx) - 16, 8);
    return (const void *)(uintptr_t)host;
}

struct jit_link *jit_link_to(struct jit *jit, struct code_page *page, unsigned slot)
{
    struct jit_link *link = page->jit->links;
    const uint8_t *host;

    while (link != NULL && link->slot != slot) {
        link = link->next;
    }
    if (link != NULL) {
        return link;
    }
    if (jit->top - jit->p < (ptrdiff_t)REGION_BYTES) {
        return NULL;
    }
    jit->top -= sizeof(*link);
    jit->links++;
    link = (struct jit_link *)(void *)jit->top;
    host = jit_near_host(jit, &page->ops[slot]);
    link->slot = slot;
    link->ops = page->ops;
    link->target =
        (uint64_t)(uintptr_t)(jit->rx + ((host != NULL ? host : jit->interp_link) - jit->rw));
    link->next = page->jit->links;
    page->jit->links = link;
    return link;
}

void jit_link_jump(struct as *a, const struct jit_link *link)
{
    as_lea_rip(a, RAX, (const uint8_t *)link);
    as_1(a, 0xff); /* JMP [RIP + link->target] */
    as_1(a, 0x25);
    as_4(a, 0);
    as_patch(a, a->p - 4, (const uint8_t *)&link->target);
}

static void link_set(struct code_page *page, unsigned slot, uint64_t target)
{
    struct jit_link *link = page->jit->links;

    while (link != NULL && link->slot != slot) {
        link = link->next;
    }
    if (link != NULL) {
        link->target = target;
    }
}

void jit_set_entry(struct cpu *cpu, struct code_page *page, unsigned slot, op_fn *entry,
                   uint64_t host)
{
    struct op *op = &page->ops[slot];

    if (op->fn != op_warm) {
        page->jit->orig[slot] = op->fn;
    }
    op->fn = entry;
    link_set(page, slot, host);
}

void jit_rethink(struct cpu *cpu)
{
    struct jit *jit = cpu->priv->jit;
    int64_t insns = (cpu->count_bias - jit->rethought_at) / OP_BYTES;
    struct code_page *page = cpu->priv->code.newest;

    jit->rethought_at = cpu->count_bias;
    if (insns > (int64_t)L0_SAMPLE * L0_SELDOM) {
        return;
    }
    while (page != NULL && cpu->l0_op - (uintptr_t)page->ops >= sizeof(page->ops)) {
        page = page->lru_next; /* it may be gone */
    }
    if (page == NULL || page->jit == NULL) {
        return;
    }
    unsigned slot = (unsigned)((cpu->l0_op - (uintptr_t)page->ops) / sizeof(struct op));
    uint64_t bit = BIT(slot % 64);
    uint64_t *suspect = &page->jit->suspect[slot / 64];
    uint64_t *by_tlb = &page->jit->by_tlb[slot / 64];
    uint64_t *misaligned = &page->jit->misaligned[slot / 64];
    if ((cpu->l0_op & L0_MISALIGNED) != 0) {
        if ((*misaligned & bit) == 0) {
            *misaligned |= bit;
            cpu->priv->stats.jit_drops_access += jit_drop_lines(cpu, page, BIT(slot / 16));
        }
    } else if ((*suspect & bit) == 0) {
        *suspect |= bit;
    } else if ((*by_tlb & bit) == 0) {
        *by_tlb |= bit;
        cpu->priv->stats.jit_drops_access += jit_drop_lines(cpu, page, BIT(slot / 16));
    }
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
        op->fn = op_warm;
    }
}

/* ---- Forgetting ------------------------------------------------------------------------------ */

/*
 * A region that is forgotten may still be jumped to: through the jump cache, and from other regions of its page. Its
 * entries are overwritten. The far one looks at the op once more, as for code without translation. The near one, which
 * other regions know, becomes a jump by the slot's link:
 *
 *       far:    jmp far_interp                       near:   jmp 1f
 *       1:      lea rax, [link]
 *               jmp [link]
 *
 * That must not be done under the feet of the code that runs. False: no room for the link.
 */
static bool entry_close(struct jit *jit, struct code_page *page, unsigned slot)
{
    const uint8_t *data = jit->rw + ((uintptr_t)page->ops[slot].fn - (uintptr_t)jit->rx);
    uint8_t *host = jit_near_host(jit, &page->ops[slot]);
    const struct jit_link *link = jit_link_to(jit, page, slot);
    uint64_t far_rx;
    struct as a;

    if (link == NULL) {
        return false;
    }
    memcpy(&far_rx, data - 16, 8);
    a.p = jit->rw + (far_rx - (uintptr_t)jit->rx);
    a.end = a.p + JIT_CLOSED_BYTES;
    a.full = false;
    as_jmp_to(&a, jit->far_interp);
    struct as near_ = { .p = host, .end = host + JIT_ENTRY_BYTES };
    as_jmp_to(&near_, a.p);
    jit_link_jump(&a, link);
    return true;
}

/* The op as it was before the region was made, and soon translated again. */
static void entry_reset(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    const struct jit *jit = cpu->priv->jit;

    page->ops[slot].fn = page->jit->orig[slot];
    page->jit->heat[slot] = (uint8_t)(jit->heat - 1);
    link_set(page, slot, (uint64_t)(uintptr_t)(jit->rx + (jit->interp_link - jit->rw)));
    if (is_head(page, slot)) {
        count_entries(cpu, page, slot);
    }
}

static bool region_has(const struct jit_region *region, const struct op *op)
{
    return (uintptr_t)op->fn >= region->start && (uintptr_t)op->fn < region->end;
}

/* close: there may be ways to the region. False: they are not closed. */
static bool region_forget(struct cpu *cpu, struct code_page *page, const struct jit_region *region,
                          bool close)
{
    bool closed = true;

    for (unsigned n = 0; n < PAGE_SLOTS; n++) {
        if ((region->lines >> n / 16 & 1) != 0 && region_has(region, &page->ops[n])) {
            closed = closed && (!close || entry_close(cpu->priv->jit, page, n));
            entry_reset(cpu, page, n);
        }
    }
    return closed;
}

/* Forgets the regions that depend on one of the lines; answers whether there was one. */
static bool forget_lines(struct cpu *cpu, struct code_page *page, uint64_t lines, bool close,
                         bool *closed)
{
    struct jit_region **at = &page->jit->regions;
    bool any = false;

    page->jit->lines = 0;
    while (*at != NULL) {
        const struct jit_region *region = *at;
        if ((region->lines & lines) != 0) {
            *closed &= region_forget(cpu, page, region, close);
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

bool jit_drop_lines(struct cpu *cpu, struct code_page *page, uint64_t lines)
{
    bool here = cpu->priv->executing && cpu->page_ops == page->ops;
    bool closed = !here;

    if (!forget_lines(cpu, page, lines, !here, &closed)) {
        return false;
    }
    cpu->priv->stats.jit_drops++;
    if (!closed) {
        tlb_new_epochs(cpu);
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

/* Entries before a head is translated: more where the guest has changed translated code before. */
static unsigned heat_wanted(const struct cpu *cpu, const struct code_page *page)
{
    unsigned wanted = cpu->priv->jit->heat << (page->jit->churn < 12 ? page->jit->churn / 4 : 3);

    return wanted < UINT8_MAX ? wanted : UINT8_MAX;
}

/* The code cache begins anew, so nothing may lead into it. */
static void drop_all(struct cpu *cpu)
{
    struct jit *jit = cpu->priv->jit;

    for (struct code_page *page = cpu->priv->code.newest; page != NULL; page = page->lru_next) {
        if (page->jit != NULL) {
            bool closed = true;
            forget_lines(cpu, page, ~0ull, false, &closed);
            page->jit->links = NULL;
            cpu->priv->stats.jit_drops++;
            cpu->priv->stats.jit_drops_full++;
        }
    }
    tlb_new_epochs(cpu);
    jit->p = jit->start;
    jit->top = jit->rw + jit->size;
    cpu->priv->stats.jit_flushes++;
}

/* ---- Marking and translating ----------------------------------------------------------------- */

void jit_mark(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;

    if (cpu->priv->jit == NULL || slot >= PAGE_SLOTS ||
        is_translated(cpu->priv->jit, &page->ops[slot])) {
        return;
    }
    if (page->jit == NULL) {
        page->jit = ports->alloc(ports->opaque, sizeof(*page->jit), 64);
        if (page->jit == NULL) {
            return;
        }
    }
    page->jit->head[slot / 64] |= BIT(slot % 64);
    count_entries(cpu, page, slot);
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
            jit_mark(cpu, page, (unsigned)((int64_t)slot + distance / OP_BYTES));
        }
    }
    if (is_head(page, slot)) {
        count_entries(cpu, page, slot);
    }
}

/* There is room: translate has looked. */
static void region_add(struct jit *jit, struct code_page *page, const struct tr *t)
{
    struct jit_region *region;

    jit->top -= sizeof(*region);
    region = (struct jit_region *)(void *)jit->top;
    region->start = (uintptr_t)jit->rx + (uintptr_t)(jit->p - jit->rw);
    region->end = (uintptr_t)jit->rx + (uintptr_t)(t->a.p - jit->rw);
    region->lines = t->ahead;
    for (unsigned n = 0; n < t->count; n++) {
        region->lines |= BIT(t->insn[n].slot / 16);
    }
    region->next = page->jit->regions;
    page->jit->regions = region;
    page->jit->lines |= region->lines;
}

static void translate(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    struct jit *jit = cpu->priv->jit;
    struct tr *t = (struct tr *)(void *)(jit + 1);

    if (jit->top - jit->p < 2 * (ptrdiff_t)REGION_BYTES) {
        drop_all(cpu);
        return;
    }
    t->cpu = cpu;
    t->jit = jit;
    t->page = page;
    t->a = (struct as){ .p = jit->p, .end = jit->p + REGION_BYTES };
    t->colds = t->fixes = 0;
    t->bias = 0;
    if (!jit_region(t, slot) || !jit_translate(t)) {
        cpu->priv->stats.jit_failures++;
        return;
    }
    region_add(jit, page, t);
    jit_tell_region(cpu, page->jit->regions, slot);
    jit->p = t->a.p;
    cpu->priv->stats.jit_regions++;
    cpu->priv->stats.jit_insns += t->count;
}

op_fn *jit_now(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    struct jit *jit = cpu->priv->jit;
    op_fn *before = page->ops[slot].fn;

    jit->p = jit->start;
    jit->top = jit->rw + jit->size;
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
    translate(cpu, page, slot);
    return is_translated(jit, &page->ops[slot]) ? page->ops[slot].fn : NULL;
}

bool jit_limit(struct cpu *cpu, unsigned level)
{
    struct jit *jit = cpu->priv->jit;

    jit->host = host_simd_find((enum vex_level)level);
    vregs_init(jit, cpu);
    jit_make_stubs(jit, cpu);
    return (unsigned)jit->host.level == level;
}

op_fn *jit_heat(struct cpu *cpu, const struct op *op)
{
    struct code_page *page =
        CONTAINER_OF((struct op *)(uintptr_t)cpu->page_ops, struct code_page, ops);
    unsigned slot = (unsigned)(op - cpu->page_ops);
    struct op *at = &page->ops[slot];

    if (++page->jit->heat[slot] < heat_wanted(cpu, page)) {
        return page->jit->orig[slot];
    }
    page->jit->heat[slot] = 0;
    at->fn = page->jit->orig[slot];
    translate(cpu, page, slot);
    return at->fn;
}

#endif
