"""Where things are in the window: what tests and the tour press. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rect:
    """A rectangle of the window, in the units of mouse positions."""

    left: float
    top: float
    right: float
    bottom: float
    enabled: bool = True
    """Whether the control takes input."""

    @property
    def centre(self) -> tuple[float, float]:
        """The middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def corners(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Left top and right bottom."""
        return (self.left, self.top), (self.right, self.bottom)

    @property
    def width(self) -> float:
        """Right minus left."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Bottom minus top."""
        return self.bottom - self.top

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The point at fractions of width and height."""
        return self.left + x * self.width, self.top + y * self.height

    def contains(self, other: Rect, margin: float = 0.5) -> bool:
        """Whether the other lies inside, give or take `margin`."""
        return (
            other.left >= self.left - margin
            and other.top >= self.top - margin
            and other.right <= self.right + margin
            and other.bottom <= self.bottom + margin
        )

    def overlaps(self, other: Rect, margin: float = 0.5) -> bool:
        """Whether the two share more than a border."""
        return (
            min(self.right, other.right) - max(self.left, other.left) > margin
            and min(self.bottom, other.bottom) - max(self.top, other.top) > margin
        )


@dataclass
class Registry:
    """Where things of the newest frame are."""

    rects: dict[str, Rect] = field(default_factory=dict)
    """Controls, as "Panel/Label"."""
    clips: dict[str, Rect] = field(default_factory=dict)
    """What shows of the surroundings of a control: it has been scrolled away if its middle lies outside."""
    windows: dict[str, Rect] = field(default_factory=dict)
    """Whole panels, by title; only those that show."""
