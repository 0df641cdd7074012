/*
 * mem.c - alignment, tagged addresses, contiguous entries, accesses that fault half way. DDI 0487, "Alignment of data accesses",
 * "Address tagging", "The Contiguous bit", "Data Abort exception" (what a faulting access leaves).
 */
#include "access.h"

SNIPPET(m_ldrh, "ldrh w0, [x0]");
SNIPPET(m_ldrw, "ldr w0, [x0]");
SNIPPET(m_ldrq, "ldr q0, [x0]");
SNIPPET(m_strq, "str q0, [x0]");
SNIPPET(m_ldp, "ldp x2, x3, [x0]");
SNIPPET(m_ldpw, "ldp w2, w3, [x0]");
SNIPPET(m_stp, "stp x2, x3, [x0]");
SNIPPET(m_ldpq, "ldp q2, q3, [x0]");
SNIPPET(m_stpq, "stp q2, q3, [x0]");
SNIPPET(m_ld1, "ld1 {v0.16b}, [x0]");
SNIPPET(m_ld2, "ld2 {v0.4s, v1.4s}, [x0]");
SNIPPET(m_ld4b, "ld4 {v0.8b, v1.8b, v2.8b, v3.8b}, [x0]");
SNIPPET(m_ldar, "ldar x0, [x0]");
SNIPPET(m_ldarh, "ldarh w0, [x0]");
SNIPPET(m_ldapr, "ldapr x0, [x0]");
SNIPPET(m_stlr, "stlr x1, [x0]");
SNIPPET(m_ldxr, "ldxr x0, [x0]");
SNIPPET(m_ldaxr, "ldaxr w0, [x0]");
SNIPPET(m_ldxp, "ldxp x2, x3, [x0]");
SNIPPET(m_stxr, "stxr w2, x1, [x0]");
SNIPPET(m_stxp, "stxp w2, x1, x3, [x0]");
SNIPPET(m_swpw, "swp w1, w2, [x0]");
SNIPPET(m_ldaddh, "ldaddh w1, w2, [x0]");
SNIPPET(m_casp, "casp x2, x3, x4, x5, [x0]");
SNIPPET(m_casx, "cas x2, x3, [x0]");
SNIPPET(m_staddx, "stadd x1, [x0]");
SNIPPET(m_ldtrx, "ldtr x0, [x0]");
SNIPPET(m_ldur_pre, "ldr x1, [x0, #8]!");
SNIPPET(m_ldr_post, "ldr x1, [x0], #8");
SNIPPET(m_stp_pre, "stp x2, x3, [x0, #-16]!");
SNIPPET(m_ldp_post, "ldp x2, x3, [x0], #16");
SNIPPET(m_ldp_base, "ldp x0, x1, [x0]");
SNIPPET(m_ldpsw, "ldpsw x2, x3, [x0]");
SNIPPET(m_ld1_post, "ld1 {v0.16b, v1.16b}, [x0], #32");
SNIPPET(m_st4, "st4 {v0.16b, v1.16b, v2.16b, v3.16b}, [x0]");
SNIPPET(m_zva, "dc zva, x0");
SNIPPET(m_cvac, "dc cvac, x0");
SNIPPET(m_brtag, "br x0");
SNIPPET(m_where, "adr x0, .");

static struct half kernel, high;
static u64 va;
#define LEAF (PTE_AF | PTE_IS)

static const struct {
    const char *name;
    const u32 *code;
} accesses[] = {
    { "ldrh", m_ldrh },  { "ldr-w", m_ldrw }, { "ldr-x", a_ldr },  { "str-x", a_str },
    { "ldr-q", m_ldrq }, { "str-q", m_strq }, { "ldp-w", m_ldpw }, { "ldp-x", m_ldp },
    { "stp-x", m_stp },  { "ldp-q", m_ldpq }, { "stp-q", m_stpq }, { "ld1-b", m_ld1 },
    { "ld2-s", m_ld2 },  { "ld4-b", m_ld4b }, { "ldtr", m_ldtrx }, { "ldpsw", m_ldpsw }
};

