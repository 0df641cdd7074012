/*
 * stubs.c - the code that all regions of a code cache share: in and out, calls of bodies, misses, returns.
 *
 * The host's stack while translated code runs, from high addresses to low ones:
 *
 *       return address of whoever called, callee-saved registers, room
 *       1, ret_empty           a frame that no return matches, at cpu->host_sp
 *       address, host code     a frame for each BL or BLR that has not returned (t_branch.c)
 *
 * A frame is the guest's return address and, pushed by the host's CALL, where translated code goes on there. RET compares the
 * first with its target and leaves by the host's RET, which the processor predicts. Frames are true as long as cpu->epoch is
 * what it was when they were made: whatever changes it under translated code forgets them all (unwind). So does leaving.
 */
#include "accel/soft/bti.h"
#include "accel/soft/jit/diverge.h"
#include "accel/soft/jit/region.h"
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

/* Calls that may be open. A deeper one leaves translated code, which forgets the others. */
#define FRAMES      1024
#define FRAME_BYTES 16
/* Frames that a return looks at before it gives up: who throws or longjmps has skipped some. */
#define FRAMES_TRIED 4
/* Beside the callee-saved registers: keeps the stack aligned. */
#define ROOM 24

typedef const struct op *call_fn(struct cpu *cpu, const struct op *op);
extern call_fn *const jit_bodies[UOP_COUNT];

static const uint8_t callee_saved[] = { RBX, RBP, R12, R13, R14, R15 };

/* Everything into struct cpu; V registers, too. */
void jit_spill(const struct jit *jit, struct as *a)
{
    vregs_leave(jit, a);
    for (unsigned g = 0; g < X_COUNT; g++) {
        if (jit_pin[g] != NOREG) {
            as_store(a, 64, jit_pin[g], RBP, XOFF(g));
        }
    }
}

static void reload(struct as *a)
{
    for (unsigned g = 0; g < X_COUNT; g++) {
        if (jit_pin[g] != NOREG) {
            as_load(a, 64, jit_pin[g], RBP, XOFF(g));
        }
    }
}

/* The host's half of the frame at RSP. Uses RCX. */
static void frame_of_none(struct as *a, const uint8_t *ret_empty)
{
    as_lea_rip(a, RCX, ret_empty);
    as_store(a, 64, RCX, RSP, 0);
}

static void prologue(struct as *a, const uint8_t *ret_empty)
{
    for (unsigned n = 0; n < ARRAY_SIZE(callee_saved); n++) {
        as_push(a, callee_saved[n]);
    }
    as_lea(a, 64, RBP, RDI, CPU_BIAS);
    as_alu_i(a, 64, ALU_SUB, RSP, ROOM + FRAME_BYTES);
    as_store(a, 64, RSP, RBP, OFF(host_sp));
    as_lea(a, 64, RCX, RSP, -FRAMES * FRAME_BYTES);
    as_store(a, 64, RCX, RBP, OFF(host_limit));
    as_rm(a, 0, 64, 0xc7, 0, RSP, 8, false);
    as_4(a, 1);
    frame_of_none(a, ret_empty);
}

static void epilogue(struct as *a)
{
    as_load(a, 64, RSP, RBP, OFF(host_sp));
    as_alu_i(a, 64, ALU_ADD, RSP, ROOM + FRAME_BYTES);
    for (unsigned n = ARRAY_SIZE(callee_saved); n-- > 0;) {
        as_pop(a, callee_saved[n]);
    }
}

