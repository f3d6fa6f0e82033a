"""The vocoder of a Piper voice: finding it in the graph, and its receptive field.

The last part of the graph, a HiFi-GAN vocoder, is a chain of convolutions: each sample depends on a few
frames only. A piece computed from its own frames and that many more on both sides equals the same piece of
the whole result, up to rounding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lunavox_edge.backends.onnx_graph import Crop, Graph, Node, Port
from lunavox_edge.backends.tts.reach import SAMPLE_BY_SAMPLE, NotCuttable, Reach, follow, kernel_size

FRAMES, SPEAKER = "frames", "speaker"
"""Names of its inputs."""
STAGES, HOP = "stages", "hop_samples"
"""Metadata keys of `Layout`."""

_FLOATS = (1, 10)
_TIME_AXIS = 2


@dataclass(frozen=True, slots=True)
class UpsamplingStage:
    """A place in the vocoder, before its rate increases, where context that is no longer needed is cut off.

    `rate` is the number of its samples per frame, `context` the samples that a piece needs on both sides.
    """

    rate: int
    context: int

    @property
    def ports(self) -> tuple[str, str]:
        """Names of the vocoder's inputs with the bounds of what is kept there."""
        return f"start_{self.rate}", f"stop_{self.rate}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Parameters for running a vocoder in pieces. The first stage is its input."""

    stages: tuple[UpsamplingStage, ...]
    hop_samples: int

    @property
    def notes(self) -> dict[str, str]:
        """The layout as metadata of the model file."""
        stages = json.dumps([[stage.rate, stage.context] for stage in self.stages])
        return {STAGES: stages, HOP: str(self.hop_samples)}

    @classmethod
    def from_notes(cls, notes: Mapping[str, str]) -> Layout:
        """Return the layout from a model's metadata. Raises KeyError, ValueError."""
        return cls(tuple(UpsamplingStage(*pair) for pair in json.loads(notes[STAGES])), int(notes[HOP]))


@dataclass(frozen=True, slots=True)
class Vocoder:
    """The last part of a voice's graph. `speaker` is None for a voice with one speaker."""

    frames: Port
    speaker: Port | None
    nodes: tuple[Node, ...]
    crops: tuple[Crop, ...]
    layout: Layout

    @property
    def ports(self) -> tuple[Port, ...]:
        """The inputs, without the bounds of the stages."""
        return (self.frames,) if self.speaker is None else (self.frames, self.speaker)


def find_vocoder(graph: Graph) -> Vocoder:
    """Return the vocoder of a voice. Raises NotCuttable."""
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
        # Before the first ConvTranspose the rate is still that of the frames; the input is cut there.
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
    """Return the vocoder's first convolution, and the one that adds the speaker, None if there is none."""
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
