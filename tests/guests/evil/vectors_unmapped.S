// vectors_unmapped.S - an exception whose vectors lie where nothing is: the CPU can only fault for ever.
// expect: status=124
// args: --timeout 0.5
// stderr: is stuck
// stderr: =>
// cpu: 1.5
        .include "common.inc"
        .global _start
_start: movz    x0, #0x7000, lsl #16
        msr     vbar_el1, x0
        isb
        svc     #1
        b       .
