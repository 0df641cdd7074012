/*
 * exits.c - what an exit of the hypervisor means.
 *
 *   a fault at an address that has no memory, or is read-only   an access to a device, or to nothing: an external abort
 *   a hypercall, power-off or reset                             the core's business
 *   cancelled, or nothing                                       on with the guest
 *   anything else                                               the end of the machine, with what is known
 *
 * The syndrome is as in ESR_EL2 (DDI 0487, "ISS encoding for an exception from a Data Abort"). The hypervisor never steps
 * over the instruction. Of the registers only those that the access changes are written, together with PC: the others are the
 * hypervisor's while the guest lives (timer, pointer authentication).
 */
#include "accel/whp/whp.h"

#include "arch/esr.h"
#include "base/bits.h"
#include "base/compiler.h"
#include "base/fmt.h"

enum { ISS_WNR = BIT(6), ISS_S1PTW = BIT(7), ISS_CM = BIT(8), ISS_SF = BIT(15) };
enum { ISS_SSE = BIT(21), ISS_ISV = BIT(24) };

static bool fail(struct vcpu *vcpu, struct vcpu_exit *exit, enum msg_id what, uint64_t number)
{
    char text[120];

    exit->kind = EXIT_FAIL;
    fmt_format(text, sizeof(text), msg_text(vcpu->vm->ports.lang, what),
               (unsigned long long)number);
    fmt_format(exit->fail.text, sizeof(exit->fail.text), "WHP: %s", text);
    return true;
}

static whp_result write_batch(struct vcpu *vcpu, const uint32_t *names,
                              const struct whp_value *values, unsigned count)
{
    const struct whp_vm *w = whp_of(vcpu->vm);

    return w->api.WHvSetVirtualProcessorRegisters(w->partition, vcpu->index, names, count, values);
}

/* Over the instruction; reg < 31 receives value. */
static bool complete(struct vcpu *vcpu, struct vcpu_exit *exit, uint64_t pc, unsigned reg,
                     uint64_t value)
{
    const uint32_t names[] = { WHP_REG_PC, WHP_REG_X0 + reg };
    const struct whp_value values[] = { { pc + 4, 0 }, { value, 0 } };
    whp_result result = write_batch(vcpu, names, values, reg < 31 ? 2 : 1);

    if (result < 0) {
        whp_exit_fail(vcpu, exit, "WHvSetVirtualProcessorRegisters (PC)", result);
        return true;
    }
    return false;
}

/* ---- Accesses -------------------------------------------------------------------------------- */

/* Nothing answers there: an external abort, as on the hardware. */
static bool absent(struct vcpu *vcpu, const struct whp_memory_access *m, bool fetch)
{
    bool valid = (m->info & WHP_ACCESS_GVA_VALID) != 0;

    vcpu_inject_abort(vcpu, fetch, !fetch && (m->syndrome & ISS_WNR) != 0, valid ? &m->gva : NULL);
    return false;
}

static bool store(struct vcpu *vcpu, struct vcpu_exit *exit, const struct whp_memory_access *m)
{
    uint32_t iss = ESR_ISS(m->syndrome);
    unsigned size = 1u << bits(iss, 22, 2), reg = (unsigned)bits(iss, 16, 5);
    uint64_t value = 0;
    whp_result result = reg < 31 ? whp_read(vcpu->vm, vcpu->index, WHP_REG_X0 + reg, &value) : 0;

    if (result < 0) {
        whp_exit_fail(vcpu, exit, "WHvGetVirtualProcessorRegisters (X)", result);
        return true;
    }
    if (size < 8) {
        value = bits(value, 0, 8 * size);
    }
    return vm_mmio_write(vcpu, m->gpa, size, value) ? complete(vcpu, exit, m->header.pc, 31, 0)
                                                    : absent(vcpu, m, false);
}

static bool load(struct vcpu *vcpu, struct vcpu_exit *exit, const struct whp_memory_access *m)
{
    uint32_t iss = ESR_ISS(m->syndrome);
    unsigned size = 1u << bits(iss, 22, 2);
    uint64_t value;

    if (!vm_mmio_read(vcpu, m->gpa, size, &value)) {
        return absent(vcpu, m, false);
    }
    if ((iss & ISS_SSE) != 0) {
        value = (uint64_t)sign_extend(value, 8 * size);
    }
    if ((iss & ISS_SF) == 0) {
        value = (uint32_t)value;
    }
    return complete(vcpu, exit, m->header.pc, (unsigned)bits(iss, 16, 5), value);
}

