/*
 * test_gic_dist.c - the distributor's registers in both views, and the redistributors' line
 * registers.
 */
#include "rig.h"

#include "base/bits.h"

enum {
    CTLR = 0x000,
    TYPER = 0x004,
    IIDR = 0x008,
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
    PPISR = 0xD00,
    SPISR = 0xD04,
    SGIR = 0xF00,
    CPENDSGIR = 0xF10,
    SPENDSGIR = 0xF20,
    IROUTER = 0x6000,
    GICR = 0x20000,
    SGI_BASE = 0x10000,
};

static enum mmio_result try_read(struct dev *dev, uint64_t offset, unsigned size)
{
    uint64_t value;

    return dev->ops->read(dev, 0, offset, size, &value);
}

static void test_v2_identity(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 2, 8);
    assert_int_equal(drd(&rig, 0, TYPER), 7 << 5 | (GIC_LINES / 32 - 1));
    assert_int_equal(drd(&rig, 0, IIDR), 0x0200143B);
    assert_int_equal(drd(&rig, 0, 0xFE0), 0x90);
    assert_int_equal(drd(&rig, 0, 0xFE4), 0xB4);
    assert_int_equal(drd(&rig, 0, 0xFE8), 0x2B); /* ArchRev 2 */
    assert_int_equal(drd(&rig, 0, 0xFD0), 0x04);
    assert_int_equal(drd(&rig, 0, 0xFF0), 0x0D);
    assert_int_equal(drd(&rig, 0, 0xFFC), 0xB1);
    assert_int_equal(drd(&rig, 0, CTLR), 0);
    dwr(&rig, 0, CTLR, 0xFFFFFFFF);
    assert_int_equal(drd(&rig, 0, CTLR), 3);
    assert_int_equal(try_read(&rig.dist, 0xFFE8, 4), MMIO_UNKNOWN);
    assert_int_equal(try_read(&rig.dist, IROUTER + 256, 8), MMIO_UNKNOWN);
    assert_int_equal(try_read(&rig.dist, SGIR, 4), MMIO_UNKNOWN);
    assert_int_equal(rig.dist.ops->write(&rig.dist, 0, TYPER, 4, 0), MMIO_UNKNOWN);
    gic_rig_fini(&rig);
    gic_rig_init(&rig, 2, 1);
    assert_int_equal(drd(&rig, 0, TYPER), GIC_LINES / 32 - 1);
    gic_rig_fini(&rig);
}

static void test_v3_identity(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 3, 64);
    assert_int_equal(bits(drd(&rig, 0, TYPER), 0, 5), GIC_LINES / 32 - 1);
    assert_int_equal(bits(drd(&rig, 0, TYPER), 10, 1), 0); /* one security state */
    assert_int_equal(bits(drd(&rig, 0, TYPER), 16, 3), 0); /* no message SPIs, LPIs */
    assert_int_equal(bits(drd(&rig, 0, TYPER), 19, 5), 9);
    assert_int_equal(bits(drd(&rig, 0, TYPER), 25, 1), 0); /* 1 of N is there */
    assert_int_equal(drd(&rig, 0, 0xFFE8), 0x3B);
    assert_int_equal(drd(&rig, 0, 0xFFE0), 0x92);
    assert_int_equal(drd(&rig, 0, CTLR), 0x50); /* ARE, DS: fixed */
    dwr(&rig, 0, CTLR, 0);
    assert_int_equal(drd(&rig, 0, CTLR), 0x50);
    dwr(&rig, 0, CTLR, 0xFFFFFFFF);
    assert_int_equal(drd(&rig, 0, CTLR), 0x53);
    assert_int_equal(drd(&rig, 0, 0x00C), 0);
    assert_int_equal(drd(&rig, 0, 0x010), 0);
    gic_rig_fini(&rig);
}

/* Set and clear registers: each bit by itself, on private and shared lines, seen from both ends. */
static void check_set_clear(struct gic_rig *rig, struct dev *dev, uint64_t base, uint64_t set,
                            uint64_t clear, uint32_t mask, uint32_t fixed)
{
    (void)rig;
    for (unsigned n = 0; n < 32; n++) {
        uint32_t bit = 1u << n & mask;
        dev_wr(dev, 0, base + set, 4, 1u << n);
        assert_int_equal(dev_rd(dev, 0, base + set, 4), bit | fixed);
        assert_int_equal(dev_rd(dev, 0, base + clear, 4), bit | fixed);
        dev_wr(dev, 0, base + clear, 4, ~(1u << n));
        assert_int_equal(dev_rd(dev, 0, base + set, 4), bit | fixed);
        dev_wr(dev, 0, base + set, 4, 0);
        assert_int_equal(dev_rd(dev, 0, base + set, 4), bit | fixed);
        dev_wr(dev, 0, base + clear, 4, 1u << n);
        assert_int_equal(dev_rd(dev, 0, base + set, 4), fixed);
    }
}

