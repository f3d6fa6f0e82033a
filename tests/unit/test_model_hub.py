from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lunavox_edge.downloads.download import Patience
from lunavox_edge.downloads.installer import RESERVE_BYTES
from lunavox_edge.downloads.model_hub import ModelHub, kind_of
from lunavox_edge.engine.catalog.catalog import Catalog
from lunavox_edge.engine.catalog.manifest import MANIFEST_NAME, hub_folder, read_manifest
from lunavox_edge.errors import Busy, DownloadFailed, HubUnreachable, LunavoxError, UnknownModel, UnknownVoice
from lunavox_edge.types import ModelKind, SourceKind
from tests.fakes.backends import file_backend
from tests.fakes.hub import PIPER_REPO, FakeHub, Fault, fake_hub
from tests.fakes.ports import free_port

pytestmark = pytest.mark.unit

STT, TTS = ModelKind.STT, ModelKind.TTS
VOICE = "en_US-joe-medium"
PATIENCE = Patience(answer_s=5.0, pause_s=1.0)


class Interrupted(Exception):
    """Simulates Ctrl-C or a crash during a download."""


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with fake_hub() as hub:
        hub.add_voice(VOICE)
        hub.add_voice("en_US-lessac-low")
        hub.add_voice("en_US-lessac-high")
        hub.add_model("Systran/faster-whisper-tiny.en")
        yield hub


def make_hub(
    fake: FakeHub, tmp_path: Path, *, patience: Patience = PATIENCE, free_bytes: int = 1 << 40
) -> ModelHub:
    return ModelHub(
        cache_dir=tmp_path / "cache",
        endpoint=fake.url,
        patience=patience,
        free_bytes=lambda folder: free_bytes,
        sleep=lambda seconds: None,
    )


def visible(tmp_path: Path) -> list[str]:
    """Return all files in the folders that the catalog searches."""
    roots = (hub_folder(tmp_path / "cache", kind) for kind in ModelKind)
    return sorted(path.name for root in roots if root.exists() for path in root.rglob("*"))


def interrupt_after(size_bytes: int) -> object:
    def on_progress(done: int, total: int) -> None:
        if done >= size_bytes:
            raise Interrupted

    return on_progress


# The happy path


def test_a_voice_is_installed_with_its_facts(fake: FakeHub, tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    hub = make_hub(fake, tmp_path)
    pulled = hub.pull(VOICE, TTS, lambda done, total: progress.append((done, total)))
    assert pulled.fetched
    home = hub_folder(tmp_path / "cache", TTS) / VOICE
    assert sorted(path.name for path in home.iterdir()) == sorted(
        [MANIFEST_NAME, "MODEL_CARD", f"{VOICE}.onnx", f"{VOICE}.onnx.json"]
    )
    manifest = read_manifest(home)
    assert manifest == pulled.manifest
    assert (manifest.name, manifest.repo, manifest.licence) == (VOICE, PIPER_REPO, "CC0")
    assert manifest.revision == fake.revision(PIPER_REPO)
    for file in manifest.files:
        assert hashlib.sha256((home / file.name).read_bytes()).hexdigest() == file.sha256
    assert progress[-1] == (manifest.size_bytes, manifest.size_bytes)
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)
    assert hub.installed(TTS) == (manifest,)


def test_a_model_is_installed_under_the_name_people_know(fake: FakeHub, tmp_path: Path) -> None:
    manifest = make_hub(fake, tmp_path).pull("Tiny.EN", STT).manifest
    assert (manifest.name, manifest.repo, manifest.licence) == (
        "tiny.en",
        "Systran/faster-whisper-tiny.en",
        "mit",
    )
    assert {file.name for file in manifest.files} == {
        "config.json",
        "model.bin",
        "tokenizer.json",
        "vocabulary.txt",
    }


def test_any_repository_with_such_a_model_can_be_named(fake: FakeHub, tmp_path: Path) -> None:
    fake.add_model("someone/faster-whisper-swiss", licence="apache-2.0")
    manifest = make_hub(fake, tmp_path).pull("someone/faster-whisper-swiss", STT).manifest
    assert (manifest.name, manifest.licence) == ("swiss", "apache-2.0")


