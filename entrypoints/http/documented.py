"""The refusals of an operation, for its description, made from the table that gives them."""

import inspect
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final, TypeAlias

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from domain import errors
from domain.errors import DomainError
from entrypoints.http import refusals
from entrypoints.http.error_table import MAIN, body_of, status_of
from entrypoints.http.families import Family
from entrypoints.http.refusal_schemas import (
    DetailedRefusal,
    FieldRefusals,
    LaterRefusal,
    OlderRefusal,
    PhoneClash,
    Refusal,
)

Documented: TypeAlias = type[DomainError] | DomainError
"""A kind of refusal, or one that is the example of its kind."""

BEARER: Final[list[dict[str, list[str]]]] = [{"bearer": []}]
"""What an operation says that needs an access token."""
_WORDS: Final[Mapping[type[DomainError], str]] = {
    errors.FileTooLarge: "The file is larger than the service takes; `error` says how many bytes"
    " that is.",
    refusals.WrongCode: "The code was wrong, late, used before or never sent.",
}
"""For kinds whose docstring speaks to programmers."""


def body_refusals(
    field: str, sentence: str = "This field is required."
) -> tuple[DomainError, DomainError, type[DomainError]]:
    """What every operation with a JSON body may refuse; the field is for the example."""
    return (
        errors.InvalidFields({field: [sentence]}),
        refusals.BodyUnreadable("This is not JSON."),
        refusals.BodyTooLarge,
    )


def refused_with(*given: Documented) -> Mapping[int, ResponseSpec]:
    """Describe what an operation of the main family may refuse with."""
    return _specs(Family.MAIN, given)


def older_refused_with(*given: Documented) -> Mapping[int, ResponseSpec]:
    """Describe what an operation of the older app's family may refuse with."""
    return _specs(Family.OLDER_APP, given)


def _specs(family: Family, given: Sequence[Documented]) -> Mapping[int, ResponseSpec]:
    by_status: dict[int, list[DomainError]] = {}
    for one in (*given, refusals.Unforeseen):
        sample = one if isinstance(one, DomainError) else _sample(one)
        by_status.setdefault(status_of(sample, family), []).append(sample)
    return {
        status: ResponseSpec(
            _container(family, samples),
            description=" ".join(map(_words, samples)),
            examples=[
                Example(summary=type(sample).__name__, value=body_of(sample, family))
                for sample in samples
            ],
            generate_examples=False,
        )
        for status, samples in by_status.items()
    }


def _words(sample: DomainError) -> str:
    kind = type(sample)
    return _WORDS.get(kind) or " ".join((inspect.getdoc(kind) or "").split())


def _sample(kind: type[DomainError]) -> DomainError:
    if issubclass(kind, errors.RateLimitExceeded):
        return kind(retry_after=15)
    if issubclass(kind, errors.FileTooLarge):
        return kind(limit=20_000_000)
    if issubclass(kind, errors.PhoneInUse):
        return kind("6561a2b0c3d4e5f60718293a", "Rahul Sharma")
    if issubclass(kind, errors.PhoneUnreachable):
        return kind("This number gets no text messages; use the number of a mobile phone.")
    return kind()


def _container(family: Family, samples: Sequence[DomainError]) -> Any:
    if family is Family.OLDER_APP:
        return OlderRefusal
    return reduce(or_, (_container_of(type(sample)) for sample in samples))


def _container_of(kind: type[DomainError]) -> Any:
    if MAIN[kind].code == "invalid":
        return FieldRefusals
    if kind is errors.PhoneInUse:
        return PhoneClash
    if issubclass(kind, errors.RateLimitExceeded | errors.Unavailable | errors.DeliveryFailed):
        return LaterRefusal
    return DetailedRefusal if hasattr(kind, "details") else Refusal
