/*
 * machine.c - see machine.h: the rig of the engine's unit tests with tables for a program.
 *
 *     PROGRAM_CODE_VA   its code: read-only, executed by EL0 and EL1; its pages are apart in physical memory
 *     PROGRAM_DATA_VA   data pages of all kinds
 *     VECTORS, LOG      the handler and its records, one to one
 */
#include "../unit/soft/rig.h"

#include <string.h>

#include "machine.h"

#define LOG  (RAM + 0x1400000)
#define D_GP (1ull << 50) /* guarded: FEAT_BTI */

struct machine {
    struct rig rig;
    struct tables tables;
};

static uint64_t code_pa(unsigned page)
{
    return CODE + 0x2000ull * page;
}
static uint64_t data_pa(unsigned page)
{
    return DATA + 0x3000ull * page;
}

static void map_data(struct machine *m, enum program_kind kind)
{
    for (unsigned i = 0; i < DATA_PAGES; i++) {
        uint64_t *desc = tables_desc(&m->tables, PROGRAM_DATA_VA + 4096ull * i, 3);
        bool none = i == DATA_NONE || (kind == PROGRAM_USER && i > DATA_RW1);
        *desc = none ? 0 : data_pa(i) | D_AF | D_USER | D_XN | (i == DATA_RO ? D_RO : 0) | 3;
    }
}

static void map_code(struct machine *m, bool guarded)
{
    for (unsigned i = 0; i < PROGRAM_PAGES; i++) {
        tables_map(&m->tables, PROGRAM_CODE_VA + 4096ull * i, code_pa(i), 3,
                   D_AF | D_USER | D_RO | (guarded ? D_GP : 0));
    }
}

struct machine *machine_make(const struct machine_options *o, const void *handler, size_t bytes)
{
    struct machine *m = calloc(1, sizeof(*m));

    rig_make(&m->rig, .cpus = o->cpus, .heat = o->heat, .loop = o->often, .ways = o->often,
             .plant = o->plant, .diverge = o->diverge, .count = o->count);
    memcpy(rig_at(&m->rig, VECTORS), handler, bytes);
    tables_init(&m->tables, &m->rig, 12);
    for (uint64_t at = LOG; at < LOG + RECORDS * RECORD_BYTES; at += 4096) {
        tables_map(&m->tables, at, at, 3, D_AF | D_XN);
    }
    return m;
}

void machine_drop(struct machine *m)
{
    rig_drop(&m->rig);
    free(m);
}

/* ---- Before ---------------------------------------------------------------------------------- */

void machine_data(const struct program *p, uint8_t *data, unsigned pages)
{
    struct random rng = { p->seed * 2 + 1 };

    for (unsigned n = 0; n < pages * 512; n++) {
        uint64_t value = random_value(&rng);
        memcpy(data + 8 * n, &value, 8);
    }
}

static void put_memory(struct machine *m, const struct program *p)
{
    static uint8_t data[DATA_PAGES * 4096];

    machine_data(p, data, DATA_PAGES);
    for (unsigned i = 0; i < PROGRAM_PAGES; i++) {
        memcpy(rig_at(&m->rig, code_pa(i)), &p->code[1024 * i], 4096);
    }
    for (unsigned i = 0; i < DATA_PAGES; i++) {
        memcpy(rig_at(&m->rig, data_pa(i)), data + 4096 * i, 4096);
    }
    memset(rig_at(&m->rig, LOG), 0, RECORDS * RECORD_BYTES);
}

static void put_state(struct machine *m, const struct program *p)
{
    struct rig *r = &m->rig;
    const struct insn_state *s = &p->state;
    uint32_t el = p->el0 ? EL0T : EL1T;

    for (unsigned i = 0; i < 31; i++) {
        rig_set(r, REG_X0 + i, s->x[i]);
    }
    for (unsigned i = 0; i < 32; i++) {
        rig_set(r, REG_V0_LO + i, s->v[i][0]);
        rig_set(r, REG_V0_HI + i, s->v[i][1]);
    }
    rig_set(r, REG_FPCR, s->fpcr);
    rig_set(r, REG_FPSR, s->fpsr);
    rig_set(r, REG_SP_EL1, LOG);
    rig_set(r, REG_PSTATE, el | MASKED | s->nzcv);
    rig_set(r, REG_SP, s->sp);
    rig_set_sys(r, TPIDR_EL0, 0);
}

static void prepare(struct machine *m, const struct program *p)
{
    struct rig *r = &m->rig;
    uint64_t el0 =
        (p->seed & 1) != 0 || p->kind == PROGRAM_USER ? SCTLR_DZE | SCTLR_UCT | SCTLR_UCI : 0;

    put_memory(m, p);
    rig_start_cpu(r, 0); /* forgets what was decoded from other bytes */
    map_data(m, p->kind);
    map_code(m, p->guarded);
    tables_on(&m->tables, 0);
    rig_set_sys(r, SCTLR_EL1, SCTLR_M | SCTLR_SA | SCTLR_SA0 | el0 | (p->aligned ? SCTLR_A : 0));
    rig_set_sys(r, CPACR_EL1, 3u << 20);
    put_state(m, p);
}

/* ---- After ----------------------------------------------------------------------------------- */

static uint64_t executed(struct rig *r)
{
    struct accel_stats stats;

    accel_soft.stats(r->vcpu, &stats);
    return stats.insns;
}

static void take_state(struct machine *m, struct record *out)
{
    struct rig *r = &m->rig;
    const struct record *end = (const struct record *)rig_at(r, rig_get(r, REG_SP));

    memcpy(out, end, sizeof(*out));
    out->esr = out->far_va = 0;
}

void machine_run(struct machine *m, const struct program *p, struct result *result)
{
    struct rig *r = &m->rig;
    uint64_t before;

    prepare(m, p);
    before = executed(r);
    rig_run(r, p->state.pc);
    result->insns = executed(r) - before;
    result->ended = r->exit.kind == EXIT_SYNDROME && r->exit.syndrome.esr == esr_make(EC_HVC64, 0);
    if (!result->ended) {
        return;
    }
    take_state(m, &result->last);
    for (unsigned i = 0; i < DATA_PAGES; i++) {
        memcpy(result->data[i], rig_at(r, data_pa(i)), 4096);
    }
    memcpy(result->record, rig_at(r, LOG), sizeof(result->record));
    result->records = (unsigned)((rig_get(r, REG_SP) - LOG) / RECORD_BYTES);
}
