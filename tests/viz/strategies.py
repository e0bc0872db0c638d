"""Random Views."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from hypothesis import strategies as st

from viz.view import (
    CameraView,
    ColorMap,
    DisplayMode,
    DisplayView,
    Geometry,
    LatentView,
    NetworkView,
    NormalsSpace,
    PoseSource,
    PoseView,
    SamplingView,
    SurfaceColors,
    View,
)

_numbers = st.floats(allow_nan=False, allow_infinity=False)


def any_views() -> st.SearchStrategy[View]:
    """Every View that JSON can hold, sensible or not."""
    return st.builds(
        View,
        st.builds(NetworkView, st.text()),
        st.builds(
            LatentView,
            _numbers,
            _numbers,
            _numbers,
            st.none() | st.integers(-(2**31), 2**31),
            st.sampled_from(("const", "none")),
            st.sampled_from(("z", "w")),
            st.lists(_numbers, max_size=4).map(tuple),
            st.none() | st.integers(-(2**40), 2**40),
            st.integers(-5, 2000),
            st.none() | st.integers(-5, 2000),
            st.lists(st.tuples(_numbers, _numbers, _numbers), max_size=3).map(tuple),
        ),
        st.builds(PoseView, st.sampled_from(get_args(PoseSource)), *[_numbers] * 4),
        st.builds(
            CameraView,
            _numbers,
            _numbers,
            _numbers,
            st.none() | _numbers,
            st.none() | _numbers,
            st.tuples(_numbers, _numbers, _numbers),
        ),
        st.builds(SamplingView, *(st.none() | st.integers(0, 4096) for _ in range(3))),
        st.builds(
            DisplayView,
            st.sampled_from(get_args(DisplayMode)),
            st.sampled_from(get_args(ColorMap)),
            st.none() | st.tuples(_numbers, _numbers),
            st.sampled_from(get_args(NormalsSpace)),
            st.sampled_from(get_args(Geometry)),
            st.sampled_from(get_args(SurfaceColors)),
        ),
    )


_EDITS: dict[str, dict[str, tuple[Any, ...]]] = {
    "latent": {
        "x": (0.0, 1.0, 0.25),
        "y": (0.0, 0.5),
        "truncation_psi": (1.0, 0.5, 0.0),
        "truncation_cutoff": (None, 1),
        "noise": ("const", "none"),
        "space": ("z", "w"),
        "directions": ((), (1.5,), (0.0, -2.0, 0.0)),
        "mix_seed": (None, 7),
        "mix_first": (0, 2),
        "mix_end": (None, 1, 3),
        "blend": ((), ((3.0, 1.0, 0.6),)),
    },
    "pose": {
        "source": ("predicted", "override", "free"),
        "override_yaw": (0.0, 0.4),
        "override_pitch": (0.0, -0.2),
        "conditioning_yaw": (0.0, 0.3),
        "conditioning_pitch": (0.0, -0.1),
    },
    "camera": {
        "yaw": (0.0, 0.3),
        "pitch": (0.0, 0.2),
        "roll": (0.0, 0.5),
        "radius": (None, 2.5),
        "fov": (None, 0.4),
        "pan": ((0.0, 0.0, 0.0), (0.05, 0.0, 0.02)),
    },
    "sampling": {
        "resolution": (None, 8),
        "depth_samples": (None, 4),
        "importance_samples": (None, 4),
    },
    "display": {
        "mode": get_args(DisplayMode),
        "color_map": get_args(ColorMap),
        "depth_range": (None, (2.4, 3.0)),
        "normals_space": get_args(NormalsSpace),
        "geometry": get_args(Geometry),
        "surface_colors": get_args(SurfaceColors),
    },
}


def edits() -> st.SearchStrategy[tuple[str, str, Any]]:
    """One change of one field to one of a few values, so that old Views come back."""
    choices = [
        (part, field, value)
        for part, fields in _EDITS.items()
        for field, values in fields.items()
        for value in values
    ]
    return st.sampled_from(choices)


def edited(view: View, edit: tuple[str, str, Any]) -> View:
    part, field, value = edit
    return replace(view, **{part: replace(getattr(view, part), **{field: value})})
