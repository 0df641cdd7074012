// start.S - bare-metal start of the benchmark guests: MMU and caches on with an identity map, FP on, then the row.
//
// Linked at 0x40400000, runs on QEMU's `virt` and on ours. One table of 1 GiB blocks: 0 is Device memory, the second is
// Normal, the third shows the second's RAM to EL0, the one at 100 GiB is the second again. The row's checksum goes to the PL011 as 16 digits and a newline; then
// the machine is switched off by PSCI. The link says which row and how much: bench_row, bench_work.
        .global _start, use_vectors, start_cpu, table
        .equ    UART, 0x09000000

        .section .text.start, "ax"
_start: ldr     x0, =stack_top
        mov     sp, x0
        adrp    x1, table
        add     x1, x1, :lo12:table
        ldr     x0, =0x0060000000000401         // 0..1 GiB: Device, AF, never executed
        str     x0, [x1]
        ldr     x0, =0x0000000040000705         // 1..2 GiB: Normal, AF, inner shareable
        str     x0, [x1, #8]
        add     x2, x1, #(100 * 8)              // and once more at 100 GiB
        str     x0, [x2]
        ldr     x0, =0x0020000040000745         // 2..3 GiB: the same RAM, for EL0 too, never executed at EL1
        str     x0, [x1, #16]
        bl      setup
        ldr     x0, =bench_work
        ldr     x1, =bench_row
        blr     x1
        ldr     x1, =UART                       // 16 digits, the highest first
        mov     x2, #60
digits: lsr     x3, x0, x2
        and     x3, x3, #15
        add     x3, x3, #'0'
        cmp     x3, #'9'
        add     x4, x3, #39
        csel    x3, x4, x3, hi
        str     w3, [x1]
        subs    x2, x2, #4
        b.ge    digits
        mov     w3, #10
        str     w3, [x1]
        ldr     w0, =0x84000008                 // SYSTEM_OFF
        hvc     #0
        b       .

// The MMU's and the FP unit's registers, the same on every CPU. x0 and x1 die.
setup:  mov     x0, #(3 << 20)
        msr     cpacr_el1, x0
        adrp    x1, table
        add     x1, x1, :lo12:table
        ldr     x0, =0xff00                     // MAIR: 0 Device-nGnRnE, 1 Normal write-back
        msr     mair_el1, x0
        ldr     x0, =0x0000000280803519         // TCR: 39-bit VA, 4 KiB, write-back, inner shareable, 40-bit PA; TTBR1 off
        msr     tcr_el1, x0
        msr     ttbr0_el1, x1
        isb
        mrs     x0, sctlr_el1
        mov     x1, #0x1005
        orr     x0, x0, x1
        bic     x0, x0, #2                      // no alignment checks
        msr     sctlr_el1, x0
        isb
        ret

use_vectors:
        msr     vbar_el1, x0
        isb
        ret

// start_cpu(cpu, entry): PSCI CPU_ON; the other CPU calls entry on a stack of its own and then sleeps. Returns PSCI's answer.
start_cpu:
        stp     x29, x30, [sp, #-16]!
        mov     x3, x1
        mov     x1, x0
        adr     x2, other_cpu
        ldr     w0, =0xc4000003
        hvc     #0
        ldp     x29, x30, [sp], #16
        ret
other_cpu:                                      // x0: entry
        mov     x19, x0
        bl      setup
        ldr     x0, =other_stack_top
        mov     sp, x0
        blr     x19
1:      wfi
        b       1b

        .bss
        .balign 4096
table:  .skip   4096
        .skip   131072
stack_top:
        .skip   65536
other_stack_top:
