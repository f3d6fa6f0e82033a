"""Program that announces a port (arguments NAME PORT HOST) until its input ends, for network namespaces."""

from __future__ import annotations

import asyncio
import sys

from lunavox_edge.wire.zeroconf import ServiceAnnouncement, own_addresses


async def announce(name: str, port: int, host: str) -> None:
    announcement = ServiceAnnouncement(name, port, addresses=lambda: own_addresses(host), look_every_s=0.2)
    announcement.start()
    await asyncio.to_thread(sys.stdin.read)
    await announcement.stop()


if __name__ == "__main__":
    asyncio.run(announce(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
