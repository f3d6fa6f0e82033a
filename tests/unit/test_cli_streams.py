"""Standard streams that are closed, full or left by whoever was at the other end."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from lunavox_edge.cli import streams
from lunavox_edge.errors import LunavoxError

pytestmark = pytest.mark.unit

SAY_TWICE = "from lunavox_edge.cli import streams\nstreams.say('one')\nstreams.say('two')\n"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line with `$PY` for this interpreter."""
    return subprocess.run(
        ["/bin/bash", "-c", line.replace("$PY", sys.executable)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("output", ["> /dev/full", ">&-", "| true"])
def test_who_says_something_to_nobody_goes_on(output: str) -> None:
    done = shell(
        f'set -o pipefail; $PY -c "{SAY_TWICE}import time; time.sleep(0.1); streams.say(3)" {output}'
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_one_line_and_a_status() -> None:
    done = shell("$PY -m lunavox_edge --version > /dev/full; $PY -m lunavox_edge check-config > /dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("No space left on device")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [("say - -o x.wav --uri tcp://127.0.0.1:1", "No service"), ("transcribe - --local", "not a recording")],
)
def test_no_standard_input_is_an_empty_one(command: str, sentence: str) -> None:
    done = shell(f"$PY -m lunavox_edge {command} <&-")
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Gr\xc3\xbcn.\n", "Gr\u00fcn.\n"),
        (b"\xef\xbb\xbfGr\xc3\xbcn.", "Gr\u00fcn."),
        ("Gr\u00fcn.".encode("utf-16"), "Gr\u00fcn."),
        (b"\xfe\xff\x00G", "G"),
        (b"Caf\xe9 is open.", "Caf\ufffd is open."),
        (b"", ""),
    ],
)
def test_text_of_any_encoding_is_read(monkeypatch: pytest.MonkeyPatch, raw: bytes, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="ascii"))
    assert streams.read_text() == text


@pytest.mark.parametrize(
    "raw", [b"\x7fELF\x02\x01\x01\0\0\0", bytes(range(128, 256)), b"\xff\xfe\0\0a\0\0\0", b"Hello.\0"]
)
def test_what_is_no_text_is_refused(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="ascii"))
    with pytest.raises(LunavoxError, match="not text"):
        streams.read_text()


def test_the_end_waits_for_nobody() -> None:
    done = shell(
        '$PY -c "import threading, time; from lunavox_edge.cli import streams\n'
        "threading.Thread(target=time.sleep, args=(60,)).start(); print('printed'); streams.end(7)\""
    )
    assert (done.returncode, done.stdout) == (7, "printed\n")


def test_a_service_without_standard_error_starts() -> None:
    done = shell("$PY -m lunavox_edge run --uri unix:///no/such/folder/x.sock 2>&-")
    assert "LunaVox Edge" in done.stdout


def test_doctor_without_standard_output_comes_to_its_end() -> None:
    done = shell(
        '$PY -c "import sys; from lunavox_edge.checks import doctor; from lunavox_edge.cli import main\n'
        "doctor.examine = lambda *_: iter(()); sys.exit(main(['doctor']))\" >&-"
    )
    assert (done.returncode, done.stderr) == (0, "")
