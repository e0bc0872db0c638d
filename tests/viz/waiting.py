"""Waiting for what other threads do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

PATIENCE = 30.0
"""Seconds after which a test gives up; nothing here measures speed."""


def wait_for(condition: Callable[[], Any], what: str = "it") -> Any:
    """What the condition gives once that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (result := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen")
        time.sleep(0.002)
    return result
