#!/usr/bin/env bash
# Usage: [JOBS=4] test.sh PYTHON [PYTEST OPTION | FOLDER]...
# Runs the tests, JOBS at a time. A test that fails has failed: it is run once more, alone, only to say whether
# it fails there too. The output of the first run stays in .pytest_cache/first-run.log.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

python="$1"
shift
log=.pytest_cache/first-run.log
mkdir -p "${log%/*}"
"$python" -m pytest --numprocesses "${JOBS:-4}" --dist worksteal "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
[[ $status -eq 1 ]] || exit "$status"
echo "== Some tests failed. Once more those alone, only to see whether they fail there too"
if "$python" -m pytest --numprocesses 0 --last-failed --last-failed-no-failures none --verbose "$@"; then
    verdict="Alone they pass, so they depend on other tests, on their order or on the load of the machine"
else
    verdict="Alone they fail, too"
fi
echo "== FAILED. $verdict. What counts is the first run, in $log:"
grep -E '^(FAILED|ERROR) ' "$log"
exit 1
