"""Build docker/Dockerfile without Docker, in chroots, and run the result like a container.

All instructions of the file are executed; `FROM debian:bookworm-slim` is a root file system made by
debootstrap. The result runs as the image's user, on a read-only root, without a network. It has to become
healthy, pass its self-check and end at SIGTERM. Needs root, debootstrap and, for the build, a network. The
build is kept in LUNAVOX_EDGE_BUILD (default: build/install). Docker's layers, registries and arm64 are not
tested.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("LUNAVOX_EDGE_BUILD") or ROOT / "build/install")
MIRROR = os.environ.get("DEBIAN_MIRROR") or "http://deb.debian.org/debian"
BASES = {"debian:bookworm-slim": "bookworm"}
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Runs in its own namespaces. $1 is the image, $2 the folder of the volume, $3 a mount point; then follow the
# user, the health check, the command and the variables, each as one list of shell words.
RUN = r"""
set -eu
image=$1 data=$2 root=$3 user=$4 health=$5 command=$6 variables=$7
ip link set lo up
mount --bind "$image" "$root"
mount -o remount,ro,bind "$root"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$data" "$root/data"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
inside() { eval "exec chroot --userspec=$user $root env -i $variables $*"; }
(inside "$command") & service=$!
tries=0
until (inside "$health"); do
    kill -0 $service || { echo "the service ended"; exit 1; }
    tries=$((tries + 1)); [ $tries -lt 120 ] || { echo "it does not become healthy"; exit 1; }
    sleep 1
done
(inside touch /etc/x) 2>/dev/null && { echo "the root file system is writable"; exit 1; }
(inside lunavox-edge self-check)
(inside "$health")
kill -TERM $service
wait $service
echo "ended cleanly"
"""


@dataclass
class Stage:
    """One stage of the build: its root file system and the state for the next instructions."""

    root: Path
    folder: str = "/"
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": DEFAULT_PATH})
    user: str = "0:0"
    health: list[str] = field(default_factory=list)
    entry: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def instructions(file: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile with their continued lines joined."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (line.split()[0].upper(), line.partition(" ")[2].strip()) for line in text.split("\n") if line.strip()
    ]


def base(image: str) -> Path:
    """Return the root file system for a base image; create it if it is missing."""
    if image not in BASES:
        sys.exit(f"FROM {image}: there is no root file system for it")
    folder = BUILD / f"base-{BASES[image]}"
    if not folder.is_dir():
        sh("debootstrap", "--variant=minbase", BASES[image], f"{folder}.new", MIRROR, quiet=True)
        Path(f"{folder}.new").rename(folder)
    return folder


def sh(*command: str, quiet: bool = False) -> None:
    """Run a command; exit if it fails."""
    output = subprocess.DEVNULL if quiet else None
    done = subprocess.run(command, stdout=output, check=False)  # noqa: S603  # the Dockerfile's own
    if done.returncode:
        sys.exit(f"failed with {done.returncode}: {shlex.join(command)[:300]}")


def run_in(stage: Stage, line: str) -> None:
    """Execute RUN, with the certificate and package index of this machine."""
    extra = []
    certificate = os.environ.get("PIP_CERT")
    if certificate:
        shutil.copy(certificate, stage.root / "tmp/ca.pem")
        extra.append("PIP_CERT=/tmp/ca.pem")
    if os.environ.get("PIP_INDEX_URL"):
        extra.append(f"PIP_INDEX_URL={os.environ['PIP_INDEX_URL']}")
    shutil.copy("/etc/resolv.conf", stage.root / "etc/resolv.conf")
    variables = [f"{name}={value}" for name, value in stage.environ.items()]
    command = f"cd {shlex.quote(stage.folder)} && {line}"
    enter = ["chroot", f"--userspec={stage.user}", str(stage.root), "/bin/sh", "-c", command]
    sh("env", "-i", "DEBIAN_FRONTEND=noninteractive", *extra, *variables, *enter, quiet=True)
    (stage.root / "tmp/ca.pem").unlink(missing_ok=True)


def copy(stage: Stage, stages: dict[str, Stage], line: str) -> None:
    """Execute COPY, as far as this project uses it."""
    words = line.split()
    origin = ROOT
    if words[0].startswith("--from="):
        origin = stages[words.pop(0).removeprefix("--from=")].root
    *sources, target = words
    to = stage.root / os.path.normpath(f"{stage.folder}/{target}").lstrip("/")
    for source in sources:
        found = origin / source.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        sh("cp", "-a", "--no-preserve=ownership", *(["-T"] if found.is_dir() else []), str(found), str(to))


def configure(stage: Stage, verb: str, rest: str) -> None:
    """Store an instruction that says how to run the image."""
    if verb == "ENV":
        stage.environ.update(dict(word.split("=", 1) for word in shlex.split(rest)))
    elif verb == "USER":
        stage.user = rest
    elif verb == "HEALTHCHECK":
        stage.health = json.loads(rest.partition("CMD ")[2])
    elif verb == "ENTRYPOINT":
        stage.entry = json.loads(rest)
    elif verb == "CMD":
        stage.command = json.loads(rest)
    elif verb not in ("VOLUME", "EXPOSE"):
        sys.exit(f"{verb} is not supported here")


def build(file: Path) -> Stage:
    """Execute a Dockerfile; return its last stage."""
    stages: dict[str, Stage] = {}
    stage = Stage(Path("/nowhere"))
    for verb, rest in instructions(file):
        print(f"+ {verb} {rest[:120]}", flush=True)
        if verb == "FROM":
            image, *named = rest.split()
            name = named[-1] if named else "final"
            stage = stages[name] = Stage(BUILD / f"image-{name}")
            shutil.rmtree(stage.root, ignore_errors=True)
            sh("cp", "-a", str(base(image)), str(stage.root))
        elif verb == "RUN":
            run_in(stage, rest)
        elif verb == "COPY":
            copy(stage, stages, rest)
        elif verb == "WORKDIR":
            stage.folder = rest
            (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        else:
            configure(stage, verb, rest)
    return stage


def try_out(stage: Stage) -> None:
    """Run the image: read-only, without a network, with a new volume."""
    data, point = BUILD / "image-data", BUILD / "image-mount"
    shutil.rmtree(data, ignore_errors=True)
    point.mkdir(exist_ok=True)
    sh("cp", "-a", str(stage.root / "data"), str(data))
    variables = shlex.join(f"{name}={value}" for name, value in stage.environ.items())
    command = shlex.join([*stage.entry, *stage.command])
    given = [str(stage.root), str(data), str(point), stage.user, shlex.join(stage.health), command, variables]
    apart = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
    sh(*apart, "timeout", "600", "sh", "-c", RUN, "run", *given)
    sh("du", "-sh", str(stage.root), str(data))


if __name__ == "__main__":
    if os.geteuid():
        sys.exit("This creates root file systems and needs root.")
    BUILD.mkdir(parents=True, exist_ok=True)
    image = build(ROOT / "docker/Dockerfile")
    try_out(image)
    print("The image works.")
