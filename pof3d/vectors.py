"""For compiled functions: work on rows of numbers as LLVM's vectors, which numba's loops do not become.

A compiler that sees the three loops of a matrix product keeps sums in memory. Here twelve vectors of eight
sums stay in registers, and every number that is loaded takes part in several of them (K. Goto and R. van de
Geijn, *Anatomy of high-performance matrix multiplication*, 2008).

To import this module is to import numba.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy.polynomial import Chebyshev, Polynomial

from pof3d.compiling import BLOCK, ROWS
from pof3d.jit import intrinsic

_WIDTH = 8
"""Numbers in a vector. Where registers are longer or shorter, LLVM makes of it what fits."""
_VECTORS = BLOCK // _WIDTH


def _vector_at(builder: Any, base: Any, offset: Any) -> Any:
    vector = ir.VectorType(ir.FloatType(), _WIDTH)
    return builder.bitcast(builder.gep(base, [offset]), vector.as_pointer())


def _broadcast(builder: Any, number: Any) -> Any:
    undefined = ir.Constant(ir.VectorType(number.type, _WIDTH), ir.Undefined)
    one = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
    first_of_all = ir.Constant(ir.VectorType(ir.IntType(32), _WIDTH), [0] * _WIDTH)
    return builder.shuffle_vector(one, undefined, first_of_all)


@intrinsic
def copy_row(typing: Any, source: Any, target: Any):  # type: ignore[no-untyped-def]
    """Copy 16 four-byte floats from one address to another."""
    del typing, source, target

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        source, target = (builder.inttoptr(a, ir.FloatType().as_pointer()) for a in arguments)
        offsets = [ir.Constant(arguments[0].type, v * _WIDTH) for v in range(_VECTORS)]
        rows = [builder.load(_vector_at(builder, source, offset), align=4) for offset in offsets]
        for row, offset in zip(rows, offsets, strict=True):
            builder.store(row, _vector_at(builder, target, offset), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


@intrinsic
def add_rows(typing: Any, first: Any, second: Any, target: Any):  # type: ignore[no-untyped-def]
    """Store 16 sums of four-byte floats from two addresses at a third."""
    del typing, first, second, target

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        first, second, target = (builder.inttoptr(a, ir.FloatType().as_pointer()) for a in arguments)
        for v in range(_VECTORS):
            offset = ir.Constant(arguments[0].type, v * _WIDTH)
            a, b = (builder.load(_vector_at(builder, p, offset), align=4) for p in (first, second))
            builder.store(builder.fadd(a, b), _vector_at(builder, target, offset), align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3), codegen


@intrinsic
def dot(typing: Any, left: Any, right: Any, n: Any):  # type: ignore[no-untyped-def]
    """Sum of the products of ``n`` four-byte floats at two addresses; ``n`` a multiple of 16, not zero."""
    del typing, left, right, n

    def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        single, n = ir.FloatType(), arguments[2]
        left, right = (builder.inttoptr(a, single.as_pointer()) for a in arguments[:2])
        vector, before = ir.VectorType(single, _WIDTH), builder.block
        loop, after = builder.append_basic_block("inner"), builder.append_basic_block("after")
        builder.branch(loop)

        builder.position_at_end(loop)
        i, sums = builder.phi(n.type), [builder.phi(vector) for _ in range(_VECTORS)]
        i.add_incoming(ir.Constant(n.type, 0), before)
        added = []
        for v, so_far in enumerate(sums):
            offset = builder.add(i, ir.Constant(n.type, v * _WIDTH))
            a, b = (builder.load(_vector_at(builder, p, offset), align=4) for p in (left, right))
            added.append(builder.fadd(so_far, builder.fmul(a, b)))
            so_far.add_incoming(ir.Constant(vector, [0.0] * _WIDTH), before)
            so_far.add_incoming(added[v], loop)
        following = builder.add(i, ir.Constant(n.type, BLOCK))
        i.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, n), loop, after)

        builder.position_at_end(after)
        kind = ir.FunctionType(single, [single, vector])
        add_up = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{_WIDTH}f32")
        return builder.call(
            add_up, [ir.Constant(single, 0.0), reduce(builder.fadd, added)], fastmath=("reassoc",)
        )

    return types.float32(*[types.intp] * 3), codegen


class _Numbers:
    """A vector of them, in a function of vectors that is being compiled."""

    def __init__(self, builder: Any, value: Any) -> None:
        self._builder, self.value = builder, value

    def __add__(self, other: _Numbers) -> _Numbers:
        return _Numbers(self._builder, self._builder.fadd(self.value, other.value))

    def __sub__(self, other: _Numbers) -> _Numbers:
        return _Numbers(self._builder, self._builder.fsub(self.value, other.value))

    def __rmul__(self, factor: float) -> _Numbers:
        constant = ir.Constant(self.value.type, [factor] * _WIDTH)
        return _Numbers(self._builder, self._builder.fmul(constant, self.value))


def rows_by(function: Callable[..., Any]) -> Any:
    """What makes rows of others, number by number, as ``function`` does, which adds, subtracts and multiplies
    constants by rows.

    Returns
    -------
    intrinsic(source, source_step, target, target_step)
        Reads as many rows of 16 four-byte floats as the function has arguments, and stores as many as it
        returns. Of both: the address of the first, and numbers from one row to the next. They may overlap.
    """
    inputs = function.__code__.co_argcount

    @intrinsic
    def transform(typing: Any, source: Any, source_step: Any, target: Any, target_step: Any):  # type: ignore[no-untyped-def]
        del typing, source, source_step, target, target_step

        def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            source, source_step, target, target_step = arguments
            source, target = (builder.inttoptr(a, ir.FloatType().as_pointer()) for a in (source, target))

            def place(base: Any, step: Any, row: int, v: int) -> Any:
                along = builder.mul(step, ir.Constant(step.type, row))
                return _vector_at(builder, base, builder.add(along, ir.Constant(step.type, v * _WIDTH)))

            for v in range(_VECTORS):
                read = [builder.load(place(source, source_step, r, v), align=4) for r in range(inputs)]
                made = function(*(_Numbers(builder, row) for row in read))
                for r, row in enumerate(made):
                    builder.store(row.value, place(target, target_step, r, v), align=4)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 4), codegen

    return transform


@intrinsic
def filter_row(typing: Any, source: Any, distance: Any, f0: Any, f1: Any, f2: Any, f3: Any, target: Any):  # type: ignore[no-untyped-def]
    """Store 16 values of f0 · a + f1 · b + f2 · c + f3 · d, of rows at a distance from each other.

    Parameters
    ----------
    source, target : int
        Addresses of four-byte floats, of the first row and of the result.
    distance : int
        Numbers between rows.
    f0, f1, f2, f3 : float32
    """
    del typing, source, distance, f0, f1, f2, f3, target

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        single, index = ir.FloatType(), arguments[1].type
        source, target = (builder.inttoptr(arguments[i], single.as_pointer()) for i in (0, 6))
        factors = [_broadcast(builder, factor) for factor in arguments[2:6]]
        starts = [builder.mul(arguments[1], ir.Constant(index, k)) for k in range(len(factors))]
        for v in range(_VECTORS):
            offset = ir.Constant(index, v * _WIDTH)
            total = None
            for factor, start in zip(factors, starts, strict=True):
                place = _vector_at(builder, source, builder.add(start, offset))
                product = builder.fmul(factor, builder.load(place, align=4))
                total = product if total is None else builder.fadd(total, product)
            builder.store(total, _vector_at(builder, target, offset), align=4)
        return context.get_dummy_value()

    f32, address = types.float32, types.intp
    return types.void(address, types.intp, f32, f32, f32, f32, address), codegen


@intrinsic
def number_at(typing: Any, address: Any, index: Any):  # type: ignore[no-untyped-def]
    """One of the four-byte floats at an address. Unlike those of an array, indices are not looked at."""
    del typing, address, index

    def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        base = builder.inttoptr(arguments[0], ir.FloatType().as_pointer())
        return builder.load(builder.gep(base, [arguments[1]]), align=4)

    return types.float32(types.intp, types.intp), codegen


@intrinsic
def prefetch(typing: Any, address: Any):  # type: ignore[no-untyped-def]
    """Have the line of the cache that an address is in fetched, without waiting."""
    del typing, address

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        reading, nearest, data = (ir.Constant(flag, value) for value in (0, 3, 1))
        builder.call(function, [builder.inttoptr(arguments[0], pointer), reading, nearest, data])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


@intrinsic
def activate_row(typing: Any, source: Any, bias: Any, grain: Any, clamp: Any, target: Any):  # type: ignore[no-untyped-def]
    """Store 16 values of leaky ReLU (slope 0.2) of source + bias + grain, clamped to ±clamp.

    Parameters
    ----------
    source, bias, target : int
        Addresses of four-byte floats.
    grain, clamp : float32
    """
    del typing, source, bias, grain, clamp, target

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        single = ir.FloatType()
        source, bias, target = (builder.inttoptr(arguments[i], single.as_pointer()) for i in (0, 1, 4))
        grain, most = (_broadcast(builder, arguments[i]) for i in (2, 3))
        least = builder.fneg(most)
        slope = ir.Constant(most.type, [0.2] * _WIDTH)
        for v in range(_VECTORS):
            offset = ir.Constant(arguments[0].type, v * _WIDTH)
            x, b = (builder.load(_vector_at(builder, p, offset), align=4) for p in (source, bias))
            x = builder.fadd(x, builder.fadd(b, grain))
            low = builder.fmul(x, slope)
            # What is not a number stays so: a broken network is to be seen.
            x = builder.select(builder.fcmp_ordered("<", x, low), low, x)
            x = builder.select(builder.fcmp_ordered(">", x, most), most, x)
            x = builder.select(builder.fcmp_ordered("<", x, least), least, x)
            builder.store(x, _vector_at(builder, target, offset), align=4)
        return context.get_dummy_value()

    f32, address = types.float32, types.intp
    return types.void(address, address, f32, f32, address), codegen


_LEAST_POWER = -24.0
"""Below this, 2ˣ is as good as zero, beside one. Its fourth power is still so large that it is not slow."""
_SIGN, _MANTISSA = 1 << 31, 23
"""A float's sign, and the bits below its exponent."""


