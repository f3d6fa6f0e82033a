#!/usr/bin/env bash
# Usage: [JOBS=4] test.sh PYTHON [PYTEST OPTION]...
# Runs the tests, JOBS files at a time. What fails then is tried once more, one test at a time: on a crowded
# machine a process may come too late for one that waits for it. What fails again has failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

python="$1"
shift
"$python" -m pytest --numprocesses "${JOBS:-4}" --dist loadfile "$@"
status=$?
[[ $status -eq 1 ]] || exit "$status"
echo "== Some failed beside others; now these alone"
"$python" -m pytest --numprocesses 0 --last-failed --last-failed-no-failures none --verbose "$@"
