"""`lunavox-edge mqtt`: watch the messages of the broker, and speak a text through it."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
import uuid
from typing import TYPE_CHECKING

from lunavox_edge.cli import streams
from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.options import not_empty
from lunavox_edge.errors import BackendUnavailable, LunavoxError, SettingsError, TimedOut

if TYPE_CHECKING:
    from lunavox_edge.cli.mqtt_visit import Visit
    from lunavox_edge.mqtt.messages import Message
    from lunavox_edge.mqtt.topics import Topics
    from lunavox_edge.settings.model import Settings

_ANSWER_TIMEOUT_S = 10.0
_SPEECH_TIMEOUT_S = 120.0
_PAUSE_S = 3.0
_ENDS = {"finished": ExitCode.OK, "failed": ExitCode.ERROR, "cancelled": ExitCode.ERROR}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = subparsers.add_parser(
        "mqtt",
        help="watch the broker, or speak through it",
        description="Use the MQTT interface as a client.",
    )
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    watch = commands.add_parser(
        "watch",
        help="print messages until Ctrl-C",
        description="Print every message below this appliance's topic until Ctrl-C, one per line.",
    )
    watch.add_argument(
        "--all", action="store_true", help="print the messages of all appliances at this broker"
    )
    watch.set_defaults(run=_watch)
    say = commands.add_parser(
        "say",
        help="speak a text and wait until it is finished",
        description="Have the appliance speak a text through its own loudspeaker or a satellite's.",
    )
    say.add_argument("text", help="the text, or - for standard input")
    say.add_argument("--voice", help="a voice of `lunavox-edge voices list`")
    say.add_argument(
        "--satellite", type=not_empty, metavar="ID", help="speak at this satellite; `all`: at every satellite"
    )
    say.set_defaults(run=_say)
    for command in (watch, say):
        command.add_argument(
            "--broker", type=not_empty, metavar="URL", help="use this broker instead of mqtt.broker"
        )
        command.add_argument(
            "--node", type=not_empty, metavar="NAME", help="use this appliance instead of mqtt.node"
        )


def _watch(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.cli.mqtt_lines import line

    visit, topics = _visit(args, settings)
    base = settings.mqtt.base
    wanted = f"{base if args.all else topics.root}/#"
    try:
        visit.open(wanted)
        streams.say(f"Watching {wanted} at {visit.uri}. Ctrl-C stops.")
        while True:
            try:
                text = line(visit.next(), base)
            except LunavoxError as error:
                text = f"{error} Trying again every {_PAUSE_S:.0f} s."
            streams.say(f"{time.strftime('%H:%M:%S')}  {text}")
            while not visit.is_open:
                time.sleep(_PAUSE_S)
                with contextlib.suppress(LunavoxError):
                    visit.open(wanted)
    finally:
        visit.close()


def _say(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.cli.mqtt_lines import line
    from lunavox_edge.mqtt.messages import Publication

    read = streams.read_text() if args.text == "-" else args.text
    # Characters that cannot be encoded are replaced.
    text = read.encode(errors="replace").decode()
    request = {"text": text, "id": f"cli-{uuid.uuid4().hex[:12]}"}
    if args.voice:
        request["voice"] = args.voice
    if args.satellite:
        request["satellite"] = args.satellite
    visit, topics = _visit(args, settings)
    deadline_s = time.monotonic() + _ANSWER_TIMEOUT_S
    try:
        visit.open(topics.speech_events)
        visit.send(Publication(topics.say, json.dumps(request).encode()))
        while (left_s := deadline_s - time.monotonic()) > 0:
            try:
                message = visit.next(left_s)
            except TimedOut:
                break
            status = _status_of(message, request["id"])
            if status is None:
                continue
            streams.say(line(message, settings.mqtt.base))
            if status in _ENDS:
                return _ENDS[status]
            deadline_s = time.monotonic() + _SPEECH_TIMEOUT_S
    finally:
        visit.close()
    raise TimedOut(f"There is no answer from {topics.root}. Does the service run, and is --node its name?")


def _status_of(message: Message, request_id: str) -> str | None:
    """Return the status of this request; None if the message is about something else."""
    try:
        event = json.loads(message.payload)
        return str(event["status"]) if event["id"] == request_id else None
    except (ValueError, KeyError, TypeError):
        return None


def _visit(args: argparse.Namespace, settings: Settings) -> tuple[Visit, Topics]:
    import socket

    try:
        from lunavox_edge.cli.mqtt_visit import Visit
    except ImportError:
        raise BackendUnavailable("MQTT needs more packages: pip install 'lunavox-edge[mqtt]'") from None
    from lunavox_edge.mqtt.broker_address import BrokerAddress
    from lunavox_edge.mqtt.topics import Topics
    from lunavox_edge.settings.reading import changed

    mqtt = (changed(settings, "mqtt", broker=args.broker) if args.broker else settings).mqtt
    if mqtt.broker == "off":
        raise SettingsError("mqtt.broker is off: set it, or give --broker mqtt://127.0.0.1")
    node = args.node or mqtt.node or socket.gethostname() or "lunavox"
    return Visit(BrokerAddress.of(mqtt)), Topics.of(node, mqtt.base)
