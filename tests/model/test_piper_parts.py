"""Piper voices in parts: the pieces equal the whole, and the files are written once."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lunavox_edge.backends.base import LoadOptions, Samples, SpeakRequest
from lunavox_edge.backends.ort import open_session
from lunavox_edge.backends.tts import piper_parts, piper_sound
from lunavox_edge.backends.tts.piper import PiperBackend, PiperModel
from lunavox_edge.backends.tts.piper_cut import FLOW, TEXT, VOCODER
from lunavox_edge.backends.tts.piper_sound import ChunkedSound, SentenceFrames
from lunavox_edge.checks.checkup import Severity
from lunavox_edge.checks.doctor import examine
from lunavox_edge.host.system import rss_bytes
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry
from tests.fakes import onnx_checker
from tests.fakes.tiny_onnx import write_voice
from tests.fakes.tiny_vits import FRAMES_PER_ID, vits

pytestmark = pytest.mark.model

STILL = SpeakRequest(noise_scale=0.0, noise_w=0.0)
LIVELY = SpeakRequest(noise_scale=0.7)
SENTENCE = "It will be cloudy in the morning with a few showers near the coast, then sunny and dry."
# Strides as in the qualities medium, high and x_low, and two that nobody uses.
STRIDES = [(8, 8, 4), (8, 8, 2, 2), (4, 2), (5, 3, 2)]
CHUNKS = [(1,), (7,), (12, 24, 48, 64), (1000,)]


def snr_db(wanted: Samples, found: Samples) -> float:
    assert wanted.shape == found.shape
    error = float(np.square(wanted.astype(np.float64) - found).sum())
    return (
        float("inf")
        if error == 0
        else 10 * np.log10(float(np.square(wanted, dtype=np.float64).sum()) / error)
    )


def entry_in(folder: Path) -> ModelEntry:
    (found,) = PiperBackend.discover(folder)
    assert isinstance(found, ModelEntry), found
    return found


def load(folder: Path, cache_dir: Path | None = None) -> PiperModel:
    return PiperBackend().load(entry_in(folder), LoadOptions(cache_dir=cache_dir))


def chunked(model: PiperModel) -> ChunkedSound:
    assert isinstance(model._sound, ChunkedSound), model.note
    return model._sound


def said(model: PiperModel, text: str, request: SpeakRequest = STILL) -> Samples:
    return np.concatenate(list(model.speak(text, request)))


def whole(path: Path, model: PiperModel, text: str, speaker: str | None = None) -> Samples:
    """Return the audio of a text of one sentence from the uncut voice."""
    (sentence,) = model._phonemes(text)
    feeds = model._feeds(model._voice.phonemes_to_ids(sentence), STILL, model._speaker_id(speaker))
    return np.asarray(open_session(path).run(None, feeds)[0]).reshape(-1)


def use_sizes(monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], flow_frames: int = 400) -> None:
    monkeypatch.setattr(piper_sound, "EAGER_FRAMES", sizes)
    monkeypatch.setattr(piper_sound, "CALM_FRAMES", sizes)
    monkeypatch.setattr(piper_sound, "FLOW_FRAMES", flow_frames)


def finished(sound: ChunkedSound, model: PiperModel, request: SpeakRequest) -> SentenceFrames:
    """Return a sentence with all of its frames computed."""
    (sentence,) = model._phonemes(SENTENCE)
    line = sound.line(model._feeds(model._voice.phonemes_to_ids(sentence), request, None))
    sound.make_frames(line, line.count)
    return line


def cuts(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"{piper_parts.FOLDER}/*") if path.is_dir())


@pytest.fixture(scope="module")
def joe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, PiperModel]]:
    cache_dir = tmp_path_factory.mktemp("cache")
    missing = PiperBackend.missing()
    found = [] if missing else PiperBackend.packaged(cache_dir)
    if not found or not isinstance(found[0], ModelEntry):
        pytest.skip(missing or "the package with en_US-joe-medium is not installed")
    model = PiperBackend().load(found[0], LoadOptions(cache_dir=cache_dir))
    yield found[0].path, model
    model.close()


@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize(
    ("sizes", "flow_frames"), [((5,), 20), ((20,), 400), ((12, 24, 48, 64), 100), ((160,), 1000)]
)
def test_a_real_voice_in_pieces_is_the_whole(
    joe: tuple[Path, PiperModel],
    sizes: tuple[int, ...],
    flow_frames: int,
    monkeypatch: pytest.MonkeyPatch,
    *,
    eager: bool,
) -> None:
    path, model = joe
    use_sizes(monkeypatch, sizes, flow_frames)
    pieces = list(model.pieces(SENTENCE, STILL, eager=eager))
    # Those that come later may be made first.
    made = [piece.make() for piece in reversed(pieces)][::-1]
    assert snr_db(whole(path, model, SENTENCE), np.concatenate(made)) > 100
    assert [len(sound) for sound in made] == [round(piece.seconds * model.rate_hz) for piece in pieces]


def test_a_real_voice_has_three_parts_and_a_flow_that_looks_at_a_third_of_a_second(
    joe: tuple[Path, PiperModel],
) -> None:
    sound = chunked(joe[1])
    assert sound._flow is not None
    assert sound._flow_context == 32


@pytest.mark.parametrize("text", ["Yes.", "The light is on.", SENTENCE])
def test_the_pieces_for_a_calm_listener_are_the_same_sound(joe: tuple[Path, PiperModel], text: str) -> None:
    path, model = joe
    for eager in (True, False):
        made = [piece.make() for piece in model.pieces(text, STILL, eager=eager)]
        assert snr_db(whole(path, model, text), np.concatenate(made)) > 100


def test_all_that_is_random_is_in_the_text_part(joe: tuple[Path, PiperModel]) -> None:
    model = joe[1]
    sound = chunked(model)
    line = finished(sound, model, LIVELY)
    again = replace(line, frames=None, made=0)
    for stop in (40, 100, line.count):
        sound.make_frames(again, stop)
    pieces = [sound.piece(again, *edges) for edges in piper_sound.chunks(line.count, (20, 40))]
    assert len(pieces) > 4
    assert snr_db(sound.piece(line, 0, line.count), np.concatenate(pieces)) > 100


def test_a_piece_is_small_and_the_first_the_smallest(joe: tuple[Path, PiperModel]) -> None:
    lengths = [len(piece) for piece in joe[1].speak(SENTENCE, STILL)]
    assert lengths[:4] == [size * 256 for size in (12, 24, 48, 64)]
    assert max(lengths) < 116 * 256


def test_the_first_piece_waits_for_no_frame_that_it_does_not_need(
    joe: tuple[Path, PiperModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = joe[1]
    sound = chunked(model)
    count = finished(sound, model, STILL).count
    needed = piper_sound.EAGER_FRAMES[0] + sound._layout.stages[0].context
    least = piper_sound.FLOW_LEAST_FRAMES - sound._flow_context
    make, stops = sound.make_frames, list[int]()

    def noting(line: SentenceFrames, stop: int) -> None:
        stops.append(stop)
        make(line, stop)

    monkeypatch.setattr(sound, "make_frames", noting)
    next(model.pieces(SENTENCE, STILL, eager=True))
    next(model.pieces(SENTENCE, STILL, eager=False))
    assert stops == [max(needed, least), -(-count // max(1, round(count / piper_sound.FLOW_FRAMES)))]


def test_memory_does_not_grow_with_the_text(joe: tuple[Path, PiperModel]) -> None:
    model = joe[1]
    sound = chunked(model)
    short = finished(sound, model, STILL)
    latents = {name: np.tile(latent, 10) for name, latent in short.latents.items()}
    peaks = []
    for start in (short, replace(short, count=10 * short.count, latents=latents)):
        line, peak = replace(start, frames=None, made=0), 0
        stops = list(piper_sound.flow_stops(line.count, [], sound._flow_context))
        for stop in stops:
            sound.make_frames(line, stop)
            peak = max(peak, rss_bytes())
        for edges in piper_sound.chunks(line.count, piper_sound.CALM_FRAMES):
            sound.piece(line, *edges)
            peak = max(peak, rss_bytes())
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 16_000_000


@pytest.mark.parametrize("flow", [True, False])
@pytest.mark.parametrize("sizes", CHUNKS)
@pytest.mark.parametrize("strides", STRIDES)
@pytest.mark.parametrize("speakers", [(), ("alto", "bass")])
def test_any_voice_in_pieces_is_the_whole(
    tmp_path: Path,
    strides: tuple[int, ...],
    speakers: tuple[str, ...],
    sizes: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
    *,
    flow: bool,
) -> None:
    content = vits(strides, speakers=len(speakers), flow=flow)
    path = write_voice(tmp_path, "small", speakers=speakers, content=content)
    model = load(tmp_path)
    assert (chunked(model)._flow is not None) == flow
    use_sizes(monkeypatch, sizes, max(sizes))
    text = "the quick brown fox jumps over the lazy dog"
    found = []
    for speaker in speakers or (None,):
        found.append(said(model, text, replace(STILL, speaker=speaker)))
        assert snr_db(whole(path, model, text, speaker), found[-1]) > 100
        assert len(found[-1]) == (2 * len(text) + 3) * FRAMES_PER_ID * int(np.prod(strides))
    assert len(found) < 2 or snr_db(found[0], found[1]) < 50


@pytest.mark.parametrize("speakers", [(), ("alto", "bass")])
def test_a_flow_that_looks_everywhere_stays_in_the_text_part(
    tmp_path: Path, speakers: tuple[str, ...]
) -> None:
    content = vits((4, 2), speakers=len(speakers), flow_looks_everywhere=True)
    path = write_voice(tmp_path, "small", speakers=speakers, content=content)
    model = load(tmp_path)
    assert chunked(model)._flow is None
    (folder,) = cuts(tmp_path)
    assert not (folder / FLOW).exists()
    assert snr_db(whole(path, model, "abc"), said(model, "abc")) > 100
    made = [file.stat().st_mtime_ns for file in sorted(folder.iterdir())]
    chunked(load(tmp_path))
    assert [file.stat().st_mtime_ns for file in sorted(folder.iterdir())] == made


@pytest.mark.parametrize("count", [1, 2, 13, 19, 20, 21, 59, 60, 61])
def test_any_length_in_pieces_of_any_size_is_the_whole(tmp_path: Path, count: int) -> None:
    write_voice(tmp_path, "small", content=vits((5, 3, 2)))
    sound = chunked(load(tmp_path))
    values = np.random.default_rng(count).normal(0, 1, (1, 4, count)).astype(np.float32)
    frames = SentenceFrames(count, {}, {}, values, count)
    wanted = sound.piece(frames, 0, count)
    assert len(wanted) == count * 30
    for size in range(1, count + 1):
        pieces = [sound.piece(frames, at, min(count, at + size)) for at in range(0, count, size)]
        assert snr_db(wanted, np.concatenate(pieces)) > 100
    grown = [sound.piece(frames, *edges) for edges in piper_sound.chunks(count, piper_sound.EAGER_FRAMES)]
    assert snr_db(wanted, np.concatenate(grown)) > 100


def test_the_noise_reaches_the_text_part(tmp_path: Path) -> None:
    write_voice(tmp_path, "small", content=vits((4, 2)))
    model = load(tmp_path)
    assert snr_db(said(model, "abc"), said(model, "abc")) > 100
    assert snr_db(said(model, "abc", LIVELY), said(model, "abc", LIVELY)) < 60


def test_the_parts_are_made_once_beside_the_voice_and_are_no_voices(tmp_path: Path) -> None:
    write_voice(tmp_path, "small", content=vits((4, 2), flow=True))
    load(tmp_path, tmp_path / "cache")
    (folder,) = cuts(tmp_path)
    made = [path.stat().st_mtime_ns for path in sorted(folder.iterdir())]
    assert len(made) == 4
    load(tmp_path, tmp_path / "cache")
    assert cuts(tmp_path) == [folder]
    assert [path.stat().st_mtime_ns for path in sorted(folder.iterdir())] == made
    assert not (tmp_path / "cache").exists()


def test_a_voice_that_changed_is_cut_anew(tmp_path: Path) -> None:
    path = write_voice(tmp_path, "small", content=vits((4, 2)))
    write_voice(tmp_path / "elsewhere", "small-er", content=vits((4, 2)))
    other = load(tmp_path / "elsewhere")
    other.close()
    (tmp_path / "elsewhere" / piper_parts.FOLDER).rename(tmp_path / piper_parts.FOLDER)
    (neighbour,) = cuts(tmp_path)
    for file in (tmp_path / "elsewhere").iterdir():
        file.unlink()
    before = said(load(tmp_path), "abc")
    old = [folder for folder in cuts(tmp_path) if folder != neighbour]
    status = path.stat()
    # The same size and times: only the content tells.
    path.write_bytes(vits((4, 2), seed=2))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    model = load(tmp_path)
    assert snr_db(before, said(model, "abc")) < 20
    assert snr_db(whole(path, model, "abc"), said(model, "abc")) > 100
    new = [folder for folder in cuts(tmp_path) if folder != neighbour]
    assert len(new) == len(old) == 1
    assert new != old
    assert neighbour in cuts(tmp_path)


def test_a_folder_that_cannot_be_written_leaves_the_cache(tmp_path: Path) -> None:
    # Not by its rights, which do not bind root.
    cache_dir = tmp_path / "cache"
    for name in ("one", "two"):
        write_voice(tmp_path / name, "small", content=vits((4, 2), seed=len(name)))
        (tmp_path / name / piper_parts.FOLDER).write_bytes(b"")
        chunked(load(tmp_path / name, cache_dir))
    assert len(list(cache_dir.glob("parts/*/*/vocoder.onnx"))) == 2


def test_nowhere_to_keep_the_parts(tmp_path: Path) -> None:
    write_voice(tmp_path, "small", content=vits((4, 2)))
    (tmp_path / piper_parts.FOLDER).write_bytes(b"")
    model = load(tmp_path)
    assert model.note.startswith("whole segments, because its parts cannot be kept in .lunavox-edge (")
    assert len(list(model.speak("a" * 90, STILL))) == 1


@pytest.mark.parametrize("name", [TEXT, FLOW, VOCODER])
@pytest.mark.parametrize("damage", ["empty", "junk", "short", "one bit", "gone"])
def test_damaged_parts_are_made_again(tmp_path: Path, name: str, damage: str) -> None:
    path = write_voice(tmp_path, "small", content=vits((4, 2), flow=True))
    load(tmp_path)
    (folder,) = cuts(tmp_path)
    part = folder / name
    good = part.read_bytes()
    flipped = len(good) // 2
    content = {
        "empty": b"",
        "junk": b"junk",
        "short": good[:-100],
        "one bit": good[:flipped] + bytes([good[flipped] ^ 0x40]) + good[flipped + 1 :],
    }
    if damage == "gone":
        part.unlink()
    else:
        part.write_bytes(content[damage])
    model = load(tmp_path)
    chunked(model)
    assert part.read_bytes() == good
    assert snr_db(whole(path, model, "abc"), said(model, "abc")) > 100


@pytest.mark.parametrize("note", ["", "{}", "[]", "1", '{"folder": 1}', '{"folder": "..", "stamps": []}'])
def test_a_damaged_note_is_written_anew(tmp_path: Path, note: str) -> None:
    write_voice(tmp_path, "small", content=vits((4, 2)))
    load(tmp_path)
    (folder,) = cuts(tmp_path)
    path = folder.parent / "small.json"
    good = path.read_text(encoding="utf-8")
    path.write_text(note, encoding="utf-8")
    chunked(load(tmp_path))
    assert path.read_text(encoding="utf-8") == good
    assert cuts(tmp_path) == [folder]


def test_a_copied_folder_needs_no_new_parts(tmp_path: Path) -> None:
    write_voice(tmp_path / "here", "small", content=vits((4, 2)))
    load(tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    (folder,) = cuts(tmp_path / "there")
    made = folder.stat().st_ino
    chunked(load(tmp_path / "there"))
    assert [path.stat().st_ino for path in cuts(tmp_path / "there")] == [made]


def test_many_may_make_the_parts_at_once(tmp_path: Path) -> None:
    path = write_voice(tmp_path, "small", content=vits((8, 8, 4)))
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from lunavox_edge.backends.tts.piper_parts import parts\n"
        "sys.stdin.readline()\n"
        "for _ in range(20):\n"
        "    folder = parts(Path(sys.argv[1]), [Path(sys.argv[2])], anew=True)\n"
        "    assert (folder / 'vocoder.onnx').stat().st_size\n"
    )
    command = [sys.executable, "-c", code, str(path), str(tmp_path / piper_parts.FOLDER)]
    makers = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(3)]
    try:
        for maker in makers:
            assert maker.stdin is not None
            maker.stdin.write("go\n")
            maker.stdin.close()
        assert [maker.wait(60) for maker in makers] == [0, 0, 0]
    finally:
        for maker in makers:
            maker.kill()
            maker.wait(10)
    (folder,) = cuts(tmp_path)
    assert sorted(item.name for item in folder.parent.iterdir()) == [folder.name, "small.json"]
    model = load(tmp_path)
    assert snr_db(whole(path, model, "abc"), said(model, "abc")) > 100


def test_what_a_killed_process_left_goes_away(tmp_path: Path) -> None:
    write_voice(tmp_path, "small", content=vits((4, 2)))
    place = tmp_path / piper_parts.FOLDER
    old, young = (place / f"small-{digit * 24}-2.x.part" for digit in "ab")
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (1, 1))
    load(tmp_path)
    assert young.exists()
    assert not old.exists()


def test_a_graph_that_does_not_match_is_spoken_whole_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_voice(tmp_path, "odd-one", content=vits((4, 2), looks_everywhere=True))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            model = load(tmp_path)
    assert model.note == (
        "whole segments, because its vocoder has an unknown step (Softmax); its sound begins later"
    )
    assert [record.getMessage() for record in caplog.records] == [f"odd-one: {model.note}"]
    assert snr_db(whole(path, model, "abc"), said(model, "abc")) > 100
    assert not (tmp_path / piper_parts.FOLDER).exists()


@pytest.mark.parametrize("cut_before", [True, False])
def test_the_doctor_has_a_line_for_each_voice(tmp_path: Path, *, cut_before: bool) -> None:
    folder, cache_dir = tmp_path / "voices", tmp_path / "cache"
    write_voice(folder / "a", "odd", content=vits((4, 2), looks_everywhere=True))
    write_voice(
        folder / "b", "small", content=vits((4, 2), speakers=50), speakers=[str(n) for n in range(50)]
    )
    for file in folder.rglob("*.onnx*"):
        os.utime(file, (1, 1))
    if cut_before:
        load(folder / "b")
    settings = Settings.model_validate(
        {
            "catalog": {"folders": (folder,), "cache_dir": cache_dir},
            "tts": {"voice": "odd"},
            "stt": {"model": "tiny.en"},
            "wyoming": {"uri": "tcp://127.0.0.1:9"},
        }
    )
    found = [item for item in examine(settings) if item.topic in ("piper", "speaking")]
    slower = "whole segments, because its vocoder has an unknown step (Softmax); its sound begins later"
    lines = {item.text: item.verdict for item in found}
    assert lines[f"odd: {slower}"] is Severity.WARN
    assert (
        lines["small: in pieces" + ("" if cut_before else ", prepared when it first speaks")] is Severity.OK
    )
    (speaking,) = (item for item in found if item.topic == "speaking")
    assert speaking.verdict is Severity.WARN
    assert speaking.text.endswith(slower)


def test_the_parts_of_a_real_voice_are_valid_models(tmp_path: Path) -> None:
    (entry,) = (found for found in PiperBackend.packaged(tmp_path) if isinstance(found, ModelEntry))
    parts = onnx_checker.models(entry.path.read_bytes())
    assert set(parts) == {TEXT, FLOW, VOCODER}
    for part in parts.values():
        onnx_checker.check(part)
