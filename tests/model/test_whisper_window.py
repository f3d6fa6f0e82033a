"""A short window gives the same transcripts as the full one, at less cost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from lunavox_edge.backends.base import LoadOptions, RecognizeRequest, Samples
from lunavox_edge.backends.stt import whisper_model
from lunavox_edge.backends.stt.whisper import WhisperBackend
from lunavox_edge.backends.stt.whisper_model import WhisperModel
from lunavox_edge.backends.tts.piper import PiperBackend
from tests.model.test_backends import heard_from, packaged, words

pytestmark = pytest.mark.model

SENTENCES = (
    "Turn off the radio.",
    "Set the heating in the bathroom to twenty degrees.",
    "What is the weather like tomorrow?",
    "Please turn on the lights in the kitchen, and close the door to the garden before it rains.",
)
SHORT = RecognizeRequest(language="en", words=True)
FULL = RecognizeRequest(language="en", words=True, thorough=True)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Samples]:
    entry = packaged(PiperBackend, "en_US-joe-medium", tmp_path_factory.mktemp("voices"))
    voice = PiperBackend().load(entry, LoadOptions())
    voice.warm_up()
    spoken = [heard_from(voice, sentence) for sentence in SENTENCES]
    voice.close()
    return spoken


class Counted:
    """A recogniser, and the frames that its encoder was given."""

    def __init__(self, model: WhisperModel, monkeypatch: pytest.MonkeyPatch) -> None:
        self.model = model
        self.frames: list[int] = []
        encode = model._engine.encode

        def counting(features: NDArray[np.float32]) -> object:
            self.frames.append(features.shape[-1])
            return encode(features)

        monkeypatch.setattr(model._engine, "encode", counting)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhisperModel]:
    entry = packaged(WhisperBackend, "tiny.en", tmp_path_factory.mktemp("models"))
    model = WhisperBackend().load(entry, LoadOptions())
    yield model
    model.close()


@pytest.fixture
def counted(tiny: WhisperModel, monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(tiny, monkeypatch)


def test_the_same_words_for_a_third_of_the_frames(counted: Counted, clips: list[Samples]) -> None:
    short = [counted.model.recognize(clip, SHORT) for clip in clips]
    assert counted.frames == [1000] * len(clips)
    full = [counted.model.recognize(clip, FULL) for clip in clips]
    assert counted.frames[len(clips) :] == [3000] * len(clips)
    for one, other, clip in zip(short, full, clips, strict=True):
        assert words(one.text) == words(other.text)
        # The alignment of words to time may not depend on the window either.
        assert [w.start_s for w in one.words] == pytest.approx([w.start_s for w in other.words], abs=0.25)
        edges = [edge for word in one.words for edge in (word.start_s, word.end_s)]
        assert edges == sorted(edges)
        assert edges[-1] <= len(clip) / 16_000


def test_in_doubt_the_full_window_decides(
    counted: Counted, clips: list[Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whisper_model, "doubtful", lambda *_, **__: True)
    found = counted.model.recognize(clips[0], SHORT)
    assert counted.frames == [1000, 3000]
    assert found == counted.model.recognize(clips[0], FULL)


def test_a_loop_in_a_short_command_is_decoded_anew_in_the_same_window(
    counted: Counted, clips: list[Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = counted.model.recognize(clips[0], SHORT)
    monkeypatch.setattr(whisper_model, "looping", lambda _: True)
    found = counted.model.recognize(clips[0], SHORT)
    assert counted.frames == [1000, 1000]
    assert words(found.text) == words(expected.text)
    assert found.confidence != expected.confidence, "it was decoded only once"


def test_long_speech_gets_the_window_it_needs(counted: Counted, clips: list[Samples]) -> None:
    pause = np.zeros(8_000, np.float32)
    speech = np.concatenate([part for clip in (clips[3], clips[1], clips[2]) for part in (clip, pause)])
    found = counted.model.recognize(speech, SHORT)
    assert len(speech) // 160 + 100 <= counted.frames[0] <= len(speech) // 160 + 103
    assert words(found.text)[:4] == ["please", "turn", "on", "the"]
    assert words(found.text)[-1] == "tomorrow"


def test_noise_is_nobody_whatever_the_window(counted: Counted) -> None:
    noise = (np.random.default_rng(3).standard_normal(16_000 * 3) * 0.01).astype(np.float32)
    for request in (SHORT, FULL):
        assert counted.model.recognize(noise, request).text == ""
    assert counted.frames[-1] == 3000


def test_warm_up_is_one_short_pass(counted: Counted) -> None:
    counted.model.warm_up()
    assert counted.frames == [1000]


def test_several_sentences_are_heard_to_the_end(counted: Counted, clips: list[Samples]) -> None:
    pause = np.zeros(9_600, np.float32)
    speech = np.concatenate([part for clip in (clips[2], clips[0], clips[1]) for part in (clip, pause)])
    found = counted.model.recognize(speech, SHORT)
    assert counted.frames == [1000]
    assert words(found.text)[:3] == ["what", "is", "the"]
    assert words(found.text)[-1] in {"degrees", "20", "twenty"}
    assert [word.word for word in found.words] == found.text.split()
