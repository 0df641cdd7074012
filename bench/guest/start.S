// start.S - bare-metal start for the benchmark programs: MMU and caches on with an identity map, FP on, then main().
//
// Linked at 0x40400000, runs on QEMU's `virt` and on ours. One table of 1 GiB blocks: 0 is Device memory, the second is
// Normal. The return value of main is printed by it; at the end the machine is switched off by PSCI.
        .global _start
        .section .text.start, "ax"
_start: ldr     x0, =stack_top
        mov     sp, x0
        mov     x0, #(3 << 20)
        msr     cpacr_el1, x0
        adrp    x1, table
        add     x1, x1, :lo12:table
        ldr     x0, =0x0060000000000401         // 0..1 GiB: Device, AF, never executed
        str     x0, [x1]
        ldr     x0, =0x0000000040000705         // 1..2 GiB: Normal, AF, inner shareable
        str     x0, [x1, #8]
        ldr     x0, =0xff00                     // MAIR: 0 Device-nGnRnE, 1 Normal write-back
        msr     mair_el1, x0
        ldr     x0, =0x0000000280803519         // TCR: 39-bit VA, 4 KiB, write-back, inner shareable, 40-bit PA; TTBR1 off
        msr     tcr_el1, x0
        msr     ttbr0_el1, x1
        isb
        mrs     x0, sctlr_el1
        mov     x2, #0x1005
        orr     x0, x0, x2
        bic     x0, x0, #2                      // no alignment checks
        msr     sctlr_el1, x0
        isb
        bl      main
        ldr     w0, =0x84000008
        hvc     #0
        b       .

        .bss
        .balign 4096
table:  .skip   4096
        .skip   65536
stack_top:
