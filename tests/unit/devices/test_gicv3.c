/*
 * test_gicv3.c - interrupts through GICv3's system registers: routing by affinity, SGIs, groups,
 * priorities.
 */
#include "rig.h"

#include "arch/sysreg.h"

enum {
    D_CTLR = 0x000,
    IGROUPR = 0x080,
    ISENABLER = 0x100,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    IPRIORITYR = 0x400,
    ICFGR = 0xC00,
    IROUTER = 0x6000,
    GICR = 0x20000,
    SGI_BASE = 0x10000,
    WAKER = 0x14,
    SPURIOUS = 1023,
    ANY = 0x80000000u,
};

#define ICC(crm, op2) SYSREG(3, 0, 12, crm, op2)

enum {
    PMR = SYSREG(3, 0, 4, 6, 0),
    IAR0 = ICC(8, 0),
    EOIR0 = ICC(8, 1),
    HPPIR0 = ICC(8, 2),
    BPR0 = ICC(8, 3),
    AP0R0 = ICC(8, 4),
    AP1R0 = ICC(9, 0),
    DIR = ICC(11, 1),
    RPR = ICC(11, 3),
    SGI1R = ICC(11, 5),
    ASGI1R = ICC(11, 6),
    SGI0R = ICC(11, 7),
    IAR1 = ICC(12, 0),
    EOIR1 = ICC(12, 1),
    HPPIR1 = ICC(12, 2),
    BPR1 = ICC(12, 3),
    CTLR = ICC(12, 4),
    SRE = ICC(12, 5),
    IGRPEN0 = ICC(12, 6),
    IGRPEN1 = ICC(12, 7),
};

static uint64_t icc(struct gic_rig *rig, unsigned cpu, uint32_t reg)
{
    uint64_t value = 0xDEADDEADDEADDEADull;

    assert_true(gic_icc_read(rig->gic, cpu, reg, &value));
    return value;
}

static void icc_set(struct gic_rig *rig, unsigned cpu, uint32_t reg, uint64_t value)
{
    assert_true(gic_icc_write(rig->gic, cpu, reg, value));
}

#define CPUS 40

