#!/usr/bin/env bash
# Usage: inside.sh chroot | booted
# The life of an installation, step by step. Run by run.sh as root of a machine made for it: the chroot has a
# network and no systemd, the booted one has systemd and no network.
set -euo pipefail

mode="$1"
out=/root/said  # not in /tmp, over which a system that boots mounts an empty one
app=/opt/lunavox-edge etc=/etc/lunavox-edge state=/var/lib/lunavox-edge unit=/etc/systemd/system/lunavox-edge.service

step() { echo "-- $*"; }
fail() { echo "FAILED: $*" >&2; ((${booted:-0})) && journalctl -u lunavox-edge -n 40 --no-pager >&2; exit 1; }
check() { "$@" || fail "$*"; }
refuse() { if "$@"; then fail "this should not have worked: $*"; fi; }
has() { grep -qF -- "$1" "$out" || { cat "$out"; fail "it did not say: $1"; }; }
# VARIANT OPTION...: the installer of a checkout, as the mode has it.
installer() {
    local variant="$1"
    shift
    [[ $mode == chroot && $variant == this ]] || set -- --offline "/wheels/$variant" "$@"
    bash "/src/$variant/install.sh" "$@" >"$out" 2>&1 || { sed 's/^/    | /' "$out"; return 1; }
}
files() { find "$app" "$etc" "$unit" /usr/local/bin -printf '%p %m %u %g %s %l\n' | grep -v __pycache__ | sort; }
current() { basename "$(readlink -f "$app/current")"; }
booted=0
[[ $mode == booted ]] && booted=1
alive() { ((!booted)) || systemctl is-active --quiet lunavox-edge; }

step "dry run changes nothing"
check installer this --dry-run
has "nothing was changed"
refuse test -e "$app"
refuse id lunavox-edge

step "first installation"
SECONDS=0
check installer this
echo "   took $SECONDS s"
has "OK: heard"
check test -x /usr/local/bin/lunavox-edge -a -f "$unit" -a -f "$etc/config.yaml"
check test "$(stat -c '%U %a' "$state")" = "lunavox-edge 750"
check test "$(stat -c '%U %G %a' "$etc/config.yaml")" = "root lunavox-edge 640"
check grep -q 'uri: tcp://0.0.0.0:10300' "$etc/config.yaml"
check alive
first="$(current)"

step "a second run changes nothing"
files >/tmp/before
check installer this
files >/tmp/after
check diff /tmp/before /tmp/after
check alive

step "another version waits for --upgrade"
check installer later
has "--upgrade"
check test "$(current)" = "$first"

step "an upgrade that cannot hear itself leaves the old version"
echo "# a line of the owner" >>"$etc/config.yaml"
refuse installer deaf --upgrade
has "NOT OK"
check test "$(current)" = "$first"
check test "$(find "$app" -mindepth 1 -maxdepth 1 -type d | wc -l)" = 1
check alive

if ((booted)); then
    step "an upgrade that never gets ready is rolled back"
    refuse installer unready --upgrade
    has "Going back"
    check test "$(current)" = "$first"
    check alive
    check grep -q TimeoutStartSec=60 "$unit"

    step "restart to ready"
    started="$(date +%s%N)"
    systemctl restart lunavox-edge
    echo "   took $((($(date +%s%N) - started) / 1000000)) ms"
    systemctl show -p StatusText lunavox-edge
    systemd-analyze security --no-pager lunavox-edge | tail -1

    step "reload"
    systemctl reload lunavox-edge
    check alive
    for _ in {1..60}; do # systemd waits for the signal only
        if grep -q "Settings read anew" <(journalctl -u lunavox-edge --no-pager); then break; fi
        sleep 0.5
    done
    check grep -q "Settings read anew" <(journalctl -u lunavox-edge --no-pager)

    step "journal fields"
    lunavox-edge self-check
    check grep -q spoke <(journalctl LUNAVOX_VOICE=en_US-joe-medium --no-pager)

    step "doctor sees what would notice a service that hangs"
    lunavox-edge doctor >"$out" || true
    grep -E "watchdog|FAIL" "$out"
    has "30s without a sign of life restart it"

    step "a service that hangs is ended and started again by the watchdog"
    mkdir -p "$unit.d"
    printf '[Service]\nWatchdogSec=3\n' >"$unit.d/test.conf"
    systemctl daemon-reload
    systemctl restart lunavox-edge
    before="$(systemctl show -p MainPID --value lunavox-edge)"
    kill -STOP "$before"
    for _ in {1..60}; do
        after="$(systemctl show -p MainPID --value lunavox-edge)"
        if [[ $after != 0 && $after != "$before" ]] && alive; then break; fi
        sleep 1
    done
    check test "$after" != "$before"
    check grep -qi watchdog <(journalctl -u lunavox-edge --no-pager)
    rm -r "$unit.d/test.conf"
    systemctl daemon-reload

    step "killed, it comes back"
    kill -KILL "$after"
    for _ in {1..60}; do
        if [[ $(systemctl show -p MainPID --value lunavox-edge) != "$after" ]] && alive; then break; fi
        sleep 1
    done
    check alive
    check lunavox-edge healthcheck
fi

step "an upgrade"
check installer later --upgrade
check test "$(current | cut -d- -f1)" = 99.0.0
check grep -q "a line of the owner" "$etc/config.yaml"
check alive

step "removed, with settings and models kept"
check installer later --uninstall
refuse test -e "$app"
refuse test -e "$unit"
refuse test -e /usr/local/bin/lunavox-edge
check test -f "$etc/config.yaml" -a -d "$state"

step "installed anew, and removed with everything"
check installer later --no-start
check grep -q "a line of the owner" "$etc/config.yaml"
check installer later --uninstall --purge
refuse test -e "$app" -o -e "$etc" -o -e "$state" -o -e "$unit"
refuse id lunavox-edge
echo "-- all passed ($mode)"
