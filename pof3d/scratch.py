"""For compiled functions: memory that they take and free themselves, by Python's own functions for that.

To import this module is to import numba.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic as numba_intrinsic

from pof3d.jit import inlined

_intrinsic: Any = numba_intrinsic
"""What it makes of a function is called with one argument less than the function has."""


@_intrinsic
def _allocate(typing: Any, count: Any):  # type: ignore[no-untyped-def]
    """Address of so many bytes."""
    del typing, count

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        del context
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(byte, [arguments[0].type])
        function = cgutils.get_or_insert_function(builder.module, kind, "PyMem_RawMalloc")
        return builder.ptrtoint(builder.call(function, arguments), arguments[0].type)

    return types.intp(types.intp), codegen


@_intrinsic
def _free(typing: Any, address: Any):  # type: ignore[no-untyped-def]
    del typing, address

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte])
        function = cgutils.get_or_insert_function(builder.module, kind, "PyMem_RawFree")
        builder.call(function, [builder.inttoptr(arguments[0], byte)])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


def _pointer_to(item: Any) -> Any:
    def pointer(typing: Any, address: Any):  # type: ignore[no-untyped-def]
        del typing, address

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(item)(types.intp), codegen

    return _intrinsic(pointer)


_to_floats, _to_integers = _pointer_to(types.float32), _pointer_to(types.int64)


@inlined
def _count(shape):  # type: ignore[no-untyped-def]
    count = 1
    for size in shape:
        count *= size
    return count


@inlined
def floats(shape):  # type: ignore[no-untyped-def]
    """An array of four-byte floats, of any content, to be released."""
    return carray(_to_floats(_allocate(4 * _count(shape))), shape)


@inlined
def integers(shape):  # type: ignore[no-untyped-def]
    """The same of eight-byte integers."""
    return carray(_to_integers(_allocate(8 * _count(shape))), shape)


@inlined
def release(array):  # type: ignore[no-untyped-def]
    """Free what :func:`floats` or :func:`integers` made."""
    _free(array.ctypes.data)
