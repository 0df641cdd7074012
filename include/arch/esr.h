/*
 * esr.h - exception syndromes: constants, constructors, and words for people.
 *
 * DDI 0487, "ESR_EL1, Exception Syndrome Register (EL1)" and the sections on each ISS encoding.
 */
#ifndef ARCH_ESR_H
#define ARCH_ESR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum esr_ec {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_FP_ACCESS = 0x07,
    EC_PAUTH = 0x09,
    EC_BTI = 0x0d,
    EC_ILLEGAL_STATE = 0x0e,
    EC_SVC64 = 0x15,
    EC_HVC64 = 0x16,
    EC_SMC64 = 0x17,
    EC_SYSREG = 0x18,
    EC_SVE = 0x19,
    EC_IABT_LOWER = 0x20,
    EC_IABT_SAME = 0x21,
    EC_PC_ALIGN = 0x22,
    EC_DABT_LOWER = 0x24,
    EC_DABT_SAME = 0x25,
    EC_SP_ALIGN = 0x26,
    EC_MOPS = 0x27,
    EC_FP_EXC = 0x2c,
    EC_SERROR = 0x2f,
    EC_BREAKPT_LOWER = 0x30,
    EC_BREAKPT_SAME = 0x31,
    EC_STEP_LOWER = 0x32,
    EC_STEP_SAME = 0x33,
    EC_WATCHPT_LOWER = 0x34,
    EC_WATCHPT_SAME = 0x35,
    EC_BRK64 = 0x3c,
};

#define ESR_EC(esr)  ((unsigned)((esr) >> 26) & 0x3f)
#define ESR_IL       (1u << 25)
#define ESR_ISS(esr) ((uint32_t)(esr)&0x1ffffff)

/* A syndrome of a 32-bit instruction: class, IL = 1, ISS. */
static inline uint64_t esr_make(enum esr_ec ec, uint32_t iss)
{
    return (uint64_t)ec << 26 | ESR_IL | iss;
}

/* Fault status codes (DFSC, IFSC). Those with a level are made by fsc_at. */
enum {
    FSC_ADDRESS_SIZE = 0x00,
    FSC_TRANSLATION = 0x04,
    FSC_ACCESS_FLAG = 0x08,
    FSC_PERMISSION = 0x0c,
    FSC_EXTERNAL = 0x10,
    FSC_EXTERNAL_WALK = 0x14,
    FSC_ALIGNMENT = 0x21,
    FSC_TLB_CONFLICT = 0x30,
    FSC_EXCLUSIVE = 0x35,
};

/* A fault at a level of the walk, -1..3. Level -1 (FEAT_LPA2) has codes elsewhere, and
 * only for what can happen there. */
static inline unsigned fsc_at(unsigned fsc, int level)
{
    if (level >= 0) {
        return fsc + (unsigned)level;
    }
    return fsc == FSC_EXTERNAL_WALK ? 0x13 : fsc == FSC_ADDRESS_SIZE ? 0x29 : 0x2b;
}

/* Short name of an exception class, "Data Abort from a lower Exception level";
 * "unallocated" otherwise. */
const char *esr_ec_name(unsigned ec);
/* Short name of a fault status code, "translation fault, level 3". Written into buf. */
const char *esr_fsc_name(unsigned fsc, char *buf, size_t size);
/*
 * The whole syndrome in words, several lines ended by '\n': class, IL, then every field of the ISS
 * with its meaning. Returns the length that the full text has (as fmt_format does).
 */
size_t esr_explain(uint64_t esr, char *buf, size_t size);
/* The same in one line, without newline, for logs: "HVC #0", "Data Abort: translation
 * fault, level 3, write". */
size_t esr_summary(uint64_t esr, char *buf, size_t size);

#endif
