#!/usr/bin/env bash
# Usage: install.sh [OPTION]...
# Installs LunaVox Edge from this folder as a service, and starts it. You may run it again at any time.
#
#   --upgrade             replace the installed version by this one; if this one fails its
#                         self-check, the old version stays in use or is restored
#   --uninstall           remove the service and the program; settings, models and voices are kept
#   --purge               with --uninstall: also remove settings, models, voices and the system user
#   --offline WHEELHOUSE  use no network; take packages from a folder made by tools/wheelhouse.sh
#   --no-start            install, but do not start the service now
#   --user                install for the calling user only, without root
#   --dry-run             print what would be done, and do nothing
#
# Debian 12 and 13, Ubuntu 22.04 and 24.04, Raspberry Pi OS (64 bit), JetPack 6 and 7.
set -euo pipefail
umask 022
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

action=install purge=0 wheelhouse="" start=1 per_user=0 dry=0
service=lunavox-edge extras=starter,mqtt
keep_versions=2 needed_mb=2000
check_timeout_s="${LUNAVOX_EDGE_CHECK_TIMEOUT_S:-600}" # an emulated machine needs more

say() { printf '%s\n' "$*"; }
step() { printf '==> %s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
# Runs a command; in a dry run prints it instead.
run() { if ((dry)); then say "  would: $*"; else "$@"; fi; }
quiet() { "$@" >/dev/null; }
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }

parse() {
    while (($#)); do
        case "$1" in
            --upgrade | --uninstall)
                [[ $action == install || $action == "${1#--}" ]] || die "--upgrade and --uninstall exclude each other."
                action="${1#--}" ;;
            --purge) purge=1 ;;
            --offline) [[ -n ${2:-} ]] || die "--offline needs the folder with the wheels."
                wheelhouse="$(cd "$2" 2>/dev/null && pwd)" || die "There is no folder $2."; shift ;;
            --no-start) start=0 ;;
            --user) per_user=1 ;;
            --dry-run) dry=1 ;;
            -h | --help) usage; exit 0 ;;
            *) die "$1 is not an option; --help lists them." ;;
        esac
        shift
    done
    ((!purge)) || [[ $action == uninstall ]] || die "--purge goes with --uninstall only."
}

place() {
    if ((per_user)); then
        [[ -n ${HOME:-} ]] || die "HOME is not set."
        app="$HOME/.local/share/$service/app" state="$HOME/.local/share/$service/data" bin="$HOME/.local/bin"
        etc="${XDG_CONFIG_HOME:-$HOME/.config}/$service" units="${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user"
        unit="$here/systemd/user/$service.service" ctl=(systemctl --user)
    else
        ((dry || EUID == 0)) || die "This needs root: sudo $0 (or --user for yourself alone)."
        app=/opt/$service state=/var/lib/$service bin=/usr/local/bin
        etc=/etc/$service units=/etc/systemd/system
        unit="$here/systemd/$service.service" ctl=(systemctl)
    fi
    shipped="$etc/.shipped" config="$etc/config.yaml" current="$app/current"
}

# Succeeds if a service manager runs; in a chroot or a container there is none.
managed() { if ((per_user)); then "${ctl[@]}" show-environment &>/dev/null; else [[ -d /run/systemd/system ]]; fi; }
# Runs a command as the user, and with the folders, of the service.
as_service() {
    local as=(env "HOME=$state" "XDG_CACHE_HOME=$state/cache")
    ((per_user)) && as=(env)
    ((per_user)) || as=(runuser -u "$service" -- "${as[@]}")
    (cd / && timeout "$check_timeout_s" "${as[@]}" "$@")
}

# --- the machine and its Python

