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

#define INSN_CODE_VA   0x2000100000ull /* one page; the instruction is in slot 2 .. 1000 */
#define INSN_DATA_VA   0x2000140000ull /* in reach of a literal load from the code page   */
#define INSN_DATA_SIZE 8192u           /* two pages; nothing is mapped around them        */
#define INSN_BATCH     64

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
    uint32_t memory; /* 1: data is copied in before and out after */
};

struct insn_agent_shm {
    uint32_t count, unused[3];
    struct insn_agent_case cases[INSN_BATCH];
    uint8_t pristine[INSN_DATA_SIZE];
    uint8_t data[INSN_BATCH][INSN_DATA_SIZE];
};

#endif
