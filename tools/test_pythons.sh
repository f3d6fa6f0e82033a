#!/usr/bin/env bash
# Usage: test_pythons.sh VERSION... [-- FOLDER...]
# Runs all tests, or those in the FOLDERs, on each of these Python versions that is installed; lists the others.
set -euo pipefail
cd "$(dirname "$0")/.."

versions=()
while [[ $# -gt 0 && $1 != -- ]]; do
    versions+=("$1")
    shift
done
# The shell lines in the docs do not depend on the Python version.
options=(--ignore=tests/model/test_mqtt_docs.py "${@:2}")
failed=() missing=() passed=()
for version in "${versions[@]}"; do
    if ! tools/find_python.sh "$version" >/dev/null 2>&1; then
        missing+=("$version")
        continue
    fi
    echo "== Python $version"
    if ! tools/setup_env.sh ".venv-$version" starter,mqtt,dev "$version"; then
        failed+=("$version (environment)")
    elif tools/test.sh ".venv-$version/bin/python" "${options[@]}"; then
        passed+=("$version")
    else
        failed+=("$version")
    fi
done
echo "Tests passed on: ${passed[*]:-none}; failed on: ${failed[*]:-none}; not found: ${missing[*]:-none}"
[[ ${#failed[@]} -eq 0 ]]
