/*
 * decode.c - from an instruction word to its row of the A64 table.
 *
 * Spec: DDI 0487, "A64 Instruction Set Encoding". The encodings themselves are rows of a64.def;
 * this file parses their patterns once and sorts them into buckets:
 *
 *       word ──bits 31:21──▶ bucket ──▶ row, row, row     the most specific first, so that
 *                                                         the first that matches is the answer
 *
 * "Most specific" is a count: of two nested patterns the inner one has more fixed bits, or the same
 * bits and one more excluded value.
 */
#include "a64_private.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/fmt.h"
#include "base/string.h"

static const struct a64_row rows[A64_INSN_COUNT + 1] = {
#define INSN(name_, pattern_, feat_, flags_, lower_, assembler_) \
    { .name = #name_,                                            \
      .pattern = (pattern_),                                     \
      .assembler = (assembler_),                                 \
      .feat = A64_FEAT_##feat_,                                  \
      .flags = (flags_),                                         \
      .index = A64_INSN_##name_ },
#include "arch/a64.def"
#undef INSN
    { .name = NULL },
};

/* ---- Patterns -------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

static const char *parse_number(const char *p, uint32_t *value)
{
    *value = 0;
    while (is_digit(*p)) {
        *value = *value * 10 + (uint32_t)(*p++ - '0');
    }
    return p;
}

/* A run of 0, 1 and x: the pattern's bits from *left downwards. */
static const char *parse_bits(const char *p, struct a64_row *row, unsigned *left)
{
    for (; *p == '0' || *p == '1' || *p == 'x'; p++) {
        if (*left == 0) {
            return NULL;
        }
        --*left;
        row->mask |= (uint32_t)(*p != 'x') << *left;
        row->value |= (uint32_t)(*p == '1') << *left;
    }
    return p;
}

/* name, name:len, either with !=value; a field of the bits below *left. */
static const char *parse_field(const char *p, struct a64_field *field, unsigned *left)
{
    uint32_t len = 1;
    size_t n = 0;

    while (is_name_char(p[n])) {
        n++;
    }
    if (!is_letter(*p) || n >= sizeof field->name) {
        return NULL;
    }
    memcpy(field->name, p, n);
    field->name[n] = 0;
    p += n;
    if (*p == ':') {
        p = parse_number(p + 1, &len);
    }
    if (len == 0 || len > *left) {
        return NULL;
    }
    *left -= len;
    field->lo = (uint8_t)*left;
    field->len = (uint8_t)len;
    if (p[0] == '!' && p[1] == '=') {
        p = parse_number(p + 2, &field->excluded);
        field->excludes = true;
    }
    return p;
}

/* Does the text at p begin with bits (a token of nothing but 0, 1 and x), rather than
 * with a name? */
static bool at_bits(const char *p)
{
    while (*p == '0' || *p == '1' || *p == 'x') {
        p++;
    }
    return *p == ' ' || *p == 0;
}

static bool parse_pattern(struct a64_table *t, struct a64_row *row)
{
    unsigned left = 32, count = 0;
    const char *p = row->pattern;

    while (p != NULL && *p != 0) {
        if (*p == ' ') {
            p++;
        } else if (at_bits(p)) {
            p = parse_bits(p, row, &left);
        } else if (count < A64_FIELDS) {
            struct a64_field *field = &t->field[row->index][count++];

            p = parse_field(p, field, &left);
            t->exclude_count[row->index] += field->excludes;
        } else {
            p = NULL;
        }
    }
    t->field_count[row->index] = (uint8_t)count;
    return p != NULL && left == 0;
}

/* ---- Buckets --------------------------------------------------------------------------------- */

static unsigned specificity(const struct a64_table *t, const struct a64_row *row)
{
    unsigned n = 0;

    for (uint32_t m = row->mask; m != 0; m &= m - 1) {
        n++;
    }
    return n * 4 + t->exclude_count[row->index];
}

#define SPECIFICITIES (33 * 4)

/* Row numbers, most specific first, into order: by counting, as this is a good part of a short run. */
static void sort_rows(const struct a64_table *t, uint16_t order[A64_INSN_COUNT + 1])
{
    uint16_t at[SPECIFICITIES + 1] = { 0 };
    uint8_t key[A64_INSN_COUNT];

    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        key[i] = (uint8_t)(SPECIFICITIES - 1 - specificity(t, &t->row[i]));
        at[key[i] + 1]++;
    }
    for (unsigned k = 0; k < SPECIFICITIES; k++) {
        at[k + 1] = (uint16_t)(at[k + 1] + at[k]);
    }
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        order[at[key[i]]++] = (uint16_t)i;
    }
}

