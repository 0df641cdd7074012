/*
 * state.c - what lies in the hypervisor beside the registers: GIC state, the guest's time, pages that were written; and
 * stores that only set an event.
 *
 * All of it is optional in the platform: where a function is missing, ST_E_NOTSUP.
 */
#include "accel/whp/whp.h"

#include "base/bits.h"
#include "base/string.h"

static enum status missing(struct err *err, const char *name)
{
    return err_set(err, ST_E_NOTSUP, MSG_WHP_NO_FUNCTION, name);
}

/* ---- GIC ------------------------------------------------------------------------------------- */

static enum status get_state(struct vm *vm, uint32_t vp, uint32_t type, void *buf, size_t size,
                             uint32_t *written, struct err *err)
{
    const struct whp_vm *w = whp_of(vm);
    whp_result result;

    if (w->api.WHvGetVirtualProcessorState == NULL) {
        return missing(err, "WHvGetVirtualProcessorState");
    }
    result =
        w->api.WHvGetVirtualProcessorState(w->partition, vp, type, buf, (uint32_t)size, written);
    return result < 0 ? whp_fail(err, "WHvGetVirtualProcessorState", result) : ST_OK;
}

static enum status set_state(struct vm *vm, uint32_t vp, uint32_t type, const void *buf,
                             size_t size, struct err *err)
{
    const struct whp_vm *w = whp_of(vm);
    whp_result result;

    if (w->api.WHvSetVirtualProcessorState == NULL) {
        return missing(err, "WHvSetVirtualProcessorState");
    }
    result = w->api.WHvSetVirtualProcessorState(w->partition, vp, type, buf, (uint32_t)size);
    return result < 0 ? whp_fail(err, "WHvSetVirtualProcessorState", result) : ST_OK;
}

static enum status check_version(uint8_t version, struct err *err)
{
    return version == WHP_GIC_STATE_VERSION
               ? ST_OK
               : err_set(err, ST_E_FORMAT, MSG_WHP_GIC_VERSION, version, WHP_GIC_STATE_VERSION);
}

enum status whp_gic_save(struct vcpu *vcpu, struct whp_vp_gic_state *state, struct err *err)
{
    uint32_t written = 0;
    enum status st = get_state(vcpu->vm, vcpu->index, (uint32_t)WHP_STATE_VP_GIC, state,
                               sizeof(*state), &written, err);

    return st != ST_OK ? st : check_version(state->version, err);
}

enum status whp_gic_restore(struct vcpu *vcpu, const struct whp_vp_gic_state *state,
                            struct err *err)
{
    enum status st = check_version(state->version, err);

    return st != ST_OK ? st
                       : set_state(vcpu->vm, vcpu->index, (uint32_t)WHP_STATE_VP_GIC, state,
                                   sizeof(*state), err);
}

enum status whp_gic_global_save(struct vm *vm, struct whp_global_gic_state *state, size_t size,
                                struct err *err)
{
    uint32_t written = 0;
    enum status st =
        get_state(vm, WHP_ANY_VP, (uint32_t)WHP_STATE_GLOBAL_GIC, state, size, &written, err);

    return st != ST_OK ? st : check_version(state->version, err);
}

enum status whp_gic_global_restore(struct vm *vm, const struct whp_global_gic_state *state,
                                   size_t size, struct err *err)
{
    enum status st = check_version(state->version, err);

    return st != ST_OK
               ? st
               : set_state(vm, WHP_ANY_VP, (uint32_t)WHP_STATE_GLOBAL_GIC, state, size, err);
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* No vCPU runs. Time goes on with the next run by itself, too. */
void whp_stop_time(struct vm *vm, bool stop)
{
    const struct whp_vm *w = whp_of(vm);
    whp_result (*call)(whp_partition) =
        stop ? w->api.WHvSuspendPartitionTime : w->api.WHvResumePartitionTime;
    whp_result result = call != NULL ? call(w->partition) : 0;

    if (result < 0) {
        whp_stop(vm, stop ? "WHvSuspendPartitionTime" : "WHvResumePartitionTime", result);
    }
}

/* ---- Pages that were written ----------------------------------------------------------------- */

enum status whp_track_dirty(struct vm *vm, const struct mem_slot *slot, bool track, struct err *err)
{
    const struct whp_vm *w = whp_of(vm);
    uint64_t features = 0;
    uint32_t flags =
        WHP_MAP_READ | WHP_MAP_EXECUTE | WHP_MAP_WRITE | (track ? WHP_MAP_TRACK_DIRTY : 0);
    whp_result result;

    if (!whp_capability(&w->api, WHP_CAP_FEATURES, &features, sizeof(features)) ||
        (features & WHP_FEATURE_DIRTY_TRACKING) == 0) {
        return err_set(err, ST_E_NOTSUP, MSG_WHP_NO_DIRTY);
    }
    /* A mapping over another replaces it. */
    result = w->api.WHvMapGpaRange(w->partition, slot->host, slot->base, slot->size, flags);
    return result < 0 ? whp_fail(err, "WHvMapGpaRange", result) : ST_OK;
}

enum status whp_dirty_pages(struct vm *vm, uint64_t ipa, uint64_t len, uint64_t *bitmap,
                            struct err *err)
{
    const struct whp_vm *w = whp_of(vm);
    uint32_t bytes = (uint32_t)(align_up(len / WHP_PAGE, 64) / 8);
    whp_result result;

    if (w->api.WHvQueryGpaRangeDirtyBitmap == NULL) {
        return missing(err, "WHvQueryGpaRangeDirtyBitmap");
    }
    result = w->api.WHvQueryGpaRangeDirtyBitmap(w->partition, ipa, len, bitmap, bytes);
    return result < 0 ? whp_fail(err, "WHvQueryGpaRangeDirtyBitmap", result) : ST_OK;
}

/* ---- Doorbells ------------------------------------------------------------------------------- */

enum status whp_doorbell_create(struct vm *vm, uint64_t ipa, unsigned size, const uint64_t *value,
                                whp_handle event, whp_handle *port, struct err *err)
{
    const struct whp_vm *w = whp_of(vm);
    struct whp_port_parameters p = { .type = WHP_PORT_DOORBELL };
    whp_result result;

    if (w->api.WHvCreateNotificationPort == NULL || w->api.WHvDeleteNotificationPort == NULL) {
        return missing(err, "WHvCreateNotificationPort");
    }
    p.doorbell =
        (struct whp_doorbell){ .gpa = ipa, .length = size, .flags = WHP_DOORBELL_MATCH_LENGTH };
    if (value != NULL) {
        p.doorbell.value = *value;
        p.doorbell.flags |= WHP_DOORBELL_MATCH_VALUE;
    }
    result = w->api.WHvCreateNotificationPort(w->partition, &p, event, port);
    return result < 0 ? whp_fail(err, "WHvCreateNotificationPort", result) : ST_OK;
}

void whp_doorbell_destroy(struct vm *vm, whp_handle port)
{
    const struct whp_vm *w = whp_of(vm);

    (void)w->api.WHvDeleteNotificationPort(w->partition, port);
}
