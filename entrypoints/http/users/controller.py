"""Users."""

from litestar import Controller, delete, get, patch, post
from litestar.params import JSONBody

from application.identities.users import CreateUserCommand
from domain import errors
from domain.identities.username import parse_username
from entrypoints.http.auth import (
    BEARER,
    PRINCIPAL_DEPENDENCY,
    UNAVAILABLE_ERROR,
    require_principal,
)
from entrypoints.http.dependencies import (
    CurrentPrincipal,
    SettingsDependency,
    UseCasesDependency,
)
from entrypoints.http.errors.exceptions import InvalidUserId, OriginNotAllowed, TooManyRequests
from entrypoints.http.openapi.responses import body_errors, error_responses
from entrypoints.http.parsing import JsonBody, missing_field, parse_field, parse_fields
from entrypoints.http.users.schemas import (
    CreateUserBody,
    CreateUserResponse,
    RenameUserBody,
    UserIdParameter,
    UserResponse,
    parse_user_id,
    to_user_response,
)


class UserController(Controller):
    """Identities that have chosen a username."""

    path = "/users"
    tags = ["Users"]
    before_request = staticmethod(require_principal)
    dependencies = PRINCIPAL_DEPENDENCY
    security = BEARER

    @post(
        operation_id="create_user",
        summary="Create a user",
        response_description="The user exists, created now or before.",
        dto=JsonBody[CreateUserBody],
        return_dto=None,
        opt={UNAVAILABLE_ERROR: errors.UserSaveFailed},
        responses=error_responses(
            *body_errors(missing_field("username")),
            errors.Unauthenticated,
            TooManyRequests,
            errors.PhoneMismatch,
            errors.ReauthenticationRequired,
            errors.PhoneInUse,
            errors.UsernameInUse,
            errors.UserSaveFailed,
        ),
    )
    async def create_user(
        self,
        data: JSONBody[CreateUserBody],
        use_cases: UseCasesDependency,
        settings: SettingsDependency,
        principal: CurrentPrincipal,
    ) -> CreateUserResponse:
        """Make the caller a user. `number` must be the phone that the caller signed in with.

        The same username and number again is a success with the same id. If number and username
        are both in use, the error is about the number.
        """
        username, phone = parse_fields(
            ("username", lambda: parse_username(data.username)),
            ("number", lambda: settings.parse_phone(data.number)),
        )
        identity = await use_cases.create_user(CreateUserCommand(principal, username, phone))
        return CreateUserResponse(user_id=identity.id, admin=identity.is_administrator)

    @get(
        "/me",
        operation_id="get_me",
        summary="Get the caller",
        response_description="The caller.",
        responses=error_responses(
            errors.Unauthenticated, TooManyRequests, errors.UserNotFound, errors.Unavailable
        ),
    )
    async def get_me(self, principal: CurrentPrincipal) -> UserResponse:
        """Return the caller, with the full number."""
        return to_user_response(principal.identity, principal.identity)

    @get(
        "/{user_id:str}",
        operation_id="get_user",
        summary="Get a user",
        response_description="The user.",
        responses=error_responses(
            InvalidUserId,
            errors.Unauthenticated,
            TooManyRequests,
            errors.UserNotFound,
            errors.Unavailable,
        ),
    )
    async def get_user(
        self, user_id: UserIdParameter, use_cases: UseCasesDependency, principal: CurrentPrincipal
    ) -> UserResponse:
        """Return a user. Administrators who logged in within the last day see all of it.

        Others see the number of another user masked, and not whether that is an administrator.
        """
        identity = await use_cases.get_user(parse_user_id(user_id))
        return to_user_response(identity, principal.viewer)

    @patch(
        "/me",
        operation_id="rename_me",
        summary="Rename the caller",
        response_description="The caller, with the new username.",
        dto=JsonBody[RenameUserBody],
        return_dto=None,
        responses=error_responses(
            *body_errors(missing_field("username")),
            errors.Unauthenticated,
            TooManyRequests,
            errors.UserNotFound,
            errors.UsernameInUse,
            errors.Unavailable,
        ),
    )
    async def rename_me(
        self,
        data: JSONBody[RenameUserBody],
        use_cases: UseCasesDependency,
        principal: CurrentPrincipal,
    ) -> UserResponse:
        """Change the caller's username. The old username is free at once."""
        username = parse_field("username", lambda: parse_username(data.username))
        identity = await use_cases.rename_user(principal, username)
        return to_user_response(identity, principal.identity)

    @delete(
        "/me",
        operation_id="delete_me",
        summary="Delete the caller",
        response_description="The caller is deleted.",
        responses=error_responses(
            errors.Unauthenticated, TooManyRequests, OriginNotAllowed, errors.Unavailable
        ),
    )
    async def delete_me(self, use_cases: UseCasesDependency, principal: CurrentPrincipal) -> None:
        """Delete the caller. All tokens become invalid and all data is hidden, at once.

        The phone can sign in again, as a new identity. The username is reserved for 30 days.
        """
        await use_cases.delete_user(principal)
