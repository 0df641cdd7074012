// read_unassigned.S - nothing answers at 0x20000000: an external abort with the address in FAR_EL1.
// expect: status=16
        .include "common.inc"
        .global _start
_start: adr     x0, vectors
        msr     vbar_el1, x0
        isb
        movz    x1, #0x2000, lsl #16
        ldr     w5, [x1, #8]
        b       .
seen:   mrs     x2, esr_el1
        mrs     x3, far_el1
        add     x1, x1, #8
        cmp     x1, x3
        b.ne    .
        and     w2, w2, #0x3f
        exit_with w2
        b       .
        vector_table vectors, seen
