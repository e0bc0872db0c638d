"""For compiled functions: memory that they take and free themselves, by Python's own functions for that.

To import this module is to import numba.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import carray, types
from numba.core import cgutils

from pof3d.jit import inlined, intrinsic
from pof3d.memory import LINE_BYTES


def _before(builder: Any, address: Any) -> Any:
    return builder.gep(address, [ir.Constant(ir.IntType(64), -8)])


@intrinsic
def _free(typing: Any, address: Any):  # type: ignore[no-untyped-def]
    del typing, address

    def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte])
        function = cgutils.get_or_insert_function(builder.module, kind, "PyMem_RawFree")
        noted = _before(builder, builder.inttoptr(arguments[0], byte))
        builder.call(function, [builder.load(builder.bitcast(noted, byte.as_pointer()))])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


def _allocation(item: Any) -> Any:
    def allocate(typing: Any, count: Any):  # type: ignore[no-untyped-def]
        """So many bytes, at the beginning of a line of the cache; what to free is noted before them."""
        del typing, count

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.FunctionType(ir.IntType(8).as_pointer(), [arguments[0].type])
            function = cgutils.get_or_insert_function(builder.module, kind, "PyMem_RawMalloc")
            # What is stored there changes nothing else: only then loops become vectors without asking.
            function.return_value.add_attribute("noalias")
            integer = arguments[0].type
            line = ir.Constant(integer, LINE_BYTES)
            whole = builder.call(function, [builder.add(arguments[0], line)])
            beyond = builder.and_(builder.ptrtoint(whole, integer), ir.Constant(integer, LINE_BYTES - 1))
            aligned = builder.gep(whole, [builder.sub(line, beyond)])
            builder.store(whole, builder.bitcast(_before(builder, aligned), whole.type.as_pointer()))
            return builder.bitcast(aligned, context.get_value_type(signature.return_type))

        return types.CPointer(item)(types.intp), codegen

    return intrinsic(allocate)


_allocate_floats, _allocate_integers = _allocation(types.float32), _allocation(types.int64)


@inlined
def _count(shape):  # type: ignore[no-untyped-def]
    count = 1
    for size in shape:
        count *= size
    return count


@inlined
def floats(shape):  # type: ignore[no-untyped-def]
    """An array of four-byte floats, of any content, to be released."""
    return carray(_allocate_floats(4 * _count(shape)), shape)


@inlined
def integers(shape):  # type: ignore[no-untyped-def]
    """The same of eight-byte integers."""
    return carray(_allocate_integers(8 * _count(shape)), shape)


@inlined
def release(array):  # type: ignore[no-untyped-def]
    """Free what :func:`floats` or :func:`integers` made."""
    _free(array.ctypes.data)
