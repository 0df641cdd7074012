// semihost.S - console and files by semihosting, and the exit status of the guest's choice.
// expect: status=42
// args: --semihosting=@DIR@
// stdout: from the file: written by the guest
        .include "common.inc"
        .macro  semihost op
        mov     w0, #\op
        hlt     #0xf000
        .endm
        .global _start
_start: adr     x1, open_w
        semihost 0x01
        adr     x2, block
        str     x0, [x2]
        adr     x3, text
        str     x3, [x2, #8]
        mov     x3, #(text_end - text)
        str     x3, [x2, #16]
        mov     x1, x2
        semihost 0x05                           // SYS_WRITE
        cbnz    x0, fail
        adr     x1, block
        semihost 0x02                           // SYS_CLOSE
        adr     x1, open_r
        semihost 0x01
        adr     x2, block
        str     x0, [x2]
        adr     x3, buffer
        str     x3, [x2, #8]
        mov     x3, #(text_end - text)
        str     x3, [x2, #16]
        mov     x1, x2
        semihost 0x06                           // SYS_READ
        cbnz    x0, fail
        adr     x1, said
        semihost 0x04                           // SYS_WRITE0
        adr     x1, buffer
        semihost 0x04
        adr     x1, escape                      // a name outside of the folder is refused
        semihost 0x01
        cmn     x0, #1
        b.ne    fail
        adr     x1, bye
        semihost 0x20                           // SYS_EXIT_EXTENDED
fail:   adr     x1, bad
        semihost 0x20
        .balign 8
open_w: .quad   name, 4, 5                      // "w"
open_r: .quad   name, 0, 5
escape: .quad   outside, 4, 6
bye:    .quad   0x20026, 42
bad:    .quad   0x20026, 1
block:  .quad   0, 0, 0
name:   .asciz  "a.txt"
outside: .asciz "../esc"
said:   .asciz  "from the file: "
text:   .ascii  "written by the guest\n"
text_end:
        .balign 8
buffer: .fill   64, 1, 0
