/*
 * run.c - the run loop: find the op for the PC, run from there until something leaves the slots,
 * look why.
 *
 *     attend      pending work: maintenance from other CPUs, interrupts, kicks
 *     fetch       jump cache, else TLB and code page (permission checks happen here, once per entry
 *                 of a page)
 *     execute     bodies jump to one another until one LEAVEs with cpu->pc set
 *
 * An instruction limit needs every branch to come by here: ops are lowered with LOWER_FAR, the jump
 * cache stays empty, so at most one page of instructions runs between two looks; the last thousand
 * are stepped.
 */
#include "accel/soft/fwd.h"
#include "accel/soft/jit/jit.h"

/* ---- Entering and leaving -------------------------------------------------------------------- */

void soft_exit(struct cpu *cpu, enum exit_kind kind)
{
    cpu->priv->exit->kind = kind;
    cpu->priv->exiting = true;
    cpu->left = true;
}

void soft_exit_syndrome(struct cpu *cpu, enum esr_ec ec, uint32_t iss)
{
    cpu->priv->exit->syndrome.esr = esr_make(ec, iss);
    cpu->priv->exit->syndrome.far_va = 0;
    cpu->priv->exit->syndrome.ipa = 0;
    soft_exit(cpu, EXIT_SYNDROME);
}

/* In order before the look at who waits, if there is anybody else. */
void soft_outside(struct cpu *cpu)
{
    if (cpu->vcpu->vm->config.cpus == 1) {
        atomic_store_explicit(&cpu->priv->inside, false, memory_order_relaxed);
    } else {
        atomic_store(&cpu->priv->inside, false);
        inval_wake(cpu);
    }
}

/* In order before the look at the ring: see rings.c. Only other CPUs want to know. */
void soft_inside(struct cpu *cpu)
{
    if (cpu->vcpu->vm->config.cpus == 1) {
        atomic_store_explicit(&cpu->priv->inside, true, memory_order_relaxed);
    } else {
        atomic_store(&cpu->priv->inside, true);
    }
    inval_drain(cpu);
}

/* ---- Interrupts and other work --------------------------------------------------------------- */

enum { LINE_IRQ = 1, LINE_FIQ = 2 };

static uint32_t unmasked_lines(const struct cpu *cpu)
{
    uint32_t lines = atomic_load(&cpu->vcpu->lines);

    return lines & (((cpu->pstate & PS_I) != 0 ? 0 : LINE_IRQ) |
                    ((cpu->pstate & PS_F) != 0 ? 0 : LINE_FIQ));
}

bool soft_irq_check(struct cpu *cpu)
{
    debug_masks_changed(cpu);
    if (unmasked_lines(cpu) == 0) {
        return false;
    }
    atomic_fetch_or(&cpu->pending, PEND_IRQ);
    return true;
}

static void take_interrupt(struct cpu *cpu)
{
    uint32_t lines = unmasked_lines(cpu);

    if ((lines & LINE_FIQ) != 0) {
        cpu->priv->stats.fiqs++;
        except_take(cpu, VECTOR_FIQ, 0, 0, false, cpu->pc);
    } else if ((lines & LINE_IRQ) != 0) {
        cpu->priv->stats.irqs++;
        except_take(cpu, VECTOR_IRQ, 0, 0, false, cpu->pc);
    }
}

/* Does what pending asks for; each bit is cleared before its cause is looked at.
 * False: return from run. */
static bool attend(struct cpu *cpu)
{
    uint32_t work = atomic_load(&cpu->pending);

    if ((work & PEND_WORK) != 0) {
        atomic_fetch_and(&cpu->pending, ~(uint32_t)PEND_WORK);
        code_pass(cpu);
        inval_drain(cpu);
        pmu_sync(cpu, cpu_insns(cpu));
        if (cpu->priv->pmu.live) {
            pmu_plan(cpu);
        }
        if (pmu_counts_insns(cpu)) {
            jit_count(cpu);
        }
    }
    if ((work & PEND_EVENT) != 0) {
        atomic_fetch_and(&cpu->pending, ~(uint32_t)PEND_EVENT);
        cpu->priv->event = true;
    }
    if ((work & PEND_JIT) != 0) {
        atomic_fetch_and(&cpu->pending, ~(uint32_t)PEND_JIT);
        jit_rethink(cpu);
    }
    if ((work & PEND_KICK) != 0) {
        atomic_fetch_and(&cpu->pending, ~(uint32_t)PEND_KICK);
        return false;
    }
    if ((work & PEND_IRQ) != 0) {
        atomic_fetch_and(&cpu->pending, ~(uint32_t)PEND_IRQ);
        take_interrupt(cpu);
    }
    return true;
}

/* ---- Fetch ----------------------------------------------------------------------------------- */

