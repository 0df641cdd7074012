// write_rom.S - the flash at 0 is ROM to the guest: writes change nothing and harm nobody.
// expect: status=7
        .include "common.inc"
        .global _start
_start: mov     x1, #0x100
        ldr     x3, [x1]
        mvn     x2, x3
        str     x2, [x1]
        ldr     x4, [x1]
        cmp     x3, x4
        b.ne    .
        exit_with #7
        b       .
