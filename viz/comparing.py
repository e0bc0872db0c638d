"""Views beside each other: which ones, and in what arrangement. Plain values.

One pane is active: the present View stands there, and panels edit it. The others keep the View that was
pinned; where the cameras are linked, they are shown from the active one's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

from pof3d.config import CameraConfig
from pof3d.errors import ConfigError, Pof3dError
from viz.frame import Frame
from viz.view import ColorMap, View

if TYPE_CHECKING:
    from viz.difference import Difference
    from viz.jobs import JobState  # which needs torch; --help does without

Cameras = Mapping[int, CameraConfig]
CompareLayout = Literal["side_by_side", "wipe", "difference"]
MOST_PANES = 4
COMPARING_SHOWS_IMAGES = "Comparing shows images: switch it off to see the surface or the points."
GAINS = (1.0, 32.0)
"""Least and largest factor of a difference."""


@dataclass(frozen=True)
class Pane:
    """One of the pictures."""

    key: int
    """Stays the same wherever it stands."""
    view: View
    """What was pinned; of the active pane, the present View counts instead."""


@dataclass(frozen=True)
class Comparison:
    """Two to four panes, or none as long as nothing was pinned."""

    panes: tuple[Pane, ...] = ()
    """From left to right, then from top to bottom."""
    active: int = 0
    """Which pane the present View is."""
    partner_key: int | None = None
    """The pane that a wipe or a difference sets against the active one; None: the next one."""
    layout: CompareLayout = "side_by_side"
    """All panes beside each other, two of them with a divider, or the difference of two."""
    linked: bool = True
    """Whether all panes have the active one's pose settings and camera."""
    shown: bool = False
    """Whether the panes are shown; they are kept either way."""
    divider: float = 0.5
    """Place of the wipe's divider, 0 = left … 1 = right."""
    gain: float = 4.0
    """Factor of a difference before it becomes colours."""
    color_map: ColorMap = "magma"
    """Colours of a difference."""
    issued: int = field(default=0, compare=False)
    """Keys that were given to panes so far."""

    @property
    def on(self) -> bool:
        """Whether there is something to show beside the present View."""
        return self.shown and len(self.panes) > 1

    @property
    def active_key(self) -> int | None:
        """Of the pane that the present View is; None without panes."""
        return self.panes[self.active].key if self.panes else None

    @property
    def partner(self) -> int:
        """Index of the pane that a wipe or a difference sets against the active one."""
        for index, pane in enumerate(self.panes):
            if pane.key == self.partner_key and index != self.active:
                return index
        return (self.active + 1) % max(len(self.panes), 1)

    @property
    def pair(self) -> tuple[int, int]:
        """Indices of the two panes of a wipe or a difference, in their order."""
        first, second = sorted((self.active, self.partner))
        return first, second

    @property
    def visible(self) -> tuple[int, ...]:
        """Indices of the panes that the layout needs."""
        return tuple(range(len(self.panes))) if self.layout == "side_by_side" else self.pair


@dataclass(frozen=True)
class GridPlan:
    """A grid of pictures: one seed a row, one yaw a column."""

    seeds: int = 6
    """Rows, from the present seed on."""
    yaws: int = 5
    """Columns."""
    first_yaw: float = math.radians(-40.0)
    """Of the left column, radians."""
    last_yaw: float = math.radians(40.0)
    """Of the right column, radians."""
    cell: int = 192
    """Side of one picture, pixels; depth beside it doubles the width."""


@dataclass(frozen=True)
class CompareState:
    """What panels and the viewport see of a comparison."""

    comparison: Comparison = field(default_factory=Comparison)
    views: tuple[View, ...] = ()
    """Of the panes, as they are shown."""
    names: tuple[str, ...] = ()
    """Of the panes: network, seed, and what sets each apart."""
    frames: Mapping[int, Frame] = field(default_factory=dict)
    """The newest good picture by the pane's key."""
    errors: Mapping[int, Pof3dError] = field(default_factory=dict)
    """Why a pane has no picture, by its key."""
    difference: Difference | None = None
    """Of the pair, where the layout asks for it and the pictures have the same shape."""
    grid: GridPlan = field(default_factory=GridPlan)
    job: JobState | None = None
    """The grid under way, or the last one."""
    saved: Path | None = None
    """Where the last grid is."""


class CompareActions(Protocol):
    """What panels may ask for."""

    def pin_view(self) -> None:
        """Keep the present View as a pane and go on beside it."""

    def activate_pane(self, index: int) -> None:
        """Make another pane the present View."""

    def remove_pane(self, index: int) -> None:
        """Take a pane away; of the active one, a neighbour becomes active."""

    def change_comparison(self, comparison: Comparison) -> None:
        """Change how the panes are shown: everything but the panes themselves."""

    def save_comparison(self) -> None:
        """Save what is compared as one picture, as it is arranged."""

    def plan_grid(self, plan: GridPlan) -> None:
        """Take note of which grid to save."""

    def save_grid(self) -> None:
        """Render the grid in the background and save it as PNG."""

    def cancel_grid(self) -> None:
        """Stop the grid; nothing of it remains."""


# ------------------------------------------------------------------------------------------------- panes
def synced(comparison: Comparison, view: View) -> Comparison:
    """The same with the present View in its pane."""
    if not comparison.panes or comparison.panes[comparison.active].view == view:
        return comparison
    panes = list(comparison.panes)
    panes[comparison.active] = replace(panes[comparison.active], view=view)
    return replace(comparison, panes=tuple(panes))


