#!/usr/bin/env bash
# Usage: wheelhouse.sh FOLDER [PYTHON_VERSION] [x86_64 | aarch64]
# Fills FOLDER with wheels of this checkout and of all packages in requirements.lock, so that
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

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/env"
pip() { "$work/env/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install --quiet --upgrade pip

# Wheels for another machine cannot be built here. Only docopt has no wheel; it is pure Python.
sed -n '/^docopt==/,/[^\\]$/p' requirements.lock >"$work/source"
sed '/^docopt==/,/[^\\]$/d' requirements.lock >"$work/wheels"
pip wheel --quiet --no-deps --require-hashes --wheel-dir "$folder" --requirement "$work/source"
pip wheel --quiet --no-deps --wheel-dir "$folder" .
"$work/env/bin/python" tools/pip_for.py "$version" "$machine" download --quiet --dest "$folder" \
    --no-deps --require-hashes --requirement "$work/wheels"
echo "$(find "$folder" -maxdepth 1 -name '*.whl' | wc -l) wheels for Python $version on $machine in $folder," \
    "$(du -sh "$folder" | cut -f1)"
