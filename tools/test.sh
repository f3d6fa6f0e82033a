#!/usr/bin/env bash
# Usage: [JOBS=4] test.sh PYTHON [PYTEST OPTION | FOLDER]...
# Runs the tests, JOBS at a time. Failed tests are run once more, alone, only to report whether they fail there
# too; a failure of the first run counts in any case. Its output is kept in .pytest_cache/first-run.log.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

python="$1"
shift
log=.pytest_cache/first-run.log
mkdir -p "${log%/*}"
"$python" -m pytest --numprocesses "${JOBS:-4}" --dist worksteal "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
[[ $status -eq 1 ]] || exit "$status"
echo "== Some tests failed. Running them once more, alone, to see whether they fail there too"
if "$python" -m pytest --numprocesses 0 --last-failed --last-failed-no-failures none --verbose "$@"; then
    verdict="They pass alone, so they depend on other tests, their order or the load of the machine"
else
    verdict="They fail alone too"
fi
echo "== FAILED. $verdict. The first run counts; its output is in $log:"
grep -E '^(FAILED|ERROR) ' "$log"
exit 1
