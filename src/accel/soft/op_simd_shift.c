/*
 * op_simd_shift.c - Advanced SIMD shifts, by register and by immediate, with rounding, saturation,
 * narrowing, insertion.
 *
 * DDI 0487, "Advanced SIMD shift by immediate", "scalar shift by immediate", and SSHL and its
 * relatives of "three same". A right shift by the whole element size is allowed everywhere, which C
 * does not allow: it is made in two steps, n - 1 and 1, and what the second one drops is the
 * rounding bit.
 */
#include "accel/soft/simd.h"

/* ---- By register: the lowest byte of b is a signed amount, right if negative ----------------- */

/* Signed right shifts by more than the size are like those by the size: the sign, or rounded 0. */
#define SHIFT_BY_REGISTER(sz, S, U)                                                    \
    static ALWAYS_INLINE S sshl_##sz(S a, int amount, bool round, bool saturate, S *q) \
    {                                                                                  \
        const int bits = 8 * (int)sizeof(S);                                           \
        if (amount < 0) {                                                              \
            const int n = -amount < bits ? -amount : bits;                             \
            const S all_but_one = (S)(a >> (n - 1));                                   \
            return (S)((all_but_one >> 1) + (round ? all_but_one & 1 : 0));            \
        }                                                                              \
        const S r = amount < bits ? (S)(a << amount) : 0;                              \
        if (saturate && (amount < bits ? (S)(r >> amount) != a : a != 0)) {            \
            *q |= 1;                                                                   \
            return (S)((a >> (bits - 1)) ^ (S)((U)-1 >> 1));                           \
        }                                                                              \
        return r;                                                                      \
    }                                                                                  \
    static ALWAYS_INLINE U ushl_##sz(U a, int amount, bool round, bool saturate, U *q) \
    {                                                                                  \
        const int bits = 8 * (int)sizeof(U);                                           \
        if (amount < 0) {                                                              \
            const U all_but_one = -amount <= bits ? (U)(a >> (-amount - 1)) : 0;       \
            return (U)((all_but_one >> 1) + (round ? all_but_one & 1 : 0));            \
        }                                                                              \
        const U r = amount < bits ? (U)(a << amount) : 0;                              \
        if (saturate && (amount < bits ? (U)(r >> amount) != a : a != 0)) {            \
            *q |= 1;                                                                   \
            return (U)-1;                                                              \
        }                                                                              \
        return r;                                                                      \
    }                                                                                  \
    /* SQSHLU: a signed number to the unsigned range. */                               \
    static ALWAYS_INLINE U sshlu_##sz(S a, int amount, U *q)                           \
    {                                                                                  \
        *q |= a < 0 ? 1 : 0;                                                           \
        return a < 0 ? 0 : ushl_##sz((U)a, amount, false, true, q);                    \
    }

SHIFT_BY_REGISTER(b, int8_t, uint8_t)
SHIFT_BY_REGISTER(h, int16_t, uint16_t)
SHIFT_BY_REGISTER(s, int32_t, uint32_t)
SHIFT_BY_REGISTER(d, int64_t, uint64_t)

