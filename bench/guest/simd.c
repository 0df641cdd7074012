/*
 * simd.c - NEON rows: some as a compiler vectorises them (built with -O3), some in intrinsics as libraries are written.
 */
#include <arm_neon.h>

#include "bench.h"

enum { N = 4096 };

static void numbers(float *a, int n, float step)
{
    for (int i = 0; i < n; i++) {
        a[i] = (float)(i % 97) * step - 3;
    }
}

static void noise(void *data, size_t n, uint64_t seed)
{
    uint8_t *p = data;

    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(rng(&seed) >> 20);
    }
}

/* ---- fir32: a filter of 16 taps ---- */
ROW(fir32)
{
    static float in[N + 16], out[N], taps[16];

    numbers(in, N + 16, 0.25f);
    numbers(taps, 16, 0.03125f);
    for (uint64_t n = 0; n < work; n++) {
        for (int i = 0; i < N; i += 4) {
            float32x4_t sum = vdupq_n_f32(0);
            for (int k = 0; k < 16; k++) {
                sum = vfmaq_n_f32(sum, vld1q_f32(in + i + k), taps[k]);
            }
            vst1q_f32(out + i, sum);
        }
        in[n % N] = out[n * 7 % N] * 0.001f;
    }
    return fold_bytes(0, out, sizeof(out));
}

/* ---- saxpy ---- */
ROW(saxpy)
{
    static float x[N], y[N];

    numbers(x, N, 0.5f);
    numbers(y, N, 0.75f);
    for (uint64_t n = 0; n < work; n++) {
        float a = (float)(int)(n & 7) * 0.125f - 0.4f;
        for (int i = 0; i < N; i++) {
            y[i] = a * x[i] + y[i];
        }
        KEEP_MEMORY();
    }
    return fold_bytes(0, y, sizeof(y));
}

/* ---- f64: distances, roots, quotients, minimum and comparison, two lanes ---- */
ROW(f64)
{
    static double x[N], y[N], out[N];
    float64x2_t least = vdupq_n_f64(1e300);
    uint64x2_t count = vdupq_n_u64(0);

    for (int i = 0; i < N; i++) {
        x[i] = (double)(i % 89) * 0.37 - 5;
        y[i] = (double)(i % 83) * 0.21 + 1;
    }
    for (uint64_t n = 0; n < work; n++) {
        float64x2_t shift = vdupq_n_f64((double)(n & 15));
        for (int i = 0; i < N; i += 2) {
            float64x2_t a = vsubq_f64(vld1q_f64(x + i), shift), b = vld1q_f64(y + i);
            float64x2_t d = vsqrtq_f64(vfmaq_f64(vmulq_f64(a, a), b, b));
            least = vminq_f64(least, d);
            count = vsubq_u64(count, vcgtq_f64(d, b));
            vst1q_f64(out + i, vdivq_f64(d, b));
        }
    }
    return fold_bytes(0, out, sizeof(out)) + vgetq_lane_u64(count, 0) * 3 +
           vgetq_lane_u64(count, 1) + vgetq_lane_u64(vreinterpretq_u64_f64(least), 0);
}

/* ---- chacha: four blocks at a time ---- */
#define ROL(v, n) vsriq_n_u32(vshlq_n_u32(v, n), v, 32 - (n))
#define QUARTER(a, b, c, d)                                               \
    do {                                                                  \
        a = vaddq_u32(a, b), d = veorq_u32(d, a);                         \
        d = vreinterpretq_u32_u16(vrev32q_u16(vreinterpretq_u16_u32(d))); \
        c = vaddq_u32(c, d), b = veorq_u32(b, c), b = ROL(b, 12);         \
        a = vaddq_u32(a, b), d = veorq_u32(d, a), d = ROL(d, 8);          \
        c = vaddq_u32(c, d), b = veorq_u32(b, c), b = ROL(b, 7);          \
    } while (0)

static void chacha_blocks(const uint32_t state[16], uint32_t *out)
{
    static const uint32_t lanes[4] = { 0, 1, 2, 3 };
    uint32x4_t start[16], v[16];

    for (int i = 0; i < 16; i++) {
        start[i] = vdupq_n_u32(state[i]);
    }
    start[12] = vaddq_u32(start[12], vld1q_u32(lanes));
    for (int i = 0; i < 16; i++) {
        v[i] = start[i];
    }
    for (int round = 0; round < 10; round++) {
        QUARTER(v[0], v[4], v[8], v[12]);
        QUARTER(v[1], v[5], v[9], v[13]);
        QUARTER(v[2], v[6], v[10], v[14]);
        QUARTER(v[3], v[7], v[11], v[15]);
        QUARTER(v[0], v[5], v[10], v[15]);
        QUARTER(v[1], v[6], v[11], v[12]);
        QUARTER(v[2], v[7], v[8], v[13]);
        QUARTER(v[3], v[4], v[9], v[14]);
    }
    for (int i = 0; i < 16; i++) {
        vst1q_u32(out + 4 * i, vaddq_u32(v[i], start[i]));
    }
}

