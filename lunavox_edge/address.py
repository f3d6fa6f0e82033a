"""Addresses of services: `tcp://host:port`, `tls://host:port` or `unix:///path`, parsed and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from lunavox_edge.errors import SettingsError, printable

_FORMS = "tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH"
NO_ADDRESS = f"is not an address; write {_FORMS}"
"""Error text that follows the wrong value in a sentence."""

_MAX_UNIX_PATH_BYTES = 107


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, or a socket file."""

    host: str = ""
    port: int = 0
    path: Path | None = None
    tls: bool = False
    authority: Path | None = None
    """FILE of `?ca=FILE`: the CA certificates that a client trusts; None for those of the system."""

    @classmethod
    def read(cls, uri: str) -> Address:
        """Parse a URI. Raises ValueError, whose text follows the URI in a sentence."""
        try:
            parts = split(uri)
        except ValueError:
            raise ValueError(NO_ADDRESS) from None
        if parts.scheme == "unix":
            return cls(path=_socket_file(parts))
        if parts.scheme not in ("tcp", "tls"):
            raise ValueError(NO_ADDRESS)
        trust = parts.query if parts.scheme == "tls" else ""
        rest = parts.path.strip("/") or parts.query != trust or parts.fragment or "@" in parts.netloc
        if not parts.hostname or parts.port is None or rest:
            raise ValueError(f"needs a host and a port and nothing else; write {_FORMS}")
        authority = _authority(trust) if trust else None
        return cls(host=parts.hostname, port=parts.port, tls=parts.scheme == "tls", authority=authority)

    @classmethod
    def parse(cls, uri: str) -> Address:
        """Parse a URI. Raises SettingsError, whose message contains it."""
        try:
            return cls.read(uri)
        except ValueError as error:
            # Invisible characters are often the error, so they are shown.
            raise SettingsError(f"'{printable(uri[:200])}' {error}.") from None

    @property
    def uri(self) -> str:
        """The address as a URI, without `?ca=FILE`."""
        if self.path is not None:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.tls else 'tcp'}://{host}:{self.port}"


def split(uri: str) -> SplitResult:
    """Split an address of any scheme into its parts. Raises ValueError if host or port are invalid.

    An address without a host is accepted; the caller checks whether it needs one.
    """
    # `urlsplit` silently drops tabs, line ends and leading blanks.
    if not uri.isprintable() or uri != uri.strip():
        raise ValueError("has characters that no address has")
    parts = urlsplit(uri)
    if " " in parts.netloc:
        raise ValueError("has a blank in its host")
    _ = parts.port  # reading the property checks it
    # Raises UnicodeError, a ValueError, for names that DNS cannot have: `a..b` and overlong labels.
    (parts.hostname or "").encode("idna")
    return parts


def _socket_file(parts: SplitResult) -> Path:
    if parts.netloc or not parts.path.startswith("/") or not parts.path.strip("/"):
        raise ValueError("needs an absolute path, with three slashes: unix:///run/lunavox-edge.sock")
    if parts.query or parts.fragment:
        raise ValueError("is not a socket file; its path cannot have a ? or #")
    if len(parts.path.encode()) > _MAX_UNIX_PATH_BYTES:
        raise ValueError(f"is too long for a socket (at most {_MAX_UNIX_PATH_BYTES} bytes of path)")
    return Path(parts.path)


def _authority(query: str) -> Path:
    name = query.removeprefix("ca=")
    try:
        file = Path(name).expanduser()
    except RuntimeError:  # `~nobody`
        file = Path()
    if not query.startswith("ca=") or not file.is_absolute():
        raise ValueError("may end in ?ca= and a file's whole path, such as ?ca=/etc/lunavox-edge/kitchen.pem")
    return file
