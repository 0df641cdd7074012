/*
 * jit.c - the translator's memory and its edges: code cache, heads and their heat, the code that regions share.
 *
 * The cache is mapped twice, writable and executable, and nothing is executed through the first or written through
 * the second. Regions grow up from the start, links grow down from the end. When it is full everything is dropped:
 * that happens between regions, when no translated code is on the stack.
 */
#include "accel/soft/bti.h"
#include "accel/soft/jit/diverge.h"
#include "accel/soft/jit/region.h"
#include "accel/soft/jit/vec.h"

#if SOFT_JIT

/* Misses of L0 entries between two looks at one of them; instructions a miss that are no trouble. */
#define L0_SAMPLE 500
#define L0_SELDOM 16
/* In cpu->l0_slot: the entry was right, the access misaligned. */
#define L0_MISALIGNED 0x10000
/* Room that a region may need at most. */
#define REGION_BYTES (128u << 10)

typedef const struct op *call_fn(struct cpu *cpu, const struct op *op);
extern call_fn *const jit_bodies[UOP_COUNT];

/* ---- Shared code ----------------------------------------------------------------------------- */

static const uint8_t callee_saved[] = { RBX, RBP, R12, R13, R14, R15 };
#define FRAME 24 /* keeps the stack aligned; [rsp] is scratch */

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

static void prologue(struct as *a)
{
    for (unsigned n = 0; n < ARRAY_SIZE(callee_saved); n++) {
        as_rex(a, 32, 0, 0, callee_saved[n], false);
        as_1(a, 0x50u + (callee_saved[n] & 7));
    }
    as_alu_i(a, 64, ALU_SUB, RSP, FRAME);
}

