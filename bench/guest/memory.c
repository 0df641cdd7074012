/*
 * memory.c - memory rows: chains of dependent loads in caches and RAM, random accesses, a stride of pages, bytes,
 * structures, streams, and the string functions of lib.S.
 */
#include "bench.h"

void *copy(void *to, const void *from, size_t n);
void *fill(void *to, int byte, size_t n);
size_t length(const char *s);

/*
 * A cycle through `size` bytes in cells of 64 bytes, in an order that no prefetcher follows: i -> 5i + odd is a full
 * cycle modulo a power of two, and the bits of i are mixed to lay the cells out.
 */
static uint32_t scatter(uint32_t i, uint32_t cells)
{
    i = i * 0x9e3779b1u & (cells - 1); // odd: a permutation
    i ^= i >> 5;                       // and so is this
    return i * 0x85ebca6bu & (cells - 1);
}

/*
 * Touches every page and forgets all translations, a few times: what an operating system's own maintenance does in passing, and
 * what lets an emulator that sizes its TLB at such moments choose a good size.
 */
static void settle(size_t size)
{
    for (int n = 0; n < 8; n++) {
        for (size_t i = 0; i < size; i += 4096) {
            (void)*(volatile uint64_t *)(ARENA + i);
        }
        __asm__ volatile("dsb ishst\n tlbi vmalle1is\n dsb ish\n isb" ::: "memory");
    }
}

static uint64_t chase(size_t size, uint64_t work)
{
    uint32_t cells = (uint32_t)(size / 64), i = 0;
    uint8_t *base = ARENA;
    void **p;

    do {
        uint32_t to = (i * 5 + 7) & (cells - 1);
        *(void **)(base + 64ul * scatter(i, cells)) = base + 64ul * scatter(to, cells);
        i = to;
    } while (i != 0);
    settle(size);
    p = (void **)base;
    for (uint64_t n = 0; n < work; n++) {
        p = *p;
        p = *p;
        p = *p;
        p = *p;
        p = *p;
        p = *p;
        p = *p;
        p = *p;
    }
    return (uint64_t)((uint8_t *)p - base);
}

ROW(chase16k)
{
    return chase(16u << 10, work);
}
ROW(chase512k)
{
    return chase(512u << 10, work);
}
ROW(chase64m)
{
    return chase(64u << 20, work);
}

// rand32m: loads at random places, which do not wait for one another.
ROW(rand32m)
{
    uint64_t *words = (uint64_t *)ARENA, x = 1, sum = 0;

    for (uint64_t i = 0; i < (32u << 20) / 8; i++) {
        words[i] = i;
    }
    settle(32u << 20);
    for (uint64_t n = 0; n < work; n++) {
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        sum += words[x >> 42] + (x >> 60);
    }
    return sum;
}

// pagewalk: a word of each of 512 pages in turn, more than a small TLB holds.
ROW(pagewalk)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < 512; i++) {
        *(uint64_t *)(ARENA + i * 4096 + (i & 63) * 64) = i;
    }
    settle(512 * 4096);
    for (uint64_t n = 0; n < work; n++) {
        for (uint64_t i = 0; i < 512; i++) {
            sum += *(volatile uint64_t *)(ARENA + i * 4096 + (i & 63) * 64);
        }
    }
    return sum;
}

// bytes: copied, compared and counted one at a time.
ROW(bytes)
{
    enum { SIZE = 32768 };
    static uint8_t text[SIZE], other[SIZE];
    uint64_t seed = 23, sum = 0;

    for (int i = 0; i < SIZE - 1; i++) {
        text[i] = (uint8_t)('a' + rng(&seed) % 26);
    }
    for (uint64_t n = 0; n < work; n++) {
        size_t i = 0;
        while ((other[i] = text[i]) != 0) {
            i++;
        }
        other[i / 2 + (n & 255)] = 'A';
        for (size_t k = 0; k < i && other[k] == text[k]; k++) {
            sum++;
        }
        for (size_t k = 0; k < i; k++) {
            if (other[k] == 'q') {
                sum += 3;
            }
        }
    }
    return sum;
}

