/*
 * gic2.c - GICv2: distributor and memory-mapped CPU interface.
 *
 * Group 1 is acknowledged by GICC_IAR with GICC_CTLR.AckCtl, which stays set except where a check clears it.
 */
#define GIC      "gic2"
#define SGI_BITS 0u /* always enabled, and pending by source: gic2.c tries them itself */
#include "gic.h"

#define GICC       0x08010000ull
#define GICC_CTLR  (GICC + 0x00)
#define GICC_PMR   (GICC + 0x04)
#define GICC_BPR   (GICC + 0x08)
#define GICC_IAR   (GICC + 0x0c)
#define GICC_EOIR  (GICC + 0x10)
#define GICC_RPR   (GICC + 0x14)
#define GICC_HPPIR (GICC + 0x18)
#define GICC_ABPR  (GICC + 0x1c)
#define GICC_DIR   (GICC + 0x1000)
#define GICD_TYPER (GICD + 4)
#define GICD_SGIR  (GICD + 0xf00)
#define CPENDSGIR  (GICD + 0xf10)
#define SPENDSGIR  (GICD + 0xf20)

enum { ENABLES = 3, ACKCTL = 1 << 2, FIQEN = 1 << 3, CBPR = 1 << 4, EOIMODE = 1 << 9 };

static u32 ack(unsigned group)
{
    return rd32(GICC_IAR);
}

static void eoi(unsigned group, u32 id)
{
    wr32(GICC_EOIR, id);
}

static void dir(u32 id)
{
    wr32(GICC_DIR, id);
}

static u32 rpr(void)
{
    return rd32(GICC_RPR);
}

static u32 hppir(unsigned group)
{
    return rd32(GICC_HPPIR);
}

static void set_pmr(u32 v)
{
    wr32(GICC_PMR, v);
}

static void set_bpr(unsigned group, u32 v)
{
    wr32(group ? GICC_ABPR : GICC_BPR, v);
}

static void set_control(bool eoimode, bool cbpr)
{
    wr32(GICC_CTLR, ENABLES | ACKCTL | (eoimode ? EOIMODE : 0) | (cbpr ? CBPR : 0));
}

static u64 lines(u32 id)
{
    return GICD;
}

static void interface_on(void)
{
    set_pmr(0xff);
    set_bpr(0, 0);
    set_bpr(1, 0);
    set_control(false, false);
}

static void send_to_self(u32 id)
{
    wr32(GICD_SGIR, 2u << 24 | id);
}

static void route_to(u32 id, unsigned cpu)
{
    *(volatile u8 *)(GICD + ITARGETSR + id) = (u8)(1u << cpu);
    dsb();
}

/* ---- Only here ------------------------------------------------------------------------------- */

static void identity(void)
{
    check("gic2.typer-cpus", "%u", field(rd32(GICD_TYPER), 5, 3));
    check("gic2.itargetsr-private", "%w", (u64)rd32(GICD + ITARGETSR));
    wr32(GICD + ITARGETSR + SPI, 0xffffffff);
    check("gic2.itargetsr-shared", "%w", (u64)rd32(GICD + ITARGETSR + SPI));
    wr32(GICD + ITARGETSR + SPI, 0);
    check("gic2.itargetsr-none", "%w", (u64)rd32(GICD + ITARGETSR + SPI));
    check("gic2.sgi-enabled", "%x", (u64)rd32(GICD + ISENABLER) & 0xffff);
    wr32(GICD + ICENABLER, 0xffff);
    check("gic2.sgi-still-enabled", "%x", (u64)rd32(GICD + ISENABLER) & 0xffff);
    wr32(GICD + ISPENDR, 0xffff);
    check("gic2.sgi-not-by-ispendr", "%x", (u64)rd32(GICD + ISPENDR) & 0xffff);
}

static u64 there_targets(u64 x)
{
    return rd32(GICD + ITARGETSR);
}

/* Without AckCtl a group 1 interrupt that is the highest answers 1022. */
static void groups(void)
{
    wr32(GICC_CTLR, ENABLES);
    prepare(SPI, 1, 0x80);
    pend(SPI);
    check("gic2.ackctl-0", "iar=%u hppir=%u %s", (u64)ack(1), (u64)hppir(1), state(SPI));
    prepare(SPI + 1, 0, 0x40);
    pend(SPI + 1);
    u32 id = ack(0);
    check("gic2.ackctl-0-higher", "iar=%u then %u hppir=%u", (u64)id, (u64)ack(1), (u64)hppir(1));
    eoi(0, id);
    wr32(GICC_CTLR, ENABLES | ACKCTL);
    print_order("gic2.ackctl-1", 1);
    /* The enables of the interface and of the distributor, by group. */
    for (unsigned on = 0; on < 4; on++) {
        pend(SPI);
        pend(SPI + 1);
        wr32(GICC_CTLR, on | ACKCTL);
        check(name("gic2.enable-%u", (u64)on), "hppir=%u isr=%x", (u64)hppir(0), MRS("isr_el1"));
    }
    for (unsigned on = 0; on < 4; on++) {
        wr32(GICD_CTLR, on);
        check(name("gic2.dist-enable-%u", (u64)on), "hppir=%u isr=%x", (u64)hppir(0),
              MRS("isr_el1"));
    }
    print_order("gic2.enable-end", 0);
    /* FIQEn: group 0 is an FIQ. */
    wr32(GICC_CTLR, ENABLES | ACKCTL | FIQEN);
    for (unsigned group = 0; group < 2; group++) {
        prepare(SPI, group, 0x80);
        pend(SPI);
        u64 isr = MRS("isr_el1");
        struct trap *t = probe1(EL1H & ~(P_I | P_F), g_wait, 0);
        check(name("gic2.fiqen-g%u", (u64)group), "isr=%x vec=%u", isr, taken(t) ? t->vec : 0);
        eoi(group, ack(group));
    }
    set_control(false, false);
}

