"""What is sent to sign in, and what comes back."""

from typing import Annotated

import msgspec
from msgspec import Meta

from application.identities.session_tokens import Tokens
from entrypoints.http.session_schemas import (
    AccessSeconds,
    AccessTokenText,
    RefreshSeconds,
    RefreshTokenText,
    TokenType,
)


def _only(about: str, value: str | bool) -> Meta:
    # Another value is refused by ours, which names the way out.
    described = {"description": about, "extra": {"enum": [value, None]}}
    return Meta(examples=[value], extra_json_schema=described)


PhoneText = Annotated[
    str,
    Meta(
        description="A phone number as people write it; without + it is read as a number of"
        " the service's default region.",
        examples=["+14155552671"],
    ),
]
CodeText = Annotated[
    str,
    Meta(
        description="Six digits of any script; spaces and hyphens are dropped.",
        examples=["012313"],
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
    channel: Annotated[str | None, _only("How the code travels; `sms` so far.", "sms")] = None
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
        Meta(description="A name for this sign-in, up to 200 characters.", examples=["Pixel 9"]),
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
