"""Users."""

from typing import Final

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import JSONBody

from application.identities.feature import IdentitiesFeature
from domain import errors
from domain.identities.username import parse_username
from domain.phone import parse_phone
from entrypoints.http.auth import BEARER, AuthenticationMiddleware
from entrypoints.http.dependencies import Injected, provide
from entrypoints.http.errors.exceptions import InvalidUserId
from entrypoints.http.fields import IdParameter
from entrypoints.http.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.request import ApiRequest
from entrypoints.http.users.schemas import (
    CreateUserBody,
    CreateUserResponse,
    RenameUserBody,
    UserResponse,
    to_user_response,
)

_CREATED_USER: Final = {"user_id": "$response.body#/user_id"}


class UserController(Controller):
    """Identities that have chosen a username."""

    path = "/users"
    tags = ["Users"]
    opt = {"tag_description": "Create, show, rename and delete users."}
    dependencies = {"identities": provide(lambda use_cases: use_cases.identities)}
    middleware = [AuthenticationMiddleware]
    security = BEARER

    @post(
        operation_id="create_user",
        summary="Create a user",
        response_description="The user exists, created now or before.",
        links={"get_user": _CREATED_USER, "list_library_items": _CREATED_USER},
        unavailable_error=errors.UserSaveFailed,
        errors=[
            errors.PhoneMismatch,
            errors.ReauthenticationRequired,
            errors.PhoneInUse,
            errors.UsernameInUse,
        ],
    )
    async def create_user(
        self,
        request: ApiRequest,
        identities: Injected[IdentitiesFeature],
        data: JSONBody[CreateUserBody],
    ) -> Response[CreateUserResponse]:
        """Make the caller a user. `number` must be the phone that the caller signed in with.

        The same username and number again is a success with the same id. If number and username
        are both in use, the error is about the number.
        """
        caller, settings = request.principal.identity, request.settings
        with FieldErrors() as invalid:
            with invalid.of("username"):
                username = parse_username(
                    data.username, settings.identities.username_rules, caller.username
                )
            with invalid.of("number"):
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
        summary="Get the caller",
        response_description="The caller.",
        errors=[errors.UserNotFound],
    )
    async def get_me(self, request: ApiRequest) -> UserResponse:
        """Return the caller, with the full number."""
        identity = request.principal.identity
        return to_user_response(identity, identity)

    @get(
        "/{user_id:str}",
        operation_id="get_user",
        summary="Get a user",
        response_description="The user.",
        errors=[InvalidUserId, errors.UserNotFound],
    )
    async def get_user(
        self, request: ApiRequest, identities: Injected[IdentitiesFeature], user_id: IdParameter
    ) -> UserResponse:
        """Return a user. Administrators who logged in within the last day see all of it.

        Others see the number of another user masked, and not whether that is an administrator.
        """
        identity = await identities.get_user(parse_id(user_id, InvalidUserId()))
        return to_user_response(identity, request.principal.viewer)

    @patch(
        "/me",
        operation_id="rename_me",
        summary="Rename the caller",
        response_description="The caller, with the new username.",
        errors=[errors.UserNotFound, errors.UsernameInUse],
    )
    async def rename_me(
        self,
        request: ApiRequest,
        identities: Injected[IdentitiesFeature],
        data: JSONBody[RenameUserBody],
    ) -> UserResponse:
        """Change the caller's username. The old username is free at once."""
        rules, own = request.settings.identities.username_rules, request.principal.identity.username
        with parsing_field("username"):
            username = parse_username(data.username, rules, own)
        identity = await identities.rename_user(request.principal, username)
        return to_user_response(identity, request.principal.identity)

    @delete(
        "/me",
        operation_id="delete_me",
        summary="Delete the caller",
        response_description="The caller is deleted.",
    )
    async def delete_me(self, request: ApiRequest, identities: Injected[IdentitiesFeature]) -> None:
        """Delete the caller. All tokens become invalid and all data is hidden, at once.

        The phone can sign in again, as a new identity. The username is reserved for 30 days.
        """
        await identities.delete_user(request.principal)
