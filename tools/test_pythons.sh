#!/usr/bin/env bash
# Usage: test_pythons.sh VERSION... [-- FOLDER...]
# Runs all tests, or those in the FOLDERs, on every one of these Pythons that is found, and says which are not.
set -euo pipefail
cd "$(dirname "$0")/.."

versions=()
while [[ $# -gt 0 && $1 != -- ]]; do
    versions+=("$1")
    shift
done
# The shell lines printed in the docs do the same whatever Python runs the service.
options=(--ignore=tests/model/test_mqtt_docs.py "${@:2}")
failed=() missing=() passed=()
for version in "${versions[@]}"; do
    if ! tools/find_python.sh "$version" >/dev/null 2>&1; then
        missing+=("$version")
        continue
    fi
    echo "== Python $version"
    if ! tools/setup_env.sh ".venv-$version" starter,mqtt,dev "$version"; then
        failed+=("$version (its environment)")
    elif tools/test.sh ".venv-$version/bin/python" "${options[@]}"; then
        passed+=("$version")
    else
        failed+=("$version")
    fi
done
echo "Tests passed on: ${passed[*]:-none}; failed on: ${failed[*]:-none}; not found: ${missing[*]:-none}"
[[ ${#failed[@]} -eq 0 ]]
