"""The loudspeaker of one satellite, used by one speech at a time."""

from __future__ import annotations

from collections.abc import Callable

from wyoming.event import Event
from wyoming.info import Info

from lunavox_edge.audio.chime import LISTENING, chime
from lunavox_edge.audio.pcm import check_format, silence
from lunavox_edge.errors import LunavoxError
from lunavox_edge.hub.playing import Outlet
from lunavox_edge.settings.satellite_settings import SatelliteSettings
from lunavox_edge.types import AudioFormat

_CHIME_RATE_HZ = 22_050


class SatelliteLoudspeaker:
    """Hands out outlets, one at a time; opening one stops the one before. Used on the event loop only."""

    def __init__(self, send: Callable[[Event], bool], settings: SatelliteSettings) -> None:
        """Create a silent loudspeaker. `send` returns False while the satellite is not connected."""
        self._send = send
        self._rate_hz = settings.rate_hz
        self._lead_in_s = settings.lead_in_silence_ms / 1000
        self._announced_format: AudioFormat | None = None
        self._sends_played = False
        self._outlet: Outlet | None = None
        self.volume = settings.volume
        """The gain of the next outlets, 1.0 for none."""

    def connected(self, info: Info) -> None:
        """Take in the audio format that a newly connected satellite announces."""
        self._sends_played = False
        self._announced_format = _announced_format(info)

    def open(self) -> Outlet:
        """Stop the current outlet and return a new one."""
        self.silence()
        self._outlet = self._new_outlet()
        return self._outlet

    def holds(self, outlet: Outlet) -> bool:
        """Whether this is the current outlet."""
        return outlet is self._outlet

    def give_back(self, outlet: Outlet) -> bool:
        """Release the loudspeaker; False if this is not the current outlet."""
        if outlet is not self._outlet:
            return False
        self._outlet = None
        return True

    def silence(self) -> bool:
        """Stop the current outlet; False if there is none."""
        outlet, self._outlet = self._outlet, None
        if outlet is not None:
            outlet.stop()
        return outlet is not None

    def lost(self) -> None:
        """Handle the loss of the connection."""
        if self._outlet is not None:
            self._outlet.lost()
        self.silence()

    def played(self) -> None:
        """Handle the satellite's message `played`."""
        self._sends_played = True
        if self._outlet is not None:
            self._outlet.played()

    def play_chime(self) -> None:
        """Play the chime that says "listening"; it is short, so all of it is sent at once."""
        outlet = self._new_outlet()
        outlet.start(_CHIME_RATE_HZ)
        outlet.play(silence(self._lead_in_s, _CHIME_RATE_HZ) + chime(LISTENING, _CHIME_RATE_HZ))
        outlet.finish()

    def _new_outlet(self) -> Outlet:
        wanted = AudioFormat(self._rate_hz) if self._rate_hz is not None else self._announced_format
        return Outlet(
            self._send,
            wanted=wanted,
            volume=self.volume,
            sends_played=self._sends_played,
            lead_in_s=self._lead_in_s,
        )


def _announced_format(info: Info) -> AudioFormat | None:
    """Return the first valid playback format that the satellite announces; None if there is none."""
    for program in info.snd:
        found = program.snd_format
        try:
            check_format(found.rate, found.width, found.channels)
        except LunavoxError:
            continue
        return AudioFormat(found.rate, found.width, found.channels)
    return None
