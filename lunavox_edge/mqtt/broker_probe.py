"""Checking whether a broker accepts a connection."""

from __future__ import annotations

import threading

from lunavox_edge.errors import LunavoxError
from lunavox_edge.mqtt.broker_address import BrokerAddress
from lunavox_edge.mqtt.messages import Message
from lunavox_edge.mqtt.paho_client import BrokerConnection
from lunavox_edge.mqtt.refusals import no_answer


def probe(address: BrokerAddress, timeout_s: float) -> None:
    """Connect to the broker, wait up to `timeout_s` for its answer, and disconnect. Blocks.

    Raises Unreachable, NotAllowed, InsecurePeer, TimedOut, SettingsError.
    """
    listener = _ProbeListener()
    connection = BrokerConnection(address, listener, client_id="")
    try:
        connection.open()
        if not listener.answered.wait(timeout_s):
            raise no_answer(address)
        if listener.error is not None:
            raise listener.error
    finally:
        connection.close()


class _ProbeListener:
    """Waits for the first answer: accepted, or closed with an error."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.error: LunavoxError | None = None

    def on_open(self) -> None:
        self.answered.set()

    def on_closed(self, error: LunavoxError) -> None:
        if not self.answered.is_set():
            self.error = error
            self.answered.set()

    def on_message(self, message: Message) -> None:
        """Do nothing: there are no subscriptions."""

    def on_delivered(self, number: int) -> None:
        """Do nothing: no message is sent."""
