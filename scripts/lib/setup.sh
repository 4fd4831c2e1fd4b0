# Sourced by the scripts: installs what is missing (Debian packages) and builds.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1

packages_to_build=(build-essential cmake ninja-build pkg-config ca-certificates python3
    libuv1-dev libcurl4-openssl-dev libssl-dev libjansson-dev libsqlite3-dev libpcre2-dev
    libxml2-dev libhiredis-dev)
packages_to_test=(libcmocka-dev clang clang-format clang-tidy libclang-rt-14-dev nodejs npm
    redis-server iproute2)

say() {
    printf '== %s\n' "$*"
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# install PACKAGE...: those that are not there yet. Asks apt only when one is missing.
install() {
    local missing=() package
    for package in "$@"; do
        # A name may be provided by another package (npm beside a packaged Node, for one).
        if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' &&
            ! { [ "$package" = npm ] && command -v npm >/dev/null; } &&
            ! { [ "$package" = nodejs ] && command -v node >/dev/null; }; then
            missing+=("$package")
        fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "these packages are missing and this user cannot install them: ${missing[*]}"
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -qq || die "apt-get update failed"
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
        "${missing[@]}" >"$root/build/install.log" 2>&1 ||
        die "apt-get install failed; see build/install.log"
}

# build PRESET [TARGET...]
build() {
    local preset=$1
    shift
    say "building $preset"
    cmake --preset "$preset" >"build/$preset.configure.log" 2>&1 ||
        { tail -n 20 "build/$preset.configure.log" >&2; die "configuring $preset failed"; }
    local targets=()
    [ $# -eq 0 ] || targets=(--target "$@")
    cmake --build --preset "$preset" "${targets[@]}" >"build/$preset.build.log" 2>&1 ||
        { grep -E 'error|FAILED' -A 6 "build/$preset.build.log" | tail -n 40 >&2; die "building $preset failed; see build/$preset.build.log"; }
}

mkdir -p build
