"""Access control and rate limits for client addresses."""

from __future__ import annotations

import logging

import pytest

from lunavox_edge.errors import Busy
from lunavox_edge.settings.model import LimitSettings, WyomingSettings
from lunavox_edge.wyoming_server import gate as gate_module
from lunavox_edge.wyoming_server.gate import Gate

pytestmark = pytest.mark.unit


class LimitedGate:
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
    assert LimitedGate(*allow).gate.allows(host) is expected


def test_a_refused_address_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    limited = LimitedGate("10.0.0.0/8")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert not limited.gate.allows("192.0.2.1")
    assert len(caplog.records) == 1


def test_connections_of_one_address_are_bounded_and_given_back() -> None:
    limited = LimitedGate(max_connections_per_address=2)
    quotas = [limited.gate.connect("192.0.2.1", "") for _ in range(2)]
    with pytest.raises(Busy):
        limited.gate.connect("192.0.2.1", "")
    limited.gate.connect("192.0.2.2", "")
    quotas[0].release()
    quotas[0].release()
    limited.gate.connect("192.0.2.1", "")
    with pytest.raises(Busy):
        limited.gate.connect("192.0.2.1", "")


def test_new_connections_are_bounded_by_the_minute() -> None:
    limited = LimitedGate(max_connects_per_minute=60)
    for _ in range(60):
        limited.gate.connect("192.0.2.1", "").release()
    with pytest.raises(Busy) as refused:
        limited.gate.connect("192.0.2.1", "")
    assert refused.value.retry_after_s == pytest.approx(1.0)
    limited.now += 1.0
    limited.gate.connect("192.0.2.1", "").release()
    with pytest.raises(Busy):
        limited.gate.connect("192.0.2.1", "")


def test_requests_count_for_the_address_not_for_the_connection() -> None:
    limited = LimitedGate(max_requests_per_minute=3)
    one, two = limited.gate.connect("192.0.2.1", ""), limited.gate.connect("192.0.2.1", "")
    other, local = limited.gate.connect("192.0.2.2", ""), limited.gate.connect(None, "")
    for quota in (one, two, one):
        quota.count_request()
    with pytest.raises(Busy) as refused:
        two.count_request()
    assert refused.value.retry_after_s == pytest.approx(20.0)
    other.count_request()
    for _ in range(10):
        local.count_request()
    limited.limits = LimitSettings(max_requests_per_minute=60)
    limited.now += 1.0
    two.count_request()


def test_one_household_of_ipv6_counts_as_one_address() -> None:
    limited = LimitedGate(max_connections_per_address=1)
    limited.gate.connect("2001:db8:0:1::1", "")
    with pytest.raises(Busy):
        limited.gate.connect("2001:db8:0:1:ffff::2", "")
    limited.gate.connect("2001:db8:0:2::1", "")


def test_the_number_of_known_addresses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "_MAX_ADDRESSES", 10)
    limited = LimitedGate(max_connects_per_minute=1)
    stays = limited.gate.connect("10.1.0.0", "")
    for number in range(100):
        limited.gate.connect(f"10.0.0.{number}", "").release()
    assert len(limited.gate._usages) <= 10
    assert "10.1.0.0" in limited.gate._usages
    stays.release()


@pytest.mark.parametrize("wrong", ["kitchen", "192.168.1.0/33", "", "1.2.3"])
def test_an_invalid_network_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a network"):
        WyomingSettings(allow=(wrong,))
