"""Pictures of one latent from any camera as one recorded graph, for GPUs.

A picture is more than two hundred small operations, which take longer to start one by one than to run. Here
they are recorded once, on memory that stays where it is, and then started together for every camera. A frame
costs one small copy to the device, the graph, one copy of the picture's bytes from it, and one wait.
"""

from __future__ import annotations

import contextlib
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d.cameras import camera_rays
from pof3d.config import FAST_SAMPLES
from pof3d.nets.generator import Generator, RawFrame
from pof3d.render.backends import Backend, Careful, CudaGraphs
from pof3d.render.fast import FastField, render_all_rays

Precision = Literal["float32", "tf32", "bfloat16", "float16"]
"""Of the super-resolution's convolutions. All but the first use tensor cores; ``tf32`` has the resolution of
``float16`` (ten bits) and the range of ``float32``."""

_RAYS_AT_ONCE = 1 << 15
_INPUTS = 26
"""cam2world, row by row; the normalised intrinsics; the shift of the samples."""
_KEPT = 4
"""Graphs of one network: its full pictures, previews, pictures without super-resolution."""


@dataclass(frozen=True)
class OrbitSettings:
    """What all pictures of a graph have in common."""

    resolution: int
    """Side of the raw image."""
    samples: int = FAST_SAMPLES
    """Queries of the field for one ray."""
    superres: bool = True
    """Whether super-resolution follows, in networks that have one."""
    precision: Precision = "tf32"


@dataclass(frozen=True, eq=False)
class Drawn:
    """One picture: its bytes on the host, all else on the device. It belongs to the caller."""

    pixels: NDArray[np.uint8]
    """[S, S, 4], opaque, read-only."""
    raw: RawFrame
    """Depth in world units from the camera."""
    image: Tensor
    """[1, 3, S, S], about −1…1."""
    prepared: bool = True
    """Whether nothing had to be chosen or recorded first: only then the time it took is typical."""


@lru_cache
def default_precision(device: torch.device) -> Precision:
    """What a device's convolutions are fast and safe in.

    Halves would be no more exact than TF32, and activations may leave their range; older GPUs than those of
    compute capability 8 calculate in float32.
    """
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return "tf32"
    return "float32"


