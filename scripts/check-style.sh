#!/usr/bin/env bash
# check-style.sh format|tidy|cppcheck BUILDDIR: clang-format, clang-tidy or cppcheck over our own C; fails on any finding.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"
mapfile -t sources < <(git ls-files '*.c' '*.h' | grep -vE '_image\.c$')
mapfile -t units < <(git ls-files 'src/*.c' | grep -vE '_image\.c$|/kvm/|/win32/|/whp/load\.c$')
mapfile -t arm_units < <(git ls-files 'src/accel/kvm/*.c')
arm_headers=/usr/aarch64-linux-gnu/include # Debian's libc6-dev-arm64-cross and linux-libc-dev-arm64-cross
case $1 in
format) clang-format --dry-run -Werror "${sources[@]}" ;;
tidy)
    # The compiler's builtin headers come from clang here, whatever compiler the build uses. A process for each file:
    # from the second file on, clang-tidy 14 takes every va_list for uninitialized.
    [ -f "$2/compile_commands.json" ] || { say "check-style.sh: no compile_commands.json in $2"; exit 1; }
    builtin=$(clang -print-resource-dir)/include
    failed=0
    # The analyzer gives up on a function after so many steps. With its own 225000 it takes twice as long over ours and reaches not
    # one basic block more (debug.Stats): the rest goes into orders of what it has seen.
    steps=(--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=100000)
    printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$2" \
        --extra-arg=-Wno-unknown-warning-option --extra-arg-before=-isystem"$builtin" "${steps[@]}" \
        2> >(grep -vE '^[0-9]+ warnings? generated\.$' >&2) || failed=1
    # The KVM back end is for ARM64 hosts only and not in this build; it is seen as their compiler sees it.
    if [ -d "$arm_headers/linux" ]; then
        printf '%s\n' "${arm_units[@]}" | xargs -P "$(nproc)" -I{} clang-tidy --quiet {} -- --target=aarch64-linux-gnu \
            -std=gnu11 -nostdinc -isystem "$builtin" -isystem "$arm_headers" -I include -I src \
            2> >(grep -vE '^[0-9]+ warnings? generated\.$' >&2) || failed=1
    else
        say "check-style.sh: src/accel/kvm is left out: no $arm_headers/linux"
    fi
    exit $failed
    ;;
cppcheck)
    # One configuration, a Linux host's; the compilers of the other #if branches see those.
    # shiftTooManyBitsSigned: >> of a negative number is arithmetic with every compiler that builds this.
    cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability -j "$(nproc)" \
        -D__GNUC__=12 -D__x86_64__=1 -D__linux__=1 -DHV_HAVE_ZLIB=1 -DHV_HAVE_ZSTD=1 \
        --suppress=shiftTooManyBitsSigned -I include -I src src
    ;;
*) say "check-style.sh: format, tidy or cppcheck"; exit 2 ;;
esac
