"""Inception v3 as the FID knows it, for weights in a file that the user has.

The network is that of C. Szegedy et al. (arXiv 1512.00567) in the form of TensorFlow's graph of 2015-12-05,
from which all published FIDs come: average pooling leaves padding out, and the last block pools by the
maximum. Parameters have the names of ``pt_inception-2015-12-05-6726825d.pth``, the conversion that
torch-fidelity and pytorch-fid share. (Those packages need torchvision, whose wheels work only beside a torch
of the same build; torchmetrics fails to import beside one that does not match. Hence the network is written
out here.)
"""

from __future__ import annotations

import pickle
from pathlib import Path

import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pof3d.errors import CheckpointError

NUM_FEATURES = 2048
FEATURES_NAME = "Inception v3 (2015-12-05), pool3; resized to 299² bilinearly with antialiasing"
_SIDE = 299


class _Conv(nn.Module):
    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def _row(inputs: int, outputs: int, length: int) -> _Conv:
    return _Conv(inputs, outputs, (1, length), padding=(0, length // 2))


def _column(inputs: int, outputs: int, length: int) -> _Conv:
    return _Conv(inputs, outputs, (length, 1), padding=(length // 2, 0))


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class _BlockA(nn.Module):
    """35 × 35."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = _Conv(inputs, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = _Conv(inputs, 48, 1), _Conv(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = _Conv(inputs, 64, 1)
        self.branch3x3dbl_2, self.branch3x3dbl_3 = _Conv(64, 96, 3, padding=1), _Conv(96, 96, 3, padding=1)
        self.branch_pool = _Conv(inputs, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        five = self.branch5x5_2(self.branch5x5_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, double, self.branch_pool(_average(x))], dim=1)


class _BlockB(nn.Module):
    """35 × 35 to 17 × 17."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = _Conv(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1 = _Conv(inputs, 64, 1)
        self.branch3x3dbl_2, self.branch3x3dbl_3 = _Conv(64, 96, 3, padding=1), _Conv(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, 3, stride=2)], dim=1)


class _BlockC(nn.Module):
    """17 × 17."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch1x1 = _Conv(768, 192, 1)
        self.branch7x7_1 = _Conv(768, width, 1)
        self.branch7x7_2, self.branch7x7_3 = _row(width, width, 7), _column(width, 192, 7)
        self.branch7x7dbl_1 = _Conv(768, width, 1)
        self.branch7x7dbl_2, self.branch7x7dbl_3 = _column(width, width, 7), _row(width, width, 7)
        self.branch7x7dbl_4, self.branch7x7dbl_5 = _column(width, width, 7), _row(width, 192, 7)
        self.branch_pool = _Conv(768, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), seven, double, self.branch_pool(_average(x))], dim=1)


class _BlockD(nn.Module):
    """17 × 17 to 8 × 8."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = _Conv(768, 192, 1), _Conv(192, 320, 3, stride=2)
        self.branch7x7x3_1 = _Conv(768, 192, 1)
        self.branch7x7x3_2 = _Conv(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = _Conv(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = _Conv(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        three = self.branch3x3_2(self.branch3x3_1(x))
        return torch.cat([three, self.branch7x7x3_4(seven), F.max_pool2d(x, 3, stride=2)], dim=1)


class _BlockE(nn.Module):
    """8 × 8."""

    def __init__(self, inputs: int, *, pool_maximum: bool) -> None:
        super().__init__()
        self.pool_maximum = pool_maximum
        self.branch1x1 = _Conv(inputs, 320, 1)
        self.branch3x3_1 = _Conv(inputs, 384, 1)
        self.branch3x3_2a, self.branch3x3_2b = _row(384, 384, 3), _column(384, 384, 3)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = _Conv(inputs, 448, 1), _Conv(448, 384, 3, padding=1)
        self.branch3x3dbl_3a, self.branch3x3dbl_3b = _row(384, 384, 3), _column(384, 384, 3)
        self.branch_pool = _Conv(inputs, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        three = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = F.max_pool2d(x, 3, stride=1, padding=1) if self.pool_maximum else _average(x)
        wide = [self.branch3x3_2a(three), self.branch3x3_2b(three)]
        wide += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat([self.branch1x1(x), *wide, self.branch_pool(pooled)], dim=1)


class InceptionFeatures(nn.Module):
    """Images → 2048 features."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _BlockA(192, 32), _BlockA(256, 64), _BlockA(288, 64)
        self.Mixed_6a = _BlockB(288)
        self.Mixed_6b, self.Mixed_6c = _BlockC(128), _BlockC(160)
        self.Mixed_6d, self.Mixed_6e = _BlockC(160), _BlockC(192)
        self.Mixed_7a = _BlockD()
        self.Mixed_7b, self.Mixed_7c = _BlockE(1280, pool_maximum=False), _BlockE(2048, pool_maximum=True)

    def forward(self, images: Tensor) -> Tensor:
        """Bytes [B, 3, S, S] → features [B, 2048]."""
        side = (_SIDE, _SIDE)
        x = F.interpolate(images.float(), side, mode="bilinear", align_corners=False, antialias=True)
        x = (x - 128.0) / 128.0
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = F.max_pool2d(x, 3, stride=2)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))
        x = F.max_pool2d(x, 3, stride=2)
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            x = self.get_submodule(f"Mixed_{name}")(x)
        return x.mean(dim=(2, 3))


def load_inception(path: Path, device: torch.device) -> InceptionFeatures:
    """Open Inception weights: a state dict, as ``.pth`` or ``.safetensors``. No code of the file is run.

    Raises
    ------
    CheckpointError
        When the file is missing, damaged, or holds other weights.
    """
    advice = (
        "Give pt_inception-2015-12-05-6726825d.pth of torch-fidelity, or the same as .safetensors; "
        "without --inception the toy probe's features are used."
    )
    try:
        if path.suffix == ".safetensors":
            state = safetensors.torch.load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        network = InceptionFeatures()
        # Batch counters and the classifier play no part.
        network.load_state_dict(
            {name: value for name, value in state.items() if not name.startswith(("fc.", "AuxLogits."))}
            | {name: value for name, value in network.state_dict().items() if name.endswith("_tracked")}
        )
    except OSError as error:
        raise CheckpointError(
            f"The Inception weights {path} cannot be read", error.strerror or str(error), advice
        ) from error
    except (RuntimeError, ValueError, EOFError, AttributeError, TypeError) as error:
        raise _foreign(path, str(error).splitlines()[0], advice) from error
    except (pickle.UnpicklingError, safetensors.SafetensorError) as error:
        raise _foreign(path, "it is not a file of plain tensors", advice) from error
    return network.eval().requires_grad_(False).to(device)


def _foreign(path: Path, why: str, advice: str) -> CheckpointError:
    return CheckpointError(f"{path} does not hold the Inception weights of FID", why, advice)
