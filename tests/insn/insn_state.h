/*
 * insn_state.h - what one instruction sees and leaves behind, as our CPU, the oracles and the Arm
 * agent agree on it.
 *
 * All sides run the instruction at the same virtual address and see the same data buffer at the
 * same virtual address, so that PC-relative results can be compared too. Only <stdint.h>: C, C++
 * and the agent (another architecture) include this.
 */
#ifndef INSN_STATE_H
#define INSN_STATE_H

#include <stdint.h>

#define INSN_CODE_VA    0x2000100000ull /* one page; the instruction is in slot 2 .. 1000 */
#define INSN_DATA_VA    0x2000140000ull /* in reach of a literal load from the code page   */
#define INSN_DATA_SIZE  8192u           /* two pages; nothing is mapped around them        */
#define INSN_STACK_VA   0x2000180000ull /* the agent's signals: see agent.c                */
#define INSN_STACK_SIZE 65536u
#define INSN_BATCH      256
#define INSN_WINDOW     256u /* bytes of the buffer that a case of the agent gives back */
/* Where the agent's instructions go, so that those of a batch do not overlap: eight words each. */
#define INSN_SLOTS      125
#define INSN_SLOT_PC(n) (INSN_CODE_VA + 4 * (2 + 8 * (uint64_t)(n)))

enum insn_outcome {
    INSN_RAN,
    INSN_UNDEFINED, /* undefined instruction                                   */
    INSN_FAULT,     /* an access outside the data buffer, or misaligned        */
    INSN_CRASHED,   /* the side that ran it died of it: always a bug somewhere */
};

struct insn_state {
    uint64_t x[31], sp, pc;
    uint32_t nzcv; /* bits 31:28 */
    uint32_t fpcr, fpsr;
    uint32_t outcome; /* enum insn_outcome */
    uint64_t v[32][2];
};

/* Memory that the tester shares with the agent. */
struct insn_agent_case {
    struct insn_state state;
    uint32_t word;
    uint32_t memory; /* 1: the window is given back, and what the case has written is undone */
    uint32_t window; /* offset in the buffer                                                 */
    uint32_t unused;
};

struct insn_agent_shm {
    uint32_t count;
    uint32_t stray; /* after a batch: some case wrote outside of its window */
    uint32_t unused[2];
    struct insn_agent_case cases[INSN_BATCH];
    uint8_t pristine[INSN_DATA_SIZE];
    uint8_t data[INSN_BATCH][INSN_WINDOW];
};

#endif
