"""Cutting long sentences of phonemes, so that the input of a voice model is bounded."""

from __future__ import annotations

from collections.abc import Sequence

_PAUSES = frozenset(".!?;:,…—。！？；：，、؟،।")


def bounded(phonemes: Sequence[str], limit: int) -> list[Sequence[str]]:
    """Cut phonemes into pieces of at most `limit`, losing nothing.

    A piece ends after the last pause in its second half, else after the last space there, else at the limit.
    """
    pieces = []
    rest = phonemes
    while len(rest) > limit:
        cut = _last(rest, limit, _PAUSES) or _last(rest, limit, frozenset(" ")) or limit
        pieces.append(rest[:cut])
        rest = rest[cut:]
    if rest:
        pieces.append(rest)
    return pieces


def _last(phonemes: Sequence[str], limit: int, marks: frozenset[str]) -> int:
    for index in range(limit - 1, limit // 2, -1):
        if phonemes[index] in marks:
            return index + 1
    return 0
