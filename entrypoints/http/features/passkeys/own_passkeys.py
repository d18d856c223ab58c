"""Passkeys of users: add, list and remove them, and sign in with one."""

from typing import Annotated, Any, ClassVar, Final

import msgspec
from litestar import Controller, delete, get, post
from litestar.params import JSONBody

from application.features.passkeys.feature import AppPasskeysFeature
from application.features.passkeys.sign_in import PasskeySignInCommand
from domain import errors
from domain.features import passkeys as rules
from domain.features.passkeys import MAX_NAME_LENGTH, parse_passkey_name
from entrypoints.http.administration.user_details import to_struct
from entrypoints.http.errors.exceptions import FieldError
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.features.passkeys.fields import PasskeyResponse, to_responses
from entrypoints.http.fields import described
from entrypoints.http.otp.schemas import (
    DeviceNameField,
    DeviceTokenInput,
    VerifiedOtpResponse,
    parse_sent_device_token,
    to_verified_response,
)
from entrypoints.http.requests.auth import BEARER, AuthenticationMiddleware, limit_by_ip
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.parameters import path_parameter
from entrypoints.http.requests.parsing import FieldErrors, parsing_field
from entrypoints.http.requests.request import ApiRequest

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


_TAG: Final = "Passkeys"
PasskeyIdParameter = Annotated[
    str, path_parameter("The `id` of a passkey, as in the list of passkeys.")
]


def to_options(text: str) -> PasskeyOptionsResponse:
    """Make the response of options that are JSON in a text."""
    return PasskeyOptionsResponse(public_key=msgspec.json.decode(text))


def to_text(credential: dict[str, Any]) -> str:
    """Make the text that the check of a credential reads."""
    return msgspec.json.encode(credential).decode()


class PasskeyController(Controller):
    """The passkeys of the signed-in user."""

    path = "/users/me/passkeys"
    tags = [_TAG]
    opt = {"tag_description": "Sign in with a passkey instead of a code."}
    middleware = [AuthenticationMiddleware]
    security = BEARER

    @post(
        "/options",
        summary="Begin to add a passkey",
        response_description="What `navigator.credentials.create` gets.",
        status_code=200,
        errors=[errors.FreshLoginRequired, errors.Forbidden, rules.TooManyPasskeys],
    )
    async def start_passkey(
        self, request: ApiRequest, passkeys: Injected[AppPasskeysFeature]
    ) -> PasskeyOptionsResponse:
        """Return the options for a passkey, which needs a login of the last 15 minutes.

        They are for this session, and valid for five minutes. Send what the device makes of them to
        `POST /users/me/passkeys`.
        """
        return to_options(passkeys.own.start(request.principal))

    @post(
        summary="Add a passkey",
        response_description="The passkey.",
        errors=[
            FieldError(
                "name",
                FieldErrorCode.CONFLICTING_VALUE,
                "Another passkey has this name. Choose a different one.",
            ),
            errors.FreshLoginRequired,
            errors.Forbidden,
            rules.NewPasskeyRejected,
            rules.ChallengeNotValid,
            rules.PasskeyExists,
            rules.TooManyPasskeys,
            rules.TooManyPasskeysAdded,
            errors.CountryNotServed,
            errors.AuditFailed,
        ],
    )
    async def add_passkey(
        self,
        request: ApiRequest,
        passkeys: Injected[AppPasskeysFeature],
        data: JSONBody[AddPasskeyBody],
    ) -> PasskeyResponse:
        """Add the passkey that the device made, which needs a login of the last 15 minutes.

        A user has ten at most. The number gets a message, so a session adds two a day, and a user
        four: above it, or where messages of the service are used up, it is a 429. While the number
        gets no codes, none is added.
        """
        name = None
        with FieldErrors(data) as invalid, invalid.of("name"):
            if data.name is not None:
                name = parse_passkey_name(data.name)
        with parsing_field("name"):
            passkey = await passkeys.own.add(
                request.principal,
                to_text(data.credential),
                name,
                request.device_name,
            )
        return to_struct(passkey, PasskeyResponse)

    @get(summary="List the signed-in user's passkeys", response_description="The passkeys.")
    async def list_passkeys(self, request: ApiRequest) -> PasskeyListResponse:
        """List the passkeys with which the user signs in to the app."""
        found = request.principal.identity.app_passkeys
        return PasskeyListResponse(passkeys=to_responses(found))

    @delete(
        "/{passkey_id:str}",
        summary="Remove a passkey",
        response_description="The passkey is removed.",
        errors=[errors.FreshLoginRequired, rules.PasskeyNotFound, errors.AuditFailed],
    )
    async def remove_passkey(
        self,
        request: ApiRequest,
        passkeys: Injected[AppPasskeysFeature],
        passkey_id: PasskeyIdParameter,
    ) -> None:
        """Remove a passkey, which needs a login of the last 15 minutes.

        Sessions that it opened stay: `DELETE /auth/sessions/{session_id}` ends one. The number gets
        a message, six a day at most with those of added ones.
        """
        await passkeys.own.remove(request.principal, passkey_id)


class PasskeySignInController(Controller):
    """The sign-in with a passkey, without a number."""

    path = "/auth/passkey"
    tags = [_TAG]

    @post(
        "/options",
        summary="Begin to sign in with a passkey",
        response_description="What `navigator.credentials.get` gets.",
        status_code=200,
        guards=[limit_by_ip],
        errors=[errors.TooManyAttemptsFromIp],
    )
    async def start_passkey_sign_in(
        self, request: ApiRequest, passkeys: Injected[AppPasskeysFeature]
    ) -> PasskeyOptionsResponse:
        """Return the options to sign in with any passkey of the app. No number is needed.

        They are valid for five minutes and for one sign-in.
        """
        return to_options(passkeys.sign_in.start(request.client_ip))

    @post(
        summary="Exchange the answer of a passkey for an access token",
        response_description="The passkey was right.",
        status_code=200,
        guards=[limit_by_ip],
        errors=[
            rules.PasskeyRejected,
            rules.SignCountFell,
            rules.ChallengeNotValid,
            errors.AccountBlocked,
            errors.LoginRejected,
            errors.TooManyAttemptsFromIp,
        ],
    )
    async def sign_in_with_passkey(
        self,
        request: ApiRequest,
        passkeys: Injected[AppPasskeysFeature],
        data: JSONBody[PasskeySignInBody],
    ) -> PasskeySignInResponse:
        """Sign in with a passkey. The response is that of a right code, with a refresh token.

        An answer is used once, also if it is followed by an error: begin again then. A 403
        `account_blocked` and a 403 `login_rejected` say that the passkey is right.
        """
        with FieldErrors(data):
            pass
        logged_in = await passkeys.sign_in(
            PasskeySignInCommand(
                response=to_text(data.credential),
                client_ip=request.client_ip,
                device=(data.device or "").strip() or request.device_name,
                device_token=parse_sent_device_token(data.device_token),
            )
        )
        verified = to_verified_response(logged_in)
        return PasskeySignInResponse(**msgspec.structs.asdict(verified))
