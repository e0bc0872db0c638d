"""Where the predicted pose has just been: it lives in the latent, and moves with it."""

from __future__ import annotations

from collections import deque

from viz.frame import Pose

SECONDS = 1.6
"""Until a point of the trail has faded."""
_MOST = 240
_FARTHEST = 0.6
"""A longer jump, radians, is another latent and not a way."""


class PoseTrail:
    """The newest predicted poses, for a short time."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, Pose]] = deque(maxlen=_MOST)

    def follow(self, pose: Pose, now: float) -> list[tuple[Pose, float]]:
        """Take the pose of now; the trail, oldest first, with what is left of each point, 0 … 1.

        Empty when the pose has been still for a while.

        Parameters
        ----------
        pose : Pose
            Predicted for what is on the screen.
        now : float
            Seconds.
        """
        points = self._points
        if not points or points[-1][1] != pose:
            if points:
                last = points[-1][1]
                if abs(last.yaw - pose.yaw) + abs(last.pitch - pose.pitch) > _FARTHEST:
                    points.clear()
                else:
                    # It stood there until now.
                    points[-1] = (now, last)
            points.append((now, pose))
        while len(points) > 1 and now - points[0][0] > SECONDS:
            points.popleft()
        if len(points) < 2:
            return []
        return [(one, max(0.0, 1.0 - (now - time) / SECONDS)) for time, one in points]