def fitted(function: Any, low: float, high: float, degree: int) -> tuple[np.float32, ...]:
    """Coefficients of the interpolant at Chebyshev's points, lowest first."""
    series = Chebyshev.interpolate(function, degree, domain=[low, high])
    return tuple(np.float32(c) for c in series.convert(kind=Polynomial).coef)


_EXP2, _LOG = fitted(np.exp2, -1.0, 0.0, 5), fitted(np.log1p, 0.0, 1.0, 7)


def _polynomial(builder: Any, x: Any, coefficients: tuple[np.float32, ...]) -> Any:
    """Its terms by two, and these by two: the processor waits for few results (Estrin's scheme)."""
    terms = [ir.Constant(x.type, [c] * _WIDTH) for c in coefficients]
    while len(terms) > 1:
        odd = terms[1::2]
        terms = [builder.fadd(a, builder.fmul(b, x)) for a, b in zip(terms[::2], odd)] + terms[2 * len(odd) :]  # noqa: B905
        x = builder.fmul(x, x)
    return terms[0]


@intrinsic
def softplus_row(typing: Any, source: Any, bias: Any, target: Any):  # type: ignore[no-untyped-def]
    """Store 16 values of softplus(source + bias), within 10⁻⁶.

    log(1 + exp(x)) is max(x, 0) + log(1 + exp(−|x|)). That exponential is a power of two, of which the whole
    part is added to the exponent of a float.

    Parameters
    ----------
    source, bias, target : int
        Addresses of four-byte floats.
    """
    del typing, source, bias, target

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        source, bias, target = (builder.inttoptr(a, ir.FloatType().as_pointer()) for a in arguments)
        vector, integers = (ir.VectorType(kind, _WIDTH) for kind in (ir.FloatType(), ir.IntType(32)))

        def number(kind: Any, value: float) -> Any:
            return ir.Constant(kind, [value] * _WIDTH)

        for v in range(_VECTORS):
            offset = ir.Constant(arguments[0].type, v * _WIDTH)
            x, b = (builder.load(_vector_at(builder, p, offset), align=4) for p in (source, bias))
            x = builder.fadd(x, b)
            negative = builder.or_(builder.bitcast(x, integers), number(integers, _SIGN))
            t = builder.fmul(builder.bitcast(negative, vector), number(vector, 1.0 / math.log(2.0)))
            lowest = number(vector, _LEAST_POWER)
            t = builder.select(builder.fcmp_ordered(">", t, lowest), t, lowest)
            whole = builder.fptosi(t, integers)
            power = _polynomial(builder, builder.fsub(t, builder.sitofp(whole, vector)), _EXP2)
            raised = builder.shl(whole, number(integers, _MANTISSA))
            e = builder.bitcast(builder.add(builder.bitcast(power, integers), raised), vector)
            zero = number(vector, 0.0)
            # What is not a number stays so: a broken network is to be seen.
            positive = builder.select(builder.fcmp_ordered("<", x, zero), zero, x)
            y = builder.fadd(positive, _polynomial(builder, e, _LOG))
            builder.store(y, _vector_at(builder, target, offset), align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 3), codegen


