/*
 * record.h - the state at an exception, as handler.S and the Linux agent note it; and what the agent is handed.
 */
#ifndef JIT_RECORD_H
#define JIT_RECORD_H

#include <stdint.h>

#define RECORD_BYTES 1024
#define RECORDS      256

/* Offsets are known to handler.S. */
struct record {
    uint64_t x[31], sp;
    uint64_t pc, pstate, esr, far_va;
    uint64_t fpcr, fpsr, unused[2];
    uint64_t v[32][2];
    uint8_t pad[RECORD_BYTES - 832];
};

#define AGENT_CODE_BYTES (4 * 4096)
#define AGENT_DATA_BYTES (2 * 4096)

/* Classes of what the agent noted, where esr would be. */
enum { AGENT_UNDEFINED = 1, AGENT_ABORT, AGENT_BREAKPOINT };

struct agent_shm {
    uint64_t end_pc;
    struct record start, last;
    uint32_t records, overran;
    struct record record[RECORDS];
    uint8_t code[AGENT_CODE_BYTES], data[AGENT_DATA_BYTES];
};

#endif
