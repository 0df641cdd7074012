/*
 * t_system.c - templates of system instructions (bodies: op_system.c) and of pointer authentication (op_pauth.c).
 *
 * A region serves all Exception levels, so what depends on the level looks at PSTATE, and what EL0 may not do goes to
 * the body, which takes the exception. SVC and ERET change level by a C function (shared.c) and go on through the jump
 * cache, as branches do: the handler's first instruction is reached without leaving translated code.
 */
#include "accel/soft/jit/translate.h"

#include "accel/soft/pauth.h"

#define SYS_OFF(row)    ((int32_t)offsetof(struct soft_private, sys[row]))
#define PRIV_OFF(field) ((int32_t)offsetof(struct soft_private, field))

/* reg = cpu->priv. */
static void get_private(struct tr *t, int reg)
{
    as_load(&t->a, 64, reg, RBP, OFF(priv));
}

/* TEST byte [base + disp], imm */
static void test_byte(struct tr *t, int base, int32_t disp, unsigned imm)
{
    as_rm(&t->a, 0, 32, 0xf6, 0, base, disp, false);
    as_1(&t->a, imm);
}

/* The answered jump is taken at EL0. */
static uint8_t *at_el0(struct tr *t)
{
    test_byte(t, RBP, OFF(pstate), 3u << PS_EL_SHIFT);
    return as_jcc(&t->a, CC_E);
}

static void to_body(struct tr *t, uint8_t *from0, uint8_t *from1, uint8_t *from2)
{
    tr_cold_call(t, from0, from1, from2);
}

/* ---- Hints and barriers ---------------------------------------------------------------------- */

/* Now and then the body: see wait.c. */
static void t_yield(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;

    as_1(a, 0xf3); /* PAUSE */
    as_1(a, 0x90);
    if (!tr_alone(t)) {
        tr_clobber(t);
        as_alu_mi(a, 32, ALU_CMP, RBP, OFF(yields), 0);
        uint8_t *none = as_jcc(a, CC_E);
        as_alu_mi(a, 32, ALU_SUB, RBP, OFF(yields), 1);
        to_body(t, none, NULL, NULL);
    }
}

static void t_clrex(struct tr *t, const struct op *op, unsigned arg)
{
    as_rm(&t->a, 0, 32, 0xc7, 0, RBP, OFF(excl_size), false); /* MOV, no flags */
    as_4(&t->a, 0);
}

/* LOCK OR dword [RSP], 0: cheaper than MFENCE. With one CPU no barrier is needed (see t_atomic.c). */
static void t_dmb(struct tr *t, const struct op *op, unsigned arg)
{
    if (!tr_alone(t)) {
        tr_clobber(t);
        as_1(&t->a, 0xf0);
        as_alu_mi(&t->a, 32, ALU_OR, RSP, 0, 0);
    }
}

/* x86 keeps loads in order and stores in order. */
static void t_no_barrier(struct tr *t, const struct op *op, unsigned arg) {}

/* Waits for the maintenance that was sent to other CPUs. */
static void t_dsb(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;

    if (tr_alone(t)) {
        return;
    }
    t_dmb(t, op, arg);
    get_private(t, RCX);
    as_rm(a, 0, 32, 0x80, 7, RCX, PRIV_OFF(sent_any), false); /* CMP byte, 0 */
    as_1(a, 0);
    to_body(t, as_jcc(a, CC_NE), NULL, NULL);
}

/* Fetches again, under whatever context there is now. */
static void t_isb(struct tr *t, const struct op *op, unsigned arg)
{
    tr_flags_keep(t);
    tr_va(t, RAX, 4 * (t->i->slot + 1));
    tr_count(t, OP_BYTES * (t->i->slot + 1));
    tr_far(t, (struct far_way){ 0 });
    t->ended = true;
}

/* ---- System registers ------------------------------------------------------------------------ */

enum { EL1_ONLY = 1 };

static void read_storage(struct tr *t, unsigned rd, enum sys_index row)
{
    int d = tr_dst(t, rd, RAX);

    get_private(t, RAX);
    as_load(&t->a, 64, d, RAX, SYS_OFF(row));
    tr_put(t, rd, d);
}

