"""The satellite device, with a client as its hub; microphone and loudspeaker are files."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import Event
from wyoming.info import Info
from wyoming.timer import TimerFinished

from lunavox_edge.audio.chime import LISTENING, chime
from lunavox_edge.audio.wav import read_wav, wav_bytes
from lunavox_edge.errors import SettingsError
from lunavox_edge.satellite import hub_connection as link_module
from lunavox_edge.satellite import listening as listening_module
from lunavox_edge.satellite import satellite_server as server_module
from lunavox_edge.satellite.device import Sounds
from lunavox_edge.satellite.listening import MicrophonePhase
from lunavox_edge.satellite.microphone import CHUNK_BYTES
from lunavox_edge.wyoming_server.listener import Listener
from tests.fakes.stt import SttScript
from tests.fakes.tts import TtsScript
from tests.fakes.wake import ScriptedWake, said, silence
from tests.wire.conftest import PATIENCE_S, Peer
from tests.wire.rooms import RATE_HZ, Furnish, furnishing, speech

pytestmark = pytest.mark.wire


@pytest.fixture
async def furnish(scripts: tuple[TtsScript, SttScript], tmp_path: Path) -> AsyncIterator[Furnish]:
    async with furnishing(tmp_path) as start:
        yield start


async def streamed(hub: Peer, chunks: int) -> bytes:
    """Return the microphone's next sound."""
    return b"".join([(await hub.expect("audio-chunk")).payload or b"" for _ in range(chunks)])


async def test_it_says_what_it_is_to_anybody(furnish: Furnish) -> None:
    room = await furnish(words=("alexa",))
    async with room.connect() as hub, room.connect() as visitor:
        await hub.send("run-satellite")
        for peer in (hub, visitor):
            await peer.send("describe")
            info = Info.from_event((await peer.until("info"))[-1])
            assert info.satellite is not None
            assert (info.satellite.name, info.satellite.area) == ("kitchen", "Kitchen")
            assert info.satellite.active_wake_words == ["alexa"]
            assert {model.phrase for model in info.wake[0].models} == {"Alexa", "Okay_Nabu"}
            assert not info.asr
            assert not info.tts
        await visitor.alive()


async def test_without_words_of_its_own_everything_goes_to_the_hub_until_a_pause(furnish: Furnish) -> None:
    sound = said("alexa", 0.09) + said("okay_nabu", 0.09)
    room = await furnish(sound)
    async with room.connect() as hub:
        await hub.alive()
        assert room.said == [], "the microphone is on"
        await hub.send("run-satellite")
        pipeline = await hub.expect("run-pipeline")
        assert pipeline.data["start_stage"] == "wake"
        assert pipeline.data["end_stage"] == "tts"
        assert pipeline.data["restart_on_end"] is True
        assert await streamed(hub, 6) == sound
        # Silence follows the recording; the connection stays.
        assert await streamed(hub, 2) == bytes(2 * CHUNK_BYTES)
        await hub.send("transcript", "detection", "voice-started", "voice-stopped", "synthesize", "ping")
        await hub.until("pong")
        await streamed(hub, 2)
        await hub.send("pause-satellite", "ping")
        await hub.until("pong")
        assert room.satellite.phase is MicrophonePhase.OFF
        await hub.alive()
        # After another `run-satellite` the recording is played from its beginning.
        await hub.send("run-satellite")
        await hub.expect("run-pipeline")
        assert await streamed(hub, 6) == sound


async def test_with_words_of_its_own_nothing_is_sent_before_one_was_said(furnish: Furnish) -> None:
    after = b"\x07\x00" * 2400
    room = await furnish(silence(0.3) + said("okay_nabu") + said("alexa") + after, words=("alexa",))
    async with room.connect() as hub:
        await hub.send("run-satellite")
        detection = await hub.expect("detection")
        assert detection.data["name"] == "alexa"
        pipeline = await hub.expect("run-pipeline")
        assert (pipeline.data["start_stage"], pipeline.data["wake_word_name"]) == ("asr", "alexa")
        assert pipeline.data["restart_on_end"] is False
        sound = await streamed(hub, 12)
        assert said("okay_nabu")[:2] not in {sound[at : at + 2] for at in range(0, len(sound), 2)}
        assert sound.count(b"\x07\x00") >= 2400 - CHUNK_BYTES // 2  # nothing after the word is lost
        await hub.send("transcript", "ping")
        await hub.until("pong")
        assert room.satellite.phase is MicrophonePhase.WAITING
        await hub.alive()  # and not a chunk more
    await room.until(lambda: room.satellite.phase is MicrophonePhase.OFF)
    assert ScriptedWake.script.open_streams == 0


