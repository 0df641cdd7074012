/*
 * integer.c - integer rows: mixed work, hashing, sorting, table look-ups, multiplication and division, bit tricks,
 * SHA-256 without its instructions.
 */
#include "bench.h"

// Nothing: what starting and ending cost; bench.py takes it off the others.
ROW(nothing)
{
    return work;
}

/* ---- mix: a linked list, a small matrix, a state machine and a CRC in turn, as embedded code has them ---- */
struct item {
    struct item *next;
    int16_t key, value;
};

static struct item *list_reverse(struct item *list)
{
    struct item *out = NULL;

    while (list != NULL) {
        struct item *next = list->next;
        list->next = out;
        out = list;
        list = next;
    }
    return out;
}

static uint16_t crc16(uint16_t v, uint16_t crc)
{
    for (int i = 0; i < 16; i++, v >>= 1) {
        crc = (uint16_t)(((crc ^ v) & 1) != 0 ? crc >> 1 ^ 0xa001 : crc >> 1);
    }
    return crc;
}

static int32_t matrix(int16_t a[12][12], const int16_t b[12][12], int32_t c[12][12])
{
    int32_t sum = 0;

    for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 12; j++) {
            int32_t v = 0;
            for (int k = 0; k < 12; k++) {
                v += a[i][k] * b[k][j];
            }
            c[i][j] = v;
            sum += v >> 3 & 255;
        }
        a[i][i] = (int16_t)(a[i][i] + 1);
    }
    return sum;
}

// Counts numbers of the forms 12, -3, 4.5 and 6e7 in text.
static uint32_t numbers(const char *text)
{
    enum { START, SIGN, INT, POINT, FRACTION, EXPONENT, BAD } state = START;
    uint32_t count = 0;

    for (const char *p = text;; p++) {
        char c = *p;
        if (c == ',' || c == 0) {
            count += (state == INT ? 1u : 0u) + (state == FRACTION ? 16u : 0u) +
                     (state == EXPONENT ? 256u : 0u);
            state = START;
            if (c == 0) {
                return count;
            }
        } else if (c >= '0' && c <= '9') {
            state = state == START || state == SIGN ? INT : state == POINT ? FRACTION : state;
        } else if (c == '-' || c == '+') {
            state = state == START ? SIGN : BAD;
        } else if (c == '.') {
            state = state == INT ? POINT : BAD;
        } else {
            state = (state == INT || state == FRACTION) && c == 'e' ? EXPONENT : BAD;
        }
    }
}

ROW(mix)
{
    static struct item items[80];
    static int16_t a[12][12], b[12][12];
    static int32_t c[12][12];
    uint64_t seed = 7;
    struct item *list = NULL;
    uint16_t crc = 0xffff;

    for (int i = 0; i < 80; i++) {
        items[i] = (struct item){ list, (int16_t)(rng(&seed) & 0x3ff), (int16_t)i };
        list = &items[i];
    }
    for (int i = 0; i < 144; i++) {
        a[i / 12][i % 12] = (int16_t)(rng(&seed) & 127);
        b[i / 12][i % 12] = (int16_t)(rng(&seed) & 127);
    }
    for (uint64_t n = 0; n < work; n++) {
        int32_t key = (int32_t)(n & 0x3ff), near = 0x7fff;
        list = list_reverse(list);
        for (struct item *p = list; p != NULL; p = p->next) {
            int32_t far = p->key > key ? p->key - key : key - p->key;
            near = far < near ? far : near;
        }
        crc = crc16((uint16_t)near, crc);
        crc = crc16((uint16_t)matrix(a, b, c), crc);
        crc = crc16((uint16_t)numbers("12,-7,3.25,+x,7e5,99.1.2,,1234567,0.5,-0.25,8e"), crc);
    }
    return crc;
}

/* ---- hash: a table with open addressing ---- */
ROW(hash)
{
    enum { SLOTS = 1 << 15 };
    static uint64_t key[SLOTS], value[SLOTS];
    uint64_t seed = 99, found = 0, used = 0;

    for (uint64_t n = 0; n < work; n++) {
        uint64_t k = (rng(&seed) & 0x7fff) + 1, h = k * 0x9e3779b97f4a7c15ull >> 49;
        while (key[h] != 0 && key[h] != k) {
            h = (h + 1) % SLOTS;
        }
        if (key[h] == k) {
            found += value[h]++;
        } else if (used < SLOTS / 2) {
            key[h] = k;
            value[h] = n & 15;
            used++;
        }
    }
    return fold(found, used);
}

