"""Does a transcript sound as if the speaker were not done? A hint for how long to wait."""

from __future__ import annotations

from lunavox_edge.text.characters import CLOSERS

_ENDS = ".!?。！？؟।"
_ELLIPSES = ("...", "…")
_LEADS_ON = frozenset(
    "a an and as because but from if into my nor of or our than the their to until when where which "
    "while who will with without your".split()
)
"""English words that hardly ever end what is said to a machine, as "on" or "that" may."""


def sounds_unfinished(text: str) -> bool:
    """Whether the words recognised so far lack an end, or lead on to more ("... a coffee with")."""
    words = text.rstrip().rstrip(CLOSERS).rstrip()
    if not words:
        return False
    if words.endswith(_ELLIPSES) or words[-1] not in _ENDS:
        return True
    last = words.rstrip(_ENDS).split()[-1:]
    return bool(last) and last[0].casefold() in _LEADS_ON