static void epilogue(struct as *a)
{
    as_alu_i(a, 64, ALU_ADD, RSP, FRAME);
    for (unsigned n = ARRAY_SIZE(callee_saved); n-- > 0;) {
        as_rex(a, 32, 0, 0, callee_saved[n], false);
        as_1(a, 0x58u + (callee_saved[n] & 7));
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

static void make_enter(struct as *a)
{
    prologue(a);
    as_lea(a, 64, RBP, RDI, CPU_BIAS);
    as_load(a, 64, R14, RBP, OFF(count_bias));
    flags_pack(a);
    reload(a);
    as_rr(a, 0, 32, 0xff, 4, RAX, false); /* JMP RAX */
}

static void make_leave_at(struct as *a, const struct jit *jit)
{
    jit_spill(jit, a);
    as_load(a, 64, RAX, RBP, OFF(page_va));
    as_lea_x(a, 64, RAX, RAX, RCX, 2, 0);
    as_store(a, 64, RAX, RBP, OFF(pc));
    times_op(a, RCX);
    as_alu(a, 64, ALU_ADD, R14, RCX);
    as_store(a, 64, R14, RBP, OFF(count_bias));
    flags_unpack(a);
    finish(a);
}

static void make_interp_at(struct as *a, const struct jit *jit)
{
    jit_spill(jit, a);
    as_store(a, 64, R14, RBP, OFF(count_bias));
    times_op(a, RCX);
    as_load(a, 64, RSI, RBP, OFF(page_ops));
    as_alu(a, 64, ALU_ADD, RSI, RCX);
    flags_unpack(a);
    go_interpret(a);
}

static void make_far_miss(struct as *a, const struct jit *jit)
{
    jit_spill(jit, a);
    as_store(a, 64, RAX, RBP, OFF(pc));
    as_store(a, 64, R14, RBP, OFF(count_bias));
    flags_unpack(a);
    finish(a);
}

/* The jump cache's entry was made when its op had no translation; it may have one now. */
static void make_far_interp(struct as *a, const struct jit *jit)
{
    uint8_t *interpret;

    as_store(a, 64, RAX, RSP, 0);
    as_load(a, 64, RCX, RDX, offsetof(struct jc_entry, op));
    as_load(a, 64, RCX, RCX, offsetof(struct op, fn));
    as_imm(a, RAX, (uint64_t)(uintptr_t)jit->rx);
    as_alu(a, 64, ALU_SUB, RCX, RAX);
    as_alu_i(a, 64, ALU_CMP, RCX, (int32_t)jit->size);
    interpret = as_jcc(a, CC_AE);
    as_lea_x(a, 64, RCX, RCX, RAX, 0, 0);
    as_load(a, 64, RCX, RCX, -16);
    as_load(a, 64, RAX, RSP, 0);
    as_store(a, 64, RCX, RDX, offsetof(struct jc_entry, host));
    as_rr(a, 0, 32, 0xff, 4, RCX, false); /* JMP RCX */
    as_patch(a, interpret, a->p);
    as_load(a, 64, RAX, RSP, 0);
    jit_spill(jit, a);
    as_load(a, 64, RSI, RDX, offsetof(struct jc_entry, op));
    as_mov(a, 32, RCX, RAX);
    as_alu_i(a, 32, ALU_AND, RCX, 0xffc);
    as_shift(a, 32, SH_SHR, RCX, 2);
    times_op(a, RCX);
    as_mov(a, 64, RDX, RSI);
    as_alu(a, 64, ALU_SUB, RDX, RCX);
    as_store(a, 64, RDX, RBP, OFF(page_ops));
    as_alu(a, 64, ALU_SUB, R14, RCX);
    as_store(a, 64, R14, RBP, OFF(count_bias));
    as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE);
    as_store(a, 64, RAX, RBP, OFF(page_va));
    flags_unpack(a);
    go_interpret(a);
}

/* The frequent case is BTI C after a call; run.c looks at the others. A slot that was reset may have a stale word. */
static void make_far_guarded(struct as *a, const struct jit *jit)
{
    uint8_t *other;

    as_load(a, 64, RCX, RDX, offsetof(struct jc_entry, op));
    as_rm(a, 0, 32, 0x81, 7, RCX, offsetof(struct op, word), false);
    as_4(a, 0xd503245f);
    other = as_jcc(a, CC_NE);
    as_rm(a, 0, 32, 0x83, 7, RBP, OFF(btype), false);
    as_1(a, BTYPE_CALL);
    as_jcc_to(a, CC_NE, jit->far_miss);
    as_load(a, 64, RCX, RCX, offsetof(struct op, fn));
    as_store(a, 64, RAX, RSP, 0);
    as_imm(a, RAX, (uint64_t)(uintptr_t)op_decode);
    as_alu(a, 64, ALU_CMP, RCX, RAX);
    as_load(a, 64, RAX, RSP, 0);
    as_jcc_to(a, CC_E, jit->far_miss);
    as_jmp_m(a, RDX, offsetof(struct jc_entry, host));
    as_patch(a, other, a->p);
    as_jmp_to(a, jit->far_miss);
}

/* Runs one body. If it goes elsewhere than to the next op, so does this. */
static void make_call(struct as *a, const struct jit *jit, bool sets_flags)
{
    uint8_t *odd, *left;

    jit_spill(jit, a);
    as_store(a, 64, R14, RBP, OFF(count_bias));
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
    as_lea(a, 64, RCX, RSI, OP_BYTES);
    as_store(a, 64, RCX, RSP, 0);
    as_imm(a, RCX, (uint64_t)(uintptr_t)jit->calls);
    as_4(a, 0xc104ff48); /* INC qword [RCX + RAX * 8] */
    as_imm(a, RCX, (uint64_t)(uintptr_t)jit_bodies);
    as_1(a, 0xff); /* CALL [RCX + RAX * 8] */
    as_1(a, 0x14);
    as_1(a, 0xc1);
    as_alu_m(a, 64, ALU_CMP, RAX, RSP, 0);
    odd = as_jcc(a, CC_NE);
    as_alu_i(a, 64, ALU_ADD, RSP, 24);
    as_load(a, 64, R14, RBP, OFF(count_bias));
    if (sets_flags) {
        flags_pack(a);
    }
    reload(a);
    vregs_again(jit, a);
    as_1(a, 0xc3);
    as_patch(a, odd, a->p);
    as_alu_i(a, 64, ALU_ADD, RSP, 24 + 8);
    as_test(a, 64, RAX, RAX);
    left = as_jcc(a, CC_E);
    as_mov(a, 64, RSI, RAX);
    go_interpret(a);
    as_patch(a, left, a->p);
    finish(a);
}

/* An L0 entry was no help; the budget of such misses is used up. */
static void make_l0_sample(struct as *a)
{
    as_rm(a, 0, 32, 0xc7, 0, RBP, OFF(l0_budget), false);
    as_4(a, L0_SAMPLE);
    as_load(a, 32, RAX, RSP, 24);
    as_store(a, 32, RAX, RBP, OFF(l0_slot));
    as_load(a, 64, RAX, RBP, OFF(page_ops));
    as_store(a, 64, RAX, RBP, OFF(l0_page));
    as_1(a, 0xf0); /* LOCK OR */
    as_alu_mi(a, 32, ALU_OR, RBP, OFF(pending), PEND_JIT);
}

/*
 * See struct jit, l0_read. The tag did not match: the access is misaligned but inside its page, or what the TLB has
 * goes into the L0 entry, or it is the body's. The frame's three words of scratch are behind the return address.
 */
static void make_l0(struct as *a, bool write, unsigned span)
{
    int32_t tag =
        (int32_t)(write ? offsetof(struct tlb_entry, wtag) : offsetof(struct tlb_entry, rtag));
    uint8_t *cross, *other, *miss, *sample;

    as_store(a, 64, RAX, RSP, 24);
    as_mov(a, 32, RAX, RDX);
    as_alu_i(a, 32, ALU_AND, RAX, SOFT_PAGE - 1);
    as_alu_i(a, 32, ALU_CMP, RAX, (int32_t)(SOFT_PAGE - span));
    cross = as_jcc(a, CC_A);
    as_mov(a, 64, RAX, RDX);
    as_alu_i(a, 64, ALU_AND, RAX, -(int32_t)SOFT_PAGE);
    as_store(a, 64, RCX, RSP, 8);
    as_alu_m(a, 64, ALU_ADD, RCX, RBP, OFF(tlb));
    as_alu_m(a, 64, ALU_CMP, RAX, RCX, offsetof(struct tlb_l0, tag));
    other = as_jcc(a, CC_NE);
    as_load(a, 64, RCX, RCX, offsetof(struct tlb_l0, addend));
    as_alu_mi(a, 32, ALU_SUB, RBP, OFF(l0_budget), 1);
    sample = as_jcc(a, CC_NS);
    as_alu_mi(a, 32, ALU_OR, RSP, 24, L0_MISALIGNED);
    make_l0_sample(a);
    as_patch(a, sample, a->p);
    as_alu(a, 32, ALU_XOR, RAX, RAX);
    as_1(a, 0xc3);
    as_patch(a, other, a->p);
    tr_tlb_slot(a, RDX, OFF(tlb));
    as_alu_m(a, 64, ALU_CMP, RAX, RCX, tag);
    miss = as_jcc(a, CC_NE);
    as_load(a, 64, RCX, RCX, offsetof(struct tlb_entry, addend));
    as_store(a, 64, RCX, RSP, 16);
    as_load(a, 64, RCX, RBP, OFF(tlb));
    as_rm(a, 0, 32, 0xc6, 0, RCX, offsetof(struct tlb_ctx, l0_used), false);
    as_1(a, 1);
    as_alu_m(a, 64, ALU_ADD, RCX, RSP, 8);
    as_store(a, 64, RAX, RCX, offsetof(struct tlb_l0, tag));
    as_load(a, 64, RAX, RSP, 16);
    as_store(a, 64, RAX, RCX, offsetof(struct tlb_l0, addend));
    as_alu_mi(a, 32, ALU_SUB, RBP, OFF(l0_budget), 1);
    sample = as_jcc(a, CC_NS);
    make_l0_sample(a);
    as_patch(a, sample, a->p);
    as_load(a, 64, RCX, RSP, 16);
    as_alu(a, 32, ALU_XOR, RAX, RAX);
    as_patch(a, cross, a->p);
    as_patch(a, miss, a->p);
    as_1(a, 0xc3);
}

static void make_shared(struct jit *jit, struct cpu *cpu)
{
    struct as a = { .p = jit->rw, .end = jit->rw + 16384 };

    vregs_make(jit, &a);
    diverge_make(jit, &a);
    jit->enter = a.p;
    make_enter(&a);
    jit->leave_at = a.p;
    make_leave_at(&a, jit);
    jit->interp_at = a.p;
    make_interp_at(&a, jit);
    jit->far_miss = a.p;
    make_far_miss(&a, jit);
    a.p += (uintptr_t)a.p & 1;
    jit->far_interp = a.p;
    make_far_interp(&a, jit);
    a.p += ((uintptr_t)a.p & 1) == 0;
    jit->far_interp_guarded = a.p;
    make_far_interp(&a, jit);
    jit->far_guarded = a.p;
    make_far_guarded(&a, jit);
    jit->call = a.p;
    make_call(&a, jit, false);
    jit->call_out = a.p;
    make_call(&a, jit, true);
    for (unsigned n = 0; n < SPANS; n++) {
        jit->l0_read[n] = a.p;
        make_l0(&a, false, 1u << n);
        jit->l0_write[n] = a.p;
        make_l0(&a, true, 1u << n);
    }
    jit_make_system(jit, cpu, &a);
    jit->start = a.p;
}

/* ---- The cache ------------------------------------------------------------------------------- */

bool jit_create(struct cpu *cpu)
{
    const struct vm *vm = cpu->vcpu->vm;
    const struct vm_ports *ports = &vm->ports;
    struct jit *jit;
    void *rw = NULL;

    if (ports->code_alloc == NULL || vm->config.jit.off) {
        return false;
    }
    jit = ports->alloc(ports->opaque, sizeof(*jit) + sizeof(struct tr), 64);
    if (jit == NULL) {
        return false;
    }
    jit->size = vm->config.jit.cache != 0 ? (size_t)vm->config.jit.cache : JIT_CACHE_BYTES;
    jit->strict = vm->config.jit.strict;
    jit->plant = vm->config.jit.plant;
    jit->heat = vm->config.jit.heat != 0 ? vm->config.jit.heat : JIT_HEAT;
    jit->rx = ports->code_alloc(ports->opaque, jit->size, &rw);
    jit->rw = rw;
    if (jit->rx == NULL) {
        ports->free(ports->opaque, jit, sizeof(*jit) + sizeof(struct tr));
        return false;
    }
    cpu->priv->jit = jit;
    if (vm->config.jit.diverge && !diverge_create(cpu)) {
        jit_destroy(cpu);
        return false;
    }
    jit->host = host_simd_find(VEX_AVX512);
    vregs_init(jit, cpu);
    make_shared(jit, cpu);
    jit->p = jit->start;
    jit->top = jit->rw + jit->size;
    jit->rethought_at = cpu->count_bias;
    cpu->l0_budget = L0_SAMPLE;
    return true;
}

void jit_destroy(struct cpu *cpu)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;
    struct jit *jit = cpu->priv->jit;

    if (jit != NULL) {
        diverge_destroy(cpu);
        ports->code_free(ports->opaque, jit->rx, jit->rw, jit->size);
        ports->free(ports->opaque, jit, sizeof(*jit) + sizeof(struct tr));
        cpu->priv->jit = NULL;
    }
}

