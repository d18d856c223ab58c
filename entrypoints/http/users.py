"""Users."""

from litestar import Controller, delete, get, patch, post
from litestar.di import Provide
from litestar.params import JSONBody

from application.identities.users import CreateUserCommand
from domain import errors
from domain.errors import InvalidUserId
from domain.identifier import parse_identifier
from domain.identities.username import parse_username
from domain.phone import parse_phone
from entrypoints.http.authentication import UNAVAILABLE, provide_caller, requires_caller
from entrypoints.http.dependencies import Cases, Settings, SignedInCaller
from entrypoints.http.documented import BEARER, body_refusals, refused_with
from entrypoints.http.field_parsing import parse_field, parse_fields
from entrypoints.http.json_bodies import JsonBody
from entrypoints.http.parameters import UserId
from entrypoints.http.user_schemas import RenameBody, UserBody, UserCreated, UserShown, show_user


def parse_user_id(text: str) -> str:
    """Give the id in its one spelling; raises InvalidUserId."""
    user_id = parse_identifier(text)
    if user_id is None:
        raise InvalidUserId
    return user_id


class UsersController(Controller):
    """People: a verified phone becomes a user by saying a name."""

    path = "/users"
    tags = ["Users"]
    guards = [requires_caller]
    dependencies = {"principal": Provide(provide_caller, sync_to_thread=False)}
    security = BEARER

    @post(
        operation_id="createUser",
        summary="Become a user",
        response_description="The user is there, now or since before.",
        dto=JsonBody[UserBody],
        return_dto=None,
        opt={UNAVAILABLE: errors.UserSaveFailed},
        responses=refused_with(
            *body_refusals("username"),
            errors.Unauthenticated,
            errors.PhoneMismatch,
            errors.PhoneInUse,
            errors.UsernameInUse,
            errors.UserSaveFailed,
        ),
    )
    async def create(
        self,
        data: JSONBody[UserBody],
        use_cases: Cases,
        settings: Settings,
        principal: SignedInCaller,
    ) -> UserCreated:
        """Make the caller a user; `number` is the phone that the caller signed in with.

        The same name and number again is a success, with the same id. Both clashes at once
        answer for the number.
        """
        username, phone = parse_fields(
            ("username", lambda: parse_username(data.username)),
            ("number", lambda: parse_phone(data.number, settings.default_region)),
        )
        identity = await use_cases.create_user(CreateUserCommand(principal, username, phone))
        return UserCreated(user_id=identity.id, admin=identity.is_administrator)

    @get(
        "/me",
        operation_id="readMe",
        summary="The caller",
        response_description="The caller.",
        responses=refused_with(errors.Unauthenticated, errors.UserNotFound, errors.Unavailable),
    )
    async def read_me(self, principal: SignedInCaller) -> UserShown:
        """Show the caller, the number in full."""
        return show_user(principal.identity, principal)

    @get(
        "/{user_id:str}",
        operation_id="readUser",
        summary="A user",
        response_description="The user.",
        responses=refused_with(
            errors.InvalidUserId, errors.Unauthenticated, errors.UserNotFound, errors.Unavailable
        ),
    )
    async def read(self, user_id: UserId, use_cases: Cases, principal: SignedInCaller) -> UserShown:
        """Show a user; another person's number is masked unless an administrator asks."""
        return show_user(await use_cases.get_user(parse_user_id(user_id)), principal)

    @patch(
        "/me",
        operation_id="renameMe",
        summary="Take another name",
        response_description="The caller, under the new name.",
        dto=JsonBody[RenameBody],
        return_dto=None,
        responses=refused_with(
            *body_refusals("username"),
            errors.Unauthenticated,
            errors.UserNotFound,
            errors.UsernameInUse,
            errors.Unavailable,
        ),
    )
    async def rename_me(
        self, data: JSONBody[RenameBody], use_cases: Cases, principal: SignedInCaller
    ) -> UserShown:
        """Give the caller another name; the one before is free at once."""
        username = parse_field("username", lambda: parse_username(data.username))
        return show_user(await use_cases.rename_user(principal, username), principal)

    @delete(
        "/me",
        operation_id="deleteMe",
        summary="Leave",
        response_description="The caller is deleted.",
        responses=refused_with(errors.Unauthenticated, errors.Unavailable),
    )
    async def delete_me(self, use_cases: Cases, principal: SignedInCaller) -> None:
        """Delete the caller: every token stops and nothing is shown any more, at once.

        The phone can sign in anew, as somebody else; the name is held for 30 days.
        """
        await use_cases.delete_user(principal)
