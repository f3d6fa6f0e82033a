"""HTTP client for the model hub: size limits, retries, and downloads that resume."""

from __future__ import annotations

import http.client
import ipaddress
import json
import logging
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from lunavox_edge.errors import DownloadFailed, HubUnreachable

MAX_JSON_BYTES = 32 << 20

_READ_BYTES = 256 << 10
_NOT_THERE = (401, 404)
_NO_SUCH_RANGE = 416
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Timeouts and retries."""

    answer_s: float = 10.0
    """Timeout to connect, and between two pieces of an answer."""
    attempts: int = 3
    """Attempts in a row without progress, including the first, before an error is raised."""
    pause_s: float = 0.5
    """Pause before the second attempt; it doubles each time."""
    stall_s: float = 30.0
    stall_bytes: int = 64 << 10
    """A transfer that brings fewer bytes than this within `stall_s` counts as failed."""


class Web:
    """HTTP client of one hub. Blocking; used by one thread at a time."""

    def __init__(
        self,
        endpoint: str,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Create a client without connecting. Raises DownloadFailed if `endpoint` is not a web address."""
        try:
            parts = urlsplit(endpoint)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            parts, port = urlsplit(""), ""
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DownloadFailed("catalog.hub_endpoint must be a web address such as https://huggingface.co.")
        self.host = f"{parts.hostname}{port}"
        self._endpoint = endpoint.rstrip("/")
        self._patience = patience or Patience()
        self._sleep = sleep
        self._opener = _opener(parts.hostname)

    def json(self, path: str) -> object | None:
        """Return the parsed JSON answer, None if the hub has no such thing (status 401 or 404).

        Raises HubUnreachable, DownloadFailed.
        """
        return self._retrying(lambda: self._json_once(path), lambda: 0)

    def fetch(self, path: str, target: Path, size_bytes: int, on_bytes: Callable[[int], None]) -> None:
        """Download to `target` until it has `size_bytes`, resuming from what it already contains.

        `on_bytes` is called with the size after every piece; it may raise to stop. What was downloaded
        until then is kept for the next time. Raises HubUnreachable, DownloadFailed.
        """

        def reached() -> int:
            return target.stat().st_size if target.exists() else 0

        def once() -> None:
            self._fetch_once(path, target, size_bytes, on_bytes)

        if reached() > size_bytes:
            target.unlink()
        if size_bytes == 0:
            target.touch()
        if reached() < size_bytes:
            self._retrying(once, reached)

    def _retrying(self, act: Callable[[], object | None], reached: Callable[[], int]) -> object | None:
        """Call `act` until it succeeds; raise its error after several failures in a row without progress.

        `reached` returns the bytes downloaded so far.
        """
        failures, before = 0, reached()
        while True:
            try:
                return act()
            except HubUnreachable as error:
                failures = 1 if reached() - before >= self._patience.stall_bytes else failures + 1
                before = reached()
                if failures >= self._patience.attempts:
                    raise
                _LOGGER.info("The hub failed, trying again: %s", error.__cause__ or error)
                self._sleep(self._patience.pause_s * 2 ** (failures - 1))

    def _json_once(self, path: str) -> object | None:
        with self._open(path, {"Accept": "application/json"}) as answer:
            if answer.status in _NOT_THERE:
                return None
            body = bytearray()
            for piece in self._pieces(answer):
                body += piece
                if len(body) > MAX_JSON_BYTES:
                    raise DownloadFailed(f"The model hub at {self.host} answers with far more than expected.")
        try:
            found: object = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._no_hub() from error
        if found is None:
            raise self._no_hub()
        return found

    def _fetch_once(self, path: str, target: Path, size_bytes: int, on_bytes: Callable[[int], None]) -> None:
        offset = target.stat().st_size if target.exists() else 0
        with self._open(path, {"Range": f"bytes={offset}-"} if offset else {}) as answer:
            if answer.status in _NOT_THERE:
                raise DownloadFailed(
                    f"The hub lists the file '{path.rpartition('/')[2]}' but does not have it."
                )
            resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT
            if answer.status == _NO_SUCH_RANGE or (resumed and _range_start(answer) != offset):
                target.unlink(missing_ok=True)
                raise self._unreachable("it cannot go on with a file that was begun")
            offset = offset if resumed else 0
            with target.open("ab" if resumed else "wb") as file:
                for piece in self._pieces(answer):
                    file.write(piece[: size_bytes - offset])
                    offset += len(piece)
                    on_bytes(min(offset, size_bytes))
                    if offset >= size_bytes:
                        return
        raise self._unreachable("it sends less than it announced")

    def _open(self, path: str, headers: dict[str, str]) -> http.client.HTTPResponse | urllib.error.HTTPError:
        """Send a request; the status of the answer may be 401, 404 or 416.

        Raises HubUnreachable if a retry may help, else DownloadFailed.
        """
        # No version, system or session identifiers, so that the hub learns only what is downloaded.
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked to be http or https
            f"{self._endpoint}{quote(path, safe='/')}", headers={"User-Agent": "lunavox-edge"} | headers
        )
        try:
            return self._opener.open(request, timeout=self._patience.answer_s)  # type: ignore[no-any-return]
        except urllib.error.HTTPError as error:
            gated = "gated" in (error.headers.get("X-Error-Code") or "").lower()
            if error.code in (*_NOT_THERE, _NO_SUCH_RANGE) and not gated:
                return error
            with error:
                raise self._refused(error) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(getattr(error, "reason", error), ssl.SSLCertVerificationError):
                raise DownloadFailed(
                    f"The certificate of the model hub at {self.host} is not trusted here. Check this "
                    "machine's clock, its CA certificates and catalog.hub_endpoint."
                ) from error
            raise self._unreachable(None) from error

    def _pieces(self, answer: http.client.HTTPResponse | urllib.error.HTTPError) -> Iterator[bytes]:
        """Yield the body as it arrives. Raises HubUnreachable if it stalls or is cut off."""
        since_s, received = time.monotonic(), 0
        while True:
            try:
                piece = answer.read1(_READ_BYTES)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise self._unreachable(None) from error
            if not piece:
                if answer.length:
                    raise self._unreachable("the connection was cut")
                return
            yield piece
            received += len(piece)
            if time.monotonic() - since_s >= self._patience.stall_s:
                if received < self._patience.stall_bytes:
                    raise self._unreachable("it sends too slowly")
                since_s, received = time.monotonic(), 0

    def _unreachable(self, why: str | None) -> HubUnreachable:
        reason = f": {why}" if why else ""
        return HubUnreachable(
            f"The model hub at {self.host} cannot be reached{reason}. Check the network and try again; what "
            "was fetched so far is kept. Models that are already installed keep working."
        )

    def _no_hub(self) -> DownloadFailed:
        return DownloadFailed(
            f"The model hub at {self.host} does not answer like a model hub. Check catalog.hub_endpoint, and "
            "whether the network asks for a login first."
        )

    def _refused(self, error: urllib.error.HTTPError) -> DownloadFailed:
        if error.code in _TRY_AGAIN:
            return HubUnreachable(
                f"The model hub at {self.host} has a problem of its own just now (HTTP {error.code}). Try "
                "again later. Models that are already installed keep working."
            )
        if error.code in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
            return DownloadFailed(
                "The hub gives this model only to people with an account who accepted its terms. Fetch it by "
                "hand into one of catalog.folders."
            )
        return DownloadFailed(f"The model hub at {self.host} refused the request (HTTP {error.code}).")


def _range_start(answer: http.client.HTTPResponse | urllib.error.HTTPError) -> int | None:
    match = _CONTENT_RANGE.match(answer.headers.get("Content-Range") or "")
    return int(match[1]) if match else None


def _opener(hostname: str) -> urllib.request.OpenerDirector:
    """Build an opener for HTTP and HTTPS only, so that a redirect cannot lead to a file or to FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler({} if _is_loopback(hostname) else None),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _is_loopback(hostname: str) -> bool:
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost"
