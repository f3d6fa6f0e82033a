"""What the engine gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lunavox_edge.audio.pcm import to_pcm16
from lunavox_edge.engine.values.voice import VoiceMode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MemStats:
    """Memory of this process around one call; `vram_*` are 0 unless `vram_measured`."""

    rss_start_bytes: int = 0
    rss_end_bytes: int = 0
    rss_peak_bytes: int = 0
    vram_start_bytes: int = 0
    vram_end_bytes: int = 0
    vram_peak_bytes: int = 0
    vram_measured: bool = False

    @property
    def rss_peak_delta_bytes(self) -> int:
        """How far the call rose above where it started."""
        return max(0, self.rss_peak_bytes - self.rss_start_bytes)

    @property
    def vram_peak_delta_bytes(self) -> int:
        """The same on the GPU."""
        return max(0, self.vram_peak_bytes - self.vram_start_bytes)


@dataclass(frozen=True, slots=True)
class SynthesisStats:
    """Where the time of one synthesis went.

    `t_tokenize_ms` is segmenting and normalizing text, `t_generate_ms` the model,
    `t_decode_ms` gain and conversion to PCM; `t_encode_ms` is for backends that encode a
    reference. `queue_ms` is the wait before the first slice ran.
    """

    t_tokenize_ms: float = 0.0
    t_encode_ms: float = 0.0
    t_generate_ms: float = 0.0
    t_decode_ms: float = 0.0
    t_total_ms: float = 0.0
    audio_duration_ms: float = 0.0
    first_audio_ms: float = 0.0
    queue_ms: float = 0.0
    mem: MemStats = field(default_factory=MemStats)

    @property
    def rtf(self) -> float:
        """Real-time factor: seconds of work per second of audio, 0 if there is no audio."""
        return self.t_total_ms / self.audio_duration_ms if self.audio_duration_ms else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class SynthesisResult:
    """Finished speech: mono float32 in [-1, 1] at `sample_rate` Hz."""

    audio: NDArray[np.float32]
    sample_rate: int
    stats: SynthesisStats
    mode: VoiceMode

    @property
    def pcm(self) -> bytes:
        """The audio as 16-bit little-endian PCM."""
        return to_pcm16(self.audio)


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model that is in memory or on its way."""

    name: str
    kind: str
    device: str
    state: str
    """`loading`, `idle` or `busy`."""
    size_bytes: int
    idle_s: float
    pinned: bool
    fallback: str = ""
    """Why it is not on a better device."""


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """One lane: how many slices run and wait, and for how long the oldest has been running."""

    device: str
    workers: int
    running: int
    queued: int
    longest_slice_s: float
    lost_workers: int = 0
    """Workers whose thread has ended; it never should."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """A snapshot of the engine."""

    version: str
    uptime_s: float
    sessions: int
    """Utterances and speeches."""
    speeches: int
    """How many of the sessions speak; the others listen."""
    last_speech: SynthesisStats | None
    """What the last speech that could be heard has cost."""
    wake_sessions: int
    """Microphones listened to for wake words."""
    models: tuple[ModelStatus, ...]
    lanes: tuple[LaneStatus, ...]
    strain: str
    """`memory` or `heat` while that runs short, else empty."""
    rss_bytes: int
    mem_available_bytes: int
    mem_total_bytes: int
    memory_budget_bytes: int | None
