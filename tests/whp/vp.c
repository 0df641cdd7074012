/*
 * vp.c - virtual processors: made, run, cancelled; and what a guest does to its hypervisor.
 *
 * The software CPU has no stage 2. An access that nobody on the simulated hypervisor's own bus answers is made an external
 * abort, which the software CPU takes to EL1 like any other; but before the guest sees it the run ends, and what exception entry
 * changed is put back. The syndrome that a real stage 2 would have given is made from the instruction.
 */
#include "sim.h"

#include <stdatomic.h>

#include "arch/esr.h"

#define POISON 0xa5

static uint64_t get(struct vcpu *vcpu, uint32_t reg)
{
    return vcpu_reg(vcpu, reg);
}

static uint64_t get_sys(struct vcpu *vcpu, uint32_t encoding)
{
    return vcpu_reg(vcpu, REG_SYS | encoding);
}

static void set_sys(struct vcpu *vcpu, uint32_t encoding, uint64_t value)
{
    vcpu_set_reg(vcpu, REG_SYS | encoding, value);
}

/* ---- The redistributor of one VP ------------------------------------------------------------- */

/* The core's device is for all CPUs in one window; here each has a window of its own. */
static uint64_t redist_offset(const struct dev *dev, uint64_t offset)
{
    const struct sim_vp *vp = CONTAINER_OF(dev, struct sim_vp, redist);

    return (uint64_t)vp->index * WHP_REDIST_SIZE + offset;
}

static enum mmio_result redist_read(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                    uint64_t *value)
{
    return gicv3_redist_ops.read(dev, cpu, redist_offset(dev, offset), size, value);
}

static enum mmio_result redist_write(struct dev *dev, unsigned cpu, uint64_t offset, unsigned size,
                                     uint64_t value)
{
    return gicv3_redist_ops.write(dev, cpu, redist_offset(dev, offset), size, value);
}

static void redist_reset(struct dev *dev) {}

const struct dev_ops sim_redist_ops = {
    .name = "redist",
    .mmio_size = WHP_REDIST_SIZE,
    .access_sizes = 1 | 4 | 8,
    .self_locked = true,
    .reset = redist_reset,
    .read = redist_read,
    .write = redist_write,
};

/* ---- Sleeping -------------------------------------------------------------------------------- */

void sim_wake(void *opaque, unsigned cpu)
{
    struct whp_partition_object *p = opaque;
    struct sim_vp *vp = &p->vp[cpu];

    host_mutex_lock(vp->lock);
    host_cond_signal(vp->cond);
    host_mutex_unlock(vp->lock);
}

#define WFE_NS 1000000u

