"""ONNX graphs as bytes: reading their structure, and writing a part of one as a model of its own.

Nodes and weights are copied byte for byte, so a part computes exactly what the whole model would, and no
protobuf library is needed to write one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lunavox_edge.backends.protobuf import (
    LENGTH,
    Field,
    content_of,
    encode,
    encode_again,
    fields,
    packed,
    text_of,
    varint,
)

# Numbers of the fields in onnx.proto.
_MODEL_GRAPH, _MODEL_METADATA = 7, 14
_GRAPH_NODE, _GRAPH_NAME, _GRAPH_TENSOR, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 2, 5, 11, 12
_GRAPH_INFO = 13
_GRAPH_KNOWN = (_GRAPH_NODE, _GRAPH_NAME, _GRAPH_TENSOR, 10, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_INFO)
_NODE_INPUT, _NODE_OUTPUT, _NODE_KIND, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TEXT, _ATTRIBUTE_GRAPH, _ATTRIBUTE_INTS = 1, 3, 4, 6, 8
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPHS = 5, 11
_TENSOR_SIZE, _TENSOR_TYPE, _TENSOR_INT64S, _TENSOR_NAME, _TENSOR_BYTES, _TENSOR_EXTERNAL = 1, 2, 7, 8, 9, 13
_INT64 = 7
_PLAIN_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. `numbers` and `texts` are attributes; `borrowed` are the tensors its subgraphs read."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: Mapping[str, tuple[int, ...]]
    texts: Mapping[str, str]
    borrowed: tuple[str, ...]
    raw: memoryview


@dataclass(frozen=True, slots=True)
class Tensor:
    """One weight; `kind` is ONNX's number of its data type."""

    kind: int
    shape: tuple[int, ...]
    raw: memoryview


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a part, where the whole graph was cut.

    `name` is its name in the part, `inside` the tensor's name in the whole graph. In `shape` a dimension of
    variable size is a name; None means an unknown shape.
    """

    name: str
    inside: str
    kind: int
    shape: tuple[int | str, ...] | None

    @property
    def raw(self) -> bytes:
        """The encoded ValueInfoProto."""
        return _value_info(self.name, self.kind, self.shape)


@dataclass(frozen=True, slots=True)
class Crop:
    """Makes a node read only a slice of its first input along `axis`.

    `start` and `stop` are the names of two new inputs of the part, one integer each, with the slice's bounds.
    """

    node: Node
    start: str
    stop: str
    axis: int

    @property
    def ports(self) -> tuple[bytes, ...]:
        """The two inputs, encoded."""
        return tuple(_value_info(name, _INT64, (1,)) for name in (self.start, self.stop))

    @property
    def raw_nodes(self) -> tuple[bytes, ...]:
        """The new Slice node, and the node that now reads its output."""
        source, *others = self.node.inputs
        cropped, axes = f"{self.start}/{source}", f"{self.start}/axes"
        read = b"".join(encode(_NODE_INPUT, name) for name in (source, self.start, self.stop, axes))
        renamed = b"".join(encode(_NODE_INPUT, name) for name in (cropped, *others))
        rest = b"".join(encode_again(field) for field in fields(self.node.raw) if field[0] != _NODE_INPUT)
        return read + encode(_NODE_OUTPUT, cropped) + encode(_NODE_KIND, "Slice"), renamed + rest

    @property
    def raw_tensor(self) -> bytes:
        """The constant with the number of the axis."""
        sizes = encode(_TENSOR_SIZE, 1) + encode(_TENSOR_TYPE, _INT64) + encode(_TENSOR_INT64S, self.axis)
        return sizes + encode(_TENSOR_NAME, f"{self.start}/axes")


class Graph:
    """The graph of a model. It refers to the memory of `content`."""

    def __init__(self, content: bytes | memoryview) -> None:
        """Read nodes and names, but not the weights. Raises ValueError for what cannot be cut by copying."""
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = {}
        self.inputs: dict[str, memoryview] = {}
        self.outputs: dict[str, memoryview] = {}
        self._around: list[Field] = []
        for field in fields(memoryview(content)):
            if field[0] == _MODEL_GRAPH:
                self._read_graph(content_of(field))
            else:
                self._around.append(field)
        self.makers = {name: node for node in self.nodes for name in node.outputs if name}

    def before(self, wanted: Iterable[str], *, stops: Iterable[str] = ()) -> list[Node]:
        """Return the nodes that the tensors `wanted` depend on, in graph order, not beyond `stops`."""
        seen, waiting, needed = set(stops), list(wanted), set()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            node = self.makers.get(name)
            if node is not None:
                needed.add(id(node))
                waiting += (*node.inputs, *node.borrowed)
        return [node for node in self.nodes if id(node) in needed]

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Return the values of a constant vector of integers, None if `name` is something else."""
        maker = self.makers.get(name)
        tensor = self.tensors.get(name) or (maker and _value_of(maker))
        if not tensor or tensor.kind != _INT64 or len(tensor.shape) != 1:
            return None
        found: list[int] = []
        for number, _, value in fields(tensor.raw):
            if number == _TENSOR_BYTES and not isinstance(value, int):
                words = (value[place : place + 8] for place in range(0, len(value), 8))
                found += (int.from_bytes(word, "little", signed=True) for word in words)
            elif number == _TENSOR_INT64S:
                found += [value] if isinstance(value, int) else packed(value)
        return tuple(found)

    def part(
        self,
        nodes: Sequence[Node],
        *,
        inputs: Sequence[Port] = (),
        outputs: Sequence[Port] = (),
        crops: Sequence[Crop] = (),
        notes: Mapping[str, str] | None = None,
    ) -> Iterator[bytes | memoryview]:
        """Yield the content of a model of these nodes, in pieces of bytes.

        Without `inputs` or `outputs` it has those of the whole graph. `notes` are added to its metadata.
        """
        names = {name for node in nodes for name in (*node.inputs, *node.borrowed)}
        changed = {id(crop.node): crop.raw_nodes for crop in crops}
        body: list[tuple[int, bytes | memoryview]] = [
            *((_GRAPH_NODE, _identity(port.name, port.inside)) for port in inputs),
            *((_GRAPH_NODE, raw) for node in nodes for raw in changed.get(id(node), (node.raw,))),
            *((_GRAPH_NODE, _identity(port.inside, port.name)) for port in outputs),
            (_GRAPH_NAME, b"part"),
            *((_GRAPH_TENSOR, tensor.raw) for name, tensor in self.tensors.items() if name in names),
            *((_GRAPH_TENSOR, crop.raw_tensor) for crop in crops),
            *((_GRAPH_INPUT, raw) for crop in crops for raw in crop.ports),
            *((_GRAPH_INPUT, raw) for raw in ([port.raw for port in inputs] or self.inputs.values())),
            *((_GRAPH_OUTPUT, raw) for raw in ([port.raw for port in outputs] or self.outputs.values())),
        ]
        yield from map(encode_again, self._around)
        for key, note in (notes or {}).items():
            yield encode(_MODEL_METADATA, encode(1, key) + encode(2, note))
        heads = [varint(number << 3 | LENGTH) + varint(len(raw)) for number, raw in body]
        size = sum(map(len, heads)) + sum(len(raw) for _, raw in body)
        yield varint(_MODEL_GRAPH << 3 | LENGTH) + varint(size)
        for head, (_, raw) in zip(heads, body, strict=True):
            yield head
            yield raw

    def _read_graph(self, graph: memoryview) -> None:
        for field in fields(graph):
            number = field[0]
            if number not in _GRAPH_KNOWN:
                raise ValueError("it has parts that are not known here")
            if number == _GRAPH_NODE:
                self.nodes.append(_node(content_of(field)))
            elif number == _GRAPH_TENSOR:
                name, tensor = _tensor(content_of(field))
                self.tensors[name] = tensor
            elif number == _GRAPH_INPUT:
                self.inputs[_name(content_of(field))] = content_of(field)
            elif number == _GRAPH_OUTPUT:
                self.outputs[_name(content_of(field))] = content_of(field)


