"""The page that adds a passkey: with the secret of a link, or after the use of another passkey."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get, post
from litestar.response import Template

from application.features.passkeys.feature import PasskeysFeature
from domain.errors import DomainError, InvalidValue
from domain.features.passkeys.invitation import parse_passkey_name
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.forms import read_form
from entrypoints.http.features.console.middleware import SignInMiddleware
from entrypoints.http.features.console.redirects import PASSKEY_ENROLMENT, PASSKEYS
from entrypoints.http.features.console.render import render
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.features.console.sign_in import (
    open_session,
    render_before_session,
    show_again,
)
from entrypoints.http.features.passkeys.console.render import describe_script, no_response
from entrypoints.http.requests.auth import acquire_for_ip
from entrypoints.http.requests.dependencies import Injected, provide

_TEMPLATE: Final = "passkeys/enrol.html"


class PasskeyEnrolmentController(ConsoleController):
    """The page that adds a passkey. Its steps follow from what its form has.

    1. A name, and the secret of a link, which the script takes from the fragment: no server and no
       proxy sees that in an address. Or the response of a passkey that its owner has, which brings
       such a secret.
    2. The response of the authenticator that made the new one.
    """

    path = PASSKEY_ENROLMENT
    middleware = [SignInMiddleware()]
    dependencies = {"passkeys": provide(lambda use_cases: use_cases.of(PasskeysFeature))}

    @get("/")
    async def show_first_step(
        self, request: ConsoleRequest, passkeys: Injected[PasskeysFeature]
    ) -> Template:
        """Return the form for the name, which also uses a passkey if the address says so."""
        # It writes to the database without a session.
        acquire_for_ip(request)
        step = "use" if request.query_params.get("with") == "passkey" else "link"
        context = await _describe(request, passkeys, step, request.device_name or "")
        return render_before_session(request, _TEMPLATE, error="", **context)

    @post("/", status_code=200)
    async def go_on(
        self, request: ConsoleRequest, passkeys: Injected[PasskeysFeature]
    ) -> Response[Any]:
        # It writes to the database without a session.
        acquire_for_ip(request)
        form = await read_form(request)
        step, secret, response = form["step"], form["secret"], form["response"]
        try:
            name = parse_passkey_name(form["name"])
            if not (secret if step == "link" else response):
                raise no_response()
            if step == "use":
                secret = await passkeys.use_for_enrolment(response)
            elif step == "create":
                locale = request.headers.get("accept-language")
                signed_in = await passkeys.enrol(secret, response, name, locale)
                return await open_session(request, signed_in, PASSKEYS, "passkey_added")
            context = await _describe(request, passkeys, "create", name, secret)
        except DomainError as error:
            context = await _describe_again(request, passkeys, form, error)
            return show_again(request, _TEMPLATE, error, **context)
        return render(request, _TEMPLATE, error="", **context)


async def _describe(
    request: ConsoleRequest, passkeys: PasskeysFeature, step: str, name: str, secret: str = ""
) -> dict[str, Any]:
    async def start() -> str:
        if step == "create":
            return await passkeys.start_enrolment(secret)
        return await passkeys.start_use_for_enrolment() if step == "use" else ""

    script = await describe_script(request, passkeys, start)
    return {"step": step, "passkey_name": name, "secret": secret, **script}


async def _describe_again(
    request: ConsoleRequest,
    passkeys: PasskeysFeature,
    form: Mapping[str, str],
    error: DomainError,
) -> dict[str, Any]:
    """Return the page of the same step, or of the first one where that is the way out."""
    step, name, secret = form["step"], form["name"], form["secret"]
    if step == "create" and isinstance(error, InvalidValue) and form["response"]:
        step = "link"  # another name
    try:
        return await _describe(request, passkeys, step, name, secret)
    except DomainError:
        return await _describe(request, passkeys, "link", name)
