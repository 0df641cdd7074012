/*
 * diverge.c - translator and interpreter in step: every translated instruction is done twice, and compared.
 *
 * Problem. A mistake in a template shows itself late and elsewhere: the wrong register of now is the wrong pointer of a
 * million instructions later, in a part of the kernel that has nothing to do with it.
 *
 * How. Regions are translated with a check in front of each instruction. A shadow, which is a struct cpu of its own, at
 * once runs the C body of the instruction from the same state; its loads read the guest's memory, its stores are only
 * noted (dry.h). When the next check comes the instruction's translation has run, and both must agree: X0-X30, SP, PC,
 * V0-V31, FPSR, FPCR, the bytes that were stored, the count of instructions, and NZCV where the translator holds them to
 * be needed.
 *
 *       check   ── shadow: body of A ──┐
 *       A's translation                │ compared
 *       check   ◀──────────────────────┘  ── shadow: body of B ──┐
 *       B's translation                                          │
 *
 * The guest runs as ever, in its own time and with its devices: nothing is run again from the start, so nothing has to
 * be deterministic. The shadow's NZCV are never taken from the translator while both are in step: flags that were saved
 * at the wrong place, or thought dead, are found when somebody uses them.
 *
 * Not compared is what the shadow cannot do: system instructions, exclusives, accesses that fault, go to a device or to a
 * page that the TLB does not hold yet (the translation calls the very body then). Nor is the last instruction before
 * code that is interpreted. The shadow then takes over the state that it finds.
 *
 * One vCPU only: another one's stores would look like mistakes.
 */
#include "accel/soft/jit/diverge.h"

#if SOFT_JIT

#include "accel/soft/dry.h"
#include "accel/soft/jit/vec.h"
#include "base/fmt.h"
#include "base/log.h"
#include "base/status.h"

/* What a check has pushed, from the lowest address on. */
struct frame {
    uint64_t reg[16]; /* by enum hreg; RSP's is not the code's */
    uint64_t rflags;
    uint64_t ret;
    int64_t bias;   /* of count_bias                               */
    uint64_t flags; /* what NZCV are, and fused << 8               */
    uint64_t what;  /* slot | uop << 10                            */
};

/* In frame.flags, or enum flag_kind. */
enum { NZCV_UNKNOWN = 16, NZCV_SAVED };

struct diverge {
    struct cpu shadow;
    struct cpu before; /* the shadow before the last instruction */
    struct tlb_ctx never;
    struct dry dry;
    bool in_step;
    bool nzcv_known; /* the shadow's NZCV are its own */
    bool found;      /* a difference: the run ends    */
    uint32_t word;   /* the last instruction, and where both must be after it */
    uint64_t word_pc, pc, count, exceptions;
};

/* All of a CPU that bodies read, but for the jump cache: the shadow's is empty. */
#define STATE_BYTES offsetof(struct cpu, jc)

typedef const struct op *call_fn(struct cpu *cpu, const struct op *op);
extern call_fn *const jit_bodies[UOP_COUNT];

/* ---- NZCV of the translator ------------------------------------------------------------------ */

static uint32_t nzcv_saved(const struct cpu *cpu)
{
    uint32_t f = cpu->jit_nzcv;

    return (f & 0x8000) << 16 | (f & 0x4000) << 16 | ((f & 0x100) == 0 ? 1u << 29 : 0) |
           (f & 1) << 28;
}

/* False: not known here. */
static bool nzcv_of(const struct cpu *cpu, const struct frame *f, uint32_t *nzcv)
{
    uint64_t e = f->rflags;
    uint32_t nz = (uint32_t)(e >> 7 & 1) << 31 | (uint32_t)(e >> 6 & 1) << 30;
    uint32_t c = (uint32_t)(e & 1) << 29, v = (uint32_t)(e >> 11 & 1) << 28;

    switch (f->flags & 0xff) {
    case NZCV_SAVED: *nzcv = nzcv_saved(cpu); return true;
    case FK_SUB: *nzcv = nz | (c ^ 1u << 29) | v; return true;
    case FK_ADD: *nzcv = nz | c | v; return true;
    case FK_LOGIC: *nzcv = nz; return true;
    case FK_FP: /* unordered, less, equal, greater */
        *nzcv = (e & 4) != 0      ? 3u << 28
                : (e & 1) != 0    ? 8u << 28
                : (e & 0x40) != 0 ? 6u << 28
                                  : 2u << 28;
        return true;
    default: return false;
    }
}