/* Everything on, all lines in group 1, as Linux does it. */
static int setup(void **state)
{
    struct gic_rig *rig = calloc(1, sizeof(*rig));

    gic_rig_init(rig, 3, CPUS);
    dwr(rig, 0, D_CTLR, 3);
    for (unsigned w = 1; w < GIC_LINES / 32; w++) {
        dwr(rig, 0, IGROUPR + 4 * w, ~0u);
    }
    for (unsigned c = 0; c < CPUS; c++) {
        dev_wr(&rig->redist, c, (uint64_t)GICR * c + SGI_BASE + IGROUPR, 4, ~0u);
        dev_wr(&rig->redist, c, (uint64_t)GICR * c + SGI_BASE + ISENABLER, 4, 0xFFFF);
        dev_wr(&rig->redist, c, (uint64_t)GICR * c + WAKER, 4, 0);
        icc_set(rig, c, PMR, 0xF0);
        icc_set(rig, c, IGRPEN1, 1);
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

static void route(struct gic_rig *rig, unsigned intid, uint64_t value)
{
    dev_wr(&rig->dist, 0, IROUTER + 8ull * intid, 8, value);
}

static void enable(struct gic_rig *rig, unsigned intid, uint8_t priority, uint64_t affinity)
{
    dev_wr(&rig->dist, 0, IPRIORITYR + intid, 1, priority);
    route(rig, intid, affinity);
    dwr(rig, 0, ISENABLER + intid / 32 * 4, 1u << intid % 32);
}

static unsigned irqs(const struct gic_rig *rig)
{
    unsigned n = 0;

    for (unsigned c = 0; c < CPUS; c++) {
        n += rig->irq[c];
    }
    return n;
}

static void test_reset_values(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 3, 2);
    assert_int_equal(icc(&rig, 0, PMR), 0);
    assert_int_equal(icc(&rig, 0, BPR0), 2);
    assert_int_equal(icc(&rig, 0, BPR1), 3);
    assert_int_equal(icc(&rig, 0, RPR), 0xFF);
    assert_int_equal(icc(&rig, 0, SRE), 7);
    assert_int_equal(icc(&rig, 0, CTLR), 4 << 8 | 1 << 15 | 1 << 18);
    assert_int_equal(icc(&rig, 0, IGRPEN0), 0);
    assert_int_equal(icc(&rig, 0, IGRPEN1), 0);
    assert_int_equal(icc(&rig, 0, AP0R0), 0);
    assert_int_equal(icc(&rig, 0, AP1R0), 0);
    assert_int_equal(icc(&rig, 0, IAR0), SPURIOUS);
    assert_int_equal(icc(&rig, 0, IAR1), SPURIOUS);
    assert_int_equal(icc(&rig, 0, HPPIR0), SPURIOUS);
    assert_int_equal(icc(&rig, 0, HPPIR1), SPURIOUS);
    gic_rig_fini(&rig);
}

static void test_writable_bits(void **state)
{
    struct gic_rig *rig = *state;

    icc_set(rig, 0, PMR, 0xFFFF);
    assert_int_equal(icc(rig, 0, PMR), 0xF8);
    icc_set(rig, 0, CTLR, UINT64_MAX);
    assert_int_equal(icc(rig, 0, CTLR), 3 | 4 << 8 | 1 << 15 | 1 << 18);
    icc_set(rig, 0, CTLR, 0);
    icc_set(rig, 0, SRE, 0);
    assert_int_equal(icc(rig, 0, SRE), 7);
    icc_set(rig, 0, IGRPEN0, 0xFF);
    assert_int_equal(icc(rig, 0, IGRPEN0), 1);
    icc_set(rig, 0, AP1R0, UINT64_MAX);
    assert_int_equal(icc(rig, 0, AP1R0), 0xFFFFFFFF);
    assert_int_equal(icc(rig, 0, RPR), 0);
    icc_set(rig, 0, AP1R0, 0);
    icc_set(rig, 0, BPR0, 0);
    assert_int_equal(icc(rig, 0, BPR0), 2);
    icc_set(rig, 0, BPR0, 0xF);
    assert_int_equal(icc(rig, 0, BPR0), 7);
    icc_set(rig, 0, BPR1, 0);
    assert_int_equal(icc(rig, 0, BPR1), 3);
    icc_set(rig, 0, BPR1, 6);
    icc_set(rig, 0, CTLR, 1); /* CBPR: BPR1 shows BPR0 plus one, and does not move */
    assert_int_equal(icc(rig, 0, BPR1), 7);
    icc_set(rig, 0, BPR0, 4);
    assert_int_equal(icc(rig, 0, BPR1), 5);
    icc_set(rig, 0, BPR1, 3);
    icc_set(rig, 0, CTLR, 0);
    assert_int_equal(icc(rig, 0, BPR1), 6);
}

static void test_undefined(void **state)
{
    struct gic_rig *rig = *state;
    struct gic_rig v2;
    uint64_t value;
    static const uint32_t write_only[] = { EOIR0, EOIR1, DIR, SGI1R, ASGI1R, SGI0R };
    static const uint32_t read_only[] = { IAR0, IAR1, HPPIR0, HPPIR1, RPR };

    for (unsigned i = 0; i < 6; i++) {
        assert_false(gic_icc_read(rig->gic, 0, write_only[i], &value));
    }
    for (unsigned i = 0; i < 5; i++) {
        assert_false(gic_icc_write(rig->gic, 0, read_only[i], 0));
    }
    for (unsigned n = 5; n <= 7; n++) { /* AP0R1 to AP0R3: not with five priority bits */
        assert_false(gic_icc_read(rig->gic, 0, ICC(8, n), &value));
        assert_false(gic_icc_write(rig->gic, 0, ICC(9, n - 4), 0));
    }
    assert_false(gic_icc_read(rig->gic, 0, SYSREG(3, 0, 1, 0, 0), &value));
    assert_false(gic_icc_read(rig->gic, 0, SYSREG(3, 4, 12, 12, 0), &value));
    assert_false(gic_icc_write(rig->gic, 0, UINT32_MAX, 0));
    gic_rig_init(&v2, 2, 1);
    assert_false(gic_icc_read(v2.gic, 0, IAR1, &value));
    assert_false(gic_icc_write(v2.gic, 0, PMR, 0));
    gic_rig_fini(&v2);
}

static void test_spi(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 33, 0xA0, 0x0105); /* CPU 21 */
    gic_set_spi(rig->gic, 33, true);
    assert_true(rig->irq[21]);
    assert_int_equal(irqs(rig), 1);
    assert_int_equal(icc(rig, 21, HPPIR1), 33);
    assert_int_equal(icc(rig, 21, HPPIR0), SPURIOUS);
    assert_int_equal(icc(rig, 21, IAR0), SPURIOUS);
    assert_int_equal(icc(rig, 20, IAR1), SPURIOUS);
    assert_int_equal(icc(rig, 21, IAR1), 33);
    assert_int_equal(icc(rig, 21, RPR), 0xA0);
    assert_int_equal(icc(rig, 21, AP1R0), 1u << 20);
    assert_int_equal(irqs(rig), 0);
    icc_set(rig, 21, EOIR0, 33); /* not the register of its group */
    assert_int_equal(icc(rig, 21, RPR), 0xA0);
    icc_set(rig, 21, EOIR1, SPURIOUS);
    assert_int_equal(icc(rig, 21, RPR), 0xA0);
    gic_set_spi(rig->gic, 33, false);
    icc_set(rig, 21, EOIR1, 33);
    assert_int_equal(icc(rig, 21, RPR), 0xFF);
    assert_int_equal(drd(rig, 0, ISACTIVER + 4), 0);
    assert_int_equal(irqs(rig), 0);
}

