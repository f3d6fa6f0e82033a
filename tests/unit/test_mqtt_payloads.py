from __future__ import annotations

import json
import re

import pytest

from lunavox_edge.errors import Busy, ProtocolError, UnknownVoice
from lunavox_edge.mqtt import payloads
from lunavox_edge.mqtt.events import ErrorDetails, ErrorPayload
from lunavox_edge.mqtt.payloads import ModelAction, SynthesizeRequest
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
        (b'{"text": true}', "'text': must be a text or a number"),
        (b'{"text": {"a": 1}}', "'text': must be a text or a number"),
        (b'{"text": ["a"]}', "'text'"),
        (b'{"text": null}', "'text'"),
        (b'{"text": NaN}', "'text'"),
        (b'{"text": "\\ud800"}', "not JSON"),
        (b'{"text": "Hi", "\\uDC00": 1}', "not JSON"),
        (b'{"text": "Hi", "voice": false}', "'voice'"),
        (b'{"text": "Hi", "id": [1]}', "'id'"),
        (b'{"text": "Hi", "speed": "fast"}', "'speed': must be a number from 0.25 to 4"),
        (b'{"text": "Hi", "speed": "0,5"}', "'speed': must be a number from 0.25 to 4"),
        (b'{"text": "Hi", "speed": "1e999"}', "'speed': must be a number from 0.25 to 4"),
        (b'{"text": "Hi", "speed": ""}', "'speed': must be a number from 0.25 to 4"),
        (b'{"text": "Hi", "volume": "-1"}', "'volume': must be a number from 0 to 4"),
        (b'{"text": "Hi", "volume": "nan"}', "'volume'"),
        (b'{"text": "Hi", "satellites": true}', "must be a list of names"),
        (b'{"text": "Hi", "satellites": {"a": 1}}', "must be a list of names"),
        (b'{"text": "Hi", "satellites": [null]}', "'satellites[0]': must be a text or a number"),
        (b'{"text": "Hi", "satellites": " , "}', "'satellites'"),
        (b'{"text": "Hi", "text_format": "html"}', "'text' or 'ssml'"),
        (b'{"text": "Hi", "priority": 1}', "'low', 'normal' or 'urgent'"),
        (b'{"text": "Hi"} and more', "not JSON"),
        (b'{"text": "Hi", "spead": 2}', "There is no key 'spead'"),
        (b'{"text": "Hi", "speed": true}', "'speed'"),
        (b'{"text": "Hi", "speed": 99}', "'speed'"),
        (b'{"text": "Hi", "speed": NaN}', "'speed'"),
        (b'{"text": "Hi", "priority": "now"}', "'low', 'normal' or 'urgent'"),
        (b'{"text": "Hi", "satellite": "a", "area": "b"}', "not several"),
        (b'{"text": "Hi", "satellites": []}', "'satellites'"),
        (b'{"text": "Hi", "id": ""}', "'id'"),
        (b'{"text": "Hi", "id": "a\\u0000b"}', "'id'"),
        (b'{"text": "Hi", "a": 1, "b": 1, "c": 1, "d": 1}', "1 more"),
        (b'{"text": ' + b"[" * 100_000, "not JSON"),
        (b"x" * 1_048_577, "1048576 bytes"),
    ],
)
def test_what_is_wrong_is_named(payload: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        payloads.parse_say(payload)
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('"text": 21.5', {"text": "21.5"}),
        ('"text": 0.50', {"text": "0.50"}),
        ('"text": -3', {"text": "-3"}),
        ('"text": "\\ud83d\\ude00"', {"text": "\U0001f600"}),
        ('"text": 123456789012345678901234567890', {"text": "123456789012345678901234567890"}),
        ('"id": 7', {"id": "7"}),
        ('"voice": 0', {"voice": "0"}),
        ('"language": "de_DE"', {"language": "de_DE"}),
        ('"speed": "0.5"', {"speed": 0.5}),
        ('"speed": " 2 "', {"speed": 2.0}),
        ('"volume": "1."', {"volume": 1.0}),
        ('"volume": ".5"', {"volume": 0.5}),
        ('"volume": 1e0', {"volume": 1.0}),
        ('"speed": null', {"speed": None}),
        ('"satellite": 12', {"satellite": "12"}),
        ('"area": 3', {"area": "3"}),
        ('"satellites": "all"', {"satellites": ("all",)}),
        ('"satellites": "ALL"', {"satellites": ("all",)}),
        ('"satellites": ["bath", " All "]', {"satellites": ("bath", "all")}),
        ('"satellite": "All"', {"satellite": "all"}),
        ('"satellites": "kitchen, bath,"', {"satellites": ("kitchen", "bath")}),
        ('"satellites": ["kitchen", 7]', {"satellites": ("kitchen", "7")}),
        ('"satellites": 7', {"satellites": ("7",)}),
        ('"satellites": null', {"satellites": None}),
        ('"priority": "URGENT"', {"priority": Priority.URGENT}),
        ('"text_format": " SSML"', {"text_format": "ssml"}),
    ],
)
def test_what_can_mean_one_thing_only_is_taken(field: str, expected: dict[str, object]) -> None:
    text = "" if field.startswith('"text":') else '"text": "Hi", '
    for start in ("", "\ufeff", "\n "):
        request = payloads.parse_say(f"{start}{{{text}{field}}}".encode())
        assert {key: getattr(request, key) for key in expected} == expected
        assert all(type(getattr(request, key)) is type(value) for key, value in expected.items())


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ('{"text": "a", "satellites": []}', "'satellites': must have at least one name."),
        ('{"text": "a", "satellites": ""}', "'satellites': must have at least one name."),
        ('{"text": "a", "satellites": ["a", ""]}', "'satellites[1]': must not be empty."),
        (
            json.dumps({"text": "a", "satellites": ["a"] * 101}),
            "'satellites': must have at most 100 names.",
        ),
        ('{"text": "a", "id": ""}', "'id': must not be empty."),
        (json.dumps({"text": "a", "id": "x" * 129}), "'id': must have at most 128 characters."),
        ('{"text": "a", "id": "b\\n"}', "'id': must not have control characters."),
        ('{"text": "a", "voice": ""}', "'voice': must not be empty."),
        (json.dumps({"text": "a", "area": "x" * 201}), "'area': must have at most 200 characters."),
        ('{"Text": "a"}', "'text' is missing. There is no key 'Text'; did you mean 'text'?"),
        ('{"text": "a", "prio": "low"}', "There is no key 'prio'; did you mean 'priority'?"),
        (
            '{"text": "a", "\\n?": 1}',
            (
                "There is no key '??'. Known keys: id, text, text_format, voice, language, speed, volume,"
                " satellite, area, satellites, priority."
            ),
        ),
        (
            '{"text": "a", "speed": 9, "volume": 9, "id": "", "area": "", "voice": ""}',
            (
                "'id': must not be empty. 'voice': must not be empty."
                " 'speed': must be a number from 0.25 to 4. There are 2 more problems."
            ),
        ),
    ],
)
def test_problems_are_told_in_whole_sentences(payload: str, message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        payloads.parse_say(payload.encode())
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "key", ["id", "satellite", "satellites", *SynthesizeRequest.model_fields, "priority"]
)
@pytest.mark.parametrize(
    "value", [None, True, 7, -1, 1e300, "", " ", "\n", "x" * 2000, [], [[]], [None], ["\n"], ["a"] * 500, {}]
)
def test_no_words_of_the_validator_are_sent(key: str, value: object) -> None:
    payload = json.dumps({"text": "a", key: value}).encode()
    for parse in (payloads.parse_say, payloads.parse_synthesize, payloads.parse_stop):
        try:
            parse(payload)
        except ProtocolError as error:
            told = str(error)
            assert not re.search("(?i)should|valid|input|tuple|string|enum|literal|another value", told), told
            assert re.fullmatch("['A-Z].*[.?]", told), told


