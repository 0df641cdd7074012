/*
 * partition.c - partitions: made, given properties, set up; and their memory.
 *
 * Set-up builds a machine of the core with one device, the distributor; each VP adds its redistributor where GicrBaseGpa says.
 * Memory is not the core's but what the caller maps.
 */
#include "sim.h"

#include <stdatomic.h>

/* The partition that has memory: one per process. */
static _Atomic(struct whp_partition_object *) mapped;

whp_result sim_check(whp_partition partition, enum sim_state state)
{
    if (partition == NULL) {
        return WHP_E_INVALIDARG;
    }
    if (partition->magic != SIM_MAGIC || partition->state == SIM_DELETED) {
        sim_violation("a partition was used after its deletion");
    }
    return partition->state == state ? 0 : WHP_E_INVALID_STATE;
}

struct sim_vp *sim_vp_of(whp_partition partition, uint32_t index)
{
    return index < partition->count && partition->vp[index].exists ? &partition->vp[index] : NULL;
}

bool sim_any_running(const struct whp_partition_object *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (atomic_load(&p->vp[i].running)) {
            return true;
        }
    }
    return false;
}

uint64_t sim_now_ns(const struct whp_partition_object *p)
{
    return host_now_ns() * p->faster;
}

uint64_t sim_host_time(const struct whp_partition_object *p, uint64_t guest_ns)
{
    return guest_ns > UINT64_MAX - p->vm.clock_offset_ns
               ? UINT64_MAX
               : (guest_ns + p->vm.clock_offset_ns) / p->faster;
}

/* ---- What the core's machine is lent --------------------------------------------------------- */

static void *port_alloc(void *opaque, size_t size, size_t align)
{
    return host_alloc(size, align);
}
static void port_free(void *opaque, void *p, size_t size)
{
    host_free(p);
}
static void *port_code_alloc(void *opaque, size_t size, void **writable)
{
    return host_code_map(size, writable, false);
}
static void port_code_free(void *opaque, void *p, void *writable, size_t size)
{
    host_code_unmap(p, writable, size);
}

/* The core asks for memory when it builds a machine; ours is forgotten then. */
static void *port_ram_alloc(void *opaque, uint64_t size)
{
    return opaque;
}
static void port_ram_free(void *opaque, void *p, uint64_t size) {}

static void mutex_acquire(void *impl)
{
    host_mutex_lock(impl);
}
static void mutex_release(void *impl)
{
    host_mutex_unlock(impl);
}
static enum status port_lock_create(void *opaque, struct lock *lock)
{
    static const struct lock_ops ops = { mutex_acquire, mutex_release };

    lock->ops = &ops;
    lock->impl = host_mutex_create();
    return lock->impl != NULL ? ST_OK : ST_E_NOMEM;
}
static void port_lock_destroy(void *opaque, struct lock *lock)
{
    host_mutex_destroy(lock->impl);
}

static uint64_t port_now_ns(void *opaque)
{
    const struct whp_partition_object *p = opaque;

    return p->stopped_ns != 0 ? p->stopped_ns : sim_now_ns(p);
}
static uint64_t port_wall_s(void *opaque)
{
    return host_wall_s();
}
static void port_random(void *opaque, void *buf, size_t len)
{
    host_random(buf, len);
}

static void port_wake_timers(void *opaque)
{
    struct whp_partition_object *p = opaque;

    host_mutex_lock(p->timer_lock);
    p->timer_woken = true;
    host_cond_signal(p->timer_cond);
    host_mutex_unlock(p->timer_lock);
}

static void port_stopped(void *opaque) {}

static size_t port_console(void *opaque, const uint8_t *bytes, size_t len)
{
    return len;
}

static struct vm_ports ports_of(struct whp_partition_object *p)
{
    return (struct vm_ports){
        .opaque = p,
        .alloc = port_alloc,
        .free = port_free,
        .code_alloc = port_code_alloc,
        .code_free = port_code_free,
        .ram_alloc = port_ram_alloc,
        .ram_free = port_ram_free,
        .lock_create = port_lock_create,
        .lock_destroy = port_lock_destroy,
        .now_ns = port_now_ns,
        .wall_s = port_wall_s,
        .random = port_random,
        .wake_vcpu = sim_wake,
        .wake_timers = port_wake_timers,
        .stopped = port_stopped,
        .absent = sim_absent,
        .console = { port_console, p },
    };
}

/* ---- Timers ---------------------------------------------------------------------------------- */

