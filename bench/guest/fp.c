/*
 * fp.c - scalar floating point rows. Results are compared bit by bit between machines, so nothing here may depend on a
 * library: sine, exponential and logarithm are our own.
 */
#include "bench.h"

static double fsqrt(double v)
{
    __asm__("fsqrt %d0, %d1" : "=w"(v) : "w"(v));
    return v;
}

static double frintn(double v)
{
    __asm__("frintn %d0, %d1" : "=w"(v) : "w"(v));
    return v;
}

static uint64_t bits_of(double v)
{
    uint64_t b;

    __builtin_memcpy(&b, &v, sizeof(b));
    return b;
}

static double from_bits(uint64_t b)
{
    double v;

    __builtin_memcpy(&v, &b, sizeof(v));
    return v;
}

/* ---- nbody: five bodies under gravity ---- */
struct body {
    double x[3], v[3], mass;
};

static void nbody_step(struct body *b, double dt)
{
    for (int i = 0; i < 5; i++) {
        for (int j = i + 1; j < 5; j++) {
            double d[3], r2 = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = b[i].x[k] - b[j].x[k];
                r2 += d[k] * d[k];
            }
            double mag = dt / (r2 * fsqrt(r2));
            for (int k = 0; k < 3; k++) {
                b[i].v[k] -= d[k] * b[j].mass * mag;
                b[j].v[k] += d[k] * b[i].mass * mag;
            }
        }
    }
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 3; k++) {
            b[i].x[k] += dt * b[i].v[k];
        }
    }
}

ROW(nbody)
{
    struct body b[5] = {
        { { 0, 0, 0 }, { 0, 0, 0 }, 39.5 },
        { { 4.8, -1.2, -0.1 }, { 0.6, 2.8, -0.02 }, 0.038 },
        { { 8.3, 4.1, -0.4 }, { -1.0, 1.8, 0.008 }, 0.011 },
        { { 12.9, -15.1, -0.2 }, { 1.1, 0.9, -0.01 }, 0.0017 },
        { { 15.4, -25.9, 0.18 }, { 1.0, 0.6, -0.03 }, 0.002 },
    };

    for (uint64_t n = 0; n < work; n++) {
        nbody_step(b, 0.01);
    }
    return fold_bytes(0, b, sizeof(b));
}

/* ---- mandel ---- */
ROW(mandel)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        double ci = -1.25 + (double)(n % 256) / 100, cr = -2.0 + (double)(n / 256 % 256) / 85;
        double zr = 0, zi = 0;
        int i = 0;
        while (i < 100 && zr * zr + zi * zi < 4) {
            double t = zr * zr - zi * zi + cr;
            zi = 2 * zr * zi + ci;
            zr = t;
            i++;
        }
        sum = fold(sum, (uint64_t)i);
    }
    return sum;
}

/* ---- matrices of 48 x 48, in double and in single ---- */
#define MATMUL(name, type)                               \
    ROW(name)                                            \
    {                                                    \
        enum { N = 48 };                                 \
        static type a[N][N], b[N][N], c[N][N];           \
        for (int i = 0; i < N; i++) {                    \
            for (int j = 0; j < N; j++) {                \
                a[i][j] = (type)(i + 2 * j) / 7;         \
                b[i][j] = (type)(3 * i - j) / 11;        \
            }                                            \
        }                                                \
        for (uint64_t n = 0; n < work; n++) {            \
            for (int i = 0; i < N; i++) {                \
                for (int j = 0; j < N; j++) {            \
                    type sum = 0;                        \
                    for (int k = 0; k < N; k++) {        \
                        sum += a[i][k] * b[k][j];        \
                    }                                    \
                    c[i][j] = sum;                       \
                }                                        \
            }                                            \
            a[n % N][n / N % N] = c[n % N][0] / 1000000; \
        }                                                \
        return fold_bytes(0, c, sizeof(c));              \
    }
MATMUL(matmul64, double)
MATMUL(matmul32, float)

/* ---- divsqrt: quotients and roots, of both sizes ---- */
ROW(divsqrt)
{
    double a = 1.5, b = 0.3;
    float f = 2;

    for (uint64_t n = 1; n <= work; n++) {
        a = fsqrt(a * 3.7 + (double)n);
        b = (b + a) / (a + 1.25);
        f = 1.0f / (f + (float)b);
    }
    return bits_of(a) ^ bits_of(b) * 3 ^ bits_of((double)f);
}

