"""Messages to and from the broker, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """A received message."""

    topic: str
    payload: bytes
    retained: bool = False
    duplicate: bool = False
    """Whether the broker says that it may have delivered this before."""
    response_topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """A message to publish, at least once (QoS 1)."""

    topic: str
    payload: bytes
    retain: bool = False
    correlation: bytes | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic filter to subscribe to.

    With MQTT 5, `others_only` leaves out our own messages, and `as_published` keeps the retain flag of live
    messages. With 3.1.1 both have no effect.
    """

    topic: str
    others_only: bool = False
    as_published: bool = False
