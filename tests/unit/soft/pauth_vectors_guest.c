/*
 * pauth_vectors_guest.c - a bare-metal program for somebody else's Arm CPU: prints pauth_vectors.def, which test_pauth.c
 * compares our CPU to. QEMU 7.2's QARMA5 made the file that is checked in:
 *
 *     aarch64-linux-gnu-gcc -O2 -march=armv8.5-a -ffreestanding -nostdlib -static -Wl,-N,--build-id=none,-Ttext=0x40080000 -o v.elf \
 *         pauth_vectors_guest.c
 *     qemu-system-aarch64 -M virt -cpu max -m 64 -net none -display none -serial stdio -kernel v.elf > pauth_vectors.def
 *
 * It runs at EL1 with the MMU off: pointer authentication looks at TCR_EL1 all the same.
 */
#include <stdint.h>

__asm__(".section .text.start,\"ax\"\n"
        ".globl _start\n"
        "_start: ldr x0, =stack_top\n"
        "    mov sp, x0\n"
        "    mov x0, #3 << 20\n"
        "    msr cpacr_el1, x0\n"
        "    isb\n"
        "    b guest_main\n"
        ".bss\n"
        ".balign 16\n"
        "    .skip 16384\n"
        "stack_top:\n"
        ".text\n");

/* ---- Output ---------------------------------------------------------------------------------- */

static void put_char(char c)
{
    *(volatile uint32_t *)0x09000000 = (uint8_t)c;
}

static void put_text(const char *text)
{
    for (; *text != 0; text++) {
        put_char(*text);
    }
}

static void put_hex(uint64_t value)
{
    put_text("0x");
    for (int shift = 60; shift >= 0; shift -= 4) {
        put_char("0123456789abcdef"[value >> shift & 15]);
    }
}

/* ---- Input ----------------------------------------------------------------------------------- */

static uint64_t seed = 88172645463325252ull;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1dull;
}

struct tcr {
    unsigned t0sz, t1sz, tg0, tg1;
    unsigned tbi, tbid; /* bit 0: lower half, bit 1: upper half */
    unsigned ds;
};

/* 48-bit and smaller address spaces, 64 KB granules and 52 bits, FEAT_LPA2's 52 bits; values out of range. */
static const struct tcr tcrs[] = {
    { 16, 16, 0, 2, 0, 0, 0 }, { 16, 16, 0, 2, 3, 0, 0 }, { 16, 16, 0, 2, 3, 3, 0 },
    { 16, 16, 0, 2, 1, 0, 0 }, { 16, 16, 0, 2, 2, 0, 0 }, { 25, 25, 0, 2, 1, 1, 0 },
    { 39, 39, 0, 2, 0, 0, 0 }, { 20, 30, 0, 2, 3, 0, 0 }, { 12, 12, 1, 3, 0, 0, 0 },
    { 12, 12, 1, 3, 3, 0, 0 }, { 12, 12, 0, 2, 3, 1, 1 }, { 12, 16, 0, 2, 0, 0, 0 },
    { 0, 39, 0, 2, 3, 2, 0 },
};

static uint64_t tcr_value(const struct tcr *t)
{
    return t->t0sz | t->t1sz << 16 | t->tg0 << 14 | (uint64_t)t->tg1 << 30 | 5ull << 32 |
           (uint64_t)t->tbi << 37 | (uint64_t)t->tbid << 51 | (uint64_t)t->ds << 59;
}

/*
 * Addresses: good ones of either half, with and without tag, and bad ones. QEMU 7.2 takes the half from bit 63 where the
 * manual takes bit 55, if the halves do not agree about tags or sizes: those are left out.
 */
static uint64_t make_address(const struct tcr *t, unsigned n)
{
    uint64_t r = random64();
    unsigned used = 64 - (t->t0sz > t->t1sz ? t->t0sz : t->t1sz);
    uint64_t low = r & ((1ull << (used > 25 && used < 53 ? used : 25)) - 1);
    uint64_t tag = (r >> 56) << 56;

    switch (n % 6) {
    case 0: r = low; break;
    case 1: r = ~0ull << 25 | low; break;
    case 2: r = (low & ~(0xffull << 56)) | tag; break;
    case 3: r = ((~0ull << 25 | low) & ~(0xffull << 56)) | tag; break;
    case 4: r = low ^ 1ull << 54; break;
    default: break;
    }
    if (t->tbi == 1 || t->tbi == 2 || t->tbid == 1 || t->tbid == 2 || t->t0sz != t->t1sz) {
        r = (r & ~(1ull << 63)) | (r >> 55 & 1) << 63;
    }
    return r;
}

