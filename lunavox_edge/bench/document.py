"""A Markdown file with places for tables; each place is between two comments."""

from __future__ import annotations

from pathlib import Path

from lunavox_edge.errors import SettingsError


class Document:
    """One place in a Markdown file."""

    def __init__(self, path: Path, place: str) -> None:
        """Check that the place exists, before minutes of measuring. Raises SettingsError."""
        self._path = path
        self._begin = f"<!-- bench:{place} -->"
        self._end = f"<!-- /bench:{place} -->"
        self._around()

    def write(self, text: str) -> None:
        """Replace the content of the place by `text`. Raises SettingsError."""
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
