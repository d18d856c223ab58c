"""What the staff does for a user, each after a page that says what happens and asks why."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from litestar import Response, get, post
from litestar.response import Redirect, Template

from application.administration import acts
from application.administration.acts import Act
from application.administration.find_user import FoundUser
from application.administration.show_user import UserDetails
from application.administration.use_cases import UserDetailsUseCases
from application.features.console.feature import ConsoleFeature
from application.otp.use_cases import LimitUseCases
from application.ports.errors import PortError
from application.use_cases import UseCases
from domain import errors
from domain.administration.role_scopes import STAFF_ROLES, parse_staff_role
from domain.administration.scope import Scope
from domain.identities.external_id import parse_external_id
from domain.identities.role import Role
from domain.identities.session import FRESH_LOGIN_PERIOD
from domain.identities.username import Username, parse_username
from domain.phone import parse_phone
from entrypoints.http.administration.user_details import summarize_user
from entrypoints.http.errors.core_errors import CORE_TABLE
from entrypoints.http.errors.exceptions import HttpError, InvalidFields
from entrypoints.http.errors.table import ApiError
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import NEEDED_SCOPE
from entrypoints.http.features.console.part import ActCall, ActPage, parts_of
from entrypoints.http.features.console.render import render, see_other
from entrypoints.http.features.console.request import ConsoleRequest, read_form
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import FieldErrors, parse_id, parsing_field
from entrypoints.http.responses.errors import report_error, table_of
from entrypoints.texts.acts import NO_ACCOUNT, explain_lost_phone

USERS: Final = "/console/users"
PHONE: Final = f"{USERS}/phone"
"""The page of a phone without an account: the number is in the form, never in the address."""

_ActError: TypeAlias = errors.DomainError | HttpError | PortError
ACT_ERRORS: Final = (errors.DomainError, HttpError, PortError)


async def _reset_limits(call: ActCall) -> str:
    left = call.form["resets_left"]
    # A second click would use up the second reset of the day.
    expected_left = int(left) if left.isdecimal() and len(left) == 1 else None
    try:
        await call.act.reset_limits(
            call.operator, call.query, call.reason, expected_left=expected_left
        )
    except errors.LimitsResetBefore:
        return "limits_reset_before"
    return "limits_reset"


async def _block(call: ActCall) -> str:
    await call.act.block(call.operator, call.query, call.reason)
    return "user_blocked"


async def _unblock(call: ActCall) -> str:
    await call.act.unblock(call.operator, call.query, call.reason)
    return "user_unblocked"


async def _sign_out(call: ActCall) -> str:
    await call.act.sign_out(call.operator, call.query, call.reason)
    return "user_signed_out"


async def _promote(call: ActCall) -> str:
    await call.act.change_role(call.operator, call.query, call.values["role"], call.reason)
    return "user_promoted"


async def _demote(call: ActCall) -> str:
    await call.act.change_role(call.operator, call.query, Role.MEMBER, call.reason)
    return "user_demoted"


async def _set_external_id(call: ActCall) -> str:
    external_id = call.values["external_id"]
    await call.act.set_external_id(call.operator, call.query, external_id, call.reason)
    return "external_id_changed"


def _parse_username(request: ConsoleRequest, text: str) -> Username:
    return parse_username(text, request.settings.identities.username_rules)


async def _rename(call: ActCall) -> str:
    with parsing_field("username"):
        await call.act.rename(call.operator, call.query, call.values["username"], call.reason)
    return "user_renamed"


async def _detach(call: ActCall) -> str:
    await call.act.detach(call.operator, call.query, call.reason)
    return "user_detached"


async def _delete(call: ActCall) -> str:
    await call.act.delete(call.operator, call.query, call.reason)
    return "user_deleted"


def _has_phone(details: UserDetails) -> bool:
    return details.verification is not None


def _is_blocked(details: UserDetails) -> bool:
    return details.verification is not None and details.verification.blocked_since is not None


def _gets_codes(details: UserDetails) -> bool:
    return _has_phone(details) and not _is_blocked(details)


def is_open(details: UserDetails) -> bool:
    """Return whether there is an account with a phone."""
    return details.user.identity is not None and not details.user.identity.is_closed


def _is_staff(details: UserDetails) -> bool:
    identity = details.user.identity
    return is_open(details) and identity is not None and identity.is_staff


def _has_name(details: UserDetails) -> bool:
    identity = details.user.identity
    return is_open(details) and identity is not None and identity.user is not None


def _is_detachable(details: UserDetails) -> bool:
    return is_open(details) and not _is_staff(details) and not _is_blocked(details)


def has_account(details: UserDetails) -> bool:
    """Return whether there is an account that is not deleted, also one without a phone."""
    identity = details.user.identity
    return identity is not None and not identity.is_deleted


_PAGES: Final = (
    ActPage(
        act=acts.VIEW_PHONE,
        title="Show the full number",
        is_offered=lambda details: _has_phone(details) and details.user.identity is not None,
        run=None,
    ),
    ActPage(
        act=acts.RESET_LIMITS, title="Reset the limits", is_offered=_gets_codes, run=_reset_limits
    ),
    ActPage(act=acts.SIGN_OUT, title="End all sessions", is_offered=is_open, run=_sign_out),
    ActPage(
        act=acts.BLOCK,
        title="Block the phone",
        is_offered=lambda details: _has_phone(details) and not _is_blocked(details),
        run=_block,
    ),
    ActPage(act=acts.UNBLOCK, title="Unblock the phone", is_offered=_is_blocked, run=_unblock),
    ActPage(
        act=acts.PROMOTE,
        title="Give a role",
        is_offered=is_open,
        run=_promote,
        parse={"role": lambda _, text: parse_staff_role(text)},
    ),
    ActPage(act=acts.DEMOTE, title="Make a member", is_offered=_is_staff, run=_demote),
    ActPage(
        act=acts.SET_EXTERNAL_ID,
        title="Change the external id",
        is_offered=is_open,
        run=_set_external_id,
        parse={"external_id": lambda _, text: parse_external_id(text) if text else None},
    ),
    ActPage(
        act=acts.RENAME,
        title="Change the username",
        is_offered=_has_name,
        run=_rename,
        parse={"username": _parse_username},
    ),
    ActPage(act=acts.DETACH, title="Take the number away", is_offered=_is_detachable, run=_detach),
)
_DELETION: Final = ActPage(
    act=acts.DELETE,
    title="Delete the account",
    is_offered=has_account,
    run=_delete,
    is_dangerous=True,
)
"""The last one, also after those of features."""
_OF_CORE: Final = (*_PAGES, _DELETION)
_OF_PHONES: Final = (acts.RESET_LIMITS, acts.BLOCK, acts.UNBLOCK)
"""What is possible for a phone without an account."""


class UserActController(ConsoleController):
    """What is done for a user, or for a phone without an account."""

    path = USERS
    opt = {NEEDED_SCOPE: Scope.READ_USERS}

    @get([f"/{{user_id:str}}/{page.act.name}" for page in _OF_CORE])
    async def confirm_act(
        self, request: ConsoleRequest, use_cases: Injected[UseCases], user_id: IdParameter
    ) -> Response[Any]:
        return await show_confirmation(request, use_cases, user_id)

    @post([f"/{{user_id:str}}/{page.act.name}" for page in _OF_CORE if page.run], status_code=200)
    async def do_act(
        self, request: ConsoleRequest, use_cases: Injected[UseCases], user_id: IdParameter
    ) -> Response[Any]:
        return await run_act(request, use_cases, await find_user(use_cases, user_id))

    @post(f"/{{user_id:str}}/{acts.VIEW_PHONE.name}", status_code=200)
    async def show_number(
        self, request: ConsoleRequest, use_cases: Injected[UseCases], user_id: IdParameter
    ) -> Template:
        """Return the full number. It is in the audit before; loading it again is another read."""
        request.operator.check_act(acts.VIEW_PHONE)
        user = await find_user(use_cases, user_id)
        form = await read_form(request)
        try:
            reason = parse_act_reason(request, acts.VIEW_PHONE, form)
            view_phone = use_cases.of(UserDetailsUseCases).view_phone
            number = await view_phone(request.operator, user.require_phone(), user.subject, reason)
        except ACT_ERRORS as error:
            return await render_act_error(request, use_cases, user, form, error)
        return render(request, "console/user_number.html", user=user, number=number)

    @post([f"/phone/{act.name}" for act in _OF_PHONES], status_code=200)
    async def act_for_phone(
        self, request: ConsoleRequest, use_cases: Injected[UseCases]
    ) -> Response[Any]:
        """Ask and then act for a phone without an account: the form of a POST has the number."""
        form = await read_form(request)
        phone = parse_phone(form["phone"], None, rules=None)
        user = await use_cases.administration.find_user(phone)
        if form["confirmed"]:
            return await run_act(request, use_cases, user)
        if user.identity is not None:
            return see_other(f"{path_of(user)}/{request.act_name}")
        request.operator.check_act(_page_of(request).act)
        request.operator.check_subject(user)
        return await render_act(request, use_cases, user)

    @get([f"/phone/{act.name}" for act in _OF_PHONES])
    async def return_to_search(self) -> Redirect:
        """Lead whoever opens the address of such a page without its form to the search."""
        return see_other(USERS)


def path_of(user: FoundUser) -> str:
    """Return the page of a user; that of the search for a phone without an account."""
    return USERS if user.identity is None else f"{USERS}/{user.identity.id}"


async def show_confirmation(
    request: ConsoleRequest, use_cases: UseCases, user_id: str
) -> Response[Any]:
    """Return the page that asks whether to do it; that of the user if it was deleted."""
    request.operator.check_act(_page_of(request).act)
    user = await find_user(use_cases, user_id)
    request.operator.check_subject(user)
    if user.identity is not None and user.identity.is_deleted:
        return see_other(path_of(user), "user_deleted_before")
    return await render_act(request, use_cases, user)


async def find_user(use_cases: UseCases, user_id: str) -> FoundUser:
    """Find a user by the id in an address; raises UserNotFound."""
    return await use_cases.administration.find_user(parse_id(user_id, errors.UserNotFound()))


def parse_act_reason(request: ConsoleRequest, act: Act, form: Mapping[str, str]) -> str:
    """Return the reason of a form; raises InvalidFields."""
    try:
        return request.operator.parse_reason(act, form["reason"])
    except errors.InvalidValue as error:
        raise InvalidFields(CORE_TABLE.to_field_error("reason", error)) from error


async def run_act(request: ConsoleRequest, use_cases: UseCases, user: FoundUser) -> Response[Any]:
    """Do it, and lead to the page of the user."""
    form, page = await read_form(request), _page_of(request)
    query = user.identity.id if user.identity else user.require_phone()
    request.operator.check_act(page.act)
    request.operator.check_subject(user)
    if user.identity is not None and user.identity.is_deleted:
        # A second click on "Delete the account" ends here.
        return see_other(path_of(user), "user_deleted_before")
    try:
        values = dict[str, object]()
        with FieldErrors() as invalid:
            for name, parse in page.parse.items():
                with invalid.of(name):
                    values[name] = parse(request, form[name])
            with invalid.of("reason"):
                reason = request.operator.parse_reason(page.act, form["reason"])
        call = ActCall(request, use_cases, query, reason, values, form)
        done = await page.run(call) if page.run else ""
    except errors.UserNotFound as error:
        # Another request may have deleted the account meanwhile.
        user = await use_cases.administration.find_user(query)
        if user.identity is not None and user.identity.is_deleted:
            return see_other(path_of(user), "user_deleted_before")
        return await render_act_error(request, use_cases, user, form, error)
    except ACT_ERRORS as error:
        return await render_act_error(request, use_cases, user, form, error)
    return see_other(path_of(user), done)


async def render_act_error(
    request: ConsoleRequest,
    use_cases: UseCases,
    user: FoundUser,
    form: Mapping[str, str],
    error: _ActError,
) -> Template:
    """Return the page again, as it was filled in, with what is wrong."""
    api_error = table_of(request).from_port_error(error) if isinstance(error, PortError) else error
    status = request.errors.status(api_error)
    report_error(request, api_error, status)
    field_errors = error.field_errors if isinstance(error, InvalidFields) else ()
    retry_at = None
    if isinstance(error, errors.RateLimitExceeded):
        retry_at = use_cases.of(ConsoleFeature).clock.now() + timedelta(seconds=error.retry_after)
    page = await render_act(
        request,
        use_cases,
        user,
        status_code=status,
        form=form,
        error="" if field_errors else _explain(request, api_error, user),
        retry_at=retry_at,
        field_errors={field_error.field: field_error.message for field_error in field_errors},
    )
    page.headers.update(request.errors.headers(api_error))
    return page


async def render_act(
    request: ConsoleRequest,
    use_cases: UseCases,
    user: FoundUser,
    *,
    status_code: int = 200,
    form: Mapping[str, str] | None = None,
    error: str = "",
    retry_at: datetime | None = None,
    field_errors: Mapping[str, str] | None = None,
) -> Template:
    """Return the page of an act."""
    page, identity = _page_of(request), user.identity
    session, possible_until = request.console_session, None
    if page.act.needs_fresh_login and session is not None:
        possible_until = session.created_at + FRESH_LOGIN_PERIOD
    resets_left = None
    if page.act is acts.RESET_LIMITS and user.phone is not None:
        resets_left = (
            await use_cases.of(LimitUseCases).describe_verification(user.phone)
        ).resets_left
    return render(
        request,
        "console/user_act.html",
        status_code=status_code,
        acts=acts,
        page=page,
        user=user,
        identity=identity,
        summary=summarize_user(user),
        action_path=f"{path_of(user) if identity else PHONE}/{page.act.name}",
        cancel_path=path_of(user),
        phone_path=PHONE,
        roles=[(role, role) for role in STAFF_ROLES],
        form=defaultdict(str, form or {}),
        error=error,
        retry_at=retry_at,
        field_errors=defaultdict(str, field_errors or {}),
        resets_left=resets_left,
        user_data=[part.user_data for part in parts_of(request) if part.user_data],
        retained=use_cases.administration.list_retained_data(use_cases.system.clock.now())
        if page.act is acts.DELETE
        else (),
        possible_until=possible_until,
    )


def _explain(request: ConsoleRequest, error: ApiError, user: FoundUser) -> str:
    if text := _page_of(request).errors.get(type(error)):
        return text
    match error:
        case errors.UserNotFound() if user.identity is not None and user.identity.is_deleted:
            return "This account is deleted already."
        case errors.UserNotFound() if user.identity is not None:
            return explain_lost_phone("give it another first.")
        case errors.UserNotFound():
            return NO_ACCOUNT
        case _:
            return request.errors.message(error)


def _page_of(request: ConsoleRequest) -> ActPage:
    [page] = [page for page in act_pages(request) if page.act.name == request.act_name]
    return page


def offered_pages(request: ConsoleRequest, details: UserDetails) -> Sequence[ActPage]:
    """Return those of the acts that make sense for a user, and that the operator may do."""
    operator = request.operator
    if not operator.may_act_on(details.user):
        return ()
    return [
        page
        for page in act_pages(request)
        if page.is_offered(details) and page.act.scope and operator.has_scope(page.act.scope)
    ]


def act_pages(request: ConsoleRequest) -> Sequence[ActPage]:
    """Return those of all acts, with those of features before the deletion."""
    of_parts = [page for part in parts_of(request) for page in part.act_pages]
    return [*_PAGES, *of_parts, _DELETION]
