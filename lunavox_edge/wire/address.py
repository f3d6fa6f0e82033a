"""Where a Wyoming service listens: `tcp://host:port` or `unix:///path`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lunavox_edge.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, or a socket file."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    @classmethod
    def parse(cls, uri: str) -> Address:
        """Read a URI. Raises SettingsError."""
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError as error:
            raise _unusable(uri) from error
        if parts.scheme == "tcp" and parts.hostname and port is not None:
            return cls(host=parts.hostname, port=port)
        if parts.scheme == "unix" and parts.path.strip("/") and not parts.netloc:
            return cls(path=Path(parts.path))
        raise _unusable(uri)

    @property
    def uri(self) -> str:
        """The address as a URI."""
        if self.path is not None:
            return f"unix://{self.path}"
        return f"tcp://[{self.host}]:{self.port}" if ":" in self.host else f"tcp://{self.host}:{self.port}"


def _unusable(uri: str) -> SettingsError:
    return SettingsError(f"'{uri:.200}' is not an address; write tcp://HOST:PORT or unix:///PATH.")
