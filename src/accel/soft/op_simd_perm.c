/*
 * op_simd_perm.c - Advanced SIMD instructions that move elements and compute nothing: permute,
 * reverse, extract, table lookup, copies between elements and general registers, modified
 * immediates.
 *
 * DDI 0487, "Advanced SIMD permute", "extract", "table lookup", "copy", "scalar copy", "modified
 * immediate".
 */
#include "accel/soft/simd.h"

/* clang-format off */

/* ---- Zip, unzip, transpose: `from(i)` is where element i of the result comes from ------------ */

/* The sources as one vector cat of up to 32 bytes, for what depends on where Vm begins. */
#define SIMD_UNZIP_(name, f, T_, part)                                                                           \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        typedef T_ T;                                                                                            \
        FP_CHECK();                                                                                              \
        const struct simd_pair nm = simd_concat(cpu, op);                                                        \
        union vreg r;                                                                                            \
        for (unsigned i = 0; i < 8 / sizeof(T); i++) {                                                           \
            r.f[i] = nm.lo.f[2 * i + (part)];                                                                    \
            r.f[i + 8 / sizeof(T)] = nm.hi.f[2 * i + (part)];                                                    \
        }                                                                                                        \
        simd_put(cpu, op, r);                                                                                    \
        NEXT();                                                                                                  \
    }

/* Elements from(i) of Vn and Vm alternate. */
#define SIMD_ALTERNATE_(name, f, T_, from)                                                                       \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        typedef T_ T;                                                                                            \
        FP_CHECK();                                                                                              \
        const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm];                                                 \
        union vreg r;                                                                                            \
        for (unsigned i = 0; i < 8 / sizeof(T); i++) {                                                           \
            r.f[2 * i] = n.f[from];                                                                              \
            r.f[2 * i + 1] = m.f[from];                                                                          \
        }                                                                                                        \
        simd_put(cpu, op, r);                                                                                    \
        NEXT();                                                                                                  \
    }

/* ZIP2 of 64-bit vectors begins in their middle. */
#define SIMD_ZIP2_(name, f, T_)                                                                                  \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        typedef T_ T;                                                                                            \
        FP_CHECK();                                                                                              \
        const union vreg n = cpu->v[op->rn], m = cpu->v[op->rm];                                                 \
        const union vreg nh = { .d = { op->ra == SHAPE_HALF ? n.d[0] >> 32 : n.d[1], 0 } };                      \
        const union vreg mh = { .d = { op->ra == SHAPE_HALF ? m.d[0] >> 32 : m.d[1], 0 } };                      \
        union vreg r;                                                                                            \
        for (unsigned i = 0; i < 8 / sizeof(T); i++) {                                                           \
            r.f[2 * i] = nh.f[i];                                                                                \
            r.f[2 * i + 1] = mh.f[i];                                                                            \
        }                                                                                                        \
        simd_put(cpu, op, r);                                                                                    \
        NEXT();                                                                                                  \
    }

