"""The default voice and language that were chosen over MQTT, in a file that survives a restart."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from lunavox_edge.host import notes

_MAX_FILE_BYTES = 4096

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Preferences:
    """The defaults for requests without a voice or language; None means the default of the settings."""

    voice: str | None = None
    language: str | None = None


def load(file: Path) -> Preferences:
    """Return the saved preferences; empty ones if the file is missing or cannot be read."""
    try:
        found = notes.read(file, max_bytes=_MAX_FILE_BYTES)
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        _LOGGER.warning("The chosen voice and language cannot be read and are forgotten: %s", error)
        return Preferences()
    values = found if isinstance(found, dict) else {}
    voice, language = (
        value if isinstance(value := values.get(key), str) and value else None
        for key in ("voice", "language")
    )
    return Preferences(voice, language)


def save(file: Path, preferences: Preferences) -> None:
    """Replace the file in one step. Raises OSError."""
    notes.replace(file, asdict(preferences))
