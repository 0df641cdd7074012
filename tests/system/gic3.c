/*
 * gic3.c - GICv3: distributor, redistributors, and the CPU interface in system registers.
 */
#define GIC      "gic3"
#define SGI_BITS 0x0000ffffu /* SGIs are as other interrupts here */
#include "gic.h"

#define GICR(cpu)    (0x080a0000ull + (u64)(cpu)*0x20000)
#define GICR_TYPER   8
#define GICR_WAKER   0x14
#define GICD_IROUTER 0x6000
#define GICD_ENABLES 0x13u /* ARE, group 1, group 0 */

static u32 ack(unsigned group)
{
    u32 id = (u32)(group ? MRS("s3_0_c12_c12_0") : MRS("s3_0_c12_c8_0"));

    dsb();
    return id;
}

static void eoi(unsigned group, u32 id)
{
    if (group) {
        MSR("s3_0_c12_c12_1", id);
    } else {
        MSR("s3_0_c12_c8_1", id);
    }
    isb();
}

static void dir(u32 id)
{
    MSR("s3_0_c12_c11_1", id);
    isb();
}

static u32 rpr(void)
{
    return (u32)MRS("s3_0_c12_c11_3");
}

static u32 hppir(unsigned group)
{
    return (u32)(group ? MRS("s3_0_c12_c12_2") : MRS("s3_0_c12_c8_2"));
}

static void set_pmr(u32 v)
{
    MSR("s3_0_c4_c6_0", v);
    isb();
}

static void set_bpr(unsigned group, u32 v)
{
    if (group) {
        MSR("s3_0_c12_c12_3", v);
    } else {
        MSR("s3_0_c12_c8_3", v);
    }
    isb();
}

static void set_control(bool eoimode, bool cbpr)
{
    MSR("s3_0_c12_c12_4", eoimode << 1 | cbpr);
    isb();
}

static void set_groups(bool group0, bool group1)
{
    MSR("s3_0_c12_c12_6", group0);
    MSR("s3_0_c12_c12_7", group1);
    isb();
}

static u64 lines(u32 id)
{
    return id < 32 ? GICR(this_cpu->index) + 0x10000 : GICD;
}

static void interface_on(void)
{
    wr32(GICR(this_cpu->index) + GICR_WAKER, 0);
    while (rd32(GICR(this_cpu->index) + GICR_WAKER) & 4) {
    }
    MSR("s3_0_c12_c12_5", 7);
    isb();
    set_pmr(0xff);
    set_bpr(0, 0);
    set_bpr(1, 0);
    set_control(false, false);
    set_groups(true, true);
}

/* ICC_SGI1R_EL1 reaches both groups where there is one security state. */
static void sgi1r(u64 v)
{
    dsb();
    MSR("s3_0_c12_c11_5", v);
    isb();
}

static void send_to_self(u32 id)
{
    sgi1r((u64)id << 24 | 1u << this_cpu->index);
}

static void route_to(u32 id, unsigned cpu)
{
    wr64(GICD + GICD_IROUTER + 8 * id, cpu);
    dsb();
}

/* ---- Only here ------------------------------------------------------------------------------- */

static void identity(void)
{
    u64 typer[2] = { rd64(GICR(0) + GICR_TYPER), rd64(GICR(1) + GICR_TYPER) };

    for (unsigned cpu = 0; cpu < 2; cpu++) {
        check(name("gic3.redist-typer%u", (u64)cpu), "affinity=%x number=%u last=%u halves=%x",
              typer[cpu] >> 32, field(typer[cpu], 8, 16), field(typer[cpu], 4, 1),
              (u64)(rd32(GICR(cpu) + GICR_TYPER + 4) == (u32)(typer[cpu] >> 32)));
    }
    check("gic3.dist-ctlr", "%x", (u64)rd32(GICD_CTLR));
    check("gic3.pidr2", "%x %x", (u64)rd32(GICD + 0xffe8) >> 4, (u64)rd32(GICR(0) + 0xffe8) >> 4);
    wr32(GICR(0) + GICR_WAKER, 2);
    u64 asleep = rd32(GICR(0) + GICR_WAKER);
    wr32(GICR(0) + GICR_WAKER, 0);
    check("gic3.waker", "%x %x", asleep, (u64)rd32(GICR(0) + GICR_WAKER));
    /* Private lines have nothing in the distributor, shared ones nothing in a redistributor. */
    wr32(GICD + ISENABLER, ~0u);
    wr32(GICD + IPRIORITYR, ~0u);
    check("gic3.dist-private", "%x %x %x", (u64)rd32(GICD + ISENABLER),
          (u64)rd32(GICD + IPRIORITYR), (u64)rd32(GICD + IGROUPR));
    wr64(GICD + GICD_IROUTER + 8 * SPI, 0x12ff345678ull);
    check("gic3.irouter", "%l", rd64(GICD + GICD_IROUTER + 8 * SPI));
    wr64(GICD + GICD_IROUTER + 8 * SPI, 0);
}

