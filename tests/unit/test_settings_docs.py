from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from pydantic import BaseModel

from lunavox_edge.errors import SettingsError
from lunavox_edge.settings.model import Settings, sections
from lunavox_edge.settings.reading import load_settings, variable_for
from lunavox_edge.settings.speech_settings import VoiceAlias

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
YAML_FILE = ROOT / "config" / "lunavox-edge.yaml"
DOCS_FILE = ROOT / "docs" / "CONFIG.md"

KEYS = [(section, key) for section, model in sections().items() for key in model.model_fields]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("config_docs", ROOT / "tools" / "config_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_file_equals_the_defaults() -> None:
    assert load_settings(YAML_FILE, {}) == Settings()


def test_every_section_is_known() -> None:
    assert [*sections(), "voices"] == [name for name in Settings.model_fields if name != "voices"] + [
        "voices"
    ]


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_is_in_the_file_and_in_the_docs(section: str, key: str) -> None:
    assert key in yaml.safe_load(YAML_FILE.read_text(encoding="utf-8"))[section]
    assert f"`{key}`<br>`{variable_for(section, key)}`" in DOCS_FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize("key", VoiceAlias.model_fields)
def test_every_key_of_a_voice_is_in_the_docs(key: str) -> None:
    assert f"| `{key}` |" in DOCS_FILE.read_text(encoding="utf-8")


def test_every_setting_says_what_it_means() -> None:
    models: dict[str, type[BaseModel]] = {**sections(), "voices": VoiceAlias}
    for section, model in models.items():
        for key, field in model.model_fields.items():
            assert field.description, f"{section}.{key}"


def test_both_texts_are_current(generator: ModuleType) -> None:
    again = "run `make docs`"
    assert YAML_FILE.read_text(encoding="utf-8") == generator.yaml_text(), again
    assert DOCS_FILE.read_text(encoding="utf-8") == generator.docs_text(), again


def test_the_example_in_the_docs_is_what_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("\n" * 11 + "tts: {spead: 1}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        load_settings(file, {"LUNAVOX_EDGE__TTS__VOLUME": "9"})
    lines = str(raised.value).replace(str(tmp_path) + "/", "").splitlines()
    shown = DOCS_FILE.read_text(encoding="utf-8")
    assert all(line in shown for line in lines)
