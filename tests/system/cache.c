/*
 * cache.c - cache maintenance: who may do it, what it faults on, and code that changes.
 *
 * DDI 0487, "A64 Cache maintenance system instructions", "SCTLR_EL1" (UCI, UCT, DZE), "Synchronization and coherency issues
 * between data and instruction accesses". The size of the block that DC ZVA clears differs between machines: what is
 * printed is whether just that block was cleared.
 */
#include "access.h"

SNIPPET(c_ctr, "mrs x0, ctr_el0");
SNIPPET(c_dczid, "mrs x0, dczid_el0\nubfx x0, x0, #4, #1");
SNIPPET(c_cvap, "dc cvap, x0");
SNIPPET(c_cvadp, ".inst 0xd50b7d20");
SNIPPET(c_iallu, "ic iallu");
SNIPPET(c_ialluis, "ic ialluis");
SNIPPET(c_isw, "dc isw, x1");
SNIPPET(c_csw, "dc csw, x1");
SNIPPET(c_cisw, "dc cisw, x1");
SNIPPET(c_at, "at s1e1r, x0");
SNIPPET(c_tlbi, "tlbi vmalle1");
SNIPPET(c_cfp, ".inst 0xd50b7380");
SNIPPET(c_dvp, ".inst 0xd50b73a0");
SNIPPET(c_cpp, ".inst 0xd50b73e0");

static const struct {
    const char *name;
    const u32 *code;
} ops[] = { { "ivau", a_ivau },       { "cvau", a_cvau }, { "cvac", a_cvac },
            { "civac", a_civac },     { "cvap", c_cvap }, { "cvadp", c_cvadp },
            { "zva", a_dczva },       { "ivac", a_ivac }, { "iallu", c_iallu },
            { "ialluis", c_ialluis }, { "isw", c_isw },   { "csw", c_csw },
            { "cisw", c_cisw },       { "ctr", c_ctr },   { "dczid", c_dczid } };

/* A page that EL0 may use, one that it may read, one that only EL1 may use, one that nobody may write, and none at all. */
#define VA(n) (0x2000000000ull + ((u64)(n) << 16))
enum { USER, USER_RO, KERNEL, KERNEL_RO, UNMAPPED, PAGES };

static const char *const page_names[PAGES] = { "user", "user-ro", "kernel", "kernel-ro",
                                               "unmapped" };
static const u64 page_attr[PAGES] = { PTE_USER, PTE_USER | PTE_RO, 0, PTE_RO, 0 };

static void map_pages(void)
{
    for (unsigned i = 0; i < UNMAPPED; i++) {
        half_map(&lower, VA(i), PLAY + ((u64)i << 16), PTE_AF | PTE_IS | PTE_XN | page_attr[i], 3);
    }
    flush();
}

/* ---- Traps of EL0 ---------------------------------------------------------------------------- */

