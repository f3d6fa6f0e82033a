"""Cutting the graph of a Piper voice into text part, flow and vocoder (without a flow if it is unknown)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lunavox_edge.backends.onnx_graph import Graph
from lunavox_edge.backends.tts.flow import Flow, find_flow
from lunavox_edge.backends.tts.reach import NotCuttable
from lunavox_edge.backends.tts.vocoder import Vocoder, find_vocoder

TEXT, FLOW, VOCODER = "text.onnx", "flow.onnx", "vocoder.onnx"
"""File names of the parts."""
NEXT = "next"
"""Metadata key of the text part: the file name of the part that reads its output."""

Content = Iterator["bytes | memoryview"]


@dataclass(frozen=True, slots=True)
class Cut:
    """The parts of a voice. Without a `flow` the text part computes the frames."""

    graph: Graph
    flow: Flow | None
    vocoder: Vocoder

    def files(self) -> dict[str, Content]:
        """Return the content of the parts as model files, by file name."""
        vocoder, flow = self.vocoder, self.flow
        made = vocoder.ports if flow is None else (*flow.latents, *vocoder.ports[1:])
        found = {
            TEXT: self.graph.part(
                self.graph.before(port.inside for port in made),
                outputs=made,
                notes={NEXT: VOCODER if flow is None else FLOW},
            ),
            VOCODER: self.graph.part(
                vocoder.nodes, inputs=vocoder.ports, crops=vocoder.crops, notes=vocoder.layout.notes
            ),
        }
        if flow is not None:
            found[FLOW] = self.graph.part(
                flow.nodes, inputs=flow.ports, outputs=[vocoder.frames], notes=flow.notes
            )
        return found


def find_cut(content: bytes) -> Cut:
    """Find the parts in the content of a voice's file. Raises NotCuttable if the vocoder is not found."""
    try:
        graph = Graph(content)
        vocoder = find_vocoder(graph)
    except NotCuttable:
        raise
    except (ValueError, LookupError) as error:
        raise NotCuttable(f"its graph is of an unknown kind: {error}") from error
    try:
        flow = find_flow(graph, vocoder.frames, vocoder.speaker)
    except (ValueError, LookupError):
        # Then the text part extends to the frames.
        flow = None
    return Cut(graph, flow, vocoder)
