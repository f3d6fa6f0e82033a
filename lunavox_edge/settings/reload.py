"""What of changed settings a running service can take over, and what has to wait for a restart."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from lunavox_edge.settings.model import Settings

# Sections with the keys that need a restart; of a section that is not here all do.
_FIXED: dict[str, frozenset[str]] = {
    "limits": frozenset({"max_sessions"}),
    "engine": frozenset({"threads", "max_queue", "max_wait_s"}),
    "stt": frozenset({"device", "compute_type"}),
    "tts": frozenset({"device", "phrase_cache_mb"}),
    "catalog": frozenset({"cache_dir"}),
    "voices": frozenset(),
    "log": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Change:
    """The settings to go on with, and the keys that differ: taken over now, or after a restart."""

    settings: Settings
    live: tuple[str, ...]
    later: tuple[str, ...]

    def __str__(self) -> str:
        """One line for people."""
        parts = []
        if self.live:
            parts.append(f"changed: {', '.join(self.live)}")
        if self.later:
            parts.append(f"takes a restart: {', '.join(self.later)}")
        return "; ".join(parts) or "nothing has changed"


def change(old: Settings, new: Settings) -> Change:
    """Return what becomes of `old` if `new` is wanted."""
    live: list[str] = []
    later: list[str] = []
    merged: dict[str, object] = {}
    for section in Settings.model_fields:
        before, after = getattr(old, section), getattr(new, section)
        if before == after:
            continue
        fixed = _FIXED.get(section)
        if fixed is None:
            later += _differing(section, before, after)
        elif not isinstance(after, BaseModel):
            live.append(section)
            merged[section] = after
        else:
            names = _differing("", before, after)
            live += [f"{section}.{name}" for name in names if name not in fixed]
            later += [f"{section}.{name}" for name in names if name in fixed]
            merged[section] = after.model_copy(update={name: getattr(before, name) for name in fixed})
    return Change(old.model_copy(update=merged), tuple(live), tuple(later))


def _differing(section: str, before: object, after: object) -> list[str]:
    if not isinstance(before, BaseModel):
        return [section]
    prefix = f"{section}." if section else ""
    return [
        f"{prefix}{name}"
        for name in type(before).model_fields
        if getattr(before, name) != getattr(after, name)
    ]
