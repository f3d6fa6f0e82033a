"""Load test of the hub with eight satellites that send audio all the time."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from importlib.util import find_spec

from lunavox_edge.backends import registry
from lunavox_edge.bench import bench_client, recordings, texts
from lunavox_edge.bench.context import BenchRun
from lunavox_edge.bench.figure_table import Summary, p95
from lunavox_edge.bench.home_assistant import RATE_HZ
from lunavox_edge.bench.listener_playback import gaps
from lunavox_edge.bench.recordings import LEAD_S, Recording
from lunavox_edge.bench.rooms import HubEvent, Room, SpokenCommand, rooms
from lunavox_edge.bench.servers import Plan, Service, free_uri, running
from lunavox_edge.bridge import within
from lunavox_edge.errors import BackendUnavailable, TimedOut
from lunavox_edge.host import system
from lunavox_edge.settings.model import Settings

ROOMS = 8

_WORD, _SENSITIVITY = "okay_nabu", 0.8
_WORDS_SPOKEN = ("Okay Nabu.", "Okay Nabu!", "Okay, Nabu.")
_AFTER_S = 0.3
_NODE = "bench"
_START_S = 90.0
_WORD_S = 3.0
_ANSWER_S = 20.0
_IDLE_S = 8.0
_SETTLE_S = 0.8
_ANNOUNCEMENTS = 3
_SHORT = "Dinner is ready."
_COMMANDS = ("command", "command-en")
_LEAST_ROUNDS = 2


async def measure(context: BenchRun, own: Sequence[str], settings: Settings) -> None:
    """Start a hub with eight satellites and measure it; `own` is the command of our service.

    Raises LunavoxError.
    """
    missing = registry.backend("microwakeword").missing()
    if missing is not None:
        raise BackendUnavailable(missing)
    phrases = await _phrases(context)
    with tempfile.TemporaryDirectory(prefix="lunavox-bench-") as folder:
        async with rooms(ROOMS, settings.limits) as found:
            broker = free_uri().removeprefix("tcp://") if find_spec("amqtt") and find_spec("paho") else None
            command = shlex.join(["env", *_variables(tuple(found), broker, folder), *own])
            context.say(f"starting a hub with {ROOMS} satellites")
            async with running(Plan("hub", commands=(command,)), quota=None) as hub:
                benchmark = HubBenchmark(context, hub, tuple(found.values()), broker)
                for room in benchmark.rooms:
                    await room.until("run-satellite", since_s=0.0, timeout_s=_START_S)
                await benchmark.choose(phrases)
                await benchmark.idle()
                await benchmark.turns(ROOMS * (1 + min(_LEAST_ROUNDS, context.extent.rounds)))
                await benchmark.announcements()
                await benchmark.at_once()
                benchmark.end()


class HubBenchmark:
    """Measurements of a running hub and its satellites; without a broker no announcements."""

    def __init__(self, context: BenchRun, hub: Service, found: Sequence[Room], broker: str | None) -> None:
        """Measure `hub` with the satellites `found`; `broker` is HOST:PORT."""
        self.rooms = found
        self.phrases: list[SpokenCommand] = []
        self._context = context
        self._report = context.report
        self._name = context.services[0].name
        self._hub = hub
        self._broker = broker

    async def choose(self, by_word: Sequence[Sequence[SpokenCommand]]) -> None:
        """Keep the phrases whose wake word is detected; this also loads the models."""
        self._context.say("first commands to the hub")
        room = self.rooms[0]
        for phrases in by_word:
            since_s = time.monotonic()
            await within(room.microphone.say(phrases[0].pcm), _WORD_S)
            try:
                await room.until("detection", since_s=since_s, timeout_s=_START_S / 3)
                await room.until("transcript", since_s=since_s, timeout_s=_START_S)
                await room.until("audio-stop", since_s=since_s, timeout_s=_START_S)
            except TimedOut:
                self._report.note("One of the spoken wake words was not detected, and was left out.")
                continue
            self.phrases += phrases
            await asyncio.sleep(_SETTLE_S)
        if not self.phrases:
            raise TimedOut("The hub detects no wake word that this voice speaks.")

    async def idle(self) -> None:
        """Measure the CPU use of waiting for wake words."""
        await self._hub.rest()
        began_s, before_s = time.monotonic(), self._hub.cpu_s()
        await asyncio.sleep(_IDLE_S)
        used = (self._hub.cpu_s() - before_s) / (time.monotonic() - began_s)
        share = 100 * used / system.cpu_count()
        self._report.add(
            f"satellites: CPU of all cores, {len(self.rooms)} stream", self._name, share, unit="%"
        )

    async def turns(self, count: int) -> None:
        """Speak a command in one room after the other, the next as soon as an answer begins."""
        self._context.say(f"{count} commands at satellites, one after the other")
        ends = [await self._turn(number, "") for number in range(count)]
        await asyncio.gather(*ends)
        row = self._report.rows.get("satellites: wake word heard")
        high = p95(row.samples.get(self._name, ())) if row is not None else None
        if high is not None:
            self._report.add("satellites: wake word heard, p95", self._name, high)

    async def at_once(self) -> None:
        """Speak a command in all rooms at the same time."""
        self._context.say("a command at all satellites at once")
        when = f", {len(self.rooms)} at once"
        ends = await asyncio.gather(*(self._turn(number, when) for number in range(len(self.rooms))))
        await asyncio.gather(*ends)

    async def announcements(self) -> None:
        """Announce short texts at all satellites; interrupt a long one by a wake word in each room."""
        if self._broker is None:
            self._report.note("No announcements at satellites: they need pip install 'lunavox-edge[mqtt]'.")
            return
        self._context.say("announcements at all satellites")
        for _ in range(_ANNOUNCEMENTS):
            began_s = time.monotonic()
            saying = await self._announce(_SHORT)
            first = [
                (await room.until("audio-chunk", since_s=began_s, timeout_s=_START_S)).at_s
                for room in self.rooms
            ]
            self._ms("announcement, first to last room", max(first) - min(first))
            await within(saying.wait(), _ANSWER_S)
            await asyncio.sleep(_SETTLE_S)
        self._context.say("interrupting an announcement in every room")
        began_s = time.monotonic()
        saying = await self._announce(" ".join(texts.reply(number) for number in self._context.numbers(2)))
        ends = []
        for number, room in enumerate(self.rooms):
            await room.until("audio-chunk", since_s=began_s, timeout_s=_START_S)
            ends.append(await self._interrupt(room, self.phrases[number % len(self.phrases)]))
        await within(saying.wait(), _START_S)
        await asyncio.gather(*ends)

    def end(self) -> None:
        """Add the figures that are collected during the whole measurement."""
        late_s = max(room.microphone.late_s for room in self.rooms)
        self._ms("longest wait of a microphone", late_s, Summary.WORST)

    async def _turn(self, number: int, when: str) -> asyncio.Task[None]:
        """Speak a command in a room until its answer begins; return a task that waits for its end."""
        room, phrase = self.rooms[number % len(self.rooms)], self.phrases[number % len(self.phrases)]
        began_s, heard = await self._call(room, phrase, when)
        if heard is None:
            return _task(asyncio.sleep(len(phrase.pcm) / (2 * RATE_HZ)))
        self._ms(f"wake word heard{when}", heard.at_s - began_s - phrase.word_end_s)
        transcript = await room.until("transcript", since_s=heard.at_s, timeout_s=_ANSWER_S)
        self._count(f"commands lost{when}", 0 if transcript.text.strip() else 1)
        figure = f"end of speech to first audio of an echo{when}"
        try:
            first = await room.until("audio-chunk", since_s=heard.at_s, timeout_s=_ANSWER_S)
        except TimedOut:
            self._report.fail(f"satellites: {figure}", self._name)
            return _task(asyncio.sleep(0))
        self._ms(figure, first.at_s - began_s - phrase.end_s)

        async def to_its_end() -> None:
            await room.until("audio-stop", since_s=first.at_s, timeout_s=_ANSWER_S)
            self._count(f"gaps in echoes{when}", gaps(room.speech(first.at_s)).count)
            await asyncio.sleep(_SETTLE_S)

        return _task(to_its_end())

    async def _call(self, room: Room, phrase: SpokenCommand, when: str) -> tuple[float, HubEvent | None]:
        """Speak a phrase; return its start time, and the detection of the wake word or None."""
        since_s = time.monotonic()
        began_s = await within(room.microphone.say(phrase.pcm), _WORD_S)
        try:
            heard = await room.until("detection", since_s=since_s, timeout_s=phrase.word_end_s + _WORD_S)
        except TimedOut:
            heard = None
        self._count(f"wake words missed{when}", int(heard is None))
        return began_s, heard

    async def _interrupt(self, room: Room, phrase: SpokenCommand) -> asyncio.Task[None]:
        """Speak a phrase during playback until the satellite is silent; return a task for the rest."""
        since_s = time.monotonic()
        began_s, heard = await self._call(room, phrase, " while it speaks")
        if heard is None:
            return _task(asyncio.sleep(len(phrase.pcm) / (2 * RATE_HZ)))
        silent_s = await room.loudspeaker.silence(since_s=since_s, timeout_s=_ANSWER_S)
        self._ms("barge-in, wake word heard to silence", silent_s - heard.at_s)
        self._ms("barge-in, end of wake word to silence", silent_s - began_s - phrase.word_end_s)

        async def to_its_end() -> None:
            with suppress(TimedOut):
                first = await room.until("audio-chunk", since_s=silent_s, timeout_s=_ANSWER_S)
                await room.until("audio-stop", since_s=first.at_s, timeout_s=_ANSWER_S)
            await asyncio.sleep(_SETTLE_S)

        return _task(to_its_end())

    async def _announce(self, text: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lunavox_edge", "mqtt", "say", text, "--satellite", "all"),
            *("--broker", f"mqtt://{self._broker}", "--node", _NODE),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    def _ms(self, figure: str, seconds: float, summary: Summary = Summary.MEDIAN) -> None:
        self._report.add(f"satellites: {figure}", self._name, 1000 * seconds, summary=summary)

    def _count(self, figure: str, number: int) -> None:
        self._report.add(f"satellites: {figure}", self._name, number, unit="", summary=Summary.TOTAL)


def _task(work: Coroutine[object, object, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work, name="satellite turn")


def phrase(word: Recording, command: Recording) -> SpokenCommand:
    """Return a wake word followed by a command after a short pause."""
    before = word.until(0.0)
    after = command.until(_AFTER_S)
    word_end_s = len(before) / (2 * RATE_HZ)
    return SpokenCommand(before + after, word_end_s, word_end_s + command.end_s, command.said)


async def _phrases(context: BenchRun) -> list[list[SpokenCommand]]:
    """Let the first service with a voice speak the wake words; add commands of the recordings."""
    speaker = next((service.tts_uri for service in context.services if service.tts_uri), None)
    if speaker is None:
        raise BackendUnavailable("No service offers a voice that could speak the wake word.")
    spoken_there = recordings.of_kinds(context.recordings, _COMMANDS)
    count = 2 * len(_WORDS_SPOKEN)
    commands = recordings.shortest(spoken_there, count, lambda item: item.end_s > LEAD_S)
    found = []
    for number, text in enumerate(_WORDS_SPOKEN):
        spoken = await bench_client.speak(speaker, text, timeout_s=context.extent.request_timeout_s)
        word = recordings.from_speech(text, spoken.pcm, spoken.rate_hz)
        found.append([phrase(word, command) for command in commands[number :: len(_WORDS_SPOKEN)]])
    return found


def _variables(uris: Sequence[str], broker: str | None, folder: str) -> list[str]:
    """Return environment variables that override the settings of the hub."""
    known = {f"room{number}": {"uri": uri} for number, uri in enumerate(uris, start=1)}
    found = {
        "SATELLITES__KNOWN": json.dumps(known),
        "SATELLITES__ANSWER": "echo",
        "SATELLITES__CHIME": "false",
        "SATELLITES__ANNOUNCEMENT_CHIME": "false",
        "SATELLITES__FOLLOW_UP": "off",
        "SATELLITES__ZEROCONF": "false",
        "SATELLITES__APPROVED_FILE": f"{folder}/approved.json",
        "WAKE__DEFAULT": json.dumps([_WORD]),
        "WAKE__WORDS": json.dumps({_WORD: {"sensitivity": _SENSITIVITY}}),
        "MQTT__BROKER": "off" if broker is None else "embedded",
        "MQTT__NODE": _NODE,
        "MQTT__DISCOVERY": "off",
        **({} if broker is None else {"MQTT__LISTEN": broker}),
    }
    return [f"STATE_DIRECTORY={folder}", *(f"LUNAVOX_EDGE__{key}={value}" for key, value in found.items())]
