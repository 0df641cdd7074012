/*
 * debug.c - self-hosted debug: software step, breakpoints, watchpoints.
 *
 * DDI 0487, "AArch64 Self-hosted Debug". While a breakpoint or software step could fire at the
 * current Exception level, the run loop executes one instruction at a time (run.c, PEND_DEBUG makes
 * branches leave); pages that hold a watched address are kept out of the TLB's fast path. Otherwise
 * nothing here is ever asked.
 *
 * Software step, PSTATE.SS with the state of the manual's figure:
 *
 *     ERET, SPSR.SS = 1 ──▶ active-not-pending (SS = 1) ──one instruction──▶ active-pending (SS = 0)
 *     ERET, SPSR.SS = 0 ──────────────────────────────────────────────────▶ active-pending
 *     active-pending: the exception, before the next instruction
 */
#include "accel/soft/engine.h"

#define MDSCR_SS  (1u << 0)
#define MDSCR_MDE (1u << 15)

#define BREAKPOINTS   6 /* as ID_AA64DFR0_EL1 says; the last is context-aware */
#define CONTEXT_AWARE 5
#define WATCHPOINTS   4

#define FSC_DEBUG 0x22

/* DBGBCRn_EL1 and DBGWCRn_EL1. */
enum {
    CR_E = 1,
    CR_PAC = 1, /* and PMC: bit number of two bits, EL1 and EL0 */
    CR_SSC = 14,
    CR_LBN = 16,
    BCR_BT = 20,
    WCR_LSC = 3,
    WCR_BAS = 5,
    WCR_WT = 20,
    WCR_MASK = 24,
};
enum { BT_ADDRESS, BT_ADDRESS_LINKED, BT_CONTEXT, BT_CONTEXT_LINKED };

static const uint16_t bvr[BREAKPOINTS] = { SYS_DBGBVR0_EL1, SYS_DBGBVR1_EL1, SYS_DBGBVR2_EL1,
                                           SYS_DBGBVR3_EL1, SYS_DBGBVR4_EL1, SYS_DBGBVR5_EL1 };
static const uint16_t bcr[BREAKPOINTS] = { SYS_DBGBCR0_EL1, SYS_DBGBCR1_EL1, SYS_DBGBCR2_EL1,
                                           SYS_DBGBCR3_EL1, SYS_DBGBCR4_EL1, SYS_DBGBCR5_EL1 };
static const uint16_t wvr[WATCHPOINTS] = { SYS_DBGWVR0_EL1, SYS_DBGWVR1_EL1, SYS_DBGWVR2_EL1,
                                           SYS_DBGWVR3_EL1 };
static const uint16_t wcr[WATCHPOINTS] = { SYS_DBGWCR0_EL1, SYS_DBGWCR1_EL1, SYS_DBGWCR2_EL1,
                                           SYS_DBGWCR3_EL1 };

/* ---- Which events can happen ----------------------------------------------------------------- */

static bool is_locked(const struct cpu *cpu)
{
    return (cpu->priv->sys[SYS_OSLSR_EL1] & 2) != 0 || (cpu->priv->sys[SYS_OSDLR_EL1] & 1) != 0;
}

/* AArch64.GenerateDebugExceptionsFrom: from EL0 always, from EL1 by MDSCR_EL1.KDE and PSTATE.D. */
static bool enabled_from(const struct cpu *cpu, unsigned el, bool masked)
{
    return !is_locked(cpu) &&
           (el == 0 || ((cpu->priv->sys[SYS_MDSCR_EL1] & MDSCR_KDE) != 0 && !masked));
}

static bool enabled(const struct cpu *cpu)
{
    return enabled_from(cpu, cpu_el(cpu), (cpu->pstate & PS_D) != 0);
}

static bool any_enabled(const struct cpu *cpu, const uint16_t *control, unsigned count)
{
    bool any = false;

    for (unsigned i = 0; i < count; i++) {
        any |= (cpu->priv->sys[control[i]] & CR_E) != 0;
    }
    return any;
}

