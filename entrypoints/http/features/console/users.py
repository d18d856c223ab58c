"""The search for a user, and the page of one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from litestar import Response, get, post
from litestar.response import Redirect, Template

from application.administration.find_user import FoundUser
from application.administration.show_user import UserDetails
from application.administration.use_cases import UserDetailsUseCases
from application.use_cases import UseCases
from domain.administration.retained_data import RetainedData
from domain.administration.scope import Scope
from domain.errors import Forbidden, InvalidValue, UserNotFound
from domain.phone import parse_phone
from entrypoints.http.administration.user_details import UserDetailsForm
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import NEEDED_SCOPE
from entrypoints.http.features.console.part import parts_of, shown_parts
from entrypoints.http.features.console.render import render, see_other
from entrypoints.http.features.console.request import ConsoleRequest, read_form
from entrypoints.http.features.console.user_acts import (
    PHONE,
    USERS,
    act_pages,
    offered_pages,
    path_of,
)
from entrypoints.http.requests.dependencies import Injected
from entrypoints.http.requests.parameters import IdParameter
from entrypoints.http.requests.parsing import parse_id
from entrypoints.texts.codes import ONLY_IN_LOG
from entrypoints.texts.user_rows import Row, Section, list_rows
from entrypoints.texts.user_text import explain_nobody, find_users, parse_user_text

_PHONE_PATH: Final = PHONE.removeprefix(USERS)


class UserPageController(ConsoleController):
    """The search for a user, and the page of one.

    What is searched for is sent in a form: a phone number is in no address, no history and no log.
    So a phone without an account has no address of its own.
    """

    path = USERS
    opt = {NEEDED_SCOPE: Scope.READ_USERS}

    @get("/")
    async def show_search(self, request: ConsoleRequest) -> Template:
        return _render_search(request)

    @post("/", status_code=200)
    async def search(self, request: ConsoleRequest, use_cases: Injected[UseCases]) -> Response[Any]:
        text = (await read_form(request))["user"]
        try:
            readings = parse_user_text(text, request.settings.otp.default_region)
        except InvalidValue as error:
            return _render_search(request, 400, text=text, error=error.message)
        found = await find_users(use_cases.administration.find_user, readings)
        if not found:
            return _render_search(request, 404, text=text, error=explain_nobody(readings))
        if len(found) > 1:
            return _render_search(request, text=text, found=found)
        [user] = found
        if user.identity is not None:
            return see_other(path_of(user))
        return await _render_user(request, use_cases, user)

    @post(_PHONE_PATH, status_code=200)
    async def show_phone(
        self, request: ConsoleRequest, use_cases: Injected[UseCases]
    ) -> Response[Any]:
        phone = parse_phone((await read_form(request))["phone"], None, rules=None)
        user = await use_cases.administration.find_user(phone)
        if user.identity is not None:
            return see_other(path_of(user))
        return await _render_user(request, use_cases, user)

    @get(_PHONE_PATH)
    async def return_to_search(self) -> Redirect:
        """Lead whoever opens the address of that page without its form to the search."""
        return see_other(USERS)

    @get("/{user_id:str}")
    async def show_user(
        self, request: ConsoleRequest, use_cases: Injected[UseCases], user_id: IdParameter
    ) -> Template:
        identity_id = parse_id(user_id, UserNotFound())
        user = await use_cases.administration.find_user(identity_id)
        return await _render_user(request, use_cases, user)


def _render_search(
    request: ConsoleRequest,
    status_code: int = 200,
    *,
    text: str = "",
    error: str = "",
    found: Sequence[FoundUser] = (),
) -> Template:
    return render(
        request,
        "console/user_search.html",
        status_code=status_code,
        text=text,
        error=error,
        found=found,
        phone_path=PHONE,
    )


async def _render_user(request: ConsoleRequest, use_cases: UseCases, user: FoundUser) -> Template:
    """Return the page of a user. The number is masked: the full one is an act of its own."""
    show_user = use_cases.of(UserDetailsUseCases).show_user
    details = await show_user.describe(request.operator, user, with_full_number=False)
    rows, sections = _list_rows(request, details, show_user.clock.now())
    identity = user.identity
    retained: Sequence[RetainedData] = ()
    if identity is not None and identity.deleted_at is not None:
        retained = use_cases.administration.list_retained_data(identity.deleted_at)
    return render(
        request,
        "console/user.html",
        details=details,
        user=user,
        identity=identity,
        rows=rows,
        sections=sections,
        only_in_log=ONLY_IN_LOG,
        act_pages=offered_pages(request, details),
        why_no_acts=_explain_no_acts(request, details),
        retained=retained,
        phone_path=PHONE,
    )


def _list_rows(
    request: ConsoleRequest, details: UserDetails, now: datetime
) -> tuple[Sequence[Row], Sequence[Section]]:
    """Return what the API has of a user, without what the operator may not see here."""
    form: UserDetailsForm = request.app.state.user_details
    shown = shown_parts(request)
    hidden = [name for part in parts_of(request) if part not in shown for name in part.user_fields]
    return list_rows(form.to_response(details, now), hidden)


def _explain_no_acts(request: ConsoleRequest, details: UserDetails) -> str:
    """Return why the operator does nothing for this person that is possible; empty if it may."""
    try:
        request.operator.check_subject(details.user)
    except Forbidden as error:
        return error.message
    is_possible = any(page.is_offered(details) for page in act_pages(request))
    if is_possible and not offered_pages(request, details):
        return "Your role sees this person, and does nothing for anybody."
    return ""
