/*
 * op_crypto.c - the cryptographic instructions: AES, SHA-1, SHA-256.
 *
 * DDI 0487, "Cryptographic AES", "Cryptographic three-register SHA", "Cryptographic two-register
 * SHA"; FIPS 197 and FIPS 180-4 for what they compute. (PMULL is in op_simd_int.c.) The shape in
 * op->ra means nothing here except to the bodies made by SIMD_LANES_.
 */
#include "accel/soft/simd.h"

static ALWAYS_INLINE uint32_t rol32(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}
static ALWAYS_INLINE uint32_t ror32(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

/* ---- AES: the state is 4 columns of 4 bytes, byte 4 * column + row --------------------------- */

/* clang-format off */
static const uint8_t sub_bytes[256] = {
    0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76,
    0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0,
    0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
    0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75,
    0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84,
    0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
    0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8,
    0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2,
    0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
    0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb,
    0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79,
    0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
    0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a,
    0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e,
    0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
    0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16,
};

static const uint8_t inv_sub_bytes[256] = {
    0x52, 0x09, 0x6a, 0xd5, 0x30, 0x36, 0xa5, 0x38, 0xbf, 0x40, 0xa3, 0x9e, 0x81, 0xf3, 0xd7, 0xfb,
    0x7c, 0xe3, 0x39, 0x82, 0x9b, 0x2f, 0xff, 0x87, 0x34, 0x8e, 0x43, 0x44, 0xc4, 0xde, 0xe9, 0xcb,
    0x54, 0x7b, 0x94, 0x32, 0xa6, 0xc2, 0x23, 0x3d, 0xee, 0x4c, 0x95, 0x0b, 0x42, 0xfa, 0xc3, 0x4e,
    0x08, 0x2e, 0xa1, 0x66, 0x28, 0xd9, 0x24, 0xb2, 0x76, 0x5b, 0xa2, 0x49, 0x6d, 0x8b, 0xd1, 0x25,
    0x72, 0xf8, 0xf6, 0x64, 0x86, 0x68, 0x98, 0x16, 0xd4, 0xa4, 0x5c, 0xcc, 0x5d, 0x65, 0xb6, 0x92,
    0x6c, 0x70, 0x48, 0x50, 0xfd, 0xed, 0xb9, 0xda, 0x5e, 0x15, 0x46, 0x57, 0xa7, 0x8d, 0x9d, 0x84,
    0x90, 0xd8, 0xab, 0x00, 0x8c, 0xbc, 0xd3, 0x0a, 0xf7, 0xe4, 0x58, 0x05, 0xb8, 0xb3, 0x45, 0x06,
    0xd0, 0x2c, 0x1e, 0x8f, 0xca, 0x3f, 0x0f, 0x02, 0xc1, 0xaf, 0xbd, 0x03, 0x01, 0x13, 0x8a, 0x6b,
    0x3a, 0x91, 0x11, 0x41, 0x4f, 0x67, 0xdc, 0xea, 0x97, 0xf2, 0xcf, 0xce, 0xf0, 0xb4, 0xe6, 0x73,
    0x96, 0xac, 0x74, 0x22, 0xe7, 0xad, 0x35, 0x85, 0xe2, 0xf9, 0x37, 0xe8, 0x1c, 0x75, 0xdf, 0x6e,
    0x47, 0xf1, 0x1a, 0x71, 0x1d, 0x29, 0xc5, 0x89, 0x6f, 0xb7, 0x62, 0x0e, 0xaa, 0x18, 0xbe, 0x1b,
    0xfc, 0x56, 0x3e, 0x4b, 0xc6, 0xd2, 0x79, 0x20, 0x9a, 0xdb, 0xc0, 0xfe, 0x78, 0xcd, 0x5a, 0xf4,
    0x1f, 0xdd, 0xa8, 0x33, 0x88, 0x07, 0xc7, 0x31, 0xb1, 0x12, 0x10, 0x59, 0x27, 0x80, 0xec, 0x5f,
    0x60, 0x51, 0x7f, 0xa9, 0x19, 0xb5, 0x4a, 0x0d, 0x2d, 0xe5, 0x7a, 0x9f, 0x93, 0xc9, 0x9c, 0xef,
    0xa0, 0xe0, 0x3b, 0x4d, 0xae, 0x2a, 0xf5, 0xb0, 0xc8, 0xeb, 0xbb, 0x3c, 0x83, 0x53, 0x99, 0x61,
    0x17, 0x2b, 0x04, 0x7e, 0xba, 0x77, 0xd6, 0x26, 0xe1, 0x69, 0x14, 0x63, 0x55, 0x21, 0x0c, 0x7d,
};
/* clang-format on */

/*
 * AddRoundKey, then ShiftRows and SubBytes, which commute: row r of the result comes from r columns
 * further on (step 1), or back (step 3, the inverse).
 */
static ALWAYS_INLINE union vreg aes_round(union vreg state, union vreg key, const uint8_t *box,
                                          unsigned step)
{
    union vreg r;

    state = (union vreg){ .d = { state.d[0] ^ key.d[0], state.d[1] ^ key.d[1] } };
    for (unsigned i = 0; i < 16; i++) {
        unsigned row = i & 3, column = i >> 2;

        r.b[i] = box[state.b[4 * ((column + step * row) & 3) + row]];
    }
    return r;
}

UOP_BODY(aese)
{
    FP_CHECK();
    cpu->v[op->rd] = aes_round(cpu->v[op->rd], cpu->v[op->rn], sub_bytes, 1);
    NEXT();
}

UOP_BODY(aesd)
{
    FP_CHECK();
    cpu->v[op->rd] = aes_round(cpu->v[op->rd], cpu->v[op->rn], inv_sub_bytes, 3);
    NEXT();
}

/* The four bytes of a column times x, in the field of polynomials modulo x^8 + x^4 +
 * x^3 + x + 1. */
static ALWAYS_INLINE uint32_t aes_times_x(uint32_t w)
{
    return (w & 0x7f7f7f7f) << 1 ^ (w >> 7 & 0x01010101) * 0x1b;
}

/* A column times (2 3 1 1), going round. */
static ALWAYS_INLINE uint32_t aes_mix(uint32_t w)
{
    const uint32_t x = aes_times_x(w);

    return x ^ ror32(x ^ w, 8) ^ ror32(w, 16) ^ ror32(w, 24);
}

/* Times (14 11 13 9), which is (5 0 4 0) times (2 3 1 1). */
static ALWAYS_INLINE uint32_t aes_inv_mix(uint32_t w)
{
    return aes_mix(w ^ aes_times_x(aes_times_x(w ^ ror32(w, 16))));
}

SIMD_LANES_(aesmc, s, uint32_t, m.s[i], aes_mix(a))
SIMD_LANES_(aesimc, s, uint32_t, m.s[i], aes_inv_mix(a))

/* ---- SHA: the functions of FIPS 180-4 -------------------------------------------------------- */

static ALWAYS_INLINE uint32_t sha_choose(uint32_t x, uint32_t y, uint32_t z)
{
    return ((y ^ z) & x) ^ z;
}
static ALWAYS_INLINE uint32_t sha_parity(uint32_t x, uint32_t y, uint32_t z)
{
    return x ^ y ^ z;
}
static ALWAYS_INLINE uint32_t sha_majority(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) | ((x | y) & z);
}

