"""What was aimed at, what was measured, and whether that is met.

Speeds are told against the plain renderer of the same run, and through it against the release. The plain
renderer does the arithmetic of the release, with the C allocator told to keep what is freed; the release's
times with that setting say how fast it would be on the machine of this run.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from benchmarks import plotting, release
from benchmarks.memory import drawing
from benchmarks.networks import BUNDLED, FULL_SIZE
from benchmarks.quality import at_own_samples, random_means
from benchmarks.record import Results, entries
from benchmarks.release import RELEASE, SPEED_TARGETS
from benchmarks.renderers import PLAIN

Parts = dict[str, Results]
_RELEASE_PEAK = "the release's: {}–{} MB".format(*release.PEAK_MEGABYTES)
MET, THROUGH, MISSED, OPEN = "met", "met, through plain", "**not met**", "not measured"


@dataclass(frozen=True)
class Speed:
    """One work against the release."""

    title: str
    target: float
    release: float
    """Milliseconds that stand in its notes."""
    plain: float | None = None
    """Milliseconds here, as the next."""
    fast: float | None = None
    slowness: float = 1.0
    """Of this machine: the plain renderer's orbit step against the release's with the same allocator."""

    @property
    def over_plain(self) -> float | None:
        """× plain, in the same run."""
        return self.plain / self.fast if self.plain is not None and self.fast else None

    @property
    def over_listed(self) -> float | None:
        """× the release's own time: where the machine is of that kind, and idle."""
        return self.release / self.fast if self.fast else None

    @property
    def through_plain(self) -> float | None:
        """× what the release would take on this machine."""
        return self.release * self.slowness / self.fast if self.fast else None

    @property
    def verdict(self) -> str:
        """Whether it is met: by the time itself, or only after allowing for the machine."""
        if self.over_listed is None or self.through_plain is None:
            return OPEN
        if self.through_plain < self.target:
            return MISSED
        return MET if self.over_listed >= self.target else THROUGH


def best_way(times: dict[str, Any]) -> str:
    """The fastest way that is offered: the last one."""
    return list(times)[-1]


def speeds(parts: Parts, device: str = "cpu") -> list[Speed]:
    """All targets of speed, measured or not. On a GPU the plain renderer itself stands for the release."""
    networks, rows = entries(parts.get("rendering", {})), []
    for target in SPEED_TARGETS:
        one = networks.get(target.network)
        if one is None:
            rows.append(Speed(target.title, target.factor, target.release))
            continue
        times = one["works"][target.work]
        slowness = one["works"]["orbit"][PLAIN]["median"] / RELEASE[target.network].tuned_orbit
        if device == "cuda":
            slowness = times[PLAIN]["median"] / target.release
        plain, fast = times[PLAIN]["median"], times[best_way(times)]["median"]
        rows.append(Speed(target.title, target.factor, target.release, plain, fast, slowness))
    return rows


@dataclass(frozen=True)
class Other:
    """A target that is not a factor of the release's speed."""

    title: str
    target: str
    measured: str = OPEN
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """Whether it is met."""
        return OPEN if self.met is None else MET if self.met else MISSED


def others(parts: Parts, device: str = "cpu") -> list[Other]:
    """The other targets, measured or not."""
    rendering, quality = (entries(parts.get(name, {})) for name in ("rendering", "quality"))
    rows = [_memory(key, entries(parts.get("memory", {})).get(key)) for key in FULL_SIZE]
    rows += [_frames(key, rendering.get(key), release.BUNDLED_FPS) for key in BUNDLED]
    if device == "cuda":
        rows.append(_frames("ffhq", rendering.get("ffhq"), release.GPU_FPS))
    rows += [_least_psnr(quality), _over_random(quality), _depth(quality)]
    title, target = "first image after a cold start", f"≤ {release.COLD_START_SECONDS:g} s"
    starts = parts.get("cold_start", {}).get("seconds")
    if starts:
        middle = statistics.median(starts)
        rows.append(Other(title, target, f"{middle:.1f} s", middle <= release.COLD_START_SECONDS))
    else:
        rows.append(Other(title, target))
    return rows if device == "cuda" else rows + _window(parts.get("window", {}))


