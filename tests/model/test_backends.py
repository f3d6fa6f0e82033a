"""The real libraries and starter models, called as the engine calls them."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from lunavox_edge.audio.loudness import apply_gain, gain_to, speech_dbfs
from lunavox_edge.audio.pcm import Samples, resample, to_mono_float
from lunavox_edge.audio.vad import speech_spans
from lunavox_edge.audio.wav import read_wav
from lunavox_edge.backends import ort
from lunavox_edge.backends.base import (
    Backend,
    LoadOptions,
    Piece,
    RecognizeRequest,
    SpeakRequest,
    SttModel,
    TtsModel,
)
from lunavox_edge.backends.stt.whisper import WhisperBackend
from lunavox_edge.backends.stt.whisper_languages import CODES
from lunavox_edge.backends.tts.hibari import HibariBackend
from lunavox_edge.backends.tts.phonemizers import PHONEME_TYPES, known_espeak_voice
from lunavox_edge.backends.tts.piper import PiperBackend, PiperModel
from lunavox_edge.backends.tts.piper_sound import Sound
from lunavox_edge.backends.vad.silero import FRAME_SAMPLES, SileroVad
from lunavox_edge.errors import (
    BackendUnavailable,
    BadAudio,
    BrokenModel,
    LunavoxSynthesisError,
    UnknownSpeaker,
    UnsupportedLanguage,
)
from lunavox_edge.types import ModelEntry
from tests.fakes.tiny_onnx import SAMPLES_PER_ID, value, write_voice

pytestmark = pytest.mark.model

SENTENCE = "Please turn on the lights in the kitchen, and close the door."
# The noise that makes speech lively also makes a test fail once in a while.
STILL = SpeakRequest(noise_scale=0.0, noise_w=0.0, seed=1)


def packaged(backend: type[Backend], name: str, cache_dir: Path) -> ModelEntry:
    missing = backend.missing()
    if missing is not None:
        pytest.skip(missing)
    for entry in backend.packaged(cache_dir):
        if isinstance(entry, ModelEntry) and entry.name == name:
            return entry
    pytest.skip(f"the package with {name} is not installed")


def voice_below(folder: Path) -> ModelEntry:
    (found,) = PiperBackend.discover(folder)
    assert isinstance(found, ModelEntry), found
    return found


def said(voice: TtsModel, text: str, request: SpeakRequest = STILL) -> Samples:
    return np.concatenate([np.zeros(0, np.float32), *voice.speak(text, request)])


def heard_from(voice: TtsModel, text: str) -> Samples:
    """Return a voice's audio as input of a recogniser: 16 kHz, at the loudness that the engine applies."""
    return resample(apply_gain(said(voice, text), gain_to(voice.dbfs, -20.0)), voice.rate_hz, 16_000)


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z ]", "", text.lower()).split()


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def joe(cache_dir: Path) -> Iterator[PiperModel]:
    entry = packaged(PiperBackend, "en_US-joe-medium", cache_dir)
    model = PiperBackend().load(entry, LoadOptions(cache_dir=cache_dir))
    model.warm_up()
    yield model
    model.close()


@pytest.fixture(scope="module")
def heart(cache_dir: Path) -> Iterator[TtsModel]:
    model = HibariBackend().load(packaged(HibariBackend, "hibari-heart", cache_dir), LoadOptions())
    model.warm_up()
    yield model
    model.close()


@pytest.fixture(scope="module")
def base(cache_dir: Path) -> Iterator[SttModel]:
    entry = packaged(WhisperBackend, "base", cache_dir)
    model = WhisperBackend().load(entry, LoadOptions(threads=1, workers=2))
    model.warm_up()
    yield model
    model.close()


@pytest.fixture(scope="module")
def tiny(cache_dir: Path) -> Iterator[SttModel]:
    model = WhisperBackend().load(packaged(WhisperBackend, "tiny.en", cache_dir), LoadOptions(threads=2))
    model.warm_up()
    yield model
    model.close()


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    missing = SileroVad.missing()
    if missing is not None:
        pytest.skip(missing)
    return SileroVad()