/* ---- cvt: between integers and floating point, of all sizes, with comparisons ---- */
ROW(cvt)
{
    uint64_t seed = 77, sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        int64_t i = (int64_t)rng(&seed) >> (n & 31);
        double d = (double)i * 0.37;
        float f = (float)d;
        sum += (uint64_t)(int64_t)(d * 0.001) + (uint64_t)(uint32_t)(int32_t)(f * 1e-12f);
        d = (double)f - (double)(uint32_t)n;
        sum ^= bits_of(d);
        sum += d > 0 ? 3 : d < -1e9 ? 5 : 7;
        sum += bits_of(frintn(d * 1e-6));
    }
    return sum;
}

/* ---- sin, exp, log: reduction of the argument, a polynomial, and a scale made of bits ---- */
static double exp_of(double x)
{
    double n = frintn(x * 1.4426950408889634), r = x - n * 0.693147180369123816, p = 1;

    r -= n * 1.90821492927058770e-10;
    for (int i = 11; i > 0; i--) {
        p = 1 + p * r / i;
    }
    return p * from_bits((uint64_t)((int64_t)n + 1023) << 52);
}

static double log_of(double x)
{
    uint64_t b = bits_of(x);
    int64_t e = (int64_t)(b >> 52) - 1023;
    double m = from_bits((b & 0xfffffffffffffull) | 1023ull << 52);

    if (m > 1.4142135623730951) {
        m /= 2;
        e++;
    }
    double s = (m - 1) / (m + 1), s2 = s * s;
    double p =
        2 + s2 * (2.0 / 3 + s2 * (2.0 / 5 + s2 * (2.0 / 7 + s2 * (2.0 / 9 + s2 * (2.0 / 11)))));
    return s * p + (double)e * 0.6931471805599453;
}

static double sin_of(double x)
{
    double n = frintn(x * 0.3183098861837907), r = x - n * 3.141592653589793, r2 = r * r;

    r *= 1 +
         r2 * (-1.0 / 6 +
               r2 * (1.0 / 120 + r2 * (-1.0 / 5040 + r2 * (1.0 / 362880 - r2 * (1.0 / 39916800)))));
    return ((int64_t)n & 1) != 0 ? -r : r;
}

ROW(libm)
{
    double x = 0.1, sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        x += 0.37;
        x = x > 40 ? x - 39.5 : x;
        sum += sin_of(x) * 0.5 + log_of(x) + exp_of(-x);
    }
    return bits_of(sum);
}

/* ---- fft: 256 complex points, radix 2 ---- */
enum { POINTS = 256 };

static void fft(double re[POINTS], double im[POINTS], const double *cosine, const double *sine)
{
    for (int i = 1, j = 0; i < POINTS; i++) {
        int bit = POINTS >> 1;
        for (; (j & bit) != 0; bit >>= 1) {
            j ^= bit;
        }
        j ^= bit;
        if (i < j) {
            double t = re[i];
            re[i] = re[j], re[j] = t;
            t = im[i];
            im[i] = im[j], im[j] = t;
        }
    }
    for (int half = 1; half < POINTS; half *= 2) {
        for (int i = 0; i < POINTS; i += 2 * half) {
            for (int k = 0; k < half; k++) {
                double c = cosine[k * (POINTS / 2 / half)], s = sine[k * (POINTS / 2 / half)];
                double *r = &re[i + k], *m = &im[i + k];
                double tr = r[half] * c - m[half] * s, ti = r[half] * s + m[half] * c;
                r[half] = r[0] - tr, m[half] = m[0] - ti;
                r[0] += tr, m[0] += ti;
            }
        }
    }
}

ROW(fft)
{
    static double re[POINTS], im[POINTS], cosine[POINTS / 2], sine[POINTS / 2];

    for (int i = 0; i < POINTS / 2; i++) {
        double angle = -6.283185307179586 * i / POINTS;
        cosine[i] = sin_of(angle + 1.5707963267948966);
        sine[i] = sin_of(angle);
    }
    for (int i = 0; i < POINTS; i++) {
        re[i] = (i * 37) % 101;
    }
    for (uint64_t n = 0; n < work; n++) {
        fft(re, im, cosine, sine);
        for (int i = 0; i < POINTS; i++) {
            re[i] *= 0.0625;
            im[i] *= -0.0625;
        }
    }
    return fold_bytes(fold_bytes(0, re, sizeof(re)), im, sizeof(im));
}
