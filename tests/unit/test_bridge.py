from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import aclosing
from threading import Thread

import pytest

from lunavox_edge import bridge
from lunavox_edge.engine.hearing.utterance import Utterance
from lunavox_edge.engine.speech.speech import Speech
from lunavox_edge.errors import BrokenModel, LunavoxError, TimedOut
from lunavox_edge.types import AudioChunk, Transcript

pytestmark = pytest.mark.unit

CHUNK = AudioChunk(b"\0\0", 16_000)
HEARD = Transcript("hello", "en", 0.9, 1.0)


class ScriptedSpeech(Speech):
    """Runs the next step of its script after each poll, as a worker might at that moment."""

    def __init__(self, wakeup: bridge.Wakeup, *script: Callable[[ScriptedSpeech], None]) -> None:
        self.wakeup = wakeup
        self.script = list(script)
        self.chunks: list[AudioChunk] = []
        self.ended = False
        self.error: BrokenModel | None = None
        self.cancelled = False

    def poll(self) -> AudioChunk | None:
        chunk = self.chunks.pop(0) if self.chunks else None
        if chunk is None and self.error is not None:
            raise self.error
        if self.script:
            self.script.pop(0)(self)
        return chunk

    @property
    def done(self) -> bool:
        return self.ended and not self.chunks

    def cancel(self, reason: LunavoxError | None = None) -> None:
        self.cancelled = True


def emit(speech: ScriptedSpeech) -> None:
    speech.chunks.append(CHUNK)
    speech.wakeup.notify()


def end(speech: ScriptedSpeech) -> None:
    speech.ended = True
    speech.wakeup.notify()


def emit_and_end(speech: ScriptedSpeech) -> None:
    emit(speech)
    end(speech)


def fail(speech: ScriptedSpeech) -> None:
    speech.error = BrokenModel("No good.")
    end(speech)


def nothing(speech: ScriptedSpeech) -> None:
    return


async def listen(*script: Callable[[ScriptedSpeech], None]) -> list[AudioChunk]:
    wakeup = bridge.Wakeup()
    speech = ScriptedSpeech(wakeup, *script)

    async def collect() -> list[AudioChunk]:
        async with aclosing(bridge.audio(speech, wakeup)) as chunks:
            return [chunk async for chunk in chunks]

    try:
        return await asyncio.wait_for(collect(), 20.0)
    finally:
        assert speech.cancelled


@pytest.mark.parametrize(
    "script",
    [
        (emit, end),
        (emit_and_end,),
        (emit, nothing, end),
        (emit, emit_and_end),
        (nothing, emit, emit, emit_and_end),
    ],
)
async def test_no_end_and_no_chunk_is_missed(script: tuple[Callable[[ScriptedSpeech], None], ...]) -> None:
    if script[0] is nothing:
        script = (emit, *script[1:])
    emitted = sum(step in (emit, emit_and_end) for step in script)
    assert await listen(*script) == [CHUNK] * emitted


@pytest.mark.parametrize("script", [(fail,), (emit, fail), (emit, nothing, fail)])
async def test_the_error_comes_after_the_audio(script: tuple[Callable[[ScriptedSpeech], None], ...]) -> None:
    with pytest.raises(BrokenModel):
        await listen(*script)


async def test_leaving_early_cancels_the_speech() -> None:
    wakeup = bridge.Wakeup()
    speech = ScriptedSpeech(wakeup, emit)
    async with aclosing(bridge.audio(speech, wakeup)) as chunks:
        assert await chunks.__anext__() == CHUNK
    assert speech.cancelled


async def test_audio_that_nobody_began_to_fetch_is_cancelled() -> None:
    wakeup = bridge.Wakeup()
    speech = ScriptedSpeech(wakeup)
    await bridge.audio(speech, wakeup).aclose()
    assert speech.cancelled


async def test_a_wait_for_audio_that_is_cancelled_loses_none() -> None:
    wakeup = bridge.Wakeup()
    speech = ScriptedSpeech(wakeup, nothing)
    chunks = bridge.audio(speech, wakeup)

    async def fetch() -> AudioChunk:
        return await chunks.__anext__()

    waiting = asyncio.create_task(fetch())
    await asyncio.sleep(0)
    waiting.cancel()
    emit_and_end(speech)
    await asyncio.wait([waiting])
    assert not speech.cancelled
    assert [chunk async for chunk in chunks] == [CHUNK]
    chunks.close()
    assert speech.cancelled


async def test_closed_audio_has_ended() -> None:
    wakeup = bridge.Wakeup()
    chunks = bridge.audio(ScriptedSpeech(wakeup, emit), wakeup)
    chunks.close()
    assert [chunk async for chunk in chunks] == []


async def test_a_ring_from_another_thread_wakes_the_loop() -> None:
    wakeup = bridge.Wakeup()
    Thread(target=wakeup.notify).start()
    await asyncio.wait_for(wakeup.wait(), 20.0)


def test_a_ring_after_the_loop_has_closed_is_nothing() -> None:
    async def make() -> bridge.Wakeup:
        return bridge.Wakeup()

    asyncio.run(make()).notify()


class ScriptedUtterance(Utterance):
    def __init__(self) -> None:
        self.future: Future[Transcript] = Future()
        self.cancelled = False

    def submit(self) -> Future[Transcript]:
        return self.future

    def cancel(self, reason: LunavoxError | None = None) -> None:
        self.cancelled = True