/* Host address of the instruction at cpu->pc; NULL: an exception was taken instead. */
static const uint8_t *translate_pc(struct cpu *cpu, uint64_t *pa, bool *guarded)
{
    bool el0 = cpu_el(cpu) == 0;
    struct tlb_ctx *ctx = (struct tlb_ctx *)(uintptr_t)cpu->tlb;
    enum esr_ec abort_ec = el0 ? EC_IABT_LOWER : EC_IABT_SAME;
    unsigned fsc = 0;
    uint64_t pc = cpu->pc = mmu_untag(cpu, cpu->pc);
    const struct tlb_info *info;
    const uint8_t *host;

    if ((pc & 3) != 0) {
        except_fetch(cpu, EC_PC_ALIGN, 0, pc);
        return NULL;
    }
    info = mmu_lookup(cpu, ctx, pc, ACCESS_EXEC, &fsc);
    if (info == NULL || (info->pa & TI_RAM) == 0) {
        except_fetch(cpu, abort_ec, info == NULL ? fsc : FSC_EXTERNAL, pc);
        return NULL;
    }
    if (UNLIKELY((cpu->priv->debug & DEBUG_BREAK) != 0) && debug_breakpoint(cpu, pc)) {
        return NULL;
    }
    if ((cpu->pstate & PS_IL) != 0) {
        except_fetch(cpu, EC_ILLEGAL_STATE, 0, 0);
        return NULL;
    }
    *pa = (info->pa & ~(uint64_t)TI_FLAGS) | (pc & (SOFT_PAGE - 1));
    *guarded = (info->pa & TI_GUARDED) != 0;
    host = (const uint8_t *)(uintptr_t)(pc + tlb_slot(cpu->tlb, pc)->addend);
    if (*guarded && cpu_btype_live(cpu) && !bti_lands_on(cpu, le32(host))) {
        except_fetch(cpu, EC_BTI, cpu->btype, 0);
        return NULL;
    }
    return host;
}

static struct jc_entry *jc_slot(struct cpu *cpu, uint64_t va)
{
    return &cpu->jc[jc_index(cpu, va)];
}

static const struct op *enter(struct cpu *cpu, const struct op *op)
{
    cpu->page_ops = page_of_op(op, cpu->pc);
    cpu->page_va = align_down(cpu->pc, SOFT_PAGE);
    cpu->count_bias -= (const char *)op - (const char *)cpu->page_ops;
    return op;
}

static struct code_recent *recent_slot(struct cpu *cpu, uint64_t va)
{
    return &cpu->priv
                ->recent[(va >> PAGE_BITS ^ cpu->jc_salt >> 2) & ((1u << CODE_RECENT_BITS) - 1)];
}

/* The op at cpu->pc in its page, for the jump cache and entered. */
static const struct op *enter_page(struct cpu *cpu, struct code_page *page)
{
    unsigned slot = (unsigned)(cpu->pc >> 2) & (PAGE_SLOTS - 1);
    const struct op *op = &page->ops[slot];

    if (cpu->priv->lower_flags == 0) {
        jit_mark(cpu, page, slot);
        *jc_slot(cpu, cpu->pc) =
            (struct jc_entry){ cpu->pc, cpu->epoch, op, jit_far_host(cpu, op, page->guarded) };
    }
    return enter(cpu, op);
}

static NOINLINE const struct op *fetch_slow(struct cpu *cpu)
{
    uint64_t pa = 0;
    bool guarded = false;
    const uint8_t *host = translate_pc(cpu, &pa, &guarded);
    struct code_page *page;

    if (host == NULL) {
        return NULL;
    }
    page = code_find(cpu, align_down(pa, SOFT_PAGE), align_down(cpu->pc, SOFT_PAGE),
                     host - (pa & (SOFT_PAGE - 1)), guarded);
    if (page == NULL && cpu->priv->code->count >= cpu->priv->code->limit) {
        cpu->priv->step_once = true; /* other CPUs have not passed yet */
        return NULL;
    }
    if (page == NULL) {
        str_copy(cpu->priv->exit->fail.text, sizeof(cpu->priv->exit->fail.text),
                 "no memory for decoded code");
        soft_exit(cpu, EXIT_FAIL);
        return NULL;
    }
    if (cpu->priv->lower_flags == 0) {
        tlb_note_code(cpu, cpu->pc);
        *recent_slot(cpu, cpu->pc) =
            (struct code_recent){ align_down(cpu->pc, SOFT_PAGE), cpu->epoch, page };
    }
    return enter_page(cpu, page);
}

