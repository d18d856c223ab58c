"""Users."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.params import JSONBody

from application.administration.use_cases import UserDetailsUseCases
from application.identities.use_cases import IdentityUseCases
from domain import errors
from domain.access import can_act_for, visible_phone
from domain.errors import UserNotFound
from domain.identities.identity import Consent, Identity
from domain.identities.username import parse_username
from domain.phone import parse_phone
from entrypoints.http.errors.exceptions import InvalidUserId, UserSaveFailed
from entrypoints.http.fields import (
    EXTERNAL_ID_EXAMPLE,
    CreatedAtField,
    PhoneField,
    UserIdField,
    UsernameField,
    described,
    format_timestamp,
    time_field,
)
from entrypoints.http.requests.auth import BEARER, AuthenticationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest

AdminField = Annotated[bool, described("Whether the user is an administrator.", False)]


class CreateUserBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The user to create."""

    username: UsernameField
    number: PhoneField | None = None
    admin: Annotated[
        Any,
        described(
            "Ignored: a client cannot make an administrator.", False, type=["boolean", "null"]
        ),
    ] = None


class CreateUserResponse(msgspec.Struct, kw_only=True):
    """The user exists, created now or before."""

    message: Annotated[str, described("Always `User created`.", "User created")] = "User created"
    user_id: UserIdField
    admin: AdminField


class RenameUserBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The new username."""

    username: UsernameField


class SpokenConsent(msgspec.Struct, kw_only=True):
    """A caller's consent on the phone. It does not prove that the number is the caller's."""

    wording: Annotated[
        str,
        described(
            "The text that the caller heard.",
            "By staying on the line, you agree that we store your number.",
        ),
    ]
    language: Annotated[str, described("The language of the text (BCP 47).", "en-US")]
    given_at: Annotated[str, time_field("The time of the call, in UTC.")]


class UserResponse(msgspec.Struct, kw_only=True):
    """A user. Only the user and administrators see the full number, `admin` and `external_id`.

    Administrators see the number if they logged in within the last 15 minutes.
    """

    id: UserIdField = msgspec.field(name="_id")
    username: UsernameField
    number: Annotated[
        str,
        described(
            "The full number, or its country code and last two digits.",
            "+14155552671",
            "+1********71",
        ),
    ]
    created_on: CreatedAtField
    admin: AdminField | msgspec.UnsetType = msgspec.UNSET
    external_id: Annotated[
        str | msgspec.UnsetType,
        described(
            "What another system calls the user, if it does. Only the user and administrators see"
            " it.",
            EXTERNAL_ID_EXAMPLE,
        ),
    ] = msgspec.UNSET
    spoken_consent: Annotated[
        SpokenConsent | msgspec.UnsetType,
        described(
            "Only for the user itself, if somebody joined by phone with this number"
            " before the first login: let the user confirm it.",
            {
                "wording": "By staying on the line, you agree that we store your number.",
                "language": "en-US",
                "given_at": "2026-05-01T09:30:00.000Z",
            },
        ),
    ] = msgspec.UNSET


def to_user_response(
    identity: Identity, viewer: Identity, full_number: str | None = None
) -> UserResponse:
    """Convert a user; raises UserNotFound if the identity is not a user.

    `full_number` is that of somebody else, which is in the audit.
    """
    number = full_number or visible_phone(viewer, identity)
    if identity.user is None or number is None:
        raise UserNotFound
    may_see_all = can_act_for(viewer, identity.id)
    consent = identity.consent if identity.id == viewer.id else None
    return UserResponse(
        id=identity.id,
        username=identity.user.username.text,
        number=number,
        created_on=format_timestamp(identity.user.created_at),
        admin=identity.is_administrator if may_see_all else msgspec.UNSET,
        external_id=(identity.external_id if may_see_all else None) or msgspec.UNSET,
        spoken_consent=_to_spoken_consent(consent) if consent else msgspec.UNSET,
    )


def _to_spoken_consent(consent: Consent) -> SpokenConsent:
    return SpokenConsent(
        wording=consent.wording,
        language=consent.language,
        given_at=format_timestamp(consent.given_at),
    )


class UserController(Controller):
    """Identities that have chosen a username."""

    path = "/users"
    tags = ["Users"]
    opt = {"tag_description": "Create, show, rename and delete users."}
    dependencies = {
        "identities": provide(lambda use_cases: use_cases.identities),
        "user_details": provide(lambda use_cases: use_cases.user_details),
    }
    middleware = [AuthenticationMiddleware]
    security = BEARER

    @post(
        operation_id="create_user",
        summary="Create a user",
        response_description="The user exists, created now or before.",
        unavailable_error=UserSaveFailed,
        errors=[
            errors.PhoneMismatch,
            errors.Forbidden,
            errors.ReauthenticationRequired,
            errors.PhoneInUse,
            errors.UsernameInUse,
            errors.TooManyActs,
            errors.AuditFailed,
        ],
    )
    async def create_user(
        self,
        request: ApiRequest,
        identities: Injected[IdentityUseCases],
        data: JSONBody[CreateUserBody],
    ) -> Response[CreateUserResponse]:
        """Create the user. `number` is the phone of the sign-in, and may be omitted.

        The same username and number again is a success with the same id. If number and username
        are both in use, the error is about the number.
        """
        own, settings = request.principal.identity.username, request.settings
        with FieldErrors(data) as invalid:
            with invalid.of("username"):
                username = parse_username(data.username, settings.identities.username_rules, own)
            with invalid.of("number"):
                phone = None
                if data.number is not None:
                    phone = parse_phone(
                        data.number, settings.otp.default_region, settings.otp.phone_rules
                    )
        identity = await identities.create_user(request.principal, username, phone)
        return Response(
            CreateUserResponse(user_id=identity.id, admin=identity.is_administrator),
            headers={"Location": request.settings.server.public_path(f"/users/{identity.id}")},
        )

    @get(
        "/me",
        operation_id="get_me",
        summary="Get the signed-in user",
        response_description="The user.",
        errors=[errors.UserNotFound],
    )
    async def get_me(self, request: ApiRequest) -> UserResponse:
        """Return the user, with the full number."""
        identity = request.principal.identity
        return to_user_response(identity, identity)

    @get(
        "/{user_id:str}",
        operation_id="get_user",
        summary="Get a user",
        response_description="The user.",
        errors=[InvalidUserId, errors.UserNotFound, errors.AuditFailed],
    )
    async def get_user(
        self,
        request: ApiRequest,
        user_details: Injected[UserDetailsUseCases],
        user_id: IdParameter,
    ) -> UserResponse:
        """Return a user, with the number masked if it is somebody else.

        Administrators who logged in within the last day see whether it is an administrator; those
        who logged in within the last 15 minutes see the full number, which an audit entry says.
        """
        viewed = parse_id(user_id, InvalidUserId())
        is_head = IS_HEAD in request.scope["state"]
        identity, number = await user_details.view_user(
            request.principal, viewed, is_shown=not is_head
        )
        return to_user_response(identity, request.principal.viewer, number)

    @patch(
        "/me",
        operation_id="rename_me",
        summary="Rename the signed-in user",
        response_description="The user, with the new username.",
        errors=[errors.UserNotFound, errors.UsernameInUse],
    )
    async def rename_me(
        self,
        request: ApiRequest,
        identities: Injected[IdentityUseCases],
        data: JSONBody[RenameUserBody],
    ) -> UserResponse:
        """Change the user's username. The old username is free at once."""
        rules, own = request.settings.identities.username_rules, request.principal.identity.username
        with parsing_field("username"):
            username = parse_username(data.username, rules, own)
        identity = await identities.rename_user(request.principal, username)
        return to_user_response(identity, request.principal.identity)

    @delete(
        "/me",
        operation_id="delete_me",
        summary="Delete the signed-in user",
        response_description="The user is deleted.",
    )
    async def delete_me(self, request: ApiRequest, identities: Injected[IdentityUseCases]) -> None:
        """Delete the user. All tokens become invalid and all data is hidden, at once.

        The phone can sign in again, as a new identity. What remains, and for how long:

        - sessions and the phone number: up to an hour, until the cleanup deletes them
        - the username: 30 days, in which no user can take it; then it is free, for its former owner
          too
        - limits of codes, by a keyed hash of the phone number: up to 30 days
        - audit entries, which say what operators did with the account: 400 days
        - the id of the account, and when it was created, deleted and cleaned up: for ever
        - a block of the phone number: until an operator lifts it
        - backups and logs: as long as the operator keeps them
        """
        await identities.delete_user(request.principal)
