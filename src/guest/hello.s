//
// hello.s - the built-in guest: says hello by hypercall and by UART, takes one timer interrupt, powers off.
//
// Loaded at 0x40001000 on the classic board and entered at EL1 with the MMU off, interrupts masked and SP at the top
// of RAM. Position independent, so that an object file's .text is the whole program. Any AArch64 GNU assembler or
// clang takes it.
//
//   1  HVC #0, function 0x86000001   greeting to the monitor: x1 = address, x2 = length
//   2  PL011 at 0x09000000           one store a character
//   3  GIC and virtual timer         PPI 27 in 5 ms; WFI until the handler has run. GICv2 or GICv3, whichever answers
//   4  HVC #0, PSCI SYSTEM_OFF
//
        .equ    UART,           0x09000000
        .equ    UART_DR,        0x00
        .equ    GICD,           0x09020000      // distributor; classic board
        .equ    GICC,           0x09030000      // CPU interface of GICv2
        .equ    GICR_SGI,       0x080b0000      // redistributor 0, SGI frame
        .equ    GICR_WAKER,     0x080a0014
        .equ    GICD_TYPER,     0x4             // (PIDR2 would be at 0xfe8 or 0xffe8: a GICv2 ends before that)
        .equ    TIMER_PPI,      27
        .equ    PRINT,          0x86000001
        .equ    SYSTEM_OFF,     0x84000008

        .text
        .global _start
_start:
        adr     x0, vectors
        msr     vbar_el1, x0
        isb

        // 1. The greeting.
        movz    w0, #(PRINT & 0xffff)
        movk    w0, #(PRINT >> 16), lsl #16
        adr     x1, greeting
        mov     x2, #(greeting_end - greeting)
        hvc     #0

        // 2. The same by the serial port.
        adr     x19, uart_text
        bl      puts

        // 3. One interrupt from the virtual timer. w20 counts them.
        mov     w20, #0
        mov     x21, #GICD
        ldr     w0, [x21, #GICD_TYPER]
        tst     w0, #(0x1f << 19)                       // IDbits: 9 or more from GICv3 on, 0 before
        cset    w22, ne
        add     w22, w22, #2                            // w22 = GIC architecture version
        b.ne    gicv3_on

        mov     x1, #GICC                               // GICv2
        mov     w0, #0xff
        str     w0, [x1, #4]                            // GICC_PMR: every priority
        mov     w0, #1
        str     w0, [x1]                                // GICC_CTLR
        str     w0, [x21]                               // GICD_CTLR
        mov     w0, #(1 << TIMER_PPI)
        str     w0, [x21, #0x100]                       // GICD_ISENABLER0
        b       timer_on

gicv3_on:
        movz    x1, #(GICR_WAKER & 0xffff)
        movk    x1, #(GICR_WAKER >> 16), lsl #16
        ldr     w0, [x1]
        bic     w0, w0, #2                              // GICR_WAKER.ProcessorSleep
        str     w0, [x1]
1:      ldr     w0, [x1]
        tbnz    w0, #2, 1b                              // ChildrenAsleep
        mov     w0, #2
        str     w0, [x21]                               // GICD_CTLR.EnableGrp1
        movz    x1, #(GICR_SGI & 0xffff)
        movk    x1, #(GICR_SGI >> 16), lsl #16
        mov     w0, #(1 << TIMER_PPI)
        str     w0, [x1, #0x80]                         // GICR_IGROUPR0: group 1
        str     w0, [x1, #0x100]                        // GICR_ISENABLER0
        mov     x0, #0xff
        msr     S3_0_C4_C6_0, x0                        // ICC_PMR_EL1
        mov     x0, #1
        msr     S3_0_C12_C12_7, x0                      // ICC_IGRPEN1_EL1
        isb

timer_on:
        mrs     x0, cntfrq_el0
        mov     x1, #200
        udiv    x0, x0, x1                              // 5 ms
        msr     cntv_tval_el0, x0
        mov     x0, #1
        msr     cntv_ctl_el0, x0
        isb
2:      wfi                                             // masked: one that is pending already ends the wait, too
        msr     daifclr, #2
        isb                                             // and is taken here
        msr     daifset, #2
        cbz     w20, 2b
        adr     x19, tick_text
        bl      puts

        // 4. Good night.
        movz    w0, #(SYSTEM_OFF & 0xffff)
        movk    w0, #(SYSTEM_OFF >> 16), lsl #16
        hvc     #0
3:      wfi
        b       3b

// Writes the 0-terminated text at x19 to the serial port. Changes x0, x1, x19.
puts:
        mov     x1, #UART
1:      ldrb    w0, [x19], #1
        cbz     w0, 2f
        str     w0, [x1, #UART_DR]
        b       1b
2:      ret

// The timer's interrupt: acknowledge, silence the timer, end. Changes x0-x2 of the interrupted loop, which holds
// nothing there.
irq:
        cmp     w22, #3
        b.eq    irq_v3
        mov     x1, #GICC
        ldr     w2, [x1, #0x0c]                         // GICC_IAR
        msr     cntv_ctl_el0, xzr
        isb
        str     w2, [x1, #0x10]                         // GICC_EOIR
        b       irq_done
irq_v3:
        mrs     x2, S3_0_C12_C12_0                      // ICC_IAR1_EL1
        msr     cntv_ctl_el0, xzr
        isb
        msr     S3_0_C12_C12_1, x2                      // ICC_EOIR1_EL1
irq_done:
        add     w20, w20, #1
        eret

// Anything else: say so and power off, rather than loop in silence.
bad:
        adr     x19, bad_text
        bl      puts
        movz    w0, #(SYSTEM_OFF & 0xffff)
        movk    w0, #(SYSTEM_OFF >> 16), lsl #16
        hvc     #0
        b       bad

        .balign 2048
vectors:
        .macro  vector target
        .balign 128
        b       \target
        .endm
        vector  bad                                     // current level, SP_EL0
        vector  bad
        vector  bad
        vector  bad
        vector  bad                                     // current level, SP_EL1
        vector  irq
        vector  bad
        vector  bad
        vector  bad                                     // lower level, AArch64
        vector  bad
        vector  bad
        vector  bad
        vector  bad                                     // lower level, AArch32
        vector  bad
        vector  bad
        vector  bad

greeting:
        .ascii  "Hello Hypervisor!"
greeting_end:
uart_text:
        .asciz  "Hello from EL1 by PL011\n"
tick_text:
        .asciz  "Timer interrupt taken\n"
bad_text:
        .asciz  "Unexpected exception\n"
        .balign 8
