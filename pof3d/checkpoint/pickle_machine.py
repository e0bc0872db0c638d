"""A pickle interpreter that computes data and nothing else.

Why not :class:`pickle.Unpickler` with a guarded ``find_class``? Because that class is built to run what a
stream asks for, and a guard has to think of every way it can ask: extension codes, ``INST``, ``BUILD`` on
whatever ``find_class`` handed out, attribute paths in protocol 4, allocations sized by the stream. Here it
is the other way round. The machine knows only the opcodes below, a name in the stream is looked up in a
table of ours (nothing is ever imported), and a call in the stream calls a builder of that table. What is
not in a table does not exist.

It also keeps the cost of a file in proportion to its size: byte strings stay in the file as
:class:`~pof3d.checkpoint.source.Blob` windows until somebody needs them, counts and lengths are compared
with what the file holds before anything is made, and the number of opcodes and the text kept in memory are
bounded. The machine has no recursion. About 60,000 opcodes, a full PoF3D snapshot, take a fifth of a
second.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pof3d.checkpoint.source import Cursor, damaged, refuse

MAX_OPCODES = 400_000
"""Opcodes of one stream. A snapshot of a full-size network has about 60,000."""
MAX_TEXT = 1 << 16
"""Longer strings (source text) are skipped, not decoded."""
MAX_TEXT_TOTAL = 1 << 24
"""Bytes of text that one stream may bring into memory."""
MAX_INT_BYTES = 16
_KEY_BOUND = 1 << 31


class SkippedText:
    """Stands where a string was too long to be a name or a setting."""


SKIPPED_TEXT = SkippedText()


class Buildable:
    """An object whose state a stream may set, once it exists, with ``BUILD``."""

    __slots__ = ()

    def set_state(self, state: object) -> None:
        """Take the state; refuse what is not expected."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Global:
    """An entry of the allow-list: what a name in the stream stands for.

    Parameters
    ----------
    name : str
        For messages.
    reduce : callable, optional
        Called with the tuple of arguments where the stream calls the name; None refuses the call.
    new : callable, optional
        The same for ``NEWOBJ``.
    """

    name: str
    reduce: Callable[[tuple[Any, ...]], object] | None = None
    new: Callable[[tuple[Any, ...]], object] | None = None


_MARK = object()
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")


