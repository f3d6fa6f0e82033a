"""Write docs/CONFIG.md and config/lunavox-edge.yaml from the field docstrings of the settings."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lunavox_edge.settings.model import Settings, sections
from lunavox_edge.settings.problems import numeric_range
from lunavox_edge.settings.reading import variable_for
from lunavox_edge.settings.satellite_settings import Answer, SatelliteSettings, SatellitesSettings
from lunavox_edge.settings.speech_settings import VoiceAlias, WakeSettings, WakeWord
from lunavox_edge.settings.versions import VERSION, VERSION_KEY

ROOT = Path(__file__).resolve().parent.parent
DOCS_FILE = ROOT / "docs" / "CONFIG.md"
YAML_FILE = ROOT / "config" / "lunavox-edge.yaml"

_COMMENT_COLUMNS = 96
_EXAMPLE_VOICE = """\
voices: {}
# voices:
#   announcer:
#     voice: en_US-joe-medium
#     speed: 1.1
"""


_VERSION = (
    "Version of the format of this file. Files of older versions are converted when they are read; "
    "the file itself is never changed."
)
_YAML_INTRODUCTION = """\
# Settings of LunaVox Edge. Every key is listed with its default value; keys may be left out.
# An unknown key or a value outside its range is an error. Check the file: lunavox-edge check-config
# An environment variable such as LUNAVOX_EDGE__TTS__SPEED overrides the value in this file.
"""


def yaml_text() -> str:
    """Return the settings file: every key with its default value and its documentation as a comment."""
    version = [*_comment(_VERSION, ""), f"{VERSION_KEY}: {VERSION}", ""]
    parts = [_YAML_INTRODUCTION, "\n".join(version)]
    for name in Settings.model_fields:
        model = sections().get(name)
        if model is None:
            parts.append(_voices_yaml())
            continue
        lines = [*_comment(_one_line(model.__doc__), ""), f"{name}:"]
        for key, field in model.model_fields.items():
            lines += _comment(_meaning(field) + _range_note(field), "  ")
            lines.append(f"  {key}: {_plain(field.get_default(call_default_factory=True))}")
            lines.append("")
        parts.append("\n".join(lines))
    return "\n".join(parts).rstrip("\n") + "\n"


def docs_text() -> str:
    """Return docs/CONFIG.md: an introduction and a table of the settings of each section."""
    parts = [_INTRODUCTION]
    for name in Settings.model_fields:
        model = sections().get(name)
        if model is not None:
            parts.append(f"## {name}\n\n{_one_line(model.__doc__)}\n\n{_table(name, model)}")
            if model is WakeSettings:
                parts.append(f"{_WAKE_WORDS}\n{_table(None, WakeWord)}")
            if model is SatellitesSettings:
                parts.append(
                    f"{_SATELLITES}\n{_table(None, SatelliteSettings)}\n{_ANSWERS}\n{_table(None, Answer)}"
                )
            continue
        parts.append(f"## {name}\n\n{_VOICES}\n{_table(None, VoiceAlias)}")
    return "\n".join(parts)


def _table(section: str | None, model: type[BaseModel]) -> str:
    rows = ["| key | default | values | meaning |", "|---|---|---|---|"]
    for key, field in model.model_fields.items():
        default = (
            "(required)"
            if field.is_required()
            else f"`{_plain(field.get_default(call_default_factory=True))}`"
        )
        variable = f"<br>`{variable_for(section, key)}`" if section else ""
        values = _values(field).replace("|", "\\|")
        rows.append(f"| `{key}`{variable} | {default} | {values} | {_meaning(field)} |")
    return "\n".join(rows) + "\n"


def _voices_yaml() -> str:
    lines = _comment(_meaning(Settings.model_fields["voices"]) + " For example:", "")
    keys = ", ".join(VoiceAlias.model_fields)
    return "\n".join([*lines, _EXAMPLE_VOICE.rstrip(), *_comment(f"Keys: {keys}.", ""), ""])


def _values(field: FieldInfo) -> str:
    annotation: Any = field.annotation
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not type(None)]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) is tuple:
        return "list"
    if get_origin(annotation) is dict:
        return "names, each with the keys below"
    word = {bool: "`true`, `false`", int: "whole number", float: "number"}.get(kinds[0], "text")
    return numeric_range(field) or word


def _range_note(field: FieldInfo) -> str:
    limits = numeric_range(field)
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    if any(f"`{choice}`" not in _meaning(field) for choice in choices):
        return f" One of: {', '.join(choices)}."
    return f" Range: {limits}." if limits else ""


def _meaning(field: FieldInfo) -> str:
    return _one_line(field.description)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        _COMMENT_COLUMNS,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_on_hyphens=False,
    )


def _plain(value: object) -> str:
    """Return a value in YAML notation, on one line."""
    value = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()


_INTRODUCTION = """\
# Settings

