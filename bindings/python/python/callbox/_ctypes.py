"""Function objects of ctypes with guests behind them."""

from __future__ import annotations

import ctypes
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
        # The tag of each structure that has been defined so far.
        self._tags: dict[type, str] = {}

    def text(self, restype: Any, argtypes: tuple[Any, ...]) -> str:
        arguments = [self._declare(argtype) for argtype in argtypes]
        if _compares(restype, argtypes):
            # The pointees of comparators are const: this is what the C functions that take them say.
            arguments = [f"const {argument}" for argument in arguments]
        result = "void" if restype is None else self._declare(restype)
        return f"{result} ({', '.join(arguments) or 'void'})"

    def _declare(self, ctype: Any, name: str = "") -> str:
        space = f" {name}" if name else ""
        if isinstance(ctype, type):
            if issubclass(ctype, ctypes._SimpleCData):
                spelled = _SIMPLE.get(getattr(ctype, "_type_", ""))
                if spelled is not None:
                    return f"{spelled}{space}"
            elif issubclass(ctype, ctypes._Pointer):
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
        if getattr(ctype, "_pack_", 0):
            raise TypeError(f"{ctype.__name__} has _pack_, and a guest is passed structures as C lays them out")
        fields = []
        for field in ctype._fields_:
            if len(field) > 2:
                raise TypeError(f"{ctype.__name__}.{field[0]} is a bit field, which a guest cannot be passed")
            fields.append(f"{self._declare(field[1], field[0])};")
        tag = f"{ctype.__name__}_{len(self._tags)}" if ctype.__name__.isascii() else f"s_{len(self._tags)}"
        self._tags[ctype] = tag
        return f"struct {tag} {{ {' '.join(fields)} }}"


def _compares(restype: Any, argtypes: tuple[Any, ...]) -> bool:
    """Returns whether this is the type of a comparator: two pointers of one type to int."""
    if restype is not ctypes.c_int or len(argtypes) != 2 or argtypes[0] is not argtypes[1]:
        return False
    argtype = argtypes[0]
    return argtype is ctypes.c_void_p or (isinstance(argtype, type) and issubclass(argtype, ctypes._Pointer))