/* Calls for every bucket that the row is in: counts it (into bucket[n + 1]), or enters
 * it at bucket[n]'s cursor. */
static bool visit_buckets(struct a64_table *t, const struct a64_row *row, bool enter,
                          uint16_t cursor[A64_BUCKETS])
{
    uint32_t free_bits = ~row->mask >> A64_BUCKET_SHIFT, sub = 0;

    do {
        uint32_t n = row->value >> A64_BUCKET_SHIFT | sub;

        if (enter) {
            t->list[cursor[n]++] = row->index;
        } else if (++cursor[n] == 0) {
            return false;
        }
        sub = (sub - free_bits) & free_bits;
    } while (sub != 0);
    return true;
}

static bool build_buckets(struct a64_table *t)
{
    uint16_t order[A64_INSN_COUNT + 1], cursor[A64_BUCKETS] = { 0 };
    uint32_t used = 0;

    sort_rows(t, order);
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        if (!visit_buckets(t, &t->row[i], false, cursor)) {
            return false;
        }
    }
    for (unsigned n = 0; n < A64_BUCKETS; n++) {
        uint16_t size = cursor[n];

        t->bucket[n] = cursor[n] = (uint16_t)used;
        used += size;
        if (used > A64_BUCKET_ROOM) {
            return false;
        }
    }
    t->bucket[A64_BUCKETS] = (uint16_t)used;
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        visit_buckets(t, &t->row[order[i]], true, cursor);
    }
    return true;
}

/* ---- The table ------------------------------------------------------------------------------- */

size_t a64_table_size(void)
{
    return sizeof(struct a64_table);
}

const char *a64_init(struct a64_table *t)
{
    memset(t, 0, sizeof *t);
    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        t->row[i] = rows[i];
        if (!parse_pattern(t, &t->row[i])) {
            fmt_format(t->error, sizeof t->error, "a64.def: pattern of %s is wrong", rows[i].name);
            return t->error;
        }
    }
    return build_buckets(t) ? NULL : "a64.def: more rows than the decoder's buckets hold";
}

static bool is_excluded(const struct a64_table *t, unsigned index, uint32_t word)
{
    const struct a64_field *f = t->field[index];

    for (unsigned n = t->field_count[index]; n-- > 0; f++) {
        if (f->excludes && bits(word, f->lo, f->len) == f->excluded) {
            return true;
        }
    }
    return false;
}

const struct a64_row *a64_decode(const struct a64_table *t, uint32_t word)
{
    unsigned bucket = word >> A64_BUCKET_SHIFT;

    for (unsigned n = t->bucket[bucket]; n < t->bucket[bucket + 1]; n++) {
        const struct a64_row *row = &t->row[t->list[n]];

        if ((word & row->mask) == row->value &&
            (t->exclude_count[row->index] == 0 || !is_excluded(t, row->index, word))) {
            return row;
        }
    }
    return NULL;
}

const struct a64_row *a64_row(const struct a64_table *t, unsigned index)
{
    ASSERT(index < A64_INSN_COUNT);
    return &t->row[index];
}

const struct a64_field *a64_fields(const struct a64_table *t, unsigned index, unsigned *n)
{
    ASSERT(index < A64_INSN_COUNT);
    *n = t->field_count[index];
    return t->field[index];
}

const struct a64_field *a64_find_field(const struct a64_table *t, unsigned index, const char *name)
{
    for (unsigned n = 0; n < t->field_count[index]; n++) {
        if (str_eq(t->field[index][n].name, name)) {
            return &t->field[index][n];
        }
    }
    return NULL;
}

uint32_t a64_field(const struct a64_table *t, const struct a64_row *row, uint32_t word,
                   const char *name)
{
    const struct a64_field *f = a64_find_field(t, row->index, name);

    ASSERT(f != NULL);
    return (uint32_t)bits(word, f->lo, f->len);
}

/* ---- Immediates ------------------------------------------------------------------------------ */

bool a64_bitmask_imm(bool sf, unsigned n, unsigned imms, unsigned immr, uint64_t *imm)
{
    unsigned key = (n & 1) << 6 | (~imms & 0x3f), len = 6;

    /* The element size is the highest set bit of N:NOT(imms). */
    while (len > 0 && (key & 1u << len) == 0) {
        len--;
    }
    if (len == 0 || (!sf && n != 0)) {
        return false;
    }
    unsigned size = 1u << len, ones = (imms & (size - 1)) + 1;

    if (ones == size) {
        return false;
    }
    uint64_t element = rotate_right(BIT(ones) - 1, immr & (size - 1), size);

    for (unsigned at = size; at < 64; at *= 2) {
        element |= element << at;
    }
    *imm = sf ? element : (uint32_t)element;
    return true;
}
