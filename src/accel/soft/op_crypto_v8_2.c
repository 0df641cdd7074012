/*
 * op_crypto_v8_2.c - the cryptographic instructions of Armv8.2: SHA-512, SHA-3, SM3, SM4.
 *
 * DDI 0487, "Cryptographic three-register SHA 512", "Cryptographic four-register" and the classes
 * beside them; FIPS 180-4, FIPS 202, GB/T 32905 and GB/T 32907 for what they compute. Elements are
 * numbered from the lowest.
 */
#include "accel/soft/simd.h"

static ALWAYS_INLINE uint32_t rol32(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}
static ALWAYS_INLINE uint64_t ror64(uint64_t v, unsigned n)
{
    return v >> n | v << (64 - n);
}

/* The operands, and the end of a body whose result is r. */
#define OPERANDS()                                                               \
    FP_CHECK();                                                                  \
    const union vreg d = cpu->v[op->rd], n = cpu->v[op->rn], m = cpu->v[op->rm]; \
    (void)d, (void)n, (void)m
#define RESULT(...)                                \
    cpu->v[op->rd] = (union vreg){ .__VA_ARGS__ }; \
    NEXT()

/* ---- SHA-512: two rounds, in two instructions, and the message schedule ---------------------- */

static ALWAYS_INLINE uint64_t sha512_big0(uint64_t x)
{
    return ror64(x, 28) ^ ror64(x, 34) ^ ror64(x, 39);
}
static ALWAYS_INLINE uint64_t sha512_big1(uint64_t x)
{
    return ror64(x, 14) ^ ror64(x, 18) ^ ror64(x, 41);
}
static ALWAYS_INLINE uint64_t sha512_small0(uint64_t x)
{
    return ror64(x, 1) ^ ror64(x, 8) ^ x >> 7;
}
static ALWAYS_INLINE uint64_t sha512_small1(uint64_t x)
{
    return ror64(x, 19) ^ ror64(x, 61) ^ x >> 6;
}
static ALWAYS_INLINE uint64_t choose(uint64_t x, uint64_t y, uint64_t z)
{
    return (x & y) ^ (~x & z);
}
static ALWAYS_INLINE uint64_t majority(uint64_t x, uint64_t y, uint64_t z)
{
    return (x & y) ^ (x & z) ^ (y & z);
}

UOP_BODY(sha512h)
{
    OPERANDS();
    const uint64_t high = choose(m.d[1], n.d[0], n.d[1]) + sha512_big1(m.d[1]) + d.d[1];
    const uint64_t e = high + m.d[0];

    RESULT(d = { choose(e, m.d[1], n.d[0]) + sha512_big1(e) + d.d[0], high });
}

UOP_BODY(sha512h2)
{
    OPERANDS();
    const uint64_t high = majority(n.d[0], m.d[1], m.d[0]) + sha512_big0(m.d[0]) + d.d[1];

    RESULT(d = { majority(high, m.d[0], m.d[1]) + sha512_big0(high) + d.d[0], high });
}

UOP_BODY(sha512su0)
{
    OPERANDS();
    RESULT(d = { d.d[0] + sha512_small0(d.d[1]), d.d[1] + sha512_small0(n.d[0]) });
}

UOP_BODY(sha512su1)
{
    OPERANDS();
    RESULT(
        d = { d.d[0] + sha512_small1(n.d[0]) + m.d[0], d.d[1] + sha512_small1(n.d[1]) + m.d[1] });
}

/* ---- SHA-3 ----------------------------------------------------------------------------------- */

UOP_BODY(rax1)
{
    OPERANDS();
    RESULT(d = { n.d[0] ^ ror64(m.d[0], 63), n.d[1] ^ ror64(m.d[1], 63) });
}

UOP_BODY(eor3)
{
    OPERANDS();
    const union vreg a = cpu->v[op->ra];

    RESULT(d = { n.d[0] ^ m.d[0] ^ a.d[0], n.d[1] ^ m.d[1] ^ a.d[1] });
}

UOP_BODY(bcax)
{
    OPERANDS();
    const union vreg a = cpu->v[op->ra];

    RESULT(d = { n.d[0] ^ (m.d[0] & ~a.d[0]), n.d[1] ^ (m.d[1] & ~a.d[1]) });
}

