/*
 * op_system.c - system instructions: lowering and bodies. The long ones end in sysreg.c and
 * sysop.c.
 *
 * DDI 0487, "System instruction class encoding overview", "Wait for Event and Send event",
 * "Barriers".
 */
#include "accel/soft/engine.h"
#include "accel/soft/pauth.h"

/* ---- Lowering -------------------------------------------------------------------------------- */

enum uop lower_nop(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_nop;
}

enum uop lower_undefined(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_undefined;
}

static enum uop lower_imm16(uint32_t word, struct op *op, enum uop uop)
{
    op->imm = bits(word, 5, 16);
    return uop;
}

enum uop lower_svc(const struct lower *lo, uint32_t word, struct op *op)
{
    return lower_imm16(word, op, UOP_svc);
}

enum uop lower_hvc(const struct lower *lo, uint32_t word, struct op *op)
{
    return lower_imm16(word, op, UOP_hvc);
}

enum uop lower_smc(const struct lower *lo, uint32_t word, struct op *op)
{
    return lower_imm16(word, op, UOP_smc);
}

enum uop lower_brk(const struct lower *lo, uint32_t word, struct op *op)
{
    return lower_imm16(word, op, UOP_brk);
}

/* Halting debug is not there, so HLT is UNDEFINED, except where it means semihosting. */
enum uop lower_hlt(const struct lower *lo, uint32_t word, struct op *op)
{
    return bits(word, 5, 16) == 0xf000 ? UOP_semihost : UOP_undefined;
}

enum uop lower_eret(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_eret;
}
enum uop lower_yield(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_yield;
}
enum uop lower_wfe(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_wfe;
}
enum uop lower_wfi(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_wfi;
}
enum uop lower_wfxt(const struct lower *lo, uint32_t word, struct op *op)
{
    op->rd = xr_src(word & 31);
    return bits(word, 5, 1) != 0 ? UOP_wfit : UOP_wfet;
}
enum uop lower_sev(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_sev;
}
enum uop lower_sevl(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_sevl;
}
enum uop lower_clrex(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_clrex;
}
enum uop lower_dsb(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_dsb;
}
enum uop lower_isb(const struct lower *lo, uint32_t word, struct op *op)
{
    return UOP_isb;
}

/* CRm[1:0]: 01 loads, 10 stores, else everything (reserved ones too). */
enum uop lower_dmb(const struct lower *lo, uint32_t word, struct op *op)
{
    switch (bits(word, 8, 2)) {
    case 1: return UOP_dmb_ld;
    case 2: return UOP_dmb_st;
    default: return UOP_dmb;
    }
}

enum uop lower_mrs(const struct lower *lo, uint32_t word, struct op *op)
{
    enum sys_index row = sysreg_row(SYSREG_OF_INSN(word));

    op->rd = xr_dst(word & 31);
    op->imm = row;
    if (row == SYS_SP_EL0) {
        return UOP_mrs_sp_el0;
    }
    if (row == SYS_CNTVCT_EL0 || (row == SYS_CNTVCTSS_EL0 && cpu_has(lo->cpu, A64_FEAT_ECV))) {
        return UOP_mrs_cntvct;
    }
    if (sysreg_is_plain(lo->cpu, row, false, true)) {
        return UOP_mrs_el0;
    }
    return sysreg_is_plain(lo->cpu, row, false, false) ? UOP_mrs_el1 : UOP_mrs;
}

enum uop lower_msr(const struct lower *lo, uint32_t word, struct op *op)
{
    enum sys_index row = sysreg_row(SYSREG_OF_INSN(word));

    op->rd = xr_src(word & 31);
    op->imm = row;
    if (sysreg_is_plain(lo->cpu, row, true, true)) {
        return UOP_msr_el0;
    }
    return sysreg_is_plain(lo->cpu, row, true, false) ? UOP_msr_el1 : UOP_msr;
}

static uint64_t pstate_change(uint32_t clear, uint32_t set)
{
    return (uint64_t)clear << 32 | set;
}

enum uop lower_msr_daif(const struct lower *lo, uint32_t word, struct op *op)
{
    uint32_t daif = (uint32_t)bits(word, 8, 4) << 6;
    bool set = bits(word, 5, 3) == 6;

