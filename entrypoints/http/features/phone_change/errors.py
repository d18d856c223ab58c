"""Errors of changes of the number in responses."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from domain.errors import NumberWasChanged
from domain.features.phone_change.errors import (
    DisownNotPossible,
    PhoneChangeForbidden,
    TooManyPhoneChanges,
    UndoNotPossible,
)
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.fields import described


class PhoneChangeErrorFields(msgspec.Struct):
    """What errors of codes have here."""

    field: Annotated[
        str, described("The field with the code.", "otp", enum=["otp", "old_otp", "undo_code"])
    ]
    attempts_left: Annotated[
        int,
        described(
            "The number of attempts that are left with this code. Absent for `undo_code`.", 4
        ),
    ]


ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    # The core has a row for it that does not say how to undo the change.
    NumberWasChanged: ErrorRow(
        409,
        "number_was_changed",
        "The account has another number now: sign in with that one. If you did not change it, undo"
        " the change with POST /auth/undo-phone-change.",
    ),
    UndoNotPossible: ErrorRow(
        409, "undo_not_possible", "The change of this number cannot be undone, or not anymore."
    ),
    DisownNotPossible: ErrorRow(
        409,
        "disown_not_possible",
        "There is nothing to disown: the account did not get this number within the last seven"
        " days.",
    ),
    PhoneChangeForbidden: ErrorRow(
        403,
        "phone_change_forbidden",
        "The last change of your number was undone. For seven days after that, you cannot change it"
        " again.",
        example=PhoneChangeForbidden(retry_after=604800),
    ),
    TooManyPhoneChanges: ErrorRow(
        429,
        "rate_limited",
        "This service token has changed as many phone numbers as it may in a day: 20.",
        example=TooManyPhoneChanges(retry_after=3600),
    ),
}
