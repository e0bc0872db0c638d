"""Compiling functions to object files, with numba; :mod:`pof3d.machine_code` puts those into memory.

To import this module is to import numba.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import binding
from numba import types
from numba.extending import intrinsic as numba_intrinsic

from pof3d.machine_code import ENTRY

_FAST = {"contract", "reassoc", "nsz", "arcp", "afn"}
"""What may be done to arithmetic: all but to take for granted that there is nothing that is not a number."""
_SETTINGS: dict[str, Any] = {"fastmath": _FAST, "error_model": "numpy"}
_NUMBERS = {"i": types.int64, "f": types.float32, "b": types.int64}
_ITEMS = {"f": types.float32, "n": types.int64}
_REPORTING = r"(?:NRT_|numba_|Py(?!Mem_Raw))\w+"
"""Functions of numba and Python by which errors are reported."""
_Function = Callable[..., Any]

intrinsic: Any = numba_intrinsic
"""What it makes of a function is called with one argument less than the function has."""
inlined: _Function = numba.njit(inline="always", **_SETTINGS)
"""Makes a function a part of those that call it."""
part: _Function = numba.njit(**_SETTINGS)
"""Makes a function one that compiled ones may call."""


class Source:
    """A function to be compiled, with its signature; see :class:`~pof3d.machine_code.Kernel`.

    It may allocate memory by :mod:`pof3d.scratch` alone, and raises nothing.
    """

    def __init__(self, function: _Function, signature: str) -> None:
        self.function = function
        self.signature = signature

    def build(self) -> bytes:
        """Its object file, for this processor."""
        entry, kinds = _entry(part(self.function), self.signature)
        made = numba.cfunc(types.void(*kinds), **_SETTINGS)(entry)
        module = binding.parse_assembly(_alone(made.inspect_llvm()))
        module.get_function(made.native_name).name = ENTRY
        module.verify()
        machine = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(),
            features=binding.get_host_cpu_features().flatten(),
            opt=3,
            reloc="pic",
            codemodel="default",
        )
        return bytes(machine.emit_object(module))


def compiled(signature: str) -> Callable[[_Function], Source]:
    """Makes a function one to be compiled."""
    return lambda function: Source(function, signature)


def _entry(function: _Function, signature: str) -> tuple[_Function, list[Any]]:
    """The same function of addresses and sizes in place of arrays, and the types of these."""
    names: list[str] = []
    given: list[str] = []
    kinds: list[Any] = []
    for i, word in enumerate(signature.split()):
        names.append(f"p{i}")
        if len(word) == 1:
            given.append(f"p{i} != 0" if word == "b" else f"p{i}")
            kinds.append(_NUMBERS[word])
        else:
            sizes = [f"p{i}_{axis}" for axis in range(int(word[1]))]
            names += sizes
            given.append(f"carray(p{i}, ({', '.join(sizes)},))")
            kinds += [types.CPointer(_ITEMS[word[0]]), *[types.int64] * len(sizes)]
    names_of: dict[str, Any] = {"function": function, "carray": numba.carray}
    exec(f"def entry({', '.join(names)}):\n    function({', '.join(given)})\n", names_of)
    return names_of["entry"], kinds


def _alone(code: str) -> str:
    """LLVM's code without what numba adds to report errors, which cannot occur here."""
    ended = r"define internal \1 {\n  call void @llvm.trap()\n  unreachable\n}"
    code = re.sub(rf"^declare (.*?@{_REPORTING}\(.*?\)).*$", ended, code, flags=re.MULTILINE)
    code = re.sub(r"^(@PyExc_\w+ = )external global i8", r"\1internal global i8 0", code, flags=re.MULTILINE)
    return code if "declare void @llvm.trap()" in code else code + "\ndeclare void @llvm.trap()\n"
