"""Users."""

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import JSONBody

from application.administration.feature import UserDetailsUseCases
from application.identities.feature import IdentityUseCases
from domain import errors
from domain.identities.username import parse_username
from domain.phone import parse_phone
from entrypoints.http.core.users.schemas import (
    CreateUserBody,
    CreateUserResponse,
    RenameUserBody,
    UserResponse,
    to_user_response,
)
from entrypoints.http.errors.exceptions import InvalidUserId, UserSaveFailed
from entrypoints.http.requests.auth import BEARER, AuthenticationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest


class UserController(Controller):
    """Identities that have chosen a username."""

    path = "/users"
    tags = ["Users"]
    opt = {"tag_description": "Create, show, rename and delete users."}
    dependencies = {
        "identities": provide(lambda use_cases: use_cases.identities),
        "user_details": provide(lambda use_cases: use_cases.of(UserDetailsUseCases)),
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
        - the username: 30 days, in which nobody gets it; then it is free for everybody, its former
          owner too
        - limits of codes, by a keyed hash of the phone number: up to 30 days
        - audit entries, which say what operators did with the account: 400 days
        - the id of the account, and when it was created, deleted and cleaned up: for ever
        - a block of the phone number: until an operator lifts it
        - backups and logs: as long as the operator keeps them
        """
        await identities.delete_user(request.principal)
