from __future__ import annotations

import json

import pytest

from lunavox_edge.errors import Busy, ProtocolError, UnknownVoice
from lunavox_edge.mqtt import payloads
from lunavox_edge.mqtt.payloads import ModelAction
from lunavox_edge.mqtt.tidings import ErrorPayload, Problem
from lunavox_edge.types import Priority

pytestmark = pytest.mark.unit


def test_plain_text_is_spoken_as_it_is() -> None:
    request = payloads.parse_say("Für 5 < 6: fertig".encode())
    assert (request.text, request.voice, request.priority) == (
        "Für 5 < 6: fertig",
        None,
        Priority.NORMAL,
    )


def test_json_says_how() -> None:
    request = payloads.parse_say(
        b' {"text": "Hi", "voice": "joe", "speed": 1, "satellites": ["a", "b"],'
        b' "priority": "urgent", "id": "7"}'
    )
    assert (request.voice, request.speed, request.id) == ("joe", 1.0, "7")
    assert (request.satellites, request.priority) == (("a", "b"), Priority.URGENT)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"\xff\xfe\x00", "UTF-8"),
        (b'{"text": "Hi"', "not JSON"),
        (b"{}", "'text' is missing"),
        (b'{"text": 7}', "'text'"),
        (b'{"text": "Hi", "spead": 2}', "There is no key 'spead'"),
        (b'{"text": "Hi", "speed": "2"}', "'speed'"),
        (b'{"text": "Hi", "speed": true}', "'speed'"),
        (b'{"text": "Hi", "speed": 99}', "'speed'"),
        (b'{"text": "Hi", "speed": NaN}', "'speed'"),
        (b'{"text": "Hi", "priority": "now"}', "'low', 'normal' or 'urgent'"),
        (b'{"text": "Hi", "satellite": "a", "area": "b"}', "not several"),
        (b'{"text": "Hi", "satellites": []}', "'satellites'"),
        (b'{"text": "Hi", "id": ""}', "'id'"),
        (b'{"text": "Hi", "id": "a\\u0000b"}', "'id'"),
        (b'{"text": "Hi", "a": 1, "b": 1, "c": 1, "d": 1}', "and 1 more"),
        (b'{"text": ' + b"[" * 100_000, "not JSON"),
        (b"x" * 1_048_577, "1048576 bytes"),
    ],
)
def test_what_is_wrong_is_named(payload: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        payloads.parse_say(payload)
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 300


def test_what_was_sent_is_not_repeated() -> None:
    with pytest.raises(ProtocolError) as caught:
        payloads.parse_say(b'{"text": "Hi", "speed": "my secret"}')
    assert "secret" not in str(caught.value)


def test_the_id_of_a_wrong_request_is_found() -> None:
    assert payloads.id_of(b'{"text": 7, "id": "abc", "junk": 1}') == "abc"
    for payload in (b"", b"[]", b"{", b'{"id": 7}', b"\xff", b"plain"):
        assert payloads.id_of(payload) is None


def test_the_other_commands() -> None:
    assert payloads.parse_stop(b"").satellite is None
    assert payloads.parse_stop(b'{"id": "7"}').id == "7"
    assert payloads.parse_action(b" load\n") is ModelAction.LOAD
    assert payloads.parse_name(b" joe ") == "joe"
    assert payloads.parse_synthesize(b'{"text": "Hi", "format": "flac", "reply_to": "a/b"}').reply_to == "a/b"
    for wrong in (b"LOAD!", b"", b"\xff"):
        with pytest.raises(ProtocolError):
            payloads.parse_action(wrong)
    with pytest.raises(ProtocolError):
        payloads.parse_name(b"x" * 201)


def test_errors_are_told_in_one_form() -> None:
    payload = ErrorPayload(id="7", error=Problem.of(UnknownVoice("There is no voice 'x'.")))
    assert json.loads(payload.encoded()) == {
        "id": "7",
        "error": {"code": "unknown_voice", "message": "There is no voice 'x'.", "retryable": False},
    }
    assert Problem.of(Busy("Later.", retry_after_s=2.5)).retry_after_s == 2.5
    hidden = Problem.of(OSError("/secret/path"))
    assert (hidden.code, "secret" in hidden.message) == ("internal", False)
