# lib.sh - shared by run, test and the scripts here: where things are kept, and how missing packages are installed.
# Sourced by bash; `top` is the source tree.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${HV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/arm64-hypervisor}

say() { printf '%s\n' "$*" >&2; }

# need_packages PACKAGE...: installs what is missing with apt, and says so. Returns 1 where there is no apt, no right
# to use it, or no network.
need_packages() {
    local missing=() p
    command -v dpkg-query >/dev/null || { say "note: this is no Debian or Ubuntu; install by hand: $*"; return 1; }
    for p in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null)" = 'ii ' ] || missing+=("$p")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    local sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { say "note: not root and no sudo; missing packages: ${missing[*]}"; return 1; }
        sudo=sudo
    fi
    say "installing: ${missing[*]}"
    local apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600"
    mkdir -p "$cache"
    if ! $apt install -y --no-install-recommends "${missing[@]}" >"$cache/apt.log" 2>&1; then
        $apt update >>"$cache/apt.log" 2>&1 &&
            $apt install -y --no-install-recommends "${missing[@]}" >>"$cache/apt.log" 2>&1 || {
            say "note: installing failed (see $cache/apt.log)"
            return 1
        }
    fi
}

# Packages by purpose.
packages_build=(gcc cmake ninja-build pkg-config libc6-dev libjansson-dev zlib1g-dev libzstd-dev)
packages_guests=(mmdebstrap cpio gzip ca-certificates)
packages_test=(libcmocka-dev g++ clang llvm clang-format clang-tidy cppcheck binutils-aarch64-linux-gnu
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static qemu-system-arm device-tree-compiler libvixl-dev
    libunicorn-dev libclang-rt-14-dev llvm-14-dev python3 python3-pexpect git valgrind)

packages_windows=(gcc-mingw-w64-x86-64-win32 wine64 clang lld llvm make bzip2 xz-utils mmdebstrap qemu-user-static)

# build PRESET [TARGET...]: configures and builds a preset into build/PRESET; quiet unless it fails.
build() {
    local preset=$1 log
    shift
    log=$top/build/$preset.log
    mkdir -p "$top/build"
    if ! { (cd "$top" && cmake --preset "$preset") && cmake --build "$top/build/$preset" ${1:+--target "$@"}; } >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        say "the build failed; the whole log is $log"
        return 1
    fi
}
