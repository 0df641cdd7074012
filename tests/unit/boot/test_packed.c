/*
 * test_packed.c - guests inside gzip, zstd and EFI zboot, with a port that only pretends; and files
 * that are refused.
 */
#include "support.h"

/* An unpacker that hands out what the test says, and remembers what it was asked. */
struct unpacker {
    enum status answer;
    const uint8_t *out[3]; /* of the first, second, third call */
    size_t out_len[3];
    unsigned calls, alive;
    const uint8_t *in;
    size_t in_len, max;
    char method;
};

static enum status answer(struct unpacker *u, char method, const uint8_t *in, size_t len,
                          size_t max, struct inflated *out)
{
    u->method = method;
    u->in = in;
    u->in_len = len;
    u->max = max;
    unsigned call = u->calls++;
    if (u->answer != ST_OK) {
        return u->answer;
    }
    assert_true(call < 3);
    out->len = u->out_len[call];
    out->bytes = malloc(out->len + 1);
    memcpy(out->bytes, u->out[call], out->len);
    u->alive++;
    return ST_OK;
}

static enum status fake_gunzip(void *opaque, const uint8_t *in, size_t len, size_t max,
                               struct inflated *out)
{
    return answer(opaque, 'g', in, len, max, out);
}

static enum status fake_unzstd(void *opaque, const uint8_t *in, size_t len, size_t max,
                               struct inflated *out)
{
    return answer(opaque, 'z', in, len, max, out);
}

static void fake_release(void *opaque, struct inflated *out)
{
    ((struct unpacker *)opaque)->alive--;
    free(out->bytes);
}

static struct unpacker unpacker;
static struct inflate_port port;
static uint8_t image[4096];
static uint8_t gz[32] = { 0x1f, 0x8b, 8 };
static uint8_t zst[32] = { 0x28, 0xb5, 0x2f, 0xfd };

static void bench_packed(struct bench *b, const void *bytes, size_t len)
{
    bench_init(b);
    unpacker = (struct unpacker){ .out = { image }, .out_len = { sizeof(image) } };
    port = (struct inflate_port){ &unpacker, fake_gunzip, fake_unzstd, fake_release };
    make_image(image, 0, 0x100000, IMAGE_ANYWHERE);
    b->request.inflate = &port;
    b->request.kernel = file_of(bytes, len, "vmlinuz");
}

static size_t make_zboot(uint8_t *p, uint32_t offset, uint32_t size, const char *method)
{
    memset(p, 0, 512);
    memcpy(p, "MZ\0\0zimg", 8);
    put_le32(p + 8, offset);
    put_le32(p + 12, size);
    strcpy((char *)p + 24, method);
    put_le32(p + 56, 0x818223cd);
    return 512;
}

static void done(struct bench *b)
{
    bench_done(b);
    assert_int_equal(unpacker.alive, 0);
}

static void refused(struct bench *b, enum status status, const char *words)
{
    plan_fails(b, status, words);
    assert_int_equal(unpacker.alive, 0);
}

static void test_gzip(void **state)
{
    struct bench b;

    bench_packed(&b, gz, sizeof(gz));
    plan_ok(&b);
    assert_string_equal(b.plan.kind, "Linux Image");
    assert_string_equal(b.plan.packing[0], "gzip");
    assert_null(b.plan.packing[1]);
    assert_int_equal(unpacker.method, 'g');
    assert_ptr_equal(unpacker.in, gz);
    assert_int_equal(unpacker.in_len, sizeof(gz));
    assert_int_equal(unpacker.max, MB(64));
    assert_memory_equal(segment_of(&b.plan, "kernel")->bytes, image, sizeof(image));
    assert_int_equal(unpacker.alive, 1);
    done(&b);
}

static void test_zstd(void **state)
{
    struct bench b;

    bench_packed(&b, zst, sizeof(zst));
    plan_ok(&b);
    assert_string_equal(b.plan.packing[0], "zstd");
    assert_int_equal(unpacker.method, 'z');
    done(&b);
}

static void test_zboot(void **state)
{
    static const struct {
        const char *method, *packing;
        char called;
    } cases[] = { { "gzip", "EFI zboot, gzip", 'g' },
                  { "zstd", "EFI zboot, zstd", 'z' },
                  { "zstd22", "EFI zboot, zstd", 'z' } };
    uint8_t file[512];

    for (unsigned i = 0; i < 3; i++) {
        struct bench b;
        bench_packed(&b, file, make_zboot(file, 100, 412, cases[i].method));
        plan_ok(&b);
        assert_string_equal(b.plan.packing[0], cases[i].packing);
        assert_int_equal(unpacker.method, cases[i].called);
        assert_ptr_equal(unpacker.in, file + 100);
        assert_int_equal(unpacker.in_len, 412);
        done(&b);
    }
}