static void t_mrs_plain(struct tr *t, const struct op *op, unsigned arg)
{
    uint8_t *el0;

    if ((arg & EL1_ONLY) == 0) {
        read_storage(t, op->rd, (enum sys_index)op->imm);
        return;
    }
    tr_clobber(t);
    el0 = at_el0(t);
    read_storage(t, op->rd, (enum sys_index)op->imm);
    to_body(t, el0, NULL, NULL);
}

static void write_storage(struct tr *t, const struct op *op)
{
    int s = tr_src(t, 64, op->rd, RCX);

    get_private(t, RAX);
    as_store(&t->a, 64, s, RAX, SYS_OFF(op->imm));
}

static void t_msr_plain(struct tr *t, const struct op *op, unsigned arg)
{
    uint8_t *el0;

    if ((arg & EL1_ONLY) == 0) {
        write_storage(t, op);
        return;
    }
    tr_clobber(t);
    el0 = at_el0(t);
    write_storage(t, op);
    to_body(t, el0, NULL, NULL);
}

/* The answered jump is taken unless this is EL1 with its own stack pointer. */
static uint8_t *unless_el1h(struct tr *t)
{
    struct as *a = &t->a;

    as_load(a, 32, RAX, RBP, OFF(pstate));
    as_not(a, 32, RAX);
    as_1(a, 0xa8); /* TEST AL, imm8 */
    as_1(a, 1u << PS_EL_SHIFT | PS_SP);
    return as_jcc(a, CC_NE);
}

static void t_mrs_sp_el0(struct tr *t, const struct op *op, unsigned arg)
{
    uint8_t *odd;

    tr_clobber(t);
    odd = unless_el1h(t);
    read_storage(t, op->rd, SYS_SP_EL0);
    to_body(t, odd, NULL, NULL);
}

/* MRS and MSR in general may read or set NZCV, so tr_clobber takes it that these do. */
static void save_flags(struct tr *t)
{
    if (t->fk != FK_NONE && !t->fsaved) {
        tr_flags_save(t);
    }
    t->fk = FK_NONE;
}

static void mrs_pstate(struct tr *t, const struct op *op, uint32_t mask)
{
    struct as *a = &t->a;
    uint8_t *el0;

    save_flags(t);
    el0 = at_el0(t);
    as_load(a, 32, RAX, RBP, OFF(pstate));
    as_alu_i(a, 32, ALU_AND, RAX, (int32_t)mask);
    tr_put(t, op->rd, RAX);
    to_body(t, el0, NULL, NULL);
}

#define PS_DAIF (PS_D | PS_A | PS_I | PS_F)

static void t_mrs(struct tr *t, const struct op *op, unsigned arg)
{
    switch ((enum sys_index)op->imm) {
    case SYS_DAIF: mrs_pstate(t, op, PS_DAIF); break;
    case SYS_CurrentEL: mrs_pstate(t, op, 3u << PS_EL_SHIFT); break;
    default: tr_call(t); break;
    }
}

/* PSTATE.DAIF has changed: an interrupt line that is up may have to be looked at, which the body does once more. */
static uint8_t *line_is_up(struct tr *t)
{
    struct as *a = &t->a;

    as_load(a, 64, RCX, RBP, OFF(vcpu));
    as_alu_mi(a, 32, ALU_CMP, RCX, (int32_t)offsetof(struct vcpu, lines), 0);
    return as_jcc(a, CC_NE);
}

/* PSTATE.D is about to change, on which self-hosted debug depends if MDSCR_EL1 says so. */
static uint8_t *debug_wants_d(struct tr *t, int scratch)
{
    get_private(t, scratch);
    test_byte(t, scratch, SYS_OFF(SYS_MDSCR_EL1) + 1, MDSCR_KDE >> 8);
    return as_jcc(&t->a, CC_NE);
}