def test_what_was_sent_is_not_repeated() -> None:
    with pytest.raises(ProtocolError) as caught:
        payloads.parse_say(b'{"text": "Hi", "speed": "my secret"}')
    assert "secret" not in str(caught.value)


def test_the_id_of_a_wrong_request_is_found() -> None:
    assert payloads.id_of(b'{"text": 7, "id": "abc", "junk": 1}') == "abc"
    assert payloads.id_of(b'{"text": {}, "id": 7}') == "7"
    for payload in (b"", b"[]", b"{", b'{"id": true}', b'{"id": [7]}', b"\xff", b"plain", b"{" * 100_000):
        assert payloads.id_of(payload) is None


def test_the_other_commands() -> None:
    assert payloads.parse_stop(b"").satellite is None
    assert payloads.parse_stop(b'{"id": "7"}').id == "7"
    assert payloads.parse_action(b" load\n") is ModelAction.LOAD
    assert payloads.parse_name(b" joe ") == "joe"
    assert payloads.parse_synthesize(b'{"text": "Hi", "format": "flac", "reply_to": "a/b"}').reply_to == "a/b"
    assert payloads.parse_synthesize(b'{"text": 7, "format": "FLAC"}').format == "flac"
    for wrong in (b"LOAD!", b"", b"\xff", b"on"):
        with pytest.raises(ProtocolError):
            payloads.parse_action(wrong)
    with pytest.raises(ProtocolError):
        payloads.parse_name(b"x" * 201)


