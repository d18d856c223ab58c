"""Passkeys of the staff in the console."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Template

from application.features.console.sign_in import ConsoleUser
from application.features.staff_passkeys.feature import StaffPasskeysFeature
from domain.errors import DomainError, FreshLoginRequired, InvalidValue, Unauthenticated
from domain.features.passkeys import PasskeyNotFound, parse_passkey_name
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.middleware import SignInMiddleware
from entrypoints.http.features.console.part import ConsolePart
from entrypoints.http.features.console.render import (
    HOME,
    PASSKEY_ENROLMENT,
    PASSKEY_SIGN_IN,
    PASSKEYS,
    next_of,
    parse_return_path,
    render,
    see_other,
)
from entrypoints.http.features.console.request import ConsoleRequest, read_form
from entrypoints.http.features.console.sign_in import (
    open_session,
    render_before_session,
    show_again,
)
from entrypoints.http.requests.auth import acquire_for_ip
from entrypoints.http.requests.dependencies import Injected, provide
from entrypoints.http.responses.served_files import ServedFile


def describe_script(
    request: ConsoleRequest, passkeys: StaffPasskeysFeature, options: str
) -> dict[str, Any]:
    """Return what the script finds in the page, or why it has nothing to do."""
    return {
        "impossible": passkeys.why_not,
        "origin": request.settings.server.public_origin,
        "options": options,
    }


def no_response() -> InvalidValue:
    """Return the error of a form that the script did not fill in."""
    return InvalidValue(
        "The script of this page did not run, so nothing was sent that could be used. Allow scripts"
        " for this page, load it again, and try again."
    )


_SIGN_IN_TEMPLATE: Final = "staff_passkeys/sign_in.html"


class PasskeySignInController(ConsoleController):
    """The sign-in with a passkey, without a phone number and without a code.

    The challenge is in the page, and the response of the authenticator in its form: the script
    needs no request of its own, so the policy of the page allows none.
    """

    path = PASSKEY_SIGN_IN
    middleware = [SignInMiddleware()]
    dependencies = {"passkeys": provide(lambda use_cases: use_cases.of(StaffPasskeysFeature))}

    @get("/")
    async def show_sign_in(
        self, request: ConsoleRequest, passkeys: Injected[StaffPasskeysFeature]
    ) -> Template:
        context = _describe_sign_in(request, passkeys, request.query_params.get("next", HOME))
        is_again = "again" in request.query_params
        return render_before_session(
            request, _SIGN_IN_TEMPLATE, error="", is_again=is_again, **context
        )

    @post("/", status_code=200)
    async def sign_in(
        self, request: ConsoleRequest, passkeys: Injected[StaffPasskeysFeature]
    ) -> Response[Any]:
        # It reads the database without a session.
        acquire_for_ip(request)
        form = await read_form(request)
        try:
            if not form["response"]:
                raise no_response()
            signed_in = await passkeys.sign_in(form["response"])
        except DomainError as error:
            context = _describe_sign_in(request, passkeys, form["next"])
            return show_again(request, _SIGN_IN_TEMPLATE, error, is_again=False, **context)
        return await open_session(request, signed_in, parse_return_path(form["next"]))


def _describe_sign_in(
    request: ConsoleRequest, passkeys: StaffPasskeysFeature, next_path: str
) -> dict[str, Any]:
    target = parse_return_path(next_path)
    shown = {"target": target, "next": next_of(target)}
    options = "" if passkeys.why_not else passkeys.start_sign_in()
    return shown | describe_script(request, passkeys, options)


_REMOVE: Final = "/{passkey_id:str}/remove"


class OwnPasskeysController(ConsoleController):
    """One's own passkeys: list and remove. Those of others only commands remove."""

    path = PASSKEYS
    dependencies = {"passkeys": provide(lambda use_cases: use_cases.of(StaffPasskeysFeature))}

    @get("/")
    async def list_passkeys(
        self, request: ConsoleRequest, passkeys: Injected[StaffPasskeysFeature]
    ) -> Template:
        found = await passkeys.list_own(_user(request))
        return render(
            request, "staff_passkeys/list.html", passkeys=found, impossible=passkeys.why_not
        )

    @get(_REMOVE)
    async def ask(
        self,
        request: ConsoleRequest,
        passkeys: Injected[StaffPasskeysFeature],
        passkey_id: FromPath[str],
    ) -> Template:
        if not request.operator.has_fresh_login:
            raise FreshLoginRequired
        found = await passkeys.list_own(_user(request))
        passkey = next((each for each in found if each.id == passkey_id), None)
        if passkey is None:
            raise PasskeyNotFound
        return render(
            request, "staff_passkeys/remove.html", passkey=passkey, is_last=len(found) == 1
        )

    @post(_REMOVE, status_code=200)
    async def remove(
        self,
        request: ConsoleRequest,
        passkeys: Injected[StaffPasskeysFeature],
        passkey_id: FromPath[str],
    ) -> Response[Any]:
        """Remove the passkey. If it opened this session, the next page is the sign-in."""
        await passkeys.remove_own(_user(request), passkey_id)
        return see_other(PASSKEYS, "passkey_removed")


