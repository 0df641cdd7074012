/*
 * gic.c - the interrupt controller's core: lines, routing, priorities, and the wires to and from
 * it; see gic.h.
 *
 * Spec: IHI 0048, "Interrupt Handling and Prioritization"; IHI 0069, "Interrupt prioritization" and
 * "Physical Interrupt Handling and Prioritization".
 */
#include "devices/gic.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "base/string.h"

/* Index of the lowest set bit; v is not 0. */
static inline unsigned lowest_bit(uint32_t v)
{
#if defined(__GNUC__) || defined(__clang__)
    return (unsigned)__builtin_ctz(v);
#else
    unsigned n = 0;
    while ((v >> n & 1) == 0) {
        n++;
    }
    return n;
#endif
}

struct gic_bank *gic_bank_of(struct gic *gic, unsigned cpu, uint32_t intid)
{
    if (intid < GIC_PRIVATE) {
        return &gic->cpu[cpu].own;
    }
    return intid < GIC_LINES ? &gic->spi[intid / 32 - 1] : NULL;
}

/* ---- Highest pending interrupt --------------------------------------------------------------- */

/* Lines of a bank that belong to groups (a bit each) that are enabled. */
static uint32_t lines_of_groups(const struct gic_bank *bank, uint32_t groups)
{
    return ((groups & GICD_CTLR_GRP0) != 0 ? ~bank->group : 0) |
           ((groups & GICD_CTLR_GRP1) != 0 ? bank->group : 0);
}

/* Lets the lines of a bank compete with the best so far. At equal priority the lower INTID wins. */
static void compete(struct gic_hppi *best, const struct gic_bank *bank, uint32_t first,
                    uint32_t groups, uint32_t mine)
{
    uint32_t lines = gic_bank_pending(bank) & bank->enabled & ~bank->active & mine;

    if (lines == 0) {
        return;
    }
    for (lines &= lines_of_groups(bank, groups); lines != 0; lines &= lines - 1) {
        unsigned n = lowest_bit(lines);
        if (best->intid == GIC_SPURIOUS || bank->priority[n] < best->priority) {
            best->intid = (uint16_t)(first + n);
            best->priority = bank->priority[n];
            best->group = bank->group >> n & 1;
        }
    }
}

/* SPIs of a bank that this CPU may take. */
static uint32_t spis_for(const struct gic *gic, unsigned cpu, unsigned word)
{
    uint32_t groups = (gic->any_cpu[0] == cpu ? GICD_CTLR_GRP0 : 0) |
                      (gic->any_cpu[1] == cpu ? GICD_CTLR_GRP1 : 0);

    return gic->cpu[cpu].target[word] | (gic->any[word] & lines_of_groups(&gic->spi[word], groups));
}

static struct gic_hppi find_highest(const struct gic *gic, unsigned cpu)
{
    const struct gic_cpu *c = &gic->cpu[cpu];
    struct gic_hppi best = { GIC_SPURIOUS, GIC_PRIO_IDLE, 0 };
    uint32_t groups = gic->ctlr & c->ctlr & GICD_CTLR_GROUPS;

    if (groups == 0) {
        return best;
    }
    compete(&best, &c->own, 0, groups, UINT32_MAX);
    for (unsigned w = 0; w < GIC_SPI_WORDS; w++) {
        compete(&best, &gic->spi[w], 32 * (w + 1), groups, spis_for(gic, cpu, w));
    }
    return best;
}

/* ---- Priorities ------------------------------------------------------------------------------ */

/*
 * The part of a priority that decides on preemption. BPR 0 leaves bits 7:1, BPR 7 none; group 1's
 * own BPR counts from one higher (IHI 0048, "Priority grouping"; IHI 0069, "Priority grouping").
 */
static uint32_t group_priority(const struct gic_cpu *cpu, unsigned group, uint32_t priority)
{
    bool own = group == 1 && (cpu->ctlr & GICC_CTLR_CBPR) == 0;
    uint32_t bpr = own ? cpu->bpr[1] - 1 : cpu->bpr[0];

    return priority & 0xFFu << (bpr + 1) & 0xFFu;
}