def _window(found: dict[str, Any]) -> list[Other]:
    """What the interface may cost."""
    work, rhythm = (found.get("cost", {}).get(name) for name in ("work", "rhythm"))
    rest = found.get("rest")
    titles = (
        ("interface's work per frame, every panel open, 99 %", f"≤ {release.WINDOW_MILLISECONDS:g} ms"),
        ("frames later than 20 ms at 60 Hz, the model at full load", "≤ 1 %"),
        ("window at rest, of a core", _percent(release.REST_SHARE)),
    )
    slowest = max(one["processor"]["p99"] for one in work if "every" in one["situation"]) if work else None
    late = rhythm["late"] / max(rhythm["frames"], 1) if rhythm else None
    share = max(rest["share"], rest["share_after_mouse"]) if rest else None
    measured = (
        (slowest, release.WINDOW_MILLISECONDS, lambda value: f"{value:.1f} ms"),
        (late, 0.01, lambda value: f"{100 * value:.1f} %"),
        (share, release.REST_SHARE, lambda value: f"{100 * value:.1f} %"),
    )
    return [
        Other(*title) if value is None else Other(*title, shown(value), value <= bound)
        for title, (value, bound, shown) in zip(titles, measured, strict=True)
    ]


def _percent(share: float) -> str:
    return f"≤ {100 * share:.0f} %"


def _memory(key: str, one: dict[str, Any] | None) -> Other:
    title, target = (
        f"{key}: peak memory of a frame, of plain's ({_RELEASE_PEAK})",
        _percent(release.MEMORY_SHARE),
    )
    if one is None:
        return Other(title, target)
    fast, plain = (drawing(one["ways"][way]) for way in (best_way(one["ways"]), PLAIN))
    share = fast / max(plain, 1)
    shown = f"{100 * share:.0f} % ({fast / 2**20:.0f} of {plain / 2**20:.0f} MiB)"
    return Other(title, target, shown, share <= release.MEMORY_SHARE)


def _frames(key: str, one: dict[str, Any] | None, least: float) -> Other:
    title, target = f"{key}: orbit at full quality", f"≥ {least:.0f} frames/s"
    if one is None:
        return Other(title, target)
    times = one["works"]["orbit"]
    rate = 1e3 / times[best_way(times)]["median"]
    return Other(title, target, f"{rate:.0f} frames/s", rate >= least)


def _least_psnr(networks: dict[str, Any]) -> Other:
    title, target = "PSNR against plain with four times its samples", f"≥ {release.LEAST_PSNR:.0f} dB"
    if not networks:
        return Other(title, target)
    worst = {key: min(at_own_samples(one)) for key, one in networks.items()}
    key = min(worst, key=lambda name: worst[name])
    return Other(title, target, f"{worst[key]:.1f} dB ({key})", worst[key] >= release.LEAST_PSNR)


def _over_random(networks: dict[str, Any]) -> Other:
    title, target = "the same, above plain's random samples", "≥ 0 dB"
    if not networks:
        return Other(title, target)
    margins = {
        key: min(a - b for a, b in zip(at_own_samples(one), random_means(one), strict=True))
        for key, one in networks.items()
    }
    key = min(margins, key=lambda name: margins[name])
    shown = f"{margins[key]:+.1f}".replace("-", "−") + f" dB ({key})"
    return Other(title, target, shown, margins[key] >= 0.0)


def _depth(networks: dict[str, Any]) -> Other:
    title = "depth on opaque pixels, 99 % of them, of the ray range"
    target = _percent(release.DEPTH_SHARE)
    if not networks:
        return Other(title, target)
    worst = {key: max(at_own_samples(one, "depth")) for key, one in networks.items()}
    key = max(worst, key=lambda name: worst[name])
    return Other(title, target, f"{100 * worst[key]:.2f} % ({key})", worst[key] <= release.DEPTH_SHARE)


def _number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def table(parts: Parts, device: str = "cpu") -> str:
    """Speeds, then the rest."""
    lines = [
        "| speed | target, × release | plain ms | fast ms | × plain | release ms | × release, as listed"
        " | × release, through plain | |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in speeds(parts, device):
        cells = [_number(value) for value in (row.plain, row.fast, row.over_plain)]
        cells += [f"{row.release:.0f}", _number(row.over_listed), _number(row.through_plain), row.verdict]
        lines.append(f"| {row.title} | ≥ {row.target:.0f} | " + " | ".join(cells) + " |")
    lines += ["", "| other | target | measured | |", "|---|---:|---:|---|"]
    for other in others(parts, device):
        lines.append(f"| {other.title} | {other.target} | {other.measured} | {other.verdict} |")
    return "\n".join(lines)


def plots(parts: Parts, device: str = "cpu") -> dict[str, Figure]:
    """Factors against targets, of what was measured."""
    rows = [(row.title, row.through_plain, row.target) for row in speeds(parts, device)]
    measured = [(title, factor, target) for title, factor, target in rows if factor is not None]
    unit = (
        f"times as fast as {'the plain renderer' if device == 'cuda' else 'the release'} on the same machine"
    )
    return {"speedups": plotting.speedups(measured, unit)} if measured else {}
