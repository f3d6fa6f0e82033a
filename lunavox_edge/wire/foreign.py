"""Error texts for a peer that speaks another protocol than Wyoming."""

from __future__ import annotations

_HTTP_METHODS = (
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"OPTIONS ",
    b"DELETE ",
    b"CONNECT ",
    b"PATCH ",
    b"PRI ",
)
_TLS_HANDSHAKE = b"\x16\x03"


def describe_foreign(start: bytes) -> str:
    """Return the error text for a peer whose first bytes are `start` and no Wyoming message."""
    if start.startswith(_TLS_HANDSHAKE):
        return "This is a Wyoming port without TLS; connect with plain TCP."
    if start.startswith(_HTTP_METHODS):
        return "This is a Wyoming port, not HTTP; use a Wyoming client."
    return "This is a Wyoming port; a message must begin with a line of JSON."
