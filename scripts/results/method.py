"""The document's last section: how it was made, and whether everything was made alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import fmean

from scripts.results import tables
from scripts.results.records import BUNDLES, Record
from scripts.results.sections import TITLES, listing


def section(records: Sequence[Record]) -> str:
    """How it was made, and whether all was made alike."""
    runs = [record for record in records if record.seed is not None]
    lines = []
    seeds = sorted({record.seed for record in runs if record.seed is not None})
    if runs:
        lengths = sorted({record.images_seen for record in runs})
        words = f"{len(runs)} runs of {len({r.name for r in runs})} experiments, "
        words += f"seed{'s' * (len(seeds) > 1)} {listing(map(str, seeds))}"
        words += f", {' to '.join(f'{n:,}' for n in dict.fromkeys((lengths[0], lengths[-1])))} images each"
        seconds = [record.training_seconds for record in runs if record.training_seconds is not None]
        if seconds:
            words += f", {fmean(seconds) / 60:.0f} minutes on average"
        lines.append(f"{words}.")
        cut = [
            f"`{r.label}` saw {r.images_seen:,} of {r.images_planned:,} images" for r in runs if r.cut_short
        ]
        lines += [f"Cut short: {listing(cut)}."] if cut else []
        lines += _settings(runs)
    lines += _alike(records)
    lines.append(_commands(seeds, cars=any(record.configuration == "toy-cars" for record in records)))
    lines.append(
        "`scripts.experiments` trains; `collect` keeps figures, curves and samples in [results](results);"
        " `write` makes this page from them alone."
    )
    return "\n\n".join(lines)


def _commands(seeds: Sequence[int], *, cars: bool) -> str:
    """What makes the page again."""
    test = "--count 1000 --resolution 64 --seed 1000 --out data"
    lines = ["make-data toy-cats --count 10000 --resolution 64 --out data/toy-cats-64.zip"]
    lines += [f"make-data {name} {test}/{name}-64-test.zip" for name in BUNDLES[: 2 if cars else 1]]
    more = " --cars-test-data data/toy-cars-64-test.zip" if cars else ""
    return "\n".join(
        [
            "```sh",
            *(f"python -m pof3d {line}" for line in lines),
            "python -m scripts.experiments --data data/toy-cats-64.zip --out runs/results --seeds "
            + " ".join(map(str, seeds or [0])),
            f"python -m scripts.make_results collect --test-data data/toy-cats-64-test.zip{more}",
            "python -m scripts.make_results write",
            "```",
        ]
    )


def _alike(records: Sequence[Record]) -> list[str]:
    """Warn of networks that were measured in another way than most of their kind."""
    lines = []
    for configuration in sorted({record.configuration for record in records}):
        found = [record for record in records if record.configuration == configuration]
        ways = [record.protocol for record in found]
        usual = max(ways, key=ways.count)
        lines.append(
            f"{configuration}: {usual.images:,} test images ({usual.test_set}) for poses,"
            f" {usual.generated:,} generated images for the FID, {usual.depths:,} for depth."
        )
        odd = [f"`{record.label}`" for record in found if record.protocol != usual]
        if odd:
            lines[-1] += f" **Measured otherwise, and not to be compared: {listing(odd)}.**"
    return ["\n".join(f"* {line}" for line in lines)] if lines else []


def _settings(runs: Sequence[Record]) -> list[str]:
    """What all runs have otherwise than their preset, and what some have beyond that."""
    changed = [{key: json.dumps(pair[1]) for key, pair in record.settings.items()} for record in runs]
    common = {key: v for key, v in changed[0].items() if all(other.get(key) == v for other in changed)}
    lines = []
    if common:
        words = ", ".join(f"`{key}` {_short(value)}" for key, value in sorted(common.items()))
        lines.append(f"All differ from the preset `{runs[0].configuration}` by {words}.")
    rows = []
    for name in dict.fromkeys(record.name for record in runs):
        found = [_own(v, common) for r, v in zip(runs, changed, strict=True) if r.name == name]
        words = found[0] or tables.DASH
        if any(other != found[0] for other in found):
            words = "**its runs differ:** " + "; ".join(other or tables.DASH for other in found)
        rows.append([TITLES.get(name, name), words])
    head = ("experiment", "differs further by")
    lines.append(tables.table(head, rows).replace("--:|", "---|"))
    return lines


def _own(values: dict[str, str], common: dict[str, str]) -> str:
    """Settings beyond the common ones, in words."""
    return ", ".join(f"`{key}` {_short(v)}" for key, v in sorted(values.items()) if key not in common)


def _short(value: str) -> str:
    return value.strip('"')
