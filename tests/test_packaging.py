"""environment.yml, pyproject.toml, the pinned files and the imports tell one story."""

from __future__ import annotations

import ast
import re
import runpy
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = runpy.run_path(str(ROOT / "scripts" / "lock.py"))
ROOMS = ("pof3d", "viz", "widgets")

# Distributions whose name is not that of the module they bring.
DISTRIBUTIONS = {
    "OpenGL": "pyopengl",
    "PIL": "pillow",
    "imgui_bundle": "imgui-bundle",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}


def pins(name: str) -> dict[str, Version]:
    """Pinned versions of the file `name` by canonical name; anything but `name==version` fails."""
    found = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if not line or line == "-r requirements.txt":
            continue
        match = re.fullmatch(r"([a-z0-9-]+)==([0-9][0-9a-z.]*)", line)
        assert match, f"{name}: {line!r} is not an exact pin"
        assert match[1] not in found, f"{name}: {match[1]} is pinned twice"
        found[match[1]] = Version(match[2])
    return found


def declared(*extras: str) -> dict[str, Requirement]:
    return {canonicalize_name(requirement.name): requirement for requirement in LOCK["direct"](extras)}


def conda() -> dict[str, Any]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert isinstance(environment, dict)
    return environment


def conda_pip() -> dict[str, Requirement]:
    (section,) = [entry["pip"] for entry in conda()["dependencies"] if isinstance(entry, dict)]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, section)}


def test_pins_satisfy_pyproject() -> None:
    base, everything = pins("requirements.txt"), pins("requirements.txt") | pins("requirements-dev.txt")
    for name, requirement in declared().items():
        assert base[name] in requirement.specifier, name
    for name, requirement in declared(*PROJECT["optional-dependencies"]).items():
        assert everything[name] in requirement.specifier, name


def test_development_pins_add_to_the_others() -> None:
    assert not pins("requirements.txt").keys() & pins("requirements-dev.txt").keys()
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()


def test_every_transitive_requirement_is_pinned() -> None:
    base = pins("requirements.txt")
    assert LOCK["closure"](LOCK["direct"]()).keys() <= base.keys()
    everything = base | pins("requirements-dev.txt")
    assert LOCK["closure"](LOCK["direct"](("dev", "tk"))).keys() <= everything.keys()


def test_what_is_installed_is_what_is_pinned() -> None:
    wrong = []
    for name, version in (pins("requirements.txt") | pins("requirements-dev.txt")).items():
        installed = Version(metadata.version(name).partition("+")[0])
        if installed != version:
            wrong.append(f"{name} {installed} instead of {version}")
    assert not wrong, wrong


def test_conda_environment_mirrors_the_program() -> None:
    mirrored, asked, pinned = conda_pip(), declared(), pins("requirements.txt")
    assert mirrored.keys() == asked.keys()
    for name, requirement in mirrored.items():
        assert str(requirement.specifier) == f"=={pinned[name]}", name
        assert requirement.extras == asked[name].extras, name


def test_conda_python_is_supported() -> None:
    environment = conda()
    assert environment["name"] == PROJECT["name"]
    (python,) = [e for e in environment["dependencies"] if isinstance(e, str) and e.startswith("python=")]
    assert Version(python.partition("=")[2]) in Requirement(f"python{PROJECT['requires-python']}").specifier


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "environment.yml", "pyproject.toml"]
)
def test_no_index_is_prescribed(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?://|file://|index-url|find-links|trusted-host", text)


def test_both_lists_warn_of_the_other_imgui() -> None:
    for name in ("pyproject.toml", "environment.yml"):
        above = (ROOT / name).read_text(encoding="utf-8").partition("imgui-bundle[")[0].splitlines()[-3:]
        assert "Not the package `imgui`" in "".join(above), name


def imports(path: Path) -> set[str]:
    """Top-level names that the module at `path` imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_every_import_is_declared() -> None:
    known = declared("train", "tk").keys()
    stray = []
    for path in [p for room in ROOMS for p in (ROOT / room).rglob("*.py")] + [ROOT / "visualizer.py"]:
        for module in imports(path) - set(sys.stdlib_module_names) - {*ROOMS, "visualizer", "__future__"}:
            if canonicalize_name(DISTRIBUTIONS.get(module, module)) not in known:
                stray.append(f"{path.relative_to(ROOT)}: {module}")
    assert not stray, stray


def test_entry_points_exist() -> None:
    for target in PROJECT["scripts"].values():
        module, _, function = target.partition(":")
        tree = ast.parse((ROOT / f"{module}.py").read_text(encoding="utf-8"))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, target


def test_every_pin_has_its_licence_stated() -> None:
    # Names as the tables have them: in the first column, or in the list of a licence.
    text = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    cells = " ".join(
        cell for line in text.splitlines() if line.startswith("|") for cell in line.split("|")[1:3]
    )
    named = {canonicalize_name(word) for word in re.findall(r"[A-Za-z][\w.-]+", cells)}
    assert not (pins("requirements.txt") | pins("requirements-dev.txt")).keys() - named
