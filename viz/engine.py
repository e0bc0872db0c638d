"""The engine: turns a View into a Frame, and remembers what it computed on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d.checkpoint import LoadCancelled, load
from pof3d.devices import find_device
from pof3d.nets.generator import Generator
from pof3d.render.graphs import orbit_graphs
from viz.chain import Chain
from viz.frame import Aim, Frame, Pose, StageTiming
from viz.limits import check_view
from viz.maps import frame_of
from viz.marching import full_quality
from viz.networks import (
    Loader,
    NetworkStore,
    PinnedNetwork,
    Progress,
    Resident,
)
from viz.panel import MemoryUse
from viz.preview import (
    PREVIEW_MILLISECONDS,
    Quality,
    Speed,
    choose,
    full_milliseconds,
    guessed_speed,
    settled,
)
from viz.stages import Cancelled, StageMemory, StageRun, never
from viz.view import View

MEMORY_BYTES = 256 * 2**20
"""Default bound of the stages' memory."""
_STAGES_SHARE = 4
"""Of a bound for all, the stages get one part of so many, and no more than their default."""
_WORKING_BYTES = 384 * 2**20
"""What drawing takes while it lasts, in a full-size network; the allocator keeps it for the next time."""
_SURVEY_SIDE = 32
"""Side of the small renderings that a depth range is fitted to, pixels."""
_SPEEDS_KEPT = 8
_OVERHEAD = ("camera", "enlargement", "maps", "image", "display")
"""Stages that every preview of a motion runs, whatever its quality."""


