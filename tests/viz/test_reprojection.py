"""Detail carried over to a new camera: on scenes whose depths and hidden parts are known exactly."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d.cameras import camera_rays, intrinsics_from_focal
from pof3d.config import CameraConfig, RenderConfig
from pof3d.nets.generator import RawFrame
from viz.frame import Pose
from viz.optics import Optics, optics_of
from viz.reprojection import Reference, enlarged, reference, reproject
from viz.view import CameraView

SIZE, RAW = 256, 64
CAMERA = CameraConfig(pivot=(0.0, 0.0, 0.0))
RENDER = RenderConfig()
RANGE = (RENDER.ray_start, RENDER.ray_end)
BALL, HALF, WALL = 0.22, 0.18, -0.35
"""Radius of the ball, half the box's side, z of the wall."""


def camera(yaw: float = 0.0, pitch: float = 0.0, **asked: object) -> Optics:
    """Degrees; and a View's other settings."""
    pose = Pose(math.radians(yaw), math.radians(pitch))
    return optics_of(pose, CameraView(**asked), CAMERA, RENDER)  # type: ignore[arg-type]


def rays(optics: Optics, side: int) -> tuple[Tensor, Tensor]:
    origins, directions = camera_rays(optics.matrix(), intrinsics_from_focal(optics.focal), side)
    return origins[0], directions[0]


def ball(origins: Tensor, directions: Tensor) -> Tensor:
    """Distance along rays to a ball, infinite beside it."""
    along = (origins * directions).sum(dim=-1)
    inside = along**2 - (origins**2).sum(dim=-1) + BALL**2
    return torch.where(inside >= 0, -along - inside.clamp(min=0).sqrt(), torch.inf)


def box(origins: Tensor, directions: Tensor) -> Tensor:
    """Distance along rays to a cube, infinite beside it."""
    first, second = (-HALF - origins) / directions, (HALF - origins) / directions
    near, far = torch.minimum(first, second).amax(dim=-1), torch.maximum(first, second).amin(dim=-1)
    return torch.where(near <= far, near, torch.inf)


def wall(origins: Tensor, directions: Tensor) -> Tensor:
    """Distance along rays to a plane across the view."""
    return (WALL - origins[:, 2]) / directions[:, 2]


def texture(points: Tensor, tint: tuple[float, float, float]) -> Tensor:
    """Colours finer than a raw pixel, about a tint."""
    x, y, z = (250.0 * points).unbind(dim=-1)
    fine = 0.25 * torch.sin(x + 0.3 * z) * torch.sin(y - 0.5 * z)
    return torch.tensor(tint) + fine[:, None]


SHAPES = {"ball": (ball, (0.7, -0.6, -0.6)), "box": (box, (0.4, 0.2, -0.5))}


def scene(optics: Optics, side: int, *, shape: str = "ball", backdrop: bool = False) -> RawFrame:
    """A ball or a box, on white or in front of a wall."""
    origins, directions = rays(optics, side)
    solid, tint = SHAPES[shape]
    distance = solid(origins, directions)
    colour = torch.ones_like(origins)
    end = RANGE[1] + optics.depth_shift
    if backdrop:
        behind = wall(origins, directions)
        colour = texture(origins + behind[:, None] * directions, (-0.5, -0.1, 0.6))
    else:
        behind = torch.full_like(distance, end)
    hit = distance.isfinite()
    points = origins + distance.nan_to_num(posinf=0.0)[:, None] * directions
    colour = torch.where(hit[:, None], texture(points, tint), colour)
    depth = torch.where(hit, distance, behind)
    opacity = torch.ones_like(depth) if backdrop else hit.float()
    return RawFrame(
        colour.t().reshape(1, 3, side, side),
        depth.view(1, 1, side, side),
        opacity.view(1, 1, side, side),
    )


def pictures(optics: Optics, side: int = RAW, **kind: object) -> tuple[Tensor, RawFrame]:
    """The sharp picture, and the raw frame: its pixels' means, depths through their centres."""
    sharp = scene(optics, 2 * SIZE, **kind).raw  # type: ignore[arg-type]
    raw = scene(optics, side, **kind)  # type: ignore[arg-type]
    means = F.interpolate(sharp, (side, side), mode="area")
    return F.avg_pool2d(sharp, 2), raw._replace(features=means)


def kept(optics: Optics, side: int = RAW, **kind: object) -> tuple[Tensor, Reference]:
    picture, raw = pictures(optics, **kind)  # type: ignore[arg-type]
    return picture, reference(picture, raw, optics, side, RANGE)


def psnr(image: Tensor, truth: Tensor) -> float:
    return float(10 * torch.log10(4.0 / (image - truth).square().mean()))


def test_the_same_camera_gives_the_same_picture() -> None:
    picture, last = kept(camera(10.0))
    _, raw = pictures(camera(10.0))
    torch.testing.assert_close(reproject(raw, camera(10.0), last, RANGE), picture, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("shape", "backdrop"), [("ball", True), ("box", False)])
@pytest.mark.parametrize(
    ("moved", "decibels"),
    [
        (camera(32.0, 12.0), 3.0),
        (camera(35.0, 10.0), 1.5),
        (camera(30.0, 10.0, pan=(0.04, -0.02, 0.03)), 3.0),
        (camera(30.0, 10.0, radius=2.5), 1.5),
        (camera(30.0, 10.0, radius=2.95), 1.5),
        (camera(30.0, 10.0, roll=0.15), 2.5),
        (camera(30.0, 10.0, fov=0.30), 1.5),
        (camera(31.0, 10.0, roll=-0.1, radius=2.8, fov=0.37), 1.5),
    ],
)
def test_it_is_closer_to_the_truth_than_the_raw_image(
    shape: str, backdrop: bool, moved: Optics, decibels: float
) -> None:
    _, last = kept(camera(30.0, 10.0), shape=shape, backdrop=backdrop)
    truth, raw = pictures(moved, shape=shape, backdrop=backdrop)
    carried = psnr(reproject(raw, moved, last, RANGE), truth)
    assert carried > psnr(enlarged(raw.raw, SIZE), truth) + decibels