static void test_routing(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 40, 0xA0, 0x0F00); /* nobody */
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(irqs(rig), 0);
    for (unsigned c = 0; c < CPUS; c++) {
        route(rig, 40, rig->mpidr[c]); /* moved while pending */
        assert_int_equal(irqs(rig), 1);
        assert_true(rig->irq[c]);
    }
    route(rig, 40, 0x0100000000ull); /* Aff3 counts */
    assert_int_equal(irqs(rig), 0);
}

static void test_one_of_n(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 40, 0xA0, ANY | 0x55);
    gic_set_spi(rig->gic, 40, true);
    assert_true(rig->irq[0]);
    assert_int_equal(irqs(rig), 1); /* one only */
    icc_set(rig, 0, IGRPEN1, 0);
    assert_true(rig->irq[1]);
    assert_int_equal(irqs(rig), 1);
    dev_wr(&rig->redist, 0, GICR + WAKER, 4, 2);
    assert_true(rig->irq[2]);
    assert_int_equal(irqs(rig), 1);
    assert_int_equal(icc(rig, 1, IAR1), SPURIOUS);
    assert_int_equal(icc(rig, 2, IAR1), 40);
    gic_set_spi(rig->gic, 40, false);
    icc_set(rig, 0, IGRPEN1, 1);
    icc_set(rig, 2, EOIR1, 40);
    gic_set_spi(rig->gic, 40, true);
    assert_true(rig->irq[0]);
    for (unsigned c = 0; c < CPUS; c++) {
        icc_set(rig, c, IGRPEN1, 0);
    }
    assert_int_equal(irqs(rig), 0); /* waits for the first that wants it */
    icc_set(rig, 17, IGRPEN1, 1);
    assert_true(rig->irq[17]);
    route(rig, 40, rig->mpidr[17]);
    assert_true(rig->irq[17]);
    route(rig, 40, rig->mpidr[18]);
    assert_int_equal(irqs(rig), 0);
}

static void test_one_of_n_by_group(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 40, 0xA0, ANY);
    dwr(rig, 0, IGROUPR + 4, ~(1u << 8)); /* 40 is group 0 */
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(irqs(rig), 0);
    icc_set(rig, 5, IGRPEN0, 1);
    assert_true(rig->fiq[5]);
    icc_set(rig, 3, IGRPEN0, 1);
    assert_true(rig->fiq[3]);
    assert_false(rig->fiq[5]);
    assert_int_equal(icc(rig, 3, IAR0), 40);
}

