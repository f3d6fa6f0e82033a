"""The vocoder of a Piper voice: where it begins, and how many frames a piece of sound depends on.

The last part of the graph, a HiFi-GAN vocoder, is a chain of convolutions: each sample depends on a
few frames only. So a piece made from its own frames and that many on both sides is what the whole
would have been, up to rounding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lunavox_edge.backends.onnx_graph import Crop, Graph, Node, Port
from lunavox_edge.backends.tts.reach import SAMPLE_BY_SAMPLE, NotCuttable, Reach, follow, kernel_size

FRAMES, SPEAKER = "frames", "speaker"
"""What its inputs are called."""
STAGES, HOP = "stages", "hop_samples"
"""Keys of its metadata."""

_FLOATS = (1, 10)
_TIME_AXIS = 2


@dataclass(frozen=True, slots=True)
class UpsamplingStage:
    """A place in the vocoder where what is no longer needed of the surroundings is dropped.

    `rate` is its samples for each frame, `context` how many of them a piece needs on both sides.
    """

    rate: int
    context: int

    @property
    def ports(self) -> tuple[str, str]:
        """The vocoder's inputs that say what is kept there."""
        return f"start_{self.rate}", f"stop_{self.rate}"


@dataclass(frozen=True, slots=True)
class Layout:
    """What must be known to run a vocoder in pieces. The first stage is its input."""

    stages: tuple[UpsamplingStage, ...]
    hop_samples: int

    @property
    def notes(self) -> dict[str, str]:
        """Return it as a model's metadata."""
        stages = json.dumps([[stage.rate, stage.context] for stage in self.stages])
        return {STAGES: stages, HOP: str(self.hop_samples)}

    @classmethod
    def from_notes(cls, notes: Mapping[str, str]) -> Layout:
        """Read it back. Raises KeyError, ValueError."""
        return cls(tuple(UpsamplingStage(*pair) for pair in json.loads(notes[STAGES])), int(notes[HOP]))


@dataclass(frozen=True, slots=True)
class Vocoder:
    """The last part of a voice. `speaker` is None for a voice of one."""

    frames: Port
    speaker: Port | None
    nodes: tuple[Node, ...]
    crops: tuple[Crop, ...]
    layout: Layout

    @property
    def ports(self) -> tuple[Port, ...]:
        """What it reads."""
        return (self.frames,) if self.speaker is None else (self.frames, self.speaker)


def find_vocoder(graph: Graph) -> Vocoder:
    """Find the border before the vocoder. Raises NotCuttable."""
    if not graph.outputs:
        raise NotCuttable("it has no output")
    output = next(iter(graph.outputs))
    entry, condition = _entry(graph, output)
    frames = _port(graph, FRAMES, entry, "frames")
    speaker = None if condition is None else _port(graph, SPEAKER, condition, 1)
    inside = [frames.inside] if speaker is None else [frames.inside, speaker.inside]
    nodes = graph.before([output], stops=inside)
    if any(name in graph.inputs for node in nodes for name in node.inputs if name not in inside):
        raise NotCuttable("its vocoder reads more than frames and speaker")
    speaker_names = inside[1:]
    known = _follow(graph, nodes, frames.inside, speaker_names)
    if output not in known:
        raise NotCuttable("its sound does not come from its frames")
    stages = [UpsamplingStage(1, known[output].context)]
    crops = []
    for node in nodes:
        # Before the first the rate is still that of the frames.
        if node.kind != "ConvTranspose" or known[node.inputs[0]].rate == 1:
            continue
        source = node.inputs[0]
        rest = graph.before([output], stops=(source, *speaker_names))
        after = _follow(graph, rest, source, speaker_names)
        stage = UpsamplingStage(known[source].whole_rate, after[output].context)
        stages.append(stage)
        crops.append(Crop(node, *stage.ports, axis=_TIME_AXIS))
    return Vocoder(
        frames=frames,
        speaker=speaker,
        nodes=tuple(nodes),
        crops=tuple(crops),
        layout=Layout(tuple(stages), known[output].whole_rate),
    )


def _follow(graph: Graph, nodes: Iterable[Node], start: str, speaker: Iterable[str]) -> dict[str, Reach]:
    return follow(graph, nodes, start=[start], timeless=speaker, part="vocoder")


def _entry(graph: Graph, output: str) -> tuple[Node, Node | None]:
    """Return the vocoder's first convolution, and the one that adds the speaker to it."""
    grows = [node for node in graph.before([output]) if node.kind == "ConvTranspose"]
    if not grows:
        raise NotCuttable("it has no vocoder that is known here")
    name = grows[0].inputs[0]
    found: list[Node] = []
    waiting = [name]
    while waiting:
        node = graph.makers.get(waiting.pop())
        if node is None:
            continue
        if node.kind == "Conv":
            found.append(node)
        elif node.kind in SAMPLE_BY_SAMPLE:
            waiting += (name for name in node.inputs if name not in graph.tensors)
        elif node.kind != "Constant":
            raise NotCuttable(f"its vocoder begins with an unknown step ({node.kind:.40})")
    wide = [node for node in found if kernel_size(graph, node) > 1]
    points = [node for node in found if kernel_size(graph, node) == 1]
    if len(wide) != 1 or len(points) > 1:
        raise NotCuttable("its vocoder begins in an unknown way")
    return wide[0], points[0] if points else None


def _port(graph: Graph, name: str, reader: Node, length: int | str) -> Port:
    weight = graph.tensors[reader.inputs[1]]
    if weight.kind not in _FLOATS:
        raise NotCuttable("its numbers are of an unknown kind")
    return Port(name, reader.inputs[0], weight.kind, (1, weight.shape[1], length))
