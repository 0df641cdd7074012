/*
 * test_plan.c - raw guests, firmware, --load and --entry; placing, refusing, and the copy into a
 * machine.
 */
#include "support.h"

static uint8_t program[64 << 20], blob[0x2000]; /* the largest raw guest that these tests make */

static void bench_raw(struct bench *b, uint64_t len)
{
    bench_init(b);
    memset(program, 0x11, 0x1000);
    b->request.kernel = file_of(program, len, "guest.bin");
}

/* ---- Raw ------------------------------------------------------------------------------------- */

/* The original program's state: PC, SP, and as the tree of one CPU still fits below the program,
 * there. */
static void test_raw(void **state)
{
    struct bench b;

    bench_raw(&b, 100);
    plan_ok(&b);
    assert_string_equal(b.plan.kind, "raw");
    assert_int_equal(b.plan.start.pc, 0x40001000);
    assert_int_equal(b.plan.start.sp, 0x43fff000);
    assert_int_equal(b.plan.start.el, 1);
    const struct boot_segment *dtb = segment_of(&b.plan, "dtb");
    assert_true(dtb->len <= 0x1000);
    assert_int_equal(dtb->ipa, RAM_BASE);
    bench_done(&b);
}

/* With many CPUs the tree is longer than the page below: then near the top, below the stack's room.
 */
static void test_raw_dtb_on_top(void **state)
{
    struct bench b;

    bench_raw(&b, 100);
    b.request.gic_version = 3;
    b.request.cpus = 64;
    b.request.el = 2;
    plan_ok(&b);
    const struct boot_segment *dtb = segment_of(&b.plan, "dtb");
    assert_true(dtb->len > 0x1000);
    assert_int_equal(dtb->ipa, (0x43fff000 - 0x10000 - dtb->len) & ~7ull);
    assert_int_equal(b.plan.start.el, 2);
    bench_done(&b);
}

static void test_raw_sizes(void **state)
{
    struct bench b;

    bench_raw(&b, 0);
    plan_fails(&b, ST_E_FORMAT, "guest.bin is empty");
    bench_raw(&b, MB(64) - 0x2000);
    plan_ok(&b);
    bench_done(&b);
    bench_raw(&b, MB(64) - 0x1fff);
    plan_fails(&b, ST_E_RANGE,
               "guest.bin: 63 MiB does not fit into 64 MiB of RAM beside what is there; use "
               "--memory 128M");
    bench_raw(&b, UINT64_MAX);
    plan_fails(&b, ST_E_RANGE, "use --memory");
}

static void test_raw_initrd(void **state)
{
    struct bench b;

    bench_raw(&b, 0x2345);
    b.request.initrd = file_of(blob, sizeof(blob), NULL);
    plan_ok(&b);
    assert_int_equal(segment_of(&b.plan, "initrd")->ipa, 0x40010000);
    bench_done(&b);
}

static void test_entry(void **state)
{
    struct bench b;

    bench_raw(&b, 100);
    b.request.has_entry = true;
    b.request.entry = 0x40001010;
    plan_ok(&b);
    assert_int_equal(b.plan.start.pc, 0x40001010);
    bench_done(&b);
    b.request.entry = 0x40001011;
    plan_fails(&b, ST_E_INVAL, "entry 0x40001011 is not a multiple of 4");
    b.request.entry = 0x44000000;
    plan_fails(&b, ST_E_RANGE, "entry 0x44000000 lies outside RAM");
    b.request.entry = 0x43fffffc;
    plan_ok(&b);
    bench_done(&b);
    b.request.entry = UINT64_MAX - 3;
    plan_fails(&b, ST_E_RANGE, "lies outside RAM");
}

static void test_ram_size(void **state)
{
    static const uint64_t bad[] = { 0,          1,
                                    0xffff,     (1ull << 48) + 1,
                                    UINT64_MAX, UINT64_MAX - RAM_BASE + 1 };
    struct bench b;

    for (unsigned i = 0; i < sizeof(bad) / 8; i++) {
        bench_raw(&b, 100);
        b.request.ram_size = bad[i];
        plan_fails(&b, ST_E_RANGE, "of RAM make no machine");
    }
    bench_raw(&b, 100);
    b.request.ram_size = 0x10000;
    plan_ok(&b);
    assert_int_equal(b.plan.start.sp, 0x4000f000);
    bench_done(&b);
}

