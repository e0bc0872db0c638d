"""The engine: turns a View into a Frame by a chain of stages, each remembered by exactly what it reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d.cameras import yaw_pitch_from_hv
from pof3d.errors import CheckpointError
from pof3d.nets.generator import RawFrame, RenderedFrame
from viz.display import compose, fitted_range, image_bytes, solid_depth
from viz.frame import Frame, FrameLevel, Pose, StageTiming
from viz.limits import check_view
from viz.marching import full_quality, march
from viz.networks import (
    Loader,
    NetworkStore,
    PinnedNetwork,
    Progress,
    Resident,
    check_device,
    default_loader,
)
from viz.optics import Optics, optics_of, picture_pose
from viz.preview import Quality, Speed, choose, full_milliseconds, guessed_speed
from viz.seed_map import map_latent
from viz.stages import Cancelled, StageMemory, StageRun, never
from viz.view import View

MEMORY_BYTES = 512 * 2**20
"""Default bound of the stages' memory."""


@dataclass(frozen=True)
class _Mapped:
    """What the mapping network gives."""

    w: Tensor
    pose: Pose
    cam2world: tuple[float, ...]
    """The generator's own camera, row by row."""


@dataclass(frozen=True)
class _Content:
    """What a latent gives: everything before the camera."""

    ws: Tensor
    mapped: _Mapped
    planes: Tensor
    planes_key: Hashable


