/*
 * gic.h - what gic2.c and gic3.c both try: the life of an interrupt, as the programmer of either version sees it.
 *
 * IHI 0048, "Interrupt Handling and Prioritization"; IHI 0069, "Physical Interrupt Handling and Prioritization". The
 * including file has the CPU interface (ack() and so on) and the addresses. All interrupts here are made pending by
 * registers, and nearly all are looked at with PSTATE.I set, so nothing depends on time. Priorities are multiples of 8,
 * for all implementations have the upper 5 bits.
 *
 * Interrupts of ours: SPIs that no device of the machine has.
 */
#ifndef GIC_H
#define GIC_H
#include "sys.h"

#define GICD      0x08000000ull
#define GICD_CTLR (GICD + 0)
#define SPI       116u /* and the next ones */
#define NONE      1023u

enum {
    IGROUPR = 0x080,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xc00
};

/* ---- What the including file has ------------------------------------------------------------- */

#define GROUPS 2
static u32 ack(unsigned group);          /* IAR: INTID, and the source of a GICv2 SGI */
static void eoi(unsigned group, u32 id); /* EOIR */
static void dir(u32 id);
static u32 rpr(void);
static u32 hppir(unsigned group);
static void set_pmr(u32 v);
static void set_bpr(unsigned group, u32 v);
static void set_control(bool eoimode, bool cbpr);
static u64 lines(u32 id);       /* base of the line registers for an INTID */
static void interface_on(void); /* groups on, all priorities, least grouping, EOImode 0 */
static void send_to_self(u32 id);
static void route_to(u32 id, unsigned cpu);

/* ---- Lines ----------------------------------------------------------------------------------- */

static bool get_bit(u32 reg, u32 id)
{
    return rd32(lines(id) + reg + id / 32 * 4) >> id % 32 & 1;
}

static void set_bit(u32 reg, u32 id)
{
    wr32(lines(id) + reg + id / 32 * 4, 1u << id % 32);
}

static void set_group(u32 id, unsigned group)
{
    u64 a = lines(id) + IGROUPR + id / 32 * 4;
    u32 bit = 1u << id % 32;

    wr32(a, group ? rd32(a) | bit : rd32(a) & ~bit);
}

static void set_priority(u32 id, u32 priority)
{
    *(volatile u8 *)(lines(id) + IPRIORITYR + id) = (u8)priority;
}

static void set_edge(u32 id, bool edge)
{
    u64 a = lines(id) + ICFGR + id / 16 * 4;
    u32 bit = 2u << id % 16 * 2;

    wr32(a, edge ? rd32(a) | bit : rd32(a) & ~bit);
}

static void prepare(u32 id, unsigned group, u32 priority)
{
    set_bit(ICENABLER, id);
    if (id >= 16) {
        set_bit(ICPENDR, id);
    }
    set_bit(ICACTIVER, id);
    set_group(id, group);
    set_priority(id, priority);
    if (id >= 32) {
        set_edge(id, true);
        route_to(id, 0);
    }
    set_bit(ISENABLER, id);
    dsb();
}

static void pend(u32 id)
{
    if (id < 16) {
        send_to_self(id);
    } else {
        set_bit(ISPENDR, id);
    }
    dsb();
}

static const char *state(u32 id)
{
    static const char *const names[] = { "idle", "pending", "active", "both" };

    return names[get_bit(ISPENDR, id) + 2 * get_bit(ISACTIVER, id)];
}

/* Acknowledges and ends until nothing is left: "id/running ..." */
static void print_order(const char *what, unsigned group)
{
    print("%s", what);
    for (unsigned n = 0; n < 40; n++) {
        u32 id = ack(group);
        if ((id & 0x3ff) >= 1020) {
            print(" %u\n", (u64)id);
            return;
        }
        print(" %u/%x", (u64)id, (u64)rpr());
        eoi(group, id);
    }
    print(" and no end\n");
}

/* ---- Registers of lines ---------------------------------------------------------------------- */

