"""`lunavox-edge support-bundle`: an archive with all information for support."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tarfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings

_HIDDEN = "(hidden)"
_SECRET_KEYS = ("password",)
_MIN_SECRET_CHARS = 4
"""Shorter secrets are not hidden: hiding "a" would make the log unreadable, and show where it was."""
_LOG_LINES = 5000
_MAX_BYTES = 8 * 1024 * 1024
_JOURNAL_TIMEOUT_S = 20.0
_STATUS_TIMEOUT_S = 2.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "support-bundle",
        help="collect doctor, settings and log in one archive, without secrets",
        description="Write an archive with the results of doctor, the settings without secrets, the "
        "versions of all packages, the state of the service and its log. Check it before you send it to "
        "other people: it may contain names of your rooms and people.",
    )
    parser.add_argument(
        "--output", "-o", type=Path, metavar="FILE", help="default: a name with date and time"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace, settings: Settings) -> int:
    name = time.strftime("lunavox-edge-support-%Y%m%d-%H%M%S")
    output = args.output or Path(f"{name}.tar.gz")
    secrets = _secrets(settings)
    # Only the owner may read it, from its first byte on.
    output.touch(0o600)
    with output.open("wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for member, text in _texts(settings, args.config):
            content = hide(text, secrets).encode("utf-8", "replace")[-_MAX_BYTES:]
            about = tarfile.TarInfo(f"{name}/{member}")
            about.size, about.mtime, about.mode = len(content), int(time.time()), 0o600
            archive.addfile(about, io.BytesIO(content))
            print(f"  {member}: {len(content)} bytes", flush=True)
    print(f"Written: {output}. Check it before you send it to other people.")
    return ExitCode.OK


def hide(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with every secret replaced by a placeholder."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def _texts(settings: Settings, config: Path | None) -> Iterator[tuple[str, str]]:
    yield "settings.yaml", _settings_text(settings)
    yield "packages.txt", _packages_text()
    yield "doctor.jsonl", _doctor_text(settings, config)
    yield "status.json", _status_text(settings)
    yield "journal.txt", _journal_text()


def _secrets(settings: Settings) -> set[str]:
    """Return all secrets, which must not appear anywhere in the archive."""
    from lunavox_edge.errors import SettingsError
    from lunavox_edge.host.secret_files import read_secret

    found = {settings.mqtt.password or ""}
    files = {"mqtt.password_file": settings.mqtt.password_file, **settings.satellites.token_files}
    for key, file in files.items():
        # A secret that we may not read cannot be in the archive.
        with contextlib.suppress(SettingsError):
            found.add(read_secret(file, key).strip() if file is not None else "")
    return {secret for secret in found if len(secret) >= _MIN_SECRET_CHARS}


def _settings_text(settings: Settings) -> str:
    import yaml

    data = settings.model_dump(mode="json")
    for section in data.values():
        if isinstance(section, dict):
            for key in _SECRET_KEYS:
                if section.get(key) is not None:
                    section[key] = _HIDDEN
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


def _packages_text() -> str:
    import platform
    from importlib import metadata

    names = sorted({f"{found.metadata['Name']} {found.version}" for found in metadata.distributions()})
    return "\n".join([platform.platform(), f"Python {platform.python_version()}", *names, ""])


def _doctor_text(settings: Settings, config: Path | None) -> str:
    from lunavox_edge.checks.doctor import examine
    from lunavox_edge.settings.reading import read_settings

    lines = []
    for finding in examine(settings, read_settings(config).file):
        lines.append(json.dumps(asdict(finding), ensure_ascii=False))
        print(f"  doctor: {finding.topic}", flush=True)
    return "\n".join([*lines, ""])


def _status_text(settings: Settings) -> str:
    from lunavox_edge.errors import LunavoxError
    from lunavox_edge.wyoming_server import blocking_client

    try:
        found = blocking_client.status(settings.wyoming.client_uri, timeout_s=_STATUS_TIMEOUT_S)
    except LunavoxError as error:
        return f"{error}\n"
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _journal_text() -> str:
    import shutil
    import subprocess

    journalctl = shutil.which("journalctl")
    if journalctl is None:
        return "There is no journal on this machine.\n"
    command = [
        journalctl,
        "--unit",
        "lunavox-edge",
        "--lines",
        str(_LOG_LINES),
        "--no-pager",
        "--output=short-iso",
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_JOURNAL_TIMEOUT_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"The journal cannot be read: {error}\n"
    return (done.stdout or done.stderr).decode("utf-8", "replace")
