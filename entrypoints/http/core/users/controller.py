"""Users."""

from typing import Any, Final

from litestar import Controller, MediaType, Response, delete, get, patch, post
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from application.administration.feature import UserDetailsFeature
from application.identities.feature import IdentitiesFeature
from application.use_cases import UseCases
from domain import errors
from domain.identities.username import parse_username
from domain.phone import parse_phone
from entrypoints.http.core.users.retained_data import to_retained_data
from entrypoints.http.core.users.schemas import (
    REPRESENTATION,
    CreateUserBody,
    CreateUserResponse,
    DeletedUserResponse,
    PreferParameter,
    RenameUserBody,
    UserResponse,
    to_user_response,
)
from entrypoints.http.errors.exceptions import InvalidUserId, UserSaveFailed
from entrypoints.http.requests.auth import BEARER, AuthenticationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest

_CREATED_USER: Final = {"user_id": "$response.body#/user_id"}


class UserController(Controller):
    """Identities that have chosen a username."""

    path = "/users"
    tags = ["Users"]
    opt = {"tag_description": "Create, show, rename and delete users."}
    dependencies = {
        "identities": provide(lambda use_cases: use_cases.identities),
        "user_details": provide(lambda use_cases: use_cases.of(UserDetailsFeature)),
        "use_cases": provide(lambda use_cases: use_cases),
    }
    middleware = [AuthenticationMiddleware]
    security = BEARER

    @post(
        operation_id="create_user",
        summary="Create a user",
        response_description="The user exists, created now or before.",
        links={"get_user": _CREATED_USER},
        unavailable_error=UserSaveFailed,
        errors=[
            errors.PhoneMismatch,
            errors.Forbidden,
            errors.ReauthenticationRequired,
            errors.PhoneInUse,
            errors.UsernameInUse,
            errors.AuditFailed,
        ],
    )
    async def create_user(
        self,
        request: ApiRequest,
        identities: Injected[IdentitiesFeature],
        data: JSONBody[CreateUserBody],
    ) -> Response[CreateUserResponse]:
        """Create the user. `number` must be the phone of the sign-in.

        The same username and number again is a success with the same id. If number and username
        are both in use, the error is about the number.
        """
        own, settings = request.principal.identity.username, request.settings
        with FieldErrors(data) as invalid:
            with invalid.of("username"):
                username = parse_username(data.username, settings.identities.username_rules, own)
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
        user_details: Injected[UserDetailsFeature],
        user_id: IdParameter,
    ) -> UserResponse:
        """Return a user, with the number masked if it is somebody else.

        Administrators who logged in within the last day see whether it is an administrator; those
        who logged in within the last 15 minutes see the full number, which an audit entry says.
        """
        viewed = parse_id(user_id, InvalidUserId())
        identity, number = await user_details.view_user(request.principal, viewed)
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
        identities: Injected[IdentitiesFeature],
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
        responses={
            200: ResponseSpec(
                DeletedUserResponse,
                generate_examples=False,
                description=f"The same, for a request with `Prefer: {REPRESENTATION}`.",
            )
        },
    )
    async def delete_me(
        self,
        request: ApiRequest,
        identities: Injected[IdentitiesFeature],
        use_cases: Injected[UseCases],
        prefer: PreferParameter = None,
    ) -> Response[None]:
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

        With `Prefer: return=representation` the response is a 200 whose body says the same, with
        the times.
        """
        await identities.delete_user(request.principal)
        if not _prefers_representation(prefer or ""):
            return Response(None)
        retained = to_retained_data(
            use_cases.administration.list_retained_data(use_cases.system.clock.now())
        )
        # The framework allows no body in a handler whose default is 204.
        deleted: Response[Any] = Response(
            DeletedUserResponse(retained=retained),
            status_code=200,
            media_type=MediaType.JSON,
            headers={"Preference-Applied": REPRESENTATION},
        )
        return deleted


def _prefers_representation(prefer: str) -> bool:
    preferences = [text.partition(";")[0] for text in prefer.lower().split(",")]
    return REPRESENTATION in [text.replace('"', "").strip() for text in preferences]
