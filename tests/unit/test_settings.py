from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from lunavox_edge.errors import SettingsError
from lunavox_edge.settings import reading as settings_module
from lunavox_edge.settings.model import Settings
from lunavox_edge.settings.reading import changed, load_settings, read_settings
from lunavox_edge.settings.speech_settings import WakeWord

pytestmark = pytest.mark.unit


def write(folder: Path, text: str) -> Path:
    file = folder / "edge.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(file: Path | None = None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_settings(file, environ or {})
    first, *rest = str(raised.value).splitlines()
    assert first.startswith("The settings have ")
    return [line.strip().replace(f"{file}:", "FILE:") for line in rest]


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().tts.speed = 2.0  # type: ignore[misc]  # that it is forbidden is the point


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "tts:\n", "tts: {}\nvoices:\n"])
def test_an_empty_file_or_section_means_the_defaults(tmp_path: Path, text: str) -> None:
    assert load_settings(write(tmp_path, text), {}) == Settings()


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    loaded = load_settings(
        write(
            tmp_path,
            "tts: {speed: 2}\nstt: {names: [Anouk, Thijs], language: pt-BR}\n"
            "voices: {announcer: {voice: joe, speed: 1.1}}\n",
        ),
        {},
    )
    assert loaded.tts.speed == 2.0
    assert loaded.stt.names == ("Anouk", "Thijs")
    assert loaded.voices["announcer"].speed == 1.1
    assert loaded.voices["announcer"].volume is None
    assert loaded.limits == Settings().limits
    assert loaded.tts.voice == Settings().tts.voice


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ntts:\n  spead: 1", "FILE:3: tts.spead: there is no such key; did you mean 'tts.speed'?"),
        ("vioces: {}", "FILE:1: vioces: there is no such key; did you mean 'voices'?"),
        ("voice: joe", "FILE:1: voice: there is no such key; did you mean 'tts.voice'?"),
        ("stt: {SPEED: 1}", "known here: model, fallback_models, language"),
        ("tts: {speed: 9}", "FILE:1: tts.speed: must be 0.25 to 4, not 9"),
        ("tts: {speed: fast}", "FILE:1: tts.speed: must be a number, 0.25 to 4, not 'fast'"),
        ("tts: {speed: true}", "must be a number, 0.25 to 4, not True"),
        ("tts: {speed: .nan}", "tts.speed: must be "),
        ("tts: {volume: }", "has no value; it needs a number, 0 to 4 (remove the key for the default)"),
        (
            "stt: {language: no}",
            "must be text, and YAML reads yes, no, on and off as true or false; put it in quotes",
        ),
        ("stt: {model: 8}", "must be text, not the number 8; put it in quotes"),
        ("stt: {model: ''}", "stt.model: must be text of 1 to 200 characters"),
        ("stt: {language: ../../etc}", "must be a language such as en or pt-BR, not '../../etc'"),
        ("stt: {names: Anouk}", "must be a list, such as [one, two], not 'Anouk'"),
        ("stt:\n  names:\n    - Anouk\n    - 8", "FILE:4: stt.names[1]: must be text, not the number 8"),
        ("stt: {beam_size: '4'}", "must be a whole number, 1 to 20, not '4'"),
        ("stt: {streaming: 1}", "stt.streaming: must be true or false, not 1"),
        ("log: {level: loud}", "must be one of debug, info, warning or error, not 'loud'"),
        ("engine: {keep_alive_s: -0.5}", "must be 0 or more, or -1 for never"),
        ("engine: [1]", "FILE:1: engine: must be keys and values, indented below it, not a list"),
        ("catalog: {folders: [7]}", "catalog.folders[0]: must be a path as text, not 7"),
        (
            "catalog: {hub_endpoint: 'file:///etc'}",
            "catalog.hub_endpoint: must be a web address such as https://huggingface.co, not 'file:///etc'",
        ),
        ("voices: {a: {speed: 1.0}}", "FILE:1: voices.a.voice: this key is missing"),
        ("voices: {a: {voice: b, speeker: c}}", "did you mean 'voices.a.speaker'?"),
        ("voices: {'': {voice: b}}", "the name must have 1 to 200 characters"),
        ("[1, 2]", "must hold sections such as 'tts:', with keys below them"),
        ("just text", "must hold sections such as 'tts:', with keys below them"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, expected: str) -> None:
    (found,) = problems(write(tmp_path, text))
    assert expected in found


