/*
 * fdt.c - flattened devicetrees: reader and writer.
 *
 * Document: Devicetree Specification, "Flattened Devicetree (DTB) Format". Written: version 17,
 * readable from 16 on. Read: versions 16 (no length of the structure block) and later ones that say
 * they are compatible.
 */
#include "fdt.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/fmt.h"

/* The header: big-endian words at these offsets. */
enum {
    HDR_MAGIC = 0,
    HDR_TOTAL_SIZE = 4,
    HDR_STRUCT_OFF = 8,
    HDR_STRINGS_OFF = 12,
    HDR_RESERVE_OFF = 16,
    HDR_VERSION = 20,
    HDR_LAST_COMPATIBLE = 24,
    HDR_BOOT_CPU = 28,
    HDR_STRINGS_LEN = 32,
    HDR_STRUCT_LEN = 36,
};

#define VERSION            17
#define VERSION_COMPATIBLE 16

/* ---- Reader ---------------------------------------------------------------------------------- */

/* Length of the 0-terminated string at struct offset `at`, or -1 if it is not
 * terminated inside the block. */
static int64_t name_length(const struct fdt *fdt, uint32_t at)
{
    const uint8_t *block = fdt->blob + fdt->struct_off;

    for (uint32_t i = at; i < fdt->struct_len; i++) {
        if (block[i] == 0) {
            return i - at;
        }
    }
    return -1;
}

static bool take_node(const struct fdt *fdt, uint32_t *pos, struct fdt_item *item)
{
    int64_t len = name_length(fdt, *pos);

    if (len < 0) {
        return false;
    }
    item->name = (const char *)fdt->blob + fdt->struct_off + *pos;
    *pos = (uint32_t)align_up(*pos + (uint64_t)len + 1, 4);
    return true;
}

static bool take_prop(const struct fdt *fdt, uint32_t *pos, struct fdt_item *item)
{
    const uint8_t *block = fdt->blob + fdt->struct_off;

    if (fdt->struct_len - *pos < 8) {
        return false;
    }
    item->len = be32(block + *pos);
    item->name_off = be32(block + *pos + 4);
    *pos += 8;
    /* The strings block ends with a 0 (fdt_open has looked), so every offset inside
     * begins a whole string. */
    if (item->name_off >= fdt->strings_len || item->len > fdt->struct_len - *pos) {
        return false;
    }
    item->name = (const char *)fdt->blob + fdt->strings_off + item->name_off;
    item->data = block + *pos;
    *pos = (uint32_t)align_up(*pos + (uint64_t)item->len, 4);
    return true;
}

bool fdt_next(const struct fdt *fdt, uint32_t *pos, struct fdt_item *item)
{
    uint32_t token;

    do {
        if (*pos > fdt->struct_len || fdt->struct_len - *pos < 4) {
            return false;
        }
        token = be32(fdt->blob + fdt->struct_off + *pos);
        *pos += 4;
    } while (token == FDT_NOP);

    *item = (struct fdt_item){ .token = (enum fdt_token)token };
    switch (token) {
    case FDT_BEGIN_NODE: return take_node(fdt, pos, item);
    case FDT_PROP: return take_prop(fdt, pos, item);
    case FDT_END_NODE:
    case FDT_END: return true;
    default: return false;
    }
}

/* Is the token allowed at this depth? A tree has one root, properties lie in nodes,
 * END comes when all is closed. */
static bool nesting_right(const struct fdt_item *item, unsigned *depth, bool *root_seen)
{
    switch (item->token) {
    case FDT_BEGIN_NODE:
        if (*depth == FDT_DEPTH_MAX || (*depth == 0 && *root_seen)) {
            return false;
        }
        *root_seen = true;
        ++*depth;
        return true;
    case FDT_END_NODE:
        if (*depth == 0) {
            return false;
        }
        --*depth;
        return true;
    case FDT_PROP: return *depth > 0;
    default: return *depth == 0 && *root_seen; /* END */
    }
}

/* Walks the structure once and ends the block where its END is. */
static enum status check_structure(struct fdt *fdt, const char *name, struct err *err)
{
    struct fdt_item item = { .token = FDT_NOP };
    uint32_t pos = 0;
    unsigned depth = 0;
    bool root_seen = false;