@pytest.mark.parametrize("name", ["joe", "en-us-joe-medium", "en-joe-medium"])
def test_a_voice_is_found_by_its_other_names(fake: FakeHub, tmp_path: Path, name: str) -> None:
    assert make_hub(fake, tmp_path).pull(name, TTS).manifest.name == VOICE


def test_a_voice_with_an_accent_in_its_name_is_installed(fake: FakeHub, tmp_path: Path) -> None:
    fake.add_voice("pt_PT-tugão-medium")
    make_hub(fake, tmp_path).pull("pt_PT-tugão-medium", TTS)
    assert "pt_PT-tugão-medium.onnx" in visible(tmp_path)


def test_the_catalog_shows_what_was_pulled(fake: FakeHub, tmp_path: Path) -> None:
    catalog = Catalog(folders=(), cache_dir=tmp_path / "cache", aliases={}, backends=[file_backend()])
    assert catalog.entries() == ()
    make_hub(fake, tmp_path).pull(VOICE, TTS)
    assert catalog.refresh()
    entry = catalog.find(VOICE, TTS)
    assert (entry.source_kind, entry.licence, entry.source) == (SourceKind.HUB, "CC0", f"hub {PIPER_REPO}")
    make_hub(fake, tmp_path).remove("en-us-joe-medium", TTS)
    assert catalog.refresh()
    assert catalog.entries() == ()


def test_the_voices_on_offer_are_listed(fake: FakeHub, tmp_path: Path) -> None:
    voices = {voice.name: voice for voice in make_hub(fake, tmp_path).voices()}
    assert sorted(voices) == ["en_US-joe-medium", "en_US-lessac-high", "en_US-lessac-low"]
    assert (voices[VOICE].language, voices[VOICE].quality, voices[VOICE].short_name) == (
        "en-US",
        "medium",
        "joe",
    )
    assert voices[VOICE].size_bytes > 200_000


def test_nothing_about_this_machine_is_sent(fake: FakeHub, tmp_path: Path) -> None:
    make_hub(fake, tmp_path).pull("tiny.en", STT)
    allowed = {"Accept", "Accept-Encoding", "Connection", "Host", "User-Agent"}
    assert {name for request in fake.requests for name in request.headers} <= allowed
    assert {request.headers["User-Agent"] for request in fake.requests} == {"lunavox-edge"}


# Again


def test_a_second_pull_fetches_no_file(fake: FakeHub, tmp_path: Path) -> None:
    hub = make_hub(fake, tmp_path)
    hub.pull(VOICE, TTS)
    before = len(fake.asked("/cdn/"))
    again = hub.pull(VOICE, TTS)
    assert not again.fetched
    assert len(fake.asked("/cdn/")) == before


def test_a_new_version_replaces_the_old_one(fake: FakeHub, tmp_path: Path) -> None:
    hub = make_hub(fake, tmp_path)
    first = hub.pull("tiny.en", STT).manifest
    fake.add_model("Systran/faster-whisper-tiny.en", size_bytes=150_000)
    second = hub.pull("tiny.en", STT)
    assert second.fetched
    assert second.manifest.revision != first.revision
    assert (hub_folder(tmp_path / "cache", STT) / "tiny.en" / "model.bin").stat().st_size == 150_000
    assert not list((tmp_path / "cache" / "hub" / ".partial").glob(".removed-*"))


@pytest.mark.parametrize("damage", ["short", "gone", "small file changed"])
def test_a_damaged_installation_is_repaired(fake: FakeHub, tmp_path: Path, damage: str) -> None:
    hub = make_hub(fake, tmp_path)
    hub.pull("tiny.en", STT)
    home = hub_folder(tmp_path / "cache", STT) / "tiny.en"
    if damage == "short":
        (home / "model.bin").write_bytes(b"x")
    elif damage == "gone":
        (home / "model.bin").unlink()
    else:
        (home / "config.json").write_bytes(b'{"a": 2}')
    assert hub.pull("tiny.en", STT).fetched
    assert (home / "config.json").read_bytes() == b'{"a": 1}'
    assert (home / "model.bin").stat().st_size == 200_000


