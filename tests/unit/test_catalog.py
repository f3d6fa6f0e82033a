from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lunavox_edge.backends.base import Backend
from lunavox_edge.engine.catalog.catalog import Catalog
from lunavox_edge.engine.catalog.manifest import InstalledFile, Manifest, hub_folder
from lunavox_edge.errors import UnknownModel, UnknownVoice, UnsupportedLanguage
from lunavox_edge.settings.speech_settings import VoiceAlias
from lunavox_edge.types import ModelEntry, ModelKind, SourceKind
from tests.fakes import processor_time
from tests.fakes.backends import entry, file_backend, put_model

pytestmark = pytest.mark.unit

STT, TTS = ModelKind.STT, ModelKind.TTS


def make_catalog(
    tmp_path: Path,
    *,
    folders: Sequence[Path] = (),
    aliases: Mapping[str, VoiceAlias] | None = None,
    backends: Sequence[type[Backend]] | None = None,
) -> Catalog:
    return Catalog(
        folders=folders,
        cache_dir=tmp_path / "cache",
        aliases=aliases or {},
        backends=[file_backend()] if backends is None else backends,
    )


def names(catalog: Catalog) -> list[str]:
    return [found.name for found in catalog.entries()]


def packages(*entries: ModelEntry) -> list[type[Backend]]:
    return [file_backend(packaged=entries)]


# Where entries come from


def test_every_source_is_listed_config_first(tmp_path: Path) -> None:
    put_model(tmp_path / "mine", "en_US-mine-medium")
    put_model(hub_folder(tmp_path / "cache", TTS) / "en_US-hub-medium", "en_US-hub-medium")
    catalog = make_catalog(
        tmp_path,
        folders=[tmp_path / "mine"],
        aliases={"announcer": VoiceAlias(voice="en_US-joe-medium")},
        backends=packages(entry("en_US-joe-medium")),
    )
    assert [(found.name, found.source_kind) for found in catalog.entries()] == [
        ("announcer", SourceKind.CONFIG),
        ("en_US-mine-medium", SourceKind.FOLDER),
        ("en_US-hub-medium", SourceKind.HUB),
        ("en_US-joe-medium", SourceKind.PACKAGE),
    ]


def test_what_the_hub_installed_is_described_by_its_manifest(tmp_path: Path) -> None:
    home = hub_folder(tmp_path / "cache", STT) / "tiny.en"
    put_model(home, "model", suffix=".bin")
    Manifest(
        "tiny.en", STT, "Systran/tiny", "a" * 40, "mit", (InstalledFile("model.bin", 7, "0" * 64),)
    ).write(home)
    catalog = make_catalog(tmp_path, backends=[file_backend(STT, suffix=".bin")])
    found = catalog.find("tiny.en", STT)
    assert (found.licence, found.source, found.size_bytes) == ("mit", "hub Systran/tiny", 7)
    assert found.path == home / "model.bin"


@pytest.mark.parametrize(
    "manifest", ["", "[]", '{"name": "../../etc"}', "[" * 100_000, '{"name": 1, "files": 2}']
)
def test_a_damaged_manifest_does_not_hide_the_model(tmp_path: Path, manifest: str) -> None:
    home = hub_folder(tmp_path / "cache", TTS) / "en_US-amy-low"
    put_model(home, "en_US-amy-low")
    (home / "lunavox-edge.json").write_text(manifest)
    assert names(make_catalog(tmp_path)) == ["en_US-amy-low"]


def test_a_folder_inside_another_gives_each_model_once(tmp_path: Path) -> None:
    put_model(tmp_path / "all" / "some", "en_US-amy-low")
    catalog = make_catalog(tmp_path, folders=[tmp_path / "all", tmp_path / "all" / "some"])
    assert names(catalog) == ["en_US-amy-low"]
    assert catalog.shadowed() == ()


