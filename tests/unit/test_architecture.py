"""The layers and fences of docs/ARCHITECTURE.md, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

PACKAGE = Path(__file__).resolve().parents[2] / "lunavox_edge"

# From the top down: a unit may import itself and lower layers. A unit is a folder or module of the package,
# or a folder of the engine. Those of the last layer are values; they may import each other.
LAYERS = (
    {"__main__", "__init__"},
    {"cli"},
    {"service", "checks", "bench"},
    # The device: a server of its own, with the listener of the Wyoming server.
    {"satellite"},
    {"wyoming_server", "mqtt", "hub"},
    {"announcements", "downloads"},
    {"wire"},
    {"background", "retrying", "program"},
    {"bridge"},
    {"engine"},
    {"engine/speech", "engine/hearing", "engine/waking"},
    {"engine/scheduling"},
    {"engine/models"},
    {"engine/catalog"},
    {"engine/values"},
    {"backends"},
    {"audio", "text"},
    {"settings"},
    {"host"},
    {"address", "types", "errors", "_version"},
)
LEVELS = {unit: level for level, units in enumerate(LAYERS) for unit in units}
BOTTOM = len(LAYERS) - 1

# Where an exception of any kind may be caught: the borders of docs/ARCHITECTURE.md, "Errors".
BROAD_EXCEPTS = {
    "backends/registry.py",
    "backends/stt/whisper.py",
    "backends/wake/micro.py",
    "backends/wake/tflite.py",
    "background.py",
    "bridge.py",
    "checks/model_checks.py",
    "cli/__init__.py",
    "engine/catalog/sources.py",
    "engine/log_tap.py",
    "engine/models/leases.py",
    "engine/models/load_runner.py",
    "engine/models/loading.py",
    "engine/models/residency.py",
    "engine/scheduling/lanes.py",
    "engine/scheduling/session.py",
    "engine/speech/speech.py",
    "hub/satellite_activity.py",
    "hub/satellite_link.py",
    "mqtt/broker.py",
    "mqtt/command_tasks.py",
    "mqtt/commands.py",
    "mqtt/paho_client.py",
    "satellite/hub_connection.py",
    "satellite/listening.py",
    "satellite/ringing.py",
    "wire/neighbours.py",
    "wire/zeroconf.py",
    "wyoming_server/blocking_client.py",
    "wyoming_server/client_requests.py",
    "wyoming_server/connection.py",
    "wyoming_server/listener.py",
    "wyoming_server/replies.py",
    "wyoming_server/stt_handler.py",
}

NATIVE = ("onnxruntime", "ctranslate2", "faster_whisper", "piper", "hibari", "pymicro_features")
# What may be imported or used only by modules whose path starts so.
FENCES = {
    # A satellite is a server of its own, for a hub: the other side of the same protocol.
    "wyoming": ("bench/", "satellite/", "hub/", "wire/", "wyoming_server/"),
    "httpx2": ("hub/answers/http_answers.py",),
    **dict.fromkeys(NATIVE, ("backends/",)),
    **dict.fromkeys(("zeroconf", "ifaddr"), ("wire/zeroconf.py", "wire/neighbours.py")),
    "huggingface_hub": (),
    # The engine answers without a network; only downloads speak HTTP, besides the answers of the hub.
    **dict.fromkeys(("urllib.request", "http.client", "requests", "aiohttp"), ("downloads/",)),
    "paho": ("mqtt/paho_client.py",),
    "amqtt": ("mqtt/broker.py",),
    # The embedded broker is foreign code with a loop of its own; on ours it could hold up Wyoming.
    "threading.Thread": ("engine/scheduling/threads.py", "mqtt/broker.py"),
    "threading.Timer": (),
    "_thread": (),
    "multiprocessing": (),
    "concurrent.futures.ThreadPoolExecutor": ("engine/scheduling/lanes.py",),
    "concurrent.futures.ProcessPoolExecutor": (),
    "asyncio": (
        *("service/app.py", "service/supervision.py", "background.py", "retrying.py", "bridge.py", "bench/"),
        *("cli/run.py", "cli/satellite.py", "cli/self_check.py", "mqtt/", "satellite/", "hub/"),
        *("announcements/", "program.py", "wire/", "wyoming_server/"),
    ),
    # Up to Python 3.11 it forgets that its caller was cancelled; `bridge.within` does not.
    "asyncio.wait_for": (),
    # Whatever waits or counts goes by the monotonic clock: the other one jumps.
    "time.time": (
        "checks/checkup.py",
        "cli/support.py",
        "engine/catalog/catalog.py",
        "downloads/installer.py",
        "backends/",
    ),
    "os.environ": ("settings/reading.py", "host/system.py"),
    "os.getenv": (),
    "importlib.import_module": ("__init__.py", "backends/", "cli/__init__.py"),
}


def violations(package: Path) -> list[str]:
    found = []
    for file in sorted(package.rglob("*.py")):
        where = file.relative_to(package).as_posix()
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
        for name in sorted(set(uses(tree))):
            found += [f"{where}: {name}: {what}" for what in wrong_use(where, name)]
        found += [f"{where}: {name}: import it where it is used" for name in eager_imports(tree)]
    return found


def uses(tree: ast.AST) -> Iterator[str]:
    """Dotted names of what is imported anywhere, and of attributes of imported modules."""
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            aliases.update(
                {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names if alias.asname}
            )
            aliases.update(
                {
                    alias.name.split(".")[0]: alias.name.split(".")[0]
                    for alias in node.names
                    if not alias.asname
                }
            )
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)
            aliases.update({alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names})
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            yield f"{aliases[node.value.id]}.{node.attr}"


def wrong_use(where: str, name: str) -> Iterator[str]:
    for fenced, allowed in FENCES.items():
        if is_below(name, fenced) and not where.startswith(allowed or "-"):
            yield f"only in {', '.join(allowed) or 'no module'}"
    if name.startswith("."):
        yield "imports are absolute"
    if not is_below(name, PACKAGE.name) or name == f"{PACKAGE.name}.__version__":
        return
    importer = unit(where.removesuffix(".py").split("/"))
    imported = unit([*name.split(".")[1:], "__init__"])
    if importer not in LEVELS or imported not in LEVELS:
        yield "a module without a layer"
    elif importer != imported and LEVELS[imported] <= LEVELS[importer] and LEVELS[imported] < BOTTOM:
        yield f"{importer} may not import {imported}"
    if imported == "backends" != importer and name.split(".")[2:3] not in (["base"], ["registry"]):
        yield "outside backends only base and registry are known"


def unit(parts: Sequence[str]) -> str:
    """The unit of a layer that a module, or a name in one, belongs to."""
    inner = "/".join(parts[:2])
    return inner if inner in LEVELS else parts[0]


def broad_excepts(package: Path) -> set[str]:
    """The files that catch exceptions of any kind."""
    found = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
            if isinstance(node, ast.ExceptHandler):
                kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
                if any(kind is None or ast.unparse(kind) in ("Exception", "BaseException") for kind in kinds):
                    found.add(file.relative_to(package).as_posix())
    return found


def eager_imports(tree: ast.Module) -> Iterator[str]:
    """Native libraries imported with the module, so that merely asking what is installed loads them."""
    for statement in tree.body:
        if isinstance(statement, (ast.Import, ast.ImportFrom, ast.Try)):
            yield from (name for name in uses(statement) if any(is_below(name, native) for native in NATIVE))


def is_below(name: str, parent: str) -> bool:
    return name == parent or name.startswith(f"{parent}.")


def test_the_source_keeps_its_layers_and_fences() -> None:
    assert violations(PACKAGE) == []


def test_every_layer_exists() -> None:
    units = {path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*")}
    assert not [unit for unit in LEVELS if unit not in units]


def test_exceptions_of_any_kind_are_caught_at_the_borders_only() -> None:
    assert broad_excepts(PACKAGE) == BROAD_EXCEPTS


@pytest.mark.parametrize("clause", ["except Exception:", "except:", "except (OSError, BaseException):"])
def test_every_form_of_a_broad_except_is_seen(tmp_path: Path, clause: str) -> None:
    (tmp_path / "x.py").write_text(f"try:\n    f()\n{clause}\n    pass\n", encoding="utf-8")
    assert broad_excepts(tmp_path) == {"x.py"}


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("types.py", "from lunavox_edge.audio.pcm import resample"),
        ("audio/pcm.py", "import lunavox_edge.text.segments"),
        ("engine/x.py", "def f():\n    from lunavox_edge.bridge import blocking"),
        ("engine/x.py", "from lunavox_edge.service import app"),
        ("engine/speech/x.py", "from lunavox_edge.engine.hearing.utterance import Utterance"),
        ("engine/hearing/x.py", "import lunavox_edge.engine.speech.pace"),
        ("engine/values/x.py", "from lunavox_edge.engine.models import leases"),
        ("engine/x.py", "import urllib.request"),
        ("engine/x.py", "from lunavox_edge.backends.tts.piper import PiperBackend"),
        ("engine/x.py", "from ..audio import pcm"),
        ("wyoming_server/x.py", "import onnxruntime"),
        ("backends/tts/x.py", "import onnxruntime"),
        ("backends/tts/x.py", "try:\n    from piper import PiperVoice\nexcept ImportError: pass"),
        ("engine/x.py", "import wyoming.event"),
        ("engine/x.py", "def f():\n    import asyncio as a\n    return a"),
        ("engine/x.py", "import threading as t\nt.Thread()"),
        ("service/app.py", "from threading import Thread"),
        ("engine/x.py", "from concurrent import futures\nfutures.ThreadPoolExecutor()"),
        ("engine/x.py", "import os\nprint(os.environ['HOME'])"),
        ("engine/x.py", "from os import getenv"),
        ("engine/x.py", "from importlib import import_module"),
        ("newcomer.py", "from lunavox_edge.errors import LunavoxError"),
    ],
)
def test_every_kind_of_breach_is_seen(tmp_path: Path, where: str, code: str) -> None:
    file = tmp_path / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code, encoding="utf-8")
    (found,) = {line.split(": ")[0] for line in violations(tmp_path)}
    assert found == where


def test_what_is_right_is_let_through(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine/x.py").write_text(
        "import os, threading\nfrom lunavox_edge.host import system\n"
        "from lunavox_edge.backends import registry\n"
        "from lunavox_edge._version import __version__\nimport lunavox_edge.engine.values.voice\n"
        "threading.Lock()\nos.path.join('a')\n",
        encoding="utf-8",
    )
    assert violations(tmp_path) == []
