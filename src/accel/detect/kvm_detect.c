/*
 * kvm_detect.c - what follows from the facts about a host's KVM.
 */
#include "accel/detect/detect.h"

#include <stddef.h>

#include "base/fmt.h"

/* False: no /dev/kvm can help here. */
static bool right_host(const struct kvm_facts *f, struct diagnosis *d)
{
    if (!f->host.linux_os) {
        d->foreign = true;
        diagnosis_add(d, FINDING_FAILS, "kvm.os", MSG_KVM_OS_C, f->host.name);
    } else if (!f->host.arm64) {
        d->foreign = true;
        diagnosis_add(d, FINDING_FAILS, "kvm.arch", MSG_KVM_ARCH_C, f->host.name);
    } else if (!f->host.program) {
        diagnosis_add(d, FINDING_FAILS, "kvm.program", MSG_KVM_PROGRAM_C, f->host.name);
        diagnosis_remedy(d, MSG_KVM_PROGRAM_R);
        return false;
    } else if (!f->built) {
        diagnosis_add(d, FINDING_FAILS, "kvm.build", MSG_KVM_BUILD_C);
        diagnosis_remedy(d, MSG_KVM_BUILD_R);
        return false;
    } else {
        return true;
    }
    diagnosis_remedy(d, MSG_USE_SOFT_R);
    return false;
}

static void absent(const struct kvm_facts *f, struct diagnosis *d)
{
    if (f->switched_off) {
        diagnosis_add(d, FINDING_FAILS, "kvm.off", MSG_KVM_OFF_C);
        diagnosis_remedy(d, MSG_KVM_OFF_R);
    } else if (f->registered == KVM_YES && f->container) {
        diagnosis_add(d, FINDING_FAILS, "kvm.container", MSG_KVM_CONTAINER_C);
        diagnosis_remedy(d, MSG_KVM_CONTAINER_R);
    } else if (f->registered == KVM_YES) {
        diagnosis_add(d, FINDING_FAILS, "kvm.node", MSG_KVM_NODE_C);
        diagnosis_remedy(d, MSG_KVM_NODE_R);
    } else if (f->in_kernel == KVM_NO) {
        diagnosis_add(d, FINDING_FAILS, "kvm.kernel", MSG_KVM_KERNEL_C);
        diagnosis_remedy(d, MSG_KVM_KERNEL_R);
    } else if (f->in_kernel == KVM_YES && f->registered == KVM_NO) {
        diagnosis_add(d, FINDING_FAILS, "kvm.el2", MSG_KVM_EL2_C);
        diagnosis_remedy(d, MSG_KVM_EL2_R);
    } else {
        diagnosis_add(d, FINDING_FAILS, "kvm.absent", MSG_KVM_ABSENT_C);
        diagnosis_remedy(d, MSG_KVM_ABSENT_R);
    }
}

static void denied(const struct kvm_facts *f, struct diagnosis *d)
{
    if (f->root) {
        diagnosis_add(d, FINDING_FAILS, "kvm.root", MSG_KVM_ROOT_C);
        diagnosis_remedy(d, MSG_KVM_CONTAINER_R);
    } else if (f->group[0] == 0) {
        diagnosis_add(d, FINDING_FAILS, "kvm.denied", MSG_KVM_DENIED_C);
        diagnosis_remedy(d, MSG_KVM_DENIED_R);
    } else if (f->member == KVM_YES) {
        diagnosis_add(d, FINDING_FAILS, "kvm.session", MSG_KVM_SESSION_C, f->group);
        diagnosis_remedy(d, MSG_KVM_SESSION_R, f->group);
    } else {
        diagnosis_add(d, FINDING_FAILS, "kvm.group", MSG_KVM_GROUP_C, f->group);
        diagnosis_remedy(d, MSG_KVM_GROUP_R, f->group);
    }
}

static bool opens(const struct kvm_facts *f, struct diagnosis *d)
{
    switch (f->node) {
    case KVM_NODE_ABSENT: absent(f, d); return false;
    case KVM_NODE_DENIED: denied(f, d); return false;
    case KVM_NODE_FAILED:
        diagnosis_add(d, FINDING_FAILS, "kvm.open", MSG_KVM_OPEN_C, f->node_error);
        diagnosis_remedy(d, MSG_KVM_OPEN_R);
        return false;
    default: return true;
    }
}