static void test_set_clear(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 2, 4);
    for (unsigned w = 0; w < GIC_LINES / 32; w++) {
        bool own =
            w == 0; /* GICv2's SGIs are always enabled, and made pending by other registers */
        check_set_clear(&rig, &rig.dist, 4 * w, ISENABLER, ICENABLER, own ? 0xFFFF0000 : ~0u,
                        own ? 0xFFFF : 0);
        check_set_clear(&rig, &rig.dist, 4 * w, ISPENDR, ICPENDR, own ? 0xFFFF0000 : ~0u, 0);
        check_set_clear(&rig, &rig.dist, 4 * w, ISACTIVER, ICACTIVER, ~0u, 0);
    }
    gic_rig_fini(&rig);
    gic_rig_init(&rig, 3, 4);
    for (unsigned w = 1; w < GIC_LINES / 32; w++) {
        check_set_clear(&rig, &rig.dist, 4 * w, ISENABLER, ICENABLER, ~0u, 0);
        check_set_clear(&rig, &rig.dist, 4 * w, ISPENDR, ICPENDR, ~0u, 0);
        check_set_clear(&rig, &rig.dist, 4 * w, ISACTIVER, ICACTIVER, ~0u, 0);
    }
    for (unsigned c = 0; c < 4; c++) {
        check_set_clear(&rig, &rig.redist, GICR * c + SGI_BASE, ISENABLER, ICENABLER, ~0u, 0);
        check_set_clear(&rig, &rig.redist, GICR * c + SGI_BASE, ISPENDR, ICPENDR, ~0u, 0);
        check_set_clear(&rig, &rig.redist, GICR * c + SGI_BASE, ISACTIVER, ICACTIVER, ~0u, 0);
    }
    gic_rig_fini(&rig);
}

static void test_lines_that_are_not_there(void **state)
{
    struct gic_rig rig;

    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        gic_rig_init(&rig, version, 2);
        for (unsigned w = GIC_LINES / 32; w < 32; w++) { /* above what TYPER says: RAZ/WI */
            dwr(&rig, 0, ISENABLER + 4 * w, ~0u);
            assert_int_equal(drd(&rig, 0, ISENABLER + 4 * w), 0);
        }
        dwr(&rig, 0, IPRIORITYR + GIC_LINES, ~0u);
        assert_int_equal(drd(&rig, 0, IPRIORITYR + GIC_LINES), 0);
        dev_wr(&rig.dist, 0, IPRIORITYR + 1023, 1, 0xFF);
        assert_int_equal(dev_rd(&rig.dist, 0, IPRIORITYR + 1023, 1), 0);
        gic_rig_fini(&rig);
    }
    gic_rig_init(&rig, 3, 2);
    dwr(&rig, 0, ISENABLER, ~0u); /* private lines live in the redistributors */
    assert_int_equal(drd(&rig, 0, ISENABLER), 0);
    assert_int_equal(dev_rd(&rig.redist, 0, SGI_BASE + ISENABLER, 4), 0);
    dwr(&rig, 0, IPRIORITYR, ~0u);
    assert_int_equal(dev_rd(&rig.redist, 0, SGI_BASE + IPRIORITYR, 4), 0);
    dev_wr(&rig.redist, 0, SGI_BASE + ISENABLER + 4, 4, ~0u); /* and shared ones do not */
    assert_int_equal(dev_rd(&rig.redist, 0, SGI_BASE + ISENABLER + 4, 4), 0);
    assert_int_equal(drd(&rig, 0, ISENABLER + 4), 0);
    dev_wr(&rig.dist, 0, IROUTER + 8 * 31, 8, 1);
    assert_int_equal(dev_rd(&rig.dist, 0, IROUTER + 8 * 31, 8), 0);
    dev_wr(&rig.dist, 0, IROUTER + 8 * GIC_LINES, 8, 1);
    assert_int_equal(dev_rd(&rig.dist, 0, IROUTER + 8 * GIC_LINES, 8), 0);
    assert_int_equal(try_read(&rig.redist, 2 * GICR, 4), MMIO_UNKNOWN); /* no third CPU */
    assert_int_equal(rig.redist.ops->write(&rig.redist, 0, 2 * GICR + 0x14, 4, 0), MMIO_UNKNOWN);
    gic_rig_fini(&rig);
}

