"""Where a service is: `tcp://host:port`, `tls://host:port` or `unix:///path`, and what no address can be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from lunavox_edge.errors import SettingsError, printable

_FORMS = "tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH"
NO_ADDRESS = f"is not an address; write {_FORMS}"
"""What goes on where something ends that is none."""

_MAX_UNIX_PATH_BYTES = 107


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
    def read(cls, uri: str) -> Address:
        """Read a URI. Raises ValueError, whose text goes on where the URI ends."""
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
        """Read a URI. Raises SettingsError, which names it."""
        try:
            return cls.read(uri)
        except ValueError as error:
            # What cannot be seen is often what is wrong.
            raise SettingsError(f"'{printable(uri[:200])}' {error}.") from None

    @property
    def uri(self) -> str:
        """The address as a URI."""
        if self.path is not None:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.tls else 'tcp'}://{host}:{self.port}"


def split(uri: str) -> SplitResult:
    """Take an address of any scheme apart. Raises ValueError if it has a port or host that no network has.

    Without a host at all it is for the caller to say whether it needs one.
    """
    # `urlsplit` leaves out a tab, an end of a line and blanks before the rest, without a word.
    if not uri.isprintable() or uri != uri.strip():
        raise ValueError("has characters that no address has")
    parts = urlsplit(uri)
    if " " in parts.netloc:
        raise ValueError("has a blank in its host")
    _ = parts.port  # reading it is what checks it
    # A network cannot be asked for `a..b` and for overlong parts of a name.
    (parts.hostname or "").encode("idna")
    return parts


def _socket_file(parts: SplitResult) -> Path:
    if parts.netloc or not parts.path.startswith("/") or not parts.path.strip("/"):
        raise ValueError("needs an absolute path, with three slashes: unix:///run/lunavox-edge.sock")
    if parts.query or parts.fragment:
        raise ValueError("is no socket file; its path cannot have a ? or #")
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
