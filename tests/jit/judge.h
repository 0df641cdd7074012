/*
 * judge.h - the third party: an Arm Linux program (agent.c) under qemu-aarch64, or on an Arm machine.
 */
#ifndef JIT_JUDGE_H
#define JIT_JUDGE_H

#include <stdbool.h>

#include "record.h"

/* Starts `command agent shared-file` (command may be NULL); NULL if that fails. */
struct agent_shm *judge_start(const char *command, const char *agent);
/* Runs the program in the shared memory; false if the agent died. */
bool judge_run(void);
void judge_stop(void);

#endif
