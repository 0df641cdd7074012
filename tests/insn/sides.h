/*
 * sides.h - the parties of the instruction test: our CPU, VIXL's simulator, Unicorn, and an Arm program ("agent") under
 * qemu-user or on a real Arm machine.
 */
#ifndef INSN_SIDES_H
#define INSN_SIDES_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "insn_state.h"

#ifdef __cplusplus
extern "C" {
#endif

struct a64_table;

/* ---- Our CPU (soft_side.c) ------------------------------------------------------------------- */

void soft_init(const struct a64_table *table);

enum soft_memory {
    SOFT_MEM_SLOW, /* no TLB entry: every access takes the slow path */
    SOFT_MEM_FAST, /* the two data pages are in the TLB              */
};

/* Runs word at state->pc and leaves the result in state. far_branches: lowered as for single step.
 */
void soft_run_body(struct insn_state *state, uint32_t word, enum soft_memory memory,
                   bool far_branches);

#define SOFT_WORDS 4
/*
 * The same by translated code, for up to SOFT_WORDS words that run one after the other. level: which of the host's instructions it may use, below soft_translator_levels
 * (0: there is no translator here).
 */
unsigned soft_translator_levels(void);
void soft_run_translated(struct insn_state *state, const uint32_t *words, unsigned count,
                         enum soft_memory memory, unsigned level);

/* The access that made the last run a fault: its first byte, its size, whether its alignment was
 * demanded. */
struct soft_access {
    uint64_t va;
    unsigned size;
    bool aligned;
};
struct soft_access soft_fault(void);

/*
 * While insn_running is set, a deadly signal jumps to insn_escape with INSN_FAULT (a bad address)
 * or INSN_CRASHED: no side takes the tester with it. soft_init installs the handlers.
 */
extern sigjmp_buf insn_escape;
extern volatile sig_atomic_t insn_running;

/* ---- VIXL (vixl_side.cc) --------------------------------------------------------------------- */

void vixl_init(void);
void vixl_run(struct insn_state *state, uint32_t word);
/* VIXL's disassembly of word at pc, into buf. */
void vixl_disassemble(uint32_t word, uint64_t pc, char *buf, size_t size);

/* ---- Unicorn (unicorn_side.c) ---------------------------------------------------------------- */

#ifdef INSN_UNICORN
/* False: it does not start. */
bool unicorn_init(void);
/* until: where our CPU went. */
void unicorn_run(struct insn_state *state, uint32_t word, bool branch, uint64_t until);
#else
static inline bool unicorn_init(void)
{
    return false;
}
static inline void unicorn_run(struct insn_state *state, uint32_t word, bool branch, uint64_t until)
{
}
#endif

/* ---- The agent (agent_side.c) ---------------------------------------------------------------- */

/* Starts `command agent_path shared-file` (command may be NULL); NULL if that fails. One agent at a
 * time. */
struct insn_agent_shm *agent_start(const char *command, const char *agent_path);
/* Runs the shm->count cases; false if the agent died. */
bool agent_run(void);
void agent_stop(void);

#ifdef __cplusplus
}
#endif

#endif
