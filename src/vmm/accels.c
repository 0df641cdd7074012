/*
 * accels.c - the back ends of this build, and which of them --accel auto takes.
 */
#include "vmm/machine.h"

#include "base/string.h"

const struct accel_ops *const accels[] = {
#if HV_HAVE_KVM
    &accel_kvm,
#endif
#if HV_HAVE_WHP
    &accel_whp,
#endif
    &accel_soft,
    NULL,
};

const struct accel_ops *accel_find(const char *name)
{
    for (unsigned i = 0; accels[i] != NULL; i++) {
        if (str_eq(accels[i]->name, name)) {
            return accels[i];
        }
    }
    return NULL;
}

enum status accel_check(const struct accel_ops *accel, const struct vm_config *config, bool any_gic,
                        struct accel_caps *caps, struct err *err)
{
    enum status st = accel_probe(accel, caps, err);

    if (st != ST_OK) {
        return st;
    }
    if (config->cpus > caps->max_cpus) {
        return err_set(err, ST_E_NOTSUP, MSG_RUN_ACCEL_CPUS, accel->name, caps->max_cpus);
    }
    if (config->max_insns != 0 && !caps->limits_insns) {
        return err_set(err, ST_E_NOTSUP, MSG_RUN_ACCEL_INSNS, accel->name);
    }
    const char *name;
    uint32_t bit;
    for (unsigned i = 0; (name = spec_host_feature(i, &bit)) != NULL; i++) {
        if ((config->host_on & bit & ~caps->features) != 0) {
            return err_set(err, ST_E_NOTSUP, MSG_RUN_ACCEL_FEATURE, accel->name, name);
        }
    }
    if (!(any_gic && (caps->gicv2 || caps->gicv3)) &&
        !(config->gic_version == 2 ? caps->gicv2 : caps->gicv3)) {
        return err_set(err, ST_E_NOTSUP, MSG_RUN_ACCEL_GIC, accel->name, config->gic_version);
    }
    return ST_OK;
}

unsigned accel_gic_version(const struct accel_caps *caps, const struct vm_config *config)
{
    bool has = config->gic_version == 2 ? caps->gicv2 : caps->gicv3;

    return has ? config->gic_version : 5 - config->gic_version;
}

/* The last one is the software CPU: its failure is the failure. */
enum status accel_choose(const struct vm_config *config, bool any_gic, struct accel_choice *choice,
                         struct err *err)
{
    enum status st = ST_E_NOTSUP;

    choice->passed_over = NULL;
    for (unsigned i = 0; st != ST_OK && accels[i] != NULL; i++) {
        st = accel_check(accels[i], config, any_gic, &choice->caps, err);
        choice->accel = accels[i];
        if (st != ST_OK && st != ST_E_NOENT && choice->passed_over == NULL) {
            choice->passed_over = accels[i];
            str_copy(choice->why, sizeof(choice->why), err->text);
        }
    }
    return st;
}
