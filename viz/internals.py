"""Inside the network: what its layers do for one View. Taken by a job, while nothing else is going on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pof3d.nets.layers import Conv, FullyConnected, SynthesisLayer, ToRGB
from viz.jobs import Control, Job
from viz.networks import OpenNetwork
from viz.view import View

if TYPE_CHECKING:
    from viz.engine import Engine
    from viz.jobs import Working
    from viz.services import Rendering

BINS = 64
"""Of the histograms of activations."""
KEPT_VALUES = 1 << 22
"""Numbers that one layer keeps for its pictures; of larger layers the first channels."""
_ROBUST = 0.995
"""Share of |activations| that the colours reach."""
_KINDS = (SynthesisLayer, ToRGB, Conv, FullyConnected)
_ROOMS = {
    "mapping": "Mapping",
    "backbone": "Backbone",
    "superres": "Super-resolution",
    "discriminator": "Discriminator",
}
_LOOKED_AT_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class Layer:
    """The output of one layer for one View."""

    name: str
    """For people: "Backbone  16² conv0"."""
    room: str
    """Part of the network it belongs to."""
    shape: tuple[int, ...]
    """(channels,) or (channels, height, width), of the whole output."""
    values: NDArray[np.float16]
    """[kept channels, H, W]; H = W = 1 for vectors."""
    mean: float
    std: float
    low: float
    high: float
    zeros: float
    """Share of exact zeros, 0 … 1."""
    reach: float
    """Value of the strongest colour, above zero."""
    counts: NDArray[np.int64]
    """Histogram over all activations, [:data:`BINS`]."""
    edges: NDArray[np.float64]
    """[:data:`BINS` + 1]."""

    def channel_statistics(self, channel: int) -> tuple[float, float, float, float]:
        """Mean, standard deviation, smallest and largest value of a kept channel."""
        values = self.values[channel].astype(np.float32)
        return float(values.mean()), float(values.std()), float(values.min()), float(values.max())


@dataclass(frozen=True, eq=False)
class Internals:
    """Everything taken from one View."""

    view: View
    layers: tuple[Layer, ...]
    """In the order in which they ran."""
    planes: NDArray[np.uint8]
    """The tri-planes as colours [3, R, R, 3]: their three principal components."""
    plane_names: tuple[str, ...]
    """The axes of each, such as "x y"."""


def describe(name: str, room: str, value: Tensor) -> Layer:
    """Statistics and pictures of an activation [1, C] or [1, C, H, W]."""
    whole = value[0].detach().float().cpu()
    shape = tuple(whole.shape)
    maps = whole.reshape(shape[0], *(shape[1:] if len(shape) == 3 else (1, 1)))
    numbers = maps.numpy()
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        finite = np.zeros(1, np.float32)
    low, high = float(finite.min()), float(finite.max())
    wide = (low, high) if high > low else (low - 0.5, high + 0.5)
    counts, edges = np.histogram(finite, bins=BINS, range=wide)
    reach = float(np.quantile(np.abs(finite), _ROBUST)) or float(np.abs(finite).max()) or 1.0
    kept = max(1, KEPT_VALUES // max(1, numbers[0].size))
    limits = np.finfo(np.float16)
    pictures = np.clip(np.nan_to_num(numbers[:kept]), limits.min, limits.max).astype(np.float16)
    return Layer(
        name=name,
        room=room,
        shape=shape,
        values=pictures,
        mean=float(finite.mean()),
        std=float(finite.std()),
        low=low,
        high=high,
        zeros=float((finite == 0).mean()),
        reach=reach,
        counts=counts.astype(np.int64),
        edges=edges.astype(np.float64),
    )


def plane_colours(planes: Tensor) -> NDArray[np.uint8]:
    """Tri-planes [1, 3, C, R, R] → colours [3, R, R, 3]: the channels' three principal components.

    The components are common to the three planes, so that equal colours mean equal features.
    """
    features = planes[0].detach().float().cpu().permute(0, 2, 3, 1)
    flat = features.reshape(-1, features.shape[-1])
    flat = flat - flat.mean(dim=0)
    _, vectors = torch.linalg.eigh(flat.T @ flat)
    parts = flat @ vectors[:, -3:].flip(1)
    if parts.shape[1] < 3:
        parts = torch.cat([parts, parts.new_zeros(parts.shape[0], 3 - parts.shape[1])], dim=1)
    low, high = torch.quantile(_some(parts), torch.tensor([0.01, 0.99]), dim=0)
    shown = ((parts - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
    return np.asarray((255 * shown).round().to(torch.uint8).reshape(*features.shape[:3], 3).numpy())


def _some(parts: Tensor) -> Tensor:
    """Enough rows for a quantile: torch's takes no more than 2²⁴ numbers."""
    return parts[:: max(1, parts.shape[0] // 100_000)]


def watched_layers(network: OpenNetwork) -> Iterator[tuple[str, str, nn.Module]]:
    """The layers worth looking at: their names for people, their part of the network, the modules."""
    parts: list[tuple[str, nn.Module | None]] = [
        ("mapping", network.generator.mapping),
        ("backbone", network.generator.backbone),
        ("superres", network.generator.superres),
        ("discriminator", network.discriminator),
    ]
    for part, module in parts:
        for path, layer in module.named_modules() if module is not None else ():
            if isinstance(layer, _KINDS) and not path.endswith("affine") and "pose_mapping" not in path:
                yield _title(path), _ROOMS[part], layer


def _title(path: str) -> str:
    block, _, rest = path.partition(".")
    if rest and block.startswith("b") and block[1:].isdigit():
        return f"{block[1:]}² {rest}"
    return path.replace(".", " ")


@contextmanager
def _recording(network: OpenNetwork, note: Callable[[str, str, Tensor], None]) -> Iterator[None]:
    """Pass on what layers give in this thread; others may be using the same network."""
    thread = threading.get_ident()

    def hook(name: str, room: str) -> Callable[[nn.Module, Any, Any], None]:
        def take(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if threading.get_ident() == thread and isinstance(output, Tensor) and output.dim() in (2, 4):
                note(name, room, output)

        return take

    with ExitStack() as stack:
        for name, room, layer in watched_layers(network):
            stack.callback(layer.register_forward_hook(hook(name, room)).remove)
        stack.callback(
            network.generator.backbone.register_forward_hook(
                lambda _m, _i, output: note("", "", output) if threading.get_ident() == thread else None
            ).remove
        )
        yield


def look_inside(engine: Engine, view: View, control: Control) -> Internals:
    """Render a View once more, from its latent on, and keep what the layers give.

    Parameters
    ----------
    engine : Engine
        A fork that has rendered nothing yet: what it remembers would not run.
    view : View
        What to look at.
    control : Control
        Of the job.
    """
    network = engine.load(view.network.path).network
    expected = sum(1 for _ in watched_layers(network))
    layers: list[Layer] = []
    planes: list[Tensor] = []

    def note(name: str, room: str, value: Tensor) -> None:
        if value.dim() == 5 or not name:
            planes.append(value)
            return
        control.report(min(0.99, len(layers) / expected), name)
        layers.append(describe(name, room, value))

    plain = replace(view, sampling=replace(view.sampling, renderer="plain"))  # it goes through the layers
    with _recording(network, note):
        engine.render(plain, "full", control.cancelled)
    axes = network.config.generator.render.plane_axes.split("_")
    return Internals(view, tuple(layers), plane_colours(planes[-1]), tuple(" ".join(pair) for pair in axes))


@dataclass(frozen=True)
class InternalsState:
    """What the Internals panel sees."""

    internals: Internals | None = None
    """The newest; perhaps of a View before the present one."""
    fresh: bool = False
    """Whether it is of the present View."""
    fraction: float | None = None
    """How far the job under way is."""
    message: str = ""
    """Why there is nothing."""


class Inspector:
    """Looks inside the network while somebody looks at the panel.

    Parameters
    ----------
    workshop : Working, optional
        Runs the jobs.
    rendering : Rendering
        The picture goes first: a job begins when it is done.
    """

    def __init__(self, workshop: Working | None, rendering: Rendering) -> None:
        self._workshop = workshop
        self._rendering = rendering
        self._job: Job[Internals] | None = None
        self._asked: View | None = None
        self._seen: tuple[View, View] | None = None
        """The last View, and the same with nothing said of how it is shown."""
        self._wanted = -_LOOKED_AT_SECONDS
        self._now = 0.0
        self.state = InternalsState()

    @property
    def moving(self) -> bool:
        """Whether something is on its way."""
        return self._job is not None

    def want(self) -> None:
        """Note that somebody looks; called in every frame that shows the panel."""
        self._wanted = self._now

    def update(self, view: View, now: float) -> None:
        """Take what is ready; begin where something is wanted."""
        self._now = now
        wanted = now - self._wanted < _LOOKED_AT_SECONDS
        # How the picture is shown changes nothing inside.
        if self._seen is None or self._seen[0] is not view:
            self._seen = (view, replace(view, display=View().display))
        asked = self._seen[1]
        self._take(asked)
        if self._job is not None:
            if not wanted or self._asked != asked:
                self._job.cancel()
            return
        if not wanted or self._workshop is None or not view.network.path or self._rendering.busy:
            return
        if asked == self._asked or self._rendering.network_info is None:
            return
        self._asked = asked
        self._job = self._workshop.start(
            "Looking inside the network",
            view.network.path,
            lambda engine, control: look_inside(engine, asked, control),
        )

    def _take(self, asked: View) -> None:
        job = self._job
        if job is not None:
            state = job.state
            if state.status == "running":
                self.state = replace(self.state, fraction=state.fraction)
            else:
                self._job = None
                if state.status == "finished":
                    self.state = InternalsState(job.result)
                elif state.status == "failed":
                    self.state = InternalsState(message=str(state.error))
                else:
                    self._asked = None
                    self.state = replace(self.state, fraction=None)
        shown = self.state.internals
        self.state = replace(self.state, fresh=shown is not None and shown.view == asked)
