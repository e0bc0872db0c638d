"""What there is to say about a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pof3d.checkpoint.facts import architecture_facts, pose_source, provenance_facts
from pof3d.config import CARS, FFHQ, GeneratorConfig, NetworkConfig
from tests.pof3d.checkpoint.networks import PROVENANCE


def facts_of(config: NetworkConfig, kind: str = "native") -> dict[str, str]:
    return {what: value for what, value, _ in architecture_facts(config, kind, 5_400_000, 1_350_000)}


def test_facts_of_the_architecture() -> None:
    facts = facts_of(FFHQ)
    assert facts["Output"] == "256²"
    assert facts["Raw"] == "64²"
    assert facts["Samples"] == "48 + 48 importance"
    assert facts["Field of view"] == "18.8°"
    assert facts["Pivot"] == "0, 0, 0.2"
    assert facts["Parameters"] == "1.35 M"
    assert facts["z, w"] == "512, 512"
    cars = facts_of(CARS)
    assert (cars["Output"], cars["Super-res."], cars["Radius"]) == ("128²", "2×", "1.7")


def test_kinds_of_files() -> None:
    eg3d = replace(FFHQ, generator=replace(FFHQ.generator, pose_source="conditioning"))
    assert facts_of(FFHQ)["Kind"] == "native (safetensors)"
    assert facts_of(FFHQ, "release")["Kind"] == "PoF3D release (pickle)"
    assert facts_of(eg3d, "release")["Kind"] == "EG3D release (pickle)"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "learned"),
        ({"pose_head": "linear", "pose_extra": "radius"}, "learned, one layer, with radius"),
        ({"pose_source": "gaussian"}, "gaussian prior, yaw 0° ± 26°"),
        ({"pose_source": "conditioning"}, "no pose learner: a camera label"),
    ],
)
def test_sources_of_poses(changes: dict[str, Any], words: str) -> None:
    assert pose_source(replace(GeneratorConfig(), **changes)) == words


def test_provenance_is_told_in_words() -> None:
    rows, groups = provenance_facts(PROVENANCE)
    facts = {what: value for what, value, _ in rows}
    assert facts["Data set"] == "toy-cats (20,000 images)"
    assert facts["Images seen"] == "400,000"
    assert facts["Trained for"] == "5:12:12 h"
    assert facts["Commit"] == "0123456789"
    assert facts["Learned yaw"] == "0.0° ± 20.0°"
    assert {what: value for what, value, _ in groups["Training"]} == {"batch": "16", "r1: gamma": "0.3"}


def nested(depth: int, make: Any) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = make(value)
    return value


@pytest.mark.parametrize("make", [lambda x: [x], lambda x: {"a": x}, lambda x: [{"a": [x]}]])
def test_what_is_nested_deeply_is_cut_off(make: Any) -> None:
    rows, groups = provenance_facts({"dataset": nested(5000, make), "x": nested(5000, make)})
    texts = [value for _, value, _ in (*rows, *(fact for group in groups.values() for fact in group))]
    assert len(texts) == 2 and all(text.endswith("…") and len(text) < 200 for text in texts)


def test_endless_provenance_is_cut_off() -> None:
    many = {f"k{i}": "A" * 10**5 for i in range(1000)}
    rows, groups = provenance_facts({"group": many, "list": list(range(10**5)), "n" * 10**5: 10**900, **many})
    assert len(rows) < 300 and len(groups["Group"]) < 300
    assert rows[-1] == groups["Group"][-1] == ("…", "and more", "")
    assert max(len(text) for row in (*rows, *groups["Group"]) for text in row) <= 1000
    long = replace(FFHQ, name="N" * 10**5)
    assert len(facts_of(long)["Preset"]) <= 100
