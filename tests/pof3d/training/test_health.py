"""Telling a run that has gone wrong, and saying how."""

from __future__ import annotations

import pytest

from pof3d.errors import TrainingError
from pof3d.training.health import Health


def steps(health: Health, count: int, **stats: float) -> None:
    for i in range(count):
        health.check({name.replace("_", "/", 1): value for name, value in stats.items()}, 16 * i)


def test_large_losses_at_the_start_are_forgiven() -> None:
    health = Health(100.0)
    steps(health, 10, D_loss=500.0)
    steps(health, 400, D_loss=3.0)


def test_a_loss_that_grows_stops_the_run_with_its_figures() -> None:
    health = Health(100.0)
    steps(health, 60, D_loss=3.0, D_score_real=15.0, D_score_fake=-15.0)
    with pytest.raises(TrainingError, match=r"loss has grown to 1\d\d .*score_real 15") as caught:
        steps(health, 400, D_loss=5000.0, D_score_real=15.0, D_score_fake=-15.0)
    assert "r1-gamma" in str(caught.value)


def test_a_loss_that_becomes_nan_later_is_caught_as_growth() -> None:
    health = Health(100.0)
    steps(health, 60, G_loss=3.0)
    with pytest.raises(TrainingError, match="generator's loss"):
        steps(health, 1, G_loss=float("nan"))


def test_single_broken_gradients_are_forgiven_many_in_a_row_are_not() -> None:
    health = Health(100.0)
    for _ in range(5):
        for finite in (False,) * 19 + (True,):
            health.note_gradients("generator", finite, 0)
    with pytest.raises(TrainingError, match="gradients of the generator"):
        for _ in range(20):
            health.note_gradients("generator", False, 0)


def test_the_broken_terms_are_named() -> None:
    with pytest.raises(TrainingError, match=r"not a finite number: D/r1") as caught:
        Health(1.0).stop_for_loss("discriminator", {"D/r1": float("inf"), "D/score_real": 1.0}, 32_000)
    assert "32.0 kimg" in str(caught.value)


def test_advice_follows_the_figures() -> None:
    for stats, word in (
        ({"D_loss": 1.0, "D_r1": 1e4}, "steep"),
        ({"D_loss": 1.0, "D_pose_error": 50.0}, "pose-lr-multiplier"),
        ({"D_loss": 1.0}, "learning rates"),
    ):
        health = Health(1e9)
        steps(health, 60, **stats)
        with pytest.raises(TrainingError, match=word):
            health.stop_for_loss("generator", {}, 0)


def test_it_goes_on_where_it_stopped() -> None:
    one, other = Health(100.0), Health(100.0)
    steps(one, 60, D_loss=3.0)
    other.restore(one.state())
    assert other.state() == one.state()
