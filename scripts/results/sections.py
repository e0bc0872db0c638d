"""Sections of the document as Markdown. Every number comes from the records; what was not run is named so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pof3d.data.toy_sets import YAW_STD
from pof3d.evaluation.truth import OWN
from scripts.experiments import EXPERIMENTS
from scripts.results import tables
from scripts.results.records import Record
from scripts.results.tables import (
    ABLATION_COLUMNS,
    CAT_TARGETS,
    DEPTH,
    DISTANCE,
    DISTANCE_FLOOR,
    FID_FLOOR,
    JS_COLUMNS,
    PITCH_CORRELATION,
    REAR,
    SPREAD,
    YAW_CORRELATION,
    YAW_ERROR,
    Footnotes,
    number,
)

TITLES: dict[str, str] = {str(name): title for name, (title, _) in EXPERIMENTS.items()}
SPREADS = ("spread-0.2", "spread-0.6")
"""Experiments that differ in the initial spread alone."""
ABLATIONS = tuple(name for name in TITLES if not name.startswith("spread-"))
PRIORS = ("full", "prior-right", "prior-shifted", "prior-narrow", "residual-narrow", "labels")
"""The paper's opening figure."""
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("symmetry and pose-aware D", ("full", "no-mirroring", "unaware-d")),
    ("pose learner's step size", ("full", "pose-lr-10", "pose-lr-100")),
    (
        "where poses come from",
        ("full", "prior-right", "prior-shifted", "prior-narrow", "residual-narrow", "labels"),
    ),
)
Runs = Mapping[str, list[Record]]


def picture(alt: str, name: str) -> str:
    """A plot of the document."""
    return f"![{alt}](images/results/{name})"


def listing(words: Iterable[str]) -> str:
    """``a, b and c``."""
    found = list(words)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


def _named(names: Iterable[str]) -> str:
    return listing(f"*{TITLES[name]}*" for name in names)


def _how_trained(record: Record) -> str:
    words = f"The network saw {record.images_seen:,} images"
    if record.cut_short:
        words += f" of the {record.images_planned:,} planned"
    if record.training_seconds is not None:
        words += f", in {record.training_seconds / 60:.0f} minutes"
    return f"{words}."


def compared_with(records: Iterable[Record]) -> str:
    """What G's yaws are compared with, and the distance that chance alone gives."""
    found: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        true = record.figures["pose"].get("true_distribution")
        if true:
            found.setdefault((true["source"], true["poses"]), []).append(record)
    words = []
    for (source, count), group in found.items():
        poses = "true poses of the test images" if source == OWN else f"poses drawn as {source} are"
        floor = tables.summarise(DISTANCE_FLOOR.value(record) for record in group)
        chance = f" (samples as large from one distribution: about {floor.mean:.3f})" if floor else ""
        words.append(f"{count:,} {poses}{chance}")
    return f"JS is Jensen–Shannon, of G's yaws against {listing(words)}." if words else ""


def toy_cats(record: Record | None) -> str:
    """The bundled toy cats against their targets."""
    if record is None:
        return "The bundled network was not evaluated."
    rows = [target.row(record) for target in CAT_TARGETS]
    met = sum(row[-1] == "met" for row in rows)
    protocol = record.protocol
    more = (
        f"{met} of {len(rows)} targets are met. D predicts {protocol.images:,} test images that were not"
        " trained"
        f" on; G's distribution is that of {protocol.latents:,} random latents."
    )
    lines = [
        f"[This network](../assets/toy-cats.md) never saw a pose. {_how_trained(record)} {more}",
        tables.table(("figure", "target", "value", ""), rows),
        *_beside(record),
        picture("Yaw and pitch: learned by G against the truth", "toy-cats-poses.png"),
    ]
    if record.scatter is not None:
        lines += [
            f"D's predictions for {len(record.scatter.true)} of the test images. Nothing was removed;"
            " the grey line is"
            " equality:",
            picture("D's predictions against the truth", "toy-cats-predictions.png"),
        ]
    lines += [
        "Four seeds from yaw −0.8, −0.4, 0, 0.4 and 0.8 rad, then their depth (near is bright), ψ = 0.8:",
        "![Seeds and yaws](results/strips/toy-cats.png)",
    ]
    return "\n\n".join(lines)


def _beside(record: Record) -> list[str]:
    """Figures without a target, beside those of true images."""
    parts = []
    for column, floor, what in (
        (DEPTH, tables.DEPTH_FLOOR, "depth error against the toy probe"),
        (tables.FID, FID_FLOOR, "FID of the toy probe's features"),
    ):
        value, least = column.value(record), floor.value(record)
        if value is not None:
            parts.append(
                f"{what} {column.text(value)}"
                + (f" (true images: {floor.text(least)})" if least is not None else "")
            )
    lines = [f"Without a target: {listing(parts)}."] if parts else []
    yaw = [
        f"{column.title} {column.text(value)}"
        for column in JS_COLUMNS
        if (value := column.value(record)) is not None
    ]
    if yaw:
        lines.append(f"G's yaws: {listing(yaw)}. {compared_with([record])}".rstrip())
    return lines


