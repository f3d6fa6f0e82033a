"""Sensors of the board: temperatures, GPU load, throttling. Needs no root; missing values are left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lunavox_edge.host.kernel_files import number, small_text

_ROOT = Path("/")
_MAX_ZONES = 32
_MAX_NAME_CHARS = 64
# Jetson boards, by release; the file holds tenths of a percent.
_GPU_FILES = (
    "sys/devices/gpu.0/load",
    "sys/devices/platform/gpu.0/load",
    "sys/devices/platform/bus@0/17000000.gpu/load",
    "sys/devices/platform/17000000.gpu/load",
    "sys/devices/platform/17000000.ga10b/load",
)
# Raspberry Pi: the present conditions in its firmware's bit field.
_FIRMWARE_FILE = "sys/devices/platform/soc/soc:firmware/get_throttled"
_FIRMWARE_BITS = {
    0: "undervoltage",
    1: "frequency capped",
    2: "throttled by heat",
    3: "close to its heat limit",
}
_HEAT = frozenset((_FIRMWARE_BITS[2], _FIRMWARE_BITS[3], "slowed by heat"))
# Kinds of cooling devices that slow a processor down; fans are left out.
_SLOWING = ("cpufreq", "thermal-cpu", "processor", "devfreq", "gpu")
_MAX_COOLERS = 64


@dataclass(frozen=True, slots=True)
class Readings:
    """Temperatures in °C by sensor, GPU load in percent, and the reasons why the board is slowed down."""

    temperatures: dict[str, float]
    gpu_load: float | None
    slowed: tuple[str, ...]

    @property
    def hottest_c(self) -> float | None:
        """The highest temperature, None if there is no sensor."""
        return max(self.temperatures.values(), default=None)

    @property
    def is_slowed_by_heat(self) -> bool:
        """Whether heat is among the reasons."""
        return not _HEAT.isdisjoint(self.slowed)


def readings(root: Path = _ROOT) -> Readings:
    """Return the readings of now."""
    return Readings(temperatures(root), gpu_load(root), slowed(root))


def slowed(root: Path = _ROOT) -> tuple[str, ...]:
    """Return the reasons why the board runs slower than it could; empty if it does not."""
    found: list[str] = []
    try:
        bits = int(_read(root / _FIRMWARE_FILE) or "0", 16)
    except ValueError:
        bits = 0
    found += [words for bit, words in _FIRMWARE_BITS.items() if bits >> bit & 1]
    for alarm in sorted((root / "sys/class/hwmon").glob("hwmon*/in0_lcrit_alarm"))[:_MAX_ZONES]:
        if _read(alarm.with_name("name")) == "rpi_volt" and number(_read(alarm)):
            found.append(_FIRMWARE_BITS[0])
    for cooler in sorted((root / "sys/class/thermal").glob("cooling_device*"))[:_MAX_COOLERS]:
        kind = _read(cooler / "type").lower()
        if any(word in kind for word in _SLOWING) and (number(_read(cooler / "cur_state")) or 0) > 0:
            found.append("slowed by heat")
    return tuple(dict.fromkeys(found))


def temperatures(root: Path = _ROOT) -> dict[str, float]:
    """Return the temperatures in degrees Celsius by sensor name."""
    found: dict[str, float] = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*"))[:_MAX_ZONES]:
        name, reading = _read(zone / "type"), number(_read(zone / "temp"))
        if name and reading is not None:
            found.setdefault(name[:_MAX_NAME_CHARS], round(reading / 1000, 1))
    return found


def gpu_load(root: Path = _ROOT) -> float | None:
    """Return the load of a Jetson's GPU in percent, None on other boards."""
    for file in _GPU_FILES:
        load = number(_read(root / file))
        if load is not None:
            return load / 10
    return None


def _read(path: Path) -> str:
    return small_text(path).strip()
