/*
 * state.c - interrupt requests, GIC state, time, dirty pages and notification ports of the simulated platform.
 */
#include "sim.h"

#include <stdatomic.h>
#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#endif

/* ---- Interrupts ------------------------------------------------------------------------------ */

whp_result WHvRequestInterrupt(whp_partition p, const struct whp_interrupt *control, uint32_t size)
{
    whp_result result;
    bool level;

    SIM_ENTER("WHvRequestInterrupt", control->intid);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if (size != sizeof(*control) || control->partition != 0 || control->vtl != 0 ||
        control->reserved0 != 0 || control->reserved1 != 0 ||
        (control->control & ~WHP_INTERRUPT_ASSERTED) != 0) {
        return WHP_E_INVALIDARG;
    }
    if (control->intid < GIC_PRIVATE || control->intid >= GIC_PRIVATE + SIM_LINES) {
        return WHP_HV_INVALID_PARAMETER;
    }
    level = (control->control & WHP_INTERRUPT_ASSERTED) != 0;
    if (control->intid < GIC_LINES) {
        gic_set_spi(p->vm.gic, control->intid, level);
    }
    return 0;
}

/* ---- GIC state ------------------------------------------------------------------------------- */

static struct whp_gic_line line_state(const struct gic_bank *bank, unsigned n)
{
    return (struct whp_gic_line){
        .flags = (uint8_t)((bank->enabled >> n & 1) * WHP_LINE_ENABLED |
                           (bank->edge >> n & 1) * WHP_LINE_EDGE |
                           (bank->level >> n & 1) * WHP_LINE_ASSERTED |
                           (bank->pending >> n & 1) * WHP_LINE_PENDING |
                           (bank->active >> n & 1) * WHP_LINE_ACTIVE),
        .priority = bank->priority[n],
        .active_priority = bank->priority[n],
    };
}

static void set_bit(uint32_t *word, unsigned n, unsigned flag)
{
    *word = flag != 0 ? *word | 1u << n : *word & ~(1u << n);
}

/* Group 1 is the one that there is. */
static void set_line(struct gic_bank *bank, unsigned n, const struct whp_gic_line *line)
{
    set_bit(&bank->group, n, 1);
    set_bit(&bank->enabled, n, line->flags & WHP_LINE_ENABLED);
    set_bit(&bank->edge, n, line->flags & WHP_LINE_EDGE);
    set_bit(&bank->level, n, line->flags & WHP_LINE_ASSERTED);
    set_bit(&bank->pending, n, line->flags & WHP_LINE_PENDING);
    set_bit(&bank->active, n, line->flags & WHP_LINE_ACTIVE);
    bank->priority[n] = line->priority & GIC_PRIO_MASK;
}

static void vp_state(const struct gic_cpu *cpu, struct whp_vp_gic_state *s)
{
    *s = (struct whp_vp_gic_state){
        .version = WHP_GIC_STATE_VERSION,
        .gic_version = 3,
        .igrpen1 = cpu->ctlr >> 1 & 1,
        .bpr1 = cpu->bpr[1],
        .pmr = cpu->pmr,
        .ap1r = { cpu->apr[1] },
    };
    for (unsigned i = 0; i < GIC_PRIVATE; i++) {
        s->line[i] = line_state(&cpu->own, i);
    }
}

static void set_vp_state(struct gic *gic, unsigned index, const struct whp_vp_gic_state *s)
{
    struct gic_cpu *cpu = &gic->cpu[index];

    cpu->ctlr =
        (cpu->ctlr & ~(uint32_t)GICC_CTLR_GRP1) | (s->igrpen1 != 0 ? (uint32_t)GICC_CTLR_GRP1 : 0);
    cpu->bpr[1] = (uint32_t)s->bpr1;
    cpu->pmr = (uint32_t)s->pmr;
    cpu->apr[1] = s->ap1r[0];
    cpu->asleep = 0;
    for (unsigned i = 0; i < GIC_PRIVATE; i++) {
        set_line(&cpu->own, i, &s->line[i]);
    }
    gic_choose_any(gic);
    gic_update_all(gic);
}

#define GLOBAL_SIZE \
    (sizeof(struct whp_global_gic_state) + SIM_LINES * sizeof(struct whp_global_gic_line))

