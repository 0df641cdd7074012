/*
 * gic.h - the inside of the interrupt controller: one core, two views (GICv2 and GICv3).
 *
 * Spec: IHI 0048 (GICv2) and the GIC-400 TRM (DDI 0471); IHI 0069 (GICv3).
 *
 * The problem: for each CPU, keep the two interrupt lines equal to a function of all state, and
 * keep that cheap, for it is computed at every acknowledge, end of interrupt and wire change.
 *
 *     wires, SGIs ─▶ gic_bank, bitmaps of 32 lines ─▶ target[] ─▶ gic_cpu: highest pending
 *                    group enabled pending active     who may     PMR, BPR, active priorities
 *                    level edge, priority[32]         take it          │
 *                                                                      ▼
 *                                                                 nIRQ, nFIQ
 *
 * The lines that a CPU has to look at are, bank by bank,
 *
 *     (pending | level & ~edge) & enabled & ~active & (lines of enabled groups) & target[]
 *
 * and only those bits are visited to find the smallest priority: nothing at all in the usual case,
 * a handful in a busy one, GIC_LINES at worst. The answer is kept in gic_cpu.highest, so that an
 * acknowledge has nothing to look for.
 *
 * Priorities have 5 bits, so there are 32 preemption levels, and one 32-bit register of active
 * priorities for each group: bit n is set while an interrupt of group priority 8 * n is active. The
 * running priority is the lowest set bit. A priority drop clears it.
 *
 * GICv3's CPU interface is GICv2's with a different way in: gic_cpu.ctlr holds GICC_CTLR's bits in
 * both views (with FIQEn fixed in GICv3, where group 0 is always FIQ). There is a single security
 * state: GICv2 without the Security Extensions, GICv3 with GICD_CTLR.DS = 1 and affinity routing
 * always on. Group 0 and 1 are both the guest's.
 *
 * Everything here runs with gic.lock held. The windows (dev_ops) and the functions of devices.h
 * take it.
 */
#ifndef DEVICES_GIC_H
#define DEVICES_GIC_H

#include "base/bits.h"
#include "devices.h"

#define GIC_SPI_WORDS (GIC_SPIS / 32)
#define GIC_NO_CPU    UINT32_MAX
#define GIC_CPUS_MAX  64

#define GIC_PRIO_SHIFT 3 /* five bits of priority             */
#define GIC_PRIO_MASK  0xF8
#define GIC_PRIO_IDLE  0xFF /* running priority of an idle CPU   */
#define GIC_BPR0_MIN   2    /* group priority in bits 7:3        */
#define GIC_BPR1_MIN   3    /* the same; counted from one higher */
#define GIC_SGI_MASK   0xFFFFu

/* GICD_CTLR */
enum {
    GICD_CTLR_GRP0 = BIT(0),
    GICD_CTLR_GRP1 = BIT(1),
    GICD_CTLR_GROUPS = GICD_CTLR_GRP0 | GICD_CTLR_GRP1,
    GICD_CTLR_ARE = BIT(4), /* GICv3 */
    GICD_CTLR_DS = BIT(6),  /* GICv3 */
};

/* GICC_CTLR without the Security Extensions */
enum {
    GICC_CTLR_GRP0 = BIT(0),
    GICC_CTLR_GRP1 = BIT(1),
    GICC_CTLR_ACKCTL = BIT(2),
    GICC_CTLR_FIQEN = BIT(3),
    GICC_CTLR_CBPR = BIT(4),
    GICC_CTLR_EOIMODE = BIT(9),
    GICC_CTLR_WRITABLE = 0x3FF,
};

#define GIC_ROUTE_ANY BIT(31) /* GICD_IROUTER.Interrupt_Routing_Mode: 1 of N */

/* 32 interrupt lines, a bit each. */
struct gic_bank {
    uint32_t group;   /* IGROUPR                                                              */
    uint32_t enabled; /* ISENABLER, ICENABLER                                                 */
    uint32_t pending; /* latched: by an edge, by ISPENDR, by an SGI; not the level of a wire  */
    uint32_t active;
    uint32_t level; /* the wires                                                            */
    uint32_t edge;  /* ICFGR: 1 edge-triggered                                              */
    uint8_t priority[32];
};

struct gic_hppi {
    uint16_t intid; /* GIC_SPURIOUS: nothing is pending */
    uint8_t priority;
    uint8_t group;
};