class Machine:
    """Interprets one pickle.

    Parameters
    ----------
    cursor : Cursor
        Stands at the first byte; afterwards behind the last one.
    names : mapping
        The allow-list: (module, name) → :class:`Global`.
    persistent : callable, optional
        Turns a persistent id into an object. Without it a stream with persistent ids is refused.
    max_opcodes : int
        Bound on the opcodes.
    watch : callable, optional
        Called now and then with the position in the file; may raise to stop.
    """

    def __init__(
        self,
        cursor: Cursor,
        names: Mapping[tuple[str, str], Global],
        *,
        persistent: Callable[[object], object] | None = None,
        max_opcodes: int = MAX_OPCODES,
        watch: Callable[[int], None] | None = None,
    ) -> None:
        self._cursor = cursor
        self._take = cursor.take
        self._names = names
        self._persistent = persistent
        self._max_opcodes = max_opcodes
        self._watch = watch
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._text = 0

    def run(self) -> object:
        """Interpret the stream up to its ``STOP`` and return what it describes.

        Raises
        ------
        CheckpointError
            If the stream is damaged or uses anything that is not on the lists.
        """
        take, table = self._take, _OPCODES
        try:
            for count in range(self._max_opcodes):
                code = take(1)
                if code == b".":
                    result = self._stack.pop()
                    if self._stack or result is _MARK:
                        damaged("something is left over at its end")
                    return result
                step = table.get(code)
                if step is None:
                    refuse(
                        f"it uses the pickle instruction {_opcode_name(code)}, which checkpoints do not need"
                    )
                step(self)
                if self._watch is not None and not count & 0xFFF:
                    self._watch(self._cursor.position)
        except IndexError:
            damaged("an instruction in it lacks its operands")
        refuse("it has far more instructions than any checkpoint")

    # ---------------------------------------------------------------------------------------------- the stack
    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            damaged("an instruction in it lacks its operands")
        return value

    def _top(self) -> Any:
        value = self._stack[-1]
        if value is _MARK:
            damaged("an instruction in it lacks its operands")
        return value

    def _pop_mark(self) -> list[Any]:
        stack = self._stack
        at = len(stack) - 1
        while at >= 0 and stack[at] is not _MARK:
            at -= 1
        if at < 0:
            damaged("an instruction in it lacks its operands")
        items = stack[at + 1 :]
        del stack[at:]
        return items

    def _push(self, value: object) -> None:
        self._stack.append(value)

    # ------------------------------------------------------------------------------------------- plain values
    def _proto(self) -> None:
        version = self._take(1)[0]
        if not 2 <= version <= 5:
            refuse(f"pickle protocol {version} is not one that checkpoints use")

    def _frame(self) -> None:
        if _U64.unpack(self._take(8))[0] > self._cursor.remaining:
            damaged("it ends too early")

    def _long1(self) -> None:
        size = self._take(1)[0]
        if size > MAX_INT_BYTES:
            refuse("it has an integer that is longer than any checkpoint's")
        self._push(int.from_bytes(self._take(size), "little", signed=True))

    def _unicode(self, size: int) -> None:
        if size > MAX_TEXT:
            self._cursor.skip(size)
            self._push(SKIPPED_TEXT)
            return
        self._text += size
        if self._text > MAX_TEXT_TOTAL:
            refuse("it has far more text than any checkpoint")
        # What is not UTF-8 matches no name of ours: it can only be a description.
        self._push(self._take(size).decode("utf-8", "replace"))

    def _unicode1(self) -> None:
        self._unicode(self._take(1)[0])

    def _unicode4(self) -> None:
        self._unicode(_U32.unpack(self._take(4))[0])

    def _unicode8(self) -> None:
        self._unicode(_U64.unpack(self._take(8))[0])

    def _bytes1(self) -> None:
        self._push(self._cursor.skip(self._take(1)[0]))

    def _bytes4(self) -> None:
        self._push(self._cursor.skip(_U32.unpack(self._take(4))[0]))

    def _bytes8(self) -> None:
        self._push(self._cursor.skip(_U64.unpack(self._take(8))[0]))

    # --------------------------------------------------------------------------------------------- containers
    def _tuple(self) -> None:
        self._push(tuple(self._pop_mark()))

    def _tuple1(self) -> None:
        self._push((self._pop(),))

    def _tuple2(self) -> None:
        b, a = self._pop(), self._pop()
        self._push((a, b))

    def _tuple3(self) -> None:
        c, b, a = self._pop(), self._pop(), self._pop()
        self._push((a, b, c))

    def _append(self) -> None:
        value, target = self._pop(), self._top()
        if type(target) is not list:
            refuse("it appends to something that is not a list")
        target.append(value)

    def _appends(self) -> None:
        items, target = self._pop_mark(), self._top()
        if type(target) is not list:
            refuse("it appends to something that is not a list")
        target.extend(items)

    def _setitem(self) -> None:
        value, key = self._pop(), self._pop()
        self._put_items([key, value])

    def _setitems(self) -> None:
        self._put_items(self._pop_mark())

    def _put_items(self, items: list[Any]) -> None:
        target = self._top()
        if type(target) is not dict:
            refuse("it puts items into something that is not a dictionary")
        if len(items) % 2:
            damaged("a dictionary in it has a key without a value")
        for i in range(0, len(items), 2):
            target[_key(items[i])] = items[i + 1]

    def _additems(self) -> None:
        items, target = self._pop_mark(), self._top()
        if type(target) is not set:
            refuse("it adds to something that is not a set")
        target.update(_key(item) for item in items)

    def _frozenset(self) -> None:
        self._push(frozenset(_key(item) for item in self._pop_mark()))

    # --------------------------------------------------------------------------------------------------- memo
    def _get(self, index: int) -> None:
        if index not in self._memo:
            damaged("it refers to something that it does not contain")
        self._push(self._memo[index])

    def _binget(self) -> None:
        self._get(self._take(1)[0])

    def _long_binget(self) -> None:
        self._get(_U32.unpack(self._take(4))[0])

    def _binput(self) -> None:
        self._memo[self._take(1)[0]] = self._top()

    def _long_binput(self) -> None:
        self._memo[_U32.unpack(self._take(4))[0]] = self._top()

    def _memoize(self) -> None:
        self._memo[len(self._memo)] = self._top()

    # -------------------------------------------------------------------------------------------------- names
    def _name(self, module: object, name: object) -> None:
        found = self._names.get((module, name)) if isinstance(module, str) and isinstance(name, str) else None
        if found is None:
            refuse(f"it names {_shown(module)}.{_shown(name)}, which is not part of a checkpoint")
        self._push(found)

    def _global(self) -> None:
        module, name = (self._cursor.line().decode("utf-8", "replace") for _ in range(2))
        self._name(module, name)

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._name(module, name)

    def _reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, Global) or function.reduce is None or type(arguments) is not tuple:
            refuse("it calls something that is not a builder of checkpoints")
        self._push(function.reduce(arguments))

    def _newobj(self) -> None:
        arguments, kind = self._pop(), self._pop()
        if not isinstance(kind, Global) or kind.new is None or type(arguments) is not tuple:
            refuse("it makes an object that is not part of a checkpoint")
        self._push(kind.new(arguments))

    def _build(self) -> None:
        state, target = self._pop(), self._top()
        if not isinstance(target, Buildable):
            refuse("it sets the state of something that has none")
        target.set_state(state)

    def _binpersid(self) -> None:
        if self._persistent is None:
            refuse("it refers to objects outside the file")
        self._push(self._persistent(self._pop()))


