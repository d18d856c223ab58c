"""Request and response bodies of the OTP endpoints."""

from typing import Annotated, Any, Final

import msgspec

from application.identities.session_factory import Tokens
from domain.identities.device_token import DeviceToken
from domain.identities.session import MAX_DEVICE_NAME_LENGTH
from domain.otp import challenge
from domain.otp.challenge import DEFAULT_OTP_LENGTH
from domain.otp.delivery import Channel
from domain.otp.delivery_report import ReportedStatus
from entrypoints.http.fields import PhoneField, described, path_parameter
from entrypoints.http.sessions.schemas import (
    AccessTokenField,
    ExpiresInField,
    RefreshExpiresInField,
    RefreshTokenField,
    TokenTypeField,
)


def otp_pattern(length: int) -> str:
    r"""Return a pattern that matches all codes of so many digits, and little else.

    Of ASCII it allows digits, spaces and hyphens. Every dialect of patterns understands it: those
    of generated clients have neither `\p{Nd}` nor the flag that it needs, and write `\u2028` as a
    line break.
    """
    return rf"^[^!-,./:-~]{{{length},}}$"


OTP_EXAMPLE: Final = 12313
OTP_PATTERN: Final = otp_pattern(DEFAULT_OTP_LENGTH)
DEVICE_PATTERN: Final = r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*"
"""No control characters, line breaks or bidirectional controls (UAX #9)."""

OtpField = Annotated[
    str,
    described(
        "The digits of the code, of any script. Spaces, hyphens and invisible characters are"
        " ignored.",
        f"{OTP_EXAMPLE:06d}",
        pattern=OTP_PATTERN,
        format="otp",
        max_length=challenge.MAX_INPUT_LENGTH,
    ),
]
DeviceTokenField = Annotated[
    str,
    described(
        "Identifies this device. Send it with later requests: it keeps strangers from"
        " using up the limits of this phone.",
        "afnzCAAAAAAAAAABAAECAwQFBgcICQoLDA0ODw",
    ),
]
DeviceTokenInput = Annotated[
    Any,
    described(
        "The `device_token` of an earlier login on this device: it keeps strangers from"
        " using up the limits of this phone. Any other value is ignored."
    ),
]
RequestIdParameter = Annotated[str, path_parameter("The `request_id` of the request for the code.")]


class RequestOtpBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The phone to send a code to. An unknown platform or locale is not an error."""

    phone: PhoneField
    platform: Annotated[
        str | None,
        described(
            "The platform that reads the code from the message: `android` (SMS"
            " Retriever), `ios` or `web` (WebOTP). For any other value the general text is sent.",
            "android",
        ),
    ] = None
    channel: Annotated[
        str | None,
        described(
            "How the code is delivered: in a message (`sms`), or read out in a call (`voice`). A"
            " service that places no calls rejects `voice`. The default is `sms`.",
            "sms",
            enum=[*(channel.value for channel in Channel), None],
        ),
    ] = None
    locale: Annotated[
        str | None,
        described(
            "The language of the message, as BCP 47 or as the phone writes it. Without a template,"
            " `pt-BR` falls back to `pt` and then to the default locale of the service.",
            "en",
        ),
    ] = None
    app_hash: Annotated[
        str | None,
        described(
            "For `android`: the 11 characters by which SMS Retriever recognizes"
            " messages for the app. If the service does not know the value, its default is sent.",
            "FA+9qCX9VSu",
        ),
    ] = None
    device_token: DeviceTokenInput = None


class RequestOtpResponse(msgspec.Struct, kw_only=True):
    """The message was sent, or had been sent within the cooldown (`sent` is false)."""

    message: Annotated[str, described("Always `OTP sent`.", "OTP sent")] = "OTP sent"
    request_id: Annotated[
        str,
        described(
            "New in every response. Send it with the code. The attempts are then counted"
            " for this request only.",
            "5f1c0a9be0d34f6c8a7b6c5d4e3f2a1b0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b",
        ),
    ]
    sent: Annotated[
        bool,
        described(
            "False if no new message was sent. The code sent before is still valid,"
            " and the `request_id` has two attempts instead of five.",
            True,
        ),
    ]
    expires_in: Annotated[int, described("Seconds until the code expires.", 300)]
    resend_in: Annotated[int, described("Seconds until another message can be requested.", 15)]


class DeliveryStatusResponse(msgspec.Struct, kw_only=True):
    """What became of a message or call."""

    status: Annotated[
        str,
        described(
            "`queued`: not sent yet, or not known. `sent`: on its way; not all carriers report"
            " more. `delivered`: the phone has it. `undelivered`, `failed`: it will not arrive. A"
            " call is delivered once the code was read; one that nobody answers is undelivered."
            " A status only advances, and the last three are final.",
            ReportedStatus.DELIVERED.value,
            enum=[status.value for status in ReportedStatus],
        ),
    ]
    error_code: Annotated[
        str | msgspec.UnsetType,
        described(
            "The provider's code of the failure, if it reported one. Twilio's are at"
            " https://www.twilio.com/docs/api/errors.",
            "30003",
        ),
    ] = msgspec.UNSET


class VerifyOtpBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The code from the message."""

    phone: PhoneField
    otp: OtpField
    request_id: Annotated[
        str | None,
        described(
            "The `request_id` of the request for the code. The attempts are then"
            " counted for this request only."
        ),
    ] = None
    refresh: Annotated[
        bool | None, described("True returns a refresh token and a short-lived access token.", True)
    ] = None
    device: Annotated[
        str | None,
        described(
            "A name for the session, without line breaks.",
            "Pixel 9",
            pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
            max_length=MAX_DEVICE_NAME_LENGTH,
        ),
    ] = None
    device_token: DeviceTokenInput = None


class VerifyOtpResponse(msgspec.Struct, kw_only=True):
    """The code was correct. The refresh token is present if it was requested."""

    success: Annotated[bool, described("The code was correct.", True, const=True)] = True
    message: Annotated[str, described("Always `OTP verified`.", "OTP verified")] = "OTP verified"
    access_token: AccessTokenField
    token_type: TokenTypeField = "Bearer"  # noqa: S105 - RFC 6750, not a secret
    expires_in: ExpiresInField
    refresh_token: RefreshTokenField | msgspec.UnsetType = msgspec.UNSET
    refresh_expires_in: RefreshExpiresInField | msgspec.UnsetType = msgspec.UNSET
    device_token: DeviceTokenField | msgspec.UnsetType = msgspec.UNSET


class InvalidOtpResponse(msgspec.Struct, kw_only=True):
    """The code was wrong, expired, used before or never sent; the response does not say which."""

    success: Annotated[bool, described("The code was not correct.", False, const=False)] = False
    message: Annotated[str, described("Always `Invalid OTP`.", "Invalid OTP")] = "Invalid OTP"
    attempts_left: Annotated[int, described("The number of attempts that are left.", 4)]


def to_verify_otp_response(tokens: Tokens, device_token: DeviceToken | None) -> VerifyOtpResponse:
    """Convert the tokens of a new session and of its device."""
    return VerifyOtpResponse(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token or msgspec.UNSET,
        refresh_expires_in=tokens.refresh_expires_in or msgspec.UNSET,
        device_token=device_token.text if device_token else msgspec.UNSET,
    )