static void global_state(const struct gic *gic, struct whp_global_gic_state *s)
{
    *s = (struct whp_global_gic_state){ .version = WHP_GIC_STATE_VERSION,
                                        .gic_version = 3,
                                        .lines = SIM_LINES,
                                        .enable_grp1a = gic->ctlr >> 1 & 1 };
    for (uint32_t i = 0; i < SIM_LINES; i++) {
        s->line[i] = (struct whp_global_gic_line){ .intid = GIC_PRIVATE + i };
        if (i < GIC_SPIS) {
            s->line[i].target = (uint32_t)gic->route[i];
            s->line[i].line = line_state(&gic->spi[i / 32], i % 32);
        }
    }
}

static void set_global_state(struct gic *gic, const struct whp_global_gic_state *s)
{
    gic->ctlr = s->enable_grp1a != 0 ? (uint32_t)GICD_CTLR_GRP1 : 0;
    for (uint32_t i = 0; i < s->lines && i < GIC_SPIS; i++) {
        set_line(&gic->spi[i / 32], i % 32, &s->line[i].line);
        gic_set_route(gic, GIC_PRIVATE + i, s->line[i].target);
    }
    gic_update_all(gic);
}

/* Size of a state; 0: this VP has no such one. */
static uint32_t state_size(whp_partition p, uint32_t index, uint32_t type)
{
    if (type == (uint32_t)WHP_STATE_VP_GIC && sim_vp_of(p, index) != NULL) {
        return sizeof(struct whp_vp_gic_state);
    }
    return type == (uint32_t)WHP_STATE_GLOBAL_GIC && index == WHP_ANY_VP ? GLOBAL_SIZE : 0;
}

static whp_result check_state(whp_partition p, uint32_t index, uint32_t type, uint32_t *size)
{
    whp_result result = sim_check(p, SIM_SET_UP);

    if (result != 0) {
        return result;
    }
    *size = state_size(p, index, type);
    if (*size == 0) {
        return index != WHP_ANY_VP && sim_vp_of(p, index) == NULL ? WHP_E_VP_ABSENT
                                                                  : WHP_E_INVALIDARG;
    }
    return sim_any_running(p) ? WHP_E_INVALID_VP_STATE : 0;
}

whp_result WHvGetVirtualProcessorState(whp_partition p, uint32_t index, uint32_t type, void *buf,
                                       uint32_t size, uint32_t *written)
{
    uint32_t needed;
    whp_result result;

    SIM_ENTER("WHvGetVirtualProcessorState", type);
    if ((result = check_state(p, index, type, &needed)) != 0) {
        return result;
    }
    if (written != NULL) {
        *written = needed;
    }
    if (buf == NULL || size < needed) {
        return WHP_E_INSUFFICIENT_BUFFER;
    }
    lock_acquire(&p->vm.gic->lock);
    if (index == WHP_ANY_VP) {
        global_state(p->vm.gic, buf);
    } else {
        vp_state(&p->vm.gic->cpu[index], buf);
    }
    lock_release(&p->vm.gic->lock);
    return 0;
}

whp_result WHvSetVirtualProcessorState(whp_partition p, uint32_t index, uint32_t type,
                                       const void *buf, uint32_t size)
{
    uint32_t needed;
    whp_result result;

    SIM_ENTER("WHvSetVirtualProcessorState", type);
    if ((result = check_state(p, index, type, &needed)) != 0) {
        return result;
    }
    if (size != needed || ((const uint8_t *)buf)[0] != WHP_GIC_STATE_VERSION) {
        return WHP_E_INVALIDARG;
    }
    lock_acquire(&p->vm.gic->lock);
    if (index == WHP_ANY_VP) {
        set_global_state(p->vm.gic, buf);
    } else {
        set_vp_state(p->vm.gic, index, buf);
    }
    lock_release(&p->vm.gic->lock);
    return 0;
}

/* ---- Time ------------------------------------------------------------------------------------ */