static void test_priority_bytes(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 2, 2);
    dwr(&rig, 0, IPRIORITYR + 40, 0x12345678);
    assert_int_equal(drd(&rig, 0, IPRIORITYR + 40), 0x10305078); /* five bits */
    dev_wr(&rig.dist, 0, IPRIORITYR + 41, 1, 0xFF);
    assert_int_equal(drd(&rig, 0, IPRIORITYR + 40), 0x1030F878);
    assert_int_equal(dev_rd(&rig.dist, 0, IPRIORITYR + 43, 1), 0x10);
    dev_wr(&rig.dist, 0, IPRIORITYR + 3, 1, 0x40); /* private: banked */
    assert_int_equal(dev_rd(&rig.dist, 0, IPRIORITYR + 3, 1), 0x40);
    assert_int_equal(dev_rd(&rig.dist, 1, IPRIORITYR + 3, 1), 0);
    assert_int_equal(try_read(&rig.dist, ISENABLER, 1), MMIO_UNKNOWN); /* words only */
    gic_rig_fini(&rig);
}

static void test_config(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 2, 2);
    assert_int_equal(drd(&rig, 0, ICFGR), 0xAAAAAAAA); /* SGIs are edges */
    dwr(&rig, 0, ICFGR, 0);
    assert_int_equal(drd(&rig, 0, ICFGR), 0xAAAAAAAA);
    dwr(&rig, 0, ICFGR + 8, 0xFFFFFFFF);
    assert_int_equal(drd(&rig, 0, ICFGR + 8), 0xAAAAAAAA);
    dwr(&rig, 0, ICFGR + 12, 0x00000008); /* INTID 49 */
    assert_int_equal(drd(&rig, 0, ICFGR + 12), 0x00000008);
    assert_int_equal(drd(&rig, 0, ICFGR + 8), 0xAAAAAAAA);
    gic_rig_fini(&rig);
}

static void test_targets(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 2, 3);
    for (unsigned c = 0; c < 3; c++) {
        assert_int_equal(drd(&rig, c, ITARGETSR), 0x01010101u << c);
        dwr(&rig, c, ITARGETSR + 4, 0xFFFFFFFF);
        assert_int_equal(drd(&rig, c, ITARGETSR + 4), 0x01010101u << c);
    }
    assert_int_equal(drd(&rig, 0, ITARGETSR + 32), 0);
    dwr(&rig, 0, ITARGETSR + 32, 0xFF030201);
    assert_int_equal(drd(&rig, 0, ITARGETSR + 32), 0x07030201); /* three CPUs */
    dev_wr(&rig.dist, 0, ITARGETSR + 33, 1, 0x04);
    assert_int_equal(drd(&rig, 1, ITARGETSR + 32), 0x07030401);
    gic_rig_fini(&rig);
    gic_rig_init(&rig, 2, 1); /* RAZ/WI, and everything comes here */
    dwr(&rig, 0, ITARGETSR + 32, 0xFFFFFFFF);
    assert_int_equal(drd(&rig, 0, ITARGETSR + 32), 0);
    assert_int_equal(drd(&rig, 0, ITARGETSR), 0);
    gic_rig_fini(&rig);
}

static void test_wires_are_visible(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 2, 2);
    gic_set_ppi(rig.gic, 1, 27, true);
    assert_int_equal(drd(&rig, 0, PPISR), 0);
    assert_int_equal(drd(&rig, 1, PPISR), 1 << 11);
    gic_set_spi(rig.gic, 32, true);
    gic_set_spi(rig.gic, GIC_LINES - 1, true);
    assert_int_equal(drd(&rig, 0, SPISR), 1);
    assert_int_equal(drd(&rig, 0, SPISR + 4 * (GIC_SPIS / 32 - 1)), 0x80000000);
    assert_int_equal(drd(&rig, 0, ISPENDR + 4), 1);
    gic_set_spi(rig.gic, 32, false);
    assert_int_equal(drd(&rig, 0, SPISR), 0);
    assert_int_equal(drd(&rig, 0, ISPENDR + 4), 0); /* a level leaves nothing behind */
    assert_int_equal(rig.dist.ops->write(&rig.dist, 0, SPISR, 4, 1), MMIO_UNKNOWN);
    gic_rig_fini(&rig);
}

static void test_sgi_pending_registers(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 2, 4);
    dwr(&rig, 2, SGIR, 2u << 24 | 5); /* to self */
    dwr(&rig, 1, SGIR, 1u << 18 | 5); /* CPU 1 to CPU 2 */
    assert_int_equal(drd(&rig, 2, SPENDSGIR + 4), 0x00000600);
    assert_int_equal(drd(&rig, 2, CPENDSGIR + 4), 0x00000600);
    assert_int_equal(drd(&rig, 2, ISPENDR), 1 << 5);
    assert_int_equal(drd(&rig, 1, ISPENDR), 0);
    dev_wr(&rig.dist, 2, CPENDSGIR + 5, 1, 0x02);
    assert_int_equal(drd(&rig, 2, SPENDSGIR + 4), 0x00000400);
    assert_int_equal(drd(&rig, 2, ISPENDR), 1 << 5);
    dwr(&rig, 2, CPENDSGIR + 4, 0xFFFFFFFF);
    assert_int_equal(drd(&rig, 2, ISPENDR), 0);
    dwr(&rig, 2, SPENDSGIR + 12, 0xFF000000); /* SGI 15; there are four CPUs */
    assert_int_equal(drd(&rig, 2, SPENDSGIR + 12), 0x0F000000);
    assert_int_equal(drd(&rig, 2, ISPENDR), 1 << 15);
    gic_rig_fini(&rig);
}