ROW(chacha)
{
    static uint32_t state[16], out[64];
    uint64_t sum = 0;

    noise(state, sizeof(state), 13);
    for (uint64_t n = 0; n < work; n++) {
        chacha_blocks(state, out);
        state[12] += 4;
        sum += out[n & 63];
    }
    return fold(sum, fold_bytes(0, out, sizeof(out)));
}

/* ---- blend8: pixels mixed by an alpha of their own, with rounding and saturation ---- */
ROW(blend8)
{
    static uint8_t a[N], b[N], alpha[N], out[N];

    noise(a, N, 3);
    noise(b, N, 5);
    noise(alpha, N, 7);
    for (uint64_t n = 0; n < work; n++) {
        uint8x16_t light = vdupq_n_u8((uint8_t)(n & 31));
        for (int i = 0; i < N; i += 16) {
            uint8x16_t va = vld1q_u8(a + i), vb = vld1q_u8(b + i), m = vld1q_u8(alpha + i);
            uint8x16_t k = vmvnq_u8(m);
            uint16x8_t low = vmull_u8(vget_low_u8(va), vget_low_u8(m));
            uint16x8_t high = vmull_high_u8(va, m);
            low = vmlal_u8(low, vget_low_u8(vb), vget_low_u8(k));
            high = vmlal_high_u8(high, vb, k);
            vst1q_u8(out + i,
                     vqaddq_u8(vcombine_u8(vrshrn_n_u16(low, 8), vrshrn_n_u16(high, 8)), light));
        }
        KEEP_MEMORY();
    }
    return fold_bytes(0, out, N);
}

/* ---- sad8: sums of absolute differences, as motion search wants them ---- */
ROW(sad8)
{
    static uint8_t a[N], b[N];
    uint64_t sum = 0;

    noise(a, N, 9);
    noise(b, N, 10);
    for (uint64_t n = 0; n < work; n++) {
        uint32x4_t total = vdupq_n_u32(0);
        for (int i = 0; i < N; i += 16) {
            uint8x16_t d = vabdq_u8(vld1q_u8(a + i), vld1q_u8(b + i));
            total = vpadalq_u16(total, vpaddlq_u8(d));
        }
        sum = fold(sum, vaddvq_u32(total));
        a[n % N] ^= 85;
    }
    return sum;
}

/* ---- dot16: products of 16-bit samples, as the compiler vectorises them ---- */
ROW(dot16)
{
    static int16_t a[N], b[N];
    uint64_t sum = 0;

    noise(a, sizeof(a), 21);
    noise(b, sizeof(b), 22);
    for (uint64_t n = 0; n < work; n++) {
        int32_t dot = 0;
        for (int i = 0; i < N; i++) {
            dot += (a[i] >> 4) * (b[i] >> 4);
        }
        sum = fold(sum, (uint32_t)dot);
        a[n % N]++;
    }
    return sum;
}

/* ---- tbl: bytes translated by a table of 64, interleaved and reversed ---- */
ROW(tbl)
{
    static uint8_t in[N], out[N], table[64];
    uint8x16x4_t t;

    noise(in, N, 40);
    noise(table, 64, 41);
    for (uint64_t n = 0; n < work; n++) {
        table[n & 63] += 3;
        t = vld1q_u8_x4(table);
        for (int i = 0; i < N; i += 32) {
            uint8x16_t x = vqtbl4q_u8(t, vandq_u8(vld1q_u8(in + i), vdupq_n_u8(63)));
            uint8x16_t y = vqtbl4q_u8(t, vshrq_n_u8(vld1q_u8(in + i + 16), 2));
            y = vextq_u8(vrev64q_u8(y), vrev64q_u8(y), 8);
            vst1q_u8(out + i, vzip1q_u8(x, y));
            vst1q_u8(out + i + 16, vzip2q_u8(x, y));
        }
        KEEP_MEMORY();
    }
    return fold_bytes(0, out, N);
}
