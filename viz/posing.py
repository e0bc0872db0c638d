"""Which pose a View asks for, and how touching one of the four named poses changes it. Pure functions."""

from __future__ import annotations

from dataclasses import replace

from viz.frame import Frame, Pose
from viz.optics import picture_pose
from viz.view import PoseSource, View


def shown_pose(view: View, frame: Frame | None) -> Pose | None:
    """Where the View's picture is taken from; None while the predicted one is not known yet.

    Parameters
    ----------
    view : View
    frame : Frame, optional
        The newest picture: it knows what the generator predicts.
    """
    if view.pose.source == "predicted" and frame is None:
        return None
    return picture_pose(view, frame.generator_pose if frame else Pose(0.0, 0.0))


def with_override(view: View, pose: Pose) -> View:
    """Take the picture from this pose, set by hand."""
    changed = replace(view.pose, source="override", override_yaw=pose.yaw, override_pitch=pose.pitch)
    return replace(view, pose=changed)


def with_conditioning(view: View, pose: Pose) -> View:
    """Condition the content on this pose."""
    changed = replace(view.pose, conditioning_yaw=pose.yaw, conditioning_pitch=pose.pitch)
    return replace(view, pose=changed)


def with_orbit(view: View, pose: Pose) -> View:
    """Take the picture with the orbit camera from this pose."""
    camera = replace(view.camera, yaw=pose.yaw, pitch=pose.pitch)
    return replace(view, pose=replace(view.pose, source="free"), camera=camera)


def with_pose(view: View, pose: Pose) -> View:
    """Move the orbit camera where it is free, the override otherwise: touching a predicted pose sets one."""
    return with_orbit(view, pose) if view.pose.source == "free" else with_override(view, pose)


def with_source(view: View, source: PoseSource, frame: Frame | None) -> View:
    """Choose where the pose comes from.

    The orbit camera starts where the picture was taken from, so that nothing jumps.
    """
    if source == view.pose.source:
        return view
    pose = shown_pose(view, frame)
    if source == "free" and pose is not None:
        return with_orbit(view, pose)
    return replace(view, pose=replace(view.pose, source=source))
