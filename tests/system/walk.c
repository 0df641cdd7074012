/*
 * walk.c - table walks: every granule, start level and fault level. DDI 0487, "MMU faults in AArch64 state", "Translation table
 * descriptor formats". FSC and FAR by a load, a store and a fetch at EL1 and a load at EL0; PAR_EL1 by AT S1E1R.
 */
#include "access.h"

static struct half kernel, h;
static u64 extra_tcr;

static u64 at_par(u64 va)
{
    struct trap *t = probe1(EL1H, a_at, va);

    return done(t) ? t->x[0] : t->esr << 32 | 1;
}

/* The syndromes of all accesses, or what AT says. */
static void report(const char *what, u64 va)
{
    struct trap *t;
    u64 esr[4], far[4], par;

    par = at_par(va) & ~0x200ull; /* NS is UNKNOWN */
    t = probe1(EL1H, a_ldr, va);
    esr[0] = t->esr, far[0] = t->far;
    t = probe2(EL1H, a_str, va, 0);
    esr[1] = t->esr, far[1] = t->far;
    t = probe1(EL1H, a_exec, va);
    esr[2] = t->esr, far[2] = t->far;
    t = probe1(EL0T, a_ldr, va);
    esr[3] = t->esr, far[3] = t->far;
    for (unsigned i = 0; i < 4; i++) {
        far[i] = esr[i] == DONE_ESR ? 0 : far[i] - va;
    }
    check(what, "ld=%w st=%w ex=%w ld0=%w far=%x,%x,%x,%x par=%x", esr[0], esr[1], esr[2], esr[3],
          far[0], far[1], far[2], far[3], (par & 1) != 0 ? par : par & ~0xfull);
}

static void on(void)
{
    mmu_set(&kernel, &h, extra_tcr);
}

/* A size that the largest leaf may have: where blocks are allowed. */
static bool leaf_allowed(const struct half *half, int level)
{
    switch (half->gran) {
    case 12: return level >= (half->ds ? 0 : 1);
    case 14: return level >= (half->ds ? 1 : 2);
    default: return level >= 1; /* FEAT_LPA: 4 TB */
    }
}

static void faults_at(const char *config, int level)
{
    const u64 attr = PTE_AF | PTE_UXN | PTE_PXN | (h.ds ? 0 : PTE_IS);
    u64 va = half_first(&h) +
             ((1ull << h.bits) - (1ull << half_shift(&h, h.start == 3 ? 3 : level))) + 0x28;
    u64 mask = (1ull << half_shift(&h, level)) - 1;
    u64 *d = half_desc(&h, va, level);
    const char *at = level < 0    ? "m1"
                     : level == 0 ? "0"
                     : level == 1 ? "1"
                     : level == 2 ? "2"
                                  : "3";

    *d = 0;
    on();
    report(name("walk.%s-l%s-invalid", config, at), va);
    if (level >= 0 &&
        (level == 3 || !leaf_allowed(&h, level))) { /* level -1 makes QEMU 7.2 abort */
        *d = (0x40000000 & ~mask) | attr | 1;
        flush();
        report(name("walk.%s-l%s-reserved", config, at), va);
    }
    if (level < 3) {
        *d = 1ull << 44 | 3; /* a table beyond IPS */
        flush();
        mmu_set(&kernel, &h, extra_tcr | 2ull << 32);
        report(name("walk.%s-l%s-table-size", config, at), va);
        *d = 1ull << 44 | 3; /* where there is no memory */
        on();
        report(name("walk.%s-l%s-table-abort", config, at), va);
    }
    if (!leaf_allowed(&h, level)) {
        *d = 0;
        return;
    }
    u64 leaf = ((PLAY & ~mask) | attr) | (level == 3 ? 3 : 1);
    *d = leaf & ~PTE_AF;
    on();
    report(name("walk.%s-l%s-af", config, at), va);
    *d = leaf | PTE_RO;
    flush();
    report(name("walk.%s-l%s-ro", config, at), va);
    *d = (leaf & ~((1ull << 48) - 1)) | 1ull << 44 | (leaf & 0xfff);
    if (half_shift(&h, level) <= 44) {
        mmu_set(&kernel, &h, extra_tcr | 2ull << 32);
        report(name("walk.%s-l%s-leaf-size", config, at), va);
    }
    /* It works, and reaches the right byte. */
    *d = leaf;
    on();
    u64 target = (PLAY & mask) + (va & ~mask) + 0x30;
    wr64(PLAY + 0x30, 0x1234567800 + (u64)(level + 1));
    check_trap(name("walk.%s-l%s-load", config, at), probe1(EL1H, a_ldr, target), a_ldr, target);
    check(name("walk.%s-l%s-par", config, at), "%x", (at_par(target) & ~0xfffull) ^ PLAY);
    *d = 0;
}