static void el0_controls(void)
{
    static const struct {
        const char *name;
        u64 bit;
    } bits[] = { { "uci", SCTLR_UCI }, { "uct", SCTLR_UCT }, { "dze", SCTLR_DZE } };
    static const struct {
        const char *name;
        const u32 *code;
    } more[] = {
        { "at", c_at }, { "tlbi", c_tlbi }, { "cfp", c_cfp }, { "dvp", c_dvp }, { "cpp", c_cpp }
    };

    for (unsigned set = 0; set < 8; set++) {
        for (unsigned b = 0; b < 3; b++) {
            sctlr_set(set >> b & 1 ? bits[b].bit : 0, bits[b].bit);
        }
        for (unsigned i = 0; i < ARRAY(ops); i++) {
            struct trap *t = probe1(EL0T, ops[i].code, VA(USER));
            if (ops[i].code == c_ctr) {
                t->x[0] = 0;
            }
            check_trap(name("cache.el0-%s%s%s-%s", set & 1 ? "uci" : "", set & 2 ? "uct" : "",
                            set & 4 ? "dze" : "", ops[i].name),
                       t, ops[i].code, VA(USER));
        }
    }
    for (unsigned i = 0; i < ARRAY(more); i++) {
        check_trap(name("cache.el0-%s", more[i].name), probe1(EL0T, more[i].code, VA(USER)),
                   more[i].code, VA(USER));
    }
    check("cache.dczid-el1", "%x", probe1(EL1H, c_dczid, 0)->x[0]);
    sctlr_set(0, SCTLR_DZE);
    check("cache.dczid-el1-no-dze", "%x", probe1(EL1H, c_dczid, 0)->x[0]);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

static void faults(void)
{
    sctlr_set(SCTLR_UCI | SCTLR_DZE | SCTLR_UCT, 0);
    for (unsigned page = 0; page < PAGES; page++) {
        for (unsigned el = 0; el < 2; el++) {
            for (unsigned i = 0; i < 8; i++) {
                if (el == 0 && ops[i].code == a_ivac) {
                    continue;
                }
                check_trap(name("cache.fault-%s-el%u-%s", page_names[page], (u64)el, ops[i].name),
                           probe1(el ? EL1H : EL0T, ops[i].code, VA(page) + 8), ops[i].code,
                           VA(page));
            }
        }
    }
    for (unsigned i = 0; i < 8; i++) { /* no such address; a tag */
        check_trap(name("cache.fault-range-%s", ops[i].name),
                   probe1(EL1H, ops[i].code, 0x0100000000000000), ops[i].code, 0x0100000000000000);
        check_trap(name("cache.fault-upper-%s", ops[i].name),
                   probe1(EL1H, ops[i].code, 0xffffff8000000000), ops[i].code, 0xffffff8000000000);
    }
}

/* ---- DC ZVA ---------------------------------------------------------------------------------- */

static void zva(void)
{
    const u64 size = 4ull << field(MRS("dczid_el0"), 0, 4);
    static const char *const where[] = { "start", "middle", "end" };
    const u64 offset[] = { 0, size / 2 + 3, size - 1 };

    check("cache.zva-sane", "%u", (u64)(size >= 16 && size <= 2048));
    for (unsigned el = 0; el < 2; el++) {
        for (unsigned i = 0; i < 3; i++) {
            u8 *bytes = play;
            u64 wrong = 0;
            for (unsigned n = 0; n < 8192; n++) {
                bytes[n] = 0xa5;
            }
            const struct trap *t =
                probe1(el ? EL1H : EL0T, a_dczva, VA(USER) + 4096 - size + offset[i]);
            for (unsigned n = 0; n < 8192; n++) {
                bool inside = n >= 4096 - size && n < 4096;
                wrong += bytes[n] != (inside ? 0 : 0xa5);
            }
            check(name("cache.zva-%s-el%u", where[i], (u64)el), "done=%u wrong=%u", (u64)done(t),
                  wrong);
        }
    }
    /* The fault's address is the one in the register, or any of the block's. */
    const struct trap *t = probe1(EL1H, a_dczva, VA(UNMAPPED) + 0x345);
    u64 block = (VA(UNMAPPED) + 0x345) & ~(size - 1);
    check("cache.zva-far", "esr=%w inside=%u", t->esr,
          (u64)(t->far >= block && t->far < block + size));
}

/* ---- Code that changes ----------------------------------------------------------------------- */

#define CODE_RW  (PLAY + 0x80000)
#define CODE_VA  VA(32)                        /* executed by both levels, which may not write it */
#define MOV(n)   (0xd2800000u | (u32)(n) << 5) /* MOVZ X0, #n */
#define RET      0xd65f03c0u
#define B(words) (0x14000000u | ((u32)(words)&0x3ffffff))

/* How the words get there. */
static void by_str(u64 to, u32 word)
{
    wr32(to, word);
}

static void by_bytes(u64 to, u32 word)
{
    for (unsigned i = 0; i < 4; i++) {
        ((volatile u8 *)to)[i] = (u8)(word >> 8 * i);
    }
}

static void by_swp(u64 to, u32 word)
{
    u32 old;
    __asm__ volatile("swp %w2, %w0, [%1]" : "=r"(old) : "r"(to), "r"(word) : "memory");
}

static void by_cas(u64 to, u32 word)
{
    u32 old = rd32(to);
    __asm__ volatile("cas %w0, %w2, [%1]" : "+r"(old) : "r"(to), "r"(word) : "memory");
}

static void by_stxr(u64 to, u32 word)
{
    u32 fail, old;
    do {
        __asm__ volatile("ldxr %w1, [%2]\nstxr %w0, %w3, [%2]"
                         : "=&r"(fail), "=&r"(old)
                         : "r"(to), "r"(word)
                         : "memory");
    } while (fail != 0);
}

static void by_stp(u64 to, u32 word)
{
    __asm__ volatile("stp %w1, %w2, [%0]" ::"r"(to), "r"(word), "r"(rd32(to + 4)) : "memory");
}

static void by_ldadd(u64 to, u32 word)
{
    __asm__ volatile("stadd %w1, [%0]" ::"r"(to), "r"(word - rd32(to)) : "memory");
}

static void by_vector(u64 to, u32 word)
{
    __asm__ volatile(
        ".arch_extension simd\nldr q0, [%0]\nmov v0.s[0], %w1\nst1 {v0.16b}, [%0]" ::"r"(to),
        "r"(word)
        : "memory");
}

/* DC ZVA first, then the four words of the function again. */
static void by_zva(u64 to, u32 word)
{
    u32 rest[4];

    for (unsigned i = 0; i < 4; i++) {
        rest[i] = rd32((to & ~15ull) + 4 * i);
    }
    SYS1("dc zva", to);
    for (unsigned i = 0; i < 4; i++) {
        wr32((to & ~15ull) + 4 * i, rest[i]);
    }
    wr32(to, word);
}

static const struct {
    const char *name;
    void (*fn)(u64 to, u32 word);
} writers[] = { { "str", by_str },     { "bytes", by_bytes }, { "swp", by_swp },
                { "cas", by_cas },     { "stxr", by_stxr },   { "stp", by_stp },
                { "stadd", by_ldadd }, { "st1", by_vector },  { "zva", by_zva } };

/* How the instruction side hears of it. */
static void sync_ivau(u64 at)
{
    SYS1("dc cvau", at);
    ASM("dsb ish");
    SYS1("ic ivau", at);
    ASM("dsb ish\nisb");
}

static void sync_iallu(u64 at)
{
    SYS1("dc cvau", at);
    ASM("dsb ish\nic iallu\ndsb ish\nisb");
}

static void sync_ialluis(u64 at)
{
    SYS1("dc cvau", at);
    ASM("dsb ish\nic ialluis\ndsb ish\nisb");
}

/* By another address of the same memory: caches are physically tagged, as CTR_EL0.L1Ip says. */
static void sync_alias(u64 at)
{
    sync_ivau(CODE_VA + (at - CODE_RW));
}

static const struct {
    const char *name;
    void (*fn)(u64 at);
} syncs[] = { { "ivau", sync_ivau },
              { "iallu", sync_iallu },
              { "ialluis", sync_ialluis },
              { "alias", sync_alias } };

static void put(u64 to, const u32 *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        wr32(to + 4 * i, words[i]);
        sync_ivau(to + 4 * i);
    }
}