static void timer_main(void *arg)
{
    struct whp_partition_object *p = arg;
    uint64_t next;

    for (;;) {
        next = vm_poll_timers(&p->vm);
        next = p->stopped_ns != 0 ? UINT64_MAX : sim_host_time(p, next);
        host_mutex_lock(p->timer_lock);
        while (!p->timer_woken && !p->timer_ends &&
               host_cond_wait(p->timer_cond, p->timer_lock, next)) {
        }
        p->timer_woken = false;
        bool ends = p->timer_ends;
        host_mutex_unlock(p->timer_lock);
        if (ends) {
            return;
        }
    }
}

/* ---- Create, properties, set-up -------------------------------------------------------------- */

whp_result WHvCreatePartition(whp_partition *partition)
{
    struct whp_partition_object *p;

    SIM_ENTER("WHvCreatePartition", UINT64_MAX);
    if (sim_is("hypervisor", "off")) {
        return WHP_HV_NOT_PRESENT;
    }
    p = host_alloc(sizeof(*p), 64);
    if (p == NULL) {
        return WHP_E_OUTOFMEMORY;
    }
    p->magic = SIM_MAGIC;
    p->pa_bits = 40;
    p->faster = sim_number("faster", 1);
    *partition = p;
    return 0;
}

static whp_result set_ic(struct whp_partition_object *p, const struct whp_ic_parameters *ic)
{
    if (ic->mode > WHP_IC_GICV3 || ((ic->gicd_base | ic->gits_translater_base) & 0xffff) != 0 ||
        ic->lpi_bits > 16 || ic->timer_ppi < 16 || ic->timer_ppi > 31 || ic->pmu_ppi < 16 ||
        ic->pmu_ppi > 31 || ic->reserved0 != 0 || ic->reserved1 != 0) {
        return WHP_E_INVALIDARG;
    }
    p->ic = *ic;
    p->ic_set = ic->mode == WHP_IC_GICV3;
    return 0;
}

/* Exact sizes and that of the whole union are both taken. */
static bool is_size(uint32_t size, uint32_t exact)
{
    return size == exact || size == 64;
}

static whp_result set_property(struct whp_partition_object *p, uint32_t code, const void *buf,
                               uint32_t size)
{
    uint64_t value = 0;

    memcpy(&value, buf, size < 8 ? size : 8);
    switch (code) {
    case WHP_PROP_PROCESSOR_COUNT:
        p->count = (uint32_t)value;
        return is_size(size, 4) && p->count >= 1 && p->count <= SIM_HV_CPUS ? 0 : WHP_E_INVALIDARG;
    case WHP_PROP_IC_PARAMETERS: return size == 64 ? set_ic(p, buf) : WHP_E_INVALIDARG;
    case WHP_PROP_PA_WIDTH:
        p->pa_bits = (uint32_t)value;
        return is_size(size, 4) && p->pa_bits >= 32 && p->pa_bits <= sim_pa_bits()
                   ? 0
                   : WHP_HV_VALUE_OUT_OF_RANGE;
    case WHP_PROP_PROCESSOR_BANKS:
        return is_size(size, sizeof(struct whp_feature_banks)) && (uint32_t)value == 2
                   ? 0
                   : WHP_E_INVALIDARG;
    case WHP_PROP_EXTENDED_VM_EXITS:
        if ((value & ~WHP_EXTENDED_HYPERCALL) != 0 || sim_is("hypercall", "off")) {
            return WHP_HV_VALUE_OUT_OF_RANGE;
        }
        p->extended_exits = value;
        return is_size(size, 8) ? 0 : WHP_E_INVALIDARG;
    default: return WHP_E_UNKNOWN_PROPERTY;
    }
}

whp_result WHvSetPartitionProperty(whp_partition p, uint32_t code, const void *buf, uint32_t size)
{
    SIM_ENTER("WHvSetPartitionProperty", code);
    if (p == NULL || buf == NULL) {
        return WHP_E_INVALIDARG;
    }
    if (sim_check(p, SIM_CREATED) != 0 && code != WHP_PROP_EXTENDED_VM_EXITS) {
        return WHP_E_INVALIDARG; /* too late */
    }
    return set_property(p, code, buf, size);
}

