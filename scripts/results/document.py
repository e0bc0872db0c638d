"""Writing the document and its plots from records, without any run directory."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pof3d.errors import ConfigError
from pof3d.files import replacing
from scripts.results import method, plots, sections, tables
from scripts.results.records import BUNDLES, Places, Record, read_records

SECTIONS = ("introduction", "toy-cats", "spread", "ablations", "prior", "training", "toy-cars", "method")
"""Keys of the commentary, in the document's order."""
PICTURES = (
    "toy-cats-poses.png",
    "toy-cats-predictions.png",
    "spread.png",
    "distributions.png",
    "strips-priors.png",
    "strips-others.png",
    "curves.png",
    "toy-cars-poses.png",
    "toy-cars-predictions.png",
)
"""All that may be drawn; those of an earlier document go where they are not drawn again."""


def read_commentary(path: Path) -> dict[str, str]:
    """Texts by section; none where there is no file.

    Raises
    ------
    ConfigError
        When the file is damaged, or has a section that the document has not.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}", str(error)) from error
    for key, value in found.items():
        if key not in SECTIONS:
            raise ConfigError(f"{path} has a text {key!r}", f"sections are {', '.join(SECTIONS)}")
        if not isinstance(value, str):
            raise ConfigError(f"{path}: {key} cannot be used", "it is no text")
    return {key: value.strip() for key, value in found.items() if value.strip()}


def page(records: Sequence[Record], commentary: dict[str, str]) -> str:
    """The document's text."""
    runs = tables.by_name(records)
    cats, cars = (bundled(records, name) for name in BUNDLES)
    parts: list[tuple[str, str, str]] = [
        ("toy-cats", "Toy cats: the bundled network", sections.toy_cats(cats)),
        ("spread", "Is the spread learned, or inherited?", sections.spread(runs)),
        ("ablations", "Ablations", sections.ablations(runs)),
        ("prior", "Assumed poses, learned poses", sections.prior(runs)),
        ("training", "Over training", sections.training(runs)),
    ]
    if cars is not None:
        parts.append(("toy-cars", "Toy cars: all the way round", sections.toy_cars(cars)))
    parts.append(("method", "How this was made", method.section(records)))
    lines = ["# Results", _introduction(records)]
    if "introduction" in commentary:
        lines.append(commentary["introduction"])
    for key, title, text in parts:
        lines += [f"## {title}", *([commentary[key]] if key in commentary else []), text]
    return "\n\n".join(lines) + "\n"


def _introduction(records: Sequence[Record]) -> str:
    count = len(records)
    words = "stands one evaluated network" if count == 1 else f"stand {count} evaluated networks"
    return (
        "<!-- Written by `python -m scripts.make_results write`; texts by hand: results/commentary.toml -->"
        f"\n\nBehind this page {words}; the figures lie in [results/data](results/data).\n"
        "[metrics.md](metrics.md) says how each figure is computed,"
        " [training.md](training.md) what the settings mean."
    )


def bundled(records: Sequence[Record], name: str) -> Record | None:
    """The record of a bundled network."""
    return next((record for record in records if record.name == name and record.seed is None), None)


def draw(records: Sequence[Record], places: Places) -> dict[str, Callable[[], bytes | None]]:
    """Plots by file name; each is drawn when called, and None where there is nothing to show."""
    runs = tables.by_name(records)
    titles = sections.TITLES
    first = {
        name: path
        for name, found in runs.items()
        if (path := places.strips / f"{found[0].label}.png").is_file()
    }
    priors = {name: titles[name] for name in sections.PRIORS}
    others = {name: title for name, title in titles.items() if name not in priors}
    drawn: dict[str, Callable[[], bytes | None]] = {
        "spread.png": lambda: plots.spread_over_training(runs, sections.SPREADS),
        "distributions.png": lambda: plots.distributions(
            runs, {name: titles[name] for name in sections.ABLATIONS}
        ),
        "strips-priors.png": lambda: plots.strips(first, priors),
        "strips-others.png": lambda: plots.strips(first, others),
        "curves.png": lambda: plots.training_curves(runs, titles, sections.GROUPS),
    }
    for name in BUNDLES:
        record = bundled(records, name)
        if record is not None:
            drawn[f"{name}-poses.png"] = partial(plots.pose_distributions, record)
            drawn[f"{name}-predictions.png"] = partial(plots.predictions, record)
    return drawn


def write(places: Places) -> Path:
    """Write the document and its plots; gives the document's path.

    Raises
    ------
    ConfigError
        When there are no records, one is damaged, or something cannot be written.
    """
    records = read_records(places.data)
    if not records:
        todo = "Run `python -m scripts.make_results collect` first."
        raise ConfigError("there is nothing to write", f"{places.data} holds no record", todo)
    commentary = read_commentary(places.commentary)
    text = page(records, commentary)
    pictures = {name: picture() for name, picture in draw(records, places).items()}
    try:
        places.images.mkdir(parents=True, exist_ok=True)
        for name, content in pictures.items():
            if content is not None:
                with replacing(places.images / name) as part:
                    part.write_bytes(content)
        with replacing(places.page) as part:
            part.write_text(text, encoding="utf-8")
        for name in PICTURES:
            if pictures.get(name) is None:
                (places.images / name).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write {places.page}", error.strerror or str(error)) from error
    return places.page