    while (item.token != FDT_END) {
        uint32_t here = pos;

        if (!fdt_next(fdt, &pos, &item) || !nesting_right(&item, &depth, &root_seen)) {
            return err_set(err, ST_E_FORMAT, MSG_BOOT_DTB_STRUCTURE, name, here);
        }
    }
    fdt->struct_len = pos;
    return ST_OK;
}

/* Counts the memory reservations: pairs of 64-bit words up to a pair of zeros. */
static bool count_reservations(struct fdt *fdt, uint32_t total)
{
    uint32_t at = fdt->reserve_off;

    if (!is_aligned(at, 8)) {
        return false;
    }
    for (fdt->reserve_count = 0; range_inside(at, FDT_RESERVE_SIZE, 0, total);
         at += FDT_RESERVE_SIZE) {
        if (le64(fdt->blob + at) == 0 && le64(fdt->blob + at + 8) == 0) {
            return true;
        }
        fdt->reserve_count++;
    }
    return false;
}

static bool blocks_inside(struct fdt *fdt, uint32_t total)
{
    return is_aligned(fdt->struct_off, 4) &&
           range_inside(fdt->struct_off, fdt->struct_len, 0, total) &&
           range_inside(fdt->strings_off, fdt->strings_len, 0, total) &&
           count_reservations(fdt, total) &&
           (fdt->strings_len == 0 || fdt->blob[fdt->strings_off + fdt->strings_len - 1] == 0);
}

static bool blocks_disjoint(const struct fdt *fdt)
{
    uint32_t reserve_len = (fdt->reserve_count + 1) * FDT_RESERVE_SIZE;

    return !range_overlap(fdt->struct_off, fdt->struct_len, fdt->strings_off, fdt->strings_len) &&
           !range_overlap(fdt->struct_off, fdt->struct_len, fdt->reserve_off, reserve_len) &&
           !range_overlap(fdt->strings_off, fdt->strings_len, fdt->reserve_off, reserve_len);
}

enum status fdt_open(struct fdt *fdt, const char *name, const uint8_t *bytes, uint64_t len,
                     struct err *err)
{
    if (len < FDT_HEADER_SIZE || be32(bytes + HDR_MAGIC) != FDT_MAGIC) {
        return err_set(err, ST_E_FORMAT, MSG_BOOT_DTB_MAGIC, name);
    }
    uint32_t total = be32(bytes + HDR_TOTAL_SIZE);
    uint32_t version = be32(bytes + HDR_VERSION);

    if (total < FDT_HEADER_SIZE || total > len) {
        return err_set(err, ST_E_FORMAT, MSG_BOOT_DTB_CUT, name, total, (unsigned long long)len);
    }
    if (total > FDT_SIZE_MAX) {
        return err_set(err, ST_E_RANGE, MSG_BOOT_DTB_BIG, name, total);
    }
    if (version < VERSION_COMPATIBLE || be32(bytes + HDR_LAST_COMPATIBLE) > VERSION) {
        return err_set(err, ST_E_FORMAT, MSG_BOOT_DTB_VERSION, name, version);
    }
    *fdt = (struct fdt){
        .blob = bytes,
        .struct_off = be32(bytes + HDR_STRUCT_OFF),
        .struct_len = be32(bytes + HDR_STRUCT_LEN),
        .strings_off = be32(bytes + HDR_STRINGS_OFF),
        .strings_len = be32(bytes + HDR_STRINGS_LEN),
        .reserve_off = be32(bytes + HDR_RESERVE_OFF),
        .boot_cpu = be32(bytes + HDR_BOOT_CPU),
    };
    if (version == VERSION_COMPATIBLE && fdt->struct_off <= total) {
        fdt->struct_len = total - fdt->struct_off;
    }
    if (!blocks_inside(fdt, total)) {
        return err_set(err, ST_E_FORMAT, MSG_BOOT_DTB_BLOCKS, name);
    }
    enum status status = check_structure(fdt, name, err);
    if (status == ST_OK && !blocks_disjoint(fdt)) {
        status = err_set(err, ST_E_FORMAT, MSG_BOOT_DTB_BLOCKS, name);
    }
    return status;
}