def _key(value: object) -> str | int:
    """Keys are texts and small integers: hashing those costs nothing that a file could blow up."""
    if type(value) is str or (type(value) is int and -_KEY_BOUND <= value < _KEY_BOUND):
        return value
    refuse("a dictionary or set in it has a key that is neither a text nor a small number")


def _shown(name: object) -> str:
    return name[:80].encode("ascii", "backslashreplace").decode() if isinstance(name, str) else "(no text)"


def _opcode_name(code: bytes) -> str:
    import pickletools  # only for this message

    names = {opcode.code: opcode.name for opcode in pickletools.opcodes}
    return names.get(code.decode("latin-1"), f"0x{code[0]:02x}")


def _pushes(make: Callable[[], object]) -> Callable[[Machine], None]:
    return lambda machine: machine._push(make())


def _reads(form: str) -> Callable[[Machine], None]:
    number = struct.Struct(form)
    return lambda machine: machine._push(number.unpack(machine._take(number.size))[0])


_OPCODES: dict[bytes, Callable[[Machine], None]] = {
    b"\x80": Machine._proto,
    b"\x95": Machine._frame,
    b"(": _pushes(lambda: _MARK),
    b"N": _pushes(lambda: None),
    b"\x88": _pushes(lambda: True),
    b"\x89": _pushes(lambda: False),
    b"]": _pushes(list),
    b")": _pushes(tuple),
    b"}": _pushes(dict),
    b"\x8f": _pushes(set),
    b"J": _reads("<i"),
    b"K": _reads("<B"),
    b"M": _reads("<H"),
    b"G": _reads(">d"),
    b"\x8a": Machine._long1,
    b"\x8c": Machine._unicode1,
    b"X": Machine._unicode4,
    b"\x8d": Machine._unicode8,
    b"C": Machine._bytes1,
    b"B": Machine._bytes4,
    b"\x8e": Machine._bytes8,
    b"t": Machine._tuple,
    b"\x85": Machine._tuple1,
    b"\x86": Machine._tuple2,
    b"\x87": Machine._tuple3,
    b"a": Machine._append,
    b"e": Machine._appends,
    b"s": Machine._setitem,
    b"u": Machine._setitems,
    b"\x90": Machine._additems,
    b"\x91": Machine._frozenset,
    b"h": Machine._binget,
    b"j": Machine._long_binget,
    b"q": Machine._binput,
    b"r": Machine._long_binput,
    b"\x94": Machine._memoize,
    b"c": Machine._global,
    b"\x93": Machine._stack_global,
    b"R": Machine._reduce,
    b"\x81": Machine._newobj,
    b"b": Machine._build,
    b"Q": Machine._binpersid,
}
