/*
 * pauth.c - pointer authentication: where codes go, and the architected algorithms.
 *
 * DDI 0487, pseudocode functions CalculateBottomPACBit, EffectiveTBI and AddPAC. The default algorithm is in pauth.h.
 */
#include "accel/soft/pauth.h"

#include "arch/qarma.h"

static bool tag_ignored(const struct pgt_half *half, bool data)
{
    return half->tbi && (data || !half->tbid);
}

/* The bits from the first above the address to the sign, or to the top. */
static uint64_t code_field(const struct pgt_half *half, bool data)
{
    unsigned end = tag_ignored(half, data) ? 56 : 64;

    return bits(~0ull, 0, end - half->input_bits) << half->input_bits;
}

void pauth_layout(struct cpu *cpu)
{
    const struct pgt_half *half = cpu->priv->half;

    for (unsigned data = 0; data < 2; data++) {
        struct pac_layout *layout = &cpu->pac[data];
        bool tags = tag_ignored(&half[0], data) || tag_ignored(&half[1], data);

        layout->half_bit = tags ? 55 : 63;
        layout->field[0] = code_field(&half[0], data);
        layout->field[1] = code_field(&half[1], data);
    }
}

uint64_t pauth_qarma(const struct cpu *cpu, uint64_t data, uint64_t modifier, enum pac_key key)
{
    const uint64_t *k = &cpu->priv->sys[SYS_APIAKeyLo_EL1 + 2 * (unsigned)key];
    uint64_t hash = (data >> 2 ^ modifier >> 4) * 0x9e3779b97f4a7c15;
    struct pac_memo *memo = &cpu->priv->pac_memo[hash >> (64 - PAC_MEMO_BITS)];

    if (!memo->valid || memo->data != data || memo->modifier != modifier || memo->lo != k[0] ||
        memo->hi != k[1]) {
        *memo = (struct pac_memo){ data, modifier, k[0], k[1], .valid = true };
        memo->code = cpu_has(cpu, A64_FEAT_QARMA5) ? qarma5(data, modifier, k[1], k[0])
                                                   : qarma3(data, modifier, k[1], k[0]);
    }
    return memo->code;
}
