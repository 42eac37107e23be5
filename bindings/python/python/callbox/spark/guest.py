"""A guest that travels to other processes."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import callbox

Source: TypeAlias = bytes | str | os.PathLike[str]


@dataclass(frozen=True)
class Order:
    """A guest as it travels: all that a process loads it by, and sees by that it is the same one.

    A file is read where the order is made, and nowhere else.
    """

    name: str
    # A binary, or WebAssembly text; None is the bundled guest of this name.
    module: bytes | str | None
    export: str | None
    limits: tuple[tuple[str, int | float], ...]
    sha256: str

    @classmethod
    def of(cls, guest: Source, export: str | None, limits: callbox.Limits | None) -> "Order":
        """Takes the bytes of a module, the name of a bundled guest, or a path."""
        if isinstance(guest, callbox.Guest):
            raise TypeError("a Guest stays in its process; pass the bytes, path or name that it was made of")
        if not isinstance(guest, (bytes, str, os.PathLike)):
            raise TypeError(f"guest is bytes, a path or the name of a bundled one, not {type(guest).__name__}")
        settings = (limits or callbox.Limits()).as_dict()
        module: bytes | str | None
        if isinstance(guest, bytes):
            name, module = "guest", guest
        elif guest in callbox.BUNDLED:
            name, module = str(guest), None
        else:
            name = os.fspath(guest)
            module = _read(name, int(settings["module_size"]))
        order = cls(name, module, export, tuple(settings.items()), "")
        return replace(order, sha256=order._load().sha256)

    def _load(self) -> callbox.Guest:
        limits = callbox.Limits(**dict(self.limits))  # type: ignore[arg-type]
        if self.module is None:
            return callbox.bundled(self.name, limits=limits)
        return callbox.loads(self.module, name=self.name, limits=limits)

    def fresh(self) -> callbox.Guest:
        """Returns an instance that was asked nothing yet."""
        guest = self._load()
        if guest.sha256 != self.sha256:
            raise callbox.RefusedError(
                f"the guest {self.name!r} is another one here: its SHA-256 is {guest.sha256}, and it was"
                f" {self.sha256} where the sort began; install the same version of callbox everywhere"
            )
        return guest

    def guest(self) -> callbox.Guest:
        """Returns the instance of this process."""
        return _instances(self)


# The instances of this process, by what they were made of.
_instances: Callable[[Order], callbox.Guest] = lru_cache(maxsize=4)(Order.fresh)


def _read(path: str, most: int) -> bytes | str:
    with open(path, "rb") as file:
        # One byte more is refused by the limit.
        module = file.read(most + 1)
    return module.decode() if path.endswith(".wat") else module
