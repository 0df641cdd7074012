#!/usr/bin/env bash
# check-style.sh format|tidy|cppcheck BUILDDIR: clang-format, clang-tidy or cppcheck over our own C; fails on any finding.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$top"
mapfile -t sources < <(git ls-files '*.c' '*.h' | grep -vE '_image\.c$')
mapfile -t units < <(git ls-files 'src/*.c' | grep -vE '_image\.c$|/win32/')
case $1 in
format) clang-format --dry-run -Werror "${sources[@]}" ;;
tidy)
    # The compiler's builtin headers come from clang here, whatever compiler the build uses.
    printf '%s\n' "${units[@]}" | xargs -P 2 -n 8 clang-tidy --quiet -p "$2" --extra-arg=-Wno-unknown-warning-option \
        --extra-arg=-I"$(clang -print-resource-dir)/include" 2>/dev/null
    ;;
cppcheck)
    cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability -j 2 \
        --suppress=missingInclude --suppress=zerodivcond --suppress=uninitvar --suppress=arrayIndexThenCheck --suppress=preprocessorErrorDirective --suppress=nullPointerArithmeticRedundantCheck \
        -I include -I src src/base src/arch src/devices src/core src/boot src/host src/io src/vmm src/ui
    ;;
*) say "check-style.sh: format, tidy or cppcheck"; exit 2 ;;
esac
