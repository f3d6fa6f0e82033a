"""When a satellite's microphone streams, as far as the hub can say so.

One that streams all the time always does; one with a wake word of its own from that word to the `transcript`.
To hear more of it without a wake word it is asked for another turn, if it knows how to (`supports_trigger`).
From any other one the transcript is held back until the conversation is over, so that it does not stop.
"""

from __future__ import annotations

from collections.abc import Callable

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Info
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.vad import VoiceStopped


class StreamingMicrophone:
    """The microphone of one satellite, seen from the hub."""

    def __init__(self, send: Callable[[Event], bool]) -> None:
        """Store; `send` is False while the satellite is not there."""
        self._send = send
        self._takes_requests = False
        self._requested = False
        self._held: str | None = None
        self.waits_itself = False
        """Whether it has a wake word of its own; until it says so, it has not."""

    def connected(self, info: Info) -> None:
        """Begin anew."""
        told = info.satellite
        self._takes_requests = told is not None and told.supports_trigger is True
        self._requested, self._held, self.waits_itself = False, None, False

    @property
    def streams(self) -> bool:
        """Whether audio comes although nobody said a wake word just now."""
        return not self.waits_itself or self._held is not None

    def heard(self, text: str, *, listens_on: bool) -> None:
        """Say what was heard; with `listens_on` it may be listened to again after the answer."""
        self._send(VoiceStopped().event())
        if listens_on and self.waits_itself and not self._takes_requests:
            self._held = text
        else:
            self.stop(text)

    def stop(self, text: str = "") -> None:
        """End the turn: what has a wake word of its own waits for it again."""
        self._held, self._requested = None, False
        self._send(Transcript(text=text).event())

    def rest(self) -> None:
        """The conversation is over."""
        self._requested = False
        if self._held is not None:
            self.stop(self._held)

    def request(self) -> None:
        """Have it stream without a wake word, if it does not do so already."""
        if not self.streams and self._takes_requests:
            self._requested = True
            self._send(RunPipeline(PipelineStage.ASR, PipelineStage.TTS).event())

    def begins(self, wake_word: str | None) -> bool:
        """It streams from now on; True if somebody called, False if it was requested."""
        self.waits_itself = True
        requested, self._requested = self._requested, False
        return not requested or wake_word is not None
