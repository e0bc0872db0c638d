"""The Inception network against torch-fidelity's, and files that are not its weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from pof3d.errors import CheckpointError
from pof3d.metrics.inception import InceptionFeatures, load_inception

CPU = torch.device("cpu")
FIRST_SIX = [1.431233, 1.268619, 0.008889, 0.198741, 14.064638, 6.079299]
MEAN = 4.680696


def random_weights() -> dict[str, torch.Tensor]:
    """Weights for which activations neither vanish nor explode; always the same."""
    rng = torch.Generator().manual_seed(1)
    state = InceptionFeatures().state_dict()
    for name, value in state.items():
        if name.endswith("conv.weight"):
            value.copy_(torch.randn(value.shape, generator=rng) * (2.0 / value[0].numel()) ** 0.5)
        elif name.endswith(("running_mean", "bias")):
            value.copy_(0.1 * torch.randn(value.shape, generator=rng))
        elif value.is_floating_point():
            value.copy_(0.5 + torch.rand(value.shape, generator=rng))
    return state


def test_features_are_those_of_torch_fidelity(tmp_path: Path) -> None:
    state = {name: value for name, value in random_weights().items() if not name.endswith("_tracked")}
    path = tmp_path / "inception.safetensors"
    safetensors.torch.save_file(state | {"fc.weight": torch.zeros(1008, 2048)}, path)
    network = load_inception(path, CPU)
    rng = torch.Generator().manual_seed(2)
    images = torch.randint(0, 256, (1, 3, 299, 299), generator=rng).to(torch.uint8)
    with torch.no_grad():
        found = network(images)
    assert found.shape == (1, 2048)
    # From torch_fidelity 0.4.0, FeatureExtractorInceptionV3, with the same weights and image.
    assert found[0, :6].tolist() == pytest.approx(FIRST_SIX, rel=1e-3)
    assert found.mean().item() == pytest.approx(MEAN, rel=1e-3)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"missing\.pth.*[Nn]o such file"):
        load_inception(tmp_path / "missing.pth", CPU)
    (tmp_path / "text.pth").write_text("not weights")
    torch.save({"conv.weight": torch.zeros(2)}, tmp_path / "other.pth")
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    safetensors.torch.save_file({"conv.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    for name in ("text.pth", "other.pth", "list.pth", "other.safetensors", "damaged.safetensors"):
        with pytest.raises(CheckpointError, match="does not hold the Inception weights"):
            load_inception(tmp_path / name, CPU)


def test_nothing_that_a_file_carries_is_run(tmp_path: Path) -> None:
    witness = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path.touch, (witness,))

    torch.save({"x": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(CheckpointError):
        load_inception(tmp_path / "bomb.pth", CPU)
    assert not witness.exists()
