/*
 * unicorn_side.c - runs one instruction on Unicorn, QEMU 5.0's translator as a library.
 *
 * It runs at EL1 with the MMU off and sees the tester's own code page and data buffer at the addresses that all sides use. The
 * PC, FPSR and every mode of FPCR are compared; branches run there, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#include "sides.h"

#define CODE_SIZE           4096u
#define STARTS_OF_AN_ENGINE (1u << 17)

static uc_engine *engine;

/* X0-X30, SP, NZCV, FPCR, FPSR, V0-V31: what a batch moves. */
#define REGS (31 + 1 + 3 + 32)

static int ids[REGS];

/* Unicorn moves eight bytes of each of these. */
static struct {
    uint64_t nzcv, fpcr, fpsr;
} wide;

static void name_registers(void)
{
    unsigned n = 0;

    for (int r = 0; r < 29; r++) {
        ids[n++] = UC_ARM64_REG_X0 + r;
    }
    ids[n++] = UC_ARM64_REG_X29;
    ids[n++] = UC_ARM64_REG_X30;
    ids[n++] = UC_ARM64_REG_SP;
    ids[n++] = UC_ARM64_REG_NZCV;
    ids[n++] = UC_ARM64_REG_FPCR;
    ids[n++] = UC_ARM64_REG_FPSR;
    for (int r = 0; r < 32; r++) {
        ids[n++] = UC_ARM64_REG_V0 + r;
    }
}

static void point_at(struct insn_state *s, void *at[REGS])
{
    unsigned n = 0;

    for (unsigned r = 0; r < 31; r++) {
        at[n++] = &s->x[r];
    }
    at[n++] = &s->sp;
    at[n++] = &wide.nzcv;
    at[n++] = &wide.fpcr;
    at[n++] = &wide.fpsr;
    for (unsigned r = 0; r < 32; r++) {
        at[n++] = s->v[r];
    }
}

static bool map(uint64_t va, size_t size, uint32_t protection)
{
    return uc_mem_map_ptr(engine, va, size, protection, (void *)(uintptr_t)va) == UC_ERR_OK;
}

/*
 * What XPAC wants to know: TCR_EL1 as Linux has it for its programs (48-bit addresses, the top byte of the lower half ignored),
 * and that pointer authentication is in use (SCTLR_EL1.EnIA); the rows that sign are not run. By instructions, because what is
 * written through Unicorn's own interface does not reach the translator.
 */
static bool set_layout(void)
{
    static const uint32_t code[] = {
        0xd5181000, /* msr sctlr_el1, x0 */
        0xd5182041, /* msr tcr_el1, x1   */
        0xd5033fdf, /* isb               */
    };
    uc_arm64_cp_reg sctlr = { .op0 = 3, .crn = 1 };
    uint64_t tcr = 1ull << 37 | 16 << 16 | 16;

    if (uc_reg_read(engine, UC_ARM64_REG_CP_REG, &sctlr) != UC_ERR_OK) {
        return false;
    }
    sctlr.val |= 1ull << 31;
    memcpy((void *)(uintptr_t)INSN_CODE_VA, code, sizeof code);
    return uc_reg_write(engine, UC_ARM64_REG_X0, &sctlr.val) == UC_ERR_OK &&
           uc_reg_write(engine, UC_ARM64_REG_X1, &tcr) == UC_ERR_OK &&
           uc_emu_start(engine, INSN_CODE_VA, INSN_CODE_VA + sizeof code, 0, 0) == UC_ERR_OK;
}

bool unicorn_init(void)
{
    name_registers();
    return uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &engine) == UC_ERR_OK &&
           uc_ctl_set_cpu_model(engine, UC_CPU_ARM64_MAX) == UC_ERR_OK &&
           map(INSN_CODE_VA, CODE_SIZE, UC_PROT_ALL) &&
           map(INSN_DATA_VA, INSN_DATA_SIZE, UC_PROT_READ | UC_PROT_WRITE) && set_layout();
}

static enum insn_outcome outcome_of(uc_err error)
{
    switch (error) {
    case UC_ERR_OK:
    case UC_ERR_FETCH_UNMAPPED: /* a branch has left the page */
    case UC_ERR_FETCH_PROT: return INSN_RAN;
    case UC_ERR_EXCEPTION:
    case UC_ERR_INSN_INVALID: return INSN_UNDEFINED;
    case UC_ERR_READ_UNMAPPED:
    case UC_ERR_WRITE_UNMAPPED:
    case UC_ERR_READ_UNALIGNED:
    case UC_ERR_WRITE_UNALIGNED: return INSN_FAULT;
    default: return INSN_CRASHED;
    }
}

/* It keeps what it has made of a word until it is told that the word is another one. */
static void place(uint64_t pc, uint32_t word)
{
    if (memcmp((void *)(uintptr_t)pc, &word, sizeof word) != 0) {
        memcpy((void *)(uintptr_t)pc, &word, sizeof word);
        uc_ctl_remove_cache(engine, pc, pc + sizeof word);
    }
}

/*
 * Every start takes a third of a kilobyte of its gigabyte for code, and it does not survive that being full; all comes back when the
 * engine goes.
 */
static void renew(void)
{
    static unsigned starts;

    if (++starts % STARTS_OF_AN_ENGINE == 0) {
        uc_close(engine);
        if (!unicorn_init()) {
            fprintf(stderr, "Unicorn does not start any more\n");
            exit(2);
        }
    }
}

/*
 * Whatever is not the word itself ends in an exception: a branch that goes astray, and one that goes to where an earlier word
 * was, for Unicorn does not stop before what it has translated already.
 */
static void clear_page(uint64_t pc)
{
    static const uint32_t brk = 0xd4200000;

    for (uint64_t at = INSN_CODE_VA; at < INSN_CODE_VA + CODE_SIZE; at += sizeof brk) {
        if (at != pc) {
            place(at, brk);
        }
    }
}

void unicorn_run(struct insn_state *s, uint32_t word, bool branch, uint64_t until)
{
    void *at[REGS];
    uc_err error;

    renew();
    place(s->pc, word);
    if (branch) {
        clear_page(s->pc);
    }
    point_at(s, at);
    wide.nzcv = s->nzcv;
    wide.fpcr = s->fpcr;
    wide.fpsr = s->fpsr;
    uc_reg_write_batch(engine, ids, at, REGS);
    error = uc_emu_start(engine, s->pc, until, 0, 0);
    uc_reg_read_batch(engine, ids, at, REGS);
    uc_reg_read(engine, UC_ARM64_REG_PC, &s->pc);
    s->nzcv = (uint32_t)wide.nzcv;
    s->fpcr = (uint32_t)wide.fpcr;
    s->fpsr = (uint32_t)wide.fpsr;
    s->outcome = outcome_of(error);
}
