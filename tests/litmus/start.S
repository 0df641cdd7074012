// start.S - the litmus guest's first and its other CPUs: MMU and caches on with an identity map, then main() or
// secondary(cpu). 1 GiB blocks: 0 is Device memory, the second Normal, inner shareable; tlbi.c adds a third. An exception
// skips its instruction and sets x0 to all ones; it uses x16.
        .global _start, cpu_entry, table
        .section .text.start, "ax"
_start: adrp    x1, table
        add     x1, x1, :lo12:table
        ldr     x0, =0x0060000000000401         // 0..1 GiB: Device, AF, never executed
        str     x0, [x1]
        ldr     x0, =0x0000000040000705         // 1..2 GiB: Normal, AF, inner shareable
        str     x0, [x1, #8]
        mov     x0, #0
        bl      setup
        bl      main
        ldr     w0, =0x84000008                 // SYSTEM_OFF
        hvc     #0
        b       .

// Of CPU_ON: x0 is the CPU's number.
cpu_entry:
        bl      setup
        bl      secondary
        b       .

setup:  adrp    x1, stacks
        add     x1, x1, :lo12:stacks
        add     x2, x0, #1
        add     x1, x1, x2, lsl #14
        mov     sp, x1
        adrp    x1, table
        add     x1, x1, :lo12:table
        ldr     x2, =0xff00                     // MAIR: 0 Device-nGnRnE, 1 Normal write-back
        msr     mair_el1, x2
        ldr     x2, =0x0000000280803519         // TCR: 39-bit VA, 4 KiB, write-back, inner shareable, 40-bit PA; TTBR1 off
        msr     tcr_el1, x2
        msr     ttbr0_el1, x1
        isb
        mrs     x2, sctlr_el1
        mov     x3, #0x1005
        orr     x2, x2, x3
        bic     x2, x2, #2                      // no alignment checks
        msr     sctlr_el1, x2
        adrp    x2, vectors
        add     x2, x2, :lo12:vectors
        msr     vbar_el1, x2
        mov     x2, #(3 << 20)                  // CPACR: FP on
        msr     cpacr_el1, x2
        isb
        ret

        .balign 2048
vectors:
        .skip   0x200
        mrs     x16, elr_el1
        add     x16, x16, #4
        msr     elr_el1, x16
        mov     x0, #-1
        eret

        .bss
        .balign 4096
table:  .skip   4096
        .balign 16384
stacks: .skip   5 * 16384
