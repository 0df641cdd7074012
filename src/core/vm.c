/*
 * vm.c - the machine: built in order, torn down in reverse.
 *
 *   vm_init     memory, back end, GIC, devices on the bus, vCPUs (vm_fini undoes it, also half-way)
 *   vm_start    CPU 0 on
 *   vcpu_run    (vcpu.c) on a thread of its own for each vCPU
 *   vm_stop     from anywhere, once: off, reset, exit, limit, failure
 */
#include "vm.h"

#include "base/assert.h"
#include "base/bits.h"
#include "core/internal.h"

/* ---- Ports that the devices get -------------------------------------------------------------- */

static uint64_t port_now_ns(void *opaque)
{
    return vm_now_ns(opaque);
}

static uint64_t port_wall_s(void *opaque)
{
    const struct vm *vm = opaque;

    return vm->ports.wall_s(vm->ports.opaque);
}

static void port_spi(void *opaque, uint32_t intid, bool level)
{
    struct vm *vm = opaque;

    if (vm->caps.own_gic) {
        vm->config.accel->set_irq(vm, 0, intid, level);
    } else {
        gic_set_spi(vm->gic, intid, level);
    }
}

static void port_ppi(void *opaque, uint32_t intid, bool level)
{
    struct vcpu *vcpu = opaque;
    struct vm *vm = vcpu->vm;

    if (vm->caps.own_gic) {
        vm->config.accel->set_irq(vm, vcpu->index, intid, level);
    } else {
        gic_set_ppi(vm->gic, vcpu->index, intid, level);
    }
}

static void port_cpu_lines(void *opaque, unsigned cpu, bool irq, bool fiq)
{
    struct vm *vm = opaque;
    struct vcpu *vcpu = &vm->vcpu[cpu];

    if (vm->vcpu == NULL) {
        return; /* the GIC is made before the CPUs, with all lines low */
    }
    vm->config.accel->set_lines(vcpu, irq, fiq);
    if (irq || fiq) {
        vm->ports.wake_vcpu(vm->ports.opaque, cpu);
    }
}

static void port_power(void *opaque, enum power_request request, uint32_t status)
{
    static const enum vm_state state[] = {
        [POWER_OFF] = VM_OFF, [POWER_RESET] = VM_RESET, [POWER_EXIT] = VM_EXITED
    };

    vm_stop(opaque, state[request], status);
}

/* ---- Building -------------------------------------------------------------------------------- */

static enum status slot_add(struct vm *vm, const char *name, uint64_t base, uint64_t size, bool rom,
                            struct err *err)
{
    struct mem_slot *slot = &vm->mem.slot[vm->mem.count];

    slot->host = vm->ports.ram_alloc(vm->ports.opaque, size);
    if (slot->host == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_NO_GUEST_MEMORY, (unsigned long long)(size >> 20));
    }
    slot->base = base;
    slot->size = size;
    slot->rom = rom;
    str_copy(slot->name, sizeof(slot->name), name);
    vm->mem.count++;
    return vm->config.accel->ram_map(vm, slot, err);
}

static enum status build_memory(struct vm *vm, struct err *err)
{
    const struct board *board = vm->config.board;
    enum status st = slot_add(vm, "flash", board->flash_base, board->flash_size, true, err);

    return st != ST_OK ? st : slot_add(vm, "ram", board->ram_base, vm->config.ram_size, false, err);
}

static void *arena_alloc(struct vm *vm, size_t size)
{
    return vm->ports.alloc(vm->ports.opaque, size, 64);
}

static enum status lock_make(struct vm *vm, struct lock *lock, struct err *err)
{
    if (vm->ports.lock_create != NULL && vm->ports.lock_create(vm->ports.opaque, lock) != ST_OK) {
        return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    }
    return ST_OK;
}

static void lock_undo(struct vm *vm, struct lock *lock)
{
    if (lock->ops != NULL && vm->ports.lock_destroy != NULL) {
        vm->ports.lock_destroy(vm->ports.opaque, lock);
        lock->ops = NULL;
    }
}

