"""Opening a Piper voice: in parts if its graph allows it, else as a whole."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import cache
from pathlib import Path

from lunavox_edge.backends import ort
from lunavox_edge.backends.base import LoadOptions, Remark
from lunavox_edge.backends.tts import piper_parts
from lunavox_edge.backends.tts.piper_cut import FLOW, NEXT, TEXT, VOCODER
from lunavox_edge.backends.tts.piper_sound import ChunkedSound, Sound, WholeSound
from lunavox_edge.backends.tts.reach import NotCuttable
from lunavox_edge.errors import BrokenModel
from lunavox_edge.types import ModelEntry, SourceKind

_IN_PIECES = "in pieces"

_LOGGER = logging.getLogger(__name__)


def open_sound(entry: ModelEntry, options: LoadOptions, *, rate_hz: int) -> Sound:
    """Open a voice. Raises BrokenModel, BackendUnavailable, MemoryError."""
    try:
        return _open_parts(entry, options, rate_hz=rate_hz)
    except NotCuttable as error:
        note = _slower(str(error))
    session = _open(entry.path, options)
    _warn_once(entry.name, note)
    return WholeSound(session, note)


def speaking_remark(entry: ModelEntry, cache_dir: Path | None) -> Remark:
    """Return whether a voice speaks in pieces or in whole segments, without opening it."""
    places = _places(entry, cache_dir)
    if piper_parts.noted_parts(entry.path, places) is not None:
        return Remark(_IN_PIECES)
    obstacle = piper_parts.obstacle(entry.path, places)
    if obstacle is not None:
        return Remark(_slower(obstacle), is_fine=False)
    return Remark(f"{_IN_PIECES}, prepared when it first speaks")


def _open_parts(entry: ModelEntry, options: LoadOptions, *, rate_hz: int) -> ChunkedSound:
    places = _places(entry, options.cache_dir)
    for anew in (False, True):
        folder = piper_parts.parts(entry.path, places, anew=anew)
        # The kept files may be damaged, or another process may replace them just now.
        with suppress(BrokenModel, KeyError, ValueError):
            text = _open(folder / TEXT, options)
            return ChunkedSound(
                text,
                _open(folder / FLOW, options) if text.notes[NEXT] == FLOW else None,
                _open(folder / VOCODER, options, steady=True),
                rate_hz=rate_hz,
            )
    raise NotCuttable("its parts do not open")


def _open(path: Path, options: LoadOptions, *, steady: bool = False) -> ort.OrtSession:
    return ort.open_session(path, device=options.device, threads=options.threads, steady=steady)


def _places(entry: ModelEntry, cache_dir: Path | None) -> list[Path]:
    """Return the folders where parts may be kept: beside the voice (not in a package), then in the cache."""
    beside = [] if entry.source_kind is SourceKind.PACKAGE else [entry.path.parent / piper_parts.FOLDER]
    return beside if cache_dir is None else [*beside, piper_parts.cached_place(cache_dir, entry.path)]


@cache
def _warn_once(name: str, note: str) -> None:
    _LOGGER.warning("%s: %s", name, note)


def _slower(reason: str) -> str:
    return f"whole segments, because {reason}; its sound begins later"
