"""The voice and the language that are chosen over MQTT."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from lunavox_edge.audio.wav import wav_bytes
from tests.broker.conftest import Appliance, Listen, Start
from tests.fakes.backends import entry
from tests.fakes.broker import Mosquitto, Peer
from tests.fakes.tts import ScriptedTts

pytestmark = pytest.mark.broker

BASE = "lunavox/kitchen"


@pytest.fixture
async def appliance(mosquitto: Mosquitto, start: Start) -> Appliance:
    return await start(f"mqtt://127.0.0.1:{mosquitto.port}")


@pytest.fixture
async def peer(mosquitto: Mosquitto, appliance: Appliance, listen: Listen) -> Peer:
    found = await listen(mosquitto.port)
    await found.value("kitchen/state", phase="idle")
    return found


def choose_beforehand(folder: Path, **choices: str) -> None:
    """Leave what an earlier run of the appliance has saved."""
    file = folder / "state-kitchen" / "mqtt.json"
    file.parent.mkdir()
    file.write_text(json.dumps(choices), encoding="utf-8")


@pytest.mark.parametrize("language", ["off", "joe", "zz", "fr-FR", '"fr"'])
async def test_a_language_that_no_voice_speaks_is_refused(peer: Peer, language: str) -> None:
    peer.send(f"{BASE}/language/set", language)
    error = (await peer.value("events/error", topic=f"{BASE}/language/set"))["error"]
    assert error["code"] == "unsupported_language"
    assert "de-DE, en-GB, en-US" in error["message"]
    peer.send(f"{BASE}/say", {"text": "Hello.", "id": "1"})
    await peer.value("events/speech", id="1", status="finished")
    assert {state["language"] for state in peer.values("kitchen/state")} == {None}


@pytest.mark.parametrize(
    ("sent", "told"), [("EN", "en"), ("en_us", "en-US"), ('"DE"', "de"), ("de_AT", "de-AT")]
)
async def test_a_language_is_told_in_its_usual_spelling(peer: Peer, sent: str, told: str) -> None:
    peer.send(f"{BASE}/language/set", sent)
    await peer.value("kitchen/state", language=told)
    peer.send(f"{BASE}/say", {"text": "Hello.", "id": "1"})
    await peer.value("events/speech", id="1", status="finished")


async def test_a_voice_without_the_speaker_is_refused(peer: Peer) -> None:
    for voice in ("alpha#7", "choir#tenor", "choir#"):
        peer.send(f"{BASE}/voice/set", voice)
    await peer.until(lambda: len(peer.values("events/error")) == 3)
    assert {error["error"]["code"] for error in peer.values("events/error")} == {"unknown_speaker"}
    peer.send(f"{BASE}/voice/set", "choir#bass")
    await peer.value("kitchen/state", voice="choir#bass")


@pytest.mark.parametrize("voice", ["gone", "choir#tenor"])
async def test_a_saved_choice_that_became_impossible_is_not_used(
    mosquitto: Mosquitto,
    start: Start,
    listen: Listen,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    voice: str,
) -> None:
    choose_beforehand(tmp_path, voice=voice, language="zz")
    with caplog.at_level(logging.WARNING):
        await start(f"mqtt://127.0.0.1:{mosquitto.port}")
        peer = await listen(mosquitto.port)
        await peer.value("kitchen/state", voice="alpha", language=None)
        for number in "12":
            peer.send(f"{BASE}/say", {"text": "Hello.", "id": number})
            spoken = await peer.value("events/speech", id=number, status="finished")
            assert spoken["voice"] == "alpha"
        peer.send(f"{BASE}/transcribe", wav_bytes(b"\x00\x10" * 16_000, 16_000))
        assert (await peer.value("events/transcript"))["text"] == "turn on the light"
    assert caplog.text.count(f"The voice '{voice}' that was chosen over MQTT is not used: ") == 1
    assert "The language 'zz' that was chosen over MQTT is not used: No installed voice speaks" in caplog.text


async def test_a_choice_is_used_again_when_its_voice_is_back(
    peer: Peer, appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer.send(f"{BASE}/voice/set", "beta")
    await peer.value("kitchen/state", voice="beta")
    with monkeypatch.context() as removal:
        kept = (entry("alpha", backend=ScriptedTts.name, languages=("en-US",)),)
        removal.setattr(ScriptedTts, "packaged", lambda _: kept)
        appliance.engine.catalog.refresh(force=True)
        await peer.until(lambda: peer.values("kitchen/state")[-1]["voice"] == "alpha")
    appliance.engine.catalog.refresh(force=True)
    await peer.until(lambda: peer.values("kitchen/state")[-1]["voice"] == "beta")


async def test_choices_outlive_a_restart(mosquitto: Mosquitto, start: Start, listen: Listen) -> None:
    uri = f"mqtt://127.0.0.1:{mosquitto.port}"
    first = await start(uri)
    peer = await listen(mosquitto.port)
    await peer.value("kitchen/state", voice="alpha", language=None)
    peer.send(f"{BASE}/voice/set", "beta")
    peer.send(f"{BASE}/language/set", "de")
    await peer.value("kitchen/state", voice="beta", language="de")
    await peer.value("kitchen/voices", default="beta")
    await first.mqtt.stop()
    peer.heard.clear()
    await start(uri)
    await peer.value("kitchen/state", voice="beta", language="de")
    peer.send(f"{BASE}/say", {"text": "Hallo.", "id": "1"})
    assert (await peer.value("events/speech", id="1", status="finished"))["voice"] == "beta"
    peer.send(f"{BASE}/language/set", "auto")
    await peer.value("kitchen/state", voice="beta", language=None)


async def test_what_was_chosen_is_among_the_options_of_home_assistant(peer: Peer) -> None:
    def options(entity: str) -> list[str]:
        found = peer.values("homeassistant/device/lunavox_kitchen/config")
        return found[-1]["components"][entity]["options"] if found else []

    peer.send(f"{BASE}/voice/set", "alpha#0")
    peer.send(f"{BASE}/language/set", "en")
    await peer.value("kitchen/state", voice="alpha#0", language="en")
    await peer.until(lambda: "alpha#0" in options("voice") and "en" in options("language"))
    peer.send(f"{BASE}/voice/set")
    peer.send(f"{BASE}/language/set")
    await peer.until(lambda: options("voice") == ["alpha", "beta", "choir"])
    assert "en" not in options("language")
