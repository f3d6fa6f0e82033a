"""Errors for brokers that cannot be used, with texts that say what to check."""

from __future__ import annotations

import ssl

from lunavox_edge.errors import LunavoxError, NotAllowed, TimedOut, Unreachable
from lunavox_edge.mqtt.broker_address import BrokerAddress

_UNSPECIFIED = 0x80
_TAKEN_OVER = 0x8E
_DENIED = frozenset((0x86, 0x87, 0x8A, 0x8C))


def no_answer(address: BrokerAddress) -> TimedOut:
    """Return the error for a broker that neither accepts nor refuses the connection."""
    # Some brokers that support 3.1.1 only do not answer a CONNECT of version 5.
    hint = " If it speaks MQTT 3.1.1 only, set mqtt.version to 3.1.1." if address.version == "5" else ""
    return TimedOut(f"The broker accepts the connection but does not answer.{hint}")


def refusal(reason: int, words: str) -> LunavoxError:
    """Return the error for an MQTT 5 reason code; paho converts the codes of 3.1.1 to these."""
    if reason in _DENIED:
        return NotAllowed(
            f"The broker does not let us in ({words}); check mqtt.user, the password and its rights."
        )
    if reason == _TAKEN_OVER:
        return NotAllowed("The broker gave our place to another client of the same id.")
    if reason == _UNSPECIFIED:
        return Unreachable("The broker has closed the connection.")
    return Unreachable(f"The connection to the broker ended ({words}).")


def tls_reason(error: ssl.SSLError) -> str:
    """Return why TLS failed, in words that tell an owner what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); check mqtt.tls_ca and the host name"
    return (error.reason or "no reason given").lower().replace("_", " ")
