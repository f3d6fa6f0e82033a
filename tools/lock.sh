#!/usr/bin/env bash
# Usage: lock.sh BIN [UV-OPTION…]
# Writes requirements.lock: every package of an appliance with its hashes, for x86-64 and aarch64 and every
# supported Python. Then checks that each package has a wheel for each combination.
set -euo pipefail
cd "$(dirname "$0")/.."

bin="$1" lock=requirements.lock
shift
if [[ ! -x $bin/uv ]]; then
    "$bin/python" -m pip install --quiet "uv>=0.9"
fi
platforms=(x86_64-manylinux_2_35 aarch64-manylinux_2_35)
pythons=(3.10 3.11 3.12 3.13)
# docopt, a dependency of num2words, has no wheel; it is a single Python file.
options=(--quiet --no-header --only-binary :all: --no-binary docopt "$@")

"$bin/uv" pip compile "${options[@]}" pyproject.toml --extra starter --extra mqtt \
    --universal --python-version "${pythons[0]}" --generate-hashes --output-file "$lock.part"
{
    echo "# Written by \`make lock\`: the packages of the appliance. Use it with"
    echo "# pip install --require-hashes -r $lock"
    cat "$lock.part"
} >"$lock"
rm "$lock.part"
for python in "${pythons[@]}"; do
    for platform in "${platforms[@]}"; do
        "$bin/uv" pip compile "${options[@]}" "$lock" --python-version "$python" \
            --python-platform "$platform" --output-file /dev/null
        echo "$lock: wheels for Python $python on ${platform%%-*}"
    done
done