void jit_top_calls(const struct cpu *cpu, struct accel_call calls[ACCEL_CALLS])
{
    const struct jit *jit = cpu->priv->jit;

    memset(calls, 0, ACCEL_CALLS * sizeof(calls[0]));
    for (unsigned uop = 0; jit != NULL && uop < UOP_COUNT; uop++) {
        struct accel_call one = { uop_table[uop].name, jit->calls[uop] };
        for (unsigned n = 0; n < ACCEL_CALLS && one.count != 0; n++) {
            if (one.count > calls[n].count) {
                struct accel_call less = calls[n];
                calls[n] = one;
                one = less;
            }
        }
    }
}

static bool is_translated(const struct jit *jit, const struct op *op)
{
    return (uintptr_t)op->fn - (uintptr_t)jit->rx < jit->size;
}

uint8_t *jit_near_host(const struct jit *jit, const struct op *op)
{
    if (!is_translated(jit, op)) {
        return NULL;
    }
    const uint8_t *data = jit->rw + ((uintptr_t)op->fn - (uintptr_t)jit->rx);
    uint64_t host;
    memcpy(&host, data - 8, 8);
    return jit->rw + (host - (uintptr_t)jit->rx);
}

const void *jit_far_host(const struct cpu *cpu, const struct op *op, bool guarded)
{
    const struct jit *jit = cpu->priv->jit;
    uint64_t host;

    if (jit == NULL) {
        return NULL;
    }
    if (!is_translated(jit, op)) {
        return jit->rx + ((guarded ? jit->far_interp_guarded : jit->far_interp) - jit->rw);
    }
    memcpy(&host, jit->rw + ((uintptr_t)op->fn - (uintptr_t)jit->rx) - 16, 8);
    return (const void *)(uintptr_t)host;
}

