/*
 * system.c - what the templates of t_system.c call: changes of level and the counter by C functions, codes of pointers
 * in host code.
 *
 * The C functions are called with the registers that they may destroy kept in struct cpu, and no others: they touch no
 * guest register but SP.
 */
#include "accel/soft/jit/region.h"
#include "accel/soft/jit/vec.h"

#include "accel/soft/pauth.h"

#if SOFT_JIT

/* ---- Changes of level ------------------------------------------------------------------------ */

/* cpu->jit_nzcv as in PSTATE, and back (translate.h). */
static uint32_t nzcv_get(const struct cpu *cpu)
{
    uint32_t n = cpu->jit_nzcv;

    return (n >> 14 & 3) << 30 | (~n >> 8 & 1) << 29 | (n & 1) << 28;
}

static void nzcv_set(struct cpu *cpu, uint32_t nzcv)
{
    cpu->jit_nzcv = (nzcv >> 30) << 14 | (~nzcv >> 29 & 1) << 8 | (nzcv >> 28 & 1);
}

/* The jump that follows goes by the run loop if that has something to do: it must not be missed. */
static void look_around(struct cpu *cpu)
{
    atomic_fetch_or(&cpu->pending, PEND_WORK);
}

static HV_ENGINE_ABI uint64_t level_up(struct cpu *cpu, uint64_t iss, uint64_t ret)
{
    cpu_set_nzcv(cpu, nzcv_get(cpu));
    cpu->pstate &= ~(uint32_t)PS_SS; /* as in cpu_exception_after */
    except_take(cpu, VECTOR_SYNC, esr_make(EC_SVC64, (uint32_t)iss), 0, false, ret);
    cpu->left = false;
    if (UNLIKELY(cpu->priv->exiting)) {
        look_around(cpu);
    }
    return cpu->pc;
}

static HV_ENGINE_ABI uint64_t level_down(struct cpu *cpu)
{
    uint64_t target = except_return(cpu, *sys_reg(cpu, SYS_ELR_EL1), cpu_insns(cpu));

    nzcv_set(cpu, cpu_nzcv(cpu));
    if (UNLIKELY((cpu->pstate & (PS_IL | PS_BTYPE)) != 0)) {
        cpu_settle_btype(cpu);
        look_around(cpu);
    }
    return target;
}

/* What an access by that address will do soon anyway; a fault is left to it. */
static HV_ENGINE_ABI uint64_t probe(struct cpu *cpu, uint64_t va, uint64_t write)
{
    unsigned fsc;

    return mmu_lookup(cpu, (struct tlb_ctx *)(uintptr_t)cpu->tlb, va,
                      write != 0 ? ACCESS_WRITE : ACCESS_READ, &fsc) != NULL;
}