/* ---- The report ------------------------------------------------------------------------------ */

static void row(const struct cpu *cpu, const char *form, unsigned n, uint64_t before, uint64_t want,
                uint64_t have)
{
    char name[16];

    fmt_format(name, sizeof(name), form, n);
    log_line(&cpu->vcpu->vm->ports.log, LOG_ERROR, "jit", "  %-9s %016llx %016llx %016llx%s", name,
             (unsigned long long)before, (unsigned long long)want, (unsigned long long)have,
             want != have ? "  <--" : "");
}

static void report_stores(const struct cpu *cpu, const struct dry *dry)
{
    for (unsigned i = 0; i < dry->stores; i++) {
        const struct dry_store *s = &dry->store[i];
        for (unsigned n = 0; n < s->size; n++) {
            unsigned long long va = s->va + n;
            if (s->bytes[n] != s->host[n]) {
                log_line(&cpu->vcpu->vm->ports.log, LOG_ERROR, "jit",
                         "  [%016llx]   %02x %02x  <--", va, s->bytes[n], s->host[n]);
            }
        }
    }
}

/* Both states, and the one before: all X registers, V registers that have changed or differ. */
static void report_states(const struct diverge *d, const struct cpu *cpu, uint64_t pc,
                          uint32_t nzcv)
{
    const struct cpu *b = &d->before, *s = &d->shadow;

    for (unsigned n = 0; n < 32; n++) {
        row(cpu, n == X_SP ? "sp" : "x%u", n, b->x[n], s->x[n], cpu->x[n]);
    }
    row(cpu, "pc", 0, d->word_pc, d->pc, pc);
    row(cpu, "nzcv", 0, cpu_nzcv(b) >> 28, cpu_nzcv(s) >> 28, nzcv >> 28);
    row(cpu, "fpsr", 0, cpu_fpsr(b), cpu_fpsr(s), cpu_fpsr(cpu));
    row(cpu, "fpcr", 0, b->fpcr, s->fpcr, cpu->fpcr);
    for (unsigned n = 0; n < 64; n++) {
        uint64_t was = b->v[n / 2].d[n & 1], want = s->v[n / 2].d[n & 1],
                 have = cpu->v[n / 2].d[n & 1];
        if (was != want || want != have) {
            row(cpu, (n & 1) != 0 ? "v%u.high" : "v%u.low", n / 2, was, want, have);
        }
    }
    report_stores(cpu, &d->dry);
}

static void report(struct diverge *d, struct cpu *cpu, uint64_t pc, uint32_t nzcv)
{
    const struct vm *vm = cpu->vcpu->vm;
    char text[96];

    d->found = true;
    a64_disasm(vm->a64, d->word, d->word_pc, text, sizeof(text));
    soft_exit(cpu, EXIT_FAIL);
    fmt_format(cpu->priv->exit->fail.text, sizeof(cpu->priv->exit->fail.text),
               msg_text(vm->ports.lang, MSG_JIT_DIVERGES), (unsigned long long)d->word_pc, text);
    log_line(&vm->ports.log, LOG_ERROR, "jit", msg_text(vm->ports.lang, MSG_JIT_DIVERGES),
             (unsigned long long)d->word_pc, text);
    log_line(&vm->ports.log, LOG_ERROR, "jit", "%s", msg_text(vm->ports.lang, MSG_JIT_COLUMNS));
    report_states(d, cpu, pc, nzcv);
    atomic_fetch_or(&cpu->pending, PEND_KICK); /* out of loops */
}

/* ---- In step --------------------------------------------------------------------------------- */

static bool stored(const struct dry *dry)
{
    for (unsigned i = 0; i < dry->stores; i++) {
        if (memcmp(dry->store[i].bytes, dry->store[i].host, dry->store[i].size) != 0) {
            return false;
        }
    }
    return true;
}

