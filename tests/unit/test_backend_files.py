from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunavox_edge.backends.ort import onnx_problem
from lunavox_edge.backends.out_of_memory import is_out_of_memory
from lunavox_edge.backends.packages import missing_modules, package_folder
from lunavox_edge.backends.scan import MAX_DEPTH, folders, read_json
from lunavox_edge.backends.tts import piper_files
from lunavox_edge.backends.tts.hibari import HibariBackend
from lunavox_edge.backends.tts.phonemes import bounded
from lunavox_edge.backends.tts.piper import PiperBackend
from lunavox_edge.types import BrokenEntry, ModelEntry
from tests.fakes.tiny_onnx import field, onnx_model, voice_config, write_voice

pytestmark = pytest.mark.unit


def entry(found: object) -> ModelEntry:
    assert isinstance(found, ModelEntry), found
    return found


def test_folders_are_seen_once_whatever_links_say(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "loop").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(inner)
    (inner / "x.onnx").write_bytes(b"")
    (tmp_path / "gone.onnx").symlink_to(tmp_path / "nowhere")
    found = list(folders(tmp_path))
    assert sum("x.onnx" in names for _, names in found) == 1
    assert found[0] == (tmp_path, ("gone.onnx",))


@pytest.mark.timeout(60)
def test_pipes_are_neither_found_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.onnx")
    os.mkfifo(tmp_path / "x.json")
    (tmp_path / "y.onnx").write_bytes(b"")
    assert list(folders(tmp_path)) == [(tmp_path, ("y.onnx",))]
    with pytest.raises(ValueError, match="not valid JSON"):
        read_json(tmp_path / "x.json")


@pytest.mark.timeout(60)
def test_a_pipe_where_a_model_card_should_be_says_nothing(tmp_path: Path) -> None:
    write_voice(tmp_path, "en_US-a-low")
    os.mkfifo(tmp_path / "MODEL_CARD")
    (found,) = PiperBackend.discover(tmp_path)
    assert entry(found).licence == "unknown"


def test_hidden_and_very_deep_folders_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()
    deep = tmp_path.joinpath(*"abcdefghijkl")
    deep.mkdir(parents=True)
    found = [folder for folder, _ in folders(tmp_path)]
    assert len(found) == MAX_DEPTH + 1
    assert tmp_path / ".cache" not in found


def test_no_folder_holds_nothing(tmp_path: Path) -> None:
    assert list(folders(tmp_path / "absent")) == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe{}", b"[" * 100_000, b'"x"', b" " * 5_000_000]
)
def test_json_that_is_no_description_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"^x\.json "):
        read_json(tmp_path / "x.json")


