// smp.S - four CPUs by PSCI CPU_ON: each adds its affinity to a sum by exclusives, CPU 0 checks it and the states.
// expect: status=66
// args: --cpus 4 --timeout 100
        .include "common.inc"
        .global _start
_start: mov     x19, #1
1:      movz    w0, #3                          // CPU_ON, SMC64
        movk    w0, #0xc400, lsl #16
        mov     x1, x19
        adr     x2, second
        add     x3, x19, #100                   // context
        hvc     #0
        cbnz    x0, fail
        add     x19, x19, #1
        cmp     x19, #4
        b.lo    1b
        adr     x4, arrived
2:      wfe
        ldr     w5, [x4]
        cmp     w5, #3
        b.ne    2b
3:      movz    w0, #4                          // AFFINITY_INFO of CPU 3: 1 = off
        movk    w0, #0xc400, lsl #16
        mov     x1, #3
        mov     x2, #0
        hvc     #0
        cmp     x0, #1
        b.ne    3b
        adr     x4, sum
        ldr     w0, [x4]                
        exit_with w0
        b       .
fail:   exit_with #1
        b       .
second: sub     x0, x0, #100
        mrs     x1, mpidr_el1
        and     x1, x1, #0xff
        cmp     x0, x1
        b.ne    .
        mov     x2, #11
        mul     w1, w1, w2
        adr     x4, sum
1:      ldaxr   w5, [x4]
        add     w5, w5, w1
        stlxr   w6, w5, [x4]
        cbnz    w6, 1b
        adr     x4, arrived
        mov     w5, #1
        ldaddal w5, w6, [x4]
        sev
        movz    w0, #2                          // CPU_OFF
        movk    w0, #0x8400, lsl #16
        hvc     #0
        b       .
        .balign 8
sum:    .word   0
arrived: .word  0
