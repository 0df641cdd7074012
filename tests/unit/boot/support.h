/*
 * support.h - what the boot tests share: a request to start from, memory that can be made to fail,
 * hand-made files.
 */
#ifndef TESTS_BOOT_SUPPORT_H
#define TESTS_BOOT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "boot.h"
#include "vm.h"

#define RAM_BASE 0x40000000ull
#define MB(n)    ((uint64_t)(n) << 20)

/* Allocations that are alive, and how many more will succeed. */
struct memory {
    int alive, allowed;
};

static inline void *memory_alloc(void *opaque, size_t size, size_t align)
{
    struct memory *memory = opaque;

    if (memory->allowed-- <= 0) {
        return NULL;
    }
    memory->alive++;
    return calloc(1, size);
}

static inline void memory_free(void *opaque, void *p, size_t size)
{
    ((struct memory *)opaque)->alive--;
    free(p);
}

static const uint64_t linear_mpidr[VM_CPUS_MAX] = {
    0x000, 0x001, 0x002, 0x003, 0x004, 0x005, 0x006, 0x007, 0x100, 0x101, 0x102, 0x103, 0x104,
    0x105, 0x106, 0x107, 0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x300, 0x301,
    0x302, 0x303, 0x304, 0x305, 0x306, 0x307, 0x400, 0x401, 0x402, 0x403, 0x404, 0x405, 0x406,
    0x407, 0x500, 0x501, 0x502, 0x503, 0x504, 0x505, 0x506, 0x507, 0x600, 0x601, 0x602, 0x603,
    0x604, 0x605, 0x606, 0x607, 0x700, 0x701, 0x702, 0x703, 0x704, 0x705, 0x706, 0x707,
};

/* A fresh machine per test: request, plan, error, memory. */
struct bench {
    struct boot_request request;
    struct boot_plan plan;
    struct err err;
    struct memory memory;
};

static inline void bench_init(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    b->memory.allowed = 100;
    b->request = (struct boot_request){
        .board = &board_classic,
        .gic_version = 2,
        .cpus = 1,
        .mpidr = linear_mpidr,
        .ram_size = MB(64),
        .alloc = { .opaque = &b->memory, .alloc = memory_alloc, .free = memory_free },
    };
}

static inline struct boot_bytes file_of(const void *bytes, uint64_t len, const char *name)
{
    return (struct boot_bytes){ .bytes = bytes, .len = len, .name = name };
}

static inline const struct boot_segment *segment_of(const struct boot_plan *plan, const char *name)
{
    for (unsigned i = 0; i < plan->segment_count; i++) {
        if (strcmp(plan->segment[i].name, name) == 0) {
            return &plan->segment[i];
        }
    }
    return NULL;
}

/* Nothing outside, nothing over anything, entry inside: what boot.h promises of any plan. */
static inline void check_plan(const struct bench *b)
{
    const struct boot_plan *plan = &b->plan;
    uint64_t ram = b->request.board->ram_base, flash = b->request.board->flash_base;

    assert_non_null(plan->kind);
    assert_true(is_aligned(plan->start.pc, 4));
    assert_true(range_inside(plan->start.pc, 4, ram, b->request.ram_size) ||
                range_inside(plan->start.pc, 4, flash, b->request.board->flash_size));
    for (unsigned i = 0; i < plan->segment_count; i++) {
        const struct boot_segment *s = &plan->segment[i];
        assert_non_null(s->name);
        assert_true(s->reserve >= s->len && s->reserve - s->len >= s->zero);
        assert_true(range_inside(s->ipa, s->reserve, ram, b->request.ram_size) ||
                    range_inside(s->ipa, s->reserve, flash, b->request.board->flash_size));
        for (unsigned j = 0; j < i; j++) {
            assert_false(
                range_overlap(s->ipa, s->reserve, plan->segment[j].ipa, plan->segment[j].reserve));
        }
    }
    const struct boot_segment *dtb = segment_of(plan, "dtb");
    assert_non_null(dtb);
    assert_true(is_aligned(dtb->ipa, 8));
    assert_int_equal(plan->start.x[0], dtb->ipa);
    assert_int_equal(plan->start.x[1] | plan->start.x[2] | plan->start.x[3], 0);
    assert_true(dtb->len <= MB(2));
    assert_int_equal(be32(dtb->bytes), 0xd00dfeed);
    assert_int_equal(be32(dtb->bytes + 4), dtb->len);
}

/* Makes the plan, which must work. */
static inline void plan_ok(struct bench *b)
{
    if (boot_plan_make(&b->request, &b->plan, &b->err) != ST_OK) {
        fail_msg("plan refused: %s", b->err.text);
    }
    check_plan(b);
}

/* Makes the plan, which must be refused in these words, and leave nothing behind. */
static inline void plan_fails(struct bench *b, enum status status, const char *words)
{
    static const struct boot_plan nothing;

    assert_int_equal(boot_plan_make(&b->request, &b->plan, &b->err), status);
    assert_int_equal(b->err.status, status);
    if (strstr(b->err.text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", b->err.text, words);
    }
    assert_memory_equal(&b->plan, &nothing, sizeof(nothing));
    assert_int_equal(b->memory.alive, 0);
}

static inline void bench_done(struct bench *b)
{
    boot_plan_fini(&b->plan);
    assert_int_equal(b->memory.alive, 0);
}

/* ---- Hand-made files ------------------------------------------------------------------------- */

#define IMAGE_4K       2u
#define IMAGE_16K      4u
#define IMAGE_64K      6u
#define IMAGE_BIG      1u
#define IMAGE_ANYWHERE 8u

/* An arm64 Image header in 64 bytes. */
static inline void make_image(uint8_t *p, uint64_t text_offset, uint64_t image_size, uint64_t flags)
{
    memset(p, 0, 64);
    put_le32(p, 0x91005a4d);
    put_le64(p + 8, text_offset);
    put_le64(p + 16, image_size);
    put_le64(p + 24, flags);
    put_le32(p + 56, 0x644d5241);
}

struct elf_segment {
    uint64_t vaddr, paddr, offset, filesz, memsz, align;
};

/* An ELF64 header and its program headers; returns their length. */
static inline size_t make_elf(uint8_t *p, unsigned type, uint64_t entry,
                              const struct elf_segment *segments, unsigned count)
{
    memset(p, 0, 64 + 56 * count);
    memcpy(p,
           "\x7f"
           "ELF\2\1\1",
           7);
    put_le16(p + 16, (uint16_t)type);
    put_le16(p + 18, 183);
    put_le32(p + 20, 1);
    put_le64(p + 24, entry);
    put_le64(p + 32, 64);
    put_le16(p + 52, 64);
    put_le16(p + 54, 56);
    put_le16(p + 56, (uint16_t)count);
    for (unsigned i = 0; i < count; i++) {
        uint8_t *ph = p + 64 + 56 * i;
        put_le32(ph, 1);
        put_le32(ph + 4, 7);
        put_le64(ph + 8, segments[i].offset);
        put_le64(ph + 16, segments[i].vaddr);
        put_le64(ph + 24, segments[i].paddr);
        put_le64(ph + 32, segments[i].filesz);
        put_le64(ph + 40, segments[i].memsz);
        put_le64(ph + 48, segments[i].align);
    }
    return 64 + 56 * count;
}

#endif
