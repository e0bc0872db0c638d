"""The commands ``info``, what a checkpoint is, and ``convert``, which makes one of our files of it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from pof3d.checkpoint import Network, load, save
from pof3d.checkpoint.facts import Fact, architecture_facts, provenance_facts
from pof3d.errors import CheckpointError, ConfigError, naming
from pof3d.text import format_bytes, format_count, printable

_COMPARED_SEEDS = 4
_LATENTS = 4096


@dataclass(frozen=True)
class Info:
    """Say what a checkpoint is: architecture, cameras, sizes, provenance, learned poses."""

    file: tyro.conf.Positional[Path]
    """Checkpoint, native or released, or the folder of a training run: then its newest network."""
    json: bool = False
    """One JSON object instead of tables."""


@dataclass(frozen=True)
class Convert:
    """Save a checkpoint, such as a released pickle, in this project's own format."""

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(name="in")]
    """Checkpoint: native or released."""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(name="out")]
    """File to write: .safetensors. One that is there is replaced when the new one is complete."""
    half: bool = False
    """Store numbers with 16 bits: half the size. What that does to images is measured and printed. A file of
    this project that has 16 bits already keeps them."""


def _open(path: Path, report: Callable[[float, str], None]) -> Network:
    """Open a file; an error names it."""
    try:
        return load(path, progress=report)
    except CheckpointError as error:
        raise naming(error, path.name) from None


def _is_half(network: Network) -> bool:
    """Whether most numbers of a native file have 16 bits."""
    nets = [net for net in (network.generator, network.discriminator) if net is not None]
    numbers = sum(tensor.numel() for net in nets for tensor in net.state_dict().values())
    return network.kind == "native" and network.size_bytes < 3 * numbers


def newest_network(path: Path) -> Path:
    """The file itself, or the network of a run's folder that has seen most images."""
    networks = sorted(path.glob("network-*.safetensors")) if os.path.isdir(path) else []
    return networks[-1] if networks else path


def describe(network: Network) -> dict[str, Any]:
    """Everything that ``info`` says, as plain values."""
    generator, discriminator = network.generator, network.discriminator
    parts = {"generator": generator} | ({} if discriminator is None else {"discriminator": discriminator})
    return {
        "file": str(network.path),
        "kind": network.kind,
        "bytes": network.size_bytes,
        "parameters": {name: sum(p.numel() for p in net.parameters()) for name, net in parts.items()},
        "config": asdict(network.config),
        "provenance": network.provenance,
        "learned_poses": _learned_poses(network),
    }


def _learned_poses(network: Network) -> dict[str, float] | None:
    """Mean and spread of the generator's poses, radians; None where it has none of its own."""
    from pof3d.training.samples import learned_poses, pose_statistics

    if network.generator.mapping.is_conditioned:
        return None
    return asdict(pose_statistics(learned_poses(network.generator, _LATENTS)))


def image_difference(one: Network, other: Network, seeds: int = _COMPARED_SEEDS) -> tuple[float, float]:
    """Largest and mean difference between images of two networks, grey levels of 255.

    Parameters
    ----------
    one, other : Network
        Of the same architecture.
    seeds : int
        Images compared, each from the network's own pose.
    """
    from pof3d.training.samples import latent, to_uint8

    worst = total = 0.0
    for seed in range(seeds):
        images = []
        for generator in (one.generator, other.generator):
            with torch.no_grad():
                w, pose = generator.map(latent(seed, generator.config.z_dim).to(generator.device))
                images.append(to_uint8(generator.render(w, pose).image).astype(np.int16))
        difference = np.abs(images[0] - images[1])
        worst, total = max(worst, float(difference.max())), total + float(difference.mean())
    return worst, total / seeds


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[float, str], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Opening the checkpoint", total=1.0)
        yield lambda share, what: progress.update(task, completed=share, description=what)