/* Unaligned accesses to Normal memory: always with SCTLR.A, and by kind of instruction. */
static void alignment(void)
{
    for (unsigned a = 0; a < 2; a++) {
        sctlr_set(a ? SCTLR_A : 0, a ? 0 : SCTLR_A);
        for (unsigned k = 0; k < ARRAY(accesses); k++) {
            char ok[17];
            for (unsigned off = 0; off < 16; off++) {
                struct trap *t = probe(EL1H, accesses[k].code, va + off, 0, 0, 0, 0, 0);
                ok[off] = done(t) ? '1' : (t->esr & 0x3f) == 0x21 && t->far == va + off ? 'a' : '?';
            }
            ok[16] = 0;
            check(name("mem.align-%s-a%u", accesses[k].name, (u64)a), "%s", ok);
        }
        check_trap(name("mem.align-syndrome-ld-a%u", (u64)a), probe1(EL1H, a_ldr, va + 1), a_ldr,
                   va);
        check_trap(name("mem.align-syndrome-st-a%u", (u64)a), probe2(EL1H, a_str, va + 1, 0), a_str,
                   va);
        check_trap(name("mem.align-syndrome-ld0-a%u", (u64)a), probe1(EL0T, a_ldr, va + 1), a_ldr,
                   va);
        /* Alignment by SCTLR.A comes before faults of translation. */
        check_trap(name("mem.align-unmapped-a%u", (u64)a), probe1(EL1H, a_ldr, va + 0x100001),
                   a_ldr, va);
        check_trap(name("mem.align-cross-a%u", (u64)a), probe1(EL1H, a_ldr, va + 0xffc), a_ldr, va);
    }
    sctlr_set(0, SCTLR_A);
}

/* Instructions that demand alignment whatever SCTLR.A says (FEAT_LSE2 relaxes it inside 16 bytes: 8 to 16 are not looked at). */
static void ordered(void)
{
    static const struct {
        const char *name;
        const u32 *code;
        unsigned size;
    } uses[] = { { "ldxr-x", m_ldxr, 8 }, { "ldaxr-w", m_ldaxr, 4 }, { "ldxp", m_ldxp, 16 },
                 { "stxr", m_stxr, 8 },   { "stxp", m_stxp, 16 },    { "casp", m_casp, 16 } };

    for (unsigned k = 0; k < ARRAY(uses); k++) {
        char ok[17];
        for (unsigned off = 0; off < 16; off++) {
            struct trap *t = probe(EL1H, uses[k].code, va + off, 0, 0, 0, 0, 0);
            ok[off] = done(t) ? '1' : (t->esr & 0x3f) == 0x21 ? 'a' : '?';
        }
        ok[16] = 0;
        check(name("mem.ordered-%s", uses[k].name), "%s", ok);
        check_trap(name("mem.ordered-syndrome-%s", uses[k].name),
                   probe(EL1H, uses[k].code, va + 2, 0, 0, 0, 0, 0), uses[k].code, va);
        check_trap(name("mem.ordered-syndrome0-%s", uses[k].name),
                   probe(EL0T, uses[k].code, va + 2, 0, 0, 0, 0, 0), uses[k].code, va);
        check_trap(name("mem.ordered-unmapped-%s", uses[k].name),
                   probe(EL1H, uses[k].code, va + 0x100000, 0, 0, 0, 0, 0), uses[k].code, va);
    }
    /* Crossing a 16-byte block: with FEAT_LSE2 or without. */
    static const struct {
        const char *name;
        const u32 *code;
        unsigned at;
    } cross[] = { { "ldar", m_ldar, 12 },  { "ldarh", m_ldarh, 15 },   { "ldapr", m_ldapr, 9 },
                  { "stlr", m_stlr, 12 },  { "swp-w", m_swpw, 14 },    { "ldadd-h", m_ldaddh, 15 },
                  { "cas-x", m_casx, 12 }, { "stadd-x", m_staddx, 12 } };
    for (unsigned k = 0; k < ARRAY(cross); k++) {
        check_trap(name("mem.ordered-cross-%s", cross[k].name),
                   probe(EL1H, cross[k].code, va + cross[k].at, 0, 0, 0, 0, 0), cross[k].code, va);
        check_trap(name("mem.ordered-cross0-%s", cross[k].name),
                   probe(EL0T, cross[k].code, va + cross[k].at, 0, 0, 0, 0, 0), cross[k].code, va);
    }
}