/* clang-format off */
#define SSHL_BHSD(name, amount, round, saturate)                                                                 \
    SIMD_QLANES_(v_##name##_b, sb, int8_t, m_kept.sb[i], sshl_b(a, amount, round, saturate, &q))                  \
    SIMD_QLANES_(v_##name##_h, sh, int16_t, m_kept.sh[i], sshl_h(a, amount, round, saturate, &q))                 \
    SIMD_QLANES_(v_##name##_s, ss, int32_t, m_kept.ss[i], sshl_s(a, amount, round, saturate, &q))                 \
    SIMD_QLANES_(v_##name##_d, sd, int64_t, m_kept.sd[i], sshl_d(a, amount, round, saturate, &q))
#define USHL_BHSD(name, amount, round, saturate)                                                                 \
    SIMD_QLANES_(v_##name##_b, b, uint8_t, m_kept.b[i], ushl_b(a, amount, round, saturate, &q))                   \
    SIMD_QLANES_(v_##name##_h, h, uint16_t, m_kept.h[i], ushl_h(a, amount, round, saturate, &q))                  \
    SIMD_QLANES_(v_##name##_s, s, uint32_t, m_kept.s[i], ushl_s(a, amount, round, saturate, &q))                  \
    SIMD_QLANES_(v_##name##_d, d, uint64_t, m_kept.d[i], ushl_d(a, amount, round, saturate, &q))

SSHL_BHSD(sshl, (int8_t)b, false, false)
SSHL_BHSD(srshl, (int8_t)b, true, false)
SSHL_BHSD(sqshl, (int8_t)b, false, true)
SSHL_BHSD(sqrshl, (int8_t)b, true, true)
USHL_BHSD(ushl, (int8_t)b, false, false)
USHL_BHSD(urshl, (int8_t)b, true, false)
USHL_BHSD(uqshl, (int8_t)b, false, true)
USHL_BHSD(uqrshl, (int8_t)b, true, true)

/* ---- By immediate ---------------------------------------------------------------------------- */

#define AMOUNT  ((unsigned)op->imm)
#define SHR(v)  ((v) >> (AMOUNT - 1) >> 1)
#define RSHR(v) (SHR(v) + ((v) >> (AMOUNT - 1) & 1))

SIMD_S_BHSD(sshr, SHR(a))
SIMD_U_BHSD(ushr, SHR(a))
SIMD_S_BHSD(srshr, RSHR(a))
SIMD_U_BHSD(urshr, RSHR(a))
SIMD_S_BHSD(ssra, c + SHR(a))
SIMD_U_BHSD(usra, c + SHR(a))
SIMD_S_BHSD(srsra, c + RSHR(a))
SIMD_U_BHSD(ursra, c + RSHR(a))
SIMD_U_BHSD(shl, a << AMOUNT)
SIMD_U_BHSD(sri, SHR(a) | (c & ~SHR((T)-1)))
SIMD_U_BHSD(sli, (T)(a << AMOUNT) | (c & ~((T)-1 << AMOUNT)))

SSHL_BHSD(sqshli, (int)op->imm, false, true)
USHL_BHSD(uqshli, (int)op->imm, false, true)
SIMD_QLANES_(v_sqshlu_b, b, uint8_t, 0, sshlu_b((int8_t)a, (int)op->imm, &q))
SIMD_QLANES_(v_sqshlu_h, h, uint16_t, 0, sshlu_h((int16_t)a, (int)op->imm, &q))
SIMD_QLANES_(v_sqshlu_s, s, uint32_t, 0, sshlu_s((int32_t)a, (int)op->imm, &q))
SIMD_QLANES_(v_sqshlu_d, d, uint64_t, 0, sshlu_d((int64_t)a, (int)op->imm, &q))

/* ---- Narrow and long ------------------------------------------------------------------------- */

SIMD_NU_BHS(shrn, SHR(a))
SIMD_NU_BHS(rshrn, RSHR(a))
SIMD_QNS_BHS(sqshrn, simd_sqn, (W)SHR(a))
SIMD_QNS_BHS(sqrshrn, simd_sqn, (W)RSHR(a))
SIMD_QNU_BHS(uqshrn, simd_uqn, (W)SHR(a))
SIMD_QNU_BHS(uqrshrn, simd_uqn, (W)RSHR(a))
SIMD_QNS_BHS(sqshrun, simd_squn, (W)SHR(a))
SIMD_QNS_BHS(sqrshrun, simd_squn, (W)RSHR(a))

SIMD_LS_BHS(sshll, a << AMOUNT)
SIMD_LU_BHS(ushll, a << AMOUNT)
SIMD_LU_BHS(shll, a << 8 * sizeof(T))
/* clang-format on */
