/*
 * test_qarma.c - QARMA-64 against the published examples, and against the cipher as the paper writes it: cell by cell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/qarma.h"

/* R. Avanzi, "The QARMA Block Cipher Family", appendix with test vectors, QARMA-64. */
#define TEXT  0xfb623599da6e8127ull
#define W0    0x84be85ce9804e94bull
#define K0    0xec2802d4e0a488e9ull
#define TWEAK 0x477d469dec0b8762ull

static void test_published(void **state)
{
    static const struct {
        enum qarma_sigma sigma;
        unsigned rounds;
        uint64_t cipher;
    } row[] = {
        { QARMA_SIGMA0, 5, 0x3ee99a6c82af0c38 }, { QARMA_SIGMA0, 6, 0x9f5c41ec525603c9 },
        { QARMA_SIGMA0, 7, 0xbcaf6c89de930765 }, { QARMA_SIGMA1, 5, 0x544b0ab95bda7c3a },
        { QARMA_SIGMA1, 6, 0xa512dd1e4e3ec582 }, { QARMA_SIGMA1, 7, 0xedf67ff370a483f2 },
        { QARMA_SIGMA2, 5, 0xc003b93999b33765 }, { QARMA_SIGMA2, 6, 0x270a787275c48d10 },
        { QARMA_SIGMA2, 7, 0x5c06a7501b63b2fd },
    };

    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_int_equal(qarma64(TEXT, TWEAK, W0, K0, row[i].rounds, row[i].sigma), row[i].cipher);
    }
    assert_int_equal(qarma5(TEXT, TWEAK, W0, K0), 0xc003b93999b33765);
}

/* ---- The cipher again, in cells -------------------------------------------------------------- */

typedef struct {
    uint8_t c[16];
} cells;

static cells split(uint64_t x)
{
    cells s;

    for (int i = 0; i < 16; i++) {
        s.c[i] = x >> (60 - 4 * i) & 15;
    }
    return s;
}

static cells plus(cells a, cells b)
{
    for (int i = 0; i < 16; i++) {
        a.c[i] ^= b.c[i];
    }
    return a;
}

static const uint8_t sigma[3][16] = {
    { 0, 14, 2, 10, 9, 15, 8, 11, 6, 4, 3, 7, 13, 12, 1, 5 },
    { 10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4 },
    { 11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10 },
};
static const uint8_t tau[16] = { 0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2 };
static const uint8_t h[16] = { 6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11 };
static const uint64_t constant[] = { 0, 0x13198a2e03707344, 0xa4093822299f31d0,
                                     0x082efa98ec4e6c89 };

static cells boxed(cells s, const uint8_t box[16], int inverse)
{
    for (int i = 0; i < 16; i++) {
        uint8_t y = box[s.c[i]];
        for (uint8_t x = 0; inverse && x < 16; x++) {
            y = box[x] == s.c[i] ? x : y;
        }
        s.c[i] = y;
    }
    return s;
}

static cells permuted(cells s, const uint8_t p[16], int inverse)
{
    cells r;

    for (int i = 0; i < 16; i++) {
        r.c[inverse ? p[i] : i] = s.c[inverse ? i : p[i]];
    }
    return r;
}

static uint8_t rho(uint8_t x, int n)
{
    return (uint8_t)((x << n | x >> (4 - n)) & 15);
}

static cells mixed(cells s)
{
    static const int m[4][4] = {
        { -1, 1, 2, 1 }, { 1, -1, 1, 2 }, { 2, 1, -1, 1 }, { 1, 2, 1, -1 }
    };
    cells r = { { 0 } };

    for (int row = 0; row < 4; row++) {
        for (int col = 0; col < 4; col++) {
            for (int k = 0; k < 4; k++) {
                if (m[row][k] >= 0) {
                    r.c[4 * row + col] ^= rho(s.c[4 * k + col], m[row][k]);
                }
            }
        }
    }
    return r;
}

static cells next(cells t)
{
    static const int lfsr[] = { 0, 1, 3, 4, 8, 11, 13 };

    t = permuted(t, h, 0);
    for (int i = 0; i < 7; i++) {
        uint8_t x = t.c[lfsr[i]];
        t.c[lfsr[i]] = (uint8_t)(((x ^ x >> 1) & 1) << 3 | x >> 1);
    }
    return t;
}

static uint64_t by_cells(uint64_t text, uint64_t tweak, uint64_t w0, uint64_t k0, int rounds,
                         const uint8_t box[16])
{
    uint64_t w1 = (w0 >> 1 | w0 << 63) ^ w0 >> 63, result = 0;
    cells t[8] = { split(tweak) }, s = plus(split(text), split(w0)), key = split(k0);

    for (int i = 0; i < rounds; i++) {
        s = plus(plus(plus(s, key), t[i]), split(constant[i]));
        s = boxed(i > 0 ? mixed(permuted(s, tau, 0)) : s, box, 0);
        t[i + 1] = next(t[i]);
    }
    s = boxed(mixed(permuted(plus(plus(s, split(w1)), t[rounds]), tau, 0)), box, 0);
    s = permuted(plus(mixed(permuted(s, tau, 0)), key), tau, 1);
    s = plus(plus(permuted(mixed(boxed(s, box, 1)), tau, 1), split(w0)), t[rounds]);
    for (int i = rounds - 1; i >= 0; i--) {
        s = boxed(s, box, 1);
        s = i > 0 ? permuted(mixed(s), tau, 1) : s;
        s = plus(plus(plus(plus(s, key), t[i]), split(constant[i])), split(0xc0ac29b7c97c50dd));
    }
    s = plus(s, split(w1));
    for (int i = 0; i < 16; i++) {
        result = result << 4 | s.c[i];
    }
    return result;
}

static void test_three_rounds(void **state)
{
    uint64_t x = 1;

    for (unsigned i = 0; i < 2000; i++) {
        uint64_t v[4];
        for (unsigned n = 0; n < 4; n++) {
            x = x * 6364136223846793005ull + 1442695040888963407ull;
            v[n] = x ^ x >> 29;
        }
        assert_int_equal(qarma3(v[0], v[1], v[2], v[3]),
                         by_cells(v[0], v[1], v[2], v[3], 3, sigma[1]));
        for (unsigned s = 0; s < 3; s++) {
            for (int r = 1; r <= 4; r++) {
                assert_int_equal(qarma64(v[0], v[1], v[2], v[3], (unsigned)r, (enum qarma_sigma)s),
                                 by_cells(v[0], v[1], v[2], v[3], r, sigma[s]));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_three_rounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
