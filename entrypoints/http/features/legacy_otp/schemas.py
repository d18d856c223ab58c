"""Request and response bodies of the legacy OTP endpoints."""

from typing import Annotated

import msgspec

from entrypoints.http.core.otp.schemas import OtpField
from entrypoints.http.fields import AccessTokenField, described, phone_field

LegacyPhoneField = Annotated[
    str,
    phone_field(
        "A phone number that begins with its country code, with or without +.", "+912873645289"
    ),
]


class LegacyGetOtpBody(msgspec.Struct, kw_only=True):
    """The phone to send a code to. Other fields are ignored."""

    phone: LegacyPhoneField


class LegacyGetOtpResponse(msgspec.Struct, kw_only=True):
    """The request succeeded."""

    message: Annotated[str, described("Always `success`.", "success")] = "success"
    exit_code: Annotated[int, described("Always 0.", 0)] = 0


class LegacyValidateOtpBody(LegacyGetOtpBody, kw_only=True):
    """The code from the message. Other fields are ignored."""

    otp: OtpField


class LegacyValidateOtpResponse(LegacyGetOtpResponse, kw_only=True):
    """The code was correct."""

    access_token: AccessTokenField
