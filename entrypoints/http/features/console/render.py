"""Pages and redirects of the console."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from litestar import HttpMethod
from litestar.response import Redirect, Template
from litestar.routes import HTTPRoute

from domain.administration.scope import Scope
from domain.errors import FreshLoginRequired, PasskeyRequired
from entrypoints.http.errors.table import ApiError
from entrypoints.http.features.console.part import NavigationEntry, parts_of
from entrypoints.http.features.console.request import ConsoleRequest

NAVIGATION: Final[Sequence[NavigationEntry]] = (
    (0, "Overview", "/console", None),
    (10, "People", "/console/users", Scope.READ_USERS),
    (70, "Audit", "/console/audit", Scope.READ_AUDIT),
)
DONE: Final[Mapping[str, str]] = {
    "signed_out": "You are signed out.",
    "limits_reset": "The limits are reset.",
    "limits_reset_before": "The limits were reset just before. They were not reset again.",
    "user_blocked": "The phone is blocked.",
    "user_unblocked": "The phone is no longer blocked.",
    "user_signed_out": "All sessions have ended.",
    "user_promoted": "This user has the role.",
    "user_demoted": "This user is a member.",
    "external_id_changed": "The external id is changed.",
    "user_renamed": "The username is changed.",
    "user_detached": "This account has no number now. Keep its id, which finds it.",
    "user_deleted": "The account is deleted.",
    "user_deleted_before": "This account was deleted before, so nothing was done now.",
}
"""What a page says after an act: by the word in its address, so that nobody puts text there."""


def render(
    request: ConsoleRequest, name: str, *, status_code: int = 200, **context: Any
) -> Template:
    """Render a template, such as `console/user.html`, with what every page needs, and `context`."""
    parts = parts_of(request)
    done = {**DONE, **{word: text for part in parts for word, text in part.done.items()}}
    shared = {
        "session": request.console_session,
        "form_token": request.form_token,
        "navigation": [
            (title, path, _is_current(path, request.scope["path"]))
            for _, title, path, scope in sorted(
                [*NAVIGATION, *(entry for part in parts for entry in part.navigation)]
            )
            if _has_scope(request, scope)
        ],
        "has_scope": partial(_has_scope, request),
        "message": done.get(request.query_params.get("done", ""), ""),
    }
    return Template(name, context=shared | context, status_code=status_code)


def see_other(path: str, message: str = "", **parameters: str) -> Redirect:
    """Redirect to a page after a POST, so that loading it again repeats nothing.

    `message` is a key of `DONE`, or of that of a part.
    """
    done = {"done": message} if message else {}
    query = done | parameters
    return Redirect(path, status_code=303, query_params=query or None)


def _has_scope(request: ConsoleRequest, scope: str | None) -> bool:
    if request.console_session is None:
        return False
    return scope is None or request.operator.has_scope(Scope(scope))


def _is_current(path: str, requested: str) -> bool:
    is_below = path != "/console" and requested.startswith(f"{path}/")
    return requested.rstrip("/") == path or is_below


HOME: Final = "/console"
SIGN_IN: Final = "/console/sign-in"
SIGN_OUT: Final = "/console/sign-out"
PASSKEY_SIGN_IN: Final = "/console/sign-in/passkey"
PASSKEYS: Final = "/console/passkeys"
PASSKEY_ENROLMENT: Final = "/console/passkeys/enrol"
MAX_TARGET_LENGTH: Final = 500
_TARGET: Final = re.compile(
    r"/console(?:/(?!\.{1,2}(?:[/?]|\Z))[\w.~:@!$&'()*+,;=-]+)*/?(?:\?[\w.~:@!$&'()*+,;=%/-]*)?",
    re.ASCII,
)


def redirect_to_sign_in(request: ConsoleRequest, error: ApiError) -> Redirect:
    """Redirect to the sign-in, which leads back to the page of this request."""
    target = request.url.path
    if request.method == "GET" and request.scope["query_string"]:
        target += f"?{request.scope['query_string'].decode('ascii', 'replace')}"
    if request.method != "GET" and not _has_page(request):
        target = HOME
    query = dict(next_of(parse_return_path(target)))
    if isinstance(error, PasskeyRequired):
        return see_other(PASSKEY_SIGN_IN, "passkey_needed", **query)
    if isinstance(error, FreshLoginRequired):
        query["again"] = "yes"
    session = request.console_session
    has_passkey = session is not None and session.passkey_id is not None
    return see_other(PASSKEY_SIGN_IN if has_passkey else SIGN_IN, **query)


def has_passkeys(request: ConsoleRequest) -> bool:
    """Return whether the program has the sign-in with a passkey."""
    return any(PASSKEY_SIGN_IN in part.scripted_paths for part in parts_of(request))


def next_of(target: str) -> Mapping[str, str]:
    """Return the parameter of a sign-in that leads to this page; none for the first page."""
    return {} if target == HOME else {"next": target}


def parse_return_path(text: str) -> str:
    """Return the path if it is one of the console, or else that of the first page.

    No other site and no other part of the service can be reached by a link to the sign-in.
    """
    is_own = len(text) <= MAX_TARGET_LENGTH and _TARGET.fullmatch(text) is not None
    return text if is_own and not text.startswith((SIGN_IN, SIGN_OUT)) else HOME


def _has_page(request: ConsoleRequest) -> bool:
    scope: Any = request.scope
    template = scope["path_template"]
    return any(
        HttpMethod.GET in route.methods
        for route in request.app.routes
        if isinstance(route, HTTPRoute) and route.path_format == template
    )