/* ---- Instructions ---------------------------------------------------------------------------- */

#define EACH_KEY(F, op) F(op, IA, ia) F(op, IB, ib) F(op, DA, da) F(op, DB, db)

#define RUN(op, KEY, key)                                        \
    static uint64_t run_##op##key(uint64_t x, uint64_t m)        \
    {                                                            \
        __asm__ volatile(#op #key " %0, %1" : "+r"(x) : "r"(m)); \
        return x;                                                \
    }

EACH_KEY(RUN, pac)
EACH_KEY(RUN, aut)

static uint64_t run_pacga(uint64_t x, uint64_t m)
{
    __asm__ volatile("pacga %0, %0, %1" : "+r"(x) : "r"(m));
    return x;
}

static uint64_t run_xpaci(uint64_t x, uint64_t m)
{
    (void)m;
    __asm__ volatile("xpaci %0" : "+r"(x));
    return x;
}

static uint64_t run_xpacd(uint64_t x, uint64_t m)
{
    (void)m;
    __asm__ volatile("xpacd %0" : "+r"(x));
    return x;
}

static void set_keys(uint64_t lo, uint64_t hi)
{
#define SET(KEY) \
    __asm__ volatile("msr " #KEY "Lo_EL1, %0; msr " #KEY "Hi_EL1, %1" : : "r"(lo), "r"(hi))
    SET(APIAKey);
    SET(APIBKey);
    SET(APDAKey);
    SET(APDBKey);
    SET(APGAKey);
    __asm__ volatile("isb");
}

/* ---- Vectors --------------------------------------------------------------------------------- */

static uint64_t tcr_now, lo_now, hi_now;

static void vector(const char *name, uint64_t (*run)(uint64_t, uint64_t), uint64_t x, uint64_t m)
{
    const uint64_t values[] = { tcr_now, lo_now, hi_now, x, m, run(x, m) };

    put_text("V(");
    put_text(name);
    for (unsigned i = 0; i < 6; i++) {
        put_text(", ");
        put_hex(values[i]);
    }
    put_text(")\n");
}

#define PAIR(op, KEY, key)                                              \
    case PAIR_##KEY:                                                    \
        vector("PAC" #KEY, run_pac##key, x, m);                         \
        vector("AUT" #KEY, run_aut##key, run_pac##key(x, m), m);        \
        vector("AUT" #KEY, run_aut##key, run_pac##key(x, m) ^ flip, m); \
        break;

enum { PAIR_IA, PAIR_IB, PAIR_DA, PAIR_DB };

static void vectors(const struct tcr *t, unsigned n)
{
    uint64_t x = make_address(t, n), m = random64();
    uint64_t flip = 1ull << (48 + random64() % 16);

    switch ((n + n / 6) % 4) {
        EACH_KEY(PAIR, _)
    }
    if (n % 3 == 0) {
        vector("PACGA", run_pacga, random64(), m);
    } else {
        vector(n % 3 == 1 ? "XPACI" : "XPACD", n % 3 == 1 ? run_xpaci : run_xpacd, random64(), 0);
    }
}

__attribute__((used)) void guest_main(void)
{
    uint64_t sctlr;

    put_text(
        "/*\n * pauth_vectors.def - what QEMU 7.2 answers, pointer authentication by QARMA5. Made "
        "by pauth_vectors_guest.c.\n"
        " *\n *   V(instruction, TCR_EL1, key low, key high, register, modifier, result)\n */\n");
    __asm__ volatile("mrs %0, sctlr_el1" : "=r"(sctlr));
    sctlr |= 1ull << 31 | 1ull << 30 | 1ull << 27 | 1ull << 13;
    __asm__ volatile("msr sctlr_el1, %0; isb" : : "r"(sctlr));
    for (unsigned i = 0; i < sizeof(tcrs) / sizeof(tcrs[0]); i++) {
        tcr_now = tcr_value(&tcrs[i]);
        __asm__ volatile("msr tcr_el1, %0; isb" : : "r"(tcr_now));
        for (unsigned n = 0; n < 12; n++) {
            if (n % 4 == 0) {
                lo_now = random64();
                hi_now = random64();
                set_keys(lo_now, hi_now);
            }
            vectors(&tcrs[i], n);
        }
    }
    __asm__ volatile("mov x0, #0x84000000; add x0, x0, #8; hvc #0"
                     :
                     :
                     : "x0", "memory"); /* PSCI SYSTEM_OFF */
}
