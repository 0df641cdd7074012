#!/usr/bin/env bash
# wine.sh x64|arm64 PROGRAM ARGS...: runs a Windows program with Wine, without a display and without Wine's own messages.
#         --start, --stop in place of the program: Wine's services, with no streams of ours in their hands.
# The prefixes are those of scripts/windows.sh unless WINEPREFIX names another. Status 77: there is no Wine here.
set -euo pipefail
. "$(cd "$(dirname "$0")" && pwd)/../../scripts/lib.sh"
arch=$1
shift
unset DISPLAY
export WINEDEBUG=${WINEDEBUG:--all} WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe,winedbg.exe="
case $arch in
x64)
    export WINEPREFIX=${WINEPREFIX:-$cache/windows/wine-x64}
    wine=(/usr/lib/wine/wine64) server=(/usr/lib/wine/wineserver64)
    ;;
arm64)
    root=$cache/windows/wine-arm64/root
    export WINEPREFIX=${WINEPREFIX:-$cache/windows/wine-arm64/prefix}
    wine=(qemu-aarch64-static -L "$root" "$root/usr/lib/wine/wine64") server=("$root/usr/lib/wine/wineserver")
    ;;
*) say "wine.sh: $arch: there is x64 and arm64"; exit 2 ;;
esac
[ -x "${server[0]}" ] || { say "skipped: no Wine for $arch (scripts/windows.sh)"; exit 77; }
command -v "${wine[0]}" >/dev/null || { say "skipped: no ${wine[0]}"; exit 77; }

case $1 in
--start)
    "${server[@]}" -p </dev/null >/dev/null 2>&1 || true # it may run already
    exec "${wine[@]}" wineboot </dev/null >/dev/null 2>&1
    ;;
--stop) exec "${server[@]}" -k </dev/null >/dev/null 2>&1 ;;
esac
exec "${wine[@]}" "$@"
