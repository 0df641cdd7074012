/*
 * raw.c - guests without a header: a bare-metal binary in RAM, firmware in flash.
 *
 * Raw: loaded and started one page above the RAM base (0x40001000), with the stack pointer one page
 * below the top. Firmware: in flash bank 0, started at its first byte, with the devicetree exactly
 * at the RAM base, where U-Boot and EDK2 look for it.
 */
#include "plan.h"

#define RAW_OFFSET 0x1000

enum status raw_load(struct maker *m, const struct boot_bytes *data)
{
    uint64_t start = m->ram_base + RAW_OFFSET;
    struct boot_segment s = {
        .ipa = start, .bytes = data->bytes, .len = data->len, .name = "kernel", .file = data->name
    };

    if (data->len > maker_stack_top(m) - start) {
        return maker_no_room(m, data, data->len, start);
    }
    m->plan->kind = "raw";
    m->plan->start.pc = start;
    m->plan->start.sp = maker_stack_top(m);
    m->layout = (struct layout){
        .dtb_at = m->ram_base,
        .dtb = { m->ram_base, maker_below_stack(m), true, false },
        .initrd = { start + data->len, maker_below_stack(m), false, false },
    };
    return maker_add(m, &s);
}

enum status firmware_load(struct maker *m, const struct boot_bytes *data)
{
    const struct board *board = m->request->board;
    struct boot_segment s = { .ipa = board->flash_base,
                              .bytes = data->bytes,
                              .len = data->len,
                              .name = "firmware",
                              .file = data->name };

    if (data->len == 0) {
        return err_set(m->err, ST_E_FORMAT, MSG_BOOT_EMPTY, data->name);
    }
    if (data->len > board->flash_size) {
        return err_set(m->err, ST_E_RANGE, MSG_BOOT_FIRMWARE_BIG, data->name,
                       (unsigned long long)data->len,
                       (unsigned long long)(board->flash_size >> 20));
    }
    m->plan->kind = "firmware";
    m->plan->start.pc = board->flash_base;
    m->plan->start.sp = maker_stack_top(m);
    m->layout = (struct layout){ .dtb_at = m->ram_base };
    return maker_add(m, &s);
}
