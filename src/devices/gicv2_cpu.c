/*
 * gicv2_cpu.c - GICv2's CPU interface (GICC).
 *
 * Spec: IHI 0048, "CPU interface register descriptions"; DDI 0471 (GIC-400 TRM), "CPU interface
 * register summary".
 *
 * There are no Security Extensions, so a read has the rights of a Secure one: group 1 interrupts
 * are acknowledged through GICC_AIAR, or through GICC_IAR with AckCtl set. The FIQ and IRQ bypass
 * bits only keep their values: there are no legacy interrupts to bypass to.
 */
#include "base/compiler.h"
#include "devices/gic.h"

enum {
    GICC_CTLR = 0x000,
    GICC_PMR = 0x004,
    GICC_BPR = 0x008,
    GICC_IAR = 0x00C,
    GICC_EOIR = 0x010,
    GICC_RPR = 0x014,
    GICC_HPPIR = 0x018,
    GICC_ABPR = 0x01C,
    GICC_AIAR = 0x020,
    GICC_AEOIR = 0x024,
    GICC_AHPPIR = 0x028,
    GICC_APR0 = 0x0D0,
    GICC_NSAPR0 = 0x0E0,
    GICC_IIDR = 0x0FC,
    GICC_DIR = 0x1000,
};

#define GICC_SIZE         0x10000u
#define IIDR_GIC400_CPU   0x0202143Bu
#define INTID_OTHER_GROUP 1022 /* the highest pending interrupt is of group 1, and AckCtl is 0 */
#define INTID_MASK        0x3FFu

/* ---- Acknowledge, end ------------------------------------------------------------------------ */

/*
 * The answer of IAR and HPPIR for an interrupt that is not for the asking register, or GIC_SPURIOUS
 * + 1 if it is. group: 0 for IAR and HPPIR, 1 for their aliases.
 */
static uint32_t refusal(const struct gic_cpu *cpu, unsigned group)
{
    enum { NONE = GIC_SPURIOUS + 1 };

    if (group == 1) {
        return cpu->highest.group == 1 ? NONE : GIC_SPURIOUS;
    }
    if (cpu->highest.group == 1 && (cpu->ctlr & GICC_CTLR_ACKCTL) == 0) {
        return INTID_OTHER_GROUP;
    }
    return NONE;
}

static uint32_t acknowledge(struct gic *gic, unsigned cpu, unsigned group)
{
    const struct gic_cpu *c = &gic->cpu[cpu];
    uint32_t refused = refusal(c, group);

    if (!gic_can_signal(c)) {
        return GIC_SPURIOUS;
    }
    return refused <= GIC_SPURIOUS ? refused : gic_acknowledge(gic, cpu);
}

static uint32_t highest_pending(const struct gic_cpu *cpu, unsigned group)
{
    const struct gic_hppi *h = &cpu->highest;
    uint32_t refused = refusal(cpu, group);
    uint32_t source = 0;

    if (h->intid == GIC_SPURIOUS) {
        return GIC_SPURIOUS;
    }
    if (refused <= GIC_SPURIOUS) {
        return refused;
    }
    while (h->intid < GIC_SGIS && (cpu->sgi_source[h->intid] >> source & 1) == 0 && source < 7) {
        source++;
    }
    return h->intid | source << 10;
}

/* group 1: AEOIR, for group 1 interrupts only. An INTID that is no line of ours has no effect. */
static void end_of_interrupt(struct gic *gic, unsigned cpu, unsigned group, uint32_t value)
{
    uint32_t intid = value & INTID_MASK;
    const struct gic_bank *bank = gic_bank_of(gic, cpu, intid);
    unsigned its_group;

    if (bank == NULL) {
        return;
    }
    its_group = bank->group >> intid % 32 & 1;
    if (group == 1 && its_group == 0) {
        return;
    }
    gic_drop_priority(gic, cpu, its_group);
    if ((gic->cpu[cpu].ctlr & GICC_CTLR_EOIMODE) == 0) {
        gic_deactivate(gic, cpu, intid);
    }
}

/* ---- Registers ------------------------------------------------------------------------------- */

static enum mmio_result gicc_read_reg(struct gic *gic, unsigned cpu, uint64_t offset,
                                      uint64_t *value)
{
    const struct gic_cpu *c = &gic->cpu[cpu];

    switch (offset) {
    case GICC_CTLR: *value = c->ctlr; break;
    case GICC_PMR: *value = c->pmr; break;
    case GICC_BPR: *value = c->bpr[0]; break;
    case GICC_ABPR: *value = c->bpr[1]; break;
    case GICC_IAR: *value = acknowledge(gic, cpu, 0); break;
    case GICC_AIAR: *value = acknowledge(gic, cpu, 1); break;
    case GICC_RPR: *value = gic_running_priority(c); break;
    case GICC_HPPIR: *value = highest_pending(c, 0); break;
    case GICC_AHPPIR: *value = highest_pending(c, 1); break;
    case GICC_APR0: *value = c->apr[0]; break;
    case GICC_NSAPR0: *value = c->apr[1]; break;
    case GICC_IIDR: *value = IIDR_GIC400_CPU; break;
    default: return MMIO_UNKNOWN;
    }
    return MMIO_OK;
}

