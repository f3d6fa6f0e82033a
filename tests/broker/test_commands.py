"""Commands of automations, with every kind of broker and both versions of MQTT."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any

import pytest

from lunavox_edge.audio.wav import read_wav, wav_bytes
from tests.broker.conftest import Appliance, Listen, Start
from tests.fakes.broker import Mosquitto, Peer
from tests.fakes.ports import free_port
from tests.fakes.recordings import gsm_wav

pytestmark = pytest.mark.broker

BASE = "lunavox/kitchen"
WORDS = "oak elm ash fir yew box bay fig nut may".split()


@dataclass
class House:
    appliance: Appliance
    peer: Peer

    def say(self, payload: str | bytes | dict[str, object]) -> None:
        self.peer.send(f"{BASE}/say", payload)

    def statuses(self, wanted: str) -> list[str]:
        return [event["status"] for event in self.peer.values("events/speech") if event["id"] == wanted]


async def settle(start: Start, listen: Listen, port: int, version: str, broker: str) -> House:
    appliance = await start(broker, version=version, listen=f"127.0.0.1:{port}")
    peer = await listen(port, version="3.1.1" if broker == "embedded" else version)
    await peer.until(lambda: any(message.payload == b"online" for message in peer.on("availability")))
    return House(appliance, peer)


@pytest.fixture(params=["5", "3.1.1", "embedded"])
async def house(request: pytest.FixtureRequest, start: Start, listen: Listen) -> House:
    if request.param == "embedded":
        return await settle(start, listen, free_port(), "5", "embedded")
    mosquitto: Mosquitto = request.getfixturevalue("mosquitto")
    return await settle(start, listen, mosquitto.port, request.param, f"mqtt://127.0.0.1:{mosquitto.port}")


@pytest.fixture
async def home(mosquitto: Mosquitto, start: Start, listen: Listen) -> House:
    """MQTT 5 on mosquitto."""
    return await settle(start, listen, mosquitto.port, "5", f"mqtt://127.0.0.1:{mosquitto.port}")


async def test_say_is_spoken_and_reported(house: House) -> None:
    house.say({"text": "Dinner is ready.", "id": "7"})
    finished = await house.peer.value("events/speech", status="finished")
    assert house.statuses("7") == ["queued", "started", "finished"]
    assert finished["voice"] == "alpha"
    assert finished["audio_s"] > 0
    started = await house.peer.value("events/speech", status="started")
    assert started["first_audio_ms"] > 0
    audio_format, pcm = read_wav(house.appliance.played.read_bytes())
    assert audio_format.rate_hz == 16_000
    assert len(pcm) / 32_000 == pytest.approx(finished["audio_s"], abs=0.01)


async def test_numbers_are_spoken_and_named_as_they_are_written(home: House) -> None:
    home.peer.send(f"{BASE}/say", b'{"text": 21.5, "id": 7, "speed": "1.5", "volume": "0.5"}')
    await home.peer.value("events/speech", id="7", status="finished")
    assert home.appliance.tts.texts == ["twenty-one point five"]
    home.peer.send(f"{BASE}/synthesize", b'{"text": 22, "format": "WAV", "reply_to": "answers/1"}')
    assert (await home.peer.message("answers/1")).payload[:4] == b"RIFF"
    home.peer.send(f"{BASE}/say", b'{"text": [], "id": 8}')
    failed = await home.peer.value("events/speech", id="8", status="failed")
    assert failed["error"]["message"] == "'text': must be a text or a number."
    home.peer.send(f"{BASE}/voice/set", b'"beta"')
    await home.peer.value("kitchen/state", voice="beta")
    home.peer.send(f"{BASE}/models/ear/set", b"LOAD")
    await home.peer.until(lambda: "ear" in home.peer.values("kitchen/state")[-1]["loaded"])


async def test_plain_text_is_enough(house: House) -> None:
    house.say("Für dich.")
    await house.peer.value("events/speech", status="finished")
    assert house.appliance.tts.texts == ["Für dich."]


async def test_the_appliance_tells_of_itself(house: House) -> None:
    state = await house.peer.value("kitchen/state", phase="idle")
    assert state["voice"] == "alpha"
    assert state["mem_available_bytes"] > 0
    voices = await house.peer.value("kitchen/voices")
    assert [item["name"] for item in voices["items"]] == ["alpha", "beta", "choir"]
    await house.peer.value("kitchen/models", default="ear")
    device = json.loads((await house.peer.message("homeassistant/device/lunavox_kitchen/config")).payload)
    assert device["components"]["say"]["command_topic"] == f"{BASE}/say"


async def test_another_default_model_of_the_settings_is_told(house: House) -> None:
    await house.peer.value("kitchen/models", default="ear")
    engine = house.appliance.engine
    stt = engine.settings.stt.model_copy(update={"model": "ear.en"})
    await asyncio.to_thread(engine.apply, engine.settings.model_copy(update={"stt": stt}))
    await house.peer.value("kitchen/models", default="ear.en")


async def test_text_becomes_audio_where_it_was_asked_for(house: House) -> None:
    house.peer.send(
        f"{BASE}/synthesize", {"text": "Hello there.", "format": "flac", "reply_to": "answers/1", "id": "s1"}
    )
    assert (await house.peer.message("answers/1")).payload[:4] == b"fLaC"
    house.peer.send(f"{BASE}/synthesize", {"text": "Hello there.", "reply_to": "answers/2"})
    _, pcm = read_wav(bytes((await house.peer.message("answers/2")).payload))
    house.peer.send(f"{BASE}/synthesize", {"text": "Hello there.", "format": "pcm", "reply_to": "answers/3"})
    assert (await house.peer.message("answers/3")).payload == pcm


async def test_audio_becomes_text(house: House) -> None:
    house.peer.send(f"{BASE}/transcribe", wav_bytes(b"\x00\x10" * 16_000, 16_000))
    event = await house.peer.value("events/transcript")
    assert (event["text"], event["source"], event["event_type"]) == (
        "turn on the light",
        "mqtt",
        "transcript",
    )
    assert event == await house.peer.value(f"transcript/{event['id']}")


async def test_a_telephone_recording_becomes_text(home: House) -> None:
    home.peer.send(f"{BASE}/transcribe", gsm_wav(50)[:-10], reply_to="me", correlation=b"1")
    heard = await home.peer.value("me", id="1")
    assert (heard["text"], heard["duration_s"]) == ("turn on the light", pytest.approx(1.96, abs=0.05))


async def test_answers_go_to_the_response_topic_with_their_correlation(home: House) -> None:
    home.peer.send(f"{BASE}/synthesize", "Hello.", reply_to="me/audio", correlation=b"\x00\x01")
    message = await home.peer.message("me/audio")
    assert message.payload[:4] == b"RIFF"
    properties: Any = message.properties
    assert properties.CorrelationData == b"\x00\x01"
    assert properties.ContentType == "audio/wav"
    recording = wav_bytes(b"\x00\x10" * 16_000, 16_000)
    home.peer.send(f"{BASE}/transcribe", recording, reply_to="me/text", correlation=b"q7")
    assert (await home.peer.value("me/text"))["id"] == "q7"
    home.peer.send(f"{BASE}/transcribe", b"no audio at all", reply_to="me/error", correlation=b"q8")
    assert (await home.peer.value("me/error", id="q8"))["error"]["code"] == "bad_audio"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\xff\xfe\x00junk", "bad_message"),
        (b'{"text": true}', "bad_message"),
        (b'{"text": {"a": 1}}', "bad_message"),
        (b'{"text": "Hi", "speed": "fast"}', "bad_message"),
        (b'{"text": "Hi", "spead": 2}', "bad_message"),
        (b"{", "bad_message"),
        (b'{"text": ' + b"[" * 50_000, "bad_message"),
        (b"x" * 1_000_000, "text_too_long"),
        (b"x" * 2_000_000, "bad_message"),
        (b"", "empty_text"),
        (b'{"text": "Hi", "voice": "nobody"}', "unknown_voice"),
        (b'{"text": "Hi", "voice": "../../etc/passwd"}', "unknown_voice"),
        (b'{"text": "Hi", "language": "tlh"}', "unsupported_language"),
        (b'{"text": "Hi", "satellite": "attic"}', "unknown_satellite"),
        (b'{"text": "<speak", "text_format": "ssml"}', "bad_markup"),
    ],
)
async def test_a_bad_say_is_answered_and_hurts_nothing(home: House, payload: bytes, code: str) -> None:
    home.say(payload)
    failed = await home.peer.value("events/speech", status="failed")
    assert failed["error"]["code"] == code
    home.say({"text": "Still here.", "id": "after"})
    await home.peer.value("events/speech", status="finished", id="after")


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        ("synthesize", b"no place for the answer", "bad_message"),
        ("synthesize", b'{"text": "Hi", "reply_to": "a/+/b"}', "bad_message"),
        ("synthesize", b'{"text": "Hi", "reply_to": "lunavox/kitchen/say"}', "bad_message"),
        ("voice/set", b"nobody", "unknown_voice"),
        ("voice/set", b"\xff", "bad_message"),
        ("language/set", b"no language!", "bad_message"),
        ("language/set", b"tlh", "unsupported_language"),
        ("models/nothing/set", b"load", "unknown_model"),
        ("models/ear/set", b"explode", "bad_message"),
        ("models/..%2F..%2Fetc/set", b"load", "unknown_model"),
        ("stop", b"[]", "bad_message"),
    ],
)
async def test_what_names_no_place_is_told_as_an_event(
    home: House, topic: str, payload: bytes, code: str
) -> None:
    home.peer.send(f"{BASE}/{topic}", payload)
    event = await home.peer.value("events/error", topic=f"{BASE}/{topic}")
    assert event["error"]["code"] == code


@pytest.mark.parametrize(
    ("recording", "code"),
    [(b"", "bad_message"), (b"junk" * 1000, "bad_audio"), (b"\x00" * 3_000_000, "audio_too_long")],
)
async def test_bad_recordings_are_answered(
    mosquitto: Mosquitto, start: Start, listen: Listen, recording: bytes, code: str
) -> None:
    await start(f"mqtt://127.0.0.1:{mosquitto.port}", max_audio_mb=2)
    peer = await listen(mosquitto.port)
    await peer.message("availability")
    peer.send(f"{BASE}/transcribe", recording, reply_to="me", correlation=b"1")
    assert (await peer.value("me", id="1"))["error"]["code"] == code


async def test_other_nodes_and_unknown_topics_are_not_ours(home: House) -> None:
    for topic in ("lunavox/cellar/say", f"{BASE}/shout", f"{BASE}/say/loud", "lunavox/say"):
        home.peer.send(topic, "not for us")
    home.say({"text": "For us.", "id": "1"})
    await home.peer.value("events/speech", status="finished", id="1")
    assert home.appliance.tts.texts == ["For us."]


async def test_a_repeated_id_is_spoken_once(home: House) -> None:
    for _ in range(3):
        home.say({"text": "Once.", "id": "same"})
    home.say({"text": "End.", "id": "end"})
    await home.peer.value("events/speech", status="finished", id="end")
    assert home.appliance.tts.texts == ["Once.", "End."]


async def test_a_retained_command_is_ignored_with_a_warning(
    mosquitto: Mosquitto, start: Start, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await listen(mosquitto.port)
    peer.send(f"{BASE}/say", "from yesterday", retain=True)
    await peer.message("kitchen/say")
    appliance = await start(f"mqtt://127.0.0.1:{mosquitto.port}")
    peer.send(f"{BASE}/stop")
    with caplog.at_level(logging.WARNING):
        await peer.until(lambda: f"retained message on {BASE}/say" in caplog.text)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        peer.send(f"{BASE}/say", "for ever", retain=True)
        await peer.until(lambda: f"retained message on {BASE}/say" in caplog.text)
    peer.send(f"{BASE}/say", {"text": "from today", "id": "1"})
    await peer.value("events/speech", status="finished", id="1")
    assert appliance.tts.texts == ["from today"]
    assert "yesterday" not in caplog.text


async def test_a_hundred_at_once_keep_their_order_and_the_rest_is_refused(home: House) -> None:
    home.appliance.tts.go.clear()
    home.say({"text": "first.", "id": "first"})
    await home.peer.value("events/speech", id="first")
    await home.peer.until(home.appliance.tts.asked.is_set)
    for number in range(100):
        home.say({"text": f"{WORDS[number % 10]} {WORDS[number // 10]}.", "id": str(number)})
    await home.peer.until(lambda: len(home.peer.values("events/speech")) >= 101)
    home.appliance.tts.go.set()
    await home.peer.value("events/speech", status="finished", id="63")
    accepted = [f"{WORDS[number % 10]} {WORDS[number // 10]}." for number in range(64)]
    assert home.appliance.tts.texts[1:] == accepted
    refused = [event for event in home.peer.values("events/speech") if event["status"] == "failed"]
    assert [event["id"] for event in refused] == [str(number) for number in range(64, 100)]
    assert {event["error"]["code"] for event in refused} == {"busy"}
    assert all(event["error"]["retryable"] for event in refused)


async def test_urgent_goes_first_and_stop_cancels(home: House) -> None:
    home.appliance.tts.go.clear()
    home.say({"text": "playing.", "id": "playing"})
    await home.peer.until(home.appliance.tts.asked.is_set)
    home.say({"text": "low.", "id": "low", "priority": "low"})
    home.say({"text": "normal.", "id": "normal"})
    home.say({"text": "urgent.", "id": "urgent", "priority": "urgent"})
    home.say({"text": "gone.", "id": "gone"})
    home.peer.send(f"{BASE}/stop", {"id": "gone"})
    await home.peer.value("events/speech", id="gone", status="cancelled")
    home.appliance.tts.go.set()
    await home.peer.value("events/speech", id="low", status="finished")
    assert home.appliance.tts.texts == ["playing.", "urgent.", "normal.", "low."]
    home.appliance.tts.go.clear()
    home.appliance.tts.asked.clear()
    home.say({"text": "long.", "id": "a"})
    home.say({"text": "after.", "id": "b"})
    await home.peer.until(home.appliance.tts.asked.is_set)
    home.peer.send(f"{BASE}/stop")
    await home.peer.value("events/speech", id="a", status="cancelled")
    await home.peer.value("events/speech", id="b", status="cancelled")


async def test_models_are_loaded_pinned_and_unloaded(home: House) -> None:
    await home.peer.value("kitchen/state", phase="idle")
    home.peer.send(f"{BASE}/models/ear/set", "load")
    await home.peer.until(lambda: "ear" in home.peer.values("kitchen/state")[-1]["loaded"])
    home.peer.send(f"{BASE}/models/ear/set", "pin")
    await home.peer.until(lambda: "ear" in home.peer.values("kitchen/state")[-1]["pinned"])
    home.peer.send(f"{BASE}/models/ear/set", "unload")
    await home.peer.until(lambda: "ear" not in home.peer.values("kitchen/state")[-1]["loaded"])
    assert home.peer.values("kitchen/state")[-1]["pinned"] == []


@pytest.mark.parametrize(
    ("output", "code"),
    [
        (None, "no_loudspeaker"),
        ("/nowhere/player", "playback_failed"),
        ("sh -c 'echo device is busy >&2; exit 1'", "playback_failed"),
        ("'", "backend_unavailable"),
    ],
)
async def test_without_a_loudspeaker_the_event_says_so(
    mosquitto: Mosquitto, start: Start, listen: Listen, output: str | None, code: str
) -> None:
    await start(f"mqtt://127.0.0.1:{mosquitto.port}", output=output)
    peer = await listen(mosquitto.port)
    await peer.message("availability")
    peer.send(f"{BASE}/say", "Hello.")
    failed = await peer.value("events/speech", status="failed")
    assert failed["error"]["code"] == code
    assert "/nowhere/" not in failed["error"]["message"]
