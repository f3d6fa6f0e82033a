"""Progress on standard error: a bar on a terminal, otherwise a line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINE_EVERY_S = 5.0

_MB = 1e6


@contextmanager
def transfer_progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callback that takes the bytes that are done and the total."""
    if sys.stderr is not None and sys.stderr.isatty():
        with _bar(label) as on_progress:
            yield on_progress
    else:
        yield _lines(label)


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0
        """No monitor thread: the callback is called often enough."""

    bars: list[Bar] = []

    def on_progress(done_bytes: int, total_bytes: int) -> None:
        if not bars:
            # The bar starts at what an earlier download left, so that rate and remaining time are right.
            bars.append(
                Bar(
                    desc=label,
                    total=total_bytes,
                    initial=done_bytes,
                    unit="B",
                    unit_scale=True,
                    dynamic_ncols=True,
                    file=sys.stderr,
                )
            )
        bars[0].update(done_bytes - bars[0].n)

    try:
        yield on_progress
    finally:
        for bar in bars:
            bar.close()


def _lines(label: str) -> Callable[[int, int], None]:
    next_s = time.monotonic() + LINE_EVERY_S

    def on_progress(done_bytes: int, total_bytes: int) -> None:
        nonlocal next_s
        now_s = time.monotonic()
        if now_s < next_s:
            return
        next_s = now_s + LINE_EVERY_S
        percent = 100 * done_bytes // max(1, total_bytes)
        print(
            f"{label}: {done_bytes / _MB:.0f} of {total_bytes / _MB:.0f} MB ({percent} %)",
            file=sys.stderr,
            flush=True,
        )

    return on_progress


@contextmanager
def share_progress(label: str) -> Iterator[Callable[[float], None]]:
    """Yield a callback that takes the completed share, 0 to 1; without a terminal nothing is printed."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _share: None
        return
    from tqdm import tqdm

    with tqdm(
        desc=label, total=100, bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}", file=sys.stderr
    ) as bar:

        def on_progress(share: float) -> None:
            bar.update(round(share * 100) - bar.n)

        yield on_progress
