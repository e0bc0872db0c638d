"""A generator for looking at: one latent at a time, as quick as this machine can, without gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d import compiling
from pof3d.cameras import camera_rays, intrinsics_from_focal
from pof3d.lanes import single_threaded, spread
from pof3d.nets.generator import Generator, RawFrame, RenderedFrame
from pof3d.nets.inference import run
from pof3d.nets.layers import NoiseSource, SynthesisBlock
from pof3d.nets.styled import Arithmetic, Blocks, StyledBlock
from pof3d.render.fast import FastField, fast_field, planes_table, render_rays
from pof3d.render.field import PLANE_AXES

if TYPE_CHECKING:
    from pof3d.compiling import Kernel

_RAYS_AT_ONCE = 128
"""Fewer are not worth a thread."""
_MOST_SAMPLES = 1 << 12
"""Of a ray."""


class FastGenerator:
    """What a :class:`~pof3d.nets.generator.Generator` computes, in less time.

    On the CPU convolutions use :mod:`pof3d.nets.inference`, and rays a compiled kernel; elsewhere, and while
    that is being compiled, stock operations do the same. Results are those of the generator up to rounding,
    those of rays up to the placing of samples (:mod:`pof3d.render.fast`). May be used by several threads.

    Parameters
    ----------
    generator : Generator
        Its weights are not copied, and must stay as they are.
    arithmetic : Arithmetic, optional
        Of convolutions on the CPU; the quickest of this one by default.
    """

    def __init__(self, generator: Generator, *, arithmetic: Arithmetic | None = None) -> None:
        self.generator = generator
        backbone, superres = generator.backbone, generator.superres
        blocks = [_block(backbone.get_submodule(f"b{side}")) for side in backbone.resolutions]
        self._counts = [block.num_convs for block in blocks]
        self._backbone = Blocks(blocks, backbone.resolutions, arithmetic)
        self._superres: Blocks | None = None
        if superres is not None:
            first = superres.input_resolution * (2 if superres.block0.up else 1)
            both = [superres.block0, superres.block1]
            self._superres = Blocks(both, [first, 2 * first], arithmetic, keep=True)
        self._styled: tuple[Tensor, Arithmetic, tuple[StyledBlock, ...]] | None = None
        self._arrays: _Arrays | None = None

    # ---------------------------------------------------------------------------------------- the networks
    @torch.no_grad()
    def synthesize_planes(
        self, w: Tensor, noise: NoiseSource = "const", *, lanes: int | None = None
    ) -> Tensor:
        """Tri-planes [1, 3, C, R, R] of w [1, num_ws, w_dim]; see the generator's.

        Parameters
        ----------
        w : Tensor [1, num_ws, w_dim]
            Of one latent.
        noise : "const", "none", "random" or a function
            Per-pixel noise of the backbone.
        lanes : int, optional
            Threads that share the work; as many as torch has by default.
        """
        generator = self.generator
        if w.device.type != "cpu" or len(w) != 1 or noise == "random":
            return generator.synthesize_planes(w, noise)
        ws, first = [], 0
        for count in self._counts:
            ws.append(w[:, first : first + count + 1])
            first += count
        start = _block(generator.backbone.get_submodule(f"b{generator.backbone.resolutions[0]}")).const[None]
        lanes = self._lanes(lanes)
        with single_threaded():
            styled = self._backbone.styled(ws, noise)
            channels, side = generator.backbone.plane_channels, generator.backbone.resolutions[-1]
            table = planes_table(side, channels, like=start)
            return run(styled, start, None, lanes=lanes, into=table[:, 1:-1, 1:-1, :channels])[None]

    @torch.no_grad()
    def superresolve(self, raw: RawFrame, w: Tensor, *, lanes: int | None = None) -> Tensor:
        """Final image [1, 3, S, S] of a raw frame; see the generator's."""
        generator, blocks = self.generator, self._superres
        if blocks is None or generator.superres is None:
            return raw.raw
        if w.device.type != "cpu" or len(w) != 1:
            return generator.superresolve(raw, w)
        lanes, own, arithmetic = self._lanes(lanes), w[:, -1], blocks.arithmetic()
        styled = self._styled
        with single_threaded():
            if styled is None or styled[1] != arithmetic or not torch.equal(styled[0], own):
                ws = own[:, None].expand(-1, 3, -1)
                styled = self._styled = own.clone(), arithmetic, blocks.styled([ws, ws], "none")
            features, image = generator.superres.resized(raw.features, raw.raw)
            return run(styled[2], features, image, lanes=lanes)

    # --------------------------------------------------------------------------------------------- the field
    @torch.no_grad()
    def field(self, planes: Tensor, *, lanes: int | None = None) -> FastField:
        """The planes [1, 3, C, R, R] of a latent as :meth:`render_rays` reads them.

        Those of :meth:`synthesize_planes` are read where they lie: they must stay as they are.
        """
        if planes.device.type != "cpu":
            return fast_field(self.generator, planes)
        lanes = self._lanes(lanes)
        with single_threaded():
            return fast_field(self.generator, planes, lanes=lanes)

    def prepare(self) -> None:
        """Wait until rays are drawn as they will be from then on; compiling takes seconds, once a machine.

        Without this, pictures before and after differ by rounding, of some 10⁻⁶.
        """
        if self.generator.device.type == "cpu":
            self._backbone.arithmetic(wait=True)
            compiling.density_kernel(self.generator.config.decoder_hidden, wait=True)
            self._kernel(wait=True)

    @torch.no_grad()
    def render_rays(
        self,
        field: FastField,
        origins: Tensor,
        directions: Tensor,
        *,
        samples: int | None = None,
        lanes: int | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Volume rendering of one latent's rays; as :func:`pof3d.render.fast.render_rays`.

        Parameters
        ----------
        field : FastField
            From :meth:`field`.
        origins, directions : Tensor [rays, 3]
            World units; directions of length one.
        samples : int, optional
            Queries of the field for one ray, 2 to 4096; the field's own by default.
        lanes : int, optional
            Threads that share the work; as many as torch has by default.

        Returns
        -------
        colour [rays, C], −1…1; depth [rays, 1], world units; opacity [rays, 1]

        Raises
        ------
        ValueError
            Of other shapes, of fewer or more samples, of another network's field.
        """
        samples = field.samples if samples is None else int(samples)
        if (
            origins.shape != directions.shape
            or origins.shape[1:] != (3,)
            or not 2 <= samples <= _MOST_SAMPLES
        ):
            found = f"{list(origins.shape)} and {list(directions.shape)}, {samples} samples"
            raise ValueError(
                f"rays need origins and directions [rays, 3] and 2 to {_MOST_SAMPLES} samples, not {found}"
            )
        if field.table.shape[1] != compiling.filled_up(self.generator.config.plane_channels):
            raise ValueError("the field is another network's")
        exact = origins.dtype == directions.dtype == torch.float32
        kernel = self._kernel() if origins.device.type == "cpu" and exact else None
        if kernel is None:
            return render_rays(self.generator, field, origins, directions, samples=samples)
        if self._arrays is None:
            self._arrays = _arrays(self.generator)
        arrays, rays = self._arrays, len(origins)
        seen = tuple(origins.new_empty(shape) for shape in ((rays, arrays.colours), (rays,), (rays,)))
        given = [x.contiguous().numpy() for x in (origins, directions)] + [x.numpy() for x in seen]
        planes = (field.table.numpy(), field.side, arrays.axes, arrays.scale)
        density = (field.grid[0, 0].numpy(), np.float32(field.reach), field.bounds.numpy())

        def part(_lane: int, first: int, last: int) -> None:
            own = (x[first:last] for x in given)
            kernel(*planes, *density, *arrays.decoder, *arrays.settings, samples, *own)

        spread(rays, self._lanes(lanes), part, unit=_RAYS_AT_ONCE)
        return seen[0], seen[1][:, None], seen[2][:, None]

    @torch.no_grad()
    def render(
        self,
        w: Tensor,
        pose: Tensor | None = None,
        *,
        cam2world: Tensor | None = None,
        focal: float | Tensor | None = None,
        resolution: int | None = None,
        noise: NoiseSource = "const",
        lanes: int | None = None,
    ) -> RenderedFrame:
        """One latent and one camera → image; see the generator's for what they are."""
        config = self.generator.config
        matrix, focal = self.generator.camera(pose, cam2world, focal)
        side = config.render.resolution if resolution is None else resolution
        intrinsics = intrinsics_from_focal(config.camera.focal if focal is None else focal)
        origins, directions = camera_rays(matrix, intrinsics, side)
        field = self.field(self.synthesize_planes(w, noise, lanes=lanes), lanes=lanes)
        seen = self.render_rays(field, origins[0], directions[0], lanes=lanes)
        raw = RawFrame.of_rays(*seen, side)
        return RenderedFrame(self.superresolve(raw, w, lanes=lanes), raw.raw, raw.depth, raw.opacity)

    def _kernel(self, *, wait: bool = False) -> Kernel | None:
        if self.generator.decoder.output.weight.dtype != torch.float32:
            return None
        config = self.generator.config
        channels = compiling.filled_up(config.plane_channels)
        return compiling.ray_kernel(channels, config.decoder_hidden, config.feature_channels, wait=wait)

    def _lanes(self, asked: int | None) -> int:
        return max(1, torch.get_num_threads() if asked is None else asked)


@dataclass(frozen=True)
class _Arrays:
    """What the kernel reads of a network."""

    axes: NDArray[np.int64]
    scale: np.float32
    colours: int
    decoder: tuple[NDArray[np.float32] | np.float32, ...]
    settings: tuple[np.float32 | bool, ...]


def _arrays(generator: Generator) -> _Arrays:
    render, decoder = generator.config.render, generator.decoder
    hidden, output = decoder.hidden.scaled(), decoder.output.scaled()
    weight, bias = output[0].detach().t().numpy(), output[1].detach().numpy()
    numbers = (render.ray_start, render.ray_end)
    return _Arrays(
        np.array(PLANE_AXES[render.plane_axes], np.int64),
        np.float32(2.0 / render.box_warp),
        weight.shape[1] - 1,
        (
            compiling.panels((hidden[0].detach() / 3.0).t().numpy()),  # of the planes' mean
            hidden[1].detach().numpy(),
            np.ascontiguousarray(weight[:, 0]),
            np.float32(bias[0]),
            compiling.panels(weight[:, 1:]),
            np.ascontiguousarray(bias[1:]),
        ),
        (*map(np.float32, numbers), render.confine_to_box, np.float32(render.white_background)),
    )


def _block(module: torch.nn.Module) -> SynthesisBlock:
    assert isinstance(module, SynthesisBlock)
    return module