# Interruption


def test_an_interrupted_pull_leaves_nothing_visible_and_goes_on_later(fake: FakeHub, tmp_path: Path) -> None:
    fake.add_voice(VOICE, size_bytes=3_000_000)
    with pytest.raises(Interrupted):
        make_hub(fake, tmp_path).pull(VOICE, TTS, interrupt_after(1_000_000))  # type: ignore[arg-type]
    assert visible(tmp_path) == []
    fake.requests.clear()
    progress: list[int] = []
    make_hub(fake, tmp_path).pull(VOICE, TTS, lambda done, total: progress.append(done))
    (request,) = fake.asked(r"/cdn/.*\.onnx$")
    assert request.range is not None
    assert int(request.range.removeprefix("bytes=").removesuffix("-")) >= 1_000_000
    assert progress[0] >= 1_000_000, "the bar starts where the last pull ended"
    assert f"{VOICE}.onnx" in visible(tmp_path)


def test_a_killed_process_leaves_nothing_visible_and_the_next_goes_on(fake: FakeHub, tmp_path: Path) -> None:
    fake.add_voice(VOICE, size_bytes=3_000_000)
    program = (
        "import os, pathlib, sys\n"
        "from lunavox_edge.downloads.model_hub import ModelHub\n"
        "from lunavox_edge.types import ModelKind\n"
        "hub = ModelHub(cache_dir=pathlib.Path(sys.argv[1]), endpoint=sys.argv[2])\n"
        "die = lambda done, total: os.kill(os.getpid(), 9) if done > 1_000_000 else None\n"
        f"hub.pull('{VOICE}', ModelKind.TTS, die)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "cache"), fake.url], check=False, timeout=60
    )
    assert killed.returncode == -9
    assert visible(tmp_path) == []
    fake.requests.clear()
    make_hub(fake, tmp_path).pull(VOICE, TTS)
    (request,) = fake.asked(r"/cdn/.*\.onnx$")
    assert request.range is not None


def test_a_cut_connection_is_continued_within_one_pull(fake: FakeHub, tmp_path: Path) -> None:
    fake.faults = [Fault(r"/cdn/.*model\.bin", cut_after=120_000)]
    make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert [request.range for request in fake.asked(r"/cdn/.*model\.bin")] == [None, "bytes=120000-"]


def test_many_cuts_are_survived_as_long_as_bytes_come(fake: FakeHub, tmp_path: Path) -> None:
    fake.add_model("Systran/faster-whisper-tiny.en", size_bytes=700_000)
    fake.faults = [Fault(r"/cdn/", times=6, cut_after=100_000)]
    make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert len(fake.asked("/cdn/")) == 7


def test_a_hub_that_cannot_resume_is_asked_for_the_whole(fake: FakeHub, tmp_path: Path) -> None:
    fake.faults = [Fault(r"/cdn/", cut_after=120_000), Fault(r"/cdn/", ignore_range=True)]
    make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert (hub_folder(tmp_path / "cache", STT) / "tiny.en" / "model.bin").stat().st_size == 200_000


def test_another_range_than_asked_for_is_not_glued_on(fake: FakeHub, tmp_path: Path) -> None:
    fake.faults = [Fault(r"/cdn/", cut_after=120_000), Fault(r"/cdn/", wrong_range=True)]
    make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert [request.range for request in fake.asked("/cdn/")] == [None, "bytes=120000-", None]


def test_a_refused_range_starts_the_file_anew(fake: FakeHub, tmp_path: Path) -> None:
    fake.faults = [Fault(r"/cdn/", cut_after=120_000), Fault(r"/cdn/", status=416)]
    make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert [request.range for request in fake.asked("/cdn/")] == [None, "bytes=120000-", None]


