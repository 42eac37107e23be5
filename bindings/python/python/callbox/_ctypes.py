"""Function objects of ctypes with guests behind them."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._callbox import Callback, Guest, Retained

# The codes of ctypes' simple types, which are its own classes' attribute _type_, as C writes them.
_SIMPLE = {
    "?": "_Bool",
    "c": "char",
    "b": "signed char",
    "B": "unsigned char",
    "h": "short",
    "H": "unsigned short",
    "i": "int",
    "I": "unsigned int",
    "l": "long",
    "L": "unsigned long",
    "q": "long long",
    "Q": "unsigned long long",
    "f": "float",
    "d": "double",
    "g": "long double",
    "u": "wchar_t",
    "z": "const char *",
    "P": "void *",
}


class CFuncType:
    """What `ctypes.CFUNCTYPE` returns, for exports of a guest in the place of Python's functions.

    `CFuncType(guest, c_int, (POINTER(c_int), POINTER(c_int)))("compare")` is a function object of ctypes. C may call
    it for as long as the object lives; a call after that is answered with 0.
    """

    def __init__(self, guest: Guest, restype: Any, argtypes: tuple[Any, ...]) -> None:
        self._guest = guest
        self.prototype = _Prototype().text(restype, argtypes)
        #: What `ctypes.CFUNCTYPE` returns: the type of the function objects, for fields of structures.
        self.functype: Any = ctypes.CFUNCTYPE(restype, *argtypes)

    def __call__(self, export: str, *, width: int | None = None) -> Any:
        """Checks the export against the type, and returns a function object.

        Its attribute `lease` is that which keeps it, with `calls`, `take_failure`, `release` and `retire`, and its attribute
        `callback` the callback, with `lend`. `width` is the size of an element in bytes, for comparators of c_void_p.
        """
        if not isinstance(export, str):
            raise TypeError(f"the name of an export was expected, not {export!r}; a guest compares, not Python")
        callback: Callback = self._guest.callback(export, self.prototype)
        lease: Retained = callback.retain(width=width)
        function = self.functype(int(lease.pointer))
        function.callback, function.lease = callback, lease
        return function

    def from_param(self, value: Any) -> Any:
        """Lets `argtypes` have it where they have a type of ctypes, for functions and for pointers of leases."""
        if hasattr(value, "_as_parameter_"):
            value = self.functype(int(value))
        return self.functype.from_param(value)

    def __repr__(self) -> str:
        return f"<CFuncType {self.prototype}>"


class _Prototype:
    """Writes types of ctypes as C does."""

    def __init__(self) -> None:
        # The tag of each structure that has been defined so far, and those whose fields are being written.
        self._tags: dict[type, str] = {}
        self._open: set[type] = set()

    def text(self, restype: Any, argtypes: tuple[Any, ...]) -> str:
        arguments = [self._declare(argtype) for argtype in argtypes]
        if _compares(restype, argtypes):
            # The pointees of comparators are const: this is what the C functions that take them say.
            arguments = [f"const {argument}" for argument in arguments]
        result = "void" if restype is None else self._declare(restype)
        return f"{result} ({', '.join(arguments) or 'void'})"

    def _declare(self, ctype: Any, name: str = "") -> str:
        space = f" {name}" if name else ""
        if isinstance(ctype, type) and _is_native(ctype):
            if issubclass(ctype, ctypes._SimpleCData):
                spelled = _SIMPLE.get(getattr(ctype, "_type_", ""))
                if spelled is not None:
                    return f"{spelled}{space}"
            elif issubclass(ctype, ctypes._Pointer) and hasattr(ctype, "_type_"):
                return self._pointer(ctype._type_, name)
            elif issubclass(ctype, ctypes.Array):
                return self._declare(ctype._type_, f"{name}[{ctype._length_}]")
            elif issubclass(ctype, ctypes.Structure):
                return f"{self._structure(ctype)}{space}"
        raise TypeError(f"{ctype!r} is no type that a guest can be passed; see docs/ctypes.md for those that can")

    def _pointer(self, pointee: Any, name: str) -> str:
        if isinstance(pointee, type) and issubclass(pointee, ctypes.Array):
            return self._declare(pointee, f"(*{name})")
        return self._declare(pointee, f"*{name}")

    def _structure(self, ctype: type[ctypes.Structure]) -> str:
        tag = self._tags.get(ctype)
        if tag is not None:
            return f"struct {tag}"
        name = ctype.__name__ if ctype.__name__.isascii() else "s"
        if "_fields_" not in vars(ctype):
            return f"struct {name}"  # opaque, or refused where it is no pointee
        _check_layout(ctype)
        if ctype in self._open:
            raise TypeError(f"{ctype.__name__} leads to itself, which no guest can be passed")
        self._open.add(ctype)
        fields = [f"{self._declare(field[1], field[0])};" for field in ctype._fields_]
        self._open.remove(ctype)
        tag = f"{name}_{len(self._tags)}"
        self._tags[ctype] = tag
        return f"struct {tag} {{ {' '.join(fields)} }}"


def _check_layout(ctype: type[ctypes.Structure]) -> None:
    """Raises a TypeError unless C lays the structure out as ctypes does: no other guest's view of it is right."""
    name = ctype.__name__
    end = 0
    for field in ctype._fields_:
        if len(field) > 2:
            raise TypeError(f"{name}.{field[0]} is a bit field, which a guest cannot be passed")
        if not (field[0].isascii() and field[0].isidentifier()):
            raise TypeError(f"{name} has a field {field[0]!r}, which is no name of C's")
        alignment = ctypes.alignment(field[1])
        start = (end + alignment - 1) // alignment * alignment
        if getattr(ctype, field[0]).offset != start:
            raise TypeError(
                f"{name}.{field[0]} is not where C puts it; a guest is passed structures without _pack_ or _align_, "
                "that inherit no fields"
            )
        end = start + ctypes.sizeof(field[1])
    alignment = ctypes.alignment(ctype)
    if ctypes.sizeof(ctype) != (end + alignment - 1) // alignment * alignment:
        raise TypeError(f"{name} is not as large as C makes it; it inherits fields, or has _align_")


def _is_native(ctype: type) -> bool:
    """Returns whether the bytes of a type are in this machine's order."""
    native = getattr(ctype, f"__ctype_{sys.byteorder[0]}e__", ctype)
    return native is ctype and not hasattr(ctype, "_swappedbytes_")


def _compares(restype: Any, argtypes: tuple[Any, ...]) -> bool:
    """Returns whether this is the type of a comparator: two pointers of one type to int."""
    if restype is not ctypes.c_int or len(argtypes) != 2 or argtypes[0] is not argtypes[1]:
        return False
    argtype = argtypes[0]
    return argtype is ctypes.c_void_p or (isinstance(argtype, type) and issubclass(argtype, ctypes._Pointer))
