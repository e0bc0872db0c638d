"""What is taken from the network's layers."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pof3d.training.samples import latent
from tests.viz.stand_ins import StandInRendering
from viz.engine import Engine
from viz.internals import (
    KEPT_VALUES,
    Inspector,
    Internals,
    describe,
    look_inside,
    plane_colours,
    watched_layers,
)
from viz.jobs import Control, Workshop
from viz.view import DisplayView, LatentView, NetworkView, View


def inspect(engine: Engine, view: View) -> Internals:
    job = Workshop(engine).start(
        "Looking", view.network.path, lambda lent, control: look_inside(lent, view, control)
    )
    assert job.wait(30)
    assert job.result is not None, job.state.error
    return job.result


def test_a_layer_is_described_by_hand_checked_numbers() -> None:
    value = torch.tensor([[[[0.0, 1.0], [2.0, 3.0]], [[-6.0, 0.0], [0.0, 0.0]]]])
    layer = describe("conv", "Backbone", value)
    assert layer.shape == (2, 2, 2)
    assert (layer.mean, layer.low, layer.high, layer.zeros) == (0.0, -6.0, 3.0, 0.5)
    assert layer.std == pytest.approx(np.sqrt(50 / 8))
    assert layer.counts.sum() == 8
    assert layer.channel_statistics(1) == pytest.approx((-1.5, np.sqrt(6.75), -6.0, 0.0))
    assert layer.edges[0] == -6.0
    vector = describe("fc", "Mapping", torch.tensor([[1.0, float("nan"), float("inf")]]))
    assert vector.values.shape == (3, 1, 1)
    assert (vector.low, vector.high) == (1.0, 1.0)


def test_large_layers_keep_their_first_channels() -> None:
    layer = describe("conv", "Backbone", torch.zeros(1, 5, 1024, 1024))
    assert layer.shape == (5, 1024, 1024)
    assert layer.values.size <= KEPT_VALUES
    assert layer.values.shape[0] == 4


def test_planes_share_their_colours() -> None:
    planes = torch.zeros(1, 3, 4, 8, 8)
    planes[0, 0, 0, :4], planes[0, 1, 0, :, :4] = 1.0, 1.0
    colours = plane_colours(planes)
    assert colours.shape == (3, 8, 8, 3)
    assert (colours[0, :4] == colours[1, 0, 0]).all()
    assert (colours[0, 4:] == colours[2, 0, 0]).all()
    assert (colours[0, 0, 0] != colours[2, 0, 0]).any()


def test_every_layer_is_taken_once_and_hooks_go_away(tiny: Path) -> None:
    engine = Engine()
    network = engine.load(str(tiny)).network
    view = View(network=NetworkView(str(tiny)), latent=LatentView(x=3.0))
    internals = inspect(engine, view)
    names = [(layer.room, layer.name) for layer in internals.layers]
    assert len(names) == len(set(names))
    assert {"Mapping", "Backbone", "Discriminator"} <= {room for room, _ in names}
    assert not any(layer._forward_hooks for _, _, layer in watched_layers(network))
    # The last layer of the backbone, computed independently.
    generator = network.generator
    with torch.inference_mode():
        w, _ = generator.map(latent(3, generator.config.z_dim))
        planes = generator.synthesize_planes(w)
    assert internals.planes.shape[1] == planes.shape[-1]
    assert np.array_equal(internals.planes, plane_colours(planes))


def test_what_other_threads_do_is_not_taken(tiny: Path) -> None:
    engine = Engine()
    generator = engine.load(str(tiny)).network.generator
    stop = threading.Event()

    def work() -> None:
        with torch.inference_mode():
            while not stop.is_set():
                generator.map(torch.zeros(1, generator.config.z_dim))

    other = threading.Thread(target=work)
    other.start()
    try:
        internals = inspect(engine, View(network=NetworkView(str(tiny))))
    finally:
        stop.set()
        other.join()
    layers = [layer for layer in internals.layers if layer.room == "Mapping"]
    assert len(layers) == len({layer.name for layer in layers})


def test_an_inspector_works_only_while_somebody_looks(tiny: Path) -> None:
    engine = Engine()
    engine.load(str(tiny))
    workshop, rendering = Workshop(engine), StandInRendering()
    view = View(network=NetworkView(str(tiny)))
    rendering.submit(view)
    inspector = Inspector(workshop, rendering)
    inspector.update(view, 1.0)
    assert not inspector.moving

    def until_done(view: View, now: float) -> None:
        for _ in range(2000):
            inspector.want()
            inspector.update(view, now)
            if not inspector.moving and inspector.state.internals is not None:
                return
            threading.Event().wait(0.005)
        pytest.fail("nothing came")

    rendering.busy = True
    inspector.want()
    inspector.update(view, 2.0)
    assert inspector.state.fraction is None, "the picture goes first"
    rendering.busy = False
    until_done(view, 3.0)
    first = inspector.state.internals
    depth = replace(view, display=DisplayView(mode="depth"))
    until_done(depth, 3.1)
    assert inspector.state.internals is first, "how it is shown changes nothing inside"
    other = replace(view, latent=LatentView(x=1.0))
    inspector.update(other, 9.0)
    assert not inspector.state.fresh
    assert inspector.state.fraction is None, "nobody looks any more"
    until_done(other, 9.4)
    assert inspector.state.internals is not first
    assert workshop.close()


def test_errors_are_told(tmp_path: Path) -> None:
    workshop, rendering = Workshop(Engine()), StandInRendering()
    view = View(network=NetworkView(str(tmp_path / "gone.safetensors")))
    rendering.submit(view)
    inspector = Inspector(workshop, rendering)
    for now in range(400):
        inspector.want()
        inspector.update(view, float(now))
        if inspector.state.message:
            break
        threading.Event().wait(0.01)
    assert "gone.safetensors" in inspector.state.message


def test_a_cancelled_look_leaves_no_hooks(tiny: Path) -> None:
    engine = Engine()
    network = engine.load(str(tiny)).network
    view = View(network=NetworkView(str(tiny)))

    gate = threading.Event()

    def work(lent: Engine, control: Control) -> Internals:
        assert gate.wait(10)
        return look_inside(lent, view, control)

    job = Workshop(engine).start("Looking", str(tiny), work)
    job.cancel()
    gate.set()
    assert job.wait(30)
    assert job.state.status == "cancelled"
    assert not any(layer._forward_hooks for _, _, layer in watched_layers(network))
