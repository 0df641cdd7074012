/*
 * models.h - CPU models that the software CPU can present: a name and a set of features each.
 */
#ifndef SOFT_MODELS_H
#define SOFT_MODELS_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/a64.h"

struct soft_model {
    const char *name;  /* "cortex-a53"; --cpu takes it     */
    const char *what;  /* one line for `hypervisor cpus`   */
    uint64_t features; /* bit per enum a64_feat           */
    uint32_t midr;
    uint8_t pa_bits;
    uint8_t asid_bits;
    bool granule16;
    uint8_t pmu_version; /* PMU_V3...: ID_AA64DFR0_EL1.PMUVer, with FEAT_PMUv3 */
    uint8_t pmu_idcode;  /* PMCR_EL0.IDCODE */
};

/* All models; the first is the default. Ended by name NULL. */
extern const struct soft_model soft_models[];
/* Model by name (NULL: the default), or NULL. */
const struct soft_model *soft_model_find(const char *name);
/* What no model has, but can have: the architected algorithms of pointer authentication, which are
 * slow. */
extern const uint64_t soft_extra_features;
/* Features of the default model. */
uint64_t soft_default_features(void);

#endif
