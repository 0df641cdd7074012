/*
 * pauth.h - pointer authentication: signing, checking and stripping addresses. FEAT_PAuth as it was first defined: an
 * address that fails becomes one that faults when it is used.
 *
 * DDI 0487, "Pointer authentication" and the pseudocode functions AddPAC, Auth, Strip, ComputePAC. The code replaces
 * the bits of the address that only repeat its sign (all but bit 55), and the tag unless that is ignored:
 *
 *     63    56 55 54            bottom          0
 *     | code  | s | code       | address        |      top byte not ignored
 *     | tag   | s | code       | address        |      top byte ignored
 *
 * The default algorithm is one of our own, as the architecture allows: cheap, and as good as a guest that attacks itself
 * needs. QARMA5 and QARMA3 are there for guests that want to see these (arch/qarma.h).
 */
#ifndef SOFT_PAUTH_H
#define SOFT_PAUTH_H

#include "accel/soft/engine.h"

/* In the order of the key registers. PAC_GA is not for addresses. */
enum pac_key { PAC_IA, PAC_IB, PAC_DA, PAC_DB, PAC_GA };

#define PAC_SIGN BIT(55)

/* Is the algorithm QARMA? That is a call, and bodies do not want to make frames for calls that
 * others need. */
static ALWAYS_INLINE bool pac_is_slow(const struct cpu *cpu)
{
    return (cpu->features & (BIT(A64_FEAT_QARMA5) | BIT(A64_FEAT_QARMA3))) != 0;
}

/* ComputePAC by QARMA5 or QARMA3, whichever the CPU has. */
uint64_t pauth_qarma(const struct cpu *cpu, uint64_t data, uint64_t modifier, enum pac_key key);

/* The lower half of a product, with the upper half folded into it. */
static ALWAYS_INLINE uint64_t pac_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#define PAC_MULTIPLIER 0x9e3779b97f4a7c15

/* ComputePAC. slow: what pac_is_slow says. (jit/system.c writes the same in host code.) */
static ALWAYS_INLINE uint64_t pac_compute(const struct cpu *cpu, uint64_t data, uint64_t modifier,
                                          enum pac_key key, bool slow)
{
    const uint64_t *k = &cpu->priv->sys[SYS_APIAKeyLo_EL1 + 2 * (unsigned)key]; /* Lo, Hi */

    if (slow) {
        return pauth_qarma(cpu, data, modifier, key);
    }
    return pac_fold(pac_fold(data ^ k[1], PAC_MULTIPLIER) ^ modifier, k[0] | 1);
}

/* SCTLR_EL1 switches keys on. */
static ALWAYS_INLINE bool pac_enabled(const struct cpu *cpu, enum pac_key key)
{
    static const uint64_t enable[] = {
        [PAC_IA] = SCTLR_ENIA, [PAC_IB] = SCTLR_ENIB, [PAC_DA] = SCTLR_ENDA, [PAC_DB] = SCTLR_ENDB
    };

    return (cpu->priv->sys[SYS_SCTLR_EL1] & enable[key]) != 0;
}

static ALWAYS_INLINE const struct pac_layout *pac_layout_of(const struct cpu *cpu, enum pac_key key)
{
    return &cpu->pac[key >= PAC_DA];
}

/* The address with its sign where the code would be. */
static ALWAYS_INLINE uint64_t pac_extend(uint64_t address, uint64_t field, bool upper)
{
    return (address & ~field) | (field & -(uint64_t)upper);
}

/* AddPAC. An address that was no address gets a wrong code. */
static ALWAYS_INLINE uint64_t pac_sign(const struct cpu *cpu, uint64_t address, uint64_t modifier,
                                       enum pac_key key, bool slow)
{
    const struct pac_layout *layout = pac_layout_of(cpu, key);
    bool upper = (address >> layout->half_bit & 1) != 0;
    uint64_t field = layout->field[upper];
    uint64_t extended = pac_extend(address, field, upper);
    uint64_t code;

    if (UNLIKELY(!pac_enabled(cpu, key))) {
        return address;
    }
    code = pac_compute(cpu, extended, modifier, key, slow);
    if (UNLIKELY((address & field) != 0 && (address & field) != field)) {
        code ^= (field >> 63) != 0 ? BIT(62) : BIT(54);
    }
    field &= ~PAC_SIGN;
    return (extended & ~field) | (code & field);
}

/* Auth. A wrong code leaves an address that is none: two bits below its sign say which key it was. */
static ALWAYS_INLINE uint64_t pac_auth(const struct cpu *cpu, uint64_t address, uint64_t modifier,
                                       enum pac_key key, bool slow)
{
    bool upper = (address & PAC_SIGN) != 0;
    uint64_t field = pac_layout_of(cpu, key)->field[upper];
    uint64_t extended = pac_extend(address, field, upper);
    unsigned error_at = (field >> 63) != 0 ? 61 : 53;

    if (UNLIKELY(!pac_enabled(cpu, key))) {
        return address;
    }
    if (LIKELY(((pac_compute(cpu, extended, modifier, key, slow) ^ address) & field & ~PAC_SIGN) ==
               0)) {
        return extended;
    }
    return bits_set(extended, error_at, 2, (key & 1) != 0 ? 2 : 1);
}

/* Strip. */
static ALWAYS_INLINE uint64_t pac_strip(const struct cpu *cpu, uint64_t address, bool data)
{
    bool upper = (address & PAC_SIGN) != 0;

    return pac_extend(address, cpu->pac[data].field[upper], upper);
}

#endif
