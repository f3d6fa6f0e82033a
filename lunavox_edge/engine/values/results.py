"""Results and status values that the engine returns."""

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
    """Memory of this process before, during and after one call; `vram_*` are 0 unless `vram_measured`."""

    rss_start_bytes: int = 0
    rss_end_bytes: int = 0
    rss_peak_bytes: int = 0
    vram_start_bytes: int = 0
    vram_end_bytes: int = 0
    vram_peak_bytes: int = 0
    vram_measured: bool = False

    @property
    def rss_peak_delta_bytes(self) -> int:
        """Growth of the process from the start of the call to its peak."""
        return max(0, self.rss_peak_bytes - self.rss_start_bytes)

    @property
    def vram_peak_delta_bytes(self) -> int:
        """Growth of GPU memory from the start of the call to its peak."""
        return max(0, self.vram_peak_bytes - self.vram_start_bytes)


@dataclass(frozen=True, slots=True)
class SynthesisStats:
    """Times of one synthesis.

    `t_tokenize_ms` is segmenting and normalising text, `t_generate_ms` the model, `t_decode_ms` gain
    and conversion to PCM; `t_encode_ms` is for backends that encode a reference recording. `queue_ms`
    is the wait before the first slice ran.
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
    """One model that is in memory or being loaded."""

    name: str
    kind: str
    device: str
    state: str
    """`loading`, `idle` or `busy`."""
    size_bytes: int
    idle_s: float
    pinned: bool
    fallback: str = ""
    """Why it is not on a better device; "" if it is."""


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The state of one lane: how many slices run and wait, and how long the oldest has been running."""

    device: str
    workers: int
    running: int
    queued: int
    longest_slice_s: float
    lost_workers: int = 0
    """Workers whose thread has ended, which is a fault."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The state of the engine at one moment."""

    version: str
    uptime_s: float
    sessions: int
    """Open utterances and speeches."""
    speeches: int
    """How many of the sessions are speeches; the others are utterances."""
    last_speech: SynthesisStats | None
    """Times and memory of the last speech that made audio."""
    wake_sessions: int
    """Open wake-word sessions."""
    models: tuple[ModelStatus, ...]
    lanes: tuple[LaneStatus, ...]
    strain: str
    """What runs short: `memory`, `heat` (cooling), or empty."""
    rss_bytes: int
    mem_available_bytes: int
    mem_total_bytes: int
    memory_budget_bytes: int | None
