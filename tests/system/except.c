/*
 * except.c - exceptions: which vector, ESR, ELR, SPSR. DDI 0487, "Exception entry", "Illegal exception returns from AArch64
 * state", "Stack pointer alignment checking", "PC alignment checking".
 */
#include "sys.h"

SNIPPET(e_nop, "nop");
SNIPPET(e_svc0, "svc #0");
SNIPPET(e_svc, "svc #0x1234");
SNIPPET(e_hvc, "hvc #0x1234");
SNIPPET(e_smc, "smc #0x1234");
SNIPPET(e_brk, "brk #0xbeef");
SNIPPET(e_hlt, "hlt #0x1111");
SNIPPET(e_udf, ".word 0");
SNIPPET(e_udf_ffff, ".word 0xffff");
SNIPPET(e_ones, ".word 0xffffffff");
SNIPPET(e_eret, "eret");
SNIPPET(e_dcps1, "dcps1 #7");
SNIPPET(e_dcps3, "dcps3 #7");
SNIPPET(e_drps, "drps");
SNIPPET(e_reserved_ls, ".word 0x38400c01 | 0xc0000000 | (1 << 23) | (1<<22)");
SNIPPET(e_ldpsw_nt, ".word 0x68400000");
SNIPPET(e_ldxp_w, ".word 0x08600000");
SNIPPET(e_adds_sh3, ".word 0x0b000000 | 3 << 22");
SNIPPET(e_movw_hw2, ".word 0x52c00000");
SNIPPET(e_bfm_n, ".word 0x33400000");
SNIPPET(e_and_imm, ".word 0x1200fc00");
SNIPPET(e_and_imm_n, ".word 0x12400000");
SNIPPET(e_ccmp_o3, ".word 0x7a400810");
SNIPPET(e_rev32w, ".word 0x5ac00c00");
SNIPPET(e_blr_bad, ".word 0xd63f0001");
SNIPPET(e_sys_und, ".word 0xd5080000");
SNIPPET(e_hint_unalloc, "hint #0x7f");
SNIPPET(e_barrier_und, ".word 0xd503301f");
SNIPPET(e_msr_imm_und, ".word 0xd500409f | 7 << 16");
SNIPPET(e_br, "br x0");
SNIPPET(e_ret_x0, "ret x0");
SNIPPET(e_ldr_sp, "mov sp, x0\nldr x1, [sp]\nmov x0, x1");
SNIPPET(e_str_sp, "mov sp, x0\nstr x1, [sp, #8]");
SNIPPET(e_stp_sp, "mov sp, x0\nstp x1, x1, [sp, #-16]!");
SNIPPET(e_ldrb_sp, "mov sp, x0\nldrb w1, [sp, #3]");
SNIPPET(e_prfm_sp, "mov sp, x0\nprfm pldl1keep, [sp]");
SNIPPET(e_ldxr_sp, "mov sp, x0\nldxr x1, [sp]");
SNIPPET(e_add_sp, "mov sp, x0\nadd x0, sp, #1");
SNIPPET(e_fmov, "fmov d0, x0\nfmov x0, d0");
SNIPPET(e_ldr_q, "ldr q0, [x0]");
SNIPPET(e_mrs_fpcr, "mrs x0, fpcr");
SNIPPET(e_msr_fpsr, "msr fpsr, xzr");
SNIPPET(e_movi, "movi v0.16b, #1");
SNIPPET(e_fp_undef, ".word 0x1ee00000 | (1<<29)");
SNIPPET(e_eret_to, "msr elr_el1, x0\nmsr spsr_el1, x1\nisb\neret");
SNIPPET(e_wfi_none, "wfi");

static const struct {
    const char *name;
    const u32 *code;
} plain[] = {
    { "nop", e_nop },
    { "svc0", e_svc0 },
    { "svc", e_svc },
    { "brk", e_brk },
    { "hlt", e_hlt },
    { "udf0", e_udf },
    { "udf-ffff", e_udf_ffff },
    { "ones", e_ones },
    { "dcps1", e_dcps1 },
    { "dcps3", e_dcps3 },
    { "drps", e_drps },
    { "ldst-reserved", e_reserved_ls },
    { "ldnp-sw", e_ldpsw_nt },
    { "ldxp-byte", e_ldxp_w },
    { "add-ror", e_adds_sh3 },
    { "movz-w-hw2", e_movw_hw2 },
    { "bfm-n", e_bfm_n },
    { "and-imm-ones", e_and_imm },
    { "and-imm-n", e_and_imm_n },
    { "ccmp-o3", e_ccmp_o3 },
    { "rev-w-64", e_rev32w },
    { "blr-op4", e_blr_bad },
    { "sys-unallocated", e_sys_und },
    { "hint-unallocated", e_hint_unalloc },
    { "barrier-0", e_barrier_und },
    { "msr-imm-unallocated", e_msr_imm_und },
};