class Engine:
    """Renders Views.

    Full frames depend on the View (and the checkpoint file) alone: equal Views give equal pixels. Previews
    have the quality that this machine affords. An engine serves one thread at a time; :meth:`fork` makes
    another one that shares the network.

    Parameters
    ----------
    device : str
        Where the network runs, such as "cpu" or "cuda".
    loader : Loader
        Opens checkpoint files; :func:`pof3d.load` by default.
    memory_bytes : int
        Upper bound of what the stages keep, together.
    networks : NetworkStore, optional
        Shared networks, instead of ``loader``.

    Raises
    ------
    DeviceError
        When there is no such device.
    """

    def __init__(
        self,
        device: str = "cpu",
        loader: Loader = load,
        *,
        memory_bytes: int = MEMORY_BYTES,
        networks: NetworkStore | None = None,
    ) -> None:
        self._device = find_device(device)
        self.graphs = orbit_graphs(self._device)
        """What draws pictures on a GPU; None on a CPU."""
        self.networks = networks if networks is not None else NetworkStore(loader)
        self.memory = StageMemory(memory_bytes)
        self._speeds: dict[tuple[int, bool], Speed] = {}
        """By network and by whether the fast renderer is used."""
        self.lanes: int | None = None
        """Threads that share one step of the fast renderer's work; as many as torch has by default."""
        self.preview_milliseconds = PREVIEW_MILLISECONDS
        """What a preview may take."""
        self.carries_detail = True
        """Whether previews take their detail from the last full frame."""

    # ------------------------------------------------------------------------------------------- networks
    @property
    def device(self) -> str:
        """Where networks run."""
        return str(self._device)

    def set_device(self, name: str) -> None:
        """Run on another device from now on, or raise :class:`DeviceError` and stay where it is."""
        self._device = find_device(name)
        self.graphs = orbit_graphs(self._device)
        self.memory.clear()

    def load(
        self, path: str, *, progress: Progress | None = None, cancelled: Callable[[], bool] = never
    ) -> Resident:
        """Open a checkpoint, or find it open. Networks opened before stay usable whatever happens.

        Raises
        ------
        Pof3dError
            When the file cannot be used.
        Cancelled
            When the cancel token was pulled.
        """
        run = StageRun(self.memory, cancelled, self._device)
        try:
            return run.guard(
                "network",
                lambda: self.networks.get(path, self.device, progress=progress, cancelled=cancelled),
                wait=False,
            )
        except LoadCancelled:
            raise Cancelled from None

    def set_memory_budget(self, total_bytes: int) -> None:
        """Keep networks, the stages' results and what drawing takes within this bound, together.

        The network in use stays whatever its size.
        """
        stages = min(MEMORY_BYTES, total_bytes // _STAGES_SHARE)
        self.memory.set_budget(stages)
        self.networks.set_budget(total_bytes - stages - min(_WORKING_BYTES, total_bytes // _STAGES_SHARE))

    def memory_use(self) -> MemoryUse:
        """What is held at present."""
        count, size = self.networks.used
        return MemoryUse(count, size, self.memory.used_bytes)

    def is_loaded(self, path: str) -> bool:
        """Whether a View of this file can be rendered without reading it."""
        return self.networks.find(path, self.device) is not None

    def has_room(self, path: str, beside: Collection[str]) -> bool:
        """Whether a file's network would stay in memory with those of others, as far as its size tells."""
        return self.networks.has_room(path, self.device, beside)

    def fork(self, path: str, memory_bytes: int = MEMORY_BYTES // 4) -> Engine:
        """Another engine for another thread, which holds on to the open network of a file."""
        pinned = PinnedNetwork(self.networks.get(path, self.device))
        return Engine(self.device, memory_bytes=memory_bytes, networks=pinned)

    # ------------------------------------------------------------------------------------------ rendering
    def render(
        self,
        view: View,
        level: Aim = "full",
        cancelled: Callable[[], bool] = never,
        *,
        discriminator: bool = True,
    ) -> Frame:
        """The picture of a View.

        Parameters
        ----------
        view : View
            What to look at.
        level : "preview", "settling" or "full"
            A preview has the full frame's field of view and shape, but fewer pixels and samples where those
            would take too long, and no pose prediction of the discriminator. Its detail may be the last full
            frame's. "settling": a preview that may take longer.
        cancelled : callable
            Asked between stages and between slices of rays.
        discriminator : bool
            Whether a full frame has the discriminator's pose prediction.

        Raises
        ------
        Pof3dError
            With a text for the user.
        Cancelled
            When the cancel token was pulled.
        """
        with torch.inference_mode():
            resident, chain = self._chain(view, cancelled)
            quality = chain.full if level == "full" else self._preview_quality(resident, chain, level)
            picture = chain.picture(quality)
            if quality == chain.full:
                chain.keep(picture)
            elif view.display.mode in ("rgb", "side_by_side"):
                picture = chain.moving(picture, carry=self.carries_detail)
            seen = chain.discriminator_pose(picture) if discriminator and level == "full" else None
            maps = chain.maps(picture)
            image = chain.image(picture, maps)
            rgba = chain.rgba(picture, maps, image)
            if picture.prepared:
                self._measure(resident, chain, quality, preview=level != "full")
        return frame_of(
            maps,
            view=view,
            level="full" if level == "full" else "preview",
            rgba=rgba,
            image=image,
            camera_pose=chain.optics.pose,
            generator_pose=chain.mapped.pose,
            cameras=chain.mapped.camera,
            discriminator_pose=seen,
            timings=tuple(chain.run.timings),
            cache_bytes=self.memory.used_bytes,
        )

    def predicted_pose(self, view: View) -> Pose:
        """The generator's own pose for a View's latent."""
        with torch.inference_mode():
            return self._chain(view, never)[1].mapped.pose

    def field(self, view: View, cancelled: Callable[[], bool] = never) -> tuple[Generator, Tensor]:
        """The generator, and the tri-planes [1, 3, C, R, R] of a View's latent: what a field is made of."""
        with torch.inference_mode():
            resident, chain = self._chain(view, cancelled)
            return resident.network.generator, chain.planes

    def fitted_depth_range(self, view: View, cancelled: Callable[[], bool] = never) -> tuple[float, float]:
        """The depth range that fits a View, from a small rendering: equal Views give equal ranges."""
        with torch.inference_mode():
            _, chain = self._chain(view, cancelled)
            side = min(chain.full.resolution, _SURVEY_SIDE)
            return chain.maps(chain.picture(replace(chain.full, resolution=side, superres=False))).fitted

    def thumbnail(self, view: View, side: int, cancelled: Callable[[], bool] = never) -> NDArray[np.uint8]:
        """A small picture [side, side, 3] of a View, before super-resolution; its display does not count."""
        with torch.inference_mode():
            _, chain = self._chain(view, cancelled)
            return chain.maps(chain.picture(replace(chain.full, resolution=side, superres=False))).raw

    def expected_milliseconds(self, view: View) -> float:
        """Estimated time of the full frame from the rays on, for an open network; infinite otherwise."""
        resident = self.networks.find(view.network.path, self.device)
        if resident is None:
            return float("inf")
        quality = full_quality(resident.network.generator, view.sampling)
        return full_milliseconds(quality, self._speed(resident, quality))

    def settles(self, view: View) -> bool:
        """Whether a picture better than the preview comes much sooner than the full frame."""
        resident = self.networks.find(view.network.path, self.device)
        if resident is None:
            return False
        quality = full_quality(resident.network.generator, view.sampling)
        return settled(quality, self._speed(resident, quality)) is not None

    # ----------------------------------------------------------------------------------------- inside
    def _chain(self, view: View, cancelled: Callable[[], bool]) -> tuple[Resident, Chain]:
        check_view(view)
        run = StageRun(self.memory, cancelled, self._device)
        start, known = time.perf_counter(), self.is_loaded(view.network.path)
        resident = self.load(view.network.path, cancelled=cancelled)
        run.timings.append(StageTiming("network", 1e3 * (time.perf_counter() - start), known))
        return resident, Chain(run, resident, view, self.lanes, self.graphs)

    def _preview_quality(self, resident: Resident, chain: Chain, level: Aim) -> Quality:
        key, speed = (resident.serial, chain.full.fast), self._speed(resident, chain.full)
        better = settled(chain.full, speed) if level == "settling" else None
        if better is not None:
            chosen = better
        else:
            chosen, self._speeds[key] = choose(chain.full, speed, self.preview_milliseconds)
        if chain.view.display.mode in ("raw", "depth", "normals", "opacity"):
            chosen = replace(chosen, superres=False)
        full = chain.full
        if chain.is_drawn(full):
            return full
        untried = full.superres and self._speed(resident, full).superres_milliseconds is None
        if self.graphs is not None and full.fast and untried:
            return full  # as a rule a GPU can afford it; a graph for less would be recorded in vain
        rays = chain.raw_key(chain.full)
        if ("rays", rays) not in self.memory:
            return chosen
        # The rays of the full frame are there already: nothing is faster.
        superres = chosen.superres or (chain.full.superres and ("super-resolution", rays) in self.memory)
        return replace(chain.full, superres=superres)

    def _measure(self, resident: Resident, chain: Chain, quality: Quality, *, preview: bool) -> None:
        speed, overhead = self._speed(resident, quality), 0.0
        for timing in chain.run.timings:
            if timing.cached:
                continue
            if timing.name == "rays":
                speed = speed.after_points(quality.points, timing.milliseconds)
            elif timing.name == "super-resolution":
                speed = speed.after_superres(timing.milliseconds)
            elif timing.name == "picture" and not timing.cached:
                speed = speed.after_picture(quality, timing.milliseconds)
            elif timing.name == "reprojection":
                speed = speed.after_reprojection(timing.milliseconds)
            elif timing.name in _OVERHEAD:
                overhead += timing.milliseconds
        if preview and overhead > 0.0:
            speed = speed.after_overhead(overhead)
        self._speeds[resident.serial, quality.fast] = speed

    def _speed(self, resident: Resident, quality: Quality) -> Speed:
        key = (resident.serial, quality.fast)
        speed = self._speeds.get(key)
        if speed is None:
            speed = guessed_speed(resident.network.generator.config, self._device.type)
            kept = list(self._speeds.items())[1 - _SPEEDS_KEPT :]
            self._speeds = {**dict(kept), key: speed}
        return speed


__all__ = ["Cancelled", "Engine"]
