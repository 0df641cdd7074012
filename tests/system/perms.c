/*
 * perms.c - permissions. DDI 0487, "Memory access control": AP, UXN, PXN, WXN, PAN, UAO, EPAN, hierarchical controls and HPD, E0PD,
 * hardware management of the Access flag and dirty state, address translation instructions.
 *
 * A bit string has 1 for what succeeded, in the order that the line's name says.
 */
#include "access.h"

SNIPPET(p_at_e1r, "at s1e1r, x0\nisb\nmrs x0, par_el1");
SNIPPET(p_at_e1w, "at s1e1w, x0\nisb\nmrs x0, par_el1");
SNIPPET(p_at_e0r, "at s1e0r, x0\nisb\nmrs x0, par_el1");
SNIPPET(p_at_e0w, "at s1e0w, x0\nisb\nmrs x0, par_el1");
SNIPPET(p_at_e1rp, "at s1e1rp, x0\nisb\nmrs x0, par_el1");
SNIPPET(p_at_e1wp, "at s1e1wp, x0\nisb\nmrs x0, par_el1");

static struct half kernel, high;
static u64 va;
#define LEAF (PTE_AF | PTE_IS)

static void set_leaf(u64 attr)
{
    half_map(&high, va, PLAY, attr, 3);
    flush();
}

/* Descriptor bits 0-15: AP[1] (EL0), AP[2] (RO), UXN, PXN. */
static u64 combo(unsigned i)
{
    return LEAF | (i & 1 ? PTE_USER : 0) | (i & 2 ? PTE_RO : 0) | (i & 4 ? PTE_UXN : 0) |
           (i & 8 ? PTE_PXN : 0);
}

static const struct {
    const char *name;
    u64 spsr;
    const u32 *code;
} tries[] = { { "r1", EL1H, a_ldr },    { "w1", EL1H, a_str },     { "x1", EL1H, a_exec },
              { "r0", EL0T, a_ldr },    { "w0", EL0T, a_str },     { "x0", EL0T, a_exec },
              { "ldtr", EL1H, a_ldtr }, { "sttr", EL1H, a_sttr },  { "swp", EL1H, a_swp },
              { "swp0", EL0T, a_swp },  { "cvac0", EL0T, a_cvac }, { "ivac", EL1H, a_ivac },
              { "zva0", EL0T, a_dczva } };

/* What each kind of access does, over all descriptors; bits of descriptors 0 to 15. */
static void matrix(const char *config, u64 pstate)
{
    for (unsigned k = 0; k < ARRAY(tries); k++) {
        char ok[17], what[17];
        for (unsigned i = 0; i < 16; i++) {
            set_leaf(combo(i));
            wr32(PLAY, 0xd65f03c0); /* RET */
            ASM("dsb sy\nic iallu\ndsb sy\nisb");
            struct trap *t = probe2(tries[k].spsr | pstate, tries[k].code, va, 0xd65f03c0);
            ok[i] = done(t) ? '1' : '0';
            what[i] = done(t) ? '-' : "0123456789abcdef"[t->esr & 15];
        }
        ok[16] = what[16] = 0;
        check(name("perms.%s-%s", config, tries[k].name), "%s fsc=%s", ok, what);
    }
}

static void matrices(void)
{
    static const struct {
        const char *name;
        u64 sctlr, pstate;
    } configs[] = { { "plain", 0, 0 },   { "wxn", SCTLR_WXN, 0 },
                    { "pan", 0, P_PAN }, { "pan-wxn", SCTLR_WXN, P_PAN },
                    { "uao", 0, P_UAO }, { "pan-uao", 0, P_PAN | P_UAO } };
    for (unsigned i = 0; i < ARRAY(configs); i++) {
        if ((configs[i].pstate & P_UAO) != 0 && field(MRS("id_aa64mmfr2_el1"), 4, 4) == 0) {
            continue;
        }
        sctlr_set(configs[i].sctlr | SCTLR_UCI | SCTLR_DZE, 0);
        flush();
        matrix(configs[i].name, configs[i].pstate);
        sctlr_set(0, SCTLR_WXN | SCTLR_UCI | SCTLR_DZE);
    }
}

/* APTable, UXNTable and PXNTable at each level, and what HPD makes of them. */
static void hierarchical(void)
{
    for (unsigned hpd = 0; hpd < 2; hpd++) {
        for (int level = 0; level < 3; level++) {
            for (unsigned bit = 0; bit < 16; bit++) {
                char ok[7];
                mmu_set(&kernel, &high, hpd ? TCR_HPD1 : 0);
                set_leaf(LEAF | PTE_USER | (bit & 4 ? 0 : 0));
                *half_desc(&high, va, level) |= (u64)bit << 59;
                flush();
                wr32(PLAY, 0xd65f03c0);
                ASM("dsb sy\nic iallu\ndsb sy\nisb");
                for (unsigned k = 0; k < 6; k++) {
                    ok[k] = done(probe2(tries[k].spsr, tries[k].code, va, 0xd65f03c0)) ? '1' : '0';
                }
                ok[6] = 0;
                check(name("perms.table-l%u-%x%s", (u64)level, (u64)bit, hpd ? "-hpd" : ""), "%s",
                      ok);
                *half_desc(&high, va, level) &= ~(15ull << 59);
            }
        }
    }
    mmu_set(&kernel, &high, 0);
}