static void print_sources(const char *what)
{
    check(what, "pending=%x sources=%w", (u64)rd32(GICD + ISPENDR) & 0xffff,
          (u64)rd32(SPENDSGIR + 4));
}

static u64 there_send(u64 x)
{
    wr32(GICD_SGIR, (u32)x);
    dsb();
    return x;
}

static u64 there_pending(u64 x)
{
    return rd32(GICD + ISPENDR) & 0xffff;
}

/* Each pair of sender and SGI pends by itself. */
static void sgi_sources(void)
{
    prepare(5, 0, 0x80);
    send_to_self(5);
    cpu1_call(there_send, 1u << 16 | 5);
    cpu1_call(there_send, 1u << 16 | 5);
    print_sources("gic2.sgi-sources");
    print_order("gic2.sgi-sources-order", 0);
    wr32(SPENDSGIR + 4, 0x0300);
    print_sources("gic2.sgi-spend");
    check("gic2.sgi-cpend-reads", "%w", (u64)rd32(CPENDSGIR + 4));
    wr32(CPENDSGIR + 4, 0x0100);
    print_sources("gic2.sgi-cpend");
    print_order("gic2.sgi-cpend-order", 0);
    print_sources("gic2.sgi-none");
}

static void sgi_targets(void)
{
    static const struct {
        const char *name;
        u32 value;
    } sends[] = { { "list-0", 0 },
                  { "list-1", 1 << 16 },
                  { "list-2", 2 << 16 },
                  { "list-3", 3 << 16 },
                  { "others", 1 << 24 },
                  { "others-list", 1 << 24 | 1 << 16 },
                  { "self", 2 << 24 },
                  { "self-list", 2 << 24 | 2 << 16 },
                  { "reserved", 3u << 24 | 3 << 16 },
                  { "nobody", 0xf0 << 16 } };

    for (unsigned i = 0; i < ARRAY(sends); i++) {
        for (unsigned from = 0; from < 2; from++) {
            if (from) {
                cpu1_call(there_send, sends[i].value | 6);
            } else {
                there_send(sends[i].value | 6);
            }
            u64 there = cpu1_call(there_ack, 0);
            u32 here = ack(0);
            if ((here & 0x3ff) < 1020) {
                eoi(0, here);
            }
            check(name("gic2.sgi-%s-by%u", sends[i].name, (u64)from), "here=%u/%u there=%u/%u",
                  (u64)here & 0x3ff, (u64)here >> 10, there & 0x3ff, there >> 10);
        }
    }
}

/* More than one target: the first that acknowledges has it. */
static void shared(void)
{
    prepare(SPI, 0, 0x80);
    wr32(GICD + ITARGETSR + (SPI & ~3u), 0x03030303);
    pend(SPI);
    u64 here = hppir(0);
    u64 there = cpu1_call(there_ack, 0);
    check("gic2.two-targets", "hppir=%u there=%u here=%u", here, there, (u64)ack(0));
    wr32(GICD + ITARGETSR + (SPI & ~3u), 0);
    pend(SPI);
    check("gic2.no-target", "%s hppir=%u there=%u", state(SPI), (u64)hppir(0),
          cpu1_call(there_ack, 0));
    route_to(SPI, 0);
    print_order("gic2.target-late", 0);
}

int main(void)
{
    mmu_default();
    cpu1_start();
    wr32(GICD_CTLR, ENABLES);
    identity();
    check("gic2.itargetsr-there", "%w", cpu1_call(there_targets, 0));
    line_registers();
    interface_on();
    cpu1_call(there_on, 0);
    common(0);
    common(1);
    grouping(1, true);
    nested_handlers(0, 0);
    nested_handlers(0, 5);
    nested_handlers(1, 7);
    groups();
    sgi_sources();
    sgi_targets();
    check("gic2.sgi-there-none", "%x", cpu1_call(there_pending, 0));
    shared();
    cpu1_leave();
    return 0;
}
