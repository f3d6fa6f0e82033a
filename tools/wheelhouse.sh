#!/usr/bin/env bash
# Usage: wheelhouse.sh FOLDER [PYTHON_VERSION] [x86_64 | aarch64]
# Fills FOLDER with wheels of this checkout, the starter models and all they need, so that
# `install.sh --offline FOLDER` works on a machine without a network. Needs a network here.
# Default: the Python version and the machine type of this machine.
set -euo pipefail

usage() {
    sed -n '2,5s/^# //p' "$0"
    exit "${1:-0}"
}

[[ ${1:-} == -h || ${1:-} == --help ]] && usage
[[ $# -ge 1 && $# -le 3 ]] || usage 2 >&2
mkdir -p "$1"
folder="$(cd "$1" && pwd)"
cd "$(dirname "$0")/.."
python="$(tools/find_python.sh)"
version="${2:-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')}"
machine="${3:-$(uname -m)}"
extras="${LUNAVOX_EDGE_EXTRAS:-starter,mqtt}"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/env"
pip() { "$work/env/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install --quiet --upgrade pip

# Wheels for another machine cannot be built here, so what exists as source only is built first;
# all of that is pure Python.
pip wheel --quiet --no-deps --wheel-dir "$folder" . 'docopt>=0.6.2,<0.7'
ours="$(find "$folder" -maxdepth 1 -name 'lunavox_edge-*.whl' | sort -V | tail -1)"

"$work/env/bin/python" tools/pip_for.py "$version" "$machine" download --quiet --dest "$folder" \
    --find-links "$folder" "${ours}[$extras]"
echo "$(find "$folder" -maxdepth 1 -name '*.whl' | wc -l) wheels for Python $version on $machine in $folder," \
    "$(du -sh "$folder" | cut -f1)"
