/*
 * whp.c - the Windows Hypervisor Platform on ARM64 as a back end: accel.h's contract.
 *
 * Inside the hypervisor: the GIC (version 3 only), the generic timer, PSCI, WFI and WFE. Left to us: devices, by the
 * syndrome of the fault or by decoding the instruction; hypercalls that the hypervisor does not know; power-off and reset.
 *
 * A partition gets its properties (number of processors, where the GIC's frames are, width of addresses), is set up, and
 * takes memory, processors and interrupts only then. A reboot makes it anew: the documents do not say which of a processor's
 * registers WHvResetPartition keeps. Windows lets a process have one partition with memory.
 */
#include "accel/whp/whp.h"

#include "base/bits.h"
#include "base/compiler.h"

/* ---- Width of addresses ---------------------------------------------------------------------- */

/* DDI 0487, ID_AA64MMFR0_EL1.PARange: the widths there are, in the order of the field's values. */
static const uint8_t pa_sizes[] = { 32, 36, 40, 42, 44, 48, 52 };

#define PA_DEFAULT 40

/* The ITS's place in the map of both boards; there is none, but the platform wants an address. */
#define ITS_BASE 0x08080000u

static unsigned parange_of(unsigned bits)
{
    unsigned code = 0;

    while (code + 1 < ARRAY_SIZE(pa_sizes) && pa_sizes[code + 1] <= bits) {
        code++;
    }
    return code;
}

/* First address behind everything of the machine. */
static uint64_t address_end(const struct vm *vm)
{
    const struct board *board = vm->config.board;
    uint64_t end = board->ram_base + vm->config.ram_size;
    const struct board_row *row;

    for (unsigned i = 0; (row = board_row_at(board, vm->config.gic_version, i)) != NULL; i++) {
        uint64_t size = board_row_size(row);
        end = row->base + size > end ? row->base + size : end;
    }
    return end;
}

/*
 * A host may offer a width that is none of the architecture's (39): the next lower one counts. What a partition has
 * without being told, 40, is enough for most machines, and all hosts that have it are known to work with it.
 */
static enum status choose_width(struct vm *vm, struct err *err)
{
    struct whp_vm *w = whp_of(vm);
    uint64_t last = address_end(vm) - 1;
    uint32_t host = PA_DEFAULT;
    unsigned bits;

    (void)whp_capability(&w->api, WHP_CAP_PA_WIDTH, &host, sizeof(host));
    bits = pa_sizes[parange_of(host < PA_DEFAULT ? host : PA_DEFAULT)];
    while (last >> bits != 0 && pa_sizes[parange_of(bits)] < pa_sizes[parange_of(host)]) {
        bits = pa_sizes[parange_of(bits) + 1];
    }
    if (last >> bits != 0) {
        return err_set(err, ST_E_NOTSUP, MSG_WHP_PA_WIDTH, (unsigned long long)last, bits);
    }
    w->pa_bits = bits;
    return ST_OK;
}

/* ---- The partition --------------------------------------------------------------------------- */

static uint64_t window_base(const struct vm *vm, const struct dev_ops *ops)
{
    const struct board_row *row = board_row_of(vm->config.board, vm->config.gic_version, ops);

    return row != NULL ? row->base : 0;
}

static whp_result set_property(struct whp_vm *w, uint32_t code, const void *value, uint32_t size)
{
    return w->api.WHvSetPartitionProperty(w->partition, code, value, size);
}

const char *whp_configure(const struct whp_api *api, whp_partition partition, uint32_t cpus,
                          uint64_t gicd_base, uint32_t pa_bits, whp_result *result)
{
    struct whp_ic_parameters ic = {
        .mode = WHP_IC_GICV3,
        .gicd_base = gicd_base,
        .gits_translater_base = ITS_BASE,
        .timer_ppi = PPI_VIRT_TIMER,
        .pmu_ppi = PPI_PMU,
    };

    *result =
        api->WHvSetPartitionProperty(partition, WHP_PROP_PROCESSOR_COUNT, &cpus, sizeof(cpus));
    if (*result < 0) {
        return "WHvSetPartitionProperty (ProcessorCount)";
    }
    *result = api->WHvSetPartitionProperty(partition, WHP_PROP_IC_PARAMETERS, &ic, sizeof(ic));
    if (*result < 0) {
        return "WHvSetPartitionProperty (Arm64IcParameters)";
    }
    /* A Windows without this property has a width of its own, for which the guest's part of it is enough. */
    *result = api->WHvSetPartitionProperty(partition, WHP_PROP_PA_WIDTH, &pa_bits, sizeof(pa_bits));
    return *result < 0 && *result != WHP_E_UNKNOWN_PROPERTY
               ? "WHvSetPartitionProperty (PhysicalAddressWidth)"
               : NULL;
}

/*
 * All processor features of the host: on some hosts a partition has fewer without being told. Hosts that do not report them, or
 * do not take them back, decide themselves.
 */
static void set_features(struct whp_vm *w)
{
    struct whp_feature_banks banks = { .count = 2 };

    if (whp_capability(&w->api, WHP_CAP_PROCESSOR_BANKS, &banks, sizeof(banks))) {
        banks.count = 2;
        (void)set_property(w, WHP_PROP_PROCESSOR_BANKS, &banks, sizeof(banks));
    }
}