@pytest.mark.parametrize("end", ["error", "transcript"])
async def test_the_hub_can_begin_a_command_without_a_word(furnish: Furnish, end: str) -> None:
    room = await furnish(silence(0.1), words=("alexa",))
    async with room.connect() as hub:
        await hub.send("run-satellite")
        for _ in range(2):
            await hub.send("run-pipeline")
            assert (await hub.expect("run-pipeline")).data["start_stage"] == "asr"
            await streamed(hub, 2)
            await hub.send(end, "ping")
            await hub.until("pong")


async def test_a_hub_that_never_answers_does_not_hear_for_ever(
    furnish: Furnish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening_module, "LISTEN_S", 0.3)
    room = await furnish(words=("alexa",))
    async with room.connect() as hub:
        await hub.send("run-satellite", "run-pipeline")
        assert len(await hub.until("audio-stop")) < 20
        await hub.alive()
        assert room.satellite.phase is MicrophonePhase.WAITING


async def test_speech_is_played_and_its_end_told(furnish: Furnish) -> None:
    room = await furnish()
    async with room.connect() as hub:
        await hub.send(*speech(0.3), *speech(0.2, rate_hz=11_025, level=2000))
        await hub.expect("played")
        await hub.expect("played")
        pcm = room.heard()
        assert len(pcm) == pytest.approx(2 * RATE_HZ * 0.5, rel=0.02)
        assert pcm[:2] == (1000).to_bytes(2, "little")
        assert int.from_bytes(pcm[-4000:-3998], "little") == pytest.approx(2000, abs=20)


async def test_stereo_is_mixed_and_a_start_ends_what_was_open(furnish: Furnish) -> None:
    room = await furnish()
    pair = (500).to_bytes(2, "little") + (1500).to_bytes(2, "little")
    async with room.connect() as hub:
        await hub.send(
            AudioStart(rate=8000, width=2, channels=2).event(),
            AudioChunk(rate=8000, width=2, channels=2, audio=pair * 800).event(),
            *speech(0.1, rate_hz=8000),
        )
        await hub.expect("played")
        await hub.expect("played")
        assert room.heard() == (1000).to_bytes(2, "little") * 1600


async def test_the_wake_word_silences_it_at_once(furnish: Furnish) -> None:
    room = await furnish(silence(0.6) + said("alexa"), words=("alexa",))
    async with room.connect() as hub:
        await hub.send("run-satellite", *speech(30.0)[:-1])
        await hub.expect("played")
        await hub.expect("detection")
        await hub.expect("run-pipeline")
        heard = len(room.heard())
        # Further audio of the silenced speech is not played; the next speech is.
        await hub.send(*speech(5.0)[1:], *speech(0.1, level=3000))
        await hub.until("played")
        assert len(room.heard()) == heard + 2 * int(0.1 * RATE_HZ)
        assert 0 < heard < 2 * RATE_HZ * 10


async def test_the_hub_hears_the_word_and_it_falls_silent(furnish: Furnish) -> None:
    room = await furnish()
    async with room.connect() as hub:
        await hub.send("run-satellite", *speech(30.0))
        await hub.until("audio-chunk")
        await hub.send("detection")
        await hub.until("played")
        assert not room.satellite._playback.active


@pytest.mark.parametrize("by", ["itself", "the hub"])
async def test_a_chime_tells_that_it_listens_and_is_no_speech_of_the_hub(furnish: Furnish, by: str) -> None:
    local = by == "itself"
    room = await furnish(
        silence(0.1) + said("alexa") if local else b"",
        words=("alexa",) if local else None,
        sounds=Sounds(chime=True),
    )
    async with room.connect() as hub:
        await hub.send("run-satellite")
        if not local:
            await hub.send("detection")
        await room.until(lambda: len(room.heard()) == len(chime(LISTENING, RATE_HZ)))
        await room.until(lambda: not room.satellite._playback.active)
        await hub.send("ping")
        assert "played" not in {event.type for event in await hub.until("pong")}


