"""The languages of Whisper: its codes, and conversion from and to language tags."""

from __future__ import annotations

CODES = (
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de",
    "el", "en", "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht",
    "hu", "hy", "id", "is", "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo", "lt",
    "lv", "mg", "mi", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "oc", "pa", "pl",
    "ps", "pt", "ro", "ru", "sa", "sd", "si", "sk", "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta",
    "te", "tg", "th", "tk", "tl", "tr", "tt", "uk", "ur", "uz", "vi", "yi", "yo", "zh", "yue",
)  # fmt: skip
"""All languages of the large v3 models; other models lack the last one."""

CODES_BEFORE_V3 = CODES[:-1]

_FROM_TAG = {
    "nb": "no", "jv": "jw", "iw": "he", "in": "id", "ji": "yi", "fil": "tl", "cmn": "zh", "mo": "ro",
    "zsm": "ms",
}  # fmt: skip
_TO_TAG = {"jw": "jv"}


def code_for(tag: str) -> str | None:
    """Return Whisper's code for a language tag (`en-US`, `nb`, `zh-CN`), None if it has none."""
    primary = tag.replace("_", "-").partition("-")[0].lower()
    code = _FROM_TAG.get(primary, primary)
    return code if code in CODES else None


def tag_for(code: str) -> str:
    """Return the language tag of one of Whisper's codes."""
    return _TO_TAG.get(code, code)
