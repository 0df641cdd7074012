/*
 * crypto.c - rows of the cryptographic instructions: AES-128 in counter mode, carry-less products, SHA-256, CRC-32C.
 */
#include <arm_acle.h>
#include <arm_neon.h>

#include "bench.h"

enum { N = 4096 };

static void noise(void *data, size_t n, uint64_t seed)
{
    uint8_t *p = data;

    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(rng(&seed) >> 20);
    }
}

static uint8x16_t aes_block(uint8x16_t v, const uint8x16_t key[11])
{
    for (int i = 0; i < 9; i++) {
        v = vaesmcq_u8(vaeseq_u8(v, key[i]));
    }
    return veorq_u8(vaeseq_u8(v, key[9]), key[10]);
}

ROW(aes128)
{
    static uint8_t data[N], round_keys[176];
    uint8x16_t key[11];
    uint64x2_t counter = vdupq_n_u64(1), one = vcombine_u64(vdup_n_u64(1), vdup_n_u64(0));

    noise(data, N, 1);
    noise(round_keys, sizeof(round_keys), 2);
    for (int i = 0; i < 11; i++) {
        key[i] = vld1q_u8(round_keys + 16 * i);
    }
    for (uint64_t n = 0; n < work; n++) {
        for (int i = 0; i < N; i += 32) {
            uint8x16_t a = aes_block(vreinterpretq_u8_u64(counter), key);
            counter = vaddq_u64(counter, one);
            uint8x16_t b = aes_block(vreinterpretq_u8_u64(counter), key);
            counter = vaddq_u64(counter, one);
            vst1q_u8(data + i, veorq_u8(vld1q_u8(data + i), a));
            vst1q_u8(data + i + 16, veorq_u8(vld1q_u8(data + i + 16), b));
        }
    }
    return fold_bytes(0, data, N);
}

static uint64x2_t clmul(uint64_t a, uint64_t b)
{
    return vreinterpretq_u64_p128(vmull_p64((poly64_t)a, (poly64_t)b));
}

ROW(pmull)
{
    static uint64_t data[N / 8];
    uint64x2_t hash = vdupq_n_u64(0);
    uint64_t h0 = 0x123456789abcdef1ull, h1 = 0xfedcba9876543210ull;

    noise(data, N, 4);
    for (uint64_t n = 0; n < work; n++) {
        for (int i = 0; i < N / 8; i += 2) {
            uint64x2_t v = veorq_u64(hash, vld1q_u64(data + i));
            uint64_t lo = vgetq_lane_u64(v, 0), hi = vgetq_lane_u64(v, 1);
            uint64x2_t low = clmul(lo, h0), high = clmul(hi, h1);
            uint64x2_t mid = veorq_u64(clmul(lo, h1), clmul(hi, h0));
            uint64x2_t fold1 = clmul(vgetq_lane_u64(high, 1), 0xc200000000000000ull);
            hash = veorq_u64(veorq_u64(low, vextq_u64(mid, mid, 1)), veorq_u64(fold1, high));
        }
    }
    return fold(vgetq_lane_u64(hash, 0), vgetq_lane_u64(hash, 1));
}

ROW(sha256hw)
{
    static uint32_t data[N / 4], k[64];
    uint32x4_t abcd = vdupq_n_u32(0x6a09e667), efgh = vdupq_n_u32(0x510e527f);

    noise(data, N, 6);
    noise(k, sizeof(k), 8);
    for (uint64_t n = 0; n < work; n++) {
        for (int block = 0; block < N / 4; block += 16) {
            uint32x4_t w[4], a = abcd, e = efgh;
            for (int i = 0; i < 4; i++) {
                w[i] = vreinterpretq_u32_u8(
                    vrev32q_u8(vreinterpretq_u8_u32(vld1q_u32(data + block + 4 * i))));
            }
            for (int i = 0; i < 16; i++) {
                uint32x4_t sum = vaddq_u32(w[i & 3], vld1q_u32(k + 4 * i)), old = abcd;
                if (i < 12) {
                    w[i & 3] = vsha256su1q_u32(vsha256su0q_u32(w[i & 3], w[(i + 1) & 3]),
                                               w[(i + 2) & 3], w[(i + 3) & 3]);
                }
                abcd = vsha256hq_u32(abcd, efgh, sum);
                efgh = vsha256h2q_u32(efgh, old, sum);
            }
            abcd = vaddq_u32(abcd, a);
            efgh = vaddq_u32(efgh, e);
        }
    }
    return fold_bytes(fold_bytes(0, &abcd, sizeof(abcd)), &efgh, sizeof(efgh));
}

ROW(crc32c)
{
    static uint64_t data[N / 8];
    uint32_t crc = ~0u;

    noise(data, N, 12);
    for (uint64_t n = 0; n < work; n++) {
        for (int i = 0; i < N / 8; i++) {
            crc = __crc32cd(crc, data[i]);
        }
        crc = __crc32cw(crc, (uint32_t)n);
    }
    return crc;
}
