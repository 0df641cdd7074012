/*
 * packed.c - guests inside a wrapping: gzip, zstd, EFI zboot; and files that nobody should try to
 * start.
 *
 * Documents: RFC 1952 (gzip), RFC 8878 (zstd). The zboot header is what Linux's CONFIG_EFI_ZBOOT
 * puts into the unused part of the DOS header, little-endian:
 *
 *      0  "MZ"
 *      4  "zimg"
 *      8  offset of the payload
 *     12  its size
 *     24  name of the compression, 0-terminated
 */
#include "plan.h"

#include "base/bits.h"
#include "base/compiler.h"

#define ZBOOT_HEADER     64
#define ZBOOT_OFFSET     8
#define ZBOOT_SIZE       12
#define ZBOOT_METHOD     24
#define ZBOOT_METHOD_LEN 32

enum packing { NOT_PACKED, GZIP, ZSTD };

static enum packing packing_of(const struct boot_bytes *data)
{
    if (data->len >= 3 && data->bytes[0] == 0x1f && data->bytes[1] == 0x8b && data->bytes[2] == 8) {
        return GZIP;
    }
    return data->len >= 4 && le32(data->bytes) == 0xfd2fb528u ? ZSTD : NOT_PACKED;
}

static bool zboot_is(const struct boot_bytes *data)
{
    return data->len >= ZBOOT_HEADER && memcmp(data->bytes, "MZ", 2) == 0 &&
           memcmp(data->bytes + 4, "zimg", 4) == 0;
}

/* The kernel says "zstd" or, after the level, "zstd22". */
static enum packing zboot_method(const char *method)
{
    return str_eq(method, "gzip") ? GZIP : str_starts(method, "zstd") ? ZSTD : NOT_PACKED;
}

/* Narrows *data to the payload. */
static enum status zboot_open(struct maker *m, struct boot_bytes *data, enum packing *packing)
{
    uint32_t offset = le32(data->bytes + ZBOOT_OFFSET);
    uint32_t size = le32(data->bytes + ZBOOT_SIZE);
    char method[ZBOOT_METHOD_LEN + 1] = { 0 };

    memcpy(method, data->bytes + ZBOOT_METHOD, ZBOOT_METHOD_LEN);
    *packing = zboot_method(method);
    if (*packing == NOT_PACKED) {
        /* A name from a file: only what a terminal can show. */
        for (char *c = method; *c != 0; c++) {
            if (*c < ' ' || *c > '~') {
                *c = '?';
            }
        }
        return err_set(m->err, ST_E_NOTSUP, MSG_BOOT_ZBOOT_METHOD, data->name, method);
    }
    if (offset < ZBOOT_HEADER || size == 0 || !range_inside(offset, size, 0, data->len)) {
        return err_set(m->err, ST_E_FORMAT, MSG_BOOT_ZBOOT_PAYLOAD, data->name, offset, size,
                       (unsigned long long)data->len);
    }
    data->bytes += offset;
    data->len = size;
    return ST_OK;
}

static enum status inflate(struct maker *m, struct boot_bytes *data, enum packing packing)
{
    const struct inflate_port *port = m->request->inflate;
    const char *method = packing == GZIP ? "gzip" : "zstd";
    struct inflated *out = &m->plan->unpacked[m->plan->unpacked_count];
    uint64_t max = m->ram_end - m->ram_base;
    enum status status = ST_E_NOTSUP;

    if (port != NULL && data->len <= SIZE_MAX && max <= SIZE_MAX) {
        status = (packing == GZIP ? port->gunzip : port->unzstd)(
            port->opaque, data->bytes, (size_t)data->len, (size_t)max, out);
    }
    switch (status) {
    case ST_OK:
        m->plan->unpacked_count++;
        data->bytes = out->bytes;
        data->len = out->len;
        return ST_OK;
    case ST_E_RANGE:
        return err_set(m->err, status, MSG_BOOT_UNPACK_BIG, data->name, method,
                       (unsigned long long)(max >> 20));
    case ST_E_NOMEM: return err_set(m->err, status, MSG_BOOT_NOMEM, (unsigned long long)data->len);
    case ST_E_NOTSUP: return err_set(m->err, status, MSG_BOOT_UNPACK_NOTSUP, data->name, method);
    default: return err_set(m->err, ST_E_FORMAT, MSG_BOOT_UNPACK_BAD, data->name, method);
    }
}

/* Each packing with its name for the plan. */
static const char *packing_name(bool zboot, enum packing packing)
{
    if (zboot) {
        return packing == GZIP ? "EFI zboot, gzip" : "EFI zboot, zstd";
    }
    return packing == GZIP ? "gzip" : "zstd";
}

enum status unpack(struct maker *m, struct boot_bytes *data)
{
    for (;;) {
        bool zboot = zboot_is(data);
        enum packing packing = packing_of(data);

        if (!zboot && packing == NOT_PACKED) {
            return ST_OK;
        }
        if (m->plan->unpacked_count == BOOT_UNPACKED_MAX) {
            return err_set(m->err, ST_E_FORMAT, MSG_BOOT_UNPACK_DEEP, data->name,
                           BOOT_UNPACKED_MAX);
        }
        enum status status = zboot ? zboot_open(m, data, &packing) : ST_OK;
        if (status == ST_OK) {
            m->plan->packing[m->plan->unpacked_count] = packing_name(zboot, packing);
            status = inflate(m, data, packing);
        }
        if (status != ST_OK) {
            return status;
        }
    }
}

/* What files of these kinds have at an offset; the names are the same in every language. */
static const struct {
    uint16_t offset;
    uint8_t len;
    const char *magic;
    const char *what;
} foreign[] = {
    { 0x202, 4, "HdrS", "x86 Linux (bzImage)" },
    { 0x24, 4, "\x18\x28\x6f\x01", "ARM 32-bit Linux (zImage)" },
    { 0x30, 5, "RISCV", "RISC-V Linux (Image)" },
    { 0, 4, "\x27\x05\x19\x56", "U-Boot uImage" },
    { 0, 4, "\xd0\x0d\xfe\xed", "devicetree / FIT" },
    { 0, 6,
      "\xfd"
      "7zXZ",
      "xz" }, /* with its 0 */
    { 0, 3, "BZh", "bzip2" },
    { 0, 4, "\x04\x22\x4d\x18", "lz4" },
    { 0, 4, "\x02\x21\x4c\x18", "lz4" },
    { 0, 4, "PK\x03\x04", "zip" },
    { 0, 4, "QFI\xfb", "qcow2" },
    { 0x8001, 5, "CD001", "ISO 9660" },
    { 0, 6, "070701", "cpio" },
    { 0, 2, "MZ", "EFI / Windows (PE)" },
    { 0, 2, "#!", "script" },
};

enum status refuse_foreign(struct maker *m, const struct boot_bytes *data)
{
    for (unsigned i = 0; i < ARRAY_SIZE(foreign); i++) {
        if (range_inside(foreign[i].offset, foreign[i].len, 0, data->len) &&
            memcmp(data->bytes + foreign[i].offset, foreign[i].magic, foreign[i].len) == 0) {
            return err_set(m->err, ST_E_FORMAT, MSG_BOOT_FOREIGN, data->name, foreign[i].what);
        }
    }
    return ST_OK;
}
