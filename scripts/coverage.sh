#!/usr/bin/env bash
# coverage.sh - line coverage of the software CPU's C bodies (op_*.c, fp*.c) by the tests of the CPU, measured by gcov.
#
#   scripts/coverage.sh [CASES]     cases of insn_diff; default a million
#
# Builds the preset coverage, runs tests/insn, the engine's unit tests and the system suite, and prints a line for each file
# and each line that was not reached. Exit status 1: less than 95 % in all.
set -euo pipefail
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
cases=${1:-1000000}
build=$top/build/coverage

cmake --preset coverage -S "$top" >/dev/null
mapfile -t units < <(cd "$top/tests/unit/soft" && printf '%s\n' test_*.c | sed 's/\.c$//')
cmake --build "$build" --target hypervisor insn_diff "${units[@]}"
find "$build" -name '*.gcda' -delete

"$build/tests/insn/insn_diff" --total "$cases" --seed 1 | tail -n 2
for unit in "${units[@]}"; do
    "$build/tests/$unit" >/dev/null 2>&1 || { say "coverage: $unit fails"; exit 1; }
done
python3 "$top/tests/system/system.py" "$build/hypervisor" | grep -c '^ok' >/dev/null

python3 "$top/scripts/coverage.py" "$build"