/* Is name the path component that ends at the first '/' or 0 of path? */
static bool component_is(const char *path, const char *name, const char **rest)
{
    while (*path != 0 && *path != '/' && *path == *name) {
        path++;
        name++;
    }
    *rest = path;
    return *name == 0 && (*path == 0 || *path == '/');
}

bool fdt_find_node(const struct fdt *fdt, const char *path, uint32_t *pos)
{
    struct fdt_item item;
    unsigned depth = 0, matched = 0; /* nodes open, and how many of them lie on the path */

    *pos = 0;
    while (fdt_next(fdt, pos, &item) && item.token != FDT_END) {
        if (item.token == FDT_END_NODE) {
            depth--;
            if (depth < matched) {
                return false; /* the node on the path ended without the rest of it */
            }
            continue;
        }
        if (item.token != FDT_BEGIN_NODE) {
            continue;
        }
        const char *rest = path;
        bool on_path = depth == 0 ? *path == '/' : component_is(path, item.name, &rest);

        if (depth++ == matched && on_path) {
            matched++;
            path = *rest == '/' ? rest + 1 : rest;
            if (*path == 0) {
                return true;
            }
        }
    }
    return false;
}

bool fdt_find_prop(const struct fdt *fdt, uint32_t node_pos, const char *name,
                   struct fdt_item *item)
{
    while (fdt_next(fdt, &node_pos, item) && item->token == FDT_PROP) {
        if (str_eq(item->name, name)) {
            return true;
        }
    }
    return false;
}

/* ---- Writer ---------------------------------------------------------------------------------- */

/* Makes room for len bytes (padded to 4) in the structure block; NULL and full when
 * there is none. */
static uint8_t *grow(struct fdt_writer *w, uint64_t len)
{
    uint64_t padded = align_up(len, 4);

    if (w->full || padded < len || padded > w->strings_off - w->at) {
        w->full = true;
        return NULL;
    }
    uint8_t *p = w->buf + w->at;
    w->at += (uint32_t)padded;
    memset(p + len, 0, (size_t)(padded - len));
    return p;
}

static void put_word(struct fdt_writer *w, uint32_t word)
{
    uint8_t *p = grow(w, 4);

    if (p != NULL) {
        put_be32(p, word);
    }
}

static void put_raw(struct fdt_writer *w, const void *data, size_t len)
{
    uint8_t *p = len > 0 ? grow(w, len) : NULL;

    if (p != NULL) {
        memcpy(p, data, len);
    }
}

/* Appends len bytes to the strings; false and full when there is no room. */
static bool strings_add(struct fdt_writer *w, const void *data, size_t len)
{
    if (w->full || len > w->size - w->strings_off - w->strings_len) {
        w->full = true;
        return false;
    }
    memcpy(w->buf + w->strings_off + w->strings_len, data, len);
    w->strings_len += (uint32_t)len;
    return true;
}

