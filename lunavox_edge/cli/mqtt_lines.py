"""MQTT messages as readable lines, for `lunavox-edge mqtt`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from lunavox_edge.mqtt.messages import Message

_MAX_TEXT_CHARS = 200
_MIB = 1024 * 1024
_MAX_READ_BYTES = 262_144


def line(message: Message, base: str) -> str:
    """Return the message as one printable line, without the base of its topic."""
    topic = message.topic.removeprefix(f"{base}/")
    retained = " (retained)" if message.retained else ""
    return f"{_printable(topic):28s} {_summary(topic, message.payload)}{retained}"


def _summary(topic: str, payload: bytes) -> str:
    if not payload:
        return "(empty)"
    if len(payload) > _MAX_READ_BYTES:
        return _bytes(payload)
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return _bytes(payload)
    fields = _object(text)
    if fields is None:
        return _printable(text)
    for ending, summarise in _FORMATTERS.items():
        if topic.endswith(ending):
            try:
                return _printable(summarise(fields))
            except (KeyError, TypeError, ValueError, AttributeError):
                break  # of another program or another version: printed as it is
    if isinstance(fields.get("error"), dict):
        return _printable(_error(fields))
    return _printable(text)


def _speech(fields: Mapping[str, Any]) -> str:
    text = f"{fields['status']} {fields['id']}"
    text += f", voice {fields['voice']}" if fields.get("voice") else ""
    text += f", at {fields['satellite']}" if fields.get("satellite") else ""
    text += f", first audio {fields['first_audio_ms']:.0f} ms" if "first_audio_ms" in fields else ""
    text += f", {fields['audio_s']:.1f} s" if "audio_s" in fields else ""
    return f"{text}: {_problem(fields['error'])}" if fields.get("error") else text


def _transcript(fields: Mapping[str, Any]) -> str:
    if "error" in fields:
        return _error(fields)
    origin = f"{fields['source']} {fields.get('satellite') or ''}".strip()
    return (
        f"'{fields['text']}' ({fields['language']}, sure to {fields['confidence']:.0%}, {origin}, "
        f"{fields['duration_s']:.1f} s, answered in {fields['latency_ms']:.0f} ms)"
    )


def _state(fields: Mapping[str, Any]) -> str:
    text = f"{fields['phase']}, queue {fields['queue']}, {fields['rss_bytes'] / _MIB:.0f} MB"
    text += f", loaded: {', '.join(fields['loaded']) or 'nothing'}"
    return f"{text}, up {fields['uptime_s']} s, version {fields['version']}"


def _catalog(fields: Mapping[str, Any]) -> str:
    return f"{len(fields['items'])} installed: {', '.join(item['name'] for item in fields['items'])}"


def _error(fields: Mapping[str, Any]) -> str:
    place = f" on {fields['topic']}" if fields.get("topic") else ""
    name = f" {fields['id']}" if fields.get("id") else ""
    return f"failed{name}{place}: {_problem(fields['error'])}"


def _problem(error: Mapping[str, Any]) -> str:
    return f"{error['message']} ({error['code']})"


# By the end of the topic.
_FORMATTERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "events/speech": _speech,
    "events/transcript": _transcript,
    "events/error": _error,
    "state": _state,
    "voices": _catalog,
    "models": _catalog,
}


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _bytes(payload: bytes) -> str:
    kinds = {b"RIFF": "WAV", b"fLaC": "FLAC", b"OggS": "Ogg"}
    return f"{len(payload)} bytes of {kinds.get(payload[:4], 'data')}"


def _printable(text: str) -> str:
    """Return at most 200 characters, without control characters that a terminal would obey."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text[:_MAX_TEXT_CHARS])
    return shown if len(text) <= _MAX_TEXT_CHARS else f"{shown}..."
