"""Made-up records of runs, and looking into the document."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from PIL import Image

from scripts.results.records import Curves, Histogram, Places, Protocol, Record, Scatter, write_record

LINKS = re.compile(r"\]\(([^)#\s]+)\)")


def figures(
    *,
    correlation: float | None = 0.9,
    divergence: float = 0.02,
    depth: float = 0.2,
    spread: float = 0.4,
    circular: bool = False,
) -> dict[str, Any]:
    """What figures.json holds, as far as the document reads it."""
    distribution = {
        "jensen_shannon_distance": math.sqrt(divergence),
        "jensen_shannon_distance_aligned": math.sqrt(divergence / 2),
        "jensen_shannon_distance_noise_floor": 0.031,
        "jensen_shannon_bits": divergence,
        "jensen_shannon_aligned_bits": divergence / 2,
    }
    angle: dict[str, Any] = {
        "learned_std_degrees": math.degrees(spread),
        "true_std_degrees": 25.8,
        "learned_against_true": distribution,
    }
    if circular:
        angle = {"learned_resultant_length": 0.25, "true_resultant_length": 0.03} | {
            "learned_against_true": distribution
        }
    found: dict[str, Any] = {"not_computed": {}}
    if correlation is None:
        found["not_computed"]["pose agreement"] = "the discriminator does not predict poses"
    else:
        angle["predicted_against_true"] = {
            "correlation": correlation,
            "offset_degrees": 1.0,
            "mean_absolute_error_degrees": 4.25,
            "share_beyond_90_degrees": 0.125,
        }
    return found | {
        "pose": {
            "yaw_is_circular": circular,
            "true_distribution": {"source": "toy-cars" if circular else "toy-cats", "poses": 20_000},
            "yaw": angle,
            "pitch": angle,
        },
        "images": [{"fid": 12.3, "real_halves_fid": 1.5}],
        "depth": {
            "generated": {"normalised_error_mean": depth},
            "true": {"normalised_error_mean": 0.02},
        },
    }


def record(name: str = "full", seed: int | None = 0, **changes: Any) -> Record:
    around = name == "toy-cars"
    edges = np.linspace(-math.pi, math.pi, 73) if around else np.linspace(-1.6, 1.6, 41)
    bell = np.rint(100 * np.exp(-((edges[1:] / 0.5) ** 2))).astype(int)
    histogram = Histogram(tuple(edges.tolist()), tuple(bell.tolist()), tuple(bell[::-1].tolist()))
    kimg = np.linspace(0.1, 20.0, 60)
    usual: dict[str, Any] = {
        "network": "network-000020.safetensors",
        "sha256": "0" * 64,
        "configuration": name if seed is None else "toy-cats",
        "images_seen": 20_000,
        "images_planned": 20_000,
        "training_seconds": 600.0,
        "initial_spread": 0.5,
        "settings": {"training.total_kimg": (80.0, 20.0)},
        "protocol": Protocol("test.zip", "1" * 64, 1000, 500, 256, 20_000),
        "figures": figures(circular=around),
        "yaw": histogram,
        "pitch": histogram,
        "curves": Curves(
            kimg=tuple(kimg.tolist()),
            yaw_mean=(0.0,) * 60,
            yaw_std=(0.4,) * 60,
            error_kimg=tuple(kimg.tolist()),
            pose_error=(0.1,) * 60,
        ),
        "scatter": Scatter(((0.1, 0.0), (-0.3, 0.1)), ((0.2, 0.0), (-0.2, 0.1))) if seed is None else None,
    }
    return Record(name, seed, **usual | changes)


def put(places: Places, *records: Record) -> None:
    places.data.mkdir(parents=True, exist_ok=True)
    places.strips.mkdir(parents=True, exist_ok=True)
    for each in records:
        write_record(places.data / f"{each.label}.json", each)
        Image.new("RGB", (384, 128), (200, 80, 40)).save(places.strips / f"{each.label}.png")


def row(text: str, title: str) -> list[str]:
    """Cells of the first row of a table that begins with a title."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {title} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]