struct jit_link *jit_link_to(struct jit *jit, struct code_page *page, unsigned slot)
{
    struct jit_link *link = page->jit->links;
    const uint8_t *host;

    while (link != NULL && link->slot != slot) {
        link = link->next;
    }
    if (link != NULL) {
        return link;
    }
    if (jit->top - jit->p < (ptrdiff_t)REGION_BYTES) {
        return NULL;
    }
    jit->top -= sizeof(*link);
    link = (struct jit_link *)(void *)jit->top;
    host = jit_near_host(jit, &page->ops[slot]);
    link->slot = slot;
    link->target =
        (uint64_t)(uintptr_t)(jit->rx + ((host != NULL ? host : jit->interp_at) - jit->rw));
    link->next = page->jit->links;
    page->jit->links = link;
    return link;
}

void jit_link_jump(struct as *a, const struct jit_link *link, unsigned slot)
{
    as_imm(a, RCX, slot);
    as_1(a, 0xff); /* JMP [RIP + link->target] */
    as_1(a, 0x25);
    as_4(a, 0);
    as_patch(a, a->p - 4, (const uint8_t *)&link->target);
}

static void link_set(struct code_page *page, unsigned slot, uint64_t target)
{
    struct jit_link *link = page->jit->links;

    while (link != NULL && link->slot != slot) {
        link = link->next;
    }
    if (link != NULL) {
        link->target = target;
    }
}

