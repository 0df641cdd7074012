/*
 * gicv3_redist.c - GICv3's redistributors (GICR): for each CPU a page RD_base and a page SGI_base
 * of 64 KiB.
 *
 * Spec: IHI 0069, "The GIC Redistributor register descriptions".
 *
 * The registers of SGI_base are the distributor's, for the 32 private lines; gic_dist.c has them. A
 * CPU interface here never loses power, and a wake request would be granted at once, so GICR_WAKER
 * answers the handshake and ProcessorSleep only takes the CPU out of 1-of-N routing.
 */
#include "devices/gic.h"

enum {
    GICR_CTLR = 0x0000,
    GICR_IIDR = 0x0004,
    GICR_TYPER = 0x0008,
    GICR_STATUSR = 0x0010,
    GICR_WAKER = 0x0014,
    GICR_IDS = 0xFFD0,
};

enum { TYPER_LAST = BIT(4), TYPER_CPU_NUMBER = 8, TYPER_AFFINITY = 32 };
enum { WAKER_PROCESSOR_SLEEP = BIT(1), WAKER_CHILDREN_ASLEEP = BIT(2) };

#define SGI_BASE    0x10000u
#define GICR_SIZE   0x20000u
#define IIDR_REDIST 0x0000043Bu
#define PART_REDIST 0x493

/* Aff3.Aff2.Aff1.Aff0 as four bytes. */
static uint64_t affinity_word(uint64_t affinity)
{
    return bits(affinity, 32, 8) << 24 | bits(affinity, 0, 24);
}

static uint64_t redist_typer(const struct gic *gic, unsigned cpu)
{
    return affinity_word(gic->cpu[cpu].affinity) << TYPER_AFFINITY |
           (uint64_t)cpu << TYPER_CPU_NUMBER | (cpu + 1 == gic->cpus ? TYPER_LAST : 0);
}

static enum mmio_result rd_read(const struct gic *gic, unsigned cpu, uint64_t offset, unsigned size,
                                uint64_t *value)
{
    if (offset >= GICR_TYPER && offset < GICR_TYPER + 8) {
        *value = bits(redist_typer(gic, cpu), 8 * (offset & 7), 8 * size);
        return MMIO_OK;
    }
    if (size == 4 && range_inside(offset, size, GICR_IDS, GIC_IDS_SIZE)) {
        *value = gic_id(gic, PART_REDIST, offset - GICR_IDS);
        return MMIO_OK;
    }
    switch (size == 4 ? offset : UINT64_MAX) {
    case GICR_CTLR: *value = 0; break; /* no LPIs, never a write in flight */
    case GICR_IIDR: *value = IIDR_REDIST; break;
    case GICR_STATUSR: *value = 0; break;
    case GICR_WAKER:
        *value = gic->cpu[cpu].asleep != 0 ? WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP : 0;
        break;
    default: return MMIO_UNKNOWN;
    }
    return MMIO_OK;
}

static enum mmio_result rd_write(struct gic *gic, unsigned cpu, uint64_t offset, unsigned size,
                                 uint64_t value)
{
    switch (size == 4 ? offset : UINT64_MAX) {
    case GICR_CTLR:
    case GICR_STATUSR: break;
    case GICR_WAKER:
        gic->cpu[cpu].asleep = (value & WAKER_PROCESSOR_SLEEP) != 0;
        gic_choose_any(gic);
        break;
    default: return MMIO_UNKNOWN;
    }
    return MMIO_OK;
}

/* ---- Device ---------------------------------------------------------------------------------- */

static enum mmio_result redist_read(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                    uint64_t *value)
{
    struct gic *gic = dev->state;
    uint64_t owner = offset / GICR_SIZE;
    uint64_t within = offset % GICR_SIZE;
    enum mmio_result result;