static void test_sgi1(void **state)
{
    struct gic_rig *rig = *state;

    icc_set(rig, 0, SGI1R, 5ull << 24 | 0x8003); /* Aff1 0: CPUs 0, 1, 15 */
    assert_int_equal(irqs(rig), 3);
    assert_true(rig->irq[0] && rig->irq[1] && rig->irq[15]);
    assert_int_equal(icc(rig, 15, IAR1), 5);
    icc_set(rig, 15, EOIR1, 5);
    assert_false(rig->irq[15]);
    assert_int_equal(dev_rd(&rig->redist, 0, SGI_BASE + ISPENDR, 4), 1 << 5);
    dev_wr(&rig->redist, 0, SGI_BASE + ICPENDR, 4, 1 << 5);
    dev_wr(&rig->redist, 0, GICR + SGI_BASE + ICPENDR, 4, 1 << 5);
    assert_int_equal(irqs(rig), 0);
    icc_set(rig, 0, SGI1R, 2ull << 16 | 7ull << 24 | 0x80); /* Aff1 2: CPU 39 */
    assert_true(rig->irq[39]);
    assert_int_equal(irqs(rig), 1);
    icc_set(rig, 0, SGI1R, 1ull << 32 | 0xFFFF); /* Aff2 1: nobody */
    icc_set(rig, 0, SGI1R, 1ull << 48 | 0xFFFF); /* Aff3 1 */
    icc_set(rig, 0, SGI1R, 1ull << 44 | 0xFFFF); /* RS 1: Aff0 from 16 on */
    icc_set(rig, 0, SGI1R, 3ull << 16 | 0xFFFF); /* Aff1 3 */
    icc_set(rig, 0, SGI1R, 2ull << 16 | 0xFF00); /* beyond the last CPU */
    assert_int_equal(irqs(rig), 1);
    icc_set(rig, 3, SGI1R,
            1ull << 40 | 9ull << 24 | 0xFFFF); /* all others, whatever the list says */
    assert_int_equal(irqs(rig), CPUS - 1);
    assert_false(rig->irq[3]);
}

static void test_sgi_groups(void **state)
{
    struct gic_rig *rig = *state;

    dev_wr(&rig->redist, 0, SGI_BASE + IGROUPR, 4, ~1u); /* SGI 0 of CPU 0 is group 0 */
    icc_set(rig, 0, IGRPEN0, 1);
    icc_set(rig, 1, SGI0R, 3);
    assert_true(rig->fiq[0]); /* SGI0R: group 0 only */
    assert_int_equal(irqs(rig), 0);
    assert_int_equal(icc(rig, 0, IAR1), SPURIOUS);
    assert_int_equal(icc(rig, 0, IAR0), 0);
    assert_int_equal(icc(rig, 0, AP0R0), 1);
    icc_set(rig, 0, EOIR0, 0);
    icc_set(rig, 1, ASGI1R, 3); /* as SGI0R, for want of another state */
    assert_true(rig->fiq[0]);
    assert_int_equal(irqs(rig), 0);
    assert_int_equal(icc(rig, 0, IAR0), 0);
    icc_set(rig, 0, EOIR0, 0);
    icc_set(rig, 1, SGI1R, 3); /* SGI1R: both */
    assert_true(rig->fiq[0]);
    assert_true(rig->irq[1]);
}

/* All four affinity fields, and Aff0 above 15 by the range selector. */
static void test_sgi_wide_affinity(void **state)
{
    enum { AFF1 = 16, INTID = 24, AFF2 = 32, RS = 44, AFF3 = 48 };
    struct gic_rig rig;
    uint64_t mpidr[2] = { 0, 0x0300020112 }; /* Aff3 3, Aff2 2, Aff1 1, Aff0 18 */
    struct gic_config config = { .version = 3, .cpus = 2, .mpidr = mpidr };
    uint64_t right =
        3ull << AFF3 | 1ull << RS | 2ull << AFF2 | 1ull << AFF1 | 1 << 2 | 6ull << INTID;
    static const unsigned fields[] = { 0, AFF1, AFF2, RS, AFF3 };

    (void)state;
    gic_rig_init(&rig, 3, 2);
    config.port = (struct gic_cpu_port){ gic_rig_lines, &rig };
    gic_init(rig.gic, &config);
    for (unsigned i = 0; i < 5; i++) {
        icc_set(&rig, 0, SGI1R, right ^ 4ull << fields[i]); /* each field matters */
        assert_int_equal(dev_rd(&rig.redist, 0, GICR + SGI_BASE + ISPENDR, 4), 0);
    }
    icc_set(&rig, 0, SGI1R, right);
    assert_int_equal(dev_rd(&rig.redist, 0, GICR + SGI_BASE + ISPENDR, 4), 1 << 6);
    assert_int_equal(dev_rd(&rig.redist, 0, SGI_BASE + ISPENDR, 4), 0);
    gic_rig_fini(&rig);
}