UOP_BODY(xar)
{
    OPERANDS();
    const uint64_t low = n.d[0] ^ m.d[0], high = n.d[1] ^ m.d[1];
    const unsigned by = (unsigned)op->imm;

    RESULT(d = { low >> by | low << (-by & 63), high >> by | high << (-by & 63) });
}

/* ---- SM3 ------------------------------------------------------------------------------------- */

/* The standard's P1. */
static ALWAYS_INLINE uint32_t sm3_p1(uint32_t x)
{
    return x ^ rol32(x, 15) ^ rol32(x, 23);
}

UOP_BODY(sm3partw1)
{
    OPERANDS();
    const uint32_t r0 = sm3_p1(d.s[0] ^ n.s[0] ^ rol32(m.s[1], 15));
    const uint32_t r1 = sm3_p1(d.s[1] ^ n.s[1] ^ rol32(m.s[2], 15));
    const uint32_t r2 = sm3_p1(d.s[2] ^ n.s[2] ^ rol32(m.s[3], 15));

    RESULT(s = { r0, r1, r2, sm3_p1(d.s[3] ^ n.s[3] ^ rol32(r0, 15)) });
}

UOP_BODY(sm3partw2)
{
    OPERANDS();
    uint32_t t[4];

    for (unsigned i = 0; i < 4; i++) {
        t[i] = n.s[i] ^ rol32(m.s[i], 7);
    }
    RESULT(s = { d.s[0] ^ t[0], d.s[1] ^ t[1], d.s[2] ^ t[2],
                 d.s[3] ^ t[3] ^ sm3_p1(rol32(t[0], 15)) });
}

UOP_BODY(sm3ss1)
{
    OPERANDS();
    const uint32_t a = cpu->v[op->ra].s[3];

    RESULT(s = { 0, 0, 0, rol32(rol32(n.s[3], 12) + m.s[3] + a, 7) });
}

static ALWAYS_INLINE uint32_t parity32(uint32_t x, uint32_t y, uint32_t z)
{
    return x ^ y ^ z;
}
static ALWAYS_INLINE uint32_t majority32(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) | (x & z) | (y & z);
}
static ALWAYS_INLINE uint32_t choose32(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) | (~x & z);
}

/* A quarter of a round on A, B, C, D: Vd has A in its highest element, Vn SS1; op->imm chooses W'. */
#define SM3TT1(name, f)                                                               \
    UOP_BODY(name)                                                                    \
    {                                                                                 \
        OPERANDS();                                                                   \
        const uint32_t ss2 = n.s[3] ^ rol32(d.s[3], 12);                              \
        const uint32_t tt1 = f(d.s[3], d.s[2], d.s[1]) + d.s[0] + ss2 + m.s[op->imm]; \
        RESULT(s = { d.s[1], rol32(d.s[2], 9), d.s[3], tt1 });                        \
    }
SM3TT1(sm3tt1a, parity32)
SM3TT1(sm3tt1b, majority32)

/* The same on E, F, G, H. */
#define SM3TT2(name, f)                                                                          \
    UOP_BODY(name)                                                                               \
    {                                                                                            \
        OPERANDS();                                                                              \
        const uint32_t tt2 = f(d.s[3], d.s[2], d.s[1]) + d.s[0] + n.s[3] + m.s[op->imm];         \
        RESULT(s = { d.s[1], rol32(d.s[2], 19), d.s[3], tt2 ^ rol32(tt2, 9) ^ rol32(tt2, 17) }); \
    }
SM3TT2(sm3tt2a, parity32)
SM3TT2(sm3tt2b, choose32)

/* ---- SM4 ------------------------------------------------------------------------------------- */

