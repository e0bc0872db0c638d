"""Thumbnails and directions, made in the background for who keeps looking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pof3d
from pof3d.training.samples import latent, to_uint8
from viz.engine import Engine
from viz.jobs import Workshop
from viz.latent_thumbnails import SIDE, DirectionsSearch, LatentThumbnails, network_of
from viz.principal import principal_directions
from viz.view import LatentView, NetworkView, PoseView, SamplingView, View


@dataclass
class Counting:
    """A workshop that counts what is rendered."""

    workshop: Workshop
    rendered: list[View]

    def start(self, title: str, path: str, work: Callable[..., Any]) -> Any:
        def counted(engine: Engine, control: Any) -> Any:
            thumbnail: Any = engine.thumbnail

            def count(view: View, side: int, cancelled: Callable[[], bool]) -> Any:
                self.rendered.append(view)
                return thumbnail(view, side, cancelled)

            vars(engine)["thumbnail"] = count
            return work(engine, control)

        return self.workshop.start(title, path, counted)

    def close(self) -> object:
        return self.workshop.close()


@pytest.fixture
def shop(tiny: Path, conditioned: Path) -> Iterator[Counting]:
    engine = Engine()
    engine.load(str(tiny))
    engine.load(str(conditioned))
    shop = Counting(Workshop(engine), [])
    yield shop
    assert shop.close()


def look(
    thumbnails: LatentThumbnails, path: Path, latents: list[LatentView], pose: PoseView | None = None
) -> list[Any]:
    """Draw frames until all that is asked for is there."""
    deadline = time.monotonic() + 20
    network = network_of(str(path))
    while True:
        thumbnails.update(network, pose or PoseView(), False)
        pictures = [thumbnails.get(one) for one in latents]
        if all(picture is not None for picture in pictures):
            return pictures
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_thumbnail_is_the_latent_from_its_own_pose(tiny: Path, shop: Counting) -> None:
    thumbnails = LatentThumbnails(shop)
    (picture,) = look(thumbnails, tiny, [LatentView(x=3.0, truncation_psi=0.7)], PoseView("override", 0.9))
    generator = pof3d.load(tiny).generator
    w, pose = generator.map(latent(3, 8), 0.7)
    raw = generator.render_raw(
        generator.synthesize_planes(w),
        generator.cam2world(pose),
        focal=generator.focal(pose),
        resolution=SIDE,
        depth_samples=192,
        importance_samples=192,
    )
    apart = picture[..., :3].astype(int) - to_uint8(raw.raw)[0]
    assert np.sqrt(np.mean(apart**2)) < 4.0
    assert (picture[..., 3] == 255).all()


def test_who_asks_for_the_same_latent_gets_the_open_networks(
    tiny: Path, conditioned: Path, shop: Counting
) -> None:
    thumbnails, one, pose = LatentThumbnails(shop), [LatentView(x=2.0)], PoseView()
    (first,) = look(thumbnails, tiny, one, pose)
    (other,) = look(thumbnails, conditioned, one, pose)
    (again,) = look(thumbnails, tiny, one, pose)
    assert again is first
    assert not np.array_equal(first, other)


def test_each_is_made_once_a_network(tiny: Path, conditioned: Path, shop: Counting) -> None:
    thumbnails = LatentThumbnails(shop)
    seeds = [LatentView(x=float(x)) for x in range(3)]
    first = look(thumbnails, tiny, seeds)
    again = look(thumbnails, tiny, [*seeds[1:], LatentView(x=1.0, space="w"), LatentView(x=7.0)])
    assert again[0] is first[1]
    assert again[2] is first[1], "on a seed both spaces are the same"
    assert [view.latent.seed for view in shop.rendered] == [0, 1, 2, 7]
    other = look(thumbnails, conditioned, seeds)
    assert not np.array_equal(other[0], first[0])
    look(thumbnails, tiny, seeds)
    assert len(shop.rendered) == 7, "both networks' are kept"
    look(thumbnails, conditioned, seeds[:1], PoseView(conditioning_yaw=0.5))
    assert len(shop.rendered) == 8, "what content is conditioned on counts"


def test_none_is_made_while_the_machine_has_better_to_do(tiny: Path, shop: Counting) -> None:
    thumbnails = LatentThumbnails(shop)
    for _ in range(20):
        thumbnails.update(network_of(str(tiny)), PoseView(), True)
        assert thumbnails.get(LatentView()) is None
        time.sleep(0.005)
    assert shop.rendered == []
    assert thumbnails.busy
    look(thumbnails, tiny, [LatentView()])


def test_wishes_end_when_nobody_looks(tiny: Path, shop: Counting) -> None:
    thumbnails = LatentThumbnails(shop)
    network = network_of(str(tiny))
    thumbnails.update(network, PoseView(), False)
    thumbnails.get(LatentView(x=9.0))
    thumbnails.update(network, PoseView(), True)
    thumbnails.update(network, PoseView(), False)
    assert not thumbnails.busy
    time.sleep(0.05)
    assert shop.rendered == []


def test_a_thumbnail_leaves_the_engines_pictures_alone(tiny: Path) -> None:
    engine = Engine()
    view = View(NetworkView(str(tiny)), sampling=SamplingView(resolution=12))
    before = engine.render(view)
    assert engine.thumbnail(view, 20).shape == (20, 20, 3)
    np.testing.assert_array_equal(engine.render(view).rgba, before.rgba)


def test_directions_are_found_once_somebody_looks(tiny: Path, shop: Counting) -> None:
    search, network = DirectionsSearch(shop), network_of(str(tiny))
    for _ in range(3):
        search.update(network, False)
    assert search._jobs == {}, "nobody has looked"
    deadline = time.monotonic() + 20
    while not (state := search.get()).explained:
        search.update(network, False)
        assert state.error == ""
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert state.explained == principal_directions(pof3d.load(tiny).generator).explained
    assert state.fraction is None
    assert len(state.turns) == len(state.explained)
