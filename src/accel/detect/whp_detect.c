/*
 * whp_detect.c - what follows from the facts about a host's Windows Hypervisor Platform.
 */
#include "accel/detect/detect.h"

#include <stddef.h>

#include "base/compiler.h"

/* HRESULTs with a cause of their own (winerror.h; hypervisor statuses are 0xC035xxxx). */
static const struct {
    uint32_t hr;
    const char *id;
    enum msg_id cause, remedy;
} causes[] = {
    { 0x80070005, "whp.denied", MSG_WHP_DENIED_C, MSG_WHP_DENIED_R },  /* E_ACCESSDENIED */
    { 0xc0350006, "whp.denied", MSG_WHP_DENIED_C, MSG_WHP_DENIED_R },  /* access denied */
    { 0x8007000e, "whp.memory", MSG_WHP_MEMORY_C, MSG_WHP_MEMORY_R },  /* E_OUTOFMEMORY */
    { 0xc035000b, "whp.memory", MSG_WHP_MEMORY_C, MSG_WHP_MEMORY_R },  /* insufficient memory */
    { 0xc035001d, "whp.memory", MSG_WHP_MEMORY_C, MSG_WHP_MEMORY_R },  /* no resources */
    { 0xc0351000, "whp.absent", MSG_WHP_ABSENT_C, MSG_WHP_PRESENT_R }, /* hypervisor not present */
    { 0xc0370008, "whp.second", MSG_WHP_SECOND_C, MSG_WHP_SECOND_R }, /* partition exists already */
    { 0x80370304, "whp.config", MSG_WHP_CONFIG_C, MSG_WHP_OLD_R },    /* invalid partition config */
    { 0x80370303, "whp.config", MSG_WHP_CONFIG_C,
      MSG_WHP_OLD_R }, /* unsupported hypervisor config */
    { 0x80370310, "whp.config", MSG_WHP_CONFIG_C,
      MSG_WHP_OLD_R }, /* unsupported processor config */
    { 0xc035000a, "whp.config", MSG_WHP_CONFIG_C, MSG_WHP_OLD_R }, /* property value out of range */
    { 0x80370300, "whp.unknown", MSG_WHP_UNKNOWN_C, MSG_WHP_OLD_R }, /* unknown capability */
    { 0x80370302, "whp.unknown", MSG_WHP_UNKNOWN_C, MSG_WHP_OLD_R }, /* unknown property */
    { 0x80370309, "whp.unknown", MSG_WHP_UNKNOWN_C, MSG_WHP_OLD_R }, /* invalid register name */
    { 0x80004002, "whp.unknown", MSG_WHP_UNKNOWN_C, MSG_WHP_OLD_R }, /* E_NOINTERFACE */
    { 0x80070032, "whp.unknown", MSG_WHP_UNKNOWN_C, MSG_WHP_OLD_R }, /* not supported */
};

static bool right_host(const struct whp_facts *f, struct diagnosis *d)
{
    if (!f->host.windows) {
        d->foreign = true;
        diagnosis_add(d, FINDING_FAILS, "whp.os", MSG_WHP_OS_C, f->host.name);
        diagnosis_remedy(d, MSG_USE_SOFT_R);
    } else if (!f->host.arm64) {
        d->foreign = true;
        diagnosis_add(d, FINDING_FAILS, "whp.arch", MSG_WHP_ARCH_C, f->host.name);
        diagnosis_remedy(d, MSG_USE_SOFT_R);
    } else if (!f->host.program) {
        diagnosis_add(d, FINDING_FAILS, "whp.program", MSG_WHP_PROGRAM_C);
        diagnosis_remedy(d, MSG_WHP_PROGRAM_R);
    } else if (!f->built) {
        diagnosis_add(d, FINDING_FAILS, "whp.build", MSG_WHP_BUILD_C);
        diagnosis_remedy(d, MSG_WHP_BUILD_R);
    } else {
        return true;
    }
    return false;
}

/* A known build that is too old; the feature bit has the last word where it can be asked. */
static bool old_windows(const struct whp_facts *f)
{
    return f->build != 0 && (f->build < WHP_BUILD || (f->build == WHP_BUILD && f->revision != 0 &&
                                                      f->revision < WHP_REVISION));
}

static void say_old(const struct whp_facts *f, struct diagnosis *d)
{
    diagnosis_add(d, FINDING_FAILS, "whp.old", MSG_WHP_OLD_C, f->build, f->revision);
    diagnosis_remedy(d, MSG_WHP_OLD_R);
}

static bool loads(const struct whp_facts *f, struct diagnosis *d)
{
    if (f->dll_found && f->load_error == 0 && f->missing_export == NULL) {
        return true;
    }
    if (old_windows(f)) {
        say_old(f, d);
    } else if (!f->dll_found) {
        diagnosis_add(d, FINDING_FAILS, "whp.feature", MSG_WHP_FEATURE_C);
        diagnosis_remedy(d, MSG_WHP_FEATURE_R);
    } else if (f->load_error != 0) {
        diagnosis_add(d, FINDING_FAILS, "whp.load", MSG_WHP_LOAD_C, f->load_error);
        diagnosis_remedy(d, MSG_WHP_LOAD_R);
    } else {
        diagnosis_add(d, FINDING_FAILS, "whp.export", MSG_WHP_EXPORT_C, f->missing_export);
        diagnosis_remedy(d, MSG_WHP_OLD_R);
    }
    return false;
}

void whp_detect_call(const char *call, uint32_t hr, struct diagnosis *d)
{
    for (unsigned i = 0; i < ARRAY_SIZE(causes); i++) {
        if (causes[i].hr == hr) {
            diagnosis_add(d, FINDING_FAILS, causes[i].id, causes[i].cause, call, hr);
            diagnosis_remedy(d, causes[i].remedy);
            return;
        }
    }
    diagnosis_add(d, FINDING_FAILS, "whp.call", MSG_WHP_FAILED_C, call, hr);
    diagnosis_remedy(d, MSG_WHP_FAILED_R);
}

static bool answers(const struct whp_facts *f, struct diagnosis *d)
{
    if (f->present_hr != 0) {
        whp_detect_call("WHvGetCapability(HypervisorPresent)", f->present_hr, d);
    } else if (!f->present) {
        diagnosis_add(d, FINDING_FAILS, "whp.present", MSG_WHP_PRESENT_C);
        diagnosis_remedy(d, MSG_WHP_PRESENT_R);
    } else if (f->features_hr != 0) {
        whp_detect_call("WHvGetCapability(Features)", f->features_hr, d);
    } else if (!f->arm64_support && old_windows(f)) {
        say_old(f, d);
    } else if (!f->arm64_support) {
        diagnosis_add(d, FINDING_FAILS, "whp.support", MSG_WHP_SUPPORT_C);
        diagnosis_remedy(d, MSG_WHP_OLD_R);
    } else if (f->failed_call != NULL) {
        whp_detect_call(f->failed_call, f->failed_hr, d);
    } else {
        return true;
    }
    return false;
}

void whp_detect(const struct whp_facts *f, struct diagnosis *d)
{
    if (right_host(f, d) && loads(f, d) && answers(f, d)) {
        diagnosis_add(d, FINDING_NOTE, "whp.limits", MSG_WHP_NOTE_C);
    }
}