/* ---- Firmware -------------------------------------------------------------------------------- */

static void test_firmware(void **state)
{
    struct bench b;
    const struct boot_load vars = { file_of(blob, sizeof(blob), "u-boot.env"), 0x100000 };

    bench_init(&b);
    b.request.firmware = file_of(program, 0x3000, "u-boot.bin");
    b.request.loads = &vars;
    b.request.load_count = 1;
    plan_ok(&b);
    assert_string_equal(b.plan.kind, "firmware");
    assert_int_equal(b.plan.start.pc, 0);
    assert_int_equal(b.plan.start.x[0], RAM_BASE);
    assert_int_equal(segment_of(&b.plan, "firmware")->ipa, 0);
    bench_done(&b);
}

static void test_firmware_refused(void **state)
{
    struct bench b;
    const struct boot_load in_the_way = { file_of(blob, sizeof(blob), "x"), RAM_BASE };

    bench_init(&b);
    b.request.firmware = file_of(program, 64 * 1024 * 1024 + 1, "fw.fd");
    plan_fails(&b, ST_E_RANGE, "67108865 bytes of firmware, but the flash holds 64 MiB");
    b.request.firmware.len = 0;
    plan_fails(&b, ST_E_FORMAT, "fw.fd is empty");
    b.request.firmware.len = 100;
    b.request.initrd = file_of(blob, 100, NULL);
    plan_fails(&b, ST_E_INVAL, "leave out --kernel and --initrd");
    b.request.initrd = (struct boot_bytes){ 0 };
    b.request.kernel = file_of(blob, 100, NULL);
    plan_fails(&b, ST_E_INVAL, "leave out --kernel and --initrd");
    b.request.kernel = (struct boot_bytes){ 0 };
    b.request.loads = &in_the_way; /* firmware finds its devicetree nowhere else */
    b.request.load_count = 1;
    plan_fails(&b, ST_E_RANGE, "dtb (0x40000000");
}

/* ---- Loads ----------------------------------------------------------------------------------- */

static void test_loads(void **state)
{
    const struct boot_load loads[] = { { file_of(program, 0x1000, "a.bin"), 0x40100000 },
                                       { file_of(blob, 0x2000, NULL), 0x40101000 } };
    struct bench b;

    bench_init(&b);
    b.request.loads = loads;
    b.request.load_count = 2;
    plan_fails(&b, ST_E_INVAL, "add --entry");
    b.request.has_entry = true;
    b.request.entry = 0x40100000;
    plan_ok(&b);
    assert_string_equal(b.plan.kind, "loads");
    assert_int_equal(b.plan.start.x[0], RAM_BASE);
    assert_string_equal(b.plan.segment[0].file, "a.bin");
    bench_done(&b);
}

static void test_loads_refused(void **state)
{
    static const struct {
        uint64_t ipa, len;
        enum status status;
        const char *words;
    } cases[] = {
        { 0x40001063, 1, ST_E_RANGE,
          "kernel (0x40001000 to 0x40001064) overlaps load (0x40001063 to 0x40001064)" },
        { 0x40000fff, 2, ST_E_RANGE, "overlaps" },
        { 0x43ffffff, 2, ST_E_RANGE,
          "x: 2 bytes at 0x43ffffff lie outside RAM (0x40000000 to 0x44000000)" },
        { 0x09000000, 4, ST_E_RANGE, "outside RAM" },
        { 0x03ffffff, 2, ST_E_RANGE, "outside RAM" },
        { UINT64_MAX, 2, ST_E_RANGE, "outside RAM" },
        { 0x40000000, UINT64_MAX, ST_E_RANGE, "outside RAM" },
        { UINT64_MAX - 1, UINT64_MAX, ST_E_RANGE, "outside RAM" },
        { 0x41000000, 0, ST_E_FORMAT, "x is empty" },
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b;
        const struct boot_load load = { file_of(blob, cases[i].len, "x"), cases[i].ipa };
        bench_raw(&b, 100);
        b.request.loads = &load;
        b.request.load_count = 1;
        plan_fails(&b, cases[i].status, cases[i].words);
    }
}