void jit_set_entry(struct cpu *cpu, struct code_page *page, unsigned slot, op_fn *entry,
                   uint64_t host)
{
    struct op *op = &page->ops[slot];

    if (op->fn != op_warm) {
        page->jit->orig[slot] = op->fn;
    }
    op->fn = entry;
    link_set(page, slot, host);
}

void jit_rethink(struct cpu *cpu)
{
    struct jit *jit = cpu->priv->jit;
    int64_t insns = (cpu->count_bias - jit->rethought_at) / OP_BYTES;
    struct code_page *page = cpu->priv->code.newest;

    jit->rethought_at = cpu->count_bias;
    if (insns > (int64_t)L0_SAMPLE * L0_SELDOM) {
        return;
    }
    while (page != NULL && page->ops != cpu->l0_page) { /* it may be gone */
        page = page->lru_next;
    }
    if (page == NULL || page->jit == NULL) {
        return;
    }
    unsigned slot = cpu->l0_slot % PAGE_SLOTS;
    uint64_t bit = BIT(slot % 64);
    uint64_t *suspect = &page->jit->suspect[slot / 64];
    uint64_t *by_tlb = &page->jit->by_tlb[slot / 64];
    uint64_t *misaligned = &page->jit->misaligned[slot / 64];
    if (cpu->l0_slot >= L0_MISALIGNED) {
        if ((*misaligned & bit) == 0) {
            *misaligned |= bit;
            jit_drop_lines(cpu, page, BIT(slot / 16));
        }
    } else if ((*suspect & bit) == 0) {
        *suspect |= bit;
    } else if ((*by_tlb & bit) == 0) {
        *by_tlb |= bit;
        jit_drop_lines(cpu, page, BIT(slot / 16));
    }
}

