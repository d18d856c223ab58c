"""The refusals of an operation, for its description, made from the table that gives them."""

import inspect
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any, Final

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from domain import errors
from domain.errors import DomainError
from entrypoints.http import refusals
from entrypoints.http.error_table import MAIN, body_of, status_of
from entrypoints.http.families import Family

BEARER: Final[list[dict[str, list[str]]]] = [{"bearer": []}]
"""What an operation says that needs an access token."""


class Refusal(msgspec.Struct):
    """A sentence for people, and a stable id for programs."""

    error: str
    code: str


class LaterRefusal(Refusal):
    """A refusal that holds for `retry_after` seconds, as in the header Retry-After."""

    retry_after: int


class DetailedRefusal(Refusal):
    """A refusal with a sentence more."""

    details: str


class PhoneClash(Refusal):
    """The number has a user; the two fields are there when it is the caller's own."""

    user_id: str | msgspec.UnsetType = msgspec.UNSET
    username: str | msgspec.UnsetType = msgspec.UNSET


class FieldRefusals(msgspec.Struct):
    """What is wrong, field by field; the field `body` stands for the whole."""

    errors: dict[str, list[str]]
    code: str


class OlderRefusal(msgspec.Struct):
    """A refusal as the older mobile app knows it."""

    error: str
    exit_code: int
    message: str
    status_code: int


def refused_with(*kinds: type[DomainError]) -> Mapping[int, ResponseSpec]:
    """Describe what an operation of the main family may refuse with."""
    return _specs(Family.MAIN, kinds)


def older_refused_with(*kinds: type[DomainError]) -> Mapping[int, ResponseSpec]:
    """Describe what an operation of the older app's family may refuse with."""
    return _specs(Family.OLDER_APP, kinds)


def _specs(family: Family, kinds: tuple[type[DomainError], ...]) -> Mapping[int, ResponseSpec]:
    by_status: dict[int, list[type[DomainError]]] = {}
    for kind in (*kinds, refusals.Unforeseen):
        by_status.setdefault(status_of(_sample(kind), family), []).append(kind)
    return {
        status: ResponseSpec(
            _container(family, ofs),
            description=" ".join(inspect.getdoc(kind) or "" for kind in ofs),
            examples=[
                Example(summary=kind.__name__, value=body_of(_sample(kind), family)) for kind in ofs
            ],
            generate_examples=False,
        )
        for status, ofs in by_status.items()
    }


def _sample(kind: type[DomainError]) -> DomainError:
    if issubclass(kind, refusals.BodyUnreadable):
        return kind("This is not JSON.")
    if issubclass(kind, errors.FieldsInvalid):
        return kind({"field": ["What is wrong with it, and the way out."]})
    if issubclass(kind, errors.RateRefused):
        return kind(retry_after=15)
    if issubclass(kind, errors.FileTooLarge):
        return kind(limit=20_000_000)
    if issubclass(kind, errors.PhoneInUse):
        return kind("6561a2b0c3d4e5f60718293a", "Rahul Sharma")
    if issubclass(kind, refusals.MethodRefused):
        return kind("POST")
    return kind()


def _container(family: Family, kinds: list[type[DomainError]]) -> Any:
    if family is Family.OLDER_APP:
        return OlderRefusal
    return reduce(or_, map(_container_of, kinds))


def _container_of(kind: type[DomainError]) -> Any:
    if MAIN[kind].code == "invalid":
        return FieldRefusals
    if kind is errors.PhoneInUse:
        return PhoneClash
    if issubclass(kind, errors.RateRefused | errors.Unavailable | errors.MessageNotSent):
        return LaterRefusal
    return DetailedRefusal if hasattr(kind, "details") else Refusal