def test_every_problem_of_every_source_is_told_at_once_in_order(tmp_path: Path) -> None:
    file = write(tmp_path, "tts:\n  speed: 9\n  speed: 1\nlog:\n  level: loud\nfoo: 1\n")
    found = problems(file, {"LUNAVOX_EDGE__TTS__VOLUME": "9", "LUNAVOX_EDGE__NO__SUCH": "1"})
    assert [line.split(": ")[0] for line in found] == [
        "FILE:3",
        "LUNAVOX_EDGE__NO__SUCH",
        "LUNAVOX_EDGE__TTS__VOLUME",
        "FILE:2",
        "FILE:5",
        "FILE:6",
    ]


@pytest.mark.parametrize(
    "uri", ["tcp://127.0.0.1:10300", "tcp://[::1]:0", "tcp://box.local:1", "unix:///run/x.sock"]
)
def test_addresses(uri: str) -> None:
    assert changed(Settings(), "wyoming", uri=uri).wyoming.uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "localhost:10300",
        "http://localhost:1",
        "tcp://:1",
        "tcp://host",
        "tcp://host:65536",
        "tcp://host:-1",
        "tcp://host:x",
        "tcp://host:1/path",
        "tcp://user@host:1",
        "tcp://[::1",
        "unix://relative/x",
        "unix:///",
        "unix:///" + "x" * 107,
        "unix:x.sock",
        "unix:///run/x?mode=1",
        "unix:///run/x#y",
        "unix:///run/\0x",
        "unix:///run/\udcff",
        "tcp://h\0:1",
        "tcp://h x:1",
        "tcp://host:1\n",
        " tcp://host:1",
    ],
)
def test_what_is_no_address(uri: str) -> None:
    with pytest.raises(SettingsError, match=r"wyoming\.uri"):
        changed(Settings(), "wyoming", uri=uri)


@pytest.mark.parametrize("uri", ["tls://host:1", "TLS://host:1"])
def test_a_tls_address_needs_a_certificate_however_it_is_written(uri: str) -> None:
    with pytest.raises(SettingsError, match="set tls_cert and tls_key"):
        changed(Settings(), "wyoming", uri=uri)


