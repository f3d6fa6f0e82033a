"""Number of runs of hypothesis state machines."""

from __future__ import annotations

import hypothesis

_PROPERTY_EXAMPLES = 100


def machine_settings(runs: int) -> hypothesis.settings:
    """Return settings for `runs` runs, or for up to 200 in a profile with many examples."""
    profile = hypothesis.settings()
    many = profile.max_examples > _PROPERTY_EXAMPLES
    return hypothesis.settings(max_examples=min(profile.max_examples, 200) if many else runs)
