"""Check of the graphs that this project writes, by the package onnx."""

from __future__ import annotations

import onnx

from lunavox_edge.backends.tts.piper_cut import FLOW, TEXT, find_cut


def models(content: bytes) -> dict[str, onnx.ModelProto]:
    """The parts of a voice, with the shapes that they leave open because the text part chooses them."""
    parts = find_cut(content).files()
    found = {name: onnx.load_model_from_string(b"".join(part)) for name, part in parts.items()}
    found[TEXT] = onnx.shape_inference.infer_shapes(found[TEXT], check_type=True, strict_mode=True)
    if FLOW in found:
        shapes = {port.name: port.type.tensor_type.shape for port in found[TEXT].graph.output}
        for port in found[FLOW].graph.input:
            if not port.type.tensor_type.HasField("shape"):
                port.type.tensor_type.shape.CopyFrom(shapes[port.name])
    return found


def check(model: onnx.ModelProto) -> None:
    onnx.checker.check_model(model, full_check=True)
