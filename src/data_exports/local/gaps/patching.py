"""How a mend gets into the emulator: as a wrapper around one of its functions.

`@mends(module, "function", "its parameters")` notes a wrapper; `apply_noted` puts all of them in place, in the order of
their notes. A function that is not there any more, or takes other parameters, stops it: a mend that silently does not
apply would let tests pass that must fail.
"""

import functools
import inspect
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from data_exports.errors import LocalAwsError

EMULATOR_VERSION = "1.5.33"
"""The one version of ministack that the mends are written against; `pyproject.toml` pins it."""

Wrapper = TypeVar("Wrapper", bound=Callable[..., Any])

_REINSTALL = f"install ministack {EMULATOR_VERSION}; the extra `local` of this package pins it"
_NEEDED = {
    "asyncssh": "which speaks SFTP, is not installed",
    "joserfc": "which verifies tokens, is not installed",
}
"""What else the extra holds, whose version does not matter."""


@dataclass(frozen=True)
class Mend:
    """One wrapper: the function it goes around, by holder and name, and what that function must look like."""

    holder: Any
    name: str
    parameters: str
    wrapper: Callable[..., Any]

    @property
    def place(self) -> str:
        """The function for people: ``ministack.services.s3._copy_object``."""
        return f"{getattr(self.holder, '__name__', 'a table')}.{self.name}"

    def apply(self) -> None:
        """Put the wrapper around the function; raises `LocalAwsError` when the function is not as expected."""
        is_table = isinstance(self.holder, MutableMapping)
        original = self.holder.get(self.name) if is_table else getattr(self.holder, self.name, None)
        if original is None:
            raise LocalAwsError(f"the emulator has no {self.place} any more", next_step=_REINSTALL)
        found = " ".join(inspect.signature(original).parameters)
        if found != self.parameters:
            raise LocalAwsError(
                f"the emulator's {self.place} takes ({found}) and not ({self.parameters})", next_step=_REINSTALL
            )
        mended = functools.wraps(original)(functools.partial(self.wrapper, original))
        if is_table:
            self.holder[self.name] = mended
        else:
            setattr(self.holder, self.name, mended)


_noted: list[Mend] = []


def mends(holder: Any, name: str, parameters: str) -> Callable[[Wrapper], Wrapper]:
    """Note a wrapper of `holder.name` (or of `holder[name]`, for a table).

    The wrapper gets the original function first, then its arguments. `parameters` are the names of those, with a blank
    between them.
    """

    def note(wrapper: Wrapper) -> Wrapper:
        _noted.append(Mend(holder, name, parameters, wrapper))
        return wrapper

    return note


def noted() -> tuple[Mend, ...]:
    """The mends that are noted and not in place yet."""
    return tuple(_noted)


def apply_noted() -> None:
    """Put every noted wrapper in place; raises `LocalAwsError` when one does not fit."""
    for mend in _noted:
        mend.apply()
    _noted.clear()


def check_emulator_version(version_of: Callable[[str], str] = version) -> None:
    """Raise `LocalAwsError` unless the emulator is the one the mends are written against, with all that they need."""
    try:
        found = version_of("ministack")
    except PackageNotFoundError:
        raise LocalAwsError("the emulator (ministack) is not installed", next_step=_REINSTALL) from None
    if found != EMULATOR_VERSION:
        raise LocalAwsError(
            f"ministack {found} is installed, and its differences from AWS are only known for {EMULATOR_VERSION}",
            next_step=_REINSTALL,
        )
    for name, missing in _NEEDED.items():
        try:
            version_of(name)
        except PackageNotFoundError:
            step = "install the extra `local` of this package (in a checkout: make .venv/installed-dev)"
            raise LocalAwsError(f"{name}, {missing}", next_step=step) from None
