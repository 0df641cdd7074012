/*
 * test_image.c - arm64 Linux Images: where kernel, devicetree and initrd go, and what is refused.
 */
#include "support.h"

static uint8_t image[0x20000], initrd[0x30000];

/* A bench with an Image of len bytes and this header. */
static void bench_image(struct bench *b, uint64_t len, uint64_t text_offset, uint64_t image_size,
                        uint64_t flags)
{
    bench_init(b);
    make_image(image, text_offset, image_size, flags);
    b->request.kernel = file_of(image, len, "Image");
}

static void test_modern(void **state)
{
    struct bench b;

    bench_image(&b, sizeof(image), 0, 0x1230000, IMAGE_4K | IMAGE_ANYWHERE);
    b.request.initrd = file_of(initrd, sizeof(initrd), "initrd.gz");
    b.request.command_line = "console=ttyAMA0";
    plan_ok(&b);
    assert_string_equal(b.plan.kind, "Linux Image");
    assert_null(b.plan.packing[0]);
    assert_int_equal(b.plan.start.pc, RAM_BASE + MB(2));
    assert_int_equal(b.plan.start.x[0], RAM_BASE);
    assert_int_equal(b.plan.start.el, 1);
    const struct boot_segment *kernel = segment_of(&b.plan, "kernel");
    assert_int_equal(kernel->reserve, 0x1230000);
    assert_int_equal(kernel->len, sizeof(image));
    assert_string_equal(kernel->file, "Image");
    const struct boot_segment *rd = segment_of(&b.plan, "initrd");
    assert_int_equal(rd->ipa, RAM_BASE + MB(2) + 0x1230000);
    assert_int_equal(b.plan.initrd_ipa, rd->ipa);
    bench_done(&b);
}

static void test_text_offset(void **state)
{
    struct bench b;

    bench_image(&b, 4096, 0x80000, 0x100000, IMAGE_4K | IMAGE_ANYWHERE);
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, RAM_BASE + MB(2) + 0x80000);
    bench_done(&b);

    bench_image(&b, 4096, 0x80000, 0x100000, IMAGE_4K);
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, RAM_BASE + 0x80000);
    bench_done(&b);
}

/* Before 4.6: kernel at the base of RAM, then 2 MiB for the devicetree, then the initrd, all within
 * 512 MiB. */
static void test_older(void **state)
{
    struct bench b;

    bench_image(&b, 4096, 0x80000, 0x700000, 0);
    b.request.ram_size = MB(4096);
    b.request.initrd = file_of(initrd, sizeof(initrd), NULL);
    plan_ok(&b);
    assert_int_equal(b.plan.start.x[0], RAM_BASE + MB(8));
    assert_int_equal(segment_of(&b.plan, "initrd")->ipa, RAM_BASE + MB(10));
    bench_done(&b);
}

/* Before 3.17: no image_size, little is known: all else as high as it may go. */
static void test_sizeless(void **state)
{
    struct bench b;

    bench_image(&b, sizeof(image), 0x123, 0, ~0ull); /* offset and flags are not to be believed */
    b.request.initrd = file_of(initrd, sizeof(initrd), NULL);
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, RAM_BASE + 0x80000);
    assert_int_equal(b.plan.start.x[0], RAM_BASE + MB(62));
    assert_int_equal(segment_of(&b.plan, "initrd")->ipa, RAM_BASE + MB(62) - sizeof(initrd));
    bench_done(&b);

    bench_image(&b, sizeof(image), 0, 0, 0);
    b.request.ram_size = MB(2048);
    plan_ok(&b);
    assert_int_equal(b.plan.start.x[0], RAM_BASE + MB(510));
    bench_done(&b);
}

/* The file may be longer than image_size (a signature behind it). */
static void test_file_longer(void **state)
{
    struct bench b;

    bench_image(&b, sizeof(image), 0, 0x1000, IMAGE_ANYWHERE);
    plan_ok(&b);
    assert_int_equal(segment_of(&b.plan, "kernel")->reserve, sizeof(image));
    bench_done(&b);
}

