"""The toy probe on toys it has not seen, and files that are not a probe."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from pof3d.data.toy_sets import TOY_SETS, SetName
from pof3d.errors import CheckpointError
from pof3d.metrics.depth import normalised_error, overlap
from pof3d.metrics.images import image_distance
from pof3d.metrics.probe import (
    DEPTH_RESOLUTION,
    NUM_FEATURES,
    PROBE_PATH,
    Probe,
    load_probe,
    relief,
    save_probe,
    shrink_depth,
)

CARD = json.loads(PROBE_PATH.with_suffix(".json").read_text())
SEED = 54321  # neither trained nor tested on


def toys(name: SetName, count: int) -> tuple[torch.Tensor, torch.Tensor, float]:
    samples = [TOY_SETS[name].sample(SEED, i, 64) for i in range(count)]
    images = torch.from_numpy(np.stack([s.image for s in samples])).permute(0, 3, 1, 2)
    return (
        images,
        torch.from_numpy(np.stack([s.depth for s in samples]))[:, None],
        TOY_SETS[name].camera.focal,
    )


@pytest.mark.parametrize("name", ["toy-cats", "toy-cars"])
def test_it_sees_the_depth_of_toys_that_it_does_not_know(name: SetName) -> None:
    images, depth, focal = toys(name, 12)
    small, mask = shrink_depth(depth, depth > 0)
    seen = load_probe()(images)
    assert seen.relief.shape == seen.opacity.shape == (12, 1, DEPTH_RESOLUTION, DEPTH_RESOLUTION)
    (card,) = [entry for entry in CARD["held_out"] if entry["dataset"] == name]
    error = normalised_error(seen.relief, small, mask).mean().item()
    assert error < 1.8 * card["normalised_depth_error"]
    assert overlap(seen.opacity > 0.5, mask).mean().item() > 0.9
    # A wrong pairing is no better than chance: 2 for unrelated maps, less since all toys bulge.
    assert normalised_error(seen.relief.roll(1, 0), small, mask).mean().item() > 3 * error
    scale = (seen.relief * mask).abs().sum() / relief(small, mask, focal).abs().sum()
    assert scale.item() == pytest.approx(1.0, abs=0.15)


def test_features_tell_what_was_done_to_images() -> None:
    probe = load_probe()
    images, _, _ = toys("toy-cats", 32)
    features = probe(images).features
    assert features.shape == (32, NUM_FEATURES)
    blurred = torch.nn.functional.avg_pool2d(images.float(), 5, 1, 2, count_include_pad=False)
    darker = images.float() * 0.7
    alike = image_distance(features[:16], features[16:]).fid
    for changed in (blurred, darker):
        other = probe(changed.round().to(torch.uint8)).features
        assert image_distance(features[:16], other[:16]).fid > 0
        assert image_distance(features[:16], other[16:]).fid > 1.3 * alike


def test_bytes_and_signed_images_and_other_sizes_look_alike() -> None:
    probe = load_probe()
    images, _, _ = toys("toy-cats", 2)
    features = probe(images).features
    signed = probe(images.float() / 127.5 - 1.0).features
    torch.testing.assert_close(signed, features)
    doubled = images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert (probe(doubled).features - features).abs().mean() < 0.3 * features.abs().mean()


def test_the_card_tells_what_the_file_is() -> None:
    assert CARD["parameters"] == sum(p.numel() for p in Probe().parameters())
    assert {entry["dataset"] for entry in CARD["trained_on"]} == {"toy-cats", "toy-cars"}
    seeds = {(entry["dataset"], entry["seed"]) for entry in CARD["trained_on"]}
    assert not seeds & {(entry["dataset"], entry["seed"]) for entry in CARD["held_out"]}
    assert PROBE_PATH.stat().st_size < 700_000


def test_a_saved_probe_is_itself_again(tmp_path: Path) -> None:
    torch.manual_seed(0)
    probe = Probe().eval()
    save_probe(probe, tmp_path / "probe.safetensors")
    images = torch.rand(1, 3, 64, 64) * 2 - 1
    again = load_probe(path=tmp_path / "probe.safetensors")
    with torch.no_grad():
        torch.testing.assert_close(again(images).relief, probe(images).relief, atol=2e-3, rtol=2e-3)


def test_what_is_not_a_probe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"toy probe missing\.safetensors"):
        load_probe(path=tmp_path / "missing.safetensors")
    (tmp_path / "text.safetensors").write_text("text")
    safetensors.torch.save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    metadata = {"format": "pof3d-toy-probe", "format_version": "1"}
    safetensors.torch.save_file({"x": torch.zeros(1)}, tmp_path / "empty.safetensors", metadata)
    for name in ("text", "other", "empty"):
        with pytest.raises(CheckpointError, match="cannot be opened"):
            load_probe(path=tmp_path / f"{name}.safetensors")