def test_what_piper_says_base_hears(joe: PiperModel, base: SttModel) -> None:
    found = base.recognize(heard_from(joe, SENTENCE), RecognizeRequest(words=True))
    assert words(found.text) == words(SENTENCE)
    assert found.language == "en"
    assert 0.5 < found.confidence <= 1.0
    assert words(" ".join(word.word for word in found.words)) == words(SENTENCE)
    edges = [edge for word in found.words for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges)
    assert 0.0 <= edges[0] < 1.0 < edges[-1] < 5.0


def test_what_hibari_says_tiny_hears(heart: TtsModel, tiny: SttModel) -> None:
    found = tiny.recognize(heard_from(heart, SENTENCE), RecognizeRequest(language="en-GB"))
    assert words(found.text) == words(SENTENCE)
    assert found.language == "en-GB"
    assert found.words == ()


@pytest.mark.parametrize("model", ["base", "tiny"])
def test_names_help_to_hear_them(heart: TtsModel, model: str, request: pytest.FixtureRequest) -> None:
    recogniser: SttModel = request.getfixturevalue(model)
    audio = heard_from(heart, "Call Shivawn and ask her to come home.")
    helped = RecognizeRequest(language="en", names=("Aoife", "Siobhan", "Niamh"), terms=("Zigbee",))
    assert words(recogniser.recognize(audio, helped).text) == words("Call Siobhan and ask her to come home.")
    assert "Siobhan" not in recogniser.recognize(audio, RecognizeRequest(language="en")).text


@pytest.mark.parametrize("names", [(), ("Aoife", "Siobhan", "kitchen lamp")])
@pytest.mark.parametrize("level", [0.0, 0.003, 0.03])
def test_nobody_speaks(tiny: SttModel, level: float, names: tuple[str, ...]) -> None:
    noise = (np.random.default_rng(3).standard_normal(16_000 * 4) * level).astype(np.float32)
    found = tiny.recognize(noise, RecognizeRequest(names=names))
    assert (found.text, found.confidence, found.language) == ("", 0.0, "en")


def test_base_hears_nobody_in_noise(base: SttModel) -> None:
    noise = (np.random.default_rng(3).standard_normal(16_000 * 3) * 0.01).astype(np.float32)
    assert base.recognize(noise, RecognizeRequest(language="de", names=("kitchen lamp",))).text == ""


@pytest.mark.parametrize("samples", [0, 1, 500, 1700])
def test_very_short_audio(tiny: SttModel, samples: int) -> None:
    assert tiny.recognize(np.full(samples, 0.1, np.float32), RecognizeRequest()).text == ""


def test_thirty_seconds_and_no_more(tiny: SttModel) -> None:
    noise = (np.random.default_rng(3).standard_normal(16_000 * 30) * 0.01).astype(np.float32)
    assert tiny.recognize(noise, RecognizeRequest()).text == ""
    with pytest.raises(BadAudio):
        tiny.recognize(np.tile(noise, 2), RecognizeRequest())


def test_languages_the_model_does_not_hear(base: SttModel, tiny: SttModel) -> None:
    second = np.full(16_000, 0.1, np.float32)
    for model, language in ((base, "xx"), (base, "yue"), (tiny, "de-DE")):
        with pytest.raises(UnsupportedLanguage, match=language):
            model.recognize(second, RecognizeRequest(language=language))


def test_the_language_is_detected(base: SttModel) -> None:
    folder = os.environ.get("LUNAVOX_SPEECH_DATA")
    if not folder:
        pytest.skip("LUNAVOX_SPEECH_DATA is not set")
    audio_format, pcm = read_wav((Path(folder) / "audioeval" / "es_conteo.wav").read_bytes())
    audio = resample(to_mono_float(pcm, audio_format), audio_format.rate_hz, 16_000)
    assert base.recognize(audio, RecognizeRequest()).language == "es"


def test_two_threads_hear_at_once(joe: PiperModel, base: SttModel) -> None:
    texts = ["The weather is nice today.", "My dog sleeps on the sofa."]
    clips = [heard_from(joe, text) for text in texts]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda clip: base.recognize(clip, RecognizeRequest(language="en")).text, clips))
    assert [words(text) for text in found] == [words(text) for text in texts]


def test_the_codes_are_those_of_the_library() -> None:
    from faster_whisper import tokenizer

    assert CODES == tokenizer._LANGUAGE_CODES