async def test_a_long_speech_does_not_hold_up_pings(furnish: Furnish) -> None:
    room = await furnish(speaker="null")
    async with room.connect() as hub:
        await hub.send(*speech(240.0))
        await hub.alive()


async def test_a_speaker_that_does_not_work_is_told_and_not_waited_for(furnish: Furnish) -> None:
    room = await furnish(speaker=f"command:{sys.executable} -c 'raise SystemExit(\"no such card\")'")
    async with room.connect() as hub:
        await hub.send(*speech(0.1))
        error = await hub.expect("error")
        assert error.data["code"] == "playback_failed"
        assert "no such card" in error.data["text"]
        await hub.expect("played")


async def test_a_program_can_play(furnish: Furnish, tmp_path: Path) -> None:
    copy = tmp_path / "played.wav"
    room = await furnish(speaker=f"command:dd of={copy} status=none")
    async with room.connect() as hub:
        await hub.send(*speech(0.2))
        await hub.expect("played")
    assert len(read_wav(copy.read_bytes())[1]) == 2 * int(0.2 * RATE_HZ)


async def test_a_program_that_ends_is_started_again(furnish: Furnish, tmp_path: Path) -> None:
    recording = tmp_path / "program.wav"
    recording.write_bytes(wav_bytes(b"\x05\x00" * 960, 16_000))
    room = await furnish(mic=f"command:cat {recording}")
    async with room.connect() as hub:
        await hub.send("run-satellite")
        await hub.expect("run-pipeline")
        assert await streamed(hub, 4) == b"\x05\x00" * 1920


