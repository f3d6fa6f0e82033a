"""The version of a settings file, and bringing older ones up to date as they are read.

The file itself is never written: its comments are its owner's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

VERSION_KEY = "version"
Step = Callable[[dict[str, Any]], dict[str, Any]]
STEPS: Sequence[Step] = ()
"""Each turns the values of a file of one version, counted from 1, into those of the next."""
VERSION = len(STEPS) + 1
"""Of what this release reads, and of config/lunavox-edge.yaml."""

_LOGGER = logging.getLogger(__name__)


def take_version(data: Mapping[str, Any], steps: Sequence[Step] = STEPS) -> dict[str, Any]:
    """Return the values without their version, as this release wants them. Raises ValueError.

    Values without a version are of the first form.
    """
    values = dict(data)
    newest = len(steps) + 1
    version = values.pop(VERSION_KEY, None)
    if version is None:
        version = 1
    if type(version) is not int or version < 1:
        raise ValueError(f"must be a whole number, 1 to {newest}")
    if version > newest:
        raise ValueError(f"this release reads versions up to {newest}; upgrade LunaVox Edge, or see its docs")
    is_old = version < newest and bool(values)
    for step in steps[version - 1 :]:
        values = step(values)
    if is_old:
        _LOGGER.warning("The settings are of version %d and are read as version %d", version, newest)
    return values