static void compare(struct diverge *d, struct cpu *cpu, const struct frame *f, uint64_t pc)
{
    struct cpu *s = &d->shadow;
    uint32_t nzcv = cpu_nzcv(s);
    bool flags = nzcv_of(cpu, f, &nzcv);

    if (flags &&
        !d->nzcv_known) { /* somebody needs them, and the shadow has seen nobody set them */
        cpu_set_nzcv(s, nzcv);
        d->nzcv_known = true;
    }
    if (memcmp(s->x, cpu->x, 32 * sizeof(s->x[0])) != 0 ||
        memcmp(s->v, cpu->v, sizeof(s->v)) != 0 || d->pc != pc || cpu_nzcv(s) != nzcv ||
        cpu_fpsr(s) != cpu_fpsr(cpu) || s->fpcr != cpu->fpcr || !stored(&d->dry)) {
        report(d, cpu, pc, nzcv);
    }
}

static void take_over(struct diverge *d, const struct cpu *cpu, const struct frame *f)
{
    struct cpu *s = &d->shadow;
    uint32_t nzcv = 0;

    memcpy(s, cpu, STATE_BYTES);
    s->tlb = s->tlb_user = &d->never;
    s->pending = 0;
    s->epoch = UINT32_MAX;
    d->nzcv_known = nzcv_of(cpu, f, &nzcv);
    cpu_set_nzcv(s, nzcv);
}

/* Micro-operations of registers, memory and branches; exclusives have a monitor. */
static bool can_shadow(enum uop uop)
{
    return (uop > UOP_dc_zva && uop < UOP_pac_ia) || (uop >= UOP_pac_ia && uop <= UOP_xpacd) ||
           (uop >= UOP_ld8_imm && uop < UOP_ldxr8) || (uop > UOP_stxp128 && uop < UOP_cpyfp) ||
           uop > UOP_mops_set;
}

/* One instruction. Answers the next op in the page; NULL: elsewhere, or unknown. */
static const struct op *shadow_op(struct diverge *d, const struct op *op, enum uop uop)
{
    const struct op *next = NULL;

    if (can_shadow(uop)) {
        next = jit_bodies[uop](&d->shadow, op);
    } else {
        d->dry.unknown = true;
    }
    if ((uop_table[uop].flags & (UOP_NZCV_IN | UOP_NZCV_OUT)) == UOP_NZCV_OUT) {
        d->nzcv_known = true;
    }
    return next;
}

static void shadow_run(struct diverge *d, const struct cpu *cpu, const struct frame *f)
{
    struct cpu *s = &d->shadow;
    const struct op *op = &cpu->page_ops[f->what % PAGE_SLOTS], *next;
    struct lower lo = { .cpu = cpu };
    struct op plain;

    memcpy(&d->before, s, STATE_BYTES);
    dry_begin(&d->dry);
    s->left = false;
    s->page_va = cpu->page_va;
    s->page_ops = cpu->page_ops;
    s->count_bias = cpu->count_bias - f->bias;
    d->word = op->word;
    d->word_pc = cpu_pc(cpu, op);
    next = shadow_op(d, op, (enum uop)(f->what / PAGE_SLOTS));
    for (uint64_t n = f->flags >> 8; n > 0 && next != NULL && !d->dry.unknown; n--) {
        op = next;
        lo.slot = (unsigned)(op - cpu->page_ops);
        next = shadow_op(d, op, lower_insn(&lo, op->word, &plain));
    }
    dry_end(&d->dry);
    d->in_step = !d->dry.unknown;
    d->pc = next != NULL ? cpu_pc(s, next) : s->pc;
    d->count = cpu_insns(s) + (next != NULL ? (uint64_t)(next - s->page_ops) : 0);
    d->exceptions = cpu->priv->exceptions;
}

/* A check: the instruction of f->what is about to be executed. */
static HV_ENGINE_ABI void check(struct cpu *cpu, const struct frame *f)
{
    struct diverge *d = cpu->priv->jit->diverge;
    const struct op *op = &cpu->page_ops[f->what % PAGE_SLOTS];
    uint64_t count =
        (uint64_t)(cpu->count_bias - f->bias) / sizeof(struct op) + f->what % PAGE_SLOTS;

    if (d->found) {
        return;
    }
    if (d->in_step && d->count == count && d->exceptions == cpu->priv->exceptions) {
        cpu->priv->stats.jit_compared++;
        compare(d, cpu, f, cpu_pc(cpu, op));
    } else {
        cpu->priv->stats.jit_uncompared++;
        take_over(d, cpu, f);
    }
    if (!d->found) {
        shadow_run(d, cpu, f);
    }
}

