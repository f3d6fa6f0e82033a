"""The blocking client of the command line."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from lunavox_edge.errors import (
    Busy,
    LunavoxError,
    ProtocolError,
    SettingsError,
    TimedOut,
    UnknownModel,
    UnknownVoice,
    Unreachable,
)
from lunavox_edge.types import AudioChunk, AudioFormat
from lunavox_edge.wyoming_server import blocking_client
from tests.wire.conftest import Service

pytestmark = pytest.mark.wire

T = TypeVar("T")


async def beside(call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, call)


def play(uri: str, text: str, **wishes: str) -> list[AudioChunk]:
    return list(blocking_client.speak(uri, text, timeout_s=20.0, **wishes))


async def test_it_speaks_listens_and_asks(service: Service) -> None:
    uri = service.server.uri
    spoken = await beside(lambda: play(uri, "Hello there."))
    assert sum(chunk.duration_s for chunk in spoken) == pytest.approx(0.12)
    pcm = b"".join(chunk.pcm for chunk in spoken)
    heard = await beside(
        lambda: blocking_client.transcribe(uri, pcm, AudioFormat(16_000), language="en", timeout_s=20.0)
    )
    assert (heard.text, heard.language, heard.confidence) == ("turn on the light", "en", 0.9)
    assert heard.duration_s == pytest.approx(0.12)
    assert 0 < await beside(lambda: blocking_client.ping(uri, timeout_s=20.0)) < 20
    info = await beside(lambda: blocking_client.describe(uri, timeout_s=20.0))
    assert info.tts[0].voices[0].name == "alpha"
    status = await beside(lambda: blocking_client.status(uri, timeout_s=20.0))
    assert {model["name"] for model in status["models"]} == {"alpha", "ear"}


async def test_voice_speaker_and_format_are_asked_for(service: Service) -> None:
    uri = service.server.uri
    await beside(lambda: play(uri, "<speak>Hi.</speak>", voice="choir", speaker="bass", text_format="ssml"))
    ((text, request),) = service.tts.spoken
    assert (text, request.speaker) == ("Hi.", "bass")


async def test_the_services_errors_are_raised_as_ours(service: Service) -> None:
    uri = service.server.uri
    with pytest.raises(UnknownVoice):
        await beside(lambda: play(uri, "Hi.", voice="nobody"))
    with pytest.raises(UnknownModel):
        await beside(
            lambda: blocking_client.transcribe(
                uri, bytes(3_000_000), AudioFormat(16_000), model="x", timeout_s=20.0
            )
        )


async def test_a_speech_may_be_left_early(service: Service) -> None:
    def first() -> AudioChunk:
        return next(blocking_client.speak(service.server.uri, "Many words. " * 500, timeout_s=20.0))

    assert (await beside(first)).sample_rate == 16_000
    await service.quiet()


def answering(answer: bytes) -> tuple[str, socket.socket]:
    """Return the address of a service that sends fixed bytes to one client."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1000)

    threading.Thread(target=serve, daemon=True).start()
    return f"tcp://127.0.0.1:{listener.getsockname()[1]}", listener


STRANGE: dict[str, tuple[bytes, type[LunavoxError]]] = {
    "nothing": (b"", Unreachable),
    "http": (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolError),
    "half a message": (b'{"type":"pong","data_length":5}\n{', Unreachable),
    "an endless line": (b"{" * 70_000, Unreachable),
    "a huge message": (b'{"type":"pong","payload_length":99999999999}\n', ProtocolError),
    "busy": (b'{"type":"error","data":{"text":"Full.","code":"busy"}}\n', Busy),
    "a foreign error": (b'{"type":"error","data":{"text":[],"code":"ValueError"}}\n', LunavoxError),
}


@pytest.mark.parametrize(("answer", "error"), STRANGE.values(), ids=STRANGE.keys())
def test_strange_services_are_errors(answer: bytes, error: type[LunavoxError]) -> None:
    uri, listener = answering(answer)
    with listener, pytest.raises(error) as caught:
        blocking_client.ping(uri, timeout_s=20.0)
    assert type(caught.value) in (error, *error.__subclasses__())


def test_strange_info_is_an_error() -> None:
    uri, listener = answering(b'{"type":"info","data":{"asr":[{"name":1}]}}\n')
    with listener, pytest.raises(ProtocolError):
        blocking_client.describe(uri, timeout_s=20.0)


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for uri in (f"tcp://127.0.0.1:{port}", "unix:///nonexistent/edge.sock"):
        with pytest.raises(Unreachable, match="is it running"):
            blocking_client.ping(uri, timeout_s=20.0)


def test_silence_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TimedOut):
        blocking_client.ping(f"tcp://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.05)


@pytest.mark.parametrize("uri", ["", "localhost:10300", "http://localhost:1", "tcp://localhost", "unix://"])
def test_a_wrong_address_is_a_settings_error(uri: str) -> None:
    with pytest.raises(SettingsError):
        blocking_client.ping(uri, timeout_s=0.05)
