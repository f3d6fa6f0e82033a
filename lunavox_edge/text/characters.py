"""Sets of characters for several text modules, as the inside of `[...]` in regular expressions."""

from __future__ import annotations

EMOJI = (
    "\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
    "\u200d\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f"
)
"""Emoji, pictographs and the characters that combine them (ZWJ, variation selectors, keycap, tags)."""

OPENERS = "\"'“‘„‚«‹(\\[{¿¡*_`「『（【《〈"
"""Characters that may be between white space and the first letter of a sentence."""

CLOSERS = "\"'”’“»›)\\]}*_`」』）】》〉"
"""Characters that may be between the end of a sentence and white space."""

NEWLINES = "\n\u2028\u2029"
"""Line ends; a carriage return alone counts as white space."""

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts without spaces between sentences (Chinese, Japanese)."""


def is_lower(char: str) -> bool:
    """Whether a letter is a small one that cannot start a sentence; Georgian ones can, it has no capitals."""
    return char.islower() and not "\u10d0" <= char <= "\u10ff"
