/*
 * fuzz_mmio.c - any sequence of accesses, interrupts, input and time to every device of a board.
 *
 * Input: byte 0 chooses the machine (bit 0 board, bit 1 GICv3, bit 2 prepared as a kernel would,
 * bits 7:3 CPUs), the rest is operations:
 *
 *      byte 0        bits 2:0 what (enum op), bits 7:3 which device, or which of the busy registers
 *      byte 1        CPU
 *      bytes 2..3    offset, register or line
 *      bytes 4..     value, for a write (one byte b: b is spread; see spread())
 *
 * After each operation the interrupt lines of its CPU, and of another in turn, are compared with a
 * GIC written down once more here: straight from the manual, one line after another, without
 * bitmaps. At the end those of all CPUs are. Nothing may crash, and the two must always agree.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "devices.h"
#include "devices/gic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEVS_MAX 16
#define OPS_MAX  4096

enum op { OP_READ, OP_WRITE, OP_ICC_READ, OP_ICC_WRITE, OP_WIRE, OP_TIME, OP_INPUT, OP_GIC };

struct machine {
    struct gic *gic;
    struct dev dev[DEVS_MAX];
    unsigned dev_count;
    unsigned cpus;
    uint64_t mpidr[GIC_CPUS_MAX];
    bool irq[GIC_CPUS_MAX], fiq[GIC_CPUS_MAX];
    struct gtimer timer[GIC_CPUS_MAX];
    uint64_t now_ns;
};

struct bytes {
    const uint8_t *p;
    size_t left;
};

static uint8_t take(struct bytes *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->p++;
}

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* ---- Ports ----------------------------------------------------------------------------------- */

static void port_lines(void *opaque, unsigned cpu, bool irq, bool fiq)
{
    struct machine *m = opaque;

    require(cpu < m->cpus && (irq != m->irq[cpu] || fiq != m->fiq[cpu]) && !(irq && fiq));
    m->irq[cpu] = irq;
    m->fiq[cpu] = fiq;
}

static void port_spi(void *opaque, uint32_t intid, bool level)
{
    gic_set_spi(((struct machine *)opaque)->gic, intid, level);
}

/* opaque is the GIC; the CPU is above the INTID. */
static void port_ppi(void *opaque, uint32_t intid, bool level)
{
    gic_set_ppi(opaque, intid >> 8, intid & 0xFF, level);
}

static uint64_t port_now(void *opaque)
{
    return ((struct machine *)opaque)->now_ns;
}
static uint64_t port_wall(void *opaque)
{
    return 1700000000 + ((struct machine *)opaque)->now_ns / 1000000000;
}
static size_t port_write(void *opaque, const uint8_t *bytes, size_t len)
{
    return len == 1 && bytes[0] % 2;
}
static void port_power(void *opaque, enum power_request request, uint32_t status) {}

/* ---- The machine ----------------------------------------------------------------------------- */

static bool is_gic_window(const struct dev_ops *ops)
{
    return ops == &gic_dist_ops || ops == &gicv2_cpu_ops || ops == &gicv3_redist_ops;
}

static void add_dev(struct machine *m, const struct board_row *row)
{
    struct dev *dev = &m->dev[m->dev_count++];

    require(m->dev_count <= DEVS_MAX);
    dev->ops = row->ops;
    dev->base = row->base;
    dev->size = row->ops == &gicv3_redist_ops ? (uint64_t)row->ops->mmio_size * m->cpus
                                              : row->ops->mmio_size;
    dev->clock = (struct clock_port){ port_now, port_wall, m };
    dev->chars = (struct char_port){ port_write, m };
    dev->power = (struct power_port){ port_power, m };
    for (unsigned i = 0; i < DEV_IRQS; i++) {
        if (row->spi[i] != 0) {
            dev->irq[i] = (struct irq_line){ port_spi, m, GIC_PRIVATE + row->spi[i] - 1 };
        }
    }
    dev->state = is_gic_window(row->ops) ? (void *)m->gic : calloc(1, row->ops->state_size);
    dev->ops->reset(dev);
}

/* Everything on: groups, masks, all lines enabled and routed, so that what follows does interrupt.
 */
