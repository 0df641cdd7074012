/*
 * except.c - taking exceptions to EL1, and returning from them.
 *
 * DDI 0487, "Exception entry" and "Exception return"; the pseudocode functions
 * AArch64.TakeException, AArch64.ExceptionReturn, IllegalExceptionReturn and SetPSTATEFromPSR.
 */
#include "accel/soft/dry.h"
#include "accel/soft/engine.h"

/* Times that the same exception is taken at its own vector before run returns EXIT_STUCK. */
#define STUCK_TIMES 1000

/* ---- PSTATE ---------------------------------------------------------------------------------- */

/* Register that holds the stack pointer which PSTATE.EL and PSTATE.SP select. */
static enum sys_index sp_bank(uint32_t pstate)
{
    return (pstate >> PS_EL_SHIFT & 3) != 0 && (pstate & PS_SP) != 0 ? SYS_SP_EL1 : SYS_SP_EL0;
}

void cpu_set_pstate(struct cpu *cpu, uint32_t pstate)
{
    enum sys_index from = sp_bank(cpu->pstate);
    enum sys_index to = sp_bank(pstate);

    if (from != to) {
        *sys_reg(cpu, from) = cpu->x[X_SP];
        cpu->x[X_SP] = *sys_reg(cpu, to);
    }
    cpu->pstate = pstate;
    soft_refresh(cpu);
    soft_irq_check(cpu);
}

/* PSTATE fields that the model has, and so SPSR restores. */
static uint32_t pstate_fields(const struct cpu *cpu)
{
    return PS_IL | PS_SS | PS_D | PS_A | PS_I | PS_F | 0xf |
           (cpu_has(cpu, A64_FEAT_SSBS) ? PS_SSBS : 0) | (cpu_has(cpu, A64_FEAT_PAN) ? PS_PAN : 0) |
           (cpu_has(cpu, A64_FEAT_UAO) ? PS_UAO : 0) | (cpu_has(cpu, A64_FEAT_DIT) ? PS_DIT : 0) |
           (cpu_has(cpu, A64_FEAT_BTI) ? PS_BTYPE : 0);
}

uint32_t cpu_spsr(const struct cpu *cpu)
{
    uint32_t btype = cpu_btype_live(cpu) ? cpu->btype << PS_BTYPE_SHIFT : 0;

    return cpu->pstate | btype | cpu_nzcv(cpu);
}

void cpu_settle_btype(struct cpu *cpu)
{
    cpu->btype = (cpu->pstate & PS_BTYPE) >> PS_BTYPE_SHIFT;
    cpu->btype_count = cpu->btype != 0 ? cpu->count_bias : BTYPE_NEVER;
    cpu->pstate &= ~(uint32_t)PS_BTYPE;
}

/* ---- Entry ----------------------------------------------------------------------------------- */

/*
 * A guest whose vectors cannot be executed takes the same exception for ever, each time at the vector that it leads to, or (SVC)
 * after that's first instruction. How many instructions there were in between is not asked: translated code does not count.
 */
static void watch_stuck(struct cpu *cpu, uint64_t target, uint64_t esr, uint64_t ret)
{
    struct soft_private *p = cpu->priv;
    bool same = (ret == target || ret == target + 4) && esr == p->stuck_esr && ret == p->stuck_elr;

    p->stuck_esr = esr;
    p->stuck_elr = ret;
    p->stuck_times = same ? p->stuck_times + 1 : 0;
    if (p->stuck_times >= STUCK_TIMES) {
        p->stuck_times = 0;
        p->exit->stuck.esr = esr;
        p->exit->stuck.pc = ret;
        soft_exit(cpu, EXIT_STUCK);
    }
}

static uint64_t vector_base(const struct cpu *cpu)
{
    if (cpu_el(cpu) == 0) {
        return 0x400;
    }
    return (cpu->pstate & PS_SP) != 0 ? 0x200 : 0;
}

/* PSTATE at the start of a handler at EL1. */
static uint32_t entry_pstate(const struct cpu *cpu)
{
    uint64_t sctlr = cpu->priv->sys[SYS_SCTLR_EL1];
    uint32_t pstate =
        (cpu->pstate & (PS_PAN | PS_DIT)) | PS_D | PS_A | PS_I | PS_F | 1u << PS_EL_SHIFT | PS_SP;

    if (cpu_has(cpu, A64_FEAT_PAN) && (sctlr & SCTLR_SPAN) == 0) {
        pstate |= PS_PAN;
    }
    if (cpu_has(cpu, A64_FEAT_SSBS) && (sctlr & SCTLR_DSSBS) != 0) {
        pstate |= PS_SSBS;
    }
    return pstate;
}

