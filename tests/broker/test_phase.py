"""The phase in the appliance's state while announcements play or wait."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.broker.conftest import Appliance, Listen, Start
from tests.fakes.broker import Mosquitto, Peer

pytestmark = pytest.mark.broker

SAY, VOICE = "lunavox/kitchen/say", "lunavox/kitchen/voice/set"


class HeldPlayer:
    """A player program that reads all audio at once and goes on playing until it is released."""

    def __init__(self, folder: Path) -> None:
        self._gate = folder / "gate"
        os.mkfifo(self._gate)
        self.output = f"sh -c 'cat >/dev/null; cat {self._gate} >/dev/null'"

    async def release(self) -> None:
        await asyncio.to_thread(self._gate.write_bytes, b"")


@pytest.fixture
def player(tmp_path: Path) -> HeldPlayer:
    return HeldPlayer(tmp_path)


async def synthesised(peer: Peer, appliance: Appliance, text: str) -> None:
    """Wait until the engine has nothing to do with a text any more."""
    await peer.until(lambda: text in appliance.tts.texts and not appliance.engine.status().speeches)


def phases(peer: Peer) -> list[str]:
    return [state["phase"] for state in peer.values("kitchen/state")]


async def test_it_is_speaking_until_the_player_has_played_everything(
    mosquitto: Mosquitto, start: Start, listen: Listen, player: HeldPlayer
) -> None:
    appliance = await start(f"mqtt://127.0.0.1:{mosquitto.port}", output=player.output)
    peer = await listen(mosquitto.port)
    await peer.value("kitchen/state", phase="idle")
    peer.send(SAY, {"text": "Dinner is ready.", "id": "1"})
    await synthesised(peer, appliance, "Dinner is ready.")
    peer.send(VOICE, "beta")
    assert (await peer.value("kitchen/state", voice="beta"))["phase"] == "speaking"
    await player.release()
    await peer.value("events/speech", id="1", status="finished")
    await peer.until(lambda: phases(peer)[-1] == "idle")


async def test_it_is_speaking_after_a_restart_of_the_broker_too(
    mosquitto: Mosquitto, start: Start, listen: Listen, player: HeldPlayer
) -> None:
    appliance = await start(f"mqtt://127.0.0.1:{mosquitto.port}", output=player.output)
    peer = await listen(mosquitto.port)
    await peer.value("kitchen/state", phase="idle")
    peer.send(SAY, {"text": "Dinner is ready.", "id": "1"})
    await synthesised(peer, appliance, "Dinner is ready.")
    mosquitto.kill()
    peer.heard.clear()
    mosquitto.start()
    await peer.until(lambda: phases(peer))
    assert phases(peer)[0] == "speaking"
    await player.release()
    await peer.until(lambda: phases(peer)[-1] == "idle")
    assert "idle" not in phases(peer)[:-1]
