"""Samples of every figure for every service, and the table that compares the services."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from lunavox_edge.bench.goals import Goal, Measure


class Summary(str, Enum):
    """How the samples of a figure are summarised as one number."""

    MEDIAN = "median"
    WORST = "worst"
    TOTAL = "total"
    MEAN = "mean"


@dataclass(slots=True)
class Row:
    """One figure: samples and failures of each service."""

    name: str
    unit: str
    summary: Summary
    samples: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    def value(self, service: str) -> float | None:
        """Return the summary of a service's samples; None without samples."""
        values = self.samples.get(service)
        if not values:
            return None
        if self.summary is Summary.TOTAL:
            return sum(values)
        if self.summary is Summary.WORST:
            return max(values)
        return statistics.median(values) if self.summary is Summary.MEDIAN else statistics.fmean(values)

    def ratio(self, service: str, peer: str) -> float | None:
        """Return the service's value divided by the peer's; None if it is undefined."""
        ours, theirs = self.value(service), self.value(peer)
        return None if ours is None or not theirs else ours / theirs


class FigureTable:
    """All figures, in the order in which they were first measured."""

    def __init__(self, services: Sequence[str], goals: Mapping[str, Goal] | None = None) -> None:
        """Create an empty table; the first service is compared with each of the others."""
        self.services = tuple(services)
        self._goals = goals or {}
        self.rows: dict[str, Row] = {}
        self.notes: list[str] = []
        self.outputs: dict[str, str] = {}
        """Output of other programs, by command."""

    def row(self, name: str, unit: str = "ms", summary: Summary = Summary.MEDIAN) -> Row:
        """Return the row of a figure; create it if it is new."""
        return self.rows.setdefault(name, Row(name, unit, summary))

    def add(
        self,
        name: str,
        service: str,
        *values: float,
        unit: str = "ms",
        summary: Summary = Summary.MEDIAN,
    ) -> None:
        """Add samples of a service to a figure."""
        self.row(name, unit, summary).samples.setdefault(service, []).extend(values)

    def fail(self, name: str, service: str, *, unit: str = "ms", summary: Summary = Summary.MEDIAN) -> None:
        """Count a failed measurement."""
        failures = self.row(name, unit, summary).failures
        failures[service] = failures.get(service, 0) + 1

    def note(self, text: str) -> None:
        """Add a sentence below the table; duplicates are ignored."""
        if text not in self.notes:
            self.notes.append(text)

    def met(self, row: Row) -> bool | None:
        """Return whether the goal of a figure is met against every peer; None if it cannot be decided."""
        goal = self._goals.get(row.name)
        if goal is None:
            return None
        ours, *peers = self.services
        other = self.rows[goal.other].value(ours) if goal.other in self.rows else None
        if goal.measure in (Measure.VALUE, Measure.OWN):
            return goal.met(row.value(ours), None, other)
        verdicts = [goal.met(row.value(ours), row.value(peer), other) for peer in peers]
        known = [verdict for verdict in verdicts if verdict is not None]
        return all(known) if known else None

    def markdown(self) -> str:
        """Return the table as Markdown; median (p90) if a figure has several samples."""
        ours, *peers = self.services
        titles = ["figure", ours]
        for peer in peers:
            titles += [peer, f"ratio to {peer}" if len(peers) > 1 else "ratio"]
        lines = [_line([*titles, "goal"]), _line(["---", *["---:"] * (len(titles) - 1), "---"])]
        for row in self.rows.values():
            cells = [f"{row.name} [{row.unit}]" if row.unit else row.name, _cell(row, ours)]
            for peer in peers:
                ratio = row.ratio(ours, peer)
                cells += [_cell(row, peer), "" if ratio is None else f"{ratio:.2f}"]
            lines.append(_line([*cells, self._goal_cell(row)]))
        lines += ["", *(f"* {note}" for note in (*self._verdict(), *self.notes))]
        for command, output in self.outputs.items():
            lines += ["", f"`{command}`", "", "```text", output, "```"]
        return "\n".join(lines).rstrip()

    def data(self) -> dict[str, Any]:
        """Return everything as values for JSON."""
        ours, *peers = self.services
        return {
            "services": list(self.services),
            "figures": [
                {
                    "name": row.name,
                    "unit": row.unit,
                    "summary": row.summary.value,
                    "values": {service: row.value(service) for service in self.services},
                    "p90": {service: p90(row.samples.get(service, ())) for service in self.services},
                    "ratios": {peer: row.ratio(ours, peer) for peer in peers},
                    "samples": row.samples,
                    "failures": row.failures,
                    "goal": self._goals[row.name].text(row.unit) if row.name in self._goals else None,
                    "met": self.met(row),
                }
                for row in self.rows.values()
            ],
            "notes": self.notes,
            "outputs": self.outputs,
        }

    def _goal_cell(self, row: Row) -> str:
        goal = self._goals.get(row.name)
        if goal is None:
            return ""
        met = self.met(row)
        return goal.text(row.unit) + ("" if met is None else " met" if met else " **missed**")

    def _verdict(self) -> list[str]:
        judged = [met for row in self.rows.values() if (met := self.met(row)) is not None]
        return [f"{sum(judged)} of {len(judged)} goals are met."] if judged else []


def p90(values: Iterable[float]) -> float | None:
    """Return the smallest sample that nine of ten do not exceed, None without samples."""
    return _quantile(values, 0.9)


def p95(values: Iterable[float]) -> float | None:
    """Return the smallest sample that 19 of 20 do not exceed, None without samples."""
    return _quantile(values, 0.95)


def _quantile(values: Iterable[float], share: float) -> float | None:
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


def _cell(row: Row, service: str) -> str:
    value, failed = row.value(service), row.failures.get(service, 0)
    words = [] if value is None else [_number(value) if row.unit else f"{value:.0f}"]
    high = p90(row.samples.get(service, ()))
    if row.summary is Summary.MEDIAN and high is not None and len(row.samples[service]) > 1:
        words.append(f"({_number(high)})")
    if failed:
        words.append(f"{failed} failed")
    return " ".join(words) or "–"


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 100:  # noqa: PLR2004  # three significant digits
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004  # as above


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
