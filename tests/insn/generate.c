/*
 * generate.c - see generate.h. xorshift64* (Marsaglia, Vigna): the seed is all there is to
 * reproduce a run.
 */
#include <string.h>

#include "base/bits.h"
#include "generate.h"

uint64_t random_next(struct random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545f4914f6cdd1dull;
}

unsigned random_below(struct random *r, unsigned below)
{
    return (unsigned)((random_next(r) >> 32) * below >> 32);
}

/* ---- Words ----------------------------------------------------------------------------------- */

static bool is_register(const struct a64_field *f)
{
    return f->name[0] == 'R' && f->len == 5;
}

/* Bits that are neither fixed nor in a field. */
static uint32_t ignored_bits(const struct a64_table *t, const struct a64_row *row)
{
    unsigned n;
    const struct a64_field *f = a64_fields(t, row->index, &n);
    uint32_t named = 0;

    for (unsigned i = 0; i < n; i++) {
        named |= (uint32_t)bits_set(0, f[i].lo, f[i].len, ~0ull);
    }
    return ~(row->mask | named);
}

bool generate_has_ignored(const struct a64_table *t, const struct a64_row *row)
{
    return ignored_bits(t, row) != 0;
}

/* Registers that are special (31), or the same as another one, more often than by chance. */
static uint32_t bias_registers(struct random *r, const struct a64_field *f, unsigned n,
                               uint32_t word)
{
    for (unsigned i = 0; i < n; i++) {
        if (is_register(&f[i])) {
            unsigned what = random_below(r, 16);

            if (what == 0) {
                word = (uint32_t)bits_set(word, f[i].lo, 5, 31);
            } else if (what == 1) {
                word = (uint32_t)bits_set(word, f[i].lo, 5, word & 31);
            }
        }
    }
    return word;
}

static bool registers_differ(const struct a64_field *f, unsigned n, uint32_t word)
{
    uint32_t seen = 0;

    for (unsigned i = 0; i < n; i++) {
        if (is_register(&f[i])) {
            uint32_t bit = 1u << bits(word, f[i].lo, 5);

            if (seen & bit) {
                return false;
            }
            seen |= bit;
        }
    }
    return true;
}

bool generate_word(struct random *r, const struct a64_table *t, const struct a64_row *row,
                   uint32_t *word)
{
    uint32_t ignored = ignored_bits(t, row);
    unsigned n;
    const struct a64_field *f = a64_fields(t, row->index, &n);
    bool distinct = (row->flags & A64_UNPRED) != 0;

    for (unsigned tries = 0; tries < 1000; tries++) {
        uint32_t w = (uint32_t)(random_next(r) >> 32) & ~row->mask;

        w = bias_registers(r, f, n, w);
        w = (random_below(r, 2) != 0 ? w | ignored : w & ~ignored) & ~row->mask;
        w |= row->value;
        if (a64_decode(t, w) == row && (!distinct || registers_differ(f, n, w))) {
            *word = w;
            return true;
        }
    }
    return false;
}

/* ---- Values ---------------------------------------------------------------------------------- */

uint64_t random_value(struct random *r)
{
    static const uint64_t edges[] = {
        0,
        1,
        2,
        3,
        7,
        8,
        31,
        32,
        33,
        63,
        64,
        0x7f,
        0x80,
        0xff,
        0x100,
        0x7fff,
        0x8000,
        0xffff,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        0x100000000,
        0x7fffffffffffffff,
        0x8000000000000000,
        0xffffffff00000000,
        0x5555555555555555,
        0xaaaaaaaaaaaaaaaa,
        0x0101010101010101,
        0x00ff00ff00ff00ff,
    };
    uint64_t v = random_next(r);

    switch (random_below(r, 8)) {
    case 0: return edges[random_below(r, sizeof edges / sizeof edges[0])];
    case 1: return ~edges[random_below(r, sizeof edges / sizeof edges[0])];
    case 2: return edges[random_below(r, sizeof edges / sizeof edges[0])] - 1;
    case 3: return v >> random_below(r, 64);
    case 4: return (uint64_t)((int64_t)v >> random_below(r, 64));
    case 5: return v & 0xff;
    case 6: return (uint64_t)(int64_t)(int32_t)v;
    default: return v;
    }
}

/* A floating-point number of exponent bits e and fraction bits f that is special, or near one that
 * is. */
