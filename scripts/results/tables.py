"""Tables: figures of experiments as mean ± spread over the seeds that exist."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean, stdev

from scripts.results.records import Record

DASH = "–"


@dataclass(frozen=True)
class Column:
    """A figure, as a column of a table."""

    title: str
    path: tuple[str | int, ...]
    """Where it stands in a record's figures."""
    digits: int = 3
    scale: float = 1.0
    """From the figure's unit to the column's."""
    reason: str = ""
    """Key of the figures that were not computed, under which its absence is explained."""

    def value(self, record: Record) -> float | None:
        """Of one run; None where it has none."""
        found = record.figure(*self.path)
        return None if found is None else found * self.scale

    def text(self, value: float) -> str:
        """A value as it is printed."""
        return number(value, self.digits)


def _pose(angle: str, part: str, name: str) -> tuple[str, ...]:
    return ("pose", angle, part, name)


YAW_CORRELATION = Column(
    "D's yaw", _pose("yaw", "predicted_against_true", "correlation"), reason="pose agreement"
)
PITCH_CORRELATION = Column(
    "D's pitch", _pose("pitch", "predicted_against_true", "correlation"), reason="pose agreement"
)
YAW_ERROR = Column(
    "yaw error",
    _pose("yaw", "predicted_against_true", "mean_absolute_error_degrees"),
    digits=1,
    reason="pose agreement",
)
REAR = Column(
    "front taken for rear",
    _pose("yaw", "predicted_against_true", "share_beyond_90_degrees"),
    digits=1,
    scale=100.0,
    reason="pose agreement",
)
DISTANCE = Column("JS distance", _pose("yaw", "learned_against_true", "jensen_shannon_distance"))
DISTANCE_ALIGNED = Column(
    "JS distance aligned", _pose("yaw", "learned_against_true", "jensen_shannon_distance_aligned")
)
DISTANCE_FLOOR = Column(
    "JS distance of equals", _pose("yaw", "learned_against_true", "jensen_shannon_distance_noise_floor")
)
DIVERGENCE = Column("JS bits", _pose("yaw", "learned_against_true", "jensen_shannon_bits"))
DIVERGENCE_ALIGNED = Column(
    "JS bits aligned", _pose("yaw", "learned_against_true", "jensen_shannon_aligned_bits")
)
JS_COLUMNS = (DISTANCE, DISTANCE_ALIGNED, DIVERGENCE, DIVERGENCE_ALIGNED)
SPREAD = Column("yaw spread", ("pose", "yaw", "learned_std_degrees"), scale=math.radians(1.0))
TRUE_SPREAD = Column("true spread", ("pose", "yaw", "true_std_degrees"), scale=math.radians(1.0))
RESULTANT = Column("resultant length", ("pose", "yaw", "learned_resultant_length"))
TRUE_RESULTANT = Column("true resultant length", ("pose", "yaw", "true_resultant_length"))
DEPTH = Column(
    "depth error", ("depth", "generated", "normalised_error_mean"), reason="depth error and normals"
)
DEPTH_FLOOR = Column("depth error of true images", ("depth", "true", "normalised_error_mean"))
FID = Column("FID", ("images", 0, "fid"), digits=1)
FID_FLOOR = Column("FID of real halves", ("images", 0, "real_halves_fid"), digits=1)
ABLATION_COLUMNS = (
    YAW_CORRELATION,
    PITCH_CORRELATION,
    YAW_ERROR,
    *JS_COLUMNS,
    SPREAD,
    DEPTH,
    FID,
)


def number(value: float, digits: int) -> str:
    """A number with a real minus sign, and none before zero."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


@dataclass(frozen=True)
class Summary:
    """A figure over the seeds of an experiment."""

    mean: float
    spread: float | None
    """Sample standard deviation; None of one value."""
    count: int


def summarise(values: Iterable[float | None]) -> Summary | None:
    """Mean and sample standard deviation of what has a value; None where nothing has."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Summary(fmean(known), stdev(known) if len(known) > 1 else None, len(known))