static void test_too_many_loads(void **state)
{
    struct boot_load loads[BOOT_LOADS_MAX + 1];
    struct bench b;

    for (unsigned i = 0; i <= BOOT_LOADS_MAX; i++) {
        loads[i] = (struct boot_load){ file_of(blob, 16, "x"), 0x41000000 + 16 * i };
    }
    bench_raw(&b, 100);
    b.request.loads = loads;
    b.request.load_count = BOOT_LOADS_MAX + 1;
    plan_fails(&b, ST_E_FULL, "more than 16 parts");
    b.request.load_count = BOOT_LOADS_MAX;
    plan_ok(&b);
    bench_done(&b);
}

static void test_nothing(void **state)
{
    struct bench b;

    bench_init(&b);
    plan_fails(&b, ST_E_INVAL, "nothing to run");
    b.err.lang = LANG_PT_BR;
    plan_fails(&b, ST_E_INVAL, "não há o que executar");
}

/* ---- Devicetree ------------------------------------------------------------------------------ */

static void test_no_memory(void **state)
{
    struct bench b;

    bench_raw(&b, 100);
    b.memory.allowed = 0;
    plan_fails(&b, ST_E_NOMEM, "no host memory");
}

static void test_user_dtb_refused(void **state)
{
    struct bench b;

    bench_raw(&b, 100);
    b.request.dtb = file_of(blob, sizeof(blob), "board.dts");
    plan_fails(&b, ST_E_FORMAT, "board.dts is no devicetree blob");
    b.request.dtb.len = 0;
    plan_fails(&b, ST_E_FORMAT, "board.dts is no devicetree blob");
}

static void test_dtb_only(void **state)
{
    struct bench b;

    bench_init(&b);
    assert_int_equal(boot_dtb_make(&b.request, &b.plan, &b.err), ST_OK);
    assert_int_equal(be32(b.plan.dtb.bytes), 0xd00dfeed);
    assert_int_equal(b.plan.segment_count, 0);
    bench_done(&b);
    b.memory.allowed = 0;
    assert_int_equal(boot_dtb_make(&b.request, &b.plan, &b.err), ST_E_NOMEM);
    bench_done(&b);
    b.request.ram_size = 0;
    assert_int_equal(boot_dtb_make(&b.request, &b.plan, &b.err), ST_E_RANGE);
    bench_done(&b);
}

/* ---- Apply ----------------------------------------------------------------------------------- */

static struct {
    unsigned calls;
    uint64_t bytes;
} told;

static void note_code(struct vm *vm, uint64_t ipa, uint64_t len)
{
    told.calls++;
    told.bytes += len;
}

static const struct accel_ops fake_accel = { .invalidate_code = note_code };

static struct vm *make_vm(uint64_t ram_size)
{
    struct vm *vm = calloc(1, sizeof(*vm));

    vm->config.accel = &fake_accel;
    vm->mem.count = 2;
    vm->mem.slot[0] = (struct mem_slot){ 0, 0x100000, calloc(1, 0x100000), true, "flash" };
    vm->mem.slot[1] = (struct mem_slot){ RAM_BASE, ram_size, malloc(ram_size), false, "ram" };
    memset(vm->mem.slot[1].host, 0xee, ram_size);
    return vm;
}

static void free_vm(struct vm *vm)
{
    free(vm->mem.slot[0].host);
    free(vm->mem.slot[1].host);
    free(vm);
}

