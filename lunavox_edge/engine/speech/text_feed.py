"""Written text of a speech on its way to the script, and what to do when its sentence does not end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lunavox_edge.engine.speech.script import Script
from lunavox_edge.engine.speech.voicing import SpeechPlan


@dataclass(frozen=True, slots=True)
class WrittenText:
    """Text taken from the feed; `is_all` says that none follows, `chars` counts all text so far."""

    text: str
    is_all: bool
    chars: int


class TextFeed:
    """Collects text and passes it to a `Script`.

    Two locks of its owner guard it: `write`, `finish`, `take`, `rest`, `wants_more`, `waiting_chars` and
    `has_more` need the session's lock, `pass_on` and `rest` that of the worker that reads on.
    """

    def __init__(self, script: Script, plan: SpeechPlan, *, now_s: float) -> None:
        """Start empty at `now_s`."""
        self._script = script
        self._plan = plan
        self._waiting: list[str] = []
        self._chars = 0
        self._written_s = now_s
        self.is_finished = False
        """Whether no more text will be written."""
        self.took_all = False
        """Whether the script has the whole text."""
        self._is_dry = True
        """Whether nothing of the text so far is left that can be spoken before more of it comes."""
        self._flushed_chars = 0
        """Characters written when the text last stalled; words up to there were flushed."""

    def write(self, text: str, now_s: float) -> bool:
        """Add text written at `now_s`; False, and it is not added, if it is over the limit."""
        self._chars += len(text)
        if self._chars > self._plan.max_chars:
            return False
        self._waiting.append(text)
        self._is_dry = False
        self._written_s = now_s
        return True

    def finish(self) -> None:
        """End the text."""
        self.is_finished = True

    @property
    def waiting_chars(self) -> int:
        """Characters that the script does not have yet."""
        return sum(map(len, self._waiting))

    @property
    def has_text(self) -> bool:
        """Whether text waits that the script does not have yet."""
        return bool(self._waiting)

    @property
    def has_more(self) -> bool:
        """Whether the script lacks text or the end of it."""
        return self.has_text or self.is_finished != self.took_all

    @property
    def wants_more(self) -> bool:
        """Whether nothing more can be spoken before more text, or the end of it, comes."""
        return self._is_dry and not self.is_finished and self.flush_at_s is None

    def rest(self) -> bool:
        """Note that what was taken is spoken as far as it can be; False if text has come since."""
        self._is_dry = not self.has_text
        return self._is_dry

    def take(self) -> WrittenText:
        """Remove and return the text that waits."""
        text, self._waiting = "".join(self._waiting), []
        return WrittenText(text, self.is_finished, self._chars)

    def pass_on(self, written: WrittenText, clock: Callable[[], float]) -> None:
        """Add text to the script; flush the words of a sentence that has stalled. Raises BadMarkup."""
        if written.text:
            self._script.add(written.text)
        due_s = self.flush_at_s
        if written.is_all:
            self._script.finish()
            self.took_all = True
        elif due_s is not None and clock() >= due_s:
            self._is_dry = False
            self._script.flush_words()
            self._flushed_chars = written.chars

    @property
    def flush_at_s(self) -> float | None:
        """When text that waits for the end of its sentence is spoken without it. Needs no lock.

        Once for each text written: what still waits after that is one word, which may grow.
        """
        left = self._script.backlog
        if not left.waiting_chars or self._flushed_chars == self._chars:
            return None
        if left.waiting_chars < self._plan.buffer_char_threshold and not left.seems_whole:
            return None
        return self._written_s + self._plan.max_buffer_delay_ms / 1000
