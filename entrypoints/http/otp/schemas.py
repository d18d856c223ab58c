"""Request and response bodies of the OTP endpoints."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import msgspec

from application.otp.log_in import LoggedIn, OtpRejected
from domain.identities.device_token import DeviceToken, parse_device_token
from domain.identities.session import MAX_DEVICE_NAME_LENGTH
from domain.otp import challenge
from domain.otp.challenge import DEFAULT_OTP_LENGTH
from domain.otp.delivery import Channel, ReportedStatus
from domain.otp.messages import MessagePreferences, parse_platform
from entrypoints.http.fields import (
    SPACES,
    USER_ID_EXAMPLE,
    AccessTokenField,
    ExpiresInField,
    PhoneField,
    RefreshExpiresInField,
    RefreshTokenField,
    TokenTypeField,
    described,
    not_only_ascii,
)
from entrypoints.http.requests.parameters import path_parameter
from entrypoints.http.settings import HttpSettings


def _otp_pattern(length: int) -> str:
    between = f"[{SPACES}-]*"
    return f"^{between}(?:[0-9]{between}){{{length}}}$|{not_only_ascii('!-,./:-~')}"


_OTP_EXAMPLE: Final = 12313
_OTP_FORMAT: Final = "otp"
OTP_PATTERN: Final = _otp_pattern(DEFAULT_OTP_LENGTH)
# No line break begins or ends a class here: generators of clients write it as it is.
_DEVICE_PATTERN: Final = (
    r"^(?:[^\x00-\x1f\x7f-\x9f\u2010-\u206f]|[\u2010-\u2027\u202f-\u2065\u206a-\u206f])*$"
)
"""Texts without control characters, line breaks or bidirectional controls (UAX #9)."""


def otp_field(description: str) -> msgspec.Meta:
    """Describe a code. `describe_otp_length` changes it as the operator chose."""
    return described(
        f"{description} Spaces, hyphens and invisible characters are ignored. The maximum length"
        " counts every character.",
        f"{_OTP_EXAMPLE:06d}",
        pattern=OTP_PATTERN,
        format=_OTP_FORMAT,
        minLength=DEFAULT_OTP_LENGTH,
        maxLength=challenge.MAX_CODE_INPUT_LENGTH,
    )


OtpField = Annotated[str, otp_field("The digits of the code, of any script.")]
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
        " using up the limits of this phone. Any other value is ignored.",
        type=["string", "null"],
    ),
]
DeviceNameField = Annotated[
    str | None,
    described(
        "A name for the session, without line breaks, and without control characters, also"
        " those that change the direction of text.",
        "Pixel 9",
        pattern=_DEVICE_PATTERN,
        maxLength=MAX_DEVICE_NAME_LENGTH,
        messages={
            "pattern": "A device name has no control characters or line breaks.",
            "maxLength": f"A device name has at most {MAX_DEVICE_NAME_LENGTH} characters.",
        },
    ),
]
PlatformField = Annotated[
    str | None,
    described(
        "The platform that reads the code from the message: `android` (SMS"
        " Retriever), `ios` or `web` (WebOTP). For any other value the general text is sent.",
        "android",
    ),
]
LocaleField = Annotated[
    str | None,
    described(
        "The language of the message, as BCP 47 or as the phone writes it. Without a template,"
        " `pt-BR` falls back to `pt` and then to the default locale of the service.",
        "en",
    ),
]
AppHashField = Annotated[
    str | None,
    described(
        "For `android`: the 11 characters by which SMS Retriever recognizes"
        " messages for the app. If the service does not know the value, its default is sent.",
        "FA+9qCX9VSu",
    ),
]


CHANNELS_OF_REQUESTS: Final = [*(channel.value for channel in Channel), None]
"""The service rejects those that a country does not have."""
RequestedChannelField = Annotated[
    str | None,
    described(
        "How the code is delivered: in a message (`sms`), or read out in a call (`voice`). A"
        " service that places no calls rejects `voice`. A country may have fewer channels, or"
        " others. Without this field the service chooses a message.",
        "sms",
        enum=CHANNELS_OF_REQUESTS,
    ),
]
RequestIdParameter = Annotated[str, path_parameter("The `request_id` of the request for the code.")]


class MessageBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How a code is sent. All requests for a code have these fields."""

    platform: PlatformField = None
    locale: LocaleField = None
    app_hash: AppHashField = None

    @property
    def preferences(self) -> MessagePreferences:
        return MessagePreferences(parse_platform(self.platform), self.locale, self.app_hash)


class CodeRequestBody(MessageBody, forbid_unknown_fields=True, kw_only=True):
    """How a client of the app requests a code."""

    device_token: DeviceTokenInput = None


class RequestOtpBody(CodeRequestBody, forbid_unknown_fields=True, kw_only=True):
    """The phone to send a code to. An unknown platform or locale is not an error."""

    phone: PhoneField
    channel: RequestedChannelField = None


CodeExpiresInField = Annotated[int, described("Seconds until the code expires.", 300)]
ResendInField = Annotated[int, described("Seconds until another message can be requested.", 15)]
ChannelsField = Annotated[
    list[str],
    described(
        "What the country of the phone has, in the order in which messages try it. Offer "
        "`voice` only if it is one of them.",
        ["sms", "voice"],
    ),
]


class CodeSentResponse(msgspec.Struct, kw_only=True):
    """The message was sent, or had been sent within the cooldown (`sent` is false)."""

    message: Annotated[str, described("Always `OTP sent`.", "OTP sent")] = "OTP sent"
    request_id: Annotated[
        str,
        described(
            "New in every response. Send it with the code. The attempts are then counted"
            " for this request only, and only its code is correct.",
            "5f1c0a9be0d34f6c8a7b6c5d4e3f2a1b0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b",
        ),
    ]
    sent: Annotated[
        bool,
        described(
            "False if no new message was sent. The code sent before is still valid, and the"
            " `request_id` has two attempts instead of five: use the earlier one if you have it.",
            True,
        ),
    ]
    expires_in: CodeExpiresInField
    resend_in: ResendInField


class RequestOtpResponse(CodeSentResponse, kw_only=True):
    """The message was sent, or had been sent within the cooldown (`sent` is false)."""

    channels: ChannelsField


class DeliveryStatusResponse(msgspec.Struct, kw_only=True):
    """What became of a message or call."""

    status: Annotated[
        str,
        described(
            "`queued`: not sent yet, or not known. `sent`: on its way; not all carriers report"
            " more. `delivered`: the phone has it. `undelivered`, `failed`: it will not arrive. A"
            " call is delivered once the code was read; an unanswered call is undelivered."
            " A status only advances, and the last three are final.",
            ReportedStatus.DELIVERED.value,
            enum=[status.value for status in ReportedStatus],
        ),
    ]
    error_code: Annotated[
        str | msgspec.UnsetType,
        described(
            "The provider's code of the failure, if it reported one. Twilio's are at"
            " https://www.twilio.com/docs/api/errors, Vonage's at"
            " https://developer.vonage.com/en/api-errors/messages.",
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
            " counted for this request only, and only its code is correct."
        ),
    ] = None
    refresh: Annotated[
        bool | None,
        described(
            "True returns a refresh token and a short-lived access token, which other services can"
            " verify with the key set.",
            True,
        ),
    ] = None
    device: DeviceNameField = None
    device_token: DeviceTokenInput = None


class VerifiedOtpResponse(msgspec.Struct, kw_only=True):
    """The code was correct: the tokens of the new session."""

    success: Annotated[bool, described("The code was correct.", True, const=True)] = True
    message: Annotated[str, described("Always `OTP verified`.", "OTP verified")] = "OTP verified"
    access_token: AccessTokenField
    token_type: TokenTypeField = "Bearer"  # noqa: S105 - RFC 6750, not a secret
    expires_in: ExpiresInField
    user_id: Annotated[
        str, described("The user's id, which `POST /users` does not change.", USER_ID_EXAMPLE)
    ]
    username: Annotated[
        str | None,
        described(
            "The user's username; null before `POST /users`: ask for a name.", "Rahul Sharma"
        ),
    ]
    refresh_token: RefreshTokenField | msgspec.UnsetType = msgspec.UNSET
    refresh_expires_in: RefreshExpiresInField | msgspec.UnsetType = msgspec.UNSET
    device_token: DeviceTokenField | msgspec.UnsetType = msgspec.UNSET


class RejectedOtpResponse(msgspec.Struct, kw_only=True):
    """The code was wrong, expired, used before or never sent; the response does not say which."""

    success: Annotated[bool, described("The code was not correct.", False, const=False)] = False
    message: Annotated[str, described("Always `Invalid OTP`.", "Invalid OTP")] = "Invalid OTP"
    attempts_left: Annotated[
        int, described("The attempts that are left. 0 where no code is active: request one.", 4)
    ]


def to_verify_otp_response(
    result: LoggedIn | OtpRejected,
) -> VerifiedOtpResponse | RejectedOtpResponse:
    """Convert the result: the tokens of a new session and of its device, or the attempts left."""
    if isinstance(result, OtpRejected):
        return RejectedOtpResponse(attempts_left=result.attempts_left)
    return to_verified_response(result)


def to_verified_response(result: LoggedIn) -> VerifiedOtpResponse:
    """Convert the tokens of a new session and of its device."""
    user, tokens, device_token = result.identity.user, result.tokens, result.device_token
    return VerifiedOtpResponse(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        user_id=result.identity.id,
        username=user.username.text if user else None,
        refresh_token=tokens.refresh_token or msgspec.UNSET,
        refresh_expires_in=tokens.refresh_expires_in or msgspec.UNSET,
        device_token=device_token.text if device_token else msgspec.UNSET,
    )


def parse_sent_device_token(value: object) -> DeviceToken | None:
    """Parse the field `device_token`. Any other value has no effect."""
    return parse_device_token(value) if isinstance(value, str) else None


def describe_otp_length(schemas: Iterable[Mapping[str, Any]], settings: HttpSettings) -> None:
    """Describe codes of the length that the operator chose."""
    length = settings.otp.otp_length
    for field in (field for schema in schemas for field in schema.get("properties", {}).values()):
        if field.get("format") == _OTP_FORMAT:
            field["pattern"] = _otp_pattern(length)
            field["minLength"] = length
            field["examples"] = [f"{_OTP_EXAMPLE:0{length}d}"]
