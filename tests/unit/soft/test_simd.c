/*
 * test_simd.c - Advanced SIMD and cryptographic instructions, one at a time, without the engine.
 *
 * Three kinds of evidence: examples of each group, whose results come from an Arm processor
 * (simd_golden.def); whole algorithms with published answers (FIPS 197, FIPS 180-4); and properties
 * that hold for every row of a64_simd.def. tests/insn compares with oracles case by case: that is
 * where to look when something here is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "accel/soft/cpu.h"

/* ---- Running one instruction ---------------------------------------------------------------- */

static struct cpu cpu;
static struct a64_table *table;
static bool trapped, ended;
static bool reached[UOP_COUNT]; /* by any test */

void cpu_fp_trap(struct cpu *c, const struct op *op)
{
    c->left = true;
    trapped = true;
}

static op_fn *const body[UOP_COUNT] = {
#define UOP(name, flags) [UOP_##name] = op_##name,
#include "accel/soft/uop_simd.def"
#undef UOP
};

/* The first uop of each family; the others, for other element sizes, follow it. */
static const struct {
    const char *name;
    enum uop first;
} uop_family[] = {
#define UOP(name, flags)
#define SIMD_FAMILY(family, first, first_size) { #family, UOP_##first },
#include "accel/soft/uop_simd.def"
#undef SIMD_FAMILY
#undef UOP
};

static lower_fn *const family[A64_INSN_COUNT] = {
#define INSN(name, pattern, feat, flags, lower, assembler) [A64_INSN_##name] = lower_##lower,
#include "arch/a64_simd.def"
#undef INSN
};

static op_ret HV_ENGINE_ABI end_of_run(struct cpu *c, const struct op *op)
{
    ended = true;
    LEAVE();
}

static void run(uint32_t word)
{
    const struct a64_row *row = a64_decode(table, word);
    struct op ops[2] = { { .word = word }, { .fn = end_of_run } };

    if (row == NULL || family[row->index] == NULL) {
        fail_msg("%08x is not a row of a64_simd.def", word);
    }
    const struct lower lo = { .cpu = &cpu, .row = row };
    const enum uop uop = family[row->index](&lo, word, &ops[0]);

    if (body[uop] == NULL) {
        fail_msg("%s: no body for uop %d", row->name, uop);
    }
    ops[0].fn = body[uop];
    cpu.left = trapped = ended = false;
#if SOFT_TAILCALL
    ops[0].fn(&cpu, &ops[0]);
#else
    for (const struct op *at = ops; at != NULL;) {
        at = at->fn(&cpu, at);
    }
#endif
    assert_true(ended != trapped);
    assert_int_equal(cpu.x[X_ZERO], 0);
    reached[uop] = true;
}

static int set_up(void **state)
{
    cpu.features = ~0ull;
    table = malloc(a64_table_size());
    return table == NULL || a64_init(table) != NULL;
}

static int tear_down(void **state)
{
    free(table);
    return 0;
}

/* ---- Examples --------------------------------------------------------------------------------- */

/* All on V0 (before and after), V1 and V2; upper half first, as one writes numbers. */
struct example {
    const char *text;
    uint32_t word;
    uint64_t n[2], m[2], d[2];
    uint32_t fpcr;
    uint64_t result[2];
    uint32_t fpsr;
};

static const struct example examples[] = {
#define EXAMPLE(text, word, n, m, d, fpcr, result, fpsr) \
    { text, word, ROW n, ROW m, ROW d, fpcr, ROW result, fpsr },
#define ROW(hi, lo) \
    {               \
        hi, lo      \
    }
#include "simd_golden.def"
#undef ROW
#undef EXAMPLE
};

