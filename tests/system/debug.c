/*
 * debug.c - self-hosted debug: OS lock, software step, breakpoints, watchpoints.
 *
 * DDI 0487, "AArch64 Self-hosted Debug".
 */
#include "access.h"

#define MDSCR_SS  1ull
#define MDSCR_KDE (1ull << 13)
#define MDSCR_MDE (1ull << 15)
#define P_D       (1ull << 9)

/* Control registers: E, privilege PMC/PAC, all bytes of a word (breakpoints), LSC and BAS (watchpoints). */
#define CR(pac)                   (1ull | (u64)(pac) << 1)
#define BCR(pac)                  (CR(pac) | 15ull << 5)
#define WCR(pac, lsc, bas)        (CR(pac) | (u64)(lsc) << 3 | (u64)(bas) << 5)
#define WCR_RANGE(pac, lsc, mask) (WCR(pac, lsc, 0xff) | (u64)(mask) << 24)

SNIPPET(d_adds, "add x0, x0, #1\nadd x0, x0, #1\nadd x0, x0, #1");
SNIPPET(d_svc, "svc #1\nadd x0, x0, #1");
SNIPPET(d_branch, "b 1f\nnop\n1: add x0, x0, #1");
SNIPPET(d_load, "ldr x0, [x0]");
SNIPPET(d_ldxr, "ldxr x1, [x0]\nclrex");
SNIPPET(d_ldrb, "ldrb w0, [x0]");
SNIPPET(d_strb, "strb w1, [x0]");
SNIPPET(d_ldp, "ldp x0, x1, [x0]");
SNIPPET(d_stp, "stp x0, x1, [x0]");
SNIPPET(d_ldrq, "ldr q0, [x0]");
SNIPPET(d_brk, "brk #0x42");

static const struct {
    const char *name;
    u64 spsr;
} levels[] = { { "el0", EL0T }, { "el1", EL1H & ~P_D }, { "el1-masked", EL1H } };

static void set_mdscr(u64 v)
{
    MSR("mdscr_el1", v);
    isb();
}

static void steps(const char *mode, u64 mdscr)
{
    static const struct {
        const char *name;
        const u32 *code;
    } codes[] = { { "add", d_adds },
                  { "svc", d_svc },
                  { "branch", d_branch },
                  { "load", d_load },
                  { "brk", d_brk } };

    for (unsigned l = 0; l < ARRAY(levels); l++) {
        for (unsigned c = 0; c < ARRAY(codes); c++) {
            for (unsigned ss = 0; ss < 2; ss++) {
                set_mdscr(mdscr);
                const struct trap *t =
                    probe1(levels[l].spsr | (ss != 0 ? P_SS : 0), codes[c].code, PLAY);
                set_mdscr(0);
                check_trap(
                    name("debug.step-%s-%s-%s-ss%u", mode, levels[l].name, codes[c].name, (u64)ss),
                    t, codes[c].code, PLAY);
            }
        }
    }
}

static void breakpoints(void)
{
    static const unsigned pacs[] = { 0, 1, 2, 3 };

    for (unsigned l = 0; l < ARRAY(levels); l++) {
        for (unsigned i = 0; i < ARRAY(pacs); i++) {
            MSR("dbgbvr1_el1", &d_adds[1]);
            MSR("dbgbcr1_el1", BCR(pacs[i]));
            set_mdscr(MDSCR_MDE | MDSCR_KDE);
            check_trap(name("debug.break-%s-pmc%u", levels[l].name, (u64)pacs[i]),
                       probe1(levels[l].spsr, d_adds, 7), d_adds, PLAY);
        }
        set_mdscr(MDSCR_KDE);
        check_trap(name("debug.break-%s-no-mde", levels[l].name), probe1(levels[l].spsr, d_adds, 7),
                   d_adds, PLAY);
        set_mdscr(MDSCR_MDE);
        check_trap(name("debug.break-%s-no-kde", levels[l].name), probe1(levels[l].spsr, d_adds, 7),
                   d_adds, PLAY);
        MSR("dbgbcr1_el1", BCR(3) & ~1ull);
        set_mdscr(MDSCR_MDE | MDSCR_KDE);
        check_trap(name("debug.break-%s-off", levels[l].name), probe1(levels[l].spsr, d_adds, 7),
                   d_adds, PLAY);
        MSR("dbgbcr1_el1", 0);
        set_mdscr(0);
    }
}

static void watch(const char *what, u64 wvr, u64 wcr)
{
    static const struct {
        const char *name;
        const u32 *code;
        u64 offset;
    } uses[] = { { "ldr", a_ldr, 8 },     { "str", a_str, 8 },         { "ldrb3", d_ldrb, 11 },
                 { "strb3", d_strb, 11 }, { "ldrb7", d_ldrb, 15 },     { "ldp", d_ldp, 0 },
                 { "stp", d_stp, 0 },     { "before", d_ldp, 8 - 16 }, { "after", a_ldr, 16 },
                 { "across", a_ldr, 4 },  { "q", d_ldrq, 0 },          { "swp", a_swp, 8 },
                 { "far", a_ldr, 0x100 } };

    for (unsigned l = 0; l < ARRAY(levels); l++) {
        for (unsigned i = 0; i < ARRAY(uses); i++) {
            u64 at = PLAY + 0x400 + uses[i].offset;
            MSR("dbgwvr2_el1", wvr);
            MSR("dbgwcr2_el1", wcr);
            set_mdscr(MDSCR_MDE | MDSCR_KDE);
            const struct trap *t = probe2(levels[l].spsr, uses[i].code, at, 0);
            set_mdscr(0);
            MSR("dbgwcr2_el1", 0);
            check_trap(name("debug.watch-%s-%s-%s", what, levels[l].name, uses[i].name), t,
                       uses[i].code, PLAY + 0x400);
        }
    }
}

int main(void)
{
    const u64 at = PLAY + 0x408;

    mmu_default();
    half_map(&lower, PLAY & ~0x1fffffull, PLAY & ~0x1fffffull, PTE_AF | PTE_USER | PTE_XN | PTE_IS,
             2);
    flush();
    check("debug.oslock-reset", "%x", MRS("oslsr_el1"));
    MSR("oslar_el1", 1);
    steps("locked", MDSCR_SS | MDSCR_KDE);
    MSR("oslar_el1", 0);
    check("debug.oslock-off", "%x", MRS("oslsr_el1"));
    steps("kde", MDSCR_SS | MDSCR_KDE);
    steps("no-kde", MDSCR_SS);
    breakpoints();
    watch("load", at, WCR(3, 1, 0xff));
    watch("store", at, WCR(3, 2, 0xff));
    watch("both-el1", at, WCR(1, 3, 0xff));
    watch("both-el0", at, WCR(2, 3, 0xff));
    watch("byte3", at, WCR(3, 3, 8));
    watch("word", at + 4, WCR(3, 3, 15));
    watch("range", at & ~0x7full, WCR_RANGE(3, 3, 7));
    check_trap("debug.step-ldxr", probe1(EL0T, d_ldxr, PLAY), d_ldxr, PLAY);
    set_mdscr(MDSCR_SS);
    const struct trap *t = probe1(EL0T | P_SS, d_ldxr, PLAY);
    set_mdscr(0);
    check_trap("debug.step-ldxr-ss1", t, d_ldxr, PLAY);
    return 0;
}
