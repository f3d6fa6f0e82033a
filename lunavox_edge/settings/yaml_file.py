"""Reading a YAML file into plain values, with the line of every key. Independent of the settings model."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

MAX_FILE_BYTES = 1_048_576
MAX_NODES = 10_000
"""Maximum number of values in a file. Each use of a YAML alias counts: a few lines of aliases can expand to
billions of values."""
MAX_DEPTH = 20

KeyPath = tuple[str | int, ...]

_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")}
_DATE_TAG = "tag:yaml.org,2002:timestamp"
_TEXT_TAG = "tag:yaml.org,2002:str"
_MERGE_TAG = "tag:yaml.org,2002:merge"
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One error in the settings: `place` is `file:line` or a variable, `what` the message."""

    place: str
    key: str
    what: str

    def __str__(self) -> str:
        """One line for people."""
        return ": ".join(part for part in (self.place, self.key, self.what) if part)


@dataclass(slots=True)
class YamlTree:
    """The parsed value of a file or a variable. `lines` has the line of every value, by the path of its keys.

    `problems` are (line, message); line 0 means the whole text.
    """

    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)


def read_yaml(path: Path) -> YamlTree:
    """Read and parse a file. Never raises: errors are in `problems` of the result."""
    text = _read_text(path)
    return YamlTree(problems=[(0, text.reason)]) if isinstance(text, _Unreadable) else parse_yaml(text)


def parse_yaml(text: str) -> YamlTree:
    """Parse text. Never raises: errors are in `problems` of the result."""
    tree = YamlTree()
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        value = _NOTHING if node is None else _Builder(loader, tree).build(node, (), 0)
        tree.value = None if value is _NOTHING else value
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        tree.problems.append((mark.line + 1 if mark else 0, f"this is not YAML: {error.problem}"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        tree.problems.append((line, "this is not YAML: it holds a control character"))
    except (_TooMuchError, RecursionError):
        tree.problems.append((0, f"too large: over {MAX_NODES} values, or nested over {MAX_DEPTH} deep"))
    return tree


@dataclass(frozen=True, slots=True)
class _Unreadable:
    reason: str


def _read_text(path: Path) -> str | _Unreadable:
    try:
        # Reading a pipe or a device could block or never end.
        if not stat.S_ISREG(path.stat().st_mode):
            return _Unreadable("this is not a file")
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return _Unreadable("there is no such file")
    except (OSError, ValueError) as error:
        return _Unreadable(f"cannot be read: {getattr(error, 'strerror', None) or error}")
    if len(raw) > MAX_FILE_BYTES:
        return _Unreadable(f"too large: over {MAX_FILE_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _Unreadable(f"this is not text in UTF-8 (line {line})")
    return _Unreadable("this is not a text file") if "\0" in text else text


class _TooMuchError(Exception):
    pass


class _Loader(yaml.SafeLoader):
    """Stops composing a file with too many nodes early, before that costs much time and memory."""

    composed = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.composed += 1
        if self.composed > 2 * MAX_NODES:  # keys are nodes too
            raise _TooMuchError
        return super().compose_node(parent, index)


class _Builder:
    """Builds values from YAML nodes and notes their lines and problems in the tree."""

    def __init__(self, loader: _Loader, tree: YamlTree) -> None:
        self._loader = loader
        self._tree = tree
        self._built = 0

    def build(self, node: yaml.Node, path: KeyPath, depth: int) -> Any:  # noqa: ANN401  # YAML holds anything
        self._built += 1
        if self._built > MAX_NODES or depth > MAX_DEPTH:
            raise _TooMuchError
        self._tree.lines.setdefault(path, node.start_mark.line + 1)
        if node.tag == _DATE_TAG:
            return node.value
        if node.tag not in _TAGS:
            self._problem(node.start_mark.line + 1, f"the tag '{node.tag}' is not supported")
            return _NOTHING
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            items = [self.build(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
            return [item for item in items if item is not _NOTHING]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == _MERGE_TAG:
                self._problem(line, "'<<' is not supported; write the keys out")
                continue
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TEXT_TAG:
                shown = f" '{key_node.value}'" if isinstance(key_node, yaml.ScalarNode) else ""
                self._problem(line, f"the key{shown} is not text; put it in quotes")
                continue
            key = key_node.value
            at = (*path, key)
            if at in self._tree.lines:
                first = self._tree.lines[at]
                self._problem(line, f"the key '{key}' is here a second time; the first is in line {first}")
                continue
            self._tree.lines[at] = line
            value = self.build(value_node, at, depth + 1)
            if value is not _NOTHING:
                found[key] = value
        return found

    def _scalar(self, node: yaml.Node) -> Any:  # noqa: ANN401  # YAML holds anything
        try:
            return self._loader.construct_object(node)
        except (ValueError, KeyError, yaml.YAMLError):
            self._problem(node.start_mark.line + 1, f"'{node.value[:50]}' is not a value of its kind")
            return _NOTHING

    def _problem(self, line: int, what: str) -> None:
        self._tree.problems.append((line, what))