    op->imm = set ? pstate_change(0, daif) : pstate_change(daif, 0);
    return UOP_msr_daif;
}

/* op1:op2 selects the field; CRm's lowest bit is its value. UAO, PAN and SPSel are EL1's. */
enum uop lower_msr_pstate(const struct lower *lo, uint32_t word, struct op *op)
{
    uint32_t field;
    bool el0 = false;

    switch (bits(word, 16, 3) << 3 | bits(word, 5, 3)) {
    case 003: field = PS_UAO; break;
    case 004: field = PS_PAN; break;
    case 005: field = PS_SP; break;
    case 031:
        field = PS_SSBS;
        el0 = true;
        break;
    default:
        field = PS_DIT;
        el0 = true;
        break;
    }
    op->imm = pstate_change(field, bits(word, 8, 1) != 0 ? field : 0);
    return el0 ? UOP_msr_pstate_el0 : UOP_msr_pstate_el1;
}

enum uop lower_sys(const struct lower *lo, uint32_t word, struct op *op)
{
    uint32_t encoding = SYSREG_OF_INSN(word);
    int operation = sysop_find(lo->cpu, encoding);

    op->rd = xr_src(word & 31);
    op->imm = (uint64_t)operation;
    if (operation < 0) {
        return UOP_undefined;
    }
    return encoding == SYSREG(1, 3, 7, 4, 1) ? UOP_dc_zva : UOP_sys;
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

#define EL1_ONLY()                        \
    do {                                  \
        if (UNLIKELY(cpu_el(cpu) == 0)) { \
            cpu_undefined(cpu, op);       \
            LEAVE();                      \
        }                                 \
    } while (0)

UOP_BODY(undefined)
{
    cpu_undefined(cpu, op);
    LEAVE();
}

UOP_BODY(svc)
{
    cpu_exception_after(cpu, op, EC_SVC64, (uint32_t)op->imm);
    LEAVE();
}

/* HVC has been executed when the core sees it; SMC is trapped, and the core steps over it. */
UOP_BODY(hvc)
{
    EL1_ONLY();
    if (op->imm == 0 && exit_plain_hvc(cpu->vcpu, esr_make(EC_HVC64, 0))) {
        NEXT();
    }
    soft_exit_syndrome(cpu, EC_HVC64, (uint32_t)op->imm);
    LEAVE_TO(cpu_pc(cpu, op) + 4);
}

UOP_BODY(smc)
{
    EL1_ONLY();
    soft_exit_syndrome(cpu, EC_SMC64, (uint32_t)op->imm);
    LEAVE_TO(cpu_pc(cpu, op));
}

UOP_BODY(brk)
{
    cpu_exception(cpu, op, EC_BRK64, (uint32_t)op->imm, 0);
    LEAVE();
}

/* From EL1 only: a guest's programs must not reach what its kernel may. */
UOP_BODY(semihost)
{
    EL1_ONLY();
    soft_exit(cpu, EXIT_SEMIHOST);
    LEAVE_TO(cpu_pc(cpu, op));
}

/* To address_, before the change of level. What it finds there may depend on PSTATE.IL and
 * BTYPE. */
#define EXCEPTION_RETURN(address_)                                                            \
    do {                                                                                      \
        const uint64_t target_ = except_return(cpu, address_, cpu_insns_before(cpu, op) + 1); \
        if (UNLIKELY((cpu->pstate & (PS_IL | PS_BTYPE)) != 0)) {                              \
            cpu->pc = target_;                                                                \
            COUNT_OUT(op, 1);                                                                 \
            cpu_settle_btype(cpu);                                                            \
            LEAVE();                                                                          \
        }                                                                                     \
        FAR_JUMP(target_);                                                                    \
    } while (0)

UOP_BODY(eret)
{
    EL1_ONLY();
    EXCEPTION_RETURN(*sys_reg(cpu, SYS_ELR_EL1));
}

/* ERETAA, ERETAB: rm is the key. */
UOP_BODY(eret_auth)
{
    EL1_ONLY();
    EXCEPTION_RETURN(pac_auth(cpu, *sys_reg(cpu, SYS_ELR_EL1), cpu->x[X_SP], (enum pac_key)op->rm,
                              pac_is_slow(cpu)));
}

/* ---- Hints ----------------------------------------------------------------------------------- */

UOP_BODY(yield)
{
    host_relax();
    if (--cpu->yields < 0) {
        wait_yield(cpu);
    }
    NEXT();
}

/* True if there is an event, which is then used up; an interrupt that waits is one too. */
static bool wfe_event(struct cpu *cpu)
{
    bool event = cpu->priv->event || (atomic_load(&cpu->pending) & PEND_EVENT) != 0;

    if (event) {
        cpu->priv->event = false;
        atomic_fetch_and(&cpu->pending, ~(uint32_t)PEND_EVENT);
    }
    return event || atomic_load(&cpu->vcpu->lines) != 0;
}

/* No event, but there is one soon. */
static bool wfe_event_comes(struct cpu *cpu)
{
    bool comes = wait_for_event(cpu);

    if (comes) {
        wfe_event(cpu); /* used up, if it is one */
    }
    return comes;
}

/* Is the wait over for which EL0 or the core would be asked? Xrd is a value of CNTVCT_EL0. */
static bool timed_out(const struct cpu *cpu, const struct op *op)
{
    return vcpu_timer_count(cpu->vcpu, true) >= cpu->x[op->rd];
}

/* ISS of a wait with a timeout. */
static uint32_t wfxt_iss(const struct op *op)
{
    return WFX_ISS | (uint32_t)bits(op->word, 0, 5) << 5 | 1u << 2 | 1u << 1;
}

/* SCTLR_EL1.nTWE or nTWI keeps EL0 from waiting; else the core waits. */
#define WAIT(allow, iss)                                                         \
    do {                                                                         \
        if (cpu_el(cpu) == 0 && (*sys_reg(cpu, SYS_SCTLR_EL1) & (allow)) == 0) { \
            cpu_exception(cpu, op, EC_WFX, iss, 0);                              \
            LEAVE();                                                             \
        }                                                                        \
        soft_exit_syndrome(cpu, EC_WFX, iss);                                    \
        LEAVE_TO(cpu_pc(cpu, op));                                               \
    } while (0)

UOP_BODY(wfe)
{
    if (wfe_event(cpu) || wfe_event_comes(cpu)) {
        NEXT();
    }
    WAIT(SCTLR_NTWE, WFX_ISS | 1);
}

UOP_BODY(wfet)
{
    if (wfe_event(cpu) || timed_out(cpu, op) || wfe_event_comes(cpu)) {
        NEXT();
    }
    WAIT(SCTLR_NTWE, wfxt_iss(op) | 1);
}

UOP_BODY(wfi)
{
    if (atomic_load(&cpu->vcpu->lines) != 0) {
        NEXT();
    }
    WAIT(SCTLR_NTWI, WFX_ISS);
}

UOP_BODY(wfit)
{
    if (atomic_load(&cpu->vcpu->lines) != 0 || timed_out(cpu, op)) {
        NEXT();
    }
    WAIT(SCTLR_NTWI, wfxt_iss(op));
}

UOP_BODY(sev)
{
    if (soft_vm_of(cpu)->cpus == 1) {
        cpu->priv->event = true;
    } else {
        vm_send_event(cpu->vcpu->vm);
    }
    NEXT();
}

UOP_BODY(sevl)
{
    cpu->priv->event = true;
    NEXT();
}

/* ---- Barriers -------------------------------------------------------------------------------- */

UOP_BODY(clrex)
{
    cpu->excl_size = 0;
    NEXT();
}

/* Also completes the TLB and instruction cache maintenance before it. */
UOP_BODY(dsb)
{
    atomic_thread_fence(memory_order_seq_cst);
    inval_wait(cpu);
    NEXT();
}

UOP_BODY(dmb)
{
    atomic_thread_fence(memory_order_seq_cst);
    NEXT();
}

UOP_BODY(dmb_ld)
{
    atomic_thread_fence(memory_order_acquire);
    NEXT();
}

UOP_BODY(dmb_st)
{
    atomic_thread_fence(memory_order_release);
    NEXT();
}

/* Fetches again, under whatever context there is now. */
UOP_BODY(isb)
{
    FAR_JUMP(cpu_pc(cpu, op) + 4);
}

/* ---- System registers ------------------------------------------------------------------------ */

UOP_BODY(mrs)
{
    const uint64_t value = soft_mrs(cpu, op);

    CHECK_LEFT();
    cpu->x[op->rd] = value;
    NEXT();
}

/* A write may have unmasked an interrupt, which is taken at once. */
UOP_BODY(msr)
{
    soft_msr(cpu, op);
    CHECK_LEFT();
    if (UNLIKELY(atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0)) {
        LEAVE_TO(cpu_pc(cpu, op) + 4);
    }
    NEXT();
}

UOP_BODY(mrs_el0)
{
    cpu->x[op->rd] = cpu->priv->sys[op->imm];
    NEXT();
}

UOP_BODY(msr_el0)
{
    cpu->priv->sys[op->imm] = cpu->x[op->rd];
    NEXT();
}

UOP_BODY(mrs_el1)
{
    EL1_ONLY();
    cpu->x[op->rd] = cpu->priv->sys[op->imm];
    NEXT();
}

UOP_BODY(msr_el1)
{
    EL1_ONLY();
    cpu->priv->sys[op->imm] = cpu->x[op->rd];
    NEXT();
}

/* Linux keeps `current` there. It is UNDEFINED while it is the current stack pointer. */
UOP_BODY(mrs_sp_el0)
{
    if (UNLIKELY(cpu_el(cpu) == 0 || (cpu->pstate & PS_SP) == 0)) {
        cpu_undefined(cpu, op);
        LEAVE();
    }
    cpu->x[op->rd] = cpu->priv->sys[SYS_SP_EL0];
    NEXT();
}

/* CNTKCTL_EL1.EL0VCTEN lets EL0 read it. */
UOP_BODY(mrs_cntvct)
{
    if (UNLIKELY(cpu_el(cpu) == 0 && (cpu->priv->sys[SYS_CNTKCTL_EL1] & 2) == 0)) {
        sysreg_trap(cpu, op);
        LEAVE();
    }
    cpu->x[op->rd] = vcpu_timer_count(cpu->vcpu, true);
    NEXT();
}

UOP_BODY(msr_daif)
{
    if (UNLIKELY(cpu_el(cpu) == 0 && (cpu->priv->sys[SYS_SCTLR_EL1] & SCTLR_UMA) == 0)) {
        sysreg_trap(cpu, op);
        LEAVE();
    }
    cpu->pstate = (cpu->pstate & ~(uint32_t)(op->imm >> 32)) | (uint32_t)op->imm;
    if (UNLIKELY(soft_irq_check(cpu))) {
        LEAVE_TO(cpu_pc(cpu, op) + 4);
    }
    NEXT();
}

UOP_BODY(msr_pstate_el0)
{
    cpu_set_pstate(cpu, (cpu->pstate & ~(uint32_t)(op->imm >> 32)) | (uint32_t)op->imm);
    NEXT();
}

UOP_BODY(msr_pstate_el1)
{
    EL1_ONLY();
    cpu_set_pstate(cpu, (cpu->pstate & ~(uint32_t)(op->imm >> 32)) | (uint32_t)op->imm);
    NEXT();
}

/* ---- SYS ------------------------------------------------------------------------------------- */

UOP_BODY(sys)
{
    soft_sys(cpu, op);
    CHECK_LEFT();
    NEXT();
}

UOP_BODY(dc_zva)
{
    const uint64_t va = cpu->x[op->rd];
    void *host = cpu->align_mask == 0 ? mem_w(cpu, cpu->tlb, va & ~63ull, 64) : NULL;

    if (UNLIKELY(cpu_el(cpu) == 0 && (cpu->priv->sys[SYS_SCTLR_EL1] & SCTLR_DZE) == 0)) {
        sysreg_trap(cpu, op);
        LEAVE();
    }
    if (LIKELY(host != NULL)) {
        memset(host, 0, 64);
        NEXT();
    }
    mem_zero_block(cpu, op, va);
    CHECK_LEFT();
    NEXT();
}
