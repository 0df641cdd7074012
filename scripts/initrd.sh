#!/usr/bin/env bash
# initrd.sh OUT INIT [FILE...]: a small initramfs: Debian's static arm64 busybox, INIT as /init, FILEs in /bin, modules in /lib.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
out=$1 init=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"/{bin,lib,dev,proc,sys,tmp,root,etc}
cp "$cache/guest/busybox" "$dir/bin/busybox"
cp "$init" "$dir/init"
cp "$cache"/guest/modules/*.ko "$dir/lib/"
for f in "$@"; do cp "$f" "$dir/bin/"; done
chmod 755 "$dir/init" "$dir"/bin/*
(cd "$dir" && find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc --quiet -R 0:0 --reproducible | gzip -1) >"$out"