static void test_zboot_bad(void **state)
{
    static const uint32_t bad[][2] = { { 63, 10 },         { 0, 10 },
                                       { 100, 0 },         { 100, 413 },
                                       { 513, 1 },         { 0xffffffff, 2 },
                                       { 64, 0xffffffff }, { 0xffffff00, 0xffffff00 } };
    static const char *const methods[] = { "lzma", "xzkern", "", "gzip2", "\x1b[2J" };
    uint8_t file[512];
    struct bench b;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bench_packed(&b, file, make_zboot(file, bad[i][0], bad[i][1], "gzip"));
        refused(&b, ST_E_FORMAT, "zboot payload");
        assert_int_equal(unpacker.calls, 0);
    }
    for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        bench_packed(&b, file, make_zboot(file, 100, 100, methods[i]));
        refused(&b, ST_E_NOTSUP, "only gzip and zstd");
        assert_null(strchr(b.err.text, 0x1b)); /* nothing from a file steers the terminal */
    }
    bench_packed(&b, file, make_zboot(file, 100, 100, "gzip"));
    memset(file + 24, 'g', 32); /* a name without an end */
    refused(&b, ST_E_NOTSUP, "only gzip and zstd");
}

/* Each answer of the port in words of its own. */
static void test_answers(void **state)
{
    static const struct {
        enum status answer, status;
        const char *words;
    } cases[] = {
        { ST_E_FORMAT, ST_E_FORMAT, "vmlinuz: the gzip data is damaged or cut short" },
        { ST_E_RANGE, ST_E_RANGE, "larger than the 64 MiB of RAM; use more --memory" },
        { ST_E_NOTSUP, ST_E_NOTSUP, "this build cannot unpack gzip" },
        { ST_E_NOMEM, ST_E_NOMEM, "no host memory" },
        { ST_E_IO, ST_E_FORMAT, "damaged" },
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b;
        bench_packed(&b, gz, sizeof(gz));
        unpacker.answer = cases[i].answer;
        refused(&b, cases[i].status, cases[i].words);
    }
}

static void test_no_port(void **state)
{
    struct bench b;

    bench_packed(&b, zst, sizeof(zst));
    b.request.inflate = NULL;
    refused(&b, ST_E_NOTSUP, "cannot unpack zstd");
}

static void test_nested(void **state)
{
    uint8_t file[512];
    struct bench b;

    bench_packed(&b, gz, sizeof(gz));
    make_zboot(file, 64, 100, "zstd");
    unpacker.out[0] = file;
    unpacker.out_len[0] = sizeof(file);
    unpacker.out[1] = image;
    unpacker.out_len[1] = sizeof(image);
    plan_ok(&b);
    assert_string_equal(b.plan.packing[0], "gzip");
    assert_string_equal(b.plan.packing[1], "EFI zboot, zstd");
    assert_int_equal(unpacker.alive, 2);
    done(&b);

    bench_packed(&b, gz, sizeof(gz));
    for (unsigned i = 0; i < 3; i++) {
        unpacker.out[i] = gz;
        unpacker.out_len[i] = sizeof(gz);
    }
    refused(&b, ST_E_FORMAT, "packed more than 2 times");
    assert_int_equal(unpacker.calls, 2);
}

/* What comes out need not be an Image; it may be nothing at all. */
static void test_other_content(void **state)
{
    struct bench b;

    bench_packed(&b, gz, sizeof(gz));
    unpacker.out[0] = (const uint8_t *)"\x1f\x20\x03\xd5";
    unpacker.out_len[0] = 4;
    plan_ok(&b);
    assert_string_equal(b.plan.kind, "raw");
    done(&b);

    bench_packed(&b, gz, sizeof(gz));
    unpacker.out_len[0] = 0;
    refused(&b, ST_E_FORMAT, "vmlinuz is empty");
}

/* A failure after the unpacking gives the memory back. */
static void test_release_on_failure(void **state)
{
    struct bench b;

    bench_packed(&b, gz, sizeof(gz));
    b.memory.allowed = 0; /* none for the devicetree */
    refused(&b, ST_E_NOMEM, "no host memory");
}

static void test_foreign(void **state)
{
    static const struct {
        unsigned at;
        const char *magic;
        unsigned len;
        const char *words;
    } cases[] = {
        { 0x202, "HdrS", 4, "bzImage" },
        { 0x24, "\x18\x28\x6f\x01", 4, "zImage" },
        { 0, "\x27\x05\x19\x56", 4, "uImage" },
        { 0, "\xd0\x0d\xfe\xed", 4, "devicetree" },
        { 0,
          "\xfd"
          "7zXZ\0",
          6, "xz" },
        { 0, "BZh91AY", 7, "bzip2" },
        { 0, "\x04\x22\x4d\x18", 4, "lz4" },
        { 0, "\x02\x21\x4c\x18", 4, "lz4" },
        { 0, "PK\3\4", 4, "zip" },
        { 0, "QFI\xfb", 4, "qcow2" },
        { 0x8001, "CD001", 5, "ISO 9660" },
        { 0, "070701", 6, "cpio" },
        { 0, "MZ", 2, "PE" },
        { 0, "#!/bin/sh", 9, "script" },
        { 0x30, "RISCV\0\0\0", 8, "RISC-V" },
    };
    static uint8_t file[0x9000];

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b;
        memset(file, 0, sizeof(file));
        memcpy(file + cases[i].at, cases[i].magic, cases[i].len);
        bench_packed(&b, file, sizeof(file));
        refused(&b, ST_E_FORMAT, cases[i].words);
        /* cut inside the magic it is nobody's file */
        bench_packed(&b, file, cases[i].at + 1);
        plan_ok(&b);
        done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_zstd),
        cmocka_unit_test(test_zboot),
        cmocka_unit_test(test_zboot_bad),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_no_port),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_other_content),
        cmocka_unit_test(test_release_on_failure),
        cmocka_unit_test(test_foreign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