def test_the_first_source_of_a_name_wins_and_the_other_stays_reachable(tmp_path: Path) -> None:
    mine = put_model(tmp_path / "mine", "en_us-Joe-medium")
    packaged = entry("en_US-joe-medium")
    catalog = make_catalog(tmp_path, folders=[tmp_path / "mine"], backends=packages(packaged))
    assert names(catalog) == ["en_us-Joe-medium"]
    assert catalog.find("en_US-joe-medium", TTS).path == mine
    assert catalog.find("en_US-joe-medium@folder", TTS).path == mine
    assert catalog.find("en_US-joe-medium@package", TTS) == packaged
    assert catalog.shadowed() == (packaged,)


def test_the_same_name_may_be_a_voice_and_a_model(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path, backends=packages(entry("base"), entry("base", STT)))
    assert catalog.find("base", STT).kind is STT
    assert catalog.find("base", TTS).kind is TTS


# Broken things


def test_a_broken_model_is_reported_and_the_rest_works(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    put_model(folder, "good")
    put_model(folder, "bad").with_name("bad.onnx.json").write_text("{")
    catalog = make_catalog(tmp_path, folders=[folder])
    assert names(catalog) == ["good"]
    assert [(item.path.name, item.reason) for item in catalog.broken()] == [
        ("bad.onnx", "bad.onnx.json is not JSON.")
    ]


def test_a_missing_folder_is_reported_until_it_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    catalog = make_catalog(tmp_path, folders=[folder])
    assert "not there" in catalog.broken()[0].reason
    put_model(folder, "en_US-amy-low")
    assert catalog.refresh()
    assert catalog.broken() == ()
    assert names(catalog) == ["en_US-amy-low"]


def test_a_folder_that_cannot_be_looked_at_is_reported_and_the_rest_works(tmp_path: Path) -> None:
    put_model(tmp_path / "mine", "good")
    catalog = make_catalog(tmp_path, folders=[tmp_path / ("x" * 5000), tmp_path / "mine"])
    assert names(catalog) == ["good"]
    assert "not there" in catalog.broken()[0].reason


def test_a_backend_that_fails_does_not_hide_the_others(tmp_path: Path) -> None:
    put_model(tmp_path / "mine", "good")
    backends = [file_backend(STT, error=RuntimeError("/secret/path")), file_backend()]
    catalog = make_catalog(tmp_path, folders=[tmp_path / "mine"], backends=backends)
    assert names(catalog) == ["good"]
    assert {item.backend for item in catalog.broken()} == {"file-stt"}
    assert all("/secret" not in item.reason for item in catalog.broken())


def test_a_folder_with_far_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunavox_edge.engine.catalog.sources.MAX_FILES_PER_FOLDER", 5)
    for number in range(10):
        put_model(tmp_path / "mine", f"voice{number}")
    catalog = make_catalog(tmp_path, folders=[tmp_path / "mine"])
    assert names(catalog) == []
    assert "over 5 files" in catalog.broken()[0].reason


def test_folders_linked_in_a_circle_end(tmp_path: Path) -> None:
    put_model(tmp_path / "mine", "good")
    (tmp_path / "mine" / "again").symlink_to(tmp_path / "mine", target_is_directory=True)
    catalog = make_catalog(tmp_path, folders=[tmp_path / "mine"])
    catalog.refresh()
    assert names(catalog) == ["good"]
    assert not catalog.refresh()


# Looking again


def test_a_voice_that_is_dropped_in_appears_without_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    put_model(folder, "first")
    catalog = make_catalog(tmp_path, folders=[folder])
    assert names(catalog) == ["first"]
    version = catalog.version
    assert not catalog.refresh()
    assert catalog.version == version
    put_model(folder / "deep" / "below", "second")
    assert names(catalog) == ["first"], "readers see the snapshot until somebody refreshes"
    assert catalog.refresh()
    assert sorted(names(catalog)) == ["first", "second"]
    assert catalog.version == version + 1


def test_other_folders_and_aliases_hold_at_once(tmp_path: Path) -> None:
    put_model(tmp_path / "old", "anna")
    put_model(tmp_path / "new", "berta")
    catalog = make_catalog(tmp_path, folders=[tmp_path / "old"])
    assert names(catalog) == ["anna"]
    version = catalog.version
    catalog.configure(folders=[tmp_path / "new"], aliases={"b": VoiceAlias(voice="berta", speed=1.5)})

    assert names(catalog) == ["b", "berta"]
    assert catalog.version > version
    alias = catalog.alias("b")
    assert alias is not None
    assert alias.speed == 1.5


def test_a_voice_that_is_taken_away_goes(tmp_path: Path) -> None:
    model = put_model(tmp_path / "mine", "first")
    catalog = make_catalog(tmp_path, folders=[tmp_path / "mine"])
    assert names(catalog) == ["first"]
    model.unlink()
    assert catalog.refresh()
    assert names(catalog) == []


def test_a_change_that_changes_no_entry_keeps_the_version(tmp_path: Path) -> None:
    put_model(tmp_path / "mine", "first")
    catalog = make_catalog(tmp_path, folders=[tmp_path / "mine"])
    version = catalog.version
    (tmp_path / "mine" / "notes.txt").write_text("hello")
    assert not catalog.refresh()
    assert not catalog.refresh(force=True)
    assert catalog.version == version


def test_a_copy_without_its_json_is_broken_then_picked_up(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    description = put_model(folder, "late").with_name("late.onnx.json")
    text = description.read_text()
    description.unlink()
    catalog = make_catalog(tmp_path, folders=[folder])
    assert names(catalog) == []
    assert "missing" in catalog.broken()[0].reason
    description.write_text(text)
    os.utime(description, (time.time() - 60,) * 2)
    assert catalog.refresh()
    assert names(catalog) == ["late"]


def test_a_file_that_still_grows_is_not_used_until_it_settles(tmp_path: Path) -> None:
    now_s = time.time()
    model = put_model(tmp_path / "mine", "growing", age_s=0.0)
    clock = [now_s]
    catalog = Catalog(
        folders=[tmp_path / "mine"],
        cache_dir=tmp_path / "cache",
        aliases={},
        backends=[file_backend()],
        now_s=lambda: clock[0],
    )
    assert names(catalog) == []
    assert catalog.settling
    assert "as soon as" in catalog.broken()[0].reason
    clock[0] = now_s + 0.9
    with model.open("ab") as file:
        file.write(b"more")
    os.utime(model, (clock[0],) * 2)
    catalog.refresh()
    assert names(catalog) == []
    clock[0] = now_s + 5
    assert catalog.refresh(), "looks again although no file changed"
    assert names(catalog) == ["growing"]
    assert not catalog.settling


def test_another_voice_of_the_same_name_and_size_is_another_voice(tmp_path: Path) -> None:
    model = put_model(tmp_path / "mine", "voice")
    catalog = make_catalog(tmp_path, folders=[tmp_path / "mine"])
    before = catalog.find("voice", TTS)
    content = model.read_bytes()
    model.unlink()
    model.write_bytes(content[::-1])
    os.utime(model, (time.time() - 30,) * 2)
    catalog.refresh()
    after = catalog.find("voice", TTS)
    assert after.size_bytes == before.size_bytes
    assert after.content_key != before.content_key


def test_files_from_the_future_have_settled(tmp_path: Path) -> None:
    put_model(tmp_path / "mine", "tomorrow", age_s=-86_400)
    assert names(make_catalog(tmp_path, folders=[tmp_path / "mine"])) == ["tomorrow"]


def test_readers_see_whole_snapshots_while_others_refresh(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for number in range(5):
        put_model(folder, f"voice{number}")
    catalog = make_catalog(tmp_path, folders=[folder])
    seen: set[int] = set()
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                found = catalog.entries()
                seen.add(len(found))
                catalog.find(found[0].name, TTS)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    refreshers = [
        threading.Thread(target=lambda: [catalog.refresh(force=True) for _ in range(20)]) for _ in range(2)
    ]
    for thread in (*readers, *refreshers):
        thread.start()
    for thread in refreshers:
        thread.join(timeout=30)
    done.set()
    for thread in readers:
        thread.join(timeout=30)
    assert failures == []
    assert seen == {5}


# Finding by name


@pytest.mark.parametrize(
    "name", ["en_US-joe-medium", "en-us-joe-medium", "EN_us-Joe-Medium", " en_US-joe-medium ", "joe", "JOE"]
)
def test_names_are_found_in_any_spelling(tmp_path: Path, name: str) -> None:
    catalog = make_catalog(tmp_path, backends=packages(entry("en_US-joe-medium", aliases=("joe",))))
    assert catalog.find(name, TTS).name == "en_US-joe-medium"


def test_a_letter_with_an_accent_is_found_in_both_its_encodings(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path, backends=packages(entry("pt_PT-tug\u00e3o-medium")))
    assert catalog.find("pt_PT-tuga\u0303o-medium", TTS).name == "pt_PT-tug\u00e3o-medium"


def test_a_name_beats_anothers_alias(tmp_path: Path) -> None:
    catalog = make_catalog(
        tmp_path, backends=packages(entry("en_US-joe-medium", aliases=("joe",)), entry("joe"))
    )
    assert catalog.find("joe", TTS).name == "joe"


def test_an_unknown_voice_is_answered_with_close_ones(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path, backends=packages(entry("en_US-joe-medium"), entry("en_US-amy-low")))
    with pytest.raises(UnknownVoice, match="Did you mean 'en_US-joe-medium'") as caught:
        catalog.find("en_US-jo-medium", TTS)
    assert "`lunavox-edge voices list`" in str(caught.value)
    assert "voices install" in str(caught.value)


def test_an_unknown_model_that_the_hub_has_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="`lunavox-edge models pull small` fetches it"):
        make_catalog(tmp_path, backends=packages(entry("base", STT))).find("small", STT)


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "/etc/passwd", "a\0b", "x" * 1_000_000, "\x1b[31m", "..", "\n"]
)
def test_odd_names_are_unknown_and_never_paths(tmp_path: Path, name: str) -> None:
    catalog = make_catalog(tmp_path, backends=packages(entry("en_US-joe-medium")))
    with processor_time.at_most(5), pytest.raises(UnknownVoice) as caught:
        catalog.find(name, TTS)
    message = str(caught.value)
    assert len(message) < 300
    assert message.isprintable()


