"""The self-check of the command `doctor`: machine, service, broker, satellites, answerers and models."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from lunavox_edge.checks import satellite_check
from lunavox_edge.checks.checkup import Finding, Severity, check_machine, check_port
from lunavox_edge.checks.model_checks import check_models
from lunavox_edge.engine.engine import Engine
from lunavox_edge.errors import InsecurePeer, LunavoxError, TimedOut, Unreachable
from lunavox_edge.settings.model import Settings
from lunavox_edge.settings.mqtt_settings import MqttSettings
from lunavox_edge.wyoming_server import blocking_client

_PROBE_TIMEOUT_S = 2.0


def examine(settings: Settings, file: Path | None = None) -> Iterator[Finding]:
    """Yield findings as they are made; `file` is the settings file, None if there is none.

    Models are loaded and run, so this can take minutes.
    """
    yield from check_machine(settings, file)
    yield from _service(settings)
    yield _broker(settings.mqtt)
    yield from _satellites(settings)
    yield from _answers(settings)
    with Engine(settings) as engine:
        yield from check_models(engine)


def _service(settings: Settings) -> Iterator[Finding]:
    uri = settings.wyoming.uri
    try:
        seconds = blocking_client.ping(settings.wyoming.client_uri, timeout_s=_PROBE_TIMEOUT_S)
    except InsecurePeer as error:
        yield Finding("service", Severity.FAIL, f"{error} Set wyoming.tls_ca.")
    except LunavoxError:
        yield Finding("service", Severity.OK, f"not running at {uri} (start it with: lunavox-edge run)")
        yield check_port(settings)
    else:
        yield Finding("service", Severity.OK, f"running at {uri}, answers in {seconds * 1000:.0f} ms")
    is_open = not settings.wyoming.allow and not uri.startswith(("unix:", "tcp://127.", "tcp://[::1]"))
    if is_open and "localhost" not in uri:
        advice = "list the networks that may connect in wyoming.allow"
        yield Finding("access", Severity.WARN, f"every machine that reaches {uri} can use it; {advice}")


def _broker(mqtt: MqttSettings) -> Finding:
    if mqtt.broker == "off":
        return Finding("mqtt", Severity.OK, "off (turn it on with mqtt.broker: embedded, or mqtt://HOST)")
    embedded = mqtt.broker == "embedded"
    if find_spec("paho") is None or (embedded and find_spec("amqtt") is None):
        return Finding(
            "mqtt", Severity.FAIL, "mqtt.broker needs more packages: pip install 'lunavox-edge[mqtt]'"
        )
    from lunavox_edge.mqtt.broker_address import BrokerAddress  # noqa: PLC0415
    from lunavox_edge.mqtt.broker_probe import probe  # noqa: PLC0415  # its packages are an extra

    name = "embedded broker" if embedded else f"broker {mqtt.broker}"
    started = time.perf_counter()
    try:
        address = BrokerAddress.of(mqtt)
        probe(address, _PROBE_TIMEOUT_S)
    except LunavoxError as error:
        is_away = type(error) in (Unreachable, TimedOut)  # messages of subclasses say what to do
        if embedded and is_away:
            return Finding(
                "mqtt", Severity.OK, f"{name} not running at {mqtt.listen} (the service starts it)"
            )
        question = f" Does it run there, with mqtt:// or mqtts://, and speak MQTT {mqtt.version}?"
        advice = question if is_away else ""
        return Finding("mqtt", Severity.FAIL, f"{name}: {error}{advice}")
    login = f"as '{mqtt.user}'" if mqtt.user else "without a user"
    took_ms = (time.perf_counter() - started) * 1000
    return Finding(
        "mqtt", Severity.OK, f"{name} accepts us {login}, MQTT {address.version}, in {took_ms:.0f} ms"
    )


def _satellites(settings: Settings) -> Iterator[Finding]:
    """Yield for each satellite whether it can be reached."""
    present = tuple(satellite_check.satellites(settings))
    if not present:
        yield Finding(
            "satellite", Severity.OK, "none in the settings (docs/SATELLITES.md shows how to begin)"
        )
    for found in present:
        text = f"{found.id} at {found.address}"
        if found.online:
            where = f" in {found.area}" if found.area else ""
            yield Finding("satellite", Severity.OK, f"{text}: {found.name}{where}, {found.answer} answers")
        else:
            own = found.source == satellite_check.OF_SETTINGS
            right = f"satellites.known.{found.id}.uri right" if own else "announced (lunavox-edge satellites)"
            advice = f"is it switched on, and {right}?"
            yield Finding("satellite", Severity.WARN, f"{text}: {found.problem}; {advice}")


def _answers(settings: Settings) -> Iterator[Finding]:
    """Yield for each answerer with an address whether it can be reached."""
    for name, answer in settings.satellites.answers.items():
        if answer.url is None:
            continue
        problem = satellite_check.absence(answer.url)
        if problem is None:
            yield Finding("answer", Severity.OK, f"{name}: {answer.url} can be reached")
        else:
            advice = f"does it run, and is satellites.answers.{name}.url right?"
            yield Finding("answer", Severity.WARN, f"{name} at {answer.url}: {problem}; {advice}")