def _node(raw: memoryview) -> Node:
    inputs: list[str] = []
    outputs: list[str] = []
    borrowed: list[str] = []
    numbers: dict[str, tuple[int, ...]] = {}
    texts: dict[str, str] = {}
    kind = domain = ""
    for field in fields(raw):
        number = field[0]
        if number == _NODE_INPUT:
            inputs.append(text_of(field))
        elif number == _NODE_OUTPUT:
            outputs.append(text_of(field))
        elif number == _NODE_KIND:
            kind = text_of(field)
        elif number == _NODE_DOMAIN:
            domain = text_of(field)
        elif number == _NODE_ATTRIBUTE:
            _read_attribute(content_of(field), numbers, texts, borrowed)
    kind = kind if domain in _PLAIN_DOMAINS else f"{domain}.{kind}"
    return Node(kind, tuple(inputs), tuple(outputs), numbers, texts, tuple(borrowed), raw)


def _read_attribute(
    raw: memoryview, numbers: dict[str, tuple[int, ...]], texts: dict[str, str], borrowed: list[str]
) -> None:
    name = ""
    found: list[int] = []
    text = None
    for field in fields(raw):
        number, _, value = field
        if number == _ATTRIBUTE_NAME:
            name = text_of(field)
        elif number == _ATTRIBUTE_TEXT:
            text = text_of(field)
        elif number in (_ATTRIBUTE_INT, _ATTRIBUTE_INTS):
            found += [value] if isinstance(value, int) else packed(value)
        elif number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
            for inner in fields(content_of(field)):
                if inner[0] == _GRAPH_NODE:
                    node = _node(content_of(inner))
                    borrowed += (*node.inputs, *node.borrowed)
    if found:
        numbers[name] = tuple(found)
    if text is not None:
        texts[name] = text


