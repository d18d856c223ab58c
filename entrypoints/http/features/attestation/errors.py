"""Errors of proofs in responses."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from domain.features.attestation.errors import AttestationRequired
from entrypoints.http.errors.table import ApiError, ErrorRow
from entrypoints.http.fields import described


class AttestationChallengeBody(msgspec.Struct):
    """What a client needs for a proof of one kind. Each kind has one of the other fields."""

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
    """What only errors of proofs have."""

    attestation: Annotated[
        list[AttestationChallengeBody],
        described("The kinds of proof that the service accepts. Send one of them."),
    ]


ERRORS: Final[Mapping[type[ApiError], ErrorRow]] = {
    AttestationRequired: ErrorRow(
        403,
        "attestation_required",
        "Too many codes are requested. Send a proof that one of the challenges in 'attestation'"
        " asks for.",
        example=AttestationRequired(
            {"type": "siteverify", "site_key": "<the site key of the app>"}
        ),
        attributes=("attestation",),
    ),
}
