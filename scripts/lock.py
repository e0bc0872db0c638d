"""Write requirements.txt and requirements-dev.txt: exact versions of everything pyproject.toml asks for.

The versions are those installed in the interpreter that runs this script, so: upgrade what you want in
``.venv``, run this script there, then ``make test``. What only CUDA builds of torch pull in
(``nvidia-*``, ``triton``) is left out, since torch itself pins it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "pof3d-visualizer"
CUDA_PARTS = r"nvidia-|cuda-|triton$"
LOCKS = {"requirements.txt": (), "requirements-dev.txt": ("dev", "tk")}

HEADER = """\
# Written by scripts/lock.py from pyproject.toml: exact versions, what they pull in included. Do not edit.
# {what}
"""


def direct(extras: Iterable[str] = ()) -> list[Requirement]:
    """Requirements that pyproject.toml lists for the program and `extras`, with extras of itself resolved."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [Requirement(line) for line in project["dependencies"]]
    pending = list(extras)
    while pending:
        for requirement in map(Requirement, project["optional-dependencies"][pending.pop()]):
            if canonicalize_name(requirement.name) == PROJECT:
                pending.extend(requirement.extras)
            else:
                found.append(requirement)
    return found


def closure(requirements: Iterable[Requirement]) -> dict[str, str]:
    """Installed versions of `requirements` and of all that they require here, by canonical name.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        A requirement is not installed.
    """
    pins: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    pending = [(requirement, extra) for requirement in requirements for extra in ("", *requirement.extras)]
    while pending:
        requirement, extra = pending.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        if re.match(CUDA_PARTS, name):
            continue
        distribution = metadata.distribution(name)
        # "2.13.0+cpu" and "2.13.0+cu130" are builds of one version: the pin takes either.
        pins[name] = distribution.version.partition("+")[0]
        for child in map(Requirement, distribution.requires or ()):
            if child.marker is None or child.marker.evaluate({"extra": extra}):
                pending.extend((child, wanted) for wanted in ("", *child.extras))
    return pins


def render(name: str) -> str:
    """Text of the pinned file `name`, a key of `LOCKS`."""
    base = closure(direct())
    if name == "requirements.txt":
        text = HEADER.format(what="Runs the program.")
        pins = base
    else:
        text = HEADER.format(what="Adds training, the Tk window, tests and checks.") + "-r requirements.txt\n"
        pins = {key: value for key, value in closure(direct(LOCKS[name])).items() if key not in base}
    return text + "".join(f"{key}=={value}\n" for key, value in sorted(pins.items()))


def main() -> None:
    for name in LOCKS:
        (ROOT / name).write_text(render(name), encoding="utf-8")
        print(f"wrote {name}")


if __name__ == "__main__":
    main()