static void msr_daif_register(struct tr *t, const struct op *op)
{
    struct as *a = &t->a;
    uint8_t *el0, *debug;

    save_flags(t);
    el0 = at_el0(t);
    debug = debug_wants_d(t, RAX);
    tr_get(t, 32, RAX, op->rd);
    as_load(a, 32, RCX, RBP, OFF(pstate));
    as_alu(a, 32, ALU_XOR, RAX, RCX);
    as_alu_i(a, 32, ALU_AND, RAX, PS_DAIF);
    as_alu(a, 32, ALU_XOR, RCX, RAX);
    as_store(a, 32, RCX, RBP, OFF(pstate));
    to_body(t, el0, debug, line_is_up(t));
}

static void msr_sp_el0(struct tr *t, const struct op *op)
{
    uint8_t *odd;

    save_flags(t);
    odd = unless_el1h(t);
    write_storage(t, op);
    to_body(t, odd, NULL, NULL);
}

static void t_msr(struct tr *t, const struct op *op, unsigned arg)
{
    switch ((enum sys_index)op->imm) {
    case SYS_DAIF: msr_daif_register(t, op); break;
    case SYS_SP_EL0: msr_sp_el0(t, op); break;
    default: tr_call(t); break;
    }
}

static void t_msr_daif(struct tr *t, const struct op *op, unsigned arg)
{
    uint32_t clear = (uint32_t)(op->imm >> 32), set = (uint32_t)op->imm;
    uint8_t *el0, *debug = NULL;

    tr_clobber(t);
    el0 = at_el0(t);
    if (((clear | set) & PS_D) != 0) {
        debug = debug_wants_d(t, RAX);
    }
    if (set != 0) {
        as_alu_mi(&t->a, 32, ALU_OR, RBP, OFF(pstate), (int32_t)set);
        to_body(t, el0, debug, NULL);
    } else {
        as_alu_mi(&t->a, 32, ALU_AND, RBP, OFF(pstate), ~(int32_t)clear);
        to_body(t, el0, debug, line_is_up(t));
    }
}

/* CNTKCTL_EL1.EL0VCTEN lets EL0 read it. */
static void t_mrs_cntvct(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    uint8_t *allowed, *trapped;

    tr_clobber(t);
    test_byte(t, RBP, OFF(pstate), 3u << PS_EL_SHIFT);
    allowed = as_jcc(a, CC_NE);
    get_private(t, RAX);
    test_byte(t, RAX, SYS_OFF(SYS_CNTKCTL_EL1), 2);
    trapped = as_jcc(a, CC_E);
    as_patch(a, allowed, a->p);
    as_call_to(a, t->jit->count);
    tr_put(t, op->rd, RAX);
    to_body(t, trapped, NULL, NULL);
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

/* RCX, RDX: ISS and preferred return address. */
static void t_svc(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;

    tr_flags_keep(t);
    tr_va(t, RDX, 4 * (t->i->slot + 1));
    tr_count(t, OP_BYTES * (t->i->slot + 1));
    as_imm(a, RCX, op->imm);
    as_call_to(a, t->jit->svc);
    tr_far(t, (struct far_way){ 0 });
    t->ended = true;
}

static void t_eret(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;

    tr_clobber(t);
    to_body(t, at_el0(t), NULL, NULL);
    tr_count(t, OP_BYTES * (t->i->slot + 1));
    as_call_to(a, t->jit->eret);
    tr_far(t, (struct far_way){ 0 });
    t->ended = true;
}

/* ---- Cache maintenance ----------------------------------------------------------------------- */

/* 64 bytes, DCZID_EL0.BS. */
static void t_dc_zva(struct tr *t, const struct op *op, unsigned arg)
{
    struct as *a = &t->a;
    uint8_t *allowed, *trapped, *miss;

    if (t->page->aligned) {
        tr_call(t);
        return;
    }
    tr_clobber(t);
    test_byte(t, RBP, OFF(pstate), 3u << PS_EL_SHIFT);
    allowed = as_jcc(a, CC_NE);
    get_private(t, RAX);
    as_rm(a, 0, 32, 0xf7, 0, RAX, SYS_OFF(SYS_SCTLR_EL1), false); /* TEST dword, imm */
    as_4(a, SCTLR_DZE);
    trapped = as_jcc(a, CC_E);
    as_patch(a, allowed, a->p);
    tr_get(t, 64, RDX, op->rd);
    as_alu_i(a, 64, ALU_AND, RDX, -64);
    tr_tlb_slot(a, RDX, OFF(tlb));
    as_mov(a, 64, RAX, RDX);
    as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE);
    as_alu_m(a, 64, ALU_CMP, RAX, RCX, offsetof(struct tlb_entry, wtag));
    miss = as_jcc(a, CC_NE);
    as_alu_m(a, 64, ALU_ADD, RDX, RCX, offsetof(struct tlb_entry, addend));
    as_alu(a, 32, ALU_XOR, RAX, RAX);
    for (int32_t at = 0; at < 64; at += 8) {
        as_store(a, 64, RAX, RDX, at);
    }
    to_body(t, trapped, miss, NULL);
}