def _value_of(node: Node) -> Tensor | None:
    """Return the value of a Constant node, None for any other node."""
    attributes = (content_of(field) for field in fields(node.raw) if field[0] == _NODE_ATTRIBUTE)
    values = (inner for raw in attributes for inner in fields(raw) if inner[0] == _ATTRIBUTE_TENSOR)
    value = next(values, None) if node.kind == "Constant" else None
    return None if value is None else _tensor(content_of(value))[1]


def _tensor(raw: memoryview) -> tuple[str, Tensor]:
    name, kind = "", 0
    shape: list[int] = []
    for field in fields(raw):
        number, _, value = field
        if number == _TENSOR_SIZE:
            shape += [value] if isinstance(value, int) else packed(value)
        elif number == _TENSOR_TYPE and isinstance(value, int):
            kind = value
        elif number == _TENSOR_NAME:
            name = text_of(field)
        elif number == _TENSOR_EXTERNAL:
            raise ValueError("its weights lie in another file")
    return name, Tensor(kind, tuple(shape), raw)


def _name(port: memoryview) -> str:
    return next((text_of(field) for field in fields(port) if field[0] == 1), "")


def _value_info(name: str, kind: int, shape: Iterable[int | str] | None) -> bytes:
    sizes = b"".join(encode(1, encode(1 if isinstance(size, int) else 2, size)) for size in shape or ())
    known = b"" if shape is None else encode(2, sizes)
    return encode(1, name) + encode(2, encode(1, encode(1, kind) + known))


def _identity(source: str, target: str) -> bytes:
    return encode(_NODE_INPUT, source) + encode(_NODE_OUTPUT, target) + encode(_NODE_KIND, "Identity")
