"""The appliance's own loudspeaker: a player program that gets the audio while it is made."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from lunavox_edge import program
from lunavox_edge.announcements.loudspeakers import Place, always_included
from lunavox_edge.audio.pcm import silence
from lunavox_edge.audio.wav import UNKNOWN_SIZE, wav_header
from lunavox_edge.bridge import within
from lunavox_edge.errors import NoLoudspeaker, PlaybackFailed, UnknownSatellite
from lunavox_edge.host.players import player_for
from lunavox_edge.types import AudioChunk, Priority

# A player that takes no audio for so long, or ends so long after the audio should have, hangs.
_PATIENCE_S = 15.0
# Audio in the pipe cannot be taken back: an interrupted speech continues after it, so there is little of it.
_AHEAD_S = 0.5


class SoundCard:
    """Plays through a player program; the caller must play one speech at a time."""

    def __init__(self, output: str | None, *, lead_in_s: float = 0.0) -> None:
        """Play at `output`, a value of `audio.output`; None means that there is no loudspeaker.

        Every speech begins with `lead_in_s` of silence.
        """
        self._output = output
        self._lead_in_s = lead_in_s

    def resolve(self, place: Place) -> tuple[str, ...]:
        """Return an empty tuple. Raises NoLoudspeaker, and UnknownSatellite if the place names any."""
        if place.satellites or place.area is not None:
            raise UnknownSatellite("No satellites are set up here; leave 'satellite' and 'area' out.")
        if self._output is None:
            raise NoLoudspeaker("There is no loudspeaker: set audio.output, for example to 'auto'.")
        return ()

    async def play(
        self,
        satellites: tuple[str, ...],  # noqa: ARG002  # always empty
        chunks: AsyncIterator[AudioChunk],
        priority: Priority,  # noqa: ARG002  # nothing else plays here
        *,
        asks: bool = False,  # noqa: ARG002  # there is no microphone
        still_included: Callable[[str], bool] = always_included,  # noqa: ARG002  # there are no satellites
    ) -> tuple[str, ...]:
        """Play to the end. Raises PlaybackFailed, BackendUnavailable and what the chunks raise."""
        command = player_for(self._output or "auto")
        name = Path(command[0]).name
        try:
            # Started before the first audio is there, because starting takes time.
            player = await program.start(command, stdin=PIPE, stdout=DEVNULL)
        except OSError as error:
            raise PlaybackFailed(f"{name} cannot be started: {error.strerror}.") from error
        error_output = asyncio.ensure_future(program.last_words(player))
        try:
            audio_s = await _feed(player, chunks, self._lead_in_s)
            if not audio_s:
                return ()  # an interruption came at the very end; players refuse empty input
            status = await within(player.wait(), audio_s + _PATIENCE_S)
            if status:
                raise PlaybackFailed(f"{name} could not play: {await error_output or 'no reason given'}")
        except ConnectionError as error:
            raise PlaybackFailed(
                f"{name} stopped playing: {await error_output or 'no reason given'}"
            ) from error
        except asyncio.TimeoutError as error:
            raise PlaybackFailed(f"{name} hangs.") from error
        finally:
            error_output.cancel()
            await program.end(player)
        return ()


async def _feed(player: Process, chunks: AsyncIterator[AudioChunk], lead_in_s: float) -> float:
    """Write the audio, after `lead_in_s` of silence, as a WAV of unknown length; return its seconds.

    Writes no more than `_AHEAD_S` ahead of a player that started with the first audio.
    """
    stdin, audio_s, loop, started_s = player.stdin, 0.0, asyncio.get_running_loop(), 0.0
    if stdin is None:
        raise PlaybackFailed("The player takes no input.")
    async for chunk in chunks:
        if not audio_s:
            stdin.write(wav_header(chunk.sample_rate, UNKNOWN_SIZE))
            stdin.write(silence(lead_in_s, chunk.sample_rate))
            audio_s, started_s = lead_in_s, loop.time()
        stdin.write(chunk.pcm)
        audio_s += chunk.duration_s
        await within(stdin.drain(), lead_in_s + chunk.duration_s + _PATIENCE_S)
        await asyncio.sleep(max(0.0, started_s + audio_s - _AHEAD_S - loop.time()))
    stdin.close()
    return audio_s
