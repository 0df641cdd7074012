/*
 * devices.h - what a device is, what it is handed, and the board that lists them.
 *
 * A device is freestanding C with all its state in one struct. It is handed its ports (interrupt
 * lines, clock, character port ...) and reaches for nothing else. The bus has checked offset, size
 * and alignment against the device's ops before the device is called, and holds the device's lock;
 * a device calls its ports with it held. Everything about a device that other parts need (bus
 * range, devicetree node, memory map, snapshot, register test, fuzzer) comes from its `struct
 * dev_ops` and its row in the board table (devices_main.c).
 */
#ifndef DEVICES_H
#define DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

/* ---- Ports ----------------------------------------------------------------------------------- */

/* An interrupt wire. The device sets its level; nobody at this end knows what it is wired to. A
 * zeroed line is unconnected. */
struct irq_line {
    void (*set)(void *opaque, uint32_t intid, bool level);
    void *opaque;
    uint32_t intid;
};

static inline void irq_line_set(const struct irq_line *line, bool level)
{
    if (line->set != NULL) {
        line->set(line->opaque, line->intid, level);
    }
}

/* Time. now_ns is the guest's clock: it starts at 0 with the machine and stands still
 * while the machine is paused. */
struct clock_port {
    uint64_t (*now_ns)(void *opaque);
    uint64_t (*wall_s)(void *opaque); /* seconds since 1970-01-01 UTC */
    void *opaque;
};

/* Bytes out. Returns how many of len were taken (the rest is the caller's to retry or drop). Input
 * comes by dev_ops.receive. */
struct char_port {
    size_t (*write)(void *opaque, const uint8_t *bytes, size_t len);
    void *opaque;
};

enum power_request { POWER_OFF, POWER_RESET, POWER_EXIT };

/* Asks the machine to go off, restart, or exit with a status of the guest's choice. */
struct power_port {
    void (*request)(void *opaque, enum power_request request, uint32_t status);
    void *opaque;
};

/* ---- Devices --------------------------------------------------------------------------------- */

enum mmio_result {
    MMIO_OK,
    MMIO_UNKNOWN, /* no such register in this direction: reads as 0; the core reports it */
};

struct dev;

/* One register, for the register tests, the fuzzer, documentation and traces. */
struct dev_reg {
    const char *name;
    uint32_t offset;   /* of the first one                             */
    uint8_t width;     /* bytes                                        */
    uint8_t flags;     /* DEV_REG_*                                    */
    uint16_t count;    /* of equal registers in a row; 0 means 1       */
    uint64_t writable; /* bits that read back as written               */
    uint64_t reset;    /* value after reset                            */
};

enum {
    DEV_REG_RO = 1,     /* writes change nothing                                       */
    DEV_REG_WO = 2,     /* reads are not defined                                       */
    DEV_REG_EFFECT = 4, /* reading or writing does something; not part of simple tests */
};

/* One field of the state, for snapshot, inspector and diff. */
struct dev_field {
    const char *name;
    uint32_t offset; /* in the state struct          */
    uint16_t size;   /* bytes of one element         */
    uint16_t count;  /* elements; 0 means 1          */
};

#define DEV_FIELD(type, member)                             \
    {                                                       \
#member, (uint32_t)offsetof(struct type, member),   \
            (uint16_t)sizeof(((struct type *)0)->member), 0 \
    }
#define DEV_FIELD_ARRAY(type, member)                                                              \
    {                                                                                              \
#member, (uint32_t)offsetof(struct type, member),                                          \
            (uint16_t)sizeof(((struct type *)0)->member[0]),                                       \
            (uint16_t)(sizeof(((struct type *)0)->member) / sizeof(((struct type *)0)->member[0])) \
    }

struct dev_ops {
    const char *name;       /* "uart"                                                    */
    const char *what;       /* one line for `hypervisor devices`                         */
    const char *compatible; /* devicetree, entries separated by '\0' and ended by two    */
    uint32_t state_size;    /* bytes of state, zeroed by the owner before the first reset */
    uint32_t mmio_size;     /* bytes of the register window                              */
    uint8_t access_sizes;   /* mask of the sizes 1, 2, 4, 8 that the device gets to see      */
    bool self_locked;       /* the device has a lock of its own (the GIC): the bus takes none */

