"""The ways of rendering that are compared: all of them behind the same few functions.

This is the one place that knows how the fast renderer is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d import mesh
from pof3d.cameras import camera_rays, intrinsics_from_focal
from pof3d.fast import FastGenerator
from pof3d.nets.generator import Generator, RawFrame
from pof3d.render.fast import FastField
from pof3d.render.volume import DENSITY_SHIFT, DETERMINISTIC, Sampler

PLAIN, FAST, GRAPHS = "plain", "fast", "CUDA graphs"
_POINTS_AT_ONCE = 1 << 16


class Camera(NamedTuple):
    """Where one picture is taken from."""

    cam2world: Tensor
    """[1, 4, 4], in the processor's memory."""
    focal: float
    """Image widths."""


class Renderer(Protocol):
    """One way from w to an image. A field is whatever it makes of a latent's planes, for any camera."""

    in_one: bool
    """Whether rays and super-resolution are one piece of work: then only :meth:`picture` shows the speed."""

    def planes(self, w: Tensor) -> Tensor:
        """[1, num_ws, w_dim] → [1, 3, C, R, R]."""

    def field(self, planes: Tensor) -> Any:
        """What rays read."""

    def rays(self, field: Any, camera: Camera, side: int, samples: int | None = None) -> RawFrame:
        """The raw image, ``side`` pixels wide."""

    def superresolve(self, raw: RawFrame, w: Tensor) -> Tensor:
        """[1, 3, S, S]; the raw image where there is no super-resolution."""

    def picture(self, field: Any, w: Tensor, camera: Camera, side: int) -> tuple[RawFrame, Tensor]:
        """Rays, then super-resolution."""

    def density_grid(self, field: Any, side: int) -> Any:
        """Densities at side³ points of the box, in the processor's memory."""


class Plain:
    """The renderer of the paper: what everything else is compared with."""

    in_one = False

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        render = generator.config.render
        self.samples = render.depth_samples + render.importance_samples

    def planes(self, w: Tensor) -> Tensor:
        """See :class:`Renderer`."""
        return self.generator.synthesize_planes(w)

    def field(self, planes: Tensor) -> Tensor:
        """The planes themselves."""
        return planes

    def rays(
        self,
        field: Tensor,
        camera: Camera,
        side: int,
        samples: int | None = None,
        sampler: Sampler = DETERMINISTIC,
    ) -> RawFrame:
        """Samples are shared by the two passes as the network has it."""
        render = self.generator.config.render
        count = self.samples if samples is None else samples
        first = max(2, round(count * render.depth_samples / self.samples))
        return self.generator.render_raw(
            field,
            camera.cam2world.to(self.generator.device),
            focal=camera.focal,
            resolution=side,
            depth_samples=first,
            importance_samples=max(count - first, 0),
            sampler=sampler,
        )

    def superresolve(self, raw: RawFrame, w: Tensor) -> Tensor:
        """See :class:`Renderer`."""
        return self.generator.superresolve(raw, w)

    def picture(self, field: Tensor, w: Tensor, camera: Camera, side: int) -> tuple[RawFrame, Tensor]:
        """See :class:`Renderer`."""
        raw = self.rays(field, camera, side)
        return raw, self.superresolve(raw, w)

    def density_grid(self, field: Tensor, side: int) -> Any:
        """Every point by itself."""
        half = self.generator.config.render.box_warp / 2.0
        axis = torch.linspace(-half, half, side, device=self.generator.device)
        points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).view(-1, 3)
        raw = [self.generator.sample_field(field, part[None])[0] for part in points.split(_POINTS_AT_ONCE)]
        return F.softplus(torch.cat(raw, dim=1) - DENSITY_SHIFT).view(side, side, side).cpu()


class Fast:
    """The renderer of the window."""

    in_one = False

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self._fast = FastGenerator(generator)
        self._fast.prepare()

    def planes(self, w: Tensor) -> Tensor:
        """See :class:`Renderer`."""
        return self._fast.synthesize_planes(w)

    def field(self, planes: Tensor) -> tuple[Tensor, FastField]:
        """The planes, and as they are read quickly, with a grid of their density."""
        return planes, self._fast.field(planes)

    def rays(
        self, field: tuple[Tensor, FastField], camera: Camera, side: int, samples: int | None = None
    ) -> RawFrame:
        """See :class:`Renderer`."""
        matrix = camera.cam2world.to(self.generator.device)
        origins, directions = camera_rays(matrix, intrinsics_from_focal(camera.focal), side)
        seen = self._fast.render_rays(field[1], origins[0], directions[0], samples=samples)
        return RawFrame.of_rays(*seen, side)

    def superresolve(self, raw: RawFrame, w: Tensor) -> Tensor:
        """See :class:`Renderer`."""
        return self._fast.superresolve(raw, w)

    def picture(
        self, field: tuple[Tensor, FastField], w: Tensor, camera: Camera, side: int
    ) -> tuple[RawFrame, Tensor]:
        """See :class:`Renderer`."""
        raw = self.rays(field, camera, side)
        return raw, self.superresolve(raw, w)

    def density_grid(self, field: tuple[Tensor, FastField], side: int) -> Any:
        """As meshes are made of it."""
        return mesh.density_grid(self.generator, field[0], side).values


_MAKERS: dict[str, Callable[[Generator], Renderer]] = {PLAIN: Plain, FAST: Fast}


def ways(device: torch.device) -> tuple[str, ...]:
    """Names of what there is on a device, the plain one first: the others are compared with it.

    On a GPU the path through CUDA graphs belongs here as well, as :data:`GRAPHS`.
    """
    return (PLAIN, FAST)


def make_renderer(name: str, generator: Generator) -> Renderer:
    """One way of rendering."""
    return _MAKERS[name](generator)


def renderers(generator: Generator) -> dict[str, Renderer]:
    """All ways of rendering, by name."""
    return {name: make_renderer(name, generator) for name in ways(generator.device)}
