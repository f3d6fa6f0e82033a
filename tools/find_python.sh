#!/usr/bin/env bash
# Usage: find_python.sh [VERSION | COMMAND]
# Prints the path of a Python that starts and can create virtual environments:
# of that version (such as 3.12), of that command, or the best of 3.10 to 3.13.
set -euo pipefail

wanted="${1:-}"
problem=""

# Prints the interpreter's real path; keeps the reason why a candidate cannot be used.
try() {
    local found
    found="$("$1" -c 'import sys; print(*sys.version_info[:2], sys.executable)' 2>/dev/null)" || return 1
    local major minor path
    read -r major minor path <<<"$found"
    if [[ $major -ne 3 || $minor -lt 10 || $minor -gt 13 ]]; then
        problem="$1 is Python $major.$minor, but 3.10 to 3.13 is needed."
        return 1
    fi
    if ! "$path" -c 'import venv, ensurepip' 2>/dev/null; then
        problem="$1 cannot create virtual environments. On Debian and Ubuntu: sudo apt install python$major.$minor-venv"
        return 1
    fi
    echo "$path"
}

# A pyenv shim on PATH starts only for enabled versions; this finds all installed ones.
of_pyenv() {
    local root="${PYENV_ROOT:-$HOME/.pyenv}"
    find "$root/versions" -maxdepth 3 -path "*/$1.*/bin/python" 2>/dev/null | sort -rV
}

of_version() {
    local candidate
    for candidate in "python$1" $(of_pyenv "$1"); do
        try "$candidate" && return 0
    done
    return 1
}

case "$wanted" in
    "") for version in 3.11 3.12 3.13 3.10; do of_version "$version" && exit 0; done
        try python3 && exit 0 ;;
    3.* | python3.*) of_version "${wanted#python}" && exit 0 ;;
    *) try "$wanted" && exit 0 ;;
esac
echo "${problem:-No ${wanted:-Python 3.10 to 3.13} was found. On Debian and Ubuntu: sudo apt install python3-venv}" >&2
exit 1
