// exception_loop.S - a handler that takes the exception it handles.
// expect: status=124
// args: --max-insns 5000000
        .include "common.inc"
        .global _start
_start: adr     x0, vectors
        msr     vbar_el1, x0
        isb
        .inst   0
again:  .inst   0
        vector_table vectors, again