static void try_pair(const char *what, u32 set, u32 clear, u32 id, u32 mask)
{
    u64 a = lines(id) + id / 32 * 4;
    u32 seen[4];

    wr32(a + clear, ~0u);
    seen[0] = rd32(a + set) & mask;
    wr32(a + set, 0xa5a5a5a5 & mask);
    seen[1] = rd32(a + set) & mask;
    wr32(a + set, 0);
    wr32(a + clear, 0);
    seen[2] = rd32(a + clear) & mask;
    wr32(a + clear, 0x0ff00ff0 & mask);
    seen[3] = rd32(a + clear) & mask;
    wr32(a + clear, ~0u);
    check(name(GIC ".bits-%s-%u", what, (u64)id), "%w %w %w %w %w", (u64)seen[0], (u64)seen[1],
          (u64)seen[2], (u64)seen[3], (u64)(rd32(a + set) & mask));
}

static void line_registers(void)
{
    static const u32 ids[] = { 0, 96, 128 };

    for (unsigned i = 0; i < ARRAY(ids); i++) {
        u32 id = ids[i];
        /* SGIs of a GICv2 are always enabled and pend in another way; machines differ in their PPIs. */
        u32 mask = id == 0 ? SGI_BITS : ~0u;
        u64 a = lines(id) + IGROUPR + id / 8;
        u32 old = rd32(a);

        wr32(lines(id) + ICENABLER + id / 8, ~0u);
        for (u32 n = id; id != 0 && n < id + 32; n++) {
            route_to(n, 0);
        }
        try_pair("enable", ISENABLER, ICENABLER, id, mask);
        try_pair("pending", ISPENDR, ICPENDR, id, mask);
        try_pair("active", ISACTIVER, ICACTIVER, id, mask | 0xffff);
        wr32(a, 0x5a5a1234);
        check(name(GIC ".bits-group-%u", (u64)id), "%w", (u64)rd32(a));
        wr32(a, old);
        a = lines(id) + IPRIORITYR + id;
        wr32(a, 0x18f00890);
        u32 word = rd32(a);
        *(volatile u8 *)(a + 1) = 0x70;
        u32 byte = rd32(a);
        check(name(GIC ".bits-priority-%u", (u64)id), "%w %w %x", (u64)word, (u64)byte,
              (u64) * (volatile u8 *)(a + 2));
        wr32(a, 0);
    }
    wr32(GICD + ICFGR + 128 / 4, 0xaaaaaaaa);
    u32 edges = rd32(GICD + ICFGR + 128 / 4);
    wr32(GICD + ICFGR + 128 / 4, 0x22222222);
    check(GIC ".bits-config", "%w %w", (u64)edges, (u64)rd32(GICD + ICFGR + 128 / 4));
    wr32(GICD + ICFGR + 128 / 4, 0);
    check(GIC ".bits-config-sgi", "%w", (u64)rd32(lines(0) + ICFGR));
}

/* ---- Priorities ------------------------------------------------------------------------------ */

static void priorities(unsigned group)
{
    static const u8 prio[] = { 0xa0, 0x60, 0xa0, 0x20, 0xf0, 0x60, 0x00, 0x40 };
    const u64 g = group;

    for (unsigned i = 0; i < 8; i++) {
        prepare(SPI + i, group, prio[i]);
    }
    for (unsigned i = 0; i < 8; i++) {
        pend(SPI + 7 - i);
    }
    check(name(GIC ".g%u-hppir", g), "%u", (u64)hppir(group));
    print_order(name(GIC ".g%u-order", g), group);
    check(name(GIC ".g%u-rpr-idle", g), "%x", (u64)rpr());

    char text[33] = { 0 };
    for (unsigned n = 0; n < 32; n++) {
        set_pmr(n * 8);
        prepare(SPI, group, 0x80);
        pend(SPI);
        u32 id = ack(group);
        text[n] = id == SPI ? 'y' : id == NONE ? '-' : '?';
        if (id == SPI) {
            eoi(group, id);
        }
    }
    check(name(GIC ".g%u-pmr-80", g), "%s", text);
    set_pmr(0xf0);
    prepare(SPI, group, 0xf0);
    pend(SPI);
    check(name(GIC ".g%u-pmr-same", g), "%u", (u64)ack(group));
    set_pmr(0xf8);
    print_order(name(GIC ".g%u-pmr-next", g), group);
    set_pmr(0xff);
    /* A changed priority counts for what is pending already. */
    prepare(SPI, group, 0x80);
    prepare(SPI + 1, group, 0x90);
    pend(SPI);
    pend(SPI + 1);
    set_priority(SPI + 1, 0x70);
    print_order(name(GIC ".g%u-priority-late", g), group);
}

