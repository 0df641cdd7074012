/*
 * test_gicv2.c - interrupts through GICv2's CPU interface: from wire or SGI to acknowledge and end.
 */
#include "rig.h"

enum {
    D_CTLR = 0x000,
    IGROUPR = 0x080,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xC00,
    SGIR = 0xF00,
    CTLR = 0x00,
    PMR = 0x04,
    BPR = 0x08,
    IAR = 0x0C,
    EOIR = 0x10,
    RPR = 0x14,
    HPPIR = 0x18,
    ABPR = 0x1C,
    AIAR = 0x20,
    AEOIR = 0x24,
    AHPPIR = 0x28,
    APR0 = 0xD0,
    NSAPR0 = 0xE0,
    IIDR = 0xFC,
    DIR = 0x1000,
    GRP0 = 1,
    GRP1 = 2,
    ACKCTL = 4,
    FIQEN = 8,
    CBPR = 16,
    EOIMODE = 1 << 9,
    SPURIOUS = 1023,
};

static uint32_t crd(struct gic_rig *rig, unsigned cpu, uint64_t offset)
{
    return (uint32_t)dev_rd(&rig->cpuif, cpu, offset, 4);
}

static void cwr(struct gic_rig *rig, unsigned cpu, uint64_t offset, uint32_t value)
{
    dev_wr(&rig->cpuif, cpu, offset, 4, value);
}

/* Four CPUs with everything on, as Linux does it: all in group 0, PMR 0xF0. */
static int setup(void **state)
{
    struct gic_rig *rig = calloc(1, sizeof(*rig));

    gic_rig_init(rig, 2, 4);
    dwr(rig, 0, D_CTLR, GRP0);
    for (unsigned c = 0; c < 4; c++) {
        cwr(rig, c, PMR, 0xF0);
        cwr(rig, c, CTLR, GRP0);
    }
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    gic_rig_fini(*state);
    free(*state);
    return 0;
}

/* Enables an interrupt with a priority; SPIs for a mask of CPUs. */
static void enable(struct gic_rig *rig, unsigned cpu, unsigned intid, uint8_t priority,
                   uint8_t targets)
{
    dev_wr(&rig->dist, cpu, IPRIORITYR + intid, 1, priority);
    if (intid >= 32) {
        dev_wr(&rig->dist, cpu, ITARGETSR + intid, 1, targets);
    }
    dwr(rig, cpu, ISENABLER + intid / 32 * 4, 1u << intid % 32);
}

static void set_edge(struct gic_rig *rig, unsigned intid)
{
    uint64_t at = ICFGR + intid / 16 * 4;

    dwr(rig, 0, at, drd(rig, 0, at) | 2u << intid % 16 * 2);
}

static bool flag(struct gic_rig *rig, unsigned reg, unsigned intid)
{
    return (drd(rig, 0, reg + intid / 32 * 4) >> intid % 32 & 1) != 0;
}

static void test_spurious(void **state)
{
    struct gic_rig *rig = *state;

    assert_int_equal(crd(rig, 0, IAR), SPURIOUS);
    assert_int_equal(crd(rig, 0, HPPIR), SPURIOUS);
    assert_int_equal(crd(rig, 0, AIAR), SPURIOUS);
    assert_int_equal(crd(rig, 0, RPR), 0xFF);
    assert_int_equal(crd(rig, 0, IIDR), 0x0202143B);
    cwr(rig, 0, EOIR, SPURIOUS); /* all without effect */
    cwr(rig, 0, EOIR, 500);
    cwr(rig, 0, EOIR, 40);
    cwr(rig, 0, DIR, 500);
    assert_int_equal(crd(rig, 0, RPR), 0xFF);
    assert_int_equal(rig->calls, 0);
}

static void test_level(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 0, 33, 0xA0, 1);
    gic_set_spi(rig->gic, 33, true);
    assert_true(rig->irq[0]);
    assert_false(rig->irq[1]);
    assert_false(rig->fiq[0]);
    assert_int_equal(crd(rig, 0, HPPIR), 33);
    assert_int_equal(crd(rig, 0, IAR), 33);
    assert_false(rig->irq[0]);
    assert_int_equal(crd(rig, 0, RPR), 0xA0);
    assert_true(flag(rig, ISACTIVER, 33));
    assert_true(flag(rig, ISPENDR, 33)); /* active and pending: the wire is still high */
    assert_int_equal(crd(rig, 0, IAR), SPURIOUS);
    cwr(rig, 0, EOIR, 33);
    assert_int_equal(crd(rig, 0, RPR), 0xFF);
    assert_false(flag(rig, ISACTIVER, 33));
    assert_true(rig->irq[0]); /* nobody served the device */
    assert_int_equal(crd(rig, 0, IAR), 33);
    gic_set_spi(rig->gic, 33, false);
    cwr(rig, 0, EOIR, 33);
    assert_false(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), SPURIOUS);
}

