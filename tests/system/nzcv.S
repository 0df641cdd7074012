// nzcv.S - the loops that nzcv.c interrupts, and for each place in them where its NZCV are from.
//
// x0        memory that may be used: it holds what nzcv.c has drawn, the upper half may be written
// x9-x12    kind and operands of what has set NZCV: noted some instructions later, and never read by the loop
// x16, x17  set by the handler: leave the inner loop, end
// x20       iterations, from that in x1 on; which has bit 63 set if it shall be one only. The handler leaves some out
// x21-x24   odd numbers; the upper bits of their multiples by x20 are the operands
// x26       where to return to, if there are calls
#include "nzcv.h"
#include "sys.h"

#define UPPER 0xe000000000000000 // with so few values each combination of NZCV comes often
#define HALF  0x4000             // of the memory, which is twice as much
#define SHORT 24                 // iterations of an inner loop
#define LONG  3000

        // What holds from here on.
        .macro  row kind, a=31, b=31, c=31
        .pushsection .rodata.rows, "a"
        .quad   8800f
        .hword  \kind, \a, \b, \c
        .popsection
8800:
        .endm

        .macro  note kind, a, b, c=31
        mov     x10, x\a
        mov     x11, x\b
        .if     \c != 31
        mov     x12, x\c
        .endif
        mov     x9, #\kind
        row     KIND_NOTED
        .endm

        // An instruction that sets NZCV and leaves its operands alone, and what it was.
        .macro  sets kind, a, b, instruction:vararg
        \instruction
        row     \kind, \a, \b
        note    \kind, \a, \b
        .endm

        .macro  sets3 kind, a, b, c, instruction:vararg
        \instruction
        row     \kind, \a, \b, \c
        note    \kind, \a, \b, \c
        .endm

        .macro  draw to, number
        mul     x\to, x20, x\number
        and     x\to, x\to, #UPPER
        .endm

        .macro  draw_w to, number
        draw    \to, \number
        lsr     x\to, x\to, #32
        .endm

        // to = a < b; of values that were drawn
        .macro  lower to, a, b
        lsr     x\to, x\a, #1
        sub     x\to, x\to, x\b, lsr #1
        lsr     x\to, x\to, #63
        .endm

        .macro  begin label
        .pushsection .rodata.names, "a"
8801:   .asciz  "\label"
        .popsection
        .pushsection .rodata.loops, "a"
        .quad   \label, 8801b
        .popsection
        .balign 64
        .global \label
\label:
        mov     x16, #0
        lsr     x17, x1, #63
        bic     x20, x1, #1 << 63
        mov     x21, x2
        mov     x22, x3
        mov     x23, x4
        mov     x24, x5
        mov     x26, x30
        sets    KIND_SUB, 21, 21, cmp x21, x21
        .endm

        // One iteration, where NZCV are as noted and not read. An access to memory could take an exception, which would show NZCV as they are.
        .macro  step access=0
        row     KIND_FREE
        add     x20, x20, #1
        row     KIND_NOTED
        .if     \access
        ldr     x8, [x0]
        .endif
        .endm

        // A loop without such accesses and with them.
        .macro  both label
        loop_\label \label, 0
        loop_\label \label\()_access, 1
        .endm

        .macro  again
        cbz     x17, 1b
        b       9f
        .endm

        // Where they are set again before a loop's end leads to where nobody knows.
        .macro  end
9:      row     KIND_END
        cmp     x20, x20
        ret     x26
        .endm

        .text
// Adds to the frame of start.S what else the handler wants to see, and to change in X20.
        .global on_interrupt
