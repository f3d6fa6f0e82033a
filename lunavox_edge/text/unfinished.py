"""Whether a partial transcript sounds unfinished, as a hint for endpointing."""

from __future__ import annotations

from lunavox_edge.text.characters import CLOSERS

_ENDS = ".!?。！？؟।"
_ELLIPSES = ("...", "…")
_LEADS_ON = frozenset(
    "a an and as because but from if into my nor of or our than the their to until when where which "
    "while who will with without your".split()
)
"""English words that hardly ever end a command, unlike "on" or "that"."""


def sounds_unfinished(text: str) -> bool:
    """Whether a transcript has no final punctuation, or its last word needs more ("... a coffee with")."""
    words = text.rstrip().rstrip(CLOSERS).rstrip()
    if not words:
        return False
    if words.endswith(_ELLIPSES) or words[-1] not in _ENDS:
        return True
    last = words.rstrip(_ENDS).split()[-1:]
    return bool(last) and last[0].casefold() in _LEADS_ON