    if (gic->version != 3 || owner >= gic->cpus) {
        return MMIO_UNKNOWN;
    }
    cpu = (unsigned)owner;
    lock_acquire(&gic->lock);
    if (within < SGI_BASE) {
        result = size == 1 ? MMIO_UNKNOWN : rd_read(gic, cpu, within, size, value);
    } else {
        result = gic_rows_read(gic, cpu, GIC_VIEW_REDIST, within - SGI_BASE, size, value);
    }
    lock_release(&gic->lock);
    return result;
}

static enum mmio_result redist_write(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                     uint64_t value)
{
    struct gic *gic = dev->state;
    uint64_t owner = offset / GICR_SIZE;
    uint64_t within = offset % GICR_SIZE;
    enum mmio_result result;

    if (gic->version != 3 || owner >= gic->cpus) {
        return MMIO_UNKNOWN;
    }
    cpu = (unsigned)owner;
    lock_acquire(&gic->lock);
    if (within < SGI_BASE) {
        result = rd_write(gic, cpu, within, size, value);
    } else {
        result = gic_rows_write(gic, cpu, GIC_VIEW_REDIST, within - SGI_BASE, size, value);
    }
    lock_release(&gic->lock);
    return result;
}

/* The distributor resets the whole. */
static void redist_reset(struct dev *dev) {}

/* Of the first CPU. */
static const struct dev_reg redist_regs[] = {
    { "GICR_CTLR", GICR_CTLR, 4, 0, 0, 0, 0 },
    { "GICR_IIDR", GICR_IIDR, 4, DEV_REG_RO, 0, 0, IIDR_REDIST },
    { "GICR_TYPER", GICR_TYPER, 8, DEV_REG_RO | DEV_REG_EFFECT, 0, 0, 0 }, /* affinity, last */
    { "GICR_STATUSR", GICR_STATUSR, 4, 0, 0, 0, 0 },
    { "GICR_WAKER", GICR_WAKER, 4, DEV_REG_EFFECT, 0, WAKER_PROCESSOR_SLEEP,
      WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP },
    { "GICR_IGROUPR0", SGI_BASE + 0x080, 4, 0, 0, 0xFFFFFFFF, 0 },
    { "GICR_ISENABLER0", SGI_BASE + 0x100, 4, DEV_REG_EFFECT, 0, 0xFFFFFFFF, 0 },
    { "GICR_ICENABLER0", SGI_BASE + 0x180, 4, DEV_REG_EFFECT, 0, 0, 0 },
    { "GICR_ISPENDR0", SGI_BASE + 0x200, 4, DEV_REG_EFFECT, 0, 0xFFFFFFFF, 0 },
    { "GICR_ICPENDR0", SGI_BASE + 0x280, 4, DEV_REG_EFFECT, 0, 0, 0 },
    { "GICR_ISACTIVER0", SGI_BASE + 0x300, 4, DEV_REG_EFFECT, 0, 0xFFFFFFFF, 0 },
    { "GICR_ICACTIVER0", SGI_BASE + 0x380, 4, DEV_REG_EFFECT, 0, 0, 0 },
    { "GICR_IPRIORITYR", SGI_BASE + 0x400, 4, 0, GIC_PRIVATE / 4, 0xF8F8F8F8, 0 },
    { "GICR_ICFGR0", SGI_BASE + 0xC00, 4, 0, 0, 0, 0xAAAAAAAA },
    { "GICR_ICFGR1", SGI_BASE + 0xC04, 4, 0, 0, 0xAAAAAAAA, 0 },
    { "GICR_IGRPMODR0", SGI_BASE + 0xD00, 4, 0, 0, 0, 0 },
    { "GICR_NSACR", SGI_BASE + 0xE00, 4, 0, 0, 0, 0 },
    { 0 },
};

const struct dev_ops gicv3_redist_ops = {
    .name = "gicv3_redist",
    .what = "Arm GICv3 redistributors, 128 KiB a CPU",
    .compatible = "arm,gic-v3\0",
    .mmio_size = GICR_SIZE,
    .access_sizes = 1 | 4 | 8,
    .self_locked = true,
    .reset = redist_reset,
    .read = redist_read,
    .write = redist_write,
    .regs = redist_regs,
};
