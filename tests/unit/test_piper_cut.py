"""Cutting the graph of a Piper voice into parts, and the windows that the parts run in."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lunavox_edge.backends.onnx_graph import Graph
from lunavox_edge.backends.tts.flow import find_flow
from lunavox_edge.backends.tts.piper_cut import FLOW, NEXT, TEXT, VOCODER, find_cut
from lunavox_edge.backends.tts.piper_sound import (
    EAGER_FRAMES,
    FLOW_FRAMES,
    FLOW_LEAST_FRAMES,
    chunks,
    flow_stops,
)
from lunavox_edge.backends.tts.reach import NotCuttable, follow
from lunavox_edge.backends.tts.vocoder import find_vocoder
from tests.fakes.tiny_onnx import FLOAT, INT64, assemble, field, node, tensor
from tests.fakes.tiny_vits import FLOW_CONTEXT, vits

pytestmark = pytest.mark.unit


def one(value: int) -> bytes:
    return value.to_bytes(8, "little", signed=True)


@pytest.mark.parametrize("speakers", [0, 2])
def test_the_flow_begins_after_what_is_random(speakers: int) -> None:
    cut = find_cut(vits((4, 2), speakers=speakers, flow=True))
    assert cut.flow is not None
    assert {port.inside for port in cut.flow.latents} == {"z", "mask"}
    assert (cut.flow.speaker is not None) == (speakers > 0)
    assert cut.flow.context == FLOW_CONTEXT
    assert cut.flow.notes == {"context_frames": str(FLOW_CONTEXT)}


@pytest.mark.parametrize("speakers", [0, 2])
def test_no_step_is_in_two_parts_and_none_is_lost(speakers: int) -> None:
    content = vits((4, 2), speakers=speakers, flow=True)
    parts = {name: Graph(b"".join(part)) for name, part in find_cut(content).files().items()}
    assert set(parts) == {TEXT, FLOW, VOCODER}
    nodes = Graph(content).before(["output"])
    constants = {name for made in nodes if made.kind == "Constant" for name in made.outputs}
    known = {name for made in nodes for name in made.outputs}
    made = {name: known.intersection(graph.makers) for name, graph in parts.items()}
    # A part also names what it is given.
    inside = {name: found - constants - {"z", "mask", "g", "masked"} for name, found in made.items()}
    assert sum(map(len, inside.values())) == len(set().union(*inside.values()))
    assert known <= set().union(*made.values())
    assert "random" in made[TEXT]
    assert constants & made[TEXT] & made[FLOW]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (vits((4, 2)), "its frames do not come from a flow"),
        (vits((4, 2), flow_looks_everywhere=True), "its flow and what comes before are not apart"),
    ],
)
def test_without_a_known_flow_the_text_part_makes_the_frames(content: bytes, reason: str) -> None:
    graph = Graph(content)
    vocoder = find_vocoder(graph)
    with pytest.raises(NotCuttable, match=reason):
        find_flow(graph, vocoder.frames, vocoder.speaker)
    cut = find_cut(content)
    assert cut.flow is None
    assert set(cut.files()) == {TEXT, VOCODER}


@pytest.mark.parametrize("flow", [True, False])
def test_the_text_part_says_what_comes_next(*, flow: bool) -> None:
    text = b"".join(find_cut(vits((4, 2), flow=flow)).files()[TEXT])
    note = field(14, field(1, NEXT) + field(2, FLOW if flow else VOCODER))
    assert note in text


STEPS = {
    "a slice along channels": (node("Slice", ["x", "zero", "two", "one", "one"], "y"), True),
    "a slice along time": (node("Slice", ["x", "zero", "two", "two", "one"], "y"), False),
    "a slice along whatever": (node("Slice", ["x", "zero", "two"], "y"), False),
    "a slice that x chooses": (node("Slice", ["x", "x", "two", "one", "one"], "y"), False),
    "a split along channels": (node("Split", ["x", "both"], ["y", "z"], axis=1), True),
    "a split along time": (node("Split", ["x", "both"], ["y", "z"], axis=2), False),
    "a split along the default": (node("Split", ["x", "both"], ["y", "z"]), False),
    "channels in another order": (node("Gather", ["x", "both"], "y", axis=1), True),
    "one channel": (node("Gather", ["x", "scalar"], "y", axis=1), False),
    "samples in another order": (node("Gather", ["x", "both"], "y", axis=2), False),
    "more channels": (node("Concat", ["x", "x"], "y", axis=1), True),
    "more time": (node("Concat", ["x", "x"], "y", axis=2), False),
    "channels that last for one sample": (node("Concat", ["x", "floats"], "y", axis=1), False),
    "a sum": (node("Add", ["x", "floats"], "y"), True),
    "a sum along time": (node("CumSum", ["x", "two"], "y"), False),
    "a mean": (node("ReduceMean", ["x"], "y", axes=[2]), False),
}


@pytest.mark.parametrize("step", STEPS)
def test_only_steps_that_keep_time_in_order_are_followed(step: str) -> None:
    raw, is_fine = STEPS[step]
    weights = [
        *(tensor(name, INT64, [1], one(value)) for name, value in (("zero", 0), ("one", 1), ("two", 2))),
        tensor("both", INT64, [2], one(1) + one(1)),
        tensor("scalar", INT64, [], one(1)),
        tensor("floats", FLOAT, [1], bytes(4)),
    ]
    graph = Graph(assemble([raw], weights, speakers=False))
    if is_fine:
        found = follow(graph, graph.nodes, start=["x"], timeless=[], part="flow")
        assert found["y"] == found["x"]
    else:
        with pytest.raises(NotCuttable, match="its flow has an unknown step"):
            follow(graph, graph.nodes, start=["x"], timeless=[], part="flow")


def test_what_is_only_as_long_does_not_depend_on_what_it_measures() -> None:
    nodes = [
        node("Conv", ["x", "weights"], "wide", pads=[2, 2]),
        node("Shape", ["wide"], "shape"),
        node("ConstantOfShape", ["shape"], "zeros"),
        node("Add", ["x", "zeros"], "y"),
    ]
    weights = tensor("weights", FLOAT, [4, 4, 5], bytes(4 * 80))
    graph = Graph(assemble(nodes, [weights], speakers=False))
    found = follow(graph, graph.nodes, start=["x"], timeless=[], part="flow")
    assert (found["wide"].context, found["y"].context) == (2, 0)
    reshaped = [*nodes[:2], node("Slice", ["shape", "x"], "other"), node("ConstantOfShape", ["other"], "y")]
    graph = Graph(assemble(reshaped, [weights], speakers=False))
    with pytest.raises(NotCuttable, match="unknown step"):
        follow(graph, graph.nodes, start=["x"], timeless=[], part="flow")


def test_integers_are_read_from_weights_and_constants() -> None:
    listed = field(1, 2) + field(2, INT64) + field(7, 5) + field(7, 6) + field(8, "listed")
    constant = field(5, field(1, "value") + field(5, tensor("", INT64, [1], one(-3))))
    nodes = [field(2, "made") + field(4, "Constant") + constant]
    weights = [
        tensor("raw", INT64, [2], one(7) + one(-8)),
        listed,
        tensor("scalar", INT64, [], one(1)),
        tensor("float", FLOAT, [1], bytes(4)),
    ]
    graph = Graph(assemble(nodes, weights, speakers=False))
    found = {name: graph.integers(name) for name in ("raw", "listed", "made", "scalar", "float", "absent")}
    assert found == {
        "raw": (7, -8),
        "listed": (5, 6),
        "made": (-3,),
        "scalar": None,
        "float": None,
        "absent": None,
    }


@pytest.mark.parametrize("context", [0, 3, 32])
@pytest.mark.parametrize("soon", [[], [24], [24, 96]])
@pytest.mark.parametrize("count", [1, 24, 25, 88, 89, 96, 160, 161, 400, 601, 5000])
def test_windows_cover_every_frame_once_and_are_bounded(count: int, soon: list[int], context: int) -> None:
    stops = list(flow_stops(count, soon, context))
    assert stops[-1] == count
    sizes = [stop - start for start, stop in pairwise([0, *stops])]
    assert min(sizes) > 0
    assert max(sizes) <= 1.5 * FLOW_FRAMES
    # Another window only where it saves the listener more frames than it costs in all.
    first = max(24, FLOW_LEAST_FRAMES - context)
    assert (stops[0] == first) == bool((soon and count - first > 2 * context) or count == first)
    seen = [min(count, stop + context) - max(0, start - context) for start, stop in pairwise([0, *stops])]
    assert not soon or context < 32 or min(seen) >= min(count, FLOW_LEAST_FRAMES)


@pytest.mark.parametrize("count", [1, 12, 13, 31, 32, 100, 216, 220, 5000])
def test_pieces_follow_each_other_and_grow(count: int) -> None:
    found = list(chunks(count, EAGER_FRAMES))
    assert [start for start, _ in found] == [0, *(stop for _, stop in found[:-1])]
    assert found[-1][1] == count
    lengths = [stop - start for start, stop in found]
    grown = [*EAGER_FRAMES, *[EAGER_FRAMES[-1]] * len(lengths)]
    assert lengths[:-2] == grown[: len(lengths[:-2])]
    assert len(lengths) == 1 or lengths[-1] >= min(20, count)
    assert max(lengths) < EAGER_FRAMES[-1] + 20
    # Two workers end at the same time.
    assert len(lengths) <= len(EAGER_FRAMES) or -1 <= lengths[-1] - lengths[-2] < 20
