"""Directions, style mixing and interpolation in w: what they do to a picture, and what they run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import pof3d
from pof3d.cameras import yaw_pitch_from_hv
from pof3d.errors import ConfigError
from pof3d.training.samples import latent as seed_z
from tests.viz.nets import tiny_config, tiny_generator
from viz.chain import Chain
from viz.engine import Cancelled, Engine
from viz.frame import Frame
from viz.latent_edits import amplitudes, mixing, with_amplitude, with_mix_range, with_mixing
from viz.limits import check_view
from viz.principal import known_directions, principal_directions
from viz.stages import StageRun, never
from viz.view import LatentView, NetworkView, PoseView, View


@pytest.fixture
def engine() -> Engine:
    return Engine()


def view_of(path: Path, latent: LatentView | None = None, **parts: object) -> View:
    return replace(View(NetworkView(str(path))), latent=latent or LatentView(), **parts)  # type: ignore[arg-type]


def computed(frame: Frame) -> set[str]:
    return {timing.name for timing in frame.timings if not timing.cached}


def ws_of(engine: Engine, view: View) -> torch.Tensor:
    """The latents of all layers [layers, w_dim]."""
    resident = engine.load(view.network.path)
    with torch.inference_mode():
        run = StageRun(engine.memory, never, torch.device("cpu"))
        return Chain(run, resident, view)._ws[0]


# ------------------------------------------------------------------------------------------- directions
def test_directions_are_those_of_largest_variance() -> None:
    generator = tiny_generator(tiny_config())
    found = principal_directions(generator)
    random = torch.Generator().manual_seed(99)
    w = generator.mapping.map_w(torch.randn(8192, 8, generator=random)).double()
    spread = w - w.mean(0)
    units = found.steps.double() / found.steps.double().norm(dim=1, keepdim=True)
    torch.testing.assert_close(units @ units.T, torch.eye(8, dtype=torch.float64), atol=1e-5, rtol=0)
    deviations = (spread @ units.T).std(dim=0)
    torch.testing.assert_close(deviations, found.steps.double().norm(dim=1), rtol=0.1, atol=0.02)
    assert list(found.explained) == sorted(found.explained, reverse=True)
    assert sum(found.explained) == pytest.approx(1.0)
    shares = (spread @ units.T).var(dim=0) / spread.var(dim=0).sum()
    np.testing.assert_allclose(found.explained, shares, atol=0.03)


def test_directions_are_found_once_and_the_same_ones_everywhere() -> None:
    one, other = (tiny_generator(tiny_config()) for _ in range(2))
    assert known_directions(one) is None
    found = principal_directions(one)
    assert known_directions(one) is found is principal_directions(one)
    torch.testing.assert_close(principal_directions(other).steps, found.steps, rtol=0, atol=0)


def test_turns_are_what_a_standard_deviation_does_to_the_pose() -> None:
    generator = tiny_generator(tiny_config())
    found = principal_directions(generator)
    random = torch.Generator().manual_seed(5)
    mean = generator.mapping.map_w(torch.randn(8192, 8, generator=random)).mean(dim=0)
    for step, turn in zip(found.steps, found.turns, strict=True):
        ends = generator.mapping.predict_pose(torch.stack([mean - step, mean + step]))
        angles = yaw_pitch_from_hv(ends.double(), generator.config.camera.h_mean)
        half = (0.5 * (angles[1] - angles[0])).tolist()
        assert turn == pytest.approx(half, abs=0.02)
    assert max(abs(yaw) for yaw, _ in found.turns) > 0.1
    none = principal_directions(tiny_generator(tiny_config(pose_source="conditioning")))
    assert set(none.turns) == {(0.0, 0.0)}


def test_finding_directions_can_be_abandoned() -> None:
    def stop() -> None:
        raise Cancelled

    generator = tiny_generator(tiny_config())
    with pytest.raises(Cancelled):
        principal_directions(generator, stop)
    assert known_directions(generator) is None


def test_a_direction_moves_w_by_standard_deviations_and_the_pose_follows(tiny: Path, engine: Engine) -> None:
    plain, moved = view_of(tiny), view_of(tiny, LatentView(directions=(0.0, -2.0)))
    generator = pof3d.load(tiny).generator
    step = principal_directions(generator).steps[1]
    with torch.inference_mode():
        w = generator.mapping.map_w(seed_z(0, 8)) - 2.0 * step
        expected = generator.mapping.predict_pose(w)
    torch.testing.assert_close(ws_of(engine, moved)[0], w[0])
    frame = engine.render(moved)
    assert frame.generator_pose != engine.render(plain).generator_pose
    yaw = float(expected[0, 0]) - generator.config.camera.h_mean
    assert abs(frame.generator_pose.yaw) == pytest.approx(abs(yaw), abs=1e-5)


def test_truncation_reaches_what_directions_moved_and_leaves_the_pose(tiny: Path, engine: Engine) -> None:
    moved = LatentView(directions=(2.0,))
    poses = {
        engine.render(view_of(tiny, replace(moved, truncation_psi=psi))).generator_pose for psi in (1.0, 0.3)
    }
    assert len(poses) == 1
    mean = pof3d.load(tiny).generator.mapping.get_buffer("w_avg")
    ws = ws_of(engine, view_of(tiny, replace(moved, truncation_psi=0.0)))
    torch.testing.assert_close(ws, mean.expand_as(ws))


def test_directions_that_a_network_does_not_have_are_ignored(tiny: Path, engine: Engine) -> None:
    first = engine.render(view_of(tiny, LatentView(directions=(1.0,))))
    more = engine.render(view_of(tiny, LatentView(directions=(1.0, *[0.0] * 20, 3.0))))
    np.testing.assert_array_equal(first.rgba, more.rgba)


# ----------------------------------------------------------------------------------------------- mixing
def test_layers_come_from_the_second_seed_and_the_pose_stays(tiny: Path, engine: Engine) -> None:
    plain = view_of(tiny, LatentView(x=3.0, truncation_psi=0.7))
    other = view_of(tiny, LatentView(x=7.0, truncation_psi=0.7))
    mixed = view_of(tiny, LatentView(x=3.0, truncation_psi=0.7, mix_seed=7, mix_first=1, mix_end=3))
    one, two, both = (ws_of(engine, view) for view in (plain, other, mixed))
    assert len(one) > 3
    expected = one.clone()
    expected[1:3] = two[1:3]
    torch.testing.assert_close(both, expected, rtol=0, atol=0)
    frames = [engine.render(view) for view in (plain, mixed)]
    assert frames[0].generator_pose == frames[1].generator_pose
    assert not np.array_equal(frames[0].rgba, frames[1].rgba)


def test_all_layers_of_another_seed_are_that_seed_seen_from_the_first_ones_pose(
    tiny: Path, engine: Engine
) -> None:
    pose = PoseView("override", 0.2, 0.1)
    mixed = engine.render(view_of(tiny, LatentView(mix_seed=105), pose=pose))
    other = engine.render(view_of(tiny, LatentView(x=5.0, y=1.0), pose=pose))
    np.testing.assert_array_equal(mixed.rgba, other.rgba)
    assert mixed.generator_pose == engine.render(view_of(tiny)).generator_pose


def test_directions_leave_the_second_seed_alone(tiny: Path, engine: Engine) -> None:
    latent = LatentView(directions=(2.0,), mix_seed=7, mix_first=2)
    ws, second = ws_of(engine, view_of(tiny, latent)), ws_of(engine, view_of(tiny, LatentView(x=7.0)))
    torch.testing.assert_close(ws[2:], second[2:], rtol=0, atol=0)


# ------------------------------------------------------------------------------------------ interpolation
def test_points_between_seeds_mix_their_w(tiny: Path, engine: Engine) -> None:
    corners = {
        (x, y): ws_of(engine, view_of(tiny, LatentView(x=x, y=y)))[0] for x in (3.0, 4.0) for y in (-1.0, 0.0)
    }
    middle = ws_of(engine, view_of(tiny, LatentView(x=3.25, y=-0.5, space="w")))[0]
    expected = (
        0.375 * corners[3.0, -1.0]
        + 0.125 * corners[4.0, -1.0]
        + 0.375 * corners[3.0, 0.0]
        + 0.125 * corners[4.0, 0.0]
    )
    torch.testing.assert_close(middle, expected)
    in_z = ws_of(engine, view_of(tiny, LatentView(x=3.25, y=-0.5)))[0]
    assert not torch.allclose(middle, in_z, atol=1e-3)


def test_the_map_has_no_jumps_in_w(tiny: Path, engine: Engine) -> None:
    near, exact = (ws_of(engine, view_of(tiny, LatentView(x=x, y=2.0, space="w")))[0] for x in (2.9999, 3.0))
    torch.testing.assert_close(near, exact, atol=2e-3, rtol=0)


def test_interpolation_in_w_keeps_its_corners(tiny: Path, engine: Engine) -> None:
    engine.render(view_of(tiny, LatentView(x=0.2, space="w")))
    frame = engine.render(view_of(tiny, LatentView(x=0.3, space="w")))
    assert "neighbours" not in computed(frame)
    assert "mapping" in computed(frame)


# ---------------------------------------------------------------------------------------------- memory
@pytest.mark.parametrize(
    "latent",
    [
        LatentView(space="w"),  # on a seed
        LatentView(directions=(0.0, 0.0)),
        LatentView(mix_first=1, mix_end=2),  # of no second seed
        LatentView(mix_seed=7, mix_first=3, mix_end=3),
        LatentView(mix_seed=7, mix_first=900),
    ],
    ids=["space", "directions", "range", "empty range", "range beyond the last layer"],
)
def test_what_does_not_count_runs_nothing(tiny: Path, engine: Engine, latent: LatentView) -> None:
    first = engine.render(view_of(tiny))
    frame = engine.render(view_of(tiny, latent))
    assert computed(frame) == set()
    np.testing.assert_array_equal(frame.rgba, first.rgba)


def test_mixing_runs_nothing_before_truncation(tiny: Path, engine: Engine) -> None:
    engine.render(view_of(tiny))
    frame = engine.render(view_of(tiny, LatentView(mix_seed=7)))
    assert computed(frame) & {"latent", "mapping", "camera"} == set()
    assert {"second seed", "truncation", "planes", "rays"} <= computed(frame)
    frame = engine.render(view_of(tiny, LatentView(mix_seed=7, mix_first=1)))
    assert "second seed" not in computed(frame)
    assert {"truncation", "planes"} <= computed(frame)


def test_a_direction_maps_again_but_looks_for_directions_once(tiny: Path, engine: Engine) -> None:
    engine.render(view_of(tiny))
    frame = engine.render(view_of(tiny, LatentView(directions=(1.0,))))
    assert {"directions", "mapping", "truncation", "planes", "camera"} <= computed(frame)
    frame = engine.render(view_of(tiny, LatentView(directions=(1.1,))))
    assert computed(frame) & {"directions", "latent"} == set()
    orbit = PoseView("override", 0.3, 0.0)
    frame = engine.render(view_of(tiny, LatentView(directions=(1.1,)), pose=orbit))
    assert computed(frame) & {"directions", "mapping", "truncation", "planes"} == set()


def test_networks_that_take_a_pose_have_them_all(conditioned: Path, engine: Engine) -> None:
    plain = engine.render(view_of(conditioned))
    edits: tuple[LatentView, ...] = (
        LatentView(directions=(2.0,)),
        LatentView(mix_seed=4),
        LatentView(x=0.5, space="w"),
    )
    for latent in edits:
        here = view_of(conditioned, latent)
        frame = engine.render(here)
        assert not np.array_equal(frame.rgba, plain.rgba)
        assert frame.generator_pose == plain.generator_pose
        other = engine.render(replace(here, pose=PoseView(conditioning_yaw=0.5)))
        back = engine.render(here)
        np.testing.assert_array_equal(back.image, frame.image)
        assert not np.array_equal(other.image, frame.image), "the label counts"


# --------------------------------------------------------------------------------------- pure functions
def test_amplitudes_end_with_the_last_that_counts() -> None:
    latent = with_amplitude(with_amplitude(LatentView(), 2, 1.5), 0, -1.0)
    assert latent.directions == (-1.0, 0.0, 1.5)
    assert with_amplitude(latent, 2, 0.0).directions == (-1.0,)
    assert amplitudes(LatentView(directions=(0.0, 0.0))) == ()


def test_mixing_begins_with_the_finer_half_and_ends_as_it_was() -> None:
    latent = with_mixing(LatentView(x=4.0), True, 14)
    assert mixing(latent, 14) == (5, 7, 14)
    chosen = with_mix_range(latent, 2, 6, 14)
    off = with_mixing(chosen, False, 14)
    assert mixing(off, 14) is None
    assert mixing(with_mixing(off, True, 14), 14) == (5, 2, 6)
    assert with_mix_range(chosen, 2, 14, 14).mix_end is None
    assert with_mixing(off, False, 14) is off


@pytest.mark.parametrize(
    "latent",
    [
        LatentView(directions=(11.0,)),
        LatentView(directions=(float("nan"),)),
        LatentView(directions=(0.0,) * 65),
        LatentView(mix_seed=-1),
        LatentView(mix_seed=2**32),
        LatentView(mix_first=-1),
        LatentView(mix_end=1001),
    ],
)
def test_what_makes_no_sense_is_refused(latent: LatentView) -> None:
    with pytest.raises(ConfigError):
        check_view(View(latent=latent))