def over_seeds(column: Column, records: Iterable[Record]) -> Summary | None:
    """A column over the runs of an experiment."""
    return summarise(column.value(record) for record in records)


def cell(column: Column, summary: Summary) -> str:
    """``0.981 ± 0.004``, or the value alone of one run. A narrow table breaks it before the ±."""
    text = column.text(summary.mean)
    return text if summary.spread is None else f"{text} ±\u00a0{column.text(summary.spread)}"


@dataclass
class Footnotes:
    """Numbers for explanations, in the order met; equal ones share a number."""

    texts: list[str] = field(default_factory=list)

    def mark(self, text: str) -> str:
        """The mark that leads to an explanation."""
        if text not in self.texts:
            self.texts.append(text)
        return f"<sup>{self.texts.index(text) + 1}</sup>"

    def lines(self) -> list[str]:
        """The explanations."""
        return [f"<sup>{i}</sup> {text}" for i, text in enumerate(self.texts, 1)]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown; the first column is text, the others are numbers."""
    titles = list(head)
    lines = ["| " + " | ".join(titles) + " |", "|---|" + "--:|" * (len(titles) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def experiment_row(
    title: str, records: list[Record], columns: Iterable[Column], notes: Footnotes
) -> list[str]:
    """One experiment: title, number of runs, figures; what has no value has a dash and a footnote."""
    columns = list(columns)
    if not records:
        return [title, "not run", *("" for _ in columns)]
    runs = str(len(records))
    cut = sum(record.cut_short for record in records)
    if cut:
        runs += notes.mark("Cut short: not all of its runs reached the length that was planned.")
    cells = []
    for column in columns:
        summary = over_seeds(column, records)
        if summary is None:
            reasons = {record.figures.get("not_computed", {}).get(column.reason) for record in records}
            why = "; ".join(sorted(reason for reason in reasons if reason)) or "it was not computed"
            cells.append(DASH + notes.mark(f"{why[0].upper()}{why[1:]}."))
            continue
        text = cell(column, summary)
        if summary.count < len(records):
            text += notes.mark(f"Of {summary.count} of {len(records)} runs: the others have no such figure.")
        cells.append(text)
    return [title, runs, *cells]


def by_name(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Runs of each experiment; bundled networks are left out."""
    found: dict[str, list[Record]] = {}
    for record in records:
        if record.seed is not None:
            found.setdefault(record.name, []).append(record)
    return found


def means(column: Column, runs: Mapping[str, list[Record]], names: Iterable[str]) -> dict[str, float]:
    """Mean of a column for each experiment that has it."""
    found = {name: over_seeds(column, runs.get(name, [])) for name in names}
    return {name: summary.mean for name, summary in found.items() if summary is not None}


@dataclass(frozen=True)
class Target:
    """A figure that a network is to reach."""

    name: str
    column: Column
    bound: float
    at_least: bool
    unit: str = ""

    def row(self, record: Record) -> list[str]:
        """Name, target, value, and whether it is met."""
        sign = "≥" if self.at_least else "≤"
        wanted = f"{sign} {self.bound:g}{self.unit}"
        value = self.column.value(record)
        if value is None:
            return [self.name, wanted, DASH, "not measured"]
        met = value >= self.bound if self.at_least else value <= self.bound
        text = self.column.text(value)
        if not met and float(text.replace("−", "-")) == self.bound:
            text = number(value, self.column.digits + 2)
        return [self.name, wanted, text + self.unit, "met" if met else "**not met**"]


CAT_TARGETS = (
    Target("D's yaw: correlation with the truth", YAW_CORRELATION, 0.97, True),
    Target("D's pitch: correlation with the truth", PITCH_CORRELATION, 0.95, True),
    Target("D's yaw: mean absolute error after one offset", YAW_ERROR, 6.0, False, "°"),
    Target("G's yaw: Jensen–Shannon distance, aligned", DISTANCE_ALIGNED, 0.1, False),
)
