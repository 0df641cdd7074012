/*
 * test_devicetree.c - the generated devicetree, read back and shown to dtc; and a user's own,
 * brought up to date.
 *
 * dtc is the oracle: from blob to source and back, with all its checks on, it must have nothing to
 * say.
 */
#include "support.h"

#include <unistd.h>

#include "boot/devicetree.h"
#include "boot/fdt.h"

static struct boot_bytes made; /* by make_tree, until the next one */
static uint8_t buffer[0x400000];

/* Generates into a buffer of exactly the promised size. */
static const struct fdt *make_tree(const struct boot_request *request, uint64_t initrd_ipa,
                                   uint64_t initrd_len)
{
    static struct fdt fdt;
    const struct devicetree_facts facts = { initrd_ipa, initrd_len };
    struct err err = { 0 };
    size_t bound = devicetree_bound(request), len = 0;

    assert_true(bound <= sizeof(buffer));
    if (devicetree_write(request, &facts, buffer, bound, &len, &err) != ST_OK) {
        fail_msg("%s", err.text);
    }
    made = file_of(buffer, len, "made");
    assert_int_equal(fdt_open(&fdt, "made", buffer, len, &err), ST_OK);
    return &fdt;
}

static struct fdt_item prop(const struct fdt *fdt, const char *path, const char *name)
{
    struct fdt_item item = { 0 };
    uint32_t pos;

    if (!fdt_find_node(fdt, path, &pos) || !fdt_find_prop(fdt, pos, name, &item)) {
        fail_msg("no %s in %s", name, path);
    }
    return item;
}

static bool has_node(const struct fdt *fdt, const char *path)
{
    uint32_t pos;

    return fdt_find_node(fdt, path, &pos);
}

static bool has_prop(const struct fdt *fdt, const char *path, const char *name)
{
    struct fdt_item item;
    uint32_t pos;

    return fdt_find_node(fdt, path, &pos) && fdt_find_prop(fdt, pos, name, &item);
}

static void check_cells(const struct fdt *fdt, const char *path, const char *name,
                        const uint32_t *want, unsigned count)
{
    struct fdt_item item = prop(fdt, path, name);

    assert_int_equal(item.len, count * 4);
    for (unsigned i = 0; i < count; i++) {
        if (be32(item.data + 4 * i) != want[i]) {
            fail_msg("%s %s cell %u is 0x%x, not 0x%x", path, name, i, be32(item.data + 4 * i),
                     want[i]);
        }
    }
}

#define CELLS(fdt, path, name, ...)                             \
    do {                                                        \
        const uint32_t want_[] = { __VA_ARGS__ };               \
        check_cells(fdt, path, name, want_, sizeof(want_) / 4); \
    } while (0)

static void check_bytes(const struct fdt *fdt, const char *path, const char *name, const char *want,
                        size_t len)
{
    struct fdt_item item = prop(fdt, path, name);

    assert_int_equal(item.len, len);
    assert_memory_equal(item.data, want, len);
}

#define STRINGS(fdt, path, name, want) check_bytes(fdt, path, name, want, sizeof(want))

