/*
 * test_elf.c - ELF64 programs: physical and virtual addresses, position independence, and every
 * absurd header.
 */
#include "support.h"

static uint8_t file[0x4000];

#define EXEC 2
#define DYN  3

static void bench_elf(struct bench *b, unsigned type, uint64_t entry,
                      const struct elf_segment *segments, unsigned count)
{
    bench_init(b);
    memset(file, 0xa5, sizeof(file));
    make_elf(file, type, entry, segments, count);
    b->request.kernel = file_of(file, sizeof(file), "kernel.elf");
}

/* Text at the 0x80000 that linker scripts for virt use, data with BSS behind it. */
static const struct elf_segment usual[] = {
    { 0x40080000, 0x40080000, 0x1000, 0x1800, 0x1800, 0x10000 },
    { 0x40090000, 0x40090000, 0x2800, 0x100, 0x5000, 0x10000 },
};

static void test_exec(void **state)
{
    struct bench b;

    bench_elf(&b, EXEC, 0x40080010, usual, 2);
    plan_ok(&b);
    assert_string_equal(b.plan.kind, "ELF");
    assert_int_equal(b.plan.segment_count, 3);
    assert_int_equal(b.plan.start.pc, 0x40080010);
    assert_int_equal(b.plan.start.sp, 0x43fff000);
    assert_int_equal(b.plan.start.x[0], RAM_BASE);
    assert_int_equal(b.plan.segment[0].ipa, 0x40080000);
    assert_ptr_equal(b.plan.segment[0].bytes, file + 0x1000);
    assert_int_equal(b.plan.segment[0].len, 0x1800);
    assert_int_equal(b.plan.segment[0].zero, 0);
    assert_int_equal(b.plan.segment[1].len, 0x100);
    assert_int_equal(b.plan.segment[1].zero, 0x4f00);
    bench_done(&b);
}

/* Linked high, loaded low: the entry is a virtual address. */
static void test_physical(void **state)
{
    static const struct elf_segment high[] = {
        { 0xffff000000080000, 0x40080000, 0x1000, 0x1000, 0x1000, 0x1000 },
        { 0xffff000000090000, 0x40090000, 0x2000, 0x100, 0x100, 0x1000 },
    };
    struct bench b;

    bench_elf(&b, EXEC, 0xffff000000090040, high, 2);
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, 0x40090040);
    bench_done(&b);
}

static void test_no_physical(void **state)
{
    static const struct elf_segment zero[] = { { 0x40080000, 0, 0x1000, 0x1000, 0x1000, 0x1000 },
                                               { 0x40090000, 0, 0x2000, 0x100, 0x100, 0x1000 } };
    struct bench b;

    bench_elf(&b, EXEC, 0x40080000, zero, 2);
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, 0x40080000);
    assert_int_equal(b.plan.segment[1].ipa, 0x40090000);
    bench_done(&b);
}

static void test_dyn(void **state)
{
    static const struct elf_segment pie[] = { { 0, 0, 0x1000, 0x1000, 0x1000, 0x10000 },
                                              { 0x12000, 0x12000, 0x2000, 0x100, 0x800, 0x10000 } };
    static const struct elf_segment placed[] = { { 0x40200000, 0x40200000, 0x1000, 0x1000, 0x1000,
                                                   0x10000 } };
    struct bench b;

    bench_elf(&b, DYN, 0x40, pie, 2);
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, 0x40010040);
    assert_int_equal(b.plan.segment[0].ipa, 0x40010000);
    assert_int_equal(b.plan.segment[1].ipa, 0x40022000);
    bench_done(&b);

    bench_elf(&b, DYN, 0x40200000, placed, 1);
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, 0x40200000);
    bench_done(&b);
}

