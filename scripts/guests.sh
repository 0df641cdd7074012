#!/usr/bin/env bash
# guests.sh WHAT...: fetches Debian's arm64 guests into the cache, once, and prints nothing but errors.
#
#   linux      Debian's standard kernel, some of its modules, and busybox  CACHE/guest/{vmlinuz,modules/*.ko,busybox}
#   cloud      the cloud kernel                                            CACHE/guest/vmlinuz-cloud
#   16k        the 16 KiB page kernel of backports                         CACHE/guest/vmlinuz-16k
#   userland   python3, perl, openssl and gcc as an initramfs              CACHE/guest/userland.cpio
#   jit-userland  node and a JVM as an initramfs                           CACHE/guest/jit-userland.cpio
#
# Foreign packages are only unpacked (mmdebstrap --variant=extract): no arm64 program runs here, the machine's own
# package lists stay as they are. Versions are resolved through meta packages, because point releases replace them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
guest=$cache/guest
mkdir -p "$guest"
suite=${HV_SUITE:-bookworm}
mirror=${HV_MIRROR:-$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)}
mirror=${mirror:-$(awk '$1 == "deb" && /debian/ { print $2; exit }' /etc/apt/sources.list 2>/dev/null || true)}
[ -n "$mirror" ] || { say "guests.sh: no Debian mirror found in apt's sources; set HV_MIRROR"; exit 1; }
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# extract OUT SUITE PACKAGES: unpacks arm64 packages with their dependencies into a fresh folder OUT.
extract() {
    local out=$1 from=$2 packages=$3 tar
    tar=$guest/unpack.tar
    local lines="deb [signed-by=$keyring] $mirror $suite main"
    [ "$from" = "$suite" ] || lines="$lines
deb [signed-by=$keyring] $mirror $from main"
    if ! printf '%s\n' "$lines" | mmdebstrap -q --variant=extract --arch=arm64 --include="$packages" \
        "$suite" "$tar" - >"$guest/mmdebstrap.log" 2>&1; then
        rm -f "$tar"
        say "guests.sh: fetching $packages failed; see $guest/mmdebstrap.log"
        return 1
    fi
    rm -rf "$out"
    mkdir -p "$out"
    tar xf "$tar" -C "$out" --exclude='./dev/*'
    rm -f "$tar"
}

# Drivers of our devices that Debian's kernel does not have built in.
modules="evdev gpio_keys"

fetch_linux() {
    [ -e "$guest/linux-2.ready" ] && return
    extract "$guest/tree" "$suite" linux-image-arm64,busybox-static
    cp "$guest"/tree/boot/vmlinuz-* "$guest/vmlinuz"
    cp "$guest/tree/bin/busybox" "$guest/busybox"
    rm -rf "$guest/modules"
    mkdir "$guest/modules"
    for module in $modules; do
        find "$guest/tree/lib/modules" -name "$module.ko" -exec cp {} "$guest/modules/" ';'
    done
    rm -rf "$guest/tree"
    touch "$guest/linux-2.ready"
}

fetch_cloud() {
    [ -e "$guest/cloud.ready" ] && return
    extract "$guest/tree" "$suite" linux-image-cloud-arm64
    cp "$guest"/tree/boot/vmlinuz-* "$guest/vmlinuz-cloud"
    rm -rf "$guest/tree"
    touch "$guest/cloud.ready"
}

fetch_16k() {
    [ -e "$guest/16k.ready" ] && return
    # A meta package does not exist for the 16k flavour: the newest of that name in backports.
    extract "$guest/tree" "$suite-backports" '?and(?name(^linux-image-[0-9].*-arm64-16k-unsigned$),?architecture(arm64),?not(?virtual))' ||
        extract "$guest/tree" "$suite-backports" '?name(^linux-image-[0-9].*-arm64-16k-unsigned$)'
    cp "$(ls -v "$guest"/tree/boot/vmlinuz-*16k | tail -n 1)" "$guest/vmlinuz-16k"
    rm -rf "$guest/tree"
    touch "$guest/16k.ready"
}

fetch_userland() {
    [ -e "$guest/userland.ready" ] && return
    extract "$guest/tree" "$suite" mount,bash,coreutils,python3-minimal,python3,perl-base,perl,openssl,gcc,libc6-dev
    (cd "$guest/tree" && mkdir -p proc sys dev tmp root run &&
        rm -rf usr/share/doc usr/share/man usr/share/locale var/cache/apt/archives/*.deb var/lib/apt/lists/* usr/share/info)
    find "$guest/tree" -name '*.a' -size +2M ! -name libgcc.a ! -name libc.a -delete
    cp "$top/tests/boot/userland-init" "$guest/tree/init"
    chmod 755 "$guest/tree/init"
    (cd "$guest/tree" && find . -print0 | cpio -0 -o -H newc --quiet) >"$guest/userland.cpio"
    rm -rf "$guest/tree"
    touch "$guest/userland.ready"
}

# Programs that make code while they run. The runtime's own modules hold javac, so Java's source is enough.
fetch_jit_userland() {
    [ -e "$guest/jit-userland.ready" ] && return
    extract "$guest/tree" "$suite" mount,bash,coreutils,nodejs,openjdk-17-jre-headless
    (cd "$guest/tree" && mkdir -p proc sys dev tmp root run check &&
        rm -rf usr/share/{doc,man,locale,info,fonts} usr/lib/aarch64-linux-gnu/gconv var/cache/apt/archives/*.deb var/lib/apt/lists/*)
    cp "$top"/tests/boot/jit-userland/* "$guest/tree/check/"
    cp "$top/tests/boot/jit-userland-init" "$guest/tree/init"
    chmod 755 "$guest/tree/init"
    (cd "$guest/tree" && find . -print0 | cpio -0 -o -H newc --quiet) >"$guest/jit-userland.cpio"
    rm -rf "$guest/tree"
    touch "$guest/jit-userland.ready"
}

for what in "$@"; do
    case $what in
    linux | cloud | 16k | userland) "fetch_$what" ;;
    jit-userland) fetch_jit_userland ;;
    *) say "guests.sh: $what: there is linux, cloud, 16k, userland and jit-userland"; exit 2 ;;
    esac
done
