"""The engine: the only thing that a front-end or an embedding program talks to."""

from __future__ import annotations

import atexit
import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from lunavox_edge._version import __version__
from lunavox_edge.audio.pcm import array_to_pcm16, check_format
from lunavox_edge.backends import registry
from lunavox_edge.backends.base import RecognizeRequest
from lunavox_edge.engine.admission import Admission
from lunavox_edge.engine.catalog.catalog import Catalog
from lunavox_edge.engine.hearing.utterance import Utterance
from lunavox_edge.engine.log_tap import LogTap
from lunavox_edge.engine.models.devices import Devices
from lunavox_edge.engine.models.leases import ask_for_all, asked_for, joint, wait_for
from lunavox_edge.engine.models.loading import Loaded, ThreadPlan
from lunavox_edge.engine.models.memory import trim_heap
from lunavox_edge.engine.models.residency import Residency
from lunavox_edge.engine.models.warming import WarmSet
from lunavox_edge.engine.pressure import MemoryPressure
from lunavox_edge.engine.resolve import Resolver
from lunavox_edge.engine.scheduling.lanes import BackgroundThreads, Lane
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.engine.speech.phrases import PhraseCache
from lunavox_edge.engine.speech.speech import Speech
from lunavox_edge.engine.streaming import hear, listen
from lunavox_edge.engine.values.naming import several
from lunavox_edge.engine.values.params import SynthesisParams
from lunavox_edge.engine.values.results import EngineStatus, LaneStatus, SynthesisResult, SynthesisStats
from lunavox_edge.engine.values.voice import Voice, VoiceMode
from lunavox_edge.engine.waking.wake_session import WakeSession
from lunavox_edge.errors import EngineClosed, LunavoxError
from lunavox_edge.host import system
from lunavox_edge.settings.model import Settings
from lunavox_edge.settings.reading import as_settings
from lunavox_edge.types import AudioChunk, AudioFormat, Detection, ModelEntry, ModelKind, Transcript

_MIB = 1024 * 1024
_HOUSEKEEPING_S = 2.0
_WAKE_LANE = "wake"


class Engine:
    """Speech in and out of local models. Thread-safe; a context manager.

    It belongs to the process that made it: after a fork the child makes its own.
    `settings` is a Settings value, the path of a YAML file, or None for the defaults.
    No model is loaded until it is used or `warm_up` is called. Making an engine reads files and
    imports backends; what is said to never block may then be called on an event loop from the first
    time on. Raises SettingsError.
    """

    def __init__(
        self,
        settings: Settings | str | Path | None = None,
        *,
        on_log: Callable[[str, str], None] | None = None,
    ) -> None:
        """Read the settings and the catalog, start the lanes."""
        self.settings = settings = as_settings(settings)
        system.quiet_openmp()
        system.forbid_telemetry()
        self._log = LogTap()
        self._log.set(on_log)
        self._started_s = time.monotonic()
        self._closed = False
        self._process = os.getpid()
        self._worked = False
        self._last_speech: SynthesisStats | None = None
        plan = ThreadPlan.for_threads(settings.engine.threads or system.cpu_count())
        self._admission = Admission.for_sessions(settings, cpu_workers=plan.workers)
        self._wake_sessions = Admission.for_vigils(settings)
        self.catalog = Catalog.of(settings)
        # Here and not at the first request, which may come on an event loop.
        self.catalog.refresh()
        self._resolver = Resolver(settings, self.catalog)
        self._phrases = PhraseCache(settings.tts.phrase_cache_mb * _MIB)
        self._background = BackgroundThreads()
        self._devices = Devices(settings)
        self._residency = Residency.of(settings, plan, self._devices, self._background.load)
        self._relief = MemoryPressure(
            self._residency, resolver=lambda: self._resolver, settings=lambda: self.settings
        )
        self._warm = WarmSet(self._residency)
        self._background.tick(_HOUSEKEEPING_S, self._housekeeping)
        # A thread that is inside a model when the interpreter goes takes the process down with a signal.
        atexit.register(self.close)

    def __enter__(self) -> Engine:  # noqa: PYI034  # Self needs Python 3.11
        """Return the engine."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def synthesize(
        self,
        text: str,
        *,
        voice: Voice | str | None = None,
        params: SynthesisParams | None = None,
        language: str | None = None,
        text_format: str = "text",
    ) -> SynthesisResult:
        """Speak a whole text and return it.

        Raises LunavoxSynthesisError (EmptyText, TextTooLong, BadMarkup, UnsupportedVoice),
        UnknownVoice, UnknownSpeaker, UnsupportedLanguage, BrokenModel, OutOfMemory, Busy,
        TimedOut, EngineClosed.
        """
        speech = self.open_speech(voice=voice, params=params, language=language, text_format=text_format)
        pcm = [chunk.pcm for chunk in listen(speech, text, self._background)]
        audio = np.frombuffer(b"".join(pcm), np.int16).astype(np.float32) / 32768.0
        mode = voice.mode if isinstance(voice, Voice) else VoiceMode.CUSTOM if voice else VoiceMode.BASE
        return SynthesisResult(audio, speech.sample_rate or 0, speech.stats, mode)

    def stream(
        self,
        text: str | Iterable[str],
        *,
        voice: Voice | str | None = None,
        params: SynthesisParams | None = None,
        language: str | None = None,
        text_format: str = "text",
    ) -> Iterator[AudioChunk]:
        """Speak while the text still comes; raises as `synthesize`, when iterated.

        An iterable of text is read on a thread of its own, so it may block. Closing the
        iterator early cancels the rest.
        """
        speech = self.open_speech(voice=voice, params=params, language=language, text_format=text_format)
        yield from listen(speech, text, self._background)

    def transcribe(  # noqa: PLR0913  # what a recording and a request have
        self,
        pcm: bytes | NDArray[np.generic],
        *,
        sample_rate: int,
        width: int = 2,
        channels: int = 1,
        model: str | None = None,
        language: str | None = None,
        names: str | Iterable[str] = (),
        terms: str | Iterable[str] = (),
        words: bool = False,
        relaxed: bool = False,
    ) -> Transcript:
        """Transcribe a whole recording: PCM bytes, or an array of floats or int16, both interleaved.

        It may last hours; `relaxed` lets every other request go first, between two pieces of it.
        Raises BadAudio, UnknownModel, UnsupportedLanguage, BrokenModel, OutOfMemory, Busy,
        TimedOut, EngineClosed.
        """
        if isinstance(pcm, np.ndarray):
            pcm, width = array_to_pcm16(pcm), 2
        utterance = self.open_utterance(
            AudioFormat(sample_rate, width, channels),
            model=model,
            language=language,
            names=names,
            terms=terms,
            words=words,
            relaxed=relaxed,
            bounded=False,
        )
        return hear(utterance, pcm)

    def open_speech(
        self,
        *,
        voice: Voice | str | None = None,
        params: SynthesisParams | None = None,
        language: str | None = None,
        text_format: str = "text",
        relaxed: bool = False,
        on_ready: Callable[[], None] | None = None,
    ) -> Speech:
        """Open a speech to write text into. Never blocks; raises as `synthesize`.

        `relaxed` is for announcements: they give way to replies.
        """
        self._check_process()
        speaking = self._resolver.speaking(voice, params, language, text_format)
        lane = self._lane(speaking.entry)
        pace = self._admission.pace(lane, speaking.plan.voice_key, relaxed=relaxed)
        with asked_for(self._residency.acquire(speaking.entry)) as lease:
            speech = Speech(
                plan=speaking.plan,
                lane=lane,
                pace=pace,
                lease=lease,
                phrases=self._phrases,
                relaxed=relaxed,
                on_end=self._spoke,
                on_ready=on_ready,
            )
        self._admission.join(speech)
        return speech

    def open_utterance(  # noqa: PLR0913  # what a recording and a request have
        self,
        audio_format: AudioFormat,
        *,
        model: str | None = None,
        language: str | None = None,
        names: str | Iterable[str] = (),
        terms: str | Iterable[str] = (),
        words: bool = False,
        relaxed: bool = False,
        bounded: bool = True,
        sensitivity: str | None = None,
        on_ended: Callable[[], None] | None = None,
        on_partial: Callable[[str], None] | None = None,
    ) -> Utterance:
        """Open an utterance to feed audio into; its model loads meanwhile. Never blocks.

        `bounded` applies `limits.max_utterance_s`. With a `sensitivity` (`aggressive`, `default`
        or `relaxed`) it ends by itself after a pause of that length, heard in real time; the
        transcript is then there when `on_ended` is called. `on_partial` gets words while the
        person speaks, once they are certain. Both are called from worker threads. Raises as
        `transcribe`, and ValueError.
        """
        self._check_process()
        check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        listening = self._resolver.listening(
            model,
            language,
            RecognizeRequest(names=several(names), terms=several(terms), words=words),
            self.settings.limits.max_utterance_s if bounded else None,
            sensitivity,
        )
        lane = self._lane(listening.entry)
        with asked_for(self._residency.acquire(listening.entry)) as lease:
            utterance = Utterance(
                plan=listening.plan,
                audio_format=audio_format,
                vad=registry.vad,
                lane=lane,
                lease=lease,
                relaxed=relaxed,
                on_end=self._admission.leave,
                on_ended=on_ended,
                on_partial=on_partial,
            )
        self._admission.join(utterance)
        return utterance

    def open_wake_session(
        self,
        audio_format: AudioFormat,
        *,
        names: str | Iterable[str] = (),
        on_detection: Callable[[Detection], None] | None = None,
        on_problem: Callable[[LunavoxError], None] | None = None,
    ) -> WakeSession:
        """Wait for wake words in a stream of any length, for all those of `names` at once.

        Without names it is those of the settings. One that is unknown or does not load is left out
        and told by `on_problem`, or logged, as long as there is another one. Never blocks; both are
        called from a worker thread. Raises BadAudio, UnknownModel if no word is known, Busy,
        EngineClosed.
        """
        self._check_process()
        check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        waking = self._resolver.waking(several(names))
        lane = self._wake_sessions.lane(_WAKE_LANE)
        asked = ask_for_all((word.entry for word in waking.words), self._residency.acquire)
        with asked_for(joint(asked, forgiving=True)) as lease:
            wake_session = WakeSession(
                words=waking.words,
                audio_format=audio_format,
                lane=lane,
                lease=lease,
                on_end=self._wake_sessions.leave,
                on_detection=on_detection,
                unknown=waking.unknown,
                on_problem=on_problem,
            )
        self._wake_sessions.join(wake_session)
        return wake_session

    def wake_words(self, names: str | Iterable[str] | None = None) -> tuple[ModelEntry, ...]:
        """Every installed wake word, or those that `open_wake_session` takes for `names`.

        Raises UnknownModel if `names` are given and none of them is known.
        """
        if names is None:
            return self._resolver.entries(ModelKind.WAKE)
        return tuple(word.entry for word in self._resolver.waking(several(names)).words)

    def voices(self) -> tuple[ModelEntry, ...]:
        """Every installed voice, the default one first."""
        return self._resolver.entries(ModelKind.TTS)

    def models(self) -> tuple[ModelEntry, ...]:
        """Every installed speech-to-text model, the default one first."""
        return self._resolver.entries(ModelKind.STT)

    def warm_up(self, progress: Callable[[ModelEntry], None] | None = None) -> tuple[LunavoxError, ...]:
        """Load and pin the default model and voice and `engine.pinned`; return what failed.

        Each is waited for `engine.load_timeout_s` at most; one that takes longer fails with TimedOut
        and is pinned when it comes. Raises what `progress` raises, and EngineClosed after a fork.
        """
        self._check_process()
        registry.vad()
        return self._warm.replace(
            [found[0] for found in (self.models(), self.voices()) if found],
            names=self.settings.engine.pinned,
            find=self._resolver.entry,
            timeout_s=self.settings.engine.load_timeout_s,
            progress=progress,
        )

    def substitutes(self) -> dict[ModelKind, LunavoxError]:
        """Say of what the settings name and is not installed that another is used instead."""
        return self._resolver.substitutes()

    def unknown_names(self) -> dict[str, LunavoxError]:
        """Say what the settings name and nothing that is installed has, by the key and the name."""
        return self._resolver.unknown_names()

    def apply(self, settings: Settings) -> None:
        """Use other settings from the next request on; what runs goes on as it began.

        Threads, queues, devices and the cache folder stay as they are. `warm_up` loads what is new.
        """
        resolver = Resolver(settings, self.catalog)
        resolver.stand_in = self._resolver.stand_in  # the strain goes on, until the next look at it at least
        # First, so that whoever sees the new settings finds what they mean.
        self._resolver = resolver
        self.settings = settings
        self.catalog.configure(folders=settings.catalog.folders, aliases=settings.voices)
        self._residency.configure(settings.engine)

    def load(self, name: str) -> None:
        """Load a model or voice now and wait, for `engine.load_timeout_s` at most.

        Raises UnknownModel, BrokenModel, BackendUnavailable, OutOfMemory, TimedOut, InternalError,
        EngineClosed. After TimedOut the load goes on; the model is there, and idle, when it has ended.
        """
        self._check_process()
        entry = self._resolver.entry(name)
        wait_for(self._residency.acquire(entry), self.settings.engine.load_timeout_s, entry.name).release()

    def unload(self, name: str) -> bool:
        """Unload an idle model; False if it is in use or not loaded. Raises UnknownModel."""
        return self._residency.unload(self._resolver.entry(name))

    def pin(self, name: str, *, pinned: bool = True) -> None:
        """Keep a model in memory once loaded, until a load of it fails, or stop keeping it.

        Raises UnknownModel.
        """
        self._residency.pin(self._resolver.entry(name), pinned=pinned)

    def loaded(self, name: str) -> Loaded | None:
        """The model in memory with its device and what loading it took. Raises UnknownModel."""
        return self._residency.loaded(self._resolver.entry(name))

    def is_loaded(self, name: str) -> bool:
        """Whether a model or voice is in memory. Raises UnknownModel."""
        return self.loaded(name) is not None

    def last_load_ms(self, name: str) -> float | None:
        """How long the model in memory took to load; None if it is not loaded."""
        loaded = self.loaded(name)
        return loaded.load_ms if loaded is not None else None

    def last_warmup_ms(self, name: str) -> float | None:
        """How long its first inference took; None if it is not loaded."""
        loaded = self.loaded(name)
        return loaded.warmup_ms if loaded is not None else None

    def on_log(self, callback: Callable[[str, str], None] | None) -> None:
        """Send this package's log lines to `callback(level, message)`; None stops that."""
        self._log.set(callback)

    def lanes(self) -> tuple[LaneStatus, ...]:
        """Every lane that has been started."""
        return self._admission.status()[1]

    def status(self) -> EngineStatus:
        """A snapshot: what is loaded, what runs, what memory there is."""
        memory = system.memory()
        sessions, lanes = self._admission.status()
        wake_sessions, wake_lanes = self._wake_sessions.status()
        return EngineStatus(
            version=__version__,
            uptime_s=time.monotonic() - self._started_s,
            sessions=len(sessions),
            speeches=sum(isinstance(session, Speech) for session in sessions),
            last_speech=self._last_speech,
            wake_sessions=len(wake_sessions),
            models=self._residency.status(),
            lanes=(*lanes, *wake_lanes),
            strain=self._relief.strain.value,
            rss_bytes=system.rss_bytes(),
            mem_available_bytes=memory.available_bytes,
            mem_total_bytes=memory.total_bytes,
            memory_budget_bytes=self._residency.budget.limit_bytes,
        )

    def close(self, timeout_s: float = 5.0) -> None:
        """End every session, wait for running slices, unload the models. Idempotent."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        if os.getpid() != self._process:
            return
        self._wake_sessions.close(timeout_s)
        self._admission.close(timeout_s)
        self._background.close(timeout_s)
        self._residency.close()
        self._log.set(None)

    def _check_process(self) -> None:
        """Raise EngineClosed after a fork: threads, and with them the engine, stay with the parent."""
        if os.getpid() != self._process:
            raise EngineClosed("The engine belongs to the process that made it; make one in this process.")

    def _lane(self, entry: ModelEntry) -> Lane:
        loaded = self._residency.loaded(entry)
        return self._admission.lane(loaded.model.device if loaded else self._devices.guess(entry))

    def _spoke(self, session: Session) -> None:
        self._admission.leave(session)
        if isinstance(session, Speech) and session.stats.audio_duration_ms:
            self._last_speech = session.stats

    def _housekeeping(self) -> None:
        # Each is done although another one fails; the one that is given last comes first.
        with contextlib.ExitStack() as chores:
            chores.callback(self._trim)
            chores.callback(self._relief.tick)
            chores.callback(self._residency.sweep)
            chores.callback(self.catalog.refresh)

    def _trim(self) -> None:
        sessions, _ = self._admission.status()
        if sessions:
            self._worked = True
        elif self._worked:
            self._worked = False
            trim_heap()