uint32_t gic_running_priority(const struct gic_cpu *cpu)
{
    uint32_t active = cpu->apr[0] | cpu->apr[1];

    return active == 0 ? GIC_PRIO_IDLE : lowest_bit(active) << GIC_PRIO_SHIFT;
}

/*
 * Both sides of the comparison are cut to their group priority, so that a BPR of 7, set while
 * interrupts are active, means no preemption as well.
 */
static bool preempts(const struct gic_cpu *cpu, const struct gic_hppi *h)
{
    uint32_t running = gic_running_priority(cpu);

    return running == GIC_PRIO_IDLE ||
           group_priority(cpu, h->group, h->priority) < group_priority(cpu, h->group, running);
}

bool gic_can_signal(const struct gic_cpu *cpu)
{
    const struct gic_hppi *h = &cpu->highest;

    return h->intid != GIC_SPURIOUS && h->priority < cpu->pmr && preempts(cpu, h);
}

void gic_set_bpr(struct gic *gic, unsigned cpu, unsigned group, uint32_t value)
{
    uint32_t lowest = group == 0 ? GIC_BPR0_MIN : GIC_BPR1_MIN;

    value &= 7;
    gic->cpu[cpu].bpr[group] = value < lowest ? lowest : value;
    gic_update_cpu(gic, cpu);
}

/* ---- Towards the CPUs ------------------------------------------------------------------------ */

void gic_update_cpu(struct gic *gic, unsigned cpu)
{
    struct gic_cpu *c = &gic->cpu[cpu];
    bool irq;
    bool fiq;

    c->highest = find_highest(gic, cpu);
    irq = gic_can_signal(c);
    fiq = irq && c->highest.group == 0 && (c->ctlr & GICC_CTLR_FIQEN) != 0;
    irq = irq && !fiq;
    if (irq != c->irq || fiq != c->fiq) {
        c->irq = irq;
        c->fiq = fiq;
        gic->port.set(gic->port.opaque, cpu, irq, fiq);
    }
}

void gic_update_lines(struct gic *gic, unsigned cpu, uint32_t intid, uint32_t lines)
{
    if (intid < GIC_PRIVATE) {
        gic_update_cpu(gic, cpu);
        return;
    }
    unsigned word = intid / 32 - 1;
    for (unsigned i = 0; i < gic->cpus; i++) {
        if (((gic->cpu[i].target[word] | gic->any[word]) & lines) != 0) {
            gic_update_cpu(gic, i);
        }
    }
}

void gic_update_all(struct gic *gic)
{
    for (unsigned i = 0; i < gic->cpus; i++) {
        gic_update_cpu(gic, i);
    }
}

/* ---- Routing --------------------------------------------------------------------------------- */

/*
 * "1 of N": the first CPU that is awake and takes the group. The choice is implementation defined;
 * this one is stable, so that a replayed run sees the same.
 */
void gic_choose_any(struct gic *gic)
{
    for (unsigned group = 0; group < 2; group++) {
        uint32_t i = 0;
        while (i < gic->cpus && (gic->cpu[i].asleep != 0 || (gic->cpu[i].ctlr >> group & 1) == 0)) {
            i++;
        }
        i = i < gic->cpus ? i : GIC_NO_CPU;
        if (i != gic->any_cpu[group]) {
            gic->any_cpu[group] = i;
            gic_update_all(gic);
        }
    }
}

/* Is this CPU among those that a route names? */
static bool route_names(const struct gic *gic, unsigned cpu, uint64_t route)
{
    if (gic->version == 2) {
        return gic->cpus == 1 || (route >> cpu & 1) != 0;
    }
    return (route & GIC_ROUTE_ANY) == 0 && gic->cpu[cpu].affinity == route;
}

/* Puts a route in force without looking at what changes for the CPUs. */
static void apply_route(struct gic *gic, uint32_t intid, uint64_t value)
{
    unsigned word = intid / 32 - 1;
    uint32_t bit = 1u << intid % 32;
    bool any = gic->version == 3 && (value & GIC_ROUTE_ANY) != 0;

    gic->route[intid - GIC_PRIVATE] = value;
    gic->any[word] = any ? gic->any[word] | bit : gic->any[word] & ~bit;
    for (unsigned i = 0; i < gic->cpus; i++) {
        uint32_t *target = &gic->cpu[i].target[word];
        *target = route_names(gic, i, value) ? *target | bit : *target & ~bit;
    }
}

