/*
 * test_inflate.c - the hosted unpackers: several members, padding, bounds, and every way of being
 * cut or damaged.
 *
 * A build without one of the libraries must say so, and that is then the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "io/inflate.h"

#define PLAIN_LEN 300000

static uint8_t plain[PLAIN_LEN], packed[2 * PLAIN_LEN];

typedef enum status (*unpack_fn)(void *opaque, const uint8_t *in, size_t len, size_t max,
                                 struct inflated *out);

static int make_plain(void **state)
{
    uint32_t x = 1;

    for (size_t i = 0; i < PLAIN_LEN; i++) { /* half noise, half repetition */
        x = x * 1664525 + 1013904223;
        plain[i] = i % 2000 < 1000 ? (uint8_t)(x >> 24) : (uint8_t)(i / 2000);
    }
    return 0;
}

static void expect(unpack_fn unpack, size_t len, size_t max, enum status want, size_t times)
{
    struct inflated out = { (uint8_t *)1, 1 };
    uint8_t *exact = malloc(len + 1);
    uint8_t *in = memcpy(exact + 1, packed, len); /* the sanitizer sees a byte read too far */

    assert_int_equal(unpack(inflate_host.opaque, in, len, max, &out), want);
    if (want == ST_OK) {
        assert_int_equal(out.len, times * PLAIN_LEN);
        for (size_t i = 0; i < times; i++) {
            assert_memory_equal(out.bytes + i * PLAIN_LEN, plain, PLAIN_LEN);
        }
        inflate_host.release(inflate_host.opaque, &out);
        assert_null(out.bytes);
    } else {
        assert_ptr_equal(out.bytes, (uint8_t *)1); /* untouched */
    }
    free(exact);
}

#if HV_HAVE_ZLIB || HV_HAVE_ZSTD
/* The rules that hold for both formats; packed holds one stream of len bytes. */
static void common_rules(unpack_fn unpack, size_t len)
{
    expect(unpack, len, SIZE_MAX, ST_OK, 1);
    expect(unpack, len, PLAIN_LEN, ST_OK, 1);
    expect(unpack, len, PLAIN_LEN - 1, ST_E_RANGE, 0);
    expect(unpack, len, 1, ST_E_RANGE, 0);
    expect(unpack, len, 0, ST_E_RANGE, 0);
    for (size_t cut = 0; cut < len; cut += cut < 64 || cut > len - 64 ? 1 : 997) {
        expect(unpack, cut, SIZE_MAX, ST_E_FORMAT, 0);
    }

    memset(packed + len, 0, 100); /* padding behind the stream */
    expect(unpack, len + 100, SIZE_MAX, ST_OK, 1);
    expect(unpack, len + 3, SIZE_MAX, ST_OK, 1);

    memcpy(packed + len, packed, len); /* two of them */
    expect(unpack, 2 * len, SIZE_MAX, ST_OK, 2);
    expect(unpack, 2 * len, 2 * PLAIN_LEN, ST_OK, 2);
    expect(unpack, 2 * len, 2 * PLAIN_LEN - 1, ST_E_RANGE, 0);
    expect(unpack, 2 * len - 5, SIZE_MAX, ST_E_FORMAT, 0);

    packed[len / 2] ^= 0x40;
    expect(unpack, len, SIZE_MAX, ST_E_FORMAT, 0);
    packed[len / 2] ^= 0x40;
    packed[0] ^= 1;
    expect(unpack, len, SIZE_MAX, ST_E_FORMAT, 0);
}
#endif

#if HV_HAVE_ZLIB
#include <zlib.h>

static size_t gzip_plain(void)
{
    z_stream z = { 0 };

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = plain;
    z.avail_in = PLAIN_LEN;
    z.next_out = packed;
    z.avail_out = sizeof(packed);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t len = z.total_out;
    deflateEnd(&z);
    return len;
}

static void test_gzip(void **state)
{
    assert_true(inflate_has_zlib);
    size_t len = gzip_plain();
    common_rules(inflate_host.gunzip, len);
    len = gzip_plain();
    packed[len - 6] ^= 1; /* the check value */
    expect(inflate_host.gunzip, len, SIZE_MAX, ST_E_FORMAT, 0);
}
#else
static void test_gzip(void **state)
{
    assert_false(inflate_has_zlib);
    expect(inflate_host.gunzip, 20, SIZE_MAX, ST_E_NOTSUP, 0);
}
#endif

#if HV_HAVE_ZSTD
#include <zstd.h>

static void test_zstd(void **state)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();

    assert_true(inflate_has_zstd);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    size_t len = ZSTD_compress2(c, packed, sizeof(packed), plain, PLAIN_LEN);
    assert_false(ZSTD_isError(len));
    ZSTD_freeCCtx(c);
    common_rules(inflate_host.unzstd, len);
}

/* A kernel is packed with --ultra -22; its window is as large as the format's recommended limit. */
static void test_zstd_ultra(void **state)
{
    size_t len = ZSTD_compress(packed, sizeof(packed), plain, PLAIN_LEN, 22);

    assert_false(ZSTD_isError(len));
    expect(inflate_host.unzstd, len, SIZE_MAX, ST_OK, 1);
}
#else
static void test_zstd(void **state)
{
    assert_false(inflate_has_zstd);
    expect(inflate_host.unzstd, 20, SIZE_MAX, ST_E_NOTSUP, 0);
}

static void test_zstd_ultra(void **state)
{
    expect(inflate_host.unzstd, 0, SIZE_MAX, ST_E_NOTSUP, 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_zstd),
        cmocka_unit_test(test_zstd_ultra),
    };

    return cmocka_run_group_tests(tests, make_plain, NULL);
}