/* The syndrome does not describe the access: the instruction does. */
static bool undescribed(struct vcpu *vcpu, struct vcpu_exit *exit,
                        const struct whp_memory_access *m)
{
    uint64_t at;
    uint32_t word;

    if (vcpu_translate(vcpu, m->header.pc, &at) != ST_OK ||
        guest_mem_read(&vcpu->vm->mem, at, &word, sizeof(word)) != ST_OK) {
        return fail(vcpu, exit, MSG_WHP_EXIT_UNREADABLE, m->header.pc);
    }
    switch (vcpu_mmio_insn(vcpu, word, m->gpa)) {
    case MMIO_INSN_DONE: return false;
    case MMIO_INSN_ABSENT: return absent(vcpu, m, false);
    default:
        /* Exclusives, atomics and the like, which Device memory need not support. */
        return guest_mem_slot(&vcpu->vm->mem, m->gpa) != NULL ||
                       bus_find(&vcpu->vm->bus, m->gpa, 1) != NULL
                   ? fail(vcpu, exit, MSG_WHP_EXIT_INSN, word)
                   : absent(vcpu, m, false);
    }
}

static bool exit_memory(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    const struct whp_memory_access *m = &whp_cpu_of(vcpu)->exit.memory;
    uint32_t iss = ESR_ISS(m->syndrome);
    unsigned ec = ESR_EC(m->syndrome);

    if (ec == EC_IABT_LOWER || m->header.access == WHP_ACCESS_EXECUTE) {
        return absent(vcpu, m, true);
    }
    if (ec != EC_DABT_LOWER) {
        return fail(vcpu, exit, MSG_WHP_EXIT_SYNDROME, m->syndrome);
    }
    if ((iss & ISS_CM) != 0) { /* maintenance of caches that a device does not have */
        return complete(vcpu, exit, m->header.pc, 31, 0);
    }
    if ((iss & ISS_S1PTW) != 0) { /* the guest's own page tables lie where no memory is */
        return absent(vcpu, m, false);
    }
    if ((iss & ISS_ISV) == 0) {
        return undescribed(vcpu, exit, m);
    }
    return (iss & ISS_WNR) != 0 ? store(vcpu, exit, m) : load(vcpu, exit, m);
}

/* ---- Others ---------------------------------------------------------------------------------- */

/* The core expects PC behind an HVC, as the architecture has it; the hypervisor leaves it there. */
static bool exit_hypercall(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    const struct whp_hypercall *h = &whp_cpu_of(vcpu)->exit.hypercall;

    if (complete(vcpu, exit, h->header.pc, 31, 0)) {
        return true;
    }
    exit->kind = EXIT_SYNDROME;
    exit->syndrome.esr = esr_make(EC_HVC64, h->immediate);
    exit->syndrome.far_va = exit->syndrome.ipa = 0;
    return true;
}

static bool exit_reset(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    uint32_t type = whp_cpu_of(vcpu)->exit.reset.type;

    if (type != WHP_RESET_OFF && type != WHP_RESET_REBOOT) {
        return fail(vcpu, exit, MSG_WHP_EXIT_RESET, type);
    }
    exit->kind = EXIT_POWER;
    exit->power.reset = type == WHP_RESET_REBOOT;
    return true;
}

bool whp_exit_handle(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    const struct whp_exit *e = &whp_cpu_of(vcpu)->exit;

    switch (e->reason) {
    case WHP_EXIT_UNMAPPED_GPA:
    case WHP_EXIT_GPA_INTERCEPT: return exit_memory(vcpu, exit);
    case WHP_EXIT_NONE:
    case WHP_EXIT_CANCELED:
    case WHP_EXIT_SINT_DELIVERABLE: return false;
    case WHP_EXIT_HYPERCALL: return exit_hypercall(vcpu, exit);
    case WHP_EXIT_RESET: return exit_reset(vcpu, exit);
    case WHP_EXIT_REGISTER: return fail(vcpu, exit, MSG_WHP_EXIT_REGISTER, e->reg.name);
    case WHP_EXIT_INVALID_REGISTER: return fail(vcpu, exit, MSG_WHP_EXIT_STATE, e->reason);
    case WHP_EXIT_UNRECOVERABLE: return fail(vcpu, exit, MSG_WHP_EXIT_UNRECOVERABLE, e->header.pc);
    case WHP_EXIT_UNSUPPORTED: return fail(vcpu, exit, MSG_WHP_EXIT_UNSUPPORTED, e->words[0]);
    default: return fail(vcpu, exit, MSG_WHP_EXIT_OTHER, (uint32_t)e->reason);
    }
}
