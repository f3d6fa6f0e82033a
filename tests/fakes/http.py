"""A small HTTP server with scripted answers."""

from __future__ import annotations

import asyncio
import json


class HttpServer:
    """Answers every request with the next answer, and records the requests."""

    def __init__(self, *answers: tuple[int, bytes] | None) -> None:
        """Pass status and body of each answer; None closes the connection without one."""
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str], dict[str, object]]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request, *lines = head.strip().split("\r\n")
        headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.asked.append((request, headers, body))
        answer = self.answers.pop(0)
        if answer is not None:
            status, content = answer
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(content)) + content)
            await writer.drain()
        writer.close()


def stream(*events: object) -> bytes:
    lines = [f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events]
    return "".join(lines).encode()