/* ---- Code ------------------------------------------------------------------------------------ */

static void push_imm(struct as *a, uint32_t v)
{
    as_1(a, 0x68);
    as_4(a, v);
}

static void push_pop(struct as *a, unsigned opcode, int r)
{
    as_rex(a, 32, 0, 0, r, false);
    as_1(a, opcode + (unsigned)(r & 7));
}

void diverge_make(struct jit *jit, struct as *a)
{
    jit->check = a->p;
    as_1(a, 0x9c); /* PUSHFQ */
    for (int r = R15; r >= RAX; r--) {
        push_pop(a, 0x50, r);
    }
    jit_spill(jit, a);
    as_lea(a, 64, RDI, RBP, -CPU_BIAS);
    as_mov(a, 64, RSI, RSP);
    as_mov(a, 64, RBX, RSP);
    as_alu_i(a, 64, ALU_SUB, RSP, 64);
    as_alu_i(a, 64, ALU_AND, RSP, -16);
    for (int x = 0; x < 4;
         x++) { /* scratch: what outlives an instruction is the templates' business */
        as_rm(a, 0, 32, 0x0f29, x, RSP, 16 * x, false);
    }
    as_imm(a, RAX, (uint64_t)(uintptr_t)check);
    as_rr(a, 0, 32, 0xff, 2, RAX, false); /* CALL RAX */
    for (int x = 0; x < 4; x++) {
        as_rm(a, 0, 32, 0x0f28, x, RSP, 16 * x, false);
    }
    as_mov(a, 64, RSP, RBX);
    vregs_again(jit, a);
    for (int r = RAX; r <= R15; r++) {
        if (r == RSP) {
            as_lea(a, 64, RSP, RSP, 8);
        } else {
            push_pop(a, 0x58, r);
        }
    }
    as_1(a, 0x9d); /* POPFQ */
    as_1(a, 0xc3);
}

/* They are not stored, but exact.c knows how to have them. */
static bool can_settle(const struct tr *t)
{
    const struct ti *i = t->i;

    return !i->need_in && (i->nz >= 0 || i->seen);
}

static uint32_t flags_now(const struct tr *t)
{
    if (t->fk == FK_NONE || t->fsaved) {
        return t->i->need_in || can_settle(t) ? NZCV_SAVED : NZCV_UNKNOWN;
    }
    return (uint32_t)t->fk;
}

uint8_t *diverge_check(struct tr *t)
{
    struct as *a = &t->a;
    uint8_t *fused;

    if (t->jit->diverge == NULL) {
        return NULL;
    }
    if (t->fk == FK_NONE && can_settle(t)) {
        tr_settle(t, t->i->nz);
    }
    push_pop(a, 0x50, RAX);
    as_imm(a, RAX, (uint64_t)(uintptr_t)t->page->ops);
    as_store(a, 64, RAX, RBP, OFF(page_ops));
    tr_va(t, RAX, 0);
    as_store(a, 64, RAX, RBP, OFF(page_va));
    push_pop(a, 0x58, RAX);
    push_imm(a, t->i->slot | (uint32_t)t->i->uop << 10);
    fused = a->p + 2;
    push_imm(a, flags_now(t));
    push_imm(a, (uint32_t)t->bias);
    as_call_to(a, t->jit->check);
    as_lea(a, 64, RSP, RSP, 24);
    return fused;
}

void diverge_fused(struct tr *t, uint8_t *at, unsigned fused)
{
    if (at != NULL && !t->a.full) {
        *at = (uint8_t)fused;
    }
}

/* ---- The whole ------------------------------------------------------------------------------- */

bool diverge_create(struct cpu *cpu)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;
    struct diverge *d = ports->alloc(ports->opaque, sizeof(*d), 64);

    if (d == NULL) {
        return false;
    }
    memset(&d->never, 0xff, sizeof(d->never));
    d->dry.real = cpu;
    d->shadow.dry = &d->dry;
    d->shadow.priv = cpu->priv;
    cpu->priv->jit->diverge = d;
    return true;
}

void diverge_destroy(struct cpu *cpu)
{
    const struct vm_ports *ports = &cpu->vcpu->vm->ports;

    if (cpu->priv->jit->diverge != NULL) {
        ports->free(ports->opaque, cpu->priv->jit->diverge, sizeof(struct diverge));
    }
}

#endif
