"""A Markdown file with places for tables, each between two comments."""

from __future__ import annotations

from pathlib import Path

from lunavox_edge.errors import SettingsError


class Document:
    """One place in a file. Raises SettingsError where it is not."""

    def __init__(self, path: Path, place: str) -> None:
        """Look whether the place is there, before minutes of measuring."""
        self._path = path
        self._begin = f"<!-- bench:{place} -->"
        self._end = f"<!-- /bench:{place} -->"
        self._around()

    def write(self, text: str) -> None:
        """Put `text` there instead of what was."""
        before, after = self._around()
        try:
            self._path.write_text(
                f"{before}{self._begin}\n\n{text.strip()}\n\n{self._end}{after}", encoding="utf-8"
            )
        except OSError as error:
            raise SettingsError(f"{self._path} cannot be written: {error.strerror}.") from error

    def _around(self) -> tuple[str, str]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise SettingsError(f"{self._path} cannot be read: {error}") from error
        before, begin, rest = text.partition(self._begin)
        _, end, after = rest.partition(self._end)
        if not (begin and end):
            raise SettingsError(f"{self._path} has no place between {self._begin} and {self._end}.")
        return before, after
