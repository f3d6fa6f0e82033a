"""Program that prints changes of `_wyoming._tcp.local.`, one JSON line each, until its input ends.

It is a program so that it can run in another network namespace.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

SERVICE_TYPE = "_wyoming._tcp.local."


def write(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def browse(interfaces: list[str]) -> None:
    responder = AsyncZeroconf(interfaces=interfaces)
    tasks: set[asyncio.Task[None]] = set()

    async def tell(name: str, change: str) -> None:
        line: dict[str, Any] = {"name": name.removesuffix(f".{SERVICE_TYPE}"), "change": change}
        if change != ServiceStateChange.Removed.name:
            info = AsyncServiceInfo(SERVICE_TYPE, name)
            await info.async_request(responder.zeroconf, 3000)
            line |= {"port": info.port, "addresses": info.parsed_addresses()}
        write(line)

    def changed(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        del zeroconf, service_type
        task = asyncio.ensure_future(tell(name, state_change.name))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    browser = AsyncServiceBrowser(responder.zeroconf, SERVICE_TYPE, handlers=[changed])
    write({"change": "ready"})
    try:
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await browser.async_cancel()
        await responder.async_close()


if __name__ == "__main__":
    asyncio.run(browse(sys.argv[1:]))
