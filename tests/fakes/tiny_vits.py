"""A Piper voice of a few kilobytes with the true shape: random frames, a speaker, a HiFi-GAN vocoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.fakes.tiny_onnx import FLOAT, INT64, assemble, node, tensor

FRAMES_PER_ID = 3
_CHANNELS, _SPEAKER_SIZE = 4, 5


class _Voice:
    """Nodes and weights as they are added."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[bytes] = []
        self.tensors: list[bytes] = []
        self._random = np.random.default_rng(seed)

    def add(self, kind: str, inputs: Sequence[str], output: str, **numbers: int | Sequence[int]) -> str:
        self.nodes.append(node(kind, inputs, output, **numbers))
        return output

    def floats(self, name: str, values: NDArray[np.float32]) -> str:
        self.tensors.append(tensor(name, FLOAT, values.shape, values.tobytes()))
        return name

    def weight(self, name: str, *shape: int) -> str:
        return self.floats(name, self._random.normal(0, 0.5, shape).astype(np.float32))

    def integers(self, name: str, *values: int) -> str:
        self.tensors.append(tensor(name, INT64, [len(values)], np.array(values, np.int64).tobytes()))
        return name

    def conv(self, name: str, source: str, *, ins: int, outs: int, kernel: int, dilation: int = 1) -> str:
        around = dilation * (kernel - 1) // 2
        weights = [self.weight(f"{name}.weight", outs, ins, kernel), self.weight(f"{name}.bias", outs)]
        return self.add(
            "Conv",
            [source, *weights],
            f"{name}/out",
            dilations=[dilation],
            kernel_shape=[kernel],
            pads=[around, around],
            strides=[1],
        )

    def grow(self, name: str, source: str, *, channels: int, stride: int) -> str:
        kernel = 2 * stride + stride % 2
        around = (kernel - stride) // 2
        weights = [self.weight(f"{name}.weight", channels, channels, kernel)]
        return self.add(
            "ConvTranspose",
            [source, *weights],
            f"{name}/out",
            dilations=[1],
            kernel_shape=[kernel],
            pads=[around, around],
            strides=[stride],
        )


def vits(
    strides: Sequence[int], *, speakers: int = 0, looks_everywhere: bool = False, seed: int = 1
) -> bytes:
    """Return a model; the product of `strides` is its hop. `looks_everywhere`: it cannot be cut."""
    voice = _Voice(seed)
    voice.integers("column", 1, 1, -1)
    voice.integers("noise_place", 0)
    voice.integers("last", 2)
    voice.floats("small", np.array([0.1], np.float32))
    voice.floats("repeats", np.array([1, 1, FRAMES_PER_ID], np.float32))
    voice.add("Cast", ["input"], "ids", to=FLOAT)
    voice.add("Mul", ["ids", "small"], "levels")
    voice.add("Reshape", ["levels", "column"], "row")
    voice.add("Resize", ["row", "", "repeats"], "long")
    calm = voice.conv("enc", "long", ins=1, outs=_CHANNELS, kernel=3)
    voice.add("RandomNormalLike", [calm], "random", dtype=FLOAT)
    voice.add("Gather", ["scales", "noise_place"], "noise_scale")
    voice.add("Mul", ["random", "noise_scale"], "noise")
    voice.add("Add", [calm, "noise"], "z")
    sound = voice.conv("dec.conv_pre", "z", ins=_CHANNELS, outs=_CHANNELS, kernel=7)
    if speakers:
        voice.weight("emb", speakers, _SPEAKER_SIZE)
        voice.add("Gather", ["emb", "sid"], "embedding")
        voice.integers("tall", 1, _SPEAKER_SIZE, 1)
        voice.add("Reshape", ["embedding", "tall"], "g")
        condition = voice.conv("dec.cond", "g", ins=_SPEAKER_SIZE, outs=_CHANNELS, kernel=1)
        sound = voice.add("Add", [sound, condition], "conditioned")
    for stage, stride in enumerate(strides):
        sound = voice.add("LeakyRelu", [sound], f"relu{stage}")
        sound = grown = voice.grow(f"up{stage}", sound, channels=_CHANNELS, stride=stride)
        for kernel, dilation in ((3, 1), (5, 2), (7, 3)):
            name = f"res{stage}.{kernel}"
            sound = voice.add("LeakyRelu", [sound], f"{name}/relu")
            sound = voice.conv(name, sound, ins=_CHANNELS, outs=_CHANNELS, kernel=kernel, dilation=dilation)
            sound = voice.add("Add", [sound, grown], f"{name}/sum")
        sound = voice.add("Mul", [sound, "small"], f"mean{stage}")
    if looks_everywhere:
        sound = voice.add("Softmax", [sound], "soft", axis=2)
    sound = voice.conv("dec.conv_post", sound, ins=_CHANNELS, outs=1, kernel=7)
    voice.add("Tanh", [sound], "tanh")
    voice.add("Unsqueeze", ["tanh", "last"], "output")
    return assemble(voice.nodes, voice.tensors, speakers=bool(speakers))