/* Without this the guest's greeting by HVC is not heard; all else works. */
static void ask_for_hypercalls(struct whp_vm *w)
{
    uint64_t offered = 0, wanted = WHP_EXTENDED_HYPERCALL;

    w->hypercalls = whp_capability(&w->api, WHP_CAP_EXTENDED_VM_EXITS, &offered, sizeof(offered)) &&
                    (offered & wanted) != 0 &&
                    set_property(w, WHP_PROP_EXTENDED_VM_EXITS, &wanted, sizeof(wanted)) >= 0;
}

static void partition_close(struct whp_vm *w)
{
    if (w->partition != NULL) {
        (void)w->api.WHvDeletePartition(w->partition);
        w->partition = NULL;
    }
}

static enum status partition_open(struct vm *vm, struct err *err)
{
    struct whp_vm *w = whp_of(vm);
    whp_result result = w->api.WHvCreatePartition(&w->partition);
    const char *call;

    for (unsigned i = 0; i < ARRAY_SIZE(w->level); i++) {
        atomic_store(&w->level[i], 0);
    }
    if (result < 0) {
        w->partition = NULL;
        return whp_fail(err, "WHvCreatePartition", result);
    }
    call = whp_configure(&w->api, w->partition, vm->config.cpus, window_base(vm, &gic_dist_ops),
                         w->pa_bits, &result);
    if (call != NULL) {
        partition_close(w);
        return whp_fail(err, call, result);
    }
    set_features(w);
    ask_for_hypercalls(w);
    if ((result = w->api.WHvSetupPartition(w->partition)) < 0) {
        partition_close(w);
        return whp_fail(err, "WHvSetupPartition", result);
    }
    return ST_OK;
}

static enum status whp_vm_create(struct vm *vm, struct err *err)
{
    const struct vm_ports *ports = &vm->ports;
    struct whp_vm *w = ports->alloc(ports->opaque, sizeof(*w), 64);
    enum status st;

    if (w == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    }
    st = whp_open(&w->api, err);
    if (st == ST_OK) {
        vm->accel_state = w;
        if ((st = choose_width(vm, err)) == ST_OK) {
            st = partition_open(vm, err);
        }
        if (st == ST_OK) {
            return ST_OK;
        }
        whp_unload(&w->api);
    }
    vm->accel_state = NULL;
    ports->free(ports->opaque, w, sizeof(*w));
    return st;
}

static void whp_vm_destroy(struct vm *vm)
{
    struct whp_vm *w = whp_of(vm);

    partition_close(w);
    whp_unload(&w->api);
    vm->ports.free(vm->ports.opaque, w, sizeof(*w));
    vm->accel_state = NULL;
}

/*
 * Pages that the guest touches first are reported to be very slow on ARM64: they are made beforehand where the platform offers
 * it. Where it fails, they come one by one.
 */
static void populate(struct whp_vm *w, const struct mem_slot *slot)
{
    const struct whp_range range = { slot->base, slot->size };
    struct whp_populate how = { .access = WHP_ACCESS_WRITE };

    if (w->api.WHvAdviseGpaRange != NULL &&
        whp_capability(&w->api, WHP_CAP_POPULATE_FLAGS, &how.flags, sizeof(how.flags)) &&
        (how.flags & WHP_POPULATE_PREFETCH) != 0) {
        how.flags &= WHP_POPULATE_PREFETCH | WHP_POPULATE_AVOID_HARD_FAULTS;
        (void)w->api.WHvAdviseGpaRange(w->partition, &range, 1, WHP_ADVICE_POPULATE, &how,
                                       sizeof(how));
    }
}

static enum status whp_ram_map(struct vm *vm, const struct mem_slot *slot, struct err *err)
{
    struct whp_vm *w = whp_of(vm);
    uint32_t flags = WHP_MAP_READ | WHP_MAP_EXECUTE | (slot->rom ? 0 : WHP_MAP_WRITE);
    whp_result result =
        w->api.WHvMapGpaRange(w->partition, slot->host, slot->base, slot->size, flags);

    if (result < 0) {
        return whp_fail(err, "WHvMapGpaRange", result);
    }
    if (!slot->rom) {
        populate(w, slot);
    }
    return ST_OK;
}

/* ---- Ready, and again after a reboot --------------------------------------------------------- */

/* The guest is not to believe in more address bits than the partition has. */
static enum status clamp_parange(struct vm *vm, struct err *err)
{
    unsigned code = parange_of(whp_of(vm)->pa_bits);
    uint64_t mmfr0;
    whp_result result = whp_read(vm, WHP_ANY_VP, WHP_REG_ID_MMFR0, &mmfr0);

    if (result < 0) {
        return whp_fail(err, "WHvGetVirtualProcessorRegisters (ID_AA64MMFR0_EL1)", result);
    }
    if (bits(mmfr0, 0, 4) <= code) {
        return ST_OK;
    }
    result = whp_write(vm, WHP_ANY_VP, WHP_REG_ID_MMFR0, bits_set(mmfr0, 0, 4, code));
    return result < 0 ? whp_fail(err, "WHvSetVirtualProcessorRegisters (ID_AA64MMFR0_EL1)", result)
                      : ST_OK;
}

