"""Timelines: what is seen when, and edits."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pof3d.errors import ConfigError
from viz.frame import Pose
from viz.generated import generated
from viz.interpolation import weights_of
from viz.keyframes import Keyframe, Shot
from viz.limits import check_view
from viz.paths import Orbit, figure_eight
from viz.playback import GeneratedPath
from viz.timeline import (
    TIMELINE_VERSION,
    Timeline,
    changed,
    check_timeline,
    closed,
    key_at,
    moved,
    place_for,
    stretched,
    timeline_from,
    view_at,
    views,
    with_keyframe,
    with_shots,
    without,
)
from viz.view import CameraView, DisplayView, LatentView, NetworkView, PoseView, SamplingView, View


# ----------------------------------------------------------------------------------------- random timelines
def _number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda value: round(value, 4))


_angles = _number(-math.pi, math.pi)
_pitches = _number(-1.4, 1.4)
usable_views = st.builds(
    View,
    st.just(NetworkView()),
    st.builds(
        LatentView,
        _number(-300, 300),
        _number(-3, 3),
        _number(-1, 1),
        st.none() | st.integers(0, 8),
        st.sampled_from(("const", "none")),
        blend=st.sampled_from(((), ((7.0, 2.0, 0.6),), ((1.0, 0.0, 0.5), (2.0, 0.0, 0.5)))),
    ),
    st.builds(PoseView, st.sampled_from(("override", "free")), _angles, _pitches, _angles, _pitches),
    st.builds(
        CameraView,
        _angles,
        _pitches,
        _angles,
        _number(0.1, 50),
        _number(0.1, 2),
        st.tuples(*[_number(-1, 1)] * 3),
    ),
    st.builds(SamplingView, st.none() | st.integers(8, 64)),
    st.builds(DisplayView, st.sampled_from(("rgb", "depth")), depth_range=st.just((1.0, 2.0))),
)


@st.composite
def timelines(draw: st.DrawFn, loop: bool | None = None, easings: Any = ("linear", "smooth")) -> Timeline:
    times = sorted(draw(st.sets(st.integers(0, 9), min_size=1, max_size=5)))
    keys = tuple(
        Keyframe(
            time * 0.5,
            draw(usable_views),
            draw(st.sampled_from(easings)),
            draw(st.sampled_from((0, 0, 1, -2))),
        )
        for time in times
    )
    return Timeline(keys, 5.0, 20, draw(st.booleans()) if loop is None else loop)


def seen(view: View | None) -> dict[str, float]:
    """What changes evenly, as numbers that are close where pictures are."""
    assert view is not None
    yaw, pitch = (
        (view.pose.override_yaw, view.pose.override_pitch)
        if view.pose.source == "override"
        else (view.camera.yaw, view.camera.pitch)
    )
    camera = view.camera
    values = {"pitch": pitch, "radius": math.log(camera.radius or 1), "fov": camera.fov or 0.0}
    for name, angle in (("yaw", yaw), ("roll", camera.roll)):
        values[f"{name} x"], values[f"{name} y"] = math.cos(angle), math.sin(angle)
    values |= {f"pan {i}": value for i, value in enumerate(camera.pan)}
    values["psi"] = view.latent.truncation_psi
    return values


def distance(a: View | None, b: View | None) -> float:
    first, second = seen(a), seen(b)
    apart = max(abs(first[name] - second[name]) for name in first)
    assert a is not None
    assert b is not None
    one, other = weights_of(a.latent), weights_of(b.latent)
    if len(one) == len(other) == 1:
        (p,), (q,) = one, other
        return max(apart, math.dist(p, q))
    return max(apart, math.sqrt(sum((one.get(p, 0) - other.get(p, 0)) ** 2 for p in {*one, *other})))


# ---------------------------------------------------------------------------------------------- properties
quick = settings(max_examples=40)


@quick
@given(timelines(easings=("linear", "smooth", "hold")))
def test_keyframes_are_hit_exactly(timeline: Timeline) -> None:
    for key in timeline.keyframes:
        assert view_at(timeline, key.time) == key.view


@quick
@given(timelines(easings=("linear", "smooth", "hold")), st.floats(-3.0, 12.0))
def test_everything_on_the_way_can_be_rendered(timeline: Timeline, time: float) -> None:
    view = view_at(timeline, time)
    assert view is not None
    check_view(view)
    assert view.network == NetworkView()
    # Choices are those of a keyframe, never something new.
    assert view.display in [key.view.display for key in timeline.keyframes]
    assert view.sampling in [key.view.sampling for key in timeline.keyframes]


@quick
@given(timelines(), st.floats(0.0, 5.0))
def test_nothing_jumps(timeline: Timeline, time: float) -> None:
    before, after = view_at(timeline, time), view_at(timeline, min(time + 1e-6, 4.999999))
    assert distance(before, after) < 0.01


@quick
@given(timelines())
def test_nothing_jumps_at_keyframes(timeline: Timeline) -> None:
    for key in timeline.keyframes:
        if key.time > 0.0 or timeline.loop:
            assert distance(view_at(timeline, key.time - 1e-7), key.view) < 0.01


@quick
@given(timelines(loop=True), st.floats(0.0, 5.0))
def test_a_loop_closes_exactly(timeline: Timeline, time: float) -> None:
    assert view_at(timeline, timeline.duration) == view_at(timeline, 0.0)
    assert distance(view_at(timeline, time), view_at(timeline, time + timeline.duration)) < 1e-3
    assert distance(view_at(timeline, timeline.duration - 1e-7), view_at(timeline, 0.0)) < 0.01


@quick
@given(timelines(easings=("linear", "smooth", "hold")))
def test_json_round_trip(timeline: Timeline) -> None:
    document = {"timeline_version": TIMELINE_VERSION, "timeline": timeline}
    assert timeline_from(msgspec.json.decode(msgspec.json.encode(document))) == timeline


# ------------------------------------------------------------------------------------------------ examples
def free(yaw: float = 0.0, **camera: Any) -> View:
    return View(pose=PoseView("free"), camera=CameraView(yaw=math.radians(yaw), **camera))


def two(a: View, b: View, easing: Any = "linear", **first: Any) -> Timeline:
    return Timeline((Keyframe(0.0, a, easing, **first), Keyframe(2.0, b)), 2.0)


def yaw_at(timeline: Timeline, time: float) -> float:
    view = view_at(timeline, time)
    assert view is not None
    return math.degrees(view.camera.yaw)


def test_angles_go_the_short_way_and_full_turns_where_asked_for() -> None:
    assert yaw_at(two(free(170), free(-170)), 1.5) == pytest.approx(-175)
    assert yaw_at(two(free(0), free(0), turns=1), 0.5) == pytest.approx(90)
    assert yaw_at(two(free(0), free(0), turns=-1), 0.5) == pytest.approx(-90)
    assert yaw_at(two(free(0), free(40), turns=1), 1.5) == pytest.approx(300 - 360)


def test_distance_and_zoom_change_by_factors() -> None:
    view = view_at(two(free(radius=1.0, fov=0.2), free(radius=4.0, fov=0.8)), 1.0)
    assert view is not None
    assert view.camera.radius == pytest.approx(2.0)
    middle = math.sqrt(math.tan(0.1) * math.tan(0.4))
    assert view.camera.fov == pytest.approx(2 * math.atan(middle))


def test_easings() -> None:
    assert yaw_at(two(free(0), free(40), "linear"), 0.5) == pytest.approx(10)
    assert yaw_at(two(free(0), free(40), "smooth"), 0.5) == pytest.approx(40 * 0.15625)
    assert yaw_at(two(free(0), free(40), "hold"), 1.99) == 0.0


def test_smooth_ways_meet_without_a_stop_and_do_not_overshoot() -> None:
    keys = tuple(Keyframe(float(i), free(yaw)) for i, yaw in enumerate((0, 10, 20, 20, 5)))
    timeline = Timeline(keys, 4.0)
    speed = (yaw_at(timeline, 1.001) - yaw_at(timeline, 0.999)) / 0.002
    assert speed == pytest.approx(10, rel=0.01)
    assert max(yaw_at(timeline, i / 100) for i in range(401)) <= 20 + 1e-9


def test_latents_go_along_the_map_or_directly() -> None:
    near = view_at(two(View(latent=LatentView(5, 0)), View(latent=LatentView(6, 0))), 0.5)
    assert near is not None
    assert near.latent.x == pytest.approx(5.25)
    assert near.latent.blend == ()
    far = two(View(latent=LatentView(5, 0)), View(latent=LatentView(80, 0)))
    middle = view_at(far, 1.0)
    assert middle is not None
    assert weights_of(middle.latent) == {
        (5, 0): pytest.approx(math.sqrt(0.5)),
        (80, 0): pytest.approx(math.sqrt(0.5)),
    }
    late = view_at(far, 1.5)
    assert late is not None
    assert late.latent.seed == 80, "the nearer seed leads"
    # From a blend on the way, kept as a keyframe, it goes on to a third seed.
    on = view_at(two(middle, View(latent=LatentView(33, 1))), 1.0)
    assert on is not None
    assert set(weights_of(on.latent)) == {(5, 0), (80, 0), (33, 1)}


def test_between_two_sources_the_orbit_camera_goes() -> None:
    shot = Shot(math.radians(20), 0.1, 2.7, 0.4)
    override = View(pose=PoseView("override", math.radians(60), 0.3))
    view = view_at(two(View(), override, shot=shot), 1.0)
    assert view is not None
    assert view.pose.source == "free"
    assert math.degrees(view.camera.yaw) == pytest.approx(40)
    assert view.camera.pitch == pytest.approx(0.2)
    # What the network would have chosen is known from the shot, too.
    zoomed = view_at(two(View(), View(camera=CameraView(radius=2.7 / 4)), shot=shot), 1.0)
    assert zoomed is not None
    assert zoomed.camera.radius == pytest.approx(2.7 / 2)
    assert zoomed.camera.fov is None
    # Without a shot nothing is made up.
    assert view_at(two(View(), View(camera=CameraView(radius=1.0))), 1.0) == View()


def test_views_of_a_recording() -> None:
    line = two(free(0), free(40))
    assert line.frames == 61
    shown = [math.degrees(one.camera.yaw) for one in views(line, 5)]
    assert shown == pytest.approx([0, 10, 20, 30, 40])
    loop = replace(line, loop=True, duration=4.0)
    assert loop.frames == 120
    shown = [math.degrees(one.camera.yaw) for one in views(loop, 4)]
    assert shown == pytest.approx([0, 20, 40, 20])
    assert list(views(Timeline())) == []
    assert view_at(Timeline(), 1.0) is None


ORBIT = Orbit(Pose(0.1, -0.05), 0.7, 0.12, full=False)


@pytest.mark.parametrize("full", [False, True])
def test_a_generated_turntable_is_the_turntable(full: bool) -> None:
    orbit = replace(ORBIT, full=full)
    timeline = generated("turntable", View(), orbit)
    for i in range(60):
        view, pose = view_at(timeline, timeline.duration * i / 60), orbit.at(i / 60)
        assert view is not None
        apart = math.remainder(view.camera.yaw - pose.yaw, math.tau)
        assert abs(apart) < (1e-9 if full else 0.03 * 0.7)
        assert view.camera.pitch == pytest.approx(pose.pitch, abs=0.03 * 0.12)


@pytest.mark.parametrize("path", ["turntable", "sweep", "figure-eight", "latent walk"])
def test_generated_paths(path: GeneratedPath) -> None:
    base = View(NetworkView("/nets/a.pkl"), LatentView(x=98.0, truncation_psi=0.6))
    timeline = generated(path, base, ORBIT)
    assert timeline_from({"timeline_version": 1, "timeline": msgspec.to_builtins(timeline)}) == timeline
    assert timeline.loop == (path != "sweep")
    assert all(one.latent.truncation_psi == 0.6 for one in views(timeline))
    seeds = [one.view.latent.seed for one in timeline.keyframes]
    assert seeds == ([98, 99, 100, 101] if path == "latent walk" else [98] * len(seeds))
    if path == "figure-eight":
        eighth = view_at(timeline, 1.0)
        assert eighth is not None
        assert eighth.camera.pitch == pytest.approx(figure_eight(ORBIT, 1 / 8).pitch)
    if path == "sweep":
        ends = [one.view.camera.yaw for one in timeline.keyframes]
        assert ends == pytest.approx([0.1 - 0.7, 0.1, 0.1 + 0.7])


# --------------------------------------------------------------------------------------------------- edits
def test_keyframes_are_added_one_after_the_other() -> None:
    timeline, time = Timeline(), 0.0
    for yaw in (0, 10, 20):
        time = place_for(timeline, time)
        timeline = with_keyframe(timeline, time, free(yaw))
    assert [one.time for one in timeline.keyframes] == [0.0, 1.0, 2.0]
    assert timeline.duration == 2.0
    # Between two that are close: in the middle. Elsewhere: where it was asked for.
    assert place_for(timeline, 1.0) == 1.5
    assert place_for(timeline, 0.25) == 0.25
    # At the time of another: in its place, with what belongs to the way.
    timeline = changed(timeline, 1, easing="hold", turns=2)
    again = with_keyframe(timeline, 1.0, free(50))
    assert len(again.keyframes) == 3
    assert (again.keyframes[1].view, again.keyframes[1].easing, again.keyframes[1].turns) == (
        free(50),
        "hold",
        2,
    )
    assert key_at(again, 1.01) == 1
    assert key_at(again, 1.1) is None
    assert [one.time for one in without(again, 0).keyframes] == [1.0, 2.0]


def test_the_network_is_no_part_of_a_keyframe() -> None:
    timeline = with_keyframe(Timeline(), 0.0, View(NetworkView("/nets/a.pkl")))
    assert timeline.keyframes[0].view == View()


def test_moving_keeps_to_frames_and_apart() -> None:
    keys = tuple(Keyframe(float(i), free(10 * i)) for i in range(3))
    timeline = Timeline(keys, 2.0, 10)
    later = moved(timeline, 0, 1.4321)
    assert [(one.time, one.view) for one in later.keyframes] == [
        (1.0, free(10)),
        (1.4, free(0)),
        (2.0, free(20)),
    ]
    assert moved(timeline, 0, 1.01) == timeline, "another one is there"
    assert moved(timeline, 1, 99.0) == timeline
    assert moved(replace(timeline, loop=True, keyframes=keys[:2]), 1, 99.0).keyframes[1].time == 1.9


def test_stretching() -> None:
    timeline = two(free(0), free(10))
    assert [one.time for one in stretched(timeline, 5.0).keyframes] == [0.0, 5.0]
    longer = stretched(timeline, 5.0, keep_times=True)
    assert ([one.time for one in longer.keyframes], longer.duration) == ([0.0, 2.0], 5.0)
    assert stretched(timeline, 1.0, keep_times=True).duration == 2.0
    assert stretched(timeline, 1e9).duration == 600.0


@quick
@given(timelines(), st.floats(0.1, 600), st.integers(0, 4), st.floats(-2, 12), st.integers(1, 120))
def test_edits_give_timelines_that_can_be_played(
    timeline: Timeline, duration: float, index: int, time: float, fps: int
) -> None:
    timeline = replace(timeline, fps=fps)
    for keep in (False, True):
        check_timeline(stretched(timeline, duration, keep_times=keep))
    again = moved(timeline, index % len(timeline.keyframes), time)
    check_timeline(again)
    assert len(again.keyframes) == len(timeline.keyframes)
    added = with_keyframe(timeline, place_for(timeline, min(max(time, 0.0), 5.0)), View())
    check_timeline(added)
    assert len(added.keyframes) >= len(timeline.keyframes)


def test_shots_are_filled_in_where_they_are_missing() -> None:
    known, other = Shot(0.1, 0.2, 2.7, 0.4), Shot(0.3, 0.2, 2.7, 0.4)
    timeline = Timeline((Keyframe(0.0, free(0)), Keyframe(1.0, free(5), shot=other)))
    filled = with_shots(timeline, {free(0): known, free(5): known})
    assert [one.shot for one in filled.keyframes] == [known, other]
    assert with_shots(filled, {free(0): other}) is filled


# --------------------------------------------------------------------------------------- strangers' timelines
def document(**changes: Any) -> dict[str, Any]:
    plain = {"timeline_version": 1, "timeline": msgspec.to_builtins(two(free(0), free(10)))}
    plain["timeline"] |= changes
    return json.loads(json.dumps(plain))


@pytest.mark.parametrize(
    "changes",
    [
        {"duration": 1e9},
        {"duration": 1.0},
        {"fps": 0},
        {"fps": "30"},
        {"keyframes": [{"time": -1.0, "view": {}}]},
        {"keyframes": [{"time": 1.0, "view": {}}, {"time": 1.0, "view": {}}]},
        {"keyframes": [{"time": 0.1 + i / 1000, "view": {}} for i in range(501)]},
        {"keyframes": [{"time": 0.0, "view": {}, "easing": "bounce"}]},
        {"keyframes": [{"time": 0.0, "view": {}, "turns": 10**9}]},
        {"keyframes": [{"time": 0.0, "view": {"camera": {"radius": 0.0}}}]},
        {"keyframes": [{"time": 0.0, "view": {"latent": {"blend": [[0, 0, 0.9], [1, 0, 0.9]]}}}]},
        {"keyframes": [{"time": 0.0, "view": {}, "shot": {"yaw": 0, "pitch": 0, "radius": -1, "fov": 1}}]},
        {"keyframes": 7},
    ],
)
def test_timelines_that_cannot_be_played_are_refused(changes: dict[str, Any]) -> None:
    assert timeline_from(document()) == two(free(0), free(10))
    with pytest.raises(ConfigError):
        timeline_from(document(**changes))


def test_newer_timelines_are_refused_and_older_documents_have_none() -> None:
    with pytest.raises(ConfigError, match="version"):
        timeline_from(document() | {"timeline_version": 2})
    assert timeline_from({"schema_version": 1, "view": {}}) == Timeline()


def test_a_loop_has_time_to_come_back_in() -> None:
    keys = tuple(Keyframe(float(i), View(latent=LatentView(x=float(i)))) for i in range(3))
    line = Timeline(keys, 2.0)
    assert closed(line) == line
    loop = closed(replace(line, loop=True))
    assert (loop.duration, loop.played, view_at(loop, 2.0)) == (3.0, keys, keys[2].view)
    assert closed(loop) == loop
    assert stretched(loop, 0.5, keep_times=True).played == keys
    longest = closed(stretched(replace(line, loop=True), 600.0))
    assert (longest.duration, len(longest.played)) == (600.0, 3)
    check_timeline(longest)
    document = {
        "timeline_version": TIMELINE_VERSION,
        "timeline": msgspec.to_builtins(replace(line, loop=True)),
    }
    assert timeline_from(document) == loop, "of older programs"
