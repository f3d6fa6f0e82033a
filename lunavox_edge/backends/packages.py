"""Folders and versions of installed Python packages, found without importing them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path


def package_folder(module: str) -> Path | None:
    """Return the folder of an installed top-level package, None if it is not installed."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def package_version(distribution: str) -> str:
    """Return the installed version of a distribution, `unknown` if its metadata is missing."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"


def missing_modules(what: str, extra: str, *modules: str) -> str | None:
    """Return a sentence that says how to install the missing modules, None if all are installed.

    `what` needs them; `extra` is the optional dependency of this package that brings them.
    """
    absent = [module for module in modules if find_spec(module) is None]
    if not absent:
        return None
    return f"{what} needs {', '.join(absent)}. Install it with: pip install 'lunavox-edge[{extra}]'"
