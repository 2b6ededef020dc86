# What the scripts here share: `here`, `root` (floe's sources), `build` (the build at hand), `scratch` (a folder that goes).
# shellcheck shell=bash
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset DESTDIR LD_LIBRARY_PATH PKG_CONFIG_PATH CMAKE_BUILD_TYPE CMAKE_PREFIX_PATH

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# A setting of the build at hand: ON, OFF or its value.
setting() {
    sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}

# Whether the build at hand has the command: ON, OFF.
command_of_build() {
    [ "$(setting FLOE_COMMAND)$(setting FLOE_RUNTIME)" = ONON ] && echo ON || echo OFF
}

# Its output is shown only if it fails.
quietly() {
    "$@" >"$scratch/said" 2>&1 || { cat "$scratch/said" >&2; die "$*"; }
}

# floe anew, as one who builds it does it, but as fast as it goes: the library alone, not optimised.
configure_floe() { # BUILD [OPTIONS…]
    local into=$1
    shift
    quietly cmake -S "$root" -B "$into" -G Ninja -DCMAKE_C_COMPILER="$(setting CMAKE_C_COMPILER)" -DFLOE_TESTS=OFF \
        -DFLOE_EXAMPLES=OFF -DFLOE_RUNTIME="$(setting FLOE_RUNTIME)" -DFLOE_MDNS="$(setting FLOE_MDNS)" \
        -DFLOE_LINUX="$(setting FLOE_LINUX)" "$@"
}
