/*
 * sysreg.h - the AArch64 system registers by name, from one table (arch/sysreg.def).
 *
 * An encoding is packed as in the ISS of an MSR/MRS trap without the direction and register:
 * op0[15:14] op1[13:11] CRn[10:7] CRm[6:3] op2[2:0] (the same packing as Linux's KVM ids and the
 * MRS instruction's bits 20:5).
 */
#ifndef ARCH_SYSREG_H
#define ARCH_SYSREG_H

#include <stdint.h>

#define SYSREG(op0, op1, crn, crm, op2) \
    ((uint32_t)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))

/* Encoding field of an MRS, MSR (register) or SYS instruction word. */
#define SYSREG_OF_INSN(word) (((word) >> 5) & 0xffffu)

enum sysreg_id {
#define SR(name, op0, op1, crn, crm, op2, access, kind, reset) \
    SYSREG_##name = SYSREG(op0, op1, crn, crm, op2),
#include "arch/sysreg.def"
#undef SR
};

/* "SCTLR_EL1", or NULL if the table has no such register. */
const char *sysreg_name(uint32_t encoding);
/* Encoding of a name (case-insensitive), or UINT32_MAX. */
uint32_t sysreg_find(const char *name);

#endif
