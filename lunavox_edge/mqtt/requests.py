"""Running the requests `synthesize` and `transcribe` in the engine."""

from __future__ import annotations

import io
import logging
import time
import uuid
from contextlib import aclosing
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.audio.files import FILE_FORMAT, flac_bytes, read_audio
from lunavox_edge.audio.wav import wav_bytes
from lunavox_edge.engine.values.params import SynthesisParams
from lunavox_edge.errors import AudioTooLong, TextTooLong
from lunavox_edge.mqtt.events import TranscriptEvent
from lunavox_edge.mqtt.payloads import SynthesizeRequest

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

_CONTENT_TYPES = {"wav": "audio/wav", "pcm": "audio/L16", "flac": "audio/flac"}
# Six minutes of speech at 22.05 kHz; longer texts have to be sent in parts.
_MAX_RESULT_BYTES = 16_777_216
_TRANSCRIPT_TIMEOUT_S = 600.0
_FEED_BYTES = 65_536
_ID_CHARS = 128

_LOGGER = logging.getLogger(__name__)


async def synthesize(
    engine: Engine, request: SynthesizeRequest, voice: str | None, language: str | None
) -> tuple[bytes, str]:
    """Synthesise a text; return the audio and its content type. Raises LunavoxError."""
    began_s = time.monotonic()
    wakeup = bridge.Wakeup()
    speech = engine.open_speech(
        voice=voice,
        params=params_of(request.speed, request.volume),
        language=language,
        text_format=request.text_format,
        on_ready=wakeup.notify,
    )
    pcm, rate_hz = bytearray(), 0
    async with aclosing(bridge.audio(speech, wakeup)) as chunks:
        speech.write(request.text)
        speech.finish()
        async for chunk in chunks:
            pcm += chunk.pcm
            rate_hz = chunk.sample_rate
            if len(pcm) > _MAX_RESULT_BYTES:
                raise TextTooLong("The speech would be longer than one answer may be; send less at once.")
    content_type = _CONTENT_TYPES[request.format]
    audio = bytes(pcm)
    if request.format == "flac":
        audio = await bridge.blocking(lambda: flac_bytes(bytes(pcm), rate_hz))
    elif request.format == "wav":
        audio = wav_bytes(audio, rate_hz)
    else:
        content_type += f"; rate={rate_hz}; channels=1"
    _LOGGER.info("synthesize: %.1f s of speech in %.2f s", len(pcm) / 2 / rate_hz, time.monotonic() - began_s)
    return audio, content_type


async def transcribe(
    engine: Engine, recording: bytes, request_id: str, language: str | None
) -> TranscriptEvent:
    """Transcribe a recording, which is a WAV, FLAC or other audio file. Raises LunavoxError."""
    began_s = time.monotonic()
    max_s = engine.settings.limits.max_utterance_s
    pcm = await bridge.blocking(lambda: _decode(recording, max_s))
    utterance = engine.open_utterance(FILE_FORMAT, language=language, relaxed=True)
    try:
        for start in range(0, len(pcm), _FEED_BYTES):
            utterance.feed(pcm[start : start + _FEED_BYTES])
        transcript = await bridge.transcript(utterance, _TRANSCRIPT_TIMEOUT_S)
    finally:
        utterance.cancel()
    latency_ms = (time.monotonic() - began_s) * 1000
    _LOGGER.info("transcribe: %.1f s of audio in %.2f s", transcript.duration_s, latency_ms / 1000)
    return TranscriptEvent.of(transcript, request_id=request_id, source="mqtt", latency_ms=latency_ms)


def params_of(speed: float | None, volume: float | None) -> SynthesisParams:
    """Return the parameters of a request; None stands for the default."""
    return SynthesisParams.from_overrides(speed=speed, volume=volume)


def _decode(recording: bytes, max_s: float) -> bytes:
    """Decode a recording. Raises AudioTooLong at `max_s`: a small file may hold days of silence."""
    pcm = bytearray()
    max_bytes = int(max_s * FILE_FORMAT.rate_hz) * FILE_FORMAT.frame_bytes
    for piece in read_audio(io.BytesIO(recording)):
        pcm += piece
        if len(pcm) > max_bytes:
            raise AudioTooLong(f"The audio is over the limit of {max_s:g} seconds; send less.")
    return bytes(pcm)


def new_id() -> str:
    """Return a new random id, for a request without one."""
    return uuid.uuid4().hex[:12]


def id_from(correlation: bytes | None) -> str | None:
    """Return correlation data as an id if it is short printable text, else None."""
    try:
        text = (correlation or b"").decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() and 0 < len(text) <= _ID_CHARS else None