static void prepare(struct machine *m)
{
    struct dev dist = { .ops = &gic_dist_ops, .state = m->gic };
    struct dev redist = { .ops = &gicv3_redist_ops, .state = m->gic };
    struct dev cpuif = { .ops = &gicv2_cpu_ops, .state = m->gic };

    dist.ops->write(&dist, 0, 0x000, 4, 3);
    for (uint32_t intid = GIC_PRIVATE; intid < GIC_LINES; intid++) {
        dist.ops->write(&dist, 0, 0x800 + intid, 1, 1u << intid % 8);
        dist.ops->write(&dist, 0, 0x6000 + 8 * intid, 8, m->mpidr[intid % m->cpus]);
        dist.ops->write(&dist, 0, 0x400 + intid, 1, intid * 8);
        dist.ops->write(&dist, 0, 0x100 + intid / 32 * 4, 4, UINT32_MAX);
    }
    for (unsigned i = 0; i < m->cpus; i++) {
        dist.ops->write(&dist, i, 0x100, 4, UINT32_MAX);
        redist.ops->write(&redist, i, i * 0x20000ull + 0x14, 4, 0);
        redist.ops->write(&redist, i, i * 0x20000ull + 0x10100, 4, UINT32_MAX);
        cpuif.ops->write(&cpuif, i, 0x004, 4, 0xFF);
        cpuif.ops->write(&cpuif, i, 0x000, 4, 0xF);
        gic_icc_write(m->gic, i, SYSREG(3, 0, 4, 6, 0), 0xFF);
        gic_icc_write(m->gic, i, SYSREG(3, 0, 12, 12, 6), 1);
        gic_icc_write(m->gic, i, SYSREG(3, 0, 12, 12, 7), 1);
    }
}

static void machine_init(struct machine *m, uint8_t choice)
{
    const struct board *board = boards[choice & 1];
    struct gic_config config = { .version = (choice & 2) != 0 ? 3 : 2,
                                 .mpidr = m->mpidr,
                                 .port = { port_lines, m } };
    const struct board_row *row;

    memset(m, 0, sizeof(*m));
    m->cpus = config.version == 2 ? 1 + (choice >> 3) % GIC_V2_CPUS : 1 + (choice >> 3) * 2;
    config.cpus = m->cpus;
    for (unsigned i = 0; i < m->cpus; i++) {
        m->mpidr[i] = (uint64_t)(i / 16) << 8 | i % 16;
    }
    m->gic = calloc(1, gic_state_size(&config));
    gic_init(m->gic, &config);
    for (unsigned i = 0; (row = board_row_at(board, config.version, i)) != NULL; i++) {
        add_dev(m, row);
    }
    for (unsigned i = 0; i < m->cpus; i++) {
        for (unsigned t = 0; t < GTIMER_COUNT; t++) {
            static const uint32_t ppi[GTIMER_COUNT] = { PPI_VIRT_TIMER, PPI_PHYS_TIMER,
                                                        PPI_HYP_TIMER };
            m->timer[i].irq[t] = (struct irq_line){ port_ppi, m->gic, i << 8 | ppi[t] };
        }
    }
    if ((choice & 4) != 0) {
        prepare(m);
    }
}

static void machine_fini(struct machine *m)
{
    for (unsigned i = 0; i < m->dev_count; i++) {
        if (!is_gic_window(m->dev[i].ops)) {
            free(m->dev[i].state);
        }
    }
    free(m->gic);
}

/* ---- The GIC once more ----------------------------------------------------------------------- */

static bool in_any_group(uint32_t ctlr, unsigned group)
{
    return (ctlr >> group & 1) != 0;
}

/* "1 of N" goes to the first CPU that is awake and takes the group. */
static bool takes_any(const struct gic *g, unsigned cpu, unsigned group)
{
    for (unsigned i = 0; i < g->cpus; i++) {
        if (g->cpu[i].asleep == 0 && in_any_group(g->cpu[i].ctlr, group)) {
            return i == cpu;
        }
    }
    return false;
}

static bool routed(const struct gic *g, unsigned cpu, uint32_t intid, unsigned group)
{
    uint64_t route;

    if (intid < GIC_PRIVATE) {
        return true;
    }
    route = g->route[intid - GIC_PRIVATE];
    if (g->version == 2) {
        return g->cpus == 1 || (route >> cpu & 1) != 0;
    }
    return (route & GIC_ROUTE_ANY) != 0 ? takes_any(g, cpu, group) : route == g->cpu[cpu].affinity;
}

static unsigned running_priority(const struct gic_cpu *c)
{
    for (unsigned level = 0; level < 32; level++) {
        if (((c->apr[0] | c->apr[1]) >> level & 1) != 0) {
            return level * 8;
        }
    }
    return 256;
}

static unsigned group_bits(const struct gic_cpu *c, unsigned group)
{
    unsigned bpr = group == 1 && (c->ctlr & GICC_CTLR_CBPR) == 0 ? c->bpr[1] - 1 : c->bpr[0];

    return 0xFF00u >> (7 - bpr) & 0xFF; /* bits 7 to bpr + 1 */
}

