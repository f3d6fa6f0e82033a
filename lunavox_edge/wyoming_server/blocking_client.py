"""A small blocking client for the command line and the self-check.

`timeout_s` limits every single wait: for the connection, for a message, for the peer to read.
All functions raise Unreachable if no service answers at the address, TimedOut, SettingsError for an
invalid address, ProtocolError if the peer does not speak Wyoming, and the error that the service
answers with.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, final

from wyoming import asr
from wyoming import audio as wire_audio
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeVoice

from lunavox_edge.address import Address
from lunavox_edge.errors import ProtocolError, TimedOut, Unreachable
from lunavox_edge.types import AudioChunk, AudioFormat, Transcript
from lunavox_edge.wire import fields, tls
from lunavox_edge.wire.errors_wire import error_from
from lunavox_edge.wire.event_stream import STATUS_TYPE, encode_event, make_event, parse_header
from lunavox_edge.wire.introduction import info_from

_MAX_LINE_BYTES = 65_536
_MAX_BODY_BYTES = 16 * 1024 * 1024
_SEND_BYTES = 32_768


def speak(
    uri: str,
    text: str,
    *,
    voice: str | None = None,
    language: str | None = None,
    speaker: str | None = None,
    text_format: str | None = None,
    timeout_s: float,
) -> Iterator[AudioChunk]:
    """Synthesise a text; yield the audio as it arrives. `voice` and `speaker` override `language`."""
    wanted = SynthesizeVoice(name=voice, language=language, speaker=speaker)
    request = Synthesize(text=text, text_format=text_format).event()
    request.data["voice"] = {**wanted.to_dict(), **({"speaker": speaker} if speaker else {})}
    with _Client(uri, timeout_s) as client:
        client.send(request)
        while not wire_audio.AudioStop.is_type((event := client.receive()).type):
            if wire_audio.AudioChunk.is_type(event.type):
                yield _chunk(event)


def transcribe(
    uri: str,
    pcm: bytes,
    audio_format: AudioFormat,
    *,
    model: str | None = None,
    language: str | None = None,
    timeout_s: float,
) -> Transcript:
    """Transcribe a recording. The result has no word times and no stats: the protocol cannot carry them."""
    request = asr.Transcribe(name=model, language=language)
    format_data = {
        "rate": audio_format.rate_hz,
        "width": audio_format.width_bytes,
        "channels": audio_format.channels,
    }
    step = max(1, _SEND_BYTES // audio_format.frame_bytes) * audio_format.frame_bytes
    with _Client(uri, timeout_s) as client:
        client.send(request.event())
        client.send(Event("audio-start", format_data))
        for start in range(0, len(pcm), step):
            client.send(Event("audio-chunk", format_data, pcm[start : start + step]))
        client.send(Event("audio-stop"))
        event = client.receive_type("transcript")
    data = event.data
    return Transcript(
        text=str(data.get("text", "")),
        language=str(data.get("language") or ""),
        confidence=fields.number(data, "confidence", 0.0),
        duration_s=len(pcm) / (audio_format.frame_bytes * audio_format.rate_hz),
    )


def describe(uri: str, *, timeout_s: float) -> Info:
    """Return the service's Info: its programs, models and voices."""
    return info_from(_ask(uri, Describe().event(), "info", timeout_s))


def status(uri: str, *, timeout_s: float) -> dict[str, Any]:
    """Return the engine's status of a LunaVox Edge service: loaded models, lanes, memory."""
    return _ask(uri, Event(STATUS_TYPE), STATUS_TYPE, timeout_s).data


def ping(uri: str, *, timeout_s: float) -> float:
    """Return the service's response time in seconds, without the time to connect."""
    with _Client(uri, timeout_s) as client:
        started_s = time.perf_counter()
        client.send(Ping().event())
        client.receive_type("pong")
        return time.perf_counter() - started_s


def _ask(uri: str, question: Event, answer_type: str, timeout_s: float) -> Event:
    with _Client(uri, timeout_s) as client:
        client.send(question)
        return client.receive_type(answer_type)


def _chunk(event: Event) -> AudioChunk:
    rate_hz = fields.whole_number(event.data.get("rate"))
    if rate_hz is None or rate_hz <= 0 or event.data.get("width") != 2:  # noqa: PLR2004
        raise ProtocolError("The service sends audio in a format that is not supported.")
    return AudioChunk(event.payload or b"", rate_hz)


@final
class _Client:
    """One connection; a context manager that closes it."""

    def __init__(self, uri: str, timeout_s: float) -> None:
        self._uri = uri
        self._timeout_s = timeout_s
        self._socket = _connect(uri, timeout_s)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> _Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._socket.close()

    def send(self, event: Event) -> None:
        try:
            self._socket.sendall(encode_event(event))
        except TimeoutError as error:
            raise self._timed_out() from error
        except OSError:
            # The service has closed the connection; before that it may have sent an `error`.
            self.receive()

    def receive_type(self, wanted: str) -> Event:
        """Return the next event of a type; others are ignored."""
        while (event := self.receive()).type != wanted:
            pass
        return event

    def receive(self) -> Event:
        """Return the next event. Raises the exception for an `error` event."""
        try:
            line = self._file.readline(_MAX_LINE_BYTES)
            if not line.endswith(b"\n"):
                raise self._gone()
            header = parse_header(line)
            if max(header.data_bytes, header.payload_bytes) > _MAX_BODY_BYTES:
                raise ProtocolError("The service sends a message that is too long.")
            event = make_event(header, self._exactly(header.data_bytes), self._exactly(header.payload_bytes))
        except TimeoutError as error:
            raise self._timed_out() from error
        except OSError as error:
            raise self._gone() from error
        if event.type == "error":
            raise error_from(event)
        return event

    def _exactly(self, size: int) -> bytes:
        received = self._file.read(size)
        if len(received) < size:
            raise self._gone()
        return received

    def _gone(self) -> Unreachable:
        return Unreachable(f"The service at {self._uri} closed the connection.")

    def _timed_out(self) -> TimedOut:
        return TimedOut(f"The service at {self._uri} did not answer within {self._timeout_s:g} seconds.")


def _connect(uri: str, timeout_s: float) -> socket.socket:
    address = Address.parse(uri)
    context = tls.client_context(address.authority, address.host) if address.tls else None
    try:
        if address.path is not None:
            return _connect_unix(address.path, timeout_s)
        connection = socket.create_connection((address.host, address.port), timeout_s)
        if context is None:
            return connection
        try:
            return context.wrap_socket(connection, server_hostname=address.host)
        except BaseException:
            connection.close()
            raise
    except ssl.SSLError as error:
        raise tls.untrusted_peer(error) from error
    except OSError as error:
        raise Unreachable(f"No service answers at {uri}; is it running?") from error


def _connect_unix(path: Path, timeout_s: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection
