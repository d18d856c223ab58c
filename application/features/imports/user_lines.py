"""Users of another system, and the lines of a file that have them."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.features.imports.lines import (
    ImportOutcome,
    ImportProblem,
    ImportResult,
    InvalidField,
    InvalidLine,
    Key,
    Line,
    parse_time,
)
from domain.errors import AmbiguousPhone, InvalidValue, UnsupportedPhoneType
from domain.identifier import parse_identifier
from domain.identities.claims import parse_claims
from domain.identities.external_id import ExternalId, parse_external_id
from domain.identities.username import parse_username
from domain.phone import PhoneNumber, PhoneRules, parse_phone

# 9.19877E+11 has lost digits; 919877000000.0 would be read with one digit more.
_SPREADSHEET_NUMBER: Final = re.compile(r"\s*\d+(?:[.,]\d+)?[eE][+-]?\d+\s*|\s*\d{7,}[.,]0+\s*")
_FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "t", "1", "yes", "y"), True),
    **dict.fromkeys(("false", "f", "0", "no", "n", "null", ""), False),
}
FIELDS: Final = ("phone", "id", "external_id", "username", "created_at", "blocked", "claims")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedUser:
    """A user of another system.

    Attributes:
        phone: The phone, which the other system has verified.
        id: An id that the identity gets: 24 hex digits.
        username: The name as it is there. Our rules may refuse it.
        claims: What tokens of the user have, as `parse_claims` returns it. None leaves them.
    """

    phone: PhoneNumber
    id: str | None = None
    external_id: ExternalId | None = None
    username: str | None = None
    created_at: datetime | None = None
    is_blocked: bool = False
    claims: str | None = None

    @property
    def keys(self) -> Sequence[Key]:
        ids = [f"id {self.id}"] if self.id else []
        ids += [f"external {self.external_id}"] if self.external_id else []
        return [_phone_key(self.phone), *((ImportProblem.REPEATED_ID, text) for text in ids)]

    @property
    def name_key(self) -> str | None:
        """A text that all spellings of the name have; None without a valid name."""
        if self.username is not None:
            with suppress(InvalidValue):
                return parse_username(self.username).key
        return None

    def reject(self, problem: ImportProblem, message: str = "") -> ImportResult:
        return ImportResult(ImportOutcome.REJECTED, problem, message, self.is_blocked)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLines:
    """Parses lines with the fields of `FIELDS`, of which some may be missing.

    Attributes:
        default_region: The country of numbers without a plus.
        ignores_blocks: Whether everybody counts as not blocked.
    """

    default_region: str | None
    rules: PhoneRules
    ignores_blocks: bool = False

    def parse(self, line: Line) -> ImportedUser | InvalidLine:
        fields, phone, is_blocked = line.fields, None, False
        try:
            if not self.ignores_blocks:
                is_blocked = _FLAGS.get(_clean_flag(fields), False)
            if line.message:
                raise InvalidField(ImportProblem.INVALID_LINE, line.message)
            phone = _parse_phone(fields.get("phone", ""), self.default_region, self.rules)
            own_id, external_id = _parse_ids(fields)
            created_at = parse_time(fields.get("created_at", ""))
            if not self.ignores_blocks and _clean_flag(fields) not in _FLAGS:
                raise InvalidField(ImportProblem.INVALID_BLOCKED)
            claims = _parse_claims(fields.get("claims", ""))
        except InvalidField as error:
            result = ImportResult(ImportOutcome.REJECTED, error.problem, error.message, is_blocked)
            return InvalidLine(result, [_phone_key(phone)] if phone else [])
        return ImportedUser(
            phone=phone,
            id=own_id,
            external_id=external_id,
            username=_find_username(fields.get("username", ""), self.default_region),
            created_at=created_at,
            is_blocked=is_blocked,
            claims=claims,
        )


def _phone_key(phone: PhoneNumber) -> Key:
    return ImportProblem.REPEATED_PHONE, phone.e164


def _clean_flag(fields: Mapping[str, str]) -> str:
    return fields.get("blocked", "").strip().lower()


def _parse_claims(text: str) -> str | None:
    """Return the claims; None where the line leaves them."""
    if not text.strip():
        return None
    try:
        values = json.loads(text)
        if isinstance(values, dict):
            return parse_claims(values)
    except (ValueError, RecursionError, InvalidValue):
        pass
    raise InvalidField(ImportProblem.INVALID_CLAIMS)


def _parse_phone(text: str, default_region: str | None, rules: PhoneRules) -> PhoneNumber:
    if not text.strip():
        raise InvalidField(ImportProblem.NO_PHONE)
    if _SPREADSHEET_NUMBER.fullmatch(text):
        raise InvalidField(ImportProblem.SPREADSHEET_NUMBER)
    try:
        return parse_phone(text, default_region, rules)
    except AmbiguousPhone as error:
        raise InvalidField(ImportProblem.AMBIGUOUS_PHONE, error.message) from None
    except UnsupportedPhoneType as error:
        raise InvalidField(ImportProblem.UNSUPPORTED_PHONE_TYPE, error.message) from None
    except InvalidValue as error:
        raise InvalidField(ImportProblem.INVALID_PHONE, error.message) from None


def _parse_ids(fields: Mapping[str, str]) -> tuple[str | None, ExternalId | None]:
    """Return the id and the external id. An id of another form is an external id."""
    text = fields.get("id", "")
    own_id = parse_identifier(text)
    external = fields.get("external_id") or ("" if own_id else text)
    try:
        return own_id, parse_external_id(external) if external.strip() else None
    except InvalidValue as error:
        raise InvalidField(ImportProblem.INVALID_ID, error.message) from None


def _find_username(text: str, default_region: str | None) -> str | None:
    """Return the name; None without one, or for a phone number: others would see it."""
    if not text.strip():
        return None
    try:
        parse_phone(text, default_region, rules=None)
    except InvalidValue:
        return text
    return None
