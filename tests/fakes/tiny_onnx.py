"""A Piper voice of a few hundred bytes, written as protobuf by hand: every sample has one value.

The value is (speaker + 1) * (0.01 * noise_scale + 0.1 * length_scale + 0.001 * noise_w), and
there are 256 samples for every phoneme number, so a test can tell exactly what reached the model.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SAMPLES_PER_ID = 256
FLOAT, INT64 = 1, 7


def value(
    *, speaker: int, noise_scale: float = 0.667, length_scale: float = 1.0, noise_w: float = 0.8
) -> float:
    """Return the value of every sample."""
    return (speaker + 1) * (0.01 * noise_scale + 0.1 * length_scale + 0.001 * noise_w)


def varint(number: int) -> bytes:
    """Encode a protobuf number."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def field(number: int, content: bytes | str | int) -> bytes:
    """Encode a protobuf field."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    body = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(body)) + body


def onnx_model(*, speakers: bool) -> bytes:
    """Return the model, with or without the input for a speaker."""
    nodes = [
        node("Mul", ["scales", "weights"], "weighted"),
        node("ReduceSum", ["weighted"], "level"),
        node("Cast", ["input"], "ids", to=FLOAT),
        node("Mul", ["ids", "zero"], "zeros"),
        node("Add", ["zeros", "level"], "plain"),
    ]
    if speakers:
        nodes += [
            node("Cast", ["sid"], "speaker", to=FLOAT),
            node("Add", ["speaker", "one"], "factor"),
            node("Mul", ["plain", "factor"], "flat"),
        ]
    else:
        nodes.append(node("Mul", ["plain", "one"], "flat"))
    nodes += [
        node("Reshape", ["flat", "tall"], "column"),
        node("Expand", ["column", "wide"], "table"),
        node("Reshape", ["table", "long"], "output"),
    ]
    constants = [
        tensor("weights", FLOAT, [3], struct.pack("<3f", 0.01, 0.1, 0.001)),
        tensor("zero", FLOAT, [1], struct.pack("<f", 0.0)),
        tensor("one", FLOAT, [1], struct.pack("<f", 1.0)),
        tensor("tall", INT64, [4], struct.pack("<4q", 1, 1, -1, 1)),
        tensor("wide", INT64, [4], struct.pack("<4q", 1, 1, 1, SAMPLES_PER_ID)),
        tensor("long", INT64, [4], struct.pack("<4q", 1, 1, 1, -1)),
    ]
    return assemble(nodes, constants, speakers=speakers)


def assemble(nodes: Sequence[bytes], tensors: Sequence[bytes], *, speakers: bool) -> bytes:
    """Return a model with the inputs and the output of a Piper voice."""
    inputs = [
        port("input", INT64, [1, "n"]),
        port("input_lengths", INT64, [1]),
        port("scales", FLOAT, [3]),
    ]
    if speakers:
        inputs.append(port("sid", INT64, [1]))
    graph = b"".join(
        [
            *(field(1, item) for item in nodes),
            field(2, "tiny"),
            *(field(5, item) for item in tensors),
            *(field(11, item) for item in inputs),
            field(12, port("output", FLOAT, [1, 1, 1, "t"])),
        ]
    )
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


def voice_config(*, speakers: Sequence[str] = (), **more: object) -> dict[str, Any]:
    """Return the JSON that belongs to the model; its phonemes are letters."""
    letters = "_^$ abcdefghijklmnopqrstuvwxyz.,"
    return {
        "audio": {"sample_rate": 16000, "quality": "low"},
        "espeak": {"voice": "en-gb"},
        "phoneme_type": "text",
        "phoneme_id_map": {letter: [index] for index, letter in enumerate(letters)},
        "num_symbols": len(letters),
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": {name: index for index, name in enumerate(speakers)},
        **more,
    }


def write_voice(
    folder: Path, name: str, *, speakers: Sequence[str] = (), content: bytes = b"", **more: object
) -> Path:
    """Write a voice with its JSON; return the path of the model, which is `content` if given."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / f"{name}.onnx"
    model.write_bytes(content or onnx_model(speakers=bool(speakers)))
    (folder / f"{name}.onnx.json").write_text(
        json.dumps(voice_config(speakers=speakers, **more)), encoding="utf-8"
    )
    return model


def node(
    kind: str, inputs: Sequence[str], output: str | Sequence[str], **numbers: int | Sequence[int]
) -> bytes:
    """Encode an operation; its attributes are integers or lists of them."""
    outputs = [output] if isinstance(output, str) else output
    attributes = b"".join(
        field(5, field(1, name) + field(3, number) + field(20, 2))
        if isinstance(number, int)
        else field(5, field(1, name) + b"".join(field(8, item) for item in number) + field(20, 7))
        for name, number in numbers.items()
    )
    names = [*(field(1, name) for name in inputs), *(field(2, name) for name in outputs)]
    return b"".join(names) + field(4, kind) + attributes


def tensor(name: str, kind: int, shape: Sequence[int], raw: bytes) -> bytes:
    """Encode a weight."""
    return b"".join(field(1, size) for size in shape) + field(2, kind) + field(8, name) + field(9, raw)


def port(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    """Encode an input or output."""
    dimensions = b"".join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dimensions)))
