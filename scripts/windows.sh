#!/usr/bin/env bash
# windows.sh WHAT...: makes what the Windows builds need and this machine's packages lack, once, in the cache.
#
#   x64      jansson, zlib, zstd and cmocka for x86-64 (mingw-w64's gcc)     CACHE/windows/x64
#   arm64    headers and C run-time library of mingw-w64, and the same four
#            libraries, for ARM64 (clang and lld)                            CACHE/windows/arm64
#   wine     a Wine prefix for x86-64 programs                               CACHE/windows/wine-x64
#   wine-arm64  Debian's Wine for arm64, run by QEMU's user mode             CACHE/windows/wine-arm64
#
# All of it comes from Debian's source packages, fetched with an apt state of its own: the machine's package lists and
# sources stay as they are. The presets windows-x64 and windows-arm64 (CMakePresets.json) use the results.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
home=$cache/windows
llvm=${HV_LLVM:-$(clang -dumpversion 2>/dev/null | cut -d. -f1)}
mkdir -p "$home"

fail() { say "windows.sh: $*"; exit 1; }

# source_package NAME: downloads a Debian source package and unpacks its upstream part into ./NAME.
source_package() {
    local name=$1 apt state=$home/apt
    mkdir -p "$state/parts" "$state/lists/partial"
    if [ -e /etc/apt/sources.list.d/debian.sources ]; then
        sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$state/parts/source.sources"
    else
        sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$state/parts/source.list"
    fi
    apt="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$state/parts -o Dir::State::lists=$state/lists
        -o APT::Sandbox::User=root"
    # shellcheck disable=SC2086
    [ -e "$state/updated" ] || { apt-get $apt update -qq && touch "$state/updated"; }
    # shellcheck disable=SC2086
    apt-get $apt source -qq --download-only "$name"
    mkdir "$name"
    tar xf "$(ls "$name"_*.orig.tar.* | grep -v '\.asc$' | head -n 1)" -C "$name" --strip-components=1
}

# pc PREFIX FILE LIBRARY VERSION: a pkg-config file.
pc() {
    mkdir -p "$1/lib/pkgconfig"
    printf 'prefix=%s\nName: %s\nDescription: %s for Windows\nVersion: %s\nLibs: -L${prefix}/lib -l%s\nCflags: -I${prefix}/include\n' \
        "$1" "$2" "$2" "$4" "$3" >"$1/lib/pkgconfig/$2.pc"
}

