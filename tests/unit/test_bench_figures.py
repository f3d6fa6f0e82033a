from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from lunavox_edge.bench.context import QUICK, BenchRun
from lunavox_edge.bench.document import Document
from lunavox_edge.bench.figure_table import FigureTable, Summary, p90
from lunavox_edge.bench.goals import BOARD, FULL, Goal, Measure
from lunavox_edge.bench.listener_playback import Arrival, gaps
from lunavox_edge.bench.word_errors import normalized, word_errors
from lunavox_edge.errors import SettingsError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("arrivals", "count", "seconds"),
    [
        ([], 0, 0.0),
        ([(5.0, 1.0)], 0, 0.0),
        ([(1.0, 0.5), (1.2, 0.5), (1.9, 0.5)], 0, 0.0),  # always ahead of the listener
        ([(1.0, 0.5), (1.503, 0.5)], 0, 0.0),  # less than the clock can tell
        ([(1.0, 0.5), (1.75, 0.5)], 1, 0.25),
        ([(1.0, 0.5), (2.0, 0.5), (2.5, 0.5)], 1, 0.5),  # after a gap the listener is later, too
        ([(1.0, 0.5), (2.0, 0.5), (3.0, 0.5)], 2, 1.0),
        ([(1.0, 2.0), (1.1, 2.0), (5.5, 1.0)], 1, 0.5),  # what came early is used up first
    ],
)
def test_gaps_are_what_a_listener_in_real_time_hears(
    arrivals: list[tuple[float, float]], count: int, seconds: float
) -> None:
    found = gaps(Arrival(*arrival) for arrival in arrivals)
    assert found.count == count
    assert found.seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("Turn on the light.", "turn on the light", 0),
        ("eight of spades four of clubs", "8 of spades, 4 of clubs.", 0),
        ("two thousand and five", "2005", 0),
        ("mister john dashwood", "Mr. John Dashwood", 0),
        ("rather cold hearted", "rather cold-hearted", 0),
        ("don't stop", "don’t stop", 0),
        ("one two three", "one three", 1),
        ("one two three", "one too three four", 2),
        ("stop", "", 1),
    ],
)
def test_word_errors_count_words_not_spellings(said: str, heard: str, errors: int) -> None:
    assert word_errors(said, heard) == (errors, len(normalized(said)))


GOALS = {
    "first audio": Goal(0.25),
    "gaps": Goal(0, Measure.VALUE),
    "describe": Goal(5, Measure.VALUE),
    "words": Goal(0.5, Measure.ABOVE),
    "long": Goal(1.5, Measure.OWN, "first audio"),
    "open": Goal(0.5),
}


def filled() -> FigureTable:
    report = FigureTable(["ours", "theirs"], GOALS)
    report.add("first audio", "ours", 10.0, 30.0, 20.0)
    report.add("first audio", "theirs", 200.0, 80.0, 100.0)
    report.add("gaps", "ours", 0, unit="", summary=Summary.TOTAL)
    report.add("gaps", "theirs", 2, 3, unit="", summary=Summary.TOTAL)
    report.add("describe", "ours", 1.0, 9.0, summary=Summary.WORST)
    report.fail("describe", "theirs", summary=Summary.WORST)
    report.add("words", "ours", 7.4, unit="%")
    report.add("words", "theirs", 7.0, unit="%")
    report.add("long", "ours", 31.0)
    report.add("open", "ours", 1.0)
    report.note("On a quiet machine.")
    report.note("On a quiet machine.")
    report.outputs["other --program"] = "said this"
    return report


def test_the_table_shows_median_p90_ratio_failures_and_goals() -> None:
    assert filled().markdown().splitlines() == [
        "| figure | ours | theirs | ratio | goal |",
        "| --- | ---: | ---: | ---: | --- |",
        "| first audio [ms] | 20.0 (30.0) | 100 (200) | 0.20 | ≤ 0.25 × met |",
        "| gaps | 0 | 5 | 0.00 | 0 met |",
        "| describe [ms] | 9.00 | 1 failed |  | ≤ 5 ms **missed** |",
        "| words [%] | 7.40 | 7.00 | 1.06 | ≤ peer + 0.5 met |",
        "| long [ms] | 31.0 | – |  | ≤ 1.5 × first audio **missed** |",
        "| open [ms] | 1.00 | – |  | ≤ 0.50 × |",
        "",
        "* 3 of 5 goals are met.",
        "* On a quiet machine.",
        "",
        "`other --program`",
        "",
        "```text",
        "said this",
        "```",
    ]