static void test_level_withdrawn(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 0, 33, 0xA0, 1);
    gic_set_spi(rig->gic, 33, true);
    assert_true(rig->irq[0]);
    gic_set_spi(rig->gic, 33, false);
    assert_false(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), SPURIOUS);
}

static void test_level_pended_by_hand(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 0, 33, 0xA0, 1);
    dwr(rig, 0, ISPENDR + 4, 2);
    assert_true(rig->irq[0]);
    gic_set_spi(rig->gic, 33, true);
    dwr(rig, 0, ICPENDR + 4, 2); /* takes the latch, not the wire */
    assert_true(rig->irq[0]);
    gic_set_spi(rig->gic, 33, false);
    assert_false(rig->irq[0]);
    dwr(rig, 0, ISPENDR + 4, 2);
    assert_int_equal(crd(rig, 0, IAR), 33); /* acknowledging takes the latch */
    cwr(rig, 0, EOIR, 33);
    assert_false(rig->irq[0]);
}

static void test_edge(void **state)
{
    struct gic_rig *rig = *state;

    set_edge(rig, 34);
    enable(rig, 0, 34, 0xA0, 1);
    gic_set_spi(rig->gic, 34, true);
    gic_set_spi(rig->gic, 34, false);
    assert_true(rig->irq[0]); /* latched */
    assert_int_equal(crd(rig, 0, IAR), 34);
    assert_false(flag(rig, ISPENDR, 34));
    gic_set_spi(rig->gic, 34, true); /* again, while active */
    assert_true(flag(rig, ISPENDR, 34));
    assert_false(rig->irq[0]);
    cwr(rig, 0, EOIR, 34);
    assert_true(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), 34);
    cwr(rig, 0, EOIR, 34);
    assert_false(rig->irq[0]); /* the wire is high still: no edge */
    gic_set_spi(rig->gic, 34, false);
    gic_set_spi(rig->gic, 34, true);
    dwr(rig, 0, ICPENDR + 4, 4);
    assert_false(rig->irq[0]);
}

static void test_disabled_while_pending(void **state)
{
    struct gic_rig *rig = *state;

    gic_set_spi(rig->gic, 35, true);
    assert_true(flag(rig, ISPENDR, 35));
    assert_int_equal(rig->calls, 0);
    enable(rig, 0, 35, 0x80, 1);
    assert_true(rig->irq[0]);
    dwr(rig, 0, ICENABLER + 4, 8);
    assert_false(rig->irq[0]);
    assert_true(flag(rig, ISPENDR, 35)); /* still pending */
    dwr(rig, 0, ISENABLER + 4, 8);
    assert_true(rig->irq[0]);
    dwr(rig, 0, D_CTLR, 0);
    assert_false(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), SPURIOUS);
    dwr(rig, 0, D_CTLR, GRP0);
    cwr(rig, 0, CTLR, 0);
    assert_false(rig->irq[0]);
    cwr(rig, 0, CTLR, GRP0);
    assert_true(rig->irq[0]);
}

static void test_priority_mask(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 0, 40, 0x80, 1);
    gic_set_spi(rig->gic, 40, true);
    cwr(rig, 0, PMR, 0x80); /* strictly higher than the mask is let through */
    assert_int_equal(crd(rig, 0, PMR), 0x80);
    assert_false(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), SPURIOUS);
    assert_int_equal(crd(rig, 0, HPPIR), 40);
    cwr(rig, 0, PMR, 0x88);
    assert_true(rig->irq[0]);
    cwr(rig, 0, PMR, 0xFF);
    assert_int_equal(crd(rig, 0, PMR), 0xF8);
    dev_wr(&rig->dist, 0, IPRIORITYR + 40, 1, 0xF8); /* the lowest priority never interrupts */
    assert_false(rig->irq[0]);
    dev_wr(&rig->dist, 0, IPRIORITYR + 40, 1,
           0x10); /* changes of a pending interrupt count at once */
    assert_true(rig->irq[0]);
}

