"""From a Piper voice's numbers to sound: in two halves where its graph allows it, else whole."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from lunavox_edge.backends import ort
from lunavox_edge.backends.base import LoadOptions, Piece, Remark, Samples
from lunavox_edge.backends.tts import piper_halves
from lunavox_edge.backends.tts.vocoder import FRAMES, SPEAKER, Layout, NotCuttable
from lunavox_edge.errors import BrokenModel
from lunavox_edge.types import ModelEntry, SourceKind

CHUNK_FRAMES = (20, 40, 80, 160)
"""How much is made at once: little at first, so that sound is there early, then more, because every
piece costs its surroundings too. The last size is repeated."""
_HALVES = "two halves"

_LOGGER = logging.getLogger(__name__)


class Sound(ABC):
    """An open voice."""

    note: str = ""
    """Why it is slower than it might be."""

    @abstractmethod
    def pieces(self, feeds: Mapping[str, Any], *, eager: bool) -> Iterator[Piece]:
        """Yield what the sound for Piper's inputs is made of; see `TtsModel.pieces`."""


class WholeSound(Sound):
    """A voice that makes its sound in one go."""

    def __init__(self, session: ort.Session, note: str) -> None:
        """Wrap an open model."""
        self._session = session
        self.note = note

    def pieces(self, feeds: Mapping[str, Any], *, eager: bool) -> Iterator[Piece]:  # noqa: ARG002
        """Yield everything as one piece."""
        yield Piece(lambda: _samples(self._session.run(None, feeds)[0]))


@dataclass(frozen=True, slots=True)
class Frames:
    """What the first half made of a sentence; `around` is what else the vocoder reads."""

    values: Any
    around: Mapping[str, Any]

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.values.shape[-1])


class ChunkedSound(Sound):
    """A voice in two halves: the frames of a sentence are made at once, their sound in pieces.

    All that is random happens in the first half. A piece is made with so many frames around it
    that it equals what the whole would have been.
    """

    def __init__(self, first: ort.Session, vocoder: ort.Session) -> None:
        """Wrap the open halves."""
        self._first = first
        self._vocoder = vocoder
        self._has_speaker = SPEAKER in vocoder.inputs
        self._layout = Layout.from_notes(vocoder.notes)

    def pieces(self, feeds: Mapping[str, Any], *, eager: bool) -> Iterator[Piece]:  # noqa: ARG002
        """Yield pieces that grow; what is needed at once does not grow with the text."""
        frames = self.frames(feeds)
        for start, stop in chunks(frames.count):
            yield Piece(partial(self.piece, frames, start, stop))

    def frames(self, feeds: Mapping[str, Any]) -> Frames:
        """Run the first half."""
        values, *speaker = self._first.run(None, feeds)
        return Frames(values, {SPEAKER: speaker[0]} if self._has_speaker else {})

    def piece(self, frames: Frames, start: int, stop: int) -> Samples:
        """Run the vocoder for the frames from `start` to before `stop`."""
        hop = self._layout.hop_samples
        feeds = dict(frames.around)
        origin, before = 0, 1
        for stage in self._layout.stages:
            origin, before = origin * stage.rate // before, stage.rate
            low = max(0, start * stage.rate - stage.context)
            high = min(frames.count * stage.rate, stop * stage.rate + stage.context)
            if stage.rate == 1:
                feeds[FRAMES] = np.ascontiguousarray(frames.values[..., low:high])
            else:
                for port, place in zip(stage.ports, (low, high), strict=True):
                    feeds[port] = np.array([place - origin], np.int64)
            origin = low
        origin = origin * hop // before
        sound = _samples(self._vocoder.run(None, feeds)[0])
        if len(sound) != high * hop // before - origin:
            raise ValueError("the vocoder made a piece of the wrong length")
        return sound[start * hop - origin : stop * hop - origin]


def chunks(count: int) -> Iterator[tuple[int, int]]:
    """Yield where the pieces of so many frames begin and end; none but the only one is very small."""
    start = index = 0
    while start < count:
        stop = start + CHUNK_FRAMES[min(index, len(CHUNK_FRAMES) - 1)]
        if count - stop < CHUNK_FRAMES[0]:
            stop = count
        yield start, stop
        start = stop
        index += 1


def open_sound(entry: ModelEntry, options: LoadOptions) -> Sound:
    """Open a voice. Raises BrokenModel, BackendUnavailable, MemoryError."""
    try:
        return _open_halves(entry, options)
    except NotCuttable as error:
        note = _slower(str(error))
    session = _open(entry.path, options)
    _tell_once(entry.name, note)
    return WholeSound(session, note)


def way_to_speak(entry: ModelEntry, cache_dir: Path | None) -> Remark:
    """Say whether a voice speaks in two halves, without opening it."""
    places = _places(entry, cache_dir)
    if piper_halves.noted_halves(entry.path, places) is not None:
        return Remark(_HALVES)
    obstacle = piper_halves.obstacle(entry.path, places)
    if obstacle is not None:
        return Remark(_slower(obstacle), is_fine=False)
    return Remark(f"{_HALVES}, made when it first speaks")


def _open_halves(entry: ModelEntry, options: LoadOptions) -> ChunkedSound:
    places = _places(entry, options.cache_dir)
    for anew in (False, True):
        folder = piper_halves.halves(entry.path, places, anew=anew)
        # What is kept there may be damaged, or be replaced by another process at this moment.
        with suppress(BrokenModel, KeyError, ValueError):
            return ChunkedSound(
                _open(folder / piper_halves.FIRST, options),
                _open(folder / piper_halves.VOCODER, options, steady=True),
            )
    raise NotCuttable("its halves do not open")


def _open(path: Path, options: LoadOptions, *, steady: bool = False) -> ort.Session:
    return ort.open_session(path, device=options.device, threads=options.threads, steady=steady)


def _places(entry: ModelEntry, cache_dir: Path | None) -> list[Path]:
    """Where halves may lie: beside the voice, but not inside a package; else in the cache."""
    beside = [] if entry.source_kind is SourceKind.PACKAGE else [entry.path.parent / piper_halves.FOLDER]
    return beside if cache_dir is None else [*beside, piper_halves.cached_place(cache_dir, entry.path)]


@cache
def _tell_once(name: str, note: str) -> None:
    _LOGGER.warning("%s: %s", name, note)


def _slower(reason: str) -> str:
    return f"whole segments, because {reason}; its sound begins later"


def _samples(output: Any) -> Samples:  # noqa: ANN401  # no types exist
    return np.asarray(output, dtype=np.float32).reshape(-1)
