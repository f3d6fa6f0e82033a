"""Where a Wyoming service listens: `tcp://host:port`, `tls://host:port` or `unix:///path`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lunavox_edge.errors import SettingsError
from lunavox_edge.settings_fields import can_be_host


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, or a socket file."""

    host: str = ""
    port: int = 0
    path: Path | None = None
    tls: bool = False
    authority: Path | None = None
    """Of `?ca=FILE`: the certificates that a client trusts, None for those of the system."""

    @classmethod
    def parse(cls, uri: str) -> Address:
        """Read a URI. Raises SettingsError."""
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError as error:
            raise _unusable(uri) from error
        host = parts.hostname or ""
        if parts.scheme == "tcp" and can_be_host(host) and port is not None:
            return cls(host=host, port=port)
        if parts.scheme == "tls" and can_be_host(host) and port is not None:
            named = [text.removeprefix("ca=") for text in (parts.query,) if text.startswith("ca=")]
            authority = Path(named[0]).expanduser() if named else None
            return cls(host=host, port=port, tls=True, authority=authority)
        if parts.scheme == "unix" and parts.path.strip("/") and not parts.netloc:
            return cls(path=Path(parts.path))
        raise _unusable(uri)

    @property
    def uri(self) -> str:
        """The address as a URI."""
        if self.path is not None:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.tls else 'tcp'}://{host}:{self.port}"


def _unusable(uri: str) -> SettingsError:
    return SettingsError(
        f"'{uri:.200}' is not an address; write tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH."
    )