/* ---- Pointer authentication ------------------------------------------------------------------ */

/* RAX = the address in X[rd], signed (which: enum pac_key) or authenticated (PAC_GA + key) with X[rn]. */
static void pointer(struct tr *t, unsigned address, unsigned modifier, unsigned which)
{
    tr_get(t, 64, RAX, address);
    tr_get(t, 64, RDX, modifier);
    as_call_to(&t->a, t->jit->pac[which]);
}

static void t_pac(struct tr *t, const struct op *op, unsigned arg)
{
    if (pac_is_slow(t->cpu)) {
        tr_call(t);
        return;
    }
    tr_clobber(t);
    pointer(t, op->rd, op->rn, arg);
    tr_put(t, op->rd, RAX);
}

/* RET with authentication: RETAA, RETAB, BRAA... */
static void t_br_auth(struct tr *t, const struct op *op, unsigned arg)
{
    if (pac_is_slow(t->cpu)) {
        tr_call(t);
        return;
    }
    tr_flags_keep(t);
    pointer(t, op->rn, op->rm, PAC_GA + op->rd);
    tr_count(t, OP_BYTES * (t->i->slot + 1));
    if ((op->word & BIT(21 + 1)) != 0) { /* RETAA, RETAB */
        tr_return(t, RAX);
        return;
    }
    tr_far(t, (struct far_way){ 0 });
    t->ended = true;
}

#define T(name, fn_, arg_) [UOP_##name] = { fn_, arg_ }

const struct tmpl jit_tmpl_system[UOP_COUNT] = {
    T(yield, t_yield, 0),
    T(clrex, t_clrex, 0),
    T(dsb, t_dsb, 0),
    T(dmb, t_dmb, 0),
    T(dmb_ld, t_no_barrier, 0),
    T(dmb_st, t_no_barrier, 0),
    T(isb, t_isb, 0),
    T(bti_c, t_no_barrier, 0),
    T(bti_j, t_no_barrier, 0),
    T(bti_jc, t_no_barrier, 0),
    T(mrs_el0, t_mrs_plain, 0),
    T(msr_el0, t_msr_plain, 0),
    T(mrs_el1, t_mrs_plain, EL1_ONLY),
    T(msr_el1, t_msr_plain, EL1_ONLY),
    T(mrs_sp_el0, t_mrs_sp_el0, 0),
    T(mrs_cntvct, t_mrs_cntvct, 0),
    T(mrs, t_mrs, 0),
    T(msr, t_msr, 0),
    T(msr_daif, t_msr_daif, 0),
    T(svc, t_svc, 0),
    T(eret, t_eret, 0),
    T(dc_zva, t_dc_zva, 0),
    T(pac_ia, t_pac, PAC_IA),
    T(pac_ib, t_pac, PAC_IB),
    T(pac_da, t_pac, PAC_DA),
    T(pac_db, t_pac, PAC_DB),
    T(paciasp, t_pac, PAC_IA),
    T(pacibsp, t_pac, PAC_IB),
    T(aut_ia, t_pac, PAC_GA + PAC_IA),
    T(aut_ib, t_pac, PAC_GA + PAC_IB),
    T(aut_da, t_pac, PAC_GA + PAC_DA),
    T(aut_db, t_pac, PAC_GA + PAC_DB),
    T(br_auth, t_br_auth, 0),
};
