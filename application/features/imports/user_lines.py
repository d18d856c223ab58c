"""The lines of a file of users, and how they become users."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from application.features.imports.import_user import ImportedUser
from domain.errors import AmbiguousPhone, InvalidValue, UnsupportedPhoneType
from domain.identifier import parse_identifier
from domain.identities.claims import parse_claims
from domain.identities.external_id import ExternalId, parse_external_id
from domain.phone import PhoneNumber, PhoneRules, parse_phone

# 9.19877E+11 has lost digits; 919877000000.0 would be read with one digit more.
_SPREADSHEET_NUMBER: Final = re.compile(r"\s*\d+(?:[.,]\d+)?[eE][+-]?\d+\s*|\s*\d{7,}[.,]0+\s*")
_FIRST_YEAR: Final = 1970
_UNIX_SECONDS: Final = re.compile(r"\d{9,10}(?:\.\d{1,9})?")
_UNIX_MILLISECONDS: Final = re.compile(r"\d{12,13}")
# Databases write `2024-01-01 10:11:12 UTC`, and `2024-01-01 10:11:12 +0000`.
_UTC_NAME: Final = re.compile(r"(?<=\d) ?(?:UTC|GMT)\Z", re.IGNORECASE)
_OFFSET_SPACE: Final = re.compile(r"(?<=\d) (?=[+-]\d\d:?\d\d\Z)")
_FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "t", "1", "yes", "y"), True),
    **dict.fromkeys(("false", "f", "0", "no", "n", "null", ""), False),
}


class LineProblem(StrEnum):
    """Why a line is no user."""

    INVALID_LINE = "invalid_line"
    UNREADABLE = "unreadable"
    NO_PHONE = "no_phone"
    INVALID_PHONE = "invalid_phone"
    AMBIGUOUS_PHONE = "ambiguous_phone"
    UNSUPPORTED_PHONE_TYPE = "unsupported_phone_type"
    SPREADSHEET_NUMBER = "spreadsheet_number"
    INVALID_ID = "invalid_id"
    INVALID_CREATED_AT = "invalid_created_at"
    INVALID_BLOCKED = "invalid_blocked"
    INVALID_CLAIMS = "invalid_claims"
    REPEATED_PHONE = "repeated_phone"
    REPEATED_ID = "repeated_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFields:
    """What a line says about a user, as it is written there. Empty texts say nothing."""

    phone: str = ""
    id: str = ""
    external_id: str = ""
    username: str = ""
    created_at: str = ""
    blocked: str = ""
    claims: str = ""


@dataclass(frozen=True, slots=True)
class UserLine:
    """A line of a file.

    Attributes:
        number: The number of the line, or of its first one, from 1.
        original: The fields as they are there, for the report. All lines of a file have the same.
        fields: What is known about the user; None if it is not known which field is which.
        message: Why the line is not read as a user, if it is not.
        unread: The names of the fields that have a value and are not read.
    """

    number: int
    original: Mapping[str, str]
    fields: LineFields | None
    message: str = ""
    unread: Sequence[str] = ()


class InvalidLine(Exception):
    """The line is no user. The message never has a phone number.

    Attributes:
        phone: The phone of the line, if nothing is wrong with it.
    """

    def __init__(
        self, problem: LineProblem, message: str = "", phone: PhoneNumber | None = None
    ) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.message = message
        self.phone = phone


def parse_user_line(line: UserLine, default_region: str | None, rules: PhoneRules) -> ImportedUser:
    """Parse a line.

    Args:
        line: The line.
        default_region: The country of numbers without a plus.
        rules: The kinds of numbers that may sign in.

    Raises:
        InvalidLine
    """
    fields = line.fields
    if fields is None or line.message:
        raise InvalidLine(LineProblem.INVALID_LINE, line.message)
    phone = _parse_phone(fields.phone, default_region, rules)
    try:
        own_id, external_id = _parse_ids(fields)
        created_at = _parse_time(fields.created_at) if fields.created_at.strip() else None
        is_blocked = parse_block(fields)
        claims = _parse_claims(fields.claims) if fields.claims.strip() else None
    except InvalidLine as error:
        raise InvalidLine(error.problem, error.message, phone) from None
    return ImportedUser(
        phone=phone,
        id=own_id,
        external_id=external_id,
        username=_find_username(fields.username, default_region),
        created_at=created_at,
        is_blocked=is_blocked,
        claims=claims,
    )


def parse_block(fields: LineFields) -> bool:
    """Return whether the user is blocked.

    Raises:
        InvalidLine: The line does not say it clearly.
    """
    text = fields.blocked.strip().lower()
    if text not in _FLAGS:
        raise InvalidLine(LineProblem.INVALID_BLOCKED)
    return _FLAGS[text]


def _parse_claims(text: str) -> str:
    try:
        values = json.loads(text)
        if isinstance(values, dict):
            return parse_claims(values)
    except (ValueError, RecursionError, InvalidValue):
        pass
    raise InvalidLine(LineProblem.INVALID_CLAIMS)


def _parse_phone(text: str, default_region: str | None, rules: PhoneRules) -> PhoneNumber:
    if not text.strip():
        raise InvalidLine(LineProblem.NO_PHONE)
    if _SPREADSHEET_NUMBER.fullmatch(text):
        raise InvalidLine(LineProblem.SPREADSHEET_NUMBER)
    try:
        return parse_phone(text, default_region, rules)
    except AmbiguousPhone as error:
        raise InvalidLine(LineProblem.AMBIGUOUS_PHONE, error.message) from None
    except UnsupportedPhoneType as error:
        raise InvalidLine(LineProblem.UNSUPPORTED_PHONE_TYPE, error.message) from None
    except InvalidValue as error:
        raise InvalidLine(LineProblem.INVALID_PHONE, error.message) from None


def _parse_ids(fields: LineFields) -> tuple[str | None, ExternalId | None]:
    """Return the id and the external id. An id of another form is an external id."""
    own_id = parse_identifier(fields.id)
    external = fields.external_id or ("" if own_id else fields.id)
    try:
        return own_id, parse_external_id(external) if external.strip() else None
    except InvalidValue as error:
        raise InvalidLine(LineProblem.INVALID_ID, error.message) from None


def _find_username(text: str, default_region: str | None) -> str | None:
    """Return the name; None without one. A phone number is none: others would see it."""
    if not text.strip():
        return None
    try:
        parse_phone(text, default_region, rules=None)
    except InvalidValue:
        return text
    return None


def _parse_time(text: str) -> datetime:
    """Parse ISO 8601 (UTC without an offset), or seconds or milliseconds since 1970."""
    try:
        time = _read_time(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidLine(LineProblem.INVALID_CREATED_AT) from None
    if time.year < _FIRST_YEAR:
        raise InvalidLine(LineProblem.INVALID_CREATED_AT)
    return time


def _read_time(text: str) -> datetime:
    if _UNIX_MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    if _UNIX_SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    without_name = _UTC_NAME.sub("", text)
    time = datetime.fromisoformat(_OFFSET_SPACE.sub("", without_name))
    if without_name != text and time.utcoffset():
        raise ValueError
    return time if time.tzinfo else time.replace(tzinfo=UTC)
