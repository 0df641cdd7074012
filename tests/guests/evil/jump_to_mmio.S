// jump_to_mmio.S - executing a device is an external abort on the instruction fetch; the handler tells.
// expect: status=16
        .include "common.inc"
        .global _start
_start: adr     x0, vectors
        msr     vbar_el1, x0
        isb
        movz    x1, #(UART >> 16), lsl #16
        br      x1
seen:   mrs     x2, esr_el1
        and     w2, w2, #0x3f
        exit_with w2
        b       .
        vector_table vectors, seen
