"""The normalizing flow of a Piper voice: finding it in the graph, and its receptive field.

The flow is between the random sampling and the vocoder. Like the vocoder it is a chain of convolutions, so
the frames that the first piece of audio needs can be computed before the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lunavox_edge.backends.onnx_graph import Graph, Node, Port
from lunavox_edge.backends.tts.reach import AS_LONG, CHANNEL_BY_CHANNEL, SAMPLE_BY_SAMPLE, NotCuttable, follow

LATENT = "latent"
"""Prefix of the names of the inputs that change along time."""
CONTEXT = "context_frames"
"""Metadata key of `Flow.context`."""
# The data type of the part's inputs must be known, but the input of a Cast may have any type.
_STEPS = (SAMPLE_BY_SAMPLE | CHANNEL_BY_CHANNEL | AS_LONG | {"Conv"}) - {"Cast"}


@dataclass(frozen=True, slots=True)
class Flow:
    """The part of the graph that computes frames from `latents`.

    The last axis of all latents is time, of equal length or of length 1. A frame depends on `context`
    elements of the latents on both sides.
    """

    latents: tuple[Port, ...]
    speaker: Port | None
    nodes: tuple[Node, ...]
    context: int

    @property
    def ports(self) -> tuple[Port, ...]:
        """The inputs."""
        return self.latents if self.speaker is None else (*self.latents, self.speaker)

    @property
    def notes(self) -> dict[str, str]:
        """Metadata of the model file: what is needed to run the flow in windows."""
        return {CONTEXT: str(self.context)}


def find_flow(graph: Graph, frames: Port, speaker: Port | None) -> Flow:
    """Return the flow that computes `frames`. Raises NotCuttable."""
    timeless = {*graph.tensors, ""} if speaker is None else {*graph.tensors, "", speaker.inside}
    steps = _steps_before(graph, frames.inside, timeless)
    convolved = _convolved(steps, timeless)
    if frames.inside not in convolved:
        raise NotCuttable("its frames do not come from a flow")
    reads = [name for node in steps if not convolved.isdisjoint(node.outputs) for name in node.inputs]
    inside = _moved_back(graph, {*reads} - convolved - timeless, steps, timeless)
    ends = inside if speaker is None else [*inside, speaker.inside]
    nodes = graph.before([frames.inside], stops=ends)
    before = {id(node) for node in graph.before(ends)}
    if any(id(node) in before and not timeless.issuperset(node.outputs) for node in nodes):
        raise NotCuttable("its flow and what comes before are not apart")
    if any(name in graph.inputs for name in inside):
        raise NotCuttable("its flow reads what the voice does")
    known = follow(graph, nodes, start=inside, timeless=ends[len(inside) :], part="flow")
    if known[frames.inside].rate != 1:
        raise NotCuttable("its flow makes frames of another length")
    return Flow(
        # All are combined with frames element by element, so they have the same data type.
        latents=tuple(
            Port(f"{LATENT}_{index}", name, frames.kind, None) for index, name in enumerate(inside)
        ),
        speaker=speaker if any(ends[-1] in node.inputs for node in nodes) else None,
        nodes=tuple(nodes),
        context=known[frames.inside].context,
    )


def _steps_before(graph: Graph, name: str, timeless: set[str]) -> list[Node]:
    """Return the nodes before `name` that combine different times only by convolution, in graph order.

    Constants are left out and added to `timeless`.
    """
    seen, waiting, found = set(timeless), [name], set()
    while waiting:
        name = waiting.pop()
        node = graph.makers.get(name)
        if name in seen or node is None:
            continue
        seen.add(name)
        if node.kind == "Constant":
            timeless.update(node.outputs)
        elif node.kind in _STEPS:
            found.add(id(node))
            waiting += node.inputs
    return [node for node in graph.nodes if id(node) in found]


def _convolved(steps: Iterable[Node], timeless: set[str]) -> set[str]:
    """Return the tensors that depend on a convolution along time; add the constant ones to `timeless`."""
    found: set[str] = set()
    for node in steps:
        if timeless.issuperset(node.inputs):
            timeless.update(node.outputs)
        elif node.kind == "Conv" or not found.isdisjoint(node.inputs):
            found.update(node.outputs)
    return found


def _moved_back(graph: Graph, names: set[str], steps: list[Node], timeless: set[str]) -> list[str]:
    """Follow the tensors `names` back through nodes that read one tensor each; return where this ends.

    So the slices of one tensor become that one tensor.
    """
    allowed = {id(node) for node in steps}
    found: set[str] = set()
    for start in names:
        name = start
        while (node := graph.makers.get(name)) is not None and id(node) in allowed:
            sources = [source for source in node.inputs if source not in timeless]
            if len(sources) != 1:
                break
            name = sources[0]
        found.add(name)
    return sorted(found)
