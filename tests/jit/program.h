/*
 * program.h - random A64 programs that end: loops by counters of their own, forward branches, calls, memory accesses
 * near the ends of pages of all kinds, exceptions at any place.
 *
 * A program runs at EL0 or EL1 with its own handler (handler.c), which notes the state at every exception and goes on
 * behind the instruction. It is a function of its seed and kind.
 */
#ifndef JIT_PROGRAM_H
#define JIT_PROGRAM_H

#include "generate.h"

#define PROGRAM_CODE_VA INSN_CODE_VA
#define PROGRAM_DATA_VA INSN_DATA_VA
#define PROGRAM_PAGES   4 /* of code */
#define PROGRAM_WORDS   (PROGRAM_PAGES * 1024)

/* Pages of data, from PROGRAM_DATA_VA on. */
enum { DATA_RW0, DATA_RW1, DATA_RO, DATA_NONE, DATA_RW2, DATA_PAGES };

/* SVC with this immediate is the end. */
#define PROGRAM_END 0xffff

enum program_kind {
    PROGRAM_SYSTEM, /* everything                                           */
    PROGRAM_USER,   /* what a Linux process may do: qemu-aarch64 is a judge */
};

struct program {
    uint64_t seed;
    enum program_kind kind;
    uint32_t code[PROGRAM_WORDS]; /* what is not used is UDF */
    unsigned start, end;          /* index of the first instruction and of the end's SVC */
    bool el0;
    bool guarded;            /* code pages have GP (FEAT_BTI) */
    bool aligned;            /* SCTLR_EL1.A                   */
    bool two_cpus;           /* pairs are one access          */
    unsigned heat;           /* when to translate             */
    bool copies;             /* loops are copied soon         */
    bool count;              /* instructions are counted      */
    struct insn_state state; /* at the start                  */
};

void program_make(struct program *p, const struct a64_table *table, uint64_t seed,
                  enum program_kind kind);

#endif
