/*
 * test_device_regs.c - the tables of registers and fields of every device, against the device.
 *
 * For each register: its value after reset, all-ones and zero written and read back, read-only ones
 * unmoved. For each device that is not a GIC window: what the table does not list answers
 * MMIO_UNKNOWN, so the table is complete.
 */
#include "rig.h"

#include "base/bits.h"

static const struct dev_ops *const plain[] = { &uart_ops, &timer_mmio_ops, &rtc_ops, &gpio_ops,
                                               &debug_exit_ops };

static uint64_t width_mask(const struct dev_reg *reg)
{
    return reg->width == 8 ? UINT64_MAX : BIT(8 * reg->width) - 1;
}

static unsigned reg_count(const struct dev_reg *reg)
{
    return reg->count == 0 ? 1 : reg->count;
}

static void check_value(struct dev *dev, const struct dev_reg *reg, uint64_t offset, uint64_t want)
{
    uint64_t value = 0;

    assert_int_equal(dev->ops->read(dev, 0, offset, reg->width, &value), MMIO_OK);
    if (value != want) {
        fail_msg("%s.%s at 0x%llx is 0x%llx, not 0x%llx", dev->ops->name, reg->name,
                 (unsigned long long)offset, (unsigned long long)value, (unsigned long long)want);
    }
}

/* One register, from reset state; reset_all brings that back. */
static void check_reg(struct dev *dev, const struct dev_reg *reg, uint64_t offset,
                      void (*reset_all)(struct dev *))
{
    uint64_t ignored;

    if ((reg->flags & DEV_REG_WO) != 0) {
        if ((reg->flags & DEV_REG_EFFECT) == 0) {
            assert_int_equal(dev->ops->read(dev, 0, offset, reg->width, &ignored), MMIO_UNKNOWN);
            assert_int_equal(dev->ops->write(dev, 0, offset, reg->width, width_mask(reg)), MMIO_OK);
        }
        return;
    }
    if ((reg->flags & DEV_REG_EFFECT) != 0) {
        return;
    }
    check_value(dev, reg, offset, reg->reset);
    if ((reg->flags & DEV_REG_RO) != 0) {
        assert_int_equal(dev->ops->write(dev, 0, offset, reg->width, ~reg->reset & width_mask(reg)),
                         MMIO_UNKNOWN);
        check_value(dev, reg, offset, reg->reset);
        return;
    }
    assert_int_equal(dev->ops->write(dev, 0, offset, reg->width, width_mask(reg)), MMIO_OK);
    check_value(dev, reg, offset, reg->reset | reg->writable);
    assert_int_equal(dev->ops->write(dev, 0, offset, reg->width, 0), MMIO_OK);
    check_value(dev, reg, offset, reg->reset & ~reg->writable);
    reset_all(dev);
    check_value(dev, reg, offset, reg->reset);
}

static void check_regs(struct dev *dev, void (*reset_all)(struct dev *))
{
    for (const struct dev_reg *reg = dev->ops->regs; reg->name != NULL; reg++) {
        assert_int_equal(reg->writable & ~width_mask(reg), 0);
        assert_true((dev->ops->access_sizes & reg->width) != 0);
        for (unsigned i = 0; i < reg_count(reg); i++) {
            uint64_t offset = reg->offset + (uint64_t)i * reg->width;
            assert_true(offset + reg->width <= dev->ops->mmio_size);
            check_reg(dev, reg, offset, reset_all);
        }
    }
}

static void reset_self(struct dev *dev)
{
    dev->ops->reset(dev);
}

static void test_plain(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        struct rig rig;
        rig_init(&rig, plain[i]);
        check_regs(&rig.dev, reset_self);
        assert_int_equal(rig.out_len, 0);
        rig_fini(&rig);
    }
}

static bool listed(const struct dev_ops *ops, uint64_t offset)
{
    for (const struct dev_reg *reg = ops->regs; reg->name != NULL; reg++) {
        if (range_inside(offset, 4, reg->offset, (uint64_t)reg->width * reg_count(reg))) {
            return true;
        }
    }
    return false;
}