def test_a_whole_onnx_file_has_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(onnx_model(speakers=False))
    assert onnx_problem(path) is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 63201294\n", "Git LFS"),
        (b"<!DOCTYPE html><html>Not found</html>", "not an ONNX"),
        (b"\x08\x08", "not an ONNX"),
        (b"\0" * 500, "not an ONNX"),
        (onnx_model(speakers=False)[:-100], "cut short"),
        (onnx_model(speakers=False)[:20], "cut short"),
        (onnx_model(speakers=False)[:-2], "cut short"),
    ],
)
def test_what_is_wrong_with_an_onnx_file(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    assert problem in str(onnx_problem(path))


def test_a_link_to_nothing_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").symlink_to(tmp_path / "gone")
    assert "cannot be read" in str(onnx_problem(tmp_path / "x.onnx"))


@given(st.binary(max_size=300))
def test_bytes_never_upset_the_outline(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(content)
    assert isinstance(onnx_problem(path), (str, type(None)))


def test_a_voice_named_as_people_know_it(tmp_path: Path) -> None:
    language = {"code": "de_DE", "name_english": "German", "country_english": "Germany"}
    write_voice(tmp_path, "de_DE-thorsten_emotional-medium", speakers=["angry", "calm"], language=language)
    (found,) = PiperBackend.discover(tmp_path)
    voice = entry(found)
    assert voice.name == "de_DE-thorsten_emotional-medium"
    assert voice.aliases == ("thorsten_emotional", "de_DE-thorsten_emotional")
    assert voice.languages == ("de-DE",)
    assert voice.speakers == ("angry", "calm")
    assert voice.size_bytes == len(onnx_model(speakers=True))
    assert voice.licence == "unknown"
    assert voice.description == "thorsten emotional, German (Germany), low quality"


def test_a_voice_with_a_name_of_its_own(tmp_path: Path) -> None:
    write_voice(tmp_path / "mine", "glados")
    (tmp_path / "mine" / "glados.onnx.json").rename(tmp_path / "mine" / "glados.json")
    (tmp_path / "mine" / "MODEL_CARD").write_text(
        "# Card\n\n* URL: x\n* License: CC BY 4.0\n", encoding="utf-8"
    )
    (found,) = PiperBackend.discover(tmp_path)
    voice = entry(found)
    assert (voice.name, voice.aliases, voice.speakers) == ("glados", (), ())
    assert (voice.languages, voice.licence) == (("en-GB",), "CC BY 4.0")


def test_a_card_among_several_voices_names_no_licence(tmp_path: Path) -> None:
    write_voice(tmp_path, "one")
    write_voice(tmp_path, "two")
    (tmp_path / "MODEL_CARD").write_text("License: MIT\n", encoding="utf-8")
    assert [entry(found).licence for found in PiperBackend.discover(tmp_path)] == ["unknown", "unknown"]


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({"num_speakers": 3, "speaker_id_map": {}}, ("0", "1", "2")),
        ({"num_speakers": 2, "speaker_id_map": {"b": 1, "a": 0}}, ("a", "b")),
        ({"num_speakers": 1, "speaker_id_map": {"a": 0}}, ()),
        ({"num_speakers": 2, "speaker_id_map": {"a": 0, "z": 9}}, ("a",)),
    ],
)
def test_speakers(more: dict[str, Any], names: tuple[str, ...]) -> None:
    assert tuple(piper_files.speaker_ids(voice_config(**more))) == names


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("en_US", "en-US"),
        ("en-gb-x-rp", "en-GB"),
        ("de", "de"),
        ("es-419", "es-419"),
        ("cmn", "zh-CN"),
        ("fr-fr", "fr-FR"),
        ("zh_CN", "zh-CN"),
    ],
)
def test_language_tags(code: str, tag: str) -> None:
    assert piper_files.bcp47(code) == tag


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"audio": {}}, "sample rate"),
        ({"audio": {"sample_rate": "22050"}}, "sample rate"),
        ({"audio": {"sample_rate": 10**9}}, "sample rate"),
        ({"espeak": {}}, "espeak voice"),
        ({"phoneme_id_map": {}}, "phoneme_id_map"),
        ({"phoneme_id_map": {"_": [0], "^": [1], "$": [2], "a": "x"}}, "without numbers"),
        ({"num_speakers": None}, "how many"),
        ({"speaker_id_map": {"a": None}}, "speakers without"),
        ({"phoneme_type": "openjtalk"}, "unknown kind ('openjtalk')"),
        ({"phoneme_type": "PhonemeType.NONE"}, "unknown kind"),
        ({"phoneme_type": 3}, "unknown kind"),
        ({"inference": {"length_scale": "fast"}}, "length_scale"),
        ({"inference": {"length_scale": 0}}, "length_scale"),
        ({"inference": {"noise_w": "nan"}}, "noise_w"),
        ({"inference": {"noise_scale": True}}, "noise_scale"),
        ({"inference": [1]}, "inference"),
        ({"phoneme_type": "espeak", "espeak": {"voice": "xx-nosuch"}}, "espeak voice 'xx-nosuch'"),
        ({"phoneme_type": "PhonemeType.PINYIN"}, "needs the folder g2pW"),
    ],
)
def test_a_bad_description_is_reported_and_the_rest_works(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    write_voice(tmp_path, "bad", **change)
    write_voice(tmp_path, "good")
    bad, good = PiperBackend.discover(tmp_path)
    assert isinstance(bad, BrokenEntry)
    assert reason in bad.reason
    assert str(tmp_path) not in bad.reason
    assert entry(good).name == "good"


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"phoneme_type": "PhonemeType.TEXT"}, {"phoneme_type": "text"}),
        ({"phoneme_type": "ESPEAK", "espeak": {"voice": "es-mx"}}, {"phoneme_type": "espeak"}),
        (
            {"inference": {"length_scale": "1.1", "noise_w": 1}},
            {"inference": {"length_scale": 1.1, "noise_w": 1.0}},
        ),
        ({"inference": {"noise_scale": None}}, {"inference": {}}),
        ({"inference": None}, {"inference": {}}),
    ],
)
def test_loose_descriptions_are_read_as_they_are_meant(
    tmp_path: Path, change: dict[str, Any], wanted: dict[str, Any]
) -> None:
    model = write_voice(tmp_path, "loose", **change)
    assert entry(piper_files.describe(model)).name == "loose"
    config = piper_files.read_config(model)
    assert {key: config[key] for key in wanted} == wanted


