/*
 * pgtable.h - stage-1 translation tables of the EL1&0 regime, as functions over values.
 *
 * DDI 0487, "The AArch64 Virtual Memory System Architecture" (VMSAv8-64). Granules of 4, 16 and
 * 64 KB; addresses of 48 bits, or 52 with FEAT_LVA, FEAT_LPA and FEAT_LPA2. Nothing here reads memory: whoever walks (the software CPU's MMU, a
 * dump, EL2) fetches the descriptors.
 *
 *     VA   63       55    input_bits                                granule_bits        0
 *          | tag/sign | must be the sign | index start_level | ... | index level 3 | offset |
 *
 * A walk:
 *
 *     pgt_half_init(&half, ...)         once for each write of TCR or TTBR
 *     pgt_out_of_range(&half, va)       then nothing is mapped there
 *     table = half.table, hier = 0
 *     for (level = half.start_level;; level++)
 *         desc = memory[pgt_desc_addr(&half, table, va, level)]
 *         pgt_desc_kind(&half, desc, level)
 *             PGT_INVALID   translation fault
 *             PGT_TABLE     table = pgt_desc_output(&half, desc, level), hier |= desc
 *             PGT_LEAF      pgt_desc_output, pgt_perms(&half, desc, hier, wxn)
 */
#ifndef ARCH_PGTABLE_H
#define ARCH_PGTABLE_H

#include <stdbool.h>
#include <stdint.h>

/* TCR_EL1. */
#define TCR_EPD0  (1ull << 7)
#define TCR_A1    (1ull << 22)
#define TCR_EPD1  (1ull << 23)
#define TCR_AS    (1ull << 36)
#define TCR_TBI0  (1ull << 37)
#define TCR_TBI1  (1ull << 38)
#define TCR_HA    (1ull << 39)
#define TCR_HD    (1ull << 40)
#define TCR_HPD0  (1ull << 41)
#define TCR_HPD1  (1ull << 42)
#define TCR_TBID0 (1ull << 51)
#define TCR_TBID1 (1ull << 52)
#define TCR_E0PD0 (1ull << 55)
#define TCR_E0PD1 (1ull << 56)
#define TCR_DS    (1ull << 59) /* FEAT_LPA2: 52-bit addresses with granules of 4 and 16 KB */

/* Descriptor bits. */
#define PTE_VALID     (1ull << 0)
#define PTE_TABLE     (1ull << 1) /* table (levels 0-2) or page (level 3) */
#define PTE_USER      (1ull << 6) /* AP[1]: EL0 has access                */
#define PTE_RO        (1ull << 7) /* AP[2]                                */
#define PTE_AF        (1ull << 10)
#define PTE_NG        (1ull << 11)
#define PTE_GP        (1ull << 50) /* guarded page (FEAT_BTI) */
#define PTE_DBM       (1ull << 51)
#define PTE_PXN       (1ull << 53)
#define PTE_UXN       (1ull << 54)
#define PTE_PXNTABLE  (1ull << 59)
#define PTE_UXNTABLE  (1ull << 60)
#define PTE_USERTABLE (1ull << 61) /* APTable[0]: no access from EL0 */
#define PTE_ROTABLE   (1ull << 62) /* APTable[1]: no writes          */

#define PTE_HIERARCHICAL (PTE_PXNTABLE | PTE_UXNTABLE | PTE_USERTABLE | PTE_ROTABLE)

/* What an implementation offers; the model's ID_AA64MMFR0_EL1, ID_AA64MMFR1_EL1 and
 * ID_AA64MMFR2_EL1 say the same. */
struct pgt_impl {
    uint8_t pa_bits; /* 32..52; 52 is FEAT_LPA          */
    bool granule16;  /* 4 KB and 64 KB are always there */
    bool hpd, hafdbs, e0pd, lva, lpa2, tbid;
};

/* One half of the address space (TTBR0 or TTBR1), decoded. */
struct pgt_half {
    bool upper;
    bool disabled; /* EPDn                                     */
    bool tbi;      /* the top byte of the VA is ignored        */
    bool tbid;     /* ... but not of an instruction's (FEAT_PAuth)    */
    bool hpd, e0pd;
    bool ha, hd;          /* hardware updates of AF and dirty state   */
    bool table_beyond;    /* TTBR's address has bits above oa_bits: address size fault, level 0 */
    uint8_t granule_bits; /* 12, 14, 16     */
    uint8_t input_bits;   /* 64 - TnSZ      */
    int8_t start_level;   /* -1..3          */
    bool lpa;             /* OA[51:48] in bits 15:12 of descriptors: FEAT_LPA, 64 KB granule */
    bool ds;              /* OA[51:50] in bits 9:8: TCR_EL1.DS of FEAT_LPA2                   */
    uint8_t sh;           /* ds: the shareability, for which descriptors have no room         */
    uint8_t oa_bits;      /* output address */
    uint64_t table;       /* of the start level */
};

/* Decodes TCR_EL1 and one TTBRn_EL1. Reserved and unimplemented choices take the
 * nearest legal one. */
void pgt_half_init(struct pgt_half *half, uint64_t tcr, uint64_t ttbr, bool upper,
                   const struct pgt_impl *impl);
/* Encoding of ID_AA64MMFR0_EL1.PARange for a number of bits, and back. */
unsigned pgt_parange(unsigned pa_bits);
unsigned pgt_parange_bits(unsigned parange);
/* True if the half does not translate va: bits above its input size are not the sign, or EPDn.
 * Level-0 translation fault. */
bool pgt_out_of_range(const struct pgt_half *half, uint64_t va);
/* Log2 of the bytes that one descriptor of a level maps. */
static inline unsigned pgt_level_shift(const struct pgt_half *half, int level)
{
    return half->granule_bits + (unsigned)(3 - level) * (half->granule_bits - 3u);
}

/* Address of the descriptor for va in the table of a level. */
static inline uint64_t pgt_desc_addr(const struct pgt_half *half, uint64_t table, uint64_t va,
                                     int level)
{
    unsigned shift = pgt_level_shift(half, level);
    unsigned top = half->input_bits < shift + half->granule_bits - 3u
                       ? half->input_bits
                       : shift + half->granule_bits - 3u;

    return table + (((va >> shift) & ((1ull << (top - shift)) - 1)) << 3);
}

enum pgt_kind { PGT_INVALID, PGT_TABLE, PGT_LEAF };
enum pgt_kind pgt_desc_kind(const struct pgt_half *half, uint64_t desc, int level);
/* Next table, or start of the page or block. */
uint64_t pgt_desc_output(const struct pgt_half *half, uint64_t desc, int level);
/* True if an address is beyond the half's output size. */
static inline bool pgt_beyond(const struct pgt_half *half, uint64_t pa)
{
    return (pa >> half->oa_bits) != 0;
}

/* Permissions of a leaf: R, W, X for each level. */
enum {
    PGT_R1 = 1,
    PGT_W1 = 2,
    PGT_X1 = 4,
    PGT_R0 = 8,
    PGT_W0 = 16,
    PGT_X0 = 32,
    PGT_USER = 64 /* AP[1], for PAN */
};
/*
 * hier: the table descriptors on the way, or'ed (0 if HPD). A page whose dirty state hardware
 * manages counts as writable (the walker then writes the descriptor).
 */
unsigned pgt_perms(const struct pgt_half *half, uint64_t desc, uint64_t hier, bool wxn);

#endif
