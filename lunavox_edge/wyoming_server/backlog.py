"""Back-pressure: reading from a client pauses while its session has too much unprocessed audio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from lunavox_edge.errors import Busy

_CHECK_S = 0.02


class AudioSession(Protocol):
    """An engine session that is fed with audio."""

    @property
    def backlog_bytes(self) -> int:
        """Bytes of audio that are not processed yet."""


async def catch_up(
    session: AudioSession,
    *,
    limit_bytes: int,
    timeout_s: float,
    on_wait: Callable[[], None] = lambda: None,
) -> None:
    """Above `limit_bytes` of unprocessed audio, wait until only half of that is left.

    `on_wait` is called at every check. Raises Busy after `timeout_s`.
    """
    if session.backlog_bytes <= limit_bytes:
        return
    loop = asyncio.get_running_loop()
    until_s = loop.time() + timeout_s
    while session.backlog_bytes > limit_bytes // 2:
        if loop.time() > until_s:
            raise Busy("The audio comes faster than it can be processed.", retry_after_s=5.0)
        on_wait()
        await asyncio.sleep(_CHECK_S)