/* The jump cache does not know the address; perhaps its page has been entered lately, under the same epoch. */
static NOINLINE const struct op *fetch_page(struct cpu *cpu)
{
    const struct code_recent *recent = recent_slot(cpu, cpu->pc);

    cpu->priv->stats.far_lookups++;
    if (LIKELY(recent->va == align_down(cpu->pc, SOFT_PAGE) && recent->epoch == cpu->epoch &&
               (cpu->pc & 3) == 0 && cpu->priv->debug == 0)) {
        return enter_page(cpu, recent->page);
    }
    return fetch_slow(cpu);
}

/* The op at cpu->pc, its page entered; NULL: look around again (an exception was
 * taken, or run must return). */
static inline const struct op *fetch(struct cpu *cpu)
{
    const struct jc_entry *je = jc_slot(cpu, cpu->pc);

    if (UNLIKELY((cpu->pstate & PS_IL) != 0 || cpu_btype_live(cpu))) {
        return fetch_slow(cpu);
    }
    if (LIKELY(je->va == cpu->pc && je->epoch == cpu->epoch)) {
        return enter(cpu, je->op);
    }
    return fetch_page(cpu);
}

static inline void execute(struct cpu *cpu, const struct op *op)
{
    cpu->priv->executing = true;
#if SOFT_TAILCALL
    op->fn(cpu, op);
#else
    while (op != NULL) {
        op = op->fn(cpu, op);
    }
#endif
    cpu->priv->executing = false;
}

/* ---- The engine's own ops -------------------------------------------------------------------- */

/* Out of line, because it takes addresses of locals (cpu.h, rules for bodies). */
NOINLINE enum uop soft_decode(const struct cpu *cpu, unsigned slot, unsigned flags, uint32_t word,
                              struct op *op)
{
    struct lower lo = { .cpu = cpu, .slot = slot, .flags = flags };

    enum uop uop = lower_insn(&lo, word, op);

    op_become(op, uop_table[uop].fn);
    return uop;
}

/* The slot is op_decode: makes it what the instruction says. */
static ALWAYS_INLINE void decode_slot(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    enum uop uop =
        soft_decode(cpu, slot, cpu->priv->lower_flags | (page->guarded ? LOWER_GUARDED : 0),
                    le32(page->host + 4 * slot), &page->ops[slot]);

    __atomic_store_n(&page->lines, page->lines | BIT(slot / 16), __ATOMIC_RELAXED);
    cpu->priv->stats.ops_decoded++;
    jit_decoded(cpu, page, slot, uop);
    fwd_decoded(page, slot, uop);
}

/* The same where others look at the slot, too. False: they may be using what it was before. */
static NOINLINE bool decode_shared(struct cpu *cpu, struct code_page *page, unsigned slot)
{
    bool now;

    soft_lock(cpu, &cpu->priv->code->lock);
    now = page->reset == 0 || code_others_passed(cpu, page->reset);
    if (now && op_fn_of(&page->ops[slot]) == op_decode) {
        page->reset = 0;
        decode_slot(cpu, page, slot);
    }
    soft_unlock(&cpu->priv->code->lock);
    return now;
}

/* The first time that a slot is reached: decodes its instruction into it, and goes on in it. */
UOP_BODY(decode)
{
    struct code_page *page =
        CONTAINER_OF((struct op *)(uintptr_t)cpu->page_ops, struct code_page, ops);
    unsigned slot = (unsigned)(op - cpu->page_ops);

    if (cpu->priv->code->users == 1) {
        decode_slot(cpu, page, slot);
    } else if (!decode_shared(cpu, page, slot)) {
        cpu->priv->step_once = true;
        cpu->nzcv_old =
            cpu->priv->jit != NULL; /* perhaps: it counts on what follows here (OUTSIDE_DEAD) */
        MUSTTAIL return soft_attend_at(cpu, op);
    }
    GOTO_OP(op);
}

op_ret HV_ENGINE_ABI soft_attend_at(struct cpu *cpu, const struct op *op)
{
    cpu->pc = cpu_pc(cpu, op);
    COUNT_OUT(op, 0);
    LEAVE();
}

/* The instruction before was the last of its page. */
UOP_BODY(page_end)
{
    COUNT_OUT(op, 0);
    FAR_ENTER(cpu->page_va + SOFT_PAGE);
}

/* The instruction before was stepped. */
UOP_BODY(step_end)
{
    cpu->pc = cpu_pc(cpu, op);
    COUNT_OUT(op, 0);
    LEAVE();
}

/* An entry of a head. */
UOP_BODY(warm)
{
    op_fn *fn = jit_heat(cpu, op);

    MUSTTAIL return fn(cpu, op);
}

/* ---- One instruction ------------------------------------------------------------------------- */

/*
 * The instruction runs in a slot of its own, followed by step_end; page_ops is set so that the slot
 * seems to be at its place in a page. Branches are far ones and see PEND_STEP, so they leave.
 */