static u64 result(const struct trap *t)
{
    return done(t) ? t->x[0] : t->esr;
}

/* The function runs, one word changes, it runs again: many times, for fast paths to form in between. */
static void change(const char *what, unsigned word, u64 offset)
{
    const u32 first[] = { MOV(1), B(2), RET, B(-1) };
    u64 at = CODE_RW + offset;

    for (unsigned w = 0; w < ARRAY(writers); w++) {
        for (unsigned s = 0; s < ARRAY(syncs); s++) {
            u64 good[2] = { 0, 0 };
            put(at, first, 4);
            for (unsigned n = 2; n < 40; n++) {
                /* Word 0 is the value; word 1 goes to RET at once, or by word 3. */
                u32 now = word == 0 ? MOV(n) : n % 2 ? B(1) : B(2);
                u64 expected = word == 0 ? n : 1;
                writers[w].fn(at + 4 * word, now);
                syncs[s].fn(at + 4 * word);
                good[0] += result(probe1(EL0T, (const void *)(CODE_VA + offset), 0)) == expected;
                good[1] += result(probe1(EL1H, (const void *)(CODE_VA + offset), 0)) == expected;
            }
            check(name("cache.code-%s-%s-%s", what, writers[w].name, syncs[s].name),
                  "el0=%u el1=%u", good[0], good[1]);
        }
    }
}