def test_a_cut_whisper_model_is_broken(cache_dir: Path, tmp_path: Path) -> None:
    entry = packaged(WhisperBackend, "tiny.en", cache_dir)
    for path in entry.path.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "model.bin").unlink()
    with (entry.path / "model.bin").open("rb") as file:
        (tmp_path / "model.bin").write_bytes(file.read(1_000_000))
    (found,) = WhisperBackend.discover(tmp_path)
    assert isinstance(found, ModelEntry)
    with pytest.raises(BrokenModel, match="damaged"):
        WhisperBackend().load(found, LoadOptions())
    (tmp_path / "model.bin").unlink()
    (tmp_path / "model.bin").symlink_to(entry.path / "model.bin")
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BrokenModel, match="damaged"):
        WhisperBackend().load(found, LoadOptions())


def test_a_number_format_the_device_does_not_have(cache_dir: Path) -> None:
    entry = packaged(WhisperBackend, "tiny.en", cache_dir)
    with pytest.raises(BackendUnavailable, match="int8"):
        WhisperBackend().load(entry, LoadOptions(compute_type="int3"))


def test_voices_differ_in_loudness_until_the_gain(joe: PiperModel, heart: TtsModel) -> None:
    for voice in (joe, heart):
        assert voice.dbfs is not None
        evened = apply_gain(said(voice, SENTENCE), gain_to(voice.dbfs, -20.0))
        assert speech_dbfs(evened, voice.rate_hz) == pytest.approx(-20.0, abs=3.0)
        assert float(np.abs(evened).max()) <= 1.0


@pytest.mark.parametrize("name", ["joe", "heart"])
def test_speed(name: str, request: pytest.FixtureRequest) -> None:
    voice: TtsModel = request.getfixturevalue(name)
    slow, normal, fast = (
        len(said(voice, SENTENCE, replace(STILL, speed=speed))) for speed in (0.5, 1.0, 2.0)
    )
    # Sounds have a shortest length, so twice the speed is not quite half the time.
    assert 1.6 < slow / normal < 2.2
    assert 1.4 < normal / fast < 2.2


@pytest.mark.parametrize("name", ["joe", "heart"])
@pytest.mark.parametrize("text", ["", "  \n ", "a\0b", "\ud800", "[[", "((", "日本語", "🙂"])
def test_odd_text_is_no_error(name: str, text: str, request: pytest.FixtureRequest) -> None:
    voice: TtsModel = request.getfixturevalue(name)
    assert len(said(voice, text)) < 10 * voice.rate_hz


def test_a_seed_repeats_hibari(heart: TtsModel) -> None:
    one, two, other = (said(heart, "Hello.", SpeakRequest(seed=seed)) for seed in (7, 7, 8))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("name", ["joe", "heart"])
def test_a_speaker_a_voice_does_not_have(name: str, request: pytest.FixtureRequest) -> None:
    voice: TtsModel = request.getfixturevalue(name)
    with pytest.raises(UnknownSpeaker, match="only one speaker"):
        voice.speak("Hello.", SpeakRequest(speaker="bob"))


class FailingSound(Sound):
    """Fails as onnxruntime does: at once, or when a piece is made."""

    def __init__(self, *, late: bool) -> None:
        self._late = late

    def pieces(self, feeds: Mapping[str, object], *, eager: bool) -> Iterator[Piece]:
        error = ort.failures()[0]("CUDA failure 700")

        def fail() -> Samples:
            raise error

        if not self._late:
            fail()
        yield Piece(fail)


@pytest.mark.parametrize("late", [False, True])
def test_a_failure_is_blamed_on_the_text_or_on_the_device(
    joe: PiperModel, monkeypatch: pytest.MonkeyPatch, *, late: bool
) -> None:
    monkeypatch.setattr(joe, "_sound", FailingSound(late=late))
    with pytest.raises(LunavoxSynthesisError, match="this text"):
        said(joe, "Hello.")
    monkeypatch.setattr(joe, "device", "cuda:0")
    with pytest.raises(ort.failures()[0], match="CUDA failure"):
        said(joe, "Hello.")


def test_a_sentence_without_end_comes_in_bounded_pieces(joe: PiperModel, heart: TtsModel) -> None:
    text = "and so on " * 45
    for voice in (joe, heart):
        pieces = [len(piece) / voice.rate_hz for piece in voice.speak(text, STILL)]
        assert len(pieces) > 1
        assert max(pieces) < 20
        assert sum(pieces) > 12


