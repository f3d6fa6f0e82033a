"""The loop that leaps over waits: hours are short, and threads and sockets are waited for."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("leaping")]


async def test_what_is_only_waited_for_is_leapt_over() -> None:
    now = asyncio.get_running_loop().time
    began_s = now()
    await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(7200))
    assert now() - began_s >= 7200


async def test_a_thread_is_waited_for() -> None:
    go_on = threading.Event()
    threading.Timer(0.1, go_on.set).start()
    assert await asyncio.wait_for(asyncio.to_thread(go_on.wait, 20.0), 30.0)


async def test_what_comes_over_a_socket_comes_before_the_timeout() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        for _ in range(100):
            theirs.send(b"x")
            assert await asyncio.wait_for(reader.readexactly(1), 20.0) == b"x"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 3600)
        writer.close()
        await writer.wait_closed()