/* Device memory: what must fault there. */
static void device(void)
{
    static const unsigned kinds[] = { MA_DEVICE, MA_GRE };

    for (unsigned d = 0; d < 2; d++) {
        half_map(&high, va + 0x8000, PLAY + 0x8000, PTE_AF | PTE_ATTR(kinds[d]) | PTE_XN, 3);
        flush();
        for (unsigned k = 0; k < ARRAY(accesses); k++) {
            char ok[17];
            for (unsigned off = 0; off < 16; off++) {
                struct trap *t = probe(EL1H, accesses[k].code, va + 0x8000 + off, 0, 0, 0, 0, 0);
                ok[off] = done(t) ? '1' : (t->esr & 0x3f) == 0x21 ? 'a' : '?';
            }
            ok[16] = 0;
            check(name("mem.device%u-%s", (u64)d, accesses[k].name), "%s", ok);
        }
        check_trap(name("mem.device%u-zva", (u64)d), probe1(EL1H, m_zva, va + 0x8000), m_zva,
                   va + 0x8000);
        check_trap(name("mem.device%u-cvac", (u64)d), probe1(EL1H, m_cvac, va + 0x8000), m_cvac,
                   va + 0x8000);
    }
    /* The memory type's fault comes after those of permission. */
    half_map(&high, va + 0x8000, PLAY + 0x8000, PTE_AF | PTE_RO | PTE_ATTR(MA_DEVICE) | PTE_XN, 3);
    flush();
    check_trap("mem.device-ro-unaligned", probe2(EL1H, a_str, va + 0x8001, 0), a_str, va + 0x8000);
}

/* Accesses that begin in a mapped page and end in an unmapped one. */
static void crossing(void)
{
    static const struct {
        const char *name;
        const u32 *code;
        int off;
    } uses[] = { { "ldr", a_ldr, -4 },           { "str", a_str, -4 },
                 { "ldp", m_ldp, -8 },           { "ldp-odd", m_ldp, -12 },
                 { "stp", m_stp, -8 },           { "stp-odd", m_stp, -3 },
                 { "ldp-post", m_ldp_post, -8 }, { "stp-pre", m_stp_pre, 8 },
                 { "ldp-base", m_ldp_base, -8 }, { "ldr-q", m_ldrq, -8 },
                 { "str-q", m_strq, -1 },        { "ldp-q", m_ldpq, -16 },
                 { "stp-q", m_stpq, -16 },       { "ldpsw", m_ldpsw, -4 },
                 { "ldr-pre", m_ldur_pre, -8 },  { "ldr-post", m_ldr_post, 0 },
                 { "ld2", m_ld2, -16 },          { "ld1-post", m_ld1_post, -16 },
                 { "st4", m_st4, -32 },          { "str-b7", a_str, -7 },
                 { "str-b1", a_str, -1 },        { "ldr-all", a_ldr, 0 } };
    const u64 end = va + 0x4000; /* pages 0 to 3 are there, page 4 is not */

    *half_desc(&high, end, 3) = 0;
    flush();
    for (unsigned k = 0; k < ARRAY(uses); k++) {
        for (unsigned el = 0; el < 2; el++) {
            u64 memory = PLAY + 0x4000;
            for (unsigned i = 1; i <= 8; i++) {
                wr64(memory - 8 * i, 0x1111111111111111ull * i);
            }
            struct trap *t = probe(el ? EL1H : EL0T, uses[k].code, end + (u64)(int64_t)uses[k].off,
                                   0x101, 0x202, 0x303, 0x404, 0x505);
            u64 sum = 0;
            for (unsigned i = 1; i <= 8; i++) {
                u64 expect = 0x1111111111111111ull * i;
                sum |= (rd64(memory - 8 * i) != expect) ? 1ull << i : 0;
            }
            /* How much of a faulting store is in memory is UNKNOWN: only its first bytes could differ, and only where it was allowed. */
            check(name("mem.cross-%s-el%u", uses[k].name, (u64)el),
                  "esr=%w far=%d x0=%d x1=%x x2=%x x3=%x", t->esr, (int64_t)(t->far - end),
                  (int64_t)(t->x[0] - end), t->x[1], t->x[2], t->x[3]);
            check(name("mem.cross-%s-el%u-memory", uses[k].name, (u64)el), "%x", sum);
        }
    }
    half_map(&high, end, PLAY + 0x4000, LEAF | PTE_RO | PTE_USER, 3);
    flush();
    for (unsigned k = 0; k < ARRAY(uses); k++) {
        struct trap *t = probe(EL1H, uses[k].code, end + (u64)(int64_t)uses[k].off, 0x101, 0x202,
                               0x303, 0x404, 0x505);
        check(name("mem.cross-ro-%s", uses[k].name), "esr=%w far=%d", t->esr,
              done(t) ? 0 : (int64_t)(t->far - end));
    }
}

