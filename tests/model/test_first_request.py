"""The first requests may come on an event loop: they import nothing heavy there and open no file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.model

WAIT_S = 120

SCRIPT = """
import asyncio, json, sys, threading

import lunavox_edge
from lunavox_edge.types import AudioFormat

engine = lunavox_edge.Engine()
seen = []
armed = False

def watch(event, arguments):
    if armed and threading.current_thread() is threading.main_thread() and event in ("import", "open"):
        seen.append((event, str(arguments[0])))

sys.addaudithook(watch)

async def main():
    global armed
    armed = True
    sessions = []
    sessions.append(engine.open_speech())
    sessions[-1].write("Hello. How are you?")
    sessions.append(engine.open_speech(voice=engine.voices()[-1].name, language=None, text_format="ssml"))
    sessions.append(engine.open_utterance(AudioFormat(48_000, 2, 2), sensitivity="default"))
    sessions[-1].feed(bytes(48_000))
    sessions.append(engine.open_utterance(AudioFormat(16_000), model=engine.models()[-1].name))
    sessions.append(engine.open_wake_session(AudioFormat(16_000)))
    sessions[-1].feed(bytes(32_000))
    engine.wake_words()
    engine.status()
    engine.lanes()
    engine.is_loaded(engine.voices()[0].name)
    engine.pin(engine.voices()[0].name, pinned=False)
    for session in sessions:
        session.cancel()
    armed = False

asyncio.run(main())
engine.close()
print(json.dumps(seen))
"""


def test_the_first_requests_import_nothing_and_open_nothing_on_the_loop(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        check=True,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        env={**_environment(), "XDG_CACHE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    imported = [name for event, name in seen if event == "import"]
    # What the kernel makes up on the spot is no file on a slow card.
    opened = [name for event, name in seen if event == "open" and not name.startswith(("/proc/", "/sys/"))]
    assert [name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names] == []
    assert opened == []


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LUNAVOX_EDGE_")}
