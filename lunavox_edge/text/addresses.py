"""Web and mail addresses in spoken form: of a URL only the host is read."""

from __future__ import annotations

import re

_STOPPERS = r"\s<>\"'`|，。！？；：、（）」』『「】【《》“”"
_URL = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?:https?|ftps?|wss?|mqtts?|tcp|rtsp|file)://|www\.)[^{_STOPPERS}]+",
    re.IGNORECASE,
)
_MAIL = re.compile(
    r"(?<![\w.+-])(?:mailto:)?([\w.+-]{1,64})@((?:[\w-]{1,63}\.){1,8}[\w-]{2,63})", re.IGNORECASE
)
_KNOWN_ENDS = (
    "com|org|net|io|edu|gov|info|dev|app|ai|tv|co|uk|de|fr|es|nl|at|ch|eu|us|ca|au|nz|jp|local|lan|home|internal"
    "|ya?ml|json|txt|md|py|pdf|html?|csv|log|jpe?g|png|gif|mp[34]|wav|zip|exe|ini|conf|onnx"
)
_HOST = re.compile(
    rf"(?<![\w.@-])((?:[a-z0-9-]{{1,63}}\.){{1,8}}(?:{_KNOWN_ENDS}))(?![\w-]|\.\w)(?::[0-9]{{1,5}})?(?:/[^{_STOPPERS}]*)?",
    re.IGNORECASE,
)
_ANGLED = re.compile(r"<((?:mailto:)?[\w.+-]{1,64}@[\w.-]{1,200}|(?:https?|ftp)://[^<>\s]{1,500})>")
_TRAILING = ".,;:!?…)]}*_~"
_LOCAL_PARTS = {".": " dot ", "_": " underscore ", "-": " dash ", "+": " plus "}


def speak_addresses(text: str, *, english: bool) -> str:
    """Replace URLs by their host (`example dot com`), and mail addresses by their spoken form."""
    if english:
        text = _ANGLED.sub(r"\1", text)
    text = _URL.sub(lambda url: _spoken_url(url.group(), english=english), text)
    if english:
        text = _MAIL.sub(lambda mail: f"{_spoken_local(mail[1])} at {_dotted(mail[2])}", text)
        text = _HOST.sub(_spoken_host, text)
    return text


def _spoken_url(url: str, *, english: bool) -> str:
    bare = url.rstrip(_TRAILING)
    after = url[len(bare) :]
    address = bare.partition("://")[2] or bare
    host = re.split(r"[/?#]", address, maxsplit=1)[0].rpartition("@")[2]
    host = host.partition(":")[0]
    if host.lower().startswith("www."):
        host = host[4:]
    return (_dotted(host) if english else host) + after


def _spoken_host(host: re.Match[str]) -> str:
    whole = host.group()
    after = whole[len(whole.rstrip(_TRAILING)) :]
    return _dotted(host[1]) + after


def _dotted(host: str) -> str:
    return host.strip(".").replace(".", " dot ")


def _spoken_local(local: str) -> str:
    return re.sub(r"[._+-]", lambda mark: _LOCAL_PARTS[mark.group()], local)
