/*
 * rethink.c - what is hot, or misses often, is translated again.
 *
 * A region is made after a few executions, when little is known: perhaps one side of a branch has been seen, and nobody can tell which
 * loop will have a million iterations, or which access will hardly ever find its window in its L0 entry. Most places stay cold, so to
 * measure each of them would cost more than is gained. Instead translated code counts down, and notes the place at which nothing is
 * left. All ways have one count, and all misses: the last of many is a sample, and the oftener a place is come by the likelier it is the
 * one. Loops are counted each for itself, but for those that share a cell.
 *
 *       in translated code              counts down   notes     what is done about it
 *
 *       way to another region           way_budget    jit_way   rethink_way: its region is translated again, with what is
 *       (link.c)                                                known by now; after JIT_TIERS times its ways are direct
 *       L0 entry refilled, or group     l0_budget     l0_op     rethink_access: if samples come fast, the access goes by
 *       refused (l0.c)                                          the TLB, or begins no group any more
 *       iteration of a loop, or its     loops[].left  loop_op   rethink_loop: its region again, now with a copy of the
 *       copy taken (loop.c)                                     loop; or, if that is left at once, without it
 *                                             |
 *                                             +---> PEND_JIT ---> attend (run.c) ---> jit_rethink
 *
 * Not at once, for that would change code under the feet of who runs it. In the run loop the CPU is in none, but what was noted may have
 * been forgotten meanwhile: jit_way is not looked at when code has moved since (code_pass), and an op only if there is still a page
 * with it (page_with). Other CPUs may be in the code that is replaced, and run on in it (share.c); counts and notes are each CPU's own,
 * what is known of a place (struct jit_page) is all's.
 */
#include "accel/soft/jit/region.h"

#if SOFT_JIT

/* Ticks of the host's clock (a few for each instruction) for each miss of an L0 entry that are no trouble. */
#define L0_SELDOM 28
/* Ways that are counted until one of them is looked at, by the square of the heat: 65536 as it is without option. */
#define WAY_SAMPLE 1024
/* Iterations of a loop until it gets a copy, by the square of the heat; how often the copy is taken until that is looked at, and how many
 * iterations each time it is worth. */
#define LOOP_COUNTED 1024
#define LOOP_TAKES   4096
#define LOOP_WORTH   3

/* ---- Counts ---------------------------------------------------------------------------------- */

static int32_t way_sample(const struct jit *jit)
{
    return (int32_t)(jit->ways != 0 ? jit->ways : WAY_SAMPLE * jit->heat * jit->heat);
}

/* Iterations of a loop that are counted. */
static int64_t loop_iterations(const struct jit *jit)
{
    return jit->loop != 0 ? jit->loop : (int64_t)LOOP_COUNTED * jit->heat * jit->heat;
}

unsigned loop_cell(const struct code_page *page, unsigned slot)
{
    return (unsigned)(page->pa / SOFT_PAGE * 37 + slot) % LOOP_CELLS;
}

void jit_rethink_begin(struct cpu *cpu)
{
    cpu->priv->rethought_at = __builtin_ia32_rdtsc();
    cpu->l0_budget = L0_SAMPLE;
    cpu->way_budget = way_sample(cpu->priv->jit);
    for (unsigned n = 0; n < LOOP_CELLS; n++) {
        cpu->loops[n] = (struct loop_cell){ .left = loop_iterations(cpu->priv->jit) };
    }
}

/* The region that the executable address lies in, which may be gone: NULL. */
static struct jit_region *region_at(const struct code_page *page, uintptr_t at)
{
    struct jit_region *region = page->jit->regions;

    while (region != NULL && (at < region->start || at >= region->end)) {
        region = region->next;
    }
    return region;
}

/* ---- Ways between regions -------------------------------------------------------------------- */

/* The way's region, made when less was known, is translated again; for the second time only if it has come here often. */
static void rethink_way(struct cpu *cpu, struct jit_way *way)
{
    static const uint8_t samples[JIT_TIERS] = { 1, 4 };
    struct jit *jit = cpu->priv->jit;
    struct code_page *page =
        CONTAINER_OF((struct op *)(uintptr_t)way->link->ops, struct code_page, ops);
    uintptr_t at = (uintptr_t)jit->rx + (uintptr_t)(way->cold - jit->rw);
    struct jit_region *region = region_at(page, at);

    if (region == NULL || region->tier == JIT_TIERS ||
        !jit_region_has(region, &page->ops[region->slot])) {
        jit_way_direct(jit, way);
    } else if (++region->samples >= samples[region->tier]) {
        unsigned tier = region->tier + 1u;

        region->tier = JIT_TIERS; /* if that fails it is not tried again */
        jit_make_region(cpu, page, region->slot, tier);
    }
}

