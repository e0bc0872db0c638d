"""The discriminator on its own."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pof3d.metrics.circle import wrap
from pof3d.nets.discriminator import Discriminator
from pof3d.nets.generator import RenderedFrame
from tests.pof3d.training.test_losses import DISCRIMINATOR, GENERATOR


def test_predicted_poses_do_not_depend_on_the_company() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(DISCRIMINATOR, GENERATOR.camera)
    images = torch.rand(6, 3, 8, 8) * 2 - 1
    nothing = torch.empty(0)

    def predict(x: torch.Tensor) -> torch.Tensor:
        return discriminator.predict_pose(RenderedFrame(x, x, nothing, nothing))

    alone = torch.cat([predict(one) for one in images.split(1)])
    torch.testing.assert_close(predict(images), alone)
    # Trained with groups, it does see the company:
    x = discriminator.prepare(images, images)
    together = discriminator.look(x)[1]
    assert together is not None
    assert not torch.allclose(together, torch.cat([discriminator.look(one)[1] for one in x.split(1)]))  # type: ignore[misc]


def test_yaw_as_a_direction_has_no_seam() -> None:
    torch.manual_seed(0)
    camera = replace(GENERATOR.camera, h_mean=math.pi)
    discriminator = Discriminator(replace(DISCRIMINATOR, circular_yaw=True), camera)
    x = torch.randn(2, 6, 8, 8)
    vector, pose = discriminator.look(x)
    assert pose is not None and pose.shape == (2, 2)
    assert ((pose[:, 0] >= 0) & (pose[:, 0] <= 2 * math.pi)).all()
    once_more = discriminator.condition(vector, pose + torch.tensor([2 * math.pi, 0.0]))
    torch.testing.assert_close(once_more, discriminator.condition(vector, pose))
    # Behind, where the angle jumps by a whole turn, the numbers it is read from pass smoothly.
    output = discriminator.b4.pose_output
    with torch.no_grad():
        output.weight.zero_()
        output.bias.copy_(torch.tensor([-1.0, 1e-3, 0.5]) / output.bias_gain)
        before = discriminator.look(x)[1]
        output.bias.copy_(torch.tensor([-1.0, -1e-3, 0.5]) / output.bias_gain)
        after = discriminator.look(x)[1]
    assert before is not None and after is not None
    assert (before - after)[0, 0].item() == pytest.approx(2 * math.pi, abs=0.01)
    assert abs(wrap(np.array((before - after)[0, 0].item()))) < 0.01