void except_take(struct cpu *cpu, enum exc_vector vector, uint64_t esr, uint64_t far_va,
                 bool far_valid, uint64_t ret)
{
    struct soft_private *p = cpu->priv;
    uint64_t target = p->sys[SYS_VBAR_EL1] + vector_base(cpu) + (uint64_t)vector;

    p->exceptions++;
    if (UNLIKELY(p->pmu.live)) {
        pmu_sync_slow(cpu, cpu_insns(cpu));
        pmu_event_slow(cpu, PMU_EXC_TAKEN);
    }
    p->sys[SYS_SPSR_EL1] = cpu_spsr(cpu);
    p->sys[SYS_ELR_EL1] = ret;
    if (vector == VECTOR_SYNC) {
        p->sys[SYS_ESR_EL1] = esr;
        p->stats.exceptions[ESR_EC(esr)]++;
    }
    if (far_valid) {
        p->sys[SYS_FAR_EL1] = far_va;
    }
    p->stepping = p->step_valid = p->step_exclusive = false;
    cpu->excl_size = 0;
    cpu->btype_count = BTYPE_NEVER;
    cpu_set_pstate(cpu, entry_pstate(cpu));
    if (UNLIKELY(p->pmu.live)) {
        pmu_plan(cpu);
    }
    cpu->pc = target;
    cpu->left = true;
    if (vector == VECTOR_SYNC) {
        watch_stuck(cpu, target, esr, ret);
    }
}

/* Classes that report an address in FAR_EL1. */
static bool has_far(enum esr_ec ec)
{
    switch (ec) {
    case EC_IABT_LOWER:
    case EC_IABT_SAME:
    case EC_DABT_LOWER:
    case EC_DABT_SAME:
    case EC_PC_ALIGN:
    case EC_WATCHPT_LOWER:
    case EC_WATCHPT_SAME: return true;
    default: return false;
    }
}

void cpu_exception(struct cpu *cpu, const struct op *op, enum esr_ec ec, uint32_t iss,
                   uint64_t far_va)
{
    uint64_t ret = cpu_pc(cpu, op);

    if (UNLIKELY(cpu->dry != NULL)) {
        dry_unknown(cpu);
        return;
    }
    COUNT_OUT(op, 0);
    except_take(cpu, VECTOR_SYNC, esr_make(ec, iss), far_va, has_far(ec), ret);
}

void cpu_exception_after(struct cpu *cpu, const struct op *op, enum esr_ec ec, uint32_t iss)
{
    uint64_t ret = cpu_pc(cpu, op) + 4;

    if (UNLIKELY(cpu->dry != NULL)) {
        dry_unknown(cpu);
        return;
    }
    COUNT_OUT(op, 1);
    cpu->pstate &= ~(uint32_t)PS_SS; /* the instruction has been executed: its step is over */
    except_take(cpu, VECTOR_SYNC, esr_make(ec, iss), 0, false, ret);
}

void except_fetch(struct cpu *cpu, enum esr_ec ec, uint32_t iss, uint64_t far_va)
{
    except_take(cpu, VECTOR_SYNC, esr_make(ec, iss), far_va, has_far(ec), cpu->pc);
}

void cpu_undefined(struct cpu *cpu, const struct op *op)
{
    cpu_exception(cpu, op, EC_UNKNOWN, 0, 0);
}

/* ISS: the condition field is valid and says "always", as from AArch64. */
void cpu_fp_trap(struct cpu *cpu, const struct op *op)
{
    cpu_exception(cpu, op, EC_FP_ACCESS, 0x1e00000, 0);
}

void cpu_sp_fault(struct cpu *cpu, const struct op *op)
{
    cpu_exception(cpu, op, EC_SP_ALIGN, 0, 0);
}

/* ---- Return ---------------------------------------------------------------------------------- */

/* Nothing that SPSR names exists here: AArch32, EL2, EL3, a reserved mode; or EL0 with
 * its own SP. */
static bool is_illegal(uint32_t spsr)
{
    uint32_t el = spsr >> PS_EL_SHIFT & 3;

    return (spsr & 0x10) != 0 || (spsr & 2) != 0 || el > 1 || (el == 0 && (spsr & PS_SP) != 0);
}

uint64_t except_return(struct cpu *cpu, uint64_t target, uint64_t insns)
{
    const uint32_t always = PS_D | PS_A | PS_I | PS_F | PS_PAN;
    uint32_t spsr = (uint32_t)*sys_reg(cpu, SYS_SPSR_EL1);
    uint32_t fields = pstate_fields(cpu) & ~(uint32_t)PS_SS;

    bool illegal = is_illegal(spsr);
    uint32_t ss = debug_return_ss(cpu, spsr, illegal ? cpu_el(cpu) : spsr >> PS_EL_SHIFT & 3);

    if (UNLIKELY(cpu->priv->pmu.live)) {
        pmu_sync_slow(cpu, insns);
        pmu_event_slow(cpu, PMU_EXC_RETURN);
    }
    cpu->priv->stepping = cpu->priv->step_valid = cpu->priv->step_exclusive = false;
    cpu_set_nzcv(cpu, spsr);
    if (illegal) {
        uint32_t restored = (fields & always) | PS_SS;
        spsr = (spsr & ~(uint32_t)PS_SS) | ss;
        cpu_set_pstate(cpu, (cpu->pstate & ~restored) | (spsr & restored) | PS_IL);
    } else {
        cpu_set_pstate(cpu, (spsr & fields) | ss);
    }
    if (UNLIKELY(cpu->priv->pmu.live)) {
        pmu_plan(cpu);
    }
    cpu->excl_size = 0;
    cpu->priv->event = true; /* an exception return sets the event register */
    return mmu_untag(cpu, target);
}
