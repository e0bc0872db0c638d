"""The chain of stages between a View and its pixels. Each is remembered by exactly what it reads."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pof3d.cameras import yaw_pitch_from_hv
from pof3d.config import CameraConfig
from pof3d.nets.generator import RawFrame
from pof3d.render.fast import FastField
from pof3d.render.graphs import OrbitGraphs
from viz.display import compose, image_bytes
from viz.frame import Pose
from viz.latents import Latents
from viz.maps import DeviceMaps, Maps, maps_of
from viz.marching import full_quality, march
from viz.networks import Resident
from viz.optics import Optics, optics_of, picture_pose
from viz.preview import Quality
from viz.reprojection import Reference, enlarged, reference, reproject
from viz.stages import StageRun
from viz.view import View


@dataclass(frozen=True)
class Mapped:
    """What the mapping network gives."""

    w: Tensor
    """[1, w_dim], untruncated."""
    pose: Pose
    """The generator's own."""
    camera: CameraConfig
    """The network's cameras, with the distance and field of view that the generator predicts, if it does."""
    cam2world: tuple[float, ...]
    """The generator's own camera, row by row."""


@dataclass(frozen=True)
class Picture:
    """What the camera sees, as tensors."""

    raw: RawFrame
    raw_key: Hashable
    image: Tensor
    """[1, 3, S, S]: after super-resolution, or the raw image."""
    image_key: Hashable
    pixels: NDArray[np.uint8] | None = None
    """[S, S, 4]: the image, where the device has made bytes of it."""
    maps: DeviceMaps | None = None
    """Those of ``raw``, where they may stay on the device."""
    prepared: bool = True
    """See :class:`~pof3d.render.graphs.Drawn`."""