def test_a_part_of_an_older_version_is_not_continued(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        make_hub(fake, tmp_path).pull("tiny.en", STT, interrupt_after(50_000))  # type: ignore[arg-type]
    fake.add_model("Systran/faster-whisper-tiny.en", size_bytes=210_000)
    fake.requests.clear()
    make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert {request.range for request in fake.requests} == {None}


# What the hub does wrong


@pytest.mark.parametrize("file", [r"/cdn/.*model\.bin", r"/resolve/.*/tokenizer\.json"])
def test_damaged_bytes_are_thrown_away_and_a_retry_works(fake: FakeHub, tmp_path: Path, file: str) -> None:
    fake.faults = [Fault(file, corrupt=True)]
    hub = make_hub(fake, tmp_path)
    with pytest.raises(DownloadFailed, match="arrived damaged") as caught:
        hub.pull("tiny.en", STT)
    assert not isinstance(caught.value, HubUnreachable)
    assert visible(tmp_path) == []
    assert hub.pull("tiny.en", STT).fetched


def test_the_index_of_voices_must_agree_with_the_files(fake: FakeHub, tmp_path: Path) -> None:
    index = json.loads(fake.repos[PIPER_REPO]["voices.json"])
    for facts in index[VOICE]["files"].values():
        facts["md5_digest"] = "0" * 32
    fake.set_index(index)
    with pytest.raises(DownloadFailed, match="md5 differs"):
        make_hub(fake, tmp_path).pull(VOICE, TTS)
    assert visible(tmp_path) == []


def test_errors_of_the_hub_are_retried(fake: FakeHub, tmp_path: Path) -> None:
    fake.faults = [Fault("/api/", times=2, status=500), Fault("/cdn/", times=2, status=503)]
    assert make_hub(fake, tmp_path).pull("tiny.en", STT).fetched


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_hub_that_stays_in_trouble_is_reported(fake: FakeHub, tmp_path: Path, status: int) -> None:
    fake.faults = [Fault("/", times=99, status=status)]
    with pytest.raises(HubUnreachable, match=rf"HTTP {status}.*keep working"):
        make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert len(fake.requests) == PATIENCE.attempts


def test_a_gated_model_says_what_to_do(fake: FakeHub, tmp_path: Path) -> None:
    fake.faults = [Fault("/api/", status=401, headers={"X-Error-Code": "GatedRepo"})]
    with pytest.raises(DownloadFailed, match="account"):
        make_hub(fake, tmp_path).pull("tiny.en", STT)


def test_a_file_that_is_listed_but_missing_is_reported(fake: FakeHub, tmp_path: Path) -> None:
    fake.faults = [Fault(r"/resolve/.*/tokenizer\.json", status=404)]
    with pytest.raises(DownloadFailed, match=r"tokenizer\.json"):
        make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert visible(tmp_path) == []


def test_more_bytes_than_announced_are_cut_off(fake: FakeHub, tmp_path: Path) -> None:
    data = fake.repos["Systran/faster-whisper-tiny.en"]["model.bin"]
    fake.faults = [Fault("/cdn/", body=data + b"x" * 5_000_000)]
    make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert (hub_folder(tmp_path / "cache", STT) / "tiny.en" / "model.bin").stat().st_size == 200_000


def test_fewer_bytes_than_announced_are_not_installed(fake: FakeHub, tmp_path: Path) -> None:
    fake.faults = [Fault("/cdn/", times=99, body=b"short", ignore_range=True)]
    with pytest.raises(HubUnreachable, match="less than it announced"):
        make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert visible(tmp_path) == []


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Log in to the WiFi</html>",
        b"",
        b"[]",
        b"null",
        b'{"sha": "../../x"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_server_that_is_no_hub_is_reported(fake: FakeHub, tmp_path: Path, body: bytes) -> None:
    fake.faults = [Fault("/", times=99, body=body)]
    with pytest.raises(DownloadFailed, match=r"hub_endpoint"):
        make_hub(fake, tmp_path).pull("tiny.en", STT)


def test_an_endless_answer_is_stopped(fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunavox_edge.downloads.download.MAX_JSON_BYTES", 1000)
    fake.faults = [Fault("/", body=b" " * 1_000_000)]
    with pytest.raises(DownloadFailed, match="far more than expected"):
        make_hub(fake, tmp_path).pull("tiny.en", STT)


def test_a_redirect_never_leads_to_a_local_file(fake: FakeHub, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("{}")
    fake.faults = [Fault("/", times=99, status=302, headers={"Location": secret.as_uri()})]
    with pytest.raises(LunavoxError):
        make_hub(fake, tmp_path).pull("tiny.en", STT)


ODD_VOICE = {
    "language": {"code": "en_US"},
    "files": {"../../../tmp/evil.onnx": {"size_bytes": 1, "md5_digest": "0" * 32}},
}

HIDDEN_VOICE = {
    "language": {"code": "en_US"},
    "files": {
        f"en/{name}": {"size_bytes": 1, "md5_digest": "0" * 32} for name in (".evil.onnx", ".evil.onnx.json")
    },
}


@pytest.mark.parametrize(
    ("name", "voice"),
    [
        ("../evil", ODD_VOICE),
        (".evil", HIDDEN_VOICE),
        ("evil", ODD_VOICE),
        (
            "evil",
            {
                "language": {"code": "en_US"},
                "files": {"/etc/evil.onnx": {"size_bytes": 1, "md5_digest": "0" * 32}},
            },
        ),
        (
            "evil",
            {
                "language": {"code": "en_US"},
                "files": {"e/evil.onnx": {"size_bytes": -1, "md5_digest": "0" * 32}},
            },
        ),
        (
            "evil",
            {"language": {"code": "en_US"}, "files": {"e/evil.onnx": {"size_bytes": "1", "md5_digest": 5}}},
        ),
        ("evil", {"language": None, "files": []}),
        ("evil", None),
        ("evil", 7),
        ("evil", {"language": {"code": "en_US"}, "files": {}}),
    ],
)
def test_odd_voices_in_the_index_are_left_out(
    fake: FakeHub, tmp_path: Path, name: str, voice: object
) -> None:
    index = json.loads(fake.repos[PIPER_REPO]["voices.json"])
    fake.set_index(index | {name: voice})
    hub = make_hub(fake, tmp_path)
    assert name not in [found.name for found in hub.voices()]
    with pytest.raises(UnknownVoice):
        hub.pull(name, TTS)
    assert hub.pull(VOICE, TTS).fetched


@pytest.mark.parametrize("index", [[], "voices", 5])
def test_an_index_of_another_kind_is_reported(fake: FakeHub, tmp_path: Path, index: object) -> None:
    fake.set_index(index)
    with pytest.raises(DownloadFailed, match="not in the format"):
        make_hub(fake, tmp_path).voices()


def test_odd_files_in_a_repository_are_left_out(fake: FakeHub, tmp_path: Path) -> None:
    fake.add_model(
        "Systran/faster-whisper-tiny.en",
        more={"../../evil.bin": b"x", ".gitattributes": b"y", "a/model.bin": b"z"},
    )
    make_hub(fake, tmp_path).pull("tiny.en", STT)
    assert [name for name in visible(tmp_path) if "evil" in name or "git" in name] == []


def test_a_repository_of_another_kind_is_refused(fake: FakeHub, tmp_path: Path) -> None:
    fake.repos["someone/llama"] = {"model.safetensors": b"x", "config.json": b"{}"}
    with pytest.raises(DownloadFailed, match="no Whisper model"):
        make_hub(fake, tmp_path).pull("someone/llama", STT)


# No way to the hub


def test_offline_is_said_quickly(tmp_path: Path) -> None:
    port = free_port()
    slept_s: list[float] = []
    hub = ModelHub(cache_dir=tmp_path, endpoint=f"http://127.0.0.1:{port}", sleep=slept_s.append)
    with pytest.raises(HubUnreachable, match=rf"hub at 127\.0\.0\.1:{port} cannot be reached.*keep working"):
        hub.pull(VOICE, TTS)
    assert sum(slept_s) < 5


def test_a_name_that_does_not_resolve_is_offline(tmp_path: Path) -> None:
    hub = ModelHub(cache_dir=tmp_path, endpoint="http://hub.invalid", sleep=lambda seconds: None)
    with pytest.raises(HubUnreachable):
        hub.voices()


def test_a_hub_that_does_not_answer_is_given_up(fake: FakeHub, tmp_path: Path) -> None:
    fake.faults = [Fault("/", times=99, hang=True)]
    with pytest.raises(HubUnreachable):
        make_hub(fake, tmp_path, patience=Patience(answer_s=0.2, attempts=2)).pull(VOICE, TTS)
    assert len(fake.requests) == 2


def test_a_transfer_that_only_drips_is_given_up(fake: FakeHub, tmp_path: Path) -> None:
    patience = Patience(answer_s=5, attempts=2, stall_s=0.0, stall_bytes=1 << 30)
    with pytest.raises(HubUnreachable, match="too slowly"):
        make_hub(fake, tmp_path, patience=patience).pull("tiny.en", STT)


@pytest.mark.parametrize(
    "endpoint", ["", "huggingface.co", "file:///etc", "http://", "https://[::1", "ftp://x"]
)
def test_an_endpoint_that_is_no_web_address_is_refused(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(DownloadFailed, match="hub_endpoint"):
        ModelHub(cache_dir=tmp_path, endpoint=endpoint).voices()


# The disk


def test_a_full_disk_is_noticed_before_the_transfer(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"too full for 'tiny\.en': it needs \d+ MB and 67 MB are free"):
        make_hub(fake, tmp_path, free_bytes=RESERVE_BYTES + 100).pull("tiny.en", STT)
    assert fake.asked("/cdn/") == []


def test_a_disk_that_fills_up_meanwhile_is_said(fake: FakeHub, tmp_path: Path) -> None:
    def full(done: int, total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(DownloadFailed, match="disk became full"):
        make_hub(fake, tmp_path).pull("tiny.en", STT, full)
    assert visible(tmp_path) == []


def test_a_cache_folder_that_is_a_file_is_said(fake: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(DownloadFailed, match="cache_dir"):
        make_hub(fake, tmp_path).pull("tiny.en", STT)


# Names


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "/etc/passwd", "a/../b", "a\0b", "a/b/c", "x" * 10_000, ".."]
)
def test_odd_names_are_unknown_without_asking_the_hub(fake: FakeHub, tmp_path: Path, name: str) -> None:
    hub = make_hub(fake, tmp_path)
    with pytest.raises(UnknownVoice):
        hub.pull(name, TTS)
    with pytest.raises(UnknownModel):
        hub.pull(name, STT)
    with pytest.raises(UnknownVoice):
        hub.remove(name, TTS)
    assert fake.requests == []
    assert not (tmp_path / "cache").exists()


def test_an_unknown_voice_is_answered_with_close_ones(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(UnknownVoice, match="Did you mean 'en_US-joe-medium'"):
        make_hub(fake, tmp_path).pull("en_US-jo-medium", TTS)


def test_an_ambiguous_short_name_asks_which(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(UnknownVoice, match="say which: en_US-lessac-high, en_US-lessac-low"):
        make_hub(fake, tmp_path).pull("lessac", TTS)


def test_an_unknown_model_is_answered_with_close_ones(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match=r"Did you mean .*'small'"):
        make_hub(fake, tmp_path).pull("smal", STT)


def test_a_model_that_this_hub_lacks_is_not_suggested_again(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel) as caught:
        make_hub(fake, tmp_path).pull("base", STT)
    assert "Did you mean 'base'" not in str(caught.value)


def test_a_repository_that_does_not_exist_is_unknown(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="someone/nothing"):
        make_hub(fake, tmp_path).pull("someone/nothing", STT)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("base", STT),
        ("turbo", STT),
        ("owner/repo", STT),
        ("joe", TTS),
        ("en_US-joe-medium", TTS),
        ("../x", TTS),
    ],
)
def test_the_kind_follows_from_the_name(name: str, kind: ModelKind) -> None:
    assert kind_of(name) is kind


# Several at once


def test_a_second_pull_of_the_same_thing_is_told_to_wait(fake: FakeHub, tmp_path: Path) -> None:
    first_is_in, second_is_done = threading.Event(), threading.Event()

    def pause(done: int, total: int) -> None:
        first_is_in.set()
        assert second_is_done.wait(timeout=20)

    first = threading.Thread(target=lambda: make_hub(fake, tmp_path).pull("tiny.en", STT, pause))
    first.start()
    assert first_is_in.wait(timeout=20)
    try:
        with pytest.raises(Busy, match="another process") as caught:
            make_hub(fake, tmp_path).pull("tiny.en", STT)
        assert caught.value.retry_after_s > 0
        assert make_hub(fake, tmp_path).pull(VOICE, TTS).fetched, "other things are not held up"
    finally:
        second_is_done.set()
        first.join(timeout=20)
    assert not make_hub(fake, tmp_path).pull("tiny.en", STT).fetched


# Removing


def test_removing_takes_everything_away_and_can_be_undone(fake: FakeHub, tmp_path: Path) -> None:
    hub = make_hub(fake, tmp_path)
    hub.pull(VOICE, TTS)
    removed = hub.remove("EN_us-joe-medium", TTS)
    assert removed.name == VOICE
    assert visible(tmp_path) == []
    assert hub.installed(TTS) == ()
    assert hub.pull(removed.name, TTS).fetched


def test_what_a_killed_removal_left_is_cleared_by_a_later_pull(fake: FakeHub, tmp_path: Path) -> None:
    partial = tmp_path / "cache" / "hub" / ".partial"
    old, young = partial / ".removed-old", partial / ".removed-young"
    for grave in (old, young):
        grave.mkdir(parents=True)
        (grave / "model.bin").write_bytes(b"x")
    os.utime(old, (time.time() - 7200,) * 2)
    make_hub(fake, tmp_path).pull(VOICE, TTS)
    assert sorted(path.name for path in partial.iterdir() if path.is_dir()) == [".removed-young", "tts"]
    assert list((partial / "tts").iterdir()) == []


def test_removing_what_is_not_there_is_refused(fake: FakeHub, tmp_path: Path) -> None:
    hub = make_hub(fake, tmp_path)
    hub.pull(VOICE, TTS)
    with pytest.raises(UnknownVoice, match="Did you mean"):
        hub.remove("en_US-jo-medium", TTS)
    assert f"{VOICE}.onnx" in visible(tmp_path)


def test_a_manifest_cannot_point_removal_elsewhere(fake: FakeHub, tmp_path: Path) -> None:
    hub = make_hub(fake, tmp_path)
    hub.pull(VOICE, TTS)
    precious = tmp_path / "precious"
    precious.mkdir()
    manifest = hub_folder(tmp_path / "cache", TTS) / VOICE / MANIFEST_NAME
    manifest.write_text(
        manifest.read_text().replace(f'"name": "{VOICE}",', '"name": "../../../precious",', 1)
    )
    with pytest.raises(UnknownVoice):
        hub.remove("../../../precious", TTS)
    assert precious.exists()


def test_the_free_space_that_counts_is_that_of_the_cache(fake: FakeHub, tmp_path: Path) -> None:
    asked: list[Path] = []

    def free_bytes(folder: Path) -> int:
        asked.append(folder)
        return shutil.disk_usage(folder).free

    ModelHub(cache_dir=tmp_path / "cache", endpoint=fake.url, free_bytes=free_bytes).pull("tiny.en", STT)
    assert asked
    assert all((tmp_path / "cache") in folder.parents for folder in asked)