on_interrupt:
        stp     x19, x20, [sp, #176]
        stp     x21, x22, [sp, #192]
        stp     x23, x24, [sp, #208]
        stp     x25, x26, [sp, #224]
        stp     x27, x28, [sp, #240]
        str     x30, [sp, #256]
        mov     x0, sp
        bl      judge
        ldr     x30, [sp, #256]
        ldr     x20, [sp, #184]
        ret

        .pushsection .rodata.rows, "a"
        .balign 8
        .global rows
rows:
        .popsection
        .pushsection .rodata.loops, "a"
        .balign 8
        .global loops
loops:
        .popsection

// ---- Two comparisons meet at the head ---------------------------------------------------------

        // The second is executed first after 1 << bit iterations.
        .macro  join label, bit, access
        begin   \label
1:      step
        tbnz    x20, #\bit, 2f
        .if     \access
        ldr     x6, [x0]
        .endif
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        again
2:
        .if     \access
        str     x20, [x0, #HALF]
        .endif
        draw_w  4, 23
        draw_w  5, 24
        sets    KIND_ADD+KIND_W, 4, 5, cmn w4, w5
        again
        end
        .endm

        join    join, 0, 0
        join    join_access, 0, 1
        join    join_late, 15, 0
        join    join_late_access, 15, 1

// Three, and one of them may be left out.
        .macro  loop_join_three label, access
        begin   \label
1:      step    \access
        tbnz    x20, #0, 2f
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        tbz     x20, #2, 3f
2:      draw    2, 23
        sets    KIND_AND, 2, 3, tst x2, x3
        tbz     x20, #1, 3f
        sets    KIND_ADD, 2, 2, cmn x2, x2
3:      again
        end
        .endm

        both    join_three

// Ways that compare the same registers, and ways that do not compare at all.
        .macro  loop_join_none label, access
        begin   \label
1:      step    \access
        tbnz    x20, #3, 2f
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        again
2:      tbnz    x20, #2, 3f
        draw    3, 23
        sets    KIND_SUB, 2, 3, cmp x2, x3
3:      again
        end
        .endm

        both    join_none

// The comparison is read, and each way changes another operand.
        .macro  loop_join_read label, access
        begin   \label
1:      step    \access
        draw    2, 21
        draw    3, 22
        mov     x13, x2
        mov     x14, x3
        cmp     x2, x3
        row     KIND_SUB, 13, 14
        b.lo    2f
        mov     x2, x20
        note    KIND_SUB, 13, 14
        again
2:      row     KIND_SUB, 13, 14
        mov     x3, x20
        note    KIND_SUB, 13, 14
        again
        end
        .endm

        both    join_read

// ---- An operand is changed before the head ----------------------------------------------------

        .macro  loop_over_first label, access
        begin   \label
1:      step    \access
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        mov     x2, #7
        again
        end
        .endm

        both    over_first

        .macro  loop_over_second label, access
        begin   \label
1:      step    \access
        draw_w  2, 21
        draw_w  3, 22
        sets    KIND_SUB+KIND_W, 2, 3, cmp w2, w3
        eor     x3, x20, x3
        again
        end
        .endm

        both    over_second

        .macro  loop_over_both label, access
        begin   \label
1:      step    \access
        draw    19, 21
        draw    4, 22
        sets    KIND_ADD, 19, 4, cmn x19, x4
        mov     x19, x20
        sub     x4, x4, x20
        again
        end
        .endm

        both    over_both

        .macro  loop_over_high label, access
        begin   \label
1:      step    \access
        draw    6, 21
        draw    7, 22
        sets    KIND_SUB, 6, 7, cmp x6, x7
        add     x6, x6, x7
        ldr     x7, [x0, #8]
        again
        end
        .endm

        both    over_high

// Operands that go by constants, and then to where they cannot be followed.
        .macro  loop_over_steps label, access
        begin   \label
1:      step    \access
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        add     x2, x2, #1, lsl #12
        sub     x3, x3, #5
        tbz     x20, #0, 2f
        sub     x2, x2, #9
        tbz     x20, #1, 2f
        mov     x2, x20
        tbz     x20, #2, 2f
        mov     x3, x20
2:      again
        end
        .endm

        both    over_steps

        .macro  loop_over_stepped label, access
        begin   \label
1:      step    \access
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        sub     x2, x2, #1, lsl #12
        add     x3, x3, #5
        again
        end
        .endm

        both    over_stepped

// No copies anywhere: x2 less x24 is what was compared.
        .macro  loop_over_moved label, access
        begin   \label
        mov     x3, x22
        mov     x2, #0
        cmp     x2, x3
        row     KIND_SUB, 2, 3
        add     x2, x2, x24
1:      row     KIND_MOVED, 2, 3, 24
        add     x20, x20, #1
        .if     \access
        ldr     x8, [x0]
        .endif
        cmp     x2, x3
        row     KIND_SUB, 2, 3
        add     x2, x2, x24
        row     KIND_MOVED, 2, 3, 24
        again
        end
        .endm

        both    over_moved

// The result is all that is left, and then it changes.
        .macro  loop_over_result label, access
        begin   \label
1:      step    \access
        draw    2, 21
        draw    3, 22
        mov     x13, x2
        sets    KIND_SUB, 13, 3, subs x2, x2, x3
        cbnz    x17, 9f
        tbnz    x20, #0, 1b
        mov     x2, #0
        again
        end
        .endm

        both    over_result

        .macro  loop_over_logic label, access
        begin   \label
1:      step    \access
        draw    2, 21
        draw    3, 22
        mov     x13, x2
        sets    KIND_AND, 13, 3, ands x2, x2, x3
        eor     x2, x2, x20
        tbnz    x20, #1, 2f
        draw_w  4, 23
        mov     x14, x4
        sets    KIND_BIC+KIND_W, 14, 2, bics w4, w4, w2
        orr     x4, x4, #1
2:      again
        end
        .endm

        both    over_logic

// ---- What else sets them ----------------------------------------------------------------------

// With some operands all depends on the carry.
        .macro  loop_carry label, access
        begin   \label
1:      step    \access
        draw    2, 21
        draw    3, 22
        draw    4, 23
        draw    5, 24
        tbz     x20, #2, 3f
        mvn     x5, x4
3:      lower   6, 2, 3
        eor     x6, x6, #1
        sets    KIND_SUB, 2, 3, cmp x2, x3
        sets3   KIND_ADC, 4, 5, 6, adcs x7, x4, x5
        tbnz    x20, #0, 2f
        draw    3, 21
        draw    2, 22
        tbz     x20, #2, 3f
        mov     x5, x4
3:      lower   6, 2, 3
        eor     x6, x6, #1
        sets    KIND_SUB, 2, 3, cmp x2, x3
        .if     \access
        str     x20, [x0, #HALF]
        .endif
        sets3   KIND_SBC, 4, 5, 6, sbcs x7, x4, x5
        mov     x5, x20
2:      mov     x4, x20
        again
        end
        .endm

        both    carry

        .macro  loop_carry_w label, access
        begin   \label
1:      step    \access
        draw    2, 21
        draw    3, 22
        draw_w  4, 23
        draw_w  5, 24
        lower   6, 2, 3
        eor     x6, x6, #1
        sets    KIND_SUB, 2, 3, cmp x2, x3
        mov     x14, x4
        sets3   KIND_ADC+KIND_W, 14, 5, 6, adcs w4, w4, w5
        again
        end
        .endm

        both    carry_w

        .macro  loop_conditional label, access
        begin   \label
1:      step    \access
        draw    2, 21
        draw    3, 22
        draw    4, 23
        draw    5, 24
        lower   6, 2, 3
        sets    KIND_SUB, 2, 3, cmp x2, x3
        .if     \access
        ldr     x7, [x0]
        .endif
        sets3   KIND_CCMP, 4, 5, 6, ccmp x4, x5, #CCMP_ELSE, lo
        tbz     x20, #0, 2f
        eor     x6, x6, #1
        lsr     x4, x4, #32
        lsr     x5, x5, #32
        sets    KIND_SUB, 2, 3, cmp x2, x3
        sets3   KIND_CCMN+KIND_W, 4, 5, 6, ccmn w4, w5, #CCMP_ELSE, hs
2:      mov     x4, x20
        mov     x2, x20
        again
        end
        .endm

        both    conditional

// +-0, +-2, +-2 raised to the 1023rd, and NaN
        .macro  double to, from, number
        draw    \to, \number
        lsl     x6, x\to, #2
        asr     x6, x6, #63
        and     x6, x6, #0x7ff8000000000000
        and     x\to, x\to, #0xc000000000000000
        orr     x\to, x\to, x6
        fmov    d\from, x\to
        .endm

        begin   floating
1:      step
        double  2, 0, 21
        double  3, 1, 22
        sets    KIND_FCMP, 2, 3, fcmp d0, d1
        fmov    d0, x20
        again
        end

        .macro  loop_floating_join label, access
        begin   \label
1:      step    \access
        tbnz    x20, #1, 2f
        double  2, 0, 21
        double  3, 1, 22
        sets    KIND_FCMP, 2, 3, fcmp d0, d1
        .if     \access
        str     d0, [x0, #HALF]
        .endif
        again
2:      draw    4, 23
        draw    5, 24
        lower   7, 4, 5
        sets    KIND_SUB, 4, 5, cmp x4, x5
        sets3   KIND_FCCMP, 2, 3, 7, fccmp d0, d1, #CCMP_ELSE, lo
        again
        end
        .endm

        both    floating_join

        begin   bits
1:      step
        mul     x2, x20, x21
        lsr     x2, x2, #32
        sets    KIND_BITS, 2, 2, msr nzcv, x2
        mov     x2, x20
        again
        end

// ---- Nothing sets them for a long time --------------------------------------------------------

        .macro  idle label, kind, a, b, instruction:vararg
        begin   \label
1:      draw    2, 21
        draw    3, 22
        sets    \kind, \a, \b, \instruction
        mov     x16, #0
2:      step
        add     x4, x4, x20
        eor     x5, x5, x4, ror #3
        cbnz    x17, 9f
        cbz     x16, 2b
        b       1b
        end
        .endm

        idle    idle, KIND_SUB, 2, 3, cmp x2, x3
        idle    idle_bits, KIND_BITS, 4, 4, msr nzcv, x4

// An operand is changed in the inner loop, which loads and stores, too.
        begin   idle_over
1:      draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        mov     x16, #0
2:      step
        ldr     x4, [x0]
        add     x2, x2, x4
        str     x2, [x0, #HALF]
        cbnz    x17, 9f
        cbz     x16, 2b
        b       1b
        end

// Of two comparisons one has set them, long ago.
        begin   idle_join
1:      tbnz    x20, #2, 2f
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        b       3f
2:      draw_w  4, 23
        draw_w  5, 24
        sets    KIND_ADD+KIND_W, 4, 5, cmn w4, w5
3:      mov     x16, #0
4:      step
        add     x6, x6, x20
        cbnz    x17, 9f
        cbz     x16, 4b
        b       1b
        end

// Long ago with a carry, then with none.
        begin   idle_carry
1:      draw    2, 21
        draw    3, 22
        draw    4, 23
        lower   6, 2, 3
        eor     x6, x6, #1
        sets    KIND_SUB, 2, 3, cmp x2, x3
        mov     x13, x4
        sets3   KIND_ADC, 13, 3, 6, adcs x4, x4, x3
        mov     x16, #0
2:      step
        add     x4, x4, x20
        cbnz    x17, 9f
        cbz     x16, 2b
        b       1b
        end

// The handler alone sets them.
        .macro  loop_idle_ever label, access
        begin   \label
1:      step    \access
        add     x7, x7, #1
        draw    5, 21
        again
        end
        .endm

        both    idle_ever

// The handler leads out of it.
        begin   stuck
1:      step
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        mov     x2, x20
        .global stuck_here
stuck_here:
        b       .
        again
        end

// ---- Memory: loops that are copied ------------------------------------------------------------

// The loop is left by NZCV of its own counting.
        .macro  sum label, count
        begin   \label
1:      mov     x1, x0
        mov     x4, #\count + 1
        mul     x3, x24, x4
        subs    x3, x3, x24
        row     KIND_LEFT, 3, 24
2:      ldr     x2, [x1], #8
        add     x5, x5, x2
        add     x20, x20, #1
        subs    x3, x3, x24
        b.ne    2b
        note    KIND_LEFT, 3, 24
        again
        end
        .endm

        sum     sum_short, SHORT
        sum     sum_long, LONG

// What is compared with x6 was loaded. Nobody reads it.
        .macro  search label, count
        begin   \label
        ldr     x6, [x0]
        mov     x7, x6
        sets    KIND_SUB, 7, 6, cmp x7, x6
1:      row     KIND_SUB, 7, 6
        mov     x1, x0
        mov     x3, #\count
2:      ldr     x2, [x1], #8
        add     x20, x20, #1
        cmp     x2, x6
        row     KIND_SUB, 2, 6
        mov     x7, x2
        row     KIND_SUB, 7, 6
        sub     x3, x3, #1
        cbnz    x3, 2b
        again
        end
        .endm

        search  search_short, SHORT
        search  search_long, LONG

// Two comparisons, a table, a store.
        .macro  sort_out label, count
        begin   \label
        ldr     x6, [x0, #16]
1:      mov     x1, x0
        mov     x3, #\count
        add     x8, x0, #HALF
2:      ldrb    w2, [x1], #1
        step
        sub     x3, x3, #1
        tbnz    w2, #6, 3f
        ldr     x4, [x0, x2, lsl #3]
        sets    KIND_SUB, 4, 6, cmp x4, x6
        mov     x4, x20
        cbnz    x3, 2b
        again
3:      lsl     w5, w2, #24
        sets    KIND_SUB+KIND_W, 5, 6, cmp w5, w6
        strb    w5, [x8], #1
        cbnz    x3, 2b
        again
        end
        .endm

        sort_out sort_out_short, SHORT
        sort_out sort_out_long, LONG

// Of two comparisons one was in a loop, before the next loop, which has none.
        .macro  two_loops label, count
        begin   \label
1:      mov     x1, x0
        mov     x3, #\count
        tbz     x20, #0, 2f
        draw    4, 23
        draw    5, 24
        sets    KIND_ADD, 4, 5, cmn x4, x5
        b       3f
2:      ldr     x4, [x1], #8
        step
        draw    5, 21
        sets    KIND_SUB, 4, 5, cmp x4, x5
        sub     x3, x3, #1
        cbnz    x3, 2b
3:      mov     x3, #\count + 1
4:      step    1
        add     x6, x6, x8
        sub     x3, x3, #1
        cbnz    x3, 4b
        again
        end
        .endm

        two_loops two_loops_short, SHORT
        two_loops two_loops_long, LONG

// Long numbers are added: the carry goes from one iteration to the next.
        .macro  long_add label, count
        begin   \label
1:      mov     x1, x0
        add     x8, x0, #HALF/2
        add     x7, x0, #HALF
        mov     x3, #\count
        draw    2, 21
        sets    KIND_ADD, 2, 24, cmn x2, x24
        cset    x14, hs
2:      ldr     x2, [x1], #8
        ldr     x4, [x8], #8
        adcs    x5, x2, x4
        row     KIND_ADC, 2, 4, 14
        note    KIND_ADC, 2, 4, 14
        cset    x14, hs
        str     x5, [x7], #8
        add     x20, x20, #1
        sub     x3, x3, #1
        cbnz    x3, 2b
        again
        end
        .endm

        long_add long_add_short, SHORT
        long_add long_add_long, LONG / 2

// ---- Calls ------------------------------------------------------------------------------------

// Recursion without a loop and without an end, until x17 says so.
        begin   tree
        add     x25, x0, #2 * HALF
        mov     x1, #62
        bl      1f
        b       9f
1:      cbz     x1, 2f
        cbnz    x17, 2f
        stp     x1, x30, [x25, #-16]!
        step
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        mov     x2, x1
        sub     x1, x1, #1
        bl      1b
        ldr     x1, [x25]
        draw    2, 23
        sets    KIND_AND, 2, 3, tst x2, x3
        sub     x1, x1, #1
        mov     x3, x1
        bl      1b
        ldp     x1, x30, [x25], #16
2:      ret
        end

// The callees compare, and change what was compared.
        begin   calls
        adr     x27, 4f
1:      step
        draw    2, 21
        bl      3f
        mov     x2, x20
        tbz     x20, #1, 2f
        blr     x27
2:      again
        .balign 4096
3:      draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        ret
4:      draw    4, 23
        mov     x13, x4
        sets    KIND_SUB, 13, 3, subs x4, x4, x3
        mov     x4, x20
        ret
        end

// ---- Other places for an interrupt ------------------------------------------------------------

// Each block is before the one it comes from.
        begin   backward
        b       1f
4:      draw_w  4, 23
        sets    KIND_ADD+KIND_W, 4, 5, cmn w4, w5
        mov     x4, x20
        cbnz    x17, 9f
        b       1f
3:      add     x5, x5, x20
        tbnz    x20, #2, 4b
        draw    6, 24
        sets    KIND_AND, 6, 6, tst x6, x6
        mov     x6, x20
        b       4b
2:      mov     x2, x20
        tbnz    x20, #1, 3b
        mov     x3, x20
        tbnz    x20, #2, 3b
        b       4b
1:      step
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        b       2b
        end

// From page to page.
        begin   far
        adr     x27, 3f
1:      step
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        mov     x2, x20
        b       2f
        .balign 4096
2:      tbnz    x20, #0, 4f
        draw    4, 23
        sets    KIND_ADD, 4, 4, cmn x4, x4
        br      x27
        .balign 4096
3:      mov     x4, x20
        mov     x3, x20
4:      again
        end

// It is let in at one place, or at either of two.
        begin   masked
1:      step
        msr     daifset, #2
        draw    2, 21
        draw    3, 22
        sets    KIND_SUB, 2, 3, cmp x2, x3
        mov     x2, x20
        tbnz    x20, #0, 2f
        msr     daifclr, #2
        mov     x3, x20
        msr     daifset, #2
2:      draw    4, 23
        mov     x13, x4
        sets    KIND_AND, 13, 4, ands x4, x4, x4
        msr     daifclr, #2
        mov     x4, x20
        again
        end

        .pushsection .rodata.rows, "a"
        .quad   -1
        .hword  KIND_END, 31, 31, 31
        .popsection
        .pushsection .rodata.loops, "a"
        .global loops_end
loops_end:
        .popsection