static void test_no_room(void **state)
{
    struct bench b;

    /* exactly what there is */
    bench_image(&b, 4096, 0, MB(62), IMAGE_ANYWHERE);
    plan_ok(&b);
    bench_done(&b);
    bench_image(&b, 4096, 0, MB(62) + 1, IMAGE_ANYWHERE);
    plan_fails(
        &b, ST_E_RANGE,
        "Image: 62 MiB does not fit into 64 MiB of RAM beside what is there; use --memory 128M");
    bench_image(&b, 4096, 0, UINT64_MAX, IMAGE_ANYWHERE);
    plan_fails(&b, ST_E_RANGE, "use --memory");
    bench_image(&b, 4096, 0, UINT64_MAX - MB(2), 0);
    plan_fails(&b, ST_E_RANGE, "use --memory");
}

/* Only sizes count here: the bytes behind a huge initrd are never touched by planning. */
static void test_initrd_no_room(void **state)
{
    struct bench b;

    bench_image(&b, 4096, 0, MB(30), IMAGE_ANYWHERE);
    b.request.ram_size = MB(512);
    b.request.initrd = file_of(initrd, MB(700), "initrd.gz");
    plan_fails(&b, ST_E_RANGE,
               "initrd.gz: 700 MiB does not fit into 512 MiB of RAM beside what is there; use "
               "--memory 1G");

    bench_image(&b, 4096, 0, MB(30), IMAGE_ANYWHERE);
    b.request.ram_size = MB(512);
    b.request.initrd = file_of(initrd, MB(480), "initrd.gz");
    plan_ok(&b);
    bench_done(&b);
    b.request.initrd.len++;
    b.err.lang = LANG_PT_BR;
    plan_fails(&b, ST_E_RANGE, "initrd.gz: 480 MiB não cabe em 512 MiB de RAM");

    b.request.initrd = file_of(initrd, UINT64_MAX, "initrd.gz");
    plan_fails(&b, ST_E_RANGE, "");
    b.request.initrd = file_of(initrd, 0, "initrd.gz");
    b.err.lang = LANG_EN;
    plan_fails(&b, ST_E_FORMAT, "initrd.gz is empty");
}

/* A rule of the protocol, not the RAM, is the limit: more --memory would not help, and is not
 * advised. */
static void test_windows(void **state)
{
    struct bench b;

    bench_image(&b, 4096, 0x80000, MB(8), 0);
    b.request.ram_size = MB(4096);
    b.request.initrd = file_of(initrd, MB(600), "initrd.gz");
    plan_fails(&b, ST_E_RANGE, "600 MiB does not fit where the kernel can reach it");

    bench_image(&b, 4096, 0, MB(30), IMAGE_ANYWHERE);
    b.request.ram_size = MB(64 * 1024);
    b.request.initrd = file_of(initrd, MB(32 * 1024) - MB(32), "initrd.gz");
    plan_ok(&b);
    bench_done(&b);
    b.request.initrd.len++;
    plan_fails(&b, ST_E_RANGE, "can reach it");
}

static void test_bad_offset(void **state)
{
    static const uint64_t bad[] = { 0x200000, 0x80001, 0x800, UINT64_MAX, UINT64_MAX - 0xfff };

    for (unsigned i = 0; i < sizeof(bad) / 8; i++) {
        struct bench b;
        bench_image(&b, 4096, bad[i], 0x100000, IMAGE_ANYWHERE);
        plan_fails(&b, ST_E_FORMAT, "text_offset");
    }
}

