/*
 * pmu.c - the performance monitors: a cycle counter and PMU_COUNTERS event counters.
 *
 * DDI 0487, "The Performance Monitors Extension" (FEAT_PMUv3, and FEAT_PMUv3p1 where the model has it).
 *
 * Nothing counts as it runs. Whoever reads or changes a counter, changes the Exception level, or enters and leaves the
 * run loop, brings the counters up to now (pmu_sync): instructions by the CPU's exact count, cycles by the guest's clock,
 * at 1 GHz, as long as the CPU is in the run loop; so time in WFI is no cycle, as on a core whose clock stops. The other
 * events are rare and add one where they happen (pmu_event). While no counter is enabled all this is one test of
 * pmu.live at each of these places, and nothing at each instruction.
 *
 *     insns_at, ns_at            now
 *         |----- EL0 -----|------ EL1 -----|       a sync at each change: the whole stretch was at one level
 *
 * The interrupt is a level: overflow, enabled, PMCR_EL0.E. An overflow of cycles comes at a time that is known. One of
 * instructions is looked for when it could have happened at the earliest (INSNS_PER_NS), and again, until it has: it is
 * seen at most POLL_NS late, at the next branch that looks at cpu->pending.
 */
#include "accel/soft/pmu.h"
#include "accel/soft/engine.h"

#define CYCLES       31 /* number of the cycle counter in PMCNTENSET and its like, and in PMSELR */
#define CYCLES_BIT   (1u << CYCLES)
#define IMPLEMENTED  (CYCLES_BIT | ((1u << PMU_COUNTERS) - 1))
#define INSNS_PER_NS 4
#define POLL_NS      20000

/* PMCR_EL0. LC is RES1 where there is no AArch32: the cycle counter overflows at 64 bits, D means nothing. */
enum { PMCR_E = 1, PMCR_P = 2, PMCR_C = 4, PMCR_LC = 1 << 6 };
#define PMCR_N_SHIFT 11

/* PMEVTYPER, PMCCFILTR. The other filters are about EL2, EL3 and threads. */
#define FILTER_EL1 (1u << 31)
#define FILTER_EL0 (1u << 30)

/* PMUSERENR_EL0. */
enum { USER_EN = 1, USER_SW = 2, USER_CR = 4, USER_ER = 8 };

/* ---- What is counted ------------------------------------------------------------------------- */

/* In PMCEID0_EL0 and PMCEID1_EL0. There are no stalls here: theirs stay 0, as their rule says. */
static bool is_implemented(const struct cpu *cpu, unsigned event)
{
    switch (event) {
    case PMU_SW_INCR:
    case PMU_INST_RETIRED:
    case PMU_EXC_TAKEN:
    case PMU_EXC_RETURN:
    case PMU_CID_WRITE_RETIRED:
    case PMU_CPU_CYCLES:
    case PMU_TTBR_WRITE_RETIRED:
    case PMU_CHAIN: return true;
    case PMU_STALL_FRONTEND:
    case PMU_STALL_BACKEND: return cpu->priv->model->pmu_version >= PMU_V3P1;
    default: return false;
    }
}

static uint64_t event_id(const struct cpu *cpu, unsigned first)
{
    uint64_t id = 0;

    for (unsigned i = 0; i < 32; i++) {
        id |= (uint64_t)is_implemented(cpu, first + i) << i;
    }
    return id;
}

static unsigned event_of(const struct cpu *cpu, unsigned n)
{
    return (unsigned)bits(cpu->priv->sys[SYS_PMEVTYPER0_EL0 + n], 0, 16);
}

/* Is counter n (CYCLES: that one) running at this Exception level? */
static bool is_counting(const struct cpu *cpu, unsigned n)
{
    const uint64_t *sys = cpu->priv->sys;
    uint64_t filter = n == CYCLES ? sys[SYS_PMCCFILTR_EL0] : sys[SYS_PMEVTYPER0_EL0 + n];

    return (sys[SYS_PMCNTENSET_EL0] >> n & 1) != 0 &&
           (filter & (cpu_el(cpu) == 0 ? FILTER_EL0 : FILTER_EL1)) == 0;
}