static void e0pd(void)
{
    static const u64 tcr[] = { 0, TCR_E0PD0, TCR_E0PD1, TCR_E0PD0 | TCR_E0PD1 };
    const u64 low = 0x4000000000; /* in the kernel's half, beyond what it uses */

    half_map(&kernel, low, PLAY, LEAF | PTE_USER, 3);
    for (unsigned i = 0; i < 4; i++) {
        mmu_set(&kernel, &high, tcr[i]);
        set_leaf(LEAF | PTE_USER);
        if ((tcr[i] & TCR_E0PD0) == 0) { /* EL0's code is in the lower half */
            check_trap(name("perms.e0pd%u-ld0-high", (u64)i), probe1(EL0T, a_ldr, va), a_ldr, va);
            check_trap(name("perms.e0pd%u-ex0-high", (u64)i), probe1(EL0T, a_exec, va), a_exec, va);
            check_trap(name("perms.e0pd%u-st0-high", (u64)i), probe2(EL0T, a_str, va, 0), a_str,
                       va);
            check_trap(name("perms.e0pd%u-ex0-unmapped", (u64)i), probe1(EL0T, a_exec, va + 0x1000),
                       a_exec, va);
        } else {
            check_trap(name("perms.e0pd%u-fetch", (u64)i), probe1(EL0T, a_ldr, va), a_ldr,
                       (u64)(uintptr_t)a_ldr);
        }
        check_trap(name("perms.e0pd%u-ldtr-high", (u64)i), probe1(EL1H, a_ldtr, va), a_ldtr, va);
        check_trap(name("perms.e0pd%u-ldtr-low", (u64)i), probe1(EL1H, a_ldtr, low), a_ldtr, low);
        check_trap(name("perms.e0pd%u-sttr-low", (u64)i), probe2(EL1H, a_sttr, low, 0), a_sttr,
                   low);
        check(name("perms.e0pd%u-at", (u64)i), "%x %x", probe1(EL1H, p_at_e0r, va)->x[0] & 0xff,
              probe1(EL1H, p_at_e0r, low)->x[0] & 0xff);
        check(name("perms.e0pd%u-el1", (u64)i), "%x %x", probe1(EL1H, a_ldr, va)->esr,
              probe1(EL1H, a_ldr, low)->esr);
    }
    mmu_set(&kernel, &high, 0);
}

/* AF and dirty state: what the access does to the descriptor. */
static void hafdbs(void)
{
    static const struct {
        const char *name;
        u64 tcr;
    } modes[] = { { "off", 0 }, { "ha", TCR_HA }, { "hahd", TCR_HA | TCR_HD }, { "hd", TCR_HD } };
    static const struct {
        const char *name;
        u64 attr;
    } leaves[] = { { "af0", PTE_IS },
                   { "af0-ro", PTE_IS | PTE_RO },
                   { "af0-dbm", PTE_IS | PTE_RO | PTE_DBM },
                   { "dbm", LEAF | PTE_RO | PTE_DBM },
                   { "dbm-rw", LEAF | PTE_DBM },
                   { "dbm-user", LEAF | PTE_RO | PTE_DBM | PTE_USER },
                   { "af0-dbm-user", PTE_IS | PTE_RO | PTE_DBM | PTE_USER } };
    static const struct {
        const char *name;
        u64 spsr;
        const u32 *code;
    } uses[] = {
        { "ld", EL1H, a_ldr },        { "st", EL1H, a_str },      { "ex", EL1H, a_exec },
        { "ld0", EL0T, a_ldr },       { "st0", EL0T, a_str },     { "swp", EL1H, a_swp },
        { "ldadd0", EL1H, a_ldadd0 }, { "ldxr", EL1H, a_ldxr },   { "sttr", EL1H, a_sttr },
        { "zva", EL1H, a_dczva },     { "civac", EL1H, a_civac }, { "prfm", EL1H, a_prfm }
    };

    for (unsigned m = 0; m < ARRAY(modes); m++) {
        mmu_set(&kernel, &high, modes[m].tcr);
        for (unsigned l = 0; l < ARRAY(leaves); l++) {
            for (unsigned u = 0; u < ARRAY(uses); u++) {
                set_leaf(leaves[l].attr);
                u64 before = *half_desc(&high, va, 3);
                wr32(PLAY, 0xd65f03c0);
                ASM("dsb sy\nic iallu\ndsb sy\nisb");
                struct trap *t = probe2(uses[u].spsr, uses[u].code, va, 0xd65f03c0);
                u64 changed = before ^ *half_desc(&high, va, 3);
                check(name("perms.hafdbs-%s-%s-%s", modes[m].name, leaves[l].name, uses[u].name),
                      "%s fsc=%x af+=%u ro-=%u", done(t) ? "ok" : "fault",
                      done(t) ? 0 : t->esr & 0x7f, field(changed, 10, 1), field(changed, 7, 1));
            }
        }
    }
    mmu_set(&kernel, &high, 0);
}

/* AT by all kinds of descriptor: F and FST, for PAN clear and set. */
static void address_translation(void)
{
    static const struct {
        const char *name;
        const u32 *code;
    } ats[] = { { "e1r", p_at_e1r }, { "e1w", p_at_e1w },   { "e0r", p_at_e0r },
                { "e0w", p_at_e0w }, { "e1rp", p_at_e1rp }, { "e1wp", p_at_e1wp } };
    static const struct {
        const char *name;
        u64 attr;
    } memory[] = { { "wb-is", PTE_ATTR(MA_NORMAL) | PTE_IS },
                   { "wb-os", PTE_ATTR(MA_NORMAL) | 2ull << 8 },
                   { "wb-nsh", PTE_ATTR(MA_NORMAL) },
                   { "device", PTE_ATTR(MA_DEVICE) },
                   { "nc", PTE_ATTR(MA_NC) | PTE_IS },
                   { "gre", PTE_ATTR(MA_GRE) },
                   { "attr7", PTE_ATTR(7) } };

    for (unsigned pan = 0; pan < 2; pan++) {
        for (unsigned a = 0; a < ARRAY(ats); a++) {
            char ok[5], what[5];
            for (unsigned i = 0; i < 4; i++) {
                set_leaf(combo(i));
                u64 par = probe1(EL1H | (pan ? P_PAN : 0), ats[a].code, va)->x[0];
                ok[i] = par & 1 ? '0' : '1';
                what[i] = par & 1 ? "0123456789abcdef"[par >> 1 & 15] : '-';
            }
            ok[4] = what[4] = 0;
            check(name("perms.at-%s-pan%u", ats[a].name, (u64)pan), "%s fst=%s", ok, what);
        }
    }
    for (unsigned i = 0; i < ARRAY(memory); i++) {
        set_leaf(PTE_AF | memory[i].attr);
        u64 par = probe1(EL1H, p_at_e1r, va + 0x123)->x[0];
        check(name("perms.par-%s", memory[i].name), "attr=%x sh=%x pa=%x low=%x", par >> 56,
              field(par, 7, 2), (par & 0xfffffffff000) - PLAY, par & 0x47f);
    }
    set_leaf(0);
    for (unsigned a = 0; a < ARRAY(ats); a++) {
        check(name("perms.at-af-%s", ats[a].name), "%x", probe1(EL1H, ats[a].code, va)->x[0]);
    }
    mmu_set(&kernel, &high, TCR_HA | TCR_HD);
    for (unsigned a = 0; a < ARRAY(ats); a++) {
        set_leaf(PTE_RO | PTE_DBM | PTE_USER);
        u64 par = probe1(EL1H, ats[a].code, va)->x[0];
        check(name("perms.at-dbm-%s", ats[a].name), "f=%x fst=%x", par & 1,
              par & 1 ? field(par, 1, 6) : 0);
    }
    mmu_set(&kernel, &high, 0);
    sctlr_set(0, SCTLR_M);
    for (unsigned a = 0; a < ARRAY(ats); a++) {
        u64 par = probe1(EL1H, ats[a].code, PLAY + 0x1008)->x[0];
        check(name("perms.at-off-%s", ats[a].name), "f=%x pa=%x attr=%x sh=%x", par & 1,
              (par & 0xfffffffff000) - PLAY, par >> 56, field(par, 7, 2));
        par = probe1(EL1H, ats[a].code, 1ull << 54)->x[0];
        check(name("perms.at-off-beyond-%s", ats[a].name), "%x", par & 0xff);
    }
    sctlr_set(SCTLR_M, 0);
    for (unsigned a = 0; a < ARRAY(ats); a++) {
        check_trap(name("perms.at-el0-%s", ats[a].name), probe1(EL0T, ats[a].code, va), ats[a].code,
                   0);
    }
}

/* SPAN: what an exception makes of PSTATE.PAN. */
SNIPPET(p_pan, "mrs x0, pan");
static void span(void)
{
    for (unsigned i = 0; i < 4; i++) {
        if ((i & 1) == 0) {
            sctlr_set(0, SCTLR_SPAN);
        } else {
            sctlr_set(SCTLR_SPAN, 0);
        }
        struct trap *t = probe1(EL1H | (i & 2 ? P_PAN : 0), p_pan, 0);
        check(name("perms.span%u-pan%u", (u64)(i & 1), (u64)(i >> 1)), "pan=%x spsr=%x", t->x[0],
              t->spsr >> 22 & 1);
    }
    sctlr_set(SCTLR_SPAN, 0);
}

int main(void)
{
    mmu_default();
    tables_free();
    half_init(&kernel, false, 12, 39, false);
    half_map_guest(&kernel);
    half_init(&high, true, 12, 48, false);
    va = half_first(&high) + 0x123456789000;
    mmu_set(&kernel, &high, 0);
    matrices();
    hierarchical();
    e0pd();
    hafdbs();
    address_translation();
    span();
    return 0;
}
