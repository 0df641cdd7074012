// lib.S - copy, fill and length, shaped like those of today's C libraries: q registers in pairs, overlapping ends for short
// sizes, 16 bytes a step for the search of a zero.
        .text
        .global copy, fill, length, memcpy, memset
        .balign 64
memcpy:
copy:   add     x4, x1, x2                      // ends of both
        add     x5, x0, x2
        cmp     x2, #128
        b.hi    long
        cmp     x2, #32
        b.hi    middle
        cmp     x2, #16
        b.lo    short
        ldr     q0, [x1]
        ldr     q1, [x4, #-16]
        str     q0, [x0]
        str     q1, [x5, #-16]
        ret
short:  tbz     x2, #3, 1f
        ldr     x6, [x1]
        ldr     x7, [x4, #-8]
        str     x6, [x0]
        str     x7, [x5, #-8]
        ret
1:      tbz     x2, #2, 2f
        ldr     w6, [x1]
        ldr     w7, [x4, #-4]
        str     w6, [x0]
        str     w7, [x5, #-4]
        ret
2:      cbz     x2, 3f
        lsr     x8, x2, #1
        ldrb    w6, [x1]
        ldrb    w7, [x4, #-1]
        ldrb    w9, [x1, x8]
        strb    w6, [x0]
        strb    w9, [x0, x8]
        strb    w7, [x5, #-1]
3:      ret
middle: ldp     q0, q1, [x1]
        ldp     q2, q3, [x4, #-32]
        cmp     x2, #64
        b.hi    4f
        stp     q0, q1, [x0]
        stp     q2, q3, [x5, #-32]
        ret
4:      ldp     q4, q5, [x1, #32]
        cmp     x2, #96
        b.ls    5f
        ldp     q6, q7, [x4, #-64]
        stp     q6, q7, [x5, #-64]
5:      stp     q0, q1, [x0]
        stp     q4, q5, [x0, #32]
        stp     q2, q3, [x5, #-32]
        ret
long:   ldr     q3, [x1]
        and     x7, x0, #15                     // stores aligned
        bic     x3, x0, #15
        sub     x1, x1, x7
        add     x2, x2, x7
        ldp     q0, q1, [x1, #16]
        str     q3, [x0]
        ldp     q2, q3, [x1, #48]
        subs    x2, x2, #128 + 16
        b.ls    7f
6:      stp     q0, q1, [x3, #16]
        ldp     q0, q1, [x1, #80]
        stp     q2, q3, [x3, #48]
        ldp     q2, q3, [x1, #112]
        add     x1, x1, #64
        add     x3, x3, #64
        subs    x2, x2, #64
        b.hi    6b
7:      ldp     q4, q5, [x4, #-64]
        ldp     q6, q7, [x4, #-32]
        stp     q0, q1, [x3, #16]
        stp     q2, q3, [x3, #48]
        stp     q4, q5, [x5, #-64]
        stp     q6, q7, [x5, #-32]
        ret

        .balign 64
memset:
fill:   dup     v0.16b, w1
        mov     x3, x0
        subs    x2, x2, #64
        b.lo    2f
1:      stp     q0, q0, [x3]
        stp     q0, q0, [x3, #32]
        add     x3, x3, #64
        subs    x2, x2, #64
        b.hs    1b
2:      adds    x2, x2, #64
        b.eq    4f
3:      strb    w1, [x3], #1
        subs    x2, x2, #1
        b.ne    3b
4:      ret

        .balign 64
length: bic     x1, x0, #15
        ldr     q0, [x1]
        cmeq    v0.16b, v0.16b, #0
        shrn    v1.8b, v0.8h, #4                // four bits for each byte
        fmov    x2, d1
        lsl     x3, x0, #2
        lsr     x2, x2, x3                      // those before the string go
        cbz     x2, 1f
        rbit    x2, x2
        clz     x0, x2
        lsr     x0, x0, #2
        ret
1:      ldr     q0, [x1, #16]!
        cmeq    v0.16b, v0.16b, #0
        umaxp   v1.16b, v0.16b, v0.16b
        fmov    x2, d1
        cbz     x2, 1b
        shrn    v1.8b, v0.8h, #4
        fmov    x2, d1
        rbit    x2, x2
        clz     x2, x2
        add     x1, x1, x2, lsr #2
        sub     x0, x1, x0
        ret