/* Tags: ignored with TBI, an address beyond without; FAR has them for data. */
static void tags(void)
{
    static const struct {
        const char *name;
        u64 tcr;
    } modes[] = { { "tbi00", 0 },
                  { "tbi10", TCR_TBI0 },
                  { "tbi01", TCR_TBI1 },
                  { "tbi11", TCR_TBI0 | TCR_TBI1 } };
    const u64 low = 0x4000000000;

    half_map(&kernel, low, PLAY, LEAF | PTE_USER, 3);
    for (unsigned m = 0; m < ARRAY(modes); m++) {
        mmu_set(&kernel, &high, modes[m].tcr);
        wr64(PLAY, 0x5050);
        for (unsigned el = 0; el < 2; el++) {
            u64 spsr = el ? EL1H : EL0T;
            u64 hi_tag = (va & ~(0xffull << 56)) | 0x5aull << 56;
            u64 lo_tag = low | 0xa5ull << 56;
            const char *m_name = modes[m].name;
            check_trap(name("mem.%s-hi-el%u", m_name, (u64)el), probe1(spsr, a_ldr, hi_tag), a_ldr,
                       hi_tag);
            check_trap(name("mem.%s-lo-el%u", m_name, (u64)el), probe1(spsr, a_ldr, lo_tag), a_ldr,
                       lo_tag);
            check_trap(name("mem.%s-hi-unmapped-el%u", m_name, (u64)el),
                       probe1(spsr, a_ldr, hi_tag + 0x200000), a_ldr, hi_tag);
            check_trap(name("mem.%s-lo-unmapped-el%u", m_name, (u64)el),
                       probe1(spsr, a_ldr, lo_tag + 0x200000), a_ldr, lo_tag);
            check_trap(name("mem.%s-lo-swp-el%u", m_name, (u64)el),
                       probe2(spsr, a_swp, lo_tag, 0x5050), a_swp, lo_tag);
            check_trap(name("mem.%s-lo-zva-el%u", m_name, (u64)el),
                       probe2(spsr, m_zva, lo_tag + 0x200000, 0), m_zva, lo_tag);
            /* A branch removes the tag from PC. */
            u64 code = ((u64)(uintptr_t)m_where) | 0x3full << 56;
            struct trap *t = probe1(spsr, m_brtag, code);
            check(name("mem.%s-br-el%u", m_name, (u64)el), "esr=%w pc=%x far=%x", t->esr,
                  done(t) ? t->x[0] - (u64)(uintptr_t)m_where : t->elr - code,
                  done(t) ? 0 : t->far - code);
            t = probe1(spsr, (const void *)(uintptr_t)code, 0); /* so does ERET */
            check(name("mem.%s-eret-el%u", m_name, (u64)el), "esr=%w pc=%x", t->esr,
                  done(t) ? t->x[0] - (u64)(uintptr_t)m_where : t->elr - code);
        }
        SYS1("at s1e1r", low | 0x77ull << 56);
        isb();
        check(name("mem.%s-at", modes[m].name), "%x", MRS("par_el1") & 0x7f);
    }
    mmu_set(&kernel, &high, 0);
}

/* 16 entries with the Contiguous bit. */
static void contiguous(void)
{
    const u64 at = va + 0x200000; /* its low bits let 16 pages be contiguous */

    for (unsigned i = 0; i < 16; i++) {
        half_map(&high, (at & ~0xffffull) + i * 0x1000, PLAY + i * 0x1000,
                 LEAF | PTE_CONT | PTE_USER, 3);
    }
    flush();
    for (unsigned i = 0; i < 16; i++) {
        wr64(PLAY + i * 0x1000 + 0x10, 0xc0de0000 + i);
    }
    u64 sum = 0;
    for (unsigned i = 0; i < 16; i++) {
        sum += probe1(EL1H, a_ldr, (at & ~0xffffull) + i * 0x1000 + 0x10)->x[0] == 0xc0de0000 + i;
    }
    check("mem.contiguous-pages", "%u", sum);
}

int main(void)
{
    mmu_default();
    tables_free();
    half_init(&kernel, false, 12, 39, false);
    half_map_guest(&kernel);
    half_init(&high, true, 12, 48, false);
    va = half_first(&high) + 0x123456780000;
    for (unsigned i = 0; i < 16; i++) {
        half_map(&high, va + i * 0x1000, PLAY + i * 0x1000, LEAF | PTE_USER, 3);
    }
    mmu_set(&kernel, &high, 0);
    sctlr_set(SCTLR_DZE | SCTLR_UCI, 0);
    alignment();
    ordered();
    device();
    crossing();
    tags();
    contiguous();
    return 0;
}
