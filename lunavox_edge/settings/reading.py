"""Finding, reading and validating the settings: a YAML file, overridden by environment variables.

The file is the first of these that exists: the path given, `$LUNAVOX_EDGE_CONFIG`, `config.yaml` in
`$XDG_CONFIG_HOME/lunavox-edge` (`~/.config/lunavox-edge`), `/etc/lunavox-edge/config.yaml`; without a
file the defaults apply. A path that is given but missing is an error. The working directory is not
searched, because a service must not depend on where it was started.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from lunavox_edge.errors import SettingsError
from lunavox_edge.host import system
from lunavox_edge.host.secret_files import exposure
from lunavox_edge.settings.model import Settings, sections
from lunavox_edge.settings.problems import dotted, field_at, sentence
from lunavox_edge.settings.section import BASE_DIR
from lunavox_edge.settings.versions import VERSION_KEY, take_version
from lunavox_edge.settings.yaml_file import KeyPath, SettingsProblem, YamlTree, parse_yaml, read_yaml

FILE_VARIABLE = "LUNAVOX_EDGE_CONFIG"
PREFIX = "LUNAVOX_EDGE__"
_PASSWORD = ("mqtt", "password")
SYSTEM_FILE = Path("/etc/lunavox-edge/config.yaml")


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings and their sources; `overrides` maps environment variables to the keys they set."""

    settings: Settings
    file: Path | None
    overrides: Mapping[str, str]


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings. Raises SettingsError with every problem at once."""
    return read_settings(path, environ).settings


def as_settings(given: Settings | str | Path | None) -> Settings:
    """Return `given` if it is settings, those read from the file if it is a path, the defaults if None.

    Raises SettingsError, TypeError.
    """
    if given is None:
        return Settings()
    if isinstance(given, Settings):
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise TypeError(f"settings must be Settings, a path or None, not {type(given).__name__}")
    return load_settings(Path(given))


def read_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> LoadedSettings:
    """Return the settings and their sources. Raises SettingsError with every problem at once."""
    environ = os.environ if environ is None else environ
    file = _find_file(path, environ)
    reading = _Reading()
    if file is not None:
        reading.take_file(file)
    names = sorted(name for name, value in environ.items() if value)
    reading.report_misspelt(names)
    names = [name for name in names if name.startswith(PREFIX)]
    overrides = {name: key for name in names if (key := reading.take_variable(name, environ[name]))}
    settings = reading.check((file.parent if file is not None else Path()).absolute())
    if settings is None:
        raise SettingsError(_report(reading.problems))
    return LoadedSettings(settings, file, overrides)


def changed(settings: Settings, section: str, **values: object) -> Settings:
    """Return the settings with some keys of one section replaced. Raises SettingsError."""
    data = {**dict(settings), section: {**dict(getattr(settings, section)), **values}}
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        found = [SettingsProblem("", dotted(detail["loc"]), sentence(detail)) for detail in error.errors()]
        raise SettingsError(_report(found)) from None


def variable_for(section: str, key: str) -> str:
    """Return the environment variable that overrides a key."""
    return f"{PREFIX}{section}__{key}".upper()


class _Reading:
    """Collects the values of file and variables, the source of each (file and line), and all problems."""

    def __init__(self) -> None:
        self.problems: list[SettingsProblem] = []
        self._data: dict[str, Any] = {}
        self._places: dict[KeyPath, tuple[int, str]] = {}

    def take_file(self, file: Path) -> None:
        tree = read_yaml(file)
        self._note(str(file), tree)
        if tree.value is None:
            return
        if not isinstance(tree.value, dict):
            self.problems.append(
                SettingsProblem(str(file), "", "must hold sections such as 'tts:', with keys below them")
            )
            return
        self._places = {path: (line, f"{file}:{line}") for path, line in tree.lines.items()}
        try:
            values = take_version(tree.value)
        except ValueError as error:
            self.problems.append(SettingsProblem(self._place((VERSION_KEY,))[1], VERSION_KEY, str(error)))
            return
        # A section of which every key is commented out reads as null.
        self._data = {
            name: value
            for name, value in values.items()
            if value is not None or name not in Settings.model_fields
        }
        self._check_password(file)

    def _check_password(self, file: Path) -> None:
        mqtt = self._data.get("mqtt")
        if not isinstance(mqtt, dict) or mqtt.get("password") is None:
            return
        exposed = _exposure(file)
        if exposed is not None:
            place = self._places.get(_PASSWORD, (0, str(file)))[1]
            what = f"stands in a file that is not secret: {exposed}; or use mqtt.password_file"
            self.problems.append(SettingsProblem(place, dotted(_PASSWORD), what))

    def report_misspelt(self, names: Iterable[str]) -> None:
        """Note a problem for variables that differ from a setting's only in underscores or case."""
        meant = {variable.replace("__", "_"): variable for variable in _variables()}
        for name in names:
            variable = meant.get(name.upper().replace("__", "_"))
            if variable is not None and not name.startswith(PREFIX):
                self.problems.append(
                    SettingsProblem(name, "", f"there is no such setting; did you mean '{variable}'?")
                )

    def take_variable(self, name: str, text: str) -> str | None:
        """Override a setting with a variable's text; return its key, or None after noting a problem."""
        section, _, key = name[len(PREFIX) :].lower().partition("__")
        field = field_at((section, key))
        if name != variable_for(section, key) or not key or (field is None and section != "voices"):
            close = difflib.get_close_matches(name.upper(), _variables(), n=1)
            hint = f"; did you mean '{close[0]}'?" if close else "; see docs/CONFIG.md for the names"
            self.problems.append(SettingsProblem(name, "", "there is no such setting" + hint))
            return None
        if (section, key) == _PASSWORD:
            what = "is not read from the environment, which other programs see; use mqtt.password_file"
            self.problems.append(SettingsProblem(name, dotted(_PASSWORD), what))
            return None
        value: Any = text
        if field is None or not _is_text(field):
            tree = parse_yaml(text)
            self._note(name, tree)
            if tree.problems:
                return None
            value = tree.value
        elif text == "null":
            value = None
        values = self._data.setdefault(section, {})
        if isinstance(values, dict):
            values[key] = value
            self._places = {path: at for path, at in self._places.items() if path[:2] != (section, key)}
            self._places[section, key] = (0, name)
        return f"{section}.{key}"

    def check(self, base_dir: Path) -> Settings | None:
        """Return the validated settings, None if there is any problem. Relative paths start at `base_dir`."""
        found: list[tuple[int, SettingsProblem]] = []
        settings = None
        try:
            settings = Settings.model_validate(self._data, context={BASE_DIR: base_dir})
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                line, place = self._place(detail["loc"])
                found.append((line, SettingsProblem(place, dotted(detail["loc"]), sentence(detail))))
        found.sort(key=lambda item: item[0])
        self.problems.extend(problem for _, problem in found)
        return None if self.problems else settings

    def _note(self, source: str, tree: YamlTree) -> None:
        for line, what in sorted(tree.problems):
            place = f"{source}:{line}" if line and not source.startswith(PREFIX) else source
            self.problems.append(SettingsProblem(place, "", what))

    def _place(self, loc: KeyPath) -> tuple[int, str]:
        for length in range(len(loc), 0, -1):
            if loc[:length] in self._places:
                return self._places[loc[:length]]
        return 0, ""


def _variables() -> list[str]:
    return [variable_for(section, key) for section, model in sections().items() for key in model.model_fields]


def _find_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = path or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
    if named is not None:
        return Path(os.path.expanduser(named))  # noqa: PTH111  # leaves an unknown user as it is
    default = system.config_home(environ) / "lunavox-edge" / "config.yaml"
    return next((file for file in (default, SYSTEM_FILE) if os.path.lexists(file)), None)


def _exposure(file: Path) -> str | None:
    try:
        return exposure(file)
    except OSError as error:
        return str(error.strerror)


def _is_text(field: FieldInfo) -> bool:
    """Whether a variable's text is the value itself, not YAML, so that `no` or `8` need no quotes."""
    is_union = get_origin(field.annotation) in (UnionType, Union)
    for kind in get_args(field.annotation) if is_union else (field.annotation,):
        bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        if bare in (str, Path):
            return True
    return False


def _report(problems: list[SettingsProblem]) -> str:
    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    return "\n  ".join((f"The settings have {count}:", *map(str, problems)))