static void test_highest_first(void **state)
{
    struct gic_rig *rig = *state;
    static const uint8_t priority[] = { 0xA0, 0x20, 0x60, 0x20, 0xE0 };
    static const unsigned order[] = { 61, 63, 62, 60,
                                      64 }; /* equals: lower INTID first; across two banks */

    for (unsigned i = 0; i < 5; i++) {
        set_edge(rig, 60 + i);
        enable(rig, 0, 60 + i, priority[i], 1);
        gic_set_spi(rig->gic, 60 + i, true);
    }
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(crd(rig, 0, HPPIR), order[i]);
        assert_int_equal(crd(rig, 0, IAR), order[i]);
        cwr(rig, 0, EOIR, order[i]);
    }
    assert_int_equal(crd(rig, 0, IAR), SPURIOUS);
}

static void test_preemption(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 0, 40, 0xA0, 1);
    enable(rig, 0, 41, 0xA0, 1);
    enable(rig, 0, 42, 0x98, 1);
    enable(rig, 0, 43, 0x10, 1);
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(crd(rig, 0, IAR), 40);
    gic_set_spi(rig->gic, 41, true); /* the same priority waits */
    assert_false(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), SPURIOUS);
    gic_set_spi(rig->gic, 42, true); /* one step higher does not */
    assert_true(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), 42);
    gic_set_spi(rig->gic, 43, true);
    assert_int_equal(crd(rig, 0, IAR), 43);
    assert_int_equal(crd(rig, 0, RPR), 0x10);
    assert_int_equal(crd(rig, 0, APR0), 1u << (0x10 / 8) | 1u << (0x98 / 8) | 1u << (0xA0 / 8));
    gic_set_spi(rig->gic, 43, false);
    cwr(rig, 0, EOIR, 43);
    assert_int_equal(crd(rig, 0, RPR), 0x98);
    gic_set_spi(rig->gic, 42, false);
    cwr(rig, 0, EOIR, 42);
    assert_int_equal(crd(rig, 0, RPR), 0xA0);
    assert_false(rig->irq[0]);
    gic_set_spi(rig->gic, 40, false);
    cwr(rig, 0, EOIR, 40);
    assert_int_equal(crd(rig, 0, IAR), 41);
}

static void test_binary_point(void **state)
{
    struct gic_rig *rig = *state;

    cwr(rig, 0, BPR, 0);
    assert_int_equal(crd(rig, 0, BPR), 2); /* the minimum */
    cwr(rig, 0, BPR, 4);                   /* groups of 0x20 */
    enable(rig, 0, 40, 0xB8, 1);
    enable(rig, 0, 41, 0xA0, 1);
    enable(rig, 0, 42, 0x98, 1);
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(crd(rig, 0, IAR), 40);
    assert_int_equal(crd(rig, 0, RPR), 0xA0); /* the group's priority */
    gic_set_spi(rig->gic, 41, true);          /* same group: no preemption */
    assert_false(rig->irq[0]);
    gic_set_spi(rig->gic, 42, true);
    assert_true(rig->irq[0]);
    cwr(rig, 0, BPR, 7); /* one group */
    assert_false(rig->irq[0]);
    cwr(rig, 0, BPR, 2);
    assert_true(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), 42);
}

static void test_one_group_of_all(void **state)
{
    struct gic_rig *rig = *state;

    cwr(rig, 0, BPR, 7);
    enable(rig, 0, 40, 0xB8, 1);
    enable(rig, 0, 41, 0x00, 1);
    gic_set_spi(rig->gic, 40, true);
    assert_true(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), 40);
    gic_set_spi(rig->gic, 41, true);
    assert_false(rig->irq[0]);
    gic_set_spi(rig->gic, 40, false);
    cwr(rig, 0, EOIR, 40);
    assert_int_equal(crd(rig, 0, IAR), 41);
}

