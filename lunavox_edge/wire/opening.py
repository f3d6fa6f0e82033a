"""Opening a client connection to an address: TCP, TLS or a unix socket."""

from __future__ import annotations

import asyncio
import ssl

from lunavox_edge.address import Address
from lunavox_edge.bridge import blocking
from lunavox_edge.wire import tls


async def opened(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect on the running loop.

    Raises OSError, InsecurePeer if the peer's certificate is not trusted, and SettingsError.
    """
    if address.path is not None:
        return await asyncio.open_unix_connection(address.path)
    if not address.tls:
        return await asyncio.open_connection(address.host, address.port)
    context = await blocking(lambda: tls.client_context(address.authority, address.host))
    try:
        return await asyncio.open_connection(
            address.host, address.port, ssl=context, server_hostname=address.host
        )
    except ssl.SSLError as error:
        raise tls.untrusted_peer(error) from error
