"""Character classes that several text modules share, as bodies of regular-expression classes."""

from __future__ import annotations

EMOJI = (
    "\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
    "\u200d\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f"
)
"""Emoji, pictographs and what joins them (ZWJ, variation selectors, keycap, tag characters)."""

OPENERS = "\"'“‘„‚«‹(\\[{¿¡*_`「『（【《〈"
"""What may stand between white space and the first letter of a sentence."""

CLOSERS = "\"'”’“»›)\\]}*_`」』）】》〉"
"""What may stand between the end of a sentence and white space."""

NEWLINES = "\n\u2028\u2029"
"""What ends a line for certain; a lone carriage return is white space."""

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts that put no space between sentences."""


def is_lower(char: str) -> bool:
    """Whether a letter cannot start a sentence; Georgian has small letters only, so its may."""
    return char.islower() and not "\u10d0" <= char <= "\u10ff"
