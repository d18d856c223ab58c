"""What the columns of an export mean, for each service that makes one.

docs/importing.md says how each export is made.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from application.imports.user_lines import UserFields

Row: TypeAlias = Mapping[str, Any]
"""The columns of a line, or the fields of a JSON object."""
FIELD_NAMES: Final = ("phone", "id", "external_id", "username", "created_at")
_PROFILE_NAMES: Final = ("username", "full_name", "name", "display_name")
_FALSE: Final = ("false", "f", "0", "no")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Format:
    """A form of files.

    Attributes:
        signature: The columns by which it is recognized. It has all of them.
        phone: The column of the phone, which a CSV file must have.
        others: The other columns that are read.
        read: Returns the fields of a line.
        positions: The columns of a CSV file without a header.
        is_quoted: Whether each text of a CSV file begins with an apostrophe.
    """

    signature: frozenset[str]
    phone: str
    others: frozenset[str]
    read: Callable[[Row], UserFields]
    positions: tuple[str, ...] = ()
    is_quoted: bool = False


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


def _read_own(row: Row) -> UserFields:
    return _make_fields({name: get(row, name) for name in FIELD_NAMES})


def _make_fields(texts: Mapping[str, str], *, is_phone_verified: bool = True) -> UserFields:
    return UserFields(
        phone=texts["phone"],
        id=texts["id"],
        external_id=texts["external_id"],
        username=texts["username"],
        created_at=texts["created_at"],
        is_phone_verified=is_phone_verified,
    )


def _read_firebase(row: Row) -> UserFields:
    return UserFields(
        phone=get(row, "phoneNumber"),
        external_id=get(row, "localId"),
        username=get(row, "displayName"),
        created_at=get(row, "createdAt"),
    )


def _read_cognito(row: Row) -> UserFields:
    """Read a user of `list-users`, or a line of the CSV file that its import takes."""
    attributes = row.get("Attributes")
    if isinstance(attributes, list):
        pairs = [each for each in attributes if isinstance(each, dict)]
        row = {**row, **{str(pair.get("Name")): pair.get("Value") for pair in pairs}}
    return UserFields(
        phone=get(row, "phone_number"),
        external_id=get(row, "sub") or get(row, "Username") or get(row, "cognito:username"),
        username=get(row, "preferred_username") or get(row, "name"),
        created_at=get(row, "UserCreateDate"),
        is_phone_verified=_is_true(row, "phone_number_verified"),
    )


def _read_auth0(row: Row) -> UserFields:
    return UserFields(
        phone=get(row, "phone_number"),
        external_id=get(row, "user_id"),
        username=get(row, "username") or get(row, "name"),
        created_at=get(row, "created_at"),
        is_phone_verified=_is_true(row, "phone_verified"),
    )


def _read_supabase(row: Row) -> UserFields:
    phone = get(row, "phone").strip()
    return UserFields(
        # GoTrue stores E.164 without the plus.
        phone=f"+{phone}" if phone.isdecimal() else phone,
        external_id=get(row, "id"),
        username=_find_profile_name(row.get("raw_user_meta_data")),
        created_at=get(row, "created_at"),
        is_phone_verified=_is_true(row, "phone_confirmed_at"),
    )


def _find_profile_name(profile: Any) -> str:
    if isinstance(profile, str):
        try:
            profile = json.loads(profile)
        except ValueError:
            return ""
    if not isinstance(profile, dict):
        return ""
    names = (profile.get(name) for name in _PROFILE_NAMES)
    return next((name for name in names if isinstance(name, str) and name.strip()), "")


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
        _read_firebase,
        (
            *("localId", "email", "emailVerified", "passwordHash", "salt", "displayName"),
            *("photoUrl", *_FIREBASE_PROVIDERS, "createdAt", "lastSignedInAt", "phoneNumber"),
            *("disabled", "customAttributes", ""),
        ),
    ),
    "cognito": Format(
        frozenset({"cognito:username"}),
        "phone_number",
        frozenset({"cognito:username", "phone_number_verified", "preferred_username", "name"}),
        _read_cognito,
    ),
    "auth0": Format(
        frozenset({"user_id"}),
        "phone_number",
        frozenset({"user_id", "phone_verified", "username", "name", "created_at"}),
        _read_auth0,
        is_quoted=True,
    ),
    "supabase": Format(
        frozenset({"phone", "phone_confirmed_at"}),
        "phone",
        frozenset({"id", "phone_confirmed_at", "raw_user_meta_data", "created_at"}),
        _read_supabase,
    ),
    "dialtone": Format(frozenset({"phone"}), "phone", frozenset(FIELD_NAMES), _read_own),
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


def with_columns(base: Format | None, columns: Mapping[str, str]) -> Format:
    """Return a form in which some fields are in columns that the operator has named."""

    def read(row: Row) -> UserFields:
        fields = base.read(row) if base else UserFields()
        texts = {name: getattr(fields, name) for name in FIELD_NAMES}
        texts |= {name: get(row, column) for name, column in columns.items()}
        return _make_fields(texts, is_phone_verified=fields.is_phone_verified)

    return Format(
        frozenset(),
        columns.get("phone") or (base.phone if base else "phone"),
        frozenset(columns.values()) | (base.others if base else frozenset()),
        read,
        base.positions if base else (),
        is_quoted=base.is_quoted if base else False,
    )