static whp_result build(struct whp_partition_object *p)
{
    const struct soft_model *model = sim_model();
    struct vm_ports ports = ports_of(p);
    struct vm_config config = {
        .board = &p->board,
        .accel = &accel_soft,
        .gic_version = 3,
        .cpus = p->count,
        .ram_size = WHP_PAGE,
        .features = model->features,
        .cpu_model = model->name,
    };

    p->rows[0] = (struct board_row){ .ops = &gic_dist_ops, .base = p->ic.gicd_base };
    p->board = (struct board){
        .name = "whp", .rows = p->rows, .flash_size = WHP_PAGE, .ram_base = WHP_PAGE
    };
    p->timer_lock = host_mutex_create();
    p->timer_cond = host_cond_create();
    p->gate = host_mutex_create();
    p->gate_opens = host_cond_create();
    p->gate_empty = host_cond_create();
    for (unsigned i = 0; i < p->count; i++) {
        p->vp[i].partition = p;
        p->vp[i].index = i;
        p->vp[i].lock = host_mutex_create();
        p->vp[i].cond = host_cond_create();
    }
    if (vm_init(&p->vm, &config, &ports, NULL) != ST_OK) {
        return WHP_E_OUTOFMEMORY;
    }
    memset(&p->vm.mem, 0, sizeof(p->vm.mem));
    return host_thread_create(&p->timer_thread, "whp timers", timer_main, p, NULL) == ST_OK
               ? 0
               : WHP_E_OUTOFMEMORY;
}

whp_result WHvSetupPartition(whp_partition p)
{
    whp_result result;

    SIM_ENTER("WHvSetupPartition", UINT64_MAX);
    if ((result = sim_check(p, SIM_CREATED)) != 0) {
        return result;
    }
    if (p->count == 0 || !p->ic_set) {
        return WHP_E_INVALID_PARTITION_CONFIG;
    }
    result = build(p);
    p->state = SIM_SET_UP;
    return result;
}

static void tear_down(struct whp_partition_object *p)
{
    host_mutex_lock(p->timer_lock);
    p->timer_ends = true;
    host_cond_signal(p->timer_cond);
    host_mutex_unlock(p->timer_lock);
    host_thread_join(p->timer_thread);
    vm_fini(&p->vm);
    for (unsigned i = 0; i < p->count; i++) {
        host_mutex_destroy(p->vp[i].lock);
        host_cond_destroy(p->vp[i].cond);
    }
    for (unsigned i = 0; i < p->maps; i++) {
        host_free(p->map[i].shadow);
    }
    host_mutex_destroy(p->timer_lock);
    host_cond_destroy(p->timer_cond);
    host_mutex_destroy(p->gate);
    host_cond_destroy(p->gate_opens);
    host_cond_destroy(p->gate_empty);
}

whp_result WHvDeletePartition(whp_partition p)
{
    struct whp_partition_object *self = p;

    SIM_ENTER("WHvDeletePartition", UINT64_MAX);
    if (p == NULL) {
        return WHP_E_INVALIDARG;
    }
    (void)sim_check(p, SIM_SET_UP);
    if (sim_any_running(p)) {
        sim_violation("a partition was deleted while a processor runs");
    }
    if (p->state == SIM_SET_UP) {
        tear_down(p);
    }
    atomic_compare_exchange_strong(&mapped, &self, NULL);
    p->state = SIM_DELETED;
    host_free(p);
    return 0;
}

/* ---- The gate -------------------------------------------------------------------------------- */

void sim_gate_enter(struct whp_partition_object *p)
{
    host_mutex_lock(p->gate);
    while (p->gate_closed) {
        host_cond_wait(p->gate_opens, p->gate, UINT64_MAX);
    }
    p->executing++;
    host_mutex_unlock(p->gate);
}

void sim_gate_leave(struct whp_partition_object *p)
{
    host_mutex_lock(p->gate);
    p->executing--;
    host_cond_signal(p->gate_empty);
    host_mutex_unlock(p->gate);
}

/* No VP executes guest code until gate_open. */
static void gate_close(struct whp_partition_object *p)
{
    host_mutex_lock(p->gate);
    p->gate_closed = true;
    for (unsigned i = 0; i < p->count; i++) {
        vcpu_signal(&p->vm.vcpu[i], PEND_KICK);
    }
    while (p->executing != 0) {
        host_cond_wait(p->gate_empty, p->gate, UINT64_MAX);
    }
    host_mutex_unlock(p->gate);
}

