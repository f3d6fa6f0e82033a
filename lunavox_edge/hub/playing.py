"""Sending audio to one satellite or several, in real time with a small lead.

The protocol cannot take back audio that was sent. So each satellite is sent only a little more than it has
played, and a stop takes effect after that lead. All satellites of one speech get the same frame in the same
turn of the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from wyoming.audio import AudioChunk as WireChunk
from wyoming.audio import AudioStart, AudioStop
from wyoming.event import Event

from lunavox_edge.audio.chime import chime
from lunavox_edge.audio.framing import frames
from lunavox_edge.audio.loudness import apply_gain
from lunavox_edge.audio.pcm import Converter, Samples, silence, to_pcm
from lunavox_edge.bridge import within
from lunavox_edge.types import AudioChunk, AudioFormat

_FRAME_MS = 40
# The longest wait for `played` after the computed end of the audio.
_PLAYED_S = 3.0

Notes = tuple[tuple[float, float], ...]
"""Notes of a chime, as `audio.chime` takes them."""


class Outlet:
    """The loudspeaker of one satellite for the length of one speech; used on the event loop only."""

    def __init__(
        self,
        send: Callable[[Event], bool],
        *,
        wanted: AudioFormat | None,
        volume: float,
        sends_played: bool,
        lead_in_s: float = 0.0,
    ) -> None:
        """Create an outlet that converts to `wanted`; None keeps the format.

        `send` returns False once the satellite is gone. `volume` is a gain, 1.0 for none. `sends_played`
        says whether the satellite reports the end of playback.
        """
        self.lead_in_s = lead_in_s
        """Seconds of silence that the loudspeaker needs before the first sound."""
        self._send = send
        self._wanted = wanted
        self._volume = volume
        self._sends_played = sends_played
        self._converter: Converter | None = None
        self._format: AudioFormat | None = None
        self._unchanged = False
        self._all_sent = False
        self._due = False
        """Whether all audio must have been played by now."""
        self._played = False
        self._over = asyncio.Event()
        self.reached = True
        """Whether the satellite took everything so far."""
        self.cut = False
        """Whether it was stopped before everything was sent."""

    @property
    def open(self) -> bool:
        """Whether it takes more audio: neither stopped, nor lost, nor played to the end."""
        return not self._over.is_set()

    def start(self, rate_hz: int) -> None:
        """Start a speech of 16-bit mono PCM."""
        self._format = self._wanted or AudioFormat(rate_hz)
        self._converter = Converter(AudioFormat(rate_hz), self._format.rate_hz)
        self._unchanged = self._format == AudioFormat(rate_hz) and self._volume == 1.0
        self._send_event(AudioStart(**_shape(self._format)).event())

    def play(self, pcm: bytes) -> None:
        """Send the next audio at once; dropped if the outlet is not open."""
        if self._converter is None or self._format is None or not self.open:
            return
        self._send_audio(pcm if self._unchanged else self._encoded(self._converter.feed(pcm)))

    def finish(self) -> None:
        """Send the rest of the audio and its end."""
        self._all_sent = True
        if self._converter is None or self._format is None or not self.open:
            return
        self._send_audio(self._encoded(self._converter.finish()))
        self._converter = None
        self._send_event(AudioStop().event())

    def stop(self) -> None:
        """Send no more audio, but its end. Idempotent."""
        if self.open and not self._all_sent:
            self.cut = True
            if self._converter is not None:
                self._converter = None
                self._send(AudioStop().event())
        self._over.set()

    def played(self) -> None:
        """Handle the satellite's `played`; before all was sent, it is about an earlier speech."""
        self._played = self._all_sent
        if self._due:
            self._over.set()

    def lost(self) -> None:
        """Handle the loss of the connection."""
        self.reached = False
        self._over.set()

    async def end(self, remaining_s: float) -> None:
        """Wait until all audio was played: for `remaining_s`, then for `played` if the satellite sends it."""
        if self._format is None:
            return
        with contextlib.suppress(asyncio.TimeoutError):
            await within(self._over.wait(), max(0.0, remaining_s))
        self._due = True
        if self._sends_played and not self._played:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(self._over.wait(), _PLAYED_S)

    def _encoded(self, samples: Samples) -> bytes:
        if self._format is None:
            return b""
        return to_pcm(samples if self._volume == 1.0 else apply_gain(samples, self._volume), self._format)

    def _send_audio(self, pcm: bytes) -> None:
        if pcm and self._format is not None:
            self._send_event(WireChunk(audio=pcm, **_shape(self._format)).event())

    def _send_event(self, event: Event) -> None:
        if self.open and not self._send(event):
            self.lost()


async def play_together(
    outlets: Sequence[Outlet], chunks: AsyncIterator[AudioChunk], *, lead_s: float, notes: Notes = ()
) -> float:
    """Play to the end at every outlet that stays open; return the seconds of the chunks that were sent.

    `lead_s` is how far sending is ahead of playback; `notes` are a chime before the speech. Cancelling stops
    all outlets at once. Raises whatever the chunks raise.
    """
    clock = _Clock(lead_s)
    spoken_s = 0.0
    try:
        async for chunk in chunks:
            if not clock.begun:
                for outlet in outlets:
                    outlet.start(chunk.sample_rate)
                # The same silence for all of them, so that they stay in step.
                lead_in_s = max(outlet.lead_in_s for outlet in outlets)
                await _send(outlets, silence(lead_in_s, chunk.sample_rate), chunk.sample_rate, clock)
                if notes:
                    await _send(outlets, chime(notes, chunk.sample_rate), chunk.sample_rate, clock)
            await _send(outlets, chunk.pcm, chunk.sample_rate, clock)
            spoken_s += chunk.duration_s
            if not any(outlet.open for outlet in outlets):
                return spoken_s
        for outlet in outlets:
            outlet.finish()
        remaining_s = clock.remaining_s
        await asyncio.gather(*(outlet.end(remaining_s) for outlet in outlets))
    finally:
        for outlet in outlets:
            outlet.stop()
    return spoken_s


async def _send(outlets: Sequence[Outlet], pcm: bytes, rate_hz: int, clock: _Clock) -> None:
    for frame in frames(pcm, rate_hz, _FRAME_MS):
        await clock.wait()
        clock.sent(len(frame) / (2 * rate_hz))
        for outlet in outlets:
            outlet.play(frame)
        if not any(outlet.open for outlet in outlets):
            return


class _Clock:
    """Compares the audio that was sent with the time since playback began."""

    def __init__(self, lead_s: float) -> None:
        self._now = asyncio.get_running_loop().time
        self._lead_s = lead_s
        self._began_s = 0.0
        self._sent_s = 0.0

    @property
    def begun(self) -> bool:
        return self._sent_s > 0

    @property
    def remaining_s(self) -> float:
        """Seconds until the audio that was sent has been played."""
        return self._began_s + self._sent_s - self._now()

    async def wait(self) -> None:
        """Wait until the next audio is due to be sent."""
        now_s = self._now()
        # Before the first audio, and after the source has stalled, playback starts with the next audio.
        self._began_s = max(self._began_s, now_s - self._sent_s)
        pause_s = self._began_s + self._sent_s - self._lead_s - now_s
        if pause_s > 0:
            await asyncio.sleep(pause_s)

    def sent(self, seconds: float) -> None:
        self._sent_s += seconds


def _shape(audio_format: AudioFormat) -> dict[str, int]:
    return {
        "rate": audio_format.rate_hz,
        "width": audio_format.width_bytes,
        "channels": audio_format.channels,
    }
