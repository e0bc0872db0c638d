"""Write the figures into the documents: ``python -m benchmarks.document out/benchmarks/benchmarks.json``.

The text between two markers is replaced in ``docs/rendering.md`` and ``README.md``, plots are drawn anew into
``docs/images/benchmarks``, and the record itself is kept beside them: the tests compare all of it.
"""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from matplotlib.figure import Figure

from benchmarks import growth, memory, plotting, program, quality, rendering, report, resolution, targets
from benchmarks.networks import KEYS
from benchmarks.record import Record, described, entries
from benchmarks.renderers import PLAIN
from pof3d.errors import ConfigError, Pof3dError
from pof3d.files import replacing

ROOT = Path(__file__).parents[1]
README, PAGE = "README.md", "docs/rendering.md"
KEPT = {"cpu": "docs/results/benchmarks.json", "cuda": "docs/results/benchmarks-gpu.json"}
IMAGES = "docs/images/benchmarks"
NEEDED = {
    "cpu": (
        "rendering",
        "quality",
        "resolution",
        "growth",
        "memory",
        "window",
        "cold_start",
        "motion",
        "interaction",
    ),
    "cuda": ("rendering", "resolution"),
}
_BY_NETWORK = ("rendering", "quality", "resolution", "memory")


@dataclass(frozen=True)
class Document:
    """Write figures of the benchmarks into the documents."""

    record: tyro.conf.Positional[Path] = Path("out/benchmarks/benchmarks.json")
    """What `make bench` wrote."""
    root: Path = ROOT
    """Of the repository."""


def checked(record: Record) -> str:
    """The device of a record that the documents can be written from.

    Raises
    ------
    ConfigError
        When something was not measured, failed, or was only tried out.
    """
    device, again = str(record.machine["device"]), 'Measure them: make bench ARGS="--only …".'
    if record.machine["quick"]:
        raise ConfigError("These figures mean nothing", "they were measured with --quick", "Leave it out.")
    missing = [name for name in NEEDED[device] if not entries(record.parts.get(name, {}))]
    failed = [name for name in NEEDED[device] if "failed" in record.parts.get(name, {})]
    for name in set(_BY_NETWORK) & set(NEEDED[device]) - set(missing):
        missing += [f"{key} of {name}" for key in KEYS if key not in record.parts[name]]
    if missing or failed:
        raise ConfigError("Figures are missing", ", ".join([*missing, *failed]), again)
    return device


# -------------------------------------------------------------------------------------------------- texts
def sections(record: Record) -> dict[tuple[str, str], str]:
    """Text by document and marker."""
    if record.machine["device"] == "cuda":
        return {(PAGE, "gpu"): gpu_text(record)}
    return {(PAGE, "measured"): measured_text(record), (README, "speed"): readme_text(record)}


def figures(record: Record) -> dict[str, Figure]:
    """Plots that the documents show."""
    found = record.parts
    if record.machine["device"] == "cuda":
        return {f"{name}-gpu": figure for name, figure in resolution.plots(found).items()}
    return (
        targets.plots(found)
        | rendering.plots(found)
        | quality.plots(found)
        | resolution.plots(found)
        | growth.plots(found)
        | program.start_plots(found)
    )


def _picture(name: str, text: str, folder: str = "images/benchmarks") -> str:
    return f"![{text}]({folder}/{name}.png)"


def _wrapped(text: str) -> str:
    """As prose stands in the documents."""
    return textwrap.fill(text, 120, break_on_hyphens=False, break_long_words=False)


def _when(record: Record) -> str:
    dates = sorted(record.parts[name]["date"][:10] for name in NEEDED[record.machine["device"]])
    return dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"


def measured_text(record: Record) -> str:
    """Section of docs/rendering.md."""
    found = record.parts
    fog = (
        "Full-size networks have random weights, so all of the volume is fog; the bundled ones have surfaces."
    )
    said = report.warning(record)
    return "\n\n".join(
        [
            _wrapped(f"`make bench` on {_when(record)}: {described(record.machine)}. {fog}"),
            *([said] if said else []),
            _wrapped(report.HOW),
            targets.table(found, record.machine["device"]),
            _picture("speedups", "How many times as fast as the release, with targets"),
            "### Times",
            rendering.table(found),
            _picture("stages", "Stages of a new latent, plain and fast"),
            "### Quality",
            quality.table(found),
            _picture("quality", "PSNR by samples a ray"),
            "### Growth",
            resolution.table(found),
            _picture("resolution", "Frames per second by the side of the image"),
            "Exponents are those of a power law fitted to the row.",
            growth.table(found),
            _picture("growth", "Time by resolution, samples, latents and size of planes"),
            "### Memory",
            memory.table(found),
            "### The window",
            program.window_part(found),
            program.start_part(found),
            _picture("cold-start", "When the start reaches what"),
            "### A drag",
            program.motion_part(found),
        ]
    )