# Aliases of the settings


def test_an_alias_is_an_entry_of_its_own_with_the_same_model(tmp_path: Path) -> None:
    alias = VoiceAlias(voice="JOE", speed=1.1, language="en-GB")
    joe = entry("en_US-joe-medium", aliases=("joe",))
    catalog = make_catalog(tmp_path, aliases={"announcer": alias}, backends=packages(joe))
    found = catalog.find("Announcer", TTS)
    assert (found.name, found.path, found.backend) == ("announcer", joe.path, joe.backend)
    assert found.languages == ("en-GB",)
    assert found.source == "alias of en_US-joe-medium"
    assert catalog.alias("Announcer") is alias
    assert catalog.alias("joe") is None
    assert catalog.alias("nobody") is None


def test_an_alias_may_take_the_name_of_its_own_voice(tmp_path: Path) -> None:
    alias = VoiceAlias(voice="en_US-joe-medium", speed=0.9)
    catalog = make_catalog(
        tmp_path,
        aliases={"en_US-joe-medium": alias},
        backends=packages(entry("en_US-joe-medium", aliases=("joe",))),
    )
    assert catalog.find("en_US-joe-medium", TTS).source_kind is SourceKind.CONFIG
    assert catalog.find("en_US-joe-medium@package", TTS).source_kind is SourceKind.PACKAGE
    assert catalog.alias("en_US-joe-medium") is alias