/* An interrupt is for one of the two sets of registers. */
static void groups(void)
{
    prepare(SPI, 0, 0x80);
    prepare(SPI + 1, 1, 0x80);
    pend(SPI + 1);
    check("gic3.groups-1", "hppir=%u,%u iar0=%u isr=%x", (u64)hppir(0), (u64)hppir(1), (u64)ack(0),
          MRS("isr_el1"));
    pend(SPI);
    check("gic3.groups-both", "hppir=%u,%u iar1=%u isr=%x", (u64)hppir(0), (u64)hppir(1),
          (u64)ack(1), MRS("isr_el1"));
    u32 id = ack(0);
    check("gic3.groups-ack0", "%u rpr=%x isr=%x iar1=%u", (u64)id, (u64)rpr(), MRS("isr_el1"),
          (u64)ack(1));
    eoi(0, id);
    print_order("gic3.groups-then", 1);
    for (unsigned off = 0; off < 4; off++) {
        set_groups(off & 1, off & 2);
        pend(SPI);
        pend(SPI + 1);
        check(name("gic3.igrpen-%u", (u64)off), "hppir=%u,%u isr=%x", (u64)hppir(0), (u64)hppir(1),
              MRS("isr_el1"));
    }
    for (unsigned off = 0; off < 4; off++) {
        wr32(GICD_CTLR, 0x10 | off);
        check(name("gic3.dist-enable-%u", (u64)off), "hppir=%u,%u isr=%x", (u64)hppir(0),
              (u64)hppir(1), MRS("isr_el1"));
    }
    set_bit(ICPENDR, SPI);
    set_bit(ICPENDR, SPI + 1);
}

/* Active priorities of both groups make one running priority; each EOIR ends its own. */
static void apr(void)
{
    prepare(SPI, 1, 0xa0);
    prepare(SPI + 1, 0, 0x60);
    pend(SPI);
    ack(1);
    pend(SPI + 1);
    ack(0);
    check("gic3.apr", "%w %w rpr=%x", MRS("s3_0_c12_c8_4"), MRS("s3_0_c12_c9_0"), (u64)rpr());
    eoi(0, SPI + 1);
    check("gic3.apr-0", "%w %w rpr=%x", MRS("s3_0_c12_c8_4"), MRS("s3_0_c12_c9_0"), (u64)rpr());
    eoi(1, SPI);
    check("gic3.apr-1", "%w %w rpr=%x", MRS("s3_0_c12_c8_4"), MRS("s3_0_c12_c9_0"), (u64)rpr());
    /* Written, as a hypervisor or suspend does. */
    MSR("s3_0_c12_c9_0", 1u << 16);
    isb();
    pend(SPI);
    check("gic3.apr-written", "rpr=%x ack=%u", (u64)rpr(), (u64)ack(1));
    MSR("s3_0_c12_c9_0", 0);
    isb();
    print_order("gic3.apr-cleared", 1);
}

static void sgi_targets(void)
{
    static const struct {
        const char *name;
        u64 value;
    } sends[] = { { "none", 0 },
                  { "cpu0", 1 },
                  { "cpu1", 2 },
                  { "both", 3 },
                  { "others", 1ull << 40 },
                  { "others-list", 1ull << 40 | 1 },
                  { "aff1", 1ull << 16 | 3 },
                  { "aff2", 1ull << 32 | 3 },
                  { "aff3", 1ull << 48 | 3 } };

    for (unsigned i = 0; i < ARRAY(sends); i++) {
        prepare(5, 1, 0x80);
        sgi1r(sends[i].value | 5ull << 24);
        u64 there = cpu1_call(there_ack, 1);
        u32 here = ack(1);
        if (here < 1020) {
            eoi(1, here);
        }
        check(name("gic3.sgi-%s", sends[i].name), "here=%u there=%u", (u64)here, there);
    }
    /* SGI0R reaches group 0. */
    for (unsigned group = 0; group < 2; group++) {
        prepare(5, group, 0x80);
        MSR("s3_0_c12_c11_7", 5ull << 24 | 1);
        isb();
        u32 id = ack(group);
        if (id < 1020) {
            eoi(group, id);
        }
        check(name("gic3.sgi0r-g%u", (u64)group), "%u", (u64)id);
    }
}

static u64 there_sgi5(u64 x)
{
    interface_on();
    prepare(5, 1, 0x80);
    return x;
}

int main(void)
{
    mmu_default();
    cpu1_start();
    wr32(GICD_CTLR, GICD_ENABLES);
    identity();
    line_registers();
    interface_on();
    cpu1_call(there_on, 0);
    common(1);
    common(0);
    grouping(1, true);
    nested_handlers(1, 0);
    nested_handlers(1, 6);
    nested_handlers(1, 7);
    groups();
    wr32(GICD_CTLR, GICD_ENABLES);
    interface_on();
    apr();
    cpu1_call(there_sgi5, 0);
    sgi_targets();
    cpu1_leave();
    return 0;
}