def gpu_text(record: Record) -> str:
    """Section of docs/rendering.md for a GPU."""
    found = record.parts
    return "\n\n".join(
        [
            f'`make bench ARGS="--device cuda"` on {_when(record)}: {described(record.machine)}.',
            targets.table(found, "cuda"),
            rendering.table(found),
            resolution.table(found),
            _picture("resolution-gpu", "Frames per second by the side of the image, on a GPU"),
        ]
    )


def readme_text(record: Record) -> str:
    """The README's sentences about speed."""
    works = {key: one["works"] for key, one in entries(record.parts["rendering"]).items()}
    timings: dict[str, Any] = record.parts["interaction"]["timings"]
    drag = next(timing for name, timing in timings.items() if name.startswith("window's thread"))
    threads, cores = record.machine["threads"], record.machine["cores"]

    def fast(key: str, work: str) -> float:
        times = works[key][work]
        return float(times[targets.best_way(times)]["median"])

    def over_plain(key: str, work: str) -> float:
        return float(works[key][work][PLAIN]["median"]) / fast(key, work)

    text = (
        f"On {cores} core{'s' * (cores != 1)} of an {record.machine['processor']}, without a GPU, with"
        f" {threads} torch thread{'s' * (threads != 1)}: a full-size network orbits at full quality in"
        f" {fast('ffhq', 'orbit'):.0f} ms a picture (faces, 256²; {over_plain('ffhq', 'orbit'):.1f} times as"
        f" fast as the plain renderer in the same run) or {fast('cars', 'orbit'):.0f} ms (cars, 128²;"
        f" {over_plain('cars', 'orbit'):.1f} times), and shows a new latent after"
        f" {fast('ffhq', 'latent'):.0f} ms ({over_plain('ffhq', 'latent'):.1f} times). The bundled cats"
        f" orbit at {1e3 / fast('toy-cats', 'orbit'):.0f} frames a second; in the window a drag shows its"
        f" first new picture after {drag['median']:.0f} ms (median; 95 %: {drag['p95']:.0f} ms)."
        " `make bench` measures all of it on your machine; [docs/rendering.md](docs/rendering.md) has every"
        " figure, and tells how ten samples a ray do the work of ninety-six."
    )
    picture = _picture("speedups", "How many times as fast as the release, with targets", IMAGES)
    return "\n\n".join(part for part in (_wrapped(text), report.warning(record), picture) if part)


# ------------------------------------------------------------------------------------------------ writing
def _markers(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"(<!-- benchmarks:{name}\b[^>]*-->\n)(.*?)(<!-- end of benchmarks:{name} -->)", re.DOTALL
    )


def between(text: str, name: str) -> str | None:
    """What stands between the markers of a name; None without them."""
    match = _markers(name).search(text)
    return None if match is None else match[2].strip()


def replaced(text: str, name: str, new: str) -> str:
    """The text with something else between the markers.

    Raises
    ------
    ConfigError
        When there are none.
    """
    if between(text, name) is None:
        raise ConfigError(
            f"There is no place for {name}",
            "the markers are gone",
            f"Put <!-- benchmarks:{name} --> and <!-- end of benchmarks:{name} --> around it.",
        )
    return _markers(name).sub(lambda match: f"{match[1]}\n{new}\n\n{match[3]}", text)


def write(record: Record, root: Path) -> list[Path]:
    """Documents, plots and the record itself.

    Raises
    ------
    ConfigError
        When the record is not complete, or a document has no markers.
    """
    device = checked(record)
    texts: dict[Path, str] = {}
    for (name, marker), new in sections(record).items():
        path = root / name
        texts[path] = replaced(texts.get(path) or path.read_text(encoding="utf-8"), marker, new)
    (root / IMAGES).mkdir(parents=True, exist_ok=True)
    for name, figure in figures(record).items():
        plotting.write(figure, root / IMAGES / name, endings=(".png",))
    for path, text in texts.items():
        with replacing(path) as part:
            part.write_text(text, encoding="utf-8")
    record.write(root / KEPT[device])
    return [*texts, root / KEPT[device], root / IMAGES]


if __name__ == "__main__":
    try:
        options = tyro.cli(Document, description=Document.__doc__)
        for written in write(Record.read(options.record), options.root):
            print(written)
    except Pof3dError as problem:
        sys.exit(f"Error: {problem}")