Every setting has a default that works. You need a settings file only for values that you want to change.
[config/lunavox-edge.yaml](../config/lunavox-edge.yaml) contains every key with its default: copy it, or
write only the keys that you change. This page and that file are generated from the code by `make docs`.

## Where settings come from

Exactly one settings file is read, the first of these:

1. the file that you name: `lunavox-edge --config FILE`, or `Engine("FILE")` in Python
2. the file that the environment variable `LUNAVOX_EDGE_CONFIG` names
3. `~/.config/lunavox-edge/config.yaml` (in `$XDG_CONFIG_HOME/lunavox-edge` if that variable is set)
4. `/etc/lunavox-edge/config.yaml`

Environment variables named `LUNAVOX_EDGE__SECTION__KEY` override the file. For settings that are text, the
variable is taken literally; for all others it is read as YAML. An empty variable is ignored, and `null`
means no value:

```sh
LUNAVOX_EDGE__WYOMING__URI=tcp://0.0.0.0:10300
LUNAVOX_EDGE__ENGINE__THREADS=2
LUNAVOX_EDGE__STT__NAMES='[Anouk, Thijs]'
LUNAVOX_EDGE__TTS__LOUDNESS_DBFS=null
LUNAVOX_EDGE__VOICES__ANNOUNCER='{voice: en_US-joe-medium, speed: 1.1}'
```

In paths, `~` is your home folder. A relative path starts at the folder of the settings file, or at the
working folder if there is no file. A Python program that embeds the engine reads neither a file nor
variables, unless it calls `load_settings()` or names a file.

## Versions of the file

`version` at the top of a file says which version of the format it has; without it, the file is read as
version 1. A file of an older version is converted when it is read, which is logged; the file itself is
never changed. A file of a newer version than this release supports is an error.

## Checking the settings

`lunavox-edge check-config` prints all problems at once, or `OK` with the file and the variables in use.
After `OK` it warns of models, voices, wake words and languages that nothing installed has, also in
`voices`; the exit status is 0 then.

```text
The settings have 2 problems:
  config.yaml:12: tts.spead: there is no such key; did you mean 'tts.speed'?
  LUNAVOX_EDGE__TTS__VOLUME: tts.volume: must be 0 to 4, not 9
```
"""

_WAKE_WORDS = """\
`wake.words` contains settings of individual wake words:

```yaml
wake:
  default: [okay_nabu]
  words:
    okay_nabu: {sensitivity: 0.7, refractory_s: 4}
    hey_jarvis: {sensitivity: 0.4}
```
"""

_SATELLITES = """\
`satellites.known` contains the satellites. Each has a short name, which MQTT topics and requests use:

```yaml
satellites:
  answer: assistant
  known:
    kitchen: {uri: "tcp://192.168.1.20:10700", area: Kitchen}
    bedroom: {uri: "tcp://192.168.1.21:10700", area: Bedroom, volume: 0.5, answer: mqtt}
  answers:
    assistant: {kind: openai, url: "http://127.0.0.1:11434/v1", model: "llama3.2:3b"}
```

Keys of a satellite:
"""

_ANSWERS = """\
`satellites.answers` contains the answerers. Keys of an answerer:
"""

_VOICES = """\
Your own names for voices, each with fixed parameters. Clients use such a name like the name of any voice.

```yaml
voices:
  announcer:
    voice: en_US-joe-medium
    speed: 1.1
  whisperer: {voice: en_US-joe-medium, volume: 0.4}
```
"""

if __name__ == "__main__":
    for file, text in ((YAML_FILE, yaml_text()), (DOCS_FILE, docs_text())):
        file.write_text(text, encoding="utf-8")
        print(f"wrote {file.relative_to(ROOT)}")
