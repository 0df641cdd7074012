/*
 * test_decode.c - the A64 table as a table: every pattern is whole, any two rows are disjoint or
 * nested, every row is found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/a64.h"
#include "base/bits.h"

static const struct a64_table *table;

static int make_table(void **state)
{
    struct a64_table *t = calloc(1, a64_table_size());

    assert_non_null(t);
    assert_null(a64_init(t));
    table = t;
    *state = t;
    return 0;
}

static int free_table(void **state)
{
    free(*state);
    return 0;
}

static uint32_t field_mask(const struct a64_field *f)
{
    return (uint32_t)bits_set(0, f->lo, f->len, ~0ull);
}

static uint32_t random_word(void)
{
    static uint64_t s = 88172645463325252u;

    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return (uint32_t)(s >> 16);
}

/* ---- Rows by themselves ---------------------------------------------------------------------- */

/* Fields and fixed bits share nothing; values lie inside masks; indices count up. */
static void test_fields_are_disjoint(void **state)
{
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        const struct a64_row *row = a64_row(table, i);
        unsigned n;
        const struct a64_field *f = a64_fields(table, i, &n);
        uint32_t used = row->mask;

        assert_int_equal(row->index, i);
        assert_int_equal(row->value & ~row->mask, 0);
        assert_true(row->feat < A64_FEAT_COUNT);
        for (unsigned k = 0; k < n; k++) {
            uint32_t mask = field_mask(&f[k]);

            if ((used & mask) != 0) {
                fail_msg("%s: field %s overlaps", row->name, f[k].name);
            }
            used |= mask;
            assert_true(!f[k].excludes || f[k].excluded < BIT(f[k].len));
        }
    }
}

/* What no field and no fixed bit says is an `x` of the pattern: the pattern's text, counted by
 * hand, has 32 bits. */
static void test_patterns_have_32_bits(void **state)
{
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        const struct a64_row *row = a64_row(table, i);
        unsigned n, total = 0;
        const struct a64_field *f = a64_fields(table, i, &n);

        for (uint32_t m = row->mask; m != 0; m &= m - 1) {
            total++;
        }
        for (unsigned k = 0; k < n; k++) {
            total += f[k].len;
        }
        for (const char *p = row->pattern; *p != 0;) {
            size_t len = strcspn(p, " ");

            if (strspn(p, "01x") >= len) {
                for (size_t k = 0; k < len; k++) {
                    total += p[k] == 'x';
                }
            }
            p += len + strspn(p + len, " ");
        }
        if (total != 32) {
            fail_msg("%s: %u bits", row->name, total);
        }
    }
}

/* ---- Pairs ----------------------------------------------------------------------------------- */

struct view {
    const struct a64_row *row;
    const struct a64_field *field;
    unsigned count;
};

static struct view view_of(unsigned index)
{
    struct view v = { .row = a64_row(table, index) };

    v.field = a64_fields(table, index, &v.count);
    return v;
}

/* Do the fixed bits alone run into one of v's excluded values? */
static bool runs_into_exclusion(const struct view *v, uint32_t mask, uint32_t value)
{
    for (unsigned k = 0; k < v->count; k++) {
        uint32_t m = field_mask(&v->field[k]);

        if (v->field[k].excludes && (mask & m) == m &&
            bits(value, v->field[k].lo, v->field[k].len) == v->field[k].excluded) {
            return true;
        }
    }
    return false;
}

static bool disjoint(const struct view *a, const struct view *b)
{
    uint32_t mask = a->row->mask | b->row->mask, value = a->row->value | b->row->value;

    return ((a->row->value ^ b->row->value) & a->row->mask & b->row->mask) != 0 ||
           runs_into_exclusion(a, mask, value) || runs_into_exclusion(b, mask, value);
}

/* Can no word of a have the value that f excludes? */
static bool never_excluded(const struct view *a, const struct a64_field *f)
{
    uint32_t m = field_mask(f), excluded = f->excluded << f->lo;

    if (((a->row->value ^ excluded) & a->row->mask & m) != 0) {
        return true;
    }
    for (unsigned k = 0; k < a->count; k++) {
        const struct a64_field *g = &a->field[k];

        if (g->excludes && field_mask(g) == m && g->excluded == f->excluded) {
            return true;
        }
    }
    return false;
}

