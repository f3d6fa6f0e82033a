"""Where a Piper voice can be cut, and how much of its surroundings a piece of sound depends on.

The last part of the graph, a HiFi-GAN vocoder, is a chain of convolutions: each sample depends on a
few frames only, and how many follows from the sizes of its kernels. So a piece made from its own
frames and that many on both sides is what the whole would have been, up to rounding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from lunavox_edge.backends.onnx_graph import Crop, Graph, Node, Port

FRAMES, SPEAKER = "frames", "speaker"
"""What the vocoder's inputs and the first half's outputs are called."""
STAGES, HOP = "stages", "hop_samples"
"""Keys of its metadata."""

_SAMPLE_BY_SAMPLE = frozenset(
    {"Add", "Cast", "Clip", "Div", "Elu", "Identity", "LeakyRelu", "Mul", "Neg", "PRelu", "Pow", "Relu"}
    | {"Sigmoid", "Sin", "Sub", "Tanh"}
)
_RESHAPES = frozenset({"Squeeze", "Unsqueeze"})
"""Allowed at the end, where only the order of the samples counts."""
_FLOATS = (1, 10)
_DIMENSIONS, _TIME_AXIS = 3, 2
"""Batch, channels, time."""


class NotCuttable(ValueError):
    """The graph is not the kind that can be cut; the text says why."""


@dataclass(frozen=True, slots=True)
class Stage:
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

    stages: tuple[Stage, ...]
    hop_samples: int

    @property
    def notes(self) -> dict[str, str]:
        """Return it as a model's metadata."""
        stages = json.dumps([[stage.rate, stage.context] for stage in self.stages])
        return {STAGES: stages, HOP: str(self.hop_samples)}

    @classmethod
    def from_notes(cls, notes: Mapping[str, str]) -> Layout:
        """Read it back. Raises KeyError, ValueError."""
        return cls(tuple(Stage(*pair) for pair in json.loads(notes[STAGES])), int(notes[HOP]))


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a voice is cut. `speaker` is None for a voice of one."""

    frames: Port
    speaker: Port | None
    first: tuple[Node, ...]
    vocoder: tuple[Node, ...]
    crops: tuple[Crop, ...]
    layout: Layout

    @property
    def ports(self) -> tuple[Port, ...]:
        """What goes from the first half to the vocoder."""
        return (self.frames,) if self.speaker is None else (self.frames, self.speaker)


@dataclass(frozen=True, slots=True)
class _Reach:
    """Samples of a tensor for each frame, and how far back and ahead one depends, in frames."""

    rate: Fraction
    back: Fraction
    ahead: Fraction


def find_cut(graph: Graph) -> Cut:
    """Find the cut before the vocoder. Raises NotCuttable."""
    if not graph.outputs:
        raise NotCuttable("it has no output")
    output = next(iter(graph.outputs))
    entry, condition = _entry(graph, output)
    frames = _port(graph, FRAMES, entry, "frames")
    speaker = None if condition is None else _port(graph, SPEAKER, condition, 1)
    inside = [frames.inside] if speaker is None else [frames.inside, speaker.inside]
    vocoder = graph.before([output], stops=inside)
    if any(name in graph.inputs for node in vocoder for name in node.inputs if name not in inside):
        raise NotCuttable("its vocoder reads more than frames and speaker")
    speaker_names = inside[1:]
    known = _reach(graph, vocoder, frames=frames.inside, speaker=speaker_names)
    if output not in known:
        raise NotCuttable("its sound does not come from its frames")
    stages = [Stage(1, _context(known[output]))]
    crops = []
    for node in vocoder:
        # Before the first the rate is still that of the frames.
        if node.kind != "ConvTranspose" or known[node.inputs[0]].rate == 1:
            continue
        source = node.inputs[0]
        rest = graph.before([output], stops=(source, *speaker_names))
        after = _reach(graph, rest, frames=source, speaker=speaker_names)
        stage = Stage(_whole(known[source].rate), _context(after[output]))
        stages.append(stage)
        crops.append(Crop(node, *stage.ports, axis=_TIME_AXIS))
    return Cut(
        frames=frames,
        speaker=speaker,
        first=tuple(graph.before(inside)),
        vocoder=tuple(vocoder),
        crops=tuple(crops),
        layout=Layout(tuple(stages), _whole(known[output].rate)),
    )


def _context(reach: _Reach) -> int:
    return ceil(max(reach.back, reach.ahead))


def _whole(rate: Fraction) -> int:
    if rate.denominator != 1:
        raise NotCuttable("its frames are not of one length")
    return int(rate)


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
        elif node.kind in _SAMPLE_BY_SAMPLE:
            waiting += (name for name in node.inputs if name not in graph.tensors)
        elif node.kind != "Constant":
            raise NotCuttable(f"its vocoder begins with an unknown step ({node.kind:.40})")
    wide = [node for node in found if _kernel(graph, node) > 1]
    points = [node for node in found if _kernel(graph, node) == 1]
    if len(wide) != 1 or len(points) > 1:
        raise NotCuttable("its vocoder begins in an unknown way")
    return wide[0], points[0] if points else None


def _port(graph: Graph, name: str, reader: Node, length: int | str) -> Port:
    weight = graph.tensors[reader.inputs[1]]
    if weight.kind not in _FLOATS:
        raise NotCuttable("its numbers are of an unknown kind")
    return Port(name, reader.inputs[0], weight.kind, (1, weight.shape[1], length))


def _reach(
    graph: Graph, vocoder: Iterable[Node], *, frames: str, speaker: Iterable[str]
) -> dict[str, _Reach]:
    """Follow every step from `frames` on. Raises NotCuttable for a step that might look everywhere."""
    known = {frames: _Reach(Fraction(1), Fraction(0), Fraction(0))}
    timeless = {*graph.tensors, *speaker, ""}
    flat: set[str] = set()
    for node in vocoder:
        if node.kind == "Constant" and not node.borrowed:
            timeless.update(node.outputs)
            continue
        read = [known[name] for name in node.inputs if name in known]
        if len(read) < sum(name not in timeless for name in node.inputs) or node.borrowed:
            raise NotCuttable(f"its vocoder has an unknown step ({node.kind:.40})")
        if node.kind in _SAMPLE_BY_SAMPLE:
            found = _joined(read)
        elif node.kind in _RESHAPES:
            found = _joined(read)
            flat.update(node.outputs)
        elif node.kind in ("Conv", "ConvTranspose") and flat.isdisjoint(node.inputs):
            found = _convolved(graph, node, read)
        else:
            raise NotCuttable(f"its vocoder has an unknown step ({node.kind:.40})")
        if found is None:
            timeless.update(node.outputs)
        else:
            known.update(dict.fromkeys(node.outputs, found))
    return known


def _joined(read: list[_Reach]) -> _Reach | None:
    if not read:
        return None
    if len({reach.rate for reach in read}) != 1:
        raise NotCuttable("its vocoder joins different rates")
    return _Reach(read[0].rate, max(reach.back for reach in read), max(reach.ahead for reach in read))


def _convolved(graph: Graph, node: Node, read: list[_Reach]) -> _Reach | None:
    kernel = _kernel(graph, node)
    (stride,) = node.numbers.get("strides", (1,))
    (dilation,) = node.numbers.get("dilations", (1,))
    left, right = node.numbers.get("pads", (0, 0))
    if node.texts.get("auto_pad", "NOTSET") != "NOTSET" or "output_shape" in node.numbers:
        raise NotCuttable("its vocoder pads in an unknown way")
    span = dilation * (kernel - 1)
    if not read:
        if kernel > 1:
            raise NotCuttable("its speaker changes with time")
        return None
    (before,) = read
    if node.kind == "Conv":
        if stride != 1 or left + right != span:
            raise NotCuttable("its vocoder changes the length in an unknown way")
        back, ahead = Fraction(left), Fraction(span - left)
        rate = before.rate
    else:
        (extra,) = node.numbers.get("output_padding", (0,))
        if span + 1 + extra - left - right != stride:
            raise NotCuttable("its vocoder changes the length in an unknown way")
        back, ahead = Fraction(span - left), Fraction(left)
        rate = before.rate * stride
    return _Reach(rate, before.back + back / rate, before.ahead + ahead / rate)


def _kernel(graph: Graph, node: Node) -> int:
    weight = graph.tensors.get(node.inputs[1])
    if weight is None or len(weight.shape) != _DIMENSIONS:
        raise NotCuttable("its vocoder has weights that are made as it runs")
    return weight.shape[2]
