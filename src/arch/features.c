/*
 * features.c - which architectural features go together (arch/a64_features.def, FEATURE_NEEDS).
 */
#include "arch/a64.h"

static const struct {
    uint8_t feat, needs;
} rules[] = {
#define FEATURE(name, option, what, tests)
#define FEATURE_NEEDS(name, base) { A64_FEAT_##name, A64_FEAT_##base },
#include "arch/a64_features.def"
#undef FEATURE_NEEDS
#undef FEATURE
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

uint64_t a64_feat_with(uint64_t features, enum a64_feat feat)
{
    uint64_t before;

    features |= 1ull << feat;
    do {
        before = features;
        for (unsigned i = 0; i < RULES; i++) {
            if ((features >> rules[i].feat & 1) != 0) {
                features |= 1ull << rules[i].needs;
            }
        }
    } while (features != before);
    return features;
}

uint64_t a64_feat_settle(uint64_t features)
{
    uint64_t before;

    do {
        before = features;
        for (unsigned i = 0; i < RULES; i++) {
            if ((features >> rules[i].needs & 1) == 0) {
                features &= ~(1ull << rules[i].feat);
            }
        }
    } while (features != before);
    return features;
}

uint64_t a64_feat_without(uint64_t features, enum a64_feat feat)
{
    return a64_feat_settle(features & ~(1ull << feat));
}
