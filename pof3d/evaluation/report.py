"""The page of an evaluation: one HTML file that carries its pictures."""

from __future__ import annotations

import base64
import html
import math

from pof3d.errors import ConfigError
from pof3d.evaluation.figures import Evaluation
from pof3d.metrics.distributions import JS_BINS, JS_REACH, DistributionDistance
from pof3d.metrics.pose import PoseAgreement

try:
    from pof3d.evaluation import plots
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "matplotlib":
        raise
    raise ConfigError(
        "The report needs the package matplotlib",
        "it is not installed",
        "Install requirements-dev.txt, or the extra “train”.",
    ) from error

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2329; background: #fff; max-width: 1040px;
       margin: 2.2em auto 4em; padding: 0 1.2em; }
h1 { font-size: 1.75em; margin: 0 0 .1em; } h2 { font-size: 1.25em; margin: 2em 0 .5em; } p, li { max-width:
50em; } .sub { color: #5a646e; margin-top: 0; } table { border-collapse: collapse; margin: .8em 0; width:
100%; } th, td { text-align: left; padding: .32em .9em .32em 0; border-bottom: 1px solid #e3e6e9;
vertical-align: top; } th { font-weight: 600; color: #5a646e; font-size: .88em; } td.n { font-variant-numeric:
tabular-nums;
     white-space: nowrap; } tr.g td { font-weight: 600; padding-top: 1em; border-bottom-color: #9aa3ab; }
figure { margin: 1em 0; } img { max-width: 100%; height: auto; display: block; }
figcaption, .note { color: #5a646e; font-size: .9em; max-width: 55em; }
"""
_Row = tuple[str, str, str]


def _picture(png: bytes, caption: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    text = html.escape(caption)
    image = f'<img alt="{text}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{text}</figcaption></figure>"


def _rows(group: str, rows: list[_Row]) -> str:
    if not rows:
        return ""
    cells = "".join(
        f'<tr><td>{name}</td><td class="n">{value}</td><td>{note}</td></tr>'
        for name, value, note in (map(html.escape, row) for row in rows)
    )
    return f'<tr class="g"><td colspan="3">{html.escape(group)}</td></tr>{cells}'


def _degrees(radians: float) -> str:
    return f"{math.degrees(radians):.1f}°"


def _agreement_rows(name: str, found: PoseAgreement, with_flips: bool) -> list[_Row]:
    kind = "circular" if found.circular else "Pearson"
    rows = [
        (f"{name}: correlation", f"{found.correlation:.3f}", f"{kind}; 1 is perfect"),
        (
            f"{name}: mean absolute error",
            _degrees(found.mean_absolute_error),
            f"after the constant offset {_degrees(found.offset)} was removed",
        ),
    ]
    if with_flips:
        share = f"{100 * found.beyond_90_degrees:.1f} %"
        rows.append((f"{name}: errors above 90°", share, "front taken for rear; chance gives 50 %"))
    return rows


def _distribution_rows(name: str, found: DistributionDistance) -> list[_Row]:
    best = "after the best turn" if found.circular else "after the best offset"

    def how(offset: float) -> str:
        return f"as it is / {best}, {_degrees(offset)}"

    js = f"{found.js_distance:.3f} / {found.js_distance_aligned:.3f}"
    bits = f"{found.divergence:.3f} / {found.divergence_aligned:.3f} bits"
    floor = f"samples of this size from one distribution: {found.js_distance_floor:.3f}"
    way = f"{_degrees(found.wasserstein)} / {_degrees(found.wasserstein_aligned)}"
    return [
        (
            f"{name}: Jensen–Shannon distance",
            js,
            f"0 is alike, 1 disjoint; {how(found.divergence_offset)}; {floor}",
        ),
        (f"{name}: Jensen–Shannon divergence", bits, "the square of the distance"),
        (f"{name}: Wasserstein distance", way, how(found.wasserstein_offset)),
    ]


def _pose_table(found: Evaluation) -> str:
    pose = found.pose
    angles = (("yaw", pose.yaw), ("pitch", pose.pitch))
    predicted: list[_Row] = []
    learned: list[_Row] = []
    for name, figures in angles:
        if figures.agreement is not None:
            flips = pose.yaw_is_circular and name == "yaw"
            predicted += _agreement_rows(name, figures.agreement, flips)
        if figures.distribution is not None:
            learned += _distribution_rows(name, figures.distribution)
    own: list[_Row] = []
    for name, agreement in zip(("yaw", "pitch"), found.own_poses or (), strict=False):
        own += _agreement_rows(name, agreement, False)[:2]
    images = 0 if pose.predicted is None else len(pose.predicted)
    true = "" if pose.distribution is None else f": {pose.distribution.description}"
    return (
        _rows(f"D's prediction against the truth, {images:,} images", predicted)
        + _rows(f"G's learned poses ({len(pose.learned):,} latents) against true ones{true}", learned)
        + _rows(f"D's prediction against G's pose, {len(found.generated.poses):,} generated images", own)
    )


def _image_table(found: Evaluation) -> str:
    parts = []
    for figures in found.images:
        distance, halves = figures.distance, figures.halves
        floor = f"{halves.fid:.2f}" if halves else "–"
        note = f"0 is alike; one half of the real images against the other: {floor}"
        if distance.few:
            note += f"; too large, since there are no more images than features ({distance.num_features})"
        kid = f"{distance.kid_mean:.4f} ± {distance.kid_std:.4f}"
        kid_note = f"mean and standard deviation over subsets of {distance.kid_subset}"
        if halves:
            kid_note += f"; halves: {halves.kid_mean:.4f} ± {halves.kid_std:.4f}"
        title = f"{figures.features}; {distance.generated:,} generated, {distance.real:,} real images"
        parts.append(_rows(title, [("FID", f"{distance.fid:.2f}", note), ("KID", kid, kid_note)]))
    return "".join(parts)


def _geometry_table(found: Evaluation) -> str:
    text = ""
    if found.depth is not None and found.depth_floor is not None:
        ours, floor = found.depth.summary(), found.depth_floor.summary()
        rows = [
            (
                "depth error",
                f"{ours['normalised_error_mean']:.3f}",
                f"0 is alike, 2 unrelated; the probe on true images: {floor['normalised_error_mean']:.3f}",
            ),
            (
                "angle between normals",
                f"{ours['normal_angle_degrees']:.1f}°",
                f"the probe on true images: {floor['normal_angle_degrees']:.1f}°",
            ),
            (
                "overlap of object masks",
                f"{100 * ours['mask_intersection_over_union']:.1f} %",
                f"intersection over union; true images: {100 * floor['mask_intersection_over_union']:.1f} %",
            ),
        ]
        if ours["images_without_object"]:
            rows.append(("images without an object", str(ours["images_without_object"]), "left out above"))
        text += _rows(f"Rendered depth against the toy probe's, {ours['images']:,} generated images", rows)
    views = found.consistency.summary()
    turn = math.degrees(found.settings.turn)
    rows = []
    if math.isfinite(views["colour_error_of_255"]):
        colour, depth = views["colour_error_of_255"], views["depth_error_percent_of_radius"]
        rows = [
            ("colour error", f"{colour:.1f}", "mean absolute, of 255 grey levels"),
            ("depth error", f"{depth:.2f} %", "mean absolute, of the camera's radius"),
        ]
    shares = {
        name: f"{100 * views[f'{name}_share']:.0f} %" for name in ("compared", "hidden", "edge", "lost")
    }
    note = f"the rest in the other view: hidden {shares['hidden']}, beside an edge {shares['edge']}, "
    rows.append(("surface compared", shares["compared"], note + f"on its background {shares['lost']}"))
    text += _rows(f"Reprojection between two views {turn:g}° apart, {views['pairs']:,} identities", rows)
    return text


def page(found: Evaluation) -> str:
    """The report of an evaluation as HTML."""
    net, pose, settings = found.net, found.pose, found.settings
    seen = net.provenance.get("images_seen")
    trained = f", {seen:,} training images seen" if isinstance(seen, int) else ""
    side = found.real.images.shape[-1]
    title = html.escape(f"{net.path.name} on {found.folder.name}")
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="sub">{html.escape(net.config.name)}{trained}; figures at {side}², seed {settings.seed}, '
        f"{found.seconds:.0f} s</p>",
        "<table><tr><th>figure</th><th>value</th><th>how to read it</th></tr>",
        _pose_table(found) + _image_table(found) + _geometry_table(found),
        "</table>",
        "<h2>Poses</h2>",
        _picture(plots.distributions(pose), _distribution_caption(found)),
    ]
    if pose.predicted is not None and pose.truth_of_predicted is not None:
        drawn = plots.predictions(pose.predicted, pose.truth_of_predicted, pose.yaw_is_circular, "true")
        parts.append(_picture(drawn, "D's prediction against the truth, images of the set."))
    if found.generated.predicted is not None:
        own, made = found.generated.predicted, found.generated.poses
        drawn = plots.predictions(own, made, pose.yaw_is_circular, "G's")
        parts.append(_picture(drawn, "D's prediction against the pose that G chose, generated images."))
    parts += [
        "<h2>Generated images</h2>",
        _picture(
            plots.generated_sheet(found),
            "Each row is one latent, without truncation: seen from its own pose, with its depth (near "
            "is bright) and normals (red: right, green: up, blue: towards the camera), then turned.",
        ),
    ]
    if found.depth is not None:
        parts += [
            "<h2>Depth</h2>",
            _picture(
                plots.depth_sheet(found),
                "The toy probe, a small network trained on the toy sets, sees depth in single images. Where "
                "it is good on true images (left), its disagreement with the rendered depth (right) says "
                "something about G.",
            ),
        ]
    parts += [
        "<h2>Two views</h2>",
        _picture(
            plots.reprojections(found.consistency.examples),
            "Every surface pixel of the first view is lifted with its depth and looked up in the turned "
            "view. Grey: background, hidden there, or lost.",
        ),
        "<h2>Not computed</h2><ul>",
        *(f"<li>{html.escape(name)}: {html.escape(why)}</li>" for name, why in found.skipped.items()),
        "</ul>",
        '<p class="note">The same figures, with their units in their names: figures.json.</p>',
    ]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _distribution_caption(found: Evaluation) -> str:
    width = math.degrees(2 * JS_REACH) / JS_BINS
    bins = f"Jensen–Shannon compares {JS_BINS} bins of {width:.1f}°"
    if found.pose.yaw_is_circular:
        bins += f" (yaw, taken on the circle: of {360 / JS_BINS:g}°)"
    of_set = "" if found.pose.distribution is None else f" ({found.pose.distribution.description})"
    return (
        f"Poses that G learned, and those of the set{of_set}. {bins}. Where the front lies cannot be known "
        "from unposed images: hence also the figures after a constant offset, which is chosen from steps of "
        "0.25° so that the figure is least."
    )
