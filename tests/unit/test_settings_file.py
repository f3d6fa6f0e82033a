from __future__ import annotations

import os
from pathlib import Path

import pytest

from lunavox_edge.settings.yaml_file import MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES, parse_yaml, read_yaml
from tests.fakes import processor_time

pytestmark = pytest.mark.unit

_MAX_S = 10.0


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_values_and_their_lines() -> None:
    tree = parse_yaml("a:\n  b: 1\n  c:\n    - x\n    - 2.5\nd: {e: null,\n f: true}\n")
    assert tree.value == {"a": {"b": 1, "c": ["x", 2.5]}, "d": {"e": None, "f": True}}
    assert tree.lines["a", "b"] == 2
    assert tree.lines["a", "c", 1] == 5
    assert tree.lines["d", "f"] == 7
    assert tree.problems == []


def test_dates_stay_text_and_aliases_are_followed() -> None:
    assert parse_yaml("a: &x [2024-01-01]\nb: *x").value == {"a": ["2024-01-01"], "b": ["2024-01-01"]}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\na: 2", 2, "the key 'a' is here a second time; the first is in line 1"),
        ("a:\n  b: 1\n  c: 2\n  b: 3", 4, "the key 'b' is here a second time; the first is in line 2"),
        ("8: x", 1, "the key '8' is not text; put it in quotes"),
        ("x: {no: 1}", 1, "the key 'no' is not text; put it in quotes"),
        ("? [a]\n: b", 1, "the key is not text"),
        ("a: &x {b: 1}\nc:\n  <<: *x", 3, "'<<' is not supported"),
        ("a: !!python/object/apply:os.system [ls]", 1, "not supported"),
        ("a: !!binary aGk=", 1, "not supported"),
        ("a: !!int x", 1, "'x' is not a value of its kind"),
        ("a: [1\nb: 2", 2, "this is not YAML"),
        ("a:\n\t- b", 2, "this is not YAML"),
        ("a: 1\n---\nb: 2", 2, "this is not YAML"),
        ("a: *nobody", 1, "this is not YAML"),
        ("a: 1\nb: \x07", 2, "this is not YAML"),
        ("a: " + "9" * 5000, 1, "is not a value of its kind"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, what: str) -> None:
    ((found_line, found),) = parse_yaml(text).problems
    assert what in found
    assert found_line == line


@pytest.mark.parametrize(
    "text",
    [
        bomb(9),
        "a: &a [*a]",
        "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2),
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "[" + "x," * MAX_NODES + "]",
    ],
    ids=["bomb", "cycle", "deep", "endless list", "endless map", "endless items", "many"],
)
def test_what_would_cost_much_is_refused_soon(text: str) -> None:
    with processor_time.at_most(_MAX_S):
        tree = parse_yaml(text)
    assert tree.value is None
    assert "too large" in tree.problems[0][1]


def test_a_file_of_the_greatest_size_is_read(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text("#" * (MAX_FILE_BYTES - 1) + "\n", encoding="utf-8")
    assert read_yaml(file).problems == []
    file.write_text("#" * (MAX_FILE_BYTES + 1), encoding="utf-8")
    assert read_yaml(file).problems == [(0, f"too large: over {MAX_FILE_BYTES} bytes")]


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"\x7fELF\x00\x00", "this is not a text file"),
        (b"a: 1\nb: \xff\n", "this is not text in UTF-8 (line 2)"),
        ("a: 1".encode("utf-16"), "this is not text in UTF-8 (line 1)"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, raw: bytes, what: str) -> None:
    file = tmp_path / "edge.yaml"
    file.write_bytes(raw)
    assert read_yaml(file).problems == [(0, what)]


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text("a: ä", encoding="utf-8-sig")
    assert read_yaml(file).value == {"a": "ä"}


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/zero")):
        assert read_yaml(path).problems == [(0, "this is not a file")]
    assert read_yaml(tmp_path / "x").problems == [(0, "there is no such file")]
    assert "cannot be read" in read_yaml(tmp_path / ("x" * 300)).problems[0][1]
    assert "cannot be read" in read_yaml(tmp_path / "\0").problems[0][1]
