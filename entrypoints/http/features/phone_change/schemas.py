"""Request and response bodies of changes of the phone number."""

from enum import StrEnum
from typing import Annotated, ClassVar, Final

import msgspec

from domain.otp.challenge import MAX_CODE_INPUT_LENGTH
from domain.otp.undo_code import UNDO_CODE_LENGTH
from entrypoints.http.core.administration.user_details import SubjectField
from entrypoints.http.core.otp.schemas import (
    CodeRequestBody,
    OtpField,
    otp_field,
)
from entrypoints.http.fields import (
    SPACES,
    PhoneField,
    combination,
    described,
    not_only_ascii,
    phone_field,
    reason_field,
    time_field,
)

TOGETHER: Final = "Send old_otp and old_request_id together, or omit both."
"""What is wrong where a code of the present number or its request id is missing."""
ONE_CODE: Final = "Send undo_code, or otp and request_id, but not both."
"""What is wrong where there are two codes for an undo."""
_BETWEEN: Final = f"[{SPACES}-]*"
_UNDO_CODE_PATTERN: Final = (
    f"^{_BETWEEN}(?:[2-9A-HJ-NP-Za-hj-np-z]{_BETWEEN}){{{UNDO_CODE_LENGTH}}}$"
    f"|{not_only_ascii('!-,.-1:-@IO[-`io{-~')}"
)


class OtpTarget(StrEnum):
    """Which number gets the code."""

    NEW = "new"
    OLD = "old"


RequestIdField = Annotated[
    str,
    described(
        "The `request_id` of the request for the code.",
        "<the request_id of the request for the code>",
    ),
]


class RequestPhoneChangeOtpBody(CodeRequestBody, forbid_unknown_fields=True, kw_only=True):
    """The number to send a code to. An unknown platform or locale is not an error."""

    combinations: ClassVar = (
        combination("phone"),
        {"required": ["target"], "properties": {"target": {"const": OtpTarget.OLD.value}}},
    )

    phone: Annotated[
        str | None,
        phone_field(
            "The new number, as people write it. Required unless `target` is `old`, which no"
            " number but the present one is sent with."
        ),
    ] = None
    target: Annotated[
        str | None,
        described(
            "Which number gets the code: the `new` one in `phone` (the default), or the `old` one,"
            " which is the user's present number.",
            OtpTarget.OLD.value,
            enum=[*OtpTarget, None],
        ),
    ] = None


class ChangePhoneBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The new number with its code, and perhaps a code of the present number."""

    combinations: ClassVar = (
        combination(without=("old_otp", "old_request_id")),
        combination("old_otp", "old_request_id"),
    )

    phone: PhoneField
    otp: OtpField
    request_id: RequestIdField
    old_otp: Annotated[
        str | None,
        otp_field(
            "The code that the present number got. Without it, the user signed in within the"
            " last 15 minutes."
        ),
    ] = None
    old_request_id: Annotated[
        str | None,
        described(
            "The `request_id` of the request for `old_otp`. Neither is sent without the other.",
            "<the request_id of the request for old_otp>",
        ),
    ] = None
    locale: Annotated[
        str | None,
        described(
            "The language of the message to the present number, which says that it is no longer"
            " the number of the account.",
            "en",
        ),
    ] = None


class RequestUndoOtpBody(CodeRequestBody, forbid_unknown_fields=True, kw_only=True):
    """The number that an account had. An unknown platform or locale is not an error."""

    phone: PhoneField


class UndoPhoneChangeBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The number that an account had, with one of its codes: `undo_code`, or `otp`."""

    combinations: ClassVar = (
        combination("undo_code", without=("otp", "request_id")),
        combination("otp", "request_id", without=("undo_code",)),
    )

    phone: PhoneField
    undo_code: Annotated[
        str | None,
        described(
            "The code in the message that the number was changed. Upper and lower case, spaces,"
            " hyphens and invisible characters make no difference, nor do digits of other scripts"
            " and full-width letters. The maximum length counts every character.",
            "K7QM-2XPA-9RTW",
            pattern=_UNDO_CODE_PATTERN,
            max_length=MAX_CODE_INPUT_LENGTH,
        ),
    ] = None
    otp: Annotated[
        str | None,
        otp_field("The digits of a code that the number requested, without `undo_code`."),
    ] = None
    request_id: Annotated[
        str | None,
        described(
            "The `request_id` of the request for `otp`. Neither is sent without the other.",
            "<the request_id of the request for the code>",
        ),
    ] = None


class ChangeUserPhoneBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The new number of a user, and how somebody made sure that it is hers."""

    phone: Annotated[
        str,
        phone_field(
            "The number that the account gets. A number without + is read in the default region of"
            " the service.",
            "+14155552672",
        ),
    ]
    reason: Annotated[
        str,
        reason_field(
            "How you made sure that this is the owner, for the audit.",
            "Ticket 4711: passport, called back",
            min_length=1,
        ),
    ]


class DisownPhoneResponse(msgspec.Struct, kw_only=True):
    """The number is free."""

    success: Annotated[bool, described("Always true.", True)] = True
    message: Annotated[str, described("Always `Phone disowned`.", "Phone disowned")] = (
        "Phone disowned"
    )


ALREADY_DISOWNED: Final = (
    "The account had this number again already: whoever signed in with the other number said that "
    "the account is not theirs. All sessions have ended."
)


class UndoPhoneChangeResponse(msgspec.Struct, kw_only=True):
    """The account has its former number again."""

    success: Annotated[bool, described("Always true.", True)] = True
    message: Annotated[str, described("What was done.", "Phone change undone")] = (
        "Phone change undone"
    )


class ChangeUserPhoneResponse(msgspec.Struct, kw_only=True):
    """The account has the new number."""

    message: Annotated[str, described("What was done.", "Phone blocked")]
    subject: SubjectField
    undo_until: Annotated[str, time_field("Until when the former number can undo it, in UTC.")]
