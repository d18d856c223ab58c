"""All users, page by page, with the filters of `dialtone user list`."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from litestar import get, post
from litestar.response import Template

from application.user_list.acts import LIST
from application.user_list.feature import UserListFeature
from domain.administration.scope import Scope
from domain.errors import ConflictingValue, UnsupportedValue
from domain.identities.role import Role
from domain.user_list.user_filter import UserFilter, parse_created_since
from entrypoints.http.console.console_controller import ConsoleController
from entrypoints.http.console.forms import read_form
from entrypoints.http.console.middleware import NEEDED_SCOPE
from entrypoints.http.console.render import render
from entrypoints.http.console.request import ConsoleRequest
from entrypoints.http.dependencies import Injected, provide
from entrypoints.http.errors.exceptions import InvalidFields
from entrypoints.http.parsing import FieldErrors

_PAGE_SIZE: Final = 50
_FILTERS: Final = ("created_since", "blocked", "role")


class UserListPageController(ConsoleController):
    """All users, those first that were created first, with masked numbers.

    Each page comes by a form, because it needs a reason. The audit counts its users before it is
    shown, and loading it again is another read.
    """

    path = "/console/user-list"
    opt = {NEEDED_SCOPE: Scope.LIST_USERS}
    dependencies = {"user_list": provide(lambda use_cases: use_cases.of(UserListFeature))}

    @get("/")
    async def show_form(self, request: ConsoleRequest) -> Template:
        """Return the page with the filters."""
        request.caller.check_act(LIST)
        return _render(request)

    @post("/", status_code=200)
    async def list_users(
        self, request: ConsoleRequest, user_list: Injected[UserListFeature]
    ) -> Template:
        """Return a page of users, and a form that leads to the next one."""
        request.caller.check_act(LIST)
        form = await read_form(request)
        try:
            with FieldErrors() as invalid:
                user_filter = UserFilter()
                for name in _FILTERS:
                    with invalid.of(name):
                        user_filter = _add_filter(user_filter, name, form[name])
                with invalid.of("cursor"):
                    text = form["cursor"]
                    cursor = user_filter.parse_cursor(text) if text else None
                with invalid.of("reason"):
                    reason = request.caller.parse_reason(LIST, form["reason"])
        except InvalidFields as error:
            errors = {field.field: field.message for field in error.field_errors}
            return _render(request, 400, form=form, errors=errors)
        page = await user_list.list_users(
            request.caller, user_filter, cursor, _PAGE_SIZE, reason=reason
        )
        return _render(
            request,
            form=form,
            is_listed=True,
            is_first=cursor is None,
            users=page.users,
            next_cursor=user_filter.encode_cursor(page.next_cursor) if page.next_cursor else "",
        )


def _add_filter(user_filter: UserFilter, name: str, text: str) -> UserFilter:
    """Return the filter with this field of the form.

    Raises:
        InvalidValue
        ConflictingValue: There is one already: an index answers one.
    """
    if not text:
        return user_filter
    if user_filter != UserFilter():
        raise ConflictingValue("Choose only one of the three, and look for the others yourself.")
    match name:
        case "created_since":
            return UserFilter(created_since=parse_created_since(text))
        case "blocked" if text in ("true", "false"):
            return UserFilter(is_blocked=text == "true")
        case "role" if text in [*Role]:
            return UserFilter(role=Role(text))
    raise UnsupportedValue("Choose one of the list.")


def _render(
    request: ConsoleRequest,
    status_code: int = 200,
    *,
    form: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    **context: Any,
) -> Template:
    shared = {
        "form": {name: (form or {}).get(name, "") for name in (*_FILTERS, "reason")},
        "errors": defaultdict(str, errors or {}),
        "roles": [("", "All"), *((role.value, f"Only the role {role.value}") for role in Role)],
        "is_listed": False,
        "is_first": True,
        "users": (),
        "next_cursor": "",
    }
    return render(request, "user_list/list.html", status_code=status_code, **(shared | context))
