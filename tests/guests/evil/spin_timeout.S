// spin_timeout.S - a branch to itself with interrupts masked still meets the time limit.
// expect: status=124
// args: --timeout 0.5
// stderr: =>
        .global _start
_start: msr     daifset, #15
        b       .
