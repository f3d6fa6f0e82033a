"""Checks of the types of what embedding programs pass in."""

from __future__ import annotations

from collections.abc import Iterable


def check_type(what: str, value: object, *kinds: type) -> None:
    """Raise TypeError, which names `what`, unless the value is of one of the types."""
    if not isinstance(value, kinds):
        allowed = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise TypeError(f"{what} must be {allowed}, not {type(value).__name__}")


def check_text(text: object) -> None:
    """Raise TypeError unless this is text, or something that may yield text."""
    if isinstance(text, (bytes, bytearray)) or not isinstance(text, Iterable):
        raise TypeError(f"text must be str or an iterable of str, not {type(text).__name__}")


def check_pcm(pcm: object) -> None:
    """Raise TypeError unless this is a sequence of bytes."""
    try:
        memoryview(pcm)  # type: ignore[arg-type]  # what is checked
    except TypeError:
        raise TypeError(f"audio must be bytes or an array of numpy, not {type(pcm).__name__}") from None