def test_an_alias_of_one_speaker_offers_that_speaker(tmp_path: Path) -> None:
    catalog = make_catalog(
        tmp_path,
        aliases={"narrator": VoiceAlias(voice="libritts", speaker="p225")},
        backends=packages(entry("libritts", speakers=("p1", "p225"))),
    )
    assert catalog.find("narrator", TTS).speakers == ("p225",)


@pytest.mark.parametrize(
    ("alias", "reason"),
    [
        (VoiceAlias(voice="nobody"), "'nobody' is not installed"),
        (VoiceAlias(voice="other"), "'other' is an alias too"),
        (VoiceAlias(voice="joe", speaker="p225"), "has no speaker 'p225'"),
    ],
)
def test_a_wrong_alias_is_reported_and_the_rest_works(tmp_path: Path, alias: VoiceAlias, reason: str) -> None:
    aliases = {"wrong": alias, "other": VoiceAlias(voice="joe")}
    catalog = make_catalog(tmp_path, aliases=aliases, backends=packages(entry("joe")))
    assert names(catalog) == ["other", "joe"]
    assert len(catalog.broken()) == 1
    assert "voices: wrong:" in catalog.broken()[0].reason
    assert reason in catalog.broken()[0].reason
    with pytest.raises(UnknownVoice):
        catalog.find("wrong", TTS)


