from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lunavox_edge.bench import home_assistant, processes, texts
from lunavox_edge.bench.home_assistant import end_s
from lunavox_edge.bench.quota import CpuQuota
from lunavox_edge.bench.recordings import COMMANDS, Recording, from_folder, from_speech, of_kinds
from lunavox_edge.errors import SettingsError

pytestmark = pytest.mark.unit


def said(*parts: tuple[float, float]) -> list[float]:
    """Probabilities for pieces of (seconds, probability)."""
    return [probability for seconds, probability in parts for _ in range(round(seconds * 100))]


@pytest.mark.parametrize(
    ("sensitivity", "parts", "expected_s"),
    [
        ("default", [(0.5, 0.0), (2.0, 0.9), (5.0, 0.0)], 3.2),
        ("relaxed", [(0.5, 0.0), (2.0, 0.9), (5.0, 0.0)], 3.75),
        ("aggressive", [(0.5, 0.0), (2.0, 0.9), (5.0, 0.0)], 2.75),
        # A command lasts a second at least, counted with its first 0.3 s.
        ("aggressive", [(0.4, 0.9), (5.0, 0.0)], 1.0),
        # A pause shorter than the silence does not end it, and a second of speech forgets it.
        ("default", [(1.0, 0.9), (0.6, 0.0), (1.0, 0.9), (5.0, 0.0)], 3.3),
        # A blip of speech does not: 0.6 s of silence before it count with the 0.1 s after it.
        ("default", [(1.0, 0.9), (0.6, 0.0), (0.5, 0.9), (5.0, 0.0)], 2.2),
        # Inside a command 0.4 is silence, before it is speech.
        ("default", [(0.3, 0.4), (1.0, 0.4), (5.0, 0.0)], 1.0),
        # Less than 0.3 s of speech is no command, and is forgotten after a second.
        ("default", [(0.2, 0.9), (1.0, 0.0), (0.2, 0.9), (20.0, 0.0)], 15.0),
        ("default", [(0.2, 0.9), (0.5, 0.0), (0.2, 0.9), (20.0, 0.0)], 1.6),
        ("default", [(20.0, 0.9)], 15.0),
        ("default", [(1.0, 0.9)], 1.0),
    ],
)
def test_home_assistant_ends_a_command(
    sensitivity: str, parts: list[tuple[float, float]], expected_s: float
) -> None:
    assert end_s(said(*parts), sensitivity) == pytest.approx(expected_s, abs=0.011)


def test_micro_vad_hears_no_speech_in_silence() -> None:
    if not home_assistant.available():
        pytest.skip("pymicro-vad is not installed (extra bench)")
    probabilities = home_assistant.speech_probabilities(bytes(320 * 100 + 7))
    assert len(probabilities) == 100
    assert max(probabilities) < 0.2


def tone(seconds: float, rate_hz: int = 16_000) -> bytes:
    wave = 8000 * np.sin(np.arange(round(seconds * rate_hz)) / 5)
    return wave.astype("<i2").tobytes()


def folder(path: Path, *rows: str) -> Path:
    from lunavox_edge.audio.wav import write_wav

    write_wav(path / "a.wav", tone(1.0, 8000), 8000)
    lines = ["file\tseconds\tkind\ttext", *rows]
    (path / "MANIFEST.tsv").write_text("\n".join(lines), encoding="utf-8")
    return path


def test_recordings_are_read_at_one_rate(tmp_path: Path) -> None:
    rows = ["a.wav\t1\tcommand\tgo on", "a.wav\t1\tcoffee\tSLOTS:{}", "missing.wav\t1\tsynthetic-ja\tx"]
    first, second = from_folder(folder(tmp_path, *rows))
    assert (first.said, first.kind, len(first.samples)) == ("go on", "command", 16_000)
    assert second.said == ""
    assert [item.name for item in of_kinds([second, first], COMMANDS)] == ["a.wav", "a.wav"]


@pytest.mark.parametrize("rows", [["gone.wav\t1\tcommand\tx"], []])
def test_a_folder_that_is_none_says_so(tmp_path: Path, rows: list[str]) -> None:
    with pytest.raises(SettingsError, match=r"MANIFEST\.tsv"):
        from_folder(folder(tmp_path, *rows))


def test_a_room_has_the_noise_of_its_recording() -> None:
    rng = np.random.default_rng(0)
    noisy = Recording("x", "command", rng.normal(0, 0.02, 16_000).astype(np.float32))
    room = np.frombuffer(noisy.room, "<i2") / 32768
    assert len(room) == 16_000 * 5.3
    assert np.std(room[:4000]) == pytest.approx(0.02, rel=0.2)
    assert np.std(room[-16_000:]) == pytest.approx(0.02, rel=0.2)
    assert noisy.room == Recording("x", "command", noisy.samples).room


