/*
 * gic.h - one programmer's view of GICv2 and GICv3 for guests that want interrupts and not a GIC: which it is, the CPU
 * interface on, lines by INTID. Board virt.
 */
#ifndef CONFORMANCE_GIC_H
#define CONFORMANCE_GIC_H
#include "sys.h"

#define GICD      0x08000000ull
#define GICC      0x08010000ull
#define GICR(cpu) (0x080a0000ull + (u64)(cpu)*0x20000)
#define TIMER_PPI 27u
#define SPURIOUS  1023u
#define EDGE_SPI  116u /* no device has it */

enum {
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xc00,
    IROUTER = 0x6000
};

static bool gicv3; /* set by gic_on */

/* Where the registers of an INTID are; private ones of GICv3 are in the redistributor of this CPU. */
static u64 gic_base(u32 id)
{
    return gicv3 && id < 32 ? GICR(this_cpu->index) + 0x10000 : GICD;
}

static void gic_set(u32 reg, u32 id)
{
    wr32(gic_base(id) + reg + id / 32 * 4, 1u << id % 32);
}

static bool gic_get(u32 reg, u32 id)
{
    return rd32(gic_base(id) + reg + id / 32 * 4) >> id % 32 & 1;
}

static void gic_priority(u32 id, u32 priority)
{
    *(volatile u8 *)(gic_base(id) + IPRIORITYR + id) = (u8)priority;
}

static void gic_pmr(u32 priority)
{
    if (gicv3) {
        MSR("s3_0_c4_c6_0", priority);
        isb();
    } else {
        wr32(GICC + 4, priority);
    }
}

/* This CPU's interface; the distributor is CPU 0's business. */
static void gic_on(void)
{
    gicv3 = (rd32(GICD + 4) >> 19 & 0x1f) != 0; /* GICD_TYPER.IDbits */
    if (gicv3) {
        u64 waker = GICR(this_cpu->index) + 0x14;
        wr32(waker, rd32(waker) & ~2u);
        while ((rd32(waker) & 4) != 0) {
        }
        MSR("s3_0_c12_c12_5", 7); /* ICC_SRE_EL1 */
        isb();
        wr32(GICR(this_cpu->index) + 0x10080, ~0u); /* IGROUPR0: group 1 */
        if (this_cpu->index == 0) {
            for (u32 i = 1; i < 8; i++) {
                wr32(GICD + 0x80 + i * 4, ~0u);
            }
            wr32(GICD, 0x12); /* ARE, group 1 */
        }
        MSR("s3_0_c12_c12_3", 0); /* ICC_BPR1_EL1 */
        MSR("s3_0_c12_c12_7", 1); /* ICC_IGRPEN1_EL1 */
        isb();
    } else {
        if (this_cpu->index == 0) {
            wr32(GICD, 1);
        }
        wr32(GICC, 1);
    }
    gic_pmr(0xf0);
}

static u32 gic_ack(void)
{
    u32 id;

    if (!gicv3) {
        return rd32(GICC + 0xc) & 0x3ff;
    }
    id = (u32)MRS("s3_0_c12_c12_0");
    dsb();
    return id;
}

static void gic_eoi(u32 id)
{
    if (gicv3) {
        MSR("s3_0_c12_c12_1", id);
        isb();
    } else {
        wr32(GICC + 0x10, id);
    }
}

static void gic_sgi(u32 id, unsigned cpu)
{
    dsb();
    if (gicv3) {
        MSR("s3_0_c12_c11_5", (u64)id << 24 | 1ull << cpu); /* ICC_SGI1R_EL1 */
        isb();
    } else {
        wr32(GICD + 0xf00, 1u << (16 + cpu) | id);
    }
}

static void gic_route(u32 id, unsigned cpu)
{
    if (gicv3) {
        wr64(GICD + IROUTER + 8ull * id, cpu);
    } else {
        *(volatile u8 *)(GICD + ITARGETSR + id) = (u8)(1u << cpu);
    }
}

static void gic_edge(u32 id, bool edge)
{
    u64 a = gic_base(id) + ICFGR + id / 16 * 4;
    u32 bit = 2u << id % 16 * 2;

    wr32(a, edge ? rd32(a) | bit : rd32(a) & ~bit);
}

static void gic_enable(u32 id, u32 priority)
{
    gic_priority(id, priority);
    if (id >= 32) {
        gic_route(id, 0);
    }
    gic_set(ISENABLER, id);
    dsb();
}

/* ---- Interrupts as they come ----------------------------------------------------------------- */

#define SEEN_MAX 16
static struct {
    volatile u32 count;
    u32 id[SEEN_MAX];
    void (*quiet)(u32 id); /* makes the device lower its line; NULL: none does */
} seen[2];

static void gic_handler(void)
{
    u32 id = gic_ack();
    __typeof__(&seen[0]) s = &seen[this_cpu->index];

    if (s->count < SEEN_MAX) {
        s->id[s->count] = id;
    }
    if (s->quiet != NULL) {
        s->quiet(id);
    }
    if (id < 1020) {
        gic_eoi(id);
    }
    dsb();
    s->count++;
}

static void irqs_on(void)
{
    this_cpu->irq = gic_handler;
    ASM("msr daifclr, #2\nisb");
}

static void irqs_off(void)
{
    ASM("msr daifset, #2\nisb");
    this_cpu->irq = NULL;
}

/* Sleeps until this CPU has taken so many interrupts; WFI with PSTATE.I set sees those that came before. */
static void wait_for(u32 count)
{
    for (;;) {
        ASM("msr daifset, #2\nisb");
        if (seen[this_cpu->index].count >= count) {
            break;
        }
        ASM("wfi\nmsr daifclr, #2\nisb");
    }
    ASM("msr daifclr, #2\nisb");
}

static void print_seen(const char *what, unsigned cpu)
{
    print("%s", what);
    for (u32 i = 0; i < seen[cpu].count && i < SEEN_MAX; i++) {
        print(" %u", (u64)seen[cpu].id[i]);
    }
    print("\n");
    seen[cpu].count = 0;
}

#endif
