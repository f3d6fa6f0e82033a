"""TLS contexts for Wyoming connections between our own programs; Home Assistant does not support it."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path

from lunavox_edge.errors import InsecurePeer, SettingsError
from lunavox_edge.host.secret_files import check_secret

_SETTINGS = ("wyoming.tls_cert", "wyoming.tls_key")


def server_context(
    certificate: Path | None, key: Path | None, names: tuple[str, str] = _SETTINGS
) -> ssl.SSLContext:
    """Return the TLS context of a server.

    `names` are the settings or options that set certificate and key, for error texts. Raises SettingsError.
    """
    if certificate is None or key is None:
        raise SettingsError(f"A tls:// address needs {names[0]} and {names[1]}.")
    check_secret(key, names[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(f"{names[0]} and {names[1]} are no certificate and its key.") from error
    return context


def client_context(authority: Path | None, host: str) -> ssl.SSLContext:
    """Return the TLS context of a client that trusts the certificates in `authority`, or those of the system.

    The host name is not checked for addresses of this machine, because the service's certificate is issued
    for the name that other machines use. Raises SettingsError.
    """
    try:
        context = ssl.create_default_context(cafile=authority)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError("The file after '?ca=' holds no certificates that can be read.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A certificate in the file is trusted even if its issuer is not in it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = not _is_local(host)
    return context


def untrusted_peer(error: ssl.SSLError) -> InsecurePeer:
    """Return the error for a peer whose certificate was not accepted, or that has no TLS."""
    reason = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
    return InsecurePeer(
        f"The service does not prove who it is ({reason or 'no TLS'}); "
        "name its certificate or authority: tls://HOST:PORT?ca=FILE."
    )


def _is_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified
