"""The engine: the only interface for front-ends and embedding programs."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from lunavox_edge._version import __version__
from lunavox_edge.audio.pcm import check_format
from lunavox_edge.backends import registry
from lunavox_edge.backends.base import RecognizeRequest
from lunavox_edge.engine.admission import Admission
from lunavox_edge.engine.catalog.catalog import Catalog
from lunavox_edge.engine.hearing.utterance import Utterance
from lunavox_edge.engine.housekeeping import INTERVAL_S, Housekeeping
from lunavox_edge.engine.log_tap import LogTap
from lunavox_edge.engine.model_control import ModelControl
from lunavox_edge.engine.models.devices import Devices
from lunavox_edge.engine.models.leases import ask_for_all, asked_for, joint
from lunavox_edge.engine.models.loading import ThreadPlan
from lunavox_edge.engine.models.residency import Residency
from lunavox_edge.engine.pressure import MemoryPressure
from lunavox_edge.engine.resolve import Resolver
from lunavox_edge.engine.scheduling.lanes import BackgroundThreads, Lane
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.engine.speech.phrases import PhraseCache
from lunavox_edge.engine.speech.speech import Speech
from lunavox_edge.engine.values.naming import several
from lunavox_edge.engine.values.params import SynthesisParams
from lunavox_edge.engine.values.results import EngineStatus, LaneStatus, SynthesisStats
from lunavox_edge.engine.values.voice import Voice
from lunavox_edge.engine.waking.wake_session import WakeSession
from lunavox_edge.engine.whole_requests import WholeRequests
from lunavox_edge.errors import LunavoxError
from lunavox_edge.host import system
from lunavox_edge.settings.model import Settings
from lunavox_edge.settings.reading import as_settings
from lunavox_edge.types import AudioFormat, Detection, ModelEntry

_MIB = 1024 * 1024
_WAKE_LANE = "wake"


class Engine(WholeRequests, ModelControl):
    """Speech recognition, speech synthesis and wake words with local models.

    Thread-safe; a context manager. It belongs to the process that made it: after a fork the child makes
    its own. `settings` is a Settings value, the path of a YAML file, or None for the defaults.
    No model is loaded until it is used or `warm_up` is called. Creating an engine reads files and
    imports backends, so that methods that never block may be called on an event loop from the first
    call on. Raises SettingsError.
    """

    def __init__(
        self,
        settings: Settings | str | Path | None = None,
        *,
        on_log: Callable[[str, str], None] | None = None,
    ) -> None:
        """Read the settings and the catalog; `on_log` gets the log lines as `(level, message)`."""
        settings = as_settings(settings)
        system.quiet_openmp()
        system.forbid_telemetry()
        self._log = LogTap()
        self._log.set(on_log)
        self._started_s = time.monotonic()
        self._closed = False
        self._last_speech: SynthesisStats | None = None
        plan = ThreadPlan.for_threads(settings.engine.threads or system.cpu_count())
        self._admission = Admission.for_sessions(settings, cpu_workers=plan.workers)
        self._wake_sessions = Admission.for_wake_sessions(settings)
        self.catalog = Catalog.of(settings)
        # Here and not at the first request, which may come on an event loop.
        self.catalog.refresh()
        self._phrases = PhraseCache(settings.tts.phrase_cache_mb * _MIB)
        self._background = BackgroundThreads()
        self._devices = Devices(settings)
        residency = Residency.of(settings, plan, self._devices, self._background.load)
        super().__init__(settings, Resolver(settings, self.catalog), residency)
        self._pressure = MemoryPressure(
            residency, models=lambda: self._resolver.models, settings=lambda: self.settings
        )
        housekeeping = Housekeeping(self.catalog, residency, self._pressure, self._admission)
        self._background.tick(INTERVAL_S, housekeeping.tick)
        # A thread inside a model call while the interpreter shuts down would crash the process.
        atexit.register(self.close)

    def __enter__(self) -> Engine:  # noqa: PYI034  # Self needs Python 3.11
        """Return the engine."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

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

        `relaxed` is for announcements: their work yields to replies. `on_ready` is called from a worker
        thread whenever `poll` may return something new.
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
                on_end=self._speech_ended,
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

        `names` (of people, rooms, devices) and `terms` are words that are likely to be said; `words` asks
        for the time of each word. `relaxed` is for files: their work yields to live requests.
        `bounded` applies `limits.max_utterance_s`. With a `sensitivity` (`aggressive`, `default`
        or `relaxed`) the utterance ends by itself after a pause of that length, if the audio arrives in
        real time; the transcript is there when `on_ended` is called. `on_partial` gets words while the
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
        """Detect wake words in audio of any length, all those of `names` at once. Never blocks.

        Without names they are those of the settings. A word that is unknown or does not load is left out
        and reported to `on_problem`, or logged, as long as there is another one. Both callbacks are
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

    def apply(self, settings: Settings) -> None:
        """Use other settings from the next request on; open sessions keep theirs.

        Threads, queues, devices and the cache folder stay as they are. `warm_up` loads new defaults.
        """
        resolver = Resolver(settings, self.catalog)
        # Memory pressure goes on, at least until it is checked the next time.
        resolver.models.stand_in = self._resolver.models.stand_in
        # Before the settings, so that a caller that sees the new settings gets their models.
        self._resolver = resolver
        self.settings = settings
        self.catalog.configure(folders=settings.catalog.folders, aliases=settings.voices)
        self._residency.configure(settings.engine)

    def on_log(self, callback: Callable[[str, str], None] | None) -> None:
        """Send this package's log lines to `callback(level, message)`; None stops that."""
        self._log.set(callback)

    def lanes(self) -> tuple[LaneStatus, ...]:
        """State of every lane that has been started, but that of wake-word sessions."""
        return self._admission.status()[1]

    def status(self) -> EngineStatus:
        """A snapshot: loaded models, open sessions, lanes and memory."""
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
            strain=self._pressure.strain.value,
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
        if self._is_other_process():
            return
        self._wake_sessions.close(timeout_s)
        self._admission.close(timeout_s)
        self._background.close(timeout_s)
        self._residency.close()
        self._log.set(None)

    def _lane(self, entry: ModelEntry) -> Lane:
        """Return the lane of the device on which a model is, or will probably be."""
        loaded = self._residency.loaded(entry)
        return self._admission.lane(loaded.model.device if loaded else self._devices.guess(entry))

    def _speech_ended(self, session: Session) -> None:
        self._admission.leave(session)
        if isinstance(session, Speech) and session.stats.audio_duration_ms:
            self._last_speech = session.stats