/* ---- Heads ----------------------------------------------------------------------------------- */

static bool is_head(const struct code_page *page, unsigned slot)
{
    return page->jit != NULL && (page->jit->head[slot / 64] >> slot % 64 & 1) != 0;
}

/* From now on the slot's entries are counted. */
static void count_entries(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    struct op *op = &page->ops[slot];

    if (op->fn != op_decode && op->fn != op_warm && !is_translated(cpu->priv->jit, op)) {
        page->jit->orig[slot] = op->fn;
        op->fn = op_warm;
    }
}

/* ---- Forgetting ------------------------------------------------------------------------------ */

/*
 * A region that is forgotten may still be jumped to: through the jump cache, and from other regions of its page. Its
 * entries are overwritten. The far one looks at the op once more, as for code without translation. The near one, which
 * other regions know, becomes a jump by the slot's link:
 *
 *       far:    jmp far_interp                       near:   jmp 1f
 *       1:      mov ecx, slot
 *               jmp [link]
 *
 * That must not be done under the feet of the code that runs. False: no room for the link.
 */
static bool entry_close(struct jit *jit, struct code_page *page, unsigned slot)
{
    const uint8_t *data = jit->rw + ((uintptr_t)page->ops[slot].fn - (uintptr_t)jit->rx);
    uint8_t *host = jit_near_host(jit, &page->ops[slot]);
    const struct jit_link *link = jit_link_to(jit, page, slot);
    uint64_t far_rx;
    struct as a;

    if (link == NULL) {
        return false;
    }
    memcpy(&far_rx, data - 16, 8);
    a.p = jit->rw + (far_rx - (uintptr_t)jit->rx);
    a.end = a.p + 16;
    a.full = false;
    as_jmp_to(&a, jit->far_interp);
    struct as near_ = { .p = host, .end = host + JIT_ENTRY_BYTES };
    as_jmp_to(&near_, a.p);
    jit_link_jump(&a, link, slot);
    return true;
}

/* The op as it was before the region was made, and soon translated again. */
static void entry_reset(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    const struct jit *jit = cpu->priv->jit;

    page->ops[slot].fn = page->jit->orig[slot];
    page->jit->heat[slot] = (uint8_t)(jit->heat - 1);
    link_set(page, slot, (uint64_t)(uintptr_t)(jit->rx + (jit->interp_at - jit->rw)));
    if (is_head(page, slot)) {
        count_entries(cpu, page, slot);
    }
}

static bool region_has(const struct jit_region *region, const struct op *op)
{
    return (uintptr_t)op->fn >= region->start && (uintptr_t)op->fn < region->end;
}

