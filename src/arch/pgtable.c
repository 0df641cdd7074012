/*
 * pgtable.c - VMSAv8-64 stage 1: what TCR, TTBR and descriptors say.
 *
 * DDI 0487, "Translation table descriptor formats", "Memory access control", "TCR_EL1".
 */
#include "arch/pgtable.h"

#include "base/bits.h"

/* ID_AA64MMFR0_EL1.PARange and TCR_EL1.IPS. */
static const uint8_t pa_sizes[] = { 32, 36, 40, 42, 44, 48, 52 };

unsigned pgt_parange_bits(unsigned parange)
{
    return pa_sizes[parange < sizeof(pa_sizes) ? parange : sizeof(pa_sizes) - 1];
}

unsigned pgt_parange(unsigned pa_bits)
{
    unsigned i = 0;

    while (i + 1 < sizeof(pa_sizes) && pa_sizes[i + 1] <= pa_bits) {
        i++;
    }
    return i;
}

/* 52 bits need descriptors that have room for them: 64 KB granules, or FEAT_LPA2's. */
static unsigned oa_bits(uint64_t tcr, bool wide, const struct pgt_impl *impl)
{
    unsigned ips = pgt_parange_bits((unsigned)bits(tcr, 32, 3));
    unsigned most = wide || impl->pa_bits < 48 ? impl->pa_bits : 48;

    return ips < most ? ips : most;
}

/* TG0 and TG1 encode the same sizes differently. */
static unsigned granule_bits(uint64_t tcr, bool upper, const struct pgt_impl *impl)
{
    static const uint8_t tg0[4] = { 12, 16, 14, 12 };
    static const uint8_t tg1[4] = { 12, 14, 12, 16 };
    unsigned g = upper ? tg1[bits(tcr, 30, 2)] : tg0[bits(tcr, 14, 2)];

    return g == 14 && !impl->granule16 ? 12 : g;
}

/* TnSZ: 16 to 39 without FEAT_TTST, from 12 where the granule reaches 52 bits; others
 * behave as the nearest of these. */
static unsigned input_bits(uint64_t tcr, bool upper, bool wide)
{
    unsigned size = (unsigned)bits(tcr, upper ? 16 : 0, 6);
    unsigned least = wide ? 12 : 16;

    size = size < least ? least : size;
    return 64 - (size > 39 ? 39 : size);
}

/* TTBRn_EL1: bit 0 is CnP, 63:48 the ASID. A table of 52-bit output addresses has bits 51:48 in 5:2
 * and is aligned to at least 64 bytes. */
static uint64_t table_base(const struct pgt_half *half, uint64_t ttbr)
{
    unsigned bytes = half->input_bits - pgt_level_shift(half, half->start_level) + 3;

    if (half->oa_bits <= 48) {
        return align_down(bits(ttbr, 1, 47) << 1, BIT(bytes));
    }
    return align_down(bits(ttbr, 6, 42) << 6 | bits(ttbr, 2, 4) << 48, BIT(bytes < 6 ? 6 : bytes));
}

