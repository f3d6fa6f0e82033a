"""Answerers, against small servers on real sockets that send what real servers send."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from wyoming.event import Event, async_read_event, async_write_event

from lunavox_edge.bridge import cancel_and_wait
from lunavox_edge.cli import _set_up_log
from lunavox_edge.errors import (
    EmptyText,
    LunavoxError,
    NotAllowed,
    ProtocolError,
    SettingsError,
    TimedOut,
    Unreachable,
)
from lunavox_edge.hub.answers.asking import ConversationContext, Question, ask
from lunavox_edge.hub.answers.chat_stream import ChatStream, Lines
from lunavox_edge.hub.answers.http_answers import HttpAnswerer
from lunavox_edge.hub.answers.making import OverHttp, answerer_for
from lunavox_edge.settings.model import LimitSettings
from lunavox_edge.settings.satellite_settings import Answer
from lunavox_edge.text.thoughts import without_thoughts
from lunavox_edge.wire.introduction import satellite_at
from tests.fakes.http import HttpServer, stream
from tests.fakes.leftovers import no_task_left

pytestmark = pytest.mark.wire

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Handler], Awaitable[int]]
CHAT = [{"choices": [{"delta": {"content": piece}}]} for piece in ("The light ", "is on.")]


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    async with no_task_left():
        yield


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(handler: Handler) -> int:
            handling: set[asyncio.Task[None]] = set()

            async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task is not None
                handling.add(task)
                try:
                    with suppress(ConnectionError, asyncio.IncompleteReadError):
                        await handler(reader, writer)
                finally:
                    writer.close()
                    with suppress(ConnectionError):
                        await writer.wait_closed()

            async def stop() -> None:
                server.close()
                await cancel_and_wait(*handling)

            server = await asyncio.start_server(handled, "127.0.0.1", 0)
            stack.push_async_callback(stop)
            return int(server.sockets[0].getsockname()[1])

        yield start


def question(text: str = "turn on the light", context: ConversationContext | None = None) -> Question:
    return Question(text, "en", "kitchen", "Kitchen", context or ConversationContext())


async def answers(settings: Answer, asked: Question | None = None) -> list[str]:
    answerer = answerer_for(settings, LimitSettings())
    assert answerer is not None
    pieces = ask(answerer, asked or question(), timeout_s=settings.timeout_s, retries=settings.retries)
    try:
        return [piece async for piece in pieces]
    finally:
        await answerer.close()


async def test_echo() -> None:
    assert await answers(Answer(kind="echo")) == ["turn on the light"]
    assert answerer_for(Answer(kind="mqtt"), LimitSettings()) is None


async def test_a_chat_is_streamed_and_knows_what_was_said_before(serve: Serve, tmp_path: Path) -> None:
    server = HttpServer((200, b": comment\n\n" + stream({"choices": []}, *CHAT, "[DONE]", "junk")))
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("secret\n")
    url = f"http://127.0.0.1:{await serve(server)}/v1/"
    settings = Answer(kind="openai", url=url, model="small", prompt="Be short.", token_file=token)
    context = ConversationContext(turns=[("hello", "Hi.")])
    assert await answers(settings, question(context=context)) == ["The light ", "is on."]
    ((request, headers, body),) = server.asked
    assert request == "POST /v1/chat/completions HTTP/1.1"
    assert headers["authorization"] == "Bearer secret"
    assert (body["model"], body["stream"]) == ("small", True)
    assert body["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "turn on the light"},
    ]


def chunk(content: object = None, **more: object) -> dict[str, object]:
    """A piece in the form that most servers send."""
    delta = {} if content is None else {"content": content}
    piece = {"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}
    return {**piece, **more}


def events(*found: object, pre: str = "data: ", end: str = "\n\n") -> bytes:
    texts = (event if isinstance(event, str) else json.dumps(event) for event in found)
    return "".join(f"{pre}{text}{end}" for text in texts).encode()


PIECES = ("The light", " is on.")
SAID = [chunk(piece) for piece in PIECES]
WHOLE = {"choices": [{"message": {"role": "assistant", "content": "The light is on."}}]}
KINDS = {
    "plain": events(*SAID, "[DONE]"),
    "CR LF": events(*SAID, "[DONE]", end="\r\n\r\n"),
    "CR": events(*SAID, "[DONE]", end="\r\r"),
    "no blank": events(*SAID, "[DONE]", pre="data:"),
    "no blank lines": events(*SAID, "[DONE]", end="\n"),
    "comments": b": PROCESSING\n\n" + events(*SAID) + b": keepalive\n\n" + events("[DONE]"),
    "names and numbers": b"".join(b"event: message\nid: 1\nretry: 5\n" + events(piece) for piece in SAID),
    "error null": events(*(chunk(piece, error=None) for piece in PIECES), "[DONE]"),
    "error empty": events(*(chunk(piece, error={}) for piece in PIECES), "[DONE]"),
    "no end": events(*SAID),
    "end without its line": events(*SAID) + b"data: [DONE]",
    "cut off after the last piece": events(*SAID).rstrip(),
    "usage": events(*SAID, {"choices": [], "usage": {}}, {"choices": None}, "[DONE]"),
    "null content": events({"choices": [{"delta": {"role": "assistant", "content": None}}]}, *SAID),
    "null delta": events({"choices": [{"delta": None}]}, *SAID),
    "reasoning apart": events({"choices": [{"delta": {"reasoning_content": "Hm."}}]}, *SAID),
    "empty data": b"data:\n\ndata: \n\n" + events(*SAID, "[DONE]"),
    "list of parts": events(
        chunk([{"type": "thinking", "text": "Hm."}, {"type": "text", "text": "The light"}]),
        chunk([" is", {"text": " on."}]),
    ),
    "text": events(*({"choices": [{"text": piece}]} for piece in PIECES), "[DONE]"),
    "another choice": events(SAID[0], {"choices": [{"index": 1, "delta": {"content": "No."}}]}, SAID[1]),
    "the whole once more": events(*SAID, WHOLE, "[DONE]"),
    "no stream": json.dumps(WHOLE).encode(),
    "no stream, over several lines": json.dumps(WHOLE, indent=2).encode(),
    "no stream, with empty lines": json.dumps(WHOLE, indent=2).replace("\n", "\r\n\r\n").encode(),
    "no stream, list of parts": json.dumps(
        {"choices": [{"message": {"content": [{"type": "text", "text": "The light is on."}]}}], "error": None}
    ).encode(),
    "no stream but one event": events(WHOLE),
    "lines of JSON": b"".join(
        json.dumps({"message": {"content": piece}, "done": False}).encode() + b"\n" for piece in PIECES
    ),
    "one event over several lines": b"".join(
        events(*json.dumps(piece, indent=1).split("\n"), end="\n") + b"\n" for piece in SAID
    ),
    "byte-order mark": b"\xef\xbb\xbf" + events(*SAID, "[DONE]"),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_whatever_a_chat_server_sends_is_understood(serve: Serve, kind: str) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        raw = KINDS[kind]
        for start in range(0, len(raw), 7):
            piece = raw[start : start + 7]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    settings = Answer(kind="openai", url=f"http://127.0.0.1:{await serve(server)}/v1", retries=0)
    assert "".join(await answers(settings)) == "The light is on."


@pytest.mark.parametrize("step", [1, 2, 3, 1_000_000])
@pytest.mark.parametrize("kind", KINDS)
def test_however_it_is_cut_it_says_the_same(kind: str, step: int) -> None:
    lines, chat, raw = Lines(), ChatStream(), KINDS[kind]
    pieces = [raw[start : start + step] for start in range(0, len(raw), step)]
    said = [chat.feed(line) for piece in pieces for line in lines.feed(piece)]
    assert "".join([*said, chat.feed(lines.finish()), chat.finish()]) == "The light is on."


@pytest.mark.parametrize(
    "raw",
    [
        events({"error": {"message": "overloaded"}}),
        events({"error": "overloaded"}),
        events({"object": "error", "message": "overloaded"}),
        b"event: error\n" + events({"message": "overloaded"}),
        json.dumps({"error": {"message": "overloaded"}}).encode(),
        json.dumps({"error": {"message": "overloaded"}, "choices": None}, indent=2).encode(),
    ],
)
async def test_an_error_that_a_chat_server_reports_is_none_of_its_answer(serve: Serve, raw: bytes) -> None:
    url = f"http://127.0.0.1:{await serve(HttpServer((200, raw)))}/v1"
    with pytest.raises(Unreachable):
        await answers(Answer(kind="openai", url=url, retries=0))


@pytest.mark.parametrize("raw", [b"data: junk\n\n", b"data: {\n\n", b'{"choices": [', b"data: [1]\n\n"])
async def test_a_chat_server_that_sends_no_json(serve: Serve, raw: bytes) -> None:
    url = f"http://127.0.0.1:{await serve(HttpServer((200, raw)))}/v1"
    with pytest.raises(ProtocolError):
        await answers(Answer(kind="openai", url=url, retries=0))


async def test_a_line_without_end_is_not_read_for_ever(serve: Serve) -> None:
    url = f"http://127.0.0.1:{await serve(HttpServer((200, b'data: ' + b'x' * 3_000_000)))}/v1"
    with pytest.raises(ProtocolError, match="too long"):
        await answers(Answer(kind="openai", url=url, retries=0))


@pytest.mark.parametrize("kind", ["openai", "home-assistant"])
@pytest.mark.parametrize(
    "answer",
    [
        ["<think>", "\nOkay, the user asks. ", "I say it.", "\n</think>", "\n\n", "The light", " is on."],
        ["<thi", "nking>Hm", ".</thin", "king>The light is", " on."],
        ["The light", "<reasoning>Hm.</reasoning>", " is on."],
        ["<think></think>The light is on.", "<think>And now? ", "Nothing."],
    ],
)
async def test_thoughts_are_no_part_of_an_answer(serve: Serve, kind: str, answer: list[str]) -> None:
    raw = stream(*map(chunk, answer), "[DONE]")
    if kind == "home-assistant":
        raw = json.dumps({"response": {"speech": {"plain": {"speech": "".join(answer)}}}}).encode()
    url = f"http://127.0.0.1:{await serve(HttpServer((200, raw)))}"
    found = await answers(Answer.model_validate({"kind": kind, "url": url, "retries": 0}))
    assert "".join(found).strip() == "The light is on."


async def test_thoughts_alone_are_no_answer(serve: Serve) -> None:
    server = HttpServer((200, stream(chunk("<think>Hm. "), chunk("And so on."))), (200, stream(*SAID)))
    settings = Answer(kind="openai", url=f"http://127.0.0.1:{await serve(server)}/v1", retries=1)
    assert "".join(await answers(settings)) == "The light is on."
    server.answers = [(200, stream(chunk("<think>Hm.")))] * 2
    with pytest.raises(EmptyText):
        await answers(settings)


async def test_to_think_does_not_prolong_the_patience(serve: Serve) -> None:
    async def thinker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + stream(chunk("<think>")))
        while not writer.is_closing():
            writer.write(stream(chunk("And on. ")))
            await writer.drain()
            await asyncio.sleep(0.01)

    url = f"http://127.0.0.1:{await serve(thinker)}/v1"
    with pytest.raises(TimedOut):
        await answers(Answer(kind="openai", url=url, retries=0, timeout_s=0.3))


async def test_what_turns_out_to_have_been_a_thought_is_followed_by_its_end(serve: Serve) -> None:
    server = HttpServer((200, stream(chunk("I say it."), chunk("</think>"), *SAID)))
    settings = Answer(kind="openai", url=f"http://127.0.0.1:{await serve(server)}/v1", retries=0)
    assert without_thoughts("".join(await answers(settings))) == "The light is on."
    server.answers = [(200, stream(chunk("I say nothing."), chunk("</think>")))]
    with pytest.raises(EmptyText):
        await answers(settings)


class Counted(OverHttp):
    """Records the threads on which clients were created."""

    def __init__(self, settings: Answer) -> None:
        super().__init__(settings)
        self.made: list[tuple[int, HttpAnswerer]] = []

    def _make(self) -> HttpAnswerer:
        made = super()._make()
        self.made.append((threading.get_ident(), made))
        return made


async def test_the_client_is_made_once_beside_the_loop_and_closed(serve: Serve) -> None:
    server = HttpServer(*[(200, stream(*CHAT))] * 3)
    answerer = Counted(Answer(kind="openai", url=f"http://127.0.0.1:{await serve(server)}/v1"))

    async def asked() -> list[str]:
        return [piece async for piece in ask(answerer, question(), timeout_s=20, retries=0)]

    assert [*await asyncio.gather(asked(), asked())] == [["The light ", "is on."]] * 2
    await answerer.prepare()
    assert await asked() == ["The light ", "is on."]
    ((thread, made),) = answerer.made
    assert thread != threading.get_ident()
    await answerer.close()
    await answerer.close()
    assert made._client.is_closed


async def test_whoever_gives_up_the_first_question_leaves_the_client_to_the_next(serve: Serve) -> None:
    server = HttpServer((200, stream(*CHAT)))
    answerer = Counted(Answer(kind="openai", url=f"http://127.0.0.1:{await serve(server)}/v1"))
    preparing = asyncio.create_task(answerer.prepare())
    await asyncio.sleep(0)
    preparing.cancel()
    await asyncio.wait([preparing])
    found = [piece async for piece in ask(answerer, question(), timeout_s=20, retries=0)]
    assert found == ["The light ", "is on."]
    assert len(answerer.made) == 1
    await answerer.close()


async def test_addresses_that_are_asked_are_not_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    _set_up_log("info")
    with caplog.at_level("INFO"):
        url = f"http://127.0.0.1:{await serve(HttpServer((200, stream(*CHAT))))}/v1/"
        assert await answers(Answer(kind="openai", url=url))
    assert url not in caplog.text


@pytest.mark.parametrize(("mode", "reason"), [(0o644, "not secret"), (None, "No such file")])
async def test_a_token_that_others_know_is_not_sent(tmp_path: Path, mode: int | None, reason: str) -> None:
    token = tmp_path / "token"
    if mode is not None:
        token.write_text("secret\n")
        token.chmod(mode)
    with pytest.raises(SettingsError, match=reason) as raised:
        await answers(Answer(kind="openai", url="http://127.0.0.1:9/v1", token_file=token))
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize("content", ["", "\nsecret\n", "\u201csecret\u201d\n", "sec\tret"])
async def test_what_is_no_token_is_not_sent(tmp_path: Path, content: str) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match="token_file"):
        await answers(Answer(kind="openai", url="http://127.0.0.1:9/v1", token_file=token))


@pytest.mark.parametrize("kind", ["openai", "home-assistant"])
async def test_a_url_that_cannot_be_asked(kind: str) -> None:
    with pytest.raises(SettingsError, match="url"):
        await answers(Answer.model_validate({"kind": kind, "url": "http://\u2603.local/v1"}))


@pytest.mark.parametrize("kind", ["openai", "home-assistant"])
async def test_who_has_moved_is_not_followed_and_not_taken_for_an_answer(serve: Serve, kind: str) -> None:
    url = f"http://127.0.0.1:{await serve(HttpServer((301, b'')))}/v1"
    with pytest.raises(ProtocolError, match="HTTP 301"):
        await answers(Answer.model_validate({"kind": kind, "url": url}))


async def test_half_a_character_in_an_answer_does_not_spoil_the_conversation(serve: Serve) -> None:
    half = b'data: {"choices": [{"delta": {"content": "It is on \\ud83d"}}]}\n\n'
    server = HttpServer((200, half), (200, stream(*CHAT)))
    settings = Answer(kind="openai", url=f"http://127.0.0.1:{await serve(server)}/v1")
    context = ConversationContext()
    first = await answers(settings, question(context=context))
    assert first == ["It is on "]
    context.add("turn on the light", "".join(first))
    assert await answers(settings, question(context=context)) == ["The light ", "is on."]


async def test_an_answer_that_nobody_wants_any_more_is_given_up_at_once(serve: Serve) -> None:
    gone = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + stream(*CHAT))
        while await reader.read(65_536):
            pass
        gone.set()

    answerer = answerer_for(
        Answer(kind="openai", url=f"http://127.0.0.1:{await serve(endless)}/v1"), LimitSettings()
    )
    assert answerer is not None
    pieces = answerer.answer(question())
    assert await pieces.__anext__() == "The light "
    await pieces.aclose()
    await answerer.close()
    await asyncio.sleep(0)
    # A generator left to the garbage collector is closed by a task of the loop: late, or with an error.
    assert not [task for task in asyncio.all_tasks() if "async_generator" in repr(task)]
    await asyncio.wait_for(gone.wait(), 10)


async def test_home_assistant_goes_on_with_its_conversation(serve: Serve) -> None:
    said = {"response": {"speech": {"plain": {"speech": "Done."}}}, "conversation_id": "c7"}
    server = HttpServer(*[(200, json.dumps(said).encode())] * 2)
    url = f"http://127.0.0.1:{await serve(server)}"
    settings = Answer(kind="home-assistant", url=url, model="conversation.home")
    context = ConversationContext()
    for _ in range(2):
        assert await answers(settings, question(context=context)) == ["Done."]
    (request, _, first), (_, _, second) = server.asked
    assert request == "POST /api/conversation/process HTTP/1.1"
    assert first == {"text": "turn on the light", "language": "en", "agent_id": "conversation.home"}
    assert second == {**first, "conversation_id": "c7"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((401, b"{}"), NotAllowed),
        ((404, b"{}"), ProtocolError),
        ((500, b"{}"), Unreachable),
        ((200, b"junk"), ProtocolError),
        ((200, b"[]"), ProtocolError),
        ((200, b'{"response": {"speech": 7}}'), ProtocolError),
        (None, Unreachable),
    ],
)
async def test_what_home_assistant_may_answer_instead(
    serve: Serve, answer: tuple[int, bytes] | None, kind: type[LunavoxError]
) -> None:
    url = f"http://127.0.0.1:{await serve(HttpServer(answer))}"
    with pytest.raises(kind):
        await answers(Answer(kind="home-assistant", url=url, retries=0))


async def test_it_asks_again_if_that_may_help(serve: Serve) -> None:
    server = HttpServer((503, b""), (200, stream("[DONE]")), (200, stream(*CHAT)))
    settings = Answer(kind="openai", url=f"http://127.0.0.1:{await serve(server)}", retries=2)
    assert await answers(settings) == ["The light ", "is on."]
    server.answers = [(401, b"")]
    with pytest.raises(NotAllowed):
        await answers(settings)
    server.answers = [(200, stream({"error": {"message": "overloaded"}}))] * 3
    with pytest.raises(Unreachable):
        await answers(settings)
    server.answers = [(200, b"")] * 3
    with pytest.raises(EmptyText):
        await answers(settings)
    assert not server.answers


async def test_an_answer_that_does_not_come(serve: Serve) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100_000)
        await reader.read()

    port = await serve(silent)
    for settings in (
        Answer(kind="openai", url=f"http://127.0.0.1:{port}", timeout_s=0.2, retries=1),
        Answer(kind="wyoming", url=f"tcp://127.0.0.1:{port}", timeout_s=0.2, retries=1),
    ):
        with pytest.raises(TimedOut):
            await answers(settings)


async def test_nobody_is_there() -> None:
    for settings in (
        Answer(kind="openai", url="http://127.0.0.1:9", retries=0),
        Answer(kind="home-assistant", url="http://127.0.0.1:9", retries=0),
        Answer(kind="wyoming", url="tcp://127.0.0.1:9", retries=0),
    ):
        with pytest.raises(Unreachable):
            await answers(settings)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([Event("handled", {"text": "Done."})], ["Done."]),
        ([Event("not-handled", {"text": "I cannot."})], ["I cannot."]),
        ([Event("intent", {"name": "TurnOn", "text": "Turned on."})], ["Turned on."]),
        (
            [
                Event("handled-start"),
                Event("handled-chunk", {"text": "It "}),
                Event("handled-chunk", {"text": "is on."}),
                Event("handled", {"text": "It is on."}),
                Event("handled-stop"),
            ],
            ["It ", "is on."],
        ),
    ],
)
async def test_a_wyoming_service_answers(serve: Serve, events: list[Event], expected: list[str]) -> None:
    asked: list[Event] = []

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        event = await async_read_event(reader)
        assert event is not None
        asked.append(event)
        for answer in events:
            await async_write_event(answer, writer)

    settings = Answer(kind="wyoming", url=f"tcp://127.0.0.1:{await serve(service)}")
    assert await answers(settings) == expected
    assert asked[0].type == "transcript"
    assert asked[0].data["text"] == "turn on the light"


@pytest.mark.parametrize("events", [[], [Event("error", {"text": "no", "code": "busy"})]])
async def test_a_wyoming_service_fails(serve: Serve, events: list[Event]) -> None:
    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await async_read_event(reader)
        for answer in events:
            await async_write_event(answer, writer)

    settings = Answer(kind="wyoming", url=f"tcp://127.0.0.1:{await serve(service)}", retries=0)
    with pytest.raises(LunavoxError):
        await answers(settings)


async def test_what_answers_is_no_wyoming_service(serve: Serve) -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    uri = f"tcp://127.0.0.1:{await serve(web)}"
    with pytest.raises(ProtocolError, match="does not speak the Wyoming protocol"):
        await answers(Answer(kind="wyoming", url=uri, retries=0))
    with pytest.raises(ProtocolError, match="does not speak the Wyoming protocol"):
        await satellite_at(uri, LimitSettings(), timeout_s=10)


def test_a_context_forgets_what_is_long_ago() -> None:
    context = ConversationContext()
    for number in range(100):
        context.add(str(number), "ok")
    assert len(context.turns) == 20
    assert context.turns[-1] == ("99", "ok")
