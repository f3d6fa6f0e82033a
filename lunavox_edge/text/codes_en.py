"""English: telephone numbers and codes as words, digit by digit."""

from __future__ import annotations

import re

from lunavox_edge.text.numbers_en import digits

_INTERNATIONAL = re.compile(r"(?<![\w+])\+([0-9](?:(?:[ .-]|[ .-]?\(|\)[ .-]?)?[0-9]){7,14})(?![0-9])")
_AREA_CODE = re.compile(
    r"(?<![\w.,/+-])((?:1[ .-])?(?:\([0-9]{3}\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4})(?![\w/-]|[.,][0-9])"
)
_TRUNK = re.compile(
    r"(?<![\w.,:/+-])(?!(?:[0-9]{2}[/-]){2}(?:19|20)[0-9]{2}\b)"  # not 01/15/2026
    r"(\(?0[0-9]{1,5}\)?(?:[ /-][0-9]{2,8}){1,4})(?![\w:/-]|[.,][0-9])"
)
_LOCAL = re.compile(r"(?<![\w.,/+-])([2-9][0-9]{2}-(?![0-9]{2}00)[0-9]{4})(?![\w/-]|[.,][0-9])")
_CALLED = re.compile(
    r"(?i:\b(call|dial|ring)) ([0-9]{3})"
    r"(?=[,;!?)]|\.(?![0-9])|$| (?:if|for|now|in|immediately|right|and|or)\b)"
)
_CODE = re.compile(
    r"(?i:\b(pin|code|codes|password|passcode|zip|extension|combination|otp)((?: (?:code|number|is|was"
    r"|are)){0,2}:?))"
    r" ([0-9]{3,8}|[0-9](?: [0-9]){2,7}|[0-9]{1,8}(?:-[0-9]{1,8}){1,7})(?![\w]|[.,:/-][0-9])"
)
_DATE = re.compile(r"[0-9]{4}-(?:0?[1-9]|1[0-2])-[0-3]?[0-9]|[0-3]?[0-9]-[0-3]?[0-9]-[0-9]{4}")
_GROUPS = re.compile(
    r"(?<![\w.,/+-])([0-9]{1,8}(?:-[0-9]{1,8}){2,7}|[0-9]{3,8}-0[0-9]{2,7})(?![\w/-]|[.,:][0-9])"
)
_SERIAL = re.compile(
    r"(?<![\w.,/+-])([A-Za-z]{1,6})-([0-9]{4,8}|0[0-9]{2})((?:-[A-Za-z0-9]{1,8}){0,4})(?![\w/-]|[.,:][0-9])"
)
_WORD_NUMBER = re.compile(r"(?<![\w.,/+-])(?:(1)-)?([0-9]{3})-([A-Z]{3,10})(?![\w-])")
_HARDWARE = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])")
_NOT_SERIAL = frozenset("mid pre post late early over under sub non top".split())
_PHONE_DIGITS = range(7, 16)


def speak_codes(text: str) -> str:
    """`555-1234` -> `five five five, one two three four`; codes and serial numbers likewise."""
    text = _HARDWARE.sub(_hardware, text)
    text = _WORD_NUMBER.sub(
        lambda match: ", ".join([*(digits(group) for group in match.groups()[:2] if group), match[3]]), text
    )
    text = _INTERNATIONAL.sub(lambda match: f"plus {_spoken_phone(match[1])}", text)
    for pattern in (_AREA_CODE, _TRUNK, _LOCAL):
        text = pattern.sub(lambda match: _spoken_phone(match[1]), text)
    text = _CODE.sub(lambda match: f"{match[1]}{match[2]} {spoken_groups(match[3])}", text)
    text = _GROUPS.sub(
        lambda match: match.group() if _DATE.fullmatch(match.group()) else spoken_groups(match[1]), text
    )
    text = _SERIAL.sub(_serial, text)
    return _CALLED.sub(lambda match: f"{match[1]} {digits(match[2])}", text)


def spoken_groups(number: str) -> str:
    """Return each digit as a word, with a comma between groups of digits."""
    groups = re.findall(r"[0-9]+", number)
    joint = " " if all(len(group) == 1 for group in groups) else ", "
    return joint.join(digits(group) for group in groups)


def _spoken_phone(number: str) -> str:
    groups = re.findall(r"[0-9]+", number)
    return spoken_groups(number) if len("".join(groups)) in _PHONE_DIGITS else number


def _hardware(match: re.Match[str]) -> str:
    """Spell a MAC address."""
    pairs = re.findall("[0-9A-Fa-f]{2}", match.group())
    return ", ".join(
        " ".join(digits(char) if char.isdigit() else char.upper() for char in pair) for pair in pairs
    )


def _serial(match: re.Match[str]) -> str:
    """`AB-1234` -> `AB-one two three four`."""
    prefix, number, rest = match[1], match[2], match[3]
    is_year = len(number) == 4 and number[:2] in {"19", "20"}  # noqa: PLR2004 - `mid-1990`, `pre-2020`
    is_word = prefix.islower() and len(prefix) > 2  # noqa: PLR2004 - `ab-123`, but not `under-100`
    if prefix.lower() in _NOT_SERIAL or is_word or (is_year and not prefix.isupper()):
        return match.group()
    spoken = f"{prefix}-{digits(number)}"
    for part in rest.split("-")[1:]:
        spoken += f", {digits(part)}" if part.isdigit() else f" {part}"
    return spoken