@intrinsic
def blend_rows(typing: Any, table: Any, corners: Any, shares: Any, across: Any, down: Any, target: Any):  # type: ignore[no-untyped-def]
    """Store 16 values of a sum of rows: four corners each of three planes, times their shares.

    Parameters
    ----------
    table, target : int
        Addresses of four-byte floats.
    corners : int
        Address of three eight-byte integers: where in the table, in numbers, the first corners begin.
    shares : int
        Address of twelve four-byte floats.
    across, down : int
        Numbers from a corner to the next one, and to the one below.
    """
    del typing, table, corners, shares, across, down, target

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        table, corners, shares, across, down, target = arguments
        single, index = ir.FloatType(), across.type
        table, shares, target = (builder.inttoptr(a, single.as_pointer()) for a in (table, shares, target))
        corners = builder.inttoptr(corners, index.as_pointer())
        sums = [ir.Constant(ir.VectorType(single, _WIDTH), [0.0] * _WIDTH)] * _VECTORS
        steps = (ir.Constant(index, 0), across, down, builder.add(across, down))
        for plane in range(3):
            corner = builder.load(builder.gep(corners, [ir.Constant(index, plane)]))
            for k, step in enumerate(steps):
                share = builder.load(builder.gep(shares, [ir.Constant(index, 4 * plane + k)]))
                share, place = _broadcast(builder, share), builder.add(corner, step)
                for v in range(_VECTORS):
                    offset = builder.add(place, ir.Constant(index, v * _WIDTH))
                    row = builder.load(_vector_at(builder, table, offset), align=4)
                    sums[v] = builder.fadd(sums[v], builder.fmul(share, row))
        for v in range(_VECTORS):
            place = _vector_at(builder, target, ir.Constant(index, v * _WIDTH))
            builder.store(sums[v], place, align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), codegen