/* Adds to an event counter of 32 bits. The odd one behind an even one that overflows may count just that. */
static void add(struct cpu *cpu, unsigned n, uint64_t amount)
{
    uint64_t *sys = cpu->priv->sys;
    uint64_t sum = sys[SYS_PMEVCNTR0_EL0 + n] + amount;

    sys[SYS_PMEVCNTR0_EL0 + n] = (uint32_t)sum;
    if (sum >> 32 == 0) {
        return;
    }
    sys[SYS_PMOVSSET_EL0] |= 1u << n;
    if (n % 2 == 0 && n + 1 < PMU_COUNTERS && event_of(cpu, n + 1) == PMU_CHAIN &&
        is_counting(cpu, n + 1)) {
        uint64_t chained = sys[SYS_PMEVCNTR0_EL0 + n + 1] + (sum >> 32);
        sys[SYS_PMEVCNTR0_EL0 + n + 1] = (uint32_t)chained;
        sys[SYS_PMOVSSET_EL0] |= (chained >> 32 != 0 ? 1ull : 0) << (n + 1);
    }
}

static void add_cycles(struct cpu *cpu, uint64_t amount)
{
    uint64_t *count = sys_reg(cpu, SYS_PMCCNTR_EL0);

    *count += amount;
    if (*count < amount) {
        *sys_reg(cpu, SYS_PMOVSSET_EL0) |= CYCLES_BIT;
    }
}

static void advance(struct cpu *cpu, uint64_t insns, uint64_t now_ns)
{
    struct pmu *pmu = &cpu->priv->pmu;
    uint64_t new_insns = insns - pmu->insns_at;
    uint64_t cycles = now_ns - pmu->ns_at;

    pmu->insns_at = insns;
    pmu->ns_at = now_ns;
    for (unsigned n = 0; n < PMU_COUNTERS; n++) {
        unsigned event = event_of(cpu, n);
        if ((event == PMU_INST_RETIRED || event == PMU_CPU_CYCLES) && is_counting(cpu, n)) {
            add(cpu, n, event == PMU_INST_RETIRED ? new_insns : cycles);
        }
    }
    if (is_counting(cpu, CYCLES)) {
        add_cycles(cpu, cycles);
    }
}

/* ---- Overflow -------------------------------------------------------------------------------- */

static void update_line(struct cpu *cpu)
{
    const uint64_t *sys = cpu->priv->sys;
    struct pmu *pmu = &cpu->priv->pmu;
    bool level =
        (sys[SYS_PMCR_EL0] & PMCR_E) != 0 && (sys[SYS_PMOVSSET_EL0] & sys[SYS_PMINTENSET_EL1]) != 0;

    if (level != pmu->line) {
        bool inside = atomic_load(&cpu->priv->inside);
        pmu->line = level;
        soft_outside(cpu);
        irq_line_set(&cpu->vcpu->pmu_irq, level);
        if (inside) {
            soft_inside(cpu);
        }
    }
}

/* ns until counter n overflows, at the earliest; UINT64_MAX: it does not by itself. */
static uint64_t overflow_in(const struct cpu *cpu, unsigned n)
{
    const uint64_t *sys = cpu->priv->sys;
    unsigned event = n == CYCLES ? PMU_CPU_CYCLES : event_of(cpu, n);
    uint64_t left = n == CYCLES ? 0 - sys[SYS_PMCCNTR_EL0]
                                : (1ull << 32) - (uint32_t)sys[SYS_PMEVCNTR0_EL0 + n];

    switch (event) {
    case PMU_CPU_CYCLES: return left;
    case PMU_INST_RETIRED: return left / INSNS_PER_NS > POLL_NS ? left / INSNS_PER_NS : POLL_NS;
    default: return UINT64_MAX;
    }
}

/* Has the timer thread call when an interrupt may be due. A chained counter is watched by way of the one before it. */
static void plan(struct cpu *cpu, uint64_t now_ns)
{
    const uint64_t *sys = cpu->priv->sys;
    struct pmu *pmu = &cpu->priv->pmu;
    uint32_t wanted = (uint32_t)sys[SYS_PMINTENSET_EL1];
    uint64_t soonest = UINT64_MAX;

    for (unsigned n = 0; n < PMU_COUNTERS; n++) {
        if ((wanted >> n & 1) != 0 && n % 2 == 1 && event_of(cpu, n) == PMU_CHAIN) {
            wanted |= 1u << (n - 1);
        }
    }
    wanted &= ~(uint32_t)sys[SYS_PMOVSSET_EL0];
    for (unsigned n = 0; n <= CYCLES; n++) {
        if ((wanted >> n & 1) != 0 && is_counting(cpu, n)) {
            uint64_t ns = overflow_in(cpu, n);
            soonest = ns < soonest ? ns : soonest;
        }
    }
    if (soonest >= UINT64_MAX - now_ns) {
        return; /* one that was planned before finds nothing to do */
    }
    if (pmu->planned_ns <= now_ns || pmu->planned_ns > now_ns + soonest) {
        pmu->planned_ns = now_ns + soonest;
        vcpu_pmu_deadline(cpu->vcpu, pmu->planned_ns);
    }
}