// struct: a tree of small structures, searched and updated.
struct node {
    struct node *left, *right;
    uint32_t key, hits;
    uint16_t flags, depth;
    uint64_t total;
};

ROW(struct)
{
    enum { N = 1023 };
    static struct node nodes[N];
    struct node *root = NULL;
    uint64_t seed = 31, sum = 0;

    for (int i = 0; i < N; i++) {
        struct node **at = &root;
        uint16_t depth = 0;
        nodes[i].key = (uint32_t)rng(&seed);
        while (*at != NULL) {
            at = nodes[i].key < (*at)->key ? &(*at)->left : &(*at)->right;
            depth++;
        }
        nodes[i].depth = depth;
        *at = &nodes[i];
    }
    for (uint64_t n = 0; n < work; n++) {
        uint32_t key = nodes[rng(&seed) % N].key;
        for (struct node *p = root;;) {
            p->total += p->depth;
            if (p->key == key) {
                p->hits++;
                p->flags ^= (uint16_t)n;
                break;
            }
            p = key < p->key ? p->left : p->right;
        }
    }
    for (int i = 0; i < N; i++) {
        sum = fold(sum, nodes[i].total + nodes[i].hits + nodes[i].flags);
    }
    return sum;
}

/* ---- streams of 3 MiB of doubles, as compilers vectorise them ---- */
enum { STREAM = 1 << 17 };

static double *stream(int i, double start)
{
    double *a = (double *)(ARENA + (size_t)i * (STREAM * sizeof(double)));

    for (int k = 0; k < STREAM; k++) {
        a[k] = start + k;
    }
    return a;
}

__attribute__((optimize("O3"))) ROW(stream_add)
{
    double *restrict a = stream(0, 0), *restrict b = stream(1, 0.5), *restrict c = stream(2, 3);

    for (uint64_t n = 0; n < work; n++) {
        for (int k = 0; k < STREAM; k++) {
            a[k] = b[k] + c[k];
        }
        KEEP_MEMORY();
    }
    return fold_bytes(0, a, 4096);
}

__attribute__((optimize("O3"))) ROW(stream_triad)
{
    double *restrict a = stream(0, 0), *restrict b = stream(1, 0.5), *restrict c = stream(2, 3);

    for (uint64_t n = 0; n < work; n++) {
        double q = (double)(n & 7);
        for (int k = 0; k < STREAM; k++) {
            a[k] = b[k] + q * c[k];
        }
        KEEP_MEMORY();
    }
    return fold_bytes(0, a, 4096);
}

/* ---- the string functions ---- */
ROW(memcpy)
{
    enum { SIZE = 256 << 10 };
    uint8_t *from = ARENA, *to = ARENA + 2 * SIZE;

    for (int i = 0; i < SIZE; i++) {
        from[i] = (uint8_t)(i * 7);
    }
    for (uint64_t n = 0; n < work; n++) {
        from[n % SIZE]++;
        copy(to, from + (n & 1), SIZE - 1);
    }
    return fold_bytes(0, to, 8192);
}

ROW(memset)
{
    enum { SIZE = 256 << 10 };
    uint64_t sum = 0;

    for (uint64_t n = 0; n < work; n++) {
        fill(ARENA, (int)n, SIZE);
        sum = fold(sum, ARENA[n % SIZE]);
    }
    return sum;
}

ROW(cpysmall)
{
    static uint8_t from[4096], to[4096];
    uint64_t x = 1;

    for (int i = 0; i < 4096; i++) {
        from[i] = (uint8_t)(i * 13);
    }
    for (uint64_t n = 0; n < work; n++) {
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        copy(to + (x >> 53), from + (x >> 40 & 2047), x >> 30 & 63);
    }
    return fold_bytes(0, to, sizeof(to));
}

ROW(strlen4k)
{
    static char text[4100];
    uint64_t sum = 0;

    for (int i = 0; i < 4096; i++) {
        text[i] = (char)('a' + i % 26);
    }
    for (uint64_t n = 0; n < work; n++) {
        sum += length(text + (n & 15));
    }
    return sum;
}
