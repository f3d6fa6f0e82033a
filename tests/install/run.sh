#!/usr/bin/env bash
# Usage: run.sh [SUITE]...
# Runs install.sh in fresh root file systems (default: bookworm trixie; also jammy noble): once in a plain
# chroot, with packages from PyPI, and once in a container that systemd has booted, without a network.
# Needs root, debootstrap, a Debian mirror and PyPI; the second part needs systemd-nspawn.
# What is built is kept in LUNAVOX_EDGE_BUILD (default: build/install) for the next run.
set -euo pipefail
cd "$(dirname "$0")/../.."

build="${LUNAVOX_EDGE_BUILD:-$PWD/build/install}"
debian="${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
ubuntu="${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}"
declare -A pythons=([bookworm]=3.11 [trixie]=3.13 [jammy]=3.10 [noble]=3.12) ubuntus=([jammy]=1 [noble]=1)
machine="" container="" results=()

die() { echo "$*" >&2; exit 1; }
[[ $EUID -eq 0 ]] || die "This makes root file systems and needs root."
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"

leave() {
    if [[ -n $container ]]; then
        kill "$container" 2>/dev/null || true
        wait "$container" 2>/dev/null || true
        container=""
    fi
    if [[ -n $machine ]]; then
        umount -lq "$machine"/{proc,dev,wheels,cache} 2>/dev/null || true
        rm -rf --one-file-system "$machine"
        machine=""
    fi
}
trap leave EXIT

# Makes build/base-SUITE (as small as can be) and build/boot-SUITE (with systemd and Python), if missing.
make_bases() {
    local suite="$1" mirror="$debian"
    [[ -z ${ubuntus[$suite]:-} ]] || mirror="$ubuntu"
    if [[ ! -d $build/base-$suite ]]; then
        echo "== Making $build/base-$suite"
        rm -rf "$build/new"
        # Ubuntu's releases are all made in the same way, but Debian's tool may not know the newest names.
        debootstrap --variant=minbase "$suite" "$build/new" "$mirror" \
            ${ubuntus[$suite]:+/usr/share/debootstrap/scripts/gutsy} >"$build/debootstrap.log"
        mv "$build/new" "$build/base-$suite"
    fi
    [[ -z ${ubuntus[$suite]:-} ]] || echo "deb $ubuntu $suite main universe" >"$build/base-$suite/etc/apt/sources.list"
    if [[ ! -d $build/boot-$suite ]]; then
        echo "== Making $build/boot-$suite"
        rm -rf "$build/new"
        cp -a "$build/base-$suite" "$build/new"
        cp -L /etc/resolv.conf "$build/new/etc/resolv.conf"
        chroot "$build/new" env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -qq &&
            apt-get install -y -qq --no-install-recommends systemd systemd-sysv dbus python3 python3-venv' \
            >"$build/debootstrap.log" 2>&1
        mv "$build/new" "$build/boot-$suite"
    fi
}

# Folders of wheels: of this checkout, of a later version, and of two later versions that are broken.
make_wheels() {
    local python="$1" wheels variant
    wheels="$build/wheels-$python"
    if [[ ! -d $wheels/this ]]; then
        echo "== Making $wheels"
        tools/wheelhouse.sh "$wheels/this" "$python" x86_64 2>/dev/null
    fi
    rm -f "$wheels/this/lunavox_edge"-*.whl
    "$env/bin/pip" wheel -q --no-deps --wheel-dir "$wheels/this" "$build/this"
    for variant in later deaf unready; do
        rm -rf "${wheels:?}/$variant"
        cp -rl "$wheels/this" "$wheels/$variant"
        rm "$wheels/$variant/lunavox_edge"-*.whl
        "$env/bin/pip" wheel -q --no-deps --wheel-dir "$wheels/$variant" "$build/$variant"
    done
}