/* ---- sort: quicksort of 50 000 words ---- */
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

ROW(sort)
{
    enum { N = 50000 };
    static uint32_t words[N];
    uint64_t sum = 0, seed = 12345;

    for (uint64_t r = 0; r < work; r++) {
        for (int i = 0; i < N; i++) {
            words[i] = (uint32_t)rng(&seed);
        }
        quicksort(words, 0, N - 1);
        for (int i = 0; i < N; i += 997) {
            sum = fold(sum, words[i]);
        }
    }
    return sum;
}

/* ---- crc32: a byte and a table look-up at a time ---- */
ROW(crc32)
{
    static uint32_t table[256];
    static uint8_t data[65536];
    uint64_t seed = 3;
    uint32_t c = ~0u;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int k = 0; k < 8; k++) {
            v = (v & 1) != 0 ? v >> 1 ^ 0xedb88320u : v >> 1;
        }
        table[i] = v;
    }
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)rng(&seed);
    }
    for (uint64_t r = 0; r < work; r++) {
        for (size_t i = 0; i < sizeof(data); i++) {
            c = table[(c ^ data[i]) & 255] ^ c >> 8;
        }
    }
    return c;
}

/* ---- muldiv: products, high halves, quotients, remainders, of both signs and sizes ---- */
ROW(muldiv)
{
    uint64_t x = 0x123456789abcdefull, sum = 0;

    for (uint64_t i = 1; i <= work; i++) {
        x = x * 6364136223846793005ull + i;
        sum += x / (i | 3);
        sum ^= (uint64_t)((unsigned __int128)x * sum >> 64);
        sum += (uint64_t)((int64_t)x / (int64_t)(sum >> 40 | 1));
        sum += (uint32_t)x % ((uint32_t)i | 1u);
    }
    return sum;
}

/* ---- bits: counts, reversals, rotations, fields ---- */
ROW(bits)
{
    uint64_t x = 88172645463325252ull, sum = 0;

    for (uint64_t i = 0; i < work; i++) {
        uint64_t r;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        sum += (uint64_t)__builtin_clzll(x | 1) + (x & 0xff00ff) + (x >> 60 == 3 ? 7 : 1);
        __asm__("rbit %0, %1" : "=r"(r) : "r"(x));
        sum ^= __builtin_bswap64(r) + (x >> 21 & 0x1fff) + (uint64_t)((int64_t)(x << 20) >> 52);
        sum = (sum << 11 | sum >> 53) - (x & ~r);
    }
    return sum;
}

/* ---- sha256 ---- */
static uint32_t ror(uint32_t v, int n)
{
    return v >> n | v << (32 - n);
}

static void sha256_block(uint32_t h[8], const uint32_t k[64], uint32_t w[64])
{
    uint32_t s[8];

    for (int i = 16; i < 64; i++) {
        w[i] = w[i - 16] + w[i - 7] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
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
        s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + t1;
        s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) {
        h[i] += s[i];
    }
}

ROW(sha256)
{
    static uint32_t k[64];
    uint32_t h[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    uint64_t seed = 17;

    for (int i = 0; i < 64; i++) {
        k[i] = (uint32_t)rng(&seed);
    }
    for (uint64_t n = 0; n < work; n++) {
        uint32_t w[64];
        for (uint32_t i = 0; i < 16; i++) {
            w[i] = (uint32_t)n * 77 + i;
        }
        sha256_block(h, k, w);
    }
    return fold_bytes(0, h, sizeof(h));
}

// wait: says a line as linux.c does and waits for a character, so that the host can look at how much memory is used.
ROW(wait)
{
    volatile uint32_t *uart = (volatile uint32_t *)0x09000000;

    for (const char *p = "@ waiting 0\n"; *p != 0; p++) {
        uart[0] = (uint32_t)*p;
    }
    while ((uart[6] & 0x10) != 0) {
    }
    return uart[0] + work;
}
