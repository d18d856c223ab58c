"""Administration: find a user, show one, and change one by PATCH."""

import msgspec
from litestar import Controller, get, patch, post
from litestar.params import JSONBody

from application.administration import acts
from application.administration.find_user import UserQuery
from application.administration.operator import Operator
from application.administration.show_user import UserDetails
from application.administration.use_cases import AdministrationUseCases, UserDetailsUseCases
from application.administration.user_acts import explain_no_acts, offered_acts
from application.use_cases import UseCases
from domain import errors
from domain.administration.audit import parse_reason
from domain.administration.scope import Scope
from domain.identities.external_id import parse_external_id
from domain.identities.username import parse_username
from entrypoints.http.administration.target import (
    ACT_ERRORS,
    TARGET_ERRORS,
    TARGET_FIELDS,
    parse_target,
)
from entrypoints.http.administration.user_acts import UserActionResponse
from entrypoints.http.administration.user_details import (
    PageFields,
    UserDetailsForm,
    UserDetailsResponse,
    to_retained_data,
)
from entrypoints.http.errors.exceptions import InvalidUserId
from entrypoints.http.features.admin import schemas
from entrypoints.http.requests.auth import BEARER, AdministrationMiddleware
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.requests.middleware import IS_HEAD
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.requests.request import ApiRequest
from entrypoints.texts.user_text import explain_nobody, find_users, parse_user_text


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
        data: JSONBody[schemas.SearchBody],
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
    ) -> UserActionResponse:
        """Do what `POST /admin/users/rename` or `POST /admin/users/external-id` does. {who}."""
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
    request: ApiRequest, user_details: UserDetailsUseCases, body: schemas.SearchBody, text: str
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
            invalid.add(schemas.TEXT_AND_TARGET)
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
