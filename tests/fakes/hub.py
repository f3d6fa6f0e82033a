"""A small model hub on a loopback port: the endpoints of the real one, and faults on demand."""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

PIPER_REPO = "rhasspy/piper-voices"
LFS_SUFFIXES = (".onnx", ".bin")


@dataclass
class Fault:
    """A fault for the next `times` requests whose path matches `path`."""

    path: str
    times: int = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Close the connection after this number of bytes of the body."""
    hang: bool = False
    """Send nothing until the hub is closed."""
    corrupt: bool = False
    ignore_range: bool = False
    wrong_range: bool = False
    body: bytes | None = None
    """Send this body instead, with status 200."""


@dataclass(frozen=True)
class Request:
    """One received request."""

    path: str
    range: str | None
    headers: dict[str, str]


class FakeHub:
    """The repositories, the pending faults and the log of requests."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, bytes]] = {}
        self.licences: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.url = ""
        self.closing = threading.Event()
        self._index: dict[str, object] = {}
        self._lock = threading.Lock()

    def add_model(
        self,
        repo: str,
        *,
        size_bytes: int = 200_000,
        licence: str = "mit",
        more: Mapping[str, bytes] | None = None,
    ) -> None:
        """Offer a repository with a Whisper model."""
        self.licences[repo] = licence
        self.repos[repo] = {
            "README.md": b"# model",
            "config.json": b'{"a": 1}',
            "model.bin": noise(size_bytes, repo),
            "tokenizer.json": b'{"b": 2}',
            "vocabulary.txt": b"a\nb\n",
        } | dict(more or {})

    def add_voice(
        self, name: str, *, size_bytes: int = 200_000, licence: str = "CC0", speakers: int = 1
    ) -> None:
        """Offer a Piper voice."""
        code, short, quality = name.split("-")
        folder = f"{code[:2]}/{code}/{short}/{quality}"
        card = f"# Model card for {short}\n\n* Language: {code}\n* License: {licence}\n"
        files = {
            f"{folder}/{name}.onnx": noise(size_bytes, name),
            f"{folder}/{name}.onnx.json": json.dumps({"audio": {"sample_rate": 22050}}).encode(),
            f"{folder}/MODEL_CARD": card.encode(),
        }
        self.repos.setdefault(PIPER_REPO, {}).update(files)
        self._index[name] = {
            "key": name,
            "name": short,
            "language": {"code": code, "family": code[:2]},
            "quality": quality,
            "num_speakers": speakers,
            "speaker_id_map": {},
            "files": {
                path: {"size_bytes": len(data), "md5_digest": hashlib.md5(data).hexdigest()}  # noqa: S324
                for path, data in files.items()
            },
            "aliases": [f"{code[:2].lower()}-{short}-{quality}"],
        }
        self.set_index(self._index)

    def set_index(self, index: object) -> None:
        """Offer this content as `voices.json`."""
        self.repos.setdefault(PIPER_REPO, {})["voices.json"] = json.dumps(index).encode()

    def revision(self, repo: str) -> str:
        """Return the commit of a repository, which depends on its content."""
        digest = hashlib.sha1(repo.encode())  # noqa: S324
        for path, data in sorted(self.repos[repo].items()):
            digest.update(path.encode() + data)
        return digest.hexdigest()

    def asked(self, pattern: str) -> list[Request]:
        """Return the requests whose path matches."""
        return [request for request in self.requests if re.search(pattern, request.path)]

    def take_fault(self, path: str) -> Fault:
        """Return the fault for this request; without one, a fault that has no effect."""
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return Fault(path="")


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Run a hub until the block ends."""
    hub = FakeHub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="fake-hub")
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def noise(size_bytes: int, seed: str) -> bytes:
    """Return bytes that differ at every position and are the same in every run."""
    return random.Random(seed).randbytes(size_bytes)  # noqa: S311


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub

    def do_GET(self) -> None:
        path = unquote(self.path)
        self.hub.requests.append(Request(path, self.headers.get("Range"), dict(self.headers)))
        fault = self.hub.take_fault(path)
        if fault.hang:
            self.hub.closing.wait(timeout=30)
            return
        if fault.status is not None:
            self._send(fault.status, b"", fault.headers)
            return
        if fault.body is not None:
            self._send(200, fault.body, fault.headers, fault)
            return
        self._answer(path, fault)

    def _answer(self, path: str, fault: Fault) -> None:
        if match := re.fullmatch(r"/cdn/([0-9a-f]{64})/.*", path):
            for data in (data for files in self.hub.repos.values() for data in files.values()):
                if hashlib.sha256(data).hexdigest() == match[1]:
                    return self._file(data, fault)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/([^/]+)(?:/(.*))?", path):
            repo, what, revision, folder = match.groups()
            if repo in self.hub.repos and revision in ("main", self.hub.revision(repo)):
                card = {"license": self.hub.licences.get(repo, "mit")}
                info = {"id": repo, "sha": self.hub.revision(repo), "cardData": card}
                return self._json(info if what == "revision" else [*self._tree(repo, folder or "")], fault)
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([0-9a-f]{40})/(.*)", path):
            repo, revision, file = match.groups()
            content = self.hub.repos.get(repo, {}).get(file)
            if content is not None and revision == self.hub.revision(repo):
                return self._resolve(repo, file, content, fault)
        # As the real hub answers for repositories that do not exist, to those without an account.
        return self._send(401, b"", {"X-Error-Code": "RepoNotFound"})

    def _tree(self, repo: str, folder: str) -> Iterator[dict[str, object]]:
        for path, data in self.hub.repos[repo].items():
            parent, _, _ = path.rpartition("/")
            if parent != folder:
                continue
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324
            item: dict[str, object] = {"type": "file", "oid": blob, "size": len(data), "path": path}
            if path.endswith(LFS_SUFFIXES):
                oid = hashlib.sha256(data).hexdigest()
                item |= {"oid": "0" * 40, "lfs": {"oid": oid, "size": len(data), "pointerSize": 134}}
            yield item
        yield {"type": "directory", "oid": "1" * 40, "size": 0, "path": f"{folder}/samples".strip("/")}

    def _resolve(self, repo: str, path: str, data: bytes, fault: Fault) -> None:
        if path.endswith(LFS_SUFFIXES):
            oid = hashlib.sha256(data).hexdigest()
            headers = {"Location": f"/cdn/{oid}/{path.rpartition('/')[2]}", "X-Linked-Etag": f'"{oid}"'}
            self._send(302, b"", headers | {"X-Repo-Commit": self.hub.revision(repo)})
        else:
            self._file(data, fault)

    def _file(self, data: bytes, fault: Fault) -> None:
        if fault.corrupt:
            data = bytes(reversed(data))
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted is None or fault.ignore_range:
            self._send(200, data, fault.headers, fault)
            return
        start = int(wanted[1])
        if start >= len(data):
            self._send(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            return
        start = 0 if fault.wrong_range else start
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} | fault.headers
        self._send(206, data[start:], headers, fault)

    def _json(self, value: object, fault: Fault) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"}, fault)

    def _send(self, status: int, body: bytes, headers: dict[str, str], fault: Fault | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = fault.cut_after if fault is not None else None
            self.wfile.write(body if cut is None else body[:cut])
        except ConnectionError:
            pass  # the client left: some tests are about that

    def log_message(self, *args: object) -> None:
        pass
