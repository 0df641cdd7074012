// handler.S - what a random program's exceptions do: note everything, go on behind the instruction.
//
// SP_EL1 is where the next record (struct record of jit_diff.c) goes; SP_EL0 is the program's. The records go round in
// 256 KiB. Assembled for VBAR_EL1.
#define RECORD 1024

        .macro  vregs insn
        .irp    n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
        vpair   \insn, \n
        .endr
        .endm
        .macro  vpair insn, n
        .altmacro
        vpair_  \insn, \n, %(\n + 1), %(320 + 16 * \n)
        .noaltmacro
        .endm
        .macro  vpair_ insn, n, m, at
        \insn   q\n, q\m, [sp, #\at]
        .endm

        .text
        .org    0x000
        b       handler                 // EL1t, synchronous
        .org    0x400
        b       handler                 // EL0, synchronous
        .org    0x800
handler:
        stp     x0, x1, [sp, #0]
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        mrs     x0, sp_el0
        stp     x30, x0, [sp, #240]
        mrs     x0, esr_el1
        mrs     x1, elr_el1
        mrs     x2, spsr_el1
        mrs     x3, far_el1
        stp     x1, x2, [sp, #256]
        stp     x0, x3, [sp, #272]
        mrs     x4, fpcr
        mrs     x5, fpsr
        stp     x4, x5, [sp, #288]
        vregs   stp
        lsr     x6, x0, #26
        cmp     x6, #0x15               // SVC: returns behind it, or is the end
        b.ne    1f
        mov     w7, #0xffff
        cmp     w7, w0, uxth
        b.ne    3f
        hvc     #0
1:      cmp     x6, #0x0d               // BTI: the instruction has not run yet, and may with BTYPE 0
        b.eq    2f
        add     x1, x1, #4
2:      msr     elr_el1, x1
        bic     x2, x2, #0xc00
        msr     spsr_el1, x2
3:      mov     x0, sp
        add     x0, x0, #RECORD
        tst     x0, #0x40000
        ldp     x0, x1, [sp, #0]
        ldp     x2, x3, [sp, #16]
        ldp     x4, x5, [sp, #32]
        ldp     x6, x7, [sp, #48]
        b.ne    4f
        add     sp, sp, #RECORD
        eret
4:      sub     sp, sp, #0x3f000        // to the first
        sub     sp, sp, #0xc00
        eret