/* With R running, which priorities preempt? By binary point. */
static void grouping(unsigned group, bool cbpr)
{
    static const u8 running[] = { 0x00, 0x48, 0x80, 0xb8, 0xf0 };

    set_control(false, cbpr);
    for (unsigned bpr = 0; bpr < 8; bpr++) {
        set_bpr(group, bpr);
        if (cbpr) {
            set_bpr(0, bpr);
        }
        for (unsigned r = 0; r < ARRAY(running); r++) {
            char text[33] = { 0 };
            u64 rpr_seen = 0;
            for (unsigned n = 0; n < 32; n++) {
                prepare(SPI, group, running[r]);
                prepare(SPI + 1, group, n * 8);
                set_bit(ICENABLER, SPI + 1);
                pend(SPI);
                if (ack(group) != SPI) {
                    text[n] = '?';
                    continue;
                }
                rpr_seen = rpr();
                set_bit(ISENABLER, SPI + 1);
                pend(SPI + 1);
                u32 id = ack(group);
                text[n] = id == SPI + 1 ? 'y' : id == NONE ? '-' : '?';
                if (id == SPI + 1) {
                    eoi(group, id);
                }
                eoi(group, SPI);
            }
            check(name(GIC ".g%u%s-bpr%u-running-%x", (u64)group, cbpr ? "-cbpr" : "", (u64)bpr,
                       (u64)running[r]),
                  "rpr=%x %s", rpr_seen, text);
        }
    }
    set_bpr(group, 0);
    set_bpr(0, 0);
    set_control(false, false);
}

static void nesting(unsigned group)
{
    static const u8 prio[] = { 0xe0, 0xc0, 0xa0, 0x80, 0x60, 0x40, 0x20, 0x00 };

    print(GIC ".g%u-nested", (u64)group);
    for (unsigned i = 0; i < 8; i++) {
        prepare(SPI + i, group, prio[i]);
        pend(SPI + i);
        print(" %u/%x", (u64)ack(group), (u64)rpr());
    }
    print(" |");
    for (unsigned i = 8; i-- > 0;) {
        eoi(group, SPI + i);
        print(" %x", (u64)rpr());
    }
    print("\n");
}

/* ---- States ---------------------------------------------------------------------------------- */

static void states(unsigned group)
{
    const u64 g = group;

    for (unsigned edge = 0; edge < 2; edge++) {
        prepare(SPI, group, 0x80);
        set_edge(SPI, edge);
        print(GIC ".g%u-%s %s", g, edge ? "edge" : "level", state(SPI));
        pend(SPI);
        print(" %s", state(SPI));
        u32 id = ack(group);
        print(" ack=%u %s", (u64)id, state(SPI));
        pend(SPI);
        print(" pend %s hppir=%u", state(SPI), (u64)hppir(group));
        print(" ack=%u", (u64)ack(group));
        eoi(group, id);
        print(" eoi %s", state(SPI));
        print(" ack=%u", (u64)ack(group));
        set_bit(ICACTIVER, SPI);
        print(" clear-active %s rpr=%x", state(SPI), (u64)rpr());
        eoi(group, id);
        pend(SPI);
        set_bit(ICPENDR, SPI);
        print(" clear-pending %s rpr=%x ack=%u\n", state(SPI), (u64)rpr(), (u64)ack(group));
    }
    /* Active by register: it cannot be acknowledged, and no priority is raised. */
    prepare(SPI, group, 0x80);
    set_bit(ISACTIVER, SPI);
    pend(SPI);
    check(name(GIC ".g%u-set-active", g), "%s rpr=%x hppir=%u ack=%u", state(SPI), (u64)rpr(),
          (u64)hppir(group), (u64)ack(group));
    set_bit(ICACTIVER, SPI);
    print_order(name(GIC ".g%u-set-active-end", g), group);
    /* Disabled, it pends but goes nowhere. */
    prepare(SPI, group, 0x80);
    set_bit(ICENABLER, SPI);
    pend(SPI);
    check(name(GIC ".g%u-disabled", g), "%s hppir=%u ack=%u", state(SPI), (u64)hppir(group),
          (u64)ack(group));
    set_bit(ISENABLER, SPI);
    print_order(name(GIC ".g%u-enabled-late", g), group);
    /* Disabled while active: it can be ended. */
    prepare(SPI, group, 0x80);
    pend(SPI);
    u32 id = ack(group);
    set_bit(ICENABLER, SPI);
    print(GIC ".g%u-disabled-active ack=%u %s rpr=%x", g, (u64)id, state(SPI), (u64)rpr());
    eoi(group, id);
    print(" eoi %s rpr=%x\n", state(SPI), (u64)rpr());
    /* A spurious acknowledge and the end of nothing change nothing. */
    prepare(SPI, group, 0x80);
    pend(SPI);
    id = ack(group);
    u32 spurious = ack(group);
    eoi(group, NONE);
    check(name(GIC ".g%u-spurious", g), "%u %u %s rpr=%x", (u64)id, (u64)spurious, state(SPI),
          (u64)rpr());
    eoi(group, id);
}

static void split_end(unsigned group)
{
    const u64 g = group;

    set_control(true, false);
    prepare(SPI, group, 0x80);
    prepare(SPI + 1, group, 0x80);
    pend(SPI);
    u32 id = ack(group);
    print(GIC ".g%u-eoimode ack=%u %s rpr=%x", g, (u64)id, state(SPI), (u64)rpr());
    eoi(group, id);
    print(" eoi %s rpr=%x", state(SPI), (u64)rpr());
    pend(SPI);
    print(" pend %s ack=%u", state(SPI), (u64)ack(group));
    /* The priority has been dropped, so another of the same priority may come. */
    pend(SPI + 1);
    u32 other = ack(group);
    print(" other=%u rpr=%x", (u64)other, (u64)rpr());
    dir(SPI);
    print(" dir %s rpr=%x", state(SPI), (u64)rpr());
    eoi(group, other);
    print(" %s rpr=%x", state(SPI + 1), (u64)rpr());
    dir(other);
    print(" %s", state(SPI + 1));
    id = ack(group);
    print(" again=%u", (u64)id);
    eoi(group, id);
    dir(id);
    print(" %s rpr=%x\n", state(SPI), (u64)rpr());
    set_control(false, false);
}

/* ---- Interrupts that are taken --------------------------------------------------------------- */

SNIPPET(g_wait, "mov x0, #0\n1: add x0, x0, #1\ncmp x0, #1000\nb.ne 1b");

#define P_F (1ull << 6)
#define P_I (1ull << 7)

/* An interrupt leaves ESR_EL1 as it was: done() has nothing to look at. */
static bool taken(const struct trap *t)
{
    return t->vec % 4 != 0;
}

/* Which vector does it come by, if by any? */
static void vectors_of(unsigned group)
{
    static const struct {
        const char *name;
        u64 spsr;
    } modes[] = { { "el1h", EL1H & ~(P_I | P_F) },
                  { "el1h-no-irq", EL1H & ~P_F },
                  { "el1h-no-fiq", EL1H & ~P_I },
                  { "el1t", EL1T & ~(P_I | P_F) },
                  { "el0", EL0T & ~(P_I | P_F) } };

    for (unsigned m = 0; m < ARRAY(modes); m++) {
        prepare(SPI, group, 0x80);
        pend(SPI);
        struct trap *t = probe1(modes[m].spsr, g_wait, 0);
        u64 isr = MRS("isr_el1");
        u32 id = ack(group);
        check(name(GIC ".g%u-vector-%s", (u64)group, modes[m].name),
              "%s vec=%u isr=%x ack=%u then isr=%x", taken(t) ? "taken" : "no",
              taken(t) ? t->vec : 0, isr, (u64)id, MRS("isr_el1"));
        if (id < 1020) {
            eoi(group, id);
        }
    }
    prepare(SPI, group, 0x80);
    set_pmr(0x80);
    pend(SPI);
    struct trap *t = probe1(EL1H & ~(P_I | P_F), g_wait, 0);
    check(name(GIC ".g%u-vector-pmr", (u64)group), "%s isr=%x", taken(t) ? "taken" : "no",
          MRS("isr_el1"));
    set_pmr(0xff);
    set_bit(ICPENDR, SPI);
}

