/*
 * sim.c - switches, failures on demand, and what the simulated platform says of itself.
 */
#include "sim.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define FAILS_MAX 16

/* ---- Switches -------------------------------------------------------------------------------- */

static const char *next_word(const char *p)
{
    while (*p != 0 && *p != ' ') {
        p++;
    }
    return *p == ' ' ? p + 1 : p;
}

/* The nth word NAME=..., what follows the sign. */
static const char *nth_switch(const char *name, unsigned n)
{
    const char *p = getenv("HV_WHP_SIM");
    size_t len = str_len(name);

    for (; p != NULL && *p != 0; p = next_word(p)) {
        if (str_starts(p, name) && p[len] == '=' && n-- == 0) {
            return p + len + 1;
        }
    }
    return NULL;
}

const char *sim_switch(const char *name)
{
    return nth_switch(name, 0);
}

bool sim_is(const char *name, const char *value)
{
    const char *text = sim_switch(name);
    size_t len = str_len(value);

    return text != NULL && str_starts(text, value) && (text[len] == 0 || text[len] == ' ');
}

uint64_t sim_parse(const char *text)
{
    return strtoull(text, NULL, 0);
}

uint64_t sim_number(const char *name, uint64_t otherwise)
{
    const char *text = sim_switch(name);

    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

/* ---- Failures -------------------------------------------------------------------------------- */

/* Calls so far that a fail= word was about; words keep their places while a process lives. */
static atomic_uint seen[FAILS_MAX];

bool sim_fails(const char *call, uint64_t code, whp_result *result)
{
    size_t len = str_len(call);
    const char *text;

    for (unsigned i = 0; i < FAILS_MAX && (text = nth_switch("fail", i)) != NULL; i++) {
        uint64_t numbers[3] = { (uint32_t)WHP_E_FAIL, 0, UINT32_MAX }; /* result, after, times */
        char *end = (char *)(uintptr_t)text + len;
        if (!str_starts(text, call)) {
            continue;
        }
        if (*end == '@' && strtoull(end + 1, &end, 0) != code) {
            continue;
        }
        if (*end != ':' && *end != ' ' && *end != 0) {
            continue; /* a longer name */
        }
        for (unsigned k = 0; k < 3 && *end == ':'; k++) {
            numbers[k] = strtoull(end + 1, &end, 0);
        }
        unsigned n = atomic_fetch_add(&seen[i], 1);
        if (n >= numbers[1] && n - numbers[1] < numbers[2]) {
            *result = (whp_result)(uint32_t)numbers[0];
            return true;
        }
    }
    return false;
}

void sim_forget(void)
{
    for (unsigned i = 0; i < FAILS_MAX; i++) {
        atomic_store(&seen[i], 0);
    }
}

_Noreturn void sim_violation(const char *what)
{
    fprintf(stderr, "simulated WHP: %s\n", what);
    fflush(stderr);
    abort();
}

void sim_check_aligned(const void *p, const char *what)
{
    if (((uintptr_t)p & 15) != 0) {
        sim_violation(what);
    }
}

/* ---- Capabilities ---------------------------------------------------------------------------- */

const struct soft_model *sim_model(void)
{
    const char *name = sim_switch("cpu");
    char buf[32];

    str_copy(buf, sizeof(buf), name != NULL ? name : "neoverse-n1");
    for (char *p = buf; *p != 0; p++) {
        if (*p == ' ') {
            *p = 0;
            break;
        }
    }
    return soft_model_find(buf);
}

uint32_t sim_pa_bits(void)
{
    return (uint32_t)sim_number("pa", 48);
}

/* Value of a capability, and its size; 0: there is none. */
static uint32_t capability(uint32_t code, uint64_t value[3])
{
    switch (code) {
    case WHP_CAP_HYPERVISOR_PRESENT: value[0] = !sim_is("hypervisor", "off"); return 4;
    case WHP_CAP_FEATURES:
        value[0] = (sim_is("arm64", "off") ? 0 : WHP_FEATURE_ARM64) |
                   (sim_is("dirty", "off") ? 0 : WHP_FEATURE_DIRTY_TRACKING);
        return 8;
    case WHP_CAP_EXTENDED_VM_EXITS:
        value[0] = sim_is("hypercall", "off") ? 0 : WHP_EXTENDED_HYPERCALL;
        return 8;
    case WHP_CAP_PROCESSOR_VENDOR:
        value[0] = sim_is("vendor", "intel") ? 1 : WHP_VENDOR_ARM;
        return 4;
    case WHP_CAP_POPULATE_FLAGS:
        value[0] = WHP_POPULATE_PREFETCH | WHP_POPULATE_AVOID_HARD_FAULTS;
        return 4;
    case WHP_CAP_PA_WIDTH: value[0] = sim_pa_bits(); return 4;
    case WHP_CAP_LPI_BITS: value[0] = 16; return 4;
    case WHP_CAP_PROCESSOR_BANKS:
        value[0] = 2;
        value[1] = 1ull << 26 | 1ull << 9 | 1ull << 11; /* Atomic, Fp, AdvSimd */
        value[2] = 0;
        return sim_is("features", "off") ? 0 : sizeof(struct whp_feature_banks);
    default: return 0;
    }
}

whp_result WHvGetCapability(uint32_t code, void *buf, uint32_t size, uint32_t *written)
{
    uint64_t value[3] = { 0 };
    uint32_t needed;

    SIM_ENTER("WHvGetCapability", code);
    needed = capability(code, value);
    if (needed == 0) {
        return WHP_E_UNKNOWN_CAPABILITY;
    }
    if (buf == NULL || size < needed) {
        return WHP_E_INSUFFICIENT_BUFFER;
    }
    if (code == WHP_CAP_PROCESSOR_BANKS && ((struct whp_feature_banks *)buf)->count != 2) {
        return WHP_E_INSUFFICIENT_BUFFER; /* in and out: the caller says how many it has room for */
    }
    memcpy(buf, value, needed);
    if (written != NULL) {
        *written = needed;
    }
    return 0;
}
