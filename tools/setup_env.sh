#!/usr/bin/env bash
# Usage: setup_env.sh FOLDER EXTRAS [PYTHON]
# Ensures that FOLDER is a virtual environment in which this checkout and its EXTRAS (comma-separated) are
# installed. Does nothing if it already is; an existing environment is kept.
set -euo pipefail
cd "$(dirname "$0")/.."

folder="$1" extras="$2" wanted="${3:-}"
stamp="$folder/lunavox-edge.stamp"
python="$folder/bin/python"

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# The stamp: "CHECKOUT HASH EXTRAS", with the hash of pyproject.toml.
state="$PWD $(sha256sum pyproject.toml | cut -d' ' -f1)"
is_fresh() {
    local recorded extra
    recorded="$(cat "$stamp" 2>/dev/null)" && [[ $recorded == "$state "* ]] || return 1
    for extra in ${extras//,/ }; do
        [[ ",${recorded##* }," == *",$extra,"* ]] || return 1
    done
}

if [[ -n $wanted ]]; then
    interpreter="$(tools/find_python.sh "$wanted")"
    if [[ -e $python ]] && have="$(version_of "$python")" && [[ $have != "$(version_of "$interpreter")" ]]; then
        echo "$folder has Python $have, not $wanted. Remove it first: make clean" >&2
        exit 1
    fi
fi
if version_of "$python" >/dev/null && is_fresh; then
    exit 0
fi
if ! version_of "$python" >/dev/null; then
    interpreter="${interpreter:-$(tools/find_python.sh)}"
    echo "Creating $folder with $("$interpreter" --version) ..."
    "$interpreter" -m venv --clear "$folder"
fi
"$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip # its creation was interrupted
if recorded="$(cat "$stamp" 2>/dev/null)"; then # keep the extras that were installed before
    extras="$(tr ',' '\n' <<<"${recorded##* },$extras" | sort -u | paste -sd,)"
fi
echo "Installing lunavox-edge [$extras] and its dependencies into $folder (minutes the first time) ..."
rm -f "$stamp"
install() { "$python" -m pip install --disable-pip-version-check --editable ".[$extras]"; }
install || { echo "The installation failed; trying again in 10 s ..." >&2 && sleep 10 && install; }
echo "$state $extras" >"$stamp"
