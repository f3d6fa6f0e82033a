"""When a satellite's microphone streams, and the messages that start and stop it.

A satellite without wake words of its own streams all the time. One with wake words of its own streams a turn:
from the wake word to the `transcript`. To listen again without a wake word, the hub asks it for another turn,
if it supports that (`supports_trigger`); else the transcript is held back until the conversation is over, so
that the satellite goes on streaming.
"""

from __future__ import annotations

from collections.abc import Callable

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Info
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.vad import VoiceStopped


class StreamingMicrophone:
    """The microphone of one satellite; used on the event loop only."""

    def __init__(self, send: Callable[[Event], bool]) -> None:
        """Assume a satellite that streams all the time. `send` returns False while it is not connected."""
        self._send = send
        self._takes_requests = False
        self._requested = False
        self._held_text: str | None = None
        self.waits_itself = False
        """Whether it detects wake words itself; its first message of a turn shows that."""

    def connected(self, info: Info) -> None:
        """Reset everything for a new connection."""
        satellite = info.satellite
        self._takes_requests = satellite is not None and satellite.supports_trigger is True
        self._requested, self._held_text, self.waits_itself = False, None, False

    @property
    def streams(self) -> bool:
        """Whether it streams without a wake word having been said for it."""
        return not self.waits_itself or self._held_text is not None

    def utterance_ended(self, text: str, *, may_follow_up: bool) -> None:
        """Send the end of speech and the transcript.

        With `may_follow_up` the transcript is held back where the satellite would not stream again.
        """
        self._send(VoiceStopped().event())
        if may_follow_up and self.waits_itself and not self._takes_requests:
            self._held_text = text
        else:
            self.end_turn(text)

    def end_turn(self, text: str = "") -> None:
        """Send a transcript, at which a satellite with wake words of its own stops streaming."""
        self._held_text, self._requested = None, False
        self._send(Transcript(text=text).event())

    def conversation_ended(self) -> None:
        """Send the transcript that was held back, and drop an open request."""
        self._requested = False
        if self._held_text is not None:
            self.end_turn(self._held_text)

    def request_turn(self) -> None:
        """Ask for streaming without a wake word, unless it streams already or does not support that."""
        if not self.streams and self._takes_requests:
            self._requested = True
            self._send(RunPipeline(PipelineStage.ASR, PipelineStage.TTS).event())

    def turn_started(self, wake_word: str | None) -> bool:
        """Note that a turn has started; True if it is a new call, False if the hub requested it."""
        self.waits_itself = True
        requested, self._requested = self._requested, False
        return not requested or wake_word is not None
