"""Devices: the quickest one that works is found, remembered, and given up when it fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lunavox_edge.backends import registry
from lunavox_edge.backends.base import LoadOptions, Recognition, RecognizeRequest, Samples
from lunavox_edge.engine.engine import Engine
from lunavox_edge.engine.models.devices import Devices
from lunavox_edge.engine.models.loading import Loaded, ThreadPlan, make_loader
from lunavox_edge.errors import BackendUnavailable, LunavoxError, OutOfMemory
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry, ModelKind
from tests.fakes.backends import entry
from tests.fakes.stt import ScriptedEar, ScriptedStt, SttScript

pytestmark = pytest.mark.unit

EAR = entry("ear", ModelKind.STT, backend="board-stt", languages=("en", "de"))


class Board:
    """The behaviour of the fake devices."""

    def __init__(self) -> None:
        self.offered: tuple[str, ...] = ("cuda:0", "cpu")
        self.seconds = {"cuda:0": 0.0, "cpu": 0.05}
        self.broken: dict[str, Exception] = {}
        self.failing: dict[str, Exception] = {}
        self.full: dict[str, int] = {}
        """The number of further loads that fail with MemoryError."""
        self.loads: list[str] = []
        self.asked = 0
        """How often the library was asked for its devices."""


BOARD = Board()


class BoardEar(ScriptedEar):
    def __init__(self, device: str) -> None:
        super().__init__(SttScript())
        self.device = device

    def warm_up(self) -> None:
        threading.Event().wait(BOARD.seconds[self.device])

    def recognize(self, samples: Samples, request: RecognizeRequest) -> Recognition:
        if self.device in BOARD.failing:
            raise BOARD.failing[self.device]
        return super().recognize(samples, request)


class BoardStt(ScriptedStt):
    name = "board-stt"

    @classmethod
    def devices(cls) -> Sequence[str]:
        BOARD.asked += 1
        return BOARD.offered

    def load(self, entry: ModelEntry, options: LoadOptions) -> BoardEar:
        BOARD.loads.append(options.device)
        if BOARD.full.get(options.device, 0):
            BOARD.full[options.device] -= 1
            raise MemoryError(f"the memory of {options.device} is full")
        if options.device in BOARD.broken:
            raise BOARD.broken[options.device]
        return BoardEar(options.device)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    fresh = Board()
    BOARD.__dict__.update(fresh.__dict__)
    monkeypatch.setattr(registry, "_BUILT_IN", {"board-stt": f"{__name__}:BoardStt"})
    monkeypatch.setattr(registry, "vad", lambda: None)
    return BOARD


def settings_in(folder: Path, device: str = "auto") -> Settings:
    return Settings.model_validate(
        {
            "catalog": {"cache_dir": folder},
            "stt": {"device": device, "model": "ear"},
            "engine": {"threads": 2},
        }
    )


Load = Callable[[ModelEntry], Loaded]


def loader(folder: Path, device: str = "auto") -> tuple[Load, Devices]:
    settings = settings_in(folder, device)
    devices = Devices(settings)
    return make_loader(settings, ThreadPlan.for_threads(2), devices), devices


def test_the_quickest_is_found_once_and_remembered(board: Board, tmp_path: Path) -> None:
    load, _ = loader(tmp_path)
    assert load(EAR).model.device == "cuda:0"
    assert board.loads == ["cuda:0", "cpu", "cuda:0"]
    board.loads.clear()
    load, _ = loader(tmp_path)
    assert load(EAR).model.device == "cuda:0"
    assert board.loads == ["cuda:0"]


def test_a_gpu_that_is_slower_is_not_taken(board: Board, tmp_path: Path) -> None:
    board.seconds = {"cuda:0": 0.05, "cpu": 0.0}
    load, devices = loader(tmp_path)
    assert load(EAR).model.device == "cpu"
    assert devices.order(EAR) == ("cpu", "cuda:0")


def test_other_devices_than_then_are_tried_anew(board: Board, tmp_path: Path) -> None:
    load, _ = loader(tmp_path)
    load(EAR)
    board.offered = ("cuda:0", "cuda:1", "cpu")
    board.seconds["cuda:1"] = 0.05
    board.loads.clear()
    load, _ = loader(tmp_path)
    load(EAR)
    assert sorted(board.loads[:3]) == ["cpu", "cuda:0", "cuda:1"]


def test_a_gpu_that_does_not_load_is_named(
    board: Board, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    board.broken = {"cuda:0": RuntimeError("no kernel image")}
    load, _ = loader(tmp_path)
    with caplog.at_level(logging.WARNING):
        loaded = load(EAR)
    assert loaded.model.device == "cpu"
    assert loaded.fallback == "cuda:0: no kernel image"
    assert "no kernel image" in caplog.text


def test_a_gpu_whose_memory_is_full_for_a_moment_is_used_after_idle_models_left(
    board: Board, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path)
    devices = Devices(settings)
    with Engine(settings) as engine:
        board.full = {"cuda:0": 1}
        engine.load("ear")
        (model,) = engine.status().models
        assert (model.device, model.fallback) == ("cuda:0", "")
    assert devices.order(EAR) == ("cuda:0", "cpu")


@pytest.mark.parametrize("proved", [False, True])
def test_a_gpu_whose_memory_stays_full_is_passed_for_this_load_only(
    board: Board, tmp_path: Path, *, proved: bool
) -> None:
    with Engine(settings_in(tmp_path)) as engine:
        if proved:
            engine.load("ear")
            assert engine.unload("ear")
        board.full = {"cuda:0": 99}
        engine.load("ear")
        (model,) = engine.status().models
        assert (model.device, model.fallback) == ("cpu", "cuda:0: its memory is full")
        assert engine.unload("ear")
        board.full = {}
        engine.load("ear")
        (model,) = engine.status().models
        assert (model.device, model.fallback) == ("cuda:0", "")


def test_memory_that_runs_out_in_a_slice_does_not_switch_the_gpu_off(board: Board, tmp_path: Path) -> None:
    with Engine(settings_in(tmp_path)) as engine:
        sound = b"\1\0" * 16_000
        engine.transcribe(sound, sample_rate=16_000)
        board.failing = {"cuda:0": MemoryError("for a moment")}
        with pytest.raises(OutOfMemory):
            engine.transcribe(sound, sample_rate=16_000)
        board.failing = {}
        assert engine.transcribe(sound, sample_rate=16_000).text
        (model,) = engine.status().models
        assert (model.device, model.fallback) == ("cuda:0", "")


def test_what_was_proved_and_fails_later_at_the_load_falls_back(board: Board, tmp_path: Path) -> None:
    load, _ = loader(tmp_path)
    load(EAR)
    board.broken = {"cuda:0": RuntimeError("driver gone")}
    load, _ = loader(tmp_path)
    loaded = load(EAR)
    assert (loaded.model.device, loaded.fallback) == ("cpu", "cuda:0: driver gone")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"board-stt/ear/1000": 7}', b"\xff", b"[" * 9999])
def test_a_damaged_note_is_measured_anew(board: Board, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "devices.json").write_bytes(damage)
    load, _ = loader(tmp_path)
    assert load(EAR).model.device == "cuda:0"
    assert len(board.loads) == 3


def test_a_device_of_the_settings_is_not_compared(board: Board, tmp_path: Path) -> None:
    load, _ = loader(tmp_path, "cpu")
    assert load(EAR).model.device == "cpu"
    assert board.loads == ["cpu"]
    board.offered = ("cpu",)
    _, devices = loader(tmp_path, "cuda")
    with pytest.raises(BackendUnavailable, match="finds no cuda device"):
        devices.order(EAR)


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_gpu_that_fails_while_it_works_gives_way_to_the_cpu(
    board: Board, tmp_path: Path, device: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Engine(settings_in(tmp_path, device)) as engine:
        sound = b"\1\0" * 16_000
        assert engine.transcribe(sound, sample_rate=16_000).text
        assert engine.status().models[0].device == "cuda:0"
        board.failing = {"cuda:0": RuntimeError("CUDA error: device lost")}
        with pytest.raises(LunavoxError), caplog.at_level(logging.ERROR):
            engine.transcribe(sound, sample_rate=16_000)
        assert engine.transcribe(sound, sample_rate=16_000).text
        (model,) = engine.status().models
        assert (model.device, model.fallback) == ("cpu", "cuda:0: CUDA error: device lost")
    assert caplog.text.count("runs on the CPU from the next request on") == 1


def test_an_error_of_ours_is_no_failure_of_the_device(board: Board, tmp_path: Path) -> None:
    with Engine(settings_in(tmp_path)) as engine:
        sound = b"\1\0" * 16_000
        engine.transcribe(sound, sample_rate=16_000)
        board.failing = {"cuda:0": LunavoxError("what was asked makes no sense")}
        with pytest.raises(LunavoxError, match="makes no sense"):
            engine.transcribe(sound, sample_rate=16_000)
        assert engine.status().models[0].device == "cuda:0"


def test_the_device_is_guessed_without_asking_a_library(board: Board, tmp_path: Path) -> None:
    load, devices = loader(tmp_path)
    assert devices.guess(EAR) == "cpu"
    assert loader(tmp_path, "cuda")[1].guess(EAR) == "cuda:0"
    assert loader(tmp_path, "cpu")[1].guess(EAR) == "cpu"
    assert board.asked == 0

    load(EAR)
    assert devices.guess(EAR) == "cuda:0"
    devices.failed(EAR, "cuda:0", "lost")
    assert devices.guess(EAR) == "cpu"

    asked = board.asked
    _, again = loader(tmp_path)
    assert again.guess(EAR) == "cuda:0"  # as it was proved before
    assert board.asked == asked


def test_the_library_is_asked_once(board: Board, tmp_path: Path) -> None:
    load, devices = loader(tmp_path)
    load(EAR)
    load(EAR)
    devices.order(EAR)
    assert board.asked == 1


def test_what_stands_in_for_the_ear_goes_on_when_the_settings_are_read_anew(
    board: Board, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path)
    with Engine(settings) as engine:
        engine._resolver.models.stand_in = engine.catalog.find("ear.en", ModelKind.STT)
        engine.apply(settings)
        assert engine.models()[0].name == "ear.en"