static void check_cpu(const struct machine *m, unsigned cpu)
{
    const struct gic *g = m->gic;
    const struct gic_cpu *c = &g->cpu[cpu];
    unsigned best = 256, best_group = 0, best_intid = GIC_SPURIOUS, running = running_priority(c),
             mask;
    bool signal;

    for (uint32_t intid = 0; intid < GIC_LINES; intid++) {
        const struct gic_bank *b = intid < 32 ? &c->own : &g->spi[intid / 32 - 1];
        unsigned n = intid % 32;
        unsigned group = b->group >> n & 1;
        bool pending =
            (b->pending >> n & 1) != 0 || ((b->level >> n & 1) != 0 && (b->edge >> n & 1) == 0);
        if (pending && (b->enabled >> n & 1) != 0 && (b->active >> n & 1) == 0 &&
            in_any_group(g->ctlr, group) && in_any_group(c->ctlr, group) && b->priority[n] < best &&
            routed(g, cpu, intid, group)) {
            best = b->priority[n];
            best_group = group;
            best_intid = intid;
        }
    }
    mask = group_bits(c, best_group);
    signal = best < c->pmr && (running == 256 || (best & mask) < (running & mask));
    bool fiq = signal && best_group == 0 && (g->version == 3 || (c->ctlr & GICC_CTLR_FIQEN) != 0);
    require(c->highest.intid == best_intid);
    require(m->fiq[cpu] == fiq && m->irq[cpu] == (signal && !fiq));
    for (unsigned i = 0; g->version == 2 && i < GIC_SGIS; i++) {
        require((c->sgi_source[i] != 0) == (c->own.pending >> i & 1));
    }
}

/* ---- Operations ------------------------------------------------------------------------------ */

/* Values that registers care about, from one byte: all ones, single bits, the byte everywhere, two
 * bytes, random. */
static uint64_t spread(struct bytes *in)
{
    uint8_t kind = take(in);

    switch (kind & 7) {
    case 0: return 0;
    case 1: return UINT64_MAX;
    case 2: return BIT(take(in) & 63);
    case 3: return ~BIT(take(in) & 63);
    case 4: return take(in) * 0x0101010101010101ull;
    case 5: return (uint64_t)take(in) << 8 | take(in);
    case 6:
        return (uint64_t)take(in) << 32 | (uint64_t)take(in) << 24 | (uint64_t)take(in) << 16 |
               take(in);
    default: return kind >> 3;
    }
}

/* Half of the accesses go to a register from the device's table, the others anywhere. */
static uint64_t choose_offset(const struct dev *dev, struct bytes *in)
{
    unsigned where = (unsigned)take(in) << 8 | take(in);
    const struct dev_reg *reg = dev->ops->regs;
    unsigned count = 0;

    if ((where & 0x8000) != 0) {
        return (uint64_t)(where & 0x7FFF) * 4 % dev->size;
    }
    while (reg[count].name != NULL) {
        count++;
    }
    reg += where % count;
    return reg->offset +
           (uint64_t)reg->width * (where / count % (reg->count == 0 ? 1 : reg->count));
}

static void op_access(struct machine *m, struct bytes *in, uint8_t which, unsigned cpu, bool write)
{
    struct dev *dev = &m->dev[which % m->dev_count];
    uint64_t offset = choose_offset(dev, in);
    unsigned size = 1u << (which >> 3 & 3);
    uint64_t value = 0;

    while ((dev->ops->access_sizes & size) == 0) { /* as the bus does, in effect */
        size = size == 8 ? 1 : size * 2;
    }
    offset += write ? 0 : take(in) & 4;
    offset = align_down(offset, size) % dev->size;
    if (write) {
        value = spread(in);
        dev->ops->write(dev, cpu, offset, size, size == 8 ? value : value & (BIT(8 * size) - 1));
    } else if (dev->ops->read(dev, cpu, offset, size, &value) == MMIO_OK) {
        require(size == 8 || value >> 8 * size == 0);
    }
}

static uint32_t choose_icc(uint8_t which)
{
    static const uint8_t crm_op2[] = { 0x80, 0x81, 0x82, 0x83, 0x84, 0x90, 0xB1, 0xB3, 0xB5, 0xB6,
                                       0xB7, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7 };

    which %= sizeof(crm_op2) + 2;
    if (which < sizeof(crm_op2)) {
        return SYSREG(3, 0, 12, crm_op2[which] >> 4, crm_op2[which] & 15);
    }
    return SYSREG(3, 0, which == sizeof(crm_op2) ? 4 : 12, 6, 0); /* PMR, and one that is none */
}

static void op_icc(struct machine *m, struct bytes *in, uint8_t which, unsigned cpu, bool write)
{
    uint64_t value = 0;
    bool known;

    if (write) {
        known = gic_icc_write(m->gic, cpu, choose_icc(which), spread(in));
    } else {
        known = gic_icc_read(m->gic, cpu, choose_icc(which), &value);
    }
    require(!known || m->gic->version == 3);
}

