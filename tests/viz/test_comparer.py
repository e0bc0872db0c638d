"""The program's half of a comparison, on stand-ins: panes, history, pictures that come late, grids."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pof3d.config import TOY_CATS
from pof3d.errors import CheckpointError
from tests.viz.stand_ins import StandInRecording, StandInRendering, picture
from viz.captures import read_view
from viz.compare_picture import comparison_picture
from viz.comparing import CompareLayout, Comparison, GridPlan, pinned
from viz.engine import Engine
from viz.frame import FailedFrame
from viz.jobs import Workshop
from viz.keyframes import Keyframe
from viz.posing import with_orbit
from viz.program import Program
from viz.seed_map import with_seed
from viz.sessions import Session, save_session
from viz.surroundings import Surroundings
from viz.timeline import Timeline
from viz.view import LatentView, NetworkView, View

CATS, CARS = "/nets/cats.safetensors", "/nets/cars.safetensors"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(
        StandInRendering(),
        StandInRecording(),
        view=View(NetworkView(CATS)),
        surroundings=Surroundings(capture_folder=tmp_path / "out"),
    )
    program.update(0.01)
    yield program
    program.close()


def rendering(program: Program) -> StandInRendering:
    assert isinstance(program.rendering, StandInRendering)
    return program.rendering


def go_to_seed(program: Program, seed: int) -> None:
    program.commit(replace(program.view, latent=with_seed(program.view.latent, seed)), object())
    program.update(0.01)


def seeds(program: Program) -> list[int]:
    return [view.latent.seed for view in program.compare_state().views]


def test_pinning_and_going_on(program: Program) -> None:
    program.toggle_comparison()
    go_to_seed(program, 5)
    state = program.compare_state()
    assert seeds(program) == [0, 5]
    assert state.comparison.on
    assert [view.latent.seed for view in rendering(program).companions.values()] == [0]
    shown = [state.frames[pane.key].view.latent.seed for pane in state.comparison.panes]
    assert shown == [0, 5]
    program.toggle_comparison()
    assert rendering(program).companions == {}, "what is not shown is not rendered"
    program.toggle_comparison()
    assert seeds(program) == [0, 5], "panes are kept"


def test_what_is_told_of_pinning_goes_with_it(program: Program) -> None:
    for away in (
        lambda: program.remove_pane(0),
        program.toggle_comparison,
        lambda: program.open_checkpoint(Path(CARS)),
    ):
        program.pin_view()
        assert program.notices.message.startswith("Pinned")
        away()
        program.update(0.01)
        assert program.notices.message == ""


def test_linked_cameras_follow(program: Program) -> None:
    program.toggle_comparison()
    go_to_seed(program, 5)
    pose = picture(program.view).camera_pose
    program.edit(with_orbit(program.view, replace(pose, yaw=0.7)))
    (beside,) = rendering(program).companions.values()
    assert (beside.latent.seed, beside.camera.yaw, beside.pose.source) == (0, 0.7, "free")
    program.change_comparison(replace(program.comparison, linked=False))
    (beside,) = rendering(program).companions.values()
    assert beside.pose.source == "predicted"


def test_activating_is_one_step_of_the_history(program: Program) -> None:
    program.toggle_comparison()
    go_to_seed(program, 5)
    program.activate_pane(0)
    assert (program.view.latent.seed, program.comparison.active) == (0, 0)
    assert program.frame is not None
    assert program.frame.view.latent.seed == 0, "its picture is there at once"
    assert seeds(program) == [0, 5]
    go_to_seed(program, 7)
    assert seeds(program) == [7, 5]
    program.undo()
    assert (seeds(program), program.comparison.active) == ([0, 5], 0)
    program.undo()
    assert (seeds(program), program.comparison.active) == ([0, 5], 1), "the panes change back"
    program.undo()
    assert (seeds(program), program.comparison.active) == ([0, 0], 1)
    program.redo()
    program.redo()
    assert (seeds(program), program.comparison.active) == ([0, 5], 0)


def test_another_panes_checkpoint_becomes_the_open_one(program: Program) -> None:
    program.pin_view()
    program.open_checkpoint(Path(CARS))
    program.update(0.01)
    program.activate_pane(0)
    program.update(0.01)
    assert program.view.network.path == CATS
    assert rendering(program).network_info is not None
    assert rendering(program).network_info.path == Path(CATS)  # type: ignore[union-attr]
    program.undo()
    assert program.view.network.path == CARS
    assert program.comparison.active == 1


def test_a_picture_of_the_former_pane_comes_too_late(program: Program) -> None:
    program.pin_view()
    go_to_seed(program, 5)
    former = program.view
    rendering(program).held = True
    program.activate_pane(0)
    rendering(program).answer(picture(former))
    program.update(0.01)
    assert program.frame is not None
    assert program.frame.view.latent.seed == 0
    rendering(program).answer(picture(program.view))
    program.update(0.01)
    assert program.frame.view == program.view


def test_removing_panes(program: Program) -> None:
    for seed in (1, 2):
        program.pin_view()
        go_to_seed(program, seed)
    assert seeds(program) == [0, 1, 2]
    program.remove_pane(0)
    assert seeds(program) == [1, 2]
    program.remove_pane(1)
    assert not program.comparison.on
    assert program.view.latent.seed == 1, "the neighbour of the active one is left"
    program.remove_pane(5)


def test_undo_takes_back_whatever_was_done_to_the_comparison(program: Program) -> None:
    states = [(program.view, program.comparison)]

    def did(action: Callable[[], None]) -> None:
        action()
        program.update(0.01)
        now = (program.view, program.compare_state().comparison)
        assert now != states[-1]
        states.append(now)

    did(program.pin_view)
    did(lambda: go_to_seed(program, 5))
    did(program.pin_view)
    did(lambda: go_to_seed(program, 9))
    did(lambda: program.activate_pane(0))
    did(lambda: program.show_layout("wipe"))
    did(lambda: program.change_comparison(replace(program.comparison, linked=False)))
    did(lambda: program.remove_pane(1))
    did(lambda: program.remove_pane(0))  # the active one: its neighbour becomes active, and none is left
    assert not program.comparison.panes
    did(program.toggle_comparison)
    for _ in range(2):
        for state in reversed(states[:-1]):
            program.undo()
            program.update(0.01)
            assert (program.view, program.compare_state().comparison) == state
        assert not program.can_undo
        for state in states[1:]:
            program.redo()
            program.update(0.01)
            assert (program.view, program.compare_state().comparison) == state
        assert not program.can_redo
    keys = {pane.key for _, comparison in states for pane in comparison.panes}
    program.undo()
    program.pin_view()
    assert not keys & {pane.key for pane in program.comparison.panes}, "late pictures find no new owner"


def test_a_drag_of_the_divider_is_one_step(program: Program) -> None:
    program.pin_view()
    for hand in ("first", "second"):
        for step in range(1, 4):
            program.hand = hand
            divider = (0.1 if hand == "first" else 0.2) * step
            program.change_comparison(replace(program.comparison, divider=divider))
        program.hand = None
    program.undo()
    assert program.comparison.divider == pytest.approx(0.3)
    program.undo()
    assert program.comparison.divider == 0.5


def test_undo_while_another_panes_checkpoint_is_opened_takes_back_going_there(program: Program) -> None:
    program.pin_view()
    program.open_checkpoint(Path(CARS))
    program.update(0.01)
    program.show_layout("wipe")
    before = program.view, program.compare_state().comparison
    rendering(program).held = True
    program.activate_pane(0)
    assert program.view.network.path == CATS
    program.undo()
    program.update(0.01)
    assert (program.view, program.compare_state().comparison) == before, "the layout stays"
    program.undo()
    assert program.comparison.layout == "side_by_side"


def test_zooming_is_shared_in_relation_to_each_networks_own_camera(program: Program) -> None:
    own = replace(TOY_CATS.generator.camera, radius=2.7, focal=4.0)
    wide = replace(own, radius=1.35, focal=1.0)
    program.pin_view()
    go_to_seed(program, 5)
    left = program.comparison.panes[0].key
    program.frame = replace(picture(program.view), cameras=own)
    program._pane_frames[left] = replace(picture(program.comparison.panes[0].view), cameras=wide)
    fov = 2.0 * math.atan(0.5 / 8.0)  # half as wide
    program.edit(replace(program.view, camera=replace(program.view.camera, fov=fov, radius=5.4)))
    other, _ = program.compare_state().views
    assert other.camera.fov == pytest.approx(2.0 * math.atan(0.5 / 2.0))
    assert other.camera.radius == pytest.approx(2.7)
    assert rendering(program).companions[left] == other
    program.activate_pane(0)
    assert program.view.camera == other.camera
    assert program.compare_state().views[1].camera.fov == pytest.approx(fov), "and back"


def test_a_session_brings_its_panes(program: Program, tmp_path: Path) -> None:
    for seed in (4, 7):
        program.pin_view()
        go_to_seed(program, seed)
    program.activate_pane(1)
    program.change_comparison(replace(program.comparison, partner_key=program.comparison.panes[2].key))
    program.change_comparison(replace(program.comparison, layout="wipe", divider=0.25))
    (tmp_path / "cats.safetensors").touch()
    program.save_session_as(tmp_path / "three.json")
    names = program.compare_state().names
    for _ in range(2):
        program.remove_pane(0)
    go_to_seed(program, 20)
    keys = program.comparison.issued
    program.open_session(tmp_path / "three.json")
    program.update(0.01)
    state = program.compare_state()
    comparison = state.comparison
    assert (seeds(program), state.names) == ([0, 4, 7], names)
    assert (comparison.active, comparison.layout, comparison.divider, comparison.pair) == (
        1,
        "wipe",
        0.25,
        (1, 2),
    )
    assert min(pane.key for pane in comparison.panes) >= keys, "late pictures find no new owner"
    assert {view.network.path for view in state.views} == {str(tmp_path / "cats.safetensors")}, "it has moved"
    program.undo()
    assert (seeds(program), program.view.latent.seed) == ([], 20), "opening is one step"


def test_a_session_of_another_checkpoint_is_one_step(program: Program, tmp_path: Path) -> None:
    network = tmp_path / "cars.safetensors"
    network.touch()
    view = View(NetworkView(str(network)), LatentView(x=3.0))
    timeline = Timeline((Keyframe(0.0, View()), Keyframe(1.0, View(latent=LatentView(x=1.0)))), 1.0)
    save_session(Session(view, timeline, pinned(Comparison(), view)), tmp_path / "cars.json")
    program.open_session(tmp_path / "cars.json")
    program.update(0.01)
    assert (program.view, len(program.timeline.keyframes), seeds(program)) == (view, 2, [3, 3])
    program.undo()
    program.update(0.01)
    assert program.view == View(NetworkView(CATS))
    assert (program.timeline.keyframes, seeds(program)) == ((), [])
    assert not program.can_undo


def test_no_more_than_four(program: Program) -> None:
    for _ in range(5):
        program.pin_view()
    assert len(program.comparison.panes) == 4
    assert "remove one first" in program.notices.message


def test_a_pane_that_failed_says_why_and_is_not_activated(program: Program) -> None:
    program.pin_view()
    go_to_seed(program, 5)
    pane = program.comparison.panes[0]
    error = CheckpointError("cannot open cats.safetensors", "it is gone")
    rendering(program)._beside = {pane.key: FailedFrame(pane.view, error)}
    program.update(0.01)
    assert program.compare_state().errors == {pane.key: error}
    program.activate_pane(0)
    assert program.comparison.active == 1
    assert "it is gone" in program.notices.message
    rendering(program)._beside = {pane.key: picture(pane.view)}
    program.update(0.01)
    assert program.compare_state().errors == {}


def test_the_difference_is_that_of_the_pair(program: Program) -> None:
    program.show_layout("difference")
    assert (apart := program.compare_state().difference) is not None
    assert (apart.mean, apart.max) == (0.0, 0.0)
    go_to_seed(program, 3)
    assert (apart := program.compare_state().difference) is not None
    first, second = (picture(view).rgba.astype(int) for view in program.compare_state().views)
    assert apart.max == pytest.approx(abs(first - second).max() / 255)
    assert apart.mean == pytest.approx(abs(first - second)[..., :3].mean() / 255)
    assert program.compare_state().difference is apart, "it is made once"
    program.show_layout("difference")
    assert program.comparison.layout == "side_by_side"
    assert program.compare_state().difference is None


@pytest.mark.parametrize(("layout", "size"), [("side_by_side", (1048, 554)), ("wipe", (528, 554))])
def test_what_is_compared_is_saved(
    program: Program, tmp_path: Path, layout: CompareLayout, size: tuple[int, int]
) -> None:
    program.save_comparison()
    assert program.notices.message.startswith("Nothing is compared")
    program.pin_view()
    go_to_seed(program, 3)
    program.change_comparison(replace(program.comparison, layout=layout))
    rendering(program).busy = True
    program.save_comparison()
    program.update(0.01)
    rendering(program).busy = False
    program.update(0.01)
    program.capturing.close()
    (saved,) = (tmp_path / "out").iterdir()
    assert read_view(saved) == program.view
    with Image.open(saved) as image:
        assert image.size == size
        left, right = image.getpixel((size[0] // 4, 300)), image.getpixel((size[0] * 3 // 4, 300))
    assert (left, right) == ((0, 140, 255), (111, 140, 144)), "the discs of seeds 0 and 3"


def test_the_difference_is_saved_with_its_numbers(program: Program) -> None:
    program.show_layout("difference")
    go_to_seed(program, 3)
    pixels = comparison_picture(program.compare_state())
    assert pixels is not None
    assert pixels.shape == (554, 528, 4)
    assert pixels[:34, :, :3].max() > 150, "names and numbers"
    assert comparison_picture(replace(program.compare_state(), frames={})) is None


def test_a_pane_without_a_picture_keeps_the_window_awake(program: Program) -> None:
    program.pin_view()
    program.open_checkpoint(Path(CARS))
    program.update(0.01)
    program.notices.message = ""
    program.now += 60
    assert not program.moving
    rendering(program).held = True
    program._pane_frames.clear()
    assert program.panes_waiting
    assert program.moving


def test_a_grid_is_saved_with_its_view(tiny: Path, tmp_path: Path) -> None:
    engine = Engine()
    engine.load(str(tiny))
    view = View(NetworkView(str(tiny)))
    out = tmp_path / "out"
    program = Program(
        StandInRendering(),
        view=view,
        surroundings=Surroundings(capture_folder=out),
        workshop=Workshop(engine),
    )
    try:
        program.update(0.01)
        program.plan_grid(GridPlan(seeds=2, yaws=2, cell=16))
        program.save_grid()
        assert program._grid is not None
        assert program._grid.wait()
        program.update(0.01)
        saved = program.compare_state().saved
        assert saved == out / "tiny-seed0-grid.png"
        assert str(saved) in program.notices.message
        assert read_view(saved) == view
        program.plan_grid(GridPlan(seeds=16, yaws=15, cell=16))
        program.save_grid()
        program.cancel_grid()
        assert program._grid.wait()
        program.update(0.01)
        assert program.notices.message == "The grid was cancelled"
        assert len(list(out.iterdir())) == 1
    finally:
        program.close()
