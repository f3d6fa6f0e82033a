"""Computing audio with a Piper voice: in pieces if its graph allows it, else a whole segment at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

import numpy as np

from lunavox_edge.backends import ort
from lunavox_edge.backends.base import Piece, Samples
from lunavox_edge.backends.tts.flow import CONTEXT, LATENT
from lunavox_edge.backends.tts.vocoder import FRAMES, SPEAKER, Layout

EAGER_FRAMES = (12, 24, 48, 64)
"""Sizes of the pieces if latency matters: a small first piece, so that audio is there early, then larger
ones, because the context of every piece costs time too. The last size is repeated; larger pieces would cost
more memory and save no time."""
CALM_FRAMES = (64,)
"""Sizes of the pieces if latency does not matter."""
FLOW_FRAMES = 400
"""The flow computes about this many frames at once (at most 1.5 times as many), so that its time and memory
do not grow with the text."""
FLOW_LEAST_FRAMES = 65
"""Shortest window of the flow, except for shorter sentences: with up to 64 columns onnxruntime adds in
another order, and the vocoder makes such rounding differences ten times larger."""
_LEAST_FRAMES = 20
"""A shorter remainder at the end is not a piece of its own."""


class Sound(ABC):
    """The open model of a voice: computes audio from phoneme ids."""

    note: str = ""
    """Why it is slower than it could be; empty if it is not."""

    @abstractmethod
    def pieces(self, feeds: Mapping[str, Any], *, eager: bool) -> Iterator[Piece]:
        """Yield the pieces of audio for Piper's inputs; see `TtsModel.pieces`."""


class WholeSound(Sound):
    """A voice that computes the audio of a segment as one piece."""

    def __init__(self, session: ort.OrtSession, note: str) -> None:
        """Wrap an open model."""
        self._session = session
        self.note = note

    def pieces(self, feeds: Mapping[str, Any], *, eager: bool) -> Iterator[Piece]:  # noqa: ARG002
        """Yield everything as one piece."""
        yield Piece(lambda: _samples(self._session.run(None, feeds)[0]))


@dataclass(slots=True)
class SentenceFrames:
    """State of one sentence of `count` frames: the first `made` are in `frames`, others need `latents`.

    A computed frame never changes, so pieces may be computed while more frames are.
    """

    count: int
    speaker: Mapping[str, Any]
    latents: Mapping[str, Any]
    frames: Any = None
    made: int = 0


