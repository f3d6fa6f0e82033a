"""How hot and how busy the board is; what the system does not tell is left out."""

from __future__ import annotations

from pathlib import Path

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


def temperatures(root: Path = _ROOT) -> dict[str, float]:
    """Return degrees Celsius by the name of the sensor."""
    found: dict[str, float] = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*"))[:_MAX_ZONES]:
        name, reading = _read(zone / "type"), _number(_read(zone / "temp"))
        if name and reading is not None:
            found.setdefault(name[:_MAX_NAME_CHARS], round(reading / 1000, 1))
    return found


def gpu_load(root: Path = _ROOT) -> float | None:
    """Return the load of a Jetson's GPU in percent; None where there is none."""
    for file in _GPU_FILES:
        load = _number(_read(root / file))
        if load is not None:
            return load / 10
    return None


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
