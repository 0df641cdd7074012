#!/bin/sh
# quick.sh [OUTDIR] - builds insn_diff by hand while other parts of the tree do not build.
#
# Compiles each file of the software CPU that compiles, names those that do not, and links what there is; a row whose
# functions are missing must not be run. Prints the program's path.
#
#   ROWS="base mem" quick.sh   takes the rows of a64_base.def and a64_mem.def only, whatever state the others are in
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-/tmp/insn-quick.$(id -u)}
mkdir -p "$out"
flags="-std=gnu11 -O2 -g -fno-strict-aliasing -fwrapv -mcx16 -fno-pic -I$root/include -I$root/src"
objects=

mkdir -p "$out/overlay/arch"
for part in base mem sys fp simd; do
    file=$out/overlay/arch/a64_$part.def
    case " ${ROWS-$part} " in
    *" $part "*) rm -f "$file" ;;
    *) [ -e "$file" ] || : >"$file" ;;
    esac
done
flags="-I$out/overlay $flags"

compile() {
    object=$out/$(basename "$1" .c).o
    if [ -e "$object" ] && [ -z "$(find "$out/overlay" "$root/include" "$root/src/accel" "$root/src/arch" "$root/src/base" \
        "$here" -newer "$object" -name '*.[chd]*' | head -1)" ]; then
        :
    elif ! gcc $flags $2 -c "$1" -o "$object" 2>"$out/errors"; then
        echo "does not compile: $1: $(grep -m1 error "$out/errors")" >&2
        rm -f "$object"
        return
    fi
    objects="$objects $object"
}

unicorn=
if pkg-config --exists unicorn; then
    unicorn=unicorn_side.c
    flags="$flags -DINSN_UNICORN $(pkg-config --cflags unicorn)"
fi
for f in soft_side.c agent_side.c generate.c cases.c report.c coverage.c insn_diff.c $unicorn; do
    compile "$here/$f" "-DINSN_AGENT=\"$out/agent\" -DINSN_QEMU=\"qemu-aarch64-static\" -DINSN_LISTS=\"$here\""
done
for f in "$root"/src/accel/soft/op_*.c "$root"/src/accel/soft/lower*.c "$root"/src/accel/soft/uops.c \
    "$root"/src/accel/soft/fp*.c "$root"/src/accel/soft/crypto*.c "$root"/src/arch/decode.c "$root"/src/base/*.c; do
    [ ! -e "$f" ] || compile "$f" -ffreestanding
done
if [ ! -e "$out/vixl_side.o" ] || [ "$here/vixl_side.cc" -nt "$out/vixl_side.o" ]; then
    g++ -O2 -fno-pic $(pkg-config --cflags vixl) -DVIXL_INCLUDE_TARGET_A64 -DVIXL_INCLUDE_SIMULATOR_AARCH64 \
        -DVIXL_CODE_BUFFER_MMAP -c "$here/vixl_side.cc" -o "$out/vixl_side.o"
fi
aarch64-linux-gnu-gcc -O2 -static -o "$out/agent" "$here/agent.c" "$here/agent_switch.S"
g++ -no-pie -o "$out/insn_diff" $objects "$out/vixl_side.o" -lvixl ${unicorn:+-lunicorn} \
    -Wl,-z,muldefs,--unresolved-symbols=ignore-all
echo "$out/insn_diff"