static void test_preemption_between_groups(void **state)
{
    struct gic_rig *rig = *state;

    icc_set(rig, 0, IGRPEN0, 1);
    dwr(rig, 0, IGROUPR + 4, ~(1u << 9)); /* 41 is group 0 */
    enable(rig, 40, 0xA0, 0);
    enable(rig, 41, 0x80, 0);
    enable(rig, 42, 0x40, 0);
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(icc(rig, 0, IAR1), 40);
    gic_set_spi(rig->gic, 41, true);
    assert_true(rig->fiq[0]);
    assert_false(rig->irq[0]);
    assert_int_equal(icc(rig, 0, IAR1), SPURIOUS);
    assert_int_equal(icc(rig, 0, IAR0), 41);
    gic_set_spi(rig->gic, 42, true);
    assert_int_equal(icc(rig, 0, IAR1), 42);
    assert_int_equal(icc(rig, 0, RPR), 0x40);
    icc_set(rig, 0, EOIR0, 41); /* out of order: group 1 is running */
    assert_int_equal(icc(rig, 0, AP0R0), 1u << 16);
    gic_set_spi(rig->gic, 42, false);
    icc_set(rig, 0, EOIR1, 42);
    assert_int_equal(icc(rig, 0, RPR), 0x80);
    icc_set(rig, 0, EOIR1, 40); /* now group 0 is */
    assert_int_equal(icc(rig, 0, RPR), 0x80);
    gic_set_spi(rig->gic, 41, false);
    icc_set(rig, 0, EOIR0, 41);
    assert_int_equal(icc(rig, 0, RPR), 0xA0);
    gic_set_spi(rig->gic, 40, false);
    icc_set(rig, 0, EOIR1, 40);
    assert_int_equal(icc(rig, 0, RPR), 0xFF);
    assert_false(rig->irq[0] || rig->fiq[0]);
}

static void test_binary_points(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 40, 0xB8, 0);
    enable(rig, 41, 0xA0, 0);
    icc_set(rig, 0, BPR1, 5); /* groups of 0x20 */
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(icc(rig, 0, IAR1), 40);
    assert_int_equal(icc(rig, 0, RPR), 0xA0);
    gic_set_spi(rig->gic, 41, true);
    assert_false(rig->irq[0]);
    enable(rig, 41, 0x98, 0);
    assert_true(rig->irq[0]);
    icc_set(rig, 0, BPR0, 7);
    assert_true(rig->irq[0]); /* group 0's */
    icc_set(rig, 0, CTLR, 1); /* now everybody's */
    assert_false(rig->irq[0]);
}

static void test_priority_mask(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 40, 0x80, 0);
    gic_set_spi(rig->gic, 40, true);
    icc_set(rig, 0, PMR, 0x80);
    assert_false(rig->irq[0]);
    assert_int_equal(icc(rig, 0, IAR1), SPURIOUS);
    assert_int_equal(icc(rig, 0, HPPIR1), 40);
    icc_set(rig, 0, PMR, 0x88);
    assert_true(rig->irq[0]);
}

/* A CPU that is switched on finds its interface reset, and the distributor as it was. */
static void test_reset_interface(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 40, 0x80, 0);
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(icc(rig, 0, IAR1), 40);
    icc_set(rig, 0, CTLR, 2);
    icc_set(rig, 1, PMR, 0x60);
    gic_reset_interface(rig->gic, 0);
    assert_int_equal(icc(rig, 0, PMR), 0);
    assert_int_equal(icc(rig, 0, RPR), 0xFF);
    assert_int_equal(icc(rig, 0, CTLR) & 2, 0);
    assert_int_equal(icc(rig, 1, PMR), 0x60);
    assert_int_equal(drd(rig, 0, ISACTIVER + 4), 1 << 8);
    assert_false(rig->irq[0]);
}

static void test_eoi_mode(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 40, 0xA0, 0);
    icc_set(rig, 0, CTLR, 2);
    gic_set_spi(rig->gic, 40, true);
    assert_int_equal(icc(rig, 0, IAR1), 40);
    icc_set(rig, 0, EOIR1, 40);
    assert_int_equal(icc(rig, 0, RPR), 0xFF);
    assert_int_equal(drd(rig, 0, ISACTIVER + 4), 1 << 8);
    assert_false(rig->irq[0]);
    icc_set(rig, 0, DIR, SPURIOUS);
    icc_set(rig, 1, DIR, 40); /* no split on CPU 1 */
    assert_int_equal(drd(rig, 0, ISACTIVER + 4), 1 << 8);
    icc_set(rig, 1, CTLR, 2);
    icc_set(rig, 1, DIR, 40); /* any CPU may */
    assert_int_equal(drd(rig, 0, ISACTIVER + 4), 0);
    assert_true(rig->irq[0]);
}