def test_spoken_sentences_become_recordings() -> None:
    recording = from_speech("hello", tone(1.0, 22_050), 22_050)
    assert len(recording.samples) == pytest.approx(16_000, abs=2)
    assert recording.said == "hello"


def test_texts_of_one_shape_differ() -> None:
    for make in (texts.short, texts.nine_seconds, texts.reply):
        assert len({make(number) for number in range(500)}) > 400
    assert "".join(texts.tokens(texts.reply(3))) == texts.reply(3)
    long = texts.without_punctuation(3)
    assert len(long) == texts.LONG_TEXT_CHARS
    assert not set(long) - set("abcdefghijklmnopqrstuvwxyz ")


def process(proc: Path, pid: int, parent: int, ticks: int) -> None:
    (proc / str(pid) / "fd").mkdir(parents=True)
    fields = ["S", str(parent), *["0"] * 9, str(ticks), "0", "0", "0", *["0"] * 30]
    (proc / str(pid) / "stat").write_text(f"{pid} (a) b) {' '.join(fields)}", encoding="ascii")
    (proc / str(pid) / "statm").write_text("99 10 0", encoding="ascii")
    (proc / str(pid) / "status").write_text("VmHWM:\t 2048 kB\n", encoding="ascii")


def test_a_process_counts_with_all_below_it(tmp_path: Path) -> None:
    for pid, parent, ticks in ((10, 1, 100), (11, 10, 200), (12, 11, 300), (20, 1, 5000)):
        process(tmp_path, pid, parent, ticks)
    pids = processes.tree(10, tmp_path)
    assert sorted(pids) == [10, 11, 12]
    assert processes.cpu_s(pids, tmp_path) == pytest.approx(6.0)
    assert processes.rss_bytes(pids, tmp_path) == 30 * 4096
    assert processes.peak_rss_bytes(pids, tmp_path) == 3 * 2048 * 1024
    assert processes.cpu_s([99], tmp_path) == 0


def test_who_listens_is_found_by_port(tmp_path: Path) -> None:
    process(tmp_path, 10, 1, 0)
    (tmp_path / "10/fd/3").symlink_to("socket:[777]")
    (tmp_path / "net").mkdir()
    line = "   0: 0100007F:283C 00000000:0000 {} 00000000:00000000 00:00000000 00000000 0 0 777 1"
    (tmp_path / "net/tcp").write_text(f"header\n{line.format('0A')}\n", encoding="ascii")
    assert processes.listener(0x283C, tmp_path) == 10
    assert processes.listener(80, tmp_path) is None
    (tmp_path / "net/tcp").write_text(f"header\n{line.format('01')}\n", encoding="ascii")
    assert processes.listener(0x283C, tmp_path) is None


@pytest.mark.parametrize("version", [1, 2])
def test_a_quota_is_written_where_there_is_a_place(
    tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.write_text("4:cpu,cpuacct:/box\n" if version == 1 else "0::/box\n", encoding="ascii")
    mount = tmp_path / "mount"
    parent = mount / ("cpu,cpuacct/box" if version == 1 else "box")
    parent.mkdir(parents=True)
    names = ["cpu.cfs_quota_us", "cpu.cfs_period_us"] if version == 1 else ["cpu.max"]
    make = Path.mkdir

    def mkdir(path: Path) -> None:
        """Make a folder as the kernel does: with its files."""
        make(path)
        for name in names:
            (path / name).write_text("", encoding="ascii")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    quota = CpuQuota.create("x", mount=mount, own=own)
    assert quota is not None
    quota.add(5)
    written = {file.name: file.read_text(encoding="ascii") for file in (parent / "x").iterdir()}
    assert written.pop("cgroup.procs") == "5"
    assert written in (
        {"cpu.cfs_quota_us": "6000", "cpu.cfs_period_us": "20000"},
        {"cpu.max": "6000 20000"},
    )


def test_without_a_place_there_is_no_quota(tmp_path: Path) -> None:
    assert CpuQuota.create("x", mount=tmp_path, own=tmp_path / "missing") is None
    (tmp_path / "own").write_text("0::/\n", encoding="ascii")
    assert CpuQuota.create("x", mount=tmp_path, own=tmp_path / "own") is None
    assert not (tmp_path / "x").exists()
