"""The engine in somebody else's program: mistakes, abandoned work, a fork, an end in the middle."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, cast

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


WRONG_TYPES: dict[str, tuple[Callable[[Any], object], str]] = {
    "load": (lambda engine: engine.load(None), "a name must be str, not NoneType"),
    "unload": (lambda engine: engine.unload(5), "a name must be str, not int"),
    "pin": (lambda engine: engine.pin(b"joe"), "a name must be str, not bytes"),
    "is loaded": (lambda engine: engine.is_loaded(None), "a name must be str, not NoneType"),
    "loaded": (lambda engine: engine.loaded(None), "a name must be str, not NoneType"),
    "last load": (lambda engine: engine.last_load_ms(None), "a name must be str, not NoneType"),
    "last warm-up": (lambda engine: engine.last_warmup_ms(["joe"]), "a name must be str, not list"),
    "wake words": (lambda engine: engine.wake_words(5), "names must be str or Iterable, not int"),
    "text": (lambda engine: engine.synthesize(None), "text must be str or an iterable of str, not NoneType"),
    "number as text": (
        lambda engine: engine.synthesize(5),
        "text must be str or an iterable of str, not int",
    ),
    "bytes as text": (lambda engine: list(engine.stream(b"Hi.")), "iterable of str, not bytes"),
    "voice": (
        lambda engine: engine.synthesize("Hi.", voice=5),
        "voice must be Voice or str or None, not int",
    ),
    "params": (
        lambda engine: engine.synthesize("Hi.", params={}),
        "params must be SynthesisParams or None, not dict",
    ),
    "language": (
        lambda engine: engine.synthesize("Hi.", language=5),
        "language must be str or None, not int",
    ),
    "recording": (
        lambda engine: engine.transcribe(None, sample_rate=16_000),
        "audio must be bytes or an array of numpy, not NoneType",
    ),
    "samples": (lambda engine: engine.transcribe([0, 1], sample_rate=16_000), "array of numpy, not list"),
    "model": (
        lambda engine: engine.transcribe(b"", sample_rate=16_000, model=5),
        "a name must be str, not int",
    ),
    "spoken language": (
        lambda engine: engine.transcribe(b"", sample_rate=16_000, language=5),
        "language must be str or None, not int",
    ),
    "names": (
        lambda engine: engine.transcribe(b"", sample_rate=16_000, names=5),
        "names must be str or Iterable, not int",
    ),
    "settings": (lambda _: Engine(cast("Any", 5)), "settings must be Settings, a path or None, not int"),
}


@pytest.mark.parametrize(("use", "sentence"), WRONG_TYPES.values(), ids=WRONG_TYPES.keys())
def test_a_wrong_type_is_named(engine: Engine, use: Callable[[Any], object], sentence: str) -> None:
    with pytest.raises(TypeError, match=re.escape(sentence)):
        use(engine)

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
