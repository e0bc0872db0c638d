"""Views round-trip through JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from pof3d.errors import ConfigError
from tests.viz.strategies import any_views
from viz.view import SCHEMA_VERSION, View, view_from_json, view_to_json


@given(any_views())
@settings(max_examples=60)
def test_round_trip(view: View) -> None:
    assert view_from_json(view_to_json(view)) == view


def test_one_line_with_version() -> None:
    text = view_to_json(View())
    assert "\n" not in text
    assert json.loads(text)["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cats",
        "[]",
        "{}",
        '{"schema_version": 99, "view": {}}',
        '{"schema_version": 1, "view": {"latent": {"x": "left"}}}',
        '{"schema_version": 1, "view": {"display": {"mode": "x-ray"}}}',
        '{"schema_version": 1}',
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(ConfigError):
        view_from_json(text)


def test_missing_fields_have_defaults() -> None:
    assert view_from_json('{"schema_version": 1, "view": {}}') == View()
