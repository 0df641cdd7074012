/*
 * fuzz_fdt.c - any bytes as a user's devicetree: checked, walked, searched, and brought up to date.
 *
 * What the reader accepts it must be able to read to its end, and what the rewriter makes of it the
 * reader must accept again, with the machine's memory in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "boot/devicetree.h"
#include "boot/fdt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Touches every byte that the reader hands out. */
static void walk(const struct fdt *fdt)
{
    struct fdt_item item = { .token = FDT_NOP };
    size_t sum = 0;
    uint32_t pos = 0;

    while (item.token != FDT_END) {
        require(fdt_next(fdt, &pos, &item));
        sum += item.name != NULL ? strnlen(item.name, 64) : 0;
        for (uint32_t i = 0; i < item.len; i++) {
            sum += item.data[i];
        }
    }
    require(sum < SIZE_MAX); /* so that the reads are not optimised away */
}

static void patch(const uint8_t *data, size_t size)
{
    static const uint64_t mpidr[] = { 0 };
    const struct boot_request request = {
        .dtb = { data, size, "user" },
        .command_line = "console=ttyAMA0",
        .board = &board_virt,
        .gic_version = 2,
        .cpus = 1,
        .mpidr = mpidr,
        .ram_size = 0x4000000,
        .kaslr_seed = 1,
    };
    const struct devicetree_facts facts = { 0x42000000, 0x1000 };
    size_t bound = devicetree_bound(&request), len = 0;
    uint8_t *buf = calloc(1, bound);

    if (devicetree_write(&request, &facts, buf, bound, &len, NULL) == ST_OK) {
        struct fdt fdt;
        uint32_t pos;
        struct fdt_item item;

        require(len <= bound && fdt_open(&fdt, "made", buf, len, NULL) == ST_OK);
        walk(&fdt);
        require(fdt_find_node(&fdt, "/memory@40000000", &pos) &&
                fdt_find_prop(&fdt, pos, "reg", &item));
        require(fdt_find_node(&fdt, "/chosen", &pos));
    }
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = { "/", "/chosen", "/cpus/cpu@0", "/a/b/c/d", "" };
    uint8_t *exact = malloc(size != 0 ? size : 1);
    struct fdt fdt;

    memcpy(exact, data, size);
    if (fdt_open(&fdt, "file", exact, size, NULL) == ST_OK) {
        walk(&fdt);
        for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
            struct fdt_item item;
            uint32_t pos;
            if (fdt_find_node(&fdt, paths[i], &pos)) {
                fdt_find_prop(&fdt, pos, "reg", &item);
            }
        }
    }
    patch(exact, size);
    free(exact);
    return 0;
}
