/*
 * sysreg.c - names and encodings of the system registers, from arch/sysreg.def.
 */
#include "arch/sysreg.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

static const struct {
    const char *name;
    uint32_t encoding;
} regs[] = {
#define SR(name, op0, op1, crn, crm, op2, access, kind, reset) \
    { #name, SYSREG(op0, op1, crn, crm, op2) },
#include "arch/sysreg.def"
#undef SR
};

const char *sysreg_name(uint32_t encoding)
{
    for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
        if (regs[i].encoding == encoding) {
            return regs[i].name;
        }
    }
    return NULL;
}

static char lower_case(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c;
}

static bool same_name(const char *a, const char *b)
{
    while (*a != 0 && lower_case(*a) == lower_case(*b)) {
        a++;
        b++;
    }
    return lower_case(*a) == lower_case(*b);
}

uint32_t sysreg_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
        if (same_name(regs[i].name, name)) {
            return regs[i].encoding;
        }
    }
    return UINT32_MAX;
}