def pinned(comparison: Comparison, view: View) -> Comparison:
    """Keep a copy of the present View just before the active pane; the comparison is shown.

    Raises
    ------
    ValueError
        When there is no room for another pane.
    """
    comparison, key = synced(comparison, view), comparison.issued
    if not comparison.panes:
        both = (Pane(key, view), Pane(key + 1, view))
        return replace(comparison, panes=both, active=1, issued=key + 2, shown=True)
    if len(comparison.panes) >= MOST_PANES:
        raise ValueError(f"there are {MOST_PANES} panes already")
    active = comparison.active
    panes = (*comparison.panes[:active], Pane(key, view), *comparison.panes[active:])
    return replace(comparison, panes=panes, active=active + 1, issued=key + 1, shown=True)


def activated(
    comparison: Comparison, index: int, view: View, cameras: Cameras = MappingProxyType({})
) -> tuple[Comparison, View]:
    """Make another pane the active one; also gives its View, as it was shown."""
    shown = shown_view(comparison, index, view, cameras)
    comparison = replace(synced(comparison, view), active=index)
    if comparison.partner_key == comparison.panes[index].key:
        comparison = replace(comparison, partner_key=None)
    return synced(comparison, shown), shown


def removed(comparison: Comparison, index: int) -> Comparison:
    """Without a pane that is not active; a single one that is left is none to compare."""
    if index == comparison.active:
        raise ValueError("the active pane shows the present View")
    panes = tuple(pane for i, pane in enumerate(comparison.panes) if i != index)
    if len(panes) < 2:
        return replace(comparison, panes=(), active=0, partner_key=None, shown=False)
    return replace(comparison, panes=panes, active=comparison.active - (index < comparison.active))


def linked_view(
    view: View, leader: View, own: CameraConfig | None = None, leaders: CameraConfig | None = None
) -> View:
    """A View seen as another one is: its pose's source and camera, with the content as it was.

    Where both networks' own cameras are known, distance, shift and field of view are relative to them: half
    as wide as the one network's pictures is half as wide as the other's.
    """
    pose, given = leader.pose, (view.pose.conditioning_yaw, view.pose.conditioning_pitch)
    if given != (pose.conditioning_yaw, pose.conditioning_pitch):
        pose = replace(pose, conditioning_yaw=given[0], conditioning_pitch=given[1])
    camera = leader.camera
    if own is not None and leaders is not None and own != leaders:
        from viz.limits import FOV, RADIUS  # which needs numpy; --help does without

        farther = own.radius / leaders.radius
        if camera.radius is not None:
            camera = replace(camera, radius=_within(camera.radius * farther, RADIUS))
        x, y, z = camera.pan
        camera = replace(camera, pan=(x * farther, y * farther, z * farther))
        if camera.fov is not None:
            # Focal lengths are in widths of the picture: half of one over them is the tangent of the angle.
            tangent = math.tan(camera.fov / 2.0) * leaders.focal / own.focal
            camera = replace(camera, fov=_within(2.0 * math.atan(tangent), FOV))
    return replace(view, pose=pose, camera=camera)


def _within(value: float, span: tuple[float, float]) -> float:
    return min(max(value, span[0]), span[1])


def shown_view(
    comparison: Comparison, index: int, view: View, cameras: Cameras = MappingProxyType({})
) -> View:
    """What a pane shows while ``view`` is the present one; ``cameras``: the networks' own, by pane's key."""
    if index == comparison.active:
        return view
    pane = comparison.panes[index]
    if not comparison.linked:
        return pane.view
    leaders = cameras.get(comparison.panes[comparison.active].key)
    return linked_view(pane.view, view, cameras.get(pane.key), leaders)


def shown_views(
    comparison: Comparison, view: View, cameras: Cameras = MappingProxyType({})
) -> tuple[View, ...]:
    """What each pane shows."""
    return tuple(shown_view(comparison, index, view, cameras) for index in range(len(comparison.panes)))


def companions(
    comparison: Comparison, view: View, cameras: Cameras = MappingProxyType({})
) -> dict[int, View]:
    """What is to be rendered beside the present View, by the pane's key."""
    if not comparison.on:
        return {}
    return {
        comparison.panes[index].key: shown_view(comparison, index, view, cameras)
        for index in comparison.visible
        if index != comparison.active
    }


def with_new_keys(comparison: Comparison, issued: int) -> Comparison:
    """The same panes under keys that were not given yet: ``issued`` of them were."""
    keys = {pane.key: issued + i for i, pane in enumerate(comparison.panes)}
    return replace(
        comparison,
        panes=tuple(replace(pane, key=keys[pane.key]) for pane in comparison.panes),
        partner_key=None if comparison.partner_key is None else keys.get(comparison.partner_key),
        issued=issued + len(keys),
    )


def check_comparison(comparison: Comparison) -> None:
    """Refuse a comparison that cannot be shown.

    Raises
    ------
    ConfigError
        Naming what is wrong.
    """
    from viz.limits import check_view  # needs numpy, which --help does without

    what, panes = "The comparison cannot be shown", comparison.panes
    if len(panes) == 1 or len(panes) > MOST_PANES:
        raise ConfigError(what, f"it has {len(panes)} panes, not 2 to {MOST_PANES}")
    if len({pane.key for pane in panes}) < len(panes):
        raise ConfigError(what, "two of its panes have the same key")
    if not 0 <= comparison.active < max(len(panes), 1):
        raise ConfigError(what, f"there is no pane {comparison.active}")
    if not 0.0 <= comparison.divider <= 1.0 or not GAINS[0] <= comparison.gain <= GAINS[1]:  # NaN fails, too
        raise ConfigError(what, "its divider or its gain is out of range")
    for pane in panes:
        check_view(pane.view)
