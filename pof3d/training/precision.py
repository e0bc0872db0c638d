"""Number formats of convolutions and matrix products."""

from __future__ import annotations

import torch

from pof3d.errors import ConfigError
from pof3d.training.config import Precision


def set_precision(precision: Precision, device: torch.device) -> None:
    """Prepare torch for training with a precision; ``bfloat16`` itself is chosen operation by operation.

    Raises
    ------
    ConfigError
        When the device does not have it.
    """
    if precision == "tf32" and device.type != "cuda":
        raise ConfigError("--training.precision is tf32", f"{device.type} does not have it")
    if device.type != "cuda":
        return  # bfloat16 works on every processor, fast only where it has instructions for it
    if precision != "float32" and torch.cuda.get_device_capability(device) < (8, 0):
        raise ConfigError(
            f"--training.precision is {precision}",
            f"{torch.cuda.get_device_name(device)} does not have it",
            "Train with float32, or on a GPU of compute capability 8.0 or newer.",
        )
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "float32"
