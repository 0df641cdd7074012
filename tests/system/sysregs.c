/*
 * sysregs.c - the whole space of MRS and MSR (op0 2 and 3), and which bits of the important registers exist.
 *
 * DDI 0487, "AArch64 System register encoding", "ESR_ELx, ISS encoding for an exception from MSR, MRS, or System
 * instruction execution", and the definitions of RES0 and RES1. Every encoding is read and written at EL1, and at EL0 with
 * the control bits that trap it off and on. The MMU is off: a written SCTLR_EL1 may then have any value.
 *
 *     -  UNDEFINED (EC 0)     r w  it reads, it is written
 *     t  trapped: EC 0x18, and an ISS that names this very instruction     T  EC 0x18 with another ISS
 *     ?  anything else
 */
#include "sys.h"

#define ENCODINGS (2u << 14)
#define WORDS     ((u32 *)(void *)play)
#define RET       0xd65f03c0u
#define NOBODY \
    0x3ffull /* what write-only registers get: no interrupt, no CPU that is there but this one's SGI 0 */

#define SCTLR_OPEN (SCTLR_UMA | SCTLR_UCT | SCTLR_DZE | SCTLR_UCI)

enum use { READ_EL1, WRITE_EL1, READ_EL0, WRITE_EL0, READ_EL0_SHUT, USES };

static u64 values[ENCODINGS]; /* what EL1 read */
static char outcome[USES][ENCODINGS];

/* Index: op0[14] op1[13:11] CRn[10:7] CRm[6:3] op2[2:0], which is the order in the instruction too. */
static u32 instruction(u32 index, bool read)
{
    return 0xd5100000 | (read ? 1u << 21 : 0) | index << 5;
}

/* Op0 Op2 Op1 CRn Rt CRm Direction. Rt is X0. */
static u64 iss_of(u32 index, bool read)
{
    return (u64)(2 + (index >> 14)) << 20 | (u64)(index & 7) << 17 | (u64)(index >> 11 & 7) << 14 |
           (u64)(index >> 7 & 15) << 10 | (u64)(index >> 3 & 15) << 1 | read;
}

static void make_code(bool read)
{
    for (u32 i = 0; i < ENCODINGS; i++) {
        WORDS[2 * i] = instruction(i, read);
        WORDS[2 * i + 1] = RET;
    }
    for (u64 a = PLAY; a < PLAY + sizeof(play); a += 64) {
        SYS1("dc cvau", a);
    }
    ASM("dsb ish\nic iallu\ndsb ish\nisb");
}

static char judge(const struct trap *t, u32 index, bool read)
{
    if (done(t)) {
        return read ? 'r' : 'w';
    }
    if (t->elr != PLAY + 8 * (u64)index) {
        return '?';
    }
    switch (t->esr >> 26) {
    case 0: return t->esr == 1u << 25 ? '-' : '?';
    case 0x18: return field(t->esr, 0, 25) == iss_of(index, read) ? 't' : 'T';
    default: return '?';
    }
}

/* A register that holds the state of this very program is written with what it reads now. */
static u64 to_write(u32 index)
{
    return outcome[READ_EL1][index] == 'r' ? values[index] : NOBODY;
}

static void try_all(enum use use)
{
    const bool read = use == READ_EL1 || use == READ_EL0 || use == READ_EL0_SHUT;
    const u64 spsr = use == READ_EL1 || use == WRITE_EL1 ? EL1H : EL0T;
    const bool shut = use == READ_EL0_SHUT;

    make_code(read);
    MSR("cntkctl_el1", shut ? 0 : 0x303);
    sctlr_set(shut ? 0 : SCTLR_OPEN, shut ? SCTLR_OPEN : 0);
    for (u32 i = 0; i < ENCODINGS; i++) {
        const struct trap *t = probe1(spsr, &WORDS[2 * i], read ? 0 : to_write(i));
        outcome[use][i] = judge(t, i, read);
        if (use == READ_EL1) {
            values[i] = t->x[0];
        }
    }
    MSR("cntkctl_el1", 0);
    sctlr_set(0, SCTLR_OPEN);
}

static const char *of_crm(u32 first)
{
    static char text[USES * 9];
    char *p = text;

    for (unsigned use = 0; use < USES; use++) {
        for (u32 i = first; i < first + 8; i++) {
            *p++ = outcome[use][i];
        }
        *p++ = use + 1 < USES ? ' ' : 0;
    }
    return text;
}

static bool any(u32 first, u32 count)
{
    for (u32 i = first; i < first + count; i++) {
        for (unsigned use = 0; use < USES; use++) {
            if (outcome[use][i] != '-') {
                return true;
            }
        }
    }
    return false;
}

