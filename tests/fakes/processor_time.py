"""How much of a processor something takes, which does not depend on what else the machine does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail if the block takes this thread more of the processor, as what costs the square of its input."""
    started_s = time.thread_time()
    yield
    took_s = time.thread_time() - started_s
    assert took_s < seconds, f"it took {took_s:.1f} s of the processor"
