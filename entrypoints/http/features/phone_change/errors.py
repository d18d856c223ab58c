"""Errors of changes of the number in responses."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from domain.features.phone_change.errors import OldOtpRequired
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.fields import described


class PhoneChangeErrorFields(msgspec.Struct):
    """What errors of codes have here."""

    field: Annotated[str, described("The field with the code.", "otp", enum=["otp", "old_otp"])]
    attempts_left: Annotated[
        int, described("The number of attempts that are left with this code.", 4)
    ]


ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    OldOtpRequired: ErrorRow(
        403,
        "reauthentication_required",
        "Send old_otp and old_request_id too: a code of your present number. Request it with"
        " target old at POST /users/me/phone/request-otp.",
    ),
}
