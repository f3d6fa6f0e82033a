from __future__ import annotations

import json

import pytest

from lunavox_edge.cli.mqtt_lines import line
from lunavox_edge.mqtt.messages import Message

pytestmark = pytest.mark.unit

ERROR = {"code": "busy", "message": "Too many at once.", "retryable": True}
STATE = {
    "phase": "idle",
    "queue": 2,
    "rss_bytes": 104857600,
    "loaded": ["base"],
    "uptime_s": 7,
    "version": "1.0",
}
TRANSCRIPT = {
    "id": "a",
    "text": "light on",
    "language": "en",
    "confidence": 0.9,
    "source": "mqtt",
    "duration_s": 1.2,
    "latency_ms": 80.0,
}


@pytest.mark.parametrize(
    ("topic", "payload", "shown"),
    [
        ("say", b"Dinner is ready.", "Dinner is ready."),
        ("stop", b"", "(empty)"),
        ("say", b"\x1b[31mred\r\n", " [31mred  "),
        ("say", b"\xff\xfe", "2 bytes of data"),
        ("transcribe", b"RIFF\xff\x00", "6 bytes of WAV"),
        ("synthesize", b"x" * 300_000, "300000 bytes of data"),
        ("say", b"a" * 201, "a" * 200 + "..."),
        ("state", STATE, "idle, queue 2, 100 MB, loaded: base, up 7 s, version 1.0"),
        ("state", {"phase": "idle"}, '{"phase": "idle"}'),
        ("state", [1], "[1]"),
        ("voices", {"items": [{"name": "joe"}, {"name": "amy"}]}, "2 installed: joe, amy"),
        (
            "events/speech",
            {"id": "a", "status": "started", "voice": "joe", "first_audio_ms": 41.6},
            "started a, voice joe, first audio 42 ms",
        ),
        (
            "events/speech",
            {"id": "a", "status": "failed", "error": ERROR},
            "failed a: Too many at once. (busy)",
        ),
        (
            "events/transcript",
            TRANSCRIPT,
            "'light on' (en, sure to 90%, mqtt, 1.2 s, answered in 80 ms)",
        ),
        ("events/transcript", {**TRANSCRIPT, "confidence": "x"}, '{"id": "a", "text": "light on"'),
        (
            "events/error",
            {"topic": "lunavox/n/stop", "error": ERROR},
            "failed on lunavox/n/stop: Too many at once. (busy)",
        ),
        ("transcript/a", {"id": "a", "error": ERROR}, "failed a: Too many at once. (busy)"),
    ],
)
def test_a_message_is_one_readable_line(topic: str, payload: object, shown: str) -> None:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    told = line(Message(f"lunavox/n/{topic}", data), "lunavox")
    assert told.isprintable()
    assert told.startswith(f"n/{topic} ")
    assert shown in told


def test_it_says_what_was_retained() -> None:
    assert line(Message("other/topic", b"x", retained=True), "lunavox").split() == [
        "other/topic",
        "x",
        "(retained)",
    ]
