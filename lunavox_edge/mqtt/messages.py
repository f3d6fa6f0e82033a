"""What passes between us and the broker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """What came in."""

    topic: str
    payload: bytes
    retained: bool = False
    duplicate: bool = False
    """Whether the broker says that it may have delivered this before."""
    response_topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """What goes out, at least once (QoS 1)."""

    topic: str
    payload: bytes
    retain: bool = False
    correlation: bytes | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic filter.

    Where the version allows it, `others_only` leaves out our own messages, and `as_published` tells
    of a message that comes live whether the broker also keeps it.
    """

    topic: str
    others_only: bool = False
    as_published: bool = False
