"""Whom a request of an operator is about."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

import msgspec

from application.administration.acts import Act
from application.administration.find_user import ExternalIdQuery, UserQuery
from application.administration.operator import Operator
from domain import errors
from domain.administration.audit import parse_reason
from domain.identifier import IDENTIFIER_PATTERN, parse_identifier
from domain.identities.external_id import parse_external_id
from domain.identities.username import Username, parse_username
from domain.phone import parse_phone
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.fields import (
    EXTERNAL_ID_DESCRIPTION,
    ID_DESCRIPTION,
    USER_ID_EXAMPLE,
    described,
    external_id_field,
    phone_field,
    reason_field,
)
from entrypoints.http.requests.parsing import FieldErrors
from entrypoints.http.requests.request import ApiRequest

TARGET_FIELDS: Final = ("phone", "username", "id", "external_id")
NO_TARGET: Final = FieldError(
    "phone", FieldErrorCode.MISSING_FIELD, "Send one of phone, username, id and external_id."
)
TWO_TARGETS: Final = FieldError(
    "id",
    FieldErrorCode.CONFLICTING_VALUE,
    "Send only one of phone, username, id and external_id.",
)


ACT_ERRORS: Final = (
    errors.Forbidden,
    errors.InsufficientScope,
    errors.PasskeyRequired,
    errors.UserNotFound,
    errors.AuditFailed,
)
TARGET_ERRORS: Final = (NO_TARGET, TWO_TARGETS, *ACT_ERRORS)
"""Errors of an operation that acts for a user whom its body names."""

ReasonField = Annotated[
    str | None, reason_field("Why, for the audit.", "Ticket 4711: she gets no code", min_length=0)
]


class UserBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A user: exactly one of `phone`, `username`, `id` and `external_id`."""

    also_in_example: ClassVar = ("phone",)

    phone: Annotated[
        str | None,
        phone_field(
            "A phone number, also of a phone that has no account. A number without + is read in"
            " the default region of the service."
        ),
    ] = None
    username: Annotated[str | None, described("A username.", "Rahul Sharma")] = None
    id: Annotated[
        str | None, described(ID_DESCRIPTION, USER_ID_EXAMPLE, pattern=IDENTIFIER_PATTERN)
    ] = None
    external_id: Annotated[str | None, external_id_field(EXTERNAL_ID_DESCRIPTION)] = None
    reason: ReasonField = None


@dataclass(frozen=True, slots=True)
class Target:
    """A user whom a field of the body names, and why somebody acts for that user."""

    field: str
    query: UserQuery
    reason: str


def parse_target(
    request: ApiRequest, act: Act | None, body: UserBody, operator: Operator | None = None
) -> Target:
    """Parse the user and the reason of an act; without an act, the reason is optional."""
    with FieldErrors() as invalid:
        return add_target(request, act, body, invalid, operator)


def add_target(
    request: ApiRequest,
    act: Act | None,
    body: UserBody,
    invalid: FieldErrors,
    operator: Operator | None = None,
) -> Target:
    """Parse the user and the reason of an act beside other fields, and add what is invalid."""
    query: UserQuery = ""
    field, reason = "", ""
    with invalid.of("reason"):
        is_required = act is not None and (operator or request.operator).needs_reason(act)
        reason = parse_reason(body.reason or "", is_required=is_required)
    texts = (body.phone, body.username, body.id, body.external_id)
    sent = [
        (name, text) for name, text in zip(TARGET_FIELDS, texts, strict=True) if text is not None
    ]
    if not sent:
        invalid.add(NO_TARGET)
    for field, text in sent:
        if len(sent) > 1:
            invalid.add(FieldError(field, TWO_TARGETS.code, TWO_TARGETS.message))
            continue
        with invalid.of(field):
            query = _parse_query(field, text, request.settings.otp.default_region)
    return Target(field, query, reason)


def _parse_query(field: str, text: str, default_region: str | None) -> UserQuery:
    match field:
        case "phone":
            # Also a number to which no code is sent: it may have an account since earlier.
            return parse_phone(text, default_region, rules=None)
        case "username":
            return _parse_username(text)
        case "external_id":
            return ExternalIdQuery(parse_external_id(text))
        case _:
            return _parse_id(text)


def _parse_username(text: str) -> Username:
    try:
        return parse_username(text)
    except errors.InvalidValue as error:
        raise errors.UserNotFound from error


def _parse_id(text: str) -> str:
    identifier = parse_identifier(text)
    if identifier is None:
        raise errors.InvalidIdentifier("An id has 24 hex digits.")
    return identifier
