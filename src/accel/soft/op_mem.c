/*
 * op_mem.c - loads and stores of general registers: single, pair, literal, unprivileged.
 *
 * DDI 0487, "Loads and stores" (A64 instruction descriptions). A body is one lookup in the TLB, one
 * host access and the jump to the next op; what the fast path refuses goes to the *_slow functions,
 * which serve all kinds. Nothing architectural is written before every access of the instruction
 * has succeeded. Where a base that is written back is also a destination (CONSTRAINED
 * UNPREDICTABLE), the loaded value stays.
 */
#include "accel/soft/op_mem_x.h"

/* ---- One register ---------------------------------------------------------------------------- */

static NOINLINE bool load_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                               unsigned acc)
{
    const uint64_t value = mem_ld_slow(cpu, op, va, acc_mo(acc));

    if (cpu->left) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    cpu->x[op->rd] = extend(value, acc);
    return true;
}

static NOINLINE bool store_slow(struct cpu *cpu, const struct op *op, uint64_t va, uint64_t after,
                                unsigned acc)
{
    mem_st_slow(cpu, op, va, cpu->x[op->rd], acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    return true;
}

SINGLES(MEM_SLOW)
SINGLES(MEM_FAST_X)

/* ---- Pairs ----------------------------------------------------------------------------------- */

static NOINLINE bool load_pair_slow(struct cpu *cpu, const struct op *op, uint64_t va,
                                    uint64_t after, unsigned acc)
{
    const unsigned elem = acc_bytes(acc);

    if (!span_probe(cpu, op, va, 2 * elem, elem, false, acc_mo(acc))) {
        return false;
    }
    if (load_pair(cpu, op, va, after, acc)) { /* it is in the TLB now */
        return true;
    }
    const uint64_t v0 = mem_ld_slow(cpu, op, va, acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    const uint64_t v1 = mem_ld_slow(cpu, op, va + elem, acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    finish_load_pair(cpu, op, v0, v1, after, acc);
    return true;
}

static NOINLINE bool store_pair_slow(struct cpu *cpu, const struct op *op, uint64_t va,
                                     uint64_t after, unsigned acc)
{
    const unsigned elem = acc_bytes(acc);

    if (!span_probe(cpu, op, va, 2 * elem, elem, true, acc_mo(acc))) {
        return false;
    }
    if (store_pair(cpu, op, va, after, acc)) {
        return true;
    }
    mem_st_slow(cpu, op, va, cpu->x[op->rd], acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    mem_st_slow(cpu, op, va + elem, cpu->x[op->rm], acc_mo(acc));
    if (cpu->left) {
        return false;
    }
    if (acc & ACC_WB) {
        cpu->x[op->rn] = after;
    }
    return true;
}

PAIRS(MEM_SLOW)
PAIRS(MEM_FAST_X)
