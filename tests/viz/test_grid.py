"""Grids of seeds and yaws: cells are the engine's pictures, labels are there, mistakes are told."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import visualizer
from pof3d.errors import ConfigError
from viz.captures import read_view
from viz.comparing import GridPlan
from viz.engine import Cancelled, Engine
from viz.grid import GAP, GridRequest, check_grid, grid_views, make_grid, planned
from viz.view import CameraView, DisplayView, LatentView, NetworkView, PoseView, View

REQUEST = GridRequest((0, 7), (-0.5, 0.0, 0.5), cell=48)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def view_of(path: Path) -> View:
    return View(NetworkView(str(path)))


def cell(
    sheet: np.ndarray, row: int, column: int, *, rows: int = 2, columns: int = 3, width: int = 48
) -> np.ndarray:
    """Counted from the right bottom: what is left and above are labels."""
    pad = round(10 * 0.7)
    bottom = sheet.shape[0] - pad - (rows - 1 - row) * (48 + GAP)
    right = sheet.shape[1] - pad - (columns - 1 - column) * (width + GAP)
    return sheet[bottom - 48 : bottom, right - width : right, :3]


def test_every_cell_is_its_views_picture(engine: Engine, tiny: Path) -> None:
    done: list[tuple[int, int]] = []
    view = view_of(tiny)
    sheet = make_grid(engine, view, REQUEST, progress=lambda *now: done.append(now))
    assert done == [(i, 6) for i in range(1, 7)]
    views = grid_views(engine, view, REQUEST)
    assert [one.latent.seed for one in (views[0][0], views[1][0])] == [0, 7]
    for row in range(2):
        for column in range(3):
            one = views[row][column]
            assert one.pose.override_yaw == REQUEST.yaws[column]
            assert one.pose.override_pitch == engine.predicted_pose(views[row][0]).pitch
            whole = engine.render(one).rgba[..., :3]
            expected = Image.fromarray(np.ascontiguousarray(whole)).resize((48, 48), Image.Resampling.LANCZOS)
            assert np.array_equal(cell(sheet, row, column), np.asarray(expected))
    margin = sheet[:, : sheet.shape[1] - 3 * 50 - 7]
    assert (margin[..., :3] < 100).any(), "seeds are written at the left"
    assert (sheet[: sheet.shape[0] - 2 * 50 - 7, -60:, :3] < 100).any(), "yaws are written above"


def test_depth_beside_has_one_range_for_all(engine: Engine, tiny: Path) -> None:
    view = replace(view_of(tiny), display=DisplayView("side_by_side"))
    sheet = make_grid(engine, view, GridRequest((0,), (-0.4, 0.4), cell=48))
    ranges = [
        engine.fitted_depth_range(one) for one in grid_views(engine, view, GridRequest((0,), (-0.4, 0.4)))[0]
    ]
    span = (min(near for near, _ in ranges), max(far for _, far in ranges))
    one = grid_views(engine, view, GridRequest((0,), (0.4,)))[0][0]
    fixed = replace(one, display=replace(one.display, depth_range=span))
    whole = engine.render(fixed).rgba[:, -engine.render(fixed).rgba.shape[0] :, :3]
    expected = Image.fromarray(np.ascontiguousarray(whole)).resize((48, 48), Image.Resampling.BILINEAR)
    got = cell(sheet, 0, 1, rows=1, columns=2, width=96)[:, 48:]
    assert np.array_equal(got, np.asarray(expected))


def test_plans() -> None:
    view = View(latent=LatentView(x=98.0), pose=PoseView("free"), camera=CameraView(pitch=0.2))
    request = planned(view, GridPlan(3, 3, -0.4, 0.4, 64))
    assert request.seeds == (98, 99, 100)
    assert request.yaws == pytest.approx((-0.4, 0.0, 0.4))
    assert (request.pitch, request.cell) == (0.2, 64)
    assert planned(View(), GridPlan(yaws=1, first_yaw=0.1, last_yaw=0.3)).yaws == pytest.approx((0.2,))
    assert planned(View(), GridPlan()).pitch is None
    last = planned(View(latent=LatentView(x=95.0, y=42949672.0)), GridPlan(seeds=2))
    assert last.seeds == (2**32 - 1, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": ()}, "0 rows"),
        ({"yaws": (0.0,) * 65}, "65 columns"),
        ({"seeds": (2**32,)}, "seed"),
        ({"yaws": (math.nan,)}, "yaw"),
        ({"cell": 8}, "8 pixels"),
        ({"seeds": (0,) * 64, "yaws": (0.0,) * 64, "cell": 1024}, "too large"),
        ({"pitch": 2.0}, "pitch"),
    ],
)
def test_what_cannot_be_made_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_grid(replace(REQUEST, **changes), View())  # type: ignore[arg-type]


def test_it_can_be_cancelled(engine: Engine, tiny: Path) -> None:
    with pytest.raises(Cancelled):
        make_grid(engine, view_of(tiny), replace(REQUEST, yaws=(1.1,)), cancelled=lambda: True)


def test_the_command_line(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "grid.png"
    arguments = ["grid", str(tiny), "--out", str(out), "--size", "48", "--threads", "1"]
    assert visualizer.main([*arguments, "--seeds", "0,2-3", "--yaws", "-40,0,40", "--psi", "0.5"]) == 0
    assert read_view(out).latent.truncation_psi == 0.5
    with Image.open(out) as image:
        by_hand = make_grid(
            Engine(),
            read_view(out),
            GridRequest((0, 2, 3), tuple(map(math.radians, (-40.0, 0.0, 40.0))), cell=48),
        )
        assert np.array_equal(np.asarray(image), by_hand[..., :3])
    for wrong in (["--seeds", "0,x"], ["--yaws", "-1,,2"], ["--seeds", "5-3"], ["--out", "x.jpg"]):
        out.unlink(missing_ok=True)
        capsys.readouterr()
        assert visualizer.main([*arguments, *wrong]) == 2
        assert "Error: " in capsys.readouterr().err
        assert not out.exists()
