"""The field of requests for codes that has a proof."""

from typing import Annotated, Final

import msgspec

from domain.otp.attestation_proof import MAX_RESPONSE_LENGTH
from entrypoints.http.fields import described

_TOO_LONG: Final = {
    "maxLength": f"Type and response have at most {MAX_RESPONSE_LENGTH} characters."
}


class AttestationBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A proof; without a response, that the app can make one."""

    type: Annotated[
        str | None,
        described(
            "The `type` of the challenge that it is for.",
            "altcha",
            maxLength=MAX_RESPONSE_LENGTH,
            messages=_TOO_LONG,
        ),
    ] = None
    response: Annotated[
        str | None,
        described(
            "What the widget, or your code, made of the challenge.",
            "eyJjaGFsbGVuZ2UiOnsicGFyYW1ldGVycyI6eyJhbGdvcml0aG0iOiJQQktERjIvU0hBLTI1NiJ9fX0=",
            maxLength=MAX_RESPONSE_LENGTH,
            messages=_TOO_LONG,
        ),
    ] = None


AttestationField = Annotated[
    AttestationBody | None,
    described(
        "`{}` if the app can make a proof: then it may get a 403 `attestation_required` instead of"
        " a 429, and sends the same request with the proof. Without this field it is a 429.",
        {},
    ),
]


class AttestationFields(msgspec.Struct, kw_only=True):
    """What a request for a code has in addition."""

    attestation: AttestationField = None