static HV_ENGINE_ABI uint64_t counter(struct cpu *cpu)
{
    return vcpu_timer_count(cpu->vcpu, true);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* Caller-saved registers that hold guest registers, in the System V convention. */
static const uint8_t caller_saved[] = { RSI, RDI, R8, R9, R10, R11 };

static int guest_of(int reg)
{
    int g = 0;

    while (g < X_COUNT && jit_pin[g] != reg) {
        g++;
    }
    return g;
}

static void keep(struct as *a, bool store)
{
    for (unsigned n = 0; n < ARRAY_SIZE(caller_saved); n++) {
        int g = guest_of(caller_saved[n]);
        if (g == X_COUNT) {
            continue;
        }
        if (store) {
            as_store(a, 64, caller_saved[n], RBP, XOFF(g));
        } else {
            as_load(a, 64, caller_saved[n], RBP, XOFF(g));
        }
    }
}

/* RAX = fn(cpu, RCX, RDX). moves_sp: it changes SP and the level. */
static uint8_t *make_call_of(const struct jit *jit, struct as *a, uint64_t fn, bool moves_sp)
{
    uint8_t *start = a->p;

    vregs_leave(jit, a);
    keep(a, true);
    if (moves_sp) {
        as_store(a, 64, jit_pin[X_SP], RBP, XOFF(X_SP));
        jit_count_one(a, jit);
    }
    as_lea(a, 64, RDI, RBP, -CPU_BIAS);
    as_mov(a, 64, RSI, RCX);
    if (moves_sp) {
        jit_frames_note(a);
    }
    as_alu_i(a, 64, ALU_SUB, RSP, 8);
    as_imm(a, RAX, fn);
    as_rr(a, 0, 32, 0xff, 2, RAX, false); /* CALL RAX */
    as_alu_i(a, 64, ALU_ADD, RSP, 8);
    keep(a, false);
    if (moves_sp) {
        as_load(a, 64, jit_pin[X_SP], RBP, XOFF(X_SP));
        as_rr(a, 0, 32, 0xf6, 0, jit_pin[X_SP], true); /* TEST byte, 15 */
        as_1(a, 15);
        as_jcc_to(a, CC_NE, jit->far_miss);
        jit_frames_return(a);
    } else { /* the line goes on */
        vregs_again(jit, a);
        as_1(a, 0xc3);
    }
    return start;
}

/* ---- Pointer authentication (pauth.h) -------------------------------------------------------- */

/* Locals of these routines. */
enum { L_ADDRESS = 0, L_MODIFIER = 8, L_EXTENDED = 16, L_FIELD = 24, L_BYTES = 32 };

static void field_and_extend(struct as *a)
{
    /* CF says which half: RDX = -half, RCX = its field; RAX = the address with its sign there. */
    as_alu(a, 64, ALU_SBB, RDX, RDX);
    as_alu(a, 64, ALU_AND, RDX, RCX);
    as_alu(a, 64, ALU_OR, RAX, RCX);
    as_alu(a, 64, ALU_XOR, RAX, RCX);
    as_alu(a, 64, ALU_OR, RAX, RDX);
    as_store(a, 64, RAX, RSP, L_EXTENDED);
    as_store(a, 64, RCX, RSP, L_FIELD);
}

/* RAX = pac_compute(RAX, modifier): two multiplications, each folded. */
static void compute(struct as *a, enum sys_index key)
{
    const int32_t lo = (int32_t)(offsetof(struct soft_private, sys) + 8 * (size_t)key);

    as_load(a, 64, RCX, RBP, OFF(priv));
    as_alu_m(a, 64, ALU_XOR, RAX, RCX, lo + 8);
    as_imm(a, RDX, PAC_MULTIPLIER);
    as_rr(a, 0, 64, 0xf7, 4, RDX, false); /* MUL RDX */
    as_alu(a, 64, ALU_XOR, RAX, RDX);
    as_alu_m(a, 64, ALU_XOR, RAX, RSP, L_MODIFIER);
    as_load(a, 64, RDX, RCX, lo);
    as_alu_i(a, 64, ALU_OR, RDX, 1);
    as_rr(a, 0, 64, 0xf7, 4, RDX, false);
    as_alu(a, 64, ALU_XOR, RAX, RDX);
}

static void make_sign(struct as *a)
{
    uint8_t *canonical, *all, *low;

    /* Neither a sign nor none in the field: the code is spoilt. */
    as_load(a, 64, RCX, RSP, L_FIELD);
    as_load(a, 64, RDX, RSP, L_ADDRESS);
    as_alu(a, 64, ALU_AND, RDX, RCX);
    canonical = as_jcc(a, CC_E);
    as_alu(a, 64, ALU_CMP, RDX, RCX);
    all = as_jcc(a, CC_E);
    as_imm(a, RDX, BIT(54));
    as_test(a, 64, RCX, RCX);
    low = as_jcc(a, CC_NS);
    as_imm(a, RDX, BIT(62));
    as_patch(a, low, a->p);
    as_alu(a, 64, ALU_XOR, RAX, RDX);
    as_patch(a, canonical, a->p);
    as_patch(a, all, a->p);
    as_rr(a, 0, 64, 0x0fba, 6, RCX, false); /* BTR RCX, 55 */
    as_1(a, 55);
    as_load(a, 64, RDX, RSP, L_EXTENDED);
    as_alu(a, 64, ALU_AND, RAX, RCX);
    as_alu(a, 64, ALU_OR, RDX, RCX);
    as_alu(a, 64, ALU_XOR, RDX, RCX);
    as_alu(a, 64, ALU_OR, RAX, RDX);
}

static void make_auth(struct as *a, unsigned key)
{
    uint64_t error = (key & 1) != 0 ? 2 : 1;
    uint8_t *good, *low, *done;

    as_load(a, 64, RCX, RSP, L_FIELD);
    as_alu_m(a, 64, ALU_XOR, RAX, RSP, L_ADDRESS);
    as_alu(a, 64, ALU_AND, RAX, RCX);
    as_rr(a, 0, 64, 0x0fba, 6, RAX, false); /* BTR RAX, 55 */
    as_1(a, 55);
    as_test(a, 64, RAX, RAX);
    as_load(a, 64, RAX, RSP, L_EXTENDED);
    good = as_jcc(a, CC_E);
    as_test(a, 64, RCX, RCX);
    low = as_jcc(a, CC_NS);
    as_imm(a, RDX, 3ull << 61);
    as_imm(a, RCX, error << 61);
    done = as_jmp(a);
    as_patch(a, low, a->p);
    as_imm(a, RDX, 3ull << 53);
    as_imm(a, RCX, error << 53);
    as_patch(a, done, a->p);
    as_alu(a, 64, ALU_OR, RAX, RDX);
    as_alu(a, 64, ALU_XOR, RAX, RDX);
    as_alu(a, 64, ALU_OR, RAX, RCX);
    as_patch(a, good, a->p);
}

static uint8_t *make_pac(struct as *a, unsigned key, bool auth)
{
    static const uint32_t enable[] = { SCTLR_ENIA, SCTLR_ENIB, SCTLR_ENDA, SCTLR_ENDB };
    int32_t layout = OFF(pac) + (key >= PAC_DA) * (int32_t)sizeof(struct pac_layout);
    int32_t field = layout + (int32_t)offsetof(struct pac_layout, field);
    uint8_t *start = a->p, *off;

    as_alu_i(a, 64, ALU_SUB, RSP, L_BYTES);
    as_store(a, 64, RDX, RSP, L_MODIFIER);
    as_load(a, 64, RDX, RBP, OFF(priv));
    as_rm(a, 0, 32, 0xf7, 0, RDX, offsetof(struct soft_private, sys[SYS_SCTLR_EL1]), false);
    as_4(a, enable[key]); /* TEST dword, imm */
    off = as_jcc(a, CC_E);
    as_store(a, 64, RAX, RSP, L_ADDRESS);
    as_load(a, 64, RCX, RBP, field);
    if (auth) {
        as_rr(a, 0, 64, 0x0fba, 4, RAX, false); /* BT RAX, 55 */
        as_1(a, 55);
    } else {
        as_load(a, 32, RDX, RBP, layout + (int32_t)offsetof(struct pac_layout, half_bit));
        as_rr(a, 0, 64, 0x0fa3, RDX, RAX, false); /* BT RAX, RDX */
    }
    as_rm(a, 0, 64, 0x0f42, RCX, RBP, field + 8, false); /* CMOVC */
    field_and_extend(a);
    compute(a, (enum sys_index)(SYS_APIAKeyLo_EL1 + 2 * key));
    if (auth) {
        make_auth(a, key);
    } else {
        make_sign(a);
    }
    as_patch(a, off, a->p);
    as_alu_i(a, 64, ALU_ADD, RSP, L_BYTES);
    as_1(a, 0xc3);
    return start;
}

void jit_make_system(struct jit *jit, struct as *a)
{
    jit->svc = make_call_of(jit, a, (uint64_t)(uintptr_t)level_up, true);
    jit->eret = make_call_of(jit, a, (uint64_t)(uintptr_t)level_down, true);
    jit->probe = make_call_of(jit, a, (uint64_t)(uintptr_t)probe, false);
    jit->count = make_call_of(jit, a, (uint64_t)(uintptr_t)counter, false);
    for (unsigned key = PAC_IA; key <= PAC_DB; key++) {
        jit->pac[key] = make_pac(a, key, false);
        jit->pac[PAC_GA + key] = make_pac(a, key, true);
    }
}

#endif