static enum status build_gic(struct vm *vm, struct err *err)
{
    struct gic_config config = {
        .version = vm->config.gic_version,
        .cpus = vm->config.cpus,
        .mpidr = vm->mpidr,
        .port = { port_cpu_lines, vm },
    };
    enum status st = lock_make(vm, &vm->gic_lock, err);

    if (st != ST_OK) {
        return st;
    }
    config.lock = vm->gic_lock;
    vm->gic = arena_alloc(vm, gic_state_size(&config));
    if (vm->gic == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    }
    gic_init(vm->gic, &config);
    return ST_OK;
}

static bool is_gic_window(const struct dev_ops *ops)
{
    return ops == &gic_dist_ops || ops == &gicv2_cpu_ops || ops == &gicv3_redist_ops;
}

/* Gives a device its state and ports, and resets it. */
static enum status build_dev(struct vm *vm, const struct board_row *row, struct err *err)
{
    struct dev *dev = &vm->dev[vm->dev_count];
    enum status st = lock_make(vm, &dev->lock, err);

    if (st != ST_OK) {
        return st;
    }
    vm->dev_count++;
    dev->ops = row->ops;
    dev->base = row->base;
    dev->size = board_row_size(row);
    dev->clock = (struct clock_port){ port_now_ns, port_wall_s, vm };
    dev->power = (struct power_port){ port_power, vm };
    dev->deadline_ns = UINT64_MAX;
    for (unsigned i = 0; i < DEV_IRQS; i++) {
        if (row->spi[i] != 0) {
            dev->irq[i] = (struct irq_line){ port_spi, vm, GIC_PRIVATE + row->spi[i] - 1 };
        }
    }
    if (row->ops == &uart_ops) {
        dev->chars = vm->ports.console;
    }
    if (is_gic_window(row->ops)) {
        dev->state = vm->gic;
        if (row->ops == &gicv3_redist_ops) {
            dev->size = (uint64_t)row->ops->mmio_size * vm->config.cpus;
        }
    } else {
        dev->state = arena_alloc(vm, row->ops->state_size);
        if (dev->state == NULL) {
            return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
        }
        dev->ops->reset(dev);
        dev_rearm(vm, dev);
    }
    return bus_add(&vm->bus, dev) == ST_OK
               ? ST_OK
               : err_set(err, ST_E_INVAL, MSG_BOARD_OVERLAP, dev->ops->name);
}

static enum status build_devs(struct vm *vm, struct err *err)
{
    const struct board_row *row;
    enum status st = build_gic(vm, err);

    for (unsigned i = 0;
         st == ST_OK && (row = board_row_at(vm->config.board, vm->config.gic_version, i)) != NULL;
         i++) {
        if (!vm->caps.own_gic || !is_gic_window(row->ops)) {
            st = build_dev(vm, row, err);
        }
    }
    return st;
}

/*
 * Affinities: GICv2 has 8 CPUs in Aff0. GICv3 keeps Aff0 below 16, the reach of an SGI's target
 * list (IHI 0069, "ICC_SGI1R_EL1"), and continues in Aff1.
 */
static uint64_t mpidr_of(unsigned cpu)
{
    return (uint64_t)(cpu / 16) << 8 | cpu % 16;
}

static enum status build_vcpu(struct vm *vm, unsigned index, struct err *err)
{
    struct vcpu *vcpu = &vm->vcpu[index];
    enum status st = lock_make(vm, &vcpu->timer_lock, err);

    if (st != ST_OK) {
        return st;
    }
    vcpu->vm = vm;
    vcpu->index = index;
    vcpu->mpidr = vm->mpidr[index];
    vcpu->pending = &vcpu->own_pending;
    vcpu->timer_deadline_ns = vcpu->pmu_deadline_ns = UINT64_MAX;
    vcpu->pmu_irq = (struct irq_line){ port_ppi, vcpu, PPI_PMU };
    vcpu->timer.irq[GTIMER_VIRT] = (struct irq_line){ port_ppi, vcpu, PPI_VIRT_TIMER };
    vcpu->timer.irq[GTIMER_PHYS] = (struct irq_line){ port_ppi, vcpu, PPI_PHYS_TIMER };
    vcpu->timer.irq[GTIMER_HYP] = (struct irq_line){ port_ppi, vcpu, PPI_HYP_TIMER };
    return vm->config.accel->vcpu_create(vcpu, err);
}