    void (*reset)(struct dev *dev);
    /* offset is aligned to size and offset + size <= mmio_size; cpu is the index of
     * the asking vCPU. */
    enum mmio_result (*read)(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                             uint64_t *value);
    enum mmio_result (*write)(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                              uint64_t value);
    /* Guest clock (ns) at which tick wants to be called; UINT64_MAX: never. Asked
     * again after each call of the device. */
    uint64_t (*deadline)(struct dev *dev);
    void (*tick)(struct dev *dev);
    /* Input for devices with a char port; returns how many bytes were taken. */
    size_t (*receive)(struct dev *dev, const uint8_t *bytes, size_t len);
    /* An outside event by a number of the device's own, below. Others do nothing. */
    void (*event)(struct dev *dev, unsigned event);

    const struct dev_reg *regs;     /* ended by a row with name NULL; may be NULL */
    const struct dev_field *fields; /* likewise                                   */
};

#define DEV_IRQS 2

struct dev {
    const struct dev_ops *ops;
    void *state; /* state_size bytes; for GIC windows the one struct gic */
    uint64_t base, size;
    struct irq_line irq[DEV_IRQS];
    struct clock_port clock;
    struct char_port chars;
    struct power_port power;
    struct lock lock;
    uint64_t deadline_ns; /* as last answered; kept by the core */
};

/* Guest clock, ns. */
static inline uint64_t dev_now_ns(const struct dev *dev)
{
    return dev->clock.now_ns(dev->clock.opaque);
}

/* The devices; one file each. */
extern const struct dev_ops uart_ops; /* uart.c: PL011                     */
extern const struct dev_ops
    timer_mmio_ops; /* timer.c: generic timer's MMIO control page + one frame page */
extern const struct dev_ops rtc_ops;        /* rtc.c: PL031                      */
extern const struct dev_ops gpio_ops;       /* gpio.c: PL061, line 3 is the power button */
extern const struct dev_ops debug_exit_ops; /* debug_exit.c                      */
extern const struct dev_ops gic_dist_ops;   /* gic.c: distributor, v2 or v3 view */
extern const struct dev_ops gicv2_cpu_ops;  /* gic.c: GICv2 CPU interface        */
extern const struct dev_ops
    gicv3_redist_ops; /* gic.c: redistributors, 128 KiB a CPU (mmio_size is for one) */

#define GPIO_POWER_BUTTON_LINE 3
/* dev_ops.event of the GPIO: the power button is let go, pressed, or pushed (pressed for
 * 100 ms). */
enum { GPIO_EVENT_RELEASE, GPIO_EVENT_PRESS, GPIO_EVENT_PUSH };
/* dev_ops.event of the UART: the terminal sent a break (Linux's SysRq). */
#define UART_EVENT_BREAK 1
/* UARTCLK, for the devicetree. */
#define UART_CLOCK_HZ 24000000u

/* ---- Generic timer (system registers) -------------------------------------------------------- */

enum gtimer_id { GTIMER_VIRT, GTIMER_PHYS, GTIMER_HYP, GTIMER_COUNT };

/* The timers of one CPU. DDI 0487, "The Generic Timer in AArch64 state". Zeroed is reset. */
struct gtimer {
    struct {
        uint32_t ctl;  /* CNTx_CTL: bit 0 ENABLE, bit 1 IMASK (ISTATUS is computed) */
        uint64_t cval; /* CNTx_CVAL, ticks                                          */
        bool line;     /* level last put on irq[]: the wire is told of changes only */
    } t[GTIMER_COUNT];
    uint64_t cntvoff; /* CNTVOFF_EL2, ticks */
    struct irq_line irq[GTIMER_COUNT];
};

/* CNTFRQ_EL0: one tick is 16 ns, and Linux, U-Boot and EDK2 all take it. */
#define GTIMER_FREQ_HZ 62500000u

/* CNTPCT of a guest clock in ns; CNTVCT is this minus cntvoff. */
uint64_t gtimer_count(uint64_t now_ns);
/* CTL with ISTATUS, CVAL and TVAL as the guest sees them at now_ns. */
uint32_t gtimer_ctl(const struct gtimer *g, enum gtimer_id id, uint64_t now_ns);
int32_t gtimer_tval(const struct gtimer *g, enum gtimer_id id, uint64_t now_ns);
/* First guest-clock ns, now or later, at which a timer's view of the count is at least this; UINT64_MAX: never. */
uint64_t gtimer_when(const struct gtimer *g, enum gtimer_id id, uint64_t count, uint64_t now_ns);
void gtimer_set_ctl(struct gtimer *g, enum gtimer_id id, uint32_t ctl, uint64_t now_ns);
void gtimer_set_cval(struct gtimer *g, enum gtimer_id id, uint64_t cval, uint64_t now_ns);
void gtimer_set_tval(struct gtimer *g, enum gtimer_id id, int32_t tval, uint64_t now_ns);
/* Sets each interrupt line as the conditions demand at now_ns (call after any change
 * and at the deadline). */