async def test_the_program_ends_with_the_pause(furnish: Furnish, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    room = await furnish(mic=f"command:sh -c 'echo $$ > {pid}; exec cat /dev/zero'")
    async with room.connect() as hub:
        await hub.send("run-satellite")
        await hub.until("audio-chunk")
        process = Path("/proc") / pid.read_text().strip()
        assert process.exists()
        await hub.send("pause-satellite", "ping")
        await hub.until("pong")
        assert not process.exists()


async def test_one_hub_at_a_time(furnish: Furnish, monkeypatch: pytest.MonkeyPatch) -> None:
    room = await furnish()
    async with room.connect() as first, room.connect() as second:
        await first.send("run-satellite")
        await first.until("audio-chunk")
        await second.send("run-satellite")
        assert "Another hub" in await second.expect_error("busy")
        await second.expect_end()
        await first.send("ping")
        await first.until("pong")
        monkeypatch.setattr(server_module, "TAKE_OVER_AFTER_S", 0.0)
        async with room.connect() as third:
            await third.send("run-satellite")
            await third.expect("run-pipeline")
            await third.expect("audio-chunk")


async def test_a_hub_from_elsewhere_is_not_let_in(furnish: Furnish, monkeypatch: pytest.MonkeyPatch) -> None:
    room = await furnish(wyoming={"allow": ["192.0.2.0/24"]})
    async with room.connect() as hub:
        await hub.alive()
    monkeypatch.setattr(server_module, "host_of", lambda _: "198.51.100.1")
    async with room.connect() as stranger:
        with suppress(OSError):
            assert await stranger.read() is None


async def test_there_is_no_tls() -> None:
    with pytest.raises(SettingsError, match="--uri"):
        await Listener("tls://127.0.0.1:0", lambda *_: None, chosen_by="--uri").start()


async def test_a_hub_comes_back(furnish: Furnish) -> None:
    room = await furnish(words=())
    for _ in range(3):
        async with room.connect() as hub:
            await hub.send("run-satellite", "run-pipeline")
            await hub.until("audio-chunk")
            hub.vanish()
        await room.until(lambda: room.satellite.phase is MicrophonePhase.OFF)


async def test_what_a_hub_left_behind_is_heard_but_told_to_nobody_else(furnish: Furnish) -> None:
    room = await furnish()
    async with room.connect() as hub:
        await hub.send(*speech(0.2)[:-1])
        await room.until(lambda: room.satellite._playback.active)
    await room.until(lambda: "has gone" in room.said[-1])
    async with room.connect() as hub:
        await hub.send(*speech(0.1))
        await hub.expect("played")
        await hub.alive()
    assert len(room.heard()) == 2 * (int(0.2 * RATE_HZ) + int(0.1 * RATE_HZ))


async def test_a_hub_that_falls_silent_is_asked_and_then_left(
    furnish: Furnish, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("_CHECK_S", 0.02), ("PING_AFTER_S", 0.1), ("GIVE_UP_AFTER_S", 0.5)):
        monkeypatch.setattr(link_module, name, seconds)
    room = await furnish(words=())
    async with room.connect() as hub:
        await hub.send("run-satellite")
        await hub.alive()  # it answers pings
        await hub.expect("ping")
        with suppress(ConnectionError):
            await hub.expect_end()
    await room.until(lambda: room.satellite.phase is MicrophonePhase.OFF)


async def test_bad_messages_hurt_nothing(furnish: Furnish) -> None:
    room = await furnish()
    async with room.connect() as hub:
        await hub.send(Event("audio-start", {"rate": 0, "width": 2, "channels": 1}))
        await hub.expect_error("bad_audio")
        await hub.send(Event("audio-chunk", {}, b"\0" * 100), "audio-stop", "unheard-of")
        await hub.send_bytes(b'{"type": 5}\n')
        await hub.expect_error("bad_message")
        await hub.alive()
        await hub.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
        await hub.expect_error("bad_message")


async def test_a_word_that_does_not_load_is_told(furnish: Furnish) -> None:
    ScriptedWake.script.broken.add("alexa")
    room = await furnish(words=("alexa",))
    async with room.connect() as hub:
        await hub.send("run-satellite")
        await hub.expect_error("broken_model")
        await hub.alive()
        assert room.satellite.phase is MicrophonePhase.OFF


async def test_listening_that_has_failed_begins_again(
    furnish: Furnish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening_module, "_FIRST_PAUSE_S", 0.02)
    ScriptedWake.script.broken.add("alexa")
    room = await furnish(silence(0.1) + said("alexa"), words=("alexa",))
    async with room.connect() as hub:
        await hub.send("run-satellite")
        await hub.expect_error("broken_model")
        ScriptedWake.script.broken.clear()
        await hub.expect("detection")
    await room.until(lambda: room.satellite.phase is MicrophonePhase.OFF)


async def test_what_a_hub_still_sends_to_a_satellite_that_ends_begins_nothing(furnish: Furnish) -> None:
    room = await furnish()
    async with room.connect() as hub:
        await hub.send("run-satellite")
        await hub.until("audio-chunk")
        await room.satellite.close()
        await hub.send("run-satellite", TimerFinished(id="a").event(), *speech(0.1), "ping")
        await hub.until("pong")
        assert room.satellite.phase is MicrophonePhase.OFF
        assert not room.satellite.alarm.rings
        assert not room.satellite._playback.active


async def test_the_command_serves_and_ends_in_order(tmp_path: Path) -> None:
    speaker = tmp_path / "speaker.wav"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lunavox_edge", "satellite", "--mic", "stdin", "--speaker", str(speaker)),
        *("--uri", "tcp://127.0.0.1:0", "--name", "attic"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 30.0)).decode()
        assert line.startswith("Satellite attic on tcp://127.0.0.1:")
        hub = Peer(line.split()[3].rstrip("."))
        await hub.client.connect()
        process.stdin.write(b"\x03\x00" * 480)
        await hub.send("run-satellite", *speech(0.1))
        events = await hub.until("played")
        assert next(event for event in events if event.type == "audio-chunk").payload == b"\x03\x00" * 480
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
        assert (await process.stdout.read()).decode().endswith("\nStopped.\n")
        await hub.client.disconnect()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.stdin.close()
        await process.wait()
    assert len(read_wav(speaker.read_bytes())[1]) == 2 * int(0.1 * RATE_HZ)
