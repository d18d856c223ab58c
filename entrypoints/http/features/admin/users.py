"""Administration: find a user, show one, and change one by PATCH."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Self

import msgspec
from litestar import Controller, get, patch, post
from litestar.params import JSONBody

from application.administration import acts
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.administration.show_user import UserDetails
from application.administration.use_cases import AdministrationUseCases, UserDetailsUseCases
from application.administration.user_acts import explain_no_acts, offered_acts
from application.identities.acts_on_users import JOINED_BY_CALL
from application.use_cases import UseCases
from domain import errors
from domain.administration.audit import parse_reason
from domain.administration.scopes import STAFF_ROLES, Scope
from domain.identities.external_id import (
    EXTERNAL_ID_PATTERN,
    MAX_EXTERNAL_ID_LENGTH,
    parse_external_id,
)
from domain.identities.role import Role
from domain.identities.username import parse_username
from entrypoints.http.administration.target import (
    ACT_ERRORS,
    TARGET_ERRORS,
    TARGET_FIELDS,
    ReasonField,
    UserBody,
    parse_target,
)
from entrypoints.http.administration.user_acts import ActPath, ActResponse, UserActionResponse
from entrypoints.http.administration.user_details import (
    SESSION_ID_EXAMPLE,
    PageFields,
    RetainedDataResponse,
    UserDetailsForm,
    UserDetailsResponse,
    to_retained_data,
)
from entrypoints.http.errors.exceptions import FieldError, InvalidUserId
from entrypoints.http.errors.field_codes import FieldErrorCode
from entrypoints.http.fields import (
    EXTERNAL_ID_DESCRIPTION,
    EXTERNAL_ID_EXAMPLE,
    UsernameField,
    described,
    external_id_field,
)
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest
from entrypoints.texts.user_text import explain_nobody, find_users, parse_user_text

TEXT_AND_TARGET: Final = FieldError(
    "text", FieldErrorCode.CONFLICTING_VALUE, "Send either a text, or what it is."
)


class SearchBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user: exactly one of `phone`, `username`, `id`, `external_id` and `text`."""

    text: Annotated[
        str | None,
        described(
            "What somebody typed: any of the others, with `external_id:` in front of an external"
            " id. For the page of the console, which shows all that it may mean.",
            "Rahul Sharma",
        ),
    ] = None


NO_CHANGE: Final = FieldError(
    "username", FieldErrorCode.MISSING_FIELD, "Send one of username and external_id."
)
TWO_CHANGES: Final = FieldError(
    "username", FieldErrorCode.CONFLICTING_VALUE, "Send only one of username and external_id."
)
_ROLES: Final = [role.value for role in STAFF_ROLES]


class ChangeUserBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a user: exactly one of `username` and `external_id`."""

    also_in_example: ClassVar = ("external_id",)

    username: UsernameField | None = None
    external_id: Annotated[
        str | msgspec.UnsetType | None,
        external_id_field(f"{EXTERNAL_ID_DESCRIPTION} Null removes it."),
    ] = msgspec.UNSET
    reason: ReasonField = None


class ResetLimitsBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and how many resets the client has seen."""

    resets_left: Annotated[
        int | None,
        described(
            "The `verification.resets_left` that the client has shown. If it is another number now,"
            " nothing is done.",
            2,
        ),
    ] = None


class PromoteBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and the role that the user gets."""

    role: Annotated[
        str | None,
        described("The role. Without it, `administrator`.", Role.SUPPORT.value, enum=_ROLES),
    ] = None


class RenameBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and the username that the user gets."""

    new_username: UsernameField


class ExternalIdBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and what another system calls the user from now on."""

    new_external_id: Annotated[
        str | None,
        described(
            f"{EXTERNAL_ID_DESCRIPTION} Null or an empty text removes it.",
            EXTERNAL_ID_EXAMPLE,
            pattern=f"^$|{EXTERNAL_ID_PATTERN}",
            maxLength=MAX_EXTERNAL_ID_LENGTH,
        ),
    ]


class EndSessionBody(UserBody, forbid_unknown_fields=True, kw_only=True):
    """A user, and the session that ends."""

    session_id: Annotated[str, described("Its id, as in the details.", SESSION_ID_EXAMPLE)]


class ResetLimitsResponse(ActResponse, kw_only=True):
    """The limits were reset: one more message can be sent."""

    resets_left: Annotated[
        int, described("How often the limits of this phone can be reset again today.", 1)
    ]
    attempts: Annotated[int, described("How many attempts the next message brings.", 5)]


class SignOutUserResponse(ActResponse, kw_only=True):
    """All sessions have ended."""

    sessions_ended: Annotated[int, described("How many there were.", 2)]


class DeleteUserResponse(ActResponse, kw_only=True):
    """The account is deleted."""

    retained: Annotated[
        list[RetainedDataResponse], described("What remains, and until when at the latest.")
    ]

    @classmethod
    def of(cls, message: str, results: Mapping[str, Any]) -> Self:
        return cls(message=message, retained=to_retained_data(results["retained"]))


_NOT_VERIFIED: Final = FieldError("phone", FieldErrorCode.INVALID_VALUE, JOINED_BY_CALL)
ACT_PATHS: Final[Mapping[str, ActPath]] = {
    acts.RESET_LIMITS.name: ActPath(
        operation_id="reset_limits",
        body=ResetLimitsBody,
        response=ResetLimitsResponse,
        errors=[errors.PhoneBlocked, errors.LimitsResetBefore, errors.TooManyResets],
    ),
    acts.SIGN_OUT.name: ActPath(operation_id="sign_out_user", response=SignOutUserResponse),
    acts.END_SESSION.name: ActPath(
        operation_id="end_session", body=EndSessionBody, errors=[errors.SessionNotFound]
    ),
    acts.BLOCK.name: ActPath(operation_id="block_user"),
    acts.UNBLOCK.name: ActPath(operation_id="unblock_user"),
    acts.PROMOTE.name: ActPath(
        operation_id="promote_user", body=PromoteBody, errors=[_NOT_VERIFIED]
    ),
    acts.DEMOTE.name: ActPath(operation_id="demote_user"),
    acts.RENAME.name: ActPath(
        operation_id="rename_user", body=RenameBody, errors=[errors.UsernameInUse]
    ),
    acts.SET_EXTERNAL_ID.name: ActPath(
        operation_id="set_external_id", body=ExternalIdBody, errors=[errors.ExternalIdInUse]
    ),
    acts.DETACH.name: ActPath(operation_id="detach_user", errors=[errors.PhoneBlocked]),
    acts.DELETE.name: ActPath(operation_id="delete_user", response=DeleteUserResponse),
}


class AdminUserController(Controller):
    """What administrators and backends see of users, and do for them."""

    path = "/admin/users"
    tags = ["Administration"]
    opt = {
        "tag_description": "Find users and act for them. For staff in the console, and for backends"
        " with a service token. Each act is in the audit before it is done."
    }
    dependencies = {
        "administration": provide(lambda use_cases: use_cases.administration),
        "user_details": provide(lambda use_cases: use_cases.user_details),
    }
    middleware = [AdministrationMiddleware]
    security = BEARER

    @post(
        "/search",
        summary="Find a user",
        response_description="The user, or the phone without an account.",
        status_code=200,
        errors=[*TARGET_ERRORS, errors.FreshLoginRequired, errors.TooManyPhones],
    )
    async def search_user(
        self,
        request: ApiRequest,
        user_details: Injected[UserDetailsUseCases],
        data: JSONBody[SearchBody],
    ) -> UserDetailsResponse:
        """Find a user by phone, username, id or external id, and show all that helps this user.

        A phone without an account is found too: `account` is null, and `summary` says so.

        The full number is shown to administrators who signed in within the last 15 minutes and say
        why, and to service tokens with the scope `users:phone`. It is in the audit before. A
        service token needs the scope `users:read`.
        """
        if data.text is not None:
            return await _show_readings(request, user_details, data, data.text)
        target = parse_target(request, None, data)
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
        """Show a user by id, as a search without a reason does.

        A service token needs the scope `users:read`.
        """
        return await _show(request, user_details, parse_id(user_id, InvalidUserId()))

    @patch(
        "/{user_id:str}",
        summary="Change a user",
        response_description="The user was changed.",
        act=acts.RENAME,
        errors=[
            InvalidUserId,
            NO_CHANGE,
            TWO_CHANGES,
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
        data: JSONBody[ChangeUserBody],
    ) -> UserActionResponse:
        """Do what `POST /admin/users/rename` or `POST /admin/users/external-id` does. {who}."""
        query = parse_id(user_id, InvalidUserId())
        has_external_id = data.external_id is not msgspec.UNSET
        with FieldErrors(data) as invalid:
            if data.username is None and not has_external_id:
                invalid.add(NO_CHANGE)
            if data.username is not None and has_external_id:
                invalid.add(TWO_CHANGES)
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
        return UserActionResponse(message="User changed", subject=user.subject)


async def _show(
    request: ApiRequest,
    user_details: UserDetailsUseCases,
    query: UserQuery,
    reason: str = "",
) -> UserDetailsResponse:
    operator = request.operator
    details = await user_details.show_user(
        operator,
        query,
        reason,
        with_full_number=_shows_number(operator, reason),
        is_shown=IS_HEAD not in request.scope["state"],
    )
    return _to_response(request, details)


async def _show_readings(
    request: ApiRequest, user_details: UserDetailsUseCases, body: SearchBody, text: str
) -> UserDetailsResponse:
    """Show all that a text may mean: the details of the first reading have those of the others."""
    operator = request.operator
    if operator.is_token:
        raise errors.Forbidden("A program says what it sends: phone, username, id or external_id.")
    operator.check_scope(Scope.READ_USERS)
    with FieldErrors() as invalid:
        with invalid.of("text"):
            readings = parse_user_text(text, request.settings.otp.default_region)
        with invalid.of("reason"):
            reason = parse_reason(body.reason or "")
        if any(getattr(body, name) is not None for name in TARGET_FIELDS):
            invalid.add(TEXT_AND_TARGET)
    found = await find_users(user_details.show_user.find_user, readings)
    if not found:
        raise errors.UserNotFound(explain_nobody(readings))
    show_user, shows_number = user_details.show_user, _shows_number(operator, reason)
    first, *others = [
        _to_response(
            request,
            await show_user.describe(operator, user, reason, with_full_number=shows_number),
        )
        for user in found
    ]
    return msgspec.structs.replace(first, other_readings=others)


def _shows_number(operator: Operator, reason: str) -> bool:
    """Return whether the full number is shown: people see it for a reason only.

    Raises:
        FreshLoginRequired
    """
    if reason and operator.has_scope(Scope.READ_PHONES):
        operator.check_act(acts.VIEW_PHONE)
    return operator.is_token or bool(reason)


def _to_response(request: ApiRequest, details: UserDetails) -> UserDetailsResponse:
    use_cases: UseCases = request.app.state.use_cases
    form: UserDetailsForm = request.app.state.user_details
    operator, now = request.operator, use_cases.system.clock.now()
    response = form.to_response(details, now, operator)
    administration, identity = use_cases.administration, details.user.identity
    if identity is not None and (identity.is_deleted or operator.has_scope(Scope.DELETE_USERS)):
        retained = administration.list_retained_data(identity.deleted_at or now)
        response.retained = to_retained_data(retained)
    if operator.is_token:  # they are for people who look into the log
        response.phone_hash_of_yesterday = response.token_repeats = msgspec.UNSET
        return response
    user_acts = administration.user_acts
    return form.for_page(
        response,
        PageFields(
            acts=[*offered_acts(user_acts, operator, details)],
            why_no_acts=explain_no_acts(user_acts, operator, details),
        ),
    )
