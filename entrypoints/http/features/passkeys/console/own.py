"""The passkeys of whoever is signed in."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Template

from application.features.console.authenticate import ConsoleUser
from application.features.passkeys.feature import PasskeysFeature
from domain.errors import FreshLoginRequired, Unauthenticated
from domain.features.passkeys.errors import PasskeyNotFound
from entrypoints.http.features.console.console_controller import ConsoleController
from entrypoints.http.features.console.redirects import PASSKEYS
from entrypoints.http.features.console.render import render, see_other
from entrypoints.http.features.console.request import ConsoleRequest
from entrypoints.http.requests.dependencies import Injected, provide

_REMOVE: Final = "/{passkey_id:str}/remove"


class OwnPasskeysController(ConsoleController):
    """One's own passkeys: list and remove. Those of others only commands remove."""

    path = PASSKEYS
    dependencies = {"passkeys": provide(lambda use_cases: use_cases.of(PasskeysFeature))}

    @get("/")
    async def list_passkeys(
        self, request: ConsoleRequest, passkeys: Injected[PasskeysFeature]
    ) -> Template:
        found = await passkeys.list_own(_user(request))
        return render(request, "passkeys/list.html", passkeys=found, impossible=passkeys.why_not)

    @get(_REMOVE)
    async def ask(
        self,
        request: ConsoleRequest,
        passkeys: Injected[PasskeysFeature],
        passkey_id: FromPath[str],
    ) -> Template:
        if not request.operator.has_fresh_login:
            raise FreshLoginRequired
        found = await passkeys.list_own(_user(request))
        passkey = next((each for each in found if each.id == passkey_id), None)
        if passkey is None:
            raise PasskeyNotFound
        return render(request, "passkeys/remove.html", passkey=passkey, is_last=len(found) == 1)

    @post(_REMOVE, status_code=200)
    async def remove(
        self,
        request: ConsoleRequest,
        passkeys: Injected[PasskeysFeature],
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