static void test_cpu(void **state)
{
    static const struct {
        uint64_t flags;
        unsigned lacks;
        const char *words;
    } cases[] = {
        { IMAGE_4K, BOOT_CPU_NO_4K, "4 KiB pages" },
        { IMAGE_16K, BOOT_CPU_NO_16K, "built for 16 KiB pages" },
        { IMAGE_64K, BOOT_CPU_NO_64K, "64 KiB pages" },
        { IMAGE_BIG, BOOT_CPU_NO_BIG_ENDIAN, "big-endian" },
    };

    for (unsigned i = 0; i < 4; i++) {
        struct bench b;
        bench_image(&b, 4096, 0, 0x100000, IMAGE_ANYWHERE | cases[i].flags);
        b.request.cpu_lacks = cases[i].lacks;
        plan_fails(&b, ST_E_NOTSUP, cases[i].words);
        b.request.cpu_lacks = 15 & ~cases[i].lacks;
        plan_ok(&b);
        bench_done(&b);
    }
}

/* A file cut inside the header is not an Image; with the EFI stub's MZ it is refused, not run as
 * raw. */
static void test_truncated(void **state)
{
    for (uint64_t len = 1; len < 64; len++) {
        struct bench b;
        bench_image(&b, len, 0, 0x100000, IMAGE_ANYWHERE);
        if (len >= 2) {
            plan_fails(&b, ST_E_FORMAT, "PE");
        } else {
            plan_ok(&b);
            assert_string_equal(b.plan.kind, "raw");
            bench_done(&b);
        }
    }
}

static void test_smallest_ram(void **state)
{
    for (uint64_t ram = MB(2); ram <= MB(12); ram += MB(1)) {
        for (unsigned flags = 0; flags <= IMAGE_ANYWHERE; flags += IMAGE_ANYWHERE) {
            struct bench b;
            bench_image(&b, 4096, 0, MB(3), flags);
            b.request.ram_size = ram;
            b.request.initrd = file_of(initrd, sizeof(initrd), NULL);
            enum status status = boot_plan_make(&b.request, &b.plan, &b.err);
            if (status == ST_OK) {
                check_plan(&b);
            } else {
                assert_int_equal(status, ST_E_RANGE);
            }
            assert_int_equal(status == ST_OK, ram >= (flags != 0 ? MB(6) : MB(7)));
            bench_done(&b);
        }
    }
}

/* The user's --load may stand where the devicetree would: then it goes elsewhere. */
static void test_loads_in_the_way(void **state)
{
    const struct boot_load loads[] = { { file_of(initrd, 0x1000, "x"), RAM_BASE },
                                       { file_of(initrd, 0x1000, "y"), RAM_BASE + MB(9) } };
    struct bench b;

    bench_image(&b, 4096, 0, MB(4), IMAGE_ANYWHERE);
    b.request.loads = loads;
    b.request.load_count = 2;
    b.request.initrd = file_of(initrd, sizeof(initrd), NULL);
    plan_ok(&b);
    assert_int_equal(b.plan.start.x[0], RAM_BASE + 0x1000);
    bench_done(&b);

    bench_image(&b, 4096, 0, MB(8), IMAGE_ANYWHERE);
    b.request.loads = loads;
    b.request.load_count = 2;
    plan_fails(&b, ST_E_RANGE,
               "kernel (0x40200000 to 0x40a00000) overlaps load (0x40900000 to 0x40901000)");
}

static void test_command_line(void **state)
{
    char args[2050];
    struct bench b;

    bench_image(&b, 4096, 0, MB(4), IMAGE_ANYWHERE);
    memset(args, 'a', sizeof(args));
    args[2048] = 0;
    b.request.command_line = args;
    plan_fails(&b, ST_E_RANGE, "2048 bytes");
    args[2047] = 0;
    plan_ok(&b);
    bench_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modern),
        cmocka_unit_test(test_text_offset),
        cmocka_unit_test(test_older),
        cmocka_unit_test(test_sizeless),
        cmocka_unit_test(test_file_longer),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_initrd_no_room),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_bad_offset),
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_smallest_ram),
        cmocka_unit_test(test_loads_in_the_way),
        cmocka_unit_test(test_command_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
