"""The sign-in with a passkey."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.response import Template

from application.features.passkeys.feature import PasskeysFeature
from domain.errors import DomainError
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.forms import read_form
from entrypoints.http.features.console.middleware import SignInMiddleware
from entrypoints.http.features.console.redirects import (
    HOME,
    PASSKEY_SIGN_IN,
    next_of,
    parse_return_path,
)
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.features.console.sign_in import (
    open_session,
    render_before_session,
    show_again,
)
from entrypoints.http.features.passkeys.console.render import describe_script, no_response
from entrypoints.http.requests.auth import acquire_for_ip
from entrypoints.http.requests.dependencies import Injected, provide

_TEMPLATE: Final = "passkeys/sign_in.html"


class PasskeySignInController(ConsoleController):
    """The sign-in with a passkey, without a phone number and without a code.

    The challenge is in the page, and the response of the authenticator in its form: the script
    needs no request of its own, so the policy of the page allows none.
    """

    path = PASSKEY_SIGN_IN
    middleware = [SignInMiddleware()]
    dependencies = {"passkeys": provide(lambda use_cases: use_cases.of(PasskeysFeature))}

    @get("/")
    async def show_sign_in(
        self, request: ConsoleRequest, passkeys: Injected[PasskeysFeature]
    ) -> Template:
        # It writes to the database without a session.
        acquire_for_ip(request)
        context = await _describe(request, passkeys, request.query_params.get("next", HOME))
        is_again = "again" in request.query_params
        return render_before_session(request, _TEMPLATE, error="", is_again=is_again, **context)

    @post("/", status_code=200)
    async def sign_in(
        self, request: ConsoleRequest, passkeys: Injected[PasskeysFeature]
    ) -> Response[Any]:
        # It writes to the database without a session.
        acquire_for_ip(request)
        form = await read_form(request)
        try:
            if not form["response"]:
                raise no_response()
            signed_in = await passkeys.sign_in(form["response"])
        except DomainError as error:
            context = await _describe(request, passkeys, form["next"])
            return show_again(request, _TEMPLATE, error, is_again=False, **context)
        return await open_session(request, signed_in, parse_return_path(form["next"]))


async def _describe(
    request: ConsoleRequest, passkeys: PasskeysFeature, next_path: str
) -> dict[str, Any]:
    target = parse_return_path(next_path)
    shown = {"target": target, "next": next_of(target)}
    return shown | await describe_script(request, passkeys, passkeys.start_sign_in)