/* ---- SHA-1 ----------------------------------------------------------------------------------- */

/* Four rounds: Vd is a b c d from its lowest element on, Sn is e, Vm the schedule with
 * the constant added. */
#define SHA1_ROUNDS(name, f)                                                              \
    UOP_BODY(name)                                                                        \
    {                                                                                     \
        FP_CHECK();                                                                       \
        const union vreg w = cpu->v[op->rm];                                              \
        union vreg x = cpu->v[op->rd];                                                    \
        uint32_t e = cpu->v[op->rn].s[0];                                                 \
        for (unsigned i = 0; i < 4; i++) {                                                \
            const uint32_t t = e + rol32(x.s[0], 5) + f(x.s[1], x.s[2], x.s[3]) + w.s[i]; \
            e = x.s[3];                                                                   \
            x = (union vreg){ .s = { t, x.s[0], rol32(x.s[1], 30), x.s[2] } };            \
        }                                                                                 \
        cpu->v[op->rd] = x;                                                               \
        NEXT();                                                                           \
    }
SHA1_ROUNDS(sha1c, sha_choose)
SHA1_ROUNDS(sha1p, sha_parity)
SHA1_ROUNDS(sha1m, sha_majority)

UOP_BODY(sha1h)
{
    FP_CHECK();
    simd_put_scalar(cpu, op, rol32(cpu->v[op->rn].s[0], 30));
    NEXT();
}

