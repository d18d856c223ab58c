"""From the texts of a request to values that cannot be wrong."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, overload

from domain.errors import InvalidFields, InvalidValue

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")

Field: TypeAlias = tuple[str, Callable[[], A]]
"""A field's name, and what reads it or raises InvalidValue."""


def parse_field(name: str, parse: Callable[[], A]) -> A:
    """Read one field; raises InvalidFields naming it."""
    try:
        return parse()
    except InvalidValue as error:
        raise InvalidFields({name: [error.message]}) from error


@overload
def parse_fields(a: Field[A], b: Field[B], /) -> tuple[A, B]: ...
@overload
def parse_fields(a: Field[A], b: Field[B], c: Field[C], /) -> tuple[A, B, C]: ...
@overload
def parse_fields(a: Field[A], b: Field[B], c: Field[C], d: Field[D], /) -> tuple[A, B, C, D]: ...
def parse_fields(*fields: Field[Any]) -> tuple[Any, ...]:
    """Read all the fields; raises InvalidFields naming each that cannot be used."""
    values: list[Any] = []
    errors: dict[str, list[str]] = {}
    for name, parse in fields:
        try:
            values.append(parse())
        except InvalidValue as error:
            errors[name] = [error.message]
    if errors:
        raise InvalidFields(errors)
    return tuple(values)
