/*
 * devices_main.c - the boards: which device sits where, on which interrupt.
 *
 * One row here yields a device's bus range, interrupt wiring, devicetree node, entry in the memory
 * map, section of a snapshot and place in the register test and the fuzzer. Rows are in order of
 * address.
 *
 *   classic   the memory map of the original program, and QEMU's wherever that one was silent
 *   virt      the map of QEMU 7.2's `virt` machine, for guests that have it built in
 */
#include "base/string.h"
#include "devices.h"

#define SPI(n) ((n) + 1) /* rows count from 1, so that 0 is no interrupt */

#define REDIST_BASE 0x080A0000u
#define UART_BASE   0x09000000u
#define REDIST_SIZE (UART_BASE - REDIST_BASE) /* up to its neighbour: 123 CPUs of 128 KiB */

#define FLASH_SIZE 0x04000000u /* each of the two banks */
#define RAM_BASE   0x40000000u

static const struct board_row classic_rows[] = {
    { &gicv3_redist_ops, REDIST_BASE, REDIST_SIZE, { 0 }, BOARD_GICV3 },
    { &uart_ops, UART_BASE, 0, { SPI(1) }, BOARD_ALWAYS },
    { &timer_mmio_ops, 0x09010000, 0, { SPI(10), SPI(11) }, BOARD_ALWAYS },
    { &gic_dist_ops, 0x09020000, 0, { 0 }, BOARD_ALWAYS },
    { &gicv2_cpu_ops, 0x09030000, 0, { 0 }, BOARD_GICV2 },
    { &rtc_ops, 0x09040000, 0, { SPI(2) }, BOARD_ALWAYS },
    { &gpio_ops, 0x09050000, 0, { SPI(7) }, BOARD_ALWAYS },
    { &debug_exit_ops, 0x09070000, 0, { 0 }, BOARD_ALWAYS },
    { NULL, 0, 0, { 0 }, BOARD_ALWAYS },
};

static const struct board_row virt_rows[] = {
    { &gic_dist_ops, 0x08000000, 0, { 0 }, BOARD_ALWAYS },
    { &gicv2_cpu_ops, 0x08010000, 0, { 0 }, BOARD_GICV2 },
    { &gicv3_redist_ops, REDIST_BASE, REDIST_SIZE, { 0 }, BOARD_GICV3 },
    { &uart_ops, UART_BASE, 0, { SPI(1) }, BOARD_ALWAYS },
    { &rtc_ops, 0x09010000, 0, { SPI(2) }, BOARD_ALWAYS },
    { &gpio_ops, 0x09030000, 0, { SPI(7) }, BOARD_ALWAYS },
    { NULL, 0, 0, { 0 }, BOARD_ALWAYS },
};

const struct board board_classic = {
    .name = "classic",
    .what = "the original memory map, with a memory-mapped timer and a debug-exit register",
    .rows = classic_rows,
    .flash_base = 0,
    .flash_size = FLASH_SIZE,
    .ram_base = RAM_BASE,
};

const struct board board_virt = {
    .name = "virt",
    .what = "the memory map of QEMU's virt machine",
    .rows = virt_rows,
    .flash_base = 0,
    .flash_size = FLASH_SIZE,
    .ram_base = RAM_BASE,
};

const struct board *const boards[] = { &board_classic, &board_virt, NULL };

const struct board *board_find(const char *name)
{
    for (unsigned i = 0; boards[i] != NULL; i++) {
        if (str_eq(boards[i]->name, name)) {
            return boards[i];
        }
    }
    return NULL;
}

static bool row_present(const struct board_row *row, unsigned gic_version)
{
    return row->when == BOARD_ALWAYS || row->when == (gic_version == 2 ? BOARD_GICV2 : BOARD_GICV3);
}

const struct board_row *board_row_at(const struct board *board, unsigned gic_version, unsigned i)
{
    for (const struct board_row *row = board->rows; row->ops != NULL; row++) {
        if (row_present(row, gic_version) && i-- == 0) {
            return row;
        }
    }
    return NULL;
}

const struct board_row *board_row_of(const struct board *board, unsigned gic_version,
                                     const struct dev_ops *ops)
{
    const struct board_row *row;

    for (unsigned i = 0; (row = board_row_at(board, gic_version, i)) != NULL; i++) {
        if (row->ops == ops) {
            return row;
        }
    }
    return NULL;
}

uint64_t board_row_size(const struct board_row *row)
{
    return row->size != 0 ? row->size : row->ops->mmio_size;
}
