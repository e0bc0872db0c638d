"""What the release takes for the same work, and how much faster the fast renderer is to be.

The times stand in the notes on the release's checkpoints (RELEASE_FORMAT.md, "Speed of the release"):
full-size random networks on two idle cores, float32, no GPU, medians in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "RELEASE_FORMAT.md, two idle cores, float32, medians"


@dataclass(frozen=True)
class ReleaseTimes:
    """Milliseconds of one network."""

    planes: float
    preview: float
    """Rays of the raw 64² image."""
    superresolution: float
    orbit: float
    """Rays and super-resolution of a latent whose planes are there."""
    latent: float
    """A new latent to its full image."""
    grid: float
    """128³ densities."""
    tuned_orbit: float
    """As ``orbit``, with the C allocator told to keep what is freed: as the plain renderer runs here."""
    tuned_latent: float


RELEASE = {
    "ffhq": ReleaseTimes(440.0, 370.0, 80.0, 420.0, 880.0, 2900.0, 277.0, 605.0),
    "cars": ReleaseTimes(415.0, 600.0, 15.0, 620.0, 1000.0, 3100.0, 303.0, 617.0),
}
PEAK_MEGABYTES = (900, 960)
"""Of a frame."""


@dataclass(frozen=True)
class SpeedTarget:
    """So many times as fast as the release."""

    network: str
    work: str
    title: str
    factor: float

    @property
    def release(self) -> float:
        """Milliseconds that the release takes."""
        return float(getattr(RELEASE[self.network], self.work))


SPEED_TARGETS = (
    SpeedTarget("ffhq", "orbit", "ffhq: orbit step, full quality", 14.0),
    SpeedTarget("ffhq", "preview", "ffhq: raw 64² preview", 40.0),
    SpeedTarget("ffhq", "latent", "ffhq: new latent to full image", 6.0),
    SpeedTarget("ffhq", "grid", "ffhq: 128³ density grid", 12.0),
    SpeedTarget("cars", "orbit", "cars: orbit step, full quality", 30.0),
)
MEMORY_SHARE = 0.6
"""Of the plain renderer's peak."""
BUNDLED_FPS = 60.0
LEAST_PSNR = 40.0
DEPTH_SHARE = 0.01
"""Depth error on opaque pixels, of the ray range."""
COLD_START_SECONDS = 4.0
WINDOW_MILLISECONDS = 4.0
"""Of the interface's work per frame, with every panel open."""
REST_SHARE = 0.02
"""Of a core, when nothing happens."""
GPU_FPS = 240.0
"""ffhq, orbit at 256², on an H100."""