class Chain:
    """The stages for one View and one network. To be used in inference mode.

    Parameters
    ----------
    run : StageRun
        Memory, cancel token and timings.
    resident : Resident
        The View's network.
    view : View
        What to look at.
    lanes : int, optional
        Threads that share one step of the fast renderer's work; as many as torch has by default.
    graphs : OrbitGraphs, optional
        What draws the fast renderer's pictures on a GPU.
    """

    def __init__(
        self,
        run: StageRun,
        resident: Resident,
        view: View,
        lanes: int | None = None,
        graphs: OrbitGraphs | None = None,
    ) -> None:
        self.run = run
        self.view = view
        self._network = resident.network
        self._generator = resident.network.generator
        self._lanes = lanes
        self._fast = resident.fast if view.sampling.fast else None
        """None: the plain renderer."""
        self._serial = resident.serial
        self._latents = Latents(run, resident, view)
        self._graphs = graphs

    @cached_property
    def mapped(self) -> Mapped:
        """Latent and mapping network: w and the predicted pose. Truncation has no part in it."""
        generator, latents, asked = self._generator, self._latents, self.view.pose
        mapping, camera = generator.mapping, generator.config.camera

        def map_z() -> Mapped:
            w = latents.w()
            if mapping.is_conditioned:
                hv = latents.conditioning
                angles = torch.tensor([[asked.conditioning_yaw, asked.conditioning_pitch]])
            else:
                hv = mapping.predict_pose(w)
                angles = yaw_pitch_from_hv(hv.double(), camera.h_mean)
            own = replace(camera, focal=float(generator.focal(hv)))
            if generator.config.pose_extra == "radius":
                own = replace(own, radius=float(hv[0, 2]))
            matrix = generator.cam2world(hv)
            return Mapped(w, Pose(*angles[0].tolist()), own, tuple(matrix.flatten().tolist()))

        latents.prepare()
        return self.run.stage("mapping", latents.key, map_z)

    @cached_property
    def _ws(self) -> Tensor:
        return self._latents.ws(self.mapped.w)

    @cached_property
    def _planes_key(self) -> Hashable:
        return (self._latents.ws_key, self.view.latent.noise, self._fast is not None)

    @cached_property
    def planes(self) -> Tensor:
        """[1, 3, C, R, R]."""
        ws, noise = self._ws, self.view.latent.noise
        fast, generator = self._fast, self._generator

        def make() -> Tensor:
            if fast is None:
                return generator.synthesize_planes(ws, noise)
            return fast.synthesize_planes(ws, noise, lanes=self._lanes)

        return self.run.stage("planes", self._planes_key, make)

    @cached_property
    def field(self) -> FastField | Tensor:
        """The planes as rays read them: the fast renderer's with their density grid."""
        planes, fast = self.planes, self._fast
        if fast is None:
            return planes
        return self.run.stage("field", self._planes_key, lambda: fast.field(planes, lanes=self._lanes))

    @cached_property
    def optics(self) -> Optics:
        """The camera."""
        asked, config, camera = self.view.camera, self._generator.config, self.mapped.camera
        pose = picture_pose(self.view, self.mapped.pose)
        own = self.mapped.cam2world if self.view.pose.source == "predicted" else None
        return self.run.stage(
            "camera",
            (self._serial, pose, own, camera, asked.roll, asked.radius, asked.fov, asked.pan),
            lambda: optics_of(pose, asked, camera, config.render, own),
            wait=False,
        )

    @cached_property
    def full(self) -> Quality:
        """What the View's full frame uses."""
        return full_quality(self._generator, self.view.sampling)

    def raw_key(self, quality: Quality) -> Hashable:
        """Everything that the rays read."""
        optics = self.optics
        camera = (optics.cam2world, optics.focal, optics.depth_shift)
        samples = (quality.resolution, quality.depth_samples, quality.importance_samples, quality.fast)
        return (self._planes_key, *camera, *samples)

    def picture(self, quality: Quality) -> Picture:
        """Rays, and super-resolution where asked for and there is one."""
        if self._graphs is not None and self._fast is not None:
            return self._drawn(self._graphs, quality)
        generator, fast, key, field = self._generator, self._fast, self.raw_key(quality), self.field

        def rays() -> RawFrame:
            return march(fast or generator, field, self.optics, quality, self.run.check, self._lanes)

        def superres() -> Tensor:
            # The key of the rays holds that of the planes, and so of the w that is read here.
            if fast is None:
                return generator.superresolve(raw, self._ws)
            return fast.superresolve(raw, self._ws, lanes=self._lanes)

        raw = self.run.stage("rays", key, rays)
        if generator.superres is None or not quality.superres:
            return Picture(raw, key, raw.raw, ("raw", key))
        image = self.run.stage("super-resolution", key, superres)
        return Picture(raw, key, image, ("super-resolution", key))

    def is_drawn(self, quality: Quality) -> bool:
        """Whether a graph's picture of this quality is there already."""
        return self._graphs is not None and ("picture", self._drawn_key(quality)) in self.run.memory

    def _drawn_key(self, quality: Quality) -> Hashable:
        return (self.raw_key(quality), quality.superres and self._generator.superres is not None)

    def _drawn(self, graphs: OrbitGraphs, quality: Quality) -> Picture:
        """Rays, super-resolution and bytes in one stage: a recorded graph makes them together."""
        generator, field, ws, optics = self._generator, self.field, self._ws, self.optics
        assert isinstance(field, FastField)
        key, kept = self.raw_key(quality), self._drawn_key(quality)
        render, shift = generator.config.render, optics.depth_shift
        superres = quality.superres and generator.superres is not None

        def draw() -> Picture:
            drawn = graphs.draw(
                generator,
                field,
                ws,
                optics.cam2world,
                optics.focal,
                shift,
                resolution=quality.resolution,
                samples=quality.depth_samples,
                superres=superres,
            )
            maps = DeviceMaps(drawn.raw, (render.ray_start + shift, render.ray_end + shift))
            kind = "super-resolution" if superres else "raw"
            return Picture(drawn.raw, key, drawn.image, (kind, key), drawn.pixels, maps, drawn.prepared)

        return self.run.stage("picture", kept, draw, wait=False)

    # -------------------------------------------------------------------------------------- while moving
    @property
    def _reference_key(self) -> Hashable:
        """Pictures of this may take their detail from one another."""
        return (self._planes_key, self.full)

    def keep(self, picture: Picture) -> None:
        """Let previews of the same latent take their detail from this full picture."""
        if picture.image_key != ("raw", picture.raw_key):
            self.run.memory.put("reference", self._reference_key, (picture.raw_key, self.optics))

    def moving(self, picture: Picture, *, carry: bool) -> Picture:
        """A preview's picture at the full frame's size; ``carry``: with the detail of the last full one.

        What a device has made bytes of stays as it is: there, full frames are quick.
        """
        if picture.pixels is not None:
            return picture
        config, raw, side = self._generator.config, picture.raw, picture.raw.raw.shape[-1]
        size = config.image_resolution if self.full.superres else self.full.resolution
        if picture.image.shape[-1] == size:
            return picture
        last = self._reference(side) if carry else None
        if last is None:
            key: Hashable = ("enlarged", picture.image_key, size)
            image = self.run.stage("enlargement", key, lambda: enlarged(picture.image, size))
        else:
            key = ("reprojected", picture.raw_key, last[0])
            image = self.run.stage(
                "reprojection", key, lambda: reproject(raw, self.optics, last[1], self._ray_range)
            )
        return replace(picture, image=image, image_key=key)

    def _reference(self, side: int) -> tuple[Hashable, Reference] | None:
        """The last full picture of this latent, for raw images of this size; None without one."""
        memory = self.run.memory
        kept = memory.get("reference", self._reference_key)
        if memory.is_absent(kept):
            return None
        key, optics = kept
        raw, image = memory.get("rays", key), memory.get("super-resolution", key)
        if memory.is_absent(raw) or memory.is_absent(image):
            return None
        return key, self.run.stage(
            "detail", (key, side), lambda: reference(image, raw, optics, side, self._ray_range)
        )

    @property
    def _ray_range(self) -> tuple[float, float]:
        render = self._generator.config.render
        return render.ray_start, render.ray_end

    def discriminator_pose(self, picture: Picture) -> Pose | None:
        """What the discriminator makes of a picture; None without one."""
        discriminator, raw = self._network.discriminator, picture.raw
        if discriminator is None or not discriminator.pose_aware:
            return None

        def predict() -> Pose:
            # What `predict_pose` does, but it can be abandoned: full-size ones take seconds on a CPU.
            x = discriminator.prepare(picture.image, raw.raw)
            for resolution in discriminator.resolutions:
                self.run.check()
                x = discriminator.get_submodule(f"b{resolution}")(x)
            hv = discriminator.look_closely(x)[1]
            assert hv is not None
            angles = yaw_pitch_from_hv(hv.double(), discriminator.camera.h_mean)
            return Pose(*angles[0].tolist())

        return self.run.stage("pose prediction", picture.image_key, predict)

    def maps(self, picture: Picture) -> Maps | DeviceMaps:
        """Raw image and depth as arrays."""
        if picture.maps is not None:
            return picture.maps
        raw, render, shift = picture.raw, self._generator.config.render, self.optics.depth_shift
        span = (render.ray_start + shift, render.ray_end + shift)
        return self.run.stage("maps", picture.raw_key, lambda: maps_of(raw, span))

    def image(self, picture: Picture, maps: Maps | DeviceMaps) -> NDArray[np.uint8]:
        """The final image as an array."""
        if picture.pixels is not None:
            return picture.pixels[..., :3]
        if picture.image_key == ("raw", picture.raw_key):
            return maps.raw
        return self.run.stage("image", picture.image_key, lambda: image_bytes(picture.image))

    def rgba(self, picture: Picture, maps: Maps | DeviceMaps, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The pixels for the screen."""
        display = self.view.display
        if picture.pixels is not None and display.mode == "rgb":
            return picture.pixels  # no map is read
        inputs: dict[str, Hashable] = {
            "rgb": picture.image_key,
            "raw": picture.raw_key,
            "depth": (picture.raw_key, display.color_map, display.depth_range),
            "side_by_side": (picture.image_key, display.color_map, display.depth_range),
            "normals": (picture.raw_key, display.normals_space),
            "opacity": (picture.raw_key,),
        }
        return self.run.stage(
            "display",
            (display.mode, inputs[display.mode]),
            lambda: compose(
                display,
                image,
                maps.raw,
                maps.depth,
                display.depth_range or maps.fitted,
                opacity=maps.opacity,
                camera=(self.optics.cam2world, self.optics.focal),
            ),
            wait=False,
        )