/* Low bits below the alignment survive the move; a mad alignment is not honoured. */
static void test_dyn_align(void **state)
{
    static const struct elf_segment odd[] = { { 0x1234, 0x1234, 0x1000, 0x10, 0x10, 0x200000 } };
    static const struct elf_segment mad[] = { { 0x1000, 0x1000, 0x1000, 0x10, 0x10, 1ull << 63 } };
    struct bench b;

    bench_elf(&b, DYN, 0x1234, odd, 1);
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, 0x40201234);
    bench_done(&b);
    bench_elf(&b, DYN, 0x1000, mad, 1);
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, 0x40010000);
    bench_done(&b);
}

/* A program at the base of RAM: the devicetree goes near the top, below the stack's room. */
static void test_dtb_elsewhere(void **state)
{
    static const struct elf_segment low[] = { { RAM_BASE, RAM_BASE, 0x1000, 0x1000, 0x1000,
                                                0x1000 } };
    struct bench b;

    bench_elf(&b, EXEC, RAM_BASE, low, 1);
    plan_ok(&b);
    assert_true(b.plan.start.x[0] + segment_of(&b.plan, "dtb")->len <= b.plan.start.sp - 0x10000);
    assert_true(b.plan.start.x[0] > RAM_BASE + MB(63));
    bench_done(&b);
}

static void test_flash(void **state)
{
    static const struct elf_segment rom[] = { { 0, 0, 0x1000, 0x1000, 0x1000, 0x1000 },
                                              { 0x40100000, 0x40100000, 0x2000, 0x10, 0x20,
                                                0x1000 } };
    struct bench b;

    bench_elf(&b, EXEC, 0x100, rom, 2);
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, 0x100);
    bench_done(&b);
}

static void test_entry(void **state)
{
    struct bench b;

    bench_elf(&b, EXEC, 0x40081800, usual, 2); /* just behind the text */
    plan_fails(&b, ST_E_FORMAT, "entry 0x40081800 lies in no segment");
    bench_elf(&b, EXEC, 0x40080002, usual, 2);
    plan_fails(&b, ST_E_INVAL, "multiple of 4");
    bench_elf(&b, EXEC, 0, usual, 2);
    b.request.has_entry = true;
    b.request.entry = 0x40080020;
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, 0x40080020);
    bench_done(&b);
}

/* One field of the header wrong at a time. */
static void test_header(void **state)
{
    static const struct {
        unsigned at, size;
        uint64_t value;
        const char *words;
    } cases[] = {
        { 4, 1, 1, "ELF is 32-bit" },
        { 5, 1, 2, "big-endian" },
        { 18, 2, 62, "machine 62" },
        { 18, 2, 40, "machine 40" },
        { 16, 2, 1, "ELF type 1" },
        { 16, 2, 4, "ELF type 4" },
        { 20, 4, 2, "version 1" },
        { 54, 2, 32, "headers of 32 bytes" },
        { 54, 2, 0, "headers of 0 bytes" },
        { 56, 2, 0, "0 program headers" },
        { 56, 2, 129, "129 program headers" },
        { 56, 2, 0xffff, "65535 program headers" },
        { 32, 8, sizeof(file) - 111, "program headers at offset" },
        { 32, 8, UINT64_MAX, "program headers at offset" },
        { 32, 8, UINT64_MAX - 111, "program headers at offset" },
        /* segment 0 at 64: offset 8, vaddr 16, paddr 24, filesz 32, memsz 40 */
        { 64 + 8, 8, sizeof(file) - 0x17ff, "segment 0 (6144 bytes at offset 10241)" },
        { 64 + 8, 8, UINT64_MAX, "segment 0" },
        { 64 + 8, 8, UINT64_MAX - 0x17ff, "segment 0" },
        { 64 + 32, 8, 0x1801, "more bytes in the file (6145) than in memory (6144)" },
        { 64 + 32, 8, UINT64_MAX, "more bytes in the file" },
        { 120 + 32, 8, 0x5001, "segment 1 has more" },
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b;
        bench_elf(&b, EXEC, 0x40080000, usual, 2);
        memcpy(file + cases[i].at, &cases[i].value, cases[i].size);
        plan_fails(&b, ST_E_FORMAT, cases[i].words);
    }
}

