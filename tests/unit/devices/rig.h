/*
 * rig.h - a device on the bench: fake ports that remember what was put on them.
 *
 * `struct rig` holds one device that is not a GIC window; `struct gic_rig` a GIC with its windows,
 * and the levels of nIRQ and nFIQ of each CPU. Tests are one thread, so there are no locks.
 */
#ifndef TESTS_DEVICES_RIG_H
#define TESTS_DEVICES_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "devices.h"
#include "devices/gic.h"

struct rig {
    struct dev dev;
    uint64_t now_ns, wall_s;
    uint8_t out[256];
    size_t out_len, out_max;
    bool level[DEV_IRQS];
    unsigned power_calls;
    enum power_request power;
    uint32_t power_status;
};

static inline uint64_t rig_now(void *opaque)
{
    return ((struct rig *)opaque)->now_ns;
}
static inline uint64_t rig_wall(void *opaque)
{
    return ((struct rig *)opaque)->wall_s;
}

static inline size_t rig_write(void *opaque, const uint8_t *bytes, size_t len)
{
    struct rig *rig = opaque;
    size_t n = 0;

    while (n < len && rig->out_len < rig->out_max) {
        rig->out[rig->out_len++] = bytes[n++];
    }
    return n;
}

static inline void rig_irq(void *opaque, uint32_t intid, bool level)
{
    ((struct rig *)opaque)->level[intid] = level;
}

static inline void rig_power(void *opaque, enum power_request request, uint32_t status)
{
    struct rig *rig = opaque;

    rig->power_calls++;
    rig->power = request;
    rig->power_status = status;
}

/* The clock starts at 5 s, so that a device that counts from zero shows. */
static inline void rig_init(struct rig *rig, const struct dev_ops *ops)
{
    memset(rig, 0, sizeof(*rig));
    rig->now_ns = 5000000000ull;
    rig->wall_s = 1700000000;
    rig->out_max = sizeof(rig->out);
    rig->dev.ops = ops;
    rig->dev.state = calloc(1, ops->state_size);
    rig->dev.size = ops->mmio_size;
    for (unsigned i = 0; i < DEV_IRQS; i++) {
        rig->dev.irq[i] = (struct irq_line){ rig_irq, rig, i };
    }
    rig->dev.clock = (struct clock_port){ rig_now, rig_wall, rig };
    rig->dev.chars = (struct char_port){ rig_write, rig };
    rig->dev.power = (struct power_port){ rig_power, rig };
    ops->reset(&rig->dev);
}

static inline void rig_fini(struct rig *rig)
{
    free(rig->dev.state);
}

/* Accesses that must be known to the device. */
static inline uint64_t dev_rd(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size)
{
    uint64_t value = 0xDEADDEADDEADDEADull;

    assert_int_equal(dev->ops->read(dev, cpu, offset, size, &value), MMIO_OK);
    return value;
}

static inline void dev_wr(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                          uint64_t value)
{
    assert_int_equal(dev->ops->write(dev, cpu, offset, size, value), MMIO_OK);
}

static inline uint32_t rd(struct rig *rig, uint64_t offset)
{
    return (uint32_t)dev_rd(&rig->dev, 0, offset, 4);
}

static inline void wr(struct rig *rig, uint64_t offset, uint32_t value)
{
    dev_wr(&rig->dev, 0, offset, 4, value);
}

/* Lets time pass as the core does: tick whenever a deadline is due. */
static inline void rig_pass(struct rig *rig, uint64_t ns)
{
    struct dev *dev = &rig->dev;

    rig->now_ns += ns;
    if (dev->ops->deadline(dev) <= rig->now_ns) {
        dev->ops->tick(dev);
    }
}

/* ---- GIC ------------------------------------------------------------------------------------- */

struct gic_rig {
    struct gic *gic;
    struct dev dist, cpuif, redist;
    uint64_t mpidr[GIC_CPUS_MAX];
    bool irq[GIC_CPUS_MAX], fiq[GIC_CPUS_MAX];
    unsigned calls; /* of the port */
};

static inline void gic_rig_lines(void *opaque, unsigned cpu, bool irq, bool fiq)
{
    struct gic_rig *rig = opaque;

    /* The port hears of changes only. */
    assert_true(irq != rig->irq[cpu] || fiq != rig->fiq[cpu]);
    rig->irq[cpu] = irq;
    rig->fiq[cpu] = fiq;
    rig->calls++;
}

/* Affinities as the core gives them: 16 CPUs in Aff0, then Aff1. */
static inline void gic_rig_init(struct gic_rig *rig, unsigned version, unsigned cpus)
{
    struct gic_config config = { .version = version, .cpus = cpus };

    memset(rig, 0, sizeof(*rig));
    for (unsigned i = 0; i < cpus; i++) {
        rig->mpidr[i] = (uint64_t)(i / 16) << 8 | i % 16;
    }
    config.mpidr = rig->mpidr;
    config.port = (struct gic_cpu_port){ gic_rig_lines, rig };
    rig->gic = calloc(1, gic_state_size(&config));
    gic_init(rig->gic, &config);
    rig->dist = (struct dev){ .ops = &gic_dist_ops, .state = rig->gic };
    rig->cpuif = (struct dev){ .ops = &gicv2_cpu_ops, .state = rig->gic };
    rig->redist = (struct dev){ .ops = &gicv3_redist_ops, .state = rig->gic };
}

static inline void gic_rig_fini(struct gic_rig *rig)
{
    free(rig->gic);
}

/* Distributor as CPU `cpu`, 32 bits. */
static inline uint32_t drd(struct gic_rig *rig, unsigned cpu, uint64_t offset)
{
    return (uint32_t)dev_rd(&rig->dist, cpu, offset, 4);
}

static inline void dwr(struct gic_rig *rig, unsigned cpu, uint64_t offset, uint32_t value)
{
    dev_wr(&rig->dist, cpu, offset, 4, value);
}

#endif