/* Each handler makes more interrupts pending and lets them in: higher ones come at once, others after it. */
static struct {
    char text[400];
    char *p;
    unsigned group;
} diary;

static void note(char c, u32 id)
{
    if (diary.p < diary.text + sizeof(diary.text) - 5) {
        *diary.p++ = ' ';
        *diary.p++ = c;
        *diary.p++ = (char)('0' + (id - SPI) % 10);
    }
}

static void handler(void)
{
    u32 id = ack(diary.group);

    if (id >= 1020) {
        note('?', SPI);
        return;
    }
    note('+', id);
    if (id == SPI + 3) {
        pend(SPI + 4);
        pend(SPI + 2);
        pend(SPI + 1);
    }
    if (id == SPI + 1) {
        pend(SPI);
    }
    ASM("msr daifclr, #2");
    for (unsigned n = 0; n < 200; n++) {
        ASM("nop");
    }
    ASM("msr daifset, #2");
    note('-', id);
    eoi(diary.group, id);
}

static void nested_handlers(unsigned group, u32 bpr)
{
    diary.p = diary.text;
    diary.group = group;
    set_bpr(group, bpr);
    for (unsigned i = 0; i < 5; i++) {
        prepare(SPI + i, group, 0x40 + 0x20 * i);
    }
    this_cpu->irq = handler;
    pend(SPI + 3);
    ASM("msr daifclr, #2");
    for (unsigned n = 0; n < 200; n++) {
        ASM("nop");
    }
    ASM("msr daifset, #2");
    this_cpu->irq = NULL;
    *diary.p = 0;
    check(name(GIC ".g%u-handlers-bpr%u", (u64)group, (u64)bpr), "%s rpr=%x", diary.text,
          (u64)rpr());
    set_bpr(group, 0);
}

/* ---- SGIs, and the other CPU ----------------------------------------------------------------- */

static u64 there_on(u64 x)
{
    interface_on();
    return x;
}

static u64 there_ack(u64 group)
{
    u32 id = ack((unsigned)group);

    if ((id & 0x3ff) < 1020) {
        eoi((unsigned)group, id);
    }
    return id;
}

static void targets(unsigned group)
{
    for (unsigned to = 0; to < 2; to++) {
        u64 here, there;
        prepare(SPI, group, 0x80);
        route_to(SPI, to);
        pend(SPI);
        here = hppir(group);
        there = cpu1_call(there_ack, group);
        u32 id = ack(group);
        if (id < 1020) {
            eoi(group, id);
        }
        check(name(GIC ".g%u-target-cpu%u", (u64)group, (u64)to), "hppir=%u there=%u here=%u", here,
              there, (u64)id);
    }
    /* It moves while it is pending. */
    prepare(SPI, group, 0x80);
    pend(SPI);
    u64 before = hppir(group);
    route_to(SPI, 1);
    u64 after = hppir(group);
    check(name(GIC ".g%u-target-moves", (u64)group), "%u %u there=%u", before, after,
          cpu1_call(there_ack, group));
    route_to(SPI, 0);
}

static void sgi_to_self(unsigned group)
{
    static const u32 ids[] = { 0, 7, 15 };

    for (unsigned i = 0; i < ARRAY(ids); i++) {
        prepare(ids[i], group, 0x50 + 8 * i);
    }
    for (unsigned i = 0; i < ARRAY(ids); i++) {
        pend(ids[2 - i]);
        pend(ids[2 - i]); /* twice is once */
    }
    print_order(name(GIC ".g%u-sgi-self", (u64)group), group);
    pend(0);
    u32 id = ack(group);
    pend(0);
    print(GIC ".g%u-sgi-again %u %s", (u64)group, (u64)id, state(0));
    eoi(group, id);
    print(" %s", state(0));
    id = ack(group);
    eoi(group, id);
    print(" %u %s\n", (u64)id, state(0));
}

static void common(unsigned group)
{
    priorities(group);
    grouping(group, false);
    nesting(group);
    states(group);
    split_end(group);
    vectors_of(group);
    sgi_to_self(group);
    targets(group);
}
#endif
