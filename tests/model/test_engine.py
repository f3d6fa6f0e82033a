"""The engine as a library, with the starter models."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from lunavox_edge import Engine, SynthesisParams, Voice
from lunavox_edge.errors import (
    EmptyText,
    EngineClosed,
    TextTooLong,
    UnknownModel,
    UnknownSpeaker,
    UnknownVoice,
    UnsupportedLanguage,
    UnsupportedVoice,
)
from lunavox_edge.settings.model import Settings

pytestmark = pytest.mark.model

SENTENCE = "The kitchen light is on and dinner is ready."


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    settings = Settings.model_validate(
        {
            "stt": {"model": "tiny.en"},
            "voices": {"announcer": {"voice": "joe", "speed": 2.0, "volume": 0.5}},
        }
    )
    with Engine(settings) as engine:
        assert engine.warm_up() == ()
        yield engine


# The noise that makes speech lively also makes a test fail once in a while.
STILL = SynthesisParams(noise_scale=0.0, noise_w=0.0)


def level(audio: np.ndarray) -> float:
    """RMS in dBFS of the louder half, so that pauses do not count."""
    frames = audio[: len(audio) // 256 * 256].reshape(-1, 256)
    power = np.sort((frames**2).mean(axis=1))[len(frames) // 2 :]
    return float(10 * np.log10(power.mean()))


def test_what_is_said_is_heard(engine: Engine) -> None:
    result = engine.synthesize(SENTENCE, params=STILL)
    heard = engine.transcribe(result.pcm, sample_rate=result.sample_rate)

    assert "kitchen light is on" in heard.text.lower()
    assert heard.language == "en"
    assert 0.5 < heard.confidence <= 1.0
    assert heard.duration_s == pytest.approx(len(result.audio) / result.sample_rate, abs=0.01)


def test_every_starter_is_installed_and_described(engine: Engine) -> None:
    names = {entry.name for entry in (*engine.models(), *engine.voices())}
    assert {"base", "tiny.en", "en_US-joe-medium", "hibari-heart", "announcer"} <= names
    for entry in (*engine.models(), *engine.voices()):
        assert entry.licence
        assert entry.source
        assert entry.size_bytes > 1_000_000
    assert engine.models()[0].name == "tiny.en"


def test_a_stream_of_tokens_is_spoken_while_it_comes(engine: Engine) -> None:
    more = threading.Event()

    def tokens() -> Iterator[str]:
        yield from ("It is ", "raining. ", "Take ")
        assert more.wait(30), "no audio came before the text was complete"
        yield "an umbrella."

    stream = engine.stream(tokens())
    first = next(stream)
    more.set()
    rest = list(stream)

    assert first.duration_s > 0.1
    assert rest


def test_an_alias_speaks_with_its_own_parameters(engine: Engine) -> None:
    plain, announcer = engine.synthesize(SENTENCE), engine.synthesize(SENTENCE, voice="announcer")

    assert len(announcer.audio) < 0.7 * len(plain.audio)
    assert level(announcer.audio) < level(plain.audio) - 4


def test_voices_are_equally_loud(engine: Engine) -> None:
    joe, hibari = (engine.synthesize(SENTENCE, voice=name).audio for name in ("joe", "hibari"))

    assert abs(level(joe) - level(hibari)) < 3
    assert max(np.abs(joe).max(), np.abs(hibari).max()) < 1.0


def test_speed_and_seed_do_what_they_say(engine: Engine) -> None:
    slow = engine.synthesize(SENTENCE, params=SynthesisParams(speed=0.7))
    fast = engine.synthesize(SENTENCE, params=SynthesisParams(speed=1.5))
    same = [engine.synthesize(SENTENCE, voice="hibari", params=SynthesisParams(seed=7)).pcm for _ in range(2)]

    assert len(slow.audio) > 1.6 * len(fast.audio)
    assert same[0] == same[1]


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"voice": "nobody"}, UnknownVoice),
        ({"voice": "../../etc/passwd"}, UnknownVoice),
        ({"voice": "joe#nobody"}, UnknownSpeaker),
        ({"language": "xx"}, UnsupportedLanguage),
        ({"voice": "joe", "language": "de"}, UnsupportedLanguage),
        ({"voice": Voice.clone_file("me.wav")}, UnsupportedVoice),
        ({"params": SynthesisParams(seed=1), "voice": "joe"}, UnsupportedVoice),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    engine: Engine, kwargs: dict[str, object], expected: type[Exception]
) -> None:
    with pytest.raises(expected) as refused:
        engine.synthesize(SENTENCE, **kwargs)  # type: ignore[arg-type]  # a table of keywords
    assert "/models" not in str(refused.value)


def test_an_unknown_model_or_language_is_refused(engine: Engine) -> None:
    with pytest.raises(UnknownModel, match=r"tiny\.en"):
        engine.transcribe(b"", sample_rate=16_000, model="tinyen")
    with pytest.raises(UnsupportedLanguage):
        engine.transcribe(b"", sample_rate=16_000, model="tiny.en", language="de")


@pytest.mark.parametrize("text", ["", "...", "?!"])
def test_nothing_to_say_is_an_error(engine: Engine, text: str) -> None:
    with pytest.raises(EmptyText):
        engine.synthesize(text)


def test_a_text_without_any_space_is_spoken_in_pieces(engine: Engine) -> None:
    pieces = []
    for chunk in engine.stream("abcdefghi" * 60):
        pieces.append(chunk)
        if len(pieces) == 2:
            break
    assert len(pieces) == 2
    with pytest.raises(TextTooLong):
        engine.synthesize("a" * 100_000)


def test_silence_and_nothing_give_an_empty_transcript(engine: Engine) -> None:
    for seconds in (0, 0.01, 5):
        pcm = np.zeros(int(16_000 * seconds), np.int16)
        assert engine.transcribe(pcm, sample_rate=16_000).text == ""


def test_names_bias_what_is_heard(engine: Engine) -> None:
    result = engine.synthesize("Turn on the light of Aoife.", voice="joe", params=STILL)
    heard = engine.transcribe(result.pcm, sample_rate=result.sample_rate, names=("Aoife",))

    assert "turn on the light" in heard.text.lower()


def test_several_threads_may_use_one_engine(engine: Engine) -> None:
    heard: list[str] = []

    def use() -> None:
        result = engine.synthesize(SENTENCE, voice="hibari")
        heard.append(engine.transcribe(result.pcm, sample_rate=result.sample_rate).text)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert len(heard) == 4
    assert all("dinner" in text.lower() for text in heard)


def test_models_load_on_use_and_unload_on_request(engine: Engine) -> None:
    engine.synthesize("Hello.", voice="hibari")
    assert engine.is_loaded("hibari")
    assert (engine.last_load_ms("hibari") or 0) > 0
    assert (engine.last_warmup_ms("hibari") or 0) > 0
    assert "hibari-heart" in {model.name for model in engine.status().models}
    assert engine.unload("hibari")
    assert not engine.is_loaded("hibari")
    assert engine.last_load_ms("hibari") is None


def test_log_lines_reach_the_callback_without_the_text(engine: Engine) -> None:
    lines: list[str] = []
    engine.on_log(lambda level, message: lines.append(f"{level} {message}"))
    try:
        engine.load("hibari")
        engine.unload("hibari")
    finally:
        engine.on_log(None)
    engine.load("hibari")

    assert any("hibari" in line for line in lines)
    count = len(lines)
    engine.unload("hibari")
    assert len(lines) == count


def test_a_closed_engine_says_so_and_a_second_one_works() -> None:
    first = Engine(Settings())
    with Engine(Settings()) as second:
        first.close()
        first.close()
        with pytest.raises(EngineClosed):
            first.synthesize("Hello.", voice="hibari")
        assert second.synthesize("Hello.", voice="hibari").sample_rate == 24_000