static void sleep_until_work(struct sim_vp *vp, struct vcpu *vcpu)
{
    uint64_t deadline = sim_host_time(vp->partition, vcpu->wait_until_ns);
    bool more = true;

    if (vcpu->wfe && host_now_ns() + WFE_NS < deadline) {
        deadline = host_now_ns() + WFE_NS;
    }
    host_mutex_lock(vp->lock);
    while (more && !vcpu_has_work(vcpu) && !atomic_load(&vp->cancelled)) {
        more = host_cond_wait(vp->cond, vp->lock, deadline);
    }
    host_mutex_unlock(vp->lock);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

bool sim_absent(void *opaque, struct vcpu *vcpu, uint64_t ipa, unsigned size, bool write)
{
    struct whp_partition_object *p = opaque;
    struct sim_fault *f = &p->vp[vcpu->index].fault;

    *f = (struct sim_fault){
        .pending = true,
        .rom = guest_mem_slot(&vcpu->vm->mem, ipa) != NULL,
        .write = write,
        .ipa = ipa,
        .size = size,
        .elr = get_sys(vcpu, SYSREG_ELR_EL1),
        .spsr = get_sys(vcpu, SYSREG_SPSR_EL1),
        .esr = get_sys(vcpu, SYSREG_ESR_EL1),
        .far_va = get_sys(vcpu, SYSREG_FAR_EL1),
    };
    atomic_fetch_or(vcpu->pending, PEND_KICK);
    return false;
}

/* The exception that the software CPU took did not happen. Returns the address that FAR_EL1 had. */
static uint64_t undo_exception(struct vcpu *vcpu, const struct sim_fault *f)
{
    uint64_t pc = get_sys(vcpu, SYSREG_ELR_EL1), pstate = get_sys(vcpu, SYSREG_SPSR_EL1);
    uint64_t va = get_sys(vcpu, SYSREG_FAR_EL1);

    vcpu_set_reg(vcpu, REG_PSTATE, pstate);
    vcpu_set_reg(vcpu, REG_PC, pc);
    set_sys(vcpu, SYSREG_ELR_EL1, f->elr);
    set_sys(vcpu, SYSREG_SPSR_EL1, f->spsr);
    set_sys(vcpu, SYSREG_ESR_EL1, f->esr);
    set_sys(vcpu, SYSREG_FAR_EL1, f->far_va);
    return va;
}

static bool insn_at(struct vcpu *vcpu, uint64_t pc, uint32_t *word)
{
    uint64_t at;

    return accel_soft.translate(vcpu, pc, &at) == ST_OK &&
           guest_mem_read(&vcpu->vm->mem, at, word, sizeof(*word)) == ST_OK;
}

/*
 * DDI 0487, "ISS encoding for an exception from a Data Abort": ISV is 1 for a load or store of one general register without
 * write-back, also ordered and unprivileged. In bits 23:14 then: size, sign, register, width, acquire and release.
 */
static uint32_t iss_of_insn(uint32_t word)
{
    unsigned size = word >> 30, opc = (unsigned)bits(word, 22, 2),
             mode = (unsigned)bits(word, 10, 2);
    bool vector = bits(word, 26, 1) != 0, ordered = (word & 0x3fa00000) == 0x08800000;
    bool single = (word & 0x3a000000) == 0x38000000;
    bool plain =
        single && !vector &&
        (bits(word, 24, 1) != 0 || (bits(word, 21, 1) != 0 ? mode == 2 : mode == 0 || mode == 2));
    bool sign = plain && opc >= 2, wide = sign ? opc == 2 : size == 3;

    if (!plain && !ordered) {
        return 0;
    }
    return 1u << 24 | size << 22 | (uint32_t)sign << 21 | (word & 31) << 16 | (uint32_t)wide << 15 |
           (uint32_t)ordered << 14;
}

static void fill_header(struct sim_vp *vp, struct vcpu *vcpu, struct whp_intercept *h,
                        uint8_t access)
{
    h->vp = vp->index;
    h->insn_length = (uint8_t)sim_number("length", 4);
    h->access = access;
    h->state = (uint16_t)bits(get(vcpu, REG_PSTATE), 2, 2);
    h->pc = get(vcpu, REG_PC);
    h->cpsr = get(vcpu, REG_PSTATE);
}

static uint64_t stored_value(struct vcpu *vcpu, uint32_t iss)
{
    unsigned reg = (unsigned)bits(iss, 16, 5);

    return reg < 31 ? bits(get(vcpu, REG_X0 + reg), 0, 8u << bits(iss, 22, 2)) : 0;
}

/* False: a port took the access, and the guest goes on. */
static bool exit_memory(struct sim_vp *vp, struct vcpu *vcpu, struct whp_exit *e)
{
    const struct sim_fault *f = &vp->fault;
    struct whp_memory_access *m = &e->memory;
    uint64_t va = undo_exception(vcpu, f);
    uint32_t word = 0, iss = insn_at(vcpu, get(vcpu, REG_PC), &word) ? iss_of_insn(word) : 0;
    unsigned fsc = f->rom ? fsc_at(FSC_PERMISSION, 3) : fsc_at(FSC_TRANSLATION, 3);

    vp->fault.pending = false;
    if (f->write && iss != 0 && sim_ring(vp->partition, f->ipa, f->size, stored_value(vcpu, iss))) {
        vcpu_set_reg(vcpu, REG_PC, get(vcpu, REG_PC) + 4);
        return false;
    }
    e->reason =
        f->rom && !sim_is("gpa", "unmapped") ? WHP_EXIT_GPA_INTERCEPT : WHP_EXIT_UNMAPPED_GPA;
    fill_header(vp, vcpu, &m->header, f->write ? WHP_ACCESS_WRITE : WHP_ACCESS_READ);
    m->insn_bytes = 0; /* as the real one, which gives none */
    m->info = WHP_ACCESS_GVA_VALID;
    m->gva = va;
    m->gpa = f->ipa;
    m->syndrome = esr_make(EC_DABT_LOWER, iss | (uint32_t)f->write << 6 | fsc);
    return true;
}

/* ---- Calls of the guest ---------------------------------------------------------------------- */

static bool is_psci(uint32_t function)
{
    uint32_t number = function & ~0x40000000u;

    return (number >= 0x84000000 && number < 0x84000020) || number == 0x80000000 ||
           number == 0x80000001;
}

/* "Vendor specific hypervisor service": the UUID of Hyper-V. */
static void answer_uid(struct vcpu *vcpu)
{
    static const uint32_t uid[4] = { 0x4d32ba58, 0xcd244764, 0x8eef6c75, 0x16597024 };

    for (unsigned i = 0; i < 4; i++) {
        vcpu_set_reg(vcpu, REG_X0 + i, uid[i]);
    }
}

static void fill_hypercall(struct sim_vp *vp, struct vcpu *vcpu, struct whp_exit *e, uint32_t imm)
{
    struct whp_hypercall *h = &e->hypercall;

    vcpu_set_reg(vcpu, REG_PC, get(vcpu, REG_PC) - 4); /* the caller steps over it */
    e->reason = WHP_EXIT_HYPERCALL;
    fill_header(vp, vcpu, &h->header, WHP_ACCESS_READ);
    h->immediate = (uint16_t)imm;
    for (unsigned i = 0; i < ARRAY_SIZE(h->x); i++) {
        h->x[i] = get(vcpu, REG_X0 + i);
    }
}

static void fill_reset(struct sim_vp *vp, struct vcpu *vcpu, struct whp_exit *e, bool reset)
{
    e->reason = WHP_EXIT_RESET;
    fill_header(vp, vcpu, &e->reset.header, WHP_ACCESS_READ);
    e->reset.type = reset ? WHP_RESET_REBOOT : WHP_RESET_OFF;
    e->reset.reserved = 0;
    atomic_store(&vcpu->vm->state, VM_RUNNING); /* the others run on until they are cancelled */
}

/* What the vCPU's thread does next; VCPU_QUIT: e is filled. */
static enum vcpu_action hvc(struct sim_vp *vp, struct vcpu *vcpu, uint32_t imm, struct whp_exit *e)
{
    uint32_t function = (uint32_t)get(vcpu, REG_X0);
    enum vcpu_action action;

    if (imm == 0 && is_psci(function)) {
        action = psci_call(vcpu);
        if (action == VCPU_QUIT) {
            fill_reset(vp, vcpu, e, atomic_load(&vcpu->vm->state) == VM_RESET);
        }
        return action;
    }
    if (imm == 0 && function == 0x8600ff01) {
        answer_uid(vcpu);
        return VCPU_RESUME;
    }
    if ((vp->partition->extended_exits & WHP_EXTENDED_HYPERCALL) != 0) {
        fill_hypercall(vp, vcpu, e, imm);
        return VCPU_QUIT;
    }
    vcpu_set_reg(vcpu, REG_X0, UINT64_MAX); /* not supported */
    return VCPU_RESUME;
}

static enum vcpu_action syndrome(struct sim_vp *vp, struct vcpu *vcpu, struct vcpu_exit *exit,
                                 struct whp_exit *e)
{
    switch (ESR_EC(exit->syndrome.esr)) {
    case EC_HVC64: return hvc(vp, vcpu, ESR_ISS(exit->syndrome.esr) & 0xffff, e);
    case EC_SMC64: /* nobody answers there */
        vcpu_set_reg(vcpu, REG_X0, UINT64_MAX);
        vcpu_set_reg(vcpu, REG_PC, get(vcpu, REG_PC) + 4);
        return VCPU_RESUME;
    default: return exception_handle(vcpu, exit); /* WFI, WFE, the GIC's system registers */
    }
}

static void fill_unrecoverable(struct sim_vp *vp, struct vcpu *vcpu, struct whp_exit *e)
{
    e->reason = WHP_EXIT_UNRECOVERABLE;
    fill_header(vp, vcpu, &e->header, WHP_ACCESS_READ);
}

/* ---- Run ------------------------------------------------------------------------------------- */

static void power_on(struct vcpu *vcpu)
{
    gic_reset_interface(vcpu->vm->gic, vcpu->index);
    accel_soft.vcpu_start(vcpu, &vcpu->start);
    atomic_store(&vcpu->power, VCPU_ON);
}

static enum vcpu_action execute(struct sim_vp *vp, struct vcpu *vcpu, struct whp_exit *e)
{
    struct vcpu_exit exit = { .kind = EXIT_NONE };

    vcpu->wfe = false;
    vcpu->wait_until_ns = UINT64_MAX;
    sim_gate_enter(vp->partition);
    accel_soft.run(vcpu, &exit);
    sim_gate_leave(vp->partition);
    if (vp->fault.pending) {
        return exit_memory(vp, vcpu, e) ? VCPU_QUIT : VCPU_RESUME;
    }
    switch (exit.kind) {
    case EXIT_NONE: return VCPU_RESUME;
    case EXIT_SYNDROME: return syndrome(vp, vcpu, &exit, e);
    case EXIT_STUCK: vcpu->wfe = true; return VCPU_WAIT;
    default: fill_unrecoverable(vp, vcpu, e); return VCPU_QUIT;
    }
}

static void run(struct sim_vp *vp, struct vcpu *vcpu, struct whp_exit *e)
{
    for (;;) {
        enum vcpu_action action = VCPU_PARK;
        if (atomic_exchange(&vp->cancelled, false)) {
            e->reason = WHP_EXIT_CANCELED;
            e->words[0] = 0;
            return;
        }
        if (atomic_load(&vcpu->power) == VCPU_ON_PENDING) {
            power_on(vcpu);
        }
        if (atomic_load(&vcpu->power) == VCPU_ON) {
            action = execute(vp, vcpu, e);
        }
        if (action == VCPU_QUIT) {
            return;
        }
        if (action != VCPU_RESUME) {
            sleep_until_work(vp, vcpu);
        }
    }
}

/* Exits that are asked for by switches. */
static bool staged(struct sim_vp *vp, struct vcpu *vcpu, struct whp_exit *e)
{
    const char *text = sim_switch("exit");
    uint64_t surplus = sim_number("surplus", 0);
    unsigned n = vp->runs++;
    uint64_t after = 0;

    if (surplus != 0 && n % surplus == surplus - 1) {
        e->reason = n % 2 == 0 ? WHP_EXIT_CANCELED : WHP_EXIT_NONE;
        return true;
    }
    for (const char *p = text; p != NULL && *p != 0 && *p != ' '; p++) {
        after = *p == ':' ? sim_parse(p + 1) : after;
    }
    if (text == NULL || vp->index != 0 || n != after) {
        return false;
    }
    memset(e->words, 0, sizeof(e->words));
    e->reason = (int32_t)sim_parse(text);
    fill_header(vp, vcpu, &e->header, WHP_ACCESS_READ);
    if (e->reason == WHP_EXIT_RESET) {
        e->reset.type = (uint32_t)sim_number("reset", 0);
    }
    if (e->reason == WHP_EXIT_UNMAPPED_GPA) {
        e->memory.syndrome = sim_number("syndrome", 0);
        e->memory.gpa = sim_number("ipa", 0);
    }
    return true;
}

whp_result WHvRunVirtualProcessor(whp_partition p, uint32_t index, void *exit, uint32_t size)
{
    struct sim_vp *vp;
    struct whp_exit *e = exit;
    whp_result result;

    SIM_ENTER("WHvRunVirtualProcessor", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if ((vp = sim_vp_of(p, index)) == NULL) {
        return WHP_E_VP_ABSENT;
    }
    sim_check_aligned(exit, "the exit context must be aligned to 16 bytes");
    if (size < sizeof(*e)) {
        return WHP_E_INVALIDARG;
    }
    if (!vp->placed) {
        return WHP_E_INVALID_VP_STATE; /* GicrBaseGpa comes first */
    }
    if (atomic_exchange(&vp->running, true)) {
        sim_violation("two threads run one processor");
    }
    memset(e, POISON, sizeof(*e));
    if (!staged(vp, &p->vm.vcpu[index], e)) {
        run(vp, &p->vm.vcpu[index], e);
    }
    atomic_store(&vp->running, false);
    return 0;
}

whp_result WHvCancelRunVirtualProcessor(whp_partition p, uint32_t index, uint32_t flags)
{
    struct sim_vp *vp;
    whp_result result;

    SIM_ENTER("WHvCancelRunVirtualProcessor", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if (flags != 0) {
        return WHP_E_INVALIDARG;
    }
    if ((vp = sim_vp_of(p, index)) == NULL) {
        return WHP_E_VP_ABSENT;
    }
    if (sim_is("cancel", "lost") && !atomic_load(&vp->running)) {
        return 0;
    }
    atomic_store(&vp->cancelled, true);
    vcpu_signal(&p->vm.vcpu[index], PEND_KICK);
    return 0;
}

/* ---- Create, delete -------------------------------------------------------------------------- */

whp_result WHvCreateVirtualProcessor(whp_partition p, uint32_t index, uint32_t flags)
{
    struct vcpu *vcpu;
    whp_result result;

    SIM_ENTER("WHvCreateVirtualProcessor", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if (index >= p->count || flags != 0) {
        return WHP_E_INVALIDARG;
    }
    if (p->vp[index].exists) {
        return WHP_E_VP_EXISTS;
    }
    vcpu = &p->vm.vcpu[index];
    p->vp[index].exists = true;
    p->vp[index].placed = false;
    atomic_store(&p->vp[index].cancelled, false);
    accel_soft.vcpu_start(vcpu, &(struct vcpu_start){ .el = 1 });
    atomic_store(&vcpu->power, index == 0 ? VCPU_ON : VCPU_OFF);
    return 0;
}

whp_result WHvDeleteVirtualProcessor(whp_partition p, uint32_t index)
{
    struct sim_vp *vp;
    whp_result result;

    SIM_ENTER("WHvDeleteVirtualProcessor", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if ((vp = sim_vp_of(p, index)) == NULL) {
        return WHP_E_VP_ABSENT;
    }
    if (atomic_load(&vp->running)) {
        sim_violation("a processor was deleted while it runs");
    }
    vp->exists = false;
    return 0;
}
