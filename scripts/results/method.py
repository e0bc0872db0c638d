"""The document's last section: how it was made, and whether everything was made alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import fmean

from scripts.results import tables
from scripts.results.records import Record
from scripts.results.sections import TITLES, listing


def section(records: Sequence[Record]) -> str:
    """How it was made, and whether all was made alike."""
    runs = [record for record in records if record.seed is not None]
    lines = []
    if runs:
        lengths = sorted({record.images_seen for record in runs})
        seeds = sorted({record.seed for record in runs if record.seed is not None})
        words = f"{len(runs)} runs of {len({r.name for r in runs})} experiments, seeds "
        words += listing(map(str, seeds))
        words += f", {' to '.join(f'{n:,}' for n in dict.fromkeys((lengths[0], lengths[-1])))} images each"
        seconds = [record.training_seconds for record in runs if record.training_seconds is not None]
        if seconds:
            words += f", {fmean(seconds) / 60:.0f} minutes on average"
        lines.append(f"{words}.")
        lines += [
            f"Cut short: `{r.label}` saw {r.images_seen:,} of {r.images_planned:,} images."
            for r in runs
            if r.cut_short
        ]
        lines += _settings(runs)
    lines += _alike(records)
    lines.append(
        "```sh\npython -m scripts.experiments --data data/toy-cats-64.zip --out runs/results --seeds 0 1\n"
        "python -m scripts.make_results collect --test-data data/toy-cats-64-test.zip\n"
        "python -m scripts.make_results write\n```"
    )
    lines.append(
        "The first command trains, the second keeps figures, curves and samples in [results](results),"
        " the last writes"
        " this page from them alone."
    )
    return "\n\n".join(lines)


def _alike(records: Sequence[Record]) -> list[str]:
    """Warn of networks that were measured in another way than most of their kind."""
    lines = []
    for configuration in sorted({record.configuration for record in records}):
        found = [record for record in records if record.configuration == configuration]
        ways = [record.protocol for record in found]
        usual = max(ways, key=ways.count)
        lines.append(
            f"{configuration}: {usual.images:,} test images of `{usual.test_set}` for poses,"
            f" {usual.generated:,} generated"
            f" images for the FID, {usual.depths:,} for depth."
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
    own: dict[str, dict[str, str]] = {}
    for record, values in zip(runs, changed, strict=True):
        own.setdefault(record.name, {}).update({k: v for k, v in values.items() if k not in common})
    rows = [
        [
            TITLES.get(name, name),
            ", ".join(f"`{key}` {_short(value)}" for key, value in sorted(values.items())) or "–",
        ]
        for name, values in own.items()
    ]
    head = ("experiment", "differs further by")
    lines.append(tables.table(head, rows).replace("--:|", "---|"))
    return lines


def _short(value: str) -> str:
    return value.strip('"')