/* ---- Loops and accesses ---------------------------------------------------------------------- */

/* The page whose op, which need not be there any more, is at that address; NULL: it is gone, or has no translations. */
static struct code_page *page_with(const struct cpu *cpu, uint64_t op)
{
    struct code_page *page = cpu->priv->code->newest;

    while (page != NULL && op - (uintptr_t)page->ops >= sizeof(page->ops)) {
        page = page->lru_next;
    }
    return page != NULL && page->jit != NULL ? page : NULL;
}

/*
 * A loop has had many iterations, and gets a copy of its own; or its copy has been taken often, and if that was because it is left
 * at once, it goes.
 */
static void rethink_loop(struct cpu *cpu)
{
    struct code_page *page;
    struct jit_region *region;

    soft_lock(cpu, &cpu->priv->code->lock);
    page = page_with(cpu, cpu->loop_op);
    soft_unlock(&cpu->priv->code->lock);
    if (page == NULL) {
        return;
    }
    region = region_at(page, cpu->loop_at);
    unsigned slot = (unsigned)((cpu->loop_op - (uintptr_t)page->ops) / sizeof(struct op));
    struct loop_cell *cell = &cpu->loops[loop_cell(page, slot)];
    uint64_t bit = BIT(slot % 64);
    uint64_t *known = &page->jit->loop_known[slot / 64], *hot = &page->jit->loop_hot[slot / 64];

    if (region == NULL || !jit_region_has(region, &page->ops[region->slot])) {
        *cell = (struct loop_cell){ .left = loop_iterations(cpu->priv->jit) };
        return;
    }
    bool is_new = (*known & bit) == 0;
    bool in_vain = (*hot & bit) != 0 && cell->takes != 0 && -cell->ran < cell->takes * LOOP_WORTH;
    if (is_new || in_vain) {
        *known |= bit;
        *hot ^= bit;
        jit_make_region(cpu, page, region->slot, region->tier != 0 ? region->tier : 1);
    }
    *cell = (*hot & bit) != 0 ? (struct loop_cell){ .left = LOOP_TAKES, .takes = LOOP_TAKES }
                              : (struct loop_cell){ .left = loop_iterations(cpu->priv->jit) };
}

/* See jit_rethink. */
static void rethink_access(struct cpu *cpu)
{
    struct code_page *page = page_with(cpu, cpu->l0_op);

    if (page == NULL) {
        return;
    }
    unsigned slot = (unsigned)((cpu->l0_op - (uintptr_t)page->ops) / sizeof(struct op));
    uint64_t bit = BIT(slot % 64);
    uint64_t *suspect = &page->jit->suspect[slot / 64];
    uint64_t *by_tlb = &page->jit->by_tlb[slot / 64];
    uint64_t *no_group = &page->jit->no_group[slot / 64];
    if ((cpu->l0_op & L0_GROUP) != 0) {
        if ((*no_group & bit) == 0) {
            *no_group |= bit;
            cpu->priv->stats.jit_drops_access += jit_drop_lines(cpu, page, BIT(slot / 16));
        }
    } else if ((*suspect & bit) == 0) {
        *suspect |= bit;
    } else if ((*by_tlb & bit) == 0) {
        *by_tlb |= bit;
        cpu->priv->stats.jit_drops_access += jit_drop_lines(cpu, page, BIT(slot / 16));
    }
}

/* Is it time to look at the access? */
static bool is_access(struct cpu *cpu)
{
    uint64_t now = __builtin_ia32_rdtsc(), ticks = now - cpu->priv->rethought_at;

    if (cpu->l0_op == 0) {
        return false;
    }
    cpu->priv->rethought_at = now;
    return ticks <= (uint64_t)L0_SAMPLE * L0_SELDOM;
}

/* ---- What the run loop calls ----------------------------------------------------------------- */

void jit_rethink(struct cpu *cpu)
{
    const struct jit *jit = cpu->priv->jit;
    uintptr_t way = cpu->jit_way; /* where it can be read only */
    bool access = is_access(cpu);

    if (way != 0) {
        cpu->jit_way = 0;
        cpu->way_budget = way_sample(jit);
        jit_lock(cpu);
        rethink_way(cpu, (struct jit_way *)(void *)(jit->rw + (way - (uintptr_t)jit->rx)));
        jit_unlock(cpu);
    }
    if (access) {
        jit_lock(cpu);
        soft_lock(cpu, &cpu->priv->code->lock);
        rethink_access(cpu);
        soft_unlock(&cpu->priv->code->lock);
        jit_unlock(cpu);
    }
    cpu->l0_op = 0;
    if (cpu->loop_op != 0) {
        jit_lock(cpu);
        rethink_loop(cpu);
        jit_unlock(cpu);
        cpu->loop_op = 0;
    }
}

#endif
