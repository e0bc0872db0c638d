"""The procedural sets: which objects they show, from where, and with which camera."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from pof3d.config import CameraConfig
from pof3d.data import toy_cars, toy_cats, toy_render
from pof3d.data.toy_render import Toy

SetName = Literal["toy-cats", "toy-cars"]
YAW_STD, YAW_LIMIT = 0.45, 1.2
PITCH_STD, PITCH_LIMIT = 0.18, 0.5
"""Spread and bound of the angles that cats are seen from, radians."""
LOWEST, HIGHEST = math.radians(5), math.radians(40)
"""Elevations of the cameras that see cars, radians above the horizon."""

T = TypeVar("T", bound=Toy)


@dataclass(frozen=True)
class Sample(Generic[T]):
    """An object, where it is seen from, and what is seen."""

    toy: T
    yaw: float
    pitch: float
    image: npt.NDArray[np.uint8]
    """sRGB, shape (R, R, 3), white background."""
    depth: npt.NDArray[np.float32]
    """Distance along the ray through the pixel's centre, world units, shape (R, R); 0: background."""


@dataclass(frozen=True)
class ToySet(Generic[T]):
    """A procedural set: image i is a function of its seed, of i and of the resolution alone."""

    name: SetName
    version: int
    """Changes whenever the same seed would give other images."""
    camera: CameraConfig
    random_toy: Callable[[np.random.Generator], T]
    """Draws an object."""
    random_pose: Callable[[np.random.Generator], tuple[float, float]]
    """Draws the yaw and the pitch of a camera, radians."""

    def sample(self, seed: int, index: int, resolution: int) -> Sample[T]:
        """Image `index` of the set with this seed; independent of all other images.

        Parameters
        ----------
        seed, index : int, >= 0
        resolution : int, >= 1

        Returns
        -------
        Sample
        """
        rng = np.random.default_rng([seed, index])
        yaw, pitch = self.random_pose(rng)
        toy = self.random_toy(rng)
        image, depth = toy_render.render(toy, yaw, pitch, resolution, self.camera)
        return Sample(toy=toy, yaw=yaw, pitch=pitch, image=image, depth=depth)


def frontal_pose(rng: np.random.Generator) -> tuple[float, float]:
    """Yaw ~ N(0, 0.45) clipped to ±1.2 and pitch ~ N(0, 0.18) clipped to ±0.5, radians."""
    yaw = float(np.clip(rng.normal(0.0, YAW_STD), -YAW_LIMIT, YAW_LIMIT))
    pitch = float(np.clip(rng.normal(0.0, PITCH_STD), -PITCH_LIMIT, PITCH_LIMIT))
    return yaw, pitch


def pose_from_all_around(rng: np.random.Generator) -> tuple[float, float]:
    """Yaw uniform in (-π, π]; the camera 5° to 40° above the horizon, uniform by area (pitch is negative)."""
    yaw = math.pi - 2 * math.pi * float(rng.random())
    height = float(rng.uniform(math.sin(LOWEST), math.sin(HIGHEST)))  # equal steps of it cover equal areas
    return yaw, -math.asin(height)


TOY_CATS = ToySet(
    name="toy-cats",
    version=1,
    # The field of view is 18.837° in the convention of EG3D's users.
    camera=CameraConfig(radius=2.7, focal=1 / (math.tan(math.radians(18.837) / 2) * 1.414)),
    random_toy=toy_cats.random_cat,
    random_pose=frontal_pose,
)
TOY_CARS = ToySet(
    name="toy-cars",
    version=1,
    camera=CameraConfig(radius=1.7, h_mean=math.pi, focal=1.025390625),
    random_toy=toy_cars.random_car,
    random_pose=pose_from_all_around,
)
TOY_SETS: dict[SetName, ToySet[toy_cats.Cat] | ToySet[toy_cars.Car]] = {
    "toy-cats": TOY_CATS,
    "toy-cars": TOY_CARS,
}
"""All sets by their names."""