static void test_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        struct rig rig;
        uint64_t value;
        rig_init(&rig, plain[i]);
        for (uint64_t offset = 0; offset < plain[i]->mmio_size; offset += 4) {
            enum mmio_result r = rig.dev.ops->read(&rig.dev, 0, offset, 4, &value);
            enum mmio_result w = rig.dev.ops->write(&rig.dev, 0, offset, 4, 0);
            assert_int_equal(r == MMIO_OK || w == MMIO_OK, listed(plain[i], offset));
        }
        rig_fini(&rig);
    }
}

static void reset_gic(struct dev *dev)
{
    gic_reset(dev->state);
}

static void test_gic_windows(void **state)
{
    struct gic_rig rig;

    (void)state;
    gic_rig_init(&rig, 2, 8);
    check_regs(&rig.dist, reset_gic);
    check_regs(&rig.cpuif, reset_gic);
    gic_rig_fini(&rig);
    gic_rig_init(&rig, 3, 64);
    check_regs(&rig.dist, reset_gic);
    check_regs(&rig.redist, reset_gic);
    gic_rig_fini(&rig);
}

static void check_fields(const struct dev_field *fields, size_t state_size)
{
    for (const struct dev_field *f = fields; f->name != NULL; f++) {
        unsigned count = f->count == 0 ? 1 : f->count;
        assert_true(f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8);
        assert_int_equal(f->offset % f->size, 0);
        assert_true(f->offset + (size_t)f->size * count <= state_size);
        for (const struct dev_field *g = fields; g < f; g++) {
            size_t end = g->offset + (size_t)g->size * (g->count == 0 ? 1 : g->count);
            assert_true(end <= f->offset || g->offset >= f->offset + (size_t)f->size * count);
        }
    }
}

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        check_fields(plain[i]->fields, plain[i]->state_size);
    }
    check_fields(gic_dist_ops.fields, sizeof(struct gic));
    check_fields(gic_cpu_fields, sizeof(struct gic_cpu));
}

/* Saving the fields and putting them into a fresh device gives the same registers: nothing is
 * missing. */
static void test_fields_are_all_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        struct rig a, b;
        rig_init(&a, plain[i]);
        rig_init(&b, plain[i]);
        for (uint64_t offset = 0; offset < plain[i]->mmio_size; offset += 4) {
            a.dev.ops->write(&a.dev, 0, offset, 4, 0x5A5AA5A5u ^ (uint32_t)offset);
        }
        for (const struct dev_field *f = plain[i]->fields; f->name != NULL; f++) {
            memcpy((char *)b.dev.state + f->offset, (char *)a.dev.state + f->offset,
                   (size_t)f->size * (f->count == 0 ? 1 : f->count));
        }
        for (uint64_t offset = 0; offset < plain[i]->mmio_size; offset += 4) {
            uint64_t va = 0, vb = 0;
            enum mmio_result ra = a.dev.ops->read(&a.dev, 0, offset, 4, &va);
            enum mmio_result rb = b.dev.ops->read(&b.dev, 0, offset, 4, &vb);
            assert_int_equal(ra, rb);
            assert_int_equal(va, vb);
        }
        rig_fini(&a);
        rig_fini(&b);
    }
}

/* What the bus, the devicetree and the lists of devices rely on. */
static void test_ops_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        const struct dev_ops *ops = plain[i];
        assert_non_null(ops->name);
        assert_non_null(ops->what);
        assert_non_null(ops->compatible);
        assert_true(ops->state_size != 0);
        assert_false(ops->self_locked);
        assert_int_equal(ops->deadline == NULL, ops->tick == NULL);
    }
    assert_true(gic_dist_ops.self_locked && gicv2_cpu_ops.self_locked &&
                gicv3_redist_ops.self_locked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_gic_windows),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_fields_are_all_of_it),
        cmocka_unit_test(test_ops_are_complete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
