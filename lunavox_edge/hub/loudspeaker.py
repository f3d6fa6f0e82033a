"""The loudspeaker of one satellite, which one speech at a time may have."""

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
    """Hands out outlets; opening one closes the one before."""

    def __init__(self, send: Callable[[Event], bool], settings: SatelliteSettings) -> None:
        """Store; `send` is False while the satellite is not there."""
        self._send = send
        self._rate_hz = settings.rate_hz
        self._lead_in_s = settings.lead_in_silence_ms / 1000
        self._told: AudioFormat | None = None
        self._tells_played = False
        self._outlet: Outlet | None = None
        self.volume = settings.volume
        """How loud what begins from now on plays."""

    def connected(self, info: Info) -> None:
        """Take in what a satellite that has just connected can play."""
        self._tells_played = False
        self._told = _told(info)

    def open(self) -> Outlet:
        """Silence what plays and return an outlet for what comes."""
        self.silence()
        self._outlet = self._made()
        return self._outlet

    def holds(self, outlet: Outlet) -> bool:
        """Whether this one has the loudspeaker."""
        return outlet is self._outlet

    def give_back(self, outlet: Outlet) -> bool:
        """Take the loudspeaker from it; False if it had it no more."""
        if outlet is not self._outlet:
            return False
        self._outlet = None
        return True

    def silence(self) -> bool:
        """End what plays; False if nothing does."""
        outlet, self._outlet = self._outlet, None
        if outlet is not None:
            outlet.stop()
        return outlet is not None

    def lost(self) -> None:
        """The satellite is gone."""
        if self._outlet is not None:
            self._outlet.lost()
        self.silence()

    def played(self) -> None:
        """The satellite says that it has played what it was sent."""
        self._tells_played = True
        if self._outlet is not None:
            self._outlet.played()

    def ring(self) -> None:
        """Play the chime that tells that somebody listens; it is short, so it is sent at once."""
        outlet = self._made()
        outlet.start(_CHIME_RATE_HZ)
        outlet.play(silence(self._lead_in_s, _CHIME_RATE_HZ) + chime(LISTENING, _CHIME_RATE_HZ))
        outlet.finish()

    def _made(self) -> Outlet:
        wanted = AudioFormat(self._rate_hz) if self._rate_hz is not None else self._told
        return Outlet(
            self._send,
            wanted=wanted,
            volume=self.volume,
            tells_played=self._tells_played,
            lead_in_s=self._lead_in_s,
        )


def _told(info: Info) -> AudioFormat | None:
    """Return the format that it says it plays best; None if it does not tell."""
    for program in info.snd:
        told = program.snd_format
        try:
            check_format(told.rate, told.width, told.channels)
        except LunavoxError:
            continue
        return AudioFormat(told.rate, told.width, told.channels)
    return None