/* ---- For the engine -------------------------------------------------------------------------- */

void pmu_sync_slow(struct cpu *cpu, uint64_t insns)
{
    uint64_t now_ns = vm_now_ns(cpu->vcpu->vm);

    advance(cpu, insns, now_ns);
    update_line(cpu);
}

/* The level is the new one: its counters may overflow sooner than those of the other. */
void pmu_plan(struct cpu *cpu)
{
    if (*sys_reg(cpu, SYS_PMINTENSET_EL1) != 0) {
        plan(cpu, cpu->priv->pmu.ns_at);
    }
}

bool pmu_counts_insns(const struct cpu *cpu)
{
    uint64_t enabled = cpu->priv->sys[SYS_PMCNTENSET_EL0];

    for (unsigned n = 0; n < PMU_COUNTERS && cpu->priv->pmu.live; n++) {
        if ((enabled >> n & 1) != 0 && event_of(cpu, n) == PMU_INST_RETIRED) {
            return true;
        }
    }
    return false;
}

void pmu_run(struct cpu *cpu)
{
    cpu->priv->pmu.ns_at = vm_now_ns(cpu->vcpu->vm);
    pmu_plan(cpu);
}

void pmu_event_slow(struct cpu *cpu, enum pmu_event event)
{
    for (unsigned n = 0; n < PMU_COUNTERS; n++) {
        if (event_of(cpu, n) == event && is_counting(cpu, n)) {
            add(cpu, n, 1);
        }
    }
    update_line(cpu);
}

void pmu_reset(struct cpu *cpu)
{
    struct pmu *pmu = &cpu->priv->pmu;

    pmu->live = false;
    pmu->planned_ns = 0;
    update_line(cpu);
}

/* ---- Registers ------------------------------------------------------------------------------- */

/* PMEVCNTR<n> and PMEVTYPER<n> are rows in a row; PMXEVCNTR and PMXEVTYPER are what PMSELR selects: SYS_COUNT if that
 * does not exist, which reads as zero and ignores writes (CONSTRAINED UNPREDICTABLE). */
static enum sys_index selected(const struct cpu *cpu, enum sys_index row)
{
    unsigned n = (unsigned)cpu->priv->sys[SYS_PMSELR_EL0];

    if (row == SYS_PMXEVTYPER_EL0 && n == CYCLES) {
        return SYS_PMCCFILTR_EL0;
    }
    if (n >= PMU_COUNTERS) {
        return SYS_COUNT;
    }
    return (enum sys_index)((row == SYS_PMXEVTYPER_EL0 ? SYS_PMEVTYPER0_EL0 : SYS_PMEVCNTR0_EL0) +
                            n);
}

bool pmu_el0_trapped(const struct cpu *cpu, enum sys_index row, bool write)
{
    uint32_t user = (uint32_t)cpu->priv->sys[SYS_PMUSERENR_EL0];
    uint32_t enough = USER_EN;

    if (row == SYS_PMUSERENR_EL0) {
        return false;
    }
    if (row == SYS_PMSWINC_EL0) {
        enough |= USER_SW;
    } else if (row == SYS_PMCCNTR_EL0 && !write) {
        enough |= USER_CR;
    } else if (row == SYS_PMSELR_EL0 ||
               (!write && (row == SYS_PMXEVCNTR_EL0 ||
                           (row >= SYS_PMEVCNTR0_EL0 && row < SYS_PMEVCNTR0_EL0 + PMU_COUNTERS)))) {
        enough |= USER_ER;
    }
    return (user & enough) == 0;
}

/* Implementer and identification code of the parts' PMU; the latter means nothing without the former. */
static uint64_t pmcr_id(const struct cpu *cpu)
{
    const struct soft_model *model = cpu->priv->model;

    return (uint64_t)(model->midr >> 24) << 24 | (uint64_t)model->pmu_idcode << 16 |
           (uint64_t)PMU_COUNTERS << PMCR_N_SHIFT | PMCR_LC;
}

