"""Poses and histogram drawn into videos."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.viz.stand_ins import histogram, picture
from viz.frame import Frame, Pose
from viz.insets import _COLOURS, Insets
from viz.posing import with_orbit, with_override
from viz.view import View


def frame_at(yaw: float, pitch: float = 0.0) -> Frame:
    made = picture(with_orbit(View(), Pose(math.radians(yaw), math.radians(pitch))))
    return replace(made, discriminator_pose=None)


def drawn(insets: Insets, frame: Frame, size: tuple[int, int]) -> np.ndarray:
    canvas = np.full((size[1], size[0], 3), 128, np.uint8)
    insets.draw(canvas, frame)
    return canvas


def centre_of(canvas: np.ndarray, colour: tuple[int, int, int]) -> tuple[float, float]:
    y, x = np.nonzero((np.abs(canvas.astype(int) - colour) < 12).all(axis=2))
    assert len(x), "nothing has this colour"
    return float(x.mean()), float(y.mean())


@pytest.mark.parametrize("size", [(256, 256), (1024, 512), (720, 1280)])
def test_markers_are_where_the_poses_are(size: tuple[int, int]) -> None:
    insets = Insets(size, poses=False, histogram=histogram())
    places = {}
    for yaw, pitch in ((0, 0), (40, 0), (-40, 0), (0, 20)):
        frame = frame_at(yaw, pitch)
        # Only G's blue is on the map, where the frame says it is.
        shown = replace(frame, generator_pose=frame.camera_pose, camera_pose=Pose(1.3, -0.5))
        places[yaw, pitch] = centre_of(drawn(insets, shown, size), _COLOURS["generator"])
    middle, right, left, top = (places[key] for key in ((0, 0), (40, 0), (-40, 0), (0, 20)))
    width = right[0] - middle[0]
    assert width == pytest.approx(middle[0] - left[0], abs=1.5)
    assert width > 0.02 * size[0]
    # Yaw and pitch have the same scale: the map is not stretched. Up is positive.
    assert middle[1] - top[1] == pytest.approx(width / 2, abs=1.5)


def test_poses_off_the_map_stay_at_its_edge() -> None:
    insets = Insets((512, 512), poses=False, histogram=histogram())
    far = drawn(insets, replace(frame_at(0), generator_pose=Pose(3.0, 1.5)), (512, 512))
    x, y = centre_of(far, _COLOURS["generator"])
    assert x < 260
    assert y > 380


def test_the_table_names_what_is_known() -> None:
    size = (512, 512)
    insets = Insets(size)
    free = drawn(insets, frame_at(10), size)
    judged = drawn(insets, replace(frame_at(10), discriminator_pose=Pose(0.2, 0.0)), size)
    assert centre_of(judged, _COLOURS["discriminator"])
    with pytest.raises(AssertionError):
        centre_of(free, _COLOURS["discriminator"])
    override = replace(frame_at(10), view=with_override(View(), Pose(0.2, 0.0)))
    assert centre_of(drawn(insets, override, size), _COLOURS["override"])
    turned = drawn(insets, frame_at(20), size)
    assert (turned != free).any(), "the numbers follow the pose"


def test_nothing_where_there_is_no_room() -> None:
    for size in ((64, 64), (128, 128), (2000, 40)):
        insets = Insets(size, histogram=histogram())
        assert (drawn(insets, frame_at(10), size) == 128).all(), size


def test_beside_the_picture_where_there_is_room() -> None:
    """In a wide canvas with one picture nothing lies on it, even if that takes smaller letters."""
    size, left = (1280, 720), 280
    insets = Insets(size, histogram=histogram(), margins=(left, 0))
    canvas = drawn(insets, frame_at(10), size)
    assert (canvas[:, left:] == 128).all()
    assert (canvas[:, :left] != 128).any()
    narrow = drawn(Insets(size, histogram=histogram(), margins=(40, 0)), frame_at(10), size)
    assert (narrow[:, :40] == 128).all(), "what does not fit lies in the picture's own corners"
