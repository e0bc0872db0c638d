"""The layout of image sets on disk: the one EG3D's and PoF3D's users have, with ground truth where known.

Layout, of a folder or of a .zip file with the same content::

    00000/img00000000.png ...   RGB images, a thousand to a folder
    dataset.json                {"labels": [[name, [16 cam2world row-major, 9 normalised intrinsics]], ...]}
    poses.npz                   ground truth, optional: name [N], yaw [N], pitch [N], radians
    depth.zip                   ground truth, optional: one 16-bit PNG per image under the image's own name
    about.json                  how the set was made, optional

Depth is the distance from the camera *along the ray* through the pixel's centre, in steps of 1 /
`DEPTH_STEPS` world units; 0 is background. It sits in an archive of its own because readers of this layout
take every PNG they find for a training image.
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
DEPTH_STEPS = 10_000
"""Steps of a stored depth value per world unit."""
LABEL_FILE, POSE_FILE, DEPTH_FILE, ABOUT_FILE = "dataset.json", "poses.npz", "depth.zip", "about.json"
PARTIAL_SUFFIX = ".partial"
"""Ends the names of what is still being written."""


def image_name(index: int) -> str:
    """Name of image `index` in the layout, e.g. ``00001/img00001234.png``."""
    return f"{index // 1000:05d}/img{index:08d}.png"


def encode_png(array: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> bytes:
    """PNG file of an RGB image (uint8 [H, W, 3]) or of a depth map in steps (uint16 [H, W])."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def depth_to_steps(depth: npt.NDArray[np.floating]) -> npt.NDArray[np.uint16]:
    """Depth in world units to stored steps, same shape; values beyond 6.5535 saturate."""
    return np.clip(np.rint(np.asarray(depth, np.float64) * DEPTH_STEPS), 0, 65535).astype(np.uint16)