@intrinsic
def multiply_tile(typing: Any, left: Any, stride: Any, right: Any, result: Any, result_stride: Any, n: Any):  # type: ignore[no-untyped-def]
    """Store the product of [ROWS, n] and [n, 16] in [ROWS, 16], all of four-byte floats.

    For compiled functions. Nothing is checked.

    Parameters
    ----------
    left, right, result : int
        Addresses; ``right`` is contiguous.
    stride, result_stride : int
        Numbers between rows.
    n : int
        At least one.
    """
    del typing, left, stride, right, result, result_stride, n

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        left, stride, right, result, result_stride, n = arguments
        single, index = ir.FloatType(), n.type
        vector = ir.VectorType(single, _WIDTH)
        zero = ir.Constant(vector, [0.0] * _WIDTH)
        kind = ir.FunctionType(vector, [vector] * 3)
        multiply_add = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{_WIDTH}f32")
        left, right, result = (
            builder.inttoptr(address, single.as_pointer()) for address in (left, right, result)
        )
        cells = [(r, v) for r in range(ROWS) for v in range(_VECTORS)]

        def number(value: int) -> Any:
            return ir.Constant(index, value)

        rows = [builder.mul(stride, number(r)) for r in range(ROWS)]
        before = builder.block
        loop, after = builder.append_basic_block("inner"), builder.append_basic_block("after")
        builder.branch(loop)

        builder.position_at_end(loop)
        i = builder.phi(index)
        sums = {cell: builder.phi(vector) for cell in cells}
        panel = []
        for v in range(_VECTORS):
            offset = builder.add(builder.mul(i, number(BLOCK)), number(v * _WIDTH))
            panel.append(builder.load(_vector_at(builder, right, offset), align=4))
        added = {}
        for r in range(ROWS):
            one = builder.load(builder.gep(left, [builder.add(rows[r], i)]))
            all_ = _broadcast(builder, one)
            for v in range(_VECTORS):
                added[r, v] = builder.call(multiply_add, [all_, panel[v], sums[r, v]])
        following = builder.add(i, number(1))
        i.add_incoming(number(0), before)
        i.add_incoming(following, loop)
        for cell in cells:
            sums[cell].add_incoming(zero, before)
            sums[cell].add_incoming(added[cell], loop)
        builder.cbranch(builder.icmp_signed("<", following, n), loop, after)

        builder.position_at_end(after)
        for r, v in cells:
            offset = builder.add(builder.mul(result_stride, number(r)), number(v * _WIDTH))
            builder.store(added[r, v], _vector_at(builder, result, offset), align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6), codegen
