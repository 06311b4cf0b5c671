"""What is declared by one of several kinds, each with parts of its own: a destination, a reader.

In: what a value's `declaration` says. Out: the value, or `InvalidNameError`. Effects: none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from data_exports.names import Identifier, InvalidNameError


@dataclass(frozen=True, slots=True)
class DeclaredPart:
    """One thing that a declaration says."""

    parse: type[Identifier]
    meaning: str
    is_required: bool = True


class OfParts(Protocol):
    """A value that its parts make."""

    parts: ClassVar[Mapping[str, DeclaredPart]]


T = TypeVar("T", bound=OfParts)


def value_of_kind(declared: object, kinds: Mapping[str, type[T]], noun: str) -> T:
    """The value that a declaration of this form was made of: the name of a kind, and its parts.

    Raises `InvalidNameError` for anything else; `noun`: what it is that is declared.
    """
    if not isinstance(declared, Mapping) or len(declared) != 1:
        raise InvalidNameError(f"a {noun} is declared by one kind")
    ((name, parts),) = declared.items()
    kind = kinds.get(name)
    if kind is None or not isinstance(parts, Mapping):
        raise InvalidNameError(f"there is no kind of {noun} {name!r}")
    required = {part for part, about in kind.parts.items() if about.is_required}
    if not required <= set(parts) <= set(kind.parts):
        raise InvalidNameError(f"the {noun} {name!r} has other parts than it must")
    make: Callable[..., T] = kind
    return make(**{part: kind.parts[part].parse(str(value)) for part, value in parts.items()})