/* The cores of a host may differ in MIDR_EL1; those of the guest are all as the first. */
static enum status same_midr(struct vm *vm, struct err *err)
{
    uint64_t midr;
    whp_result result = whp_read(vm, 0, WHP_REG_MIDR, &midr);

    if (result < 0) {
        return whp_fail(err, "WHvGetVirtualProcessorRegisters (MIDR_EL1)", result);
    }
    for (unsigned i = 0; i < vm->config.cpus; i++) {
        if ((result = whp_write(vm, i, WHP_REG_MIDR, midr)) < 0) {
            return whp_fail(err, "WHvSetVirtualProcessorRegisters (MIDR_EL1)", result);
        }
    }
    return ST_OK;
}

static enum status whp_vm_ready(struct vm *vm, struct err *err)
{
    uint64_t base = window_base(vm, &gicv3_redist_ops);
    enum status st = clamp_parange(vm, err);

    if (st == ST_OK) {
        st = same_midr(vm, err);
    }
    for (unsigned i = 0; st == ST_OK && i < vm->config.cpus; i++) {
        whp_result result =
            whp_write(vm, i, WHP_REG_GICR_BASE, base + (uint64_t)i * WHP_REDIST_SIZE);
        if (result < 0) {
            st = whp_fail(err, "WHvSetVirtualProcessorRegisters (GicrBaseGpa)", result);
        }
    }
    return st;
}

static enum status whp_vm_reset(struct vm *vm, struct err *err)
{
    enum status st;

    for (unsigned i = 0; i < vm->config.cpus; i++) {
        whp_vcpu_close(&vm->vcpu[i]);
    }
    partition_close(whp_of(vm));
    st = partition_open(vm, err);
    for (unsigned i = 0; st == ST_OK && i < vm->mem.count; i++) {
        st = whp_ram_map(vm, &vm->mem.slot[i], err);
    }
    for (unsigned i = 0; st == ST_OK && i < vm->config.cpus; i++) {
        st = whp_vcpu_open(&vm->vcpu[i], err);
    }
    return st == ST_OK ? whp_vm_ready(vm, err) : st;
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

/* Whether a rising level is an edge is decided by the guest's GICD_ICFGR; only changes are told. */
static void whp_set_irq(struct vm *vm, unsigned cpu, uint32_t intid, bool level)
{
    struct whp_vm *w = whp_of(vm);
    struct whp_interrupt interrupt = { .control = level ? WHP_INTERRUPT_ASSERTED : 0,
                                       .intid = intid };
    _Atomic uint32_t *word = &w->level[intid / 32];
    uint32_t bit = 1u << intid % 32;
    whp_result result;

    if (intid < GIC_PRIVATE || intid >= WHP_LINES) {
        return; /* the private ones are the hypervisor's own: its timer, its PMU */
    }
    if (((level ? atomic_fetch_or(word, bit) : atomic_fetch_and(word, ~bit)) & bit) ==
        (level ? bit : 0)) {
        return;
    }
    result = w->api.WHvRequestInterrupt(w->partition, &interrupt, sizeof(interrupt));
    if (result < 0) {
        whp_stop(vm, "WHvRequestInterrupt", result);
    }
}

/* ---- The rest of the contract ---------------------------------------------------------------- */

/* Interrupts reach the CPUs through the hypervisor's GIC alone. */
static void whp_set_lines(struct vcpu *vcpu, bool irq, bool fiq) {}

/* Guests fetch through their own instruction caches: what the host wrote must be in memory. */
static void whp_invalidate_code(struct vm *vm, uint64_t ipa, uint64_t len)
{
    struct span span;

    if (guest_mem_span(&vm->mem, ipa, len, false, &span) == ST_OK &&
        whp_of(vm)->api.flush != NULL) {
        whp_of(vm)->api.flush(span.host, span.len);
    }
}

static void whp_stats(struct vcpu *vcpu, struct accel_stats *stats)
{
    *stats = (struct accel_stats){ .exceptions = { 0 } };
}

const struct accel_ops accel_whp = {
    .name = "whp",
    .what = "WHP",
    .probe = whp_probe,
    .vm_create = whp_vm_create,
    .vm_destroy = whp_vm_destroy,
    .ram_map = whp_ram_map,
    .vcpu_create = whp_vcpu_create,
    .vcpu_destroy = whp_vcpu_destroy,
    .vcpu_start = whp_vcpu_start,
    .run = whp_vcpu_run,
    .kick = whp_vcpu_kick,
    .set_lines = whp_set_lines,
    .get_reg = whp_get_reg,
    .set_reg = whp_set_reg,
    .translate = vcpu_translate,
    .invalidate_code = whp_invalidate_code,
    .stats = whp_stats,
    .vm_ready = whp_vm_ready,
    .vm_reset = whp_vm_reset,
    .set_irq = whp_set_irq,
    .stop_time = whp_stop_time,
};