static void test_eoi_mode(void **state)
{
    struct gic_rig *rig = *state;

    cwr(rig, 0, CTLR, GRP0 | EOIMODE);
    enable(rig, 0, 40, 0xA0, 1);
    enable(rig, 0, 41, 0xA0, 1);
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(crd(rig, 0, IAR), 40);
    cwr(rig, 0, EOIR, 40); /* priority drop only */
    assert_int_equal(crd(rig, 0, RPR), 0xFF);
    assert_true(flag(rig, ISACTIVER, 40));
    assert_false(rig->irq[0]);
    gic_set_spi(rig->gic, 41, true); /* another one can come */
    assert_int_equal(crd(rig, 0, IAR), 41);
    cwr(rig, 0, EOIR, 41);
    cwr(rig, 1, CTLR, GRP0); /* no split there: DIR does nothing */
    cwr(rig, 1, DIR, 40);
    assert_true(flag(rig, ISACTIVER, 40));
    cwr(rig, 0, DIR, 40);
    assert_false(flag(rig, ISACTIVER, 40));
    assert_true(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), 40);
    cwr(rig, 0, CTLR, GRP0);
    cwr(rig, 0, EOIR, 40);
    assert_false(flag(rig, ISACTIVER, 40));
    assert_true(flag(rig, ISACTIVER, 41));
    dwr(rig, 0, ICACTIVER + 4, 1u << 9);
    assert_false(flag(rig, ISACTIVER, 41));
}

static void test_active_by_hand(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 0, 40, 0xA0, 1);
    dwr(rig, 0, ISACTIVER + 4, 1u << 8);
    gic_set_spi(rig->gic, 40, true);
    assert_false(rig->irq[0]);
    dwr(rig, 0, ICACTIVER + 4, 1u << 8);
    assert_true(rig->irq[0]);
    assert_int_equal(crd(rig, 0, RPR), 0xFF);
    cwr(rig, 0, APR0, 1u << 4); /* a hypervisor restores a context */
    assert_int_equal(crd(rig, 0, RPR), 0x20);
    assert_false(rig->irq[0]);
    cwr(rig, 0, APR0, 0);
    assert_true(rig->irq[0]);
}

static void test_targets(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 0, 40, 0xA0, 0);
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(rig->calls, 0); /* for nobody */
    dev_wr(&rig->dist, 0, ITARGETSR + 40, 1, 0x04);
    assert_true(rig->irq[2]);
    dev_wr(&rig->dist, 0, ITARGETSR + 40, 1, 0x0A); /* moved while pending */
    assert_false(rig->irq[2]);
    assert_true(rig->irq[1] && rig->irq[3]);
    assert_int_equal(crd(rig, 2, IAR), SPURIOUS);
    assert_int_equal(crd(rig, 3, IAR), 40); /* 1 of N: the first takes it */
    assert_false(rig->irq[1]);
    assert_int_equal(crd(rig, 1, IAR), SPURIOUS);
    cwr(rig, 3, EOIR, 40);
    assert_true(rig->irq[1]);
}

static void test_ppis_are_banked(void **state)
{
    struct gic_rig *rig = *state;

    for (unsigned c = 0; c < 4; c++) {
        enable(rig, c, 27, 0xA0, 0);
    }
    gic_set_ppi(rig->gic, 2, 27, true);
    assert_false(rig->irq[0]);
    assert_true(rig->irq[2]);
    gic_set_ppi(rig->gic, 0, 27, true);
    assert_int_equal(crd(rig, 0, IAR), 27);
    assert_int_equal(crd(rig, 2, IAR), 27);
    cwr(rig, 2, EOIR, 27);
    assert_true(rig->irq[2]);
    assert_false(rig->irq[0]);
    gic_set_ppi(rig->gic, 2, 27, false);
    assert_false(rig->irq[2]);
}

static void test_sgi(void **state)
{
    struct gic_rig *rig = *state;

    dwr(rig, 1, SGIR, 0x05u << 16 | 3); /* list: 0 and 2 */
    assert_true(rig->irq[0] && rig->irq[2]);
    assert_false(rig->irq[1] || rig->irq[3]);
    assert_int_equal(crd(rig, 0, HPPIR), 3 | 1 << 10);
    assert_int_equal(crd(rig, 0, IAR), 3 | 1 << 10);
    cwr(rig, 0, EOIR, 3 | 1 << 10);
    assert_false(rig->irq[0]);
    assert_int_equal(crd(rig, 2, IAR), 3 | 1 << 10);
    cwr(rig, 2, EOIR, 3 | 1 << 10);
    dwr(rig, 1, SGIR, 1u << 24 | 9); /* all others */
    assert_true(rig->irq[0] && rig->irq[2] && rig->irq[3]);
    assert_false(rig->irq[1]);
    dwr(rig, 1, SGIR, 2u << 24 | 15); /* self */
    assert_int_equal(crd(rig, 1, IAR), 15 | 1 << 10);
    dwr(rig, 1, SGIR, 3u << 24 | 0xFFu << 16 | 1); /* reserved filter */
    assert_int_equal(drd(rig, 0, ISPENDR), 1 << 9);
    dwr(rig, 1, SGIR, 0xF0u << 16 | 1); /* CPUs that are not there */
    assert_int_equal(drd(rig, 0, ISPENDR), 1 << 9);
}