/* Copied, cleared, nothing else touched; and the same again after the guest has spoilt it. */
static void test_apply(void **state)
{
    static const struct elf_segment segments[] = { { 0x40080000, 0x40080000, 0x1000, 0x800, 0x4321,
                                                     0x1000 } };
    static uint8_t elf[0x1800];
    const struct boot_load rom = { file_of(blob, 0x100, "rom"), 0x2000 };
    struct vm *vm = make_vm(MB(4));
    struct bench b;

    memset(elf, 0x77, sizeof(elf));
    memset(blob, 0x33, sizeof(blob));
    make_elf(elf, 2, 0x40080000, segments, 1);
    bench_init(&b);
    b.request.ram_size = MB(4);
    b.request.kernel = file_of(elf, sizeof(elf), "k");
    b.request.loads = &rom;
    b.request.load_count = 1;
    plan_ok(&b);
    for (unsigned pass = 0; pass < 2; pass++) {
        told.calls = 0;
        told.bytes = 0;
        assert_int_equal(boot_plan_apply(&b.plan, vm, &b.err), ST_OK);
        assert_int_equal(told.calls, b.plan.segment_count);
        assert_int_equal(told.bytes, 0x4321 + 0x100 + b.plan.dtb.len);
        const uint8_t *ram = vm->mem.slot[1].host;
        for (unsigned i = 0; i < 0x4321; i++) {
            assert_int_equal(ram[0x80000 + i], i < 0x800 ? 0x77 : 0);
        }
        assert_int_equal(ram[0x80000 - 1], 0xee);
        assert_int_equal(ram[0x80000 + 0x4321], 0xee);
        assert_memory_equal(ram, b.plan.dtb.bytes, b.plan.dtb.len);
        assert_memory_equal(vm->mem.slot[0].host + 0x2000, blob, 0x100);
        memset(vm->mem.slot[1].host + 0x80000, 0xdd, 0x4321);
        vm->mem.slot[1].host[0] = 0;
    }
    bench_done(&b);
    free_vm(vm);
}

/* A machine without the memory that the plan was made for. */
static void test_apply_refused(void **state)
{
    struct vm *vm = make_vm(MB(1));
    struct bench b;
    const struct boot_load high = { file_of(blob, 0x100, "x"), RAM_BASE + MB(2) };

    bench_raw(&b, 100);
    b.request.loads = &high;
    b.request.load_count = 1;
    plan_ok(&b);
    assert_int_equal(boot_plan_apply(&b.plan, vm, &b.err), ST_E_RANGE);
    assert_non_null(strstr(b.err.text, "cannot write load to 0x40200000-0x40200100"));
    bench_done(&b);
    free_vm(vm);
}

static void test_fini_twice(void **state)
{
    struct bench b;

    bench_raw(&b, 100);
    plan_ok(&b);
    boot_plan_fini(&b.plan);
    boot_plan_fini(&b.plan);
    assert_int_equal(b.memory.alive, 0);
}

/* ---- Any sizes at all ------------------------------------------------------------------------ */

static uint64_t seed = 88172645463325252ull;

static uint64_t pick(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* Random requests: whatever is accepted keeps the promises of boot.h (check_plan). */
static void test_random(void **state)
{
    static uint8_t image[4096];
    unsigned made = 0, refused = 0;

    for (unsigned n = 0; n < 20000; n++) {
        struct boot_load loads[4];
        struct bench b;
        bench_init(&b);
        b.request.ram_size = 0x10000 + (pick(2) ? pick(MB(16)) : pick(MB(2048)));
        b.request.ram_size &= ~0xfffull;
        make_image(image, pick(2) ? 0 : 0x80000, pick(4) ? pick(MB(20)) : 0,
                   pick(2) ? IMAGE_ANYWHERE : 0);
        b.request.kernel =
            pick(2) ? file_of(image, sizeof(image), NULL) : file_of(program, pick(MB(8)) + 1, NULL);
        if (pick(2)) {
            b.request.initrd = file_of(blob, pick(MB(8)) + 1, NULL);
        }
        b.request.load_count = (unsigned)pick(5);
        b.request.loads = loads;
        for (unsigned i = 0; i < b.request.load_count; i++) {
            loads[i] = (struct boot_load){ file_of(blob, pick(0x10000) + 1, NULL),
                                           RAM_BASE + pick(MB(16)) };
        }
        b.request.cpus = (unsigned)pick(8) + 1;
        b.request.board = pick(2) ? &board_virt : &board_classic;
        if (boot_plan_make(&b.request, &b.plan, &b.err) == ST_OK) {
            check_plan(&b);
            made++;
        } else {
            assert_true(b.err.text[0] != 0);
            refused++;
        }
        bench_done(&b);
    }
    assert_true(made > 2000 && refused > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_raw_dtb_on_top),
        cmocka_unit_test(test_raw_sizes),
        cmocka_unit_test(test_raw_initrd),
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_ram_size),
        cmocka_unit_test(test_firmware),
        cmocka_unit_test(test_firmware_refused),
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_loads_refused),
        cmocka_unit_test(test_too_many_loads),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_user_dtb_refused),
        cmocka_unit_test(test_dtb_only),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_apply_refused),
        cmocka_unit_test(test_fini_twice),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