def test_missing_and_broken_files_are_reported(tmp_path: Path) -> None:
    write_voice(tmp_path, "alone")
    (tmp_path / "alone.onnx.json").unlink()
    (write_voice(tmp_path, "empty")).write_bytes(b"")
    write_voice(tmp_path, "junk")
    (tmp_path / "junk.onnx.json").write_text("not json", encoding="utf-8")
    found = PiperBackend.discover(tmp_path)
    reasons = {item.path.stem: item.reason for item in found if isinstance(item, BrokenEntry)}
    assert reasons == {
        "alone": "alone.onnx.json is missing; a Piper voice needs both files.",
        "empty": "empty.onnx is empty.",
        "junk": "junk.onnx.json is not valid JSON.",
    }


def test_voices_of_hibari_are_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "bf_emma.int8.onnx").write_bytes(onnx_model(speakers=False))
    assert PiperBackend.discover(tmp_path) == []


@pytest.mark.skipif(HibariBackend.missing() is not None, reason="hibari is not installed")
def test_hibari_knows_its_voices_by_name_and_size(tmp_path: Path) -> None:
    model = onnx_model(speakers=False)
    (tmp_path / "bf_emma.int8.onnx").write_bytes(model + field(100, bytes(7936868 - len(model) - 6)))
    (tmp_path / "bm_fable.int8.onnx").write_bytes(model)
    (tmp_path / "other.int8.onnx").write_bytes(model)
    emma, fable = HibariBackend.discover(tmp_path)
    assert entry(emma).name == "hibari-emma"
    assert (entry(emma).aliases, entry(emma).languages) == (("emma",), ("en-GB",))
    assert isinstance(fable, BrokenEntry)
    assert "instead of 7936868" in fable.reason


def test_packages_are_found_without_import() -> None:
    folder = package_folder("hypothesis")
    assert folder is not None
    assert (folder / "__init__.py").is_file()
    assert package_folder("no_such_package_anywhere") is None
    assert missing_modules("It", "extra", "json", "os") is None
    assert missing_modules("It", "extra", "json", "no_such_package_anywhere") == (
        "It needs no_such_package_anywhere. Install it with: pip install 'lunavox-edge[extra]'"
    )


@given(st.text(alphabet="ab ,.", max_size=200), st.integers(1, 40))
def test_bounded_loses_nothing(phonemes: str, limit: int) -> None:
    pieces = bounded(phonemes, limit)
    assert "".join("".join(piece) for piece in pieces) == phonemes
    assert all(0 < len(piece) <= limit for piece in pieces)


def test_bounded_cuts_at_the_best_place() -> None:
    assert bounded("aaaa, bbb ccc", 10) == ["aaaa, bbb ", "ccc"]
    assert bounded("aaaaaa, bb ccc", 10) == ["aaaaaa,", " bb ccc"]
    assert bounded("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]
    assert bounded(list("ab"), 10) == [["a", "b"]]


def test_an_unreadable_folder_is_left_out(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    assert [folder for folder, _ in folders(tmp_path)] == [tmp_path]


def test_the_json_of_the_fake_is_complete(tmp_path: Path) -> None:
    model = write_voice(tmp_path, "x")
    assert piper_files.read_config(model) == json.loads(
        (tmp_path / "x.onnx.json").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA failed with error out of memory"), True),
        (RuntimeError("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("Failed to allocate memory for requested buffer of size 4096"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("CUDA error: device lost"), False),
        (RuntimeError(""), False),
    ],
)
def test_libraries_say_in_many_ways_that_memory_ran_out(error: Exception, *, is_it: bool) -> None:
    assert is_out_of_memory(error) is is_it