static void test_irouter_halves(void **state)
{
    struct gic_rig rig;
    uint64_t at = IROUTER + 8 * 40;

    (void)state;
    gic_rig_init(&rig, 3, 2);
    dev_wr(&rig.dist, 0, at, 8, UINT64_MAX);
    assert_int_equal(dev_rd(&rig.dist, 0, at, 8), 0xFF80FFFFFFull);
    dev_wr(&rig.dist, 0, at, 4, 1);
    assert_int_equal(dev_rd(&rig.dist, 0, at, 8), 0xFF00000001ull);
    dev_wr(&rig.dist, 0, at + 4, 4, 0x12);
    assert_int_equal(dev_rd(&rig.dist, 0, at + 4, 4), 0x12);
    assert_int_equal(dev_rd(&rig.dist, 0, at, 8), 0x1200000001ull);
    gic_rig_fini(&rig);
}

static void test_redistributor(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 3, 18);
    for (unsigned c = 0; c < 18; c++) {
        uint64_t base = (uint64_t)GICR * c;
        uint64_t typer = dev_rd(&rig.redist, 0, base + 8, 8);
        assert_int_equal(typer >> 32, c / 16 << 8 | c % 16);
        assert_int_equal(bits(typer, 8, 16), c);
        assert_int_equal(bits(typer, 4, 1), c == 17); /* Last */
        assert_int_equal(bits(typer, 0, 2), 0);       /* no LPIs */
        assert_int_equal(dev_rd(&rig.redist, 0, base + 12, 4), typer >> 32);
        assert_int_equal(dev_rd(&rig.redist, 0, base + 8, 4), typer & 0xFFFFFFFF);
        assert_int_equal(dev_rd(&rig.redist, 0, base + 0xFFE8, 4), 0x3B);
        assert_int_equal(dev_rd(&rig.redist, 0, base + 0x14, 4), 6); /* asleep */
        dev_wr(&rig.redist, 0, base + 0x14, 4, 0);
        assert_int_equal(dev_rd(&rig.redist, 0, base + 0x14, 4), 0);
        dev_wr(&rig.redist, 0, base + 0x14, 4, 2);
        assert_int_equal(dev_rd(&rig.redist, 0, base + 0x14, 4), 6);
    }
    assert_int_equal(dev_rd(&rig.redist, 0, SGI_BASE + ICFGR, 4), 0xAAAAAAAA);
    assert_int_equal(try_read(&rig.redist, 0x18, 4), MMIO_UNKNOWN);
    assert_int_equal(try_read(&rig.redist, 0x14, 1), MMIO_UNKNOWN);
    assert_int_equal(try_read(&rig.redist, SGI_BASE + ITARGETSR, 4), MMIO_UNKNOWN);
    gic_rig_fini(&rig);
    gic_rig_init(&rig, 2, 1); /* a GICv2 has none */
    assert_int_equal(try_read(&rig.redist, 8, 8), MMIO_UNKNOWN);
    gic_rig_fini(&rig);
}

static void test_affinity_with_aff3(void **state)
{
    struct gic_rig rig;
    struct gic_config config = { .version = 3, .cpus = 1 };
    uint64_t mpidr = 0x1200345678ull | 0x80000000u; /* MPIDR's bit 31 is not affinity */

    (void)state;
    gic_rig_init(&rig, 3, 1);
    config.mpidr = &mpidr;
    config.port = (struct gic_cpu_port){ gic_rig_lines, &rig };
    gic_init(rig.gic, &config);
    assert_int_equal(dev_rd(&rig.redist, 0, 12, 4), 0x12345678);
    gic_rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v2_identity),
        cmocka_unit_test(test_v3_identity),
        cmocka_unit_test(test_set_clear),
        cmocka_unit_test(test_lines_that_are_not_there),
        cmocka_unit_test(test_priority_bytes),
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_wires_are_visible),
        cmocka_unit_test(test_sgi_pending_registers),
        cmocka_unit_test(test_irouter_halves),
        cmocka_unit_test(test_redistributor),
        cmocka_unit_test(test_affinity_with_aff3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
