"""Base class and shared field types of all sections of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

BASE_DIR = "base_dir"
"""Key of the validation context: the folder that relative paths start at."""


def _locate(folder: object, info: ValidationInfo) -> object:
    """Expand `~` and make a relative folder absolute where the settings file's place is known."""
    if not isinstance(folder, (str, Path)) or not str(folder):
        return folder
    if "\0" in str(folder):
        raise ValueError("has a character that no path has")
    try:
        path = Path(folder).expanduser()
    except RuntimeError:
        raise ValueError("names a home folder that does not exist") from None
    base_dir = (info.context or {}).get(BASE_DIR)
    return path if base_dir is None else Path(base_dir) / path


def off(value: object) -> object:
    """Turn False into "off", because YAML reads a bare `off` as false."""
    return "off" if value is False else value


Folder = Annotated[Path, BeforeValidator(_locate)]
Seconds = Annotated[float, Field(ge=0.05, le=86400)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$", max_length=64)]
# A list in YAML becomes a tuple; everything else stays strict, so that `"4"` is not taken for 4.
Names = Annotated[tuple[Name, ...], Field(strict=False, max_length=1000)]


class Section(BaseModel):
    """One section of the settings file: frozen, strictly typed, unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
