"""Colours that can be read, and told apart by all eyes; none is kept from one scheme to the other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from viz.colormaps import SAFE, color_table
from viz.schemes import SCHEMES, Colour, Scheme, SchemeName
from viz.view import ColorMap

ROOT = Path(__file__).resolve().parent.parent.parent

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency"
# (2009), severity 1.0; they work on linear RGB.
EYES = {
    "usual": np.eye(3),
    "without red cones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "without green cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(rgb: Colour | NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB to linear RGB, [..., 3]."""
    value = np.asarray(rgb, np.float64)[..., :3]
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear RGB to CIELAB under D65, [..., 3]."""
    xyz = np.clip(light, 0.0, 1.0) @ TO_XYZ.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def contrast(one: Colour, other: Colour) -> float:
    """Of WCAG 2: 1 to 21."""
    luminances = sorted(float(linear(colour) @ TO_XYZ[1]) for colour in (one, other))
    return (luminances[1] + 0.05) / (luminances[0] + 0.05)


def over(top: Colour, ground: Colour) -> Colour:
    """A translucent colour on a solid one."""
    mixed = [top[3] * a + (1 - top[3]) * b for a, b in zip(top[:3], ground[:3], strict=True)]
    return mixed[0], mixed[1], mixed[2], 1.0


@pytest.mark.parametrize("name", get_args(SchemeName))
def test_text_can_be_read(name: SchemeName) -> None:
    s = SCHEMES[name]
    grounds = {"panel": s.panel, "panel_low": s.panel_low, "popup": s.popup, "menu_bar": s.menu_bar}
    fields = {"field": s.field, "button": s.button, "header": s.header}
    on_picture = {f"overlay on {v:g}": over(s.overlay, (v, v, v, 1.0)) for v in (0.0, 0.5, 1.0)}
    pairs = [("text", s.text, {**grounds, **fields, **on_picture, "chosen row": s.accent_dim})]
    pairs += [
        ("text", s.text, {"grab": over(s.grab, s.field), "hover": s.field_hover, "held": s.field_active})
    ]
    pairs += [("text_dim", s.text_dim, {**grounds, "field": s.field, "header": s.header, **on_picture})]
    pairs += [
        (f"{k}", getattr(s, k), grounds) for k in ("warning", "bad", "accent", "folder", "accent_bright")
    ]
    pairs += [("on_accent", s.on_accent, {"accent": s.accent})]
    for what, colour, places in pairs:
        for where, ground in places.items():
            ratio = contrast(colour, ground)
            assert ratio >= 4.5, f"{what} on {where}: {ratio:.2f}:1"


@pytest.mark.parametrize("name", get_args(SchemeName))
@pytest.mark.parametrize("eyes", EYES)
def test_poses_are_told_apart_by_all_eyes(name: SchemeName, eyes: str) -> None:
    s = SCHEMES[name]
    seen = {pose: lab(EYES[eyes] @ linear(colour)) for pose, colour in s.pose_colours.items()}
    assert set(seen) == {"generator", "discriminator", "override", "camera"}
    for one, other in combinations(seen, 2):
        distance = float(np.linalg.norm(seen[one] - seen[other]))
        assert distance >= 20.0, f"{one} and {other}: ΔE {distance:.1f}"
    for pose, colour in s.pose_colours.items():
        # Marks on graphics: WCAG 1.4.11.
        assert min(contrast(colour, ground) for ground in (s.panel, s.panel_low)) >= 3.0, pose


@pytest.mark.parametrize("name", get_args(SchemeName))
def test_the_heat_map_begins_with_its_ground_and_goes_one_way(name: SchemeName) -> None:
    s = SCHEMES[name]
    assert s.heat_stops[0] == s.panel_low
    lightness = lab(linear(np.array(s.heat_stops)))[:, 0]
    steps = np.diff(lightness) * (1 if name == "dark" else -1)
    assert (steps > 3.0).all()


@pytest.mark.parametrize("name", get_args(ColorMap))
@pytest.mark.parametrize("eyes", EYES)
def test_safe_colour_maps_are_lighter_the_nearer_for_all_eyes(name: ColorMap, eyes: str) -> None:
    table = color_table(name)[::8] / 255.0
    lightness = lab(linear(table) @ EYES[eyes].T)[:, 0]
    falls = bool((np.diff(lightness) < 0.5).all()) and lightness[0] - lightness[-1] > 60.0
    assert falls == (name in SAFE)


def test_schemes_have_every_colour_in_range() -> None:
    for scheme in SCHEMES.values():
        assert isinstance(scheme, Scheme)
        for value in vars(scheme).values():
            colours = value.values() if isinstance(value, dict) else [value]
            for colour in np.atleast_2d([*colours]):
                assert np.all((np.asarray(colour) >= 0.0) & (np.asarray(colour) <= 1.0))


def _read_at_import(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Uses of theme.NAME that happen once: in module and class bodies, decorators, and default arguments."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            parts: list[ast.AST] = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            parts = [node.value]
        else:
            parts = [node]
        for part in parts:
            if (
                isinstance(part, ast.Attribute)
                and isinstance(part.value, ast.Name)
                and part.value.id == "theme"
                and part.attr.isupper()
                and not part.attr.endswith("SIZE")
            ):
                yield part
            yield from _read_at_import(part)


def test_what_counts_as_kept() -> None:
    code = "A = theme.BAD\ndef f(c=theme.TEXT): return theme.PANEL\ndef g(*, d=theme.BORDER): ..."
    assert [node.attr for node in _read_at_import(ast.parse(code))] == ["BAD", "TEXT", "BORDER"]


def test_no_module_keeps_a_colour_of_one_scheme() -> None:
    kept = []
    for folder in ("viz", "widgets"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            kept += [f"{path.name}:{node.lineno} theme.{node.attr}" for node in _read_at_import(tree)]
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module == "viz.theme":
                    kept += [f"{path.name}:{node.lineno} {n.name}" for n in node.names if n.name.isupper()]
    assert kept == [], "looked up once, they stay what they were when another scheme is chosen"
