/*
 * agent_switch.S - from the agent's C to the instruction under test and back.
 *
 * Offsets are those of struct insn_state (checked in agent_side.c).
 */
#define S_SP   248
#define S_NZCV 264
#define S_FPCR 268
#define S_FPSR 272
#define S_V    280

/* ldp or stp of all V registers at x2. */
        .macro  vregs insn
        \insn   q0, q1, [x2, #0]
        \insn   q2, q3, [x2, #32]
        \insn   q4, q5, [x2, #64]
        \insn   q6, q7, [x2, #96]
        \insn   q8, q9, [x2, #128]
        \insn   q10, q11, [x2, #160]
        \insn   q12, q13, [x2, #192]
        \insn   q14, q15, [x2, #224]
        \insn   q16, q17, [x2, #256]
        \insn   q18, q19, [x2, #288]
        \insn   q20, q21, [x2, #320]
        \insn   q22, q23, [x2, #352]
        \insn   q24, q25, [x2, #384]
        \insn   q26, q27, [x2, #416]
        \insn   q28, q29, [x2, #448]
        \insn   q30, q31, [x2, #480]
        .endm

        .text
        .global agent_enter, agent_back, agent_back_from_signal

/* agent_enter(x0 state, x1 entry): every register but x0 and x30 is loaded here, those two at entry. */
agent_enter:
        sub     sp, sp, #176
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        adrp    x2, agent_current
        str     x0, [x2, :lo12:agent_current]
        adrp    x2, agent_saved_sp
        mov     x3, sp
        str     x3, [x2, :lo12:agent_saved_sp]
        adrp    x2, agent_saved_tp
        mrs     x3, tpidr_el0
        str     x3, [x2, :lo12:agent_saved_tp]

        ldr     w2, [x0, #S_FPCR]
        msr     fpcr, x2
        ldr     w2, [x0, #S_FPSR]
        msr     fpsr, x2
        ldr     w2, [x0, #S_NZCV]
        msr     nzcv, x2
        ldr     x2, [x0, #S_SP]
        mov     sp, x2
        add     x2, x0, #S_V
        vregs   ldp
        mov     x30, x1
        ldr     x1, [x0, #8]
        ldp     x2, x3, [x0, #16]
        ldp     x4, x5, [x0, #32]
        ldp     x6, x7, [x0, #48]
        ldp     x8, x9, [x0, #64]
        ldp     x10, x11, [x0, #80]
        ldp     x12, x13, [x0, #96]
        ldp     x14, x15, [x0, #112]
        ldp     x16, x17, [x0, #128]
        ldp     x18, x19, [x0, #144]
        ldp     x20, x21, [x0, #160]
        ldp     x22, x23, [x0, #176]
        ldp     x24, x25, [x0, #192]
        ldp     x26, x27, [x0, #208]
        ldp     x28, x29, [x0, #224]
        br      x30

/* The instruction raised a signal: x0 is not in TPIDR_EL0 yet. */
agent_back_from_signal:
        msr     tpidr_el0, x0
agent_back:
        adrp    x0, agent_current
        ldr     x0, [x0, :lo12:agent_current]
        str     x1, [x0, #8]
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
        mrs     x1, tpidr_el0
        str     x1, [x0, #0]
        mov     x1, sp
        str     x1, [x0, #S_SP]
        mrs     x1, nzcv
        str     w1, [x0, #S_NZCV]
        mrs     x1, fpcr
        str     w1, [x0, #S_FPCR]
        mrs     x1, fpsr
        str     w1, [x0, #S_FPSR]
        add     x2, x0, #S_V
        vregs   stp

        msr     fpcr, xzr
        adrp    x2, agent_saved_tp
        ldr     x3, [x2, :lo12:agent_saved_tp]
        msr     tpidr_el0, x3
        adrp    x2, agent_saved_sp
        ldr     x3, [x2, :lo12:agent_saved_sp]
        mov     sp, x3
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #176
        ret
        .section .note.GNU-stack, "", %progbits
