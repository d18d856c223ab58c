"""Field types and formats that several features share. Commands print some of them too."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final

from msgspec import Meta, to_builtins

from domain.administration.audit import MAX_REASON_LENGTH
from domain.identities.external_id import EXTERNAL_ID_PATTERN, MAX_EXTERNAL_ID_LENGTH
from domain.identities.username import MAX_USERNAME_INPUT_LENGTH, MAX_USERNAME_LENGTH
from domain.phone import MAX_PHONE_INPUT_LENGTH

# Patterns of fields whose whole rule needs a table, such as those of Unicode or a numbering plan. A
# pattern cannot say which characters outside ASCII are digits, letters or invisible. So these match
# all texts that the service accepts. Of the texts in ASCII they match no others, except for what
# the description of the field says in words. Every dialect has to understand them, those of
# generated clients too: these have no `\p{Nd}`, and write `\u2028` as a line break. The shorthand
# `\s` does not mean the same in all of them.
SPACES: Final = r"\t-\r\x1c- "
"""What Python takes for spaces in ASCII, for a class of characters."""
_OTHER: Final = r"[^\x00-\x7f]"
_CONTROLS: Final = r"\x00-\x08\x0e-\x1b\x7f"
NOT_IN_LINES: Final = r"\x80-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069"
"""Control characters outside ASCII that are no spaces, and bidirectional controls (UAX #9)."""
_NOT_IN_PHONES: Final = r"!-'*:-Z\\^`-~"


def not_only_ascii(forbidden: str) -> str:
    """Return a pattern of texts that are not only ASCII.

    They have none of these characters, and of the control characters in ASCII only spaces.
    """
    allowed = f"[^{_CONTROLS}{forbidden}]*"
    return f"^{allowed}{_OTHER}{allowed}$"


def _phone_pattern() -> str:
    # The longest numbers have 17 digits and a country code, and more may be dialed before these.
    between = rf"[{SPACES}(),-/\[\]_]*"
    number = rf"^{between}(?:\+{between})?(?:[0-9]{between}){{4,30}}$"
    uri = r"^[^!-~]*[Tt][Ee][Ll][^!-~]*:[\x00-/:-\x7f]*[^\x00-/:-\x7f]"
    return f"{number}|{not_only_ascii(_NOT_IN_PHONES)}|{uri}"


def reason_pattern(min_length: int) -> str:
    """Return the pattern of a reason; one that may be empty has a minimum of 0."""
    reason = f"(?:[!-~][{SPACES}]*){{{min_length},{MAX_REASON_LENGTH}}}"
    return f"^[{SPACES}]*{reason}$|{not_only_ascii(NOT_IN_LINES)}"


PHONE_PATTERN: Final = _phone_pattern()
USERNAME_PATTERN: Final = (
    f"^[{SPACES}]*[!-~](?: *[!-~]){{0,{MAX_USERNAME_LENGTH - 1}}}[{SPACES}]*$"
    f"|{not_only_ascii(NOT_IN_LINES)}"
)
ID_DESCRIPTION: Final = "24 hex digits."
USER_ID_EXAMPLE: Final = "6561a2b0c3d4e5f60718293a"
ITEM_ID_EXAMPLE: Final = "6561a2b1c3d4e5f60718293b"
NO_MESSAGES: Final[Mapping[str, str]] = MappingProxyType({})
BINARY: Final = {"type": "string", "format": "binary"}
"""OpenAPI 3.1 has no such format, but generators of clients rely on it."""


def described(
    description: str, *examples: Any, messages: Mapping[str, str] = NO_MESSAGES, **schema: Any
) -> Meta:
    """Describe a field, with its rule.

    msgspec would stop at the first field that breaks its rule, with a text of its own, so it checks
    the types only. A rule that commands and imports have too is in the domain, and its keywords are
    constants from there. Any other rule is written here alone, with messages: `FieldErrors` checks
    it as it is described.
    """
    return Meta(
        description=description,
        examples=list(examples) or None,
        extra_json_schema=schema,
        extra={"messages": messages},
    )


def reason_field(description: str, example: str, *, min_length: int) -> Meta:
    """Describe a reason for the audit; one that is required has a minimum length of 1."""
    required = " It is required." if min_length else ""
    return described(
        f"{description}{required} It has at most {MAX_REASON_LENGTH} characters in their"
        " compatibility form (NFKC), and no control, invisible, private or unassigned characters."
        " Spaces at the ends are removed, inner spaces are collapsed, and the digits of phone"
        " numbers are masked.",
        example,
        pattern=reason_pattern(min_length),
    )


def time_field(description: str, example: str = "2026-05-01T09:30:00.000Z") -> Meta:
    """Describe a time as `format_timestamp` returns it."""
    return described(description, example, format="date-time")


def binary_content(*media_types: str) -> dict[str, Any]:
    """Describe bytes. Some generators drop a response unless it also has the general type."""
    return {
        media_type: {"schema": BINARY} for media_type in (*media_types, "application/octet-stream")
    }


def header(description: str, example: str | int) -> dict[str, Any]:
    """Describe a header of a response."""
    return {
        "description": description,
        "required": True,
        "schema": {
            "type": "integer" if isinstance(example, int) else "string",
            "examples": [example],
        },
    }


def format_timestamp(time: datetime) -> str:
    """Return a time as ISO 8601 in UTC with `Z`, truncated to milliseconds.

    Dart's DateTime.parse and JavaScript's Date can both parse it.
    """
    # `isoformat` takes three times as long, and a page has many times.
    text = str(to_builtins(time.astimezone(UTC)))
    return f"{text[:23]}Z" if time.microsecond else f"{text[:19]}.000Z"


def phone_field(description: str, example: str = "+14155552671") -> Meta:
    """Describe a phone number in a request."""
    return described(
        f"{description} It may have digits of any script. Invisible characters are ignored. The"
        " maximum length counts every character. Numbering plans decide which numbers there are.",
        example,
        pattern=PHONE_PATTERN,
        format="phone",
        maxLength=MAX_PHONE_INPUT_LENGTH,
    )


PHONE_DESCRIPTION: Final = (
    "A phone number as people write it, or as a `tel:` URI. A number without + is read in the"
    " default region of the service."
)
PhoneField = Annotated[str, phone_field(PHONE_DESCRIPTION)]
UserIdField = Annotated[str, described(ID_DESCRIPTION, USER_ID_EXAMPLE)]
EXTERNAL_ID_DESCRIPTION: Final = (
    "What another system calls the user: 1 to 128 printable ASCII characters, without a space at"
    " the ends. No two users have the same one."
)
EXTERNAL_ID_EXAMPLE: Final = "auth0|5f7c8ec7c33c6c004bbafe82"


def external_id_field(description: str) -> Meta:
    """Describe what another system calls a user, in a request."""
    return described(
        description,
        EXTERNAL_ID_EXAMPLE,
        pattern=EXTERNAL_ID_PATTERN,
        minLength=1,
        maxLength=MAX_EXTERNAL_ID_LENGTH,
    )


CreatedAtField = Annotated[str, time_field("The time of the creation, in UTC.")]
UsernameField = Annotated[
    str,
    described(
        "1 to 64 characters in their composed form (NFC), of which one is visible. Control and"
        " private characters, line breaks and invisible characters are invalid, except invisible"
        " ones that a script or an emoji needs. Spaces at the ends are removed, inner spaces are"
        " collapsed. Spellings that differ in capitals or in the form of letters are the same name,"
        " and a name that looks like that of an administrator is in use. Letters of scripts"
        " that are not written together, names that claim a role, and phone numbers are invalid."
        " The user's own username is always valid.",
        "Rahul Sharma",
        pattern=USERNAME_PATTERN,
        format="username",
        maxLength=MAX_USERNAME_INPUT_LENGTH,
    ),
]
AccessTokenField = Annotated[
    str,
    described(
        "Send it as `Authorization: Bearer <token>`.",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI2NTYxYTJiMCJ9.c2lnbmF0dXJl",
    ),
]
RefreshTokenField = Annotated[
    str,
    described(
        "Exchange it for the next pair of tokens. It can be used once; later reuse"
        " ends its session.",
        "ZWGisMPU5fYHGCk6AAECAwQFBgcICQoLDA0ODwAAAAEAAQIDBAUGBwgJCgsMDQ4P",
    ),
]
TokenTypeField = Annotated[str, described("Always `Bearer`.", "Bearer")]
ExpiresInField = Annotated[
    int, described("Seconds until the access token expires; earlier if its session ends.", 900)
]
RefreshExpiresInField = Annotated[
    int,
    described("Seconds until the refresh token expires. The next one has its full life.", 7776000),
]
