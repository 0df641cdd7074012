// start.S - entry, vectors, probes.
#include "sys.h"

        .section .text.start, "ax"
        .global _start, cpu1_entry, probe, vectors

_start:
        adrp    x18, cpus
        add     x18, x18, :lo12:cpus
        adrp    x0, stack0_end
        add     x0, x0, :lo12:stack0_end
        mov     sp, x0
        str     x0, [x18, #CPU_STACK]
        bl      cpu_init
        bl      main
        bl      power_off

// x0 = struct cpu
cpu1_entry:
        mov     x18, x0
        ldr     x0, [x18, #CPU_STACK]
        mov     sp, x0
        bl      cpu_init
        b       cpu1_loop

// struct trap *probe(spsr, code, x0, ... x5)
probe:
        add     x8, x18, #CPU_SAVE
        stp     x19, x20, [x8, #0]
        stp     x21, x22, [x8, #16]
        stp     x23, x24, [x8, #32]
        stp     x25, x26, [x8, #48]
        stp     x27, x28, [x8, #64]
        stp     x29, x30, [x8, #80]
        mov     x9, sp
        str     x9, [x8, #96]
        adr     x9, 1f
        str     x9, [x18, #CPU_RESUME]
        adr     x30, back
        msr     spsr_el1, x0
        msr     elr_el1, x1
        mov     x0, x2
        mov     x1, x3
        mov     x2, x4
        mov     x3, x5
        mov     x4, x6
        mov     x5, x7
        isb
        eret
back:   svc     #0xfff
1:      add     x8, x18, #CPU_SAVE
        ldp     x19, x20, [x8, #0]
        ldp     x21, x22, [x8, #16]
        ldp     x23, x24, [x8, #32]
        ldp     x25, x26, [x8, #48]
        ldp     x27, x28, [x8, #64]
        ldp     x29, x30, [x8, #80]
        ldr     x9, [x8, #96]
        mov     sp, x9
        add     x0, x18, #CPU_VEC
        ret

// x0 = vector; x0 and x1 are saved already
record:
        str     x0, [x18, #CPU_VEC]
        mrs     x0, esr_el1
        mrs     x1, far_el1
        stp     x0, x1, [x18, #CPU_ESR]
        mrs     x0, elr_el1
        mrs     x1, spsr_el1
        stp     x0, x1, [x18, #CPU_ELR]
        add     x0, x18, #CPU_X
        stp     x2, x3, [x0, #16]
        stp     x4, x5, [x0, #32]
        stp     x6, x7, [x0, #48]
        stp     x8, x9, [x0, #64]
        stp     x10, x11, [x0, #80]
        stp     x12, x13, [x0, #96]
        stp     x14, x15, [x0, #112]
        stp     x16, x17, [x0, #128]
        stp     x18, x19, [x0, #144]
        stp     x20, x21, [x0, #160]
        stp     x22, x23, [x0, #176]
        stp     x24, x25, [x0, #192]
        stp     x26, x27, [x0, #208]
        stp     x28, x29, [x0, #224]
        str     x30, [x0, #240]
        mrs     x1, sp_el0
        str     x1, [x18, #CPU_SP]
        ldr     x0, [x18, #CPU_RESUME]
        cbz     x0, 1f
        str     xzr, [x18, #CPU_RESUME]
        msr     elr_el1, x0
        mov     x1, #0x3c5
        msr     spsr_el1, x1
        eret
1:      ldr     x0, [x18, #CPU_STACK]
        mov     sp, x0
        bl      unexpected

// x0 = vector of an interrupt
interrupt:
        ldr     x1, [x18, #CPU_IRQ]
        cbz     x1, record
        ldp     x0, x1, [x18, #CPU_X]
        stp     x0, x1, [sp, #-272]!
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x29, x30, [sp, #144]
        mrs     x0, elr_el1
        mrs     x1, spsr_el1
        stp     x0, x1, [sp, #160]
        ldr     x1, [x18, #CPU_IRQ]
        blr     x1
        ldp     x0, x1, [sp, #160]
        msr     elr_el1, x0
        msr     spsr_el1, x1
        ldp     x2, x3, [sp, #16]
        ldp     x4, x5, [sp, #32]
        ldp     x6, x7, [sp, #48]
        ldp     x8, x9, [sp, #64]
        ldp     x10, x11, [sp, #80]
        ldp     x12, x13, [sp, #96]
        ldp     x14, x15, [sp, #112]
        ldp     x16, x17, [sp, #128]
        ldp     x29, x30, [sp, #144]
        ldp     x0, x1, [sp], #272
        eret

        .balign 2048
vectors:
        .set    n, 0
        .rept   16
        .balign 128
        stp     x0, x1, [x18, #CPU_X]
        mov     x0, #n
        .if     (n & 3) == 1
        b       interrupt
        .else
        b       record
        .endif
        .set    n, n + 1
        .endr

        .bss
        .balign 65536
stack0: .skip   65536
stack0_end:
        .global stack1_end
stack1: .skip   65536
stack1_end:
