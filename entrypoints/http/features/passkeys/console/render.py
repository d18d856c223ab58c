"""What the pages with the script have."""

from collections.abc import Awaitable, Callable
from typing import Any

from application.features.passkeys.feature import PasskeysFeature
from domain.errors import InvalidValue
from entrypoints.http.features.console.request import ConsoleRequest


async def describe_script(
    request: ConsoleRequest, passkeys: PasskeysFeature, start: Callable[[], Awaitable[str]]
) -> dict[str, Any]:
    """Return what the script finds in the page, or why it has nothing to do.

    `start` makes a challenge, and returns it in the options for the browser.
    """
    return {
        "impossible": passkeys.why_not,
        "origin": request.settings.server.public_origin,
        "options": "" if passkeys.why_not else await start(),
    }


def no_response() -> InvalidValue:
    """Return the error of a form that the script did not fill in."""
    return InvalidValue(
        "The script of this page did not run, so nothing was sent that could be used. Allow scripts"
        " for this page, load it again, and try again."
    )
