#!/usr/bin/env bash
# Usage: check_wheels.sh [MACHINE]...
# Checks that all dependencies of the appliance are available as wheels, for Python 3.10 to 3.13 and each
# MACHINE (default: aarch64 x86_64), on systems with glibc 2.35 or later. Downloads only metadata.
set -euo pipefail
cd "$(dirname "$0")/.."

extras="${LUNAVOX_EDGE_EXTRAS:-starter,mqtt}"
(($#)) || set -- aarch64 x86_64
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$(tools/find_python.sh)" -m venv "$work/env"
pip() { "$work/env/bin/python" -m pip --disable-pip-version-check "$@" 2>>"$work/log"; }

pip install --quiet --upgrade pip
# The only package without a wheel; it is pure Python.
pip wheel --quiet --no-deps --wheel-dir "$work" 'docopt>=0.6.2,<0.7'
pip wheel --quiet --no-deps --wheel-dir "$work" .
ours="$(find "$work" -maxdepth 1 -name 'lunavox_edge-*.whl')"

status=0
for machine; do
    for version in 3.10 3.11 3.12 3.13; do
        : >"$work/log"
        if "$work/env/bin/python" tools/pip_for.py "$version" "$machine" install --quiet --dry-run \
            --report "$work/report.json" --target "$work/none" --ignore-installed --find-links "$work" \
            "${ours}[$extras]" 2>>"$work/log"; then
            echo "$machine, Python $version: all $("$work/env/bin/python" - "$work/report.json" <<'PYTHON'
import json, sys

found = {}
for item in json.load(open(sys.argv[1]))["install"]:
    wheel = item["download_info"]["url"].rpartition("/")[2]
    found[item["metadata"]["name"]] = (item["metadata"]["version"], wheel)
native = {name: version for name, (version, wheel) in found.items() if not wheel.endswith("-any.whl")}
listed = ", ".join(f"{name} {version}" for name, version in sorted(native.items(), key=lambda item: item[0].lower()))
print(f"{len(found)} packages; with machine code: {listed}")
PYTHON
            )"
        else
            echo "$machine, Python $version: FAILED"
            sed 's/^/    /' "$work/log"
            status=1
        fi
    done
done
exit "$status"