def test_an_alias_comes_to_life_when_its_voice_is_installed(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    catalog = make_catalog(tmp_path, folders=[folder], aliases={"a": VoiceAlias(voice="amy")})
    assert names(catalog) == []
    put_model(folder, "amy")
    assert catalog.refresh()
    assert names(catalog) == ["a", "amy"]


# Choosing by language


VOICES = (
    entry("gb", languages=("en-GB",)),
    entry("us1", languages=("en-US",)),
    entry("us2", languages=("en-US",)),
    entry("pt", languages=("pt-PT",)),
    entry("br", languages=("pt-BR",)),
    entry("de", languages=("de-DE",)),
)


@pytest.mark.parametrize(
    ("language", "preferred", "expected"),
    [
        ("en-GB", "us1", "gb"),
        ("en_gb", "us1", "gb"),
        ("en", "us2", "us2"),
        ("en", "gb", "gb"),
        ("en", "nobody", "us1"),
        ("en-AU", "nobody", "gb"),
        ("en-AU", "us2", "us2"),
        ("pt", "us1", "br"),
        ("pt-PT", "br", "pt"),
        ("de-AT", "us1", "de"),
    ],
)
def test_the_region_then_the_preferred_then_the_likeliest(
    tmp_path: Path, language: str, preferred: str, expected: str
) -> None:
    assert (
        make_catalog(tmp_path, backends=packages(*VOICES)).select(TTS, language, preferred).name == expected
    )


def test_an_entry_without_languages_fits_any(tmp_path: Path) -> None:
    models = (entry("tiny.en", STT, languages=("en",)), entry("base", STT, languages=()))
    catalog = make_catalog(tmp_path, backends=packages(*models))
    assert catalog.select(STT, "de", "tiny.en").name == "base"
    assert catalog.select(STT, "en", "base").name == "base"
    assert catalog.select(STT, "en", "").name == "tiny.en"


def test_an_alias_is_chosen_by_language_only_if_preferred(tmp_path: Path) -> None:
    aliases = {"calm": VoiceAlias(voice="us2", speed=0.8)}
    catalog = make_catalog(tmp_path, aliases=aliases, backends=packages(*VOICES))
    assert catalog.select(TTS, "en", "nobody").name == "us1"
    assert catalog.select(TTS, "en", "calm").name == "calm"
    assert catalog.select(TTS, "en-GB", "calm").name == "gb"


def test_a_language_that_nobody_speaks_is_refused_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(
        UnsupportedLanguage, match=r"No installed voice speaks 'fr-FR'\. There is: de-DE, en-GB"
    ):
        make_catalog(tmp_path, backends=packages(*VOICES)).select(TTS, "fr_fr", "us1")


def test_a_language_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedLanguage, match="not a language tag"):
        make_catalog(tmp_path, backends=packages(*VOICES)).select(TTS, "../etc", "us1")


