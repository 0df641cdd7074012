/*
 * whp_detect.c - what follows from the facts about a host's Windows Hypervisor Platform.
 */
#include "accel/detect/detect.h"

#include <stddef.h>

/* HRESULTs with a cause of their own (winerror.h; hypervisor statuses are 0xC035xxxx). */
#define HR_ACCESS_DENIED    0x80070005u
#define HR_OUT_OF_MEMORY    0x8007000Eu
#define HR_HV_ACCESS_DENIED 0xC0350006u
#define HR_HV_NO_MEMORY     0xC035000Bu
#define HR_HV_NO_RESOURCES  0xC035001Du
#define HR_HV_NOT_PRESENT   0xC0351000u

static bool right_host(const struct whp_facts *f, struct diagnosis *d)
{
    if (!f->host.windows) {
        diagnosis_add(d, FINDING_FAILS, "whp.os", MSG_WHP_OS_C, f->host.name);
        diagnosis_remedy(d, MSG_USE_SOFT_R);
    } else if (!f->host.arm64) {
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

/* What a call that failed says of the cause. */
static void failed(const char *call, uint32_t hr, struct diagnosis *d)
{
    switch (hr) {
    case HR_ACCESS_DENIED:
    case HR_HV_ACCESS_DENIED:
        diagnosis_add(d, FINDING_FAILS, "whp.denied", MSG_WHP_DENIED_C, call, hr);
        diagnosis_remedy(d, MSG_WHP_DENIED_R);
        break;
    case HR_OUT_OF_MEMORY:
    case HR_HV_NO_MEMORY:
    case HR_HV_NO_RESOURCES:
        diagnosis_add(d, FINDING_FAILS, "whp.memory", MSG_WHP_MEMORY_C, call, hr);
        diagnosis_remedy(d, MSG_WHP_MEMORY_R);
        break;
    case HR_HV_NOT_PRESENT:
        diagnosis_add(d, FINDING_FAILS, "whp.absent", MSG_WHP_ABSENT_C, call, hr);
        diagnosis_remedy(d, MSG_WHP_PRESENT_R);
        break;
    default:
        diagnosis_add(d, FINDING_FAILS, "whp.call", MSG_WHP_FAILED_C, call, hr);
        diagnosis_remedy(d, MSG_WHP_FAILED_R);
    }
}

static bool answers(const struct whp_facts *f, struct diagnosis *d)
{
    if (f->present_hr != 0) {
        failed("WHvGetCapability(HypervisorPresent)", f->present_hr, d);
    } else if (!f->present) {
        diagnosis_add(d, FINDING_FAILS, "whp.present", MSG_WHP_PRESENT_C);
        diagnosis_remedy(d, MSG_WHP_PRESENT_R);
    } else if (f->features_hr != 0) {
        failed("WHvGetCapability(Features)", f->features_hr, d);
    } else if (!f->arm64_support && old_windows(f)) {
        say_old(f, d);
    } else if (!f->arm64_support) {
        diagnosis_add(d, FINDING_FAILS, "whp.support", MSG_WHP_SUPPORT_C);
        diagnosis_remedy(d, MSG_WHP_OLD_R);
    } else if (f->failed_call != NULL) {
        failed(f->failed_call, f->failed_hr, d);
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
