"""From a View's latent to the w of every layer: interpolation, directions, truncation, style mixing."""

from __future__ import annotations

import math
from collections.abc import Hashable
from functools import cached_property

import torch
from torch import Tensor

from pof3d.cameras import hv_from_yaw_pitch
from viz.latent_edits import amplitudes, interpolates_w, mixing
from viz.networks import Resident
from viz.principal import Directions, principal_directions
from viz.seed_map import blend_latent, map_latent
from viz.stages import StageRun
from viz.view import View


class Latents:
    """The stages up to the latents that layers see. To be used in inference mode.

    Parameters
    ----------
    run : StageRun
        Memory, cancel token and timings.
    resident : Resident
        The View's network.
    view : View
        Of which the latent counts, and the pose that content is conditioned on.
    """

    def __init__(self, run: StageRun, resident: Resident, view: View) -> None:
        self._run = run
        self._latent, self._asked = view.latent, view.pose
        self._generator = resident.network.generator
        self._mapping = self._generator.mapping
        self._serial = resident.serial
        self._amplitudes = amplitudes(self._latent)

    @cached_property
    def _label_key(self) -> Hashable:
        label = (self._asked.conditioning_yaw, self._asked.conditioning_pitch)
        return label if self._mapping.is_conditioned else None

    @cached_property
    def _point_key(self) -> Hashable:
        return (self._serial, self._latent.x, self._latent.y, self._latent.blend)

    @cached_property
    def key(self) -> Hashable:
        """Everything that w depends on."""
        return (self._point_key, interpolates_w(self._latent), self._label_key, self._amplitudes)

    @cached_property
    def conditioning(self) -> Tensor:
        """The pose (h, v) [1, 2] that content is conditioned on, in networks that take one."""
        angles = [[self._asked.conditioning_yaw, self._asked.conditioning_pitch]]
        hv = torch.tensor(angles).to(self._generator.device)
        return hv_from_yaw_pitch(hv, self._generator.config.camera.h_mean)

    def prepare(self) -> None:
        """Run the stages that :meth:`w` builds on."""
        _ = self._corners if interpolates_w(self._latent) else self._z
        if self._amplitudes:
            _ = self._directions

    def w(self) -> Tensor:
        """The latent [1, w_dim], untruncated, moved along the directions."""
        w = self._interpolated() if interpolates_w(self._latent) else self._map(self._z)
        return self._directions.moved(w, self._amplitudes) if self._amplitudes else w

    @cached_property
    def ws_key(self) -> Hashable:
        """Everything that :meth:`ws` depends on."""
        latent = self._latent
        psi = latent.truncation_psi
        # Without truncation it does not matter how many layers have none.
        return (self.key, psi, None if psi == 1.0 else latent.truncation_cutoff, self._mixing)

    def ws(self, w: Tensor) -> Tensor:
        """The latents of all layers [1, num_ws, w_dim]: truncated, and some of them the second seed's."""
        mixing, second = self._mixing, self._second if self._mixing else None

        def truncate() -> Tensor:
            ws = self._truncated(w)
            if mixing is not None and second is not None:
                _, first, end = mixing
                ws[:, first:end] = self._truncated(second)[:, first:end]
            return ws

        return self._run.stage("truncation", self.ws_key, truncate)

    # ------------------------------------------------------------------------------------------- inside
    @cached_property
    def _mixing(self) -> tuple[int, int, int] | None:
        return mixing(self._latent, self._mapping.num_ws)

    def _truncated(self, w: Tensor) -> Tensor:
        return self._mapping.truncate(w, self._latent.truncation_psi, self._latent.truncation_cutoff)

    def _map(self, z: Tensor) -> Tensor:
        mapping = self._mapping
        if not mapping.is_conditioned:
            return mapping.map_w(z)
        return mapping.map_w(z, mapping.label(self.conditioning))

    def _seed_z(self, x: float, y: float) -> Tensor:
        return map_latent(x, y, self._generator.config.z_dim).to(self._generator.device)

    @cached_property
    def _z(self) -> Tensor:
        latent, generator = self._latent, self._generator
        return self._run.stage(
            "latent",
            self._point_key,
            lambda: blend_latent(latent, generator.config.z_dim).to(generator.device),
        )

    @cached_property
    def _corners(self) -> Tensor:
        """The w [4, w_dim] of the seeds around a point, row by row."""
        left, top = math.floor(self._latent.x), math.floor(self._latent.y)

        def map_corners() -> Tensor:
            # One at a time: a batch of them would not give the same bits as a seed alone.
            points = [(left + i, top + j) for j in (0, 1) for i in (0, 1)]
            return torch.cat([self._map(self._seed_z(float(x), float(y))) for x, y in points])

        return self._run.stage("neighbours", (self._serial, left, top, self._label_key), map_corners)

    def _interpolated(self) -> Tensor:
        x, y = self._latent.x % 1.0, self._latent.y % 1.0
        weights = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y]
        return self._corners.new_tensor([weights]) @ self._corners

    @cached_property
    def _directions(self) -> Directions:
        return self._run.stage(
            "directions", self._serial, lambda: principal_directions(self._generator, self._run.check)
        )

    @cached_property
    def _second(self) -> Tensor:
        """The w [1, w_dim] of the second seed."""
        assert self._mixing is not None
        seed = self._mixing[0]
        key = (self._serial, seed, self._label_key)
        return self._run.stage("second seed", key, lambda: self._map(self._seed_z(float(seed), 0.0)))