def spread(runs: Runs) -> str:
    """Whether the learned spread depends on the initial one."""
    rows = []
    ends: dict[float, float] = {}
    notes = Footnotes()
    for name in SPREADS:
        found = runs.get(name, [])
        start = next((r.initial_spread for r in found if r.initial_spread is not None), None)
        summary = tables.over_seeds(SPREAD, found)
        words = "" if start is None else f"{start:g}"
        row = tables.experiment_row(TITLES[name], found, (SPREAD, *JS_COLUMNS), notes)
        rows.append([row[0], row[1], words, *row[2:]])
        if start is not None and summary is not None:
            ends[start] = summary.mean
    lines = [
        "Each pose learner starts with a set spread of yaws. If the spread were inherited, it would"
        " stay; the set's"
        f" true one is {YAW_STD:g} rad.",
    ]
    if len(ends) > 1:
        starts = sorted(ends)
        apart = max(ends.values()) - min(ends.values())
        furthest = max(abs(end - YAW_STD) for end in ends.values())
        lines[0] += (
            f" Starts of {listing(f'{s:g}' for s in starts)} rad ended at"
            f" {listing(number(ends[s], 2) for s in starts)} rad."
            f" The starts lie {starts[-1] - starts[0]:.2f} rad apart, the ends {apart:.2f};"
            f" the end furthest from the truth is off by {furthest:.2f} rad."
        )
    elif not ends:
        lines[0] += " None of these experiments was run."
    head = ("", "runs", "initial spread", "final spread", *(column.title for column in JS_COLUMNS))
    lines.append(tables.table(head, rows))
    lines += _footnotes(notes)
    if ends:
        lines += [
            picture("G's yaw spread over training from each initial spread", "spread.png"),
            "Lines: batches of training, pooled. Dots: the spread that was asked for at the start."
            " Diamonds: the moving"
            " average at the end, which the table has.",
        ]
    return "\n\n".join(lines)


def _footnotes(notes: Footnotes) -> list[str]:
    return ["<br>\n".join(notes.lines())] if notes.texts else []


def ablations(runs: Runs) -> str:
    """The table, and what it says in words."""
    notes = Footnotes()
    head = ("", "runs", *(f"{c.title} (°)" if c is YAW_ERROR else c.title for c in ABLATION_COLUMNS))
    rows = [
        tables.experiment_row(TITLES[name], runs.get(name, []), ABLATION_COLUMNS, notes) for name in ABLATIONS
    ]
    every = [record for name in ABLATIONS for record in runs.get(name, [])]
    if every:
        rows.append(_floor(every))
    lines = [
        "D's yaw and pitch: correlation of its predictions with the truth; yaw error: mean absolute,"
        " after one offset; JS distance: of G's yaws from the true ones, 0 to 1; JS bits: the divergence, its"
        " square; aligned: after the offset that makes it least; yaw spread: of G's yaws, rad; depth error:"
        " against the toy probe, 1 is a flat map; FID: of the toy probe's features, not comparable with an"
        " Inception FID."
        f" {compared_with(every)}".rstrip(),
        tables.table(head, rows),
        *_footnotes(notes),
        *_comparison(runs),
    ]
    if every:
        counts = {len(found) for name, found in runs.items() if name in ABLATIONS}
        if counts == {1}:
            lines.append("One run each: a difference between two rows may be chance.")
        else:
            lines.append("± is the standard deviation over seeds; where there is none, it is one run.")
        lines += [
            "G's yaws (blue, a line a seed) against the true ones:",
            picture("Learned yaw distributions of each experiment", "distributions.png"),
        ]
    return "\n\n".join(lines)


def _floor(records: Sequence[Record]) -> list[str]:
    """Last row: the same figures of true images."""
    depth, spread_, fid = (
        tables.summarise(c.value(r) for r in records)
        for c in (tables.DEPTH_FLOOR, tables.TRUE_SPREAD, FID_FLOOR)
    )
    cells = {
        SPREAD: spread_ and number(spread_.mean, SPREAD.digits),
        DEPTH: depth and number(depth.mean, DEPTH.digits),
        tables.FID: fid and number(fid.mean, tables.FID.digits),
    }
    return ["*test images themselves*", "", *(cells.get(c) or "" for c in ABLATION_COLUMNS)]