UOP_BODY(sha1su0)
{
    FP_CHECK();
    const union vreg d = cpu->v[op->rd], n = cpu->v[op->rn], m = cpu->v[op->rm];

    cpu->v[op->rd] = (union vreg){ .d = { d.d[1] ^ d.d[0] ^ m.d[0], n.d[0] ^ d.d[1] ^ m.d[1] } };
    NEXT();
}

UOP_BODY(sha1su1)
{
    FP_CHECK();
    const union vreg d = cpu->v[op->rd], n = cpu->v[op->rn];
    const uint32_t first = rol32(d.s[0] ^ n.s[1], 1);

    cpu->v[op->rd] =
        (union vreg){ .s = { first, rol32(d.s[1] ^ n.s[2], 1), rol32(d.s[2] ^ n.s[3], 1),
                             rol32(d.s[3], 1) ^ rol32(first, 1) } };
    NEXT();
}

/* ---- SHA-256 --------------------------------------------------------------------------------- */

static ALWAYS_INLINE uint32_t sha256_big0(uint32_t x)
{
    return ror32(x, 2) ^ ror32(x, 13) ^ ror32(x, 22);
}
static ALWAYS_INLINE uint32_t sha256_big1(uint32_t x)
{
    return ror32(x, 6) ^ ror32(x, 11) ^ ror32(x, 25);
}
static ALWAYS_INLINE uint32_t sha256_small0(uint32_t x)
{
    return ror32(x, 7) ^ ror32(x, 18) ^ x >> 3;
}
static ALWAYS_INLINE uint32_t sha256_small1(uint32_t x)
{
    return ror32(x, 17) ^ ror32(x, 19) ^ x >> 10;
}

/* Four rounds: x is a b c d from the lowest element on, y is e f g h. The half of the
 * result that is asked for. */
static ALWAYS_INLINE union vreg sha256_rounds(union vreg x, union vreg y, union vreg w, bool first)
{
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t t =
            y.s[3] + sha256_big1(y.s[0]) + sha_choose(y.s[0], y.s[1], y.s[2]) + w.s[i];
        const uint32_t a = t + sha256_big0(x.s[0]) + sha_majority(x.s[0], x.s[1], x.s[2]);

        y = (union vreg){ .s = { x.s[3] + t, y.s[0], y.s[1], y.s[2] } };
        x = (union vreg){ .s = { a, x.s[0], x.s[1], x.s[2] } };
    }
    return first ? x : y;
}

UOP_BODY(sha256h)
{
    FP_CHECK();
    cpu->v[op->rd] = sha256_rounds(cpu->v[op->rd], cpu->v[op->rn], cpu->v[op->rm], true);
    NEXT();
}

UOP_BODY(sha256h2)
{
    FP_CHECK();
    cpu->v[op->rd] = sha256_rounds(cpu->v[op->rn], cpu->v[op->rd], cpu->v[op->rm], false);
    NEXT();
}

UOP_BODY(sha256su0)
{
    FP_CHECK();
    const union vreg d = cpu->v[op->rd], n = cpu->v[op->rn];

    cpu->v[op->rd] = (union vreg){ .s = {
                                       d.s[0] + sha256_small0(d.s[1]),
                                       d.s[1] + sha256_small0(d.s[2]),
                                       d.s[2] + sha256_small0(d.s[3]),
                                       d.s[3] + sha256_small0(n.s[0]),
                                   } };
    NEXT();
}

UOP_BODY(sha256su1)
{
    FP_CHECK();
    const union vreg d = cpu->v[op->rd], n = cpu->v[op->rn], m = cpu->v[op->rm];
    const uint32_t r0 = d.s[0] + n.s[1] + sha256_small1(m.s[2]);
    const uint32_t r1 = d.s[1] + n.s[2] + sha256_small1(m.s[3]);

    cpu->v[op->rd] = (union vreg){ .s = {
                                       r0,
                                       r1,
                                       d.s[2] + n.s[3] + sha256_small1(r0),
                                       d.s[3] + m.s[0] + sha256_small1(r1),
                                   } };
    NEXT();
}