#define SIMD_PERMUTE(sz, f, T)                                                                                   \
    SIMD_UNZIP_(v_uzp1_##sz, f, T, 0)                                                                             \
    SIMD_UNZIP_(v_uzp2_##sz, f, T, 1)                                                                             \
    SIMD_ALTERNATE_(v_zip1_##sz, f, T, i)                                                                         \
    SIMD_ZIP2_(v_zip2_##sz, f, T)                                                                                 \
    SIMD_ALTERNATE_(v_trn1_##sz, f, T, 2 * i)                                                                     \
    SIMD_ALTERNATE_(v_trn2_##sz, f, T, 2 * i + 1)
SIMD_PERMUTE(b, b, uint8_t)
SIMD_PERMUTE(h, h, uint16_t)
SIMD_PERMUTE(s, s, uint32_t)
SIMD_PERMUTE(d, d, uint64_t)

/* ---- Reverse elements inside a container ----------------------------------------------------- */

SIMD_LANES_(v_rev16, h, uint16_t, m.h[i], a >> 8 | a << 8)
SIMD_LANES_(v_rev32_b, d, uint64_t, m.d[i], __builtin_bswap64(a) >> 32 | __builtin_bswap64(a) << 32)
SIMD_LANES_(v_rev32_h, s, uint32_t, m.s[i], a >> 16 | a << 16)
SIMD_LANES_(v_rev64_b, d, uint64_t, m.d[i], __builtin_bswap64(a))
SIMD_LANES_(v_rev64_h, d, uint64_t, m.d[i],
            a >> 48 | (a >> 16 & 0xffff0000) | (a & 0xffff0000) << 16 | a << 48)
SIMD_LANES_(v_rev64_s, d, uint64_t, m.d[i], a >> 32 | a << 32)

/* ---- Copies ---------------------------------------------------------------------------------- */

#define SIMD_COPY(sz, f, T)                                                                                      \
    SIMD_LANES_(v_dup_e_##sz, f, T, m.f[i], n.f[op->imm])                                                         \
    UOP_BODY(v_dup_g_##sz)                                                                                       \
    {                                                                                                            \
        FP_CHECK();                                                                                              \
        union vreg r;                                                                                            \
        for (unsigned i = 0; i < 16 / sizeof(T); i++) {                                                          \
            r.f[i] = (T)cpu->x[op->rn];                                                                          \
        }                                                                                                        \
        simd_put(cpu, op, r);                                                                                    \
        NEXT();                                                                                                  \
    }                                                                                                            \
    UOP_BODY(v_ins_e_##sz)                                                                                       \
    {                                                                                                            \
        FP_CHECK();                                                                                              \
        cpu->v[op->rd].f[op->imm] = cpu->v[op->rn].f[op->ra];                                                    \
        NEXT();                                                                                                  \
    }                                                                                                            \
    UOP_BODY(v_ins_g_##sz)                                                                                       \
    {                                                                                                            \
        FP_CHECK();                                                                                              \
        cpu->v[op->rd].f[op->imm] = (T)cpu->x[op->rn];                                                           \
        NEXT();                                                                                                  \
    }                                                                                                            \
    UOP_BODY(v_umov_##sz)                                                                                        \
    {                                                                                                            \
        FP_CHECK();                                                                                              \
        cpu->x[op->rd] = cpu->v[op->rn].f[op->imm];                                                              \
        NEXT();                                                                                                  \
    }
SIMD_COPY(b, b, uint8_t)
SIMD_COPY(h, h, uint16_t)
SIMD_COPY(s, s, uint32_t)
SIMD_COPY(d, d, uint64_t)

/* Sign-extended to 32 bits (the upper half of X is zero) or 64. */
#define SIMD_SMOV(name, f, X)                                                                                    \
    UOP_BODY(name)                                                                                               \
    {                                                                                                            \
        FP_CHECK();                                                                                              \
        cpu->x[op->rd] = (X)cpu->v[op->rn].f[op->imm];                                                           \
        NEXT();                                                                                                  \
    }
SIMD_SMOV(v_smov_w_b, sb, uint32_t)
SIMD_SMOV(v_smov_w_h, sh, uint32_t)
SIMD_SMOV(v_smov_x_b, sb, uint64_t)
SIMD_SMOV(v_smov_x_h, sh, uint64_t)
SIMD_SMOV(v_smov_x_s, ss, uint64_t)

/* The immediate is expanded to 64 bits, and inverted where MVNI and BIC say so, when the instruction is lowered. */
SIMD_LANES_(v_movi, d, uint64_t, m.d[i], op->imm)
SIMD_LANES_(v_orri, d, uint64_t, m.d[i], c | op->imm)
SIMD_LANES_(v_bici, d, uint64_t, m.d[i], c & op->imm)
/* clang-format on */

/* ---- Extract, table lookup ------------------------------------------------------------------- */

/* The bytes from op->imm on of Vm:Vn, as 64-bit pieces: r = cat >> 8 * imm. */
UOP_BODY(v_ext)
{
    FP_CHECK();
    const struct simd_pair nm = simd_concat(cpu, op);
    const unsigned first = op->imm >= 8, shift = 8 * (op->imm & 7);
    const uint64_t a = first ? nm.lo.d[1] : nm.lo.d[0];
    const uint64_t b = first ? nm.hi.d[0] : nm.lo.d[1];
    const uint64_t c = first ? nm.hi.d[1] : nm.hi.d[0];

    /* Two steps, for a shift by 64 - 0. */
    simd_put(cpu, op,
             (union vreg){ .d = { a >> shift | b << 1 << (63 - shift),
                                  b >> shift | c << 1 << (63 - shift) } });
    NEXT();
}

/* Byte i of the table of op->imm bytes that begins with Vn and goes on with V0 after V31. */
#define TABLE(i) cpu->v[(op->rn + ((i) >> 4)) & 31].b[(i)&15]

UOP_BODY(v_tbl)
{
    FP_CHECK();
    const union vreg m = cpu->v[op->rm];
    union vreg r;

    for (unsigned i = 0; i < 16; i++) {
        r.b[i] = m.b[i] < op->imm ? TABLE(m.b[i]) : 0;
    }
    simd_put(cpu, op, r);
    NEXT();
}

UOP_BODY(v_tbx)
{
    FP_CHECK();
    const union vreg m = cpu->v[op->rm];
    union vreg r = cpu->v[op->rd];

    for (unsigned i = 0; i < 16; i++) {
        r.b[i] = m.b[i] < op->imm ? TABLE(m.b[i]) : r.b[i];
    }
    simd_put(cpu, op, r);
    NEXT();
}
