"""A question, the conversation it belongs to, and asking somebody with patience."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from lunavox_edge.bridge import within
from lunavox_edge.errors import EmptyText, LunavoxError, TimedOut

_MAX_TURNS = 20
_RETRY_PAUSE_S = 0.3

_LOGGER = logging.getLogger(__name__)


@dataclass
class Context:
    """What was said before at one satellite, as long as it counts."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    remote_id: str | None = None
    """The answerer's own id of this conversation."""
    turns: list[tuple[str, str]] = field(default_factory=list)
    """Questions with their answers, the newest last."""

    def add(self, question: str, answer: str) -> None:
        """Remember a turn, and forget what is too long ago."""
        self.turns.append((question, answer))
        del self.turns[:-_MAX_TURNS]


@dataclass(frozen=True)
class Question:
    """What was said, where."""

    text: str
    language: str
    satellite: str
    area: str | None
    context: Context


class Answerer(Protocol):
    """Answers a question, in pieces of text as they come."""

    def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the answer. Raises LunavoxError; closing the generator gives the question up."""


async def ask(
    answerer: Answerer, question: Question, *, timeout_s: float, retries: int
) -> AsyncGenerator[str, None]:
    """Yield the answer, asking again while nothing was said yet.

    `timeout_s` bounds the wait for the first word, however many blanks come before, and for each next piece.
    Raises what the last attempt raised, TimedOut, EmptyText.
    """
    loop = asyncio.get_running_loop()
    for attempt in range(retries + 1):
        said, until_s = False, loop.time() + timeout_s
        try:
            async with aclosing(answerer.answer(question)) as pieces:
                while (
                    piece := await _next(pieces, timeout_s if said else until_s - loop.time())
                ) is not None:
                    said = said or bool(piece.strip())
                    yield piece
            if not said:
                raise EmptyText("The answer is empty.")
        except LunavoxError as error:
            if said or attempt == retries or not (error.retryable or isinstance(error, EmptyText)):
                raise
            _LOGGER.info("the answer failed (%s: %s), asking again", error.code, error)
            await asyncio.sleep(_RETRY_PAUSE_S)
        else:
            return


async def _next(pieces: AsyncGenerator[str, None], timeout_s: float) -> str | None:
    try:
        return await within(pieces.__anext__(), timeout_s)
    except StopAsyncIteration:
        return None
    except asyncio.TimeoutError as error:
        raise TimedOut("The answer takes too long.") from error