@pytest.mark.parametrize("yaw", [45.0, 60.0, 90.0, 180.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_far_away_it_is_no_worse(yaw: float, shape: str) -> None:
    _, last = kept(camera(30.0), shape=shape)
    truth, raw = pictures(camera(yaw), shape=shape)
    assert psnr(reproject(raw, camera(yaw), last, RANGE), truth) > psnr(enlarged(raw.raw, SIZE), truth) - 0.1


def test_smaller_raw_images_gain_more() -> None:
    _, last = kept(camera(0.0), side=40)
    truth, raw = pictures(camera(2.0), side=40)
    carried = psnr(reproject(raw, camera(2.0), last, RANGE), truth)
    assert carried > psnr(enlarged(raw.raw, SIZE), truth) + 4.0


def added(moved: Optics, last: Reference, raw: RawFrame) -> Tensor:
    """[S, S]: how far the picture is from the fresh raw one made as large."""
    plain = enlarged(raw.raw, SIZE) + last.mean
    return (reproject(raw, moved, last, RANGE) - plain)[0].abs().amax(dim=0)


def within(mask: Tensor, pixels: int) -> Tensor:
    """[S, S] of a mask [S²]: what is this far from all that is not in it."""
    outside = F.max_pool2d((~mask).float().view(1, 1, SIZE, SIZE), 2 * pixels + 1, 1, pixels)
    return outside[0, 0] == 0.0


def test_what_was_hidden_has_its_fresh_colours() -> None:
    before, after = camera(0.0), camera(14.0)
    _, last = kept(before, backdrop=True)
    _, raw = pictures(after, backdrop=True)
    origins, directions = rays(after, SIZE)
    points = origins + wall(origins, directions)[:, None] * directions
    seen = ball(origins, directions).isinf()
    back = points - before.matrix()[0, :3, 3]
    hidden = ball(before.matrix()[0, :3, 3].expand_as(back), F.normalize(back, dim=-1)).isfinite()
    disoccluded = within(seen & hidden, 2 * SIZE // RAW)
    assert disoccluded.sum() > 300
    difference = added(after, last, raw)
    assert difference[disoccluded].max() < 1e-3
    known = within(seen & ~hidden, 2 * SIZE // RAW)
    assert difference[known].mean() > 0.02, "the rest of the wall has its detail"


def test_nothing_bleeds_over_silhouettes() -> None:
    """White stays white where the object was before, and around where it is now."""
    before, after = camera(0.0, pan=(-0.05, 0.0, 0.0)), camera(0.0, pan=(0.05, 0.0, 0.0))
    _, last = kept(before)
    _, raw = pictures(after)
    white = within(ball(*rays(after, SIZE)).isinf(), 3 * SIZE // RAW)
    assert added(after, last, raw)[white].max() < 0.02


def test_outside_the_last_picture_is_fresh() -> None:
    before, after = camera(0.0, fov=0.2), camera(0.0)
    _, last = kept(before, backdrop=True)
    _, raw = pictures(after, backdrop=True)
    difference = added(after, last, raw)
    border = SIZE // 8
    assert difference[:border].max() == difference[:, -border:].max() == 0.0
    assert difference[SIZE // 2 - 20 : SIZE // 2 + 20, SIZE // 2 - 20 : SIZE // 2 + 20].mean() > 0.01


def test_what_the_border_does_to_a_picture_stays_at_the_border() -> None:
    """Super-resolution pads its input: its pictures often have a frame, which is no part of the scene."""
    before, after = camera(0.0), camera(0.0, pan=(0.06, 0.0, 0.0))
    picture, raw = pictures(before, backdrop=True)
    frame = torch.ones(1, 3, SIZE, SIZE)
    frame[..., 4:-4, 4:-4] = 0.0
    plain, framed = (reference(each, raw, before, RAW, RANGE) for each in (picture, picture + frame))
    _, fresh = pictures(after, backdrop=True)
    apart = (
        reproject(fresh, after, framed, RANGE)
        - reproject(fresh, after, plain, RANGE)
        - framed.mean
        + plain.mean
    )
    inside = 4 * SIZE // RAW
    assert apart[..., inside:-inside, inside:-inside].abs().max() < 0.1
    _, same = pictures(before, backdrop=True)
    torch.testing.assert_close(reproject(same, before, framed, RANGE), picture + frame, atol=1e-3, rtol=0)


def test_fog_is_carried_along() -> None:
    """Where nothing is solid, depths are those of the fog, and what super-resolution adds goes with them."""
    optics, moved = camera(0.0), camera(1.5)
    picture, raw = pictures(optics, backdrop=True)
    truth, fresh = pictures(moved, backdrop=True)
    thin, fresh = (one._replace(opacity=torch.full_like(one.opacity, 0.4)) for one in (raw, fresh))
    last = reference(picture + 0.3, thin, optics, RAW, RANGE)
    carried = psnr(reproject(fresh, moved, last, RANGE), truth + 0.3)
    assert carried > psnr(enlarged(fresh.raw, SIZE), truth + 0.3) + 10.0


def test_enlarging_is_interpolation() -> None:
    image = torch.rand(1, 3, 40, 40)
    assert enlarged(image, 40) is image
    expected = F.interpolate(image, (SIZE, SIZE), mode="bicubic", align_corners=False)
    torch.testing.assert_close(enlarged(image, SIZE), expected, atol=1e-5, rtol=0)