whp_result WHvSuspendPartitionTime(whp_partition p)
{
    whp_result result;

    SIM_ENTER("WHvSuspendPartitionTime", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if (sim_any_running(p)) {
        return WHP_E_INVALID_STATE;
    }
    p->stopped_ns = p->stopped_ns != 0 ? p->stopped_ns : sim_now_ns(p);
    return 0;
}

whp_result WHvResumePartitionTime(whp_partition p)
{
    whp_result result;

    SIM_ENTER("WHvResumePartitionTime", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if (p->stopped_ns != 0) {
        p->vm.clock_offset_ns += sim_now_ns(p) - p->stopped_ns;
        p->stopped_ns = 0;
        p->vm.ports.wake_timers(p);
    }
    return 0;
}

/* ---- Dirty pages ----------------------------------------------------------------------------- */

/* The software CPU keeps no record: a page is dirty if its bytes are others than at the last query. */
whp_result WHvQueryGpaRangeDirtyBitmap(whp_partition p, uint64_t gpa, uint64_t size,
                                       uint64_t *bitmap, uint32_t bytes)
{
    const struct sim_map *m;
    uint64_t pages = size / WHP_PAGE;
    whp_result result;

    SIM_ENTER("WHvQueryGpaRangeDirtyBitmap", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if (size == 0 || (gpa | size) % WHP_PAGE != 0 ||
        (bitmap != NULL && bytes < align_up(pages, 64) / 8)) {
        return WHP_E_INVALIDARG;
    }
    m = sim_find_map(p, gpa);
    if (m == NULL || m->shadow == NULL || !range_inside(gpa, size, m->base, m->size)) {
        return WHP_E_GPA_RANGE_NOT_FOUND;
    }
    if (bitmap != NULL) {
        memset(bitmap, 0, bytes);
    }
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t at = gpa - m->base + i * WHP_PAGE;
        if (memcmp(m->host + at, m->shadow + at, WHP_PAGE) != 0) {
            memcpy(m->shadow + at, m->host + at, WHP_PAGE);
            if (bitmap != NULL) {
                bitmap[i / 64] |= 1ull << i % 64;
            }
        }
    }
    return 0;
}

/* ---- Ports ----------------------------------------------------------------------------------- */

static void signal_event(whp_handle event)
{
#ifdef _WIN32
    SetEvent(event);
#else
    *(unsigned *)event += 1; /* unit tests: a counter */
#endif
}

static bool matches(const struct whp_doorbell *d, uint64_t ipa, unsigned size, uint64_t value)
{
    return d->gpa == ipa && ((d->flags & WHP_DOORBELL_MATCH_LENGTH) == 0 || d->length == size) &&
           ((d->flags & WHP_DOORBELL_MATCH_VALUE) == 0 || d->value == value);
}

bool sim_ring(struct whp_partition_object *p, uint64_t ipa, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < SIM_PORTS_MAX; i++) {
        if (p->port[i].used && matches(&p->port[i].match, ipa, size, value)) {
            signal_event(p->port[i].event);
            return true;
        }
    }
    return false;
}

static bool is_well_formed(const struct whp_doorbell *d)
{
    bool length = (d->flags & WHP_DOORBELL_MATCH_LENGTH) != 0;
    bool value = (d->flags & WHP_DOORBELL_MATCH_VALUE) != 0;

    if (length ? !is_power_of_two(d->length) || d->length > 8 : d->length != 0) {
        return false;
    }
    return d->flags < 4 && (value ? length : d->value == 0) &&
           d->gpa % WHP_PAGE + d->length <= WHP_PAGE;
}

whp_result WHvCreateNotificationPort(whp_partition p, const struct whp_port_parameters *parameters,
                                     whp_handle event, whp_handle *port)
{
    whp_result result;

    SIM_ENTER("WHvCreateNotificationPort", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if (parameters->type != WHP_PORT_DOORBELL || parameters->reserved0 != 0 ||
        parameters->reserved1 != 0 || parameters->vtl != 0 || event == NULL ||
        !is_well_formed(&parameters->doorbell)) {
        return WHP_E_INVALIDARG;
    }
    for (unsigned i = 0; i < SIM_PORTS_MAX; i++) {
        if (!p->port[i].used) {
            p->port[i] =
                (struct sim_port){ .used = true, .match = parameters->doorbell, .event = event };
            *port = &p->port[i];
            return 0;
        }
    }
    return WHP_HV_NO_RESOURCES;
}

whp_result WHvDeleteNotificationPort(whp_partition p, whp_handle port)
{
    struct sim_port *at = port;
    whp_result result;

    SIM_ENTER("WHvDeleteNotificationPort", UINT64_MAX);
    if ((result = sim_check(p, SIM_SET_UP)) != 0) {
        return result;
    }
    if (at < p->port || at >= p->port + SIM_PORTS_MAX || !at->used) {
        return WHP_E_NOT_FOUND;
    }
    at->used = false;
    return 0;
}
