"""Write docs/CONFIG.md and config/lunavox-edge.yaml from the settings' own documentation."""

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


_VERSION = "Version of this file's form. An older one is read as what it meant then, and is never written to."
_YAML_INTRODUCTION = """\
# Settings of LunaVox Edge. Every key is here with its default, so each may be left out.
# An unknown key or a value outside its range is an error: lunavox-edge check-config
# A variable such as LUNAVOX_EDGE__TTS__SPEED goes before what is written here.
"""


def yaml_text() -> str:
    """Return the commented settings file; every value in it is the default."""
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
    """Return the reference of every setting."""
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
            "(needed)" if field.is_required() else f"`{_plain(field.get_default(call_default_factory=True))}`"
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
        return "names with keys below"
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
    """Write a value as it stands in YAML."""
    value = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()


_INTRODUCTION = """\
# Settings

Every setting has a default that works; a file is needed only for what you want otherwise.
[config/lunavox-edge.yaml](../config/lunavox-edge.yaml) holds every key with its default: copy it, or
write only the keys you change. This page and that file are written from the code by `make docs`.

## Where settings come from

The first of these files is read, and no other:

1. the one given: `lunavox-edge --config FILE`, or `Engine("FILE")` in Python
2. the one that the variable `LUNAVOX_EDGE_CONFIG` names
3. `~/.config/lunavox-edge/config.yaml` (`$XDG_CONFIG_HOME` is respected)
4. `/etc/lunavox-edge/config.yaml`

Over it go variables named `LUNAVOX_EDGE__SECTION__KEY`. Text is taken as it stands, everything else as
YAML; an empty variable counts as not set, `null` is no value:

```sh
LUNAVOX_EDGE__WYOMING__URI=tcp://0.0.0.0:10300
LUNAVOX_EDGE__ENGINE__THREADS=2
LUNAVOX_EDGE__STT__NAMES='[Anouk, Thijs]'
LUNAVOX_EDGE__TTS__LOUDNESS_DBFS=null
LUNAVOX_EDGE__VOICES__ANNOUNCER='{voice: en_US-joe-medium, speed: 1.1}'
```

In paths `~` is your home folder; a relative folder counts from the folder of the settings file, and
without a file from the working folder. A program that embeds the engine reads neither files nor
variables unless it calls `load_settings()` or gives a file.

## Versions of the file

`version` on top says which form a file has; without it, it is read as one of the present form. A file of an
older form is brought up to date as it is read, with a line in the log, and left as it is: its comments are
yours. A file of a newer form is an error.

## Checking them

`lunavox-edge check-config` prints every problem at once, or `OK` with the file and the variables in use:

```text
The settings have 2 problems:
  config.yaml:12: tts.spead: there is no such key; did you mean 'tts.speed'?
  LUNAVOX_EDGE__TTS__VOLUME: tts.volume: must be 0 to 4, not 9
```
"""

_WAKE_WORDS = """\
`wake.words` holds what is different for single words:

```yaml
wake:
  default: [okay_nabu]
  words:
    okay_nabu: {sensitivity: 0.7, refractory_s: 4}
    hey_jarvis: {sensitivity: 0.4}
```
"""

_SATELLITES = """\
`satellites.known` holds the satellites, each by a short name that topics and requests use:

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
Keys of an answer:
"""

_VOICES = """\
Names of your own for voices, each with fixed parameters. A client asks for them like for any voice.

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