def test_two_voices_read_their_own_languages_at_once(
    joe: PiperModel, cache_dir: Path, tmp_path: Path
) -> None:
    # The phonemiser is one for the whole process; its language must not leak between threads.
    original = packaged(PiperBackend, "en_US-joe-medium", cache_dir)
    (tmp_path / "german.onnx").symlink_to(original.path)
    config = original.path.with_name(f"{original.path.name}.json").read_text(encoding="utf-8")
    (tmp_path / "german.onnx.json").write_text(config.replace('"en-us"', '"de"'), encoding="utf-8")
    german = PiperBackend().load(voice_below(tmp_path), LoadOptions())
    text = "Jetzt zehn Wagen Chaos, the end."
    expected = [voice._phonemes(text) for voice in (joe, german)]
    assert expected[0] != expected[1]
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(lambda voice: [voice._phonemes(text) for _ in range(300)], voice)
            for voice in (joe, german)
        ]
        for run, phonemes in zip(runs, expected, strict=True):
            assert all(found == phonemes for found in run.result())
    german.close()


def test_an_abbreviation_does_not_end_what_the_phonemiser_reads(joe: PiperModel) -> None:
    for text in ("Temp. máx. 25 °C, mín. -3 °C", "See fig. 5 and approx. 7"):
        assert joe._phonemes(text) == joe._phonemes(re.sub(r"(\w)\.", r"\1", text))
    assert joe._phonemes("In 10 min. 5 are over.") != joe._phonemes("In 10 min 5 are over.")


def test_one_voice_speaks_in_two_threads_at_once(joe: PiperModel) -> None:
    texts = ["The first one.", "This is the second text."]
    expected = [said(joe, text) for text in texts]
    with ThreadPoolExecutor(2) as pool:
        for text, audio in zip(texts * 2, pool.map(lambda text: said(joe, text), texts * 2), strict=True):
            assert np.allclose(audio, expected[texts.index(text)], atol=1e-4)


@pytest.fixture
def choir(tmp_path: Path) -> PiperModel:
    write_voice(tmp_path, "choir", speakers=["alto", "bass", "7"])
    return PiperBackend().load(voice_below(tmp_path), LoadOptions())


@pytest.mark.parametrize(
    ("speaker", "number"), [(None, 0), ("alto", 0), ("bass", 1), ("1", 1), ("7", 2), ("2", 2)]
)
def test_speakers_by_name_and_number(choir: PiperModel, speaker: str | None, number: int) -> None:
    (audio,) = choir.speak("abc", SpeakRequest(speaker=speaker))
    assert audio == pytest.approx(np.full(9 * SAMPLES_PER_ID, value(speaker=number)), abs=1e-5)


@pytest.mark.parametrize("speaker", ["tenor", "3", "-1", "²", "", "9" * 5000])
def test_an_unknown_speaker_is_told_the_choice(choir: PiperModel, speaker: str) -> None:
    with pytest.raises(UnknownSpeaker, match=r"It has alto, bass, 7\.") as caught:
        choir.speak("abc", SpeakRequest(speaker=speaker))
    assert len(str(caught.value)) < 120


def test_speed_and_noise_reach_the_model(choir: PiperModel) -> None:
    (audio,) = choir.speak("abc", SpeakRequest(speed=2.0, noise_scale=0.1, noise_w=0.2))
    expected = value(speaker=0, noise_scale=0.1, length_scale=0.5, noise_w=0.2)
    assert float(audio[0]) == pytest.approx(expected, abs=1e-5)


def test_the_voice_s_own_pace_counts(tmp_path: Path) -> None:
    write_voice(tmp_path, "slow", inference={"length_scale": 1.5, "noise_scale": 0.0, "noise_w": 0.0})
    slow = PiperBackend().load(voice_below(tmp_path), LoadOptions())
    (audio,) = slow.speak("abc", SpeakRequest(speed=0.5))
    assert float(audio[0]) == pytest.approx(0.1 * 3.0, abs=1e-5)


def test_warm_up_measures_any_alphabet(tmp_path: Path) -> None:
    letters = {"_": [0], "^": [1], "$": [2], "ж": [3], "я": [4]}
    write_voice(tmp_path, "cyrillic", phoneme_id_map=letters)
    model = PiperBackend().load(voice_below(tmp_path), LoadOptions())
    assert model.dbfs is None
    model.warm_up()
    assert model.dbfs == pytest.approx(20 * np.log10(value(speaker=0)), abs=0.1)


def test_files_that_do_not_fit_together_are_broken(tmp_path: Path) -> None:
    model = write_voice(tmp_path, "odd", speakers=["a", "b"])
    write_voice(tmp_path / "single", "x")
    shutil.copy(tmp_path / "single" / "x.onnx", model)
    shutil.rmtree(tmp_path / "single")
    with pytest.raises(BrokenModel, match="do not fit together"):
        PiperBackend().load(voice_below(tmp_path), LoadOptions())


def test_a_model_with_a_whole_outline_but_junk_inside_is_broken(tmp_path: Path) -> None:
    model = write_voice(tmp_path, "junk")
    content = bytearray(model.read_bytes())
    content[8:60] = b"\xff" * 52
    model.write_bytes(content)
    with pytest.raises(BrokenModel, match="damaged"):
        PiperBackend().load(voice_below(tmp_path), LoadOptions())


@pytest.mark.parametrize("spelling", ["ESPEAK", "PhonemeType.ESPEAK", "espeak"])
def test_a_voice_with_an_enum_s_name_and_numbers_as_text_speaks(tmp_path: Path, spelling: str) -> None:
    marks = {mark: [number] for number, mark in enumerate("_^$ aloh")}
    write_voice(
        tmp_path,
        "es_MX-x-medium",
        phoneme_type=spelling,
        espeak={"voice": "es-mx"},
        phoneme_id_map=marks,
        inference={"length_scale": "1.5", "noise_scale": "0", "noise_w": "0.0"},
    )
    (audio,) = PiperBackend().load(voice_below(tmp_path), LoadOptions()).speak("hola", SpeakRequest())
    assert float(audio[0]) == pytest.approx(0.1 * 1.5, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Hello There, NASA says 21.", "hello there, nasa says twenty one."),
        ("Café", "cafe"),
        ("cafe\u0301 ÉCOLE", "cafe ecole"),
        ("3 cats: 1,250", "three cats, one thousand two hundred and fifty"),
        ("2.5 – a4b", "two point five  a four b"),
        ("10%", "ten percent"),
    ],
)
def test_a_voice_without_a_phonemiser_reads_letters(tmp_path: Path, text: str, letters: str) -> None:
    write_voice(tmp_path, "text")
    model = PiperBackend().load(voice_below(tmp_path), LoadOptions())
    assert ["".join(sentence) for sentence in model._phonemes(text)] == [letters]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_voice_without_a_phonemiser_gets_the_form_of_its_letters(
    tmp_path: Path, form: Literal["NFC", "NFD"]
) -> None:
    alphabet = dict.fromkeys(unicodedata.normalize(form, "_^$ абвгґдеєжзиіїйклмнопрстуфхцчшщьюя'+,.!?"))
    write_voice(
        tmp_path,
        "uk_UA-x-medium",
        phoneme_id_map={letter: [number] for number, letter in enumerate(alphabet)},
        num_symbols=len(alphabet),
        espeak={"voice": "uk"},
    )
    model = PiperBackend().load(voice_below(tmp_path), LoadOptions())
    expected = unicodedata.normalize(form, "її йдуть двадцять один")
    forms: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
    for written in forms:
        said = model._phonemes(unicodedata.normalize(written, "Її йдуть 21"))
        assert ["".join(sentence) for sentence in said] == [expected]


def test_a_voice_that_lost_its_reader_is_refused(tmp_path: Path) -> None:
    write_voice(tmp_path, "zh_CN-x-medium")
    found = voice_below(tmp_path)
    write_voice(tmp_path, "zh_CN-x-medium", phoneme_type="pinyin")
    with pytest.raises(BackendUnavailable, match="g2pW"):
        PiperBackend().load(found, LoadOptions())
    write_voice(tmp_path, "zh_CN-x-medium", phoneme_type="espeak", espeak={"voice": "xx-nope"})
    with pytest.raises(BackendUnavailable, match="xx-nope"):
        PiperBackend().load(found, LoadOptions())


