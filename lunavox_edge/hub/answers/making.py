"""Creates the answerer for the settings: echo, Wyoming or HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.hub.answers.asking import Answerer, Question
from lunavox_edge.hub.answers.wyoming_answers import WyomingAnswerer
from lunavox_edge.settings.model import LimitSettings
from lunavox_edge.settings.satellite_settings import Answer

if TYPE_CHECKING:
    from lunavox_edge.hub.answers.http_answers import HttpAnswerer


class EchoAnswerer(Answerer):
    """Answers with the question, to try satellites out."""

    async def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the question."""
        yield question.text


class OverHttp(Answerer):
    """Answers over HTTP. Library and client are loaded once, on a thread, because that takes tens of ms."""

    def __init__(self, settings: Answer) -> None:
        """Load nothing before `prepare` or the first question."""
        self._settings = settings
        self._making: asyncio.Task[HttpAnswerer] | None = None

    async def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the answer in pieces."""
        answerer = await self._made()
        async with aclosing(answerer.answer(question)) as pieces:
            async for piece in pieces:
                yield piece

    async def prepare(self) -> None:
        """Load the library and make the client."""
        await self._made()

    async def close(self) -> None:
        """Close the client, if there is one. Idempotent."""
        making, self._making = self._making, None
        if making is not None:
            await asyncio.wait((making,))
            if not making.cancelled() and making.exception() is None:
                await making.result().close()

    async def _made(self) -> HttpAnswerer:
        making = self._making
        if making is None or (making.done() and (making.cancelled() or making.exception() is not None)):
            making = self._making = asyncio.create_task(bridge.blocking(self._make), name="HTTP client")
        # A caller may be cancelled; the next question needs the client all the same.
        return await asyncio.shield(making)

    def _make(self) -> HttpAnswerer:
        from lunavox_edge.hub.answers import http_answers  # noqa: PLC0415  # its library is loaded on use

        kind = (
            http_answers.HomeAssistantAnswerer
            if self._settings.kind == "home-assistant"
            else http_answers.ChatAnswerer
        )
        return kind(self._settings)


def answerer_for(settings: Answer, limits: LimitSettings) -> Answerer | None:
    """Create an answerer; None where the answer comes as an announcement, over MQTT."""
    if settings.kind == "mqtt":
        return None
    if settings.kind == "wyoming":
        return WyomingAnswerer(settings, limits)
    return EchoAnswerer() if settings.kind == "echo" else OverHttp(settings)