static void op_wire(struct machine *m, struct bytes *in, uint8_t which, unsigned cpu)
{
    unsigned line = take(in);
    uint32_t intid = GIC_SGIS + line % (GIC_LINES - GIC_SGIS);
    bool level = (which & 1) != 0;

    if (intid < GIC_PRIVATE) {
        gic_set_ppi(m->gic, cpu, intid, level);
    } else {
        gic_set_spi(m->gic, intid, level);
    }
}

/* Time passes, sometimes backwards, and who is due is called; timers of the CPU are set too. */
static void op_time(struct machine *m, struct bytes *in, uint8_t which, unsigned cpu)
{
    enum gtimer_id id = which % GTIMER_COUNT;
    struct gtimer *g = &m->timer[cpu];

    switch (which >> 2 & 3) {
    case 0: gtimer_set_tval(g, id, (int32_t)spread(in), m->now_ns); break;
    case 1: gtimer_set_cval(g, id, spread(in), m->now_ns); break;
    case 2: gtimer_set_ctl(g, id, (uint32_t)spread(in), m->now_ns); break;
    default: g->cntvoff = spread(in); break;
    }
    m->now_ns += which >= 28 ? spread(in) : (uint64_t)take(in) << (which & 31);
    for (unsigned i = 0; i < m->dev_count; i++) {
        struct dev *dev = &m->dev[i];
        if (dev->ops->deadline != NULL && dev->ops->deadline(dev) <= m->now_ns) {
            dev->ops->tick(dev);
        }
    }
    gtimer_update(g, m->now_ns);
    require(gtimer_deadline(g, m->now_ns) >= m->now_ns);
}

static void op_input(struct machine *m, struct bytes *in, uint8_t which)
{
    struct dev *dev = &m->dev[which % m->dev_count];
    uint8_t text[32];
    size_t len = take(in) % sizeof(text);

    memset(text, which, sizeof(text));
    if (dev->ops->receive != NULL) {
        require(dev->ops->receive(dev, text, len) <= len);
    } else if (dev->ops->event != NULL) {
        dev->ops->event(dev, (unsigned)len);
    } else if (len == 31) {
        dev->ops->reset(dev);
    }
}

/* What an interrupt handler does, so that deep states are reached: acknowledge, end; or GICC by its
 * offsets. */
static void op_gic(struct machine *m, struct bytes *in, uint8_t which, unsigned cpu)
{
    uint32_t intid = m->gic->cpu[cpu].highest.intid;
    uint64_t value = (which & 4) != 0 ? take(in) : intid;
    unsigned group = which & 1;

    if (m->gic->version == 3) {
        gic_icc_read(m->gic, cpu, group == 1 ? SYSREG(3, 0, 12, 12, 0) : SYSREG(3, 0, 12, 8, 0),
                     &value);
        if ((which & 2) != 0) {
            gic_icc_write(m->gic, cpu,
                          group == 1 ? SYSREG(3, 0, 12, 12, 1) : SYSREG(3, 0, 12, 8, 1), value);
        }
        return;
    }
    struct dev window = { .ops = &gicv2_cpu_ops, .state = m->gic };
    gicv2_cpu_ops.read(&window, cpu, group == 1 ? 0x20 : 0x0C, 4, &value);
    if ((which & 2) != 0) {
        gicv2_cpu_ops.write(&window, cpu, group == 1 ? 0x24 : 0x10, 4, value);
    }
}

static unsigned run_op(struct machine *m, struct bytes *in)
{
    uint8_t first = take(in);
    uint8_t which = first >> 3;
    unsigned cpu = take(in) % m->cpus;

    switch ((enum op)(first & 7)) {
    case OP_READ: op_access(m, in, which, cpu, false); break;
    case OP_WRITE: op_access(m, in, which, cpu, true); break;
    case OP_ICC_READ: op_icc(m, in, which, cpu, false); break;
    case OP_ICC_WRITE: op_icc(m, in, which, cpu, true); break;
    case OP_WIRE: op_wire(m, in, which, cpu); break;
    case OP_TIME: op_time(m, in, which, cpu); break;
    case OP_INPUT: op_input(m, in, which); break;
    case OP_GIC: op_gic(m, in, which, cpu); break;
    }
    return cpu;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = { data, size };
    static struct machine m; /* the target's own; the devices have no statics */

    machine_init(&m, take(&in));
    for (unsigned n = 0; in.left != 0 && n < OPS_MAX; n++) {
        check_cpu(&m, run_op(&m, &in));
        if (n % 4 == 0) {
            check_cpu(&m, n / 4 % m.cpus);
        }
    }
    for (unsigned i = 0; i < m.cpus; i++) {
        check_cpu(&m, i);
    }
    machine_fini(&m);
    return 0;
}
