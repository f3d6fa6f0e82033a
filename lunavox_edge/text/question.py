"""Detection of questions."""

from __future__ import annotations

_SIGNS = "?\uff1f\u061f\u037e"


def is_question(text: str) -> bool:
    """Whether the last sentence of a text is a question; quotes, brackets and emoji after it are ignored."""
    for sign in reversed(text):
        if sign in _SIGNS:
            return True
        if sign.isalnum() or sign in ".!\u3002\uff01\u2026":
            return False
    return False