async def test_a_transcript_is_awaited() -> None:
    utterance = ScriptedUtterance()
    task = asyncio.ensure_future(bridge.transcript(utterance, 1.0))
    await asyncio.sleep(0)
    Thread(target=utterance.future.set_result, args=(HEARD,)).start()
    assert await task == HEARD


async def test_a_failed_transcript_raises() -> None:
    utterance = ScriptedUtterance()
    utterance.future.set_exception(BrokenModel("No good."))
    with pytest.raises(BrokenModel):
        await bridge.transcript(utterance, 1.0)


async def test_a_transcript_that_does_not_come_is_cancelled() -> None:
    utterance = ScriptedUtterance()
    with pytest.raises(TimedOut):
        await bridge.transcript(utterance, 0.01)
    assert utterance.cancelled


async def test_cancelling_the_wait_cancels_the_utterance() -> None:
    utterance = ScriptedUtterance()
    task = asyncio.ensure_future(bridge.transcript(utterance, 1.0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert utterance.cancelled


async def test_blocking_calls_run_beside_the_loop() -> None:
    loop_free = asyncio.Event()
    loop = asyncio.get_running_loop()

    def call() -> str:
        asyncio.run_coroutine_threadsafe(loop_free.wait(), loop).result(20.0)
        return "done"

    loop.call_soon(loop_free.set)
    assert await bridge.blocking(call) == "done"


async def test_a_task_that_forgets_its_cancellation_is_ended_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bridge, "_CANCEL_AGAIN_S", 0.01)
    forgotten = 0

    async def forgetful() -> None:
        nonlocal forgotten
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                forgotten += 1
                if forgotten > 1:
                    raise

    async def failing() -> None:
        raise RuntimeError("away")

    task, failed = asyncio.create_task(forgetful()), asyncio.create_task(failing())
    await asyncio.sleep(0)
    await asyncio.wait_for(bridge.cancel_and_wait(task, failed), 20.0)
    assert task.cancelled()
    assert forgotten == 2
    await bridge.cancel_and_wait()


async def test_a_task_that_never_ends_is_named_and_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bridge, "_CANCEL_AGAIN_S", 0.01)
    monkeypatch.setattr(bridge, "_GIVE_UP_S", 0.03)
    stop = asyncio.Event()

    async def stubborn() -> None:
        while not stop.is_set():
            try:
                await stop.wait()
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(stubborn(), name="the stubborn one")
    await asyncio.sleep(0)
    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(bridge.cancel_and_wait(task), 20.0)
    assert "the stubborn one" in caplog.text
    assert not task.done()
    stop.set()
    await task


async def test_what_a_task_had_failed_with_is_logged_when_it_is_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails(error: Exception) -> None:
        raise error

    tasks = [
        asyncio.create_task(fails(error)) for error in (BrokenModel("No good."), OSError(), KeyError("x"))
    ]
    await asyncio.wait(tasks)
    with caplog.at_level(logging.ERROR):
        await bridge.cancel_and_wait(*tasks)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError


async def _beside(work: Awaitable[str], timeout_s: float | None) -> str:
    """Call the implementation of `within` for Python 3.10."""
    return await bridge._within(work, timeout_s, None)


@pytest.fixture(params=[bridge.within, _beside], ids=["timeout", "task"])
def within(request: pytest.FixtureRequest) -> Callable[[Awaitable[str], float | None], Awaitable[str]]:
    found: Callable[[Awaitable[str], float | None], Awaitable[str]] = request.param
    return found


Within = Callable[[Awaitable[str], "float | None"], Awaitable[str]]


async def test_what_comes_in_time_is_returned(within: Within) -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    assert await within(work(), 20.0) == "done"
    assert await within(work(), None) == "done"


async def test_what_fails_in_time_raises(within: Within) -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        raise BrokenModel("No good.")

    with pytest.raises(BrokenModel):
        await within(work(), 20.0)


async def test_what_comes_too_late_is_cancelled(within: Within) -> None:
    cancelled = False

    async def work() -> str:
        nonlocal cancelled
        try:
            return str(await asyncio.Event().wait())
        except asyncio.CancelledError:
            cancelled = True
            raise

    with pytest.raises(asyncio.TimeoutError):
        await within(work(), 0.01)
    assert cancelled


async def test_a_cancellation_is_not_forgotten_when_the_result_comes_with_it(within: Within) -> None:
    went_on: list[int] = []

    async def waits(result: asyncio.Future[str], turns: int) -> None:
        await within(result, 20.0)
        went_on.append(turns)

    # So many turns of the loop after the result, of which the waiter needs one or more to go on.
    for turns in range(4):
        result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(waits(result, turns))
        for _ in range(3):
            await asyncio.sleep(0)
        result.set_result("now")
        for _ in range(turns):
            await asyncio.sleep(0)
        had_gone_on = turns in went_on
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled() != had_gone_on
        assert (turns in went_on) == had_gone_on
    assert 0 not in went_on


async def test_a_result_that_comes_with_a_cancellation_is_dropped() -> None:
    result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    dropped: list[str] = []
    waiting = asyncio.create_task(bridge._within(result, 20.0, dropped.append))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    result.set_result("a connection")
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert dropped == ["a connection"]