static void one_config(const char *config, bool upper, unsigned gran, unsigned bits, bool ds)
{
    tables_free();
    half_init(&kernel, false, 12, 39, ds);
    half_map_guest(&kernel);
    half_init(&h, upper, gran, bits, ds);
    check(name("walk.%s-start", config), "%d", (int64_t)h.start);
    for (int level = h.start; level <= 3; level++) {
        faults_at(config, level);
    }
    on();
    u64 above = upper ? half_first(&h) - 8 : 0;
    if (bits < 55) {
        report(name("walk.%s-below", config), above);
        report(name("walk.%s-far-below", config), 0xff80000000000000ull);
    }
    /* The table itself lies beyond. */
    u64 *table = h.table;
    h.table = (u64 *)(1ull << 44);
    mmu_set(&kernel, &h, extra_tcr | 2ull << 32);
    report(name("walk.%s-ttbr-size", config), half_first(&h) + 0x40);
    h.table = table;
    mmu_set(&kernel, &h, extra_tcr | TCR_EPD1);
    report(name("walk.%s-epd", config), half_first(&h) + 0x40);
}

/* The lower half holds the guest in all granules too. */
static void lower_granules(void)
{
    static const struct {
        const char *name;
        unsigned gran, bits;
        bool ds;
    } configs[] = { { "4k-39", 12, 39, 0 },  { "4k-48", 12, 48, 0 },  { "4k-52", 12, 52, 1 },
                    { "4k-33", 12, 33, 0 },  { "16k-36", 14, 36, 0 }, { "16k-47", 14, 47, 0 },
                    { "16k-48", 14, 48, 0 }, { "16k-52", 14, 52, 1 }, { "64k-42", 16, 42, 0 },
                    { "64k-48", 16, 48, 0 }, { "64k-52", 16, 52, 0 } };
    for (unsigned i = 0; i < ARRAY(configs); i++) {
        tables_free();
        half_init(&kernel, false, configs[i].gran, configs[i].bits, configs[i].ds);
        half_map_guest(&kernel);
        mmu_set(&kernel, NULL, 0);
        report(name("walk.lower-%s-hole", configs[i].name), 0x50000008);
        report(name("walk.lower-%s-last", configs[i].name), (1ull << configs[i].bits) - 8);
        report(name("walk.lower-%s-beyond", configs[i].name), 1ull << configs[i].bits);
        report(name("walk.lower-%s-upper", configs[i].name), ~0xfffull);
        report(name("walk.lower-%s-bit55", configs[i].name), 1ull << 55);
        report(name("walk.lower-%s-bit54", configs[i].name), 0x54ull << 48 | 1ull << 54);
    }
}

int main(void)
{
    one_config("4k-39", true, 12, 39, false);
    one_config("4k-48", true, 12, 48, false);
    one_config("4k-40", true, 12, 40, false);
    one_config("4k-30", true, 12, 30, false);
    one_config("4k-25", true, 12, 25, false);
    one_config("4k-52", true, 12, 52, true);
    one_config("4k-49", true, 12, 49, true);
    one_config("16k-47", true, 14, 47, false);
    one_config("16k-48", true, 14, 48, false);
    one_config("16k-36", true, 14, 36, false);
    one_config("16k-25", true, 14, 25, false);
    one_config("16k-52", true, 14, 52, true);
    one_config("64k-42", true, 16, 42, false);
    one_config("64k-48", true, 16, 48, false);
    one_config("64k-52", true, 16, 52, false);
    one_config("64k-29", true, 16, 29, false);
    lower_granules();
    return 0;
}