void gic_set_route(struct gic *gic, uint32_t intid, uint64_t value)
{
    if (gic->route[intid - GIC_PRIVATE] != value) {
        apply_route(gic, intid, value);
        gic_update_all(gic); /* also those who lost it */
    }
}

/* ---- Life of an interrupt -------------------------------------------------------------------- */

void gic_set_sgi_sources(struct gic *gic, unsigned cpu, uint32_t intid, uint32_t sources)
{
    struct gic_cpu *c = &gic->cpu[cpu];
    uint32_t bit = 1u << intid;

    c->sgi_source[intid] = (uint8_t)sources;
    c->own.pending = sources != 0 ? c->own.pending | bit : c->own.pending & ~bit;
    gic_update_cpu(gic, cpu);
}

void gic_send_sgi(struct gic *gic, unsigned from, unsigned to, uint32_t intid)
{
    struct gic_cpu *c = &gic->cpu[to];

    if (gic->version == 2) {
        gic_set_sgi_sources(gic, to, intid, c->sgi_source[intid] | 1u << from);
        return;
    }
    c->own.pending |= 1u << intid;
    gic_update_cpu(gic, to);
}

/* Takes one pending SGI; of several sources the lowest CPU is first. Returns the source. */
static uint32_t take_sgi(struct gic_cpu *cpu, uint32_t intid)
{
    uint32_t sources = cpu->sgi_source[intid];
    uint32_t from = sources != 0 ? lowest_bit(sources) : 0;

    sources &= sources - 1;
    cpu->sgi_source[intid] = (uint8_t)sources;
    if (sources == 0) {
        cpu->own.pending &= ~(1u << intid);
    }
    return from;
}

uint32_t gic_acknowledge(struct gic *gic, unsigned cpu)
{
    struct gic_cpu *c = &gic->cpu[cpu];
    struct gic_hppi h = c->highest;
    struct gic_bank *bank = gic_bank_of(gic, cpu, h.intid);
    uint32_t bit = 1u << h.intid % 32;
    uint32_t from = 0;

    if (gic->version == 2 && h.intid < GIC_SGIS) {
        from = take_sgi(c, h.intid);
    } else {
        bank->pending &= ~bit; /* a wire that is still high stays pending by itself */
    }
    bank->active |= bit;
    c->apr[h.group] |= 1u << (group_priority(c, h.group, h.priority) >> GIC_PRIO_SHIFT);
    gic_update_lines(gic, cpu, h.intid, bit);
    return h.intid | from << 10;
}

void gic_drop_priority(struct gic *gic, unsigned cpu, unsigned group)
{
    uint32_t *apr = &gic->cpu[cpu].apr[group];

    *apr &= *apr - 1;
    gic_update_cpu(gic, cpu);
}

void gic_deactivate(struct gic *gic, unsigned cpu, uint32_t intid)
{
    struct gic_bank *bank = gic_bank_of(gic, cpu, intid);
    uint32_t bit = 1u << intid % 32;

    if (bank != NULL && (bank->active & bit) != 0) {
        bank->active &= ~bit;
        gic_update_lines(gic, cpu, intid, bit);
    }
}

/* ---- Wires ----------------------------------------------------------------------------------- */

static void set_wire(struct gic *gic, unsigned cpu, uint32_t intid, bool level)
{
    struct gic_bank *bank = gic_bank_of(gic, cpu, intid);
    uint32_t bit = 1u << intid % 32;

    if (((bank->level & bit) != 0) == level) {
        return;
    }
    bank->level ^= bit;
    if (level) {
        bank->pending |= bit & bank->edge;
    }
    gic_update_lines(gic, cpu, intid, bit);
}

void gic_set_spi(struct gic *gic, uint32_t intid, bool level)
{
    ASSERT(intid >= GIC_PRIVATE && intid < GIC_LINES);
    lock_acquire(&gic->lock);
    set_wire(gic, 0, intid, level);
    lock_release(&gic->lock);
}

void gic_set_ppi(struct gic *gic, unsigned cpu, uint32_t intid, bool level)
{
    ASSERT(cpu < gic->cpus && intid >= GIC_SGIS && intid < GIC_PRIVATE);
    lock_acquire(&gic->lock);
    set_wire(gic, cpu, intid, level);
    lock_release(&gic->lock);
}

