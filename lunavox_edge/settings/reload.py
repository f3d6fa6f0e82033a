"""Reload of settings: which changes apply to a running service, and which need a restart."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from lunavox_edge.settings.model import Settings

# Keys that need a restart, by section; in a section that is missing here every key needs one.
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
    """The settings to use from now on, and the changed keys: `live` apply now, `later` after a restart."""

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
    """Return the settings `old` with those changes of `new` that need no restart."""
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
