"""The engine in somebody else's program: mistakes, abandoned work, a fork, an end in the middle."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from lunavox_edge import Engine
from lunavox_edge.errors import BadAudio, EngineClosed, TextTooLong
from lunavox_edge.settings.model import Settings

pytestmark = pytest.mark.model

SETTINGS = Settings.model_validate({"stt": {"model": "tiny.en"}})

FORK = """
import os, sys
from lunavox_edge import Engine
from lunavox_edge.errors import EngineClosed

engine = Engine()
child = os.fork()
if child:
    engine.close()
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
refused = 0
for use in (
    lambda: engine.synthesize("Hello."),
    lambda: engine.transcribe(bytes(32000), sample_rate=16000),
    lambda: engine.load("joe"),
    lambda: engine.warm_up(),
):
    try:
        use()
    except EngineClosed:
        refused += 1
engine.close()
os._exit(refused)
"""

FORGOTTEN = """
from lunavox_edge import Engine

stream = Engine().stream(f"This is line number {number} of many. " for number in range(500))
next(stream)
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(SETTINGS) as engine:
        yield engine


def breaking() -> Iterator[str]:
    yield "The kitchen light is on. "
    raise ConnectionError("the writer is gone")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (breaking(), ConnectionError),
        (["word " * 20_000], TextTooLong),
        ([b"bytes"], TypeError),
        (None, TypeError),
    ],
)
def test_what_a_text_raises_while_it_is_read_reaches_the_listener(
    engine: Engine, text: Iterable[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        list(engine.stream(text))


def test_a_stream_that_nobody_begins_to_hear_holds_nothing(engine: Engine) -> None:
    stream = engine.stream("The kitchen light is on.")

    assert engine.status().sessions == 0
    assert b"".join(chunk.pcm for chunk in stream)


def test_what_is_no_recording_leaves_no_session(engine: Engine) -> None:
    recording: Any = "recording.wav"

    with pytest.raises(TypeError):
        engine.transcribe(recording, sample_rate=16_000)

    assert engine.status().sessions == 0


def test_an_array_is_taken_for_what_it_is_or_refused(engine: Engine) -> None:
    stereo = np.zeros(32_000, np.int16)

    assert engine.transcribe(stereo, sample_rate=16_000, channels=2).duration_s == pytest.approx(1.0)
    with pytest.raises(BadAudio, match="one dimension, not 2"):
        engine.transcribe(stereo.reshape(-1, 2), sample_rate=16_000)
    with pytest.raises(BadAudio, match="not int32"):
        engine.transcribe(stereo.astype(np.int32), sample_rate=16_000)


def broken() -> None:
    raise ValueError("a callback of somebody else")


def test_a_callback_that_raises_costs_neither_the_speech_nor_a_worker(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):  # more than there are workers
        speech = engine.open_speech(on_ready=broken)
        speech.write(f"Number {number}.")
        speech.finish()
        assert list(iter(partial(speech.read, 60.0), None))

    assert "a callback of somebody else" in caplog.text
    assert engine.synthesize("Still here.").pcm


def test_closing_tells_a_listener_in_the_middle() -> None:
    engine = Engine(SETTINGS)
    stream = engine.stream(f"This is line number {number} of many. " for number in range(500))
    assert next(stream).pcm

    engine.close()

    with pytest.raises(EngineClosed):
        list(stream)


def run(program: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-W", "ignore", "-c", program]
    return subprocess.run(arguments, check=False, timeout=60, capture_output=True, text=True)


def test_a_forked_child_is_told_to_make_its_own_engine() -> None:
    forked = run(FORK)

    assert forked.returncode == 4, forked.stderr


def test_a_program_that_forgets_to_close_ends_as_it_should() -> None:
    ended = run(FORGOTTEN)

    assert ended.returncode == 0, ended.stderr
