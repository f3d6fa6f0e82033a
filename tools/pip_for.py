"""Usage: pip_for.py PYTHON_VERSION MACHINE COMMAND [ARGUMENT]...

Run a pip command (download, install) for another Python version and machine, with wheels only. pip can choose
wheels for another Python, but evaluates conditions of dependencies (`python_version < "3.11"`) for the Python
that it runs on; here they are evaluated for the requested one.
"""

from __future__ import annotations

import sys

from pip._internal.cli.main import main
from pip._vendor.packaging import markers

# A wheel works with every glibc from the version in its name on; 2.35 is that of Ubuntu 22.04.
NEWEST_GLIBC, OLDEST_GLIBC = 35, 17


def arguments(version: str, machine: str, command: str, rest: list[str]) -> list[str]:
    """Return the arguments for pip."""
    names = [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    platforms = [word for name in (*names, f"manylinux2014_{machine}") for word in ("--platform", name)]
    chosen = ["--only-binary=:all:", "--implementation", "cp", "--python-version", version]
    return [command, "--disable-pip-version-check", *chosen, *platforms, *rest]


if __name__ == "__main__":
    wanted_version, wanted_machine, verb, *others = sys.argv[1:]
    here = markers.default_environment
    meant = {
        "python_version": wanted_version,
        "python_full_version": f"{wanted_version}.0",
        "platform_machine": wanted_machine,
    }
    markers.default_environment = lambda: {**here(), **meant}
    sys.exit(main(arguments(wanted_version, wanted_machine, verb, others)))
