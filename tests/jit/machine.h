/*
 * machine.h - a machine that runs random programs, and what is left behind.
 */
#ifndef JIT_MACHINE_H
#define JIT_MACHINE_H

#include "program.h"
#include "record.h"

struct machine;

struct machine_options {
    unsigned heat; /* 0: it interprets */
    unsigned
        often; /* iterations after which a loop is copied, ways after which a region is made again; 0: as usual, many */
    unsigned cpus;
    unsigned plant; /* see struct vm_jit */
    bool count;
    bool diverge;
};

/* handler: the bytes of handler.S. */
struct machine *machine_make(const struct machine_options *o, const void *handler, size_t bytes);
void machine_drop(struct machine *m);
/* The first pages of data as they are at the start. */
void machine_data(const struct program *p, uint8_t *data, unsigned pages);

struct result {
    struct record last; /* at the end; esr and far_va are 0 */
    uint64_t insns;     /* executed, if they were counted   */
    bool ended;         /* by the program's last instruction */
    uint8_t data[DATA_PAGES][4096];
    struct record record[RECORDS];
    unsigned records; /* exceptions, at most RECORDS are noted */
};

void machine_run(struct machine *m, const struct program *p, struct result *result);

#endif
