"""Who may come in, and how much one address may ask for."""

from __future__ import annotations

import logging

import pytest

from lunavox_edge.errors import Busy
from lunavox_edge.settings.model import LimitSettings, WyomingSettings
from lunavox_edge.wyoming_server import gate as gate_module
from lunavox_edge.wyoming_server.gate import Gate

pytestmark = pytest.mark.unit


class House:
    def __init__(self, *allow: str, **limits: int) -> None:
        self.now = 100.0
        self.limits = LimitSettings(**limits)
        self.gate = Gate(allow, lambda: self.limits, lambda: self.now)


@pytest.mark.parametrize(
    ("allow", "host", "expected"),
    [
        ((), "203.0.113.9", True),
        (("192.168.1.0/24",), "192.168.1.77", True),
        (("192.168.1.0/24",), "192.168.2.77", False),
        (("192.168.1.0/24",), "::ffff:192.168.1.77", True),
        (("192.168.1.0/24",), "::ffff:10.0.0.1", False),
        (("192.168.1.0/24",), "127.0.0.1", True),
        (("192.168.1.0/24",), "::1", True),
        (("192.168.1.0/24",), None, True),
        (("192.168.1.7",), "192.168.1.7", True),
        (("192.168.1.7",), "192.168.1.8", False),
        (("fe80::/10", "10.0.0.0/8"), "fe80::1%eth0", True),
        (("fd00::/8",), "10.0.0.1", False),
    ],
)
def test_networks(allow: tuple[str, ...], host: str | None, expected: bool) -> None:  # noqa: FBT001  # a table
    assert House(*allow).gate.allows(host) is expected


def test_a_stranger_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    house = House("10.0.0.0/8")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert not house.gate.allows("192.0.2.1")
    assert len(caplog.records) == 1


def test_connections_of_one_address_are_bounded_and_given_back() -> None:
    house = House(max_connections_per_address=2)
    guests = [house.gate.enter("192.0.2.1", "") for _ in range(2)]
    with pytest.raises(Busy):
        house.gate.enter("192.0.2.1", "")
    house.gate.enter("192.0.2.2", "")
    guests[0].leave()
    guests[0].leave()
    house.gate.enter("192.0.2.1", "")
    with pytest.raises(Busy):
        house.gate.enter("192.0.2.1", "")


def test_arrivals_are_bounded_by_the_minute() -> None:
    house = House(max_connects_per_minute=60)
    for _ in range(60):
        house.gate.enter("192.0.2.1", "").leave()
    with pytest.raises(Busy) as refused:
        house.gate.enter("192.0.2.1", "")
    assert refused.value.retry_after_s == pytest.approx(1.0)
    house.now += 1.0
    house.gate.enter("192.0.2.1", "").leave()
    with pytest.raises(Busy):
        house.gate.enter("192.0.2.1", "")


def test_requests_count_for_the_address_not_for_the_connection() -> None:
    house = House(max_requests_per_minute=3)
    one, two = house.gate.enter("192.0.2.1", ""), house.gate.enter("192.0.2.1", "")
    other, local = house.gate.enter("192.0.2.2", ""), house.gate.enter(None, "")
    for guest in (one, two, one):
        guest.ask()
    with pytest.raises(Busy) as refused:
        two.ask()
    assert refused.value.retry_after_s == pytest.approx(20.0)
    other.ask()
    for _ in range(10):
        local.ask()
    house.limits = LimitSettings(max_requests_per_minute=60)
    house.now += 1.0
    two.ask()


def test_one_household_of_ipv6_is_one_visitor() -> None:
    house = House(max_connections_per_address=1)
    house.gate.enter("2001:db8:0:1::1", "")
    with pytest.raises(Busy):
        house.gate.enter("2001:db8:0:1:ffff::2", "")
    house.gate.enter("2001:db8:0:2::1", "")


def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "_MAX_ADDRESSES", 10)
    house = House(max_connects_per_minute=1)
    stays = house.gate.enter("10.1.0.0", "")
    for number in range(100):
        house.gate.enter(f"10.0.0.{number}", "").leave()
    assert len(house.gate._visitors) <= 10
    assert "10.1.0.0" in house.gate._visitors
    stays.leave()


@pytest.mark.parametrize("wrong", ["kitchen", "192.168.1.0/33", "", "1.2.3"])
def test_a_network_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a network"):
        WyomingSettings(allow=(wrong,))