uint64_t pmu_read(const struct cpu *cpu, enum sys_index row)
{
    const uint64_t *sys = cpu->priv->sys;

    switch (row) {
    case SYS_PMCR_EL0: return pmcr_id(cpu) | (sys[row] & PMCR_E);
    case SYS_PMCNTENCLR_EL0: return sys[SYS_PMCNTENSET_EL0];
    case SYS_PMINTENCLR_EL1: return sys[SYS_PMINTENSET_EL1];
    case SYS_PMOVSCLR_EL0: return sys[SYS_PMOVSSET_EL0];
    case SYS_PMCEID0_EL0: return event_id(cpu, 0);
    case SYS_PMCEID1_EL0: return event_id(cpu, 32);
    case SYS_PMXEVTYPER_EL0:
    case SYS_PMXEVCNTR_EL0: {
        enum sys_index at = selected(cpu, row);
        return at == SYS_COUNT ? 0 : sys[at];
    }
    default: return sys[row];
    }
}

static void write_pmcr(struct cpu *cpu, uint64_t value)
{
    uint64_t *sys = cpu->priv->sys;

    sys[SYS_PMCR_EL0] = value & PMCR_E;
    if ((value & PMCR_C) != 0) {
        sys[SYS_PMCCNTR_EL0] = 0;
    }
    for (unsigned n = 0; n < PMU_COUNTERS && (value & PMCR_P) != 0; n++) {
        sys[SYS_PMEVCNTR0_EL0 + n] = 0;
    }
}

static void write_swinc(struct cpu *cpu, uint64_t value)
{
    for (unsigned n = 0; n < PMU_COUNTERS; n++) {
        if ((value >> n & 1) != 0 && cpu->priv->pmu.live && event_of(cpu, n) == PMU_SW_INCR &&
            is_counting(cpu, n)) {
            add(cpu, n, 1);
        }
    }
}

/* The event's number has 10 bits, 16 with FEAT_PMUv3p1. */
static uint64_t type_mask(const struct cpu *cpu)
{
    return FILTER_EL1 | FILTER_EL0 | (cpu->priv->model->pmu_version >= PMU_V3P1 ? 0xffff : 0x3ff);
}

static void write_one(struct cpu *cpu, enum sys_index row, uint64_t value)
{
    uint64_t *sys = cpu->priv->sys;

    switch (row) {
    case SYS_PMCR_EL0: write_pmcr(cpu, value); break;
    case SYS_PMCNTENSET_EL0:
    case SYS_PMINTENSET_EL1:
    case SYS_PMOVSSET_EL0: sys[row] |= value & IMPLEMENTED; break;
    case SYS_PMCNTENCLR_EL0: sys[SYS_PMCNTENSET_EL0] &= ~value; break;
    case SYS_PMINTENCLR_EL1: sys[SYS_PMINTENSET_EL1] &= ~value; break;
    case SYS_PMOVSCLR_EL0: sys[SYS_PMOVSSET_EL0] &= ~value; break;
    case SYS_PMSWINC_EL0: write_swinc(cpu, value); break;
    case SYS_PMSELR_EL0: sys[row] = value & 31; break;
    case SYS_PMUSERENR_EL0: sys[row] = value & (USER_EN | USER_SW | USER_CR | USER_ER); break;
    case SYS_PMCCNTR_EL0: sys[row] = value; break;
    case SYS_PMCCFILTR_EL0: sys[row] = value & (FILTER_EL1 | FILTER_EL0); break;
    default:
        if (row >= SYS_PMEVTYPER0_EL0 && row < SYS_PMEVTYPER0_EL0 + PMU_COUNTERS) {
            sys[row] = value & type_mask(cpu);
        } else {
            sys[row] = (uint32_t)value;
        }
        break;
    }
}

void pmu_write(struct cpu *cpu, enum sys_index row, uint64_t value)
{
    struct pmu *pmu = &cpu->priv->pmu;
    const uint64_t *sys = cpu->priv->sys;

    if (row == SYS_PMXEVTYPER_EL0 || row == SYS_PMXEVCNTR_EL0) {
        row = selected(cpu, row);
    }
    if (row == SYS_COUNT) {
        return;
    }
    write_one(cpu, row, value);
    pmu->live = (sys[SYS_PMCR_EL0] & PMCR_E) != 0 && sys[SYS_PMCNTENSET_EL0] != 0;
    update_line(cpu);
    if (pmu->live) {
        pmu_plan(cpu);
    }
    if (pmu_counts_insns(cpu)) { /* run.c tells the translator before the next instruction */
        atomic_fetch_or(&cpu->pending, PEND_WORK);
    }
}

/* Also while nothing counts, so that a write that changes that starts from here. */
void pmu_before_access(struct cpu *cpu, uint64_t insns)
{
    struct pmu *pmu = &cpu->priv->pmu;

    if (pmu->live) {
        pmu_sync_slow(cpu, insns);
    } else {
        pmu->insns_at = insns;
        pmu->ns_at = vm_now_ns(cpu->vcpu->vm);
    }
}