static void gate_open(struct whp_partition_object *p)
{
    static const struct inval all = { .kind = INVAL_ALL }, code = { .kind = INVAL_CODE_ALL };

    for (unsigned i = 0; i < p->count; i++) {
        inval_post(p->vm.vcpu[i].accel_state, &all);
        inval_post(p->vm.vcpu[i].accel_state, &code);
    }
    host_mutex_lock(p->gate);
    p->gate_closed = false;
    for (unsigned i = 0; i < p->count; i++) {
        host_cond_signal(p->gate_opens);
    }
    host_mutex_unlock(p->gate);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* The core's slots, sorted, from the mappings. */
static void remake_slots(struct whp_partition_object *p)
{
    struct guest_mem *mem = &p->vm.mem;

    mem->count = 0;
    for (unsigned i = 0; i < p->maps; i++) {
        const struct sim_map *m = &p->map[i];
        unsigned at = 0;
        while (at < mem->count && mem->slot[at].base < m->base) {
            at++;
        }
        memmove(&mem->slot[at + 1], &mem->slot[at], (mem->count - at) * sizeof(mem->slot[0]));
        mem->slot[at] = (struct mem_slot){ .base = m->base,
                                           .size = m->size,
                                           .host = m->host,
                                           .rom = (m->flags & WHP_MAP_WRITE) == 0 };
        mem->count++;
    }
}

const struct sim_map *sim_find_map(const struct whp_partition_object *p, uint64_t gpa)
{
    for (unsigned i = 0; i < p->maps; i++) {
        if (gpa - p->map[i].base < p->map[i].size) {
            return &p->map[i];
        }
    }
    return NULL;
}

/* Takes out the mapping of exactly this range. 0: it was there. */
static bool remove_map(struct whp_partition_object *p, uint64_t gpa, uint64_t size)
{
    for (unsigned i = 0; i < p->maps; i++) {
        if (p->map[i].base == gpa && p->map[i].size == size) {
            host_free(p->map[i].shadow);
            p->map[i] = p->map[--p->maps];
            return true;
        }
    }
    return false;
}

static bool overlaps(const struct whp_partition_object *p, uint64_t gpa, uint64_t size)
{
    for (unsigned i = 0; i < p->maps; i++) {
        if (range_overlap(gpa, size, p->map[i].base, p->map[i].size)) {
            return true;
        }
    }
    return false;
}

static whp_result check_map(const struct whp_partition_object *p, const void *host, uint64_t gpa,
                            uint64_t size, uint32_t flags)
{
    uint64_t all = (uint64_t)(uintptr_t)host | gpa | size;

    if (host == NULL || size == 0 || all % WHP_PAGE != 0 || gpa + size < gpa ||
        (gpa + size - 1) >> p->pa_bits != 0 || (flags & WHP_MAP_READ) == 0 || flags > 15) {
        return WHP_E_INVALIDARG;
    }
    return 0;
}

static bool claim_process(struct whp_partition_object *p)
{
    struct whp_partition_object *nobody = NULL;

    return sim_is("second", "on") || atomic_load(&mapped) == p ||
           atomic_compare_exchange_strong(&mapped, &nobody, p);
}

static whp_result map_range(struct whp_partition_object *p, const struct sim_map *new)
{
    struct sim_map *m;

    remove_map(p, new->base, new->size);
    if (overlaps(p, new->base, new->size) || p->maps == VM_SLOTS_MAX) {
        return WHP_E_INVALIDARG; /* this simulation does not split mappings */
    }
    m = &p->map[p->maps++];
    *m = *new;
    if ((m->flags & WHP_MAP_TRACK_DIRTY) != 0) {
        m->shadow = host_alloc((size_t)m->size, 64);
        memcpy(m->shadow, m->host, (size_t)m->size);
    }
    return 0;
}

whp_result WHvMapGpaRange(whp_partition p, void *host, uint64_t gpa, uint64_t size, uint32_t flags)
{
    struct sim_map m = { .base = gpa, .size = size, .host = host, .flags = flags };
    whp_result result;

    SIM_ENTER("WHvMapGpaRange", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0 ||
        (result = check_map(p, host, gpa, size, flags)) != 0) {
        return result;
    }
    if (!claim_process(p)) {
        return WHP_E_SECOND_PARTITION;
    }
    gate_close(p);
    result = map_range(p, &m);
    remake_slots(p);
    gate_open(p);
    return result;
}

whp_result WHvUnmapGpaRange(whp_partition p, uint64_t gpa, uint64_t size)
{
    whp_result result;
    bool partial;

    SIM_ENTER("WHvUnmapGpaRange", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if (size == 0 || (gpa | size) % WHP_PAGE != 0) {
        return WHP_E_INVALIDARG;
    }
    gate_close(p);
    partial = !remove_map(p, gpa, size) && overlaps(p, gpa, size);
    remake_slots(p);
    gate_open(p);
    return partial ? WHP_E_INVALIDARG : 0; /* without the feature PartialUnmap */
}

/* Nothing comes of it here: memory is there. */
whp_result WHvAdviseGpaRange(whp_partition p, const struct whp_range *ranges, uint32_t count,
                             uint32_t advice, const void *buf, uint32_t size)
{
    whp_result result;

    SIM_ENTER("WHvAdviseGpaRange", advice);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if (advice != WHP_ADVICE_POPULATE || buf == NULL || size != sizeof(struct whp_populate)) {
        return WHP_E_INVALIDARG;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (sim_find_map(p, ranges[i].gpa) == NULL) {
            return WHP_E_GPA_RANGE_NOT_FOUND;
        }
    }
    return 0;
}