def test_variables_go_before_the_file(tmp_path: Path) -> None:
    loaded = read_settings(
        write(tmp_path, "tts: {speed: 2.0, volume: 2.0}\nstt: {language: de}\n"),
        {
            "LUNAVOX_EDGE__TTS__SPEED": "3",
            "LUNAVOX_EDGE__TTS__VOICE": "no",
            "LUNAVOX_EDGE__STT__MODEL": "8",
            "LUNAVOX_EDGE__STT__LANGUAGE": "null",
            "LUNAVOX_EDGE__TTS__LANGUAGE": "no",
            "LUNAVOX_EDGE__MQTT__NODE": "8",
            "LUNAVOX_EDGE__CATALOG__CACHE_DIR": "/a: b #1",
            "LUNAVOX_EDGE__ENGINE__PINNED": "[base, joe]",
            "LUNAVOX_EDGE__WYOMING__URI": "unix:///run/x: y.sock",
            "LUNAVOX_EDGE__LOG__LEVEL": "",
            "LUNAVOX_EDGE__VOICES__ANNOUNCER": "{voice: joe}",
            "LUNAVOX_EDGE_CONFIG": "/not/read",
            "OTHER": "1",
        },
    )
    assert (loaded.settings.tts.speed, loaded.settings.tts.volume) == (3.0, 2.0)
    assert (loaded.settings.tts.voice, loaded.settings.stt.model) == ("no", "8")
    assert loaded.settings.stt.language is None
    assert (loaded.settings.tts.language, loaded.settings.mqtt.node) == ("no", "8")
    assert loaded.settings.catalog.cache_dir == Path("/a: b #1")
    assert loaded.settings.engine.pinned == ("base", "joe")
    assert loaded.settings.wyoming.uri == "unix:///run/x: y.sock"
    assert loaded.settings.voices["announcer"].voice == "joe"
    assert "LUNAVOX_EDGE__LOG__LEVEL" not in loaded.overrides
    assert loaded.overrides["LUNAVOX_EDGE__TTS__SPEED"] == "tts.speed"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (
            "LUNAVOX_EDGE__TTS__SPEAD",
            "1",
            "there is no such setting; did you mean 'LUNAVOX_EDGE__TTS__SPEED'?",
        ),
        ("LUNAVOX_EDGE__TTS__speed", "1", "did you mean 'LUNAVOX_EDGE__TTS__SPEED'?"),
        ("LUNAVOX_EDGE__TTS", "{}", "there is no such setting"),
        ("LUNAVOX_EDGE__VOICES__", "{}", "there is no such setting"),
        ("LUNAVOX_EDGE__", "1", "there is no such setting"),
        ("LUNAVOX_EDGE__TTS__SPEED", "9", "LUNAVOX_EDGE__TTS__SPEED: tts.speed: must be 0.25 to 4, not 9"),
        ("LUNAVOX_EDGE__ENGINE__PINNED", "[a", "this is not YAML"),
        ("LUNAVOX_EDGE__ENGINE__PINNED", "a", "must be a list, such as [one, two], not 'a'"),
        ("LUNAVOX_EDGE__VOICES__A", "{voice: b, voice: c}", "the key 'voice' is here a second time"),
    ],
)
def test_a_wrong_variable_is_explained(name: str, value: str, expected: str) -> None:
    (found,) = problems(None, {name: value})
    assert found.startswith(name)
    assert expected in found


@pytest.mark.parametrize(
    "name",
    [
        "LUNAVOX_EDGE_TTS_SPEED",
        "LUNAVOX_EDGE_TTS__SPEED",
        "lunavox_edge__tts__speed",
        "LUNAVOX_EDGE___TTS__SPEED",
    ],
)
def test_a_variable_that_would_set_nothing_is_named(name: str) -> None:
    assert problems(None, {name: "2"}) == [
        f"{name}: there is no such setting; did you mean 'LUNAVOX_EDGE__TTS__SPEED'?"
    ]


def test_variables_of_others_are_no_mistake() -> None:
    others = {"LUNAVOX_EDGE_SERVICE_HOST": "10.0.0.1", "LUNAVOX_EDGE_PORT_10300_TCP": "tcp://10.0.0.1:10300"}
    assert load_settings(None, others) == Settings()


def test_a_variable_that_is_not_text_is_explained() -> None:
    (found,) = problems(None, {"LUNAVOX_EDGE__STT__MODEL": "\udcff"})
    assert "must be text of 1 to 200 characters" in found


def test_a_variable_mends_a_wrong_value_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "stt:\n  names: [8]\n")
    assert load_settings(file, {"LUNAVOX_EDGE__STT__NAMES": "[Anouk]"}).stt.names == ("Anouk",)


