/*
 * debug.c - a debugger on a KVM guest: single step, BRK, breakpoints and watchpoints of the hardware.
 *
 * api.rst, "KVM_SET_GUEST_DEBUG"; DDI 0487, "DBGBCR<n>_EL1", "DBGWCR<n>_EL1". While a debugger uses the hardware's registers the
 * guest's own ones are out of force; it sees them unchanged.
 */
#include "accel/kvm/kvm.h"

#include "arch/esr.h"
#include "base/bits.h"

#define CTRL_ENABLE    BIT(0)
#define CTRL_EL1_EL0   (3ull << 1) /* PMC, PAC */
#define BCR_BAS_ALL    (0xfull << 5)
#define WCR_LSC_SHIFT  3
#define WCR_BAS_SHIFT  5
#define WCR_MASK_SHIFT 24
#define MASK_MAX       31

/* The bytes from va on within eight, or a power of two of them. False: no such form. */
static bool watch_range(const struct debug_point *p, uint64_t *value, uint64_t *control)
{
    unsigned first = (unsigned)(p->va & 7), bits_up = 3;

    if (p->size == 0) {
        return false;
    }
    if (first + p->size <= 8) {
        *value = p->va & ~7ull;
        *control = (~0ull >> (64 - p->size)) << first << WCR_BAS_SHIFT;
        return true;
    }
    while (bits_up <= MASK_MAX && 1ull << bits_up < p->size) {
        bits_up++;
    }
    if (bits_up > MASK_MAX || 1ull << bits_up != p->size || (p->va & (p->size - 1)) != 0) {
        return false;
    }
    *value = p->va;
    *control = 0xffull << WCR_BAS_SHIFT | (uint64_t)bits_up << WCR_MASK_SHIFT;
    return true;
}

static enum status add_point(const struct vm *vm, const struct debug_point *p,
                             struct kvm_guest_debug_arch *arch, unsigned *breaks, unsigned *watches)
{
    static const uint8_t lsc[] = { [DEBUG_READ] = 1, [DEBUG_WRITE] = 2, [DEBUG_ACCESS] = 3 };
    uint64_t value, control;

    if (p->kind == DEBUG_EXECUTE) {
        if (*breaks == vm->caps.breakpoints) {
            return ST_E_FULL;
        }
        if ((p->va & 3) != 0) {
            return ST_E_INVAL;
        }
        arch->dbg_bvr[*breaks] = p->va;
        arch->dbg_bcr[(*breaks)++] = CTRL_ENABLE | CTRL_EL1_EL0 | BCR_BAS_ALL;
        return ST_OK;
    }
    if (*watches == vm->caps.watchpoints) {
        return ST_E_FULL;
    }
    if (!watch_range(p, &value, &control)) {
        return ST_E_INVAL;
    }
    arch->dbg_wvr[*watches] = value;
    arch->dbg_wcr[(*watches)++] =
        CTRL_ENABLE | CTRL_EL1_EL0 | (uint64_t)lsc[p->kind] << WCR_LSC_SHIFT | control;
    return ST_OK;
}

enum status kvm_set_debug(struct vcpu *vcpu, const struct accel_debug *debug)
{
    struct kvm_guest_debug d = { .control = 0 };
    unsigned breaks = 0, watches = 0;
    enum status st;

    for (unsigned i = 0; debug != NULL && i < debug->count; i++) {
        st = add_point(vcpu->vm, &debug->point[i], &d.arch, &breaks, &watches);
        if (st != ST_OK) {
            return st;
        }
    }
    if (debug != NULL && (debug->step || debug->brk || debug->count != 0)) {
        d.control = KVM_GUESTDBG_ENABLE | (debug->step ? KVM_GUESTDBG_SINGLESTEP : 0) |
                    (debug->brk ? KVM_GUESTDBG_USE_SW_BP : 0) |
                    (debug->count != 0 ? KVM_GUESTDBG_USE_HW : 0);
    }
    return kvm_call(kvm_cpu_of(vcpu)->fd, KVM_SET_GUEST_DEBUG, &d) < 0 ? ST_E_NOTSUP : ST_OK;
}

/* False: an exception class that is no debug exception. */
bool kvm_debug_exit(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    const struct kvm_debug_exit_arch *arch = &kvm_cpu_of(vcpu)->run->debug.arch;

    exit->kind = EXIT_DEBUG;
    exit->debug.address = 0;
    switch (bits(arch->hsr, 26, 6)) {
    case EC_STEP_LOWER: exit->debug.cause = STOP_STEP; return true;
    case EC_BREAKPT_LOWER: exit->debug.cause = STOP_BREAKPOINT; return true;
    case EC_BRK64: exit->debug.cause = STOP_BRK; return true;
    case EC_WATCHPT_LOWER:
        exit->debug.cause = STOP_WATCHPOINT;
        exit->debug.address = arch->far;
        return true;
    default: return false;
    }
}
