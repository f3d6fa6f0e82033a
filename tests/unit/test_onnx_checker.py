"""Every graph that we write is valid according to the library onnx."""

from __future__ import annotations

import onnx
import pytest

from lunavox_edge.backends.onnx_graph import Graph
from lunavox_edge.backends.tts.piper_cut import FLOW, TEXT, VOCODER
from tests.fakes.onnx_checker import check, models
from tests.fakes.tiny_vits import vits

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("speakers", [0, 2])
@pytest.mark.parametrize("flow", [True, False])
@pytest.mark.parametrize("strides", [(8, 8, 4), (8, 8, 2, 2), (4, 2), (5, 3, 2)])
def test_every_part_of_a_voice_is_a_valid_model(
    strides: tuple[int, ...], *, flow: bool, speakers: int
) -> None:
    found = models(vits(strides, speakers=speakers, flow=flow))
    assert set(found) == ({TEXT, FLOW, VOCODER} if flow else {TEXT, VOCODER})
    for model in found.values():
        check(model)


def test_a_part_that_reads_what_nobody_makes_is_seen() -> None:
    graph = Graph(vits((4, 2)))
    nodes = graph.before(["output"])
    broken = onnx.load_model_from_string(b"".join(graph.part(nodes[1:])))
    with pytest.raises(onnx.checker.ValidationError):
        check(broken)