static enum mmio_result gicc_write_reg(struct gic *gic, unsigned cpu, uint64_t offset,
                                       uint32_t value)
{
    struct gic_cpu *c = &gic->cpu[cpu];

    switch (offset) {
    case GICC_CTLR: c->ctlr = value & GICC_CTLR_WRITABLE; break;
    case GICC_PMR: c->pmr = value & GIC_PRIO_MASK; break;
    case GICC_BPR: gic_set_bpr(gic, cpu, 0, value); break;
    case GICC_ABPR: gic_set_bpr(gic, cpu, 1, value); break;
    case GICC_EOIR: end_of_interrupt(gic, cpu, 0, value); break;
    case GICC_AEOIR: end_of_interrupt(gic, cpu, 1, value); break;
    case GICC_APR0: c->apr[0] = value; break;
    case GICC_NSAPR0: c->apr[1] = value; break;
    case GICC_DIR:
        if ((c->ctlr & GICC_CTLR_EOIMODE) != 0) {
            gic_deactivate(gic, cpu, value & INTID_MASK);
        }
        break;
    default: return MMIO_UNKNOWN;
    }
    gic_update_cpu(gic, cpu);
    return MMIO_OK;
}

static enum mmio_result gicc_read(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                  uint64_t *value)
{
    struct gic *gic = dev->state;
    enum mmio_result result;

    if (gic->version != 2) {
        return MMIO_UNKNOWN;
    }
    lock_acquire(&gic->lock);
    result = gicc_read_reg(gic, cpu, offset, value);
    lock_release(&gic->lock);
    return result;
}

static enum mmio_result gicc_write(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                   uint64_t value)
{
    struct gic *gic = dev->state;
    enum mmio_result result;

    if (gic->version != 2) {
        return MMIO_UNKNOWN;
    }
    lock_acquire(&gic->lock);
    result = gicc_write_reg(gic, cpu, offset, (uint32_t)value);
    lock_release(&gic->lock);
    return result;
}

/* The distributor resets the whole. */
static void gicc_reset(struct dev *dev) {}

static const struct dev_reg gicc_regs[] = {
    { "GICC_CTLR", GICC_CTLR, 4, 0, 0, GICC_CTLR_WRITABLE, 0 },
    { "GICC_PMR", GICC_PMR, 4, 0, 0, GIC_PRIO_MASK, 0 },
    { "GICC_BPR", GICC_BPR, 4, DEV_REG_EFFECT, 0, 7, GIC_BPR0_MIN }, /* has a minimum */
    { "GICC_IAR", GICC_IAR, 4, DEV_REG_RO | DEV_REG_EFFECT, 0, 0, GIC_SPURIOUS },
    { "GICC_EOIR", GICC_EOIR, 4, DEV_REG_WO | DEV_REG_EFFECT, 0, 0, 0 },
    { "GICC_RPR", GICC_RPR, 4, DEV_REG_RO, 0, 0, GIC_PRIO_IDLE },
    { "GICC_HPPIR", GICC_HPPIR, 4, DEV_REG_RO, 0, 0, GIC_SPURIOUS },
    { "GICC_ABPR", GICC_ABPR, 4, DEV_REG_EFFECT, 0, 7, GIC_BPR1_MIN },
    { "GICC_AIAR", GICC_AIAR, 4, DEV_REG_RO | DEV_REG_EFFECT, 0, 0, GIC_SPURIOUS },
    { "GICC_AEOIR", GICC_AEOIR, 4, DEV_REG_WO | DEV_REG_EFFECT, 0, 0, 0 },
    { "GICC_AHPPIR", GICC_AHPPIR, 4, DEV_REG_RO, 0, 0, GIC_SPURIOUS },
    { "GICC_APR0", GICC_APR0, 4, 0, 0, 0xFFFFFFFF, 0 },
    { "GICC_NSAPR0", GICC_NSAPR0, 4, 0, 0, 0xFFFFFFFF, 0 },
    { "GICC_IIDR", GICC_IIDR, 4, DEV_REG_RO, 0, 0, IIDR_GIC400_CPU },
    { "GICC_DIR", GICC_DIR, 4, DEV_REG_WO | DEV_REG_EFFECT, 0, 0, 0 },
    { 0 },
};

const struct dev_ops gicv2_cpu_ops = {
    .name = "gicv2_cpu",
    .what = "Arm GICv2 CPU interface (GIC-400)",
    .compatible = "arm,cortex-a15-gic\0arm,gic-400\0",
    .mmio_size = GICC_SIZE,
    .access_sizes = 4,
    .self_locked = true,
    .reset = gicc_reset,
    .read = gicc_read,
    .write = gicc_write,
    .regs = gicc_regs,
};