static void test_common(void **state)
{
    struct bench b;
    static const uint8_t seed[32] = { 1, 2, 3 };

    bench_init(&b);
    b.request.command_line = "console=ttyAMA0 panic=-1";
    b.request.kaslr_seed = 0x123456789abcdef0;
    b.request.rng_seed = seed;
    b.request.rng_seed_len = sizeof(seed);
    const struct fdt *fdt = make_tree(&b.request, 0x48000000, 0x123456);

    CELLS(fdt, "/", "#address-cells", 2);
    CELLS(fdt, "/", "#size-cells", 2);
    CELLS(fdt, "/", "interrupt-parent", 1);
    STRINGS(fdt, "/", "compatible", "linux,dummy-virt");
    STRINGS(fdt, "/chosen", "bootargs", "console=ttyAMA0 panic=-1");
    STRINGS(fdt, "/chosen", "stdout-path", "/pl011@9000000");
    CELLS(fdt, "/chosen", "linux,initrd-start", 0, 0x48000000);
    CELLS(fdt, "/chosen", "linux,initrd-end", 0, 0x48123456);
    CELLS(fdt, "/chosen", "kaslr-seed", 0x12345678, 0x9abcdef0);
    check_bytes(fdt, "/chosen", "rng-seed", (const char *)seed, sizeof(seed));
    STRINGS(fdt, "/memory@40000000", "device_type", "memory");
    CELLS(fdt, "/memory@40000000", "reg", 0, 0x40000000, 0, 0x4000000);
    STRINGS(fdt, "/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    STRINGS(fdt, "/psci", "method", "hvc");
    STRINGS(fdt, "/timer", "compatible", "arm,armv8-timer\0arm,armv7-timer");
    assert_true(has_prop(fdt, "/timer", "always-on"));
    CELLS(fdt, "/timer", "interrupts", 1, 13, 0x104, 1, 14, 0x104, 1, 11, 0x104, 1, 10, 0x104);
    STRINGS(fdt, "/apb-pclk", "compatible", "fixed-clock");
    CELLS(fdt, "/apb-pclk", "clock-frequency", 24000000);
    CELLS(fdt, "/cpus", "#address-cells", 1);
    CELLS(fdt, "/cpus/cpu@0", "reg", 0);
    STRINGS(fdt, "/cpus/cpu@0", "enable-method", "psci");
    STRINGS(fdt, "/cpus/cpu@0", "compatible", "arm,armv8");
    STRINGS(fdt, "/pl011@9000000", "compatible", "arm,pl011\0arm,primecell");
    STRINGS(fdt, "/pl011@9000000", "clock-names", "uartclk\0apb_pclk");
    CELLS(fdt, "/pl011@9000000", "clocks", 2, 2);
    CELLS(fdt, "/pl011@9000000", "interrupts", 0, 1, 4);
    CELLS(fdt, "/pl011@9000000", "reg", 0, 0x9000000, 0, 0x1000);
    CELLS(fdt, "/gpio-keys/poweroff", "gpios", 3, 3, 0);
    CELLS(fdt, "/gpio-keys/poweroff", "linux,code", 116);
    assert_false(has_node(fdt, "/pmu"));
}

static void test_nothing_optional(void **state)
{
    struct bench b;

    bench_init(&b);
    const struct fdt *fdt = make_tree(&b.request, 0, 0);

    assert_true(has_node(fdt, "/chosen"));
    assert_false(has_prop(fdt, "/chosen", "bootargs"));
    assert_false(has_prop(fdt, "/chosen", "linux,initrd-start"));
    assert_false(has_prop(fdt, "/chosen", "kaslr-seed"));
    assert_false(has_prop(fdt, "/chosen", "rng-seed"));
}

static void test_options(void **state)
{
    struct bench b;

    bench_init(&b);
    b.request.smc_conduit = true;
    b.request.pmu = true;
    b.request.stdout_baud = 115200;
    b.request.cpus = 4;
    b.request.ram_size = 0x180000000;
    const struct fdt *fdt = make_tree(&b.request, 0, 0);

    STRINGS(fdt, "/psci", "method", "smc");
    CELLS(fdt, "/pmu", "interrupts", 1, 7, 0xf04);
    STRINGS(fdt, "/chosen", "stdout-path", "/pl011@9000000:115200n8");
    CELLS(fdt, "/memory@40000000", "reg", 0, 0x40000000, 1, 0x80000000);
}

static void test_boards(void **state)
{
    struct bench b;
    const struct fdt *fdt;

    bench_init(&b);
    fdt = make_tree(&b.request, 0, 0);
    STRINGS(fdt, "/intc@9020000", "compatible", "arm,cortex-a15-gic");
    CELLS(fdt, "/intc@9020000", "phandle", 1);
    assert_int_equal(be32(prop(fdt, "/intc@9020000", "reg").data + 20), 0x9030000);
    STRINGS(fdt, "/pl031@9040000", "compatible", "arm,pl031\0arm,primecell");
    CELLS(fdt, "/pl031@9040000", "interrupts", 0, 2, 4);
    CELLS(fdt, "/pl061@9050000", "interrupts", 0, 7, 4);
    assert_true(has_prop(fdt, "/pl061@9050000", "gpio-controller"));
    STRINGS(fdt, "/timer@9010000", "compatible", "arm,armv7-timer-mem");
    CELLS(fdt, "/timer@9010000", "ranges", 0, 0, 0x9010000, 0x2000);
    CELLS(fdt, "/timer@9010000/frame@1000", "reg", 0x1000, 0x1000);
    CELLS(fdt, "/timer@9010000/frame@1000", "frame-number", 0);
    assert_true(has_prop(fdt, "/timer@9010000/frame@1000", "interrupts"));

    b.request.gic_version = 3;
    fdt = make_tree(&b.request, 0, 0);
    STRINGS(fdt, "/intc@9020000", "compatible", "arm,gic-v3");
    CELLS(fdt, "/intc@9020000", "#redistributor-regions", 1);
    CELLS(fdt, "/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);

    b.request.board = &board_virt;
    fdt = make_tree(&b.request, 0, 0);
    CELLS(fdt, "/intc@8000000", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
    assert_true(has_node(fdt, "/pl031@9010000"));
    assert_true(has_node(fdt, "/pl061@9030000"));
    assert_false(has_node(fdt, "/timer@9010000"));

    b.request.gic_version = 2;
    fdt = make_tree(&b.request, 0, 0);
    CELLS(fdt, "/intc@8000000", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000);
}

static void test_aff3(void **state)
{
    static const uint64_t mpidr[] = { 0, 0x1, 0x0100000203 };
    struct bench b;

    bench_init(&b);
    b.request.gic_version = 3;
    b.request.cpus = 3;
    b.request.mpidr = mpidr;
    const struct fdt *fdt = make_tree(&b.request, 0, 0);

    CELLS(fdt, "/cpus", "#address-cells", 2);
    CELLS(fdt, "/cpus/cpu@1", "reg", 0, 1);
    CELLS(fdt, "/cpus/cpu@100000203", "reg", 1, 0x203);
}

/* The largest tree fits into what devicetree_bound promises, with 1 KiB to spare for nodes to come.
 */
static void test_bound(void **state)
{
    static char args[2048];
    static const uint8_t seed[256];
    struct bench b;

    bench_init(&b);
    memset(args, 'a', sizeof(args) - 1);
    b.request.gic_version = 3;
    b.request.cpus = VM_CPUS_MAX;
    b.request.command_line = args;
    b.request.rng_seed = seed;
    b.request.rng_seed_len = sizeof(seed);
    b.request.pmu = true;
    b.request.stdout_baud = 115200;
    b.request.kaslr_seed = 1;
    make_tree(&b.request, 0x40000000, 1);
    assert_true(made.len + 1024 < devicetree_bound(&b.request));
}

/* Too small a buffer at any size is an error, never an overrun. */
static void test_short_buffer(void **state)
{
    const struct devicetree_facts facts = { 0, 0 };
    struct bench b;
    size_t len;

    bench_init(&b);
    make_tree(&b.request, 0, 0);
    for (size_t size = 1100; size < made.len; size += 37) {
        uint8_t *small = calloc(1, size);
        assert_int_equal(devicetree_write(&b.request, &facts, small, size, &len, &b.err),
                         ST_E_RANGE);
        free(small);
    }
}

/* ---- dtc ------------------------------------------------------------------------------------- */

static bool dtc_present;

/*
 * Blob to source to blob; both must be silent, and the second blob must say the same. In the source
 * that dtc writes, a phandle is a plain number; reading it again, dtc asks for a reference in
 * clocks and gpios, whoever made the tree. So those two checks are on for the blob (where they
 * follow the number) and off for the way back.
 */
static void dtc_round_trip(const char *what)
{
    char command[600], dir[] = "/tmp/hv_dtcXXXXXX", path[64], line[300];

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/a.dtb", dir);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(made.bytes, 1, made.len, f), made.len);
    fclose(f);
    snprintf(command, sizeof(command),
             "cd %s && exec 2>&1 && dtc -I dtb -O dts a.dtb -o a.dts && dtc -W no-clocks_property "
             "-W no-gpios_property -I dts -O dtb a.dts -o b.dtb && "
             "dtc -s -I dtb -O dts a.dtb -o a1.dts && dtc -s -I dtb -O dts b.dtb -o b1.dts && cmp "
             "a1.dts b1.dts && "
             "echo same",
             dir);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    while (fgets(line, sizeof(line), out) != NULL) {
        if (strcmp(line, "same\n") != 0) {
            fail_msg("%s: %s (files in %s)", what, line, dir);
        }
    }
    assert_int_equal(pclose(out), 0);
    snprintf(command, sizeof(command), "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

static void test_dtc(void **state)
{
    static const unsigned cpus[] = { 1, 2, 4, 8, 9, 17, 64 };
    unsigned trees = 0;

    if (!dtc_present) {
        print_message("dtc is not installed (apt-get install device-tree-compiler): not tested\n");
        skip();
    }
    for (unsigned i = 0; i < 2 * 2 * 2 * 7; i++) {
        struct bench b;
        char what[64];

        bench_init(&b);
        b.request.board = i & 1 ? &board_virt : &board_classic;
        b.request.gic_version = i & 2 ? 3 : 2;
        b.request.cpus = cpus[i >> 3];
        b.request.pmu = b.request.cpus > 4;
        b.request.stdout_baud = b.request.cpus > 1 ? 115200 : 0;
        if (b.request.gic_version == 2 && b.request.cpus > GIC_V2_CPUS) {
            continue;
        }
        b.request.command_line = i & 4 ? "console=ttyAMA0" : NULL;
        make_tree(&b.request, i & 4 ? 0x48000000 : 0, i & 4 ? 0x100000 : 0);
        snprintf(what, sizeof(what), "%s GICv%u %u CPUs%s", b.request.board->name,
                 b.request.gic_version, b.request.cpus, i & 4 ? " initrd" : "");
        dtc_round_trip(what);
        trees++;
    }
    assert_int_equal(trees, 44);
}

/* ---- The user's own -------------------------------------------------------------------------- */

/* A tree with what a user's has that ours has not: reservations, an old memory node, children of
 * chosen. */
static size_t make_user_tree(uint8_t *buf, size_t size, uint32_t cells, bool chosen)
{
    struct fdt_writer w;
    static const uint32_t reg[] = { 0, 0x1000, 0, 0x1000 };

    fdt_begin(&w, buf, size, 512, NULL);
    fdt_node_named(&w, "");
    fdt_prop_str(&w, "model", "user's own");
    fdt_prop_u32(&w, "#address-cells", cells);
    fdt_prop_u32(&w, "#size-cells", cells);
    fdt_node_named(&w, "memory@1000");
    fdt_prop_str(&w, "device_type", "memory");
    fdt_prop_cells(&w, "reg", reg, 2 * cells);
    fdt_node_named(&w, "inside");
    fdt_node_end(&w);
    fdt_node_end(&w);
    if (chosen) {
        fdt_node_named(&w, "chosen");
        fdt_prop_str(&w, "bootargs", "old");
        fdt_prop_str(&w, "stdout-path", "serial0");
        fdt_prop_u32(&w, "linux,initrd-start", 5);
        fdt_prop_u32(&w, "linux,initrd-end", 6);
        fdt_node_named(&w, "module");
        fdt_prop_str(&w, "bootargs", "of the module");
        fdt_node_end(&w);
        fdt_node_end(&w);
    }
    fdt_node_named(&w, "device");
    fdt_node_named(&w, "chosen");
    fdt_prop_str(&w, "bootargs", "not this one");
    fdt_node_end(&w);
    fdt_node_named(&w, "memory");
    fdt_node_end(&w);
    fdt_node_end(&w);
    fdt_node_end(&w);
    return fdt_finish(&w);
}

static void test_patch(void **state)
{
    static uint8_t user[4096];
    struct bench b;

    bench_init(&b);
    b.request.dtb = file_of(user, make_user_tree(user, sizeof(user), 2, true), "user.dtb");
    b.request.command_line = "new";
    b.request.kaslr_seed = 7;
    const struct fdt *fdt = make_tree(&b.request, 0x50000000, 0x1000);

    STRINGS(fdt, "/", "model", "user's own");
    assert_false(has_node(fdt, "/memory@1000"));
    CELLS(fdt, "/memory@40000000", "reg", 0, 0x40000000, 0, 0x4000000);
    STRINGS(fdt, "/chosen", "bootargs", "new");
    STRINGS(fdt, "/chosen", "stdout-path", "serial0");
    CELLS(fdt, "/chosen", "linux,initrd-start", 0, 0x50000000);
    CELLS(fdt, "/chosen", "linux,initrd-end", 0, 0x50001000);
    CELLS(fdt, "/chosen", "kaslr-seed", 0, 7);
    STRINGS(fdt, "/chosen/module", "bootargs", "of the module");
    STRINGS(fdt, "/device/chosen", "bootargs", "not this one");
    assert_true(has_node(fdt, "/device/memory"));
}

/* Without a command line or an initrd of ours the user's stay. */
static void test_patch_keeps(void **state)
{
    static uint8_t user[4096];
    struct bench b;

    bench_init(&b);
    b.request.dtb = file_of(user, make_user_tree(user, sizeof(user), 1, true), "user.dtb");
    const struct fdt *fdt = make_tree(&b.request, 0, 0);

    STRINGS(fdt, "/chosen", "bootargs", "old");
    CELLS(fdt, "/chosen", "linux,initrd-start", 5);
    CELLS(fdt, "/memory@40000000", "reg", 0x40000000, 0x4000000);
    assert_false(has_prop(fdt, "/chosen", "kaslr-seed"));
}

static void test_patch_makes_chosen(void **state)
{
    static uint8_t user[4096];
    struct bench b;

    bench_init(&b);
    b.request.dtb = file_of(user, make_user_tree(user, sizeof(user), 2, false), "user.dtb");
    b.request.command_line = "new";
    const struct fdt *fdt = make_tree(&b.request, 0, 0);

    STRINGS(fdt, "/chosen", "bootargs", "new");
}

/* A tree of an empty root gets both nodes. */
static void test_patch_empty(void **state)
{
    static uint8_t user[1024];
    struct fdt_writer w;
    struct bench b;

    bench_init(&b);
    fdt_begin(&w, user, sizeof(user), 100, NULL);
    fdt_node_named(&w, "");
    fdt_node_end(&w);
    b.request.dtb = file_of(user, fdt_finish(&w), "user.dtb");
    b.request.command_line = "new";
    const struct fdt *fdt = make_tree(&b.request, 0, 0);

    STRINGS(fdt, "/chosen", "bootargs", "new");
    CELLS(fdt, "/memory@40000000", "reg", 0, 0x40000000,
          0x4000000); /* the default: 2 and 1 cells */
}

/* Our own tree, given back as the user's, comes out with the same content. */
static void test_patch_own(void **state)
{
    static uint8_t copy[0x10000];
    struct bench b;

    bench_init(&b);
    b.request.command_line = "one";
    make_tree(&b.request, 0, 0);
    memcpy(copy, made.bytes, made.len);
    b.request.dtb = file_of(copy, made.len, "own.dtb");
    b.request.command_line = "two";
    const struct fdt *fdt = make_tree(&b.request, 0, 0);

    STRINGS(fdt, "/chosen", "bootargs", "two");
    assert_true(has_node(fdt, "/pl011@9000000"));
    assert_int_equal(made.len, be32(copy + 4));
    if (dtc_present) {
        dtc_round_trip("own");
    }
}

static void test_patch_reservations(void **state)
{
    static uint8_t user[4096], moved[4096];
    struct bench b;
    size_t len = make_user_tree(user, sizeof(user), 2, true);
    struct fdt fdt;

    /* one reservation more: everything behind the header moves by 16 bytes */
    bench_init(&b);
    memcpy(moved, user, 40);
    memcpy(moved + 56, user + 40, len - 40);
    put_be32(moved + 44, 0x43000000);
    put_be32(moved + 52, 0x10000);
    put_be32(moved + 4, (uint32_t)len + 16);
    put_be32(moved + 8, be32(user + 8) + 16);
    put_be32(moved + 12, be32(user + 12) + 16);
    put_be32(moved + 28, 3); /* boot CPU */
    b.request.dtb = file_of(moved, len + 16, "user.dtb");
    fdt = *make_tree(&b.request, 0, 0);
    assert_int_equal(fdt.reserve_count, 1);
    assert_int_equal(fdt.boot_cpu, 3);
    assert_memory_equal(fdt.blob + fdt.reserve_off, moved + 40, 32);
}

static void test_patch_cells(void **state)
{
    static uint8_t user[4096];
    const struct devicetree_facts facts = { 0, 0 };
    struct bench b;
    size_t len;

    bench_init(&b);
    b.request.dtb = file_of(user, make_user_tree(user, sizeof(user), 1, true), "user.dtb");
    b.request.ram_size = 0x100000000;
    assert_int_equal(devicetree_write(&b.request, &facts, buffer, sizeof(buffer), &len, &b.err),
                     ST_E_FORMAT);
    assert_non_null(strstr(b.err.text, "#size-cells"));

    uint32_t cells_at = 0;
    for (uint32_t i = 0; i < 200;
         i += 4) { /* #address-cells of the root: the first property of 4 bytes */
        if (be32(user + i) == 3 && be32(user + i + 4) == 4) {
            cells_at = i + 12;
            break;
        }
    }
    assert_int_equal(be32(user + cells_at), 1);
    put_be32(user + cells_at, 3);
    assert_int_equal(devicetree_write(&b.request, &facts, buffer, sizeof(buffer), &len, &b.err),
                     ST_E_FORMAT);
    assert_non_null(strstr(b.err.text, "#address-cells"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common),
        cmocka_unit_test(test_nothing_optional),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_boards),
        cmocka_unit_test(test_aff3),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_short_buffer),
        cmocka_unit_test(test_dtc),
        cmocka_unit_test(test_patch),
        cmocka_unit_test(test_patch_keeps),
        cmocka_unit_test(test_patch_makes_chosen),
        cmocka_unit_test(test_patch_empty),
        cmocka_unit_test(test_patch_own),
        cmocka_unit_test(test_patch_reservations),
        cmocka_unit_test(test_patch_cells),
    };

    dtc_present = system("dtc --version >/dev/null 2>&1") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
