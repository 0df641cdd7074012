#!/usr/bin/env bash
# check-floors.sh BUILDDIR: the architecture as a test. BUILDDIR is a configured build with compile_commands.json.
#
#   1  each floor includes only headers of the floors it may know (docs/architecture.md, "Floors")
#   2  the include graph of our headers has no circle, and every header compiles alone
#   3  no object below the shells has mutable static data or needs a symbol from outside the project
#   4  the README of each folder of src names every .c file in it
# (That those floors compile without any OS header is checked by every build: cmake/floors.cmake, -nostdinc.)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
build=$1
fail=0
bad() { say "check-floors: $*"; fail=1; }
cd "$top"

# ---- 1. Who may include whom: floor -> allowed first path components (or headers of include/).
declare -A may=(
    [base]='base'
    [arch]='base arch'
    [devices]='base arch devices devices.h'
    [core]='base arch devices devices.h core vm.h accel.h'
    [accel/soft]='base arch devices devices.h core vm.h accel.h accel'
    [accel/detect]='base accel'
    [accel/kvm]='base arch devices devices.h core vm.h accel.h accel'
    [accel/whp]='base arch devices devices.h core vm.h accel.h accel'
    [boot]='base arch devices devices.h core vm.h accel.h boot boot.h'
    [debug]='base arch devices devices.h core vm.h accel.h boot.h debug'
    [host]='base host host.h'
    [io]='base host.h io devices.h boot.h'
    [guest]='guest'
    [vmm]='base arch devices devices.h core vm.h accel.h accel boot.h debug host.h io guest vmm hypervisor.h'
    [ui]='base arch host.h io hypervisor.h ui devices.h'
)
for floor in "${!may[@]}"; do
    [ -d "src/$floor" ] || continue
    while IFS=: read -r file _ header; do
        header=${header#*\"} header=${header%\"*}
        first=${header%%/*}
        dir=$(dirname "$file")
        if [ ! -e "$dir/$header" ] && [[ " ${may[$floor]} " != *" $first "* ]]; then
            bad "$file includes $header, which floor $floor may not know"
        fi
    done < <(grep -nE '^#include "' -r "src/$floor" --include=*.c --include=*.h || true)
done

# ---- 2. Circles: topological sort of header -> header.
edges=$(grep -oE '^#include "[^"]+\.h"' -r include src --include=*.h | sed 's|^include/||; s|^src/||; s|:#include "| |; s|"$||')
if ! printf '%s\n' "$edges" | tsort >/dev/null 2>"$build/circles"; then
    bad "circle in the include graph: $(tr '\n' ' ' <"$build/circles")"
fi
# Headers over another system's are compiled where that system's are: by the builds for it.
foreign=(! -path 'src/host/win32/*')
while read -r header; do
    cc -std=gnu11 -fsyntax-only -Wall -x c -I include -I src "$header" 2>"$build/header.log" ||
        bad "$header does not compile alone: $(head -n 2 "$build/header.log")"
done < <(find include src -name '*.h' "${foreign[@]}")

# ---- 3. Objects of the freestanding floors.
allowed='^(memcpy|memmove|memset|memcmp|assert_failed|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)$'
libs=()
for floor in base arch devices core boot soft detect debug; do
    lib=$build/libhv_$floor.a
    [ -e "$lib" ] && libs+=("$lib")
done
nm --defined-only "${libs[@]}" 2>/dev/null | awk 'NF == 3 && $2 ~ /^[A-Z]$/ { print $3 }' | sort -u >"$build/defined"
nm -u "${libs[@]}" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u >"$build/wanted"
while read -r symbol; do
    [[ $symbol =~ $allowed ]] || bad "a freestanding floor needs the outside symbol $symbol"
done < <(comm -13 "$build/defined" "$build/wanted")
# d D: initialised data, b B C: zeroed. Tables of pointers are .data.rel.ro (also 'd'), which is read-only once linked.
for lib in "${libs[@]}"; do
    while read -r name; do
        bad "mutable static data in $(basename "$lib"): $name"
    done < <(objdump -t "$lib" | awk '$0 ~ / O / && ($0 ~ /[ \t]\.(data|bss)([ \t]|\.[^r])/ || $0 ~ /\.data\.local/ || $0 ~ /\*COM\*/) { print $NF }')
done

# ---- 4. Each file has its line in the README beside it; op_simd_*.c is as good as its name.
while read -r file; do
    readme=$(dirname "$file")/README.md named=
    for pattern in $(grep -oE '`[a-z0-9_*]+\.c`' "$readme" 2>/dev/null | tr -d '`'); do
        # shellcheck disable=SC2254
        case ${file##*/} in $pattern) named=1 ;; esac
    done
    [ -n "$named" ] || bad "$readme does not name ${file##*/}"
done < <(find src -mindepth 2 -name '*.c' ! -name '*_image.c')

[ "$fail" -eq 0 ] && say "floors: ${#libs[@]} libraries, $(wc -l <"$build/defined") symbols, all as the architecture says"
exit "$fail"