static void test_ppis(void **state)
{
    struct gic_rig *rig = *state;

    dev_wr(&rig->redist, 0, 30 * GICR + SGI_BASE + ISENABLER, 4, 1u << 27);
    gic_set_ppi(rig->gic, 29, 27, true);
    assert_int_equal(irqs(rig), 0); /* not enabled there */
    gic_set_ppi(rig->gic, 30, 27, true);
    assert_true(rig->irq[30]);
    assert_int_equal(icc(rig, 30, IAR1), 27);
    assert_int_equal(dev_rd(&rig->redist, 0, 30 * GICR + SGI_BASE + ISACTIVER, 4), 1u << 27);
    assert_int_equal(dev_rd(&rig->redist, 0, 29 * GICR + SGI_BASE + ISACTIVER, 4), 0);
    gic_set_ppi(rig->gic, 30, 27, false);
    icc_set(rig, 30, EOIR1, 27);
    assert_int_equal(irqs(rig), 0);
    dev_wr(&rig->redist, 0, 30 * GICR + SGI_BASE + ICFGR + 4, 4, 2u << 22); /* edge */
    gic_set_ppi(rig->gic, 30, 27, true);
    gic_set_ppi(rig->gic, 30, 27, false);
    assert_true(rig->irq[30]);
}

static void test_group_enables(void **state)
{
    struct gic_rig *rig = *state;

    enable(rig, 40, 0xA0, 0);
    gic_set_spi(rig->gic, 40, true);
    assert_true(rig->irq[0]);
    dwr(rig, 0, D_CTLR, 1); /* group 0 only */
    assert_false(rig->irq[0]);
    dwr(rig, 0, D_CTLR, 2);
    assert_true(rig->irq[0]);
    icc_set(rig, 0, IGRPEN1, 0);
    assert_false(rig->irq[0]);
    assert_int_equal(icc(rig, 0, HPPIR1), SPURIOUS);
    icc_set(rig, 0, IGRPEN1, 1);
    dwr(rig, 0, IGROUPR + 4, 0);
    assert_false(rig->irq[0] || rig->fiq[0]);
    dwr(rig, 0, D_CTLR, 3);
    icc_set(rig, 0, IGRPEN0, 1);
    assert_true(rig->fiq[0]); /* group 0 is FIQ */
}

static void test_asleep_is_still_served(void **state)
{
    struct gic_rig *rig = *state;

    dev_wr(&rig->redist, 0, WAKER, 4, 2);
    enable(rig, 40, 0xA0, 0);
    gic_set_spi(rig->gic, 40, true);
    assert_true(rig->irq[0]);
}

static void test_64_cpus(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 3, 64);
    dwr(&rig, 0, D_CTLR, 3);
    for (unsigned c = 0; c < 64; c++) {
        dev_wr(&rig.redist, 0, (uint64_t)GICR * c + SGI_BASE + ISENABLER, 4, 1);
        dev_wr(&rig.redist, 0, (uint64_t)GICR * c + SGI_BASE + IGROUPR, 4, 1);
        icc_set(&rig, c, PMR, 0xFF);
        icc_set(&rig, c, IGRPEN1, 1);
    }
    icc_set(&rig, 63, SGI1R, 1ull << 40);
    for (unsigned c = 0; c < 64; c++) {
        assert_int_equal(rig.irq[c], c != 63);
    }
    icc_set(&rig, 0, SGI1R, 3ull << 16 | 0x8000);
    assert_true(rig.irq[63]);
    gic_rig_fini(&rig);
}

#define V3_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_values),
        V3_TEST(test_writable_bits),
        V3_TEST(test_undefined),
        V3_TEST(test_spi),
        V3_TEST(test_routing),
        V3_TEST(test_one_of_n),
        V3_TEST(test_one_of_n_by_group),
        V3_TEST(test_sgi1),
        V3_TEST(test_sgi_groups),
        cmocka_unit_test(test_sgi_wide_affinity),
        V3_TEST(test_preemption_between_groups),
        V3_TEST(test_binary_points),
        V3_TEST(test_priority_mask),
        V3_TEST(test_reset_interface),
        V3_TEST(test_eoi_mode),
        V3_TEST(test_ppis),
        V3_TEST(test_group_enables),
        V3_TEST(test_asleep_is_still_served),
        cmocka_unit_test(test_64_cpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