void debug_refresh(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;
    uint64_t mdscr = p->sys[SYS_MDSCR_EL1];
    unsigned events = 0;

    if ((mdscr & (MDSCR_SS | MDSCR_MDE)) != 0 && enabled(cpu)) {
        events |= (mdscr & MDSCR_SS) != 0 ? DEBUG_STEP : 0;
        if ((mdscr & MDSCR_MDE) != 0) {
            events |= any_enabled(cpu, bcr, BREAKPOINTS) ? DEBUG_BREAK : 0;
            events |= any_enabled(cpu, wcr, WATCHPOINTS) ? DEBUG_WATCH : 0;
        }
    }
    if (((events | p->debug) & (DEBUG_STEP | DEBUG_BREAK)) != 0) {
        if ((events & (DEBUG_STEP | DEBUG_BREAK)) != 0) {
            atomic_fetch_or(&cpu->pending, PEND_DEBUG);
        } else {
            atomic_fetch_and(&cpu->pending, ~(uint32_t)PEND_DEBUG);
        }
    }
    p->debug = (uint8_t)events;
}

void debug_masks_changed(struct cpu *cpu)
{
    if (UNLIKELY((cpu->priv->sys[SYS_MDSCR_EL1] & MDSCR_KDE) != 0)) {
        debug_refresh(cpu);
    }
}

/* ---- Registers ------------------------------------------------------------------------------- */

/* Bits of the register that are not RES0. */
static uint64_t writable(enum sys_index row)
{
    if (row >= SYS_DBGBCR0_EL1 && row <= SYS_DBGBCR5_EL1) {
        return 0xffe1e7 | 1u << 13; /* E, PMC, BAS, HMC, SSC, LBN, BT */
    }
    if (row >= SYS_DBGWCR0_EL1 && row <= SYS_DBGWCR3_EL1) {
        return 0x1f1fffff | 1u << 13; /* E, PAC, LSC, BAS, HMC, SSC, LBN, WT, MASK */
    }
    bool address = (row >= SYS_DBGBVR0_EL1 && row <= SYS_DBGBVR5_EL1) ||
                   (row >= SYS_DBGWVR0_EL1 && row <= SYS_DBGWVR3_EL1);
    return address ? ~3ull : ~0ull;
}

void debug_write(struct cpu *cpu, enum sys_index row, uint64_t value)
{
    struct soft_private *p = cpu->priv;

    value &= writable(row);
    if (row == SYS_OSLAR_EL1) {
        p->sys[SYS_OSLSR_EL1] = bits_set(p->sys[SYS_OSLSR_EL1], 1, 1, value & 1);
    } else {
        p->sys[row] = row == SYS_OSDLR_EL1 ? value & 1 : value;
    }
    tlb_drop_all(cpu); /* pages with watched addresses leave the fast path, or come back */
    debug_refresh(cpu);
}

/* ---- Breakpoints ----------------------------------------------------------------------------- */

/* Does the control register's privilege choice include this level? Without EL2 and EL3 only PMC (PAC)
 * and the security state count. */
static bool at_level(uint64_t control, unsigned el)
{
    bool secure_only = bits(control, CR_SSC, 2) == 2; /* and this is the Non-secure state */

    return !secure_only && (bits(control, CR_PAC, 2) >> (el == 0 ? 1 : 0) & 1) != 0;
}

/* The context breakpoint that something is linked to: only the context-aware one can be. */
static bool context_matches(const struct cpu *cpu, unsigned n, unsigned type)
{
    const uint64_t *sys = cpu->priv->sys;

    return n == CONTEXT_AWARE && (sys[bcr[n]] & CR_E) != 0 &&
           bits(sys[bcr[n]], BCR_BT, 4) == type &&
           (uint32_t)sys[bvr[n]] == (uint32_t)sys[SYS_CONTEXTIDR_EL1];
}

static bool breakpoint_matches(const struct cpu *cpu, unsigned n, uint64_t pc)
{
    const uint64_t *sys = cpu->priv->sys;
    uint64_t control = sys[bcr[n]];
    unsigned type = (unsigned)bits(control, BCR_BT, 4);

    if ((control & CR_E) == 0 || !at_level(control, cpu_el(cpu))) {
        return false;
    }
    switch (type) {
    case BT_ADDRESS_LINKED:
        if (!context_matches(cpu, (unsigned)bits(control, CR_LBN, 4), BT_CONTEXT_LINKED)) {
            return false;
        }
        /* fall through */
    case BT_ADDRESS: return (uint64_t)sign_extend(sys[bvr[n]], 53) == (uint64_t)sign_extend(pc, 53);
    case BT_CONTEXT: return context_matches(cpu, n, BT_CONTEXT);
    default: return false;
    }
}

bool debug_breakpoint(struct cpu *cpu, uint64_t pc)
{
    for (unsigned n = 0; n < BREAKPOINTS; n++) {
        if (breakpoint_matches(cpu, n, pc)) {
            except_fetch(cpu, cpu_el(cpu) == 0 ? EC_BREAKPT_LOWER : EC_BREAKPT_SAME, FSC_DEBUG, 0);
            return true;
        }
    }
    return false;
}

