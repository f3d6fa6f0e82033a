"""`lunavox-edge run`: the service in the foreground."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lunavox_edge.cli import streams
from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.options import not_empty

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "run",
        help="run the service in the foreground",
        description="Run the service in the foreground until Ctrl-C. At SIGHUP it reads its settings and "
        "the models again. Under systemd it reports when it is ready, and feeds the watchdog.",
    )
    parser.add_argument(
        "--uri",
        type=not_empty,
        help="listen at this address instead of wyoming.uri: tcp://HOST:PORT, tls://HOST:PORT or "
        "unix:///PATH",
    )
    parser.add_argument(
        "--self-check",
        action="store_true",
        help="when it has started, speak a sentence through its own port and transcribe it",
    )
    parser.add_argument(
        "--with-broker",
        action="store_true",
        help="start an MQTT broker inside the service if mqtt.broker is off",
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace, settings: Settings) -> int:
    import asyncio
    import faulthandler
    import logging
    import os
    import sys

    from lunavox_edge.host import system
    from lunavox_edge.host.notify import notifier
    from lunavox_edge.service.app import App
    from lunavox_edge.settings.reading import changed, load_settings

    def with_options(settings: Settings) -> Settings:
        if args.uri:
            settings = changed(settings, "wyoming", uri=args.uri)
        if args.with_broker and settings.mqtt.broker == "off":
            settings = changed(settings, "mqtt", broker="embedded")
        return settings

    def read_settings() -> Settings:
        settings = with_options(load_settings(args.config))
        if not args.log_level:
            logging.getLogger().setLevel(settings.log.level.upper())
        return settings

    # The watchdog ends a hanging service with a signal; the log then shows the stack of every thread.
    if sys.stderr is not None:
        faulthandler.enable()
    app = App(
        with_options(settings),
        say=streams.say,  # ignores failures: the service continues without a terminal and on a full disk
        read_settings=read_settings,
        notifier=notifier(system.service_variables(), pid=os.getpid()),
    )
    asyncio.run(app.run(check=args.self_check))
    # A load or an inference that still runs would delay a normal exit for seconds, or crash during the
    # shutdown of the interpreter. Its results are not needed any more.
    streams.end(ExitCode.OK)
