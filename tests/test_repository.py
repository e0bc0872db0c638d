"""The repository as a whole: what is where, how long files are, and that the README tells the truth."""

from __future__ import annotations

import os
import re
import subprocess
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONG, TOO_LONG = 400, 450
LARGEST = 16 * 2**20


def tracked() -> list[Path]:
    """Files of the repository: those git knows, or, in a copy without git, those outside ignored folders."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=30
        ).stdout
        names = [ROOT / name for name in listing.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        ignored = {".venv", ".git", "out", "runs", "data", "__pycache__"}
        names = [p for p in ROOT.rglob("*") if not ignored & {*p.relative_to(ROOT).parts[:-1]}]
    return [path for path in names if path.is_file()]


def texts() -> dict[str, str]:
    """Text of every text file of the repository, by its path."""
    found = {}
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8192]:
            found[str(path.relative_to(ROOT))] = content.decode("utf-8")
    return found


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_layout() -> None:
    folders = ["viz", "pof3d", "widgets", "assets", "tests", "benchmarks"]
    files = ["visualizer.py", "environment.yml", "pyproject.toml", "requirements.txt", "requirements-dev.txt"]
    files += ["Makefile", ".ci/run", "README.md", "CONTRIBUTING.md", "THIRD_PARTY.md", "LICENSE"]
    missing = [name for name in folders if not (ROOT / name).is_dir()]
    missing += [name for name in files if not (ROOT / name).is_file()]
    assert not missing, missing


def test_python_files_have_one_job() -> None:
    lengths = {str(p.relative_to(ROOT)): p.read_bytes().count(b"\n") for p in tracked() if p.suffix == ".py"}
    too_long = {name: count for name, count in lengths.items() if count > TOO_LONG}
    assert not too_long, f"longer than {TOO_LONG} lines, split them: {too_long}"
    for name, count in lengths.items():
        if count > LONG:
            warnings.warn(f"{name} has {count} lines: it may have two jobs", stacklevel=1)


def test_no_file_is_large() -> None:
    large = {str(p.relative_to(ROOT)): p.stat().st_size for p in tracked() if p.stat().st_size > LARGEST}
    assert not large, large


def test_no_path_of_anyones_machine() -> None:
    pattern = re.compile(r"(?<![\w.~-])/(?:home|root|Users|work|mnt|media)/[\w.]+")
    found = [f"{name}: {match[0]}" for name, text in texts().items() for match in pattern.finditer(text)]
    assert not found, found


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a conflict", r"^(?:<{7}|>{7}) "),
        ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
        ("an access token", r"\b(?:ghp|gho|github_pat|hf|sk|xox[bp])[_-][A-Za-z0-9_]{20,}"),
        (
            "a note without a reason",
            r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b(?!.*\b(?:because|once|when|until)\b)",
        ),
    ],
)
def test_no_file_holds(what: str, pattern: str) -> None:
    found = [name for name, text in texts().items() if re.search(pattern, text, re.MULTILINE)]
    assert not found, f"{what}: {found}"


def test_programs_are_executable() -> None:
    for name in (".ci/run", "scripts/setup.sh", "scripts/check.sh"):
        assert os.access(ROOT / name, os.X_OK), name


def test_ci_runs_the_tests() -> None:
    assert re.search(
        r"^exec make .*\btest\b", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE
    )


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documented_commands_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    asked = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert asked
    assert asked <= targets(), asked - targets()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "THIRD_PARTY.md"])
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    local = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]
    assert not [link for link in local if not (ROOT / link).exists()]
