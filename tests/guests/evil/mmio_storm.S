// mmio_storm.S - reads and writes of every size all over the device space, aligned and not, with aborts ignored.
// expect: status=3
// args: --timeout 100
        .include "common.inc"
        .global _start
_start: adr     x0, vectors
        msr     vbar_el1, x0
        isb
        movz    x1, #0x0800, lsl #16
        movz    x2, #0x0a10, lsl #16
        mov     x4, #0x5a5a
        movz    x7, #(DEBUG_EXIT >> 16), lsl #16
loop:   cmp     x1, x7                          // not the device that ends the run
        b.eq    1f
        ldr     w3, [x1]
        ldrb    w3, [x1, #1]
        ldrh    w3, [x1, #2]
        ldr     x3, [x1]
        ldr     w3, [x1, #3]
        str     w4, [x1]
        strb    w4, [x1, #5]
        str     x4, [x1]
        ldp     x3, x5, [x1]
        ldxr    w3, [x1]
        dc      zva, x1
1:      add     x1, x1, #0x1000
        add     x4, x4, x1
        cmp     x1, x2
        b.lo    loop
        exit_with #3
        b       .
skip:   mrs     x6, elr_el1                     // step over whatever aborted
        add     x6, x6, #4
        msr     elr_el1, x6
        eret
        vector_table vectors, skip
