"""Receptive fields along time of the tensors in a graph.

In a chain of convolutions each output depends on a few neighbours only; how many follows from the sizes of
the kernels. So a window of the input that is that much wider than the wanted output gives the same result
there as the whole input, up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from lunavox_edge.backends.onnx_graph import Graph, Node

SAMPLE_BY_SAMPLE = frozenset(
    {"Add", "Cast", "Clip", "Div", "Elu", "Exp", "Identity", "LeakyRelu", "Mul", "Neg", "PRelu", "Pow"}
    | {"Relu", "Sigmoid", "Sin", "Sub", "Tanh"}
)
CHANNEL_BY_CHANNEL = frozenset({"Concat", "Gather", "Slice", "Split"})
"""Allowed only along the channel axis; along another one they would mix different times."""
AS_LONG = frozenset({"Shape", "ConstantOfShape"})
"""Together they create a constant tensor of equal length."""
_RESHAPES = frozenset({"Squeeze", "Unsqueeze"})
"""Allowed at the end, where only the order of the samples matters."""
_CHANNEL_AXIS = 1
_DIMENSIONS = 3
"""Batch, channels, time."""
_SLICE_AXES = 3
"""Index of the input `axes` of Slice."""


class NotCuttable(ValueError):
    """The graph cannot be cut into parts; the text says why, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Samples of a tensor per frame, and the receptive field of a sample: frames back and ahead."""

    rate: Fraction = Fraction(1)
    back: Fraction = Fraction(0)
    ahead: Fraction = Fraction(0)

    @property
    def context(self) -> int:
        """Context that is enough on both sides, in whole frames."""
        return ceil(max(self.back, self.ahead))

    @property
    def whole_rate(self) -> int:
        """The rate. Raises NotCuttable if it is not a whole number."""
        if self.rate.denominator != 1:
            raise NotCuttable("its frames are not of one length")
        return int(self.rate)


def follow(
    graph: Graph, nodes: Iterable[Node], *, start: Iterable[str], timeless: Iterable[str], part: str
) -> dict[str, Reach]:
    """Return the reach of every tensor that `nodes` compute from those in `start`.

    The tensors `timeless` do not change along time. Raises NotCuttable for a node whose receptive field is
    unknown or unlimited; `part` is the name of the nodes in its text.
    """
    walk = _Walk(graph, part, dict.fromkeys(start, Reach()), {*graph.tensors, *timeless, ""})
    for node in nodes:
        walk.take(node)
    return walk.known


def kernel_size(graph: Graph, node: Node) -> int:
    """Return the length of a convolution's kernel. Raises NotCuttable if its weights are not constant."""
    weight = graph.tensors.get(node.inputs[1])
    if weight is None or len(weight.shape) != _DIMENSIONS:
        raise NotCuttable("it has a convolution with weights that are made as it runs")
    return weight.shape[2]


@dataclass(slots=True)
class _Walk:
    """State of `follow`: what is known after the nodes visited so far.

    `shapes` are tensors with the shape of another one; `flat` are those without a channel axis.
    """

    graph: Graph
    part: str
    known: dict[str, Reach]
    timeless: set[str]
    shapes: dict[str, Reach] = field(default_factory=dict)
    flat: set[str] = field(default_factory=set)

    def take(self, node: Node) -> None:
        if node.kind == "Constant" and not node.borrowed:
            self.timeless.update(node.outputs)
            return
        if node.kind == "ConstantOfShape" and node.inputs[0] in self.shapes:
            same = Reach(self.shapes[node.inputs[0]].rate)
            self.known.update(dict.fromkeys(node.outputs, same))
            return
        read = [self.known[name] for name in node.inputs if name in self.known]
        if len(read) < sum(name not in self.timeless for name in node.inputs) or node.borrowed:
            raise self._unknown(node)
        if node.kind == "Shape" and read:
            self.shapes.update(dict.fromkeys(node.outputs, read[0]))
            return
        found = self._reach(node, read)
        if found is None:
            self.timeless.update(node.outputs)
        else:
            self.known.update(dict.fromkeys(node.outputs, found))

    def _reach(self, node: Node, read: list[Reach]) -> Reach | None:
        if node.kind in SAMPLE_BY_SAMPLE:
            return self._joined(read)
        if node.kind in _RESHAPES:
            self.flat.update(node.outputs)
            return self._joined(read)
        if self.flat.isdisjoint(node.inputs):
            if node.kind in ("Conv", "ConvTranspose"):
                return self._convolved(node, read)
            if node.kind in CHANNEL_BY_CHANNEL and (not read or self._chooses_channels(node)):
                return self._joined(read)
        raise self._unknown(node)

    def _joined(self, read: list[Reach]) -> Reach | None:
        if not read:
            return None
        if len({reach.rate for reach in read}) != 1:
            raise NotCuttable(f"its {self.part} joins different rates")
        return Reach(read[0].rate, max(reach.back for reach in read), max(reach.ahead for reach in read))

    def _convolved(self, node: Node, read: list[Reach]) -> Reach | None:
        kernel = kernel_size(self.graph, node)
        (stride,) = node.numbers.get("strides", (1,))
        (dilation,) = node.numbers.get("dilations", (1,))
        left, right = node.numbers.get("pads", (0, 0))
        if node.texts.get("auto_pad", "NOTSET") != "NOTSET" or "output_shape" in node.numbers:
            raise NotCuttable(f"its {self.part} pads in an unknown way")
        span = dilation * (kernel - 1)
        if not read:
            if kernel > 1:
                raise NotCuttable("its speaker changes with time")
            return None
        (before,) = read
        if node.kind == "Conv":
            if stride != 1 or left + right != span:
                raise NotCuttable(f"its {self.part} changes the length in an unknown way")
            back, ahead = Fraction(left), Fraction(span - left)
            rate = before.rate
        else:
            (extra,) = node.numbers.get("output_padding", (0,))
            if span + 1 + extra - left - right != stride:
                raise NotCuttable(f"its {self.part} changes the length in an unknown way")
            back, ahead = Fraction(span - left), Fraction(left)
            rate = before.rate * stride
        return Reach(rate, before.back + back / rate, before.ahead + ahead / rate)

    def _chooses_channels(self, node: Node) -> bool:
        source, *others = node.inputs
        if node.kind == "Concat":
            return all(name in self.known for name in node.inputs) and _on_channels(node)
        if source not in self.known or not self.timeless.issuperset(others):
            return False
        if node.kind == "Slice":
            axes = self.graph.integers(node.inputs[_SLICE_AXES]) if len(node.inputs) > _SLICE_AXES else None
            return axes == (_CHANNEL_AXIS,)
        # A scalar index instead of a list would remove the channel axis.
        return _on_channels(node) and (node.kind != "Gather" or self.graph.integers(others[0]) is not None)

    def _unknown(self, node: Node) -> NotCuttable:
        return NotCuttable(f"its {self.part} has an unknown step ({node.kind:.40})")


def _on_channels(node: Node) -> bool:
    return node.numbers.get("axis") == (_CHANNEL_AXIS,)