# compile PREFIX LIBRARY FLAGS SOURCE...: a static library from its sources.
compile() {
    local prefix=$1 library=$2 flags=$3 objects=() source
    shift 3
    mkdir -p "$prefix/lib" "$prefix/include"
    for source; do
        local object=${source//\//_}
        # shellcheck disable=SC2086
        $cc -O2 -D_WIN32_WINNT=0x0A00 -D__USE_MINGW_ANSI_STDIO=1 $flags -c "$source" -o "$object.o"
        objects+=("$object.o")
    done
    rm -f "$prefix/lib/lib$library.a"
    $ar rcs "$prefix/lib/lib$library.a" "${objects[@]}"
}

upstream_version() { ls "$1"_*.orig.tar.* | head -n 1 | sed -E 's/^[^_]*_(.*)\.orig.*/\1/'; }

# The four libraries into PREFIX, with $cc and $ar, from packages unpacked in the current folder.
libraries() {
    local prefix=$1 p
    for p in jansson zlib libzstd cmocka; do
        [ -d "$p" ] || source_package "$p"
    done
    # What jansson's configure would find out on Windows; the rest of it is on the compiler's command line.
    : >"$prefix/include/jansson_private_config.h"
    # Microsoft's _vsnprintf differs from C's, which mingw-w64 has; and Wine for ARM64 cannot be given a va_list.
    sed -i -E '/define v?snprintf +_v?snprintf$/d' jansson/src/jansson_private.h
    sed -e 's/@json_inline@/inline/; s/@json_have_[a-z_]*@/1/; s/@[a-z_]*@/1/' \
        jansson/src/jansson_config.h.in >"$prefix/include/jansson_config.h"
    cp jansson/src/jansson.h "$prefix/include/"
    compile "$prefix" jansson "-I$prefix/include -DHAVE_STDINT_H=1 -DHAVE_STRTOLL=1 -DHAVE_SYNC_BUILTINS=1 -DHAVE_ATOMIC_BUILTINS=1" \
        jansson/src/*.c
    pc "$prefix" jansson jansson "$(upstream_version jansson)"

    cp zlib/zlib.h zlib/zconf.h "$prefix/include/"
    compile "$prefix" z "-Wno-deprecated-non-prototype -Wno-unknown-warning-option" zlib/{adler32,crc32,deflate,infback,inffast,inflate,inftrees,trees,zutil,compress,uncompr}.c
    pc "$prefix" zlib z 1.2.13

    cp libzstd/lib/*.h "$prefix/include/"
    compile "$prefix" zstd "-DZSTD_DISABLE_ASM=1 -Ilibzstd/lib" libzstd/lib/{common,decompress,compress}/*.c
    pc "$prefix" libzstd zstd 1.5.4

    cp cmocka/include/*.h "$prefix/include/"
    compile "$prefix" cmocka "-I$prefix/include -DHAVE_SIGNAL_H=1 -DHAVE_STDINT_H=1 -DHAVE_INTTYPES_H=1 -DHAVE_STRSIGNAL=0 -DHAVE_MALLOC_H=1 -DHAVE_STRUCT_TIMESPEC=1 -DHAVE_SETJMP_H=1 -DHAVE_TIME_H=1 -DHAVE_STRING_H=1 -DHAVE_STDLIB_H=1 -DHAVE_STDIO_H=1 -DHAVE_IO_H=1 -DHAVE_SNPRINTF=1 -DHAVE_VSNPRINTF=1 -DHAVE__VSNPRINTF_S=0 -DWORDS_SIZEOF_VOID_P=8" \
        cmocka/src/cmocka.c
    pc "$prefix" cmocka cmocka 1.1.7
}

in_work_folder() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work"
}

make_x64() {
    local out=$home/x64
    [ -e "$out/.ready" ] && return
    command -v x86_64-w64-mingw32-gcc >/dev/null || fail "x64: no x86_64-w64-mingw32-gcc (package gcc-mingw-w64-x86-64-win32)"
    in_work_folder
    rm -rf "$out"
    mkdir -p "$out/include" "$out/lib"
    cc=x86_64-w64-mingw32-gcc ar=x86_64-w64-mingw32-ar
    libraries "$out" >"$home/x64.log" 2>&1 & # a job of its own, so that the first error ends it
    wait $! || fail "x64: failed, see $home/x64.log"
    touch "$out/.ready"
}

# Debian has no mingw-w64 for ARM64, but clang has the target, lld links it, and mingw-w64's source builds with them.
make_arm64() {
    local out=$home/arm64
    [ -e "$out/.ready" ] && return
    command -v "clang-$llvm" >/dev/null && command -v ld.lld >/dev/null || fail "arm64: no clang and lld (packages clang lld llvm)"
    in_work_folder
    rm -rf "$out"
    mkdir -p "$out" headers crt
    cc="clang-$llvm --target=aarch64-w64-mingw32 --sysroot=$out" ar=llvm-ar-$llvm
    (
        source_package mingw-w64
        (cd headers && ../mingw-w64/mingw-w64-headers/configure --host=aarch64-w64-mingw32 --prefix="$out" \
            --with-default-msvcrt=ucrt --with-default-win32-winnt=0x0A00 && make install)
        (cd crt && CC="$cc -fuse-ld=lld" CCAS="$cc" AR="$ar" RANLIB="llvm-ranlib-$llvm" DLLTOOL="llvm-dlltool-$llvm" \
            ../mingw-w64/mingw-w64-crt/configure --host=aarch64-w64-mingw32 --prefix="$out" --disable-lib32 \
            --disable-lib64 --disable-libarm32 --enable-libarm64 --with-default-msvcrt=ucrt &&
            make -j"$(nproc)" && make install)
        # The stack probe is all that clang wants of a compiler's run-time library here.
        cat >probe.S <<'P'
    .text
    .globl __chkstk
    .p2align 2
    .def __chkstk; .scl 2; .type 32; .endef
__chkstk:                        // x15 = bytes / 16; only x16 and x17 may change
    lsl  x16, x15, #4
    mov  x17, sp
1:  sub  x17, x17, #4096
    subs x16, x16, #4096
    ldr  xzr, [x17]
    b.gt 1b
    ret
P
        $cc -c probe.S -o probe.o
        for l in gcc gcc_s gcc_eh; do "$ar" rcs "$out/lib/lib$l.a" probe.o; done # the names clang asks for
        # Threads as POSIX has them, which some unit tests are written with.
        mkdir threads
        (cd threads && CC="$cc -fuse-ld=lld" CCAS="$cc" AR="$ar" RANLIB="llvm-ranlib-$llvm" RC="llvm-windres-$llvm" \
            DLLTOOL="llvm-dlltool-$llvm" ../mingw-w64/mingw-w64-libraries/winpthreads/configure \
            --host=aarch64-w64-mingw32 --prefix="$out" --disable-shared --enable-static && make && make install)
        libraries "$out"
    ) >"$home/arm64.log" 2>&1 & # a job of its own, so that the first error ends it
    wait $! || fail "arm64: failed, see $home/arm64.log"
    touch "$out/.ready"
}

make_wine() {
    local out=$home/wine-x64
    [ -e "$out/.ready" ] && return
    [ -x /usr/lib/wine/wine64 ] || fail "wine: no /usr/lib/wine/wine64 (package wine64)"
    WINEPREFIX=$out "$top/tests/wine/wine.sh" x64 wineboot -i </dev/null >"$home/wine.log" 2>&1 || true
    WINEPREFIX=$out /usr/lib/wine/wineserver64 -w </dev/null >/dev/null 2>&1 || true
    [ -d "$out/drive_c/windows/system32" ] || fail "wine: no prefix was made, see $home/wine.log"
    touch "$out/.ready"
}

# Wine starts further processes as BINDIR/wine64-preloader BINDIR/wine64 ARGS: a script of that name puts QEMU in front.
make_wine_arm64() {
    local out=$home/wine-arm64 w
    [ -e "$out/.ready" ] && return
    command -v qemu-aarch64-static >/dev/null || fail "wine-arm64: no qemu-aarch64-static (package qemu-user-static)"
    rm -rf "$out"
    mkdir -p "$out/root"
    mmdebstrap -q --variant=extract --arch=arm64 --include=wine64 "${HV_SUITE:-bookworm}" "$out/root.tar" \
        /etc/apt/sources.list.d/debian.sources >"$home/wine-arm64.log" 2>&1 || fail "wine-arm64: see $home/wine-arm64.log"
    tar xf "$out/root.tar" -C "$out/root" --exclude='./dev/*'
    rm "$out/root.tar"
    w=$out/root/usr/lib/wine
    cat >"$w/wine64-preloader" <<'P'
#!/bin/sh
R=$(cd "$(dirname "$0")/../../.." && pwd)
exec qemu-aarch64-static -L "$R" "$@"
P
    cat >"$w/wineserver" <<'P'
#!/bin/sh
R=$(cd "$(dirname "$0")/../../.." && pwd)
exec qemu-aarch64-static -L "$R" "$R/usr/lib/wine/wineserver64" "$@"
P
    chmod +x "$w/wine64-preloader" "$w/wineserver"
    WINEPREFIX=$out/prefix "$top/tests/wine/wine.sh" arm64 wineboot -i </dev/null >>"$home/wine-arm64.log" 2>&1 || true
    WINEPREFIX=$out/prefix "$w/wineserver" -w </dev/null >/dev/null 2>&1 || true
    [ -d "$out/prefix/drive_c/windows/system32" ] || fail "wine-arm64: no prefix was made, see $home/wine-arm64.log"
    touch "$out/.ready"
}

for what in "$@"; do
    case $what in
    x64 | arm64 | wine) (make_"$what") ;;
    wine-arm64) (make_wine_arm64) ;;
    *) say "windows.sh: $what: there is x64, arm64, wine and wine-arm64"; exit 2 ;;
    esac
done
