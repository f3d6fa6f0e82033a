"""The file of choices: volume, mute and wake words that were set at runtime and outlive a restart."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from lunavox_edge.host import notes

_MAX_FILE_BYTES = 1_048_576
_MAX_VOLUME = 4.0

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was set for one satellite; None means the value of the settings."""

    volume: float | None = None
    muted: bool = False
    wake_words: tuple[str, ...] | None = None


def load(file: Path) -> dict[str, Choice]:
    """Return the saved choices by satellite id; an unreadable file or value counts as no choice."""
    try:
        found = notes.read(file, max_bytes=_MAX_FILE_BYTES)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        _LOGGER.warning("The choices for satellites cannot be read and are dropped: %s", error)
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {key: _choice(value) for key, value in items if isinstance(value, dict)}


def save(file: Path, choices: Mapping[str, Choice]) -> None:
    """Replace the file in one step. Raises OSError."""
    notes.replace(file, {key: asdict(choice) for key, choice in choices.items()})


def _choice(found: dict[str, object]) -> Choice:
    volume, words = found.get("volume"), found.get("wake_words")
    usable = isinstance(volume, float) and 0.0 <= volume <= _MAX_VOLUME
    named = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return Choice(
        volume=volume if usable and isinstance(volume, float) else None,
        muted=found.get("muted") is True,
        wake_words=tuple(words) if named and isinstance(words, list) else None,
    )
