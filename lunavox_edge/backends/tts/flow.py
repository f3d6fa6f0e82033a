"""The flow of a Piper voice: where it begins, and how far around a frame it looks.

Between what is random and the vocoder lies a normalizing flow. It is a chain of convolutions as
the vocoder is one, so the frames that a first piece of sound needs can be made before the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lunavox_edge.backends.onnx_graph import Graph, Node, Port
from lunavox_edge.backends.tts.reach import AS_LONG, CHANNEL_BY_CHANNEL, SAMPLE_BY_SAMPLE, NotCuttable, follow

LATENT = "latent"
"""How the names of its inputs begin that change along time."""
CONTEXT = "context_frames"
"""Key of its metadata."""
# What a cast reads may be of any type, and that of an input must be known.
_STEPS = (SAMPLE_BY_SAMPLE | CHANNEL_BY_CHANNEL | AS_LONG | {"Conv"}) - {"Cast"}


@dataclass(frozen=True, slots=True)
class Flow:
    """What makes frames. The last axis of all `latents` is time, of equal length or of length 1.

    Frames depend on `context` elements of it on both sides.
    """

    latents: tuple[Port, ...]
    speaker: Port | None
    nodes: tuple[Node, ...]
    context: int

    @property
    def ports(self) -> tuple[Port, ...]:
        """What it reads."""
        return self.latents if self.speaker is None else (*self.latents, self.speaker)

    @property
    def notes(self) -> dict[str, str]:
        """Return as a model's metadata what must be known to run it in windows."""
        return {CONTEXT: str(self.context)}


def find_flow(graph: Graph, frames: Port, speaker: Port | None) -> Flow:
    """Find the border before the flow that makes `frames`. Raises NotCuttable."""
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
        # All are joined with frames, one sample with one sample, so they are of the same kind.
        latents=tuple(
            Port(f"{LATENT}_{index}", name, frames.kind, None) for index, name in enumerate(inside)
        ),
        speaker=speaker if any(ends[-1] in node.inputs for node in nodes) else None,
        nodes=tuple(nodes),
        context=known[frames.inside].context,
    )


def _steps_before(graph: Graph, name: str, timeless: set[str]) -> list[Node]:
    """Return the steps before `name` that look along time only by convolution, in their order.

    Constants are no steps; they are added to `timeless`.
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
    """Return what depends on a convolution along time; add what does not change to `timeless`."""
    found: set[str] = set()
    for node in steps:
        if timeless.issuperset(node.inputs):
            timeless.update(node.outputs)
        elif node.kind == "Conv" or not found.isdisjoint(node.inputs):
            found.update(node.outputs)
    return found


def _moved_back(graph: Graph, names: set[str], steps: list[Node], timeless: set[str]) -> list[str]:
    """Return what `names` are made of by steps that read one tensor each: the parts of one are one."""
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