/* ---- Watchpoints ----------------------------------------------------------------------------- */

/* First and last byte that a watchpoint covers; without any: false. A reserved choice of MASK and BAS
 * takes what its lowest set byte means. */
static bool watched_range(const struct cpu *cpu, unsigned n, uint64_t *first, uint64_t *last)
{
    uint64_t control = cpu->priv->sys[wcr[n]];
    uint64_t address = (uint64_t)sign_extend(cpu->priv->sys[wvr[n]], 53);
    unsigned mask = (unsigned)bits(control, WCR_MASK, 5);
    unsigned bas = (unsigned)bits(control, WCR_BAS, 8);

    if ((control & CR_E) == 0 || bas == 0) {
        return false;
    }
    if (mask >= 3) {
        *first = align_down(address, BIT(mask));
        *last = *first + (BIT(mask) - 1);
        return true;
    }
    if ((address & 4) != 0) { /* a word: bytes 4 to 7 are beyond it */
        bas &= 15;
    }
    unsigned low = (unsigned)__builtin_ctz(bas | 256);
    unsigned length = (unsigned)__builtin_ctz(~(bas >> low));
    *first = address + low;
    *last = *first + (length - 1);
    return bas != 0;
}

bool debug_range_watched(const struct cpu *cpu, uint64_t va, uint64_t bytes)
{
    uint64_t first, last;

    if ((cpu->priv->sys[SYS_MDSCR_EL1] & MDSCR_MDE) == 0) {
        return false;
    }
    va = (uint64_t)sign_extend(va, 53);
    for (unsigned n = 0; n < WATCHPOINTS; n++) {
        if (watched_range(cpu, n, &first, &last) && first <= va + (bytes - 1) && last >= va) {
            return true;
        }
    }
    return false;
}

bool debug_watchpoint(struct cpu *cpu, const struct op *op, uint64_t va, unsigned size, bool write,
                      bool user)
{
    uint64_t at = (uint64_t)sign_extend(va, 53), first, last;
    unsigned el = user ? 0 : cpu_el(cpu);

    for (unsigned n = 0; n < WATCHPOINTS; n++) {
        uint64_t control = cpu->priv->sys[wcr[n]];
        if (!watched_range(cpu, n, &first, &last) || first > at + (size - 1) || last < at ||
            !at_level(control, el) || (bits(control, WCR_LSC, 2) >> write & 1) == 0) {
            continue;
        }
        if (bits(control, WCR_WT, 1) != 0 &&
            !context_matches(cpu, (unsigned)bits(control, CR_LBN, 4), BT_CONTEXT_LINKED)) {
            continue;
        }
        cpu_exception(cpu, op, cpu_el(cpu) == 0 ? EC_WATCHPT_LOWER : EC_WATCHPT_SAME,
                      FSC_DEBUG | (uint32_t)write << 6, first > at ? va + (first - at) : va);
        return true;
    }
    return false;
}

/* ---- Software step --------------------------------------------------------------------------- */

uint32_t debug_return_ss(const struct cpu *cpu, uint32_t spsr, unsigned el)
{
    bool step = (cpu->priv->sys[SYS_MDSCR_EL1] & MDSCR_SS) != 0 && !enabled(cpu) &&
                enabled_from(cpu, el, (spsr & PS_D) != 0);

    return step ? spsr & PS_SS : 0;
}

/* LDXR, LDAXR, LDXP and LDAXP, which a debugger must not step into the middle of a loop with. */
static bool is_load_exclusive(uint32_t word)
{
    return (word & 0x3fc00000) == 0x08400000;
}

void debug_step(struct cpu *cpu)
{
    struct soft_private *p = cpu->priv;
    bool stepping = (p->debug & DEBUG_STEP) != 0;

    if (stepping && (cpu->pstate & PS_SS) == 0) {
        uint32_t iss = FSC_DEBUG | (uint32_t)p->step_valid << 24 | (uint32_t)p->step_exclusive << 6;
        except_fetch(cpu, cpu_el(cpu) == 0 ? EC_STEP_LOWER : EC_STEP_SAME, iss, 0);
        return;
    }
    p->stepping = stepping;
    soft_step(cpu);
    if (p->stepping) { /* it neither took an exception nor returned from one */
        cpu->pstate &= ~(uint32_t)PS_SS;
        p->step_valid = true;
        p->step_exclusive = is_load_exclusive(p->scratch[0].word);
        p->stepping = false;
    }
}