static void test_sgi_from_several(void **state)
{
    struct gic_rig *rig = *state;

    dwr(rig, 3, SGIR, 1u << 16 | 7);
    dwr(rig, 1, SGIR, 1u << 16 | 7);
    dwr(rig, 1, SGIR, 1u << 16 | 7); /* once more: the same event */
    assert_int_equal(crd(rig, 0, IAR), 7 | 1 << 10);
    assert_false(rig->irq[0]); /* one of an INTID is active at a time */
    assert_int_equal(drd(rig, 0, ISPENDR), 1 << 7);
    cwr(rig, 0, EOIR, 7 | 1 << 10);
    assert_true(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), 7 | 3 << 10);
    cwr(rig, 0, EOIR, 7 | 3 << 10);
    assert_false(rig->irq[0]);
    assert_int_equal(crd(rig, 0, IAR), SPURIOUS);
}

/* Group 1 beside group 0: FIQ and IRQ, AckCtl, the aliases. */
static void test_groups(void **state)
{
    struct gic_rig *rig = *state;

    dwr(rig, 0, D_CTLR, GRP0 | GRP1);
    cwr(rig, 0, CTLR, GRP0 | GRP1 | FIQEN);
    dwr(rig, 0, IGROUPR + 4, 1u << 9); /* 41 is group 1 */
    enable(rig, 0, 40, 0x80, 1);
    enable(rig, 0, 41, 0xA0, 1);
    gic_set_spi(rig->gic, 41, true);
    assert_true(rig->irq[0]);
    assert_false(rig->fiq[0]);
    assert_int_equal(crd(rig, 0, IAR), 1022);
    assert_int_equal(crd(rig, 0, HPPIR), 1022);
    assert_int_equal(crd(rig, 0, AHPPIR), 41);
    gic_set_spi(rig->gic, 40, true); /* higher */
    assert_true(rig->fiq[0]);
    assert_false(rig->irq[0]);
    assert_int_equal(crd(rig, 0, AIAR), SPURIOUS);
    assert_int_equal(crd(rig, 0, AHPPIR), SPURIOUS);
    assert_int_equal(crd(rig, 0, IAR), 40);
    cwr(rig, 0, AEOIR, 40); /* not its register */
    assert_int_equal(crd(rig, 0, RPR), 0x80);
    gic_set_spi(rig->gic, 40, false);
    cwr(rig, 0, EOIR, 40);
    assert_int_equal(crd(rig, 0, AIAR), 41);
    assert_int_equal(crd(rig, 0, NSAPR0), 1u << (0xA0 / 8));
    assert_int_equal(crd(rig, 0, APR0), 0);
    cwr(rig, 0, AEOIR, 41);
    assert_int_equal(crd(rig, 0, NSAPR0), 0);
    cwr(rig, 0, CTLR, GRP0 | GRP1 | ACKCTL);
    assert_int_equal(crd(rig, 0, HPPIR), 41);
    assert_int_equal(crd(rig, 0, IAR), 41); /* AckCtl: IAR takes both */
    cwr(rig, 0, EOIR, 41);
    assert_int_equal(crd(rig, 0, RPR), 0xFF);
    gic_set_spi(rig->gic, 40, true);
    assert_true(rig->irq[0]); /* without FIQEn group 0 is IRQ too */
    assert_false(rig->fiq[0]);
}

static void test_disabled_group_does_not_block(void **state)
{
    struct gic_rig *rig = *state;

    dwr(rig, 0, D_CTLR, GRP0 | GRP1);
    dwr(rig, 0, IGROUPR + 4, 1u << 9);
    enable(rig, 0, 40, 0x80, 1);
    enable(rig, 0, 41, 0x20, 1);
    gic_set_spi(rig->gic, 41, true);
    assert_false(rig->irq[0]); /* GICC_CTLR has group 0 only */
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(crd(rig, 0, IAR), 40);
}