/* Does b match whatever a matches? */
static bool inside(const struct view *a, const struct view *b)
{
    if ((b->row->mask & ~a->row->mask) != 0 ||
        ((a->row->value ^ b->row->value) & b->row->mask) != 0) {
        return false;
    }
    for (unsigned k = 0; k < b->count; k++) {
        if (b->field[k].excludes && !never_excluded(a, &b->field[k])) {
            return false;
        }
    }
    return true;
}

static void test_rows_nest_or_are_disjoint(void **state)
{
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        struct view a = view_of(i);

        for (unsigned k = i + 1; k < A64_INSN_COUNT; k++) {
            struct view b = view_of(k);

            if (!disjoint(&a, &b) && inside(&a, &b) == inside(&b, &a)) {
                fail_msg("%s and %s overlap", a.row->name, b.row->name);
            }
        }
    }
}

/* ---- Decoding -------------------------------------------------------------------------------- */

static bool is_excluded(const struct view *v, uint32_t word)
{
    return runs_into_exclusion(v, ~0u, word);
}

/* A word of the row decodes to it or to one that lies inside it. */
static void test_rows_decode_to_themselves(void **state)
{
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        struct view v = view_of(i);
        unsigned found = 0;

        for (unsigned tries = 0; tries < 300; tries++) {
            uint32_t word = (random_word() & ~v.row->mask) | v.row->value;
            const struct a64_row *got = a64_decode(table, word);

            if (is_excluded(&v, word)) {
                assert_ptr_not_equal(got, v.row);
                continue;
            }
            assert_non_null(got);
            if (got != v.row) {
                struct view other = view_of(got->index);

                if (!inside(&other, &v)) {
                    fail_msg("%08x of %s decodes to %s", word, v.row->name, got->name);
                }
                continue;
            }
            found++;
        }
        if (found == 0) {
            fail_msg("%s is never found", v.row->name);
        }
    }
}

/* Buckets against a search through all rows. */
static void test_decode_equals_search(void **state)
{
    for (unsigned tries = 0; tries < 100000; tries++) {
        uint32_t word = random_word();
        const struct a64_row *got = a64_decode(table, word);
        struct view best = { .row = NULL };

        for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
            struct view v = view_of(i);

            if ((word & v.row->mask) == v.row->value && !is_excluded(&v, word) &&
                (best.row == NULL || inside(&v, &best))) {
                best = v;
            }
        }
        assert_ptr_equal(got, best.row);
    }
}

/* Encodings by another assembler (LLVM 14). */
static void test_known_words(void **state)
{
    static const struct {
        uint32_t word;
        const char *name;
    } known[] = {
        { 0x91000421, "ADD_imm" },      /* add x1, x1, #1           */
        { 0xeb02003f, "SUBS_shift_x" }, /* cmp x1, x2               */
        { 0x8b22c020, "ADD_ext" },      /* add x0, x1, w2, sxtw     */
        { 0xaa0103e0, "ORR_shift_x" },  /* mov x0, x1               */
        { 0x2a2103e0, "ORN_shift_w" },  /* mvn w0, w1               */
        { 0xd2800540, "MOVZ_x" },       /* mov x0, #42              */
        { 0xf2a24680, "MOVK_x" },       /* movk x0, #0x1234, lsl 16 */
        { 0x90000000, "ADRP" },         /* adrp x0, .               */
        { 0x53047c20, "UBFM_w" },       /* lsr w0, w1, #4           */
        { 0x93407c20, "SBFM_x" },       /* sxtw x0, w1              */
        { 0x93c21c20, "EXTR_x" },       /* extr x0, x1, x2, #7      */
        { 0x9b027c20, "MADD" },         /* mul x0, x1, x2           */
        { 0x9bc27c20, "UMULH" },        /* umulh x0, x1, x2         */
        { 0x9ac20820, "UDIV" },         /* udiv x0, x1, x2          */
        { 0x9ac34c41, "CRC32X" },       /* crc32x w1, w2, x3        */
        { 0x9a9f07e0, "CSINC" },        /* cset x0, ne              */
        { 0xfa411804, "CCMP_imm" },     /* ccmp x0, #1, #4, ne      */
        { 0x54000000, "B_cond" },       /* b.eq .                   */
        { 0x94000000, "BL" },           /* bl .                     */
        { 0x37180000, "TBNZ" },         /* tbnz w0, #3, .           */
        { 0xd65f03c0, "RET" },          /* ret                      */
        { 0xd500401f, "CFINV" },        /* cfinv                    */
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const struct a64_row *row = a64_decode(table, known[i].word);

        assert_non_null(row);
        assert_string_equal(row->name, known[i].name);
    }
}

