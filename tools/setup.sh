#!/usr/bin/env bash
# Installs the packages that are missing for tasks.
#
#     tools/setup.sh TASK…
#
# Tasks: build lab interop bench fuzz lint docs ci deb bindings packaging analyse coverage platforms; and the compilers of a
# platform:
# s390x armhf arm64 i386 musl windows memory integer.
# It asks no questions and prints what it does. If nothing is missing, it does nothing. Without root, it prints the command to
# run. With FLOE_PACKAGES=no it only prints what is missing, and exits with 0: the task itself may work without it.
set -euo pipefail

build="gcc make cmake ninja-build pkg-config libuv1-dev libc-ares-dev libssl-dev zlib1g-dev libmnl-dev libldns-dev libunistring-dev libjansson-dev libcmocka-dev"
lab="coturn stun-server erlang-base erlang-p1-stun nftables iproute2 procps util-linux tmux jq gawk dnsmasq-base avahi-daemon avahi-utils dbus openssl sqlite3 conntrack socat tinyproxy-bin dante-server"
interop="libnice-dev libre-dev golang-go golang-github-pion-ice.v2-dev python3-aioice chromium-headless-shell firefox-esr"
bench="strace libnice-dev golang-go golang-github-pion-ice.v2-dev golang-github-pion-turn.v2-dev python3-aioice"
fuzz="clang libclang-rt-14-dev"
analyse="clang-tidy libclang-common-14-dev cppcheck"
coverage="llvm"
platforms="perl bzip2 xz-utils"
s390x="gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user"
armhf="gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user"
arm64="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
i386="gcc-i686-linux-gnu libc6-dev-i386-cross qemu-user"
musl="musl-tools"
windows="gcc-mingw-w64-x86-64 wine64"
memory="clang libclang-rt-14-dev"
integer="$memory"
lint="clang-format git mandoc"
docs="doxygen mandoc python3"
deb="debhelper build-essential fakeroot lintian python3 debootstrap autopkgtest"
bindings="python3-cffi python3-setuptools python3-wheel python3-venv mypy bindgen rustc golang-go"
packaging="rpm rpmlint"
ci="$bindings $packaging $interop gcc-11 meson abigail-tools doxygen mandoc python3 zsh fish clang libclang-rt-14-dev g++ libglib2.0-dev binutils git golang-github-pion-turn.v2-dev"

wanted=""
for task in "$@"; do
    case $task in
    build | lab | interop | bench | fuzz | lint | docs | ci | deb | bindings | packaging | analyse | coverage | platforms | \
        s390x | armhf | arm64 | i386 | musl | windows | memory | integer)
        wanted="$wanted ${!task}"
        ;;
    *) echo "setup: unknown task: $task" >&2; exit 2 ;;
    esac
done

missing=""
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "${FLOE_PACKAGES:-yes}" = no ]; then
    echo "setup: missing, and not installed:$missing" >&2
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    echo "setup: missing:$missing" >&2
    echo "setup: install them with: sudo apt-get install -y --no-install-recommends$missing" >&2
    echo "setup: or continue without them: make PACKAGES=no …" >&2
    exit 1
fi
echo "setup: installing with apt-get (make PACKAGES=no … installs nothing):$missing"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C # what apt-get says is read below
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A list that can't be had may be one that is not needed: what is missing then says the installation.
install_missing() {
    { apt-get update || true; apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1
}
# Debian's own upgrades, or another build, may hold a lock of apt's: they are waited for, ten minutes at most.
until install_missing; do
    if [ $SECONDS -ge 600 ] || ! grep -q 'Could not get lock' "$log"; then
        tail -n 20 "$log" >&2
        echo "setup: apt-get failed" >&2
        exit 1
    fi
    sleep 2
done
