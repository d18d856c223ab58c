"""Proofs over HTTP."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec
from litestar.config.app import AppConfig

from domain.errors import TooManyOtpRequests
from domain.features.attestation import AttestationRequired
from domain.otp.otp_request import MAX_RESPONSE_LENGTH, Proof
from entrypoints.http.additions import HttpAdditions
from entrypoints.http.errors.fields import ServiceError
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.fields import described
from entrypoints.http.operations import ReadinessResponse
from entrypoints.http.otp.proofs import SentProof
from entrypoints.http.otp.schemas import CodeRequestBody
from entrypoints.http.requests.described_rules import described_rules


class ProofRequestBody(msgspec.Struct):
    """Data for a proof of one kind. Each kind has one of the other fields."""

    type: Annotated[
        str,
        described(
            "The kind of proof: `altcha` (proof of work), `siteverify` (Turnstile, hCaptcha or"
            " reCAPTCHA, as the developers of the app know), or one of the operator's own.",
            "altcha",
            enum=["altcha", "siteverify"],
        ),
    ]
    site_key: Annotated[
        str | msgspec.UnsetType, described("The site key, for the widget.", "0x4AAAAAAADnPID")
    ] = msgspec.UNSET
    challenge: Annotated[
        dict[str, Any] | msgspec.UnsetType,
        described(
            "What the ALTCHA widget takes as `challenge`. It is valid for five minutes.",
            {
                "parameters": {
                    "algorithm": "PBKDF2/SHA-256",
                    "cost": 1000,
                    "keyLength": 32,
                    "keyPrefix": "428ffc45fec33e7db496ed00c4ac1da4",
                    "nonce": "3a516ee285e9bcb445a5cdcdb353915c",
                    "salt": "ecdea814f5bbe4e8b3ced3ed1ae9307e",
                    "keySignature": "e80d9b0ccb09f86e5b7fd1ca6dfd04ce",
                    "expiresAt": 1795708119,
                    "data": {"difficulty": 3000},
                },
                "signature": "41b1de88668290cdb10552f47220bc21",
            },
            additionalProperties=True,
        ),
    ] = msgspec.UNSET


class AttestationErrorFields(msgspec.Struct):
    """Fields that only errors of proofs have."""

    attestation: Annotated[
        list[ProofRequestBody],
        described("The kinds of proof that the service accepts. Send one of them."),
    ]


ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    AttestationRequired: ErrorRow(
        403,
        "attestation_required",
        "A proof is needed. Make and send one of those that 'attestation' lists.",
        example=partial(
            AttestationRequired, {"type": "siteverify", "site_key": "<the site key of the app>"}
        ),
        attributes=("attestation",),
    ),
}


_TOO_LONG: Final = {
    "maxLength": f"Type and response have at most {MAX_RESPONSE_LENGTH} characters."
}


class AttestationBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A proof; without a response, that the app can make one."""

    type: Annotated[
        str | None,
        described(
            "The `type` of the entry in the 403 that it is for.",
            "altcha",
            maxLength=MAX_RESPONSE_LENGTH,
            messages=_TOO_LONG,
        ),
    ] = None
    response: Annotated[
        str | None,
        described(
            "What the widget, or your code, made of that entry.",
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
    """Additional fields of a request for a code."""

    attestation: AttestationField = None


class AttestationHealth(msgspec.Struct, kw_only=True):
    """The health of this part."""

    attestation: Annotated[
        str | msgspec.UnsetType,
        described("`ok` or `degraded`. Only if a provider checks proofs.", "ok"),
    ] = msgspec.UNSET


_ABOUT: Final = """\
Send `"attestation": {}` if the app can make a proof. While many strangers request codes,
it then gets a 403 `attestation_required`, which says for what, instead of a 429. The same
request with `"attestation": {"type", "response"}` is served. A proof is for one phone and
for five minutes, and is used once.
"""


class AttestationHttpAdditions(HttpAdditions):
    """The field of requests for codes that has a proof, and the error that asks for one."""

    errors = ERRORS
    fields = MappingProxyType(
        {
            ReadinessResponse: AttestationHealth,
            ServiceError: AttestationErrorFields,
            CodeRequestBody: AttestationFields,
        }
    )
    related_errors = MappingProxyType({TooManyOtpRequests: (AttestationRequired,)})
    about = MappingProxyType({"request_otp": _ABOUT})

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add what parses proofs."""
        app_config.state["parse_proof"] = parse_proof
        return super().on_app_init(app_config)


def parse_proof(body: object) -> SentProof:
    """Return what a client says about proofs in a request for a code.

    A response without a type is a proof of no kind: the client is asked for another.
    """
    attestation: AttestationBody | None = getattr(body, "attestation", None)
    if attestation is None:
        return SentProof()
    for rule in described_rules(AttestationBody):
        rule.check(attestation)
    if attestation.response is None:
        return SentProof(can_send_proof=True)
    proof = Proof(attestation.type or "", attestation.response)
    return SentProof(can_send_proof=True, proof=proof)
