"""What is sent to sign in, and what comes back."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from application.identities.session_factory import Tokens
from domain import phone
from domain.identities.session import MAX_DEVICE_NAME_LENGTH
from domain.otp import challenge
from domain.otp.challenge import OTP_LENGTH
from entrypoints.http.session_schemas import (
    AccessSeconds,
    AccessTokenText,
    RefreshSeconds,
    RefreshTokenText,
    TokenType,
)

# Each as its reader drops it: Python's white space, joiners that show nothing, and dashes.
_DROPPED: Final = (
    r"[\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200b\u2010-\u2015\u2028\u2029\u202f\u205f"
    r"\u2060\u2212\u3000\ufe63\uff0d\-]*"
)
CODE_PATTERN: Final = rf"^(?:{_DROPPED}\p{{Nd}}){{{OTP_LENGTH}}}{_DROPPED}$"
"""As JSON Schema writes it (ECMA-262, with the flag `u`): `\\p{Nd}` is a digit of any script."""
DEVICE_PATTERN: Final = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$"
"""No control characters, no line breaks, and nothing that turns the text around it (UAX #9)."""


def described(about: str, example: Any, **schema: Any) -> Meta:
    """Say of a field what its reader holds it to; another value is refused by ours.

    `schema` has JSON Schema's keywords, written in snake case.
    """
    extra = {"description": about, "extra": schema}
    return Meta(examples=[example], extra_json_schema=extra)


PhoneText = Annotated[
    str,
    described(
        "A phone number as people write it; without + it is read as a number of"
        " the service's default region.",
        "+14155552671",
        format="phone",
        max_length=phone.MAX_INPUT_LENGTH,
    ),
]
CodeText = Annotated[
    str,
    described(
        "Six digits of any script; spaces and hyphens are dropped.",
        "012313",
        pattern=CODE_PATTERN,
        max_length=challenge.MAX_INPUT_LENGTH,
    ),
]


class AskBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Who wants a code. An unknown platform or locale is no error: the general text is sent."""

    phone: PhoneText
    platform: Annotated[
        str | None,
        Meta(
            description="What will read the code out of the message: `android` (SMS Retriever),"
            " `ios`, `web` (WebOTP); anything else gets the general text.",
            examples=["android"],
        ),
    ] = None
    channel: Annotated[
        str | None,
        described("How the code travels; `sms` so far.", "sms", enum=["sms", None]),
    ] = None
    locale: Annotated[
        str | None,
        Meta(
            description="For the language of the text, as BCP 47 or as the phone names it; what"
            " has no texts falls back, `pt-BR` to `pt` and then to the service's default.",
            examples=["pt-BR"],
        ),
    ] = None
    app_hash: Annotated[
        str | None,
        Meta(
            description="For `android`: the 11 characters by which SMS Retriever knows the app's"
            " messages. One that the service does not know is no error: its usual one is sent.",
            examples=["FA+9qCX9VSu"],
        ),
    ] = None


class OtpSent(msgspec.Struct, kw_only=True):
    """A message is on its way, or was a moment ago (`sent` is false then)."""

    message: Annotated[
        str, Meta(description="What became of the request.", examples=["OTP sent"])
    ] = "OTP sent"
    request_id: Annotated[
        str,
        Meta(
            description="Send it along with the code: the answer is then bound to this request.",
            examples=["5f1c0a9be0d34f6c8a7b6c5d4e3f2a1b"],
        ),
    ]
    sent: Annotated[
        bool,
        Meta(
            description="False when nothing new went out: the code sent is still good.",
            examples=[True],
        ),
    ]
    expires_in: Annotated[
        int, Meta(description="Seconds for which the code can be used.", examples=[300])
    ]
    resend_in: Annotated[
        int, Meta(description="Seconds until another message can be asked for.", examples=[15])
    ]


class AnswerBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The code that came."""

    phone: PhoneText
    otp: CodeText
    request_id: Annotated[
        str | None,
        Meta(
            description="From the answer to the request for the code.",
            examples=["5f1c0a9be0d34f6c8a7b6c5d4e3f2a1b"],
        ),
    ] = None
    refresh: Annotated[
        bool | None,
        Meta(
            description="True brings a refresh token, and an access token of minutes.",
            examples=[True],
        ),
    ] = None
    device: Annotated[
        str | None,
        described(
            "A name for this sign-in, without line breaks.",
            "Pixel 9",
            pattern=DEVICE_PATTERN,
            max_length=MAX_DEVICE_NAME_LENGTH,
        ),
    ] = None


class OtpVerified(msgspec.Struct, kw_only=True):
    """The code was right; the refresh token comes to who asked for one."""

    success: Annotated[
        bool, Meta(description="Always true: the code was right.", examples=[True])
    ] = True
    message: Annotated[
        str, Meta(description="What became of the request.", examples=["OTP verified"])
    ] = "OTP verified"
    access_token: AccessTokenText
    token_type: TokenType = "Bearer"  # noqa: S105 - RFC 6750, no secret
    expires_in: AccessSeconds
    refresh_token: RefreshTokenText | msgspec.UnsetType = msgspec.UNSET
    refresh_expires_in: RefreshSeconds | msgspec.UnsetType = msgspec.UNSET


class OtpInvalid(msgspec.Struct, kw_only=True):
    """The code was wrong, late, used before or never sent; nobody is told which."""

    success: Annotated[
        bool, Meta(description="Always false: the code was not right.", examples=[False])
    ] = False
    message: Annotated[
        str, Meta(description="What became of the request.", examples=["Invalid OTP"])
    ] = "Invalid OTP"
    attempts_left: Annotated[
        int, Meta(description="How many more answers are taken.", examples=[4])
    ]


def show_verified(tokens: Tokens) -> OtpVerified:
    """Shape the tokens of a sign-in."""
    return OtpVerified(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        refresh_token=msgspec.UNSET if tokens.refresh_token is None else tokens.refresh_token,
        refresh_expires_in=(
            msgspec.UNSET if tokens.refresh_expires_in is None else tokens.refresh_expires_in
        ),
    )
