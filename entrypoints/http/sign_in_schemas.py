"""What is sent to sign in, and what comes back."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from domain import phone
from domain.identities.session import LONGEST_DEVICE
from domain.sign_in import code
from domain.sign_in.challenge import CODE_DIGITS

# Each as its reader drops it: Python's white space, joiners that show nothing, and dashes.
_DROPPED: Final = (
    r"[\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200b\u2010-\u2015\u2028\u2029\u202f\u205f"
    r"\u2060\u2212\u3000\ufe63\uff0d\-]*"
)
CODE_PATTERN: Final = rf"^(?:{_DROPPED}\p{{Nd}}){{{CODE_DIGITS}}}{_DROPPED}$"
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
        max_length=phone.LONGEST_SPELLING,
    ),
]
CodeText = Annotated[
    str,
    described(
        "Six digits of any script; spaces and hyphens are dropped.",
        "012313",
        pattern=CODE_PATTERN,
        max_length=code.LONGEST_SPELLING,
    ),
]

AccessTokenText = Annotated[
    str,
    Meta(
        description="Send it as `Authorization: Bearer <token>`.",
        examples=["eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiI2NTYxYTJiMCJ9.c2lnbmF0dXJl"],
    ),
]


class AskBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Who wants a code. An unknown platform or locale is no error: the general text is sent."""

    phone: PhoneText
    platform: Annotated[
        str | None, Meta(description="For the form of the text.", examples=["android"])
    ] = None
    channel: Annotated[
        str | None,
        described("How the code travels; `sms` so far.", "sms", enum=["sms", None]),
    ] = None
    locale: Annotated[
        str | None, Meta(description="For the language of the text.", examples=["en"])
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
        described(
            "Refresh tokens are not offered yet: false, or left out.", False, enum=[False, None]
        ),
    ] = None
    device: Annotated[
        str | None,
        described(
            "A name for this sign-in, without line breaks.",
            "Pixel 9",
            pattern=DEVICE_PATTERN,
            max_length=LONGEST_DEVICE,
        ),
    ] = None


class OtpVerified(msgspec.Struct, kw_only=True):
    """The code was right."""

    success: Annotated[
        bool, Meta(description="Always true: the code was right.", examples=[True])
    ] = True
    message: Annotated[
        str, Meta(description="What became of the request.", examples=["OTP verified"])
    ] = "OTP verified"
    access_token: AccessTokenText
    token_type: Annotated[str, Meta(description="Always `Bearer`.", examples=["Bearer"])] = "Bearer"  # noqa: S105 - RFC 6750, no secret
    expires_in: Annotated[
        int,
        Meta(description="Seconds; it stops earlier when the session ends.", examples=[7776000]),
    ]


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


class LogoutBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which sessions end; `this` so far."""

    scope: Annotated[
        str | None,
        described("`this`, which is also meant when left out.", "this", enum=["this", None]),
    ] = None