/* cpu->flag_* to cpu->jit_nzcv; uses RCX, RDX. */
static void flags_pack(struct as *a)
{
    as_load(a, 64, RCX, RBP, OFF(flag_n));
    as_shift(a, 64, SH_SHR, RCX, 63);
    as_shift(a, 32, SH_SHL, RCX, 15);
    as_alu(a, 32, ALU_XOR, RDX, RDX);
    as_alu_mi(a, 64, ALU_CMP, RBP, OFF(flag_z), 0);
    as_setcc(a, CC_E, RDX);
    as_shift(a, 32, SH_SHL, RDX, 14);
    as_alu(a, 32, ALU_OR, RCX, RDX);
    as_load(a, 32, RDX, RBP, OFF(flag_c));
    as_alu_i(a, 32, ALU_XOR, RDX, 1);
    as_shift(a, 32, SH_SHL, RDX, 8);
    as_alu(a, 32, ALU_OR, RCX, RDX);
    as_load(a, 64, RDX, RBP, OFF(flag_v));
    as_shift(a, 64, SH_SHR, RDX, 63);
    as_alu(a, 32, ALU_OR, RCX, RDX);
    as_store(a, 32, RCX, RBP, OFF(jit_nzcv));
}

/* The other way; uses RCX, RDX. */
static void flags_unpack(struct as *a)
{
    as_rm(a, 0, 32, 0x0fb7, RCX, RBP, OFF(jit_nzcv), false);
    as_rr(a, 0, 64, 0x0fbf, RDX, RCX, false);
    as_store(a, 64, RDX, RBP, OFF(flag_n));
    as_mov(a, 32, RDX, RCX);
    as_not(a, 32, RDX);
    as_alu_i(a, 32, ALU_AND, RDX, 0x4000);
    as_store(a, 64, RDX, RBP, OFF(flag_z));
    as_mov(a, 32, RDX, RCX);
    as_shift(a, 32, SH_SHR, RDX, 8);
    as_not(a, 32, RDX);
    as_alu_i(a, 32, ALU_AND, RDX, 1);
    as_store(a, 64, RDX, RBP, OFF(flag_c));
    as_alu_i(a, 32, ALU_AND, RCX, 1);
    as_neg(a, 64, RCX);
    as_store(a, 64, RCX, RBP, OFF(flag_v));
}

/* To run.c, or to the op in RSI. */
static void finish(struct as *a)
{
    epilogue(a);
    as_alu(a, 32, ALU_XOR, RAX, RAX);
    as_1(a, 0xc3);
}

static void go_interpret(struct as *a)
{
    as_lea(a, 64, RDI, RBP, -CPU_BIAS);
    epilogue(a);
#if SOFT_TAILCALL
    as_jmp_m(a, RSI, offsetof(struct op, fn));
#else
    as_mov(a, 64, RAX, RSI);
    as_1(a, 0xc3);
#endif
}

/* reg *= sizeof(struct op), 24. */
static void times_op(struct as *a, int reg)
{
    as_lea_x(a, 64, reg, reg, reg, 1, 0);
    as_shift(a, 64, SH_SHL, reg, 3);
}

/* cpu->count_bias += or -= reg. */
static void move_count(struct as *a, bool back, int reg)
{
    as_rm(a, 0, 64, back ? 0x29 : 0x01, reg, RBP, OFF(count_bias), false);
}

/* An instruction has been executed, where they are not counted: not the same moment any more. */
void jit_count_one(struct as *a, const struct jit *jit)
{
    if (!jit->counting) {
        as_alu_mi(a, 64, ALU_ADD, RBP, OFF(count_bias), OP_BYTES);
    }
}

/* SP is aligned while translated code runs: see translate.h. */
static void make_enter(struct as *a, const struct jit *jit)
{
    const int32_t sp = (int32_t)(offsetof(struct cpu, x) + 8 * X_SP);
    uint8_t *aligned;

    as_rm(a, 0, 32, 0xf6, 0, RDI, sp, false); /* TEST byte, 15 */
    as_1(a, 15);
    aligned = as_jcc(a, CC_E);
    as_imm(a, RAX, (uint64_t)(uintptr_t)jit_interpret);
    as_rr(a, 0, 32, 0xff, 4, RAX, false); /* JMP RAX */
    as_patch(a, aligned, a->p);
    prologue(a, jit->ret_empty);
    if (!jit->counting) {
        as_alu_m(a, 64, ALU_SUB, RSI, RBP, OFF(page_ops));
        move_count(a, false, RSI);
    }
    flags_pack(a);
    reload(a);
    as_rr(a, 0, 32, 0xff, 4, RAX, false); /* JMP RAX */
}