class ChunkedSound(Sound):
    """A voice in parts: text, flow, vocoder. The last two run in windows.

    All randomness is in the text part. Each window has enough context that its result equals that of the
    whole, up to rounding.
    """

    def __init__(
        self, text: ort.OrtSession, flow: ort.OrtSession | None, vocoder: ort.OrtSession, *, rate_hz: int
    ) -> None:
        """Wrap the open parts; without a flow the text part computes the frames."""
        self._text = text
        self._flow = flow
        self._vocoder = vocoder
        self._rate_hz = rate_hz
        self._layout = Layout.from_notes(vocoder.notes)
        self._flow_context = 0 if flow is None else int(flow.notes[CONTEXT])

    def pieces(self, feeds: Mapping[str, Any], *, eager: bool) -> Iterator[Piece]:
        """Yield pieces of growing size; the memory that is needed does not grow with the text."""
        line = self.line(feeds)
        context = self._layout.stages[0].context
        edges = list(chunks(line.count, EAGER_FRAMES if eager else CALM_FRAMES))
        # The frames of the first piece alone, then those of the next two while the first is played.
        soon = [stop + context for _, stop in edges[:3:2]] if eager else []
        stops = flow_stops(line.count, soon, self._flow_context)
        for start, stop in edges:
            while line.made < min(line.count, stop + context):
                self.make_frames(line, next(stops))
            seconds = (stop - start) * self._layout.hop_samples / self._rate_hz
            yield Piece(partial(self.piece, line, start, stop), seconds)

    def line(self, feeds: Mapping[str, Any]) -> SentenceFrames:
        """Run the text part."""
        found = self._text.run(None, feeds)
        speaker = {SPEAKER: found.pop()} if SPEAKER in self._vocoder.inputs else {}
        if self._flow is None:
            (frames,) = found
            return SentenceFrames(frames.shape[-1], speaker, {}, frames, frames.shape[-1])
        names = [name for name in self._flow.inputs if name.startswith(LATENT)]
        latents = dict(zip(names, found, strict=True))
        return SentenceFrames(max(_length(latent) for latent in found), speaker, latents)

    def make_frames(self, line: SentenceFrames, stop: int) -> None:
        """Run the flow for the frames from `line.made` to before `stop`."""
        if self._flow is None:
            raise ValueError("there is no flow")
        low, high = max(0, line.made - self._flow_context), min(line.count, stop + self._flow_context)
        feeds = {
            name: np.ascontiguousarray(latent[..., low:high]) if _length(latent) == line.count else latent
            for name, latent in line.latents.items()
        }
        if SPEAKER in self._flow.inputs:
            feeds |= line.speaker
        (found,) = self._flow.run(None, feeds)
        if found.shape[-1] != high - low:
            raise ValueError("the flow made a window of the wrong length")
        if line.frames is None:
            line.frames = np.empty((*found.shape[:-1], line.count), found.dtype)
        line.frames[..., line.made : stop] = found[..., line.made - low : stop - low]
        line.made = stop

    def piece(self, line: SentenceFrames, start: int, stop: int) -> Samples:
        """Run the vocoder for the frames `start` to before `stop`; their context must be computed too."""
        hop = self._layout.hop_samples
        feeds = dict(line.speaker)
        origin, before = 0, 1
        for stage in self._layout.stages:
            origin, before = origin * stage.rate // before, stage.rate
            low = max(0, start * stage.rate - stage.context)
            high = min(line.count * stage.rate, stop * stage.rate + stage.context)
            if stage.rate == 1:
                feeds[FRAMES] = np.ascontiguousarray(line.frames[..., low:high])
            else:
                for port, place in zip(stage.ports, (low, high), strict=True):
                    feeds[port] = np.array([place - origin], np.int64)
            origin = low
        origin = origin * hop // before
        sound = _samples(self._vocoder.run(None, feeds, is_last=stop == line.count)[0])
        if len(sound) != high * hop // before - origin:
            raise ValueError("the vocoder made a piece of the wrong length")
        return sound[start * hop - origin : stop * hop - origin]


def chunks(count: int, sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the pieces of `count` frames.

    The last two pieces have the same size, so that two workers finish at the same time.
    """
    start = index = 0
    while start < count:
        left, size = count - start, sizes[min(index, len(sizes) - 1)]
        if left - size < _LEAST_FRAMES:
            size = left
        elif index >= len(sizes) - 1 and left < 2 * size:
            size = ceil(left / 2)
        stop = start + size
        yield start, stop
        start = stop
        index += 1


def flow_stops(count: int, soon: Sequence[int], context: int) -> Iterator[int]:
    """Yield the ends of the windows in which the flow computes `count` frames.

    The first ones end at `soon` or a little later, but only if enough frames follow: every window costs twice
    the `context` more in all.
    """
    made = 0
    for wanted in soon:
        stop = max(wanted, FLOW_LEAST_FRAMES - context)
        if stop > made and count - stop > 2 * context:
            made = stop
            yield made
    for left in range(max(1, round((count - made) / FLOW_FRAMES)), 0, -1):
        made += ceil((count - made) / left)
        yield made


def _length(latent: Any) -> int:  # noqa: ANN401  # no types exist
    return int(latent.shape[-1]) if latent.ndim else 1


def _samples(output: Any) -> Samples:  # noqa: ANN401  # no types exist
    return np.asarray(output, dtype=np.float32).reshape(-1)