struct gic_cpu {
    struct gic_bank own;            /* SGIs and PPIs                                          */
    uint8_t sgi_source[GIC_SGIS];   /* GICv2: CPUs whose SGI is pending, a bit each           */
    uint32_t target[GIC_SPI_WORDS]; /* SPIs that come here                                    */
    uint64_t affinity;
    uint32_t ctlr; /* GICC_CTLR                                              */
    uint32_t pmr;
    uint32_t bpr[2];         /* by group: GICC_BPR and GICC_ABPR, ICC_BPR0 and ICC_BPR1 */
    uint32_t apr[2];         /* by group: active priorities                            */
    uint32_t asleep;         /* GICv3: GICR_WAKER.ProcessorSleep                       */
    struct gic_hppi highest; /* as of the last update                                  */
    bool irq, fiq;           /* as last told to the port                               */
};

struct gic {
    unsigned version;
    unsigned cpus;
    struct gic_cpu_port port;
    struct lock lock;
    uint32_t ctlr; /* GICD_CTLR, the group enables                         */
    struct gic_bank spi[GIC_SPI_WORDS];
    uint64_t route[GIC_SPIS];    /* GICD_ITARGETSR or GICD_IROUTER as written            */
    uint32_t any[GIC_SPI_WORDS]; /* GICv3: SPIs that any CPU may take                    */
    uint32_t any_cpu[2];         /* by group: the one that they go to now, or GIC_NO_CPU */
    struct gic_cpu cpu[];
};

/* ---- Core (gic.c) ---------------------------------------------------------------------------- */

/* Bank that holds an INTID, as seen by a CPU; NULL if there is no such line. */
struct gic_bank *gic_bank_of(struct gic *gic, unsigned cpu, uint32_t intid);

/* Lines of a bank that are pending for any reason. */
static inline uint32_t gic_bank_pending(const struct gic_bank *bank)
{
    return bank->pending | (bank->level & ~bank->edge);
}

/* Recomputes highest, irq and fiq of one CPU; of those that some lines of a bank go to; of all. */
void gic_update_cpu(struct gic *gic, unsigned cpu);
void gic_update_lines(struct gic *gic, unsigned cpu, uint32_t intid, uint32_t lines);
void gic_update_all(struct gic *gic);

/* Chooses again who takes 1-of-N interrupts; call after a CPU began or ceased to take part. */
void gic_choose_any(struct gic *gic);
/* Sets ITARGETSR or IROUTER of an SPI and what follows from it. value has only bits that exist. */
void gic_set_route(struct gic *gic, uint32_t intid, uint64_t value);
/* Makes an SGI pending at CPU `to`. */
void gic_send_sgi(struct gic *gic, unsigned from, unsigned to, uint32_t intid);
/* GICv2: the CPUs (a mask) whose SGI is pending; 0 ends it. */
void gic_set_sgi_sources(struct gic *gic, unsigned cpu, uint32_t intid, uint32_t sources);

/* True if the CPU's highest pending interrupt may interrupt it now: priority mask,
 * running priority, groups. */
bool gic_can_signal(const struct gic_cpu *cpu);
/* Running priority: of the highest active interrupt, GIC_PRIO_IDLE without one. */
uint32_t gic_running_priority(const struct gic_cpu *cpu);
/* Acknowledges the CPU's highest pending interrupt (gic_can_signal). Returns its
 * INTID, with an SGI's source in 12:10. */
uint32_t gic_acknowledge(struct gic *gic, unsigned cpu);
/* Priority drop: the highest active priority of a group ends. */
void gic_drop_priority(struct gic *gic, unsigned cpu, unsigned group);
/* Deactivates an interrupt. Anything that is no line of ours is ignored. */
void gic_deactivate(struct gic *gic, unsigned cpu, uint32_t intid);
/* Sets BPR of a group, not below its minimum. */
void gic_set_bpr(struct gic *gic, unsigned cpu, unsigned group, uint32_t value);

/* ---- Registers of lines, shared by distributor and redistributors (gic_dist.c) --------------- */

enum gic_view { GIC_VIEW_V2 = 1, GIC_VIEW_V3 = 2, GIC_VIEW_REDIST = 4 };

enum mmio_result gic_rows_read(struct gic *gic, unsigned cpu, enum gic_view view, uint64_t offset,
                               unsigned size, uint64_t *value);
enum mmio_result gic_rows_write(struct gic *gic, unsigned cpu, enum gic_view view, uint64_t offset,
                                unsigned size, uint64_t value);

/* Identification registers PIDR4..7, PIDR0..3, CIDR0..3; offset from the first. */
#define GIC_IDS_SIZE 0x30
uint32_t gic_id(const struct gic *gic, uint32_t part, uint64_t offset);

/* Fields of one struct gic_cpu, for those who want them all: gic->cpu[0 .. gic->cpus-1]. */
extern const struct dev_field gic_cpu_fields[];

#endif
