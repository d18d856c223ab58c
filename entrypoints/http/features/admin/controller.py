"""Administration: find a user, and act for one."""

from typing import Final

import msgspec
from litestar import Controller, get, patch, post
from litestar.params import JSONBody

from application.administration import acts
from application.administration.find_user import FoundUser, UserQuery
from application.administration.use_cases import AdministrationUseCases, UserDetailsUseCases
from application.identities.operators import JOINED_BY_CALL
from domain import errors
from domain.administration.role_scopes import parse_staff_role
from domain.identities.external_id import parse_external_id
from domain.identities.role import Role
from domain.identities.username import parse_username
from entrypoints.http.administration.target import (
    ACT_ERRORS,
    TARGET_ERRORS,
    UserBody,
    add_target,
    parse_target,
)
from entrypoints.http.administration.user_details import UserDetailsForm, UserDetailsResponse
from entrypoints.http.errors.exceptions import FieldError, InvalidUserId
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.features.admin import schemas
from entrypoints.http.features.admin.schemas import to_retained_data
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest

_NOT_VERIFIED: Final = FieldError(
    "phone",
    FieldErrorCode.INVALID_VALUE,
    JOINED_BY_CALL,
)


class AdminUserController(Controller):
    """What administrators and backends see of users, and do for them."""

    path = "/admin/users"
    tags = ["Administration"]
    opt = {
        "tag_description": "Find users and act for them. For administrators who signed in within"
        " the last day, and for backends with a service token. Each act is in the audit before it"
        " is done."
    }
    dependencies = {
        "administration": provide(lambda use_cases: use_cases.administration),
        "user_details": provide(lambda use_cases: use_cases.of(UserDetailsUseCases)),
    }
    middleware = [AdministrationMiddleware]
    security = BEARER

    @post(
        "/search",
        summary="Find a user",
        response_description="The user, or the phone without an account.",
        status_code=200,
        errors=[*TARGET_ERRORS, errors.TooManyPhones],
    )
    async def search_user(
        self,
        request: ApiRequest,
        user_details: Injected[UserDetailsUseCases],
        data: JSONBody[UserBody],
    ) -> UserDetailsResponse:
        """Find a user by phone, username, id or external id, and show all that helps this user.

        A phone without an account is found too: `account` is null, and `summary` says so.

        The full number is shown to administrators who signed in within the last 15 minutes, and to
        service tokens with the scope `users:phone`. It is in the audit before. A service token
        needs the scope `users:read`.
        """
        target = parse_target(request, acts.VIEW_PHONE, data)
        return await _show(request, user_details, target.query, target.reason)

    @get(
        "/{user_id:str}",
        summary="Show a user",
        response_description="The user.",
        errors=[
            InvalidUserId,
            *ACT_ERRORS,
            errors.TooManyPhones,
        ],
    )
    async def show_user(
        self,
        request: ApiRequest,
        user_details: Injected[UserDetailsUseCases],
        user_id: IdParameter,
    ) -> UserDetailsResponse:
        """Show a user by id, as a search does. A service token needs the scope `users:read`."""
        return await _show(request, user_details, parse_id(user_id, InvalidUserId()))

    @patch(
        "/{user_id:str}",
        summary="Change a user",
        response_description="The user was changed.",
        act=acts.RENAME,
        errors=[
            InvalidUserId,
            schemas.NO_CHANGE,
            schemas.TWO_CHANGES,
            *ACT_ERRORS,
            errors.UsernameInUse,
            errors.ExternalIdInUse,
        ],
    )
    async def change_user(
        self,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        user_id: IdParameter,
        data: JSONBody[schemas.ChangeUserBody],
    ) -> schemas.UserActionResponse:
        """Rename a user, or set or remove what another system calls the user. {who}.

        The former username is free at once.
        """
        query = parse_id(user_id, InvalidUserId())
        has_external_id = data.external_id is not msgspec.UNSET
        with FieldErrors(data) as invalid:
            if data.username is None and not has_external_id:
                invalid.add(schemas.NO_CHANGE)
            if data.username is not None and has_external_id:
                invalid.add(schemas.TWO_CHANGES)
            with invalid.of("username"):
                rules, name = request.settings.identities.username_rules, data.username
                username = None if name is None else parse_username(name, rules)
            with invalid.of("external_id"):
                text = data.external_id
                external_id = parse_external_id(text) if isinstance(text, str) else None
            with invalid.of("reason"):
                reason = request.operator.parse_reason(acts.RENAME, data.reason or "")
        act = administration.act_for_users
        if username is None:
            user = await act.set_external_id(request.operator, query, external_id, reason)
        else:
            with parsing_field("username"):
                user = await act.rename(request.operator, query, username, reason)
        return _done("User changed", user)

    @post(
        f"/{acts.RESET_LIMITS.name}",
        summary="Reset the limits of a phone",
        response_description="One more message can be sent.",
        status_code=200,
        act=acts.RESET_LIMITS,
        errors=[*TARGET_ERRORS, errors.PhoneBlocked, errors.TooManyResets],
    )
    async def reset_limits(
        self,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        data: JSONBody[UserBody],
    ) -> schemas.ResetLimitsResponse:
        """Let a phone get a code again, whatever was sent to it today.

        The cooldown and the wait after 100 failed attempts end, and earlier messages no longer
        count. Devices and IPs that failed too often are recognized again. Of failed attempts in a
        row at most 50 stay; with 50, each message brings strangers one attempt. So do the limits
        that many phones share, and attempts at codes that are active. This is possible twice a day;
        a blocked phone needs an account. {who}.
        """
        target = parse_target(request, acts.RESET_LIMITS, data)
        act = administration.act_for_users
        result = await act.reset_limits(request.operator, target.query, target.reason)
        return schemas.ResetLimitsResponse(resets_left=result.resets_left, attempts=result.attempts)

    @post(
        f"/{acts.BLOCK.name}",
        summary=acts.BLOCK.does,
        response_description="The phone is blocked.",
        status_code=200,
        act=acts.BLOCK,
        errors=TARGET_ERRORS,
    )
    async def block_user(
        self,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        data: JSONBody[UserBody],
    ) -> schemas.UserActionResponse:
        """{does}: no code signs in, and its sessions end.

        A phone without an account gets no messages either. {who}.
        """
        target = parse_target(request, acts.BLOCK, data)
        act = administration.act_for_users
        user = await act.block(request.operator, target.query, target.reason)
        return _done("Phone blocked", user)

    @post(
        f"/{acts.UNBLOCK.name}",
        summary="Unblock a phone",
        response_description="The phone is not blocked.",
        status_code=200,
        act=acts.UNBLOCK,
        errors=TARGET_ERRORS,
    )
    async def unblock_user(
        self,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        data: JSONBody[UserBody],
    ) -> schemas.UserActionResponse:
        """Let a blocked phone sign in again. {who}."""
        target = parse_target(request, acts.UNBLOCK, data)
        act = administration.act_for_users
        user = await act.unblock(request.operator, target.query, target.reason)
        return _done("Phone unblocked", user)

    @post(
        f"/{acts.SIGN_OUT.name}",
        summary="End all sessions of a user",
        response_description="The sessions have ended.",
        status_code=200,
        act=acts.SIGN_OUT,
        errors=TARGET_ERRORS,
    )
    async def sign_out_user(
        self,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        data: JSONBody[UserBody],
    ) -> schemas.SignOutUserResponse:
        """End all sessions of a user. Their tokens become invalid at once.

        {who}.
        """
        target = parse_target(request, acts.SIGN_OUT, data)
        act = administration.act_for_users
        ended = await act.sign_out(request.operator, target.query, target.reason)
        return schemas.SignOutUserResponse(sessions_ended=ended)

    @post(
        f"/{acts.DELETE.name}",
        summary="Delete a user",
        response_description="The account is deleted.",
        status_code=200,
        act=acts.DELETE,
        errors=TARGET_ERRORS,
    )
    async def delete_user(
        self,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        data: JSONBody[UserBody],
    ) -> schemas.DeleteUserResponse:
        """Delete an account, as `DELETE /users/me` does. The response says what remains.

        {who}.
        """
        target = parse_target(request, acts.DELETE, data)
        act = administration.act_for_users
        retained = await act.delete(request.operator, target.query, target.reason)
        return schemas.DeleteUserResponse(retained=to_retained_data(retained))

    @post(
        f"/{acts.PROMOTE.name}",
        summary=acts.PROMOTE.does,
        response_description="The user has the role.",
        status_code=200,
        act=acts.PROMOTE,
        errors=[*TARGET_ERRORS, _NOT_VERIFIED],
    )
    async def promote_user(
        self,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        data: JSONBody[schemas.PromoteBody],
    ) -> schemas.UserActionResponse:
        """{does}, in place of a former one. {who}.

        All sessions of the user end. Nobody gives a higher role than the own one, and a service
        token only one whose scopes it has. Nobody acts on staff of the same or a higher role, nor
        on themselves: only a command does. So an administrator is demoted by a command only. This
        is so for all acts.
        """
        with FieldErrors() as invalid:
            with invalid.of("role"):
                role = Role.ADMINISTRATOR if data.role is None else parse_staff_role(data.role)
            target = add_target(request, acts.PROMOTE, data, invalid)
        act = administration.act_for_users
        with parsing_field(target.field):
            user = await act.change_role(request.operator, target.query, role, target.reason)
        return _done("User promoted", user)

    @post(
        f"/{acts.DEMOTE.name}",
        summary=acts.DEMOTE.does,
        response_description="The user is a member.",
        status_code=200,
        act=acts.DEMOTE,
        errors=TARGET_ERRORS,
    )
    async def demote_user(
        self,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        data: JSONBody[UserBody],
    ) -> schemas.UserActionResponse:
        """{does}. {who}."""
        target = parse_target(request, acts.DEMOTE, data)
        act, role = administration.act_for_users, Role.MEMBER
        user = await act.change_role(request.operator, target.query, role, target.reason)
        return _done("User demoted", user)

    @post(
        f"/{acts.DETACH.name}",
        summary="Take the number from an account",
        response_description="The account has no number.",
        status_code=200,
        act=acts.DETACH,
        errors=[*TARGET_ERRORS, errors.PhoneBlocked],
    )
    async def detach_user(
        self,
        request: ApiRequest,
        administration: Injected[AdministrationUseCases],
        data: JSONBody[UserBody],
    ) -> schemas.UserActionResponse:
        """{does}. {who}, and no service token does it.

        Its sessions, codes under way, known networks and username end, and the app's backend gets
        `user.deleted`. The next sign-in with the number opens a new account. The account stays, and
        is found by its id, which is `subject`: with another number it has an owner again. A blocked
        user is unblocked first, and nobody of the staff is detached.
        """
        target = parse_target(request, acts.DETACH, data)
        act = administration.act_for_users
        user = await act.detach(request.operator, target.query, target.reason)
        return _done("User detached", user)


async def _show(
    request: ApiRequest,
    user_details: UserDetailsUseCases,
    query: UserQuery,
    reason: str = "",
) -> UserDetailsResponse:
    show_user = user_details.show_user
    is_head = IS_HEAD in request.scope["state"]
    details = await show_user(request.operator, query, reason, is_shown=not is_head)
    form: UserDetailsForm = request.app.state.user_details
    response = form.to_response(details, show_user.clock.now())
    if request.operator.is_token:  # they are for people who look into the log
        response.phone_hash_of_yesterday = response.token_repeats = msgspec.UNSET
    return response


def _done(message: str, user: FoundUser) -> schemas.UserActionResponse:
    return schemas.UserActionResponse(message=message, subject=user.subject)
