"""Sensors of boards, read from simulated files of the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from lunavox_edge.host import telemetry

pytestmark = pytest.mark.unit


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / "sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n", encoding="ascii")
    return root


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    found = telemetry.readings(tmp_path)
    assert found == telemetry.Readings({}, None, ())
    assert found.hottest_c is None
    assert not found.is_slowed_by_heat


def test_temperatures_by_sensor(tmp_path: Path) -> None:
    zones = (("cpu-thermal", "48312"), ("odd", "?"), ("gpu", "-1000"))
    put(
        tmp_path,
        {
            f"class/thermal/thermal_zone{number}/{name}": text
            for number, zone in enumerate(zones)
            for name, text in zip(("type", "temp"), zone, strict=True)
        },
    )
    found = telemetry.readings(tmp_path)
    assert found.temperatures == {"cpu-thermal": 48.3, "gpu": -1.0}
    assert found.hottest_c == 48.3


@pytest.mark.parametrize("file", telemetry._GPU_FILES)
def test_the_load_of_a_jetsons_gpu(tmp_path: Path, file: str) -> None:
    put(tmp_path, {file.removeprefix("sys/"): "345"})
    assert telemetry.readings(tmp_path).gpu_load == 34.5


@pytest.mark.parametrize(
    ("bits", "expected", "hot"),
    [
        ("0", (), False),
        ("50000", (), False),  # what was, since the start
        ("1", ("undervoltage",), False),
        ("50005", ("undervoltage", "throttled by heat"), True),
        ("8", ("close to its heat limit",), True),
        ("junk", (), False),
    ],
)
def test_a_raspberry_pis_firmware(tmp_path: Path, bits: str, expected: tuple[str, ...], hot: bool) -> None:  # noqa: FBT001  # a table
    put(tmp_path, {"devices/platform/soc/soc:firmware/get_throttled": bits})
    found = telemetry.readings(tmp_path)
    assert found.slowed == expected
    assert found.is_slowed_by_heat is hot


def test_a_raspberry_pis_voltage_alarm(tmp_path: Path) -> None:
    put(tmp_path, {"class/hwmon/hwmon1/name": "other", "class/hwmon/hwmon1/in0_lcrit_alarm": "1"})
    assert telemetry.slowed(tmp_path) == ()
    put(tmp_path, {"class/hwmon/hwmon2/name": "rpi_volt", "class/hwmon/hwmon2/in0_lcrit_alarm": "1"})
    assert telemetry.slowed(tmp_path) == ("undervoltage",)


@pytest.mark.parametrize(
    ("kind", "state", "slow"),
    [
        ("cpufreq-cpu0", "2", True),
        ("cpufreq-cpu0", "0", False),
        ("pwm-fan", "3", False),
        ("Processor", "1", True),
        ("17000000.gpu", "1", True),
        ("intel_powerclamp", "-1", False),
        ("thermal-devfreq-0", "1", True),
    ],
)
def test_what_slows_down_to_cool_is_told_from_fans(
    tmp_path: Path,
    kind: str,
    state: str,
    slow: bool,  # noqa: FBT001  # a table
) -> None:
    cooler = "class/thermal/cooling_device0"
    put(tmp_path, {f"{cooler}/type": kind, f"{cooler}/cur_state": state})
    assert telemetry.readings(tmp_path).is_slowed_by_heat is slow


def test_this_machine_can_be_asked() -> None:
    telemetry.readings()
