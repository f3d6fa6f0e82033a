"""`lunavox-edge models`: list, install and remove models, and show which are loaded."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.installing import install, remove
from lunavox_edge.cli.listing import catalog_json, open_catalog, print_catalog, print_table, size_text
from lunavox_edge.cli.options import not_empty
from lunavox_edge.types import ModelKind

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings

_STATUS_TIMEOUT_S = 5.0
# Wake words come from packages and folders, not from the hub.
_HUB_KINDS = (ModelKind.STT.value, ModelKind.TTS.value)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its actions."""
    parser = subparsers.add_parser(
        "models",
        help="list, install and remove models; see what is loaded",
        description="List, install and remove models, voices and wake words; see what is loaded.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    pull = actions.add_parser(
        "pull",
        help="install from the Hugging Face hub, or update",
        description="Install models from the hub of catalog.hub_endpoint. An interrupted download continues "
        "where it stopped; every file is checked; a running service finds the model without a restart.",
        epilog="Examples: lunavox-edge models pull small.en | lunavox-edge models pull large-v3-turbo | "
        "lunavox-edge models pull OWNER/REPOSITORY (a Whisper model in CTranslate2's format)",
    )
    pull.add_argument(
        "names", nargs="+", metavar="NAME", help="tiny.en, base, small, ... or OWNER/REPOSITORY"
    )
    pull.add_argument("--kind", choices=_HUB_KINDS, help="default: derived from the name")
    pull.set_defaults(run=_pull)

    listing = actions.add_parser("list", help="list what is installed, with licence, source and size")
    listing.add_argument("--kind", choices=[kind.value for kind in ModelKind], help="list only this kind")
    listing.add_argument("--json", action="store_true", help="one JSON object with every detail")
    listing.set_defaults(run=_list)

    taking = actions.add_parser("rm", help="remove models that were installed from the hub")
    taking.add_argument("names", nargs="+", metavar="NAME")
    taking.add_argument("--kind", choices=_HUB_KINDS, help="default: either kind")
    taking.add_argument("--yes", action="store_true", help="do not ask")
    taking.set_defaults(run=_remove)

    loaded = actions.add_parser("ps", help="list the models that the running service has in memory")
    loaded.add_argument("--uri", type=not_empty, help="the service's address (default: wyoming.uri)")
    loaded.add_argument("--json", action="store_true", help="a JSON list")
    loaded.set_defaults(run=_ps)


def _pull(args: argparse.Namespace, settings: Settings) -> int:
    kind = None if args.kind is None else ModelKind(args.kind)
    return install(settings, [(name, kind) for name in args.names])


def _list(args: argparse.Namespace, settings: Settings) -> int:
    catalog = open_catalog(settings)
    kinds = _kinds(args)
    entries = [entry for entry in catalog.entries() if entry.kind in kinds]
    if args.json:
        print(catalog_json(catalog, entries, kinds))
    else:
        print_catalog(settings, catalog, entries, kinds)
    return ExitCode.OK


def _remove(args: argparse.Namespace, settings: Settings) -> int:
    return remove(settings, args, _kinds(args))


def _ps(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.wyoming_server import blocking_client

    models = blocking_client.status(args.uri or settings.wyoming.client_uri, timeout_s=_STATUS_TIMEOUT_S).get(
        "models"
    )
    models = (
        [model for model in models if isinstance(model, dict)] if isinstance(models, (list, tuple)) else []
    )
    if args.json:
        print(json.dumps(models, indent=2, ensure_ascii=False))
    elif models:
        print_table(
            ("NAME", "KIND", "DEVICE", "STATE", "MEMORY", "IDLE", "PINNED"),
            [_ps_row(model) for model in models],
            right=("MEMORY", "IDLE"),
        )
    else:
        print("The service has no model in memory; the first request loads one.")
    return ExitCode.OK


def _ps_row(model: dict[str, Any]) -> tuple[str, ...]:
    idle_s, size_bytes = model.get("idle_s"), model.get("size_bytes")
    return (
        *(str(model.get(key, "")) for key in ("name", "kind", "device", "state")),
        size_text(size_bytes) if isinstance(size_bytes, int) else "-",
        f"{idle_s:.0f} s" if isinstance(idle_s, (int, float)) else "-",
        "yes" if model.get("pinned") else "no",
    )


def _kinds(args: argparse.Namespace) -> tuple[ModelKind, ...]:
    return tuple(ModelKind) if args.kind is None else (ModelKind(args.kind),)