/* Addresses that do not fit, wrap, or meet. */
static void test_ranges(void **state)
{
    static const struct {
        unsigned at;
        uint64_t value;
        const char *words;
    } cases[] = {
        { 64 + 24, 0x3ffff000, "outside RAM (0x40000000 to 0x44000000)" },
        { 64 + 24, 0xffff800008000000, "outside RAM" },
        { 64 + 24, UINT64_MAX, "outside RAM" },
        { 64 + 24, 0x43fff000, "use --memory 128M" },
        { 64 + 40, MB(64), "use --memory 128M" },
        { 64 + 40, UINT64_MAX, "use --memory" },
        { 120 + 40, UINT64_MAX, "use --memory" },
        { 120 + 24, 0x400817ff, "overlaps" },
        { 64 + 24, 0x04000000, "outside RAM" },
        { 64 + 24, 0x03fff000, "outside RAM" },
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b;
        bench_elf(&b, EXEC, 0x40080000, usual, 2);
        put_le64(file + cases[i].at, cases[i].value);
        plan_fails(&b, ST_E_RANGE, cases[i].words);
    }
}

static void test_no_load(void **state)
{
    static const struct elf_segment empty[] = { { 0x40080000, 0x40080000, 0x1000, 0, 0, 0x1000 } };
    struct bench b;

    bench_elf(&b, EXEC, 0x40080000, empty, 1);
    plan_fails(&b, ST_E_FORMAT, "no ELF segment occupies memory");
    bench_elf(&b, EXEC, 0x40080000, usual, 2);
    put_le32(file + 64, 4);
    put_le32(file + 120, 0x6474e551);
    plan_fails(&b, ST_E_FORMAT, "no ELF segment occupies memory");
}

static void test_too_many(void **state)
{
    struct elf_segment many[128];
    struct bench b;

    for (unsigned i = 0; i < 128; i++) {
        many[i] =
            (struct elf_segment){ 0x40080000 + 16 * i, 0x40080000 + 16 * i, 0x3000, 16, 16, 1 };
    }
    bench_elf(&b, EXEC, 0x40080000, many, 128);
    plan_fails(&b, ST_E_FULL, "more than 96 parts");
    bench_elf(&b, EXEC, 0x40080000, many, 95);
    plan_ok(&b);
    bench_done(&b);
}

/* Cut at every length, in a buffer of exactly that length. */
static void test_truncated(void **state)
{
    struct bench b;

    bench_elf(&b, EXEC, 0x40080000, usual, 2);
    for (size_t len = 4; len < 0x2900; len += len < 300 ? 1 : 37) {
        uint8_t *exact = malloc(len);
        memcpy(exact, file, len);
        b.request.kernel = file_of(exact, len, "kernel.elf");
        plan_fails(&b, ST_E_FORMAT, "kernel.elf");
        free(exact);
    }
    b.request.kernel = file_of(file, 0x2900, "kernel.elf");
    plan_ok(&b);
    bench_done(&b);
}

/* Every byte of the headers changed, in turn: a plan that holds, or an error with words. */
static void test_damaged(void **state)
{
    unsigned made = 0, refused = 0;

    for (unsigned at = 4; at < 64 + 2 * 56; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            for (unsigned type = EXEC; type <= DYN; type++) {
                struct bench b;
                bench_elf(&b, type, 0x40080000, usual, 2);
                file[at] ^= (uint8_t)(1u << bit);
                if (boot_plan_make(&b.request, &b.plan, &b.err) == ST_OK) {
                    check_plan(&b);
                    made++;
                } else {
                    assert_true(b.err.text[0] != 0);
                    refused++;
                }
                bench_done(&b);
            }
        }
    }
    assert_true(made > 100 && refused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec),        cmocka_unit_test(test_physical),
        cmocka_unit_test(test_no_physical), cmocka_unit_test(test_dyn),
        cmocka_unit_test(test_dyn_align),   cmocka_unit_test(test_dtb_elsewhere),
        cmocka_unit_test(test_flash),       cmocka_unit_test(test_entry),
        cmocka_unit_test(test_header),      cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_no_load),     cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_truncated),   cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