def test_the_first_file_of_the_order_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "lunavox-edge"
    home.mkdir()
    files = [tmp_path / "given.yaml", tmp_path / "named.yaml", home / "config.yaml", tmp_path / "system.yaml"]
    for number, file in enumerate(files, 2):
        file.write_text(f"engine: {{max_queue: {number}}}", encoding="utf-8")
    monkeypatch.setattr(settings_module, "SYSTEM_FILE", files[3])
    everything = {"LUNAVOX_EDGE_CONFIG": str(files[1]), "XDG_CONFIG_HOME": str(tmp_path)}
    assert load_settings(files[0], everything).engine.max_queue == 2
    assert load_settings(None, everything).engine.max_queue == 3
    assert load_settings(None, {"XDG_CONFIG_HOME": str(tmp_path)}).engine.max_queue == 4
    assert load_settings(None, {"HOME": str(tmp_path / "nobody")}).engine.max_queue == 5
    files[3].unlink()
    assert load_settings(None, {"HOME": str(tmp_path / "nobody")}) == Settings()


@pytest.mark.parametrize("name", ["missing.yaml", "missing/edge.yaml", "~no_such_user/edge.yaml"])
def test_a_file_that_was_asked_for_must_exist(tmp_path: Path, name: str) -> None:
    for found in (problems(tmp_path / name), problems(None, {"LUNAVOX_EDGE_CONFIG": name})):
        assert found[0].endswith("there is no such file")


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anouk")
    file = write(tmp_path, "catalog: {folders: [~/voices, more, /opt/x], cache_dir: ../cache}")
    catalog = load_settings(file, {}).catalog
    assert catalog.folders == (Path("/home/anouk/voices"), tmp_path / "more", Path("/opt/x"))
    assert catalog.cache_dir == tmp_path / "../cache"
    assert catalog.resolved_cache_dir() == catalog.cache_dir
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/anouk")
    assert Settings().catalog.resolved_cache_dir() == Path("/var/cache/anouk/lunavox-edge")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert Settings().catalog.resolved_cache_dir() == Path("/home/anouk/.cache/lunavox-edge")


def test_a_home_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    (found,) = problems(write(tmp_path, "catalog: {folders: [~no_such_user/x]}"))
    assert "names a home folder that does not exist" in found


def test_a_path_that_no_system_has_is_a_problem(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path, 'catalog: {folders: ["/a\\0b"]}'))
    assert "has a character that no path has" in line


def test_changed_replaces_and_checks() -> None:
    assert changed(Settings(), "tts", speed=2.0, volume=0.5).tts.volume == 0.5
    with pytest.raises(SettingsError, match=r"tts\.speed: must be 0\.25 to 4, not 9"):
        changed(Settings(), "tts", speed=9)


def test_single_wake_words_have_settings_of_their_own(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "wake: {default: [okay_nabu], words: {okay_nabu: {sensitivity: 0.7}, alexa: {refractory_s: 4}}}",
    )
    wake = load_settings(file, {"LUNAVOX_EDGE__WAKE__SENSITIVITY": "0.4"}).wake
    assert (wake.default, wake.sensitivity, wake.refractory_s) == (("okay_nabu",), 0.4, 2.0)
    assert wake.words["okay_nabu"] == WakeWord(sensitivity=0.7)
    assert wake.words["alexa"] == WakeWord(refractory_s=4.0)
    variables = {"LUNAVOX_EDGE__WAKE__WORDS": "{alexa: {sensitivity: 1}}"}
    assert load_settings(file, variables).wake.words == {"alexa": WakeWord(sensitivity=1.0)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("words: {alexa: {sensitivity: 2}}", "wake.words.alexa.sensitivity: must be 0 to 1, not 2"),
        ("words: {alexa: {sensitivty: 1}}", "did you mean 'wake.words.alexa.sensitivity'?"),
        ("words: {alexa: 0.5}", "wake.words.alexa: must be keys and values"),
        ("words: [alexa]", "wake.words: must be keys and values"),
        ("refractory: 1", "did you mean 'wake.refractory_s'?"),
        ("default: okay_nabu", "wake.default: must be a list"),
    ],
)
def test_a_problem_with_a_wake_word_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(write(tmp_path, f"wake: {{{text}}}"), {})
    assert said in str(raised.value)
