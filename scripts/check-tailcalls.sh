#!/bin/sh
# check-tailcalls.sh OBJECT... - does every micro-operation end in a jump?
#
# A body (op_NAME, and its slow path slow_NAME where that goes on by itself) goes to the next one by a tail call. If the compiler makes an indirect call of it (the body passed the
# address of a local to somebody) the host's stack grows by one frame per guest instruction. Prints such bodies and fails;
# also fails when the objects hold no bodies at all, which would be a check of nothing.
set -eu

for object in "$@"; do
    ${OBJDUMP:-objdump} -d --no-show-raw-insn "$object"
done | awk '
    /^[0-9a-f]+ <.*>:$/ {
        name = substr($2, 2, length($2) - 3)
        body = name ~ /^(op|slow)_/
        bodies += name ~ /^op_/
    }
    body && ($2 ~ /^callq?$/ && $3 ~ /^\*/ || $2 == "blr") {
        print "indirect call in " name ": " $0
        bad++
    }
    body && ($2 ~ /^(notrack|jmpq?)$/ && /\*/ || $2 == "br") { jumps++ }
    END {
        print bodies + 0 " bodies, " jumps + 0 " indirect jumps, " bad + 0 " indirect calls"
        exit bad > 0 || bodies == 0 || jumps == 0
    }'