def test_an_installation_of_the_hub_that_is_replaced_is_noticed(tmp_path: Path) -> None:
    home = hub_folder(tmp_path / "cache", TTS) / "amy"
    put_model(home, "amy", languages=["en-US"])
    catalog = make_catalog(tmp_path)
    assert catalog.find("amy", TTS).languages == ("en-US",)
    (home / "amy.onnx.json").write_text(json.dumps({"languages": ["en-GB", "en-US"]}))
    assert catalog.refresh()
    assert catalog.find("amy", TTS).languages == ("en-GB", "en-US")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("hey_jarvis_v0.1", "hey_jarvis"),
        ("Hey-Jarvis-V2", "hey_jarvis"),
        ("hey jarvis_v0.1", "hey_jarvis"),
        ("hey_jarvis_v0.1.tflite", "hey_jarvis"),
        ("timer", "timer_v0.1"),
        ("timer_v0.2", "timer_v0.1"),
        ("timer_v0.1", "timer_v0.1"),
        ("rhasspy", "rhasspy"),
        ("rhasspy_v0.1", "rhasspy_v0.1"),
        ("rhasspy_v0.2", "rhasspy"),
    ],
)
def test_wake_words_are_found_with_and_without_a_version(tmp_path: Path, asked: str, found: str) -> None:
    names = (("hey_jarvis", "Hey Jarvis"), ("timer_v0.1", "timer v1"), ("rhasspy_v0.1", ""), ("rhasspy", ""))
    words = [entry(name, ModelKind.WAKE, aliases=(phrase,) if phrase else ()) for name, phrase in names]
    catalog = make_catalog(tmp_path, backends=[file_backend(ModelKind.WAKE, packaged=words)])
    assert catalog.find(asked, ModelKind.WAKE).name == found


@pytest.mark.parametrize("asked", ["hey_v0.1", "_v0.1", "v0.1", ".tflite", "hey_jarvis_v0.1x"])
def test_a_version_alone_finds_no_wake_word(tmp_path: Path, asked: str) -> None:
    words = [entry("hey_jarvis", ModelKind.WAKE)]
    catalog = make_catalog(tmp_path, backends=[file_backend(ModelKind.WAKE, packaged=words)])
    with pytest.raises(UnknownModel):
        catalog.find(asked, ModelKind.WAKE)


def test_a_version_belongs_to_the_name_of_everything_else(tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path, backends=packages(entry("joe")))
    with pytest.raises(UnknownVoice):
        catalog.find("joe_v0.1", TTS)


def test_an_alias_in_use_may_go_while_the_settings_are_read_anew(tmp_path: Path) -> None:
    """A reader during a scan gets the old or the new entries, and no error."""
    looking, go_on = threading.Event(), threading.Event()

    class Slow(file_backend()):  # type: ignore[misc]  # made on the fly
        @classmethod
        def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry]:
            if looking.is_set():
                go_on.wait(20.0)
            return (entry("joe"),)

    alias = VoiceAlias(voice="joe", speed=1.5)
    catalog = make_catalog(tmp_path, aliases={"calm": alias}, backends=[Slow])
    assert catalog.alias("calm") is alias
    looking.set()
    thread = threading.Thread(target=lambda: catalog.configure(folders=(), aliases={}))
    thread.start()
    try:
        for _ in range(6000):  # until the new settings are taken
            if not catalog._aliases:
                break
            threading.Event().wait(0.005)
        assert catalog.find("calm", TTS).name == "calm"
        assert catalog.alias("calm") is alias
    finally:
        go_on.set()
        thread.join(20.0)
    assert catalog.alias("calm") is None
