/*
 * exit_handler.c - an exit of any back end, in one form, dispatched by kind.
 *
 * Every handler answers what the vCPU's thread does next. Syndromes go on to the table by exception
 * class in exception_handlers.c.
 */
#include "vm.h"

#include "base/bits.h"
#include "base/fmt.h"
#include "core/internal.h"

typedef enum vcpu_action exit_fn(struct vcpu *vcpu, struct vcpu_exit *exit);

static enum vcpu_action exit_none(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    return atomic_load(&vcpu->vm->state) == VM_RUNNING ? VCPU_RESUME : VCPU_QUIT;
}

/* Completes a load: the value goes to the register as the instruction's size, sign and
 * width say. */
static void mmio_complete(struct vcpu *vcpu, const struct vcpu_exit *exit)
{
    uint64_t value = exit->mmio.value;

    if (exit->mmio.sign_extend) {
        value = (uint64_t)sign_extend(value, 8u * exit->mmio.size);
    }
    if (!exit->mmio.reg64) {
        value = (uint32_t)value;
    }
    if (exit->mmio.reg < 31) {
        vcpu_set_reg(vcpu, REG_X0 + exit->mmio.reg, value);
    }
}

static enum vcpu_action exit_mmio(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    if (exit->mmio.write) {
        vm_mmio_write(vcpu, exit->mmio.ipa, exit->mmio.size, exit->mmio.value);
    } else {
        vm_mmio_read(vcpu, exit->mmio.ipa, exit->mmio.size, &exit->mmio.value);
        mmio_complete(vcpu, exit);
    }
    return VCPU_RESUME;
}

static enum vcpu_action exit_semihost(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    return semihost_call(vcpu);
}

/*
 * The guest takes the same exception for ever. The architecture lets it, and another CPU may yet
 * mend its vectors, so it goes on; it is said once, and the CPU sleeps between rounds so as not to
 * eat the host.
 */
static enum vcpu_action exit_stuck(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    if (!vcpu->stuck_reported) {
        vcpu->stuck_reported = true;
        log_line(&vcpu->vm->ports.log, LOG_WARN, "cpu",
                 msg_text(vcpu->vm->ports.lang, MSG_GUEST_STUCK), vcpu->index,
                 (unsigned long long)exit->stuck.pc);
        vcpu_dump(vcpu, LOG_WARN);
    }
    vcpu->wfe = true;
    return VCPU_WAIT;
}

static enum vcpu_action exit_limit(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    vm_stop(vcpu->vm, VM_LIMIT, 0);
    return VCPU_QUIT;
}

static enum vcpu_action exit_debug(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    return VCPU_BREAK;
}

static enum vcpu_action exit_power(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    vm_stop(vcpu->vm, exit->power.reset ? VM_RESET : VM_OFF, 0);
    return VCPU_QUIT;
}

static enum vcpu_action exit_fail(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct vm *vm = vcpu->vm;

    lock_acquire(&vm->power_lock);
    if (vm->fail_text[0] == 0) {
        str_copy(vm->fail_text, sizeof(vm->fail_text), exit->fail.text);
    }
    lock_release(&vm->power_lock);
    vm_stop(vm, VM_FAILED, 0);
    return VCPU_QUIT;
}

enum vcpu_action exit_handle(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    static exit_fn *const handler[EXIT_KINDS] = {
        [EXIT_NONE] = exit_none,   [EXIT_SYNDROME] = exception_handle,
        [EXIT_MMIO] = exit_mmio,   [EXIT_SEMIHOST] = exit_semihost,
        [EXIT_STUCK] = exit_stuck, [EXIT_LIMIT] = exit_limit,
        [EXIT_DEBUG] = exit_debug, [EXIT_POWER] = exit_power,
        [EXIT_FAIL] = exit_fail,
    };

    return handler[exit->kind](vcpu, exit);
}

bool exit_plain_hvc(struct vcpu *vcpu, uint64_t esr)
{
    struct vcpu_exit exit; /* its text, which is most of it, is not cleared */

    if (vcpu->vm->ports.on_exit != NULL || !psci_is_plain(vcpu)) {
        return false;
    }
    exit.kind = EXIT_SYNDROME;
    exit.syndrome.esr = esr;
    exit.syndrome.far_va = exit.syndrome.ipa = 0;
    vcpu->exits[EXIT_SYNDROME]++;
    exit_handle(vcpu, &exit);
    return true;
}
