/*
 * plan.h - inside the boot floor: how a loader of one kind of guest puts its parts into the plan.
 *
 * A loader (image.c, elf.c, raw.c) adds the segments of its guest, sets the entry, and fills a
 * struct layout that says where the devicetree and the initrd may go; plan.c places those and does
 * all checking of ranges.
 */
#ifndef BOOT_PLAN_H
#define BOOT_PLAN_H

#include "boot.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

/* [lo, hi) of guest memory, filled from below or from above. */
struct window {
    uint64_t lo, hi;
    bool top_down;
    bool by_protocol; /* hi is a rule of the boot protocol, not the end of RAM: more RAM would not
                         help */
};

struct layout {
    uint64_t dtb_at;   /* there, if it is free                                      */
    struct window dtb; /* else in here; hi 0: nowhere else                          */
    struct window initrd;
};

/* A plan being made. */
struct maker {
    const struct boot_request *request;
    struct boot_plan *plan;
    struct layout layout;
    uint64_t ram_base, ram_end;
    struct err *err;
};

/* Where the stack pointer starts and, below it, what is kept free for the stack of a
 * guest without an own. */
#define STACK_GAP  0x1000
#define STACK_ROOM KIB(64)

uint64_t maker_stack_top(const struct maker *m);
/* End of what may be placed below the initial stack. */
uint64_t maker_below_stack(const struct maker *m);

/* Adds a segment (reserve at least len + zero; 0 means len + zero). Fails if it is outside,
 * overlaps, or is one too many. */
enum status maker_add(struct maker *m, const struct boot_segment *segment);
/* Lowest or highest free address for size bytes in a window; what is for the message. */
enum status maker_place(struct maker *m, const struct window *window, uint64_t size, uint64_t align,
                        const struct boot_bytes *what, uint64_t *ipa);
/* End of the last byte reserved in RAM so far; ram_base if none. */
uint64_t maker_used_end(const struct maker *m);
/* ST_E_RANGE with the message that says how much --memory would do for `bytes` more at
 * or above `from`. */
enum status maker_no_room(struct maker *m, const struct boot_bytes *what, uint64_t bytes,
                          uint64_t from);

/* The loaders. data has been unpacked and is not empty. */
bool image_is(const struct boot_bytes *data);
enum status image_load(struct maker *m, const struct boot_bytes *data);
bool elf_is(const struct boot_bytes *data);
enum status elf_load(struct maker *m, const struct boot_bytes *data);
enum status raw_load(struct maker *m, const struct boot_bytes *data);
enum status firmware_load(struct maker *m, const struct boot_bytes *data);

/* Replaces *data by what is packed in it (gzip, zstd, EFI zboot), as long as it is
 * packed. The plan owns the result. */
enum status unpack(struct maker *m, struct boot_bytes *data);

/* ST_E_FORMAT if the bytes are something that people try to start and that cannot run:
 * it would fail in silence. */
enum status refuse_foreign(struct maker *m, const struct boot_bytes *data);

#endif