static enum status build_vcpus(struct vm *vm, struct err *err)
{
    enum status st = ST_OK;

    vm->vcpu = arena_alloc(vm, sizeof(struct vcpu) * vm->config.cpus);
    if (vm->vcpu == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    }
    for (unsigned i = 0; st == ST_OK && i < vm->config.cpus; i++) {
        st = build_vcpu(vm, i, err);
    }
    return st == ST_OK && vm->config.accel->vm_ready != NULL ? vm->config.accel->vm_ready(vm, err)
                                                             : st;
}

enum status accel_probe(const struct accel_ops *accel, struct accel_caps *caps, struct err *err)
{
    struct diagnosis d = { .lang = err != NULL ? err->lang : LANG_EN };

    accel->probe(caps, &d);
    return diagnosis_status(&d, accel->what, err);
}

static enum status build(struct vm *vm, struct err *err)
{
    struct a64_table *table = arena_alloc(vm, a64_table_size());
    enum status st;

    if (table == NULL) {
        return err_set(err, ST_E_NOMEM, MSG_NO_HOST_MEMORY);
    }
    vm->a64 = table;
    const char *bad_row = a64_init(table);
    ASSERT(bad_row == NULL);
    if ((st = accel_probe(vm->config.accel, &vm->caps, err)) != ST_OK ||
        (st = lock_make(vm, &vm->timer_lock, err)) != ST_OK ||
        (st = lock_make(vm, &vm->power_lock, err)) != ST_OK ||
        (st = vm->config.accel->vm_create(vm, err)) != ST_OK) {
        return st;
    }
    vm->accel_made = true;
    if ((st = build_memory(vm, err)) != ST_OK || (st = build_devs(vm, err)) != ST_OK) {
        return st;
    }
    return build_vcpus(vm, err);
}

enum status vm_init(struct vm *vm, const struct vm_config *config, const struct vm_ports *ports,
                    struct err *err)
{
    enum status st;

    memset(vm, 0, sizeof(*vm));
    vm->config = *config;
    vm->ports = *ports;
    vm->next_deadline_ns = UINT64_MAX;
    vm->clock_offset_ns = ports->now_ns(ports->opaque);
    for (unsigned i = 0; i < config->cpus; i++) {
        vm->mpidr[i] = mpidr_of(i);
    }
    st = build(vm, err);
    if (st != ST_OK) {
        vm_fini(vm);
    }
    return st;
}

void vm_fini(struct vm *vm)
{
    const struct vm_ports *ports = &vm->ports;

    for (unsigned i = 0; vm->vcpu != NULL && i < vm->config.cpus; i++) {
        if (vm->vcpu[i].accel_state != NULL) {
            vm->config.accel->vcpu_destroy(&vm->vcpu[i]);
        }
        lock_undo(vm, &vm->vcpu[i].timer_lock);
    }
    for (unsigned i = 0; i < vm->dev_count; i++) {
        if (!is_gic_window(vm->dev[i].ops)) {
            ports->free(ports->opaque, vm->dev[i].state, vm->dev[i].ops->state_size);
        }
        lock_undo(vm, &vm->dev[i].lock);
    }
    if (vm->accel_made) {
        vm->config.accel->vm_destroy(vm);
    }
    for (unsigned i = 0; i < vm->mem.count; i++) {
        ports->ram_free(ports->opaque, vm->mem.slot[i].host, vm->mem.slot[i].size);
    }
    if (vm->gic != NULL) {
        struct gic_config config = { .version = vm->config.gic_version, .cpus = vm->config.cpus };
        ports->free(ports->opaque, vm->gic, gic_state_size(&config));
    }
    if (vm->vcpu != NULL) {
        ports->free(ports->opaque, vm->vcpu, sizeof(struct vcpu) * vm->config.cpus);
    }
    if (vm->a64 != NULL) {
        ports->free(ports->opaque, (void *)(uintptr_t)vm->a64, a64_table_size());
    }
    lock_undo(vm, &vm->gic_lock);
    lock_undo(vm, &vm->timer_lock);
    lock_undo(vm, &vm->power_lock);
    memset(vm, 0, sizeof(*vm));
}