static bool makes_machines(const struct kvm_facts *f, struct diagnosis *d)
{
    if (f->api != f->api_wanted) {
        diagnosis_add(d, FINDING_FAILS, "kvm.api", MSG_KVM_API_C, f->api, f->api_wanted);
        diagnosis_remedy(d, MSG_KVM_API_R);
    } else if (f->failed_call != NULL && f->no_memory) {
        diagnosis_add(d, FINDING_FAILS, "kvm.memory", MSG_KVM_MEMORY_C, f->failed_call);
        diagnosis_remedy(d, MSG_KVM_MEMORY_R);
    } else if (f->failed_call != NULL) {
        diagnosis_add(d, FINDING_FAILS, "kvm.call", MSG_KVM_FAILED_C, f->failed_call,
                      f->failed_error);
        diagnosis_remedy(d, MSG_KVM_FAILED_R);
    } else if (f->missing[0] != 0) {
        diagnosis_add(d, FINDING_FAILS, "kvm.capability", MSG_KVM_CAPS_C, f->missing);
        diagnosis_remedy(d, MSG_KVM_CAPS_R, f->old_linux);
    } else if (!f->gicv2 && !f->gicv3) {
        diagnosis_add(d, FINDING_FAILS, "kvm.gic", MSG_KVM_GIC_C);
        diagnosis_remedy(d, MSG_KVM_GIC_R);
    } else {
        return true;
    }
    return false;
}

static void could_be_better(const struct kvm_facts *f, struct diagnosis *d)
{
    if (!f->gicv2) {
        diagnosis_add(d, FINDING_LACKS, "kvm.gic2", MSG_KVM_GIC2_C);
        diagnosis_remedy(d, MSG_KVM_GIC2_R);
    }
    if (!f->gicv3) {
        diagnosis_add(d, FINDING_LACKS, "kvm.gic3", MSG_KVM_GIC3_C);
        diagnosis_remedy(d, MSG_KVM_GIC3_R);
    }
    if (!f->nisv) {
        diagnosis_add(d, FINDING_LACKS, "kvm.nisv", MSG_KVM_NISV_C);
        diagnosis_remedy(d, MSG_KVM_NISV_R);
    }
    if (!f->smccc_filter) {
        diagnosis_add(d, FINDING_LACKS, "kvm.smccc", MSG_KVM_SMCCC_C);
        diagnosis_remedy(d, MSG_KVM_SMCCC_R);
    }
    if (f->mode == KVM_MODE_NVHE) {
        diagnosis_add(d, FINDING_NOTE, "kvm.nvhe", MSG_KVM_NVHE_C);
    } else if (f->mode == KVM_MODE_PROTECTED) {
        diagnosis_add(d, FINDING_NOTE, "kvm.protected", MSG_KVM_PROTECTED_C);
    }
}

static void list_features(const struct kvm_facts *f, struct diagnosis *d)
{
    const struct {
        const char *name;
        bool there;
    } features[] = {
        { "PMU", f->pmu },     { "SVE", f->sve },
        { "pauth", f->pauth }, { "EL2", f->nested },
        { "ITS", f->its },     { "steal time", f->steal_time },
        { "irqfd", f->irqfd }, { "guest debug", f->guest_debug },
    };
    char names[2][128];
    struct text t[2];

    for (unsigned i = 0; i < 2; i++) {
        text_init(&t[i], names[i], sizeof(names[i]));
        names[i][0] = 0;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
        struct text *list = &t[features[i].there ? 0 : 1];
        text_add(list, "%s%s", list->len != 0 ? ", " : "", features[i].name);
    }
    diagnosis_add(d, FINDING_NOTE, "kvm.features", MSG_KVM_FEATURES_C,
                  t[0].len != 0 ? names[0] : "-", t[1].len != 0 ? names[1] : "-");
}

void kvm_detect(const struct kvm_facts *f, struct diagnosis *d)
{
    if (right_host(f, d) && opens(f, d) && makes_machines(f, d)) {
        could_be_better(f, d);
        list_features(f, d);
    }
}