def run_info(options: Info) -> int:
    """Print what a checkpoint is; the exit status is 0.

    Raises
    ------
    CheckpointError
        When it cannot be opened.
    """
    with _progress(Console(stderr=True)) as report:
        network = _open(newest_network(options.file.expanduser()), report)
    found = describe(network)
    if options.json:
        json.dump(found, sys.stdout, indent=2, ensure_ascii=False, default=str)
        print()
        return 0
    counts = found["parameters"]
    rows = architecture_facts(network.config, network.kind, network.size_bytes, counts["generator"])
    if "discriminator" in counts:
        rows.append(("Parameters of D", format_count(counts["discriminator"]), ""))
    camera, render = network.config.generator.camera, network.config.generator.render
    rows += [
        ("Focal length", f"{camera.focal:.4f}", "Image widths."),
        ("Front", f"h = {camera.h_mean:.4f}", "Azimuth of the front view, radians."),
        ("Clamps", f"h {camera.clamp_h or 'none'}, v {camera.clamp_v or 'none'}", ""),
        ("Box", f"{render.box_warp:g}", "Side of the cube that the planes cover, world units."),
        ("Plane axes", render.plane_axes.replace("_", " "), ""),
        ("Background", "white" if render.white_background else "black, or inside the volume", ""),
    ]
    console = Console(highlight=False)
    title = Text.assemble((printable(network.path.name), "bold"), "  ", printable(str(network.path.parent)))
    console.print(title, soft_wrap=True)
    console.print(_table("Network", rows))
    from pof3d.training.samples import PoseStatistics

    if found["learned_poses"] is not None:
        poses = PoseStatistics(**found["learned_poses"])
        console.print(f"Learned poses, of {_LATENTS:,} latents: {poses.degrees()}")
    told = {key: value for key, value in network.provenance.items() if key != "learned_poses"}
    rows, groups = provenance_facts(told)
    if rows:
        console.print(_table("Provenance", rows))
    for name, inner in groups.items():
        console.print(_table(printable(name), inner))
    return 0


def _table(title: str, rows: list[Fact]) -> Table:
    table = Table(title=Text(title), title_justify="left", title_style="bold", show_header=False, box=None)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for what, value, _ in rows:
        table.add_row(Text(printable(what)), Text(printable(value)))
    return table


def run_convert(options: Convert) -> int:
    """Convert as asked; the exit status is 0.

    Raises
    ------
    CheckpointError, ConfigError
        Each with one clear message; a file that was there stays as it was.
    """
    source, target = options.source.expanduser(), options.target.expanduser()
    if target.suffix.lower() != ".safetensors":
        raise ConfigError(f"{target.name} cannot be written", "converted checkpoints end in .safetensors")
    if os.path.exists(target) and os.path.exists(source) and target.samefile(source):
        raise ConfigError("The converted checkpoint would replace its source", todo="Choose another name.")
    if not os.path.isdir(target.parent):
        raise CheckpointError(
            f"{target.name} cannot be written", f"there is no folder {target.parent}", "Create it first."
        )
    console = Console(stderr=True, highlight=False)
    with _progress(console) as report:
        network = _open(source, report)
        half = options.half or _is_half(network)
        provenance = dict(network.provenance)
        if network.kind == "release":
            provenance["converted_from"] = printable(network.path.name)
        save(
            target,
            network.config,
            network.generator,
            network.discriminator,
            provenance=provenance,
            half=half,
        )
        report(1.0, "Comparing images")
        written = load(target)
        worst, mean = image_difference(network, written)
    sizes = f"{format_bytes(network.size_bytes)} → {format_bytes(written.size_bytes)}"
    bits = "16 bits a number" if half else "32 bits a number"
    console.print(Text(f"{printable(str(target))}  {sizes}, {bits}"), soft_wrap=True)
    console.print(
        f"Images of {_COMPARED_SEEDS} seeds differ by at most {worst:.0f} of 255 grey levels, "
        f"{mean:.3f} on average."
    )
    if (note := network.provenance.get("discriminator")) and network.discriminator is None:
        console.print(Text(f"{printable(str(note))} It was left out."))
    return 0