static void test_unallocated_words(void **state)
{
    static const uint32_t words[] = {
        0x0b008000, /* add w0, w0, w0, lsl #32         */
        0x0bc00000, /* add w0, w0, w0, shift type 3    */
        0x12400000, /* and w0, w0, N = 1               */
        0x12c00000, /* movn w0, #0, lsl #32            */
        0x53400000, /* ubfm w0, w0, N = 1              */
        0x9ac04000, /* crc32b with sf = 1              */
        0xd63f0001, /* blr x0 with op4 != 0            */
        0x54000010, /* b.cond with bit 4 set: BC.cond  */
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_null(a64_decode(table, words[i]));
    }
}

static void test_field_by_name(void **state)
{
    const uint32_t word = 0x93c21c20; /* extr x0, x1, x2, #7 */
    const struct a64_row *row = a64_decode(table, word);

    assert_int_equal(a64_field(table, row, word, "Rd"), 0);
    assert_int_equal(a64_field(table, row, word, "Rn"), 1);
    assert_int_equal(a64_field(table, row, word, "Rm"), 2);
    assert_int_equal(a64_field(table, row, word, "imms"), 7);
}

/* ---- Bit masks ------------------------------------------------------------------------------- */

/* The definition, from the other side: elements of 2 to 64 bits, a run of ones, rotated; all of
 * them, in encoding order. */
static void test_bitmask_immediates(void **state)
{
    unsigned valid64 = 0, valid32 = 0;
    uint64_t imm;

    for (unsigned size = 2; size <= 64; size *= 2) {
        for (unsigned ones = 1; ones < size; ones++) {
            for (unsigned rotation = 0; rotation < size; rotation++) {
                unsigned n = size == 64, imms = ((~(size * 2 - 1) & 0x3f) | (ones - 1)) & 0x3f;
                uint64_t want = 0;

                for (unsigned bit = 0; bit < 64; bit++) {
                    unsigned from = (bit + rotation) % size;

                    want |= (uint64_t)(from < ones) << bit;
                }
                assert_true(a64_bitmask_imm(true, n, imms, rotation, &imm));
                assert_int_equal(imm, want);
                if (size < 64) {
                    assert_true(a64_bitmask_imm(false, n, imms, rotation, &imm));
                    assert_int_equal(imm, (uint32_t)want);
                }
            }
        }
    }
    /* Everything else is reserved. Rotation bits above the element's size are ignored: hence 64 for
     * each run length. */
    for (unsigned code = 0; code < 1u << 13; code++) {
        unsigned n = code >> 12, imms = code >> 6 & 63, immr = code & 63;

        valid64 += a64_bitmask_imm(true, n, imms, immr, &imm);
        valid32 += a64_bitmask_imm(false, n, imms, immr, &imm);
    }
    assert_int_equal(valid64, 64 * (1 + 3 + 7 + 15 + 31 + 63));
    assert_int_equal(valid32, 64 * (1 + 3 + 7 + 15 + 31));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_disjoint),
        cmocka_unit_test(test_patterns_have_32_bits),
        cmocka_unit_test(test_rows_nest_or_are_disjoint),
        cmocka_unit_test(test_rows_decode_to_themselves),
        cmocka_unit_test(test_decode_equals_search),
        cmocka_unit_test(test_known_words),
        cmocka_unit_test(test_unallocated_words),
        cmocka_unit_test(test_field_by_name),
        cmocka_unit_test(test_bitmask_immediates),
    };

    return cmocka_run_group_tests(tests, make_table, free_table);
}
