/*
 * fdt.h - flattened devicetrees: a reader that trusts nothing, and a writer that cannot overrun.
 *
 * Document: Devicetree Specification, "Flattened Devicetree (DTB) Format".
 *
 *     header | memory reservations | structure block | strings block
 *
 * The structure block is a sequence of big-endian words: BEGIN_NODE name, END_NODE, PROP len
 * nameoff data, NOP, END.
 */
#ifndef BOOT_FDT_H
#define BOOT_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

#define FDT_MAGIC        0xd00dfeedu
#define FDT_HEADER_SIZE  40
#define FDT_RESERVE_SIZE 16 /* of one memory reservation */
#define FDT_DEPTH_MAX    32
#define FDT_SIZE_MAX     0x200000 /* arm64/booting.rst: a devicetree must not exceed 2 MiB */

enum fdt_token {
    FDT_BEGIN_NODE = 1,
    FDT_END_NODE = 2,
    FDT_PROP = 3,
    FDT_NOP = 4,
    FDT_END = 9,
};

/* ---- Reader ---------------------------------------------------------------------------------- */

/* A devicetree that has been checked; borrows the bytes. */
struct fdt {
    const uint8_t *blob;
    uint32_t struct_off, struct_len;
    uint32_t strings_off, strings_len;
    uint32_t reserve_off, reserve_count; /* without the terminating pair of zeros */
    uint32_t boot_cpu;
};

/* One token of the structure block. */
struct fdt_item {
    enum fdt_token token;
    const char *name;    /* BEGIN_NODE, PROP: 0-terminated      */
    uint32_t name_off;   /* PROP: in the strings block          */
    const uint8_t *data; /* PROP: len bytes                     */
    uint32_t len;
};

/*
 * Checks a whole devicetree: header, blocks inside the bytes, structure, nesting, names. After
 * ST_OK no reader function can leave the bytes. name is for messages. ST_E_FORMAT says what is
 * wrong. O(len).
 */
enum status fdt_open(struct fdt *fdt, const char *name, const uint8_t *bytes, uint64_t len,
                     struct err *err);

/* The token at *pos (0: the first), NOPs left out; moves *pos behind it. False at a
 * damaged place or behind the end. */
bool fdt_next(const struct fdt *fdt, uint32_t *pos, struct fdt_item *item);

/* *pos of what follows the BEGIN_NODE of a node; path as "/", "/chosen", "/cpus/cpu@0". */
bool fdt_find_node(const struct fdt *fdt, const char *path, uint32_t *pos);

/* A property of the node whose inside begins at node_pos. */
bool fdt_find_prop(const struct fdt *fdt, uint32_t node_pos, const char *name,
                   struct fdt_item *item);

/* ---- Writer ---------------------------------------------------------------------------------- */

struct fdt_writer {
    uint8_t *buf;
    uint32_t size; /* of buf                                                           */
    uint32_t struct_off;
    uint32_t at;          /* end of the structure block so far                                */
    uint32_t strings_off; /* the strings grow here until fdt_finish moves them down           */
    uint32_t strings_len;
    uint32_t boot_cpu;
    unsigned depth;
    bool full; /* something did not fit: from then on nothing is written           */
};

/*
 * Begins a devicetree in buf, of which the last strings_size bytes are kept for strings. A copy of
 * another devicetree is begun with its reservations and strings (so that its name offsets stay
 * valid), from may be NULL.
 */
void fdt_begin(struct fdt_writer *w, uint8_t *buf, size_t size, size_t strings_size,
               const struct fdt *from);
/* Ends it and returns its length, or 0 if it did not fit. */
size_t fdt_finish(struct fdt_writer *w);

void fdt_node(struct fdt_writer *w, const char *name, ...)
    PRINTF_LIKE(2, 3);                                       /* names up to 63 bytes */
void fdt_node_named(struct fdt_writer *w, const char *name); /* any length           */
void fdt_node_end(struct fdt_writer *w);

void fdt_prop(struct fdt_writer *w, const char *name, const void *data, size_t len);
void fdt_prop_flag(struct fdt_writer *w, const char *name);
void fdt_prop_u32(struct fdt_writer *w, const char *name, uint32_t value);
void fdt_prop_u64(struct fdt_writer *w, const char *name, uint64_t value);
void fdt_prop_cells(struct fdt_writer *w, const char *name, const uint32_t *cells, size_t count);
void fdt_prop_str(struct fdt_writer *w, const char *name, const char *value);
/* Strings one after the other, each ended by 0, the list by an empty one: "a\0b\0". */
void fdt_prop_strs(struct fdt_writer *w, const char *name, const char *list);
/* A property as fdt_next gave it; only after fdt_begin with its devicetree. */
void fdt_prop_copy(struct fdt_writer *w, const struct fdt_item *item);

#endif
