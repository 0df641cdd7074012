/*
 * coverage.c - docs/coverage.md from the tables: for each feature its instructions, system registers and operations, and
 * who judges them.
 */
#include <string.h>

#include "accel/soft/engine.h"
#include "base/bits.h"
#include "diff.h"

static const struct {
    const char *name, *option, *what, *tests;
} features[] = {
#define FEATURE(name, option, what, tests) { #name, option, what, tests },
#include "arch/a64_features.def"
#undef FEATURE
};

static const char *const registers[] = {
#define SR(name, op0, op1, crn, crm, op2, access, kind, reset) #name,
#include "arch/sysreg.def"
#undef SR
};

/* ---- What hangs on a feature ----------------------------------------------------------------- */

/* A CPU that is asked what it has, and nothing else. */
static struct vm vm = { .config = { .gic_version = 3 } };
static struct vcpu vcpu = { .vm = &vm };
static struct cpu cpu = { .vcpu = &vcpu };

static bool register_there(enum sys_index row, uint64_t have)
{
    cpu.features = have;
    return sysreg_exists(&cpu, row);
}

static bool operation_there(uint32_t encoding, uint64_t have)
{
    cpu.features = have;
    return sysop_find(&cpu, encoding) >= 0;
}

/* BASE has what is there with nothing else. */
static bool register_of(enum sys_index row, enum a64_feat f)
{
    return f == A64_FEAT_BASE ? register_there(row, BIT(A64_FEAT_BASE))
                              : register_there(row, ~0ull) && !register_there(row, ~BIT(f));
}

static bool operation_of(uint32_t encoding, enum a64_feat f)
{
    return f == A64_FEAT_BASE
               ? operation_there(encoding, BIT(A64_FEAT_BASE))
               : operation_there(encoding, ~0ull) && !operation_there(encoding, ~BIT(f));
}

/* ---- The document ---------------------------------------------------------------------------- */

static void print_feature(FILE *out, enum a64_feat f)
{
    unsigned rows = 0, vixl = 0, unicorn = 0, agent = 0, system = 0, regs = 0, ops = 0;

    for (unsigned i = 0; i < A64_INSN_COUNT; i++) {
        const struct a64_row *row = a64_row(diff.table, i);
        if (row->feat == f) {
            bool is_system = (row->flags & A64_SYS) != 0;
            rows += !is_system;
            system += is_system;
            vixl += (judges_of(row) & ORACLE_VIXL) != 0;
            unicorn += (judges_of(row) & ORACLE_UNICORN) != 0;
            agent += (judges_of(row) & ORACLE_AGENT) != 0;
        }
    }
    for (unsigned i = 0; i < SYS_COUNT; i++) {
        regs += register_of((enum sys_index)i, f);
    }
    for (uint32_t e = SYSREG(1, 0, 0, 0, 0); e < SYSREG(2, 0, 0, 0, 0); e++) {
        ops += operation_of(e, f);
    }
    fprintf(out, "| %s | %s | %s | %u | %u | %u | %u | %u | %u | %u | %s |\n", features[f].name,
            features[f].option != NULL ? features[f].option : "-", features[f].what, rows, vixl,
            unicorn, agent, system, regs, ops, features[f].tests);
}

static void print_registers(FILE *out, enum a64_feat f)
{
    const char *before = "";

    for (unsigned i = 0; i < SYS_COUNT; i++) {
        if (register_of((enum sys_index)i, f)) {
            if (*before == 0) {
                fprintf(out, "| %s | ", features[f].name);
            }
            fprintf(out, "%s%s", before, registers[i]);
            before = " ";
        }
    }
    if (*before != 0) {
        fprintf(out, " |\n");
    }
}

void print_coverage(FILE *out)
{
    fprintf(out, "# What tests the CPU\n\n"
                 "Made by `insn_diff --coverage` from `include/arch/a64_*.def` and `sysreg.def`; "
                 "the test insn.coverage fails when\n"
                 "it is out of date. [cpu.md](cpu.md) says what was measured.\n\n"
                 "Of each feature: its instructions, and how many of them are compared with VIXL's "
                 "simulator, with Unicorn (QEMU 5.0)\n"
                 "and with QEMU's user mode (`tests/insn`, words and operands at random; VIXL does "
                 "not judge FPSR and rounding); its system instructions,\n"
                 "registers and SYS operations, which `tests/system` compares with QEMU's system "
                 "mode, every encoding at EL1 and EL0\n"
                 "(`sysregs.c`); and what else is about it. All rows are compared with binutils "
                 "(text) and LLVM (which words are\n"
                 "instructions) by `tests/disasm`, and `unit.soft.test_models` tries each feature "
                 "off and on.\n\n"
                 "| feature | `--cpu` | what | instructions | VIXL | Unicorn | QEMU | "
                 "system instructions | registers | operations | other tests |\n"
                 "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n");
    for (unsigned f = 0; f < A64_FEAT_COUNT; f++) {
        print_feature(out, (enum a64_feat)f);
    }
    fprintf(out, "\n## System registers\n\n| feature | registers |\n| --- | --- |\n");
    for (unsigned f = 0; f < A64_FEAT_COUNT; f++) {
        print_registers(out, (enum a64_feat)f);
    }
}

bool coverage_is(const char *path)
{
    static char want[1 << 17], have[1 << 17];
    FILE *file = fopen(path, "r"), *made = fmemopen(want, sizeof(want), "w");

    if (file == NULL || made == NULL) {
        perror(path);
        return false;
    }
    print_coverage(made);
    fclose(made);
    have[fread(have, 1, sizeof(have) - 1, file)] = 0;
    fclose(file);
    if (strcmp(want, have) != 0) {
        fprintf(diff.out, "%s is not what the tables say: insn_diff --coverage >%s\n", path, path);
        return false;
    }
    return true;
}