/* ---- Making and resetting -------------------------------------------------------------------- */

static void reset_interface(struct gic *gic, struct gic_cpu *cpu)
{
    cpu->ctlr = gic->version == 2 ? 0 : GICC_CTLR_FIQEN;
    cpu->pmr = 0;
    cpu->bpr[0] = GIC_BPR0_MIN;
    cpu->bpr[1] = GIC_BPR1_MIN;
    memset(cpu->apr, 0, sizeof(cpu->apr));
}

void gic_reset_interface(struct gic *gic, unsigned cpu)
{
    if (gic->version != 3) {
        return;
    }
    lock_acquire(&gic->lock);
    reset_interface(gic, &gic->cpu[cpu]);
    gic_choose_any(gic);
    gic_update_cpu(gic, cpu);
    lock_release(&gic->lock);
}

static void reset_cpu(struct gic *gic, struct gic_cpu *cpu)
{
    uint64_t affinity = cpu->affinity;
    bool irq = cpu->irq;
    bool fiq = cpu->fiq;

    *cpu = (struct gic_cpu){ .affinity = affinity, .irq = irq, .fiq = fiq };
    cpu->own.edge = GIC_SGI_MASK;
    cpu->own.enabled =
        gic->version == 2 ? GIC_SGI_MASK : 0; /* GIC-400: always, and not to be cleared */
    reset_interface(gic, cpu);
    cpu->asleep = gic->version == 3;
}

void gic_reset(struct gic *gic)
{
    lock_acquire(&gic->lock);
    gic->ctlr = 0;
    memset(gic->spi, 0, sizeof(gic->spi));
    for (unsigned i = 0; i < gic->cpus; i++) {
        reset_cpu(gic, &gic->cpu[i]);
    }
    for (uint32_t intid = GIC_PRIVATE; intid < GIC_LINES; intid++) {
        apply_route(gic, intid, 0);
    }
    gic->any_cpu[0] = GIC_NO_CPU; /* all sleep */
    gic->any_cpu[1] = GIC_NO_CPU;
    gic_update_all(gic);
    lock_release(&gic->lock);
}

size_t gic_state_size(const struct gic_config *config)
{
    return sizeof(struct gic) + config->cpus * sizeof(struct gic_cpu);
}

void gic_init(struct gic *gic, const struct gic_config *config)
{
    ASSERT(config->version == 2 || config->version == 3);
    ASSERT(config->cpus >= 1);
    ASSERT(config->cpus <= (config->version == 2 ? GIC_V2_CPUS : GIC_CPUS_MAX));
    ASSERT(config->port.set != NULL);
    gic->version = config->version;
    gic->cpus = config->cpus;
    gic->port = config->port;
    gic->lock = config->lock;
    for (unsigned i = 0; i < gic->cpus; i++) {
        gic->cpu[i].affinity = config->mpidr[i] & 0xFF00FFFFFFull;
    }
    gic_reset(gic);
}

/* ---- Fields ---------------------------------------------------------------------------------- */

const struct dev_field gic_cpu_fields[] = {
    DEV_FIELD(gic_cpu, own.group),
    DEV_FIELD(gic_cpu, own.enabled),
    DEV_FIELD(gic_cpu, own.pending),
    DEV_FIELD(gic_cpu, own.active),
    DEV_FIELD(gic_cpu, own.level),
    DEV_FIELD(gic_cpu, own.edge),
    DEV_FIELD_ARRAY(gic_cpu, own.priority),
    DEV_FIELD_ARRAY(gic_cpu, sgi_source),
    DEV_FIELD_ARRAY(gic_cpu, target),
    DEV_FIELD(gic_cpu, affinity),
    DEV_FIELD(gic_cpu, ctlr),
    DEV_FIELD(gic_cpu, pmr),
    DEV_FIELD_ARRAY(gic_cpu, bpr),
    DEV_FIELD_ARRAY(gic_cpu, apr),
    DEV_FIELD(gic_cpu, asleep),
    DEV_FIELD(gic_cpu, irq),
    DEV_FIELD(gic_cpu, fiq),
    { 0 },
};
