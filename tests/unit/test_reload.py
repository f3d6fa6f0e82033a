from __future__ import annotations

import pytest

from lunavox_edge.settings.model import Settings
from lunavox_edge.settings.reload import change

pytestmark = pytest.mark.unit


def settings(**sections: object) -> Settings:
    return Settings.model_validate(sections)


def test_nothing_changed() -> None:
    found = change(settings(), settings())

    assert (found.live, found.later) == ((), ())
    assert str(found) == "nothing has changed"


def test_what_can_change_does_and_the_rest_is_named() -> None:
    old = settings(tts={"speed": 1.0})
    new = settings(
        tts={"speed": 1.5, "device": "cuda"},
        stt={"model": "tiny.en"},
        engine={"threads": 3, "keep_alive_s": 7.0},
        wyoming={"uri": "tcp://0.0.0.0:1"},
        voices={"a": {"voice": "joe"}},
        satellites={"known": {"kitchen": {"uri": "tcp://192.0.2.1:10700"}}},
    )
    found = change(old, new)

    assert set(found.live) == {"tts.speed", "stt.model", "engine.keep_alive_s", "voices"}
    assert set(found.later) == {"tts.device", "engine.threads", "wyoming.uri", "satellites.known"}
    assert found.settings.tts.speed == 1.5
    assert found.settings.stt.model == "tiny.en"
    assert found.settings.engine.keep_alive_s == 7.0
    assert found.settings.voices["a"].voice == "joe"
    assert found.settings.tts.device == "cpu"
    assert found.settings.engine.threads is None
    assert found.settings.wyoming.uri == Settings().wyoming.uri
    assert found.settings.satellites.known == {}
    assert "takes a restart: " in str(found)


def test_what_is_taken_back_is_no_change_any_more() -> None:
    running = change(settings(), settings(engine={"threads": 3})).settings

    assert change(running, settings()).later == ()
