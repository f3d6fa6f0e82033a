"""Answers over HTTP: Home Assistant's conversation, and chat endpoints that stream."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx2

from lunavox_edge.errors import (
    LunavoxError,
    NotAllowed,
    ProtocolError,
    SettingsError,
    TimedOut,
    Unreachable,
)
from lunavox_edge.satellites.answers.base import Question
from lunavox_edge.secret_files import read_secret
from lunavox_edge.settings_satellites import Answer

_MAX_BODY_BYTES = 1_048_576
_MAX_LINE_CHARS = 65_536
_DONE = "[DONE]"
_SERVER_ERROR = 500
_TOO_MANY = 429
_DENIED = (401, 403)


class HomeAssistantAnswerer:
    """Asks the conversation of Home Assistant."""

    def __init__(self, settings: Answer) -> None:
        """Store; nothing is asked yet."""
        self._settings = settings

    async def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the whole answer at once."""
        body = {"text": question.text, "language": question.language or None}
        if question.context.remote_id:
            body["conversation_id"] = question.context.remote_id
        if self._settings.model:
            body["agent_id"] = self._settings.model
        url = f"{(self._settings.url or '').rstrip('/')}/api/conversation/process"
        raw = bytearray()
        async with aclosing(_post(self._settings, url, body)) as pieces:
            async for piece in pieces:
                raw += piece
                if len(raw) > _MAX_BODY_BYTES:
                    raise ProtocolError("Home Assistant sends too much.")
        found = _parsed(bytes(raw))
        conversation = found.get("conversation_id")
        if isinstance(conversation, str):
            question.context.remote_id = conversation
        yield _text_at(found, "response", "speech", "plain", "speech")


class ChatAnswerer:
    """Asks a chat endpoint of the OpenAI kind; the answer is spoken while it is written."""

    def __init__(self, settings: Answer) -> None:
        """Store; nothing is asked yet."""
        self._settings = settings

    async def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield pieces of text as they come."""
        messages = [{"role": "system", "content": self._settings.prompt}] if self._settings.prompt else []
        for said, answered in question.context.turns:
            messages += [{"role": "user", "content": said}, {"role": "assistant", "content": answered}]
        messages.append({"role": "user", "content": question.text})
        body = {"model": self._settings.model or "default", "messages": messages, "stream": True}
        url = f"{(self._settings.url or '').rstrip('/')}/chat/completions"
        # Closed in order: whoever answers is to know at once that nobody listens any more.
        async with (
            aclosing(_post(self._settings, url, body)) as pieces,
            aclosing(_lines(pieces)) as lines,
        ):
            async for line in lines:
                if not line.startswith("data:"):
                    continue
                data = line[len("data:") :].strip()
                if data == _DONE:
                    return
                piece = _delta(_parsed(data.encode()))
                if piece:
                    yield piece


async def _post(settings: Answer, url: str, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
    """Yield the body of the answer as it comes. Raises LunavoxError."""
    headers = {"Accept": "application/json, text/event-stream"}
    if settings.token_file is not None:
        token = read_secret(settings.token_file, "token_file").strip()
        if not (token and token.isascii() and token.isprintable()):
            raise SettingsError("The first line of token_file is no token; it may hold ASCII only.")
        headers["Authorization"] = f"Bearer {token}"
    try:
        async with (
            httpx2.AsyncClient(timeout=settings.timeout_s, trust_env=False) as client,
            client.stream("POST", url, json=body, headers=headers) as response,
        ):
            if not response.is_success:
                raise _refusal(response.status_code)
            async for piece in response.aiter_bytes():
                yield piece
    except httpx2.TimeoutException as error:
        raise TimedOut("The answer takes too long.") from error
    except httpx2.InvalidURL as error:
        raise SettingsError("The url of who should answer cannot be used.") from error
    except httpx2.HTTPError as error:
        raise Unreachable(f"Nobody answers there ({type(error).__name__}).") from error


async def _lines(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[str, None]:
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").strip()
        if len(rest) > _MAX_LINE_CHARS:
            raise ProtocolError("The answer has a line that is too long.")
    yield rest.decode(errors="replace").strip()


def _refusal(status: int) -> LunavoxError:
    if status in _DENIED:
        return NotAllowed(f"The token is not accepted (HTTP {status}).")
    if status >= _SERVER_ERROR or status == _TOO_MANY:
        return Unreachable(f"Whoever should answer cannot just now (HTTP {status}).")
    return ProtocolError(f"The question is refused (HTTP {status}); look at url and model.")


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("The answer is not JSON.") from error
    if not isinstance(found, dict):
        raise ProtocolError("The answer is not a JSON object.")
    return found


def _text_at(found: Any, *path: str) -> str:  # noqa: ANN401  # any JSON value
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, str):
        raise ProtocolError("The answer holds no text.")
    return _sound(found)


def _delta(found: dict[str, Any]) -> str:
    """Return the text of one piece of a stream; pieces without any tell of other things."""
    choices = found.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    delta = choice.get("delta") if isinstance(choice, dict) else None
    text = delta.get("content") if isinstance(delta, dict) else None
    if "error" in found:
        raise Unreachable("Whoever should answer reports an error.")
    return _sound(text) if isinstance(text, str) else ""


def _sound(text: str) -> str:
    """Return text that can be sent on: halves of a pair of surrogates, which JSON may hold, cannot."""
    return text.encode(errors="ignore").decode()