@contextlib.contextmanager
def convolving(precision: Precision, device: torch.device) -> Iterator[None]:
    """Convolutions of this precision, on a device."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = precision != "float32"
    try:
        if precision in ("bfloat16", "float16"):
            # What autocast keeps would not be there when a recorded graph is repeated.
            with torch.autocast(device.type, dtype=getattr(torch, precision), cache_enabled=False):
                yield
        else:
            yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def image_levels(image: Tensor) -> Tensor:
    """[1, 3, S, S] in −1…1 → bytes [S, S, 3] on the same device, rounded as saved images are."""
    return (image[0] * 127.5 + 128.0).clamp(0, 255).to(torch.uint8).permute(1, 2, 0)


class OrbitGraph:
    """The pictures of one latent at a time, all of one size.

    The first picture is drawn operation by operation; from the second on, a recorded graph is repeated.

    Parameters
    ----------
    generator : Generator
        Not kept alive by the graph: it must not be used after the generator.
    field : FastField
        Of a latent. Other latents' must have its shapes, see :meth:`fits`.
    w : Tensor [1, num_ws, w_dim]
        That latent, for the super-resolution.
    settings : OrbitSettings
        What the pictures are like.
    backend : Backend
        Records.
    """

    @torch.inference_mode()
    def __init__(
        self, generator: Generator, field: FastField, w: Tensor, settings: OrbitSettings, backend: Backend
    ) -> None:
        self.settings = settings
        self._generator = weakref.ref(generator)
        self._backend = backend
        device, config, side = field.table.device, generator.config, settings.resolution
        self._superres = settings.superres and generator.superres is not None
        self.side = config.image_resolution if self._superres else side
        """Of the final image."""
        self._field = replace(
            field,
            table=torch.empty_like(field.table),
            grid=torch.empty_like(field.grid),
            bounds=torch.empty_like(field.bounds),
        )
        self._w = torch.empty_like(w)
        self._latent: tuple[weakref.ref[FastField], weakref.ref[Tensor]] | None = None
        self._inputs = torch.zeros(_INPUTS, device=device)
        self._sizes = (config.feature_channels * side**2, side**2, side**2, 3 * self.side**2)
        self._results = torch.zeros(sum(self._sizes), device=device)
        self._pixels = torch.full((self.side, self.side, 4), 255, dtype=torch.uint8, device=device)
        self._host_inputs = backend.host_memory((_INPUTS,), torch.float32)
        self._host_pixels = backend.host_memory((self.side, self.side, 4), torch.uint8)
        self._repeat: Callable[[], None] | None = None
        self._begun = False

    @property
    def memory(self) -> tuple[Tensor, ...]:
        """What the recorded work reads and writes beside the network: it stays in its place."""
        field = self._field
        return (
            *(field.table, field.grid, field.bounds, self._w),
            *(self._inputs, self._results, self._pixels),
        )

    def fits(self, field: FastField, w: Tensor, settings: OrbitSettings) -> bool:
        """Whether another latent's pictures can be drawn without recording anew."""
        if self._holds(field, w) and settings == self.settings:
            return True
        own = self._field
        same = settings == self.settings and (field.side, field.reach) == (own.side, own.reach)
        return same and all(
            (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
            for one, other in (
                (own.table, field.table),
                (own.grid, field.grid),
                (own.bounds, field.bounds),
                (self._w, w),
            )
        )

    @torch.inference_mode()
    def draw(
        self, field: FastField, w: Tensor, cam2world: Sequence[float], focal: float, shift: float = 0.0
    ) -> Drawn:
        """A picture.

        Parameters
        ----------
        field, w : FastField, Tensor
            Of the latent; copied to the graph's own memory when they are others than those used last.
        cam2world : 16 numbers
            The camera's matrix, row by row.
        focal : float
            Image widths.
        shift : float
            World units by which the samples move away from the camera.
        """
        self._take(field, w)
        self._host_inputs.numpy()[:] = (
            *cam2world,
            *(focal, 0.0, 0.5, 0.0, focal, 0.5, 0.0, 0.0, 1.0),
            shift,
        )
        self._inputs.copy_(self._host_inputs, non_blocking=True)
        prepared = self._repeat is not None
        if not prepared and self._begun:
            self._repeat = self._backend.record(self._work)
        self._begun = True
        (self._repeat or self._work)()
        raw, image = self._parts(self._results.clone())
        self._host_pixels.copy_(self._pixels, non_blocking=True)
        self._backend.wait()
        pixels = self._host_pixels.numpy().copy()
        pixels.setflags(write=False)
        return Drawn(pixels, raw, image, prepared)

    # ------------------------------------------------------------------------------------------- inside
    def _holds(self, field: FastField, w: Tensor) -> bool:
        latent = self._latent
        return latent is not None and latent[0]() is field and latent[1]() is w

    def _take(self, field: FastField, w: Tensor) -> None:
        if self._holds(field, w):
            return
        for own, new in (
            (self._field.table, field.table),
            (self._field.grid, field.grid),
            (self._field.bounds, field.bounds),
            (self._w, w),
        ):
            own.copy_(new)
        self._latent = (weakref.ref(field), weakref.ref(w))

    def _parts(self, results: Tensor) -> tuple[RawFrame, Tensor]:
        """Views of a buffer like the graph's own; features channels-last, as rays give them."""
        side = self.settings.resolution
        features, depth, opacity, image = results.split(self._sizes)
        return RawFrame.of_rays(features, depth, opacity, side), image.view(1, 3, self.side, self.side)

    def _work(self) -> None:
        """From the inputs to the results: what is recorded. All of it stays on the device."""
        generator, settings = self._generator(), self.settings
        assert generator is not None, "the graph is used after its generator"
        side = settings.resolution
        matrix, intrinsics, shift = self._inputs.split([16, 9, 1])
        origins, directions = camera_rays(matrix.view(1, 4, 4), intrinsics.view(1, 3, 3), side)
        origins = origins + shift * directions
        parts = [
            render_all_rays(generator, self._field, *rays, samples=settings.samples)
            for rays in zip(origins[0].split(_RAYS_AT_ONCE), directions[0].split(_RAYS_AT_ONCE), strict=True)
        ]
        colour, depth, opacity = (torch.cat(part) for part in zip(*parts, strict=True))
        raw, image = self._parts(self._results)
        raw.features.copy_(colour.view(1, side, side, -1).permute(0, 3, 1, 2))
        raw.depth.copy_((depth + shift).view(1, 1, side, side))
        raw.opacity.copy_(opacity.view(1, 1, side, side))
        if self._superres:
            with convolving(settings.precision, self._results.device):
                image.copy_(generator.superresolve(raw, self._w))
        else:
            image.copy_(raw.raw)
        self._pixels[..., :3].copy_(image_levels(image))


class OrbitGraphs:
    """The graphs of the networks in use, for one thread.

    Parameters
    ----------
    backend : Backend
        Records them.
    precision : Precision, optional
        Of the super-resolution; by default what the device is good at.
    """

    def __init__(self, backend: Backend, precision: Precision | None = None) -> None:
        self._precision = precision
        self._backend = Careful(backend)
        self._graphs: weakref.WeakKeyDictionary[Generator, OrderedDict[OrbitSettings, OrbitGraph]]
        self._graphs = weakref.WeakKeyDictionary()

    def draw(
        self,
        generator: Generator,
        field: FastField,
        w: Tensor,
        cam2world: Sequence[float],
        focal: float,
        shift: float = 0.0,
        *,
        resolution: int,
        samples: int | None = None,
        superres: bool = True,
    ) -> Drawn:
        """A picture; see :class:`OrbitSettings` and :meth:`OrbitGraph.draw`."""
        precision = self._precision or default_precision(field.table.device)
        samples = field.samples if samples is None else samples
        settings = OrbitSettings(resolution, samples, superres, precision)
        graphs = self._graphs.setdefault(generator, OrderedDict())
        graph = graphs.get(settings)
        if graph is None or not graph.fits(field, w, settings):
            graph = OrbitGraph(generator, field, w, settings, self._backend)
            graphs[settings] = graph
        graphs.move_to_end(settings)
        while len(graphs) > _KEPT:
            graphs.popitem(last=False)
        return graph.draw(field, w, cam2world, focal, shift)

    def __len__(self) -> int:
        return sum(len(graphs) for graphs in self._graphs.values())

    def clear(self) -> None:
        """Free the memory of all graphs."""
        self._graphs.clear()


def orbit_graphs(device: torch.device) -> OrbitGraphs | None:
    """For a device; None where single operations are as fast."""
    return OrbitGraphs(CudaGraphs(device)) if device.type == "cuda" else None
