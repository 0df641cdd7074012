/*
 * test_boards.c - the board tables: addresses as published, windows that do not overlap, look-up.
 */
#include "rig.h"

#include "base/bits.h"

static void test_find(void **state)
{
    (void)state;
    assert_ptr_equal(board_find("classic"), &board_classic);
    assert_ptr_equal(board_find("virt"), &board_virt);
    assert_null(board_find(""));
    assert_null(board_find("virt2"));
    assert_ptr_equal(boards[0], &board_classic);
    assert_ptr_equal(boards[1], &board_virt);
    assert_null(boards[2]);
}

struct want {
    const struct board *board;
    unsigned gic;
    const struct dev_ops *ops;
    uint64_t base;
    unsigned intid0, intid1; /* 0: none */
};

static void test_addresses(void **state)
{
    static const struct want wants[] = {
        { &board_classic, 2, &uart_ops, 0x09000000, 33, 0 },
        { &board_classic, 2, &timer_mmio_ops, 0x09010000, 42, 43 },
        { &board_classic, 2, &gic_dist_ops, 0x09020000, 0, 0 },
        { &board_classic, 2, &gicv2_cpu_ops, 0x09030000, 0, 0 },
        { &board_classic, 2, &rtc_ops, 0x09040000, 34, 0 },
        { &board_classic, 2, &gpio_ops, 0x09050000, 39, 0 },
        { &board_classic, 2, &debug_exit_ops, 0x09070000, 0, 0 },
        { &board_classic, 3, &gic_dist_ops, 0x09020000, 0, 0 },
        { &board_classic, 3, &gicv3_redist_ops, 0x080A0000, 0, 0 },
        { &board_virt, 2, &gic_dist_ops, 0x08000000, 0, 0 },
        { &board_virt, 2, &gicv2_cpu_ops, 0x08010000, 0, 0 },
        { &board_virt, 2, &uart_ops, 0x09000000, 33, 0 },
        { &board_virt, 2, &rtc_ops, 0x09010000, 34, 0 },
        { &board_virt, 2, &gpio_ops, 0x09030000, 39, 0 },
        { &board_virt, 3, &gicv3_redist_ops, 0x080A0000, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
        const struct want *w = &wants[i];
        const struct board_row *row = board_row_of(w->board, w->gic, w->ops);
        assert_non_null(row);
        assert_int_equal(row->base, w->base);
        assert_int_equal(row->spi[0], w->intid0 == 0 ? 0 : w->intid0 - 32 + 1);
        assert_int_equal(row->spi[1], w->intid1 == 0 ? 0 : w->intid1 - 32 + 1);
    }
    assert_null(board_row_of(&board_classic, 3, &gicv2_cpu_ops));
    assert_null(board_row_of(&board_classic, 2, &gicv3_redist_ops));
    assert_null(board_row_of(&board_virt, 2, &timer_mmio_ops));
    assert_null(board_row_of(&board_virt, 2, &debug_exit_ops));
    assert_int_equal(
        board_row_of(&board_virt, 3, &gicv3_redist_ops)->size / gicv3_redist_ops.mmio_size, 123);
    assert_int_equal(board_virt.flash_base, 0);
    assert_int_equal(board_virt.flash_size, 0x04000000);
    assert_int_equal(board_classic.ram_base, 0x40000000);
}

static void test_windows_and_wires(void **state)
{
    (void)state;
    for (unsigned b = 0; boards[b] != NULL; b++) {
        for (unsigned gic = 2; gic <= 3; gic++) {
            uint64_t end = boards[b]->flash_base + 2 * boards[b]->flash_size;
            bool used[GIC_SPIS + 1] = { false };
            const struct board_row *row;
            for (unsigned i = 0; (row = board_row_at(boards[b], gic, i)) != NULL; i++) {
                assert_true(row->base >= end); /* in order, and apart */
                assert_true(is_aligned(row->base, 0x1000));
                end = row->base + board_row_size(row);
                for (unsigned n = 0; n < DEV_IRQS; n++) {
                    assert_true(row->spi[n] <= GIC_SPIS);
                    assert_true(row->spi[n] == 0 || !used[row->spi[n]]);
                    used[row->spi[n]] = true;
                }
            }
            assert_true(end <= boards[b]->ram_base);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_windows_and_wires),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