void soft_step(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;
    uint64_t pa = 0;
    bool guarded = false;
    unsigned slot;
    enum uop uop;
    const uint8_t *host;

    host = translate_pc(cpu, &pa, &guarded);
    if (host == NULL) {
        return;
    }
    cpu->left = false;
    slot = (unsigned)(cpu->pc >> 2) & (PAGE_SLOTS - 1);
    uop = soft_decode(cpu, slot, guarded ? LOWER_FAR | LOWER_GUARDED : LOWER_FAR, le32(host),
                      &p->scratch[0]);
    p->scratch[1].fn = op_step_end;
    cpu->page_va = align_down(cpu->pc, SOFT_PAGE);
    cpu->page_ops = (const struct op *)((uintptr_t)p->scratch - slot * sizeof(struct op));
    cpu->count_bias -= (int64_t)(slot * sizeof(struct op));
    atomic_fetch_or(&cpu->pending, PEND_STEP);
    execute(cpu, &p->scratch[0]);
    atomic_fetch_and(&cpu->pending, ~(uint32_t)PEND_STEP);
    cpu->nzcv_old = cpu->nzcv_old && (uop_table[uop].flags & UOP_NZCV_OUT) == 0;
}

/* Translated code has left where NZCV are of an earlier time. Nothing between here and where they are set takes an exception. */
static void renew_nzcv(struct cpu *cpu)
{
    for (unsigned n = 0; n < PAGE_SLOTS && cpu->nzcv_old && !cpu->priv->exiting; n++) {
        soft_step(cpu);
    }
    cpu->nzcv_old = false;
}

/* ---- The loop -------------------------------------------------------------------------------- */

/* Instructions that may be executed after count_stop, and at most before it. */
#define LIMIT_MARGIN (8 * PAGE_SLOTS)
#define LIMIT_STRIDE (1ull << 40)

/* Instructions that may still be executed by this CPU. */
static uint64_t limit_left(struct cpu *cpu, uint64_t limit)
{
    struct soft_vm *vm = soft_vm_of(cpu);
    uint64_t fresh = (uint64_t)(cpu->count_bias - cpu->priv->limit_count) / sizeof(struct op);
    uint64_t total;

    cpu->priv->limit_count = cpu->count_bias;
    total = atomic_fetch_add_explicit(&vm->insns, fresh, memory_order_relaxed) + fresh;
    return total < limit ? limit - total : 0;
}

/*
 * With a limit: true if the loop may run freely, false if it was stepped or has ended. Free running without translator ends with
 * each branch, with it some time after count_stop: the last instructions are steps.
 */
static bool limit_allows(struct cpu *cpu)
{
    const struct vm *vm = cpu->vcpu->vm;
    uint64_t left = limit_left(cpu, vm->config.max_insns);
    uint64_t margin =
        cpu->priv->jit != NULL ? (uint64_t)LIMIT_MARGIN * vm->config.cpus : PAGE_SLOTS;

    if (left == 0) {
        soft_exit(cpu, EXIT_LIMIT);
        return false;
    }
    if (left <= margin) {
        soft_step(cpu);
        return false;
    }
    left = (left - margin) / vm->config.cpus;
    left = left < LIMIT_STRIDE ? left : LIMIT_STRIDE;
    cpu->count_stop = cpu->count_bias + (int64_t)(left * sizeof(struct op));
    return true;
}

void soft_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct cpu *cpu = vcpu->accel_state;
    struct soft_private *p = cpu->priv;

    p->exit = exit;
    p->exiting = false;
    exit->kind = EXIT_NONE;
    code_run(cpu);
    soft_inside(cpu);
    if (p->pmu.live) {
        pmu_run(cpu);
    }
    while (!p->exiting) {
        if (UNLIKELY(cpu->nzcv_old)) {
            renew_nzcv(cpu);
        }
        if (UNLIKELY(atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0) &&
            !attend(cpu)) {
            break;
        }
        if (UNLIKELY(p->limited) && !limit_allows(cpu)) {
            continue;
        }
        if (UNLIKELY((p->debug & (DEBUG_STEP | DEBUG_BREAK)) != 0)) {
            debug_step(cpu);
            continue;
        }
        if (UNLIKELY(p->step_once)) {
            p->step_once = false;
            soft_step(cpu);
            continue;
        }
        const struct op *op = fetch(cpu);
        if (LIKELY(op != NULL)) {
            /* Here, because an interrupt that was taken above has set it. */
            cpu->left = false;
            execute(cpu, op);
        }
    }
    code_rest(cpu);
    soft_outside(cpu);
    pmu_sync(cpu, cpu_insns(cpu));
    if (p->limited) { /* what this CPU has used since the last look, the others have not */
        limit_left(cpu, 0);
    }
    p->exit = &p->own_exit;
    p->stats.insns = jit_counts(cpu) ? cpu_insns(cpu) : 0;
}
