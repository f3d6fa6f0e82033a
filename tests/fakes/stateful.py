"""How long state machines run."""

from __future__ import annotations

import hypothesis

_PROPERTY_EXAMPLES = 100


def machine_settings(runs: int) -> hypothesis.settings:
    """Return settings for so many runs in every test run, and for those of a profile that asks for many."""
    profile = hypothesis.settings()
    many = profile.max_examples > _PROPERTY_EXAMPLES
    return hypothesis.settings(max_examples=min(profile.max_examples, 200) if many else runs)
