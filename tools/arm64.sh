#!/usr/bin/env bash
# Usage: arm64.sh
# Tests the service on ARM: creates a Debian 12 arm64 root file system, runs install.sh in it with packages
# from PyPI, speaks a sentence and transcribes it. On an x86 machine through qemu-user, slowly (20 to 40 minutes
# the first time). Needs root, debootstrap and a network. The root file system is kept in
# LUNAVOX_EDGE_BUILD (default: build/install) for the next run.
set -euo pipefail
cd "$(dirname "$0")/.."

build="${LUNAVOX_EDGE_BUILD:-$PWD/build/install}"
base="$build/base-bookworm-arm64" machine="$build/arm64"
sentence="The garage door is closed."
limit_s=3600

die() { echo "$*" >&2; exit 1; }
[[ $EUID -eq 0 ]] || die "This creates a root file system and needs root."
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
if [[ $(uname -m) != aarch64 ]] && ! grep -qx enabled /proc/sys/fs/binfmt_misc/qemu-aarch64 2>/dev/null; then
    die "This machine cannot run arm64 programs. On Debian and Ubuntu, where the kernel has binfmt_misc:
  apt-get install qemu-user-static binfmt-support
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc    # unless it is mounted
  update-binfmts --enable qemu-aarch64"
fi

service=""
leave() {
    [[ -z $service ]] || kill "$service" 2>/dev/null || true
    umount -lq "$machine"/{proc,dev,cache} 2>/dev/null || true
    rm -rf --one-file-system "$machine"
}
trap leave EXIT

mkdir -p "$build/pip-cache"
if [[ ! -d $base ]]; then
    echo "== Making $base"
    rm -rf "$build/new"
    debootstrap --arch=arm64 --variant=minbase bookworm "$build/new" \
        "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$build/debootstrap.log"
    mv "$build/new" "$base"
fi
leave
cp -a "$base" "$machine"
cp -L /etc/resolv.conf "$machine/etc/resolv.conf"
mkdir -p "$machine/src" "$machine/cache"
git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$machine/src"
mount -t proc proc "$machine/proc"
mount --bind /dev "$machine/dev"
mount --bind "$build/pip-cache" "$machine/cache"

# Loading is very slow under emulation, so the timeouts are long and the model is small.
variables=(PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PIP_CACHE_DIR=/cache
    PIP_DEFAULT_TIMEOUT=180 LUNAVOX_EDGE__ENGINE__LOAD_TIMEOUT_S=1200 LUNAVOX_EDGE_CHECK_TIMEOUT_S=3000
    LUNAVOX_EDGE__ENGINE__STUCK_AFTER_S=3000
    LUNAVOX_EDGE__STT__MODEL="${MODEL:-tiny.en}" LUNAVOX_EDGE__WYOMING__URI=unix:///tmp/edge.sock)
if [[ -n ${PIP_CERT:-} ]]; then
    cp -L "$PIP_CERT" "$machine/src/ca.pem"
    variables+=(PIP_CERT=/src/ca.pem)
fi
[[ -z ${PIP_INDEX_URL:-} ]] || variables+=("PIP_INDEX_URL=$PIP_INDEX_URL")
inside() { timeout "$limit_s" env -i "${variables[@]}" chroot "$machine" "$@"; }

echo "== Installing on $(inside uname -m)"
SECONDS=0
inside /src/install.sh
echo "== Installed in $SECONDS s; starting"
: >"$build/arm64.log"
SECONDS=0
inside runuser -u lunavox-edge -- env HOME=/var/lib/lunavox-edge lunavox-edge run >"$build/arm64.log" 2>&1 &
service=$!
until grep -q "^Ready in" "$build/arm64.log"; do
    kill -0 "$service" 2>/dev/null || die "The service ended: $(tail -5 "$build/arm64.log")"
    sleep 2
done
echo "== Ready in $SECONDS s; speaking: $sentence"
SECONDS=0
inside lunavox-edge say "$sentence" -o /tmp/said.wav
echo "== Spoken in $SECONDS s: $(stat -c %s "$machine/tmp/said.wav") bytes"
SECONDS=0
heard="$(inside lunavox-edge transcribe /tmp/said.wav)"
echo "== Transcribed in $SECONDS s: $heard"
grep -qi "garage door is closed" <<<"$heard" || die "The transcript is wrong."
inside lunavox-edge healthcheck
echo "== arm64 works"