def test_every_espeak_voice_is_told_from_one_that_there_is_not() -> None:
    from piper.phonemize_espeak import ESPEAK_DATA_DIR, EspeakPhonemizer

    phonemizer = EspeakPhonemizer()
    files = [path for path in (ESPEAK_DATA_DIR / "lang").glob("*/*") if path.is_file()]
    listed = [
        line.split()[1]
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("language ")
    ]
    assert len(files) > 100
    for name in (*(path.name for path in files), *listed, "EN-US", "gmw/en-US", "en-us+f3", "German"):
        known = known_espeak_voice(name)
        assert known is not None, name
        phonemizer.phonemize(known, "a")
    for name in ("xx-nosuch", "", "de-nosuch", "../de", "zz"):
        assert known_espeak_voice(name) is None
        with pytest.raises(RuntimeError):
            phonemizer.phonemize(name, "a")


def test_the_phoneme_types_are_those_of_piper() -> None:
    from piper.config import PhonemeType

    assert set(PHONEME_TYPES) == {kind.value for kind in PhonemeType}


def test_a_gpu_that_would_not_be_used_is_refused(tmp_path: Path) -> None:
    if PiperBackend.devices() != ("cpu",):
        pytest.skip("there is a GPU")
    write_voice(tmp_path, "x")
    with pytest.raises(BackendUnavailable, match="cuda:0"):
        PiperBackend().load(voice_below(tmp_path), LoadOptions(device="cuda:0"))


def test_hibari_never_downloads(cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = packaged(HibariBackend, "hibari-heart", cache_dir)
    monkeypatch.setattr("hibari.voices.download", lambda *_: pytest.fail("it downloads"))
    absent = replace(entry, name="hibari-emma", path=tmp_path / "gone.int8.onnx")
    with pytest.raises(BrokenModel):
        HibariBackend().load(absent, LoadOptions())
    with pytest.raises(BackendUnavailable, match="does not know"):
        HibariBackend().load(replace(entry, name="hibari-nobody"), LoadOptions())


def test_memory_errors_are_told_apart() -> None:
    kind = ort.failures()[-1]
    with pytest.raises(MemoryError), ort.memory_errors():
        raise kind("Failed to allocate memory for requested buffer of size 123")
    with pytest.raises(kind), ort.memory_errors():
        raise kind("Got invalid dimensions")


def test_the_vad_finds_speech_between_silence(joe: PiperModel, vad: SileroVad) -> None:
    speech = heard_from(joe, "Hello there.")
    second = np.zeros(16_000, np.float32)
    probabilities = vad.speech_probabilities(np.concatenate([second, speech, second]))
    assert len(probabilities) == -(-(32_000 + len(speech)) // FRAME_SAMPLES)
    spans = speech_spans(probabilities, vad.frame_s)
    assert spans[0][0] == pytest.approx(1.0, abs=0.3)
    assert spans[-1][1] == pytest.approx(1.0 + len(speech) / 16_000, abs=0.4)


def test_the_vad_does_not_take_noise_for_speech(vad: SileroVad) -> None:
    noise = (np.random.default_rng(5).standard_normal(16_000 * 10) * 0.05).astype(np.float32)
    assert speech_spans(vad.speech_probabilities(noise), vad.frame_s) == []
    assert not vad.speech_probabilities(np.zeros(16_000, np.float32)).any()


@pytest.mark.parametrize("step", [1, 160, 511, 512, 5000])
def test_a_stream_of_pieces_equals_the_whole(joe: PiperModel, vad: SileroVad, step: int) -> None:
    audio = heard_from(joe, "Hello there.")[: 512 * 20]
    stream = vad.stream()
    pieces = [stream.feed(audio[start : start + step]) for start in range(0, len(audio), step)]
    assert np.allclose(np.concatenate(pieces), vad.speech_probabilities(audio), atol=1e-5)


def test_long_audio_equals_its_parts(joe: PiperModel, vad: SileroVad) -> None:
    audio = np.tile(heard_from(joe, "Hello there."), 10)
    stream = vad.stream()
    half = len(audio) // 2
    joined = np.concatenate([stream.feed(audio[:half]), stream.feed(audio[half:])])
    whole = vad.speech_probabilities(audio)
    assert np.allclose(joined, whole[: len(joined)], atol=1e-5)
