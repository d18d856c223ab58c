"""What the columns of an export mean, for each service that makes one.

docs/importing.md says how each export is made.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeAlias

from application.imports.user_lines import LineFields

Row: TypeAlias = Mapping[str, Any]
"""The columns of a line, or the fields of a JSON object."""
FIELD_NAMES: Final = ("phone", "id", "external_id", "username", "created_at", "blocked")
_PROFILE: Final = "raw_user_meta_data"
_PROFILE_NAMES: Final = tuple(
    f"{_PROFILE}.{name}" for name in ("username", "full_name", "name", "display_name")
)
_BLOCKED_STATUSES: Final = ("ARCHIVED", "COMPROMISED")
"""The UserStatus of Cognito that nobody can sign in with, beside `Enabled`:
https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserType.html"""
_FALSE: Final = ("false", "f", "0", "no")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Format:
    """A form of files.

    Attributes:
        signature: The columns by which it is recognized. It has all of them.
        phone: The column of the phone, which a CSV file must have.
        others: The other columns that are read.
        blocks: The columns that say who is blocked. The first one has to be there, in a CSV file or
            in one of the JSON objects; none if blocks are not read.
        read: Returns the fields of a line.
        expand: Returns the columns of a line with those that one of them has inside.
        positions: The columns of a CSV file without a header.
        is_quoted: Whether each text of a CSV file begins with an apostrophe.
    """

    signature: frozenset[str]
    phone: str
    others: frozenset[str]
    blocks: tuple[str, ...]
    read: Callable[[Row], LineFields]
    expand: Callable[[Row], Row] = dict
    positions: tuple[str, ...] = ()
    is_quoted: bool = False

    @cached_property
    def columns(self) -> frozenset[str]:
        """All columns that are read."""
        return frozenset({self.phone, *self.others, *self.blocks})

    def ignore_blocks(self) -> "Format":
        """Return a form that does not read who is blocked."""

        def read(row: Row) -> LineFields:
            return replace(self.read(row), blocked="", enabled="", blocked_until="")

        return replace(self, others=self.others.difference(self.blocks), blocks=(), read=read)


def to_text(value: Any) -> str:
    """Return a value of JSON as the text that a CSV file would have; empty for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return value
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case _:
            return str(value)