def _comparison(runs: Runs) -> list[str]:
    """Which variants are worse than the full model, by three figures."""
    if not runs.get("full"):
        return []
    sentences = []
    others = [name for name in ABLATIONS if name != "full"]
    for column, what, higher_is_better in (
        (YAW_CORRELATION, "D's yaw correlation", True),
        (DISTANCE, "the JS distance of G's yaws", False),
        (DEPTH, "the depth error", False),
    ):
        found = tables.means(column, runs, ("full", *others))
        if "full" not in found or len(found) < 2:
            continue
        ours = found.pop("full")
        worse = [n for n, value in found.items() if (value < ours if higher_is_better else value > ours)]
        words = f"By {what} ({column.text(ours)} of the full model)"
        if len(found) == 1:
            words += f" the only other is {'worse' if worse else 'not worse'}"
        elif not worse:
            words += " none of the others is worse"
        elif len(worse) == len(found):
            words += f" all {len(found)} others are worse"
        else:
            better = [name for name in found if name not in worse]
            words += f" {len(worse)} of {len(found)} others are worse"
            words += f": {_named(worse)}" if len(worse) <= len(better) else f"; not worse: {_named(better)}"
        sentences.append(f"{words}.")
    return [" ".join(sentences)] if sentences else []


def prior(runs: Runs) -> str:
    """Assumed poses against learned ones: pictures, and the figures that matter for them."""
    present = [name for name in PRIORS if runs.get(name)]
    if not present:
        return "None of these experiments was run."
    missing = [name for name in PRIORS if name not in present]
    distance, depth = (tables.means(c, runs, PRIORS) for c in (DISTANCE, DEPTH))
    parts = []
    for name in present:
        figures = [f"JS distance {DISTANCE.text(distance[name])}"] if name in distance else []
        figures += [f"depth error {DEPTH.text(depth[name])}"] if name in depth else []
        if figures:
            parts.append(f"*{TITLES[name]}*: {', '.join(figures)}")
    lines = [
        "The paper's opening figure: what a wrong assumption about the cameras costs. "
        + (f"{'; '.join(parts)}." if parts else "")
        + (f" Not run: {_named(missing)}." if missing else ""),
        picture("Samples with depth, assumed and learned poses", "strips-priors.png"),
        "Two seeds from yaw −0.8, 0 and 0.8 rad in the network's own frame, then their depth (near is"
        " bright), ψ = 0.8;"
        " the lowest seed of each experiment.",
    ]
    others = [name for name in TITLES if name not in PRIORS and runs.get(name)]
    if others:
        lines += [
            "The other experiments:",
            picture("Samples with depth, the other experiments", "strips-others.png"),
        ]
    return "\n\n".join(lines)


def training(runs: Runs) -> str:
    """Curves over training."""
    if not any(runs.get(name) for _, names in GROUPS for name in names):
        return "None of these experiments was run."
    silent = [
        name for name in ABLATIONS if runs.get(name) and not any(r.curves.error_kimg for r in runs[name])
    ]
    lines = [
        f"Above: the spread of G's yaws (dashed: the true {YAW_STD:g} rad). Below: D's pose error on"
        " generated images,"
        " the root mean square of h and v."
        + (f" {_named(silent)} has none: D predicts no pose." if len(silent) == 1 else "")
        + (f" {_named(silent)} have none." if len(silent) > 1 else ""),
        picture("Yaw spread and D's pose error over training", "curves.png"),
    ]
    return "\n\n".join(lines)


def toy_cars(record: Record) -> str:
    """Cars, seen from all sides."""
    rows = [
        [name, column.text(value) + unit]
        for name, column, unit in (
            ("D's yaw: circular correlation with the truth", YAW_CORRELATION, ""),
            ("D's yaw: mean absolute error after one offset", YAW_ERROR, "°"),
            ("D's yaw: front taken for rear (error beyond 90°)", REAR, " %"),
            ("D's pitch: correlation with the truth", PITCH_CORRELATION, ""),
            *((f"G's yaw: {column.title}", column, "") for column in JS_COLUMNS),
            ("G's yaw: resultant length (0 is uniform, 1 one direction)", tables.RESULTANT, ""),
            ("test images' yaw: resultant length", tables.TRUE_RESULTANT, ""),
        )
        if (value := column.value(record)) is not None
    ]
    words = f"Cameras stand all around, uniformly. {_how_trained(record)}"
    if not record.circular:
        words += " The test images' yaws do not go all around: figures are those of a sector."
    lines = [
        words,
        tables.table(("figure", "value"), rows),
        *filter(None, [compared_with([record])]),
        picture("Learned yaw and pitch of cars against the truth", "toy-cars-poses.png"),
    ]
    if record.circular:
        lines.append(
            "Left: yaw around the circle. Areas are shares; the dashed circle is the uniform distribution."
        )
    if record.scatter is not None:
        lines.append(picture("D's predictions for cars against the truth", "toy-cars-predictions.png"))
    lines += [
        "Four seeds from all around, then their depth (near is bright), ψ = 0.8:"
        if record.circular
        else "Four seeds from yaw −0.8 to 0.8 rad, then their depth (near is bright), ψ = 0.8:",
        "![Cars: seeds and yaws](results/strips/toy-cars.png)",
    ]
    return "\n\n".join(lines)
