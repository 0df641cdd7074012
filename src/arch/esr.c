/*
 * esr.c - exception syndromes in words.
 *
 * Spec: DDI 0487, "ESR_EL1, Exception Syndrome Register (EL1)" and, for the classes that only EL2
 * sees, "ESR_EL2". Each exception class has a row {name, short name, how its ISS is told}; each ISS
 * form is one function that writes one line a field.
 */
#include "arch/esr.h"

#include "arch/sysreg.h"
#include "base/bits.h"
#include "base/compiler.h"
#include "base/fmt.h"

typedef void iss_fn(struct text *t, uint32_t iss);

static unsigned field(uint32_t iss, unsigned lo, unsigned len)
{
    return (unsigned)bits(iss, lo, len);
}

static void flag(struct text *t, uint32_t iss, unsigned bit, const char *name, const char *clear,
                 const char *set)
{
    unsigned v = field(iss, bit, 1);

    text_add(t, "  %-6s [%u] = %u  %s\n", name, bit, v, v ? set : clear);
}

/* ---- Fault status ---------------------------------------------------------------------------- */

const char *esr_fsc_name(unsigned fsc, char *buf, size_t size)
{
    static const struct {
        uint8_t first, last;
        const char *name;
    } range[] = {
        { 0x00, 0x03, "address size fault" },
        { 0x04, 0x07, "translation fault" },
        { 0x08, 0x0b, "access flag fault" },
        { 0x0c, 0x0f, "permission fault" },
        { 0x14, 0x17, "synchronous external abort on translation table walk" },
        { 0x1c, 0x1f, "synchronous parity or ECC error on translation table walk" },
    };
    static const struct {
        uint8_t code;
        const char *name;
    } single[] = {
        { 0x10, "synchronous external abort" },
        { 0x11, "synchronous tag check fault" },
        { 0x13, "synchronous external abort on translation table walk, level -1" },
        { 0x18, "synchronous parity or ECC error" },
        { 0x21, "alignment fault" },
        { 0x29, "address size fault, level -1" },
        { 0x2b, "translation fault, level -1" },
        { 0x30, "TLB conflict abort" },
        { 0x31, "unsupported atomic hardware update fault" },
        { 0x34, "implementation defined fault (lockdown)" },
        { 0x35, "unsupported exclusive or atomic access" },
    };
    const char *name = "reserved";

    for (unsigned i = 0; i < ARRAY_SIZE(range); i++) {
        if (fsc >= range[i].first && fsc <= range[i].last) {
            fmt_format(buf, size, "%s, level %u", range[i].name, fsc & 3);
            return buf;
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(single); i++) {
        name = fsc == single[i].code ? single[i].name : name;
    }
    str_copy(buf, size, name);
    return buf;
}

static void fault_status(struct text *t, uint32_t iss, const char *name)
{
    char buf[80];

    text_add(t, "  %-6s [5:0] = 0x%02x  %s\n", name, field(iss, 0, 6),
             esr_fsc_name(field(iss, 0, 6), buf, sizeof(buf)));
}

/* ---- ISS forms ------------------------------------------------------------------------------- */

static void iss_plain(struct text *t, uint32_t iss)
{
    if (iss != 0) {
        text_add(t, "  ISS    = 0x%07x (nothing is defined for this class)\n", iss);
    }
}

static void iss_imm16(struct text *t, uint32_t iss)
{
    text_add(t, "  imm16  [15:0] = 0x%x (%u)\n", field(iss, 0, 16), field(iss, 0, 16));
}

static void iss_wfx(struct text *t, uint32_t iss)
{
    static const char *const what[] = { "WFI", "WFE", "WFIT", "WFET" };

    text_add(t, "  TI     [1:0] = %u  %s trapped\n", field(iss, 0, 2), what[field(iss, 0, 2)]);
    flag(t, iss, 24, "CV", "condition not given", "condition valid");
    if (iss & BIT(2)) {
        text_add(t, "  RN     [9:5] = %u  timeout in X%u\n", field(iss, 5, 5), field(iss, 5, 5));
    }
}

static void iss_mops(struct text *t, uint32_t iss)
{
    flag(t, iss, 24, "MEMINST", "CPY*", "SET*");
    flag(t, iss, 23, "isSETG", "not SETG*", "SETG*");
    text_add(t, "  Options [22:19] = 0x%x\n", field(iss, 19, 4));
    flag(t, iss, 18, "FROM_EPILOGUE", "main instruction", "epilogue instruction");
    flag(t, iss, 17, "WRONG_OPTION", "arguments not well formed", "arguments of the other option");
    flag(t, iss, 16, "OPTION_A", "the CPU has option B", "the CPU has option A");
    text_add(t, "  registers: destination X%u, source X%u, size X%u\n", field(iss, 10, 5),
             field(iss, 5, 5), field(iss, 0, 5));
}

static void iss_sysreg(struct text *t, uint32_t iss)
{
    uint32_t reg = SYSREG(field(iss, 20, 2), field(iss, 14, 3), field(iss, 10, 4), field(iss, 1, 4),
                          field(iss, 17, 3));
    const char *name = sysreg_name(reg);

    text_add(t, "  Dir    [0] = %u  %s\n", field(iss, 0, 1),
             iss & 1 ? "MRS (read)" : "MSR or SYS (write)");
    text_add(t, "  Rt     [9:5] = %u  X%u\n", field(iss, 5, 5), field(iss, 5, 5));
    text_add(t, "  reg    = S%u_%u_C%u_C%u_%u  %s\n", field(iss, 20, 2), field(iss, 14, 3),
             field(iss, 10, 4), field(iss, 1, 4), field(iss, 17, 3),
             name != NULL ? name : "(no name known)");
}

static void iss_fp_access(struct text *t, uint32_t iss)
{
    flag(t, iss, 24, "CV", "condition not given", "condition valid");
}

static void iss_insn_abort(struct text *t, uint32_t iss)
{
    flag(t, iss, 10, "FnV", "FAR holds the address", "FAR is not valid");
    flag(t, iss, 9, "EA", "external abort type 0", "external abort type 1");
    flag(t, iss, 7, "S1PTW", "not on a stage 2 walk for a stage 1 table",
         "on a stage 2 walk for a stage 1 table");
    fault_status(t, iss, "IFSC");
}

static void iss_data_abort(struct text *t, uint32_t iss)
{
    static const char *const size[] = { "byte", "halfword", "word", "doubleword" };

    flag(t, iss, 24, "ISV", "no valid instruction syndrome", "instruction syndrome valid");
    if (iss & BIT(24)) {
        text_add(t, "  SAS    [23:22] = %u  %s\n", field(iss, 22, 2), size[field(iss, 22, 2)]);
        flag(t, iss, 21, "SSE", "no sign extension", "sign-extended");
        text_add(t, "  SRT    [20:16] = %u  %c%u\n", field(iss, 16, 5), iss & BIT(15) ? 'X' : 'W',
                 field(iss, 16, 5));
        flag(t, iss, 15, "SF", "32-bit register", "64-bit register");
        flag(t, iss, 14, "AR", "no acquire or release", "acquire or release");
    }
    flag(t, iss, 13, "VNCR", "not by VNCR_EL2", "access by VNCR_EL2");
    flag(t, iss, 10, "FnV", "FAR holds the address", "FAR is not valid");
    flag(t, iss, 9, "EA", "external abort type 0", "external abort type 1");
    flag(t, iss, 8, "CM", "not cache maintenance",
         "cache maintenance or address translation instruction");
    flag(t, iss, 7, "S1PTW", "not on a stage 2 walk for a stage 1 table",
         "on a stage 2 walk for a stage 1 table");
    flag(t, iss, 6, "WnR", "read", "write");
    fault_status(t, iss, "DFSC");
}

static void iss_watchpoint(struct text *t, uint32_t iss)
{
    flag(t, iss, 8, "CM", "not cache maintenance", "cache maintenance instruction");
    flag(t, iss, 6, "WnR", "read", "write");
    fault_status(t, iss, "DFSC");
}

static void iss_breakpoint(struct text *t, uint32_t iss)
{
    fault_status(t, iss, "IFSC");
}

static void iss_step(struct text *t, uint32_t iss)
{
    flag(t, iss, 24, "ISV", "EX is not valid", "EX is valid");
    flag(t, iss, 6, "EX", "not a load-exclusive", "a load-exclusive was stepped");
    fault_status(t, iss, "IFSC");
}

static void iss_fp_exception(struct text *t, uint32_t iss)
{
    flag(t, iss, 23, "TFV", "the flags below are unknown", "the flags below are valid");
    flag(t, iss, 7, "IDF", "no input denormal", "input denormal");
    flag(t, iss, 4, "IXF", "not inexact", "inexact");
    flag(t, iss, 3, "UFF", "no underflow", "underflow");
    flag(t, iss, 2, "OFF", "no overflow", "overflow");
    flag(t, iss, 1, "DZF", "no division by zero", "division by zero");
    flag(t, iss, 0, "IOF", "no invalid operation", "invalid operation");
}

static void iss_serror(struct text *t, uint32_t iss)
{
    flag(t, iss, 24, "IDS", "the layout below", "implementation defined syndrome");
    text_add(t, "  AET    [12:10] = %u\n", field(iss, 10, 3));
    flag(t, iss, 9, "EA", "external abort type 0", "external abort type 1");
    text_add(t, "  DFSC   [5:0] = 0x%02x  %s\n", field(iss, 0, 6),
             field(iss, 0, 6) == 0x11 ? "asynchronous SError" : "uncategorized");
}

static void iss_bti(struct text *t, uint32_t iss)
{
    text_add(t, "  BTYPE  [1:0] = %u\n", field(iss, 0, 2));
}

/* ---- Classes --------------------------------------------------------------------------------- */

static const struct ec_row {
    uint8_t ec;
    const char *name;
    const char *brief; /* for one-line summaries */
    iss_fn *iss;
} classes[] = {
    { 0x00, "Unknown reason", "undefined instruction", iss_plain },
    { 0x01, "Trapped WFI, WFE, WFIT or WFET", "WFI/WFE trap", iss_wfx },
    { 0x03, "Trapped MCR or MRC (coproc 15)", "AArch32 CP15 trap", iss_plain },
    { 0x04, "Trapped MCRR or MRRC (coproc 15)", "AArch32 CP15 trap", iss_plain },
    { 0x05, "Trapped MCR or MRC (coproc 14)", "AArch32 CP14 trap", iss_plain },
    { 0x06, "Trapped LDC or STC", "AArch32 CP14 trap", iss_plain },
    { 0x07, "Access to SVE, Advanced SIMD or floating point trapped", "FP/SIMD trap",
      iss_fp_access },
    { 0x09, "Trapped pointer authentication instruction", "pointer authentication trap",
      iss_plain },
    { 0x0a, "Trapped LD64B or ST64B", "LS64 trap", iss_plain },
    { 0x0c, "Trapped MRRC (coproc 14)", "AArch32 CP14 trap", iss_plain },
    { 0x0d, "Branch Target exception", "branch target exception", iss_bti },
    { 0x0e, "Illegal Execution state", "illegal execution state", iss_plain },
    { 0x11, "SVC from AArch32", "SVC (AArch32)", iss_imm16 },
    { 0x12, "HVC from AArch32", "HVC (AArch32)", iss_imm16 },
    { 0x13, "SMC from AArch32", "SMC (AArch32)", iss_plain },
    { 0x15, "SVC from AArch64", "SVC", iss_imm16 },
    { 0x16, "HVC from AArch64", "HVC", iss_imm16 },
    { 0x17, "SMC from AArch64", "SMC", iss_imm16 },
    { 0x18, "Trapped MSR, MRS or System instruction", "system register trap", iss_sysreg },
    { 0x19, "Access to SVE trapped", "SVE trap", iss_plain },
    { 0x1a, "Trapped ERET", "ERET trap", iss_plain },
    { 0x1c, "Pointer authentication failure", "pointer authentication failure", iss_plain },
    { 0x1d, "Access to SME trapped", "SME trap", iss_plain },
    { 0x20, "Instruction Abort from a lower Exception level", "Instruction Abort", iss_insn_abort },
    { 0x21, "Instruction Abort without a change of Exception level",
      "Instruction Abort (same level)", iss_insn_abort },
    { 0x22, "PC alignment fault", "PC alignment fault", iss_plain },
    { 0x24, "Data Abort from a lower Exception level", "Data Abort", iss_data_abort },
    { 0x25, "Data Abort without a change of Exception level", "Data Abort (same level)",
      iss_data_abort },
    { 0x26, "SP alignment fault", "SP alignment fault", iss_plain },
    { 0x27, "Memory Copy and Memory Set exception", "MOPS exception", iss_mops },
    { 0x28, "Trapped floating-point exception (AArch32)", "FP exception (AArch32)",
      iss_fp_exception },
    { 0x2c, "Trapped floating-point exception", "FP exception", iss_fp_exception },
    { 0x2f, "SError interrupt", "SError", iss_serror },
    { 0x30, "Breakpoint from a lower Exception level", "breakpoint", iss_breakpoint },
    { 0x31, "Breakpoint without a change of Exception level", "breakpoint (same level)",
      iss_breakpoint },
    { 0x32, "Software Step from a lower Exception level", "software step", iss_step },
    { 0x33, "Software Step without a change of Exception level", "software step (same level)",
      iss_step },
    { 0x34, "Watchpoint from a lower Exception level", "watchpoint", iss_watchpoint },
    { 0x35, "Watchpoint without a change of Exception level", "watchpoint (same level)",
      iss_watchpoint },
    { 0x38, "BKPT instruction (AArch32)", "BKPT (AArch32)", iss_imm16 },
    { 0x3a, "Vector Catch (AArch32)", "vector catch (AArch32)", iss_plain },
    { 0x3c, "BRK instruction", "BRK", iss_imm16 },
};

static const struct ec_row *class_of(unsigned ec)
{
    for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
        if (classes[i].ec == ec) {
            return &classes[i];
        }
    }
    return NULL;
}