static void run_example(const struct example *e)
{
    memset(cpu.v, 0x5a, sizeof(cpu.v));
    cpu.v[0] = (union vreg){ .d = { e->d[1], e->d[0] } };
    cpu.v[1] = (union vreg){ .d = { e->n[1], e->n[0] } };
    cpu.v[2] = (union vreg){ .d = { e->m[1], e->m[0] } };
    cpu.fpcr = e->fpcr;
    cpu.fpsr = 0;
    run(e->word);
    if (cpu.v[0].d[1] != e->result[0] || cpu.v[0].d[0] != e->result[1] || cpu.fpsr != e->fpsr) {
        fail_msg("%s: %016llx_%016llx fpsr %08x, not %016llx_%016llx fpsr %08x", e->text,
                 (unsigned long long)cpu.v[0].d[1], (unsigned long long)cpu.v[0].d[0], cpu.fpsr,
                 (unsigned long long)e->result[0], (unsigned long long)e->result[1], e->fpsr);
    }
}

static void the_examples(void **state)
{
    for (unsigned i = 0; i < ARRAY_SIZE(examples); i++) {
        run_example(&examples[i]);
    }
}

static void moves_between_register_files(void **state)
{
    cpu.v[1] = (union vreg){ .d = { 0x8182838485868788, 0xf1f2f3f4f5f6f7f8 } };
    run(0x0e0f3c20); /* umov w0, v1.b[7] */
    assert_int_equal(cpu.x[0], 0x81);
    run(0x0e1f2c20); /* smov w0, v1.b[15] */
    assert_int_equal(cpu.x[0], 0xfffffff1);
    run(0x4e0c2c20); /* smov x0, v1.s[1] */
    assert_int_equal(cpu.x[0], 0xffffffff81828384);
    run(0x4e183c20); /* umov x0, v1.d[1] */
    assert_int_equal(cpu.x[0], 0xf1f2f3f4f5f6f7f8);
    run(0x4e183c3f); /* umov xzr, v1.d[1]: nothing */
    cpu.x[3] = 0x1122334455667788;
    run(0x0e020c60); /* dup v0.4h, w3 */
    assert_int_equal(cpu.v[0].d[0], 0x7788778877887788);
    assert_int_equal(cpu.v[0].d[1], 0);
    run(0x4e1c1c61); /* ins v1.s[3], w3 */
    assert_int_equal(cpu.v[1].d[1], 0x55667788f5f6f7f8);
    run(0x4e081fe1); /* ins v1.d[0], xzr */
    assert_int_equal(cpu.v[1].d[0], 0);
}

static void table_wraps_from_v31_to_v0(void **state)
{
    for (unsigned r = 0; r < 32; r++) {
        memset(&cpu.v[r], (int)(0x80 + r), 16);
    }
    cpu.v[5] = (union vreg){ .d = { 0x30402f2010000f1f, 0xff3f } };
    run(0x4e0563c9); /* tbl v9.16b, { v30.16b, v31.16b, v0.16b, v1.16b }, v5.16b */
    assert_int_equal(cpu.v[9].d[0], 0x810080809f9e9e9f);
    assert_int_equal(cpu.v[9].d[1], 0x9e9e9e9e9e9e0081);
    memset(&cpu.v[9], 0x55, 16);
    run(0x0e0533c9); /* tbx v9.8b, { v30.16b, v31.16b }, v5.8b */
    assert_int_equal(cpu.v[9].d[0], 0x555555559f9e9e9f);
    assert_int_equal(cpu.v[9].d[1], 0);
}

/* ---- Published answers ---------------------------------------------------------------------------- */