void gtimer_update(struct gtimer *g, uint64_t now_ns);
/* First guest-clock ns from now_ns on at which gtimer_update would raise a line that
 * is low; UINT64_MAX: none. */
uint64_t gtimer_deadline(const struct gtimer *g, uint64_t now_ns);

/* ---- GIC ------------------------------------------------------------------------------------- */

#define GIC_SGIS     16
#define GIC_PRIVATE  32  /* SGIs 0-15, PPIs 16-31                        */
#define GIC_SPIS     224 /* SPIs 32-255: what both boards wire, and more */
#define GIC_LINES    (GIC_PRIVATE + GIC_SPIS)
#define GIC_V2_CPUS  8
#define GIC_SPURIOUS 1023

/* Towards the CPUs: levels of nIRQ and nFIQ. Called with the GIC's lock held; must not
 * call back. */
struct gic_cpu_port {
    void (*set)(void *opaque, unsigned cpu, bool irq, bool fiq);
    void *opaque;
};

struct gic_config {
    unsigned version;      /* 2 or 3                                                              */
    unsigned cpus;         /* 1..8 (v2), 1..64 (v3)                                               */
    const uint64_t *mpidr; /* affinity of each CPU as in MPIDR_EL1 (Aff3..Aff0), cpus entries */
    struct gic_cpu_port port;
    struct lock lock;
};

struct gic; /* devices/gic.h has the inside, for tests and snapshots */

/* Bytes that gic_init needs for a machine of so many CPUs. */
size_t gic_state_size(const struct gic_config *config);
/* Makes a GIC in the caller's zeroed storage (gic_state_size bytes, 16-aligned) and resets it. */
void gic_init(struct gic *gic, const struct gic_config *config);
void gic_reset(struct gic *gic);
/* A CPU is reset: so are its system registers of GICv3. GICv2's CPU interface is no part
 * of the CPU and stays. */
void gic_reset_interface(struct gic *gic, unsigned cpu);
/* Level of an SPI wire (intid 32..GIC_LINES-1), or of PPI intid 16..31 of one CPU. Any thread. */
void gic_set_spi(struct gic *gic, uint32_t intid, bool level);
void gic_set_ppi(struct gic *gic, unsigned cpu, uint32_t intid, bool level);
/*
 * GICv3 CPU interface by system register (ICC_*_EL1). reg is the packed encoding of arch/sysreg.h.
 * Returns false if the register does not exist here, or this GIC is not version 3: the caller makes
 * it UNDEFINED.
 */
bool gic_icc_read(struct gic *gic, unsigned cpu, uint32_t reg, uint64_t *value);
bool gic_icc_write(struct gic *gic, unsigned cpu, uint32_t reg, uint64_t value);

/* ---- Boards ---------------------------------------------------------------------------------- */

enum board_when { BOARD_ALWAYS, BOARD_GICV2, BOARD_GICV3 };

struct board_row {
    const struct dev_ops *ops;
    uint64_t base;
    uint64_t size; /* of the window; 0: ops->mmio_size. Redistributors: of the whole region */
    uint32_t spi[DEV_IRQS]; /* SPI number (INTID - 32) + 1; 0: none */
    enum board_when when;
};

struct board {
    const char *name;
    const char *what;
    const struct board_row *rows; /* ended by ops NULL */
    uint64_t flash_base,
        flash_size; /* one bank; the second follows; the first is ROM to the guest */
    uint64_t ram_base;
};

extern const struct board board_classic, board_virt;

/* PPIs of both boards (INTIDs). */
enum {
    PPI_PMU = 23,
    PPI_GIC_MAINT = 25,
    PPI_HYP_TIMER = 26,
    PPI_VIRT_TIMER = 27,
    PPI_PHYS_TIMER = 30
};

/* Board by name, or NULL. boards[] ends with NULL. */
extern const struct board *const boards[];
const struct board *board_find(const char *name);
/* The i-th device of a board present with this GIC version, or NULL after the last. */
const struct board_row *board_row_at(const struct board *board, unsigned gic_version, unsigned i);
/* The first device of that kind, or NULL. */
const struct board_row *board_row_of(const struct board *board, unsigned gic_version,
                                     const struct dev_ops *ops);
/* Bytes of its window. */
uint64_t board_row_size(const struct board_row *row);

#endif
