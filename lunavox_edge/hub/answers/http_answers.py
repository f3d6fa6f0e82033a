"""Answers over HTTP: Home Assistant's conversation API, and chat endpoints that stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx2

from lunavox_edge import bridge
from lunavox_edge.errors import LunavoxError, NotAllowed, ProtocolError, SettingsError, TimedOut, Unreachable
from lunavox_edge.host.secret_files import read_secret
from lunavox_edge.hub.answers.asking import Answerer, Question
from lunavox_edge.hub.answers.chat_stream import ChatStream, Lines, parsed, sound
from lunavox_edge.settings.satellite_settings import Answer

_MAX_BODY_BYTES = 1_048_576
_SERVER_ERROR = 500
_TOO_MANY = 429
_DENIED = (401, 403)


class HttpAnswerer(Answerer):
    """Base of the answerers over HTTP, with one client for all questions.

    Creating it takes tens of milliseconds, for the certificates, so it must not be done on the event loop.
    """

    def __init__(self, settings: Answer) -> None:
        """Create the HTTP client; it connects with the first question."""
        self._settings = settings
        self._base = (settings.url or "").rstrip("/")
        self._client = httpx2.AsyncClient(timeout=settings.timeout_s, trust_env=False)

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._client.aclose()

    async def _post(self, url: str, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        """Yield the body of the response in pieces. Raises LunavoxError."""
        headers = {"Accept": "application/json, text/event-stream"}
        if self._settings.token_file is not None:
            headers["Authorization"] = f"Bearer {await bridge.blocking(self._token)}"
        try:
            async with self._client.stream("POST", url, json=body, headers=headers) as response:
                if not response.is_success:
                    raise _refusal(response.status_code)
                async for piece in response.aiter_bytes():
                    yield piece
        except httpx2.TimeoutException as error:
            raise TimedOut("The answer takes too long.") from error
        except httpx2.InvalidURL as error:
            raise SettingsError("The answerer's url is not valid.") from error
        except httpx2.HTTPError as error:
            raise Unreachable(f"The answerer cannot be reached ({type(error).__name__}).") from error

    def _token(self) -> str:
        file = self._settings.token_file
        token = read_secret(file, "token_file").strip() if file is not None else ""
        if not (token and token.isascii() and token.isprintable()):
            raise SettingsError("The first line of token_file is no token; it may hold ASCII only.")
        return token


class HomeAssistantAnswerer(HttpAnswerer):
    """Asks Home Assistant's conversation API."""

    async def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the whole answer in one piece."""
        body = {"text": question.text, "language": question.language or None}
        if question.context.remote_id:
            body["conversation_id"] = question.context.remote_id
        if self._settings.model:
            body["agent_id"] = self._settings.model
        raw = bytearray()
        async with aclosing(self._post(f"{self._base}/api/conversation/process", body)) as pieces:
            async for piece in pieces:
                raw += piece
                if len(raw) > _MAX_BODY_BYTES:
                    raise ProtocolError("Home Assistant sends too much.")
        found = parsed(bytes(raw))
        conversation = found.get("conversation_id")
        if isinstance(conversation, str):
            question.context.remote_id = conversation
        yield _text_at(found, "response", "speech", "plain", "speech")


class ChatAnswerer(HttpAnswerer):
    """Asks a chat endpoint of the OpenAI kind, which streams its answer."""

    async def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the answer in pieces."""
        messages = [{"role": "system", "content": self._settings.prompt}] if self._settings.prompt else []
        for said, answered in question.context.turns:
            messages += [{"role": "user", "content": said}, {"role": "assistant", "content": answered}]
        messages.append({"role": "user", "content": question.text})
        body = {"model": self._settings.model or "default", "messages": messages, "stream": True}
        lines, chat = Lines(), ChatStream()
        # `aclosing` ends the request at once if the answer is not wanted any more.
        async with aclosing(self._post(f"{self._base}/chat/completions", body)) as pieces:
            async for piece in pieces:
                for line in lines.feed(piece):
                    if text := chat.feed(line):
                        yield text
                if chat.over:
                    return
        if text := chat.feed(lines.finish()) + chat.finish():
            yield text


def _refusal(status: int) -> LunavoxError:
    if status in _DENIED:
        return NotAllowed(f"The token is not accepted (HTTP {status}).")
    if status >= _SERVER_ERROR or status == _TOO_MANY:
        return Unreachable(f"The answerer cannot answer at the moment (HTTP {status}).")
    return ProtocolError(f"The answerer refuses the question (HTTP {status}); check url and model.")


def _text_at(found: Any, *path: str) -> str:  # noqa: ANN401  # any JSON value
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, str):
        raise ProtocolError("The answer holds no text.")
    return sound(found)