/* clang-format off */
static const uint8_t sm4_box[256] = {
    0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2, 0x28, 0xfb, 0x2c, 0x05,
    0x2b, 0x67, 0x9a, 0x76, 0x2a, 0xbe, 0x04, 0xc3, 0xaa, 0x44, 0x13, 0x26, 0x49, 0x86, 0x06, 0x99,
    0x9c, 0x42, 0x50, 0xf4, 0x91, 0xef, 0x98, 0x7a, 0x33, 0x54, 0x0b, 0x43, 0xed, 0xcf, 0xac, 0x62,
    0xe4, 0xb3, 0x1c, 0xa9, 0xc9, 0x08, 0xe8, 0x95, 0x80, 0xdf, 0x94, 0xfa, 0x75, 0x8f, 0x3f, 0xa6,
    0x47, 0x07, 0xa7, 0xfc, 0xf3, 0x73, 0x17, 0xba, 0x83, 0x59, 0x3c, 0x19, 0xe6, 0x85, 0x4f, 0xa8,
    0x68, 0x6b, 0x81, 0xb2, 0x71, 0x64, 0xda, 0x8b, 0xf8, 0xeb, 0x0f, 0x4b, 0x70, 0x56, 0x9d, 0x35,
    0x1e, 0x24, 0x0e, 0x5e, 0x63, 0x58, 0xd1, 0xa2, 0x25, 0x22, 0x7c, 0x3b, 0x01, 0x21, 0x78, 0x87,
    0xd4, 0x00, 0x46, 0x57, 0x9f, 0xd3, 0x27, 0x52, 0x4c, 0x36, 0x02, 0xe7, 0xa0, 0xc4, 0xc8, 0x9e,
    0xea, 0xbf, 0x8a, 0xd2, 0x40, 0xc7, 0x38, 0xb5, 0xa3, 0xf7, 0xf2, 0xce, 0xf9, 0x61, 0x15, 0xa1,
    0xe0, 0xae, 0x5d, 0xa4, 0x9b, 0x34, 0x1a, 0x55, 0xad, 0x93, 0x32, 0x30, 0xf5, 0x8c, 0xb1, 0xe3,
    0x1d, 0xf6, 0xe2, 0x2e, 0x82, 0x66, 0xca, 0x60, 0xc0, 0x29, 0x23, 0xab, 0x0d, 0x53, 0x4e, 0x6f,
    0xd5, 0xdb, 0x37, 0x45, 0xde, 0xfd, 0x8e, 0x2f, 0x03, 0xff, 0x6a, 0x72, 0x6d, 0x6c, 0x5b, 0x51,
    0x8d, 0x1b, 0xaf, 0x92, 0xbb, 0xdd, 0xbc, 0x7f, 0x11, 0xd9, 0x5c, 0x41, 0x1f, 0x10, 0x5a, 0xd8,
    0x0a, 0xc1, 0x31, 0x88, 0xa5, 0xcd, 0x7b, 0xbd, 0x2d, 0x74, 0xd0, 0x12, 0xb8, 0xe5, 0xb4, 0xb0,
    0x89, 0x69, 0x97, 0x4a, 0x0c, 0x96, 0x77, 0x7e, 0x65, 0xb9, 0xf1, 0x09, 0xc5, 0x6e, 0xc6, 0x84,
    0x18, 0xf0, 0x7d, 0xec, 0x3a, 0xdc, 0x4d, 0x20, 0x79, 0xee, 0x5f, 0x3e, 0xd7, 0xcb, 0x39, 0x48,
};
/* clang-format on */

static ALWAYS_INLINE uint32_t sm4_substitute(uint32_t x)
{
    return sm4_box[x & 255] | (uint32_t)sm4_box[x >> 8 & 255] << 8 |
           (uint32_t)sm4_box[x >> 16 & 255] << 16 | (uint32_t)sm4_box[x >> 24] << 24;
}
/* L of the cipher, L' of the key schedule. */
static ALWAYS_INLINE uint32_t sm4_mix(uint32_t x)
{
    return x ^ rol32(x, 2) ^ rol32(x, 10) ^ rol32(x, 18) ^ rol32(x, 24);
}
static ALWAYS_INLINE uint32_t sm4_mix_key(uint32_t x)
{
    return x ^ rol32(x, 13) ^ rol32(x, 23);
}

/* Four rounds on state, one for each element of key. */
static ALWAYS_INLINE union vreg sm4_rounds(union vreg state, union vreg key, bool schedule)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t t = sm4_substitute(state.s[3] ^ state.s[2] ^ state.s[1] ^ key.s[i]);
        const uint32_t next = state.s[0] ^ (schedule ? sm4_mix_key(t) : sm4_mix(t));
        state = (union vreg){ .s = { state.s[1], state.s[2], state.s[3], next } };
    }
    return state;
}

UOP_BODY(sm4e)
{
    FP_CHECK();
    cpu->v[op->rd] = sm4_rounds(cpu->v[op->rd], cpu->v[op->rn], false);
    NEXT();
}

UOP_BODY(sm4ekey)
{
    FP_CHECK();
    cpu->v[op->rd] = sm4_rounds(cpu->v[op->rn], cpu->v[op->rm], true);
    NEXT();
}