static uint64_t random_float(struct random *r, unsigned e, unsigned f)
{
    uint64_t sign = (uint64_t)random_below(r, 2) << (e + f), max = BIT(e) - 1, bias = max >> 1;
    uint64_t fraction = random_next(r) & (BIT(f) - 1), few = random_below(r, 4);

    switch (random_below(r, 16)) {
    case 0: return sign;                                                      /* zero             */
    case 1: return sign | max << f;                                           /* infinity         */
    case 2: return sign | max << f | fraction | BIT(f - 1);                   /* quiet NaN        */
    case 3: return sign | max << f | (fraction & (BIT(f - 1) - 1)) | 1;       /* signalling NaN */
    case 4: return sign | fraction;                                           /* denormal         */
    case 5: return sign | (1 + few);                                          /* least denormals  */
    case 6: return sign | (BIT(f) - 1 - few);                                 /* greatest ones    */
    case 7: return sign | (BIT(f) + few);                                     /* least normals    */
    case 8: return sign | ((max << f) - 1 - few);                             /* greatest         */
    case 9: return sign | bias << f;                                          /* one              */
    case 10: return sign | (bias + few) << f | (fraction & BIT(f - 1 - few)); /* halves  */
    case 11:
        return sign | (bias + random_below(r, e == 5 ? 15 : 66)) << f |
               fraction; /* integral range */
    case 12: return sign | (bias + random_below(r, 4) - 2) << f | fraction;
    case 13: return sign | (bias + f - 1 + few) << f | (fraction & 3);     /* where halves end */
    case 14: return sign | (random_below(r, f + 4) & max) << f | fraction; /* results underflow */
    default: return sign | (random_next(r) & max) << f | fraction;
    }
}

static uint64_t random_element(struct random *r, unsigned size, bool is_float)
{
    if (is_float && size >= 2) {
        return size == 2   ? random_float(r, 5, 10)
               : size == 4 ? random_float(r, 8, 23)
                           : random_float(r, 11, 52);
    }
    uint64_t v = random_value(r);

    return random_below(r, 4) != 0 ? v : v << random_below(r, 8) * 8;
}

/* What the elements of vectors are: of one size, so that those of the sources fit together. */
struct elements {
    unsigned size;
    bool is_float;
};

static struct elements random_elements(struct random *r)
{
    return (struct elements){ 1u << random_below(r, 4), random_below(r, 4) != 0 };
}

static void random_vector(struct random *r, struct elements e, uint64_t v[2])
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t d = 0;

        for (unsigned at = 0; at < 64; at += e.size * 8) {
            uint64_t x = random_element(r, e.size, e.is_float);

            d |= (e.size == 8 ? x : x & (BIT(e.size * 8) - 1)) << at;
        }
        v[i] = d;
    }
}

static uint32_t random_fpcr(struct random *r, enum generate_fpcr kind)
{
    uint32_t any = (uint32_t)random_next(r);

    if (kind == FPCR_ZERO_OR_DN) {
        return any & 1u << 25;
    }
    /* AHP DN FZ RMode FZ16; half of the time only the rounding mode, or nothing. */
    switch (any & 3) {
    case 0: return 0;
    case 1: return any & 3u << 22;
    default: return any & 0x07c80000;
    }
}

static void random_flags(struct random *r, enum generate_fpcr fpcr, struct insn_state *s)
{
    s->nzcv = (uint32_t)(random_next(r) >> 32) & 0xf0000000;
    s->fpcr = random_fpcr(r, fpcr);
    s->fpsr = (random_next(r) & 7) == 0 ? (uint32_t)(random_next(r) >> 32) & 0x0800009f : 0;
    s->outcome = INSN_RAN;
}

static void random_x(struct random *r, unsigned n, struct insn_state *s)
{
    if (n == 31) {
        s->sp = random_value(r) & ~15ull;
    } else {
        s->x[n] = random_value(r);
    }
}

void generate_state(struct random *r, enum generate_fpcr fpcr, struct insn_state *s)
{
    const struct elements e = random_elements(r);

    for (unsigned i = 0; i < 32; i++) {
        random_x(r, i, s);
        random_vector(r, e, s->v[i]);
    }
    s->pc = INSN_CODE_VA + 4 * (2 + random_below(r, 999));
    random_flags(r, fpcr, s);
}

/* Lists of registers (LD4, TBL) and pairs (CASP) go on behind the one that is named. */
void generate_operands(struct random *r, const struct a64_table *t, const struct a64_row *row,
                       uint32_t word, enum generate_fpcr fpcr, struct insn_state *s)
{
    const struct elements e = random_elements(r);
    const unsigned list = random_below(r, 4) == 0 ? 4 : 1;
    unsigned n;
    const struct a64_field *f = a64_fields(t, row->index, &n);

    random_flags(r, fpcr, s);
    random_x(r, random_below(r, 32), s);
    for (unsigned i = 0; i < n; i++) {
        unsigned first = (unsigned)bits(word, f[i].lo, f[i].len);

        if (f[i].name[0] != 'R' || f[i].len < 4) {
            continue;
        }
        if (f[i].len == 4) { /* "Rm" of instructions by element: M may be its upper bit */
            first += 16 * random_below(r, 2);
        }
        random_x(r, first, s);
        if ((row->flags & A64_MEM) != 0) {
            random_x(r, (first + 1) & 31, s);
        }
        for (unsigned v = 0; v < list && (row->flags & A64_FP) != 0; v++) {
            random_vector(r, e, s->v[(first + v) & 31]);
        }
    }
}
