/*
 * kernels.c - the integer benchmark programs, one of them chosen by -DKERNEL=name; each prints its
 * checksum.
 *
 * They stand for kinds of code, not for anybody's benchmark: sorting, calls, table look-ups,
 * pointer chasing, hashing, an interpreter loop, virtual calls, bit tricks, string work, division.
 */
#include <stddef.h>
#include <stdint.h>

static uint32_t rng_state = 12345;

static uint32_t rng(void)
{
    rng_state = rng_state * 1664525u + 1013904223u;
    return rng_state >> 8;
}

/* ---- sort: quicksort of 200 000 words, 12 times ---- */
static uint32_t words[1 << 18];

static void quicksort(uint32_t *a, long lo, long hi)
{
    while (lo < hi) {
        uint32_t pivot = a[(lo + hi) / 2];
        long i = lo, j = hi;
        while (i <= j) {
            while (a[i] < pivot) {
                i++;
            }
            while (a[j] > pivot) {
                j--;
            }
            if (i <= j) {
                uint32_t t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        quicksort(a, lo, j);
        lo = i;
    }
}

static uint64_t sort(void)
{
    uint64_t sum = 0;

    for (int r = 0; r < 12; r++) {
        for (int i = 0; i < 200000; i++) {
            words[i] = rng();
        }
        quicksort(words, 0, 199999);
        for (int i = 0; i < 200000; i += 1000) {
            sum = sum * 31 + words[i];
        }
    }
    return sum;
}

/* ---- calls: Fibonacci the slow way ---- */
__attribute__((noinline)) static uint64_t fib(uint64_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint64_t calls(void)
{
    return fib(36);
}

/* ---- crc: byte table ---- */
static uint64_t crc(void)
{
    static uint32_t table[256];
    static uint8_t data[65536];
    uint32_t c = ~0u;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int k = 0; k < 8; k++) {
            v = v & 1 ? v >> 1 ^ 0xedb88320u : v >> 1;
        }
        table[i] = v;
    }
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)rng();
    }
    for (int r = 0; r < 900; r++) {
        for (size_t i = 0; i < sizeof(data); i++) {
            c = table[(c ^ data[i]) & 255] ^ c >> 8;
        }
    }
    return c;
}