static const struct {
    const char *name;
    u64 spsr;
} modes[] = { { "el0", EL0T }, { "el1t", EL1T }, { "el1h", EL1H } };

static u64 stack_top(void)
{
    return PLAY + 0x8000;
}

static void plain_exceptions(void)
{
    for (unsigned m = 0; m < ARRAY(modes); m++) {
        for (unsigned i = 0; i < ARRAY(plain); i++) {
            MSR("sp_el0", stack_top());
            check_trap(name("except.%s-%s", plain[i].name, modes[m].name),
                       probe1(modes[m].spsr, plain[i].code, 0), plain[i].code, 0);
        }
    }
    check_trap("except.hvc-el0", probe1(EL0T, e_hvc, 0x84000000), e_hvc, 0);
    check_trap("except.smc-el0", probe1(EL0T, e_smc, 0x84000000), e_smc, 0);
    check_trap("except.smc-el1", probe1(EL1H, e_smc, 0x84000000), e_smc, 0);
    check_trap("except.hvc-imm-el1", probe1(EL1H, e_hvc, 0x84000000), e_hvc, 0);
    check_trap("except.eret-el0", probe1(EL0T, e_eret, 0), e_eret, 0);
    check_trap("except.spsr-nzcv-el0", probe1(EL0T | 0xful << 28, e_svc, 0), e_svc, 0);
    check_trap("except.spsr-daif-el0", probe1(0, e_svc, 0), e_svc, 0);
    check_trap("except.spsr-daif-el1", probe1(5, e_svc, 0), e_svc, 0);
    check_trap("except.spsr-ssbs", probe1(EL0T | P_SSBS, e_svc, 0), e_svc, 0);
    check_trap("except.spsr-dit", probe1(EL0T | P_DIT, e_svc, 0), e_svc, 0);
    check_trap("except.spsr-pan", probe1(EL0T | P_PAN, e_svc, 0), e_svc, 0);
    check_trap("except.spsr-pan-el1", probe1(EL1H | P_PAN, e_svc, 0), e_svc, 0);
}

/* Illegal returns: PSTATE.IL is set, the mode stays, and the next instruction takes EC 0x0e. */
static void illegal_returns(void)
{
    static const struct {
        const char *name;
        u64 spsr;
    } bad[] = {
        { "el2h", 0x3c9 },          { "el2t", 0x3c8 },    { "el3h", 0x3cd },
        { "el3t", 0x3cc },          { "el0h", 0x3c1 },    { "m1-el0", 0x3c2 },
        { "m1-el1", 0x3c6 },        { "m1-el1h", 0x3c7 }, { "usr32", 0x3d0 },
        { "svc32", 0x3d3 },         { "fiq32", 0x3d1 },   { "hyp32", 0x3da },
        { "und32", 0x3db },         { "sys32", 0x3df },   { "mon32", 0x3d6 },
        { "nzcv-el2", 0xf00003c9 }, { "open-el2", 0x9 },  { "pan-el2", P_PAN | 0x3c9 },
        { "ss-el2", P_SS | 0x3c9 },
    };
    for (unsigned i = 0; i < ARRAY(bad); i++) {
        check_trap(name("except.illegal-%s", bad[i].name),
                   probe2(EL1H, e_eret_to, (u64)(uintptr_t)e_nop, bad[i].spsr), e_nop, 0);
    }
    for (unsigned m = 0; m < ARRAY(modes); m++) {
        check_trap(name("except.il-%s", modes[m].name), probe1(modes[m].spsr | P_IL, e_nop, 0),
                   e_nop, 0);
        check_trap(name("except.il-svc-%s", modes[m].name), probe1(modes[m].spsr | P_IL, e_svc, 0),
                   e_svc, 0);
        check_trap(name("except.il-udf-%s", modes[m].name), probe1(modes[m].spsr | P_IL, e_udf, 0),
                   e_udf, 0);
    }
    check_trap("except.il-unaligned-pc",
               probe2(EL1H, e_eret_to, (u64)(uintptr_t)e_nop + 2, EL1H | P_IL), e_nop,
               (u64)(uintptr_t)e_nop);
    check_trap("except.illegal-from-el1t", probe2(EL1T, e_eret_to, (u64)(uintptr_t)e_nop, 0x3c9),
               e_nop, 0);
    check_trap("except.eret-to-el1t", probe2(EL1H, e_eret_to, (u64)(uintptr_t)e_svc, EL1T), e_svc,
               0);
    check_trap("except.eret-to-el0", probe2(EL1H, e_eret_to, (u64)(uintptr_t)e_svc, EL0T), e_svc,
               0);
}

