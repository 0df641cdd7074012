// allocated_ours.c - our side of allocated.cc: the table and the lowering, with every feature on.
#include <stdlib.h>
#include <string.h>

#include "accel/soft/cpu.h"

const char *ours_init(void);
const char *ours_row(uint32_t word);

static struct a64_table *table;
static struct vm vm;
static struct vcpu vcpu = { .vm = &vm };
static struct cpu cpu = { .features = ~0ull, .vcpu = &vcpu };

const char *ours_init(void)
{
    table = calloc(1, a64_table_size());
    vm.a64 = table;
    return table == NULL ? "no memory" : a64_init(table);
}

/* Instructions whose meaning is to be UNDEFINED here, and those whose operand decides (which system register). */
static bool always(const struct a64_row *row)
{
    static const enum a64_insn rows[] = { A64_INSN_UDF,   A64_INSN_DCPS1, A64_INSN_DCPS2,
                                          A64_INSN_DCPS3, A64_INSN_DRPS,  A64_INSN_HLT,
                                          A64_INSN_MSR,   A64_INSN_MRS,   A64_INSN_SYS,
                                          A64_INSN_SYSL };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (row->index == rows[i]) {
            return true;
        }
    }
    return false;
}

const char *ours_row(uint32_t word)
{
    const struct a64_row *row = a64_decode(table, word);
    struct lower lo = { .cpu = &cpu };
    struct op op;

    if (row == NULL) {
        return NULL;
    }
    return always(row) || lower_insn(&lo, word, &op) != UOP_undefined ? row->name : NULL;
}
