"""What was measured, on what machine, as one JSON file."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks.networks import ASSETS, KEYS
from benchmarks.timing import Pace, Timing
from pof3d.errors import ConfigError
from pof3d.files import replacing
from viz.threads import default_threads

SCHEMA, SCHEMA_VERSION = "pof3d-benchmarks", 1
FILE = "benchmarks.json"
_FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "bf16", "i8mm")
"""Of the processor, as far as they decide how fast arithmetic is; the last two are Arm's names."""
_PACKAGES = ("torch", "numpy", "numba", "imgui-bundle")

Results = dict[str, Any]
"""What one part found: plain JSON, timings as dictionaries."""


@dataclass(frozen=True)
class Settings:
    """How to measure."""

    threads: int
    device: torch.device
    pace: Pace = field(default_factory=Pace)
    quick: bool = False
    """Small networks and few rounds: for tests of the benchmarks themselves."""
    networks: tuple[str, ...] = KEYS
    checkpoint: Path = ASSETS / "toy-cats.safetensors"
    """What the program is measured with."""


def timing_json(timing: Timing) -> dict[str, float]:
    """A timing without its name; four digits, microseconds at the finest."""
    kept = {key: value for key, value in asdict(timing).items() if key != "name"}
    return {key: round(value, 3) for key, value in kept.items()}


def timing_of(name: str, found: dict[str, float]) -> Timing:
    """The timing again."""
    return Timing(name, found["median"], found["p95"], found["p05"], int(found["rounds"]))


def processor() -> tuple[str, list[str]]:
    """Model of the processor, and which of the flags that matter it has."""
    model, flags = platform.processor() or platform.machine(), set[str]()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            elif key.strip() in ("flags", "Features"):
                flags = set(value.split())
                break
    except OSError:
        pass
    return model, [flag for flag in _FLAGS if flag in flags]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine(settings: Settings) -> dict[str, Any]:
    """What is measured on."""
    model, flags = processor()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gpu = torch.cuda.get_device_name(settings.device) if settings.device.type == "cuda" else None
    return {
        "processor": model,
        "flags": flags,
        "cores": cores,
        "threads": settings.threads,
        "window_threads": default_threads(),
        "device": settings.device.type,
        "gpu": gpu,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name)) is not None},
        "quick": settings.quick,
    }


def described(found: dict[str, Any]) -> str:
    """The machine in a line."""
    threads, cores = found["threads"], found["cores"]
    flags = f" ({', '.join(found['flags'])})" if found["flags"] else ""
    where = f"{found['gpu']}, " if found["gpu"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in found["packages"].items())
    return (
        f"{where}{found['processor']}{flags}, {cores} core{'s' * (cores != 1)}, "
        f"{threads} torch thread{'s' * (threads != 1)}; Python {found['python']}, {versions}"
    )


class Record:
    """The parts measured so far, kept in a file as they come."""

    def __init__(self, machine: dict[str, Any], parts: dict[str, Results] | None = None) -> None:
        self.machine = machine
        self.parts = parts or {}

    @classmethod
    def read(cls, path: Path) -> Record:
        """Open a file.

        Raises
        ------
        ConfigError
            When it is missing, or none of these.
        """
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if (found["schema"], found["schema_version"]) != (SCHEMA, SCHEMA_VERSION):
                raise ValueError("it is of another kind or version")
            return cls(dict(found["machine"]), dict(found["parts"]))
        except FileNotFoundError as error:
            raise ConfigError(f"There is no {path}", todo="Run `make bench` first.") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"Cannot read {path}", str(error), "Run `make bench` again.") from error

    @classmethod
    def resumed(cls, path: Path, machine: dict[str, Any]) -> Record:
        """What a file holds, if it was measured in the same way on the same machine; else nothing."""
        try:
            found = cls.read(path)
        except ConfigError:
            return cls(machine)
        return found if found.machine == machine else cls(machine)

    @property
    def busy(self) -> float | None:
        """The highest load at the start of a part where others were at work then; None on an idle machine."""
        loads = [found["load"] for found in self.parts.values() if found.get("load") is not None]
        # What is measured is part of the load of every part but the first.
        most = max(loads, default=0.0)
        return most if most > 1.25 * self.machine["threads"] + 0.5 else None

    def begin(self, part: str) -> None:
        """Measure a part anew."""
        load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
        self.parts[part] = {"date": datetime.now(UTC).isoformat(timespec="minutes"), "load": load}

    def text(self) -> str:
        """As JSON."""
        whole = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "machine": self.machine,
            "parts": self.parts,
        }
        return json.dumps(_plain(whole), indent=1, allow_nan=False) + "\n"

    def write(self, path: Path) -> None:
        """Replace a file in one step."""
        with replacing(path) as part:
            part.write_text(self.text(), encoding="utf-8")


def _plain(value: Any) -> Any:
    """Six digits; what is no number is null."""
    if isinstance(value, dict):
        return {str(key): _plain(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def entries(found: Results) -> dict[str, Any]:
    """A part's results without the facts about the measurement itself."""
    return {key: value for key, value in found.items() if key not in ("date", "load", "failed")}
