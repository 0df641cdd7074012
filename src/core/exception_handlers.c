/*
 * exception_handlers.c - what hardware takes to EL2, by exception class: a table of 64, the default
 * entry first.
 *
 * DDI 0487, "ESR_EL2, Exception Syndrome Register (EL2)". HVC's preferred return address is the
 * instruction after it; for everything that is trapped it is the trapped instruction, which the
 * handler steps over.
 */
#include "vm.h"

#include "arch/esr.h"
#include "arch/sysreg.h"
#include "base/bits.h"
#include "core/internal.h"

typedef enum vcpu_action exception_fn(struct vcpu *vcpu, const struct vcpu_exit *exit);

/* No back end should hand out such a syndrome: say so and stop, rather than run on
 * with a guest that missed something. */
static enum vcpu_action unexpected(struct vcpu *vcpu, const struct vcpu_exit *exit)
{
    struct vcpu_exit fail = { .kind = EXIT_FAIL };

    esr_summary(exit->syndrome.esr, fail.fail.text, sizeof(fail.fail.text));
    vcpu_dump(vcpu, LOG_ERROR);
    return exit_handle(vcpu, &fail);
}

static enum vcpu_action hvc(struct vcpu *vcpu, const struct vcpu_exit *exit)
{
    log_line(&vcpu->vm->ports.log, LOG_INFO, "guest", msg_text(vcpu->vm->ports.lang, MSG_GUEST_HVC),
             ESR_ISS(exit->syndrome.esr) & 0xffff);
    return psci_call(vcpu);
}

static enum vcpu_action smc(struct vcpu *vcpu, const struct vcpu_exit *exit)
{
    vcpu_skip(vcpu);
    return psci_call(vcpu);
}

/* When a wait whose syndrome names a register with a count is over; without one, never. */
static uint64_t wait_end(struct vcpu *vcpu, uint32_t iss)
{
    unsigned rn = (unsigned)bits(iss, 5, 5);
    bool timeout = (iss & 6) == 6; /* TI says WFIT or WFET, and RV that RN is the register */

    return timeout ? vcpu_timer_when(vcpu, rn < 31 ? vcpu_reg(vcpu, REG_X0 + rn) : 0) : UINT64_MAX;
}

/* WFI ends with an interrupt, WFE also with an event, WFIT and WFET with a time as well;
 * all may end early (DDI 0487, "Wait for Event and Send event"). */
static enum vcpu_action wfx(struct vcpu *vcpu, const struct vcpu_exit *exit)
{
    uint32_t iss = ESR_ISS(exit->syndrome.esr);

    vcpu_skip(vcpu);
    vcpu->wfe = (iss & 1) != 0;
    vcpu->wait_until_ns = wait_end(vcpu, iss);
    return vcpu_has_work(vcpu) ? VCPU_RESUME : VCPU_WAIT;
}

/* Registers a back end leaves to us: the generic timer's and the GIC's, where it has
 * none of its own. */
static enum vcpu_action sysreg(struct vcpu *vcpu, const struct vcpu_exit *exit)
{
    uint32_t iss = ESR_ISS(exit->syndrome.esr);
    unsigned rt = (unsigned)bits(iss, 5, 5);
    /* ISS: Op0[21:20] Op2[19:17] Op1[16:14] CRn[13:10] Rt[9:5] CRm[4:1] Direction[0]. */
    uint32_t reg = SYSREG(bits(iss, 20, 2), bits(iss, 14, 3), bits(iss, 10, 4), bits(iss, 1, 4),
                          bits(iss, 17, 3));
    uint64_t value = rt < 31 ? vcpu_reg(vcpu, REG_X0 + rt) : 0;

    if (iss & 1) {
        if (!gic_icc_read(vcpu->vm->gic, vcpu->index, reg, &value)) {
            return unexpected(vcpu, exit);
        }
        if (rt < 31) {
            vcpu_set_reg(vcpu, REG_X0 + rt, value);
        }
    } else if (!gic_icc_write(vcpu->vm->gic, vcpu->index, reg, value)) {
        return unexpected(vcpu, exit);
    }
    vcpu_skip(vcpu);
    return VCPU_RESUME;
}

/*
 * A stage-2 abort with a valid syndrome is an access to a device; one without (ISV = 0) needs the
 * instruction decoded, which is the back end's job.
 */
static enum vcpu_action data_abort(struct vcpu *vcpu, const struct vcpu_exit *exit)
{
    uint32_t iss = ESR_ISS(exit->syndrome.esr);
    struct vcpu_exit mmio = { .kind = EXIT_MMIO };

    if ((iss & BIT(24)) == 0) {
        return unexpected(vcpu, exit);
    }
    mmio.mmio.ipa = exit->syndrome.ipa;
    mmio.mmio.size = (uint8_t)(1u << bits(iss, 22, 2));
    mmio.mmio.sign_extend = bits(iss, 21, 1) != 0;
    mmio.mmio.reg = (uint8_t)bits(iss, 16, 5);
    mmio.mmio.reg64 = bits(iss, 15, 1) != 0;
    mmio.mmio.write = bits(iss, 6, 1) != 0;
    mmio.mmio.value = mmio.mmio.reg < 31 ? vcpu_reg(vcpu, REG_X0 + mmio.mmio.reg) : 0;
    vcpu_skip(vcpu);
    return exit_handle(vcpu, &mmio);
}

enum vcpu_action exception_handle(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    static exception_fn *const handler[64] = {
        [EC_WFX] = wfx,
        [EC_HVC64] = hvc,
        [EC_SMC64] = smc,
        [EC_SYSREG] = sysreg,
        [EC_DABT_LOWER] = data_abort,
    };
    unsigned ec = ESR_EC(exit->syndrome.esr);

    vcpu->exits_by_ec[ec]++;
    return (handler[ec] != NULL ? handler[ec] : unexpected)(vcpu, exit);
}