def test_several_peers_have_a_ratio_each_and_a_goal_is_met_against_all() -> None:
    report = FigureTable(["ours", "a", "b", "c"], {"x": Goal(0.3)})
    report.add("x", "ours", 1.0)
    report.add("x", "b", 4.0)
    first, _, line = report.markdown().splitlines()[:3]
    assert first == "| figure | ours | a | ratio to a | b | ratio to b | c | ratio to c | goal |"
    assert line == "| x [ms] | 1.00 | – |  | 4.00 | 0.25 | – |  | ≤ 0.30 × met |"
    report.add("x", "c", 2.0)
    assert report.met(report.rows["x"]) is False


@pytest.mark.parametrize("extent", [FULL, BOARD])
def test_a_goal_that_is_a_share_of_another_figure_names_one_that_is_measured(extent: dict[str, Goal]) -> None:
    for goal in extent.values():
        assert (goal.measure is Measure.OWN) == bool(goal.other)
        assert not goal.other or goal.other in extent


@pytest.mark.parametrize("old", ["", "\n\nold\ntable\n\n"])
def test_a_table_replaces_what_is_in_its_place_only(tmp_path: Path, old: str) -> None:
    file = tmp_path / "a.md"
    text = "# A\n<!-- bench:full -->{}<!-- /bench:full -->\nend <!-- bench:board -->x<!-- /bench:board -->"
    file.write_text(text.format(old), encoding="utf-8")
    for table in ("| one |", "| two |\n"):
        Document(file, "full").write(table)
        assert file.read_text(encoding="utf-8") == text.format(f"\n\n{table.strip()}\n\n")


def test_a_document_without_a_place_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    with pytest.raises(SettingsError, match="read"):
        Document(file, "full")
    file.write_text("<!-- /bench:full --> <!-- bench:full -->", encoding="utf-8")
    with pytest.raises(SettingsError, match="no place"):
        Document(file, "full")


def test_our_document_has_a_place_for_every_table() -> None:
    file = Path(__file__).resolve().parents[2] / "docs" / "BENCHMARKS.md"
    assert Document(file, "full")
    assert Document(file, "board")


def test_json_has_every_sample() -> None:
    data = json.loads(json.dumps(filled().data()))
    figure = data["figures"][0]
    assert figure["samples"]["theirs"] == [200.0, 80.0, 100.0]
    assert figure["values"] == {"ours": 20.0, "theirs": 100.0}
    assert figure["ratios"] == {"theirs": 0.2}
    assert (figure["goal"], figure["met"]) == ("≤ 0.25 ×", True)
    assert data["figures"][2]["failures"] == {"theirs": 1}
    assert data["outputs"] == {"other --program": "said this"}


def test_a_ratio_to_nothing_is_none() -> None:
    report = FigureTable(["ours", "theirs"])
    report.add("gaps", "ours", 3)
    report.add("gaps", "theirs", 0)
    assert report.rows["gaps"].ratio("ours", "theirs") is None


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (2, 2), (9, 9), (10, 9), (20, 18)])
def test_p90(count: int, expected: int) -> None:
    assert p90(range(1, count + 1)) == expected


def test_no_sample_has_no_p90() -> None:
    assert p90([]) is None


def test_no_text_is_spoken_twice_and_time_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunavox_edge.bench.context.time", SimpleNamespace(monotonic=lambda: 100.0))
    context = BenchRun([], QUICK, FigureTable(["ours"]), lambda _: None, 200.0)
    numbers = [*context.numbers(3), *context.numbers(2)]
    assert sorted(set(numbers)) == numbers
    context.take_share(1, 3)
    assert context.left_s == 25.0
    context.take_share(3, 0)
    assert context.left_s == 100.0