/* close: there may be ways to the region. False: they are not closed. */
static bool region_forget(struct cpu *cpu, struct code_page *page, const struct jit_region *region,
                          bool close)
{
    bool closed = true;

    for (unsigned n = 0; n < PAGE_SLOTS; n++) {
        if ((region->lines >> n / 16 & 1) != 0 && region_has(region, &page->ops[n])) {
            closed = closed && (!close || entry_close(cpu->priv->jit, page, n));
            entry_reset(cpu, page, n);
        }
    }
    return closed;
}

/* Forgets the regions that depend on one of the lines; answers whether there was one. */
static bool forget_lines(struct cpu *cpu, struct code_page *page, uint64_t lines, bool close,
                         bool *closed)
{
    struct jit_region **at = &page->jit->regions;
    bool any = false;

    page->jit->lines = 0;
    while (*at != NULL) {
        const struct jit_region *region = *at;
        if ((region->lines & lines) != 0) {
            *closed &= region_forget(cpu, page, region, close);
            *at = region->next;
            any = true;
        } else {
            page->jit->lines |= region->lines;
            at = &(*at)->next;
        }
    }
    return any;
}

void jit_drop_lines(struct cpu *cpu, struct code_page *page, uint64_t lines)
{
    bool here = cpu->priv->executing && cpu->page_ops == page->ops;
    bool closed = !here;

    if (!forget_lines(cpu, page, lines, !here, &closed)) {
        return;
    }
    cpu->priv->stats.jit_drops++;
    if (!closed) {
        tlb_new_epochs(cpu);
        atomic_fetch_or(&cpu->pending, PEND_WORK); /* out of loops that have no other way out */
    }
}

void jit_changed(struct cpu *cpu, struct code_page *page, unsigned line)
{
    struct jit_page *jp = page->jit;

    if ((jp->lines & BIT(line)) != 0) {
        jit_drop_lines(cpu, page, BIT(line));
        jp->churn += jp->churn < UINT8_MAX;
        memset(jp->heat, 0, sizeof(jp->heat));
    } else {
        memset(&jp->heat[line * 16], 0, 16);
    }
}

/* Entries before a head is translated: more where the guest has changed translated code before. */
static unsigned heat_wanted(const struct cpu *cpu, const struct code_page *page)
{
    unsigned wanted = cpu->priv->jit->heat << (page->jit->churn < 12 ? page->jit->churn / 4 : 3);

    return wanted < UINT8_MAX ? wanted : UINT8_MAX;
}

/* The code cache begins anew, so nothing may lead into it. */
static void drop_all(struct cpu *cpu)
{
    struct jit *jit = cpu->priv->jit;

    for (struct code_page *page = cpu->priv->code.newest; page != NULL; page = page->lru_next) {
        if (page->jit != NULL) {
            bool closed = true;
            forget_lines(cpu, page, ~0ull, false, &closed);
            page->jit->links = NULL;
            cpu->priv->stats.jit_drops++;
        }
    }
    tlb_new_epochs(cpu);
    jit->p = jit->start;
    jit->top = jit->rw + jit->size;
    cpu->priv->stats.jit_flushes++;
}

/* ---- Marking and translating ----------------------------------------------------------------- */

void jit_mark(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;

    if (cpu->priv->jit == NULL || slot >= PAGE_SLOTS ||
        is_translated(cpu->priv->jit, &page->ops[slot])) {
        return;
    }
    if (page->jit == NULL) {
        page->jit = ports->alloc(ports->opaque, sizeof(*page->jit), 64);
        if (page->jit == NULL) {
            return;
        }
    }
    page->jit->head[slot / 64] |= BIT(slot % 64);
    count_entries(cpu, page, slot);
}