static void pages(void)
{
    const u32 tail[] = { MOV(3), RET };

    /* A function that begins in one page and goes on in the next, of which each changes. */
    half_map(&lower, CODE_VA + 4096, CODE_RW + 8192, PTE_AF | PTE_IS | PTE_USER | PTE_RO, 3);
    flush();
    for (unsigned n = 1; n < 20; n++) {
        wr32(CODE_RW + 4092, MOV(n));
        sync_ivau(CODE_RW + 4092);
        wr32(CODE_RW + 8192, 0x91000000 | n << 10); /* ADD X0, X0, #n */
        sync_ivau(CODE_RW + 8192);
        put(CODE_RW + 8196, &tail[1], 1);
        if (n % 6 == 0) {
            check(name("cache.code-two-pages-%u", (u64)n), "%u",
                  result(probe1(EL0T, (const void *)(CODE_VA + 4092), 0)));
        }
    }
    /* The second page leads elsewhere: no code was written, but other code is there. */
    put(CODE_RW + 0x4000, tail, 2);
    half_map(&lower, CODE_VA + 4096, CODE_RW + 0x4000, PTE_AF | PTE_IS | PTE_USER | PTE_RO, 3);
    flush();
    check("cache.code-other-page", "%u", result(probe1(EL0T, (const void *)(CODE_VA + 4092), 0)));
    /* And nowhere. */
    *half_desc(&lower, CODE_VA + 4096, 3) = 0;
    flush();
    check("cache.code-no-page", "%w", result(probe1(EL0T, (const void *)(CODE_VA + 4092), 0)));
}

/* ---- Two CPUs -------------------------------------------------------------------------------- */

/* At EL0 and at EL1: 16 bits of each result. */
static u64 run_both(u64 offset)
{
    const void *code = (const void *)(CODE_VA + offset);

    isb();
    return (result(probe1(EL0T, code, 0)) & 0xffff) << 16 |
           (result(probe1(EL1H, code, 0)) & 0xffff);
}

static u64 write_there(u64 x)
{
    by_str(CODE_RW + 0x6000, MOV(x));
    sync_ivau(CODE_RW + 0x6000);
    return 0;
}

/* The writer's IC IVAU or IALLUIS and DSB reach the other CPU, whose ISB drops what it has fetched. */
static void two_cpus(void)
{
    const u32 code[] = { MOV(1), RET };

    cpu1_start();
    for (unsigned s = 0; s < ARRAY(syncs); s++) {
        u64 good = 0;
        if (syncs[s].fn == sync_iallu) {
            continue; /* of this CPU only */
        }
        put(CODE_RW + 0x6000, code, 2);
        for (unsigned n = 2; n < 40; n++) {
            by_str(CODE_RW + 0x6000, MOV(n));
            syncs[s].fn(CODE_RW + 0x6000);
            good += cpu1_call(run_both, 0x6000) == (n << 16 | n);
        }
        check(name("cache.code-two-%s", syncs[s].name), "%u", good);
    }
    u64 good = 0;
    for (unsigned n = 2; n < 40; n++) {
        cpu1_call(write_there, n);
        good += run_both(0x6000) == (n << 16 | n);
    }
    check("cache.code-two-there", "%u", good);
    cpu1_leave();
}

int main(void)
{
    mmu_default();
    map_pages();
    el0_controls();
    faults();
    zva();
    for (u64 p = 0; p < 0x8000; p += 4096) {
        half_map(&lower, CODE_VA + p, CODE_RW + p, PTE_AF | PTE_IS | PTE_USER | PTE_RO, 3);
    }
    flush();
    change("value", 0, 0x2000);
    change("branch", 1, 0x2000);
    pages();
    two_cpus();
    return 0;
}
