from __future__ import annotations

from pathlib import Path

import pytest

from lunavox_edge.errors import BackendUnavailable
from lunavox_edge.host.players import player_for
from lunavox_edge.mqtt import preferences
from lunavox_edge.mqtt.messages import Message, Publication
from lunavox_edge.mqtt.outbox import Outbox
from lunavox_edge.mqtt.preferences import Preferences
from lunavox_edge.mqtt.repeats import Repeats

pytestmark = pytest.mark.unit


class Wire:
    """Accepts the messages of the outbox while `up` is true."""

    def __init__(self) -> None:
        self.up = True
        self.sent: list[str] = []

    def send(self, publication: Publication, _left_s: float) -> int | None:
        if not self.up:
            return None
        self.sent.append(publication.payload.decode())
        return len(self.sent)


def put(
    outbox: Outbox, payload: str, *, topic: str = "t", retain: bool = False, expires_s: float = 10.0
) -> bool:
    return outbox.put(
        Publication(topic, payload.encode(), retain=retain), expires_s=expires_s, expendable=False
    )


def test_what_was_not_acknowledged_is_sent_again_in_order() -> None:
    outbox, wire = Outbox(), Wire()
    for payload in ("a", "b", "c"):
        put(outbox, payload)
    outbox.send(wire.send, 0.0)
    outbox.delivered(1)
    outbox.take_back()
    put(outbox, "d")
    outbox.send(wire.send, 1.0)
    assert wire.sent == ["a", "b", "c", "b", "c", "d"]


def test_what_has_expired_is_not_sent() -> None:
    outbox, wire = Outbox(), Wire()
    put(outbox, "old", expires_s=5.0)
    put(outbox, "new", expires_s=50.0)
    outbox.send(wire.send, 6.0)
    assert wire.sent == ["new"]


def test_a_new_state_replaces_one_that_waits_or_was_taken_back() -> None:
    outbox, wire = Outbox(), Wire()
    put(outbox, "state 1", retain=True)
    outbox.send(wire.send, 0.0)
    put(outbox, "state 2", retain=True)
    put(outbox, "state 3", retain=True)
    outbox.take_back()
    outbox.send(wire.send, 0.0)
    assert wire.sent == ["state 1", "state 3"]


def test_a_new_state_that_finds_no_room_leaves_the_old_one() -> None:
    outbox, wire = Outbox(), Wire()
    put(outbox, "old", retain=True)
    put(outbox, "x" * 33_554_000, topic="fill")
    assert not put(outbox, "n" * 1000, retain=True)
    outbox.send(wire.send, 0.0)
    assert [payload[:3] for payload in wire.sent] == ["old", "xxx"]


def test_a_new_state_takes_the_room_of_the_old_one() -> None:
    outbox, wire = Outbox(), Wire()
    put(outbox, "old", retain=True)
    while put(outbox, "event", topic="fill"):
        pass
    assert not put(outbox, "other", topic="u", retain=True)
    assert put(outbox, "new", retain=True)
    waiting = len(outbox)
    while len(outbox):
        outbox.send(wire.send, 0.0)
        for number in range(1, len(wire.sent) + 1):
            outbox.delivered(number)
    assert len(wire.sent) == waiting
    assert (wire.sent.count("new"), wire.sent.count("old")) == (1, 0)


def test_a_new_state_does_not_take_an_event_of_its_topic_away() -> None:
    outbox, wire = Outbox(), Wire()
    put(outbox, "event", topic="t")
    put(outbox, "state", topic="t", retain=True)
    outbox.send(wire.send, 0.0)
    assert wire.sent == ["event", "state"]


def test_room_is_bounded_and_events_leave_half_of_it() -> None:
    outbox = Outbox()
    taken = sum(outbox.put(Publication("t", b"x"), expires_s=1.0, expendable=True) for _ in range(2000))
    assert taken == 500
    assert put(outbox, "result")
    assert not put(outbox, "x" * 40_000_000)
    assert sum(put(outbox, "x") for _ in range(2000)) == 499


def test_only_a_window_is_on_its_way() -> None:
    outbox, wire = Outbox(), Wire()
    for number in range(100):
        put(outbox, str(number))
    outbox.send(wire.send, 0.0)
    assert len(wire.sent) == 32
    outbox.delivered(1)
    outbox.send(wire.send, 0.0)
    assert len(wire.sent) == 33


def test_a_message_is_a_repeat_by_its_id_or_if_the_broker_doubts() -> None:
    repeats = Repeats()
    plain, doubted = Message("t", b"x"), Message("t", b"x", duplicate=True)
    assert not repeats.seen(plain, "7", 0.0)
    repeats.note(plain, "7", 0.0)
    assert repeats.seen(plain, "7", 100.0)
    assert not repeats.seen(plain, "8", 100.0)
    assert not repeats.seen(plain, "7", 121.0)
    assert not repeats.seen(doubted, None, 0.0)
    repeats.note(plain, None, 0.0)
    assert repeats.seen(doubted, None, 1.0)
    assert not repeats.seen(plain, None, 1.0), "the same words twice are no repeat"


def test_choices_are_kept_whole_or_forgotten(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "state" / "mqtt.json"
    assert preferences.load(file) == Preferences()
    preferences.save(file, Preferences("joe", "en-GB"))
    preferences.save(file, Preferences("joe#p1", None))
    assert preferences.load(file) == Preferences("joe#p1", None)
    assert [found.name for found in file.parent.iterdir()] == ["mqtt.json"]
    for damage in (b"", b"{", b"[]", b"\xff", b'{"voice": 7, "language": ""}', b"[" * 4000):
        file.write_bytes(damage)
        assert preferences.load(file) == Preferences()
    assert "forgotten" in caplog.text


def test_where_the_appliance_plays() -> None:
    assert player_for("alsa:plughw:1,0") == ("aplay", "-q", "-D", "plughw:1,0", "-")
    assert player_for("mpv --no-video 'a b'") == ("mpv", "--no-video", "a b")
    for wrong in ("'", " "):
        with pytest.raises(BackendUnavailable):
            player_for(wrong)