/* ---- chase: a random cycle through 256 KiB ---- */
static uint64_t chase(void)
{
    enum { N = 32768 };
    static void *cell[N];
    static uint32_t order[N];

    for (uint32_t i = 0; i < N; i++) {
        order[i] = i;
    }
    for (uint32_t i = N - 1; i > 0; i--) {
        uint32_t j = rng() % (i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (uint32_t i = 0; i < N; i++) {
        cell[order[i]] = &cell[order[(i + 1) % N]];
    }
    void **p = &cell[0];
    for (int i = 0; i < 100000000; i++) {
        p = *p;
    }
    return (uint64_t)(p - cell);
}

/* ---- hash: SHA-256 rounds ---- */
static uint32_t ror(uint32_t v, int n)
{
    return v >> n | v << (32 - n);
}

static uint64_t hash(void)
{
    static uint32_t k[64];
    uint32_t h[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

    for (int i = 0; i < 64; i++) {
        k[i] = rng() * 2654435761u;
    }
    for (int block = 0; block < 130000; block++) {
        uint32_t w[64], s[8];
        for (int i = 0; i < 16; i++) {
            w[i] = (uint32_t)block * 77 + (uint32_t)i;
        }
        for (int i = 16; i < 64; i++) {
            w[i] = w[i - 16] + w[i - 7] +
                   (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
                   (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
        }
        for (int i = 0; i < 8; i++) {
            s[i] = h[i];
        }
        for (int i = 0; i < 64; i++) {
            uint32_t t1 = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) +
                          ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
            uint32_t t2 = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) +
                          ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
            s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + t1, s[3] = s[2], s[2] = s[1],
            s[1] = s[0], s[0] = t1 + t2;
        }
        for (int i = 0; i < 8; i++) {
            h[i] += s[i];
        }
    }
    return (uint64_t)h[0] << 32 | h[7];
}

/* ---- vm: a byte-code interpreter with a switch ---- */
static uint64_t vm(void)
{
    /* r1 = 0; loop: r1 += r0 * 3; r1 ^= r1 >> 7; if (--r0) loop */
    static const uint8_t code[] = { 0, 1, 2, 3, 4, 5, 6 };
    uint64_t r[4] = { 12000000, 1, 0, 0 };

    for (size_t pc = 0;;) {
        switch (code[pc]) {
        case 0:
            r[2] = r[0];
            pc++;
            break;
        case 1:
            r[2] *= 3;
            pc++;
            break;
        case 2:
            r[1] += r[2];
            pc++;
            break;
        case 3:
            r[3] = r[1] >> 7;
            pc++;
            break;
        case 4:
            r[1] ^= r[3];
            pc++;
            break;
        case 5:
            r[0]--;
            pc++;
            break;
        default:
            if (r[0] == 0) {
                return r[1];
            }
            pc = 0;
        }
    }
}

/* ---- virtuals: calls through pointers ---- */
typedef uint64_t op_fn(uint64_t);
static uint64_t op_a(uint64_t v)
{
    return v * 5 + 1;
}
static uint64_t op_b(uint64_t v)
{
    return v ^ v >> 9;
}
static uint64_t op_c(uint64_t v)
{
    return v + 0x9e3779b9;
}
static uint64_t op_d(uint64_t v)
{
    return v << 3 | v >> 61;
}
static op_fn *volatile ops[4] = { op_a, op_b, op_c, op_d };

static uint64_t virtuals(void)
{
    uint64_t v = 1;

    for (uint32_t i = 0; i < 40000000; i++) {
        v = ops[(i ^ i >> 3) & 3](v);
    }
    return v;
}

/* ---- bits: population counts, leading zeros, permutations ---- */
static uint64_t bits(void)
{
    uint64_t x = 88172645463325252ull, sum = 0;

    for (int i = 0; i < 60000000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        sum += (uint64_t)__builtin_clzll(x | 1) + (x & 0xff00ff) + (x >> 60 == 3 ? 7 : 1);
    }
    return sum;
}

/* ---- strings: byte copies, compares and searches ---- */
static uint64_t strings(void)
{
    static char text[40000], copy[40000];
    uint64_t sum = 0;

    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        text[i] = (char)('a' + rng() % 26);
    }
    for (int r = 0; r < 1500; r++) {
        size_t n = 0;
        while ((copy[n] = text[n]) != 0) {
            n++;
        }
        copy[n / 2] = (char)('a' + r % 26);
        for (size_t i = 0; i < n && copy[i] == text[i]; i++) {
            sum++;
        }
        for (size_t i = 0; i < n; i++) {
            sum += copy[i] == 'q';
        }
    }
    return sum;
}

/* ---- divide: division and remainder ---- */
static uint64_t divide(void)
{
    uint64_t sum = 0;

    for (uint64_t i = 1; i < 40000000; i++) {
        sum += (0x123456789abcdefull ^ sum) / (i | 3);
        sum ^= i % 1000003 * 7;
    }
    return sum;
}

// What starting and ending cost: bench.py takes it off the others.
static uint64_t nothing(void)
{
    return 0;
}

#ifndef TIMES
#define TIMES 1
#endif

static void put(char c)
{
    *(volatile uint32_t *)0x09000000 = (uint32_t)c;
}

int main(void);

int main(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < TIMES; i++) {
        sum = sum * 31 + KERNEL();
    }
    for (int i = 60; i >= 0; i -= 4) {
        put("0123456789abcdef"[sum >> i & 15]);
    }
    put('\n');
    return 0;
}