/* RAX: the page's ops. Translated code of a page that is at one address leaves page_va alone. Uses RDX. */
static void note_page_va(struct as *a)
{
    uint8_t *many;

    _Static_assert(offsetof(struct code_page, ops) == 0, "RAX is the page");
    as_rm(a, 0, 32, 0x80, ALU_CMP, RAX, offsetof(struct code_page, vas), false);
    as_1(a, VA_ONE);
    many = as_jcc(a, CC_NE);
    as_load(a, 64, RDX, RAX, offsetof(struct code_page, va));
    as_store(a, 64, RDX, RBP, OFF(page_va));
    as_patch(a, many, a->p);
}

static void make_leave_at(struct as *a, const struct jit *jit)
{
    jit_counter(a, OFF(jit_counts.leaves));
    jit_spill(jit, a);
    note_page_va(a);
    as_load(a, 64, RAX, RBP, OFF(page_va));
    as_lea_x(a, 64, RAX, RAX, RCX, 2, 0);
    as_store(a, 64, RAX, RBP, OFF(pc));
    if (jit->counting) {
        times_op(a, RCX);
        move_count(a, false, RCX);
    }
    flags_unpack(a);
    finish(a);
}

static void make_interp(struct jit *jit, struct as *a)
{
    jit->interp_way = a->p;
    as_load(a, 64, RAX, RAX, offsetof(struct jit_way, link));
    as_load(a, 32, RCX, RAX, offsetof(struct jit_link, slot));
    as_load(a, 64, RAX, RAX, offsetof(struct jit_link, ops));
    jit->interp_at = a->p;
    jit_counter(a, OFF(jit_counts.near_interp));
    jit_spill(jit, a);
    note_page_va(a);
    as_store(a, 64, RAX, RBP, OFF(page_ops));
    times_op(a, RCX);
    if (!jit->counting) {
        move_count(a, true, RCX);
    }
    as_lea_x(a, 64, RSI, RAX, RCX, 0, 0);
    flags_unpack(a);
    go_interpret(a);
}

static void make_far_miss(struct as *a, const struct jit *jit)
{
    jit_counter(a, OFF(jit_counts.far_misses));
    jit_spill(jit, a);
    as_store(a, 64, RAX, RBP, OFF(pc));
    flags_unpack(a);
    finish(a);
}

/* See struct jit, often_way. */
static void make_often_way(struct as *a, const struct jit *jit)
{
    as_store(a, 64, RAX, RBP, OFF(jit_way));
    as_1(a, 0xf0); /* LOCK OR */
    as_alu_mi(a, 32, ALU_OR, RBP, OFF(pending), PEND_JIT);
    as_load(a, 64, RAX, RAX, offsetof(struct jit_way, link));
    as_load(a, 32, RCX, RAX, offsetof(struct jit_link, slot));
    as_load(a, 64, RAX, RAX, offsetof(struct jit_link, ops));
    as_jmp_to(a, jit->leave_at);
}

/* RCX: from RBP, divided by 8, the jump cache's entry for the address in RAX. */
static void jc_place(struct as *a)
{
    as_rr(a, 0, 32, 0x0fb7, RCX, RAX, false); /* MOVZX ECX, AX: jc_index */
    as_alu_m(a, 32, ALU_XOR, RCX, RBP, OFF(jc_salt));
}

#define JC(field) (OFF(jc) + (int32_t)offsetof(struct jc_entry, field))

