"""Request and response bodies of passkeys."""

from typing import Annotated, Any, ClassVar, Final

import msgspec

from domain.features.passkeys import MAX_NAME_LENGTH
from entrypoints.http.features.passkeys.user_fields import PasskeyResponse
from entrypoints.http.fields import described
from entrypoints.http.otp.schemas import DeviceNameField, DeviceTokenInput, VerifiedOtpResponse

_RESPONSE: Final = {
    "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
    "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ",
    "signature": "MEUCIQDx",
    "userHandle": "dTo2NTYxYTJiMGMzZDRlNWY2MDcxODI5M2E",
}
_CREATED: Final = {
    "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0",
    "attestationObject": "o2NmbXRkbm9uZQ",
}


def _credential(response: dict[str, str]) -> dict[str, Any]:
    return {"id": "AAECAw", "rawId": "AAECAw", "type": "public-key", "response": response}


class PasskeyOptionsResponse(msgspec.Struct, kw_only=True):
    """What the browser or the system of the phone is asked."""

    public_key: Annotated[
        dict[str, Any],
        described(
            "As JSON of WebAuthn: `PublicKeyCredential.parseCreationOptionsFromJSON` or"
            " `parseRequestOptionsFromJSON` reads it. It is valid for five minutes.",
            {"challenge": "AAECAwQFBgcICQoLDA0ODw", "rpId": "example.org", "timeout": 300_000},
        ),
    ] = msgspec.field(name="publicKey")


class AddPasskeyBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The passkey that the device made."""

    also_in_example: ClassVar = ("name",)

    credential: Annotated[
        dict[str, Any],
        described("`toJSON()` of the credential of WebAuthn.", _credential(_CREATED)),
    ]
    name: Annotated[
        str | None,
        described(
            "What its owner calls it: one line. Without it, it gets that of the device. No two of a"
            " user have the same name. The digits of phone numbers are masked.",
            "laptop",
            maxLength=MAX_NAME_LENGTH,
        ),
    ] = None


class PasskeySignInBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the passkey answered."""

    credential: Annotated[
        dict[str, Any],
        described("`toJSON()` of the credential of WebAuthn.", _credential(_RESPONSE)),
    ]
    device: DeviceNameField = None
    device_token: DeviceTokenInput = None


class PasskeySignInResponse(VerifiedOtpResponse, kw_only=True):
    """The passkey was right: the tokens of the new session, as after a right code."""

    success: Annotated[bool, described("Always true: a wrong one is an error.", True)] = True


class PasskeyListResponse(msgspec.Struct, kw_only=True):
    """The passkeys of the user."""

    passkeys: Annotated[list[PasskeyResponse], described("In the order in which they were added.")]
