"""Densities on a regular grid: what the decoder's hidden layer reads there is a sum of three images.

The features of a point are the sum of the planes' at its projections, and the hidden layer is linear in them
before its activation. So each plane is sampled once at N² places and taken through the weights, and the N³
points have but to add up.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from pof3d import compiling
from pof3d.lanes import bounds, share
from pof3d.nets.generator import Generator
from pof3d.render.field import PLANE_AXES
from pof3d.render.volume import DENSITY_SHIFT

_LAYERS_BETWEEN_REPORTS = 8
_VALUES_AT_ONCE = 1 << 24


def lattice(
    generator: Generator,
    planes: Tensor,
    coordinates: Tensor,
    *,
    lanes: int | None = None,
    report: Callable[[float], None] | None = None,
) -> Tensor:
    """Raw density − 1, of which softplus is the density, at all combinations of coordinates.

    Parameters
    ----------
    generator : Generator
        Whose decoder is used.
    planes : Tensor [1, 3, C, R, R]
        Tri-planes.
    coordinates : Tensor [N]
        World positions on each of the three axes; of fields that end with their box, within it.
    lanes : int, optional
        Threads that share the work; as many as torch has by default.
    report : callable, optional
        Told the fraction done; may raise to end the work.

    Returns
    -------
    Tensor [N, N, N]
        Axes x, y, z.
    """
    xy, xz, yz = _images(generator, planes, coordinates)
    weight, bias = (part[0] for part in generator.decoder.output.scaled())
    count, lanes = len(coordinates), torch.get_num_threads() if lanes is None else lanes
    values = planes.new_empty(count, count, count)
    on_cpu = planes.device.type == "cpu" and planes.dtype == torch.float32
    kernel = compiling.density_kernel(len(weight)) if on_cpu else None

    # A GPU finishes a layer of a small grid before it is asked for the next one.
    layers = 1 if on_cpu else max(1, _VALUES_AT_ONCE // (count * count * len(weight)))

    def fill(first: int, last: int) -> None:
        if kernel is not None:
            images = (xy[first:last].numpy(), xz[first:last].numpy(), yz.numpy())
            kernel(*images, weight.detach().numpy(), bias.detach().numpy()[()], values[first:last].numpy())
            return
        for i in range(first, last, layers):
            some = slice(i, min(i + layers, last))
            hidden = F.softplus(xy[some, :, None] + xz[some, None, :] + yz)
            values[some] = hidden @ weight + (bias - DENSITY_SHIFT)

    with torch.inference_mode():
        for start in range(0, count, _LAYERS_BETWEEN_REPORTS):
            if report is not None:
                report(start / count)
            size = min(_LAYERS_BETWEEN_REPORTS, count - start)
            parts = [(start + a, start + b) for a, b in bounds(size, min(lanes, size) if on_cpu else 1)]
            share([lambda a=a, b=b: fill(a, b) for a, b in parts])  # type: ignore[misc]
    return values


@torch.no_grad()
def _images(generator: Generator, planes: Tensor, coordinates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """[N, N, hidden] each, for (x, y), (x, z) and (y, z); the bias is in the first."""
    render = generator.config.render
    weight, bias = generator.decoder.hidden.scaled()
    box = coordinates * (2.0 / render.box_warp)
    first, second = torch.meshgrid(box, box, indexing="ij")
    grid = torch.stack([first, second], dim=-1)[None]
    images: dict[tuple[int, int], Tensor] = {}
    for plane, (u, v) in enumerate(PLANE_AXES[render.plane_axes]):
        read = F.grid_sample(
            planes[:, plane], grid, mode="bilinear", padding_mode="zeros", align_corners=False
        )
        image = read[0].permute(1, 2, 0) @ (weight / 3.0).t()  # [u, v, hidden]
        pair, image = ((u, v), image) if u < v else ((v, u), image.transpose(0, 1))
        images[pair] = images[pair] + image if pair in images else image
    zero = planes.new_zeros(len(box), len(box), len(bias))
    xy, xz, yz = (images.get(pair, zero).contiguous() for pair in ((0, 1), (0, 2), (1, 2)))
    return xy + bias, xz, yz
