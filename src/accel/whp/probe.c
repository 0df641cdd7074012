/*
 * probe.c - what this host's WHP is like, for accel/detect to judge; and failures of calls in words.
 *
 *   library in System32 -> its functions -> hypervisor runs -> it has ARM64 guests -> a partition can be made
 */
#include "accel/whp/whp.h"

#include "base/compiler.h"
#include "base/string.h"

#define DEFAULT_PA_BITS 40         /* of a partition that sets none */
#define TRIAL_PA_BITS   32         /* which any host has */
#define TRIAL_GICD      0x08000000 /* where nothing is */

/* ---- Failures -------------------------------------------------------------------------------- */

enum status whp_fail(struct err *err, const char *call, whp_result result)
{
    struct diagnosis d = { .lang = err != NULL ? err->lang : LANG_EN };

    whp_detect_call(call, (uint32_t)result, &d);
    return diagnosis_status(&d, accel_whp.what, err);
}

void whp_exit_fail(struct vcpu *vcpu, struct vcpu_exit *exit, const char *call, whp_result result)
{
    struct err err = { .lang = vcpu->vm->ports.lang };

    (void)whp_fail(&err, call, result);
    exit->kind = EXIT_FAIL;
    str_copy(exit->fail.text, sizeof(exit->fail.text), err.text);
}

void whp_stop(struct vm *vm, const char *call, whp_result result)
{
    struct err err = { .lang = vm->ports.lang };

    (void)whp_fail(&err, call, result);
    lock_acquire(&vm->power_lock);
    if (vm->fail_text[0] == 0) {
        str_copy(vm->fail_text, sizeof(vm->fail_text), err.text);
    }
    lock_release(&vm->power_lock);
    vm_stop(vm, VM_FAILED, 0);
}

/* ---- Facts ----------------------------------------------------------------------------------- */

bool whp_capability(const struct whp_api *api, uint32_t code, void *value, uint32_t size)
{
    _Alignas(16) uint8_t buf[32] = { 0 }; /* room for any capability */
    uint32_t written = 0;

    memcpy(buf, value, size);
    if (api->WHvGetCapability(code, buf, size, &written) < 0 || written < size) {
        return false;
    }
    memcpy(value, buf, size);
    return true;
}

/*
 * On x86-64 a library of the same name is for x86 guests. Which it is, it says itself, by the vendor of the processors that it
 * has; so one that simulates ARM64 there is taken for what it is.
 */
static bool is_for_arm(const struct whp_api *api)
{
    uint32_t vendor = 0;

    return api->WHvGetCapability != NULL &&
           whp_capability(api, WHP_CAP_PROCESSOR_VENDOR, &vendor, sizeof(vendor)) &&
           vendor == WHP_VENDOR_ARM;
}

static bool ask_library(const struct whp_api *api, struct whp_facts *f)
{
    uint32_t present = 0, written = 0;
    uint64_t features = 0;
    whp_result result =
        api->WHvGetCapability(WHP_CAP_HYPERVISOR_PRESENT, &present, sizeof(present), &written);

    f->present_hr = result < 0 ? (uint32_t)result : 0;
    f->present = present != 0;
    if (f->present_hr != 0 || !f->present) {
        return false;
    }
    result = api->WHvGetCapability(WHP_CAP_FEATURES, &features, sizeof(features), &written);
    f->features_hr = result < 0 ? (uint32_t)result : 0;
    f->arm64_support = (features & WHP_FEATURE_ARM64) != 0;
    return f->features_hr == 0 && f->arm64_support;
}

/*
 * The last word, because much of what forbids WHP shows nowhere else: a machine of one processor, without memory. Hosts are
 * known that have all of the above and fail here.
 */
static void try_partition(const struct whp_api *api, struct whp_facts *f)
{
    whp_partition partition = NULL;
    whp_result result = api->WHvCreatePartition(&partition), deleted;

    if (result < 0) {
        f->failed_call = "WHvCreatePartition";
        f->failed_hr = (uint32_t)result;
        return;
    }
    f->failed_call = whp_configure(api, partition, 1, TRIAL_GICD, TRIAL_PA_BITS, &result);
    if (f->failed_call == NULL && (result = api->WHvSetupPartition(partition)) < 0) {
        f->failed_call = "WHvSetupPartition";
    }
    deleted = api->WHvDeletePartition(partition);
    if (f->failed_call == NULL && deleted < 0) {
        f->failed_call = "WHvDeletePartition";
        result = deleted;
    }
    f->failed_hr = (uint32_t)result;
}

static void fill_caps(const struct whp_api *api, struct accel_caps *caps)
{
    uint32_t bits = DEFAULT_PA_BITS;

    (void)whp_capability(api, WHP_CAP_PA_WIDTH, &bits, sizeof(bits));
    *caps = (struct accel_caps){
        .max_cpus = VM_CPUS_MAX,
        .gicv3 = true,
        .own_gic = true,
        .own_timer = true,
        .own_psci = true,
        .must_kick = true,
        .pmu = true,
        .ipa_bits = bits,
    };
}

void whp_probe(struct accel_caps *caps, struct diagnosis *diagnosis)
{
    struct whp_facts f = { .built = true };
    struct whp_api api;
    bool loaded = whp_load(&api, &f);

    whp_ask_windows(&f);
    if (!f.host.arm64 && is_for_arm(&api)) {
        f.host.arm64 = f.host.program = true;
    }
    if (loaded && ask_library(&api, &f)) {
        try_partition(&api, &f);
        fill_caps(&api, caps);
    }
    whp_unload(&api);
    whp_detect(&f, diagnosis);
}

enum status whp_open(struct whp_api *api, struct err *err)
{
    struct diagnosis d = { .lang = err != NULL ? err->lang : LANG_EN };
    struct whp_facts f = { .built = true };

    if (whp_load(api, &f)) {
        return ST_OK;
    }
    whp_unload(api);
    whp_ask_windows(&f);
    whp_detect(&f, &d);
    return diagnosis_status(&d, accel_whp.what, err);
}

void whp_unload(struct whp_api *api)
{
    if (api->unload != NULL) {
        api->unload(api);
    }
    memset(api, 0, sizeof(*api));
}