@dataclass(frozen=True)
class _Picture:
    """What a camera sees of it."""

    raw: RawFrame
    raw_key: Hashable
    image: Tensor
    image_key: Hashable


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
        loader: Loader = default_loader,
        *,
        memory_bytes: int = MEMORY_BYTES,
        networks: NetworkStore | None = None,
    ) -> None:
        self._device = check_device(device)
        self.networks = networks if networks is not None else NetworkStore(loader)
        self.memory = StageMemory(memory_bytes)
        self._speeds: dict[int, Speed] = {}

    # ------------------------------------------------------------------------------------------- networks
    @property
    def device(self) -> str:
        """Where networks run."""
        return str(self._device)

    def set_device(self, name: str) -> None:
        """Run on another device from now on, or raise :class:`DeviceError` and stay where it is."""
        self._device = check_device(name)
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
            )
        except CheckpointError:
            run.check()
            raise

    def is_loaded(self, path: str) -> bool:
        """Whether a View of this file can be rendered without reading it."""
        return self.networks.find(path, self.device) is not None

    def fork(self, path: str, memory_bytes: int = MEMORY_BYTES // 4) -> Engine:
        """Another engine for another thread, which holds on to the open network of a file."""
        pinned = PinnedNetwork(self.load(path))
        return Engine(self.device, memory_bytes=memory_bytes, networks=pinned)

    # ------------------------------------------------------------------------------------------ rendering
    def render(self, view: View, level: FrameLevel = "full", cancelled: Callable[[], bool] = never) -> Frame:
        """The picture of a View.

        Parameters
        ----------
        view : View
            What to look at.
        level : "preview" or "full"
            A preview has the full frame's field of view and shape, but fewer pixels and samples where those
            would take too long, and no pose prediction of the discriminator.
        cancelled : callable
            Asked between stages and between slices of rays.

        Raises
        ------
        Pof3dError
            With a text for the user.
        Cancelled
            When the cancel token was pulled.
        """
        check_view(view)
        run = StageRun(self.memory, cancelled, self._device)
        resident = self._resident(run, view)
        with torch.inference_mode():
            return self._frame(run, resident, view, level)

    def predicted_pose(self, view: View) -> Pose:
        """The generator's own pose for a View's latent."""
        check_view(view)
        run = StageRun(self.memory, never, self._device)
        resident = self._resident(run, view)
        with torch.inference_mode():
            return self._mapped(run, resident, view)[0].pose

    def expected_milliseconds(self, view: View) -> float:
        """Estimated time of the full frame from the rays on, for an open network; infinite otherwise."""
        resident = self.networks.find(view.network.path, self.device)
        if resident is None:
            return float("inf")
        generator = resident.network.generator
        return full_milliseconds(full_quality(generator, view.sampling), self._speed(resident))

    def _resident(self, run: StageRun, view: View) -> Resident:
        start, known = time.perf_counter(), self.is_loaded(view.network.path)
        resident = self.load(view.network.path, cancelled=run.cancelled)
        run.timings.append(StageTiming("network", 1e3 * (time.perf_counter() - start), known))
        return resident

    def _mapped(self, run: StageRun, resident: Resident, view: View) -> tuple[_Mapped, Hashable]:
        generator = resident.network.generator
        key = (resident.serial, view.latent.x, view.latent.y)
        z = run.stage(
            "latent",
            key,
            lambda: map_latent(view.latent.x, view.latent.y, generator.config.z_dim).to(self._device),
        )

        def mapping() -> _Mapped:
            w = generator.mapping.map_w(z)
            hv = generator.mapping.predict_pose(w)
            angles = yaw_pitch_from_hv(hv.double(), generator.config.camera.h_mean)[0]
            return _Mapped(w, Pose(*angles.tolist()), tuple(generator.cam2world(hv).flatten().tolist()))

        return run.stage("mapping", key, mapping), key

    def _content(self, run: StageRun, resident: Resident, view: View) -> _Content:
        generator, latent = resident.network.generator, view.latent
        mapped, key = self._mapped(run, resident, view)
        psi = latent.truncation_psi
        cutoff = None if psi == 1.0 else latent.truncation_cutoff
        ws_key = (key, psi, cutoff)
        ws = run.stage("truncation", ws_key, lambda: generator.mapping.truncate(mapped.w, psi, cutoff))
        planes_key = (ws_key, latent.noise)
        planes = run.stage("planes", planes_key, lambda: generator.synthesize_planes(ws, latent.noise))
        return _Content(ws, mapped, planes, planes_key)

    def _frame(self, run: StageRun, resident: Resident, view: View, level: FrameLevel) -> Frame:
        generator = resident.network.generator
        config = generator.config
        content = self._content(run, resident, view)
        pose, asked = picture_pose(view, content.mapped.pose), view.camera
        own = content.mapped.cam2world if view.pose.source == "predicted" else None
        optics = run.stage(
            "camera",
            (resident.serial, pose, own, asked.roll, asked.radius, asked.fov, asked.pan),
            lambda: optics_of(pose, asked, config.camera, config.render, own),
        )
        quality = self._quality(resident, view, content, optics, level)
        picture = self._picture(run, resident, content, optics, quality)
        seen = None
        if level == "full":
            seen = self._discriminator_pose(run, resident, picture)
        image, raw, depth, opacity, fitted, rgba = self._pixels(run, resident, view, optics, picture)
        return Frame(
            view=view,
            level=level,
            rgba=rgba,
            image=image,
            raw=raw,
            depth=depth,
            opacity=opacity,
            depth_range=view.display.depth_range or fitted,
            camera_pose=pose,
            generator_pose=content.mapped.pose,
            discriminator_pose=seen,
            timings=tuple(run.timings),
            cache_bytes=self.memory.used_bytes,
        )

    def _quality(
        self, resident: Resident, view: View, content: _Content, optics: Optics, level: FrameLevel
    ) -> Quality:
        full = full_quality(resident.network.generator, view.sampling)
        if level == "full":
            return full
        chosen, speed = choose(full, self._speed(resident))
        self._speeds[resident.serial] = speed
        raw_key = _raw_key(content, optics, full)
        if ("rays", raw_key) not in self.memory:
            return chosen
        # The rays of the full frame are there already: nothing is faster.
        superres = chosen.superres or (full.superres and ("super-resolution", raw_key) in self.memory)
        return Quality(full.resolution, full.depth_samples, full.importance_samples, superres)

    def _picture(
        self, run: StageRun, resident: Resident, content: _Content, optics: Optics, quality: Quality
    ) -> _Picture:
        generator = resident.network.generator
        raw_key = _raw_key(content, optics, quality)
        raw = run.stage("rays", raw_key, lambda: march(generator, content.planes, optics, quality, run.check))
        timing = run.timings[-1]
        if not timing.cached:
            speed = self._speed(resident).after_points(quality.points, timing.milliseconds)
            self._speeds[resident.serial] = speed
        if generator.superres is None or not quality.superres:
            return _Picture(raw, raw_key, raw.raw, ("raw", raw_key))
        image = run.stage("super-resolution", raw_key, lambda: generator.superresolve(raw, content.ws))
        timing = run.timings[-1]
        if not timing.cached:
            self._speeds[resident.serial] = self._speed(resident).after_superres(timing.milliseconds)
        return _Picture(raw, raw_key, image, ("superres", raw_key))

    def _discriminator_pose(self, run: StageRun, resident: Resident, picture: _Picture) -> Pose | None:
        discriminator, raw = resident.network.discriminator, picture.raw
        if discriminator is None:
            return None

        def predict() -> Pose:
            frame = RenderedFrame(picture.image, raw.raw, raw.depth, raw.opacity)
            return Pose(*discriminator.predict_pose(frame)[0].double().cpu().tolist())

        return run.stage("pose prediction", picture.image_key, predict)

    def _pixels(
        self, run: StageRun, resident: Resident, view: View, optics: Optics, picture: _Picture
    ) -> tuple[
        NDArray[np.uint8],
        NDArray[np.uint8],
        NDArray[np.float32],
        NDArray[np.float32],
        tuple[float, float],
        NDArray[np.uint8],
    ]:
        raw, render = picture.raw, resident.network.generator.config.render
        span = (render.ray_start + optics.depth_shift, render.ray_end + optics.depth_shift)

        def maps() -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32], tuple[float, float]]:
            depth, opacity = solid_depth(raw.depth, raw.opacity)
            return image_bytes(raw.raw), depth, opacity, fitted_range(depth, span)

        raw_bytes, depth, opacity, fitted = run.stage("maps", picture.raw_key, maps)
        image = raw_bytes
        if picture.image is not raw.raw:
            image = run.stage("image", picture.image_key, lambda: image_bytes(picture.image))
        display = view.display
        key: Hashable = (display.mode, picture.image_key)
        if display.mode in ("depth", "side_by_side"):
            key = (key, display.color_map, display.depth_range)
        rgba = run.stage(
            "display",
            key,
            lambda: compose(display, image, raw_bytes, depth, display.depth_range or fitted),
        )
        return image, raw_bytes, depth, opacity, fitted, rgba

    def _speed(self, resident: Resident) -> Speed:
        speed = self._speeds.get(resident.serial)
        if speed is None:
            speed = guessed_speed(resident.network.generator.config, self._device.type)
            self._speeds = {resident.serial: speed}
        return speed


def _raw_key(content: _Content, optics: Optics, quality: Quality) -> Hashable:
    samples = (quality.resolution, quality.depth_samples, quality.importance_samples)
    return (content.planes_key, optics.cam2world, optics.focal, optics.depth_shift, *samples)


__all__ = ["Cancelled", "Engine"]
