"""A Piper voice of a few kilobytes with the real structure: random numbers, a speaker, a flow, a vocoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.fakes.tiny_onnx import FLOAT, INT64, assemble, field, node, tensor

FRAMES_PER_ID = 3
FLOW_CONTEXT = 12
"""Two couplings of two convolutions each, which see 2 and 4 frames on both sides."""
_CHANNELS, _SPEAKER_SIZE = 4, 5
_DILATIONS = (1, 2)
_TO_THE_FIRST = -1_000_000


class _Voice:
    """Collects nodes and weights of a graph."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[bytes] = []
        self.tensors: list[bytes] = []
        self._constants: set[str] = set()
        self._random = np.random.default_rng(seed)

    def add(self, kind: str, inputs: Sequence[str], output: str, **numbers: int | Sequence[int]) -> str:
        self.nodes.append(node(kind, inputs, output, **numbers))
        return output

    def channels(self, source: str, start: int, stop: int, output: str, *, step: int = 1) -> str:
        places = [self.constant(place) for place in (start, stop, 1, step)]
        return self.add("Slice", [source, *places], output)

    def constant(self, value: int) -> str:
        """Return the node of an integer constant; one node for each value."""
        name = f"constant{value}"
        if name not in self._constants:
            self._constants.add(name)
            held = tensor("", INT64, [1], np.array([value], np.int64).tobytes())
            attribute = field(5, field(1, "value") + field(5, held) + field(20, 4))
            self.nodes.append(node("Constant", [], name) + attribute)
        return name

    def same(self, source: str, output: str) -> str:
        """Return zeros in the shape of another value."""
        return self.add("ConstantOfShape", [self.add("Shape", [source], f"{output}/shape")], output)

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
    strides: Sequence[int],
    *,
    speakers: int = 0,
    flow: bool = False,
    looks_everywhere: bool = False,
    flow_looks_everywhere: bool = False,
    seed: int = 1,
) -> bytes:
    """Return a model; the product of `strides` is its hop. What looks everywhere cannot be cut."""
    voice = _Voice(seed)
    voice.integers("column", 1, 1, -1)
    voice.integers("noise_place", 0)
    voice.integers("last", 2)
    voice.floats("small", np.array([0.1], np.float32))
    voice.floats("repeats", np.array([1, 1, FRAMES_PER_ID], np.float32))
    voice.add("Cast", ["input"], "ids", to=FLOAT)
    voice.add("Mul", ["ids", "small"], "levels")
    voice.add("Reshape", ["levels", "column"], "row")
    encoded = voice.conv("enc", "row", ins=1, outs=_CHANNELS, kernel=3)
    calm = voice.add("Resize", [encoded, "", "repeats"], "long")
    voice.add("RandomNormalLike", [calm], "random", dtype=FLOAT)
    voice.add("Gather", ["scales", "noise_place"], "noise_scale")
    voice.add("Mul", ["random", "noise_scale"], "noise")
    frames = voice.add("Add", [calm, "noise"], "z")
    if speakers:
        voice.weight("emb", speakers, _SPEAKER_SIZE)
        voice.add("Gather", ["emb", "sid"], "embedding")
        voice.integers("tall", 1, _SPEAKER_SIZE, 1)
        voice.add("Reshape", ["embedding", "tall"], "g")
    if flow or flow_looks_everywhere:
        # It changes along time, so that a window at a wrong place is noticed.
        level = voice.channels(calm, 0, 1, "level")
        voice.add("Less", [level, "small"], "is_low")
        voice.add("Cast", ["is_low"], "mask", to=FLOAT)
        for name in ("flow0", "flow1"):
            frames = _couple(voice, name, frames, speaker=speakers > 0, odd=flow_looks_everywhere)
        frames = voice.add("Mul", [frames, "mask"], "masked")
    sound = voice.conv("dec.conv_pre", frames, ins=_CHANNELS, outs=_CHANNELS, kernel=7)
    if speakers:
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


def _couple(voice: _Voice, name: str, source: str, *, speaker: bool, odd: bool) -> str:
    """Flip the channels; change half of them by what a small WaveNet makes of the others."""
    flipped = voice.channels(source, -1, _TO_THE_FIRST, f"{name}/flipped", step=-1)
    halves = voice.integers(f"{name}/halves", _CHANNELS // 2, _CHANNELS // 2)
    kept, changed = f"{name}/kept", f"{name}/changed"
    voice.nodes.append(node("Split", [flipped, halves], [kept, changed], axis=1))
    first = voice.conv(f"{name}.pre", kept, ins=_CHANNELS // 2, outs=_CHANNELS, kernel=1)
    now = voice.add("Mul", [first, "mask"], f"{name}/now")
    if odd:
        now = voice.add("Softmax", [now], f"{name}/soft", axis=2)
    total = voice.same(now, f"{name}/zeros")
    wide = 2 * _CHANNELS
    if speaker:
        condition = voice.conv(f"{name}.cond", "g", ins=_SPEAKER_SIZE, outs=wide * len(_DILATIONS), kernel=1)
    for layer, dilation in enumerate(_DILATIONS):
        here = f"{name}.{layer}"
        seen = voice.conv(f"{here}.in", now, ins=_CHANNELS, outs=wide, kernel=5, dilation=dilation)
        more = (
            voice.channels(condition, layer * wide, (layer + 1) * wide, f"{here}/who")
            if speaker
            else voice.same(seen, f"{here}/nobody")
        )
        both = voice.add("Add", [seen, more], f"{here}/both")
        tanh = voice.add("Tanh", [voice.channels(both, 0, _CHANNELS, f"{here}/low")], f"{here}/tanh")
        high = voice.channels(both, _CHANNELS, wide, f"{here}/high")
        gate = voice.add("Sigmoid", [high], f"{here}/gate")
        acts = voice.add("Mul", [tanh, gate], f"{here}/acts")
        split = voice.conv(f"{here}.out", acts, ins=_CHANNELS, outs=wide, kernel=1)
        rest = voice.channels(split, 0, _CHANNELS, f"{here}/rest")
        now = voice.add("Mul", [voice.add("Add", [now, rest], f"{here}/sum"), "mask"], f"{here}/now")
        skip = voice.channels(split, _CHANNELS, wide, f"{here}/skip")
        total = voice.add("Add", [total, skip], f"{here}/total")
    mean = voice.conv(f"{name}.post", total, ins=_CHANNELS, outs=_CHANNELS // 2, kernel=1)
    zeros = voice.add("Neg", [voice.same(mean, f"{name}/logs")], f"{name}/neg")
    scale = voice.add("Exp", [zeros], f"{name}/scale")
    moved = voice.add("Sub", [changed, mean], f"{name}/moved")
    scaled = voice.add("Mul", [moved, scale], f"{name}/scaled")
    return voice.add("Concat", [kept, scaled], f"{name}/out", axis=1)