def unescape(text: str) -> str:
    """Remove the apostrophe that keeps a spreadsheet from running a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA_STARTS else text


def get(row: Row, name: str) -> str:
    """Return a column as a text; empty if it is missing."""
    return unescape(to_text(row.get(name)))


def _is_true(row: Row, name: str) -> bool:
    """Return whether a flag is set. Without the column everything is verified."""
    if name not in row:
        return True
    text = get(row, name).strip().lower()
    return text != "" and text not in _FALSE


def _read_own(row: Row) -> LineFields:
    texts: dict[str, Any] = {name: get(row, name) for name in FIELD_NAMES}
    return LineFields(**texts)


def _read_firebase(row: Row) -> LineFields:
    return LineFields(
        phone=get(row, "phoneNumber"),
        external_id=get(row, "localId"),
        username=get(row, "displayName"),
        created_at=get(row, "createdAt"),
        blocked=get(row, "disabled"),
    )


def _read_cognito(row: Row) -> LineFields:
    """Read a user of `list-users`, or a line of the CSV file that its import takes."""
    status = get(row, "UserStatus") or get(row, "cognito:user_status")
    return LineFields(
        phone=get(row, "phone_number"),
        external_id=get(row, "sub") or get(row, "Username") or get(row, "cognito:username"),
        username=get(row, "preferred_username") or get(row, "name"),
        created_at=get(row, "UserCreateDate"),
        blocked="true" if status.strip().upper() in _BLOCKED_STATUSES else "",
        enabled=get(row, "Enabled"),
        is_phone_verified=_is_true(row, "phone_number_verified"),
    )


def _expand_attributes(row: Row) -> Row:
    attributes = row.get("Attributes")
    if not isinstance(attributes, list):
        return row
    pairs = [each for each in attributes if isinstance(each, dict)]
    others = {name: value for name, value in row.items() if name != "Attributes"}
    return {**{to_text(pair.get("Name")): pair.get("Value") for pair in pairs}, **others}


def _read_auth0(row: Row) -> LineFields:
    return LineFields(
        phone=get(row, "phone_number"),
        external_id=get(row, "user_id"),
        username=get(row, "username") or get(row, "name"),
        created_at=get(row, "created_at"),
        blocked=get(row, "blocked"),
        is_phone_verified=_is_true(row, "phone_verified"),
    )


def _read_supabase(row: Row) -> LineFields:
    phone = get(row, "phone").strip()
    return LineFields(
        # GoTrue stores E.164 without the plus.
        phone=f"+{phone}" if phone.isdecimal() else phone,
        external_id=get(row, "id"),
        username=_find_profile_name(row),
        created_at=get(row, "created_at"),
        blocked_until=get(row, "banned_until"),
        is_phone_verified=_is_true(row, "phone_confirmed_at"),
    )


def _find_profile_name(row: Row) -> str:
    names = (row.get(name) for name in _PROFILE_NAMES)
    return next((name for name in names if isinstance(name, str) and name.strip()), "")


def _expand_profile(row: Row) -> Row:
    profile = row.get(_PROFILE)
    if isinstance(profile, str):
        try:
            profile = json.loads(profile)
        except (ValueError, RecursionError):
            return row
    if not isinstance(profile, dict):
        return row
    others = {name: value for name, value in row.items() if name != _PROFILE}
    return {**{f"{_PROFILE}.{name}": value for name, value in profile.items()}, **others}


_FIREBASE_PROVIDERS: Final = tuple(
    f"{provider}{field}"
    for provider in ("google", "facebook", "twitter", "github")
    for field in ("Id", "Email", "DisplayName", "PhotoUrl")
)
FORMATS: Final[Mapping[str, Format]] = {
    "firebase": Format(
        frozenset({"localId"}),
        "phoneNumber",
        frozenset({"localId", "displayName", "createdAt"}),
        ("disabled",),
        _read_firebase,
        positions=(
            *("localId", "email", "emailVerified", "passwordHash", "salt", "displayName"),
            *("photoUrl", *_FIREBASE_PROVIDERS, "createdAt", "lastSignedInAt", "phoneNumber"),
            *("disabled", "customAttributes", ""),
        ),
    ),
    "cognito": Format(
        frozenset({"cognito:username"}),
        "phone_number",
        frozenset(
            {
                *("cognito:username", "Username", "sub", "preferred_username", "name"),
                *("phone_number_verified", "UserCreateDate"),
            }
        ),
        ("Enabled", "UserStatus", "cognito:user_status"),
        _read_cognito,
        _expand_attributes,
    ),
    "auth0": Format(
        frozenset({"user_id"}),
        "phone_number",
        frozenset({"user_id", "phone_verified", "username", "name", "created_at"}),
        ("blocked",),
        _read_auth0,
        is_quoted=True,
    ),
    "supabase": Format(
        frozenset({"phone", "phone_confirmed_at"}),
        "phone",
        frozenset({"id", "phone_confirmed_at", "created_at", *_PROFILE_NAMES}),
        ("banned_until",),
        _read_supabase,
        _expand_profile,
    ),
    "dialtone": Format(
        frozenset({"phone"}), "phone", frozenset(FIELD_NAMES), ("blocked",), _read_own
    ),
}
"""All forms; each is tried in this order."""
_COGNITO_JSON: Final = frozenset({"Username", "Attributes"})


def recognize(columns: frozenset[str], *, is_csv: bool) -> str | None:
    """Return the name of the form of a file with these columns, or None.

    A JSON object may lack the phone that others have.
    """
    if columns >= _COGNITO_JSON:
        return "cognito"
    found = (
        name
        for name, form in FORMATS.items()
        if columns >= form.signature and (form.phone in columns or not is_csv)
    )
    return next(found, None)


def with_columns(base: Format, columns: Mapping[str, str]) -> Format:
    """Return a form in which some fields are in columns that the operator has named."""
    others: dict[str, Any] = {}
    if "blocked" in columns:
        others = {"enabled": "", "blocked_until": ""}

    def read(row: Row) -> LineFields:
        texts: dict[str, Any] = {name: get(row, column) for name, column in columns.items()}
        return replace(base.read(row), **others, **texts)

    return replace(
        base,
        signature=frozenset(),
        phone=columns.get("phone", base.phone),
        others=base.others.union(columns.values()),
        blocks=(columns["blocked"],) if "blocked" in columns else base.blocks,
        read=read,
    )
