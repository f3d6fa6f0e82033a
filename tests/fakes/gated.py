"""A voice for tests of the whole process: files in a folder say when it goes on.

Installed as a third party's backend would be, by an entry point.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lunavox_edge.backends.base import Backend, Capabilities, LoadOptions, Piece, SpeakRequest, TtsModel
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind
from tests.fakes.backends import entry

FOLDER_VARIABLE = "GATED_FOLDER"
RATE_HZ = 16_000
WORD_S = 0.1


def pass_gate(name: str) -> None:
    """Wait until the gate's file exists; five minutes at most, so that nothing stays behind."""
    gate = Path(os.environ[FOLDER_VARIABLE]) / name
    for _ in range(30_000):
        if gate.exists():
            return
        time.sleep(0.01)


class GatedVoice(TtsModel):
    rate_hz = RATE_HZ

    def warm_up(self) -> None:
        pass_gate("warm")

    def close(self) -> None:
        return

    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        """Speak a tenth of a second a word; the word "wait" waits for the gate of that name."""
        for word in text.split():
            if word.strip(".").lower() == "wait":
                pass_gate("wait")
            yield Piece(lambda: np.full(int(WORD_S * RATE_HZ), 0.1, dtype=np.float32))


class GatedTts(Backend):
    name = "gated"
    kind = ModelKind.TTS
    capabilities = Capabilities()

    @classmethod
    def missing(cls) -> str | None:
        return None

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:
        return (entry("gated", backend=cls.name),)

    def load(self, entry: ModelEntry, options: LoadOptions) -> GatedVoice:
        return GatedVoice()


def install(site: Path) -> None:
    """Make `site` a folder for PYTHONPATH in which this backend is installed."""
    about = site / "gated_voice-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: gated-voice\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[lunavox_edge.backends]\ngated = tests.fakes.gated:GatedTts\n")
