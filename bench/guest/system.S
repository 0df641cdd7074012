// system.S - rows of the machine itself, at EL1 with the MMU on: exceptions from EL1 and EL0 and back, data aborts, device
// registers, hypercalls, the counter and the timer, system registers, interrupt masks, address spaces, TLB
// maintenance, and code that is written and then run. Each row: x0 rounds in, a checksum out.
        .equ    UART, 0x09000000
        .equ    RAM_EL0, 0x40000000             // start.S shows RAM to EL0 this far above

        .macro  row name
        .global row_\name
        .balign 64
row_\name:
        .endm

// A table of vectors: `handler` for synchronous exceptions of EL1 and of EL0, everything else stops there.
        .macro  vectors name, handler
        .balign 2048
\name:  .rept   4
        b       .
        .balign 128
        .endr
        b       \handler                        // from EL1, on its own stack
        .balign 128
        .rept   3
        b       .
        .balign 128
        .endr
        b       \handler                        // from EL0
        .balign 128
        .endm

        .text
vectors vectors_count, count
vectors vectors_skip, skip
vectors vectors_el0, from_el0

count:  add     x1, x1, #1
        eret

skip:   mrs     x3, elr_el1                     // past what faulted; the address is a part of the checksum
        add     x3, x3, #4
        msr     elr_el1, x3
        mrs     x3, far_el1
        mrs     x4, esr_el1
        add     x1, x1, x3
        add     x1, x1, x4
        eret

// SVC 0 counts, SVC 1 ends the row.
from_el0:
        mrs     x3, esr_el1
        tst     x3, #0xffff
        b.ne    1f
        add     x1, x1, #1
        eret
1:      mov     x0, x1
        ret

row     svc_el1
        adr     x2, vectors_count
        msr     vbar_el1, x2
        isb
        mov     x1, #0
1:      svc     #0
        subs    x0, x0, #1
        b.ne    1b
        mov     x0, x1
        ret

row     svc_el0
        adr     x2, vectors_el0
        msr     vbar_el1, x2
        adr     x2, el0
        mov     x3, #RAM_EL0
        add     x2, x2, x3
        msr     elr_el1, x2
        msr     spsr_el1, xzr                   // EL0
        isb
        mov     x1, #0
        eret
el0:    svc     #0
        subs    x0, x0, #1
        b.ne    el0
        svc     #1

row     abort
        adr     x2, vectors_skip
        msr     vbar_el1, x2
        isb
        mov     x1, #0
        mov     x2, #0x4000000000               // behind the table's end
1:      ldr     x5, [x2, x0, lsl #3]
        subs    x0, x0, #1
        b.ne    1b
        mov     x0, x1
        ret

row     mmio_rd                                 // the PL011's flags, with nobody typing
        ldr     x2, =UART
        mov     x1, #0
1:      ldr     w3, [x2, #0x18]
        and     w3, w3, #0x20                   // FIFO full: never
        add     x1, x1, x3
        subs    x0, x0, #1
        b.ne    1b
        mov     x0, x1
        ret

row     mmio_wr                                 // its mask of interrupts
        ldr     x2, =UART
        mov     x1, x0
1:      str     wzr, [x2, #0x38]
        subs    x0, x0, #1
        b.ne    1b
        ldr     w0, [x2, #0x38]
        add     x0, x0, x1
        ret

row     hvc                                     // PSCI_FEATURES of SYSTEM_OFF: 0, so it is there
        mov     x19, x0
        mov     x20, #0
1:      ldr     w0, =0x8400000a
        ldr     w1, =0x84000008
        hvc     #0
        add     x20, x20, w0, sxtw
        add     x20, x20, #1
        subs    x19, x19, #1
        b.ne    1b
        mov     x0, x20
        ret

row     cntvct                                  // the counter never goes back
        mov     x1, #0
        mrs     x2, cntvct_el0
1:      mrs     x3, cntvct_el0
        cmp     x3, x2
        cinc    x1, x1, lo
        mov     x2, x3
        subs    x0, x0, #1
        b.ne    1b
        mov     x0, x1
        ret

row     sysreg                                  // what a context switch and a fault read and write
        mov     x1, #0
1:      msr     tpidr_el1, x0
        msr     tpidr_el0, x1
        mrs     x2, tpidr_el1
        mrs     x3, tpidr_el0
        msr     far_el1, x2
        mrs     x4, far_el1
        mrs     x5, sctlr_el1
        and     x5, x5, #1
        add     x1, x3, x4
        add     x1, x1, x5
        subs    x0, x0, #1
        b.ne    1b
        mov     x0, x1
        ret

row     daif
        mov     x1, #0
1:      mrs     x2, daif
        msr     daifset, #2
        msr     daifclr, #8
        msr     daif, x2
        add     x1, x1, x2
        subs    x0, x0, #1
        b.ne    1b
        mov     x0, x1
        ret

row     timer                                   // as a tick is set again; no interrupt is enabled
        mov     x1, #0
        mov     x4, #3                          // on, masked
        msr     cntv_ctl_el0, x4
        mov     x5, #(1 << 40)                  // never met
1:      mrs     x2, cntvct_el0
        add     x2, x2, x5
        msr     cntv_cval_el0, x2
        mrs     x3, cntv_ctl_el0
        add     x1, x1, x3
        subs    x0, x0, #1
        b.ne    1b
        msr     cntv_ctl_el0, xzr
        mov     x0, x1
        ret

row     ttbr                                    // two address spaces by turns, some loads in each
        adrp    x2, table
        add     x2, x2, :lo12:table
        mov     x6, #(1 << 48)
        orr     x3, x2, x6
        add     x4, x3, x6
        mov     x1, #0
1:      msr     ttbr0_el1, x3
        isb
        ldr     x5, [x2]
        add     x1, x1, x5
        msr     ttbr0_el1, x4
        isb
        ldr     x5, [x2, #8]
        add     x1, x1, x5
        subs    x0, x0, #1
        b.ne    1b
        msr     ttbr0_el1, x2
        isb
        mov     x0, x1
        ret

row     tlbi_va
        adrp    x2, table
        add     x2, x2, :lo12:table
        lsr     x3, x2, #12
        mov     x1, #0
1:      dsb     ishst
        tlbi    vae1is, x3
        dsb     ish
        isb
        ldr     x5, [x2, #8]
        add     x1, x1, x5
        subs    x0, x0, #1
        b.ne    1b
        mov     x0, x1
        ret

row     tlbi_all
        adrp    x2, table
        add     x2, x2, :lo12:table
        mov     x1, #0
1:      dsb     ishst
        tlbi    vmalle1is
        dsb     ish
        isb
        ldr     x5, [x2, #8]
        add     x1, x1, x5
        subs    x0, x0, #1
        b.ne    1b
        mov     x0, x1
        ret

row     smc_code                                // MOV W0, #n; RET: written, made visible, called
        mov     x19, x30
        mov     x9, x0
        ldr     x10, =0x43000000
        ldr     w11, =0x52800000
        ldr     w12, =0xd65f03c0
        str     w12, [x10, #4]
        mov     x13, #0
1:      bfi     w11, w9, #5, #16
        str     w11, [x10]
        dc      cvau, x10
        dsb     ish
        ic      ivau, x10
        dsb     ish
        isb
        blr     x10
        add     x13, x13, x0
        subs    x9, x9, #1
        b.ne    1b
        mov     x0, x13
        ret     x19