static void pc_alignment(void)
{
    for (unsigned m = 0; m < ARRAY(modes); m++) {
        for (unsigned off = 1; off < 4; off++) {
            u64 to = (u64)(uintptr_t)e_nop + off;
            MSR("sp_el0", stack_top());
            check_trap(name("except.pc-br+%u-%s", (u64)off, modes[m].name),
                       probe1(modes[m].spsr, e_br, to), e_nop, (u64)(uintptr_t)e_nop);
            check_trap(name("except.pc-ret+%u-%s", (u64)off, modes[m].name),
                       probe1(modes[m].spsr, e_ret_x0, to), e_nop, (u64)(uintptr_t)e_nop);
            check_trap(name("except.pc-eret+%u-%s", (u64)off, modes[m].name),
                       probe1(modes[m].spsr, (const void *)to, to), e_nop, (u64)(uintptr_t)e_nop);
        }
        check_trap(name("except.pc-unmapped-odd-%s", modes[m].name),
                   probe1(modes[m].spsr, e_br, 0x7000000003), e_nop, 0x7000000000);
        check_trap(name("except.pc-unmapped-%s", modes[m].name),
                   probe1(modes[m].spsr, e_br, 0x7000000004), e_nop, 0x7000000000);
        check_trap(name("except.pc-out-of-range-%s", modes[m].name),
                   probe1(modes[m].spsr, e_br, 0x0123456789abcdecull), e_nop, 0);
    }
}

static void sp_alignment(void)
{
    static const struct {
        const char *name;
        const u32 *code;
    } uses[] = { { "ldr", e_ldr_sp },   { "str", e_str_sp },   { "stp", e_stp_sp },
                 { "ldrb", e_ldrb_sp }, { "prfm", e_prfm_sp }, { "ldxr", e_ldxr_sp },
                 { "add", e_add_sp } };
    static const char *controls[] = { "off", "sa", "sa0", "both" };

    wr64(PLAY + 0x40, 0);
    for (unsigned c = 0; c < 4; c++) {
        sctlr_set((c & 1 ? SCTLR_SA : 0) | (c & 2 ? SCTLR_SA0 : 0), SCTLR_SA | SCTLR_SA0);
        for (unsigned m = 0; m < 2; m++) { /* EL1t and EL1h; EL0 has no access to these pages */
            for (unsigned i = 0; i < ARRAY(uses); i++) {
                if (uses[i].code == e_add_sp) {
                    continue;
                }
                check_trap(
                    name("except.sp-%s-%s-%s", uses[i].name, controls[c], m ? "el1h" : "el1t"),
                    probe1(m ? EL1H : EL1T, uses[i].code, PLAY + 0x48), uses[i].code, PLAY);
            }
        }
        for (unsigned i = 0; i < ARRAY(uses); i++) {
            if (uses[i].code == e_add_sp) {
                continue;
            }
            check_trap(name("except.sp-%s-%s-el0", uses[i].name, controls[c]),
                       probe1(EL0T, uses[i].code, 0xfffff00008), uses[i].code, 0xfffff00008);
        }
    }
    sctlr_set(SCTLR_SA, SCTLR_SA0);
}

static void fp_traps(void)
{
    static const struct {
        const char *name;
        const u32 *code;
    } uses[] = { { "fmov", e_fmov },         { "ldr-q", e_ldr_q }, { "mrs-fpcr", e_mrs_fpcr },
                 { "msr-fpsr", e_msr_fpsr }, { "movi", e_movi },   { "unallocated", e_fp_undef } };

    for (unsigned fpen = 0; fpen < 4; fpen++) {
        MSR("cpacr_el1", fpen << 20);
        isb();
        for (unsigned m = 0; m < ARRAY(modes); m++) {
            if (m == 1) {
                continue;
            }
            for (unsigned i = 0; i < ARRAY(uses); i++) {
                u64 a = uses[i].code == e_ldr_q ? (u64)(uintptr_t)e_nop & ~15ull : 0;
                struct trap *t = probe1(modes[m].spsr, uses[i].code, a);
                if (done(t)) {
                    t->x[0] = 0;
                }
                check_trap(name("except.fpen%u-%s-%s", (u64)fpen, uses[i].name, modes[m].name), t,
                           uses[i].code, 0);
            }
        }
    }
    MSR("cpacr_el1", 3 << 20);
    isb();
    (void)e_wfi_none;
    (void)e_add_sp;
}

int main(void)
{
    mmu_default();
    plain_exceptions();
    illegal_returns();
    pc_alignment();
    sp_alignment();
    fp_traps();
    return 0;
}
