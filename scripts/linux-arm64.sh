#!/usr/bin/env bash
# linux-arm64.sh: makes what the preset linux-arm64 needs and this machine's packages lack, once, in the cache: static
# jansson, zlib and zstd for ARM64, from Debian's arm64 packages, which are only unpacked.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
home=$cache/linux-arm64
[ -e "$home/.ready" ] && exit 0
need_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross mmdebstrap
sources=/etc/apt/sources.list.d/debian.sources
[ -e "$sources" ] || sources=/etc/apt/sources.list
rm -rf "$home"
mkdir -p "$home/lib/pkgconfig" "$home/include"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap -q --variant=extract --arch=arm64 --include=libjansson-dev,zlib1g-dev,libzstd-dev "${HV_SUITE:-bookworm}" \
    "$work/tree.tar" "$sources" >"$home/fetch.log" 2>&1 || { say "linux-arm64.sh: fetching failed; see $home/fetch.log"; exit 1; }
mkdir "$work/tree"
tar xf "$work/tree.tar" -C "$work/tree" --exclude='./dev/*'
usr=$work/tree/usr
for name in jansson zlib libzstd; do
    sed -E "s|^prefix=.*|prefix=$home|; s|^(libdir=).*|\1$home/lib|; s|^(includedir=).*|\1$home/include|; s|^(exec_prefix=).*|\1$home|" \
        "$usr/lib/aarch64-linux-gnu/pkgconfig/$name.pc" >"$home/lib/pkgconfig/$name.pc"
done
cp "$usr"/lib/aarch64-linux-gnu/{libjansson,libz,libzstd}.a "$home/lib/"
cp "$usr"/include/{jansson.h,jansson_config.h,zlib.h,zstd.h,zstd_errors.h,zdict.h} "$home/include/"
cp "$usr/include/zconf.h" "$home/include/" 2>/dev/null || cp "$usr/include/aarch64-linux-gnu/zconf.h" "$home/include/"
touch "$home/.ready"
