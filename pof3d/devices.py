"""The devices that networks run on, by name."""

from __future__ import annotations

import os

import torch

from pof3d.errors import DeviceError


def device_names() -> tuple[str, ...]:
    """Names of this machine's devices, such as ("cpu", "cuda:0")."""
    return ("cpu", *(f"cuda:{i}" for i in range(_gpus())))


def find_device(name: str | torch.device) -> torch.device:
    """The device of a name.

    Parameters
    ----------
    name : str
        "cpu", "cuda:1", "cuda" (the first GPU; under ``torchrun`` the one of the process's local rank), or
        "auto": "cuda" if there is a GPU.

    Raises
    ------
    DeviceError
        When this machine or this build of torch has no such device.
    """
    count, asked = _gpus(), str(name)
    if asked == "auto":
        asked = "cuda" if count else "cpu"
    try:
        device = torch.device(asked)
    except RuntimeError as error:
        raise DeviceError(f"There is no device “{name}”", todo=_choices()) from error
    if device.type == "cuda" and ":" not in asked:
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    if device.type != "cpu" and not (device.type == "cuda" and device.index < count):
        found = (
            "no CUDA GPU" if count == 0 else "only 1 CUDA GPU" if count == 1 else f"only {count} CUDA GPUs"
        )
        why = f"torch {torch.__version__} finds {found} here"
        raise DeviceError(f"The device “{name}” cannot be used", why, _choices())
    return device


def _gpus() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _choices() -> str:
    return f"Choose from: {', '.join(device_names())}."
