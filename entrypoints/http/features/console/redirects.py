"""The way to the sign-in and back."""

import re
from collections.abc import Mapping
from typing import Any, Final

from litestar import HttpMethod
from litestar.response import Redirect
from litestar.routes import HTTPRoute

from domain.errors import FreshLoginRequired, PasskeyRequired
from entrypoints.http.errors.table import ApiError
from entrypoints.http.features.console.part import parts_of
from entrypoints.http.features.console.render import see_other
from entrypoints.http.features.console.request import ConsoleRequest

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
