"""The interface of answerers, the context of a question, and asking with timeout and retries."""

from __future__ import annotations

import asyncio
import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from lunavox_edge.bridge import within
from lunavox_edge.errors import EmptyText, LunavoxError, TimedOut
from lunavox_edge.text.thoughts import ThoughtFilter

END_OF_THOUGHT = "</think>"
"""Begins a piece of an answer if all pieces before it were a language model's thought."""

_MAX_TURNS = 20
_RETRY_PAUSE_S = 0.3

_LOGGER = logging.getLogger(__name__)


@dataclass
class ConversationContext:
    """The earlier turns of a conversation at one satellite."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    remote_id: str | None = None
    """The answerer's id of this conversation."""
    turns: list[tuple[str, str]] = field(default_factory=list)
    """Questions with their answers, the newest last."""

    def add(self, question: str, answer: str) -> None:
        """Add a turn; only the last 20 are kept."""
        self.turns.append((question, answer))
        del self.turns[:-_MAX_TURNS]


@dataclass(frozen=True)
class Question:
    """What was said, at which satellite, and in which context."""

    text: str
    language: str
    satellite: str
    area: str | None
    context: ConversationContext


class Answerer(ABC):
    """Answers questions, as a stream of text; used on the event loop only."""

    @abstractmethod
    def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the answer in pieces. Raises LunavoxError; closing the generator cancels the question."""

    async def prepare(self) -> None:  # noqa: B027  # most have nothing to prepare
        """Do in advance what the first question would have to wait for; optional."""

    async def close(self) -> None:  # noqa: B027  # most hold nothing
        """Release what is kept between questions; no question may follow. Idempotent."""


async def ask(
    answerer: Answerer, question: Question, *, timeout_s: float, retries: int
) -> AsyncGenerator[str, None]:
    """Yield the answer without a language model's thoughts.

    After a failure that is retryable, or an empty answer, the question is asked again, up to `retries`
    times, unless text was yielded. `timeout_s` bounds the wait for the first text and for each further one;
    blanks and thoughts do not count as text. If text turns out to have been a thought after it was yielded,
    the next piece begins with `END_OF_THOUGHT`. Raises what the last attempt raised, TimedOut, EmptyText.
    """
    for attempt in range(retries + 1):
        said = False
        try:
            async with aclosing(_attempt(answerer, question, timeout_s)) as texts:
                async for text in texts:
                    said = bool(text.removeprefix(END_OF_THOUGHT).strip()) or (
                        said and not text.startswith(END_OF_THOUGHT)
                    )
                    yield text
            if not said:
                raise EmptyText("The answer is empty.")
        except LunavoxError as error:
            if said or attempt == retries or not (error.retryable or isinstance(error, EmptyText)):
                raise
            _LOGGER.info("the answer failed (%s: %s), asking again", error.code, error)
            await asyncio.sleep(_RETRY_PAUSE_S)
        else:
            return


async def _attempt(answerer: Answerer, question: Question, timeout_s: float) -> AsyncGenerator[str, None]:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + timeout_s
    thoughts, any_text = ThoughtFilter(), False
    async with aclosing(answerer.answer(question)) as pieces:
        while (piece := await _next(pieces, until_s - loop.time())) is not None:
            text = thoughts.feed(piece)
            withdrawn = thoughts.withdrawn and any_text
            if withdrawn or text.strip():
                until_s = loop.time() + timeout_s
            any_text = any_text or bool(text)
            if withdrawn or text:
                yield END_OF_THOUGHT + text if withdrawn else text
    if text := thoughts.finish():
        yield text


async def _next(pieces: AsyncGenerator[str, None], timeout_s: float) -> str | None:
    try:
        return await within(pieces.__anext__(), timeout_s)
    except StopAsyncIteration:
        return None
    except asyncio.TimeoutError as error:
        raise TimedOut("The answer takes too long.") from error