/* The jump cache's entry was made when its op had no translation; it may have one now. */
static void make_far_interp(struct as *a, const struct jit *jit)
{
    uint8_t *interpret;

    as_store(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    jc_place(a);
    as_rbp8(a, 64, 0x8d, RDX, RCX, OFF(jc)); /* LEA */
    as_load(a, 64, RCX, RDX, offsetof(struct jc_entry, op));
    as_load(a, 64, RCX, RCX, offsetof(struct op, fn));
    as_imm(a, RAX, (uint64_t)(uintptr_t)jit->rx);
    as_alu(a, 64, ALU_SUB, RCX, RAX);
    as_alu_i(a, 64, ALU_CMP, RCX, (int32_t)jit->size);
    interpret = as_jcc(a, CC_AE);
    as_lea_x(a, 64, RCX, RCX, RAX, 0, 0);
    as_load(a, 64, RCX, RCX, -16);
    as_load(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    as_store(a, 64, RCX, RDX, offsetof(struct jc_entry, host));
    as_rr(a, 0, 32, 0xff, 4, RCX, false); /* JMP RCX */
    as_patch(a, interpret, a->p);
    jit_counter(a, OFF(jit_counts.far_interp));
    as_load(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    jit_spill(jit, a);
    as_load(a, 64, RSI, RDX, offsetof(struct jc_entry, op));
    as_mov(a, 32, RCX, RAX);
    as_alu_i(a, 32, ALU_AND, RCX, 0xffc);
    as_shift(a, 32, SH_SHR, RCX, 2);
    times_op(a, RCX);
    as_mov(a, 64, RDX, RSI);
    as_alu(a, 64, ALU_SUB, RDX, RCX);
    as_store(a, 64, RDX, RBP, OFF(page_ops));
    move_count(a, true, RCX);
    as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE);
    as_store(a, 64, RAX, RBP, OFF(page_va));
    flags_unpack(a);
    go_interpret(a);
}

/* The frequent case is BTI C after a call; run.c looks at the others. A slot that was reset may have a stale word. */
static void make_far_guarded(struct as *a, const struct jit *jit)
{
    uint8_t *other;

    as_rbp8(a, 64, 0x8d, RDX, RCX, OFF(jc)); /* LEA */
    as_load(a, 64, RCX, RDX, offsetof(struct jc_entry, op));
    as_rm(a, 0, 32, 0x81, 7, RCX, offsetof(struct op, word), false);
    as_4(a, 0xd503245f);
    other = as_jcc(a, CC_NE);
    as_rm(a, 0, 32, 0x83, 7, RBP, OFF(btype), false);
    as_1(a, BTYPE_CALL);
    as_jcc_to(a, CC_NE, jit->far_miss);
    as_load(a, 64, RCX, RCX, offsetof(struct op, fn));
    as_store(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    as_imm(a, RAX, (uint64_t)(uintptr_t)op_decode);
    as_alu(a, 64, ALU_CMP, RCX, RAX);
    as_load(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    as_jcc_to(a, CC_E, jit->far_miss);
    as_jmp_m(a, RDX, offsetof(struct jc_entry, host));
    as_patch(a, other, a->p);
    as_jmp_to(a, jit->far_miss);
}

/*
 * Around a C function that may change the epoch: a subroutine of translated code notes it before the call, and returns by
 * the other. Both use RCX.
 */
void jit_frames_note(struct as *a)
{
    as_load(a, 32, RCX, RBP, OFF(epoch));
    as_store(a, 32, RCX, RBP, OFF(jit_epoch));
}

void jit_frames_return(struct as *a)
{
    uint8_t *changed;

    as_load(a, 32, RCX, RBP, OFF(jit_epoch));
    as_alu_m(a, 32, ALU_CMP, RCX, RBP, OFF(epoch));
    changed = as_jcc(a, CC_NE);
    as_1(a, 0xc3);
    as_patch(a, changed, a->p);
    as_1(a, 0x59); /* POP RCX */
    as_load(a, 64, RSP, RBP, OFF(host_sp));
    as_rr(a, 0, 32, 0xff, 4, RCX, false); /* JMP RCX */
}

/* Runs one body. If it goes elsewhere than to the next op, so does this. */
static void make_call(struct as *a, const struct jit *jit, bool sets_flags)
{
    uint8_t *odd, *sp_odd, *left;

    jit_spill(jit, a);
    as_store(a, 64, RAX, RBP, OFF(page_ops));
    note_page_va(a);
    as_mov(a, 32, RAX, RCX);
    flags_unpack(a);
    as_mov(a, 32, RCX, RAX);
    as_alu_i(a, 32, ALU_AND, RCX, PAGE_SLOTS - 1);
    times_op(a, RCX);
    as_load(a, 64, RSI, RBP, OFF(page_ops));
    as_alu(a, 64, ALU_ADD, RSI, RCX);
    as_shift(a, 32, SH_SHR, RAX, 10);
    as_lea(a, 64, RDI, RBP, -CPU_BIAS);
    as_alu_i(a, 64, ALU_SUB, RSP, 24);
    if (!jit->counting) {
        move_count(a, true, RCX);
        as_store(a, 64, RCX, RSP, 8);
    }
    as_lea(a, 64, RCX, RSI, OP_BYTES);
    as_store(a, 64, RCX, RSP, 0);
    jit_frames_note(a);
    as_load(a, 64, RCX, RBP, OFF(priv));
    as_4(a, 0xc184ff48); /* INC qword [RCX + RAX * 8 + disp] */
    as_4(a, offsetof(struct soft_private, jit_calls));
    as_imm(a, RCX, (uint64_t)(uintptr_t)jit_bodies);
    as_1(a, 0xff); /* CALL [RCX + RAX * 8] */
    as_1(a, 0x14);
    as_1(a, 0xc1);
    as_alu_m(a, 64, ALU_CMP, RAX, RSP, 0);
    odd = as_jcc(a, CC_NE);
    as_rm(a, 0, 32, 0xf6, 0, RBP, XOFF(X_SP), false); /* TEST byte, 15 */
    as_1(a, 15);
    sp_odd = as_jcc(a, CC_NE);
    if (!jit->counting) {
        as_load(a, 64, RCX, RSP, 8);
        move_count(a, false, RCX);
    }
    jit_count_one(a, jit);
    as_alu_i(a, 64, ALU_ADD, RSP, 24);
    if (sets_flags) {
        flags_pack(a);
    }
    reload(a);
    vregs_again(jit, a);
    jit_frames_return(a);
    as_patch(a, odd, a->p);
    as_patch(a, sp_odd, a->p);
    as_test(a, 64, RAX, RAX);
    left = as_jcc(a, CC_E);
    as_mov(a, 64, RSI, RAX);
    go_interpret(a);
    as_patch(a, left, a->p);
    finish(a);
}

/* ---- Ways on --------------------------------------------------------------------------------- */

uint8_t *jit_look_at_limit(struct as *a, const struct jit *jit)
{
    if (!jit->limited) {
        return NULL;
    }
    as_load(a, 64, RCX, RBP, OFF(count_bias));
    as_alu_m(a, 64, ALU_CMP, RCX, RBP, OFF(count_stop));
    return as_jcc(a, CC_GE);
}

/*
 * Jumps over nothing, by bits of the address in RAX. Hosts predict indirect calls by the history of conditional jumps, and some (host.blind)
 * have no targets of indirect ones in it: a loop that calls through pointers and decides nothing itself has one history for all of them.
 */
static void tell_predictor(struct as *a)
{
    for (unsigned bit = 4; bit < 7; bit++) {
        as_rr(a, 0, 32, 0x0fba, 4, RAX, false); /* BT */
        as_1(a, bit);
        as_1(a, 0x72); /* JC, to the next instruction */
        as_1(a, 0);
    }
}

struct far_stale jit_far(struct as *a, const struct jit *jit, struct far_way way)
{
    struct far_stale stale = { NULL, NULL };
    uint8_t *guarded = NULL, *done, *limit = jit_look_at_limit(a, jit);

    if (limit != NULL) {
        as_patch(a, limit, jit->far_miss);
    }

    _Static_assert(offsetof(struct cpu, pending) == offsetof(struct cpu, epoch) + 4, "one word");
    jc_place(a);
    as_rbp8(a, 64, 0x3b, RAX, RCX, JC(va)); /* CMP */
    as_jcc_to(a, CC_NE, jit->far_miss);
    as_load(a, 64, RDX, RBP, OFF(epoch)); /* and pending */
    as_rbp8(a, 64, 0x3b, RDX, RCX, JC(epoch));
    if (!way.typed && !way.call) {
        as_jcc_to(a, CC_NE, jit->far_stale_plain);
    } else {
        stale = (struct far_stale){ .from = as_jcc(a, CC_NE) };
        stale.back = a->p;
    }
    if (way.typed) {
        as_rbp8(a, 32, 0xf6, 0, RCX, JC(host)); /* TEST byte, 1 */
        as_1(a, 1);
        guarded = as_jcc(a, CC_NE);
    }
    if (way.by_register && jit->host.blind) {
        tell_predictor(a);
    }
    as_rbp8(a, 32, 0xff, way.call ? 2 : 4, RCX, JC(host)); /* CALL, JMP */
    if (way.typed && !way.call) {
        as_patch(a, guarded, jit->far_guarded);
    } else if (way.typed) {
        done = as_jmp(a);
        as_patch(a, guarded, a->p);
        as_call_to(a, jit->far_guarded);
        as_patch(a, done, a->p);
    }
    return stale;
}

void jit_far_stale(struct as *a, const struct jit *jit, struct far_stale stale)
{
    as_patch(a, stale.from, a->p);
    as_lea_rip(a, RDX, stale.back);
    as_jmp_to(a, jit->far_stale);
}

/*
 * Something is pending; or the entry is of another epoch: an address space that was, or this one before its TLB maintenance. If
 * its page has been entered under the present epoch, and is the one that the entry leads to, the entry is right once more. Its
 * host code is still there unless a generation has passed (cpu.h). As enter_page in run.c.
 */
static void make_far_stale(struct as *a, struct jit *jit)
{
    const int32_t recent = (int32_t)offsetof(struct soft_private, recent);
    uint8_t *miss[4], *plain = a->p;

    as_rbp8(a, 32, 0xff, 4, RCX, JC(host)); /* JMP */
    jit->far_stale_plain = a->p;
    as_lea_rip(a, RDX, plain);
    jit->far_stale = a->p;
    as_alu_mi(a, 32, ALU_CMP, RBP, OFF(pending), 0);
    as_jcc_to(a, CC_NE, jit->far_miss);
    as_store(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    as_store(a, 64, RDX, RBP, OFF(jit_tmp[1]));
    as_rbp8(a, 64, 0x8d, RDX, RCX, OFF(jc)); /* LEA */
    as_load(a, 64, RAX, RBP, OFF(priv));
    as_load(a, 32, RCX, RDX, offsetof(struct jc_entry, epoch));
    as_alu_m(a, 32, ALU_CMP, RCX, RAX, offsetof(struct soft_private, generation));
    miss[0] = as_jcc(a, CC_B);
    as_load(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    as_load(a, 32, RCX, RBP, OFF(jc_salt)); /* recent_slot */
    as_shift(a, 32, SH_SHR, RCX, 2);
    as_shift(a, 32, SH_SHR, RAX, PAGE_BITS);
    as_alu(a, 32, ALU_XOR, RCX, RAX);
    as_alu_i(a, 32, ALU_AND, RCX, (1 << CODE_RECENT_BITS) - 1);
    as_lea_x(a, 64, RCX, RCX, RCX, 1, 0);
    as_load(a, 64, RAX, RBP, OFF(priv));
    as_lea_x(a, 64, RCX, RAX, RCX, 3, recent);
    as_load(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE);
    as_alu_m(a, 64, ALU_CMP, RAX, RCX, offsetof(struct code_recent, va));
    miss[1] = as_jcc(a, CC_NE);
    as_load(a, 32, RAX, RBP, OFF(epoch));
    as_alu_m(a, 64, ALU_CMP, RAX, RCX, offsetof(struct code_recent, epoch));
    miss[2] = as_jcc(a, CC_NE);
    as_load(a, 64, RCX, RCX, offsetof(struct code_recent, page));
    as_load(a, 32, RAX, RBP, OFF(jit_tmp[0]));
    as_alu_i(a, 32, ALU_AND, RAX, SOFT_PAGE - 4); /* times 6 is its op in the page */
    as_lea_x(a, 64, RAX, RAX, RAX, 1, 0);
    as_lea_x(a, 64, RCX, RCX, RAX, 1, offsetof(struct code_page, ops));
    as_alu_m(a, 64, ALU_CMP, RCX, RDX, offsetof(struct jc_entry, op));
    miss[3] = as_jcc(a, CC_NE);
    as_load(a, 32, RCX, RBP, OFF(epoch));
    as_store(a, 64, RCX, RDX, offsetof(struct jc_entry, epoch));
    jit_counter(a, OFF(jit_counts.far_renewed));
    as_load(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    jc_place(a);
    as_jmp_m(a, RBP, OFF(jit_tmp[1]));
    for (unsigned n = 0; n < ARRAY_SIZE(miss); n++) {
        as_patch(a, miss[n], a->p);
    }
    as_load(a, 64, RAX, RBP, OFF(jit_tmp[0]));
    as_jmp_to(a, jit->far_miss);
}

/* RAX: where to; the frame at RSP is another's. One of those above it may be the one. */
static void make_ret_miss(struct as *a, const struct jit *jit)
{
    uint8_t *none[FRAMES_TRIED], *found[FRAMES_TRIED];

    jit_counter(a, OFF(jit_counts.ret_misses));
    as_mov(a, 64, RCX, RSP);
    for (unsigned n = 0; n < FRAMES_TRIED; n++) {
        as_alu_m(a, 64, ALU_CMP, RCX, RBP, OFF(host_sp));
        none[n] = as_jcc(a, CC_E);
        as_alu_i(a, 64, ALU_ADD, RCX, FRAME_BYTES);
        as_alu_m(a, 64, ALU_CMP, RAX, RCX, 8);
        found[n] = as_jcc(a, CC_E);
    }
    for (unsigned n = 0; n < FRAMES_TRIED; n++) {
        as_patch(a, none[n], a->p);
    }
    jit_far(a, jit, (struct far_way){ 0 });
    for (unsigned n = 0; n < FRAMES_TRIED; n++) {
        as_patch(a, found[n], a->p);
    }
    as_mov(a, 64, RSP, RCX);
    as_1(a, 0xc3);
}

/* A return to address 1 has taken the frame that is none. */
static void make_ret_empty(struct as *a, const struct jit *jit)
{
    as_lea(a, 64, RSP, RSP, -8);
    frame_of_none(a, jit->ret_empty);
    as_imm(a, RAX, 1);
    as_jmp_to(a, jit->far_miss);
}

void jit_make_stubs(struct jit *jit, const struct cpu *cpu)
{
    struct as a = { .p = jit->rw, .end = jit->rw + 16384 };

    vregs_make(jit, &a);
    diverge_make(jit, &a);
    jit->leave_at = a.p;
    make_leave_at(&a, jit);
    make_interp(jit, &a);
    jit->often_way = a.p;
    make_often_way(&a, jit);
    jit->far_miss = a.p;
    make_far_miss(&a, jit);
    make_far_stale(&a, jit);
    jit->ret_empty = a.p;
    make_ret_empty(&a, jit);
    jit->enter = a.p;
    make_enter(&a, jit);
    jit->ret_miss_x30 = a.p;
    as_mov(&a, 64, RAX, jit_pin[30]);
    jit->ret_miss = a.p;
    make_ret_miss(&a, jit);
    a.p += (uintptr_t)a.p & 1;
    jit->far_interp = a.p;
    make_far_interp(&a, jit);
    a.p += (1 - (uintptr_t)a.p) & 3;
    jit->far_interp_guarded = a.p;
    make_far_interp(&a, jit);
    jit->far_guarded = a.p;
    make_far_guarded(&a, jit);
    jit->call = a.p;
    make_call(&a, jit, false);
    jit->call_out = a.p;
    make_call(&a, jit, true);
    jit_make_redo(jit, &a);
    jit_make_l0(jit, &a);
    jit_make_system(jit, &a);
    jit->start = a.p;
    jit_tell_shared(cpu);
}

#endif
