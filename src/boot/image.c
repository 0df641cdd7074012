/*
 * image.c - the arm64 Linux Image.
 *
 * Document: Linux Documentation/arch/arm64/booting.rst, "Call the kernel image", "Setup the device
 * tree".
 *
 * The header, little-endian:
 *      0  code0, code1     instructions ("MZ" for the EFI stub)
 *      8  text_offset      of the image from a 2 MiB-aligned base
 *     16  image_size       with BSS; 0 before Linux 3.17
 *     24  flags            bit 0: big-endian kernel
 *                          bits 2:1: page size (1: 4K, 2: 16K, 3: 64K)
 *                          bit 3: may lie anywhere
 *     56  magic            "ARM\x64"
 *
 * Two layouts, because kernels before 4.6 (flag 3 clear) cannot use memory below themselves and
 * want the devicetree within 512 MiB of their base; at its place 2 MiB are kept, whatever its size:
 *
 *     newer   | dtb at RAM base | kernel at + 2 MiB | initrd ...
 *     older   | kernel          | dtb at the next 2 MiB | initrd ...
 *
 * An Image without image_size does not say where its BSS ends: there dtb and initrd go as high as
 * they may.
 */
#include "plan.h"

#include "base/bits.h"

#define HEADER_SIZE         64
#define MAGIC               0x644d5241u
#define TEXT_OFFSET_DEFAULT 0x80000 /* where image_size is 0 */
#define BASE_ALIGN          MIB(2)
#define DTB_ROOM            MIB(2)
#define OLD_WINDOW          MIB(512)
#define INITRD_WINDOW       GIB(32) /* from a 1 GiB boundary at or below the kernel */

enum { FLAG_BIG_ENDIAN = 1, FLAG_ANYWHERE = 8 };

struct image {
    uint64_t text_offset, image_size, flags;
    uint64_t extent; /* bytes from its first that it occupies */
};

bool image_is(const struct boot_bytes *data)
{
    return data->len >= HEADER_SIZE && le32(data->bytes + 56) == MAGIC;
}

static enum status check_cpu(struct maker *m, const struct boot_bytes *data,
                             const struct image *image)
{
    static const struct {
        unsigned lacks, kib;
    } granules[] = {
        { 0, 0 }, { BOOT_CPU_NO_4K, 4 }, { BOOT_CPU_NO_16K, 16 }, { BOOT_CPU_NO_64K, 64 }
    };
    unsigned page = (unsigned)bits(image->flags, 1, 2);

    if ((image->flags & FLAG_BIG_ENDIAN) != 0 &&
        (m->request->cpu_lacks & BOOT_CPU_NO_BIG_ENDIAN) != 0) {
        return err_set(m->err, ST_E_NOTSUP, MSG_BOOT_IMAGE_ENDIAN, data->name);
    }
    if ((m->request->cpu_lacks & granules[page].lacks) != 0) {
        return err_set(m->err, ST_E_NOTSUP, MSG_BOOT_IMAGE_PAGES, data->name, granules[page].kib,
                       granules[page].kib);
    }
    return ST_OK;
}

static enum status read_header(struct maker *m, const struct boot_bytes *data, struct image *image)
{
    *image = (struct image){
        .text_offset = le64(data->bytes + 8),
        .image_size = le64(data->bytes + 16),
        .flags = le64(data->bytes + 24),
    };
    if (image->image_size == 0) {
        image->text_offset = TEXT_OFFSET_DEFAULT;
        image->flags = 0;
    }
    image->extent = image->image_size > data->len ? image->image_size : data->len;
    if (image->text_offset >= BASE_ALIGN || !is_aligned(image->text_offset, KIB(4))) {
        return err_set(m->err, ST_E_FORMAT, MSG_BOOT_IMAGE_OFFSET, data->name,
                       (unsigned long long)image->text_offset);
    }
    return check_cpu(m, data, image);
}

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* From flag 3 on: the devicetree lies at the RAM base, below the kernel. */
static void layout_new(struct maker *m, uint64_t base, uint64_t end)
{
    uint64_t window_end = align_down(base, GIB(1)) + INITRD_WINDOW;

    m->layout = (struct layout){
        .dtb_at = m->ram_base,
        .dtb = { m->ram_base, m->ram_end, false, false },
        .initrd = { end, lower(m->ram_end, window_end), false, window_end < m->ram_end },
    };
}

static void layout_old(struct maker *m, uint64_t base, uint64_t end)
{
    uint64_t hi = lower(m->ram_end, base + OLD_WINDOW);
    bool by_protocol = base + OLD_WINDOW < m->ram_end;
    uint64_t dtb_at = align_up(end, DTB_ROOM);

    m->layout = (struct layout){
        .dtb_at = dtb_at,
        .dtb = { end, hi, false, by_protocol },
        .initrd = { dtb_at + DTB_ROOM, hi, false, by_protocol },
    };
}

static void layout_sizeless(struct maker *m, uint64_t base, uint64_t end)
{
    uint64_t hi = lower(m->ram_end, base + OLD_WINDOW);
    bool by_protocol = base + OLD_WINDOW < m->ram_end;
    uint64_t dtb_at = align_down(hi, DTB_ROOM) - DTB_ROOM;

    m->layout = (struct layout){
        .dtb_at = dtb_at,
        .dtb = { end, hi, true, by_protocol },
        .initrd = { end, dtb_at, true, by_protocol },
    };
}

enum status image_load(struct maker *m, const struct boot_bytes *data)
{
    struct image image;
    enum status status = read_header(m, data, &image);

    if (status != ST_OK) {
        return status;
    }
    bool anywhere = (image.flags & FLAG_ANYWHERE) != 0;
    uint64_t base = align_up(m->ram_base, BASE_ALIGN) + (anywhere ? DTB_ROOM : 0);
    uint64_t start = base + image.text_offset;

    if (start > m->ram_end || image.extent > m->ram_end - start) {
        return maker_no_room(m, data, image.extent, start);
    }
    struct boot_segment s = { .ipa = start,
                              .bytes = data->bytes,
                              .len = data->len,
                              .reserve = image.extent,
                              .name = "kernel",
                              .file = data->name };
    uint64_t end = start + image.extent;
    if (image.image_size == 0) {
        layout_sizeless(m, base, end);
    } else if (anywhere) {
        layout_new(m, base, end);
    } else {
        layout_old(m, base, end);
    }
    m->plan->kind = "Linux Image";
    m->plan->start.pc = start;
    m->plan->start.sp = maker_stack_top(m);
    return maker_add(m, &s);
}