def test_errors_are_told_in_one_form() -> None:
    payload = ErrorPayload(id="7", error=ErrorDetails.of(UnknownVoice("There is no voice 'x'.")))
    assert json.loads(payload.encoded()) == {
        "id": "7",
        "error": {"code": "unknown_voice", "message": "There is no voice 'x'.", "retryable": False},
    }
    assert ErrorDetails.of(Busy("Later.", retry_after_s=2.5)).retry_after_s == 2.5
    hidden = ErrorDetails.of(OSError("/secret/path"))
    assert (hidden.code, "secret" in hidden.message) == ("internal", False)


@pytest.mark.parametrize(
    "payload", [b"", b" ", b"{}", b"all", b'"all"', b"PRESS", b"stop", b"on", b"True", b"1"]
)
def test_a_stop_that_names_nothing_stops_everything(payload: bytes) -> None:
    request = payloads.parse_stop(payload)
    assert (request.id, request.satellite, request.satellites) == (None, None, None)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"off", "must be empty"),
        (b"kitchen", "must be empty"),
        (b"null", "must be empty"),
        (b"[]", "must be a JSON object"),
        (b'{"id": {}}', "'id'"),
        (b'{"satellite": "a", "satellites": ["b"]}', "not both"),
    ],
)
def test_a_stop_that_is_not_clear_is_refused(payload: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        payloads.parse_stop(payload)


def test_a_stop_names_satellites_and_numbers_as_say_does() -> None:
    assert payloads.parse_stop(b'{"id": 7}').id == "7"
    assert payloads.parse_stop(b'{"satellites": "kitchen, bath"}').satellites == ("kitchen", "bath")
    assert payloads.parse_stop(b'{"satellite": 7}').satellite == "7"


def test_plain_payloads_may_have_quotes_blanks_and_any_case() -> None:
    assert payloads.parse_action(b'"Load"') is ModelAction.LOAD
    assert payloads.parse_name(b'"en_US-joe-medium"\n') == "en_US-joe-medium"
    assert payloads.parse_name(b"\xef\xbb\xbfjoe") == "joe"
    assert payloads.parse_name(b'"joe') == '"joe'
    assert payloads.parse_language(b'"de_DE"') == "de-DE"
    assert payloads.parse_language(b" EN ") == "en"
    assert payloads.parse_language(b"en_us") == "en-US"
    assert payloads.parse_language(b"AUTO") is None
    assert payloads.parse_volume(b'"0.5"') == payloads.parse_volume(b" 0.5\n") == 0.5
    assert payloads.parse_names(b'["alexa", "okay_nabu"]') == payloads.parse_names(b"alexa,okay_nabu,alexa")
    assert payloads.parse_names(b"[]") == payloads.parse_names(b"") == ()
    for word in (b"on", b"ON", b"true", b"True", b"1", b'"yes"', b" on "):
        assert payloads.parse_switch(word) is True
    for word in (b"off", b"FALSE", b"0", b"no"):
        assert payloads.parse_switch(word) is False


@pytest.mark.parametrize("payload", [b"", b"2", b"maybe", b"{}", b"onn", b"null", b"\xff"])
def test_what_is_no_switch_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        payloads.parse_switch(payload)


@pytest.mark.parametrize(
    "payload", [b"", b"loud", b"0,5", b"5", b"-0.1", b"nan", b"inf", b"1_0", b"true", b"50%"]
)
def test_what_is_no_volume_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="number from 0 to 4"):
        payloads.parse_volume(payload)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"[1, true]", "Item 2 of the list must be a text or a number."),
        (b'[["a"]]', "Item 1 of the list must be a text or a number."),
        (b"a, " + b"x" * 201, "Item 2 of the list must have at most 200 characters."),
        (b"a," * 101, "The list must have at most 100 names."),
        (b'["a"], "b"', "This is not JSON."),
        (b"[" * 100_000, "This is not JSON."),
    ],
)
def test_what_is_no_list_of_names_is_refused(payload: bytes, message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        payloads.parse_names(payload)
    assert str(caught.value) == message
