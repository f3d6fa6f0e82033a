"""The file of approved satellites: those found by zeroconf and accepted, with their last addresses."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ValidationError

from lunavox_edge.errors import Busy
from lunavox_edge.host import notes, system
from lunavox_edge.settings.satellite_settings import ALL, SatelliteSettings, SatellitesSettings

MAX_APPROVED = 256

_MAX_FILE_BYTES = 262_144
_MAX_SERVICE_CHARS = 100
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_NOT_IN_IDS = re.compile(r"[^a-z0-9_.]+")
_READABLE = 0o644
"""The user who approves is seldom the one that the service runs as; nothing in the file is secret."""

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Approved:
    """One satellite: the name of its zeroconf service, and its address."""

    service: str
    uri: str


def file_of(settings: SatellitesSettings) -> Path:
    """Return the path of the file."""
    return settings.approved_file or system.state_dir() / "approved-satellites.json"


def load(file: Path) -> dict[str, Approved] | None:
    """Return the satellites by id, without invalid ones; None if the file cannot be read."""
    try:
        found = notes.read(file, max_bytes=_MAX_FILE_BYTES)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        _LOGGER.warning("The approved satellites cannot be read: %s", error)
        return None
    if not isinstance(found, dict):
        _LOGGER.warning("The file of approved satellites does not hold a JSON object.")
        return None
    valid = {key: made for key, value in found.items() if (made := _entry(key, value)) is not None}
    if len(valid) < len(found):
        _LOGGER.warning("%d approved satellites are invalid and left out", len(found) - len(valid))
    return dict(list(valid.items())[:MAX_APPROVED])


def save(file: Path, approved: Mapping[str, Approved]) -> None:
    """Replace the file in one step. Raises OSError."""
    notes.replace(file, {key: asdict(entry) for key, entry in approved.items()}, indent=2)
    with contextlib.suppress(OSError):
        file.chmod(_READABLE)


@contextmanager
def change(file: Path) -> Iterator[None]:
    """Lock the file against other processes that change it. Raises OSError, Busy."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy("Another command changes the approved satellites.", retry_after_s=1.0) from error
        yield


def free_id(name: str, taken: set[str]) -> str:
    """Return an id, made of a satellite's name, that is not in `taken`."""
    plain = _NOT_IN_IDS.sub("-", name.casefold()).strip("-_.")[:60] or "satellite"
    numbers = (f"{plain}-{number}" for number in range(2, len(taken) + 4))
    return next(found for found in (plain, *numbers) if found not in taken and found != ALL)


def is_id(text: str) -> bool:
    """Whether a satellite may have this id."""
    return _ID.fullmatch(text) is not None and text != ALL


def _entry(key: str, value: object) -> Approved | None:
    service, uri = (value.get("service"), value.get("uri")) if isinstance(value, dict) else (None, None)
    if not (is_id(key) and isinstance(service, str) and isinstance(uri, str)):
        return None
    if not 0 < len(service) <= _MAX_SERVICE_CHARS:
        return None
    try:
        SatelliteSettings(uri=uri)
    except ValidationError:
        return None
    return Approved(service, uri)