# Copies of what is in the checkout: as it is, later, unable to hear itself, never ready under systemd.
make_variants() {
    local variant
    for variant in this later deaf unready; do
        rm -rf "${build:?}/$variant"
        mkdir -p "$build/$variant"
        git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$build/$variant"
        [[ $variant == this ]] || sed -i 's/^__version__ = .*/__version__ = "99.0.0"/' \
            "$build/$variant/lunavox_edge/_version.py"
    done
    sed -i 's/^    def ok(self) -> bool:$/&\n        return False/' "$build/deaf/lunavox_edge/service/self_check.py"
    sed -i 's/"READY=1"/"STATUS=never"/' "$build/unready/lunavox_edge/host/notify.py"
    sed -i 's/^TimeoutStartSec=.*/TimeoutStartSec=20/' "$build/unready/systemd/lunavox-edge.service"
    sed -i 's/_LONGEST_START_S = .*/_LONGEST_START_S = 5.0/' "$build/unready/lunavox_edge/service/supervision.py"
}

fresh() { # BASE NAME
    machine="$build/$2"
    rm -rf --one-file-system "$machine"
    cp -a "$1" "$machine"
    cp -L /etc/resolv.conf "$machine/etc/resolv.conf" 2>/dev/null || true
    mkdir -p "$machine/src" "$machine/wheels" "$machine/cache"
    cp -r "$build"/{this,later,deaf,unready} tests/install/inside.sh "$machine/src/"
}

in_chroot() {
    local suite="$1" pip=()
    echo "== $suite: in a chroot, from PyPI"
    fresh "$build/base-$suite" chroot
    # What this machine needs to reach PyPI.
    if [[ -n ${PIP_CERT:-} ]]; then
        cp -L "$PIP_CERT" "$machine/src/ca.pem"
        pip+=(PIP_CERT=/src/ca.pem)
    fi
    [[ -z ${PIP_INDEX_URL:-} ]] || pip+=("PIP_INDEX_URL=$PIP_INDEX_URL")
    mkdir -p "$build/pip-cache"
    mount -t proc proc "$machine/proc"
    mount --bind /dev "$machine/dev"
    mount --bind "$build/wheels-${pythons[$suite]}" "$machine/wheels"
    mount --bind "$build/pip-cache" "$machine/cache"
    env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PIP_CACHE_DIR=/cache "${pip[@]}" \
        chroot "$machine" bash /src/inside.sh chroot
    results+=("$suite chroot: passed")
    leave
}

in_container() {
    local suite="$1" leader="" _
    echo "== $suite: booted by systemd, offline"
    fresh "$build/boot-$suite" booted
    systemd-nspawn --quiet --directory="$machine" --boot --register=no --keep-unit --private-network \
        --bind-ro="$build/wheels-${pythons[$suite]}:/wheels" --machine="edge-$$" --link-journal=no \
        </dev/null >"$build/boot.log" 2>&1 &
    container=$!
    for _ in {1..120}; do
        leader="$(pgrep -P "$container" | head -1)" || true
        if [[ -n $leader && -S /proc/$leader/root/run/systemd/private ]]; then break; fi
        sleep 0.5
    done
    [[ -n $leader ]] || die "The container did not boot: $(tail -3 "$build/boot.log")"
    nsenter --target "$leader" --all env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        bash /src/inside.sh booted
    results+=("$suite booted: passed")
    leave
}

mkdir -p "$build"
env="$build/env"
[[ -x $env/bin/pip ]] || "$(tools/find_python.sh)" -m venv "$env"
make_variants
(($#)) || set -- bookworm trixie
for suite; do
    [[ -n ${pythons[$suite]:-} ]] || die "$suite is not known here: ${!pythons[*]}"
    make_bases "$suite"
    make_wheels "${pythons[$suite]}"
    in_chroot "$suite"
    if command -v systemd-nspawn >/dev/null; then
        in_container "$suite"
    else
        results+=("$suite booted: not run, systemd-nspawn is missing (apt-get install systemd-container)")
    fi
done
printf '%s\n' "" "${results[@]}"