static void load(unsigned reg, const char *hex)
{
    for (unsigned i = 0; i < 16; i++) {
        const char byte[3] = { hex[2 * i], hex[2 * i + 1], 0 };

        cpu.v[reg].b[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
}

static void assert_bytes(unsigned reg, const char *hex)
{
    const union vreg got = cpu.v[reg];

    load(reg, hex);
    assert_memory_equal(&got, &cpu.v[reg], 16);
}

/* FIPS 197, appendix B: round keys of its example, and the cipher both ways. */
static const char *const aes_keys[11] = {
    "2b7e151628aed2a6abf7158809cf4f3c", "a0fafe1788542cb123a339392a6c7605",
    "f2c295f27a96b9435935807a7359f67f", "3d80477d4716fe3e1e237e446d7a883b",
    "ef44a541a8525b7fb671253bdb0bad00", "d4d1c6f87c839d87caf2b8bc11f915bc",
    "6d88a37a110b3efddbf98641ca0093fd", "4e54f70e5f5fc9f384a64fb24ea6dc4f",
    "ead27321b58dbad2312bf5607f8d292f", "ac7766f319fadc2128d12941575c006e",
    "d014f9a8c9ee2589e13f0cc8b6630ca6",
};

static void aes_of_fips_197(void **state)
{
    load(0, "3243f6a8885a308d313198a2e0370734");
    for (unsigned round = 0; round < 10; round++) {
        load(1, aes_keys[round]);
        run(0x4e284820); /* aese v0.16b, v1.16b */
        if (round < 9) {
            run(0x4e286800); /* aesmc v0.16b, v0.16b */
        }
    }
    load(1, aes_keys[10]);
    run(0x6e211c00); /* eor v0.16b, v0.16b, v1.16b */
    assert_bytes(0, "3925841d02dc09fbdc118597196a0b32");

    load(0, "3925841d02dc09fbdc118597196a0b32");
    for (unsigned round = 10; round > 0; round--) {
        load(1, aes_keys[round]);
        if (round < 10) {
            run(0x4e287821); /* aesimc v1.16b, v1.16b */
        }
        run(0x4e285820); /* aesd v0.16b, v1.16b */
        if (round > 1) {
            run(0x4e287800); /* aesimc v0.16b, v0.16b */
        }
    }
    load(1, aes_keys[0]);
    run(0x6e211c00);
    assert_bytes(0, "3243f6a8885a308d313198a2e0370734");
}

/* The one block of the message "abc", as big-endian words: V4 .. V7. */
static void load_abc(void)
{
    memset(&cpu.v[4], 0, 4 * sizeof(cpu.v[0]));
    cpu.v[4].s[0] = 0x61626380;
    cpu.v[7].s[3] = 24;
}

/* word with Rd, Rn, Rm. */
static uint32_t with_registers(uint32_t word, unsigned d, unsigned n, unsigned m)
{
    return word | m << 16 | n << 5 | d;
}

static void sha1_of_abc(void **state)
{
    static const uint32_t initial[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                                         0xc3d2e1f0 };
    static const uint32_t constant[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    static const uint32_t function[4] = { 0x5e000000, 0x5e001000, 0x5e002000, 0x5e001000 };

    load_abc();
    memcpy(cpu.v[0].s, initial, 16);
    cpu.v[1] = (union vreg){ .s = { initial[4] } };
    for (unsigned i = 0; i < 20; i++) {
        const unsigned w = 4 + i % 4;

        if (i >= 4) {
            run(with_registers(0x5e003000, w, 4 + (i + 1) % 4, 4 + (i + 2) % 4)); /* sha1su0 */
            run(with_registers(0x5e281800, w, 4 + (i + 3) % 4, 0));               /* sha1su1 */
        }
        for (unsigned k = 0; k < 4; k++) {
            cpu.v[2].s[k] = cpu.v[w].s[k] + constant[i / 5];
        }
        run(with_registers(0x5e280800, 3, 0, 0));      /* sha1h s3, s0 */
        run(with_registers(function[i / 5], 0, 1, 2)); /* sha1c, sha1p, sha1m q0, s1, v2.4s */
        run(with_registers(0x4ea01c00, 1, 3, 3));      /* mov v1.16b, v3.16b */
    }
    assert_int_equal(cpu.v[0].s[0] + initial[0], 0xa9993e36);
    assert_int_equal(cpu.v[0].s[1] + initial[1], 0x4706816a);
    assert_int_equal(cpu.v[0].s[2] + initial[2], 0xba3e2571);
    assert_int_equal(cpu.v[0].s[3] + initial[3], 0x7850c26c);
    assert_int_equal(cpu.v[1].s[0] + initial[4], 0x9cd0d89d);
}

static const uint32_t sha256_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void sha256_of_abc(void **state)
{
    static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    static const uint32_t digest[8] = { 0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                        0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad };

    load_abc();
    memcpy(cpu.v, initial, sizeof(initial));
    for (unsigned i = 0; i < 16; i++) {
        const unsigned w = 4 + i % 4;

        if (i >= 4) {
            run(with_registers(0x5e282800, w, 4 + (i + 1) % 4, 0));               /* sha256su0 */
            run(with_registers(0x5e006000, w, 4 + (i + 2) % 4, 4 + (i + 3) % 4)); /* sha256su1 */
        }
        for (unsigned k = 0; k < 4; k++) {
            cpu.v[2].s[k] = cpu.v[w].s[k] + sha256_constant[4 * i + k];
        }
        run(with_registers(0x4ea01c00, 3, 0, 0)); /* mov v3.16b, v0.16b */
        run(with_registers(0x5e004000, 0, 1, 2)); /* sha256h q0, q1, v2.4s */
        run(with_registers(0x5e005000, 1, 3, 2)); /* sha256h2 q1, q3, v2.4s */
    }
    for (unsigned k = 0; k < 8; k++) {
        assert_int_equal(cpu.v[k / 4].s[k % 4] + initial[k], digest[k]);
    }
}

/* ---- Nothing left out --------------------------------------------------------------------------- */

static bool family_reached(unsigned f)
{
    for (unsigned uop = uop_family[f].first; uop < UOP_COUNT && body[uop] != NULL; uop++) {
        if (f + 1 < ARRAY_SIZE(uop_family) && uop == (unsigned)uop_family[f + 1].first) {
            return false;
        }
        if (reached[uop]) {
            return true;
        }
    }
    return false;
}

/* The tests above have run an instruction of each family. */
static void every_family(void **state)
{
    unsigned missing = 0;

    for (unsigned f = 0; f < ARRAY_SIZE(uop_family); f++) {
        if (!family_reached(f)) {
            print_error("no example of %s\n", uop_family[f].name);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

/* ---- Random cases of every row --------------------------------------------------------------------- */

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1dull;
}

/* Zeros, infinities, NaNs, subnormals, numbers near the limits of integers and of each other's formats. */
static const uint16_t halves[] = { 0,      0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00,
                                   0x7c01, 0xfe55, 0xfd01, 1,      0x3ff,  0x400,  0x83ff,
                                   0x7bff, 0x3800, 0x4200, 0x3555, 0x7800, 0x5bff };
static const uint32_t singles[] = { 0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000,
                                    0xff800000, 0x7fc00000, 0x7f800001, 0xffc12345, 0xff900001,
                                    1,          0x7fffff,   0x800000,   0x807fffff, 0x7f7fffff,
                                    0x3f000001, 0x4f000000, 0xcf000000, 0x4effffff, 0x33800000,
                                    0x477fe000, 0x477ff000 };
static const uint64_t doubles[] = {
    0,
    1ull << 63,
    0x3ff0000000000000,
    0x7ff0000000000000,
    0xfff0000000000000,
    0x7ff8000000000000,
    0x7ff0000000000001,
    0xfff4000000000001,
    1,
    0x800fffffffffffff,
    0x10000000000000,
    0x7fefffffffffffff,
    0x3fe0000000000001,
    0x41dfffffffc00000,
    0xc1e0000000000000,
    0x43e0000000000000,
    0x47effffff0000000,
    0x3810000000000000,
};
static const uint64_t integers[] = {
    0,
    1,
    ~0ull,
    0x7fffffffffffffff,
    0x8080808080808080,
    0x7f7f7f7f7f7f7f7f,
    0x8000800080008000,
    0x7fff7fff7fff7fff,
    0x8000000080000000,
    0x8000000000000000,
    0x0101010101010101,
    0xc0c1ff40203f1f20,
    0x0001000100010001,
};

#define ONE_OF(list) list[random64() % ARRAY_SIZE(list)]

static union vreg random_vreg(void)
{
    union vreg v = { .d = { random64(), random64() } };

    switch (random64() % 6) {
    case 0:
        for (unsigned i = 0; i < 8; i++) {
            v.h[i] = ONE_OF(halves);
        }
        break;
    case 1:
        for (unsigned i = 0; i < 4; i++) {
            v.s[i] = ONE_OF(singles);
        }
        break;
    case 2: v = (union vreg){ .d = { ONE_OF(doubles), ONE_OF(doubles) } }; break;
    case 3: v = (union vreg){ .d = { ONE_OF(integers), ONE_OF(integers) } }; break;
    case 4: /* numbers near 1: half precision in h[1], single in s[1], double */
        v.d[0] = (v.d[0] & 0x800fffff03ff03ff) | 0x3fe000003c003800;
        v.d[1] = (v.d[1] & 0x87ffffff83ffffff) | 0x380000003c000000;
        break;
    default: break;
    }
    return v;
}

/* Random registers and control bits, and a word of the row. */
static uint32_t random_case(const struct a64_row *row)
{
    uint32_t word;

    do {
        word = ((uint32_t)random64() & ~row->mask) | row->value;
    } while (a64_decode(table, word) != row);
    for (unsigned r = 0; r < 31; r++) {
        cpu.x[r] = random64();
    }
    for (unsigned r = 0; r < 32; r++) {
        cpu.v[r] = random_vreg();
    }
    cpu.fpcr = (random64() & 1) ? 0
                                : (uint32_t)random64() & (FPCR_AHP | FPCR_DN | FPCR_FZ | FPCR_FZ16 |
                                                          3u << FPCR_RM_SHIFT);
    cpu.fpsr = (random64() & 1) ? FPSR_IXC : 0;
    return word;
}

/* With FPEN off every one of them traps and changes nothing. */
static void every_row_traps(void **state)
{
    static struct cpu before;

    for (unsigned r = 0; r < A64_INSN_COUNT; r++) {
        if (family[r] != NULL) {
            const uint32_t word = random_case(a64_row(table, r));

            cpu.fp_trap = true;
            cpu.left = true;
            before = cpu;
            run(word);
            assert_true(trapped);
            assert_memory_equal(&before, &cpu, sizeof(cpu));
        }
    }
    cpu.fp_trap = false;
}

/* Rn and Rm are two plain registers. (TBL's list goes on from Rn.) */
static bool has_two_sources(const struct a64_row *row)
{
    unsigned n;
    const struct a64_field *f = a64_fields(table, row->index, &n);

    for (; n > 0; n--, f++) {
        if (strcmp(f->name, "Rm") == 0 && f->len == 5) {
            return strncmp(row->name, "TB", 2) != 0;
        }
    }
    return false;
}

/*
 * Which registers are the same does not matter: the result is that of copies of their values in
 * different registers. Vd is V0, Vn V8, Vm V16 with equal values; then the word uses V0 for all.
 */
static void same_registers(void **state)
{
    unsigned rows = 0;

    for (unsigned r = 0; r < A64_INSN_COUNT; r++) {
        const struct a64_row *row = a64_row(table, r);

        if (family[r] == NULL || !has_two_sources(row)) {
            continue;
        }
        for (unsigned i = 0; i < 8; i++) {
            const uint32_t word = random_case(row) & ~0x1f03ffu;
            union vreg apart;

            cpu.v[8] = cpu.v[16] = cpu.v[0];
            run(word | 16 << 16 | 8 << 5);
            apart = cpu.v[0];
            cpu.v[0] = cpu.v[8];
            run(word);
            if (memcmp(&apart, &cpu.v[0], sizeof(apart)) != 0) {
                fail_msg("%s %08x: same registers give something else", row->name, word);
            }
        }
        rows++;
    }
    assert_true(rows > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples),
        cmocka_unit_test(moves_between_register_files),
        cmocka_unit_test(table_wraps_from_v31_to_v0),
        cmocka_unit_test(aes_of_fips_197),
        cmocka_unit_test(sha1_of_abc),
        cmocka_unit_test(sha256_of_abc),
        cmocka_unit_test(every_family),
        cmocka_unit_test(every_row_traps),
        cmocka_unit_test(same_registers),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