void jit_decoded(struct cpu *cpu, struct code_page *page, unsigned slot, enum uop uop)
{
    const struct op *op = &page->ops[slot];

    if (cpu->priv->jit == NULL) {
        return;
    }
    if ((uop_table[uop].flags & UOP_ENDS_BLOCK) != 0 && uop >= UOP_b_near && uop <= UOP_tbnz_near) {
        int64_t distance = (int64_t)op->imm;
        bool near_ = uop == UOP_b_near || uop == UOP_bl_near ||
                     (uop >= UOP_b_near_eq && uop <= UOP_b_near_le) || uop == UOP_cbz32_near ||
                     uop == UOP_cbz64_near || uop == UOP_cbnz32_near || uop == UOP_cbnz64_near ||
                     uop == UOP_tbz_near || uop == UOP_tbnz_near;
        if (near_ && (distance <= 0 || uop == UOP_bl_near)) {
            jit_mark(cpu, page, (unsigned)((int64_t)slot + distance / OP_BYTES));
        }
    }
    if (is_head(page, slot)) {
        count_entries(cpu, page, slot);
    }
}

/* There is room: translate has looked. */
static void region_add(struct jit *jit, struct code_page *page, const struct tr *t)
{
    struct jit_region *region;

    jit->top -= sizeof(*region);
    region = (struct jit_region *)(void *)jit->top;
    region->start = (uintptr_t)jit->rx + (uintptr_t)(jit->p - jit->rw);
    region->end = (uintptr_t)jit->rx + (uintptr_t)(t->a.p - jit->rw);
    region->lines = t->ahead;
    for (unsigned n = 0; n < t->count; n++) {
        region->lines |= BIT(t->insn[n].slot / 16);
    }
    region->next = page->jit->regions;
    page->jit->regions = region;
    page->jit->lines |= region->lines;
}

static void translate(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    struct jit *jit = cpu->priv->jit;
    struct tr *t = (struct tr *)(void *)(jit + 1);

    if (jit->top - jit->p < 2 * (ptrdiff_t)REGION_BYTES) {
        drop_all(cpu);
        return;
    }
    t->cpu = cpu;
    t->jit = jit;
    t->page = page;
    t->a = (struct as){ .p = jit->p, .end = jit->p + REGION_BYTES };
    t->colds = t->fixes = 0;
    t->bias = 0;
    if (!jit_region(t, slot) || !jit_translate(t)) {
        cpu->priv->stats.jit_failures++;
        return;
    }
    region_add(jit, page, t);
    jit->p = t->a.p;
    cpu->priv->stats.jit_regions++;
    cpu->priv->stats.jit_insns += t->count;
}

op_fn *jit_now(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    struct jit *jit = cpu->priv->jit;
    op_fn *before = page->ops[slot].fn;

    jit->p = jit->start;
    jit->top = jit->rw + jit->size;
    if (page->jit != NULL) {
        memset(page->jit->head, 0, sizeof(page->jit->head));
    }
    jit_mark(cpu, page, slot);
    if (page->jit == NULL) {
        return NULL; /* no memory */
    }
    page->jit->links = NULL;
    page->jit->regions = NULL;
    page->ops[slot].fn = before;
    translate(cpu, page, slot);
    return is_translated(jit, &page->ops[slot]) ? page->ops[slot].fn : NULL;
}

bool jit_limit(struct cpu *cpu, unsigned level)
{
    struct jit *jit = cpu->priv->jit;

    jit->host = host_simd_find((enum vex_level)level);
    vregs_init(jit, cpu);
    make_shared(jit, cpu);
    return (unsigned)jit->host.level == level;
}

op_fn *jit_heat(struct cpu *cpu, const struct op *op)
{
    struct code_page *page =
        CONTAINER_OF((struct op *)(uintptr_t)cpu->page_ops, struct code_page, ops);
    unsigned slot = (unsigned)(op - cpu->page_ops);
    struct op *at = &page->ops[slot];

    if (++page->jit->heat[slot] < heat_wanted(cpu, page)) {
        return page->jit->orig[slot];
    }
    page->jit->heat[slot] = 0;
    at->fn = page->jit->orig[slot];
    translate(cpu, page, slot);
    return at->fn;
}

#endif