describe_machine() {
    local name machine release="" model=""
    # shellcheck source=/dev/null
    name="$(. /etc/os-release 2>/dev/null && echo "${ID:-?} ${VERSION_ID:-?}")" || name="an unknown system"
    machine="$(dpkg --print-architecture 2>/dev/null || uname -m)"
    case "$machine" in
        amd64 | x86_64 | arm64 | aarch64) ;;
        armhf | armv7l) die "This system is 32 bit; the models need a 64 bit one (Raspberry Pi OS 64 bit)." ;;
        *) die "There are no packages for the machine type $machine; x86-64 and aarch64 are supported." ;;
    esac
    [[ -r /proc/device-tree/model ]] && model="$(tr -d '\0' </proc/device-tree/model)"
    [[ -r /etc/nv_tegra_release ]] && release="$(sed -n 's/^# R\([0-9]*\).*/\1/p' /etc/nv_tegra_release)"
    step "$name on $machine${model:+, $model}"
    case "$name" in
        "debian 12" | "debian 13" | "ubuntu 22.04" | "ubuntu 24.04") ;;
        *) say "    This system was not tested; it should work with Python 3.10 to 3.13." ;;
    esac
    [[ $model != *Jetson* ]] || release="${release:-?}" # a Jetson without a release file
    case "$release/$name" in
        /*) ;;
        3[6-9]/"ubuntu 22.04" | 3[6-9]/"ubuntu 24.04") say "    JetPack $([[ $name == *22.04 ]] && echo 6 || echo 7):" \
            "models run on the CPU until GPU packages are installed, see docs/PLATFORMS.md." ;;
        *) say "    L4T $release is not JetPack 6 or 7 and was not tested." ;;
    esac
}

find_python() {
    local find=("$here/tools/find_python.sh")
    # The service's user cannot read home folders, so a Python in one cannot be used.
    ((per_user)) || find=(env PATH=/usr/bin:/bin:/usr/local/bin PYENV_ROOT=/nonexistent "${find[@]}")
    if ! python="$("${find[@]}" 2>/dev/null)"; then
        if [[ -n $wheelhouse ]] || ((per_user)) || ! command -v apt-get >/dev/null; then
            "${find[@]}" >/dev/null || exit 1 # prints what is missing
        fi
        step "Installing python3-venv"
        run quiet env DEBIAN_FRONTEND=noninteractive apt-get update -qq
        run quiet env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            python3 python3-venv ca-certificates
        python="$("${find[@]}")" || { ((dry)) && python=python3; } || exit 1
    fi
    say "    Python: $python"
}

# --- versions: each has its own folder; "current" points to the one in use

# Sets version, source and dir (the folder of this version; its name contains a hash of the content).
find_source() {
    local print
    if [[ -n $wheelhouse ]]; then
        source="$(find "$wheelhouse" -maxdepth 1 -name 'lunavox_edge-*.whl' | sort -V | tail -1)"
        [[ -n $source ]] || die "There is no wheel of LunaVox Edge in $wheelhouse; make it with tools/wheelhouse.sh."
        version="$(basename "$source" | cut -d- -f2)"
        print="$(sha256sum <"$source")"
    else
        source="$here"
        version="$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$here/lunavox_edge/_version.py")"
        [[ -e $here/requirements.lock ]] || die "requirements.lock is missing beside this script."
        print="$(cd "$here" && find lunavox_edge pyproject.toml requirements.lock -type f ! -name '*.pyc' -print0 | sort -z |
            xargs -0 sha256sum | sha256sum)"
    fi
    dir="$app/$version-${print:0:8}"
}

installed() { [[ -e $current/complete ]] && readlink -f "$current"; }

build() {
    local free_mb pip=("$dir/bin/python" -m pip --disable-pip-version-check --no-input --quiet)
    [[ -e $dir/complete ]] && return
    step "Installing version $version into $dir (this takes minutes)"
    ((dry)) && { say "  would: make an environment and install lunavox-edge[$extras] into it"; return; }
    mkdir -p "$app"
    free_mb="$(df --output=avail -m "$app" | tail -1)"
    ((free_mb >= needed_mb)) || die "$app has $free_mb MB left, but $needed_mb MB are needed."
    rm -rf "$dir" # left by an interrupted attempt
    undo=("$dir")
    "$python" -m venv "$dir"
    if [[ -n $wheelhouse ]]; then
        "${pip[@]}" install --no-index --find-links "$wheelhouse" "${source}[$extras]"
    else
        # Exactly the tested versions and files.
        "${pip[@]}" install --use-pep517 --require-hashes --requirement "$here/requirements.lock"
        "${pip[@]}" install --use-pep517 --no-deps "$source"
    fi
    mkdir "$dir/unit"
    cp "$unit" "$here/systemd/$service.service.d/"*.example "$dir/unit/"
    touch "$dir/complete"
}

check_alone() {
    step "Self-check: the new version speaks a sentence and transcribes it"
    ((dry)) && return
    as_service "$dir/bin/lunavox-edge" --config "$config" self-check --local | sed 's/^/    /'
}

use() { run ln -sfn "$1" "$current.new" && run mv -T "$current.new" "$current"; }

prune() {
    local old
    while IFS= read -r old; do
        [[ $old == "$(readlink -f "$current")" ]] || run rm -rf "$old"
    done < <(find "$app" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' 2>/dev/null | sort -rn |
        cut -d' ' -f2- | tail -n +$((keep_versions + 1)))
}

# --- everything outside the version folders: user, folders, settings, unit, command

record_of() { echo "$shipped/$(basename "$1").sha256"; }

# Installs a file, unless the owner has changed the existing one.
put() {
    local from="$1" to="$2" mode="$3" record last
    record="$(record_of "$to")"
    if [[ -e $to ]] && ! cmp -s "$from" "$to"; then
        last="$(cat "$record" 2>/dev/null)" || last=""
        if [[ "$(sha256sum <"$to")" != "$last" ]]; then
            [[ "$(sha256sum <"$from")" != "$last" ]] || return 0 # nothing new
            say "    $to was changed and is kept; the new one is $to.new"
            run install -m "$mode" "$from" "$to.new"
            return
        fi
        run cp -p "$to" "$to.before"
    fi
    cmp -s "$from" "$to" || run install -D -m "$mode" "$from" "$to"
    ((dry)) || { mkdir -p "$shipped" && sha256sum <"$from" >"$record"; }
}

prepare() {
    local made
    step "Settings in $etc, models and voices in $state"
    if ((!per_user)) && ! id "$service" &>/dev/null; then
        run useradd --system --user-group --home-dir "$state" --no-create-home \
            --shell /usr/sbin/nologin "$service"
    fi
    run mkdir -p "$etc" "$state"
    for made in "$state" "$state/cache" "$state/models"; do
        if ((per_user)); then run mkdir -p "$made"; else run install -d -m 0750 -o "$service" -g "$service" "$made"; fi
    done
    made="$(mktemp)"
    # Open to the network, so that other machines can use it; all data in one folder.
    sed -e "s|^  uri: tcp://127.0.0.1:10300|  uri: tcp://0.0.0.0:10300|" \
        -e "s|^  folders: \[\]|  folders: [$state/models]|" \
        -e "s|^  approved_file: null|  approved_file: $state/approved-satellites.json|" \
        -e "s|^  cache_dir: null|  cache_dir: $state/cache|" "$here/config/lunavox-edge.yaml" >"$made"
    put "$made" "$config" 0640
    rm -f "$made"
    ((per_user || dry)) || chown root:"$service" "$config"*
}

put_unit() {
    local example
    step "Service $units/$service.service, command $bin/lunavox-edge"
    put "$1/unit/$service.service" "$units/$service.service" 0644
    for example in "$1/unit/"*.example; do
        ((per_user)) || put "$example" "$units/$service.service.d/$(basename "$example")" 0644
    done
    run mkdir -p "$bin"
    run ln -sfn "$current/bin/lunavox-edge" "$bin/lunavox-edge"
    if managed; then run "${ctl[@]}" daemon-reload; fi
    if managed || { ((!per_user)) && command -v systemctl >/dev/null; }; then
        run "${ctl[@]}" enable --quiet "$service" || say "    It could not be enabled; it will not start at boot."
    fi
}

# Starts the version in use; fails if it does not become ready, or fails its self-check.
begin() {
    if ((!start)) || ! managed; then
        say "    Not started$( ((!start)) || echo ": no systemd runs here"). To start it by hand:" \
            "$( ((per_user)) || echo "runuser -u $service -- ")$bin/lunavox-edge --config $config run"
        return
    fi
    step "Starting"
    run "${ctl[@]}" reset-failed "$service" 2>/dev/null || true
    run "${ctl[@]}" restart "$service" || return
    ((dry)) || as_service "$current/bin/lunavox-edge" --config "$config" self-check | sed 's/^/    /'
}

roll_back() {
    local before="$1"
    step "Going back to $before"
    use "$before"
    if [[ -e $config.before ]]; then
        sha256sum <"$config.before" >"$(record_of "$config")"
        mv "$config.before" "$config"
    fi
    put_unit "$before"
    # On a busy machine the first try may time out.
    begin || { sleep 5 && begin; } || say "    The old version does not start either: journalctl -u $service"
    undo=("$dir")
    die "The new version failed; $(basename "$before") is in use again."
}

# --- the three actions

install_or_upgrade() {
    local before
    describe_machine
    find_python
    find_source
    before="$(installed)" || before=""
    if [[ -n $before && $before != "$dir" && $action == install ]]; then
        say "$(basename "$before") is installed; this is $(basename "$dir"). To replace it: $0 --upgrade"
        return
    fi
    trap 'rm -rf "${undo[@]}"' EXIT # remove an incomplete or failed version
    build
    prepare
    if [[ $before != "$dir" ]]; then
        check_alone || die "The new version failed its self-check.${before:+ $(basename "$before") stays in use.}"
    fi
    undo=()
    use "$dir"
    put_unit "$dir"
    if ! begin; then
        [[ -z $before || $before == "$dir" ]] || roll_back "$before"
        die "The service does not work. Look at: journalctl -u $service, lunavox-edge doctor"
    fi
    ((dry)) || rm -f "$config.before" "$units/$service.service.before"
    prune
    summary
}

summary() {
    say ""
    ((dry)) && { say "This was a dry run; nothing was changed."; return; }
    say "LunaVox Edge $version is installed."
    say "  settings   $config   (then: ${ctl[*]} reload $service)"
    say "  voices     put them into $state/models, or: $( ((per_user)) || echo 'sudo ')lunavox-edge voices install NAME"
    say "  log        journalctl ${ctl[1]:+--user }-u $service"
    say "  trouble    $( ((per_user)) || echo 'sudo ')lunavox-edge doctor"
    say "  network    port 10300 is open to your network, without a password; change wyoming.uri in the settings"
    ((!per_user)) || say "  at boot    it runs while you are logged in; to run it always: loginctl enable-linger"
}

uninstall() {
    step "Removing the service and the program"
    if managed; then
        run "${ctl[@]}" disable --now --quiet "$service" 2>/dev/null || true
    elif ((!per_user)) && command -v systemctl >/dev/null; then
        run "${ctl[@]}" disable --quiet "$service" 2>/dev/null || true
    fi
    run rm -rf "$units/$service.service" "$units/$service.service.new" "$app"
    run rm -f "$units/$service.service.d/"*.example
    [[ ! -L $bin/lunavox-edge ]] || run rm -f "$bin/lunavox-edge"
    if managed; then run "${ctl[@]}" daemon-reload; fi
    if ((purge)); then
        run rm -rf "$etc" "$state" "$units/$service.service.d"
        ((per_user)) || ! id "$service" &>/dev/null || run userdel "$service"
    fi
    if ((dry)); then
        say "This was a dry run; nothing was changed."
    elif ((purge)); then
        say "Nothing of LunaVox Edge is left."
    else
        say "Settings ($etc) and models ($state) are kept; --purge removes them."
    fi
}

undo=()
parse "$@"
place
if ((!dry)); then
    mkdir -p "$(dirname "$app")"
    exec 9<"$(dirname "$app")"
    flock -n 9 || die "Another installation is running."
fi
if [[ $action == uninstall ]]; then uninstall; else install_or_upgrade; fi