void pgt_half_init(struct pgt_half *half, uint64_t tcr, uint64_t ttbr, bool upper,
                   const struct pgt_impl *impl)
{
    unsigned stride;
    bool large;

    *half = (struct pgt_half){ .upper = upper };
    half->granule_bits = (uint8_t)granule_bits(tcr, upper, impl);
    large = half->granule_bits == 16;
    half->lpa = large && impl->pa_bits == 52;
    half->ds = !large && impl->lpa2 && (tcr & TCR_DS) != 0;
    half->sh = (uint8_t)bits(tcr, upper ? 28 : 12, 2);
    half->input_bits = (uint8_t)input_bits(tcr, upper, large ? impl->lva : half->ds);
    half->oa_bits = (uint8_t)oa_bits(tcr, large || half->ds, impl);
    half->disabled = (tcr & (upper ? TCR_EPD1 : TCR_EPD0)) != 0;
    half->tbi = (tcr & (upper ? TCR_TBI1 : TCR_TBI0)) != 0;
    half->hpd = impl->hpd && (tcr & (upper ? TCR_HPD1 : TCR_HPD0)) != 0;
    half->tbid = impl->tbid && (tcr & (upper ? TCR_TBID1 : TCR_TBID0)) != 0;
    half->e0pd = impl->e0pd && (tcr & (upper ? TCR_E0PD1 : TCR_E0PD0)) != 0;
    half->ha = impl->hafdbs && (tcr & TCR_HA) != 0;
    half->hd = half->ha && (tcr & TCR_HD) != 0;
    stride = half->granule_bits - 3u;
    half->start_level = (int8_t)(3 - (int)((half->input_bits - half->granule_bits - 1u) / stride));
    half->table = table_base(half, ttbr);
    half->table_beyond = pgt_beyond(half, half->table);
}

bool pgt_out_of_range(const struct pgt_half *half, uint64_t va)
{
    unsigned len = (half->tbi ? 56u : 64u) - half->input_bits;
    uint64_t sign = half->upper ? bits(~0ull, 0, len) : 0;

    return half->disabled || bits(va, half->input_bits, len) != sign;
}

/* First level that may have blocks. They are of 1 GB, 32 MB and 512 MB by granule; where descriptors
 * hold 52 bits also of 512 GB, 64 GB and 4 TB. */
static int block_level(const struct pgt_half *half)
{
    return (half->granule_bits == 12 ? 1 : 2) - (half->ds || half->lpa ? 1 : 0);
}

enum pgt_kind pgt_desc_kind(const struct pgt_half *half, uint64_t desc, int level)
{
    if ((desc & PTE_VALID) == 0) {
        return PGT_INVALID;
    }
    if (level == 3) {
        return (desc & PTE_TABLE) != 0 ? PGT_LEAF : PGT_INVALID;
    }
    if ((desc & PTE_TABLE) != 0) {
        return PGT_TABLE;
    }
    return level >= block_level(half) ? PGT_LEAF : PGT_INVALID;
}

uint64_t pgt_desc_output(const struct pgt_half *half, uint64_t desc, int level)
{
    bool table = level < 3 && (desc & PTE_TABLE) != 0;
    unsigned low = table ? half->granule_bits : pgt_level_shift(half, level);

    if (half->ds) {
        return align_down(bits(desc, 0, 50), BIT(low)) | bits(desc, 8, 2) << 50;
    }
    if (half->lpa) {
        return align_down(bits(desc, 0, 48), BIT(low)) | bits(desc, 12, 4) << 48;
    }
    return align_down(bits(desc, 0, 48), BIT(low));
}

unsigned pgt_perms(const struct pgt_half *half, uint64_t desc, uint64_t hier, bool wxn)
{
    bool user = (desc & PTE_USER) != 0 && (hier & PTE_USERTABLE) == 0;
    bool ro = (desc & PTE_RO) != 0 && !(half->hd && (desc & PTE_DBM) != 0);
    bool write = !ro && (hier & PTE_ROTABLE) == 0;
    bool pxn = (desc & PTE_PXN) != 0 || (hier & PTE_PXNTABLE) != 0;
    bool uxn = (desc & PTE_UXN) != 0 || (hier & PTE_UXNTABLE) != 0;
    unsigned perms = PGT_R1;

    if (write) {
        perms |= PGT_W1 | (user ? PGT_W0 : 0);
    }
    if (user) {
        perms |= PGT_R0 | PGT_USER;
    }
    /* What EL0 can write, EL1 never executes. */
    if (!pxn && !(wxn && write) && !(user && write)) {
        perms |= PGT_X1;
    }
    /* EL0 may execute what it cannot read. */
    if (!uxn && !(wxn && user && write)) {
        perms |= PGT_X0;
    }
    return perms;
}
