"""Rows of numbers in compiled functions."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from pof3d.vectors import dot, rows_by, softplus_row

_ROW = 16


def _softplus(x: np.ndarray, bias: np.ndarray) -> np.ndarray:
    @numba.njit
    def rows(x, bias, y):  # type: ignore[no-untyped-def]
        for i in range(0, len(x), _ROW):
            softplus_row(x[i:].ctypes.data, bias[i:].ctypes.data, y[i:].ctypes.data)

    y = np.empty_like(x)
    rows(x, bias, y)
    return y


def test_softplus_is_exact_to_a_millionth() -> None:
    x = np.linspace(-50.0, 50.0, 100 * _ROW, dtype=np.float32)
    bias = np.full_like(x, 0.125)
    expected = np.logaddexp(0.0, x.astype(np.float64) + 0.125)
    np.testing.assert_allclose(_softplus(x, bias), expected, rtol=2e-7, atol=1e-6)


@pytest.mark.parametrize(
    ("x", "expected"), [(np.nan, np.nan), (np.inf, np.inf), (-np.inf, 0.0), (3e38, 3e38), (-3e38, 0.0)]
)
def test_softplus_of_what_is_no_number_or_hardly_one(x: float, expected: float) -> None:
    row = np.full(_ROW, x, np.float32)
    np.testing.assert_allclose(_softplus(row, np.zeros_like(row)), expected, atol=1e-6)


@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_dot(blocks: int) -> None:
    @numba.njit
    def product(a, b):  # type: ignore[no-untyped-def]
        return dot(a.ctypes.data, b.ctypes.data, len(a))

    a, b = np.random.default_rng(0).standard_normal((2, blocks * _ROW)).astype(np.float32)
    assert product(a, b) == pytest.approx(float(a.astype(np.float64) @ b), abs=1e-5)


def test_rows_may_be_replaced_by_what_is_made_of_them() -> None:
    @rows_by
    def mixed(a, b):  # type: ignore[no-untyped-def]
        return a + 0.5 * b, a - b, 2.0 * a

    @numba.njit
    def replace(rows):  # type: ignore[no-untyped-def]
        mixed(rows.ctypes.data, _ROW, rows.ctypes.data, _ROW)

    rows = np.random.default_rng(0).standard_normal((3, _ROW)).astype(np.float32)
    a, b, _ = rows.copy()
    replace(rows)
    np.testing.assert_allclose(rows, [a + 0.5 * b, a - b, 2.0 * a], rtol=1e-6, atol=1e-6)
