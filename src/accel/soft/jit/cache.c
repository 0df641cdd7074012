/*
 * cache.c - the code cache: its memory, and what becomes of it when it is full.
 *
 * It is mapped twice, writable and executable, and nothing is executed through the first or written through the second. All CPUs of a
 * machine share it.
 *
 *       rw, rx            start                  p                         top              rw + size
 *         | shared code     | regions, upward -->|                          |<-- links, regions' descriptions
 *
 * Nothing in it is given back by itself. When there is no room for one more region, or when all is to be made differently (jit_count),
 * everything is dropped: no op leads there any more (jit_cache_drop). But other CPUs may be in it, and jump caches still know the way. So
 * that is announced (share.c), all interpret, and when each CPU has passed, it is filled anew (jit_cache_open).
 */
#include "accel/soft/jit/diverge.h"
#include "accel/soft/jit/region.h"
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

void jit_lock(struct cpu *cpu)
{
    if (cpu->priv->jit != NULL) {
        soft_lock(cpu, &cpu->priv->jit->lock);
    }
}

void jit_unlock(struct cpu *cpu)
{
    if (cpu->priv->jit != NULL) {
        soft_unlock(&cpu->priv->jit->lock);
    }
}

static struct jit *cache_make(struct cpu *cpu)
{
    const struct vm *vm = cpu->vcpu->vm;
    const struct vm_ports *ports = &vm->ports;
    struct jit *jit;
    void *rw = NULL;

    jit = ports->alloc(ports->opaque, sizeof(*jit) + sizeof(struct tr), 64);
    if (jit == NULL) {
        return NULL;
    }
    jit->size = vm->config.jit.cache != 0 ? (size_t)vm->config.jit.cache : JIT_CACHE_BYTES;
    jit->limited = vm->config.max_insns != 0;
    jit->counting = vm->config.jit.count || vm->config.jit.diverge || jit->limited;
    jit->plant = vm->config.jit.plant;
    jit->loop = vm->config.jit.loop;
    jit->ways = vm->config.jit.ways;
    jit->heat = vm->config.jit.heat != 0 ? vm->config.jit.heat : JIT_HEAT;
    jit->rx = ports->code_alloc(ports->opaque, jit->size, &rw);
    jit->rw = rw;
    if (jit->rx == NULL) {
        ports->free(ports->opaque, jit, sizeof(*jit) + sizeof(struct tr));
        return NULL;
    }
    jit->host = host_simd_find(VEX_AVX512);
    return jit;
}

void jit_cache_begin(struct jit *jit)
{
    jit->p = jit->start;
    jit->top = jit->rw + jit->size;
}

bool jit_create(struct cpu *cpu)
{
    const struct vm *vm = cpu->vcpu->vm;
    struct code_cache *code = cpu->priv->code;
    bool first = code->jit == NULL;

    if (first && vm->ports.code_alloc != NULL && !vm->config.jit.off) {
        code->jit = cache_make(cpu);
    }
    if (code->jit == NULL) {
        return false;
    }
    cpu->priv->jit = code->jit;
    if (vm->config.jit.diverge && !diverge_create(cpu)) {
        jit_destroy(cpu);
        return false;
    }
    vregs_init(code->jit, cpu);
    if (first) {
        jit_make_stubs(code->jit, cpu);
        jit_cache_begin(code->jit);
    }
    jit_rethink_begin(cpu);
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
        cpu->priv->jit = cpu->priv->code->jit = NULL;
    }
}

bool jit_limit(struct cpu *cpu, unsigned level)
{
    struct jit *jit = cpu->priv->jit;

    jit->host = host_simd_find((enum vex_level)level);
    vregs_init(jit, cpu);
    jit_make_stubs(jit, cpu);
    return (unsigned)jit->host.level == level;
}

/* ---- When it is full ------------------------------------------------------------------------- */

static void announce_flush(struct cpu *cpu)
{
    struct code_cache *code = cpu->priv->code;

    soft_lock(cpu, &code->lock);
    cpu->priv->jit->flush = code_announce(code, true);
    soft_unlock(&code->lock);
}

void jit_cache_drop(struct cpu *cpu)
{
    struct code_cache *code = cpu->priv->code;

    soft_lock(cpu, &code->lock);
    for (struct code_page *page = code->newest; page != NULL; page = page->lru_next) {
        if (page->jit != NULL) {
            page->jit->links = NULL;
            jit_forget_lines(cpu, page, ~0ull);
            cpu->priv->stats.jit_drops++;
            cpu->priv->stats.jit_drops_full++;
        }
    }
    soft_unlock(&code->lock);
    announce_flush(cpu);
    cpu->priv->stats.jit_flushes++;
}

bool jit_cache_open(struct cpu *cpu)
{
    struct jit *jit = cpu->priv->jit;

    if (jit->flush == 0) {
        return true;
    }
    if (!code_all_passed(cpu, jit->flush)) {
        return false;
    }
    if (jit->count_wanted && !jit->counting) {
        jit->counting = true;
        jit_make_stubs(jit, cpu);
        announce_flush(cpu); /* jump caches may have learnt again where the shared code was */
        return false;
    }
    jit_cache_begin(jit);
    jit->flush = 0;
    return true;
}

void jit_count(struct cpu *cpu)
{
    struct jit *jit = cpu->priv->jit;

    if (!jit_counts(cpu)) {
        jit_lock(cpu);
        if (jit->flush == 0) {
            jit_cache_drop(cpu);
        }
        __atomic_store_n(&jit->count_wanted, true, __ATOMIC_RELEASE);
        jit_unlock(cpu);
    }
    code_pass(cpu); /* only the interpreter runs until there is code that counts */
}

bool jit_counts(const struct cpu *cpu)
{
    const struct jit *jit = cpu->priv->jit;

    return jit == NULL || jit->counting || __atomic_load_n(&jit->count_wanted, __ATOMIC_ACQUIRE);
}

/* ---- Statistics ------------------------------------------------------------------------------ */

/* The bodies that translated code has called most often. */
static void top_calls(const struct cpu *cpu, struct accel_call calls[ACCEL_CALLS])
{
    memset(calls, 0, ACCEL_CALLS * sizeof(calls[0]));
    for (unsigned uop = 0; uop < UOP_COUNT; uop++) {
        struct accel_call one = { uop_table[uop].name, cpu->priv->jit_calls[uop] };
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
    top_calls(cpu, stats->calls);
    for (unsigned uop = 0; uop < UOP_COUNT; uop++) {
        stats->jit_calls += cpu->priv->jit_calls[uop];
    }
    if (cpu->priv->code->user[0] == cpu) { /* the machine's */
        stats->jit_bytes =
            (uint64_t)(jit->p - jit->rw) + (uint64_t)(jit->rw + jit->size - jit->top);
        stats->jit_links = jit->links;
    }
    stats->jit_l0_refills = n->l0_refills;
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

#endif