def _user(request: ConsoleRequest) -> ConsoleUser:
    session = request.console_session
    if session is None:
        raise Unauthenticated
    return ConsoleUser(session, request.operator)


_ENROLMENT_TEMPLATE: Final = "staff_passkeys/enrol.html"


class PasskeyEnrolmentController(ConsoleController):
    """The page that adds a passkey. Its steps follow from what its form has.

    1. A name, and the secret of a link, which the script takes from the fragment: no server and no
       proxy sees that in an address. Or the response of a passkey that its owner has, which brings
       such a secret.
    2. The response of the authenticator that made the new one.
    """

    path = PASSKEY_ENROLMENT
    middleware = [SignInMiddleware()]
    dependencies = {"passkeys": provide(lambda use_cases: use_cases.of(StaffPasskeysFeature))}

    @get("/")
    async def show_first_step(
        self, request: ConsoleRequest, passkeys: Injected[StaffPasskeysFeature]
    ) -> Template:
        """Return the form for the name, which also uses a passkey if the address says so."""
        step = "use" if request.query_params.get("with") == "passkey" else "link"
        context = await _describe_enrolment(request, passkeys, step, request.device_name or "")
        return render_before_session(request, _ENROLMENT_TEMPLATE, error="", **context)

    @post("/", status_code=200)
    async def go_on(
        self, request: ConsoleRequest, passkeys: Injected[StaffPasskeysFeature]
    ) -> Response[Any]:
        # It reads the database without a session.
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
            context = await _describe_enrolment(request, passkeys, "create", name, secret)
        except DomainError as error:
            context = await _describe_again(request, passkeys, form, error)
            return show_again(request, _ENROLMENT_TEMPLATE, error, **context)
        return render(request, _ENROLMENT_TEMPLATE, error="", **context)


async def _describe_enrolment(
    request: ConsoleRequest, passkeys: StaffPasskeysFeature, step: str, name: str, secret: str = ""
) -> dict[str, Any]:
    options = ""
    if not passkeys.why_not:
        if step == "create":
            options = await passkeys.start_enrolment(secret)
        elif step == "use":
            options = passkeys.start_use_for_enrolment()
    script = describe_script(request, passkeys, options)
    return {"step": step, "passkey_name": name, "secret": secret, **script}


async def _describe_again(
    request: ConsoleRequest,
    passkeys: StaffPasskeysFeature,
    form: Mapping[str, str],
    error: DomainError,
) -> dict[str, Any]:
    """Return the page of the same step, or of the first one where that is the way out."""
    step, name, secret = form["step"], form["name"], form["secret"]
    if step == "create" and isinstance(error, InvalidValue) and form["response"]:
        step = "link"  # another name
    try:
        return await _describe_enrolment(request, passkeys, step, name, secret)
    except DomainError:
        return await _describe_enrolment(request, passkeys, "link", name)


PART: Final = ConsolePart(
    templates=Path(__file__).parent,
    controllers=(
        PasskeySignInController,
        PasskeyEnrolmentController,
        OwnPasskeysController,
    ),
    navigation=((80, "Passkeys", PASSKEYS, None),),
    done={
        "passkey_added": "The passkey is added. All other sessions of the console have ended.",
        "passkey_removed": "The passkey is removed.",
        "passkey_needed": "This needs a sign-in with a passkey.",
        "passkey_required": "The code was right, but this account needs its passkey.",
        "passkey_missing": (
            "The code was right, but this account needs a passkey, and has none. Ask whoever runs"
            " commands on the machine of the service for a link for the first one."
        ),
    },
    files={
        "/console/passkeys.js": ServedFile(
            "text/javascript", (Path(__file__).parent / "passkeys.js").read_bytes
        )
    },
    scripted_paths=(PASSKEY_SIGN_IN, PASSKEY_ENROLMENT),
)
