"""A record as Markdown and plots."""

from __future__ import annotations

from pathlib import Path

from benchmarks import plotting, targets
from benchmarks.parts import PARTS, Part
from benchmarks.record import FILE, Record, described, entries
from pof3d.files import replacing

PAGE = "benchmarks.md"
HOW = (
    "Medians; plain and fast in turn, in the same process. *Through plain*: the release's time scaled by how"
    " much slower the plain renderer's orbit step is here than the release's with the same allocator setting."
    " *Met, through plain*: on a machine as fast as the release's it would be met."
)


def warning(record: Record) -> str:
    """What is to be known about a record before its figures are read; empty for an idle machine."""
    if record.machine["quick"]:
        return "**Quick: small networks and few rounds, these figures mean nothing.**"
    if (load := record.busy) is not None:
        return f"**The machine was busy, its load up to {load:.1f}: times are too long, ratios rough.**"
    return ""


def measured(record: Record) -> list[Part]:
    """Parts of which there is something to show, in their order."""
    return [part for part in PARTS if entries(record.parts.get(part.name, {}))]


def page(record: Record) -> str:
    """All tables."""
    lines = ["# Benchmarks", "", described(record.machine) + ".", ""]
    if said := warning(record):
        lines += [said, ""]
    lines += ["## Targets", "", HOW, "", targets.table(record.parts, record.machine["device"]), ""]
    lines += [f"![{name}]({name}.png)\n" for name in targets.plots(record.parts, record.machine["device"])]
    for part in measured(record):
        found = record.parts[part.name]
        when = f"{found['date']}, load {found['load']} at the start"
        lines += [f"## {part.title}", "", f"{when}.", "", part.table(record.parts), ""]
        lines += [f"![{name}]({name}.png)\n" for name in part.plots(record.parts)]
    for part in PARTS:
        if failure := record.parts.get(part.name, {}).get("failed"):
            lines += [f"*{part.title}* failed: {failure}", ""]
    return "\n".join(lines).rstrip() + "\n"


def write(record: Record, folder: Path) -> None:
    """The record, its page and its plots."""
    record.write(folder / FILE)
    with replacing(folder / PAGE) as part:
        part.write_text(page(record), encoding="utf-8")
    figures = targets.plots(record.parts, record.machine["device"])
    for each in measured(record):
        figures |= each.plots(record.parts)
    for name, figure in figures.items():
        plotting.write(figure, folder / name)