static void test_group1_binary_point(void **state)
{
    struct gic_rig *rig = *state;

    dwr(rig, 0, D_CTLR, GRP0 | GRP1);
    cwr(rig, 0, CTLR, GRP1);
    dwr(rig, 0, IGROUPR + 4, ~0u);
    enable(rig, 0, 40, 0xB8, 1);
    enable(rig, 0, 41, 0xA0, 1);
    assert_int_equal(crd(rig, 0, ABPR), 3);
    cwr(rig, 0, ABPR, 0);
    assert_int_equal(crd(rig, 0, ABPR), 3);
    cwr(rig, 0, ABPR, 5); /* as BPR 4: groups of 0x20 */
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(crd(rig, 0, AIAR), 40);
    gic_set_spi(rig->gic, 41, true);
    assert_false(rig->irq[0]);
    cwr(rig, 0, CTLR,
        GRP1 | CBPR); /* BPR now, which is 2: every step counts. Running is 0xA0 still. */
    assert_false(rig->irq[0]);
    enable(rig, 0, 41, 0x98, 1);
    assert_true(rig->irq[0]);
}

static void test_one_cpu_takes_all(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 2, 1);
    dwr(&rig, 0, D_CTLR, GRP0);
    cwr(&rig, 0, PMR, 0xF0);
    cwr(&rig, 0, CTLR, GRP0);
    enable(&rig, 0, 200, 0xA0, 0);
    gic_set_spi(rig.gic, 200, true);
    assert_int_equal(crd(&rig, 0, IAR), 200);
    gic_rig_fini(&rig);
}

static void test_reset(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 0, 40, 0xA0, 1);
    gic_set_spi(rig->gic, 40, true);
    dwr(rig, 0, SGIR, 2u << 24 | 1);
    assert_true(rig->irq[0]);
    gic_dist_ops.reset(&rig->dist);
    assert_false(rig->irq[0]);
    assert_int_equal(crd(rig, 0, CTLR), 0);
    assert_int_equal(drd(rig, 0, ISPENDR + 4), 0);
    assert_int_equal(drd(rig, 0, ISPENDR), 0);
    assert_int_equal(drd(rig, 0, ITARGETSR + 40), 0);
    gicv2_cpu_ops.reset(&rig->cpuif);
    assert_false(rig->irq[0]);
}

/* All lines at once: each comes out exactly once, in order of priority. */
static void test_storm(void **state)
{
    struct gic_rig *rig = *state;
    bool seen[GIC_LINES] = { false };
    uint32_t last = 0;

    for (unsigned i = 32; i < GIC_LINES; i++) {
        set_edge(rig, i);
        enable(rig, 0, i, (uint8_t)(i * 37 % 30 * 8), 1);
        gic_set_spi(rig->gic, i, true);
    }
    for (unsigned n = 32; n < GIC_LINES; n++) {
        uint32_t intid = crd(rig, 0, IAR);
        assert_in_range(intid, 32, GIC_LINES - 1);
        assert_false(seen[intid]);
        seen[intid] = true;
        assert_true(crd(rig, 0, RPR) >= last);
        last = crd(rig, 0, RPR);
        cwr(rig, 0, EOIR, intid);
    }
    assert_int_equal(crd(rig, 0, IAR), SPURIOUS);
    assert_false(rig->irq[0]);
}

#define V2_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        V2_TEST(test_spurious),
        V2_TEST(test_level),
        V2_TEST(test_level_withdrawn),
        V2_TEST(test_level_pended_by_hand),
        V2_TEST(test_edge),
        V2_TEST(test_disabled_while_pending),
        V2_TEST(test_priority_mask),
        V2_TEST(test_highest_first),
        V2_TEST(test_preemption),
        V2_TEST(test_binary_point),
        V2_TEST(test_one_group_of_all),
        V2_TEST(test_eoi_mode),
        V2_TEST(test_active_by_hand),
        V2_TEST(test_targets),
        V2_TEST(test_ppis_are_banked),
        V2_TEST(test_sgi),
        V2_TEST(test_sgi_from_several),
        V2_TEST(test_groups),
        V2_TEST(test_disabled_group_does_not_block),
        V2_TEST(test_group1_binary_point),
        cmocka_unit_test(test_one_cpu_takes_all),
        V2_TEST(test_reset),
        V2_TEST(test_storm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
