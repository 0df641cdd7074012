// endless.S - a loop without end is ended by the limit, exactly, and leaves its registers.
// expect: status=124
// args: --max-insns 100000001 --stats
// stderr: X0 +0000000002faf080
// stderr: 100000001
// raw: yes
        .global _start
_start: mov     x0, #0
1:      add     x0, x0, #1
        b       1b
