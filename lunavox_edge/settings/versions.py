"""Version of the settings file, and conversion of older versions when they are read.

The file itself is never written, because that would lose the comments of its owner.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

VERSION_KEY = "version"
Step = Callable[[dict[str, Any]], dict[str, Any]]
STEPS: Sequence[Step] = ()
"""Conversions: the first turns the values of a file of version 1 into those of version 2, and so on."""
VERSION = len(STEPS) + 1
"""The newest version that this release reads; config/lunavox-edge.yaml has it."""

_LOGGER = logging.getLogger(__name__)


def take_version(data: Mapping[str, Any], steps: Sequence[Step] = STEPS) -> dict[str, Any]:
    """Return the values without `version`, converted to the newest version. Raises ValueError.

    Values without a version are of version 1.
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