/* Offset of a name in the strings block, where each stands once. */
static uint32_t string_offset(struct fdt_writer *w, const char *name)
{
    const char *strings = (const char *)w->buf + w->strings_off;
    uint32_t at = 0;

    while (at < w->strings_len) {
        if (str_eq(strings + at, name)) {
            return at;
        }
        at += (uint32_t)str_len(strings + at) + 1;
    }
    return strings_add(w, name, str_len(name) + 1) ? at : 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the writer writes through it */
void fdt_begin(struct fdt_writer *w, uint8_t *buf, size_t size, size_t strings_size,
               const struct fdt *from)
{
    ASSERT(size <= UINT32_MAX && strings_size <= size && size - strings_size >= FDT_HEADER_SIZE);
    *w = (struct fdt_writer){
        .buf = buf,
        .size = (uint32_t)size,
        .at = FDT_HEADER_SIZE,
        .strings_off = (uint32_t)(size - strings_size),
    };
    if (from != NULL) {
        w->boot_cpu = from->boot_cpu;
        strings_add(w, from->blob + from->strings_off, from->strings_len);
        put_raw(w, from->blob + from->reserve_off, (size_t)from->reserve_count * FDT_RESERVE_SIZE);
    }
    for (unsigned i = 0; i < FDT_RESERVE_SIZE / 4; i++) {
        put_word(w, 0);
    }
    w->struct_off = w->at;
}

size_t fdt_finish(struct fdt_writer *w)
{
    ASSERT(w->depth == 0);
    put_word(w, FDT_END);
    if (w->full) {
        return 0;
    }
    uint32_t strings_at = w->at;
    uint32_t total = (uint32_t)align_up(strings_at + w->strings_len, 8);

    /* strings_off >= at, so this moves down; the padding is checked because the end
     * may touch the buffer's. */
    memmove(w->buf + strings_at, w->buf + w->strings_off, w->strings_len);
    total = total <= w->size ? total : strings_at + w->strings_len;
    memset(w->buf + strings_at + w->strings_len, 0, total - strings_at - w->strings_len);

    put_be32(w->buf + HDR_MAGIC, FDT_MAGIC);
    put_be32(w->buf + HDR_TOTAL_SIZE, total);
    put_be32(w->buf + HDR_STRUCT_OFF, w->struct_off);
    put_be32(w->buf + HDR_STRINGS_OFF, strings_at);
    put_be32(w->buf + HDR_RESERVE_OFF, FDT_HEADER_SIZE);
    put_be32(w->buf + HDR_VERSION, VERSION);
    put_be32(w->buf + HDR_LAST_COMPATIBLE, VERSION_COMPATIBLE);
    put_be32(w->buf + HDR_BOOT_CPU, w->boot_cpu);
    put_be32(w->buf + HDR_STRINGS_LEN, w->strings_len);
    put_be32(w->buf + HDR_STRUCT_LEN, strings_at - w->struct_off);
    return total;
}

void fdt_node_named(struct fdt_writer *w, const char *name)
{
    put_word(w, FDT_BEGIN_NODE);
    put_raw(w, name, str_len(name) + 1);
    w->depth++;
}

void fdt_node(struct fdt_writer *w, const char *name, ...)
{
    char text[64];
    va_list args;

    va_start(args, name);
    size_t len = fmt_vformat(text, sizeof(text), name, args);
    va_end(args);
    ASSERT(len < sizeof(text));
    fdt_node_named(w, text);
}

void fdt_node_end(struct fdt_writer *w)
{
    ASSERT(w->depth > 0);
    w->depth--;
    put_word(w, FDT_END_NODE);
}

static void put_prop(struct fdt_writer *w, uint32_t name_off, const void *data, size_t len)
{
    put_word(w, FDT_PROP);
    put_word(w, (uint32_t)len);
    put_word(w, name_off);
    put_raw(w, data, len);
}

void fdt_prop(struct fdt_writer *w, const char *name, const void *data, size_t len)
{
    put_prop(w, string_offset(w, name), data, len);
}

void fdt_prop_copy(struct fdt_writer *w, const struct fdt_item *item)
{
    put_prop(w, item->name_off, item->data, item->len);
}

void fdt_prop_flag(struct fdt_writer *w, const char *name)
{
    fdt_prop(w, name, NULL, 0);
}

void fdt_prop_u32(struct fdt_writer *w, const char *name, uint32_t value)
{
    fdt_prop_cells(w, name, &value, 1);
}

void fdt_prop_u64(struct fdt_writer *w, const char *name, uint64_t value)
{
    const uint32_t cells[] = { (uint32_t)(value >> 32), (uint32_t)value };

    fdt_prop_cells(w, name, cells, 2);
}

void fdt_prop_cells(struct fdt_writer *w, const char *name, const uint32_t *cells, size_t count)
{
    fdt_prop(w, name, NULL, 0);
    uint8_t *p = grow(w, count * 4);

    if (p == NULL) {
        return;
    }
    put_be32(p - 8, (uint32_t)(count * 4)); /* the length of the property just begun */
    for (size_t i = 0; i < count; i++) {
        put_be32(p + 4 * i, cells[i]);
    }
}

void fdt_prop_str(struct fdt_writer *w, const char *name, const char *value)
{
    fdt_prop(w, name, value, str_len(value) + 1);
}

void fdt_prop_strs(struct fdt_writer *w, const char *name, const char *list)
{
    size_t len = 0;

    while (list[len] != 0) {
        len += str_len(list + len) + 1;
    }
    fdt_prop(w, name, list, len);
}
