"""The discriminator on its own."""

from __future__ import annotations

import torch

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
