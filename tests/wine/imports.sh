#!/usr/bin/env bash
# imports.sh PROGRAM x64|arm64: a Windows program is for that processor, may be loaded anywhere, has no writable code, and
# needs nothing but what is part of Windows.
set -euo pipefail
objdump=$(command -v llvm-objdump || command -v llvm-objdump-14 || true)
readobj=$(command -v llvm-readobj || command -v llvm-readobj-14 || true)
[ -n "$objdump" ] && [ -n "$readobj" ] || { echo "skipped: no llvm-objdump and llvm-readobj"; exit 77; }
case $2 in x64) machine=IMAGE_FILE_MACHINE_AMD64 ;; arm64) machine=IMAGE_FILE_MACHINE_ARM64 ;; esac
headers=$("$readobj" --file-headers "$1")
for want in "$machine" IMAGE_DLL_CHARACTERISTICS_DYNAMIC_BASE IMAGE_DLL_CHARACTERISTICS_NX_COMPAT \
    IMAGE_DLL_CHARACTERISTICS_HIGH_ENTROPY_VA IMAGE_SUBSYSTEM_WINDOWS_CUI; do
    grep -q "$want" <<<"$headers" || { echo "missing in the headers: $want"; exit 1; }
done
known='^(kernel32|advapi32|ntdll|ws2_32|bcrypt|winmm|shell32|msvcrt|api-ms-win-crt-[a-z-]*-l1-1-0)\.dll$'
n=0
for dll in $("$objdump" -p "$1" | sed -n 's/^ *DLL Name: *//p' | tr '[:upper:]' '[:lower:]'); do
    [[ $dll =~ $known ]] || { echo "needs $dll, which is no part of Windows"; exit 1; }
    n=$((n + 1))
done
[ "$n" -gt 0 ] || { echo "no imports were found"; exit 1; }
sections=$("$readobj" --sections "$1" | awk '/Name:/ { name = $2 } /IMAGE_SCN_MEM_EXECUTE/ { x[name] = 1 } /IMAGE_SCN_MEM_WRITE/ { w[name] = 1 }
    END { for (s in x) if (s in w) print s }')
[ -z "$sections" ] || { echo "sections that are writable and executable: $sections"; exit 1; }
echo "$2, $n libraries, all of Windows"