/* Columns: eight op2 each, in the order of enum use. Where op1 is 0 or 3 most of what exists is: a line for each CRm. */
static void print_all(void)
{
    for (u32 i = 0; i < ENCODINGS; i += 128) {
        u64 op0 = 2 + (i >> 14), op1 = i >> 11 & 7, crn = i >> 7 & 15;
        if (op1 == 0 || op1 == 3) {
            for (u64 crm = 0; crm < 16; crm++) {
                u32 first = i + (u32)crm * 8;
                check(name("sysregs.s%u-%u-c%u-c%u", op0, op1, crn, crm), "%s",
                      any(first, 8) ? of_crm(first) : "none");
            }
            continue;
        }
        print("sysregs.s%u-%u-c%u", op0, op1, crn);
        for (u64 crm = 0; crm < 16; crm++) {
            if (any(i + (u32)crm * 8, 8)) {
                print(" c%u: %s", crm, of_crm(i + (u32)crm * 8));
            }
        }
        print("%s\n", any(i, 128) ? "" : " none");
    }
}

/* ---- Bits ------------------------------------------------------------------------------------ */

/* Writes X0, reads, writes X1 again. */
#define BITS_OF(label, reg) \
    SNIPPET(label, "msr " reg ", x0\nisb\nmrs x0, " reg "\nmsr " reg ", x1\nisb")
/* clang-format off */
#define LIST \
    X(sctlr_el1, ~1ull) X(tcr_el1, ~0ull) X(ttbr0_el1, ~0ull) X(ttbr1_el1, ~0ull) \
    X(cpacr_el1, ~0ull) X(spsr_el1, ~0ull) X(elr_el1, ~0ull) X(vbar_el1, ~0ull) \
    X(mair_el1, ~0ull) X(amair_el1, ~0ull) X(cntkctl_el1, ~0ull) X(contextidr_el1, ~0ull) \
    X(tpidr_el0, ~0ull) X(tpidrro_el0, ~0ull) X(tpidr_el1, ~0ull) X(esr_el1, ~0ull) \
    X(far_el1, ~0ull) X(par_el1, ~0ull) X(afsr0_el1, ~0ull) X(afsr1_el1, ~0ull) \
    X(actlr_el1, ~0ull) X(csselr_el1, ~0ull) X(mdscr_el1, ~0ull) X(fpcr, ~0ull) \
    X(fpsr, ~0ull) X(sp_el0, ~0ull) X(nzcv, ~0ull) X(daif, ~0ull) X(spsel, 1ull) \
    X(pan, ~0ull) X(uao, ~0ull) X(dit, ~0ull) X(ssbs, ~0ull) X(cntp_ctl_el0, ~1ull) \
    X(cntv_ctl_el0, ~1ull) X(cntp_cval_el0, ~0ull) X(cntv_cval_el0, ~0ull) \
    X(mdccint_el1, ~0ull) X(osdtrrx_el1, ~0ull) X(osdtrtx_el1, ~0ull) X(oseccr_el1, ~0ull) \
    X(dbgbvr0_el1, ~0ull) X(dbgbcr0_el1, ~1ull) X(dbgbvr5_el1, ~0ull) X(dbgbcr5_el1, ~1ull) \
    X(dbgwvr0_el1, ~0ull) X(dbgwcr0_el1, ~1ull) X(icc_pmr_el1, ~0ull) X(icc_bpr0_el1, ~0ull) \
    X(icc_bpr1_el1, ~0ull) X(icc_ctlr_el1, ~0ull) X(icc_sre_el1, ~0ull) \
    X(icc_igrpen0_el1, ~0ull) X(icc_igrpen1_el1, ~0ull) X(icc_ap0r0_el1, ~0ull) \
    X(icc_ap1r0_el1, ~0ull) X(apiakeylo_el1, ~0ull) X(apgakeyhi_el1, ~0ull)

#define X(reg, ones) BITS_OF(bits_##reg, #reg);
LIST
#undef X

static const struct {
    const char *name;
    const u32 *code;
    u64 ones;
} registers[] = {
#define X(reg, ones) { #reg, bits_##reg, ones },
    LIST
#undef X
};
/* clang-format on */

/* SPSel is the one that must come back to what it was before the next instruction that uses SP. */
static u64 now(const u32 *code)
{
    u32 mrs[2] = { code[2], RET };

    WORDS[0] = mrs[0];
    WORDS[1] = mrs[1];
    SYS1("dc cvau", PLAY);
    ASM("dsb ish");
    SYS1("ic ivau", PLAY);
    ASM("dsb ish\nisb");
    return probe1(EL1H, play, 0)->x[0];
}

static void print_bits(void)
{
    for (unsigned i = 0; i < ARRAY(registers); i++) {
        const u32 *code = registers[i].code;
        u64 before = now(code);
        struct trap *t = probe2(EL1H, code, registers[i].ones, before);
        u64 ones = t->x[0];
        u64 esr = t->esr;

        t = probe2(EL1H, code, 0, before);
        if (esr != DONE_ESR || !done(t)) {
            check(name("sysregs.bits-%s", registers[i].name), "esr=%w", esr);
            continue;
        }
        check(name("sysregs.bits-%s", registers[i].name), "written=%l ones=%l", ones & ~t->x[0],
              ones & t->x[0]);
    }
}

int main(void)
{
    for (unsigned use = 0; use < USES; use++) {
        try_all(use);
    }
    print_all();
    print_bits();
    return 0;
}
