"""BrokerConnection with brokers that break the protocol, and with listeners that raise."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lunavox_edge.errors import LunavoxError
from lunavox_edge.mqtt.broker_address import BrokerAddress
from lunavox_edge.mqtt.messages import Message, Publication
from lunavox_edge.mqtt.paho_client import BrokerConnection
from tests.fakes.broker import until

pytestmark = pytest.mark.broker

CONNACK = b"\x20\x02\x00\x00"  # of MQTT 3.1.1: accepted
PUBLISH = b"\x30\x04\x00\x01tx"  # "x" on the topic "t"
CONNACK_5 = b"\x20\x03\x00\x00\x00"
NO_MQTT = {
    "a message without its topic": ("3.1.1", CONNACK, b"\x30\x01\x00"),
    "a property that there is not": ("5", CONNACK_5, b"\x30\x06\x00\x01t\x02\xff\x00"),
    "properties past the end": ("5", CONNACK_5, b"\x30\x05\x00\x01t\x7f\x01"),
    "an answer that names no reason": ("5", b"\x20\x00", b""),
}


class Listener:
    """Records its calls, on paho's thread, and raises in those that `faulty` names."""

    def __init__(self, *faulty: str, fault: type[BaseException] = RuntimeError) -> None:
        self.faulty = faulty
        self.fault = fault
        self.calls: list[str] = []

    def _note(self, what: str) -> None:
        self.calls.append(what)
        if what in self.faulty:
            raise self.fault(f"{what} cannot be taken")

    def on_open(self) -> None:
        self._note("open")

    def on_closed(self, error: LunavoxError) -> None:
        self._note("closed")

    def on_message(self, message: Message) -> None:
        self._note("message")

    def on_delivered(self, number: int) -> None:
        self._note("delivered")


@asynccontextmanager
async def broker(*answers: bytes, version: str = "3.1.1", reads: bool = True) -> AsyncIterator[BrokerAddress]:
    """Serve clients that get these bytes; with `reads` false the server stops reading after that."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        for answer in answers:
            writer.write(answer)
        if not reads:
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
        await over.wait()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=65_536)
    try:
        host, port = server.sockets[0].getsockname()
        yield BrokerAddress(f"mqtt://{host}:{port}", version=version)
    finally:
        over.set()
        server.close()


@pytest.mark.parametrize("faulty", ["open", "message"])
async def test_a_listener_that_raises_is_told_the_rest(faulty: str, caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener(faulty)
    async with broker(CONNACK, PUBLISH, PUBLISH) as address:
        connection = BrokerConnection(address, listener, client_id="")
        await asyncio.to_thread(connection.open)
        await until(lambda: listener.calls == ["open", "message", "message"], lambda: listener.calls)
        await asyncio.to_thread(connection.close)
    await until(lambda: listener.calls[-1] == "closed", lambda: listener.calls)
    assert f"{faulty} cannot be taken" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_the_end_of_the_thread_is_told_whatever_ended_it() -> None:
    listener = Listener("message", fault=SystemExit)
    async with broker(CONNACK, PUBLISH) as address:
        connection = BrokerConnection(address, listener, client_id="")
        await asyncio.to_thread(connection.open)
        await until(lambda: listener.calls == ["open", "message", "closed"], lambda: listener.calls)
        await asyncio.to_thread(connection.close)
        await until(lambda: not any("paho" in thread.name for thread in threading.enumerate()))


@pytest.mark.parametrize("what", NO_MQTT)
async def test_a_broker_that_sends_no_mqtt_ends_the_connection(what: str) -> None:
    listener = Listener()
    version, *answers = NO_MQTT[what]
    async with broker(*answers, version=version) as address:
        connection = BrokerConnection(address, listener, client_id="")
        await asyncio.to_thread(connection.open)
        await until(lambda: listener.calls[-1:] == ["closed"], lambda: listener.calls)
        await asyncio.to_thread(connection.close)
    assert listener.calls.count("closed") == 1


async def test_a_broker_that_takes_nothing_more_does_not_hold_the_end_up() -> None:
    listener = Listener()
    async with broker(CONNACK, reads=False) as address:
        connection = BrokerConnection(address, listener, client_id="")
        await asyncio.to_thread(connection.open)
        await until(lambda: listener.calls == ["open"], lambda: listener.calls)
        for _ in range(8):
            connection.publish(Publication("t", bytes(4_000_000)))
        # paho itself would give up after two keep-alive intervals, a minute.
        await asyncio.wait_for(asyncio.to_thread(connection.close), 15)
    assert listener.calls == ["open", "closed"]