const char *esr_ec_name(unsigned ec)
{
    const struct ec_row *row = class_of(ec);

    return row != NULL ? row->name : "unallocated";
}

size_t esr_explain(uint64_t esr, char *buf, size_t size)
{
    const struct ec_row *row = class_of(ESR_EC(esr));
    struct text t;

    text_init(&t, buf, size);
    text_add(&t, "ESR 0x%08llx\n", (unsigned long long)esr);
    text_add(&t, "  EC     [31:26] = 0x%02x  %s\n", ESR_EC(esr), esr_ec_name(ESR_EC(esr)));
    text_add(&t, "  IL     [25] = %u  %s\n", esr & ESR_IL ? 1u : 0u,
             esr & ESR_IL ? "32-bit instruction, or not about one" : "16-bit instruction");
    if (row != NULL) {
        row->iss(&t, ESR_ISS(esr));
    } else {
        text_add(&t, "  ISS    = 0x%07x\n", ESR_ISS(esr));
    }
    if (esr >> 32) {
        text_add(&t, "  ISS2   [55:32] = 0x%06x\n", (unsigned)bits(esr, 32, 24));
    }
    return t.len;
}

static void summarize_sysreg(struct text *t, uint32_t iss)
{
    uint32_t reg = SYSREG(field(iss, 20, 2), field(iss, 14, 3), field(iss, 10, 4), field(iss, 1, 4),
                          field(iss, 17, 3));
    const char *name = sysreg_name(reg);

    text_add(t, ": %s ", iss & 1 ? "read of" : "write to");
    if (name != NULL) {
        text_add(t, "%s", name);
    } else {
        text_add(t, "S%u_%u_C%u_C%u_%u", field(iss, 20, 2), field(iss, 14, 3), field(iss, 10, 4),
                 field(iss, 1, 4), field(iss, 17, 3));
    }
}

size_t esr_summary(uint64_t esr, char *buf, size_t size)
{
    const struct ec_row *row = class_of(ESR_EC(esr));
    uint32_t iss = ESR_ISS(esr);
    char fault[80];
    struct text t;

    text_init(&t, buf, size);
    text_add(&t, "%s", row != NULL ? row->brief : "unallocated exception class");
    if (row == NULL) {
        return t.len;
    }
    if (row->iss == iss_imm16) {
        text_add(&t, " #%u", field(iss, 0, 16));
    } else if (row->iss == iss_insn_abort) {
        text_add(&t, ": %s", esr_fsc_name(field(iss, 0, 6), fault, sizeof(fault)));
    } else if (row->iss == iss_data_abort) {
        text_add(&t, ": %s, %s", esr_fsc_name(field(iss, 0, 6), fault, sizeof(fault)),
                 iss & BIT(6) ? "write" : "read");
    } else if (row->iss == iss_sysreg) {
        summarize_sysreg(&t, iss);
    }
    return t.len;
}
