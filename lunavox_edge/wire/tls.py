"""TLS under the Wyoming protocol, between programs of our own: Home Assistant speaks none there."""

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
    """Return what a listening port shows; `names` are what sets the two. Raises SettingsError."""
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
    """Return what a client checks: the certificates in `authority`, or those of the system.

    The name is not checked on this machine, where a certificate for others is shown. Raises SettingsError.
    """
    try:
        context = ssl.create_default_context(cafile=authority)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError("The file after '?ca=' holds no certificates that can be read.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A single certificate that is named is trusted, whoever signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = not _is_here(host)
    return context


def distrust(error: ssl.SSLError) -> InsecurePeer:
    """Return the error for a peer that did not prove who it is."""
    reason = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
    return InsecurePeer(
        f"The service does not prove who it is ({reason or 'no TLS'}); "
        "name its certificate or authority: tls://HOST:PORT?ca=FILE."
    )


def _is_here(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified
