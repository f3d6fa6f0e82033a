"""Checks of the machine that run no model: packages, memory, sensors, disks, permissions, sound, watchdog."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

from lunavox_edge._version import __version__
from lunavox_edge.address import Address
from lunavox_edge.errors import BackendUnavailable
from lunavox_edge.host import system, telemetry
from lunavox_edge.host.players import player_for
from lunavox_edge.host.secret_files import exposure
from lunavox_edge.settings.model import Settings

_MIB = 1024 * 1024
_MIN_AVAILABLE_MB = 512
_LITTLE_DISK_MB, _NO_DISK_MB = 500, 64
_NEEDED = (
    "wyoming",
    "numpy",
    "onnxruntime",
    "piper-tts",
    "faster-whisper",
    "ctranslate2",
    "pydantic",
    "httpx2",
)
_OPTIONAL = ("zeroconf", "paho-mqtt", "amqtt", "hibari-tts", "pymicro-wakeword", "systemd-python")
_GROUP_WRITE, _OTHERS_WRITE = 0o020, 0o002
_UNIT = "lunavox-edge"
_UNIT_PROPERTIES = "LoadState,ActiveState,WatchdogUSec,NRestarts"
_SYSTEMCTL_TIMEOUT_S = 5.0


class Severity(str, Enum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; if the verdict is bad, the text says what to do."""

    topic: str
    verdict: Severity
    text: str


def check_machine(settings: Settings, file: Path | None = None) -> Iterator[Finding]:
    """Yield findings about the machine; `file` is the settings file, None if there is none."""
    yield _machine()
    yield _packages()
    yield _memory(settings)
    yield _board()
    yield _clock(time.time())
    yield from _disk(settings)
    yield from _permissions(settings, file)
    yield _sound(settings)
    yield _watchdog(_unit_state())


def check_port(settings: Settings) -> Finding:
    """Check that the Wyoming port is free; for when no service answers there."""
    address = Address.parse(settings.wyoming.uri)
    if address.path is not None:
        folder = address.path.parent
        if os.access(folder, os.W_OK):
            return Finding("port", Severity.OK, f"{settings.wyoming.uri} can be used")
        return Finding("port", Severity.FAIL, f"{folder} cannot be written: create it or set wyoming.uri")
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[0][4])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            what = "another program uses it: stop that (ss -ltnp shows it) or set wyoming.uri"
        else:
            what = f"{error.strerror}: set wyoming.uri to an address of this machine"
        return Finding("port", Severity.FAIL, f"{settings.wyoming.uri} cannot be used; {what}")
    return Finding("port", Severity.OK, f"{settings.wyoming.uri} is free")


def _machine() -> Finding:
    version = platform.python_version()
    text = f"LunaVox Edge {__version__}, Python {version}, {platform.machine()}, {system.cpu_count()} cores"
    if (3, 10) <= sys.version_info[:2] < (3, 14):
        return Finding("machine", Severity.OK, text)
    return Finding("machine", Severity.WARN, f"{text}; install it with Python 3.10 to 3.13")


def _packages(version: Callable[[str], str] = metadata.version) -> Finding:
    installed: list[str] = []
    missing: list[str] = []
    for name in (*_NEEDED, *_OPTIONAL):
        try:
            installed.append(f"{name} {version(name)}")
        except metadata.PackageNotFoundError:
            if name in _NEEDED:
                missing.append(name)
    if missing:
        what = f"not installed: {', '.join(missing)}; run: pip install --force-reinstall lunavox-edge"
        return Finding("packages", Severity.FAIL, what)
    return Finding("packages", Severity.OK, ", ".join(installed))


def _memory(settings: Settings) -> Finding:
    memory = system.memory()
    budget = settings.engine.memory_budget_mb
    available = f"{memory.available_bytes // _MIB} of {memory.total_bytes // _MIB} MB"
    text = (
        (available if memory.total_bytes else "The system does not say how much is")
        + " available; models may take "
        + (f"{budget} MB" if budget is not None else "what is available")
        + f" and leave {settings.engine.memory_reserve_mb} MB free"
    )
    if memory.total_bytes and memory.available_bytes < _MIN_AVAILABLE_MB * _MIB:
        return Finding(
            "memory", Severity.WARN, text + "; too little for the default models, choose smaller ones"
        )
    return Finding("memory", Severity.OK, text)


def _board(read: Callable[[], telemetry.Readings] = telemetry.readings) -> Finding:
    found = read()
    parts = [f"{name} {degrees:g} °C" for name, degrees in found.temperatures.items()]
    if found.gpu_load is not None:
        parts.append(f"GPU at {found.gpu_load:.0f} %")
    text = ", ".join(parts) or "no sensors"
    if not found.slowed:
        return Finding("board", Severity.OK, text)
    advice = "cool it better" if found.is_slowed_by_heat else "use a stronger power supply or cable"
    return Finding("board", Severity.WARN, f"{', '.join(found.slowed)} ({text}); {advice}")


def _clock(now_s: float) -> Finding:
    """Compare the clock with the installation time of this package: a clock before that was never set."""
    try:
        installed_s = Path(__file__).stat().st_mtime
    except OSError:
        installed_s = 0.0
    text = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(now_s))
    if now_s < installed_s - 86_400:
        advice = "set the clock (timedatectl set-ntp true); until then TLS may fail and logs mislead"
        return Finding("clock", Severity.WARN, f"{text} is before this was installed; {advice}")
    return Finding("clock", Severity.OK, text)


def _disk(settings: Settings) -> Iterator[Finding]:
    for what, folder in (
        ("models", settings.catalog.resolved_cache_dir()),
        ("state", system.state_dir()),
    ):
        existing = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
        try:
            free_mb = shutil.disk_usage(existing).free // _MIB
        except OSError as error:
            yield Finding("disk", Severity.FAIL, f"{folder} cannot be read: {error.strerror}")
            continue
        text = f"{folder} ({what}): {free_mb} MB free"
        if not os.access(existing, os.W_OK):
            advice = "models cannot be installed" if what == "models" else "choices are forgotten at the end"
            yield Finding("disk", Severity.WARN, f"{text}, but it cannot be written; {advice}")
        elif free_mb < _LITTLE_DISK_MB:
            verdict = Severity.FAIL if free_mb < _NO_DISK_MB else Severity.WARN
            yield Finding("disk", verdict, f"{text}; make room, or remove models: lunavox-edge models list")
        else:
            yield Finding("disk", Severity.OK, text)


def _permissions(settings: Settings, file: Path | None) -> Iterator[Finding]:
    bad = []
    secrets = {
        "mqtt.password_file": settings.mqtt.password_file,
        "mqtt.tls_key": settings.mqtt.tls_key,
        "wyoming.tls_key": settings.wyoming.tls_key,
        **settings.satellites.token_files,
    }
    for key, path in secrets.items():
        if path is not None:
            try:
                exposed = exposure(path)
            except OSError as error:
                exposed = error.strerror
            if exposed is not None:
                bad.append(f"{key}: {exposed}")
    for what, path in (("settings", file), ("models", settings.catalog.resolved_cache_dir())):
        if path is not None and path.exists() and path.stat().st_mode & (_GROUP_WRITE | _OTHERS_WRITE):
            bad.append(f"the {what} in {path} can be changed by others (chmod go-w ends that)")
    if bad:
        yield Finding("rights", Severity.WARN, "; ".join(bad))
        return
    yield Finding("rights", Severity.OK, f"settings: {file or 'none, the defaults hold'}; secrets are secret")


def _sound(settings: Settings) -> Finding:
    output = settings.audio.output
    if output is None:
        return Finding("sound", Severity.OK, "no loudspeaker of its own (audio.output: auto turns it on)")
    try:
        command = player_for(output)
    except BackendUnavailable as error:
        return Finding("sound", Severity.FAIL, str(error))
    if shutil.which(command[0]) is None:
        what = f"{command[0]} of audio.output is not installed; sudo apt install alsa-utils brings aplay"
        return Finding("sound", Severity.FAIL, what)
    cards = _cards()
    if command[0].endswith("aplay") and not cards:
        what = "there is no sound card that may be used; plug one in, or add the user to the group audio"
        return Finding("sound", Severity.FAIL, what)
    return Finding("sound", Severity.OK, f"{Path(command[0]).name}; cards: {', '.join(cards) or 'none'}")


def _watchdog(unit: dict[str, str] | None) -> Finding:
    """Check that the systemd watchdog is on; `unit` has the properties of our unit, None if there is none."""
    if unit is None:
        return Finding("watchdog", Severity.OK, "not installed as a service (sudo ./install.sh does that)")
    limit, restarts = unit.get("WatchdogUSec", "0"), unit.get("NRestarts", "0")
    state = unit.get("ActiveState", "unknown")
    if state == "failed":
        advice = f"see why with: journalctl -u {_UNIT}, then systemctl restart {_UNIT}"
        return Finding("watchdog", Severity.FAIL, f"the service has failed; {advice}")
    if limit in ("0", "infinity"):
        advice = f"add WatchdogSec=30 with: systemctl edit {_UNIT}"
        return Finding("watchdog", Severity.WARN, f"a service that hangs is not restarted; {advice}")
    text = f"the service is {state}; {limit} without a sign of life restart it; restarted {restarts} times"
    return Finding("watchdog", Severity.OK, text)


def _unit_state() -> dict[str, str] | None:
    """Return the properties of our systemd unit, of the system or of this user; None if there is no unit."""
    for scope in ([], ["--user"]):
        command = ["systemctl", *scope, "show", _UNIT, f"--property={_UNIT_PROPERTIES}"]
        try:
            done = subprocess.run(  # noqa: S603  # fixed words
                command, capture_output=True, text=True, timeout=_SYSTEMCTL_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        unit = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        if unit.get("LoadState") == "loaded":
            return unit
    return None


def _cards() -> list[str]:
    """Return the names of the ALSA cards that can play and that this user may open."""
    devices = Path("/dev/snd").glob("pcmC*D*p")
    usable = {path.name[4:].partition("D")[0] for path in devices if os.access(path, os.W_OK)}
    names = []
    for number in sorted(usable):
        try:
            names.append(Path(f"/proc/asound/card{number}/id").read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError):
            names.append(f"card {number}")
    return names