/* ---- Running --------------------------------------------------------------------------------- */

enum status vm_reset(struct vm *vm, struct err *err)
{
    for (unsigned i = 0; i < vm->config.cpus; i++) {
        struct vcpu *vcpu = &vm->vcpu[i];
        atomic_store(&vcpu->power, VCPU_OFF);
        atomic_store(&vcpu->lines, 0);
        atomic_store(vcpu->pending, 0);
        vcpu->stuck_reported = false;
        memset(vcpu->timer.t, 0, sizeof(vcpu->timer.t));
        vcpu->timer.cntvoff = 0;
        vcpu->timer_deadline_ns = vcpu->pmu_deadline_ns = UINT64_MAX;
    }
    gic_reset(vm->gic);
    for (unsigned i = 0; i < vm->dev_count; i++) {
        struct dev *dev = &vm->dev[i];
        if (!is_gic_window(dev->ops)) {
            dev->ops->reset(dev);
            dev_rearm(vm, dev);
        }
    }
    atomic_store(&vm->state, VM_RUNNING);
    return vm->config.accel->vm_reset != NULL ? vm->config.accel->vm_reset(vm, err) : ST_OK;
}

void vm_start(struct vm *vm, const struct vcpu_start *start)
{
    vm->vcpu[0].start = *start;
    atomic_store(&vm->vcpu[0].power, VCPU_ON_PENDING);
    vm->ports.wake_vcpu(vm->ports.opaque, 0);
    /* PSCI of the back end's own: its CPUs that are off wait inside run. */
    for (unsigned i = 1; vm->caps.own_psci && i < vm->config.cpus; i++) {
        vm->vcpu[i].start = (struct vcpu_start){ .el = 1, .off = true };
        atomic_store(&vm->vcpu[i].power, VCPU_ON_PENDING);
        vm->ports.wake_vcpu(vm->ports.opaque, i);
    }
}

void vm_stop(struct vm *vm, enum vm_state state, uint32_t exit_status)
{
    uint32_t running = VM_RUNNING;

    if (!atomic_compare_exchange_strong(&vm->state, &running, state)) {
        return;
    }
    vm->exit_status = exit_status;
    for (unsigned i = 0; i < vm->config.cpus; i++) {
        vcpu_signal(&vm->vcpu[i], PEND_KICK);
    }
    vm->ports.stopped(vm->ports.opaque);
}

struct dev *vm_find_dev(struct vm *vm, const struct dev_ops *ops)
{
    for (unsigned i = 0; i < vm->dev_count; i++) {
        if (vm->dev[i].ops == ops) {
            return &vm->dev[i];
        }
    }
    return NULL;
}

size_t vm_console_input(struct vm *vm, const uint8_t *bytes, size_t len)
{
    struct dev *dev = vm_find_dev(vm, &uart_ops);
    size_t taken;

    if (dev == NULL) {
        return len;
    }
    lock_acquire(&dev->lock);
    taken = dev->ops->receive(dev, bytes, len);
    dev_rearm(vm, dev);
    lock_release(&dev->lock);
    return taken;
}

void vm_power_button(struct vm *vm)
{
    struct dev *dev = vm_find_dev(vm, &gpio_ops);

    if (dev != NULL) {
        lock_acquire(&dev->lock);
        dev->ops->event(dev, GPIO_EVENT_PUSH);
        dev_rearm(vm, dev);
        lock_release(&dev->lock);
    }
}

void vm_send_event(struct vm *vm)
{
    for (unsigned i = 0; i < vm->config.cpus; i++) {
        vcpu_signal(&vm->vcpu[i], PEND_EVENT);
    }
}
